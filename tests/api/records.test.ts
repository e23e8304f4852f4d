// One record's life over HTTP: created, read, amended, revoked; what is signed, logged and served at each step.
import { afterAll, beforeAll, describe, expect, it } from "vitest";
import { decodeBase64url } from "../../src/crypto/base64.ts";
import type { JsonObject } from "../../src/crypto/json.ts";
import { verifyJws } from "../../src/crypto/jws.ts";
import { verifySdJwt } from "../../src/crypto/sd-jwt.ts";
import { verifyCheckpoint } from "../../src/log/checkpoint.ts";
import { commitment, parseEntry, stateTag, versionTag } from "../../src/log/entry.ts";
import { leafHash, verifyInclusion } from "../../src/log/merkle.ts";
import { formatVerifierKey, parseVerifierKey } from "../../src/log/note.ts";
import { parseExtra, parseReceipt } from "../../src/log/receipt.ts";
import { jwtDigest } from "../../src/records/record-url.ts";
import { ridFromKey } from "../../src/records/rid.ts";
import { findStatus, verifyStatusListToken } from "../../src/records/status-list.ts";
import { definition, startTestNode, type TestNode } from "../node-fixture.ts";
import { createRecordCalls, type RecordCalls, refusal } from "../record-calls.ts";

const LATER_SECONDS = 10;
let node: TestNode;
let calls: RecordCalls;
// Moved by hand, so that a status list's time to live is over when a test says so.
let elapsed = 0;

beforeAll(async () => {
  node = await startTestNode({ path: "/births", clock: () => Math.floor(Date.now() / 1_000) + elapsed });
  const details = { type: "object", additionalProperties: false, properties: { a: {}, b: {} } };
  const properties = { area: { type: "number" }, details };
  expect((await node.publish(definition("parcels", { properties }))).status).toBe(201);
  calls = await createRecordCalls(node, "parcels");
});

afterAll(() => node?.close());

let codes = 0;
const nextCode = (): string => `P${codes++}`;

async function createParcel(envelope?: JsonObject): Promise<JsonObject> {
  return calls.create({ code: nextCode(), name: "Mill field" }, envelope);
}

function verifyToken(view: JsonObject) {
  return verifySdJwt(view.token as string, { typ: "dc+sd-jwt", keys: [node.secrets.signers.record.publicKey] });
}

/** Proves a receipt against its checkpoint and gives what its `extra` line says. */
function proveReceipt(text: string) {
  const receipt = parseReceipt(text);
  const origin = `${node.entity.replace("http://", "")}/log/records`;
  const vkey = formatVerifierKey({ name: origin, raw: node.secrets.signers.log.publicKey.raw });
  const { size, root } = verifyCheckpoint(receipt.checkpoint, { origin, verifiers: [parseVerifierKey(vkey)] });
  const extra = parseExtra(receipt.extra!);
  verifyInclusion({ index: receipt.index, size, leaf: leafHash(extra.entry), proof: [...receipt.proof], root });
  return { index: receipt.index, extra, entry: parseEntry(extra.entry) };
}

async function statusOf(view: JsonObject): Promise<number | undefined> {
  const { payload } = await verifyToken(view);
  const { idx, uri } = (payload.status as JsonObject).status_list as { idx: number; uri: string };
  elapsed += LATER_SECONDS;
  const answer = await node.request("GET", uri.slice(node.entity.length));
  expect(answer.headers.get("content-type")).toBe("application/statuslist+jwt");
  const list = await verifyStatusListToken(answer.text, [node.secrets.signers.status.publicKey]);
  expect(list.uri).toBe(uri);
  return findStatus(list.bytes, idx);
}

/** The token as anybody gets it, where its registry has no personal fields. */
function withoutDisclosures(token: unknown): string {
  return `${String(token).split("~")[0]}~`;
}

