// Who may do what: roles, scopes, tokens, access of a registry, personal fields; and what the database holds in clear.
import { readFileSync } from "node:fs";
import { join } from "node:path";
import { afterAll, beforeAll, describe, expect, inject, it } from "vitest";
import type { JsonObject } from "../../src/crypto/json.ts";
import { ROLES, type Role } from "../../src/identity/caller.ts";
import { BEARER_CACHE_SECONDS } from "../../src/limits.ts";
import { type Answer, definition, startTestNode, type TestNode } from "../node-fixture.ts";
import { createRecordCalls, type RecordCalls, refusal } from "../record-calls.ts";

const REGISTRIES = ["open", "shared", "private"] as const;
type Name = (typeof REGISTRIES)[number];
const ACCESS = { open: "public", shared: "members", private: "consent" } as const;
// Nowhere else in the world, so that finding it anywhere means that it leaked.
const SECRET = "Personal-Value-8f3c1d";
const OPEN = "Open-Value-8f3c1d";

/** A text as it may stand in a dump: itself, in hex, and in base64 at each of the three offsets it can have in a longer text. */
function spellings(text: string): string[] {
  const base64 = [0, 1, 2].map((offset) =>
    Buffer.from("x".repeat(offset) + text)
      .toString("base64url")
      .slice(offset + 2, -4),
  );
  return [text, Buffer.from(text).toString("hex"), ...base64];
}

let node: TestNode;
let elapsed = 0;
const calls = {} as Record<Name, RecordCalls>;
const created = {} as Record<Name, JsonObject>;

beforeAll(async () => {
  node = await startTestNode({ clock: () => Math.floor(Date.now() / 1_000) + elapsed });
  for (const name of REGISTRIES) {
    const properties = { tax: { type: "string", "x-unique": true, "x-personal": true } };
    expect((await node.publish(definition(name, { access: ACCESS[name], properties }))).status).toBe(201);
    calls[name] = await createRecordCalls(node, name);
    created[name] = await calls[name].create({ code: name, name: OPEN, tax: SECRET });
  }
});

afterAll(() => node?.close());

const read = (name: Name, below = "", token?: string) => calls[name].get(created[name].rid, below, token);

/** Every use of a registry that needs a permission, tried by the bearer of `token`. */
async function tryEverything(name: Name, token: string | undefined): Promise<Record<string, number>> {
  const base = `/registries/${name}`;
  const record = `${base}/records/${created[name].rid}`;
  const tries: Record<string, Promise<Answer>> = {
    get: node.request("GET", record, { token }),
    list: node.request("GET", `${base}/records`, { token }),
    find: node.request("GET", `${base}/records?code=x`, { token }),
    versions: node.request("GET", `${record}/versions`, { token }),
    create: node.request("POST", `${base}/records`, { token, json: { data: {} } }),
    amend: node.request("PATCH", record, { token, json: { data: {} }, headers: { "if-match": '"9.9"' } }),
    revoke: node.request("POST", `${record}/revoke`, { token, json: {}, headers: { "if-match": '"9.9"' } }),
    import: node.request("POST", `${base}/records:import`, {
      token,
      body: "",
      headers: { "content-type": "application/x-ndjson" },
    }),
    define: node.request("PUT", base, { token, json: { name: "wrong" } }),
  };
  const answers = await Promise.all(
    Object.entries(tries).map(async ([use, answer]) => [use, (await answer).status] as const),
  );
  return Object.fromEntries(answers);
}

const READS = ["get", "list", "find", "versions"];
const WRITES = ["create", "amend", "revoke", "import"];
const USES: Record<Role, readonly string[]> = {
  registrar: [...READS, ...WRITES],
  approver: READS,
  reader: READS,
  auditor: [],
  operator: ["define"],
};

