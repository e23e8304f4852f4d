// Records that are not in force, seen from another node: each answered with its proof, and no such answer believed without one.
import { afterAll, beforeAll, describe, expect, it } from "vitest";
import type { Json, JsonObject } from "../../src/crypto/json.ts";
import { signJws } from "../../src/crypto/jws.ts";
import { isAttestryError } from "../../src/errors.ts";
import { type VerifiedChain, verifyTrustChain } from "../../src/federation/trust-chain.ts";
import { parseReadBatch } from "../../src/resolution/home-node-client.ts";
import { createResolutionService } from "../../src/resolution/resolution-service.ts";
import { createStateVerifier, type StateEvidence } from "../../src/verification/state-statement.ts";
import { createVerifier } from "../../src/verification/verifier.ts";
import { definition, startTestNode, type TestNode } from "../node-fixture.ts";
import { createRecordCalls, type RecordCalls, refusal } from "../record-calls.ts";

const OPERATIONS = ["suspend", "end", "revoke", "replace", "erase"] as const;
const OUTCOMES = {
  suspend: "record_suspended",
  end: "record_ended",
  revoke: "record_revoked",
  replace: "record_replaced",
  erase: "record_erased",
};
const now = () => Math.floor(Date.now() / 1_000);

let home: TestNode;
let agency: TestNode;
let calls: RecordCalls;
let chain: VerifiedChain;
let successor: JsonObject;
// What `records:read` answers of one record in each state.
const href: Record<string, string> = {};
const answered: Record<string, JsonObject> = {};

async function act(rid: unknown, operation: string, body: JsonObject): Promise<void> {
  const token = await home.token("registrar");
  const answer = await home.request("POST", `${calls.path(rid)}/${operation}`, { token, json: body });
  expect(answer.status, answer.text).toBeLessThan(300);
}

async function read(references: JsonObject[]): Promise<JsonObject> {
  const answer = await home.request("POST", "/records:read", { json: { references } });
  expect(answer.status, answer.text).toBe(200);
  return answer.body;
}

beforeAll(async () => {
  const anchor = await startTestNode();
  const pins = [anchor.pin(["districts"])];
  home = await startTestNode({ superiors: [anchor.entity], anchors: pins, path: "/lgd" });
  agency = await startTestNode({ anchors: pins });
  await anchor.node.federation.acceptSubordinate({ entity: home.entity, registryTypes: ["districts"] });
  await home.publish(definition("districts"));
  calls = await createRecordCalls(home, "districts");
  successor = await calls.create({ code: "new", name: "New" });
  for (const operation of OPERATIONS) {
    const record = await calls.create({ code: operation, name: `To ${operation}` });
    href[operation] = record.href as string;
    await act(record.rid, operation, {
      act: { reason: "because", instrument: "Order 1" },
      ...(operation === "replace" && { by: [successor.href as string] }),
    });
  }
  const { records } = await read(OPERATIONS.map((operation) => ({ href: href[operation]! })));
  OPERATIONS.forEach((operation, at) => {
    answered[operation] = (records as JsonObject[])[at]!;
  });
  // The chain as a consumer proves it.
  const evidence = await home.request("GET", `${calls.path(successor.rid)}/evidence`);
  chain = await verifyTrustChain({ statements: evidence.body.chain as string[], anchors: pins, now: now() });
  nodes.push(anchor, home, agency);
});

const nodes: TestNode[] = [];
afterAll(async () => {
  for (const node of nodes.reverse()) await node.close();
});

const evidenceOf = (operation: string) =>
  (answered[operation] as { state: JsonObject }).state as unknown as StateEvidence;