describe("creating", () => {
  it("answers 201 with the log index, and everything it names can be read", async () => {
    const answer = await calls.post({ data: { code: nextCode(), name: "Mill field", area: 2.5 } });
    expect(answer.status).toBe(201);
    const { rid, href, log_index: index, token } = answer.body;
    expect(answer.headers.get("location")).toBe(href);
    expect(href).toBe(`${node.entity}/registries/parcels/records/${rid}`);
    expect(answer.headers.get("etag")).toBe('"1.0"');
    const read = await calls.get(rid);
    // Who entered it is for the staff: the open token is the same without that disclosure.
    expect(read.body).toEqual({ ...answer.body, token: withoutDisclosures(token) });
    expect((await calls.get(rid, "", await node.token("reader"))).body).toEqual(answer.body);
    expect(read.headers.get("etag")).toBe('"1.0"');
    expect(read.body).toMatchObject({ version: 1, state: "active", withheld: false, log_index: index });
    expect(read.body).toMatchObject({ display: "Mill field", links: { history: `${href}/history` } });
  });

  it("signs a token that names its definition, its place in the status list and who did it on which ground", async () => {
    const act = { reason: "survey of 2026", instrument: "Order 12" };
    const view = await createParcel({ act, valid_from: "2026-01-01", valid_until: "2027-01-01T00:00:00Z" });
    const { header, payload, claims } = await verifyToken(view);
    expect(header).toMatchObject({ typ: "dc+sd-jwt", alg: "Ed25519" });
    expect(payload).toMatchObject({
      iss: node.entity,
      vct: `${node.entity}/registries/parcels/schema/1`,
      rid: view.rid,
      rver: 1,
      rtype: "parcels",
      valid_from: "2026-01-01",
      valid_until: "2027-01-01T00:00:00Z",
      act: { operation: "create", role: "registrar", instrument: "Order 12" },
      data: view.data,
    });
    // A reason in free words and the staff's pseudonym may be about a person, so they are disclosures.
    expect(Object.keys(payload.act as JsonObject).sort()).toEqual(["_sd", "instrument", "operation", "role"]);
    expect(claims.act).toMatchObject(act);
    expect(payload).not.toHaveProperty("prev");
    expect(payload["vct#integrity"]).toBe((await node.request("GET", "/registries/parcels")).body.integrity);
    expect((claims.act as JsonObject).by).toMatch(/^[\w-]{22}$/);
    expect(JSON.stringify(claims)).not.toContain("Test registrar");
    expect(await statusOf(view)).toBe(0);
  });

  it("gives a receipt whose entry commits to the token, whose K gives the rid, and whose proof leads to the checkpoint", async () => {
    const view = await createParcel();
    const { index, extra, entry } = proveReceipt((await calls.get(view.rid, "/receipt")).text);
    expect(index).toBe(view.log_index);
    expect(ridFromKey(extra.k!)).toBe(view.rid);
    const [jwt] = (view.token as string).split("~") as [string];
    expect(entry).toMatchObject({ e: "create", c: commitment("create", extra.salt, jwt), r: versionTag(extra.k!, 1) });
  });

  it("draws rid, K and status place anew for every record", async () => {
    const views = await Promise.all(Array.from({ length: 20 }, () => createParcel()));
    const places = views.map((view) => {
      const payload = JSON.parse(new TextDecoder().decode(decodeBase64url((view.token as string).split(".")[1]!)));
      return payload.status.status_list.idx as number;
    });
    expect(new Set(places).size).toBe(20);
    expect(new Set(views.map(({ rid }) => rid)).size).toBe(20);
    // Neighbours in time are no neighbours in the list.
    expect(places.filter((place, i) => i > 0 && Math.abs(place - places[i - 1]!) < 20).length).toBeLessThan(5);
  });

  it("names every fault of the data by its place, and never repeats a value", async () => {
    const answer = await calls.post({ data: { code: 7, area: "large-secret", extra: true } });
    expect(refusal(answer)).toBe("422 record_invalid");
    expect((answer.body.errors as { field: string }[]).map(({ field }) => field).sort()).toEqual([
      "/area",
      "/code",
      "/extra",
      "/name",
    ]);
    expect(answer.text).not.toContain("large-secret");
  });

  it.each([
    ["no data", {}],
    ["data that is a list", { data: [] }],
    ["an unknown member", { data: { code: "x", name: "x" }, state: "active" }],
    ["an unknown member of act", { data: { code: "x", name: "x" }, act: { by: "me" } }],
    ["a date that is none", { data: { code: "x", name: "x" }, valid_from: "2026-02-30" }],
    [
      "an end before the start",
      { data: { code: "x", name: "x" }, valid_from: "2026-02-02", valid_until: "2026-02-01" },
    ],
  ] as [string, JsonObject][])("refuses an envelope with %s", async (_name, body) => {
    expect(refusal(await calls.post(body))).toBe("400 request_invalid");
  });

  it("refuses a record beyond its size by its own code", async () => {
    const answer = await calls.post({ data: { code: nextCode(), name: "n".repeat(70_000) } });
    expect(refusal(answer)).toBe("413 record_too_large");
  });
});

