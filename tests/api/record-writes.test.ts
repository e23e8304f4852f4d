// Writes that meet each other: identifiers, unique values, Idempotency-Key, definitions that change meanwhile.
import { afterAll, beforeAll, describe, expect, it } from "vitest";
import { encodeBase64url } from "../../src/crypto/base64.ts";
import { sha256 } from "../../src/crypto/hash.ts";
import { canonicalJson, type JsonObject } from "../../src/crypto/json.ts";
import { randomBytes } from "../../src/crypto/random.ts";
import { IDEMPOTENCY_SECONDS } from "../../src/limits.ts";
import { findUsedRegistries } from "../../src/records/record-store.ts";
import { createRegistryService } from "../../src/registries/registry-service.ts";
import { definition, startTestNode, type TestNode } from "../node-fixture.ts";
import { createRecordCalls, type RecordCalls, refusal } from "../record-calls.ts";

let node: TestNode;
let elapsed = 0;
let numbered: RecordCalls;
let coded: RecordCalls;
let plots: RecordCalls;

const text = { type: "string" } as const;
const PLOTS = definition("plots", {
  properties: { state: text, plot: { type: "integer", "x-unique": true }, note: text },
});
(PLOTS.schema as JsonObject)["x-unique"] = [["state", "name"]];

beforeAll(async () => {
  node = await startTestNode({ clock: () => Math.floor(Date.now() / 1_000) + elapsed });
  const births = definition("births", { members: { identifier: "BR-{yyyy}-{seq:8}" } });
  const villages = definition("villages", { members: { identifier: { field: "code" } } });
  for (const one of [births, villages, PLOTS]) expect((await node.publish(one)).status).toBe(201);
  numbered = await createRecordCalls(node, "births");
  coded = await createRecordCalls(node, "villages");
  plots = await createRecordCalls(node, "plots");
});

afterAll(() => node?.close());

async function countRecords(registry: string): Promise<number> {
  const rows = await node.database.database.sql<{ count: number }[]>`
    select count(*)::int8 as count from record where registry = ${registry}`;
  return rows[0]!.count;
}

describe("identifiers", () => {
  it("are numbered by the year's template, and no number is given twice to fifty writers", async () => {
    const views = await Promise.all(
      Array.from({ length: 50 }, (_, i) => numbered.create({ code: `c${i}`, name: "n" })),
    );
    const identifiers = views.map(({ identifier }) => identifier as string);
    expect(new Set(identifiers).size).toBe(50);
    const year = new Date().getUTCFullYear();
    for (const identifier of identifiers) expect(identifier).toMatch(new RegExp(`^BR-${year}-000000\\d\\d$`));
    const found = await node.request("GET", `/registries/births/records?identifier=${identifiers[17]}`);
    expect(found.body.records).toMatchObject([{ rid: views[17]!.rid }]);
  });

  it("come from the field that carries the official number, and then never change", async () => {
    const village = await coded.create({ code: "V-1", name: "Village" });
    expect(village.identifier).toBe("V-1");
    const found = await node.request("GET", "/registries/villages/records?identifier=V-1");
    expect(found.body.records).toMatchObject([{ rid: village.rid }]);
    const changed = await coded.patch(village.rid, { data: { code: "V-2" } }, { "if-match": '"1.0"' });
    expect(refusal(changed)).toBe("422 record_invalid");
    expect(refusal(await coded.post({ data: { code: "V-1", name: "Other" } }))).toBe("409 value_not_unique");
  });

  it("may hold no control characters, which no register could print", async () => {
    const answer = await coded.post({ data: { code: "V\u0000-3", name: "Village" } });
    expect(refusal(answer)).toBe("422 record_invalid");
    expect(answer.body.errors).toMatchObject([{ field: "/code" }]);
  });
});

