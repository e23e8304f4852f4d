// The ordered checks of one record: each passes on a true record and fails, by its code, on each false one.
import { describe, expect, it } from "vitest";
import { encodeBase64, encodeBase64url } from "../../src/crypto/base64.ts";
import { encodeUtf8, sha256 } from "../../src/crypto/hash.ts";
import type { JsonObject } from "../../src/crypto/json.ts";
import { decodeJws, signJws } from "../../src/crypto/jws.ts";
import { formatSdJwt } from "../../src/crypto/sd-jwt.ts";
import { formatExtra, formatReceipt, parseExtra, parseReceipt } from "../../src/log/receipt.ts";
import { type Evidence, parseEvidenceText } from "../../src/verification/evidence.ts";
import { CHECK_NAMES, type CheckName, type VerifierPolicy, type VerifyOptions } from "../../src/verification/policy.ts";
import type { VerificationCode, VerificationReport } from "../../src/verification/report.ts";
import { createVerifier, type Verifier } from "../../src/verification/verifier.ts";
import { caughtCode } from "../caught-code.ts";
import { signChain } from "../chain-fixture.ts";
import { statusReceiptSample } from "../corpus/chain-changes.ts";
import { sample } from "../corpus/corpus-case.ts";
import { corpusPolicy } from "../evidence-corpus.ts";
import {
  createRecordWorld,
  createSample,
  DEFINITION,
  evidenceOf,
  fillLog,
  type LoggedVersion,
  logVersion,
  NOW,
  type RecordWorld,
  receiptOf,
  signCheckpoint,
  signStatusList,
  type VersionDraft,
} from "../record-fixture.ts";

type Sample = { world: RecordWorld; logged: LoggedVersion; evidence: Evidence };
type Changes = { policy?: Partial<VerifierPolicy>; options?: Partial<VerifyOptions> };

function verifierOf(world: RecordWorld, policy: Partial<VerifierPolicy> = {}): Verifier {
  return createVerifier({ anchors: world.chain.anchors, statusMaxAgeSeconds: 300, ...policy });
}

function verify(world: RecordWorld, evidence: unknown, { policy, options }: Changes = {}): Promise<VerificationReport> {
  return verifierOf(world, policy).verify(evidence, { now: NOW, ...options });
}

/** What did not pass although it was required, as "check: code", without what merely followed from it. */
function faults(report: VerificationReport): string[] {
  return report.checks
    .filter(({ check, result }) => result !== "pass" && report.required.includes(check))
    .filter(({ code }) => code !== "prerequisite_failed")
    .map(({ check, code }) => `${check}: ${code}`);
}

function codeOf(report: VerificationReport, check: CheckName): VerificationCode | undefined {
  return report.checks.find((outcome) => outcome.check === check)?.code;
}

async function faultsOf(draft: VersionDraft, changes?: Changes): Promise<string[]> {
  const { world, evidence } = await createSample(draft);
  return faults(await verify(world, evidence, changes));
}

function replaceDefinition(changes: JsonObject): { definition: string } {
  return { definition: JSON.stringify({ ...DEFINITION, ...changes }) };
}

describe("a policy that a program wrote", () => {
  it.each<[string, JsonObject]>([
    ["no age of status lists", { statusMaxAgeSeconds: undefined as never }],
    ["an age that is no number", { statusMaxAgeSeconds: Number.NaN }],
    ["an age of checkpoints that is no number", { checkpointMaxAgeSeconds: "a day" }],
  ])("with %s makes no verifier", async (_, changes) => {
    const world = await createRecordWorld();
    const code = caughtCode(() => verifierOf(world, changes as Partial<VerifierPolicy>));
    expect(code).toBe("verifier_policy_invalid");
  });
});

describe("a policy that requires nothing", () => {
  it("makes no other record than the one asked for valid", async () => {
    const { world, evidence } = await createSample();
    const policy = { required: [] };
    expect((await verify(world, evidence, { policy })).verdict).toBe("valid");
    const asked = { policy, options: { expected: { version: 2 } } };
    expect((await verify(world, evidence, asked)).verdict).toBe("invalid");
  });
});

