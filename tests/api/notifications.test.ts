// People who chose it are told that something happened, and nobody else and nothing more: real gateways over real HTTP, which fail, are slow, and check what they get.
import { spawn } from "node:child_process";
import { createHash, createPublicKey, randomBytes, verify } from "node:crypto";
import { once } from "node:events";
import { readFileSync } from "node:fs";
import { createServer, type IncomingHttpHeaders, type Server } from "node:http";
import type { AddressInfo } from "node:net";
import { setTimeout as sleep } from "node:timers/promises";
import { afterAll, afterEach, beforeAll, describe, expect, it } from "vitest";
import type { JsonObject } from "../../src/crypto/json.ts";
import type { Citizen, Staff } from "../../src/identity/caller.ts";
import { silentLogger } from "../../src/logger.ts";
import { createNode } from "../../src/node.ts";
import { addSealingGeneration, dropFormerSealing } from "../../src/secrets.ts";
import { createEntity, draftChain, pinOf, signChain } from "../chain-fixture.ts";
import { PERSONS, PURPOSE } from "../consent-world.ts";
import { freePort } from "../free-port.ts";
import { startTestNode, type TestNode } from "../node-fixture.ts";
import { signDraft } from "../request-signing.ts";
import { rotationOf } from "../sealing-world.ts";

const MEERA = "7310-4482-0916";
const RAVI = "5528-1937-6640";
const ADDRESS = "meera.rao@mail.example";
const ALL = ["consent_requested", "consent_changed", "reading", "question_answered", "erased"] as const;
const DAY = 86_400;
const anchor = createEntity("https://anchor.example");
const police = createEntity("https://police.example");

interface Told {
  readonly headers: IncomingHttpHeaders;
  readonly path: string;
  readonly body: string;
  readonly header: Record<string, unknown>;
  readonly claims: Record<string, unknown>;
}

/** Takes what it gets, unless told otherwise. */
interface Gateway {
  readonly url: string;
  readonly told: Told[];
  status: number;
  delayMs: number;
  readonly server: Server;
}

async function startGateway(): Promise<Gateway> {
  const told: Told[] = [];
  const server = createServer(async (request, response) => {
    const body = Buffer.concat(await request.toArray()).toString();
    const part = (at: number) => JSON.parse(Buffer.from(body.split(".")[at]!, "base64url").toString());
    told.push({ headers: request.headers, path: request.url!, body, header: part(0), claims: part(1) });
    const { status, delayMs } = gateway;
    if (delayMs > 0) await sleep(delayMs);
    response.writeHead(status).end();
  });
  server.listen(0, "127.0.0.1");
  await once(server, "listening");
  const { port } = server.address() as AddressInfo;
  const gateway: Gateway = { url: `http://127.0.0.1:${port}/hook`, told, status: 204, delayMs: 0, server };
  return gateway;
}

const operator: Staff = {
  kind: "staff",
  tokenId: "t",
  name: "Olga",
  person: "p",
  issuer: undefined,
  role: "operator",
  registries: undefined,
};

let shift = 0;
const now = () => Math.floor(Date.now() / 1_000) + shift;
let node: TestNode;
let first: Gateway;
let second: Gateway;
let registrar: string;
let chain: string[];
const hrefs: Record<string, string> = {};
let drawn = 0;

const citizen = (id: string): Citizen => ({
  kind: "citizen",
  issuer: "https://issuer.example",
  subject: id,
  name: "Meera Rao",
  claims: { national_id: id },
});
const sql = () => node.database.database.sql;

async function round(): Promise<void> {
  await node.node.notifications.start();
  await node.node.notifications.settle();
}

/** So much later that what happened since the last one is told. */
async function later(seconds = 601): Promise<void> {
  shift += seconds;
  await round();
}

const eventsOf = ({ told }: Gateway) => told.map(({ claims }) => [claims.event, claims.count]);

async function look(id = MEERA, from = node): Promise<void> {
  const answer = await from.request("GET", hrefs[id]!.slice(node.entity.length), { token: registrar });
  expect(answer.status, answer.text).toBe(200);
}

