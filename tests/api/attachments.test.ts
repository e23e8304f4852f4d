// Files that records hold: what is taken in, who gets them and how, what becomes of them.
import { createHash } from "node:crypto";
import { afterAll, beforeAll, describe, expect, it } from "vitest";
import type { Json, JsonObject } from "../../src/crypto/json.ts";
import { ATTACHMENTS_UNHELD_MAX } from "../../src/limits.ts";
import { deleteAttachmentsOf, sweepAttachments } from "../../src/records/attachments/attachment-store.ts";
import { runTransaction } from "../../src/storage/transaction.ts";
import { verifyAttachment } from "../../src/verification/index.ts";
import { type Answer, definition, startTestNode, type TestNode } from "../node-fixture.ts";
import { createRecordCalls, type RecordCalls, refusal } from "../record-calls.ts";

const bytesOf = (text: string) => new TextEncoder().encode(text);
const pdf = (text: string) => bytesOf(`%PDF-1.7\n${text}`);
const PNG = Uint8Array.from([0x89, 0x50, 0x4e, 0x47, 0x0d, 0x0a, 0x1a, 0x0a, 1, 2, 3]);
const digestOf = (bytes: Uint8Array) => createHash("sha256").update(bytes).digest("base64url");
const plan = { type: "object", "x-attachment": true };

let node: TestNode;
let registrar: string;
let records: RecordCalls;

beforeAll(async () => {
  node = await startTestNode();
  registrar = await node.token("registrar");
  const properties = {
    plan,
    note: { ...plan, "x-attachment": { mediaTypes: ["text/plain"], bytesMax: 20 } },
    proof: { ...plan, "x-personal": true },
    photos: { type: "array", items: { type: "object" }, "x-attachment": { mediaTypes: ["image/png"], bytesMax: 100 } },
  };
  for (const [name, access] of [
    ["parcels", "public"],
    ["others", "public"],
    ["cases", "members"],
  ] as const)
    expect((await node.publish(definition(name, { properties, access }))).status).toBe(201);
  await node.publish(definition("plain"));
  records = await createRecordCalls(node, "parcels");
});

afterAll(() => node.close());

function upload(
  bytes: Uint8Array,
  { type = "application/pdf", registry = "parcels", query = "", token = registrar } = {},
): Promise<Answer> {
  const headers = { "content-type": type };
  return node.request("POST", `/registries/${registry}/attachments${query}`, {
    token: token || undefined,
    body: bytes,
    headers,
  });
}

async function stored(bytes: Uint8Array, options: Parameters<typeof upload>[1] = {}): Promise<JsonObject> {
  const answer = await upload(bytes, options);
  expect(answer.status, answer.text).toBe(201);
  return answer.body;
}

const read = (attachment: JsonObject, token?: string, headers: Record<string, string> = {}) =>
  fetch(String(attachment.href), { headers: { ...headers, ...(token && { authorization: `Bearer ${token}` }) } });

let codes = 0;
const holding = (members: JsonObject): JsonObject => ({ code: `c${codes++}`, name: "n", ...members });

