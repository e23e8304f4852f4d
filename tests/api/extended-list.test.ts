// The extended list of subordinates over real HTTP: pages, changes since a time, and ten thousand of them.
import { afterAll, beforeAll, describe, expect, test } from "vitest";
import type { JsonObject } from "../../src/crypto/json.ts";
import { createEntity } from "../chain-fixture.ts";
import { startTestNode, type TestNode } from "../node-fixture.ts";

interface Entry {
  readonly id: string;
  readonly status: string;
  readonly subordinate_statement?: string;
  readonly registered?: number;
  readonly updated?: number;
}

const START = 1_800_000_000;
let now = START;
let node: TestNode;

const nameOf = (j: number): string => `https://d${String(j).padStart(5, "0")}.example.org`;

/** Makes the node vouch for entities that no test has to start. */
async function insert(names: readonly string[], options: { at: number; types?: string[]; intermediate?: boolean }) {
  const { publicKey } = createEntity("https://any.example.org").federation;
  const { sql } = node.database.database;
  await sql`
    insert into subordinate (entity, jwks, registry_types, accepted_at, changed_at, entity_types, is_intermediate)
    select name, ${sql.json({ keys: [{ ...publicKey.jwk }] })}, '{districts}', ${options.at}, ${options.at},
      ${options.types ?? ["registry_node"]}, ${options.intermediate ?? false}
    from unnest(${[...names]}::text[]) as name`;
}

async function list(query = ""): Promise<{ entries: Entry[]; next: string | undefined }> {
  const { status, body } = await node.request("GET", `/federation/extended-list?${query}`);
  expect(status).toBe(200);
  return {
    entries: body.immediate_subordinate_entities as unknown as Entry[],
    next: body.next_entity_id as string | undefined,
  };
}

function payloadOf(text: string): JsonObject {
  return JSON.parse(Buffer.from(text.split(".")[1]!, "base64url").toString()) as JsonObject;
}

beforeAll(async () => {
  node = await startTestNode({ clock: () => now });
  await insert([nameOf(1), nameOf(3)], { at: START - 100 });
  await insert([nameOf(2)], { at: START - 50, types: ["federation_entity"], intermediate: true });
});

afterAll(() => node.close());

describe("the extended list of subordinates", () => {
  test("has each subordinate's statement, and when it was taken and changed", async () => {
    const { entries, next } = await list();
    expect(next).toBeUndefined();
    expect(entries.map(({ id, status, registered, updated }) => [id, status, registered, updated])).toEqual([
      [nameOf(1), "active", START - 100, START - 100],
      [nameOf(2), "active", START - 50, START - 50],
      [nameOf(3), "active", START - 100, START - 100],
    ]);
    expect(payloadOf(entries[1]!.subordinate_statement!)).toMatchObject({
      iss: node.entity,
      sub: nameOf(2),
      iat: START,
      metadata_policy: { registry_node: { registry_types: { subset_of: ["districts"] } } },
    });
  });

  test("leaves out statements and times where nobody wants them", async () => {
    const { entries } = await list("claims=&audit_timestamps=false&limit=1");
    expect(entries).toEqual([{ id: nameOf(1), status: "active" }]);
  });

  test("comes in pages, each beginning where the one before says", async () => {
    const first = await list("limit=2");
    expect([first.entries.map(({ id }) => id), first.next]).toEqual([[nameOf(1), nameOf(2)], nameOf(3)]);
    const second = await list(`limit=2&from_entity_id=${encodeURIComponent(first.next!)}`);
    expect([second.entries.map(({ id }) => id), second.next]).toEqual([[nameOf(3)], undefined]);
  });

  test("is narrowed as the list is", async () => {
    expect((await list("intermediate=true")).entries.map(({ id }) => id)).toEqual([nameOf(2)]);
    expect((await list("entity_type=registry_node")).entries.map(({ id }) => id)).toEqual([nameOf(1), nameOf(3)]);
  });

  test("tells what changed since a time: newcomers, and those that were suspended or removed", async () => {
    now = START + 10;
    await insert([nameOf(4)], { at: now });
    await node.node.federation.suspendSubordinate({ entity: nameOf(1), reason: "moved" });
    await node.node.federation.removeSubordinate(nameOf(3));
    const changed = async (query: string) => (await list(query)).entries.map(({ id, status }) => [id, status]);
    expect(await changed(`updated_after=${now}`)).toEqual([
      [nameOf(1), "removed"],
      [nameOf(3), "removed"],
      [nameOf(4), "active"],
    ]);
    expect(await changed(`updated_after=${now + 1}`)).toEqual([]);
    expect(await changed(`updated_after=${now}&limit=1&from_entity_id=${encodeURIComponent(nameOf(2))}`)).toEqual([
      [nameOf(3), "removed"],
    ]);
    // Whoever keeps the filtered list has to drop what the filter no longer lets through.
    expect(await changed(`updated_after=${START - 50}&entity_type=federation_entity`)).toEqual([
      [nameOf(1), "removed"],
      [nameOf(2), "active"],
      [nameOf(3), "removed"],
      [nameOf(4), "removed"],
    ]);
    expect((await list()).entries.map(({ id }) => id)).toEqual([nameOf(2), nameOf(4)]);

    now += 10;
    await node.node.federation.resumeSubordinate(nameOf(1));
    await insert([nameOf(3)], { at: now });
    expect(await changed(`updated_after=${now}`)).toEqual([
      [nameOf(1), "active"],
      [nameOf(3), "active"],
    ]);
  });

  test.each([
    ["limit=0", "invalid_request"],
    ["limit=x", "invalid_request"],
    ["limit=1&limit=2", "invalid_request"],
    ["updated_after=-1", "invalid_request"],
    ["audit_timestamps=yes", "invalid_request"],
    ["from_entity_id=a%00b", "invalid_request"],
    ["from_entity_id=", "invalid_request"],
    ["entity_type=", "invalid_request"],
    ["claims=trust_marks", "unsupported_parameter"],
    ["updated_before=1", "unsupported_parameter"],
  ])("refuses %s as %s", async (query, error) => {
    const { status, body } = await node.request("GET", `/federation/extended-list?${query}`);
    expect([status, body.error]).toEqual([400, error]);
  });

  test("is announced by a node that vouches for somebody", async () => {
    const { text } = await node.request("GET", "/.well-known/openid-federation");
    expect((payloadOf(text).metadata as JsonObject).federation_entity).toMatchObject({
      federation_extended_list_endpoint: `${node.entity}/federation/extended-list`,
    });
  });

  test("of ten thousand is read completely, each of them once", async () => {
    await insert(
      Array.from({ length: 10_000 }, (_, j) => nameOf(j + 10)),
      { at: START + 30 },
    );
    const seen: string[] = [];
    let next: string | undefined;
    do {
      const from: string = next === undefined ? "" : `&from_entity_id=${encodeURIComponent(next)}`;
      const page = await list(`limit=1000&claims=${from}`);
      expect(page.entries.length).toBeLessThanOrEqual(500);
      seen.push(...page.entries.map(({ id }) => id));
      next = page.next;
    } while (next !== undefined);
    expect(seen).toHaveLength(10_004);
    expect(new Set(seen).size).toBe(10_004);
  });
});