describe("a true record", () => {
  it("is valid, and the report names every check in order", async () => {
    const { world, logged, evidence } = await createSample();
    const report = await verify(world, evidence);
    expect(report.valid).toBe(true);
    expect(report.checks.map(({ check }) => check)).toEqual([...CHECK_NAMES]);
    expect(report.checks.filter(({ result }) => result === "pass").map(({ check }) => check)).toEqual(report.required);
    expect(report.checks.filter(({ result }) => result === "not_checked").map(({ code }) => code)).toEqual([
      "witness_policy_missing",
      "presentation_missing",
      "references_not_asked",
    ]);
    expect(report.record).toMatchObject({
      issuer: world.node.id,
      anchor: world.anchor.id,
      version: 1,
      digest: encodeBase64url(sha256(logged.jwt)),
      data: { code: "021", name: "Northmarch", officer: "A. Person", parts: ["upper", "lower"] },
      undisclosedCount: 0,
    });
  });

  it("is valid with fields withheld, though the definition requires them", async () => {
    const definition = JSON.stringify({
      ...DEFINITION,
      schema: { ...(DEFINITION.schema as JsonObject), required: ["code", "name", "officer"], minProperties: 4 },
    });
    const { world, logged, evidence } = await createSample({ definition });
    const report = await verify(world, { ...evidence, definition, token: formatSdJwt(logged.jwt, []) });
    expect(report.valid).toBe(true);
    expect(report.record?.data).toEqual({ code: "021", name: "Northmarch", parts: [] });
    expect(report.record?.undisclosedCount).toBe(3);
  });

  it("is valid with parts of its act withheld, which loosens nothing of what its definition requires", async () => {
    const act = { operation: "create", role: "registrar", by: "a pseudonym" };
    const data = { code: "021", name: "Northmarch" };
    const { world, logged, evidence } = await createSample({ payload: { act }, data });
    expect(logged.disclosures).toHaveLength(1);
    const open = { ...evidence, token: formatSdJwt(logged.jwt, []) };
    const report = await verify(world, open);
    expect(report).toMatchObject({ valid: true, record: { undisclosedCount: 0 } });
    expect(report.record?.claims.act).toEqual({ operation: "create", role: "registrar" });
    const told = await verify(world, evidence);
    expect(told.record?.claims.act).toEqual(act);
    const schema = { ...(DEFINITION.schema as JsonObject), required: ["code", "name", "officer"] };
    const stricter = JSON.stringify({ ...DEFINITION, schema });
    const lacking = await createSample({ payload: { act }, data, definition: stricter });
    const withheld = { ...lacking.evidence, definition: stricter, token: formatSdJwt(lacking.logged.jwt, []) };
    expect((await verify(lacking.world, withheld)).checks).toContainEqual(
      expect.objectContaining({ check: "schema", result: "fail", code: "data_invalid" }),
    );
  });

  it("is valid under a pin of its version and digest, and with the first receipt beside the recent one", async () => {
    const { world, logged, evidence } = await createSample();
    const first = await receiptOf(world, logged, { size: 42 });
    const expected = { href: (await verify(world, evidence)).record!.href, version: 1, registryType: "districts" };
    const report = await verify(
      world,
      { ...evidence, receipts: { ...evidence.receipts, first } },
      { options: { expected: { ...expected, digest: encodeBase64url(sha256(logged.jwt)) } } },
    );
    expect(faults(report)).toEqual([]);
    expect(report.valid).toBe(true);
  });

  it("is valid as version 2 with an amend entry", async () => {
    expect(await faultsOf({ version: 2 })).toEqual([]);
  });

  it("survives being written to a file and read again", async () => {
    const { world, evidence } = await createSample();
    const report = await verify(world, parseEvidenceText(JSON.stringify(evidence)));
    expect(report.valid).toBe(true);
  });
});