describe("a file", () => {
  it("is stored, held by a record, and read by anyone, byte by byte", async () => {
    const bytes = pdf("plan of a parcel");
    const attachment = await stored(bytes, { query: "?name=plan%20%E0%A4%A8.pdf" });
    const digest = digestOf(bytes);
    const href = `${node.entity}/registries/parcels/attachments/${digest}`;
    expect(attachment).toEqual({ digest, mediaType: "application/pdf", bytes: bytes.length, href });
    const view = await records.create(holding({ plan: attachment }));
    expect((view.data as JsonObject).plan).toEqual(attachment);
    const answer = await read(attachment);
    expect(answer.status).toBe(200);
    const got = new Uint8Array(await answer.arrayBuffer());
    expect(got).toEqual(bytes);
    expect(verifyAttachment(got, attachment)).toEqual({ valid: true });
    expect(Object.fromEntries(answer.headers)).toMatchObject({
      "content-type": "application/pdf",
      "content-disposition": "attachment; filename=\"plan _.pdf\"; filename*=UTF-8''plan%20%E0%A4%A8.pdf",
      "content-security-policy": "sandbox; default-src 'none'",
      "x-content-type-options": "nosniff",
      "cache-control": "public, max-age=3600",
      "access-control-allow-origin": "*",
      etag: `"${digest}"`,
    });
    expect((await read(attachment, undefined, { "if-none-match": `"${digest}"` })).status).toBe(304);
  });

  it("lies in the database as nothing that tells its bytes, name or digest", async () => {
    const bytes = pdf("a secret that nobody finds in the database");
    await stored(bytes, { query: "?name=secret-name.pdf" });
    const rows = await node.database.database.sql<{ row: string }[]>`
      select a::text || encode(sealed, 'escape') || coalesce(encode(sealed_name, 'escape'), '') as row from attachment a`;
    const text = rows.map(({ row }) => row).join("\n");
    for (const secret of ["a secret that nobody", "secret-name", digestOf(bytes)]) expect(text).not.toContain(secret);
  });

  it.each<[string, Uint8Array, Parameters<typeof upload>[1], string]>([
    ["that is no PDF", bytesOf("<html>"), {}, "422 attachment_invalid"],
    ["that is no PNG", pdf("x"), { type: "image/png" }, "422 attachment_invalid"],
    ["without a byte", new Uint8Array(), {}, "422 attachment_invalid"],
    ["of a text that is none", Uint8Array.from([0x61, 0, 0x62]), { type: "text/plain" }, "422 attachment_invalid"],
    ["of a type no field takes", bytesOf("a,b"), { type: "text/csv" }, "415 content_type_unsupported"],
    ["of a type that runs", bytesOf("<svg/>"), { type: "image/svg+xml" }, "415 content_type_unsupported"],
    ["larger than its field takes", bytesOf("x".repeat(21)), { type: "text/plain" }, "413 body_too_large"],
    ["larger than any may be", new Uint8Array(10 * 1_048_576 + 1), {}, "413 body_too_large"],
    ["of a registry without files", pdf("x"), { registry: "plain" }, "422 attachment_invalid"],
    ["of no registry", pdf("x"), { registry: "none" }, "404 registry_unknown"],
    ["with a name that cannot be printed", pdf("x"), { query: "?name=a%0Ab" }, "400 query_invalid"],
    ["from a stranger", pdf("x"), { token: "" }, "401 authentication_required"],
  ])("%s is refused", async (_name, bytes, options, expected) => {
    expect(refusal(await upload(bytes, options))).toBe(expected);
  });

  it("is refused from staff who may not write", async () => {
    expect(refusal(await upload(pdf("x"), { token: await node.token("reader") }))).toBe("403 permission_denied");
  });

  it("is the same when uploaded twice, but not under another type", async () => {
    const attachment = await stored(PNG, { type: "image/png" });
    expect(await stored(PNG, { type: "image/png" })).toEqual(attachment);
    const text = bytesOf("both are texts");
    const both = definition("texts", {
      properties: { a: { ...plan, "x-attachment": { mediaTypes: ["text/plain", "text/csv"] } } },
    });
    await node.publish(both);
    await stored(text, { registry: "texts", type: "text/plain" });
    expect(refusal(await upload(text, { registry: "texts", type: "text/csv" }))).toBe("422 attachment_invalid");
  });
});