describe("unique values", () => {
  it("are held by one record, alone and together, and the refusal names which", async () => {
    await plots.create({ code: "A", name: "north", state: "s1", plot: 1 });
    const alone = await plots.post({ data: { code: "B", name: "south", plot: 1 } });
    expect(refusal(alone)).toBe("409 value_not_unique");
    expect(alone.body.errors).toEqual([{ field: "/plot", message: "must be unique in this registry" }]);
    const together = await plots.post({ data: { code: "C", name: "north", state: "s1" } });
    expect(refusal(together)).toBe("409 value_not_unique");
    expect((together.body.errors as JsonObject[]).map(({ field }) => field)).toEqual(["/state", "/name"]);
    expect((await plots.post({ data: { code: "C", name: "north", state: "s2" } })).status).toBe(201);
    // As NULL in SQL: a key with a missing field counts for nothing.
    expect((await plots.post({ data: { code: "D", name: "north" } })).status).toBe(201);
    expect((await plots.post({ data: { code: "E", name: "north" } })).status).toBe(201);
  });

  it("are taken by one of fifty concurrent writers", async () => {
    const answers = await Promise.all(
      Array.from({ length: 50 }, () => plots.post({ data: { code: "RACE", name: "r" } })),
    );
    expect(answers.filter(({ status }) => status === 201)).toHaveLength(1);
    expect(answers.filter((answer) => refusal(answer) === "409 value_not_unique")).toHaveLength(49);
  });

  it("are freed by an amendment, usable by another record, and then closed to the first", async () => {
    const first = await plots.create({ code: "OLD", name: "o", state: "s9", plot: 90 });
    await plots.amend(first.rid, "1.0", { data: { code: "NEW", plot: null, state: "s8" } });
    await plots.create({ code: "OLD", name: "o", state: "s9", plot: 90 });
    const back = await plots.patch(first.rid, { data: { code: "OLD" } }, { "if-match": '"2.0"' });
    expect(refusal(back)).toBe("409 value_not_unique");
    expect((await plots.get(first.rid)).body).toMatchObject({ version: 2, data: { code: "NEW" } });
  });

  it("may be swapped from record to record while others write, and never end up twice", async () => {
    const views = await Promise.all([0, 1, 2, 3].map((i) => plots.create({ code: `W${i}`, name: "w" })));
    await Promise.all(
      Array.from({ length: 40 }, async (_, i) => {
        const view = views[i % 4]!;
        const etag = (await plots.get(view.rid)).headers.get("etag")!;
        return plots.patch(view.rid, { data: { code: `W${(i * 7) % 5}` } }, { "if-match": etag });
      }),
    );
    const held = await Promise.all(views.map(async ({ rid }) => ((await plots.get(rid)).body.data as JsonObject).code));
    expect(new Set(held).size).toBe(4);
    for (const [i, code] of held.entries()) {
      const found = await node.request("GET", `/registries/plots/records?code=${code}`);
      expect(found.body.records).toMatchObject([{ rid: views[i]!.rid }]);
    }
  });
});