describe("amending", () => {
  it("makes the next version, chained to the one before, which then reads as superseded for everyone", async () => {
    const first = await createParcel();
    const second = await calls.amend(first.rid, "1.0", { data: { name: "Mill meadow" }, act: { reason: "renamed" } });
    expect(second).toMatchObject({ version: 2, state: "active", data: { name: "Mill meadow" } });
    const { claims } = await verifyToken(second);
    expect(claims).toMatchObject({ rver: 2, rid: first.rid, act: { operation: "amend", reason: "renamed" } });
    expect(claims.prev).toBe(jwtDigest((first.token as string).split("~")[0]!));
    expect([await statusOf(first), await statusOf(second)]).toEqual([3, 0]);
    const { extra, entry } = proveReceipt((await calls.get(first.rid, "/receipt")).text);
    expect(entry).toMatchObject({ e: "amend", r: versionTag(extra.k!, 2) });
    const old = await calls.get(first.rid, "?version=1");
    expect(old.body).toMatchObject({ version: 1, state: "superseded", token: withoutDisclosures(first.token) });
    expect(proveReceipt((await calls.get(first.rid, "/receipt?version=1")).text).entry.e).toBe("create");
    const history = (await calls.get(first.rid, "/versions")).body;
    expect(history.versions).toMatchObject([
      { version: 1, state: "superseded", data: first.data },
      { version: 2, state: "active", data: second.data },
    ]);
  });

  it("does not answer 304 for a version that was superseded since", async () => {
    const { rid } = await createParcel();
    const before = await calls.get(rid, "?version=1");
    await calls.amend(rid, "1.0", { data: { name: "changed" } });
    const headers = { "if-none-match": before.headers.get("etag")! };
    const after = await node.request("GET", `${calls.path(rid)}?version=1`, { headers });
    expect(after.status).toBe(200);
    const again = { "if-none-match": after.headers.get("etag")! };
    expect((await node.request("GET", `${calls.path(rid)}?version=1`, { headers: again })).status).toBe(304);
  });

  it("answers with the ETag that the next change needs", async () => {
    const { rid } = await createParcel();
    const amended = await calls.patch(rid, { data: { name: "a" } }, { "if-match": '"1.0"' });
    expect(amended.headers.get("etag")).toBe('"2.0"');
    const revoked = await calls.revoke(rid, undefined, { "if-match": '"2.0"' });
    expect([revoked.status, revoked.headers.get("etag")]).toEqual([200, '"2.1"']);
  });

  it("needs If-Match, and refuses one that is malformed, wrong or stale", async () => {
    const { rid } = await createParcel();
    const change = (name: string, tag?: string) =>
      calls.patch(rid, { data: { name } }, tag === undefined ? {} : { "if-match": tag }).then(refusal);
    expect(await change("a")).toBe("428 precondition_required");
    expect(await change("a", "1.0")).toBe("400 header_invalid");
    expect(await change("a", "*")).toBe("400 header_invalid");
    expect(await change("a", '"7.0"')).toBe("412 version_conflict");
    await calls.amend(rid, "1.0", { data: { name: "first" } });
    expect(await change("second", '"1.0"')).toBe("412 version_conflict");
    expect((await calls.get(rid)).body.data).toMatchObject({ name: "first" });
  });

  it("lets exactly one of twenty concurrent changes of one version win", async () => {
    const { rid } = await createParcel();
    const answers = await Promise.all(
      Array.from({ length: 20 }, (_, i) =>
        calls.patch(rid, { data: { name: `writer ${i}` } }, { "if-match": '"1.0"' }),
      ),
    );
    const winners = answers.filter(({ status }) => status === 200);
    expect(winners).toHaveLength(1);
    expect(new Set(answers.filter(({ status }) => status !== 200).map(refusal))).toEqual(
      new Set(["412 version_conflict"]),
    );
    expect((await calls.get(rid)).body).toMatchObject({ version: 2, data: winners[0]!.body.data as JsonObject });
  });

  it("applies a merge patch, in which null takes a field away, also below", async () => {
    const { rid } = await calls.create({ code: nextCode(), name: "n", area: 3, details: { a: 1, b: 2 } });
    const amended = await calls.amend(rid, "1.0", { data: { area: null, details: { a: null } } });
    expect(amended.data).toMatchObject({ name: "n", details: { b: 2 } });
    expect(amended.data).not.toHaveProperty("area");
    const refused = await calls.patch(rid, { data: { name: null } }, { "if-match": '"2.0"' });
    expect(refusal(refused)).toBe("422 record_invalid");
  });

  it("makes no version of a patch that changes nothing, and refuses an empty one", async () => {
    const { rid, log_index: index } = await createParcel();
    const same = await calls.amend(rid, "1.0", { data: { name: "Mill field" } });
    expect(same).toMatchObject({ version: 1, log_index: index });
    expect(refusal(await calls.patch(rid, { act: { reason: "r" } }, { "if-match": '"1.0"' }))).toBe("400 patch_empty");
  });

  it("changes dates alone, takes them away by null, and never lets them end before they begin", async () => {
    const { rid } = await createParcel({ valid_from: "2026-05-01" });
    expect(await calls.amend(rid, "1.0", { valid_until: "2026-06-01" })).toMatchObject({
      valid_from: "2026-05-01",
      valid_until: "2026-06-01",
    });
    const early = await calls.patch(rid, { valid_until: "2026-04-01" }, { "if-match": '"2.0"' });
    expect(refusal(early)).toBe("422 record_invalid");
    const open = await calls.amend(rid, "2.0", { valid_from: null });
    expect(open).not.toHaveProperty("valid_from");
    expect(open).toMatchObject({ version: 3, valid_until: "2026-06-01" });
  });
});