async function ask(id = MEERA): Promise<string> {
  const consent = await node.node.consents.request(
    {
      request_id: `request-${++drawn}`,
      registry: "persons",
      subject: { claim: "national_id", value: id },
      purpose: PURPOSE,
      fields: ["name"],
      expires_at: now() + 30 * DAY,
    },
    "https://welfare.example",
  );
  return consent.id;
}

async function addPerson(id: string, name: string): Promise<string> {
  const json = { data: { national_id: id, name, born: "1988-03-07" } };
  const answer = await node.request("POST", "/registries/persons/records", { token: registrar, json });
  expect(answer.status, answer.text).toBe(201);
  hrefs[id] = answer.body.href as string;
  return answer.body.rid as string;
}

beforeAll(async () => {
  [first, second] = [await startGateway(), await startGateway()];
  node = await startTestNode({
    clock: now,
    anchors: [pinOf(anchor, ["persons"])],
    config: () => ({
      notifications: [
        { url: first.url, events: ALL },
        { url: second.url, events: ["reading", "erased"] },
      ],
    }),
  });
  const bases = [{ purpose: "inquiry", law: "Act, section 91", consumer: police.id, fields: ["name"], delay_days: 30 }];
  expect((await node.publish({ ...PERSONS, bases })).status).toBe(201);
  registrar = await node.token("registrar", { seconds: 1_000 * DAY });
  chain = await signChain(draftChain([police, anchor], ["persons"], now()));
  await addPerson(MEERA, "Meera Rao");
  await addPerson(RAVI, "Ravi Iyer");
}, 60_000);

afterEach(async () => {
  await node.node.notificationChoices.remove(citizen(MEERA));
  await sql()`delete from notification_due`;
  await sql()`delete from notification_delivery`;
  await sql()`delete from notification_gateway`;
  for (const gateway of [first, second]) {
    gateway.told.length = 0;
    gateway.status = 204;
    gateway.delayMs = 0;
  }
});

afterAll(async () => {
  await node?.close();
  for (const gateway of [first, second]) gateway?.server.close();
});

const choose = (events: readonly (typeof ALL)[number][] = ALL, address = ADDRESS) =>
  node.node.notificationChoices.choose(citizen(MEERA), { address, events });

describe("who did not choose it", () => {
  it("is not told, and nothing is kept that could be", async () => {
    await look();
    await ask();
    expect(await sql()`select * from notification_due`).toEqual([]);
    await round();
    expect([first.told, second.told]).toEqual([[], []]);
  });
});

describe("the receiver of the documentation", () => {
  it("takes what the node signs for it, and nothing else", async () => {
    const text = readFileSync(new URL("../../docs/notifications.md", import.meta.url), "utf8");
    const program = /```js\n([\s\S]*?)```/.exec(text)![1]!;
    const port = await freePort();
    const own = `http://127.0.0.1:${port}/`;
    const receiver = spawn(process.execPath, ["--input-type=module", "-e", program], {
      cwd: new URL("../..", import.meta.url).pathname,
      env: { ...process.env, NODE_URL: node.entity, OWN_URL: first.url, PORT: String(port) },
      stdio: ["ignore", "pipe", "inherit"],
    });
    let said = "";
    receiver.stdout.on("data", (bytes: Buffer) => {
      said += bytes.toString();
    });
    try {
      await choose(["reading"]);
      await look();
      await round();
      const [{ body, headers }] = first.told as [Told];
      const post = async (content: string, digest = headers["content-digest"] as string) => {
        for (let turn = 0; ; turn++) {
          try {
            return (await fetch(own, { method: "POST", body: content, headers: { "content-digest": digest } })).status;
          } catch (error) {
            if (turn > 100) throw error;
            await sleep(30);
          }
        }
      };
      const digestOf = (content: string) => `sha-256=:${createHash("sha256").update(content).digest("base64")}:`;
      expect(await post(body)).toBe(204);
      expect(await post(body)).toBe(204);
      expect(said).toBe(`to ${ADDRESS}: reading, see ${node.entity}/me/usage\n`);
      expect(await post(body, digestOf("other"))).toBe(401);
      const [head, payload, signature] = body.split(".") as [string, string, string];
      const forged = Buffer.from(JSON.stringify({ ...first.told[0]!.claims, jti: "x" })).toString("base64url");
      for (const wrong of [
        `${head}.${forged}.${signature}`,
        `${head}.${payload}.${randomBytes(64).toString("base64url")}`,
      ])
        expect(await post(wrong, digestOf(wrong))).toBe(401);
      // What was signed for another gateway.
      const other = second.told[0]!.body;
      expect(await post(other, digestOf(other))).toBe(401);
    } finally {
      receiver.kill();
    }
  });
});