describe("a record", () => {
  it("holds only files that are stored, as they are stored, in a field that takes them", async () => {
    const attachment = await stored(pdf("held"));
    const elsewhere = await stored(pdf("held elsewhere"), { registry: "others" });
    const unknown = digestOf(pdf("never uploaded"));
    const at = (digest: string) => `${node.entity}/registries/parcels/attachments/${digest}`;
    const wrong: [string, Json][] = [
      ["a text", "file.pdf"],
      ["a member missing", { digest: attachment.digest!, mediaType: "application/pdf", bytes: attachment.bytes! }],
      ["a member more", { ...attachment, name: "x" }],
      ["another size", { ...attachment, bytes: Number(attachment.bytes) + 1 }],
      ["another type", { ...attachment, mediaType: "image/png" }],
      ["a type no field takes", { ...attachment, mediaType: "text/html" }],
      ["another address", { ...attachment, href: `https://evil.example/${String(attachment.digest)}` }],
      ["of another registry", elsewhere],
      ["never uploaded", { ...attachment, digest: unknown, href: at(unknown) }],
      ["no digest", { ...attachment, digest: "x", href: at("x") }],
    ];
    for (const [name, value] of wrong) {
      const answer = await records.post({ data: holding({ plan: value }) });
      expect([name, refusal(answer)]).toEqual([name, "422 record_invalid"]);
      expect((answer.body.errors as JsonObject[])[0]!.field, name).toBe("/plan");
    }
    const view = await records.create(holding({ plan: attachment }));
    const patched = await records.patch(
      view.rid,
      { data: { plan: { digest: unknown, href: at(unknown) } } },
      { "if-match": '"1.0"' },
    );
    expect(refusal(patched)).toBe("422 record_invalid");
  });

  it("holds several in a list, also through an import, where a wrong one refuses its row alone", async () => {
    const photo = await stored(PNG, { type: "image/png" });
    const rows = [holding({ photos: [photo] }), holding({ photos: [{ ...photo, bytes: 7 }] }), holding({ photos: [] })];
    const answer = await node.request("POST", "/registries/parcels/records:import", {
      token: registrar,
      body: rows.map((data) => JSON.stringify({ data })).join("\n"),
      headers: { "content-type": "application/x-ndjson" },
    });
    const outcomes = answer.text
      .trim()
      .split("\n")
      .map((line) => JSON.parse(line) as JsonObject);
    expect(outcomes.map(({ outcome }) => outcome)).toEqual(["created", "refused", "created"]);
    expect((await read(photo)).status).toBe(200);
  });
});

describe("who may read a file", () => {
  it("is nobody but staff before a record holds it, where it is personal, and where the registry is not public", async () => {
    const waiting = await stored(pdf("waiting"));
    const proof = await stored(pdf("a person's proof"));
    await records.create(holding({ proof }));
    const secret = await stored(pdf("of members"), { registry: "cases" });
    const cases = await createRecordCalls(node, "cases");
    await cases.create(holding({ plan: secret }));
    const reader = await node.token("reader");
    const operator = await node.token("operator");
    for (const attachment of [waiting, proof]) {
      expect((await read(attachment)).status).toBe(404);
      expect((await read(attachment, operator)).status).toBe(404);
      const answer = await read(attachment, reader);
      expect(answer.status).toBe(200);
      expect(answer.headers.get("cache-control")).toBe("private, no-store");
      expect(answer.headers.get("access-control-allow-origin")).toBeNull();
    }
    expect((await read(secret)).status).toBe(401);
    expect((await read(secret, reader)).status).toBe(200);
    expect((await read({ href: `${String(secret.href).slice(0, -43)}${digestOf(PNG)}` })).status).toBe(401);
  });

  it("is everybody of a file that one record holds openly and another in a personal field", async () => {
    const shared = await stored(pdf("held twice"));
    await records.create(holding({ proof: shared }));
    expect((await read(shared)).status).toBe(404);
    await records.create(holding({ plan: shared }));
    expect((await read(shared)).status).toBe(200);
  });

  it("is nobody any more when the registry is closed", async () => {
    const definitionOf = (access: string) => definition("closing", { properties: { plan }, access });
    await node.publish(definitionOf("public"));
    const attachment = await stored(pdf("once open"), { registry: "closing" });
    await (await createRecordCalls(node, "closing")).create(holding({ plan: attachment }));
    expect((await read(attachment)).status).toBe(200);
    const token = await node.token("operator");
    await node.request("PUT", "/registries/closing?allow-breaking=true", { token, json: definitionOf("members") });
    node.node.registries.refresh("closing");
    expect((await read(attachment)).status).toBe(401);
    const answer = await read(attachment, await node.token("reader"));
    expect([answer.status, answer.headers.get("cache-control")]).toEqual([200, "private, no-store"]);
  });
});

