// A stolen record key: what the log had before the theft verifies, whatever came later does not, whatever date it claims. And chains of years ago.
import { describe, expect, it } from "vitest";
import type { JsonObject } from "../../src/crypto/json.ts";
import { signJws } from "../../src/crypto/jws.ts";
import { formatSdJwt } from "../../src/crypto/sd-jwt.ts";
import { chainDigest, chainText } from "../../src/federation/chain-digest.ts";
import { parseNodeMetadata } from "../../src/federation/node-metadata.ts";
import { verifyTrustChain } from "../../src/federation/trust-chain.ts";
import { commitment, formatEntry, randomTag, stateTag, ZERO_SALT } from "../../src/log/entry.ts";
import { leafHash } from "../../src/log/merkle.ts";
import type { VerifierPolicy } from "../../src/verification/policy.ts";
import type { VerificationReport } from "../../src/verification/report.ts";
import { createStateVerifier } from "../../src/verification/state-statement.ts";
import { createVerifier } from "../../src/verification/verifier.ts";
import { caughtCode } from "../caught-code.ts";
import { createEntity, keySet, nodeMetadata, signChain } from "../chain-fixture.ts";
import {
  createRecordWorld,
  evidenceOf,
  fillLog,
  type LoggedVersion,
  logVersion,
  NOW,
  type RecordWorld,
  receiptOf,
} from "../record-fixture.ts";

const YEARS = 3 * 365 * 86_400;

/** The node's metadata names a new record key, and the old one as stolen once the log had `logSize` entries. */
function reportOldKey(world: RecordWorld, logSize: number): void {
  const { node } = world;
  const draft = world.chain.statements[0]!;
  const metadata = nodeMetadata(node, ["districts"]);
  const next = createEntity("https://unused.example").record.publicKey;
  draft.claims = {
    ...draft.claims,
    metadata: {
      registry_node: {
        ...metadata,
        jwks: keySet(next),
        revoked_jwks: {
          keys: [
            {
              ...node.record.publicKey.jwk,
              revoked: { revoked_at: NOW - 50, reason: "compromised" },
              log_size: logSize,
            },
          ],
        },
      },
    },
  };
}

function verify(world: RecordWorld, evidence: unknown, policy: Partial<VerifierPolicy> = {}, now = NOW) {
  return createVerifier({ anchors: world.chain.anchors, statusMaxAgeSeconds: 300, ...policy }).verify(evidence, {
    now,
  });
}

const codeOf = (report: VerificationReport, name: string) => {
  const found = report.checks.find(({ check }) => check === name);
  return [found?.result, found?.code];
};

describe("a record by a key that was reported", () => {
  async function sample(logSize: number, payload: JsonObject = {}) {
    const world = createRecordWorld();
    fillLog(world, 20);
    const logged = await logVersion(world, { payload });
    fillLog(world, 9);
    reportOldKey(world, logSize);
    return { world, logged, evidence: await evidenceOf(world, logged) };
  }

  it("verifies where the log had it before, and says so", async () => {
    const { world, evidence } = await sample(21);
    const report = await verify(world, evidence);
    expect(codeOf(report, "signature")).toEqual(["pass", "passed_before_report"]);
    expect(report.valid).toBe(true);
  });

  it.each([
    ["as it is", {}],
    ["backdated by a year", { iat: NOW - 365 * 86_400 }],
  ])("is refused where the log had it later, %s", async (_name, payload) => {
    const { world, evidence } = await sample(20, payload);
    const report = await verify(world, evidence);
    expect(codeOf(report, "signature")).toEqual(["fail", "key_compromised"]);
    expect(codeOf(report, "inclusion")[0]).toBe("pass");
    expect(report.valid).toBe(false);
  });

  it.each([
    ["no receipt", (evidence: JsonObject): JsonObject => ({ ...evidence, receipts: {} })],
    [
      "the receipt of another index",
      (evidence: JsonObject): JsonObject => ({
        ...evidence,
        receipts: {
          recent: String((evidence.receipts as JsonObject).recent).replace("\nindex 20\n", "\nindex 3\n"),
        },
      }),
    ],
  ])("is refused with %s, even by a policy that requires no place in the log", async (_name, change) => {
    const { world, evidence } = await sample(21);
    const changed = change(evidence as unknown as JsonObject);
    const report = await verify(world, changed, { required: ["format", "signature", "issuer"] });
    expect(codeOf(report, "signature")).toEqual(["fail", "key_compromised"]);
    expect(report.valid).toBe(false);
  });

  it("is refused with a wrong signature, whenever it was logged", async () => {
    const { world, logged, evidence } = await sample(21);
    const [header, payload] = logged.jwt.split(".");
    const forged = `${header}.${payload}.${"A".repeat(86)}`;
    const report = await verify(world, { ...evidence, token: formatSdJwt(forged, logged.disclosures) });
    expect(codeOf(report, "signature")).toEqual(["fail", "signature_invalid"]);
  });
});