describe("a notification", () => {
  it("says that something happened, to whom it concerns, where to look, and nothing more", async () => {
    await choose();
    await look();
    await round();
    expect([first.told.length, second.told.length]).toEqual([1, 1]);
    const [{ headers, path, body, header, claims }] = first.told as [Told];
    expect(claims).toEqual({
      iss: node.entity,
      aud: first.url,
      iat: expect.any(Number),
      jti: expect.stringMatching(/^[0-9a-f-]{36}$/),
      event: "reading",
      count: 1,
      address: ADDRESS,
      page: `${node.entity}/me/usage`,
    });
    expect(Math.abs((claims.iat as number) - now())).toBeLessThan(10);
    expect(header.typ).toBe("attestry-notification+jwt");
    // By a key that the node publishes.
    const { body: metadata } = await node.request("GET", "/.well-known/jwt-vc-issuer");
    const jwk = (metadata.jwks as { keys: JsonObject[] }).keys.find(({ kid }) => kid === header.kid)!;
    const [signed, signature] = [body.slice(0, body.lastIndexOf(".")), body.slice(body.lastIndexOf(".") + 1)];
    const key = (one: JsonObject) => createPublicKey({ key: one as never, format: "jwk" });
    expect(verify(null, Buffer.from(signed), key(jwk), Buffer.from(signature, "base64url"))).toBe(true);
    // RFC 9530 and RFC 9421, written apart from the program.
    expect(headers["content-digest"]).toBe(`sha-256=:${createHash("sha256").update(body).digest("base64")}:`);
    expect([headers["attestry-sender"], headers["attestry-audience"]]).toEqual([node.entity, first.url]);
    const input = (headers["signature-input"] as string).replace(/^attestry=/, "");
    const covered = /^\(([^)]*)\)/
      .exec(input)![1]!
      .split(" ")
      .map((name) => name.slice(1, -1));
    expect(covered).toEqual(expect.arrayContaining(["@method", "@authority", "@request-target", "content-digest"]));
    const derived: Record<string, string> = { "@method": "POST", "@authority": headers.host!, "@request-target": path };
    const lines = covered.map((name) => `"${name}": ${derived[name] ?? String(headers[name])}`);
    const base = [...lines, `"@signature-params": ${input}`].join("\n");
    const configuration = await node.request("GET", "/.well-known/openid-federation");
    const { metadata: said } = JSON.parse(Buffer.from(configuration.text.split(".")[1]!, "base64url").toString());
    const keyid = /keyid="([^"]+)"/.exec(input)![1];
    const requestKey = said.registry_node.request_jwks.keys.find((one: JsonObject) => one.kid === keyid);
    const bytes = /^attestry=:(.*):$/.exec(headers.signature as string)![1]!;
    expect(verify(null, Buffer.from(base), key(requestKey), Buffer.from(bytes, "base64"))).toBe(true);
    // Each gateway has its own.
    expect(second.told[0]!.claims).toMatchObject({ aud: second.url, event: "reading" });
    expect(second.told[0]!.claims.jti).not.toBe(claims.jti);
  });

  it("comes of each thing that was chosen, not of others, and not of what the person did", async () => {
    await choose();
    const id = await ask();
    await node.node.consents.give({ claims: { national_id: MEERA } }, id, { language: "en" });
    await node.request("GET", "/readyz");
    await round();
    expect(eventsOf(first)).toEqual([["consent_requested", 1]]);
    expect(first.told[0]!.claims.page).toBe(`${node.entity}/me/consents`);
    await node.node.consents.invalidate({ staff: "p", role: "registrar" }, { id, registry: "persons" });
    await node.node.questions.ask(citizen(MEERA), {
      kind: "correct",
      text: "My street is wrong.",
      topic: { registry: "persons", rid: hrefs[MEERA]!.split("/").at(-1)! },
    });
    const staff: Staff = { ...operator, role: "registrar" };
    const [question] = await node.node.questions.listOpen(staff);
    await node.node.questions.answer(staff, question!.id, "It is corrected.");
    await round();
    expect(eventsOf(first).slice(1)).toEqual([
      ["consent_changed", 1],
      ["question_answered", 1],
    ]);
    await choose(["consent_changed"]);
    await look();
    await ask();
    await later();
    expect(first.told).toHaveLength(3);
    // The second gateway takes none of these.
    expect(eventsOf(second)).toEqual([]);
  });

  it("comes of an erasure, to whom the record was about", async () => {
    await choose(["erased"]);
    const rid = await addPerson(`${MEERA}-b`, "Meera B");
    await node.node.notificationChoices.choose(citizen(`${MEERA}-b`), { address: "b", events: ["erased"] });
    const json = { act: { reason: "test", instrument: "Order 1" } };
    const erased = await node.request("POST", `/registries/persons/records/${rid}/erase`, { token: registrar, json });
    expect(erased.status, erased.text).toBe(200);
    await round();
    expect(first.told.map(({ claims }) => [claims.event, claims.address])).toEqual([["erased", "b"]]);
    expect(JSON.stringify(first.told)).not.toContain(rid);
    await node.node.notificationChoices.remove(citizen(`${MEERA}-b`));
  });

  it("comes of the erasure of one version, to whom that version was about", async () => {
    const rid = await addPerson(`${MEERA}-c`, "Meera C");
    await node.node.notificationChoices.choose(citizen(`${MEERA}-c`), { address: "c", events: ["erased"] });
    const path = `/registries/persons/records/${rid}`;
    const amended = await node.request("PATCH", path, {
      token: registrar,
      headers: { "if-match": '"1.0"' },
      json: { data: { national_id: `${MEERA}-d` } },
    });
    expect(amended.status, amended.text).toBe(200);
    const json = { act: { reason: "test", instrument: "Order 1" } };
    const erased = await node.request("POST", `${path}/versions/1/erase`, { token: registrar, json });
    expect(erased.status, erased.text).toBe(200);
    await round();
    expect(first.told.map(({ claims }) => [claims.event, claims.address])).toEqual([["erased", "c"]]);
    await node.node.notificationChoices.remove(citizen(`${MEERA}-c`));
  });

  it("tells of more than one look in ten minutes together, and how many", async () => {
    await choose();
    await look();
    await round();
    for (let time = 0; time < 3; time++) await look();
    await round();
    expect(eventsOf(first)).toEqual([["reading", 1]]);
    await later(300);
    await look();
    await later(301);
    expect(eventsOf(first)).toEqual([
      ["reading", 1],
      ["reading", 4],
    ]);
  });

  it("tells of what a law keeps secret on its day, and not before", async () => {
    await choose();
    const draft = await signDraft({
      signer: police.request,
      sender: police.id,
      audience: node.entity,
      method: "POST",
      url: `${node.entity}/records:read`,
      json: {
        references: [{ href: hrefs[MEERA]! }],
        access: {
          purpose: "inquiry",
          request_id: `reading-${++drawn}`,
          nonce: "nonce-nonce-nonce-1",
          fields: ["name"],
        },
      },
      chain,
      created: shift,
      expires: shift + 120,
    });
    const answer = await node.request(draft.method, draft.path, { headers: draft.headers, body: draft.body! });
    expect((answer.body.records as JsonObject[])[0], answer.text).toMatchObject({ outcome: "found" });
    await later(29 * DAY);
    expect(eventsOf(first)).toEqual([]);
    await later(DAY + 601);
    expect(eventsOf(first)).toEqual([["reading", 1]]);
  });
});

