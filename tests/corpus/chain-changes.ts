// Corpus: samples whose issuer reported its old record key, or whose chain was archived in the log. Judges nothing.
import { encodeBase64url } from "../../src/crypto/base64.ts";
import type { JsonObject } from "../../src/crypto/json.ts";
import { chainText } from "../../src/federation/chain-digest.ts";
import { commitment, formatEntry, ZERO_SALT } from "../../src/log/entry.ts";
import { leafHash } from "../../src/log/merkle.ts";
import type { Evidence } from "../../src/verification/evidence.ts";
import { createSeededEntity, keySet, nodeMetadata, signChain } from "../chain-fixture.ts";
import {
  createRecordWorld,
  evidenceOf,
  fillLog,
  fixedBytes,
  type LoggedVersion,
  logVersion,
  NOW,
  type RecordWorld,
  receiptOf,
  signStatusList,
  type VersionDraft,
} from "../record-fixture.ts";
import { corpusSeeds, sample } from "./corpus-case.ts";

/** When the statements of then have expired. */
export const LATER = NOW + 7_200;

/** Lays members over what the node says of itself. */
export function changeNode(world: RecordWorld, changes: JsonObject): void {
  const statement = world.chain.statements[0]!;
  const metadata = { registry_node: { ...nodeMetadata(world.node, ["districts"]), ...changes } };
  statement.claims = { ...statement.claims, metadata };
}

/** The node names another record key, and its old one as stolen once the log had `logSize` entries. */
export function reportKey(world: RecordWorld, logSize: number): void {
  const next = createSeededEntity("https://next.example", corpusSeeds).record.publicKey;
  const revoked = { revoked_at: NOW - 50, reason: "compromised" };
  changeNode(world, {
    jwks: keySet(next),
    revoked_jwks: { keys: [{ ...world.node.record.publicKey.jwk, revoked, log_size: logSize }] },
  });
}

/** The record at index 41, by a key that was reported once the log had `logSize` entries. */
export async function reportedSample(logSize: number, draft: VersionDraft = {}): Promise<Evidence> {
  const { world, logged } = await sample(draft);
  reportKey(world, logSize);
  return evidenceOf(world, logged);
}

/** Logs a public object: an archived chain, a status list. */
export function logPublic(world: RecordWorld, operation: "chain" | "status", object: string): LoggedVersion {
  const c = commitment(operation, ZERO_SALT, object);
  const r = encodeBase64url(fixedBytes(`tag of ${c}`));
  const entry = formatEntry({ c, e: operation, r, t: NOW - 95, v: 1 });
  world.leaves.push(leafHash(entry));
  return { jwt: "", disclosures: [], index: world.leaves.length - 1, salt: ZERO_SALT, k: fixedBytes("no key"), entry };
}

/** The sample with its status list in the log, and the receipt of that, or of another list's place. */
export async function statusReceiptSample(of: "its own" | "another's" = "its own"): Promise<Evidence> {
  const { world, logged } = await sample();
  const token = await signStatusList(world);
  const listed = logPublic(world, "status", token);
  const other = logPublic(world, "status", await signStatusList(world, { claims: { iat: NOW - 19 } }));
  const receipt = await receiptOf(world, of === "its own" ? listed : other, { hasKey: false });
  return { ...(await evidenceOf(world, logged)), status: { token, receipt } };
}

/** A record, and the chain that was archived before it or after it. */
export async function archivedSample(when: "before" | "after"): Promise<{
  world: RecordWorld;
  logged: LoggedVersion;
  evidence: Evidence;
  archive: NonNullable<Evidence["archive"]>;
}> {
  const world = createRecordWorld(undefined, corpusSeeds);
  fillLog(world, 10);
  const chain = await signChain(world.chain);
  const archived = when === "before" ? logPublic(world, "chain", chainText(chain)) : undefined;
  fillLog(world, 3);
  const logged = await logVersion(world);
  const entry = archived ?? logPublic(world, "chain", chainText(chain));
  fillLog(world, 5);
  const receipt = await receiptOf(world, entry, { hasKey: false });
  return { world, logged, evidence: await evidenceOf(world, logged), archive: { chain, receipt } };
}