describe("a state statement by a key that was reported", () => {
  it.each([
    [21, undefined],
    [20, "key_compromised"],
  ])("with %i good entries ends with %s", async (logSize, code) => {
    const world = createRecordWorld();
    fillLog(world, 20);
    const { k } = await logVersion(createRecordWorld());
    const { ridFromKey } = await import("../../src/records/rid.ts");
    const rid = ridFromKey(k);
    const payload = { iss: world.node.id, rid, rver: 1, op: "revoke", iat: NOW - 99, act: { operation: "revoke" } };
    const statement = await signJws({ signer: world.node.record, typ: "attestry-state+jwt", payload });
    const c = commitment("revoke", ZERO_SALT, statement);
    const entry = formatEntry({ c, e: "revoke", r: stateTag(k, 1), t: NOW - 90, v: 1 });
    world.leaves.push(leafHash(entry));
    reportOldKey(world, logSize);
    const logged = { index: 20, salt: ZERO_SALT, k, entry } as LoggedVersion;
    const receipt = await receiptOf(world, logged);
    const statements = await signChain(world.chain);
    const chain = await verifyTrustChain({ statements, anchors: world.chain.anchors, now: NOW });
    const href = `${world.node.id}/registries/districts/records/${rid}`;
    const outcome = await createStateVerifier()({ statement, receipt, number: 1 }, { chain, href }).then(
      () => undefined,
      (error: { code: string }) => error.code,
    );
    expect(outcome).toBe(code);
  });
});

describe("metadata with reported keys", () => {
  const entity = createEntity("https://local.example/node");
  const reported = (changes: JsonObject = {}): JsonObject => ({
    ...createEntity("https://x.example").record.publicKey.jwk,
    revoked: { revoked_at: 5, reason: "compromised" },
    log_size: 3,
    ...changes,
  });
  const parse = (keys: unknown) =>
    parseNodeMetadata(entity.id, { ...nodeMetadata(entity, []), revoked_jwks: { keys } as JsonObject });

  it("is read with the place in the log of each", () => {
    const key = reported();
    const { keys, metadata } = parse([key]);
    expect(keys.revoked).toEqual([expect.objectContaining({ revokedAt: 5, logSize: 3 })]);
    expect(metadata.revoked_jwks).toEqual({ keys: [key] });
    expect(parse([]).keys.revoked).toBeUndefined();
  });

  it("is refused where a key has no place, stands in jwks too, stands twice, is weak, or there are too many", () => {
    const { log_size: _place, ...without } = reported();
    const twice = reported();
    const weak = reported({ x: "AQAAAAAAAAAAAAAAAAAAAAAAAAAAAAAAAAAAAAAAAAA", kid: undefined as never });
    const listed = { ...entity.record.publicKey.jwk, revoked: { revoked_at: 5, reason: "compromised" }, log_size: 3 };
    const many = Array.from({ length: 33 }, () => reported());
    for (const keys of [[without], [reported({ log_size: -1 })], [twice, twice], [weak], [listed], many, "x", [7]])
      expect(caughtCode(() => parse(keys))).toBe("node_metadata_invalid");
  });
});