describe("what becomes of files", () => {
  it("that no record holds: they go after a day, those that are held stay", async () => {
    const held = await stored(pdf("stays"));
    await records.create(holding({ plan: held }));
    const waiting = await stored(pdf("goes"));
    const { database } = node.database;
    const now = Math.floor(Date.now() / 1_000);
    await sweepAttachments(database, { before: now - 60 });
    expect((await read(waiting, registrar)).status).toBe(200);
    await sweepAttachments(database, { before: now + 60 });
    expect((await read(waiting, registrar)).status).toBe(404);
    expect((await read(held)).status).toBe(200);
    expect(refusal(await records.post({ data: holding({ plan: waiting }) }))).toBe("422 record_invalid");
  });

  it("of an erased record: they are destroyed, unless another record holds them too", async () => {
    const own = await stored(pdf("own"));
    const shared = await stored(pdf("shared"));
    const first = await records.create(holding({ plan: own, proof: shared }));
    await records.create(holding({ plan: shared }));
    const { database } = node.database;
    await runTransaction(database, (tx) => deleteAttachmentsOf(tx, String(first.rid)));
    expect((await read(own, registrar)).status).toBe(404);
    expect((await read(shared)).status).toBe(200);
  });

  it("that are damaged: they are not given out", async () => {
    const { sql } = node.database.database;
    await sql`delete from attachment where length(sealed) = 0`;
    for (const damage of [
      sql`sealed = set_byte(sealed, 20, get_byte(sealed, 20) # 1)`,
      sql`sealed_key = set_byte(sealed_key, 20, get_byte(sealed_key, 20) # 1)`,
    ]) {
      const attachment = await stored(pdf(`damaged ${codes}`));
      await records.create(holding({ plan: attachment }));
      expect((await read(attachment)).status).toBe(200);
      await sql`update attachment set ${damage}`;
      const answer = await read(attachment);
      expect([answer.status, ((await answer.json()) as JsonObject).code]).toEqual([500, "attachment_corrupt"]);
      await sql`update attachment set ${damage}`;
    }
  });

  it("that wait for a record: no more than a limit, so that no disk is filled", async () => {
    const { sql } = node.database.database;
    await node.publish(definition("flooded", { properties: { plan } }));
    await sql`
      insert into attachment (key, registry, media_type, bytes, sealed_key, sealed, held, created_at)
      select 'flood ' || i, 'flooded', 'application/pdf', 1, '', '', false, 0 from generate_series(1, ${ATTACHMENTS_UNHELD_MAX}) i`;
    expect(refusal(await upload(pdf("one more"), { registry: "flooded" }))).toBe("413 too_many_items");
    expect((await upload(pdf("elsewhere"))).status).toBe(201);
  });
});

describe("a definition", () => {
  it.each<[string, JsonObject]>([
    ["at a text", { type: "string", "x-attachment": true }],
    ["with an unknown type", { type: "object", "x-attachment": { mediaTypes: ["text/html"] } }],
    ["larger than any may be", { type: "object", "x-attachment": { bytesMax: 10 * 1_048_576 + 1 } }],
    [
      "with other members",
      { type: "object", "x-attachment": true, additionalProperties: false, properties: { digest: { type: "string" } } },
    ],
  ])("with an attachment %s is refused", async (_name, property) => {
    const answer = await node.publish(definition("bad", { properties: { plan: property } }));
    expect(refusal(answer)).toBe("422 definition_invalid");
  });
});

describe("a file beside a verified record", () => {
  it("is refused when it is another, longer, or when the record holds none", () => {
    const bytes = pdf("original");
    const attachment = { digest: digestOf(bytes), bytes: bytes.length };
    const codeOf = (given: Uint8Array, of: unknown) => {
      const verdict = verifyAttachment(given, of);
      return verdict.valid ? "valid" : verdict.code;
    };
    expect(codeOf(bytes, attachment)).toBe("valid");
    expect(codeOf(pdf("0riginal"), attachment)).toBe("attachment_digest_differs");
    expect(codeOf(pdf("original "), attachment)).toBe("attachment_size_differs");
    expect(codeOf(bytes, undefined)).toBe("attachment_invalid");
    expect(codeOf(bytes, "text")).toBe("attachment_invalid");
  });
});