describe("permissions", () => {
  it.each(ROLES)("give a role %s its uses and no others, in a registry of consent", async (role) => {
    const statuses = await tryEverything("private", await node.token(role));
    const refused = Object.entries(statuses).filter(([, status]) => status === 403);
    const expected = Object.keys(statuses).filter((use) => !USES[role].includes(use));
    expect(refused.map(([use]) => use)).toEqual(expected);
    expect(Object.values(statuses)).not.toContain(401);
  });

  it("end at the registries that a token names", async () => {
    const token = await node.token("registrar", { registries: ["shared"] });
    expect(new Set(Object.values(await tryEverything("private", token)))).toEqual(new Set([403]));
    const own = await tryEverything("shared", token);
    expect(Object.entries(own).filter(([, status]) => status === 403)).toEqual([["define", 403]]);
    expect((await tryEverything("private", await node.token("operator", { registries: ["open"] }))).define).toBe(403);
  });

  it("leave an anonymous caller the open fields of public registries, and nothing else", async () => {
    const open = await tryEverything("open", undefined);
    for (const use of READS) expect([use, open[use]]).toEqual([use, 200]);
    for (const use of [...WRITES, "define"]) expect([use, open[use]]).toEqual([use, 401]);
    for (const name of ["shared", "private"] as const)
      expect(new Set(Object.values(await tryEverything(name, undefined)))).toEqual(new Set([401]));
  });

  it("do not tell a stranger whether a record exists", async () => {
    const unknown = "00000000-0000-8000-8000-000000000000";
    for (const name of ["shared", "private"] as const)
      expect((await calls[name].get(unknown)).body).toEqual((await read(name)).body);
  });
});

describe("a bearer token", () => {
  const get = (authorization: string) =>
    node.request("GET", `/registries/shared/records/${created.shared.rid}`, { headers: { authorization } });

  it("is refused when it is malformed, unknown or of another node", async () => {
    const other = await startTestNode();
    const foreign = await other.token("reader");
    await other.close();
    const good = await node.token("reader");
    const last = good.endsWith("A") ? "B" : "A";
    for (const authorization of [
      "Bearer",
      "Bearer x",
      "Basic dXNlcjpwYXNz",
      `Bearer ${foreign}`,
      `Bearer ${good.slice(0, -1)}${last}`,
      `Bearer ${good}x`,
      `Bearer ${good.toUpperCase()}`,
      `Bearer ${good} ${good}`,
      "Bearer eyJhbGciOiJub25lIn0.e30.",
    ]) {
      const answer = await get(authorization);
      expect([authorization.slice(0, 12), refusal(answer)]).toEqual([authorization.slice(0, 12), "401 token_invalid"]);
      expect(answer.headers.get("www-authenticate")).toContain("Bearer");
      expect(answer.text).not.toContain(authorization.slice(30, 60) || "\u0000");
    }
    expect((await get(`bearer ${good}`)).status).toBe(200);
  });

  it("is refused from the second on at which it ends, also where it was just good", async () => {
    const token = await node.token("reader", { seconds: 50 });
    expect((await get(`Bearer ${token}`)).status).toBe(200);
    elapsed = 50;
    expect(refusal(await get(`Bearer ${token}`))).toBe("401 token_expired");
    elapsed = 0;
  });

  it("is refused soon after it was revoked", async () => {
    const token = await node.token("reader");
    expect((await get(`Bearer ${token}`)).status).toBe(200);
    await node.database.database.sql`update staff_token set revoked_at = 1 where id = ${token.split("_")[1]!}`;
    elapsed = BEARER_CACHE_SECONDS;
    expect(refusal(await get(`Bearer ${token}`))).toBe("401 token_invalid");
    elapsed = 0;
  });
});