describe("delivery", () => {
  it("goes on where a gateway fails, in order, ever more slowly, under one number, and ends after three days", async () => {
    await choose();
    first.status = 503;
    await look();
    await round();
    await ask();
    await round();
    // What came later waits for what came first; the other gateway has what is for it.
    expect(eventsOf(first)).toEqual([["reading", 1]]);
    expect(eventsOf(second)).toEqual([["reading", 1]]);
    const attempts: number[] = [];
    for (let at = 30; at <= 300; at += 30) {
      const before = first.told.length;
      await later(30);
      if (first.told.length > before) attempts.push(at);
    }
    expect(attempts).toEqual([30, 90, 210]);
    // More looks meanwhile are added to the one that waits.
    await look();
    await later(601);
    first.status = 204;
    await later(3_600);
    const [failed, ...rest] = [first.told.at(-3)!, first.told.at(-2)!, first.told.at(-1)!];
    expect(new Set(first.told.slice(0, -1).map(({ claims }) => claims.jti)).size).toBe(1);
    expect(failed.claims.event).toBe("reading");
    expect(rest.map(({ claims }) => [claims.event, claims.count])).toEqual([
      ["reading", 2],
      ["consent_requested", 1],
    ]);
    const token = await node.token("operator", { seconds: 1_000 * DAY });
    const state = async () => (await node.request("GET", "/notification-gateways", { token })).body.gateways;
    expect(await state()).toMatchObject([
      { url: first.url, waiting: 0, delivered: 2, given_up: 0, last_failure_code: "peer_response_invalid" },
      { url: second.url, waiting: 0, given_up: 0, last_success: expect.stringMatching(/Z$/) },
    ]);
    first.status = 500;
    await look();
    await later();
    expect(await state()).toMatchObject([{ waiting: 1 }, { waiting: 0 }]);
    for (let hours = 0; hours < 13; hours++) await later(6 * 3_600);
    expect(await state()).toMatchObject([{ waiting: 0, delivered: 2, given_up: 1 }, { waiting: 0 }]);
  });

  it("to one gateway does not wait for another that is slow", async () => {
    await choose(["reading"]);
    first.delayMs = 1_500;
    await look();
    await node.node.notifications.start();
    const begun = Date.now();
    while (second.told.length === 0 && Date.now() - begun < 1_400) await sleep(5);
    const { waiting } = (await node.node.notifications.listGateways(operator))[0]!;
    expect([second.told.length, waiting]).toEqual([1, 1]);
    await node.node.notifications.settle();
    expect((await node.node.notifications.listGateways(operator)).map((one) => [one.waiting, one.delivered])).toEqual([
      [0, 1],
      [0, 1],
    ]);
  });

  it("is once by several processes of a node together, and is made after a restart", async () => {
    await choose(["reading"]);
    await look();
    await node.restart();
    const { config } = node.node;
    const others = [1, 2].map(() =>
      createNode({ config, secrets: node.secrets, database: node.database.database, logger: silentLogger, clock: now }),
    );
    try {
      const all = [node.node, ...others];
      await Promise.all(all.map(({ notifications }) => notifications.start()));
      await Promise.all(all.map(({ notifications }) => notifications.settle()));
      expect([eventsOf(first), eventsOf(second)]).toEqual([[["reading", 1]], [["reading", 1]]]);
      const [person] = await sql()`select id from access_subject where is_notified`;
      for (let turn = 1; turn <= 12; turn++) {
        await sql()`delete from notification_delivery`;
        await sql()`insert into notification_due (subject, kind, due_at, count) values (${person!.id as string}, 'reading', 0, ${turn})`;
        await Promise.all(all.map(({ notifications }) => notifications.start()));
        await Promise.all(all.map(({ notifications }) => notifications.settle()));
      }
      expect(first.told.map(({ claims }) => claims.count)).toEqual([1, 1, 2, 3, 4, 5, 6, 7, 8, 9, 10, 11, 12]);
    } finally {
      await Promise.all(others.map((other) => other.close()));
    }
  });

  it("tells of no look that was not committed", async () => {
    await choose(["reading"]);
    // The last statement of the batch fails; all of it is taken back.
    await sql()`alter table log_state add constraint nothing_more check (size < 0) not valid`;
    const answer = await node.request("GET", hrefs[MEERA]!.slice(node.entity.length), { token: registrar });
    await sql()`alter table log_state drop constraint nothing_more`;
    expect(answer.status).toBeGreaterThanOrEqual(400);
    expect(await sql()`select * from notification_due`).toEqual([]);
    await node.restart();
    await look();
    await round();
    expect(eventsOf(first)).toEqual([["reading", 1]]);
  });
});