describe("format", () => {
  it.each<[string, (sample: Sample) => unknown, VerificationCode]>([
    ["null", () => null, "evidence_invalid"],
    ["a text", ({ evidence }) => evidence.token, "evidence_invalid"],
    ["no token", ({ evidence }) => ({ ...evidence, token: undefined }), "evidence_invalid"],
    ["a token that is a number", ({ evidence }) => ({ ...evidence, token: 7 }), "evidence_invalid"],
    [
      "anchors of its own",
      ({ world, evidence }) => ({ ...evidence, anchors: world.chain.anchors }),
      "evidence_invalid",
    ],
    ["a chain that is a text", ({ evidence }) => ({ ...evidence, chain: evidence.chain[0] }), "evidence_invalid"],
    ["a chain of a hundred", ({ evidence }) => ({ ...evidence, chain: Array(100).fill("x") }), "evidence_invalid"],
    [
      "receipts as a list",
      ({ evidence }) => ({ ...evidence, receipts: [evidence.receipts.recent] }),
      "evidence_invalid",
    ],
    [
      "a token without its last ~",
      ({ evidence }) => ({ ...evidence, token: evidence.token.slice(0, -1) }),
      "token_malformed",
    ],
    ["a bare JWT", ({ evidence, logged }) => ({ ...evidence, token: logged.jwt }), "token_malformed"],
    [
      "a key binding",
      ({ evidence }) => ({ ...evidence, token: `${evidence.token}e30.e30.AAAA` }),
      "key_binding_unsupported",
    ],
    [
      "a disclosure twice",
      ({ evidence, logged }) => ({ ...evidence, token: `${evidence.token}${logged.disclosures[0]}~` }),
      "disclosure_invalid",
    ],
    [
      "a foreign disclosure",
      ({ evidence }) => ({
        ...evidence,
        token: `${evidence.token}${encodeBase64url(encodeUtf8('["c2FsdA","name","X"]'))}~`,
      }),
      "disclosure_invalid",
    ],
  ])("refuses %s", async (_, change, code) => {
    const sample = await createSample();
    const report = await verify(sample.world, change(sample));
    expect(faults(report)).toContain(`format: ${code}`);
    expect(report.valid).toBe(false);
    expect(report.record).toBeUndefined();
  });

  it.each<[string, VersionDraft]>([
    ["vct of another node", { payload: { vct: "https://other.example/registries/districts/schema/1" } }],
    [
      "vct of a node whose name is as long",
      { payload: { vct: "https://lokal.example/node/registries/districts/schema/1" } },
    ],
    [
      "vct that only starts like the issuer",
      { payload: { vct: "https://local.example/node.evil/registries/districts/schema/1" } },
    ],
    ["no vct#integrity", { payload: { "vct#integrity": undefined } }],
    ["a rid of UUID version 4", { payload: { rid: "d8989cce-a4e3-4a7a-b4cc-df2f5e151568" } }],
    ["a rid in capitals", { payload: { rid: "D8989CCE-A4E3-8A7A-B4CC-DF2F5E151568" } }],
    ["version 0", { payload: { rver: 0 } }],
    ["version 1.5", { payload: { rver: 1.5 } }],
    ["a prev in version 1", { payload: { prev: encodeBase64url(sha256("x")) } }],
    ["no prev in version 2", { version: 2, payload: { prev: undefined } }],
    ["no act", { payload: { act: undefined } }],
    ["data that is a list", { payload: { data: [] } }],
    ["an impossible date", { payload: { valid_until: "2027-02-30" } }],
    ["a time without zone", { payload: { valid_from: "2026-01-01T00:00:00" } }],
    [
      "a negative status index",
      { payload: { status: { status_list: { idx: -1, uri: "https://local.example/node/status/1" } } } },
    ],
  ])("refuses %s", async (_, draft) => {
    expect(await faultsOf(draft)).toEqual(["format: claims_invalid"]);
  });

  it("refuses another kind of token and another algorithm", async () => {
    expect(await faultsOf({ typ: "vc+sd-jwt" })).toEqual(["format: token_type_wrong"]);
    const { world, logged, evidence } = await createSample();
    const [, payload, signature] = logged.jwt.split(".");
    const header = encodeBase64url(encodeUtf8(JSON.stringify({ alg: "EdDSA", typ: "dc+sd-jwt" })));
    const report = await verify(world, { ...evidence, token: `${header}.${payload}.${signature}~` });
    expect(faults(report)).toEqual(["format: algorithm_not_allowed"]);
  });

  it.each<[string, VerifyOptions["expected"] & object, VerificationCode]>([
    ["another record", { href: "https://local.example/node/registries/districts/records/other" }, "href_mismatch"],
    ["another version", { version: 2 }, "version_mismatch"],
    ["another registry type", { registryType: "blocks" }, "registry_type_mismatch"],
    ["another content", { digest: encodeBase64url(sha256("other")) }, "digest_mismatch"],
  ])("refuses a true record where %s was asked for, by policy or by call", async (_, expected, code) => {
    const { world, evidence } = await createSample();
    expect(faults(await verify(world, evidence, { options: { expected } }))).toEqual([`format: ${code}`]);
    expect(faults(await verify(world, evidence, { policy: { expected } }))).toEqual([`format: ${code}`]);
  });
});

describe("signature", () => {
  it("refuses a record signed by the log key, the status key or a stranger's key", async () => {
    const world = createRecordWorld();
    const stranger = createRecordWorld().node.record;
    for (const signer of [world.node.log, world.node.status, world.node.request, world.node.federation, stranger]) {
      const logged = await logVersion(world, { label: signer.publicKey.kid, signer });
      const report = await verify(world, await evidenceOf(world, logged));
      expect(faults(report)).toEqual(["signature: signing_key_unknown"]);
      expect(codeOf(report, "inclusion")).toBe("prerequisite_failed");
    }
  });

  it("refuses a payload changed under its signature", async () => {
    const { world, logged, evidence } = await createSample();
    const [header, payload, signature] = logged.jwt.split(".") as [string, string, string];
    const changed = encodeBase64url(
      encodeUtf8(atob(payload.replaceAll("-", "+").replaceAll("_", "/")).replace("Northmarch", "Southmarch")),
    );
    const report = await verify(world, {
      ...evidence,
      token: formatSdJwt(`${header}.${changed}.${signature}`, logged.disclosures),
    });
    expect(faults(report)).toEqual(["signature: signature_invalid"]);
  });
});