describe("evidence", () => {
  it("of a public record is everybody's, without its personal fields", async () => {
    const evidence = await read("open", "/evidence");
    expect(evidence.status, evidence.text).toBe(200);
    expect((evidence.body.token as string).split("~")).toEqual([(created.open.token as string).split("~")[0], ""]);
    expect((await read("open", "/receipt")).status).toBe(200);
  });

  it("of a members' record is for this node's staff as yet", async () => {
    expect(refusal(await read("shared", "/evidence"))).toBe("401 authentication_required");
    expect((await read("shared", "/evidence", await node.token("reader"))).status).toBe(200);
  });

  it("of a record of consent is refused to staff too, and the refusal says what is missing", async () => {
    for (const below of ["/evidence", "/receipt"]) {
      expect(refusal(await read("private", below))).toBe("401 authentication_required");
      const answer = await read("private", below, await node.token("reader"));
      expect(refusal(answer)).toBe("403 not_available_yet");
      expect(answer.body.detail).toContain("needs consent and disclosure");
    }
    expect(created.private.links).not.toHaveProperty("evidence");
  });

  it("goes to other nodes for public records only; the rest is named, with no hint of its being there", async () => {
    const references = REGISTRIES.map((name) => ({ href: created[name].href as string }));
    const unknown = `${node.entity}/registries/private/records/00000000-0000-8000-8000-000000000000`;
    const answer = await node.request("POST", "/records:read", {
      json: { references: [...references, { href: unknown }] },
    });
    const outcomes = (answer.body.records as JsonObject[]).map(({ outcome }) => outcome);
    expect(outcomes).toEqual(["found", "members_only", "consent_required", "consent_required"]);
    expect(answer.text).not.toContain(created.private.token as string);
    expect(Object.keys(answer.body.definitions as JsonObject)).toEqual([created.open.definition]);
  });

  it("is not resolved for members' records and records of consent, and the outcome says why", async () => {
    const references = REGISTRIES.map((name) => created[name].href as string);
    const token = await node.token("reader");
    const answer = await node.request("POST", "/resolve", { token, json: { references } });
    const records = answer.body.records as Record<string, JsonObject>;
    for (const name of ["shared", "private"] as const) {
      const record = records[created[name].href as string]!;
      expect(record).not.toHaveProperty("data");
      expect(record.message).toEqual(expect.stringMatching(/./));
    }
    expect(answer.text).not.toContain(SECRET);
  });
});

describe("the access of a registry", () => {
  const publish = async (name: string, access: "public" | "members" | "consent", query = "allow-breaking=true") =>
    node.request("PUT", `/registries/${name}?${query}`, {
      token: await node.token("operator"),
      json: definition(name, { access }),
    });

  it("becomes wider while it never held a record, and narrower at any time", async () => {
    for (const access of ["consent", "members", "public", "consent"] as const)
      expect((await publish("undecided", access)).status).toBe(201);
  });

  it("never becomes wider once it has held one, dry runs say so, and an erasure changes nothing of that", async () => {
    await publish("given", "consent");
    const registrar = await node.token("registrar");
    const json = { data: { code: "1", name: "Before" } };
    const before = await node.request("POST", "/registries/given/records", { token: registrar, json });
    const path = (before.body.href as string).slice(node.entity.length);
    for (const query of ["allow-breaking=true", "dryRun=true"])
      expect(refusal(await publish("given", "public", query))).toBe("409 definition_access_wider");
    const act = { reason: "request", instrument: "order 7" };
    const erased = await node.request("POST", `${path}/erase`, {
      token: registrar,
      json: { act },
      headers: { "if-match": before.headers.get("etag")! },
    });
    expect(erased.status, erased.text).toBe(200);
    expect(refusal(await publish("given", "members"))).toBe("409 definition_access_wider");
    expect(refusal(await node.request("GET", path))).toBe("401 authentication_required");
  });

  it("does not become wider around records that are written at the same moment", async () => {
    const registrar = await node.token("registrar");
    const rounds = await Promise.all(
      Array.from({ length: 12 }, async (_, round) => {
        const name = `hurried-${round}`;
        await publish(name, "consent");
        const json = { data: { code: "1", name: "Hurried" } };
        const [created, opened] = await Promise.all([
          node.request("POST", `/registries/${name}/records`, { token: registrar, json }),
          publish(name, "public"),
        ]);
        expect(created.status, created.text).toBe(201);
        return { opened: refusal(opened), under: (created.body.definition as string).split("/").at(-1) };
      }),
    );
    // Either it was opened before the record, which is then made under the open definition, or not at all.
    for (const { opened, under } of rounds)
      expect(under === "2" ? opened.startsWith("201") : opened === "409 definition_access_wider").toBe(true);
  });
});