describe("what a person chose", () => {
  it("stands nowhere in clear, goes to the address of today, and is gone when it is taken back", async () => {
    await choose(["reading"], "old@mail.example");
    await look();
    await choose(["reading"], "new@mail.example");
    const tables = await sql()`select table_name from information_schema.tables where table_schema = 'public'`;
    for (const { table_name } of tables) {
      const [{ found }] = (await sql().unsafe(
        `select count(*) as found from "${table_name as string}" t where t::text like any(array['%mail.example%', '%${Buffer.from("mail.example").toString("hex")}%'])`,
      )) as unknown as [{ found: number }];
      expect([table_name, found]).toEqual([table_name, 0]);
    }
    await round();
    expect(first.told.map(({ claims }) => claims.address)).toEqual(["new@mail.example"]);
    first.status = 500;
    await look();
    await later();
    await node.node.notificationChoices.remove(citizen(MEERA));
    expect(await node.node.notificationChoices.find(citizen(MEERA))).toBeUndefined();
    expect(await sql()`select subject from notification_choice`).toEqual([]);
    first.status = 204;
    const before = first.told.length;
    await look();
    await later(DAY);
    expect(first.told).toHaveLength(before);
  });

  it("that somebody with the database gave to another goes to nobody, and holds up nobody", async () => {
    await choose(["reading"]);
    await node.node.notificationChoices.choose(citizen(RAVI), { address: "ravi", events: ["reading"] });
    const [meera] = await sql()`select subject from notification_choice order by octet_length(sealed) desc`;
    await sql()`
      update notification_choice set sealed = (select sealed from notification_choice where subject <> ${meera!.subject as string})
      where subject = ${meera!.subject as string}`;
    await look();
    await look(RAVI);
    await round();
    expect(first.told.map(({ claims }) => claims.address)).toEqual(["ravi"]);
    await node.node.notificationChoices.remove(citizen(RAVI));
  });

  it("is one address, and at least one event", async () => {
    for (const [address, events] of [
      ["", ALL],
      ["   ", ALL],
      ["a".repeat(201), ALL],
      ["a\nb", ALL],
      [ADDRESS, []],
      [ADDRESS, ["nothing"]],
    ] as [string, never[]][])
      await expect(choose(events, address)).rejects.toMatchObject({ code: "request_invalid" });
    expect(await node.node.notificationChoices.find(citizen(MEERA))).toBeUndefined();
  });

  it("is known when the sealing keys were replaced", async () => {
    await choose(["reading"]);
    await node.restart(addSealingGeneration);
    const rotation = rotationOf(node, { clock: now });
    await rotation.run(() => false);
    shift += 2 * DAY;
    await rotation.finish();
    await node.restart(dropFormerSealing);
    expect(await node.node.notificationChoices.find(citizen(MEERA))).toEqual({ address: ADDRESS, events: ["reading"] });
    await look();
    await round();
    expect(eventsOf(first)).toEqual([["reading", 1]]);
  });
});