describe("a record that is not in force", () => {
  it.each(OPERATIONS)(
    "is answered to other nodes with the statement and the receipt of what was done: %s",
    async (operation) => {
      expect(answered[operation]).toMatchObject({ outcome: OUTCOMES[operation], state: { operation, number: 1 } });
      expect(answered[operation]).not.toHaveProperty("token");
      const statement = await createStateVerifier()(evidenceOf(operation), { chain, href: href[operation]! });
      expect(statement).toMatchObject({
        operation,
        version: 1,
        replacedBy: operation === "replace" ? [successor.href] : [],
        act: { operation, role: "registrar", instrument: "Order 1" },
      });
      // A reason in free words may be about a person.
      expect(statement.act).not.toHaveProperty("reason");
    },
  );

  it("is resolved to its outcome, with what to do about it and nothing of its data", async () => {
    const token = await agency.token("reader");
    const json = { references: Object.values(href) };
    const { records } = (await agency.request("POST", "/resolve", { token, json })).body as {
      records: Record<string, JsonObject>;
    };
    const told = OPERATIONS.map((operation) => records[href[operation]!]!);
    expect(told.map(({ outcome }) => outcome)).toEqual(OPERATIONS.map((operation) => OUTCOMES[operation]));
    for (const record of told) expect(record).not.toHaveProperty("data");
    expect(told[3]).toMatchObject({ successors: [successor.href] });
    expect(told[3]!.message).toContain(`by ${String(successor.href)}; refer to it`);
    expect(told[1]!.message).toContain("ask for version 1 to see it as it was");
  });

  it("stands as history for who pins a version, unless it was wrong, is suspended, or is gone", async () => {
    const pinned = await read(OPERATIONS.map((operation) => ({ href: href[operation]!, version: 1 })));
    expect((pinned.records as JsonObject[]).map(({ outcome }) => outcome)).toEqual([
      "record_suspended",
      "found",
      "record_revoked",
      "found",
      "record_erased",
    ]);
  });

  it.each([
    ["suspend", "status_suspended"],
    ["end", "status_superseded"],
    ["revoke", "status_revoked"],
    ["replace", "status_superseded"],
  ])("has evidence still, which says by its status list that it is not in force: %s", async (operation, code) => {
    const answer = await home.request("GET", `${href[operation]!.slice(home.entity.length)}/evidence`);
    expect(answer.status).toBe(200);
    const verifier = createVerifier({ anchors: [nodes[0]!.pin(["districts"])], statusMaxAgeSeconds: 300 });
    const report = await verifier.verify(answer.body, { now: now() });
    expect(report.valid).toBe(false);
    expect(report.checks.filter(({ result }) => result === "fail")).toMatchObject([{ check: "status", code }]);
    if (code === "status_superseded")
      expect(JSON.stringify(report.checks)).toContain("the record ended or was replaced");
  });

  it("has a receipt of each change of its state", async () => {
    for (const operation of OPERATIONS) {
      const path = `${href[operation]!.slice(home.entity.length)}/receipt`;
      const { status, text } = await home.request("GET", `${path}?state=1`);
      expect(status, text).toBe(200);
      const evidence = { ...evidenceOf(operation), receipt: text };
      expect(await createStateVerifier()(evidence, { chain, href: href[operation]! })).toMatchObject({ operation });
      expect(refusal(await home.request("GET", `${path}?state=2`))).toBe("404 version_unknown");
      expect(refusal(await home.request("GET", `${path}?state=1&version=1`))).toBe("400 query_invalid");
    }
  });
});

describe("the proof of a record's state", () => {
  const verify = (evidence: StateEvidence, of: string) => createStateVerifier()(evidence, { chain, href: of });

  async function refused(evidence: StateEvidence, of: string): Promise<string> {
    try {
      await verify(evidence, of);
    } catch (error) {
      if (!isAttestryError(error)) throw error;
      return `${error.code}: ${error.message}`;
    }
    return "believed";
  }

  it("does not carry over to another record, nor to another node", async () => {
    expect(await refused(evidenceOf("end"), href.replace!)).toContain("token_invalid: state statement: rid");
    const elsewhere = href.end!.replace(home.entity, agency.entity);
    expect(await refused(evidenceOf("end"), elsewhere)).toContain("token_invalid: state statement: iss");
  });

  it("needs the receipt of this statement, under its number", async () => {
    const end = evidenceOf("end");
    expect(await refused({ ...end, receipt: evidenceOf("suspend").receipt }, href.end!)).toContain(
      "entry_operation_wrong",
    );
    expect(await refused({ ...end, number: 2 }, href.end!)).toContain("tag_mismatch");
    const versionReceipt = await home.request("GET", `${href.end!.slice(home.entity.length)}/receipt`);
    expect(await refused({ ...end, receipt: versionReceipt.text }, href.end!)).toContain("entry_operation_wrong");
  });

  it("needs the signature of a record key of the home node, and its place in the log", async () => {
    const [header, payload, signature] = evidenceOf("end").statement.split(".") as [string, string, string];
    const changed = `${header}.${payload}.${signature.startsWith("A") ? "B" : "A"}${signature.slice(1)}`;
    expect(await refused({ ...evidenceOf("end"), statement: changed }, href.end!)).toContain("signature_invalid");
    const claims = JSON.parse(Buffer.from(payload, "base64url").toString()) as JsonObject;
    const sign = (signer: typeof home.secrets.signers.record, typ = "attestry-state+jwt", over: JsonObject = {}) =>
      signJws({ signer, typ, payload: { ...claims, ...over } });
    const by = async (statement: Promise<string>) =>
      refused({ ...evidenceOf("end"), statement: await statement }, href.end!);
    expect(await by(sign(agency.secrets.signers.record))).toContain("key_unknown");
    expect(await by(sign(home.secrets.signers.status))).toContain("key_unknown");
    expect(await by(sign(home.secrets.signers.record, "dc+sd-jwt"))).toContain("type_not_allowed");
    // Even the department's own key cannot say later what its log does not hold.
    expect(await by(sign(home.secrets.signers.record, undefined, { effective: "2011-01-01" }))).toContain(
      "log_proof_invalid: state statement: commitment_mismatch",
    );
  });

  it("must have its form", async () => {
    const claims = JSON.parse(
      Buffer.from(evidenceOf("replace").statement.split(".")[1]!, "base64url").toString(),
    ) as JsonObject;
    const faulty: [JsonObject, string][] = [
      [{ op: "create" }, "op must be"],
      [{ replaced_by: [] }, "replaced_by must be"],
      [{ replaced_by: ["https://x.example/"] }, "replaced_by must be"],
      [{ op: "end" }, "replaced_by belongs"],
      [{ rver: 0 }, "rver must be"],
      [{ iat: "now" }, "iat must be"],
      [{ effective: "2018-02-30" }, "effective must be"],
      [{ act: [] }, "act must be"],
    ];
    for (const [over, expected] of faulty) {
      const payload = { ...claims, ...over };
      const statement = await signJws({ signer: home.secrets.signers.record, typ: "attestry-state+jwt", payload });
      expect(await refused({ ...evidenceOf("replace"), statement }, href.replace!)).toContain(expected);
    }
  });
});