describe("Idempotency-Key", () => {
  it("repeats a creation with the ETag that holds now, so that the next change is not refused for no reason", async () => {
    const key = { "idempotency-key": "create-then-revoke" };
    const first = await plots.post({ data: { code: "I0", name: "i" } }, key);
    await plots.revoke(first.body.rid as string);
    const again = await plots.post({ data: { code: "I0", name: "i" } }, key);
    expect([first.headers.get("etag"), again.headers.get("etag")]).toEqual(['"1.0"', '"1.1"']);
  });

  it("gives a retry the answer of the first try", async () => {
    const headers = { "idempotency-key": "create-1" };
    const body = { data: { code: "I1", name: "i" } };
    const first = await plots.post(body, headers);
    const again = await plots.post(body, { "idempotency-key": '"create-1"' });
    expect([first.status, again.status]).toEqual([201, 201]);
    expect(again.body).toEqual(first.body);
    expect(again.headers.get("location")).toBe(first.headers.get("location"));
  });

  it("makes one record of fifty concurrent tries", async () => {
    const before = await countRecords("births");
    const answers = await Promise.all(
      Array.from({ length: 50 }, () => numbered.post({ data: { code: "I2", name: "i" } }, { "idempotency-key": "c2" })),
    );
    expect(answers.map(({ status }) => status)).toEqual(Array.from({ length: 50 }, () => 201));
    expect(new Set(answers.map(({ body }) => `${body.rid} ${body.identifier}`)).size).toBe(1);
    expect(await countRecords("births")).toBe(before + 1);
  });

  it("is refused for another body, another record and another operation", async () => {
    const key = { "idempotency-key": "create-3" };
    const { body } = await plots.post({ data: { code: "I3", name: "i" } }, key);
    const other = await plots.post({ data: { code: "I4", name: "i" } }, key);
    expect(refusal(other)).toBe("422 idempotency_key_reused");
    const patch = await plots.patch(body.rid, { data: { name: "j" } }, { ...key, "if-match": '"1.0"' });
    expect(refusal(patch)).toBe("422 idempotency_key_reused");
    expect(refusal(await plots.revoke(body.rid, undefined, key))).toBe("422 idempotency_key_reused");
  });

  it("holds for amendments and revocations, whose first try a retry would otherwise miss", async () => {
    const { rid } = await plots.create({ code: "I5", name: "i" });
    const amend = () =>
      plots.patch(rid, { data: { name: "j" } }, { "if-match": '"1.0"', "idempotency-key": "amend-5" });
    const amended = await Promise.all([amend(), amend(), amend()]);
    expect(amended.map(({ status }) => status)).toEqual([200, 200, 200]);
    expect(new Set(amended.map(({ body }) => body.token)).size).toBe(1);
    const revoke = () => plots.revoke(rid, undefined, { "idempotency-key": "revoke-5" });
    const revoked = [await revoke(), await revoke()];
    expect(revoked.map(({ body }) => body.state)).toEqual(["revoked", "revoked"]);
  });

  it("belongs to one token: another writer's same key is another key", async () => {
    const body = { data: { code: "I6", name: "i" } };
    expect((await plots.post(body, { "idempotency-key": "shared" })).status).toBe(201);
    const other = await createRecordCalls(node, "plots");
    expect(refusal(await other.post(body, { "idempotency-key": "shared" }))).toBe("409 value_not_unique");
  });

  it("is not used up by a refusal", async () => {
    const headers = { "idempotency-key": "retry" };
    expect(refusal(await plots.post({ data: { name: "i" } }, headers))).toBe("422 record_invalid");
    expect((await plots.post({ data: { code: "I7", name: "i" } }, headers)).status).toBe(201);
  });

  it("answers as long as its row is kept, also where the sweep is late", async () => {
    const token = await node.token("registrar", { seconds: 2 * IDEMPOTENCY_SECONDS });
    const post = () =>
      node.request("POST", "/registries/plots/records", {
        token,
        json: { data: { code: "I8", name: "i" } },
        headers: { "idempotency-key": "late" },
      });
    const first = await post();
    elapsed = IDEMPOTENCY_SECONDS + 1;
    const late = await post();
    elapsed = 0;
    expect([late.status, late.body.rid]).toEqual([201, first.body.rid]);
  });

  it("is refused when it is empty, too long or not visible ASCII", async () => {
    for (const key of ['""', "k".repeat(201), "a b"])
      expect(refusal(await plots.post({ data: {} }, { "idempotency-key": key })), key).toBe("400 header_invalid");
  });

  it("leaves nothing in the database from which a low-entropy body could be guessed", async () => {
    const body = { data: { code: "I9", name: "secret" } };
    await plots.post(body, { "idempotency-key": "guess" });
    const digest = encodeBase64url(sha256(canonicalJson(["plots", "create", body])));
    const rows = await node.database.database.sql<{ request: string }[]>`select request from idempotency`;
    expect(rows.length).toBeGreaterThan(0);
    expect(rows.map(({ request }) => request)).not.toContain(digest);
  });
});

describe("a definition that changes meanwhile", () => {
  it("fails no creation that is valid under the new one, though this process has not heard of it", async () => {
    await plots.create({ code: "D0", name: "fills the cache" });
    // As another process of the node would publish: through the same log, past this process's cache.
    const elsewhere = createRegistryService({
      database: node.database.database,
      writer: node.node.writer,
      entity: node.entity,
      clock: () => Math.floor(Date.now() / 1_000),
      random: randomBytes,
      findUsed: findUsedRegistries,
      proposals: {
        propose: () => Promise.reject(new Error("nobody has to approve")),
        findAnswered: () => Promise.resolve(undefined),
      },
    });
    const changed = structuredClone(PLOTS);
    (changed.schema as { properties: JsonObject }).properties.colour = text;
    const published = await elsewhere.publish(changed, { name: "plots", allowBreaking: false });
    expect("compiled" in published && published.compiled.version).toBe(2);
    const created = await Promise.all([1, 2, 3].map((i) => plots.create({ code: `D${i}`, name: "d" })));
    for (const { definition: under } of created) expect(under).toBe(`${node.entity}/registries/plots/schema/2`);
  });
});