describe("issuer", () => {
  it("refuses evidence that brings its own anchor's chain", async () => {
    const sample = await createSample();
    const impostor = createRecordWorld();
    const logged = await logVersion(impostor);
    const report = await verify(sample.world, await evidenceOf(impostor, logged));
    expect(faults(report)).toEqual(["issuer: issuer_unknown"]);
    expect(codeOf(report, "signature")).toBe("prerequisite_failed");
  });

  it("refuses a token whose iss is not the subject of the chain", async () => {
    const other = "https://other.example";
    const payload = { iss: other, vct: `${other}/registries/districts/schema/1` };
    expect(await faultsOf({ payload })).toEqual(["issuer: issuer_mismatch"]);
  });

  it("refuses a chain that has expired, is cut short or lacks", async () => {
    const { world, evidence } = await createSample();
    expect(faults(await verify(world, evidence, { options: { now: NOW + 3_600 } }))).toEqual(["issuer: chain_expired"]);
    expect(faults(await verify(world, { ...evidence, chain: evidence.chain.slice(0, 2) }))).toEqual([
      "issuer: chain_invalid",
    ]);
    expect(faults(await verify(world, { ...evidence, chain: [] }))).toEqual(["issuer: chain_invalid"]);
    expect(faults(await verify(world, { ...evidence, chain: undefined }))).toEqual(["issuer: chain_missing"]);
  });

  it("refuses a statement signed by another key", async () => {
    const { world, evidence } = await createSample();
    world.chain.statements[1]!.signer = world.node.federation;
    const report = await verify(world, { ...evidence, chain: await signChain(world.chain) });
    expect(faults(report)).toEqual(["issuer: chain_signature_invalid"]);
  });
});

describe("authority", () => {
  it.each([
    ["no type", []],
    ["another type", ["blocks"]],
  ])("refuses a member whose superior grants %s", async (_, granted) => {
    const { world, evidence } = await createSample({}, granted);
    expect(faults(await verify(world, evidence))).toEqual(["authority: authority_not_granted"]);
  });

  it("refuses a member about whom its superior is silent", async () => {
    const { world, evidence } = await createSample();
    world.chain.statements[1]!.claims.metadata_policy = {};
    const report = await verify(world, { ...evidence, chain: await signChain(world.chain) });
    expect(faults(report)).toEqual(["authority: authority_not_granted"]);
  });

  it("counts an anchor only for the types pinned to it", async () => {
    const { world, evidence } = await createSample();
    const anchors = world.chain.anchors.map((pin) => ({ ...pin, registry_types: ["blocks"] }));
    expect(faults(await verify(world, evidence, { policy: { anchors } }))).toEqual([
      "authority: authority_not_granted",
    ]);
  });
});

describe("schema", () => {
  it("refuses a definition whose text differs by a space", async () => {
    const { world, evidence } = await createSample();
    const report = await verify(world, { ...evidence, definition: `${evidence.definition} ` });
    expect(faults(report)).toEqual(["schema: definition_mismatch"]);
    expect(faults(await verify(world, { ...evidence, definition: undefined }))).toEqual(["schema: definition_missing"]);
  });

  it.each<[string, { definition: string }, VerificationCode]>([
    ["of another type", replaceDefinition({ type: "blocks" }), "definition_foreign"],
    ["of another registry", replaceDefinition({ name: "blocks" }), "definition_foreign"],
    ["of unknown access", replaceDefinition({ access: "friends" }), "definition_invalid"],
    ["that is no JSON", { definition: "{" }, "definition_invalid"],
    ["with a key twice", { definition: '{"name":"districts","name":"districts"}' }, "definition_invalid"],
    ["with $dynamicRef", replaceDefinition({ schema: { $dynamicRef: "#x" } }), "definition_unsupported"],
    [
      "with a foreign $ref",
      replaceDefinition({ schema: { $ref: "https://other.example/s" } }),
      "definition_unsupported",
    ],
    ["that refers to itself for ever", replaceDefinition({ schema: { $ref: "#" } }), "definition_unsupported"],
    [
      "with a pattern that runs for ever",
      replaceDefinition({ schema: { properties: { name: { pattern: "^(a+)+$" } } } }),
      "definition_unsupported",
    ],
  ])("refuses a definition %s, though the issuer signed it", async (_, { definition }, code) => {
    const { world, evidence } = await createSample({ definition });
    expect(faults(await verify(world, { ...evidence, definition }))).toEqual([`schema: ${code}`]);
  });

  it("refuses data that does not follow the definition, and names where without the value", async () => {
    const { world, evidence } = await createSample({ data: { code: "21", name: "Northmarch" } });
    const report = await verify(world, evidence);
    expect(faults(report)).toEqual(["schema: data_invalid"]);
    expect(report.checks[4]!.message).toContain("#/code: pattern");
    expect(await faultsOf({ data: { code: "021" } })).toEqual(["schema: data_invalid"]);
    expect(await faultsOf({ data: { code: "021", name: "N", extra: 1 } })).toEqual(["schema: data_invalid"]);
  });

  it("refuses wrong data behind withheld fields too", async () => {
    const { world, logged, evidence } = await createSample({ data: { code: "21", name: "N", officer: "A" } });
    const report = await verify(world, { ...evidence, token: formatSdJwt(logged.jwt, []) });
    expect(faults(report)).toEqual(["schema: data_invalid"]);
  });

  it("does not let a personal record pass before its binding can be checked", async () => {
    const { definition } = replaceDefinition({ access: "consent" });
    const { world, logged, evidence } = await createSample({ definition });
    const recent = await receiptOf(world, logged, { hasKey: false });
    const report = await verify(world, { ...evidence, definition, receipts: { recent } });
    expect(faults(report)).toEqual(["binding: presentation_missing"]);
    expect(codeOf(report, "inclusion")).toBe("passed_without_tag");
    expect(report.valid).toBe(false);
  });
});