/** Resolves one reference by a home node that gives this answer of it. */
async function outcomeOf(reference: string, answer: JsonObject, pinned: { version?: number } = {}): Promise<unknown> {
  const service = createResolutionService({
    ownEntity: undefined,
    askHome: (_name, ask) => ask(chain),
    readHome: async ({ references }) =>
      parseReadBatch(
        { records: [{ href: reference, ...answer }], statusLists: {}, definitions: {} } as Json,
        references,
      ),
    readOwn: async () => {
      throw new Error("there is no own node");
    },
    verifier: createVerifier({ anchors: [], statusMaxAgeSeconds: 300 }),
    clock: now,
  });
  const { records } = await service.resolve({
    references: [{ href: reference, ...pinned }],
    follow: [],
    outgoing: true,
  });
  return Object.values(records)[0]!.outcome;
}

describe("a home node that lies about states", () => {
  it("is not believed without the statement that proves it, or with one of something else", async () => {
    const { state } = answered.end as { state: JsonObject };
    expect(await outcomeOf(href.end!, { outcome: "record_ended", state })).toBe("record_ended");
    expect(await outcomeOf(href.end!, { outcome: "record_ended" })).toBe("state_unproved");
    expect(await outcomeOf(href.end!, { outcome: "record_revoked", state })).toBe("state_unproved");
    expect(await outcomeOf(href.replace!, { outcome: "record_ended", state })).toBe("state_unproved");
    const { receipt: _receipt, ...bare } = state;
    expect(await outcomeOf(href.end!, { outcome: "record_ended", state: bare })).toBe("state_unproved");
    expect(await outcomeOf(href.end!, { outcome: "record_ended", state: "ended" })).toBe("state_unproved");
  });
});

describe("one version that was erased", () => {
  it("is resolved as such for who pins it, by a proof that counts for nothing else", async () => {
    const record = await calls.create({ code: "mistake", name: "Wrong" });
    const own = record.href as string;
    await calls.amend(record.rid, "1.0", { data: { name: "Wrong again" } });
    await calls.amend(record.rid, "2.0", { data: { name: "Right" } });
    await act(record.rid, "versions/1/erase", { act: { reason: "because", instrument: "Order 2" } });
    const token = await agency.token("reader");
    const resolve = async (reference: JsonObject) => {
      const answer = await agency.request("POST", "/resolve", { token, json: { references: [reference] } });
      expect(answer.status, answer.text).toBe(200);
      return Object.values((answer.body as { records: Record<string, JsonObject> }).records)[0]!;
    };
    expect(await resolve({ href: own })).toMatchObject({ outcome: "verified", data: { name: "Right" } });
    const told = await resolve({ href: own, version: 1 });
    expect(told).toMatchObject({ outcome: "version_erased", version: 1, state: { operation: "erase_version" } });
    expect(told.message).toContain("version 1 was erased");
    expect(told).not.toHaveProperty("data");
    const { records } = await read([{ href: own, version: 1 }]);
    const { state } = (records as JsonObject[])[0]! as { state: JsonObject };
    // As the end of the record, or of its other version, it proves nothing.
    const lie = (outcome: string, version?: number) =>
      outcomeOf(own, { outcome, state }, version === undefined ? {} : { version });
    expect(await lie("version_erased", 1)).toBe("version_erased");
    expect(await lie("version_erased", 2)).toBe("state_unproved");
    expect(await lie("version_erased")).toBe("state_unproved");
    expect(await lie("record_erased")).toBe("state_unproved");
    const claims = JSON.parse(
      Buffer.from(String(state.statement).split(".")[1]!, "base64url").toString(),
    ) as JsonObject;
    const signer = home.secrets.signers.record;
    for (const over of [{ erased_version: 3 }, { erased_version: 0 }, { op: "erase" }, { erased_version: "1" }]) {
      const statement = await signJws({ signer, typ: "attestry-state+jwt", payload: { ...claims, ...over } });
      const evidence = { ...(state as unknown as StateEvidence), statement };
      await expect(createStateVerifier()(evidence, { chain, href: own })).rejects.toMatchObject({
        message: expect.stringContaining("erased_version"),
      });
    }
  });
});