describe("personal fields", () => {
  it("are shown to staff who may read the registry, and nobody else sees more than that they are withheld", async () => {
    const full = await read("open", "", await node.token("reader"));
    expect(full.body).toMatchObject({ withheld: false, data: { tax: SECRET } });
    expect(full.headers.get("cache-control")).toContain("no-store");
    const others = [undefined, await node.token("operator"), await node.token("reader", { registries: ["shared"] })];
    for (const token of others) {
      for (const below of ["", "?version=1", "/versions"]) {
        const answer = await read("open", below, token);
        expect(answer.status).toBe(200);
        expect(answer.text).not.toContain(SECRET);
        expect(answer.text).not.toContain(Buffer.from(SECRET).toString("base64url").slice(2, -2));
      }
      expect((await read("open", "", token)).body).toMatchObject({ withheld: true });
    }
  });

  it("keep nothing of an answer to staff in caches that strangers are served from", async () => {
    const token = await node.token("reader");
    const full = await read("open", "", token);
    expect(full.headers.get("vary")).toContain("authorization");
    const headers = { "if-none-match": (await read("open")).headers.get("etag")! };
    const answer = await node.request("GET", calls.open.path(created.open.rid), { token, headers });
    // An ETag that was given with the fields withheld does not stand for the record with them.
    expect(answer.status).toBe(200);
  });

  it("stay readable under a later definition that calls nothing personal any more", async () => {
    const properties = { tax: { type: "string", "x-unique": true } };
    const open = definition("shared", { access: "members", properties });
    const token = await node.token("operator");
    expect((await node.request("PUT", "/registries/shared?allow-breaking=true", { token, json: open })).status).toBe(
      201,
    );
    const staff = await read("shared", "", await node.token("reader"));
    expect(staff.body).toMatchObject({ withheld: false, data: { tax: SECRET } });
  });
});

describe("the database", () => {
  it("holds no personal value in clear, in no table, no encoding and no log of the server", async () => {
    const { sql } = node.database.database;
    // What errors tell is part of what the server might log.
    expect(refusal(await calls.private.post({ data: { code: "twice", name: "n", tax: SECRET } }))).toBe(
      "409 value_not_unique",
    );
    await calls.private.post({ data: { code: "\u0000", name: SECRET, tax: "t" } }, { "idempotency-key": SECRET });
    const { rid } = await calls.private.create({ code: "amended", name: SECRET, tax: `${SECRET}-2` });
    await calls.private.amend(rid, "1.0", { data: { name: `${SECRET}-3` } });
    const tables = await sql<{ name: string }[]>`
      select format('%I.%I', schemaname, tablename) as name from pg_tables
      where schemaname not in ('pg_catalog', 'information_schema')`;
    expect(tables.length).toBeGreaterThan(10);
    const dumps = await Promise.all(
      tables.map(async ({ name }) => {
        const rows = await sql.unsafe<{ row: string }[]>(`select t::text as row from ${name} t`);
        return { name, dump: rows.map(({ row }) => row).join("\n") };
      }),
    );
    const holding = (text: string) =>
      dumps.filter(({ dump }) => spellings(text).some((spelling) => dump.includes(spelling))).map(({ name }) => name);
    expect(holding(SECRET)).toEqual([]);
    // An open value is found by the same means, so that finding nothing means something.
    expect(holding(OPEN)).toEqual(["public.record_version"]);
    const { directory, url } = inject("databaseServer");
    const log = join(directory, "postgres", "server.log");
    if (url === "") expect(readFileSync(log, "utf8")).not.toContain(SECRET);
  });
});