describe("validity", () => {
  const at = (seconds: number) => new Date((NOW + seconds) * 1000).toISOString();
  it.each<[string, VersionDraft["payload"] & object, string[]]>([
    ["signed an hour ahead", { iat: NOW + 3_600 }, ["validity: issued_in_future"]],
    ["signed within the allowed skew", { iat: NOW + 30 }, []],
    ["expired this second", { exp: NOW }, ["validity: token_expired"]],
    ["expiring next second", { exp: NOW + 1 }, []],
    ["in effect from later on", { valid_from: at(1) }, ["validity: not_yet_effective"]],
    ["in effect from now", { valid_from: at(0) }, []],
    ["in effect until now", { valid_until: at(0) }, ["validity: no_longer_effective"]],
    ["in effect until later", { valid_until: at(1) }, []],
    ["in effect until today", { valid_until: at(0).slice(0, 10) }, []],
    ["in effect until yesterday", { valid_until: at(-86_400).slice(0, 10) }, ["validity: no_longer_effective"]],
    ["in effect from today", { valid_from: at(0).slice(0, 10) }, []],
  ])("judges a record %s", async (_, payload, expected) => {
    expect(await faultsOf({ payload })).toEqual(expected);
  });
});

describe("status", () => {
  it.each([
    [1, "status_revoked"],
    [2, "status_suspended"],
    [3, "status_superseded"],
  ])("refuses a version whose status is %i", async (value, code) => {
    const { world, evidence } = await createSample();
    world.statuses[1] = value;
    const report = await verify(world, { ...evidence, status: { token: await signStatusList(world) } });
    expect(faults(report)).toEqual([`status: ${code}`]);
  });

  it("accepts a superseded version under a pin of that version or a policy that allows it, and says so", async () => {
    const { world, evidence } = await createSample();
    world.statuses[1] = 3;
    const outdated = { ...evidence, status: { token: await signStatusList(world) } };
    for (const changes of [{ policy: { allowSuperseded: true } }, { options: { expected: { version: 1 } } }]) {
      const report = await verify(world, outdated, changes);
      expect(report.valid).toBe(true);
      expect(codeOf(report, "status")).toBe("status_superseded_allowed");
    }
  });

  it("does not excuse a revoked version by a pin", async () => {
    const { world, evidence } = await createSample();
    world.statuses[1] = 1;
    const revoked = { ...evidence, status: { token: await signStatusList(world) } };
    const changes = { policy: { allowSuperseded: true }, options: { expected: { version: 1 } } };
    expect(faults(await verify(world, revoked, changes))).toEqual(["status: status_revoked"]);
  });

  it.each<[string, Parameters<typeof signStatusList>[1] & object, string]>([
    ["older than the policy allows", { claims: { iat: NOW - 301 } }, "status: status_stale"],
    ["that has expired", { claims: { exp: NOW } }, "status: status_stale"],
    ["from the future", { claims: { iat: NOW + 120 } }, "status: status_issued_in_future"],
    ["of another list", { claims: { sub: "https://local.example/node/status/2" } }, "status: status_list_mismatch"],
    ["of one bit", { claims: { status_list: { bits: 1, lst: "eNrbuRgAAhcBXQ" } } }, "status: status_list_invalid"],
    [
      "too short for the index",
      { claims: { status_list: { bits: 2, lst: "eJwDAAAAAAE" } } },
      "status: status_index_out_of_range",
    ],
    ["that does not inflate", { claims: { status_list: { bits: 2, lst: "AAAA" } } }, "status: status_list_invalid"],
    ["of another type", { typ: "jwt" }, "status: status_list_invalid"],
  ])("refuses a list %s", async (_, changes, fault) => {
    const { world, evidence } = await createSample();
    const report = await verify(world, { ...evidence, status: { token: await signStatusList(world, changes) } });
    expect(faults(report)).toEqual([fault]);
  });

  it("refuses a list signed by the record key, a list elsewhere, and none", async () => {
    const { world, evidence } = await createSample();
    const token = await signStatusList(world, { signer: world.node.record });
    expect(faults(await verify(world, { ...evidence, status: { token } }))).toEqual([
      "status: status_signature_invalid",
    ]);
    expect(faults(await verify(world, { ...evidence, status: undefined }))).toEqual(["status: status_missing"]);
    const elsewhere = { status: { status_list: { idx: 1, uri: "https://local.example/node.evil/status/1" } } };
    expect(await faultsOf({ payload: elsewhere })).toEqual(["status: status_list_foreign"]);
    expect(await faultsOf({ payload: { status: undefined } })).toEqual(["status: status_not_named"]);
  });
});

