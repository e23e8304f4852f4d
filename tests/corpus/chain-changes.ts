// Corpus: samples whose issuer reported its old record key, or whose chain was archived in the log. Judges nothing.
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
  type VersionDraft,
} from "../record-fixture.ts";
import { corpusSeeds, sample } from "./corpus-case.ts";

/** Lays members over what the node says of itself. */
export function changeNode(world: RecordWorld, changes: JsonObject): void {
  const statement = world.chain.statements[0]!;
  const metadata = { registry_node: { ...nodeMetadata(world.node, ["districts"]), ...changes } };
  statement.claims = { ...statement.claims, metadata };
}

/** The record at index 41, by a key that was reported once the log had `logSize` entries. */
export async function reportedSample(logSize: number, draft: VersionDraft = {}): Promise<Evidence> {
  const { world, logged } = await sample(draft);
  const next = createSeededEntity("https://next.example", corpusSeeds).record.publicKey;
  const revoked = { revoked_at: NOW - 50, reason: "compromised" };
  changeNode(world, {
    jwks: keySet(next),
    revoked_jwks: { keys: [{ ...world.node.record.publicKey.jwk, revoked, log_size: logSize }] },
  });
  return evidenceOf(world, logged);
}

function logChain(world: RecordWorld, statements: readonly string[]): LoggedVersion {
  const c = commitment("chain", ZERO_SALT, chainText(statements));
  const r = c.replaceAll("_", "-");
  const entry = formatEntry({ c, e: "chain", r, t: NOW - 95, v: 1 });
  world.leaves.push(leafHash(entry));
  return { jwt: "", disclosures: [], index: world.leaves.length - 1, salt: ZERO_SALT, k: fixedBytes("no key"), entry };
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
  const archived = when === "before" ? logChain(world, chain) : undefined;
  fillLog(world, 3);
  const logged = await logVersion(world);
  const entry = archived ?? logChain(world, chain);
  fillLog(world, 5);
  const receipt = await receiptOf(world, entry, { hasKey: false });
  return { world, logged, evidence: await evidenceOf(world, logged), archive: { chain, receipt } };
}