describe("an archived chain", () => {
  async function archived(options: { before?: boolean; operation?: "chain" | "key"; as?: "key"; text?: string } = {}) {
    const world = createRecordWorld();
    fillLog(world, 5);
    const chain = await signChain(world.chain);
    const object = options.text ?? chainText(chain);
    const operation = options.operation ?? "chain";
    const entry = formatEntry({
      c: commitment(operation, ZERO_SALT, object),
      e: options.as ?? operation,
      r: randomTag(new Uint8Array(32).fill(7)),
      t: NOW - 95,
      v: 1,
    });
    const log = () => {
      world.leaves.push(leafHash(entry));
      return world.leaves.length - 1;
    };
    const early = options.before === false ? undefined : log();
    const logged = await logVersion(world);
    const index = early ?? log();
    fillLog(world, 3);
    const receipt = await receiptOf(world, { index, salt: ZERO_SALT, entry } as LoggedVersion, { hasKey: false });
    const evidence = await evidenceOf(world, logged);
    return { world, evidence: { ...evidence, archive: { chain, receipt } } };
  }
  const offline = {
    allowArchivedChain: true,
    required: ["format", "signature", "issuer", "authority", "schema", "inclusion"],
  } as const satisfies Partial<VerifierPolicy>;

  it("proves a record years after the statements of then have expired, for a policy that takes it", async () => {
    const { world, evidence } = await archived();
    const report = await verify(world, evidence, offline, NOW + YEARS);
    expect(codeOf(report, "issuer")).toEqual(["pass", "passed_by_archive"]);
    expect(report.valid).toBe(true);
    const { chain: _today, ...withoutToday } = evidence;
    expect((await verify(world, withoutToday, offline, NOW + YEARS)).valid).toBe(true);
  });

  it("counts for nobody else, and the status list of then stays outdated", async () => {
    const { world, evidence } = await archived();
    const unasked = await verify(world, evidence, { required: offline.required }, NOW + YEARS);
    expect(codeOf(unasked, "issuer")).toEqual(["not_checked", "chain_expired"]);
    const whole = await verify(world, evidence, { allowArchivedChain: true }, NOW + YEARS);
    expect(codeOf(whole, "status")).toEqual(["not_checked", "status_stale"]);
    expect(whole.valid).toBe(false);
  });

  it.each([
    ["was logged after the record", { before: false }],
    ["is committed to as something else", { operation: "key" as const }],
    ["stands in the log as something else", { as: "key" as const }],
    ["is not the one that the log commits to", { text: "[]" }],
  ])("is refused where it %s", async (_name, options) => {
    const { world, evidence } = await archived(options);
    const report = await verify(world, evidence, offline, NOW + YEARS);
    expect(codeOf(report, "issuer")).toEqual(["fail", "archive_unproved"]);
    expect(report.valid).toBe(false);
  });

  it("is refused under a foreign anchor, and never replaces statements of today that are false", async () => {
    const { world, evidence } = await archived();
    const foreign = createRecordWorld();
    const report = await verify(foreign, evidence, offline, NOW + YEARS);
    expect(report.valid).toBe(false);
    const forged = { ...evidence, chain: evidence.chain.map((text) => `${text.slice(0, -4)}AAAA`) };
    expect(codeOf(await verify(world, forged, offline), "issuer")[0]).toBe("fail");
  });

  it("has one digest as long as keys, types and policy are the same, whenever it was signed", async () => {
    const world = createRecordWorld();
    const first = chainDigest(await signChain(world.chain));
    for (const statement of world.chain.statements) statement.claims = { ...statement.claims, iat: NOW, exp: NOW + 9 };
    expect(chainDigest(await signChain(world.chain))).toBe(first);
    const changed = createRecordWorld();
    const [subject, subordinate] = world.chain.statements;
    const policy = subordinate!.claims;
    subordinate!.claims = { ...policy, metadata_policy: { registry_node: { registry_types: { subset_of: [] } } } };
    expect(chainDigest(await signChain(world.chain))).not.toBe(first);
    subordinate!.claims = policy;
    const { claims } = subject!;
    const node = (claims.metadata as JsonObject).registry_node as JsonObject;
    for (const part of [{ jwks: keySet(changed.node.record.publicKey) }, { registry_types: [] }]) {
      subject!.claims = { ...claims, metadata: { registry_node: { ...node, ...part } } };
      expect(chainDigest(await signChain(world.chain))).not.toBe(first);
    }
    subject!.claims = { ...claims, metadata: { registry_node: { ...node, organization_name: "Renamed" } } };
    expect(chainDigest(await signChain(world.chain))).toBe(first);
  });
});