describe("the receipt of a status list", () => {
  it("is asked for by a policy that requires it, and looked at wherever it is", async () => {
    const policy = corpusPolicy();
    const [bare, logged, wrong] = [
      (await sample()).evidence,
      await statusReceiptSample(),
      await statusReceiptSample("another's"),
    ];
    const codes = async (evidence: unknown, requireStatusReceipt: boolean) => {
      const report = await createVerifier({ ...policy, requireStatusReceipt }).verify(evidence, { now: NOW });
      return [report.verdict, codeOf(report, "status")];
    };
    expect(await codes(bare, false)).toEqual(["valid", "passed"]);
    expect(await codes(bare, true)).toEqual(["undecided", "status_receipt_missing"]);
    expect(await codes(logged, true)).toEqual(["valid", "passed"]);
    expect(await codes(wrong, false)).toEqual(["invalid", "status_unproved"]);
  });

  it("is remembered for its own list and chain only", async () => {
    const policy = corpusPolicy();
    const verifier = createVerifier(policy);
    const { status, ...evidence } = await statusReceiptSample();
    const verdict = async (changed: unknown) => codeOf(await verifier.verify(changed, { now: NOW }), "status");
    expect(await verdict({ ...evidence, status })).toBe("passed");
    expect(await verdict({ ...evidence, status })).toBe("passed");
    const other = await statusReceiptSample("another's");
    expect(await verdict({ ...evidence, status: { ...other.status, receipt: status.receipt } })).toBe("passed");
    const { world } = await sample();
    const token = await signStatusList(world, { claims: { iat: NOW - 18 } });
    expect(await verdict({ ...evidence, status: { token, receipt: status.receipt } })).toBe("status_unproved");
  });
});

describe("inclusion", () => {
  it("refuses a stripped receipt and a stripped extra line", async () => {
    const { world, evidence } = await createSample();
    expect(faults(await verify(world, { ...evidence, receipts: undefined }))).toEqual(["inclusion: receipt_missing"]);
    const recent = evidence.receipts.recent.replace(/^extra .*\n/m, "");
    expect(faults(await verify(world, { ...evidence, receipts: { recent } }))).toEqual([
      "inclusion: receipt_malformed",
    ]);
  });

  it("refuses a receipt of another record, and of another version", async () => {
    const world = createRecordWorld();
    const [mine, other] = [await logVersion(world), await logVersion(world, { label: "other" })];
    const evidence = await evidenceOf(world, mine);
    const recent = await receiptOf(world, other);
    expect(faults(await verify(world, { ...evidence, receipts: { recent } }))).toEqual([
      "inclusion: commitment_mismatch",
    ]);
  });

  it("refuses an entry of another operation", async () => {
    expect(await faultsOf({ operation: "revoke" })).toEqual(["inclusion: entry_operation_wrong"]);
    expect(await faultsOf({ operation: "amend" })).toEqual(["inclusion: entry_operation_wrong"]);
    expect(await faultsOf({ version: 2, operation: "create" })).toEqual(["inclusion: entry_operation_wrong"]);
  });

  it("refuses a rival entry under another tag, and a public record whose key was held back", async () => {
    expect(await faultsOf({ tag: encodeBase64url(sha256("rival")) })).toEqual(["inclusion: tag_mismatch"]);
    const { world, logged, evidence } = await createSample();
    const recent = await receiptOf(world, logged, { hasKey: false });
    expect(faults(await verify(world, { ...evidence, receipts: { recent } }))).toEqual([
      "inclusion: record_key_missing",
    ]);
  });

  it("refuses a rid that was not drawn from the record's key", async () => {
    const rid = "d8989cce-a4e3-8a7a-b4cc-df2f5e151569";
    expect(await faultsOf({ payload: { rid } })).toEqual(["inclusion: rid_mismatch"]);
  });

  it("refuses a checkpoint by another key, of another log, and of another tree", async () => {
    const { world, logged, evidence } = await createSample();
    const withCheckpoint = async (checkpoint: string) =>
      faults(
        await verify(world, { ...evidence, receipts: { recent: await receiptOf(world, logged, { checkpoint }) } }),
      );
    expect(await withCheckpoint(await signCheckpoint(world, { signer: world.node.record }))).toEqual([
      "inclusion: checkpoint_signature_invalid",
    ]);
    const origin = "local.example/node/log/access";
    expect(await withCheckpoint(await signCheckpoint(world, { origin }))).toEqual([
      "inclusion: checkpoint_origin_wrong",
    ]);
    expect(await withCheckpoint(await signCheckpoint(world, { size: 60 }))).toEqual(["inclusion: inclusion_failed"]);
    expect(await withCheckpoint(await signCheckpoint(world, { size: 41 }))).toEqual(["inclusion: inclusion_failed"]);
  });

  it("refuses a first receipt for another place in the log", async () => {
    const world = createRecordWorld();
    const once = await logVersion(world);
    world.leaves.push(world.leaves[0]!);
    fillLog(world, 5);
    const evidence = await evidenceOf(world, once);
    const first = await receiptOf(world, { ...once, index: 1 });
    const receipts = { ...evidence.receipts, first };
    expect(faults(await verify(world, { ...evidence, receipts }))).toEqual(["inclusion: receipts_differ"]);
    const broken = { ...evidence.receipts, first: "c2sp.org/tlog-proof@v1\n" };
    expect(faults(await verify(world, { ...evidence, receipts: broken }))).toEqual(["inclusion: receipt_malformed"]);
  });

  it("refuses a log that its superior's word does not cover", async () => {
    const { world, evidence } = await createSample();
    const stranger = createRecordWorld();
    const chain = structuredClone(world.chain.statements[0]!.claims);
    (chain.metadata as { registry_node: JsonObject }).registry_node.logs = {
      records: { origin: "elsewhere.example/log/records", vkeys: [] },
    };
    expect(stranger.origin).toBe(world.origin);
    world.chain.statements[0]!.claims = chain;
    expect(faults(await verify(world, { ...evidence, chain: await signChain(world.chain) }))).toEqual([
      "issuer: chain_invalid",
    ]);
  });
});