describe("revoking", () => {
  it("signs a state statement, logs it under the record's next state tag and marks the version invalid", async () => {
    const created = await createParcel();
    const { k } = proveReceipt((await calls.get(created.rid, "/receipt")).text).extra;
    const revoked = await calls.revoke(created.rid, { act: { reason: "entered twice" } });
    expect(revoked.body).toMatchObject({ state: "revoked", version: 1 });
    expect(await statusOf(created)).toBe(1);
    const { states } = (await calls.get(created.rid, "/versions")).body as { states: JsonObject[] };
    const keys = [node.secrets.signers.record.publicKey];
    const { payload } = await verifyJws(states[0]!.statement as string, { typ: "attestry-state+jwt", keys });
    expect(payload).toMatchObject({ iss: node.entity, rid: created.rid, rver: 1, op: "revoke" });
    expect(payload.act).toMatchObject({ operation: "revoke", role: "registrar" });
    expect(payload.act).not.toHaveProperty("reason");
    const [stored] = await node.database.database.sql<{ entry: Uint8Array }[]>`
      select entry from log_entry where index = ${states[0]!.log_index as number}`;
    expect(parseEntry(stored!.entry)).toMatchObject({ e: "revoke", r: stateTag(k!, 1) });
  });

  it("ends the record: nothing changes it afterwards, and its token still proves what was said", async () => {
    const { rid } = await createParcel();
    expect((await calls.revoke(rid)).status).toBe(200);
    expect(refusal(await calls.revoke(rid))).toBe("409 state_conflict");
    const amend = await calls.patch(rid, { data: { name: "x" } }, { "if-match": '"1.1"' });
    expect(refusal(amend)).toBe("409 state_conflict");
    expect((await calls.get(rid)).body.state).toBe("revoked");
    expect(proveReceipt((await calls.get(rid, "/receipt")).text).entry.e).toBe("create");
  });

  it("lets one of an amendment and a revocation of the same version win", async () => {
    const { rid } = await createParcel();
    const answers = await Promise.all([
      calls.patch(rid, { data: { name: "amended" } }, { "if-match": '"1.0"' }),
      calls.revoke(rid, undefined, { "if-match": '"1.0"' }),
    ]);
    expect(answers.map(({ status }) => status).sort()).toEqual([200, 412]);
  });
});

describe("reading", () => {
  it("gives the token, the evidence file or JSON, by Accept", async () => {
    const { rid, token: written } = await createParcel();
    const token = withoutDisclosures(written);
    const read = (accept: string) => node.request("GET", calls.path(rid), { headers: { accept } });
    const asToken = await read("application/dc+sd-jwt");
    expect([asToken.headers.get("content-type"), asToken.text]).toEqual(["application/dc+sd-jwt", token]);
    const asEvidence = await read("application/vnd.attestry.evidence+json");
    expect(asEvidence.body).toMatchObject({ token });
    expect((await read("*/*")).body).toMatchObject({ rid });
  });

  it("refuses addresses of nothing by name", async () => {
    const { rid } = await createParcel();
    const unknown = "00000000-0000-8000-8000-000000000000";
    expect(refusal(await calls.get(unknown))).toBe("404 record_unknown");
    expect(refusal(await calls.get("not-a-rid"))).toBe("404 record_unknown");
    expect(refusal(await calls.get(String(rid).toUpperCase()))).toBe("404 record_unknown");
    for (const version of ["2", "0", "2147483648", "999999999999999"])
      expect(refusal(await calls.get(rid, `?version=${version}`)), version).toBe("404 version_unknown");
    expect(refusal(await calls.get(rid, "?version=one"))).toBe("400 query_invalid");
    expect(refusal(await node.request("GET", `/registries/others/records/${rid}`))).toBe("404 registry_unknown");
  });
});