describe("freshness", () => {
  it("claims no age of a checkpoint that no witness dated", async () => {
    const { world, evidence } = await createSample();
    const report = await verify(world, evidence, { policy: { checkpointMaxAgeSeconds: 60 } });
    expect(faults(report)).toEqual(["freshness: checkpoint_time_unknown"]);
  });
});

describe("the policy", () => {
  it("makes a record invalid that lacks a required check, and valid without it", async () => {
    const { world, evidence } = await createSample();
    const required = ["format", "signature", "witness"] as const;
    expect((await verify(world, evidence, { policy: { required } })).valid).toBe(false);
    const stripped = { ...evidence, receipts: undefined, status: undefined };
    expect((await verify(world, stripped, { policy: { required: ["format", "signature"] } })).valid).toBe(true);
  });

  it("stands once the verifier is made", async () => {
    const { world, evidence } = await createSample();
    const required: CheckName[] = ["format", "witness"];
    const verifier = verifierOf(world, { required });
    required.pop();
    expect((await verifier.verify(evidence, { now: NOW })).valid).toBe(false);
  });

  it("is refused with an anchor whose keys cannot be used", async () => {
    const { world } = await createSample();
    const anchors = world.chain.anchors.map((pin) => ({ ...pin, jwks: { keys: [] } }));
    expect(() => verifierOf(world, { anchors })).toThrow(expect.objectContaining({ code: "key_invalid" }));
  });
});

describe("what the verifier remembers", () => {
  it.each([
    ["beyond its expiry", 3_600, false],
    ["before its time", -3_600, false],
    ["until it expires", 3_599, true],
  ])("is a chain served %s", async (_, later, isServed) => {
    const { world, evidence } = await createSample();
    const verifier = verifierOf(world, { required: ["format", "issuer"] });
    expect((await verifier.verify(evidence, { now: NOW })).valid).toBe(true);
    expect((await verifier.verify(evidence, { now: NOW + later })).valid).toBe(isServed);
    expect((await verifier.verify(evidence, { now: NOW })).valid).toBe(true);
  });

  it("is a chain as a whole, not by the issuer's own configuration", async () => {
    const { world, evidence } = await createSample();
    const verifier = verifierOf(world);
    expect((await verifier.verify(evidence, { now: NOW })).valid).toBe(true);
    const [configuration, , anchor] = evidence.chain;
    const report = await verifier.verify({ ...evidence, chain: [configuration, anchor, anchor] }, { now: NOW });
    expect(faults(report)).toEqual(["issuer: chain_invalid"]);
  });

  it("does not carry lists and checkpoints proved under one issuer's keys over to another's", async () => {
    const victim = await createSample();
    const thief = await createSample();
    const anchors = [...victim.world.chain.anchors, ...thief.world.chain.anchors];
    const verifier = verifierOf(victim.world, { anchors });
    expect((await verifier.verify(victim.evidence, { now: NOW })).valid).toBe(true);
    expect((await verifier.verify(thief.evidence, { now: NOW })).valid).toBe(true);
    const { status } = victim.evidence;
    const borrowedList = await verifier.verify({ ...thief.evidence, status }, { now: NOW });
    expect(faults(borrowedList)).toEqual(["status: status_signature_invalid"]);
    const { checkpoint } = parseReceipt(victim.evidence.receipts.recent);
    const recent = await receiptOf(thief.world, thief.logged, { checkpoint });
    const borrowedTree = await verifier.verify({ ...thief.evidence, receipts: { recent } }, { now: NOW });
    expect(faults(borrowedTree)).toEqual(["inclusion: checkpoint_signature_invalid"]);
    const borrowedChain = await verifier.verify({ ...victim.evidence, chain: thief.evidence.chain }, { now: NOW });
    expect(faults(borrowedChain)).toEqual(["signature: signing_key_unknown"]);
  });

  it("does not let a record pass on a neighbour's good name", async () => {
    const { world, logged, evidence } = await createSample();
    const verifier = verifierOf(world);
    expect((await verifier.verify(evidence, { now: NOW })).valid).toBe(true);
    const neighbour = await logVersion(world, { label: "neighbour", statusIndex: 7 });
    world.statuses[7] = 1;
    const status = { token: await signStatusList(world) };
    const report = await verifier.verify({ ...(await evidenceOf(world, neighbour)), status }, { now: NOW });
    expect(faults(report)).toEqual(["status: status_revoked"]);
    expect(logged.index).toBe(41);
  });
});

describe("every changed byte", () => {
  it.each<[string, { from: number; to: number }, VerificationCode]>([
    ["salt", { from: 0, to: 32 }, "commitment_mismatch"],
    ["key", { from: 32, to: 64 }, "rid_mismatch"],
  ])("of the %s in a receipt's extra line is named", async (_, { from, to }, code) => {
    const { world, evidence } = await createSample();
    const verifier = verifierOf(world);
    const receipt = parseReceipt(evidence.receipts.recent);
    for (let at = from; at < to; at++) {
      const extra = receipt.extra!.slice();
      extra[at] = extra[at]! ^ 0x10;
      const recent = formatReceipt({ ...receipt, extra });
      const report = await verifier.verify({ ...evidence, receipts: { recent } }, { now: NOW });
      expect(faults(report)).toEqual([`inclusion: ${code}`]);
    }
  });

  it("of the entry's own time is named", async () => {
    const { world, evidence } = await createSample();
    const receipt = parseReceipt(evidence.receipts.recent);
    const parts = parseExtra(receipt.extra!);
    const text = new TextDecoder().decode(parts.entry);
    const entry = encodeUtf8(text.replace(`"t":${NOW - 90}`, `"t":${NOW - 91}`));
    const recent = formatReceipt({ ...receipt, extra: formatExtra({ ...parts, entry }) });
    expect(faults(await verify(world, { ...evidence, receipts: { recent } }))).toEqual(["inclusion: inclusion_failed"]);
  });

  it("of a witness's cosignature that no policy asks for is neutral, because nothing is concluded from it", async () => {
    const { world, logged, evidence } = await createSample();
    const line = `— witness.example ${encodeBase64(sha256("cosignature"))}\n`;
    const recent = await receiptOf(world, logged, { checkpoint: `${await signCheckpoint(world)}${line}` });
    const other = recent.replace("witness.example", "witness.invalid");
    for (const text of [recent, other]) {
      expect((await verify(world, { ...evidence, receipts: { recent: text } })).valid).toBe(true);
    }
  });
});

describe("a disclosure of what must stand open", () => {
  it.each(["valid_until", "prev", "rtype"])("is refused for %s even under the issuer's signature", async (claim) => {
    const { world, logged, evidence } = await createSample();
    const disclosure = encodeBase64url(encodeUtf8(JSON.stringify(["c2FsdHNhbHRzYWx0c2FsdA", claim, "2040-01-01"])));
    const payload: JsonObject = { ...decodeJws(logged.jwt).payload, _sd: [encodeBase64url(sha256(disclosure))] };
    delete payload[claim];
    const jwt = await signJws({ signer: world.node.record, typ: "dc+sd-jwt", payload });
    const report = await verify(world, { ...evidence, token: formatSdJwt(jwt, [...logged.disclosures, disclosure]) });
    expect(faults(report)).toEqual(["format: claims_invalid"]);
    expect(report.checks[0]!.message).toContain(`${claim} must not be a disclosure`);
  });
});
