// A citizen's own data by an access token: what is shown, which tokens open it, and which pages of other nodes a browser lets read it. A real provider makes the tokens, and its own keys forge what must be refused.
import { createHmac } from "node:crypto";
import { createServer } from "node:http";
import type { AddressInfo } from "node:net";
import { afterAll, beforeAll, beforeEach, describe, expect, it } from "vitest";
import type { JsonObject } from "../../src/crypto/json.ts";
import { CITIZEN_PORTAL_SECONDS, ISSUER_KEYS_REFRESH_SECONDS, OWN_DATA_CALLS_MAX } from "../../src/limits.ts";
import { createBrowserJar } from "../browser-jar.ts";
import { MEERA, RAVI } from "../me-world.ts";
import type { Answer, TestNode } from "../node-fixture.ts";
import { createDocumentCheck, type DocumentCheck } from "../openapi-check.ts";
import { PORTAL_MARK, type PortalWorld, startPortalWorld } from "../portal-world.ts";

let world: PortalWorld;
let civil: TestNode;
let check: DocumentCheck;
/** Added to the clock of the civil registry. */
let ahead = 0;
const now = () => Math.floor(Date.now() / 1_000) + ahead;

beforeAll(async () => {
  world = await startPortalWorld({ clock: now });
  ({ civil } = world);
  check = createDocumentCheck((await civil.request("GET", "/openapi.json")).body);
}, 60_000);

afterAll(() => world?.close());

const PATHS = ["/me/api/records", "/me/api/consents", "/me/api/usage"];

/** The claims of a good token, with changes; a change to undefined leaves the claim out. */
function claims(changes: Record<string, unknown> = {}): Record<string, unknown> {
  const good = {
    iss: world.provider.issuer,
    sub: "a name for this node alone",
    aud: civil.entity,
    iat: now(),
    exp: now() + 300,
    client_id: "welfare-elsewhere",
    jti: "one",
    scope: "attestry.me",
    national_id: MEERA,
  };
  return Object.fromEntries(Object.entries({ ...good, ...changes }).filter(([, value]) => value !== undefined));
}

const tokenOf = (changes: Record<string, unknown> = {}) => world.provider.sign(claims(changes));
const ask = async (path: string, token?: string, headers: Record<string, string> = {}) =>
  civil.request("GET", path, { token, headers });
/** What the API's document says of an answer, and the answer is not. */
const faultsOf = (path: string, answer: Answer) => check.faults("GET", path, answer);
const base64url = (value: unknown) => Buffer.from(JSON.stringify(value)).toString("base64url");

describe("a citizen's own data", () => {
  it("are the records that are surely theirs, with all that they say, and whom to ask", async () => {
    const { status, body, headers } = await ask(PATHS[0]!, await tokenOf());
    expect([status, headers.get("cache-control")]).toEqual([200, "private, no-store"]);
    expect(body).toMatchObject({
      node: civil.entity,
      organization: "Civil Registry Office",
      contacts: ["help@civil.example"],
      definitions: { persons: 1, licences: 1 },
    });
    const records = body.records as { registry: string; data: JsonObject }[];
    // Two pensions match where there should be one, so none is shown.
    expect(records.map(({ registry }) => registry).toSorted()).toEqual(["licences", "persons"]);
    expect(records.find(({ registry }) => registry === "persons")!.data).toMatchObject({
      national_id: MEERA,
      phone: "555-0101",
    });
    expect(JSON.stringify(body)).not.toContain(RAVI);
  });

  it("are what was asked of them, and who looked; each asking for records is a look of their own", async () => {
    const { id } = await world.ask(MEERA, { case: "HA-7" });
    const before = (await ask(PATHS[2]!, await tokenOf())).body.looks as { number: number }[];
    await ask(PATHS[0]!, await tokenOf());
    for (const path of PATHS) expect([path, faultsOf(path, await ask(path, await tokenOf()))]).toEqual([path, []]);
    const { looks, parties, delayed } = (await ask(`${PATHS[2]}?limit=1&before=999999`, await tokenOf())).body;
    expect(looks).toEqual([
      expect.objectContaining({
        number: (before[0]?.number ?? 0) + 2,
        action: "read",
        basis: { own: true },
        own: true,
      }),
    ]);
    expect([parties, delayed]).toEqual([{}, { count: 0 }]);
    const consents = (await ask(PATHS[1]!, await tokenOf())).body;
    expect(consents).toMatchObject({
      parties: { [world.portal]: "Department of Social Welfare" },
      consents: [
        { own: true, page: `${civil.entity}/me/consents/${id}`, consent: { id, state: "requested", case: "HA-7" } },
      ],
    });
  });

  it("are noted whenever they are shown, field by field", async () => {
    const { body } = await ask(PATHS[0]!, await tokenOf());
    const records = body.records as { data: JsonObject }[];
    const shown = records.flatMap(({ data }) => Object.keys(data));
    const [look] = (await ask(`${PATHS[2]}?limit=1`, await tokenOf())).body.looks as {
      fields: string[];
      by: JsonObject;
    }[];
    const noted = new Set(look!.fields.map((field) => field.split(".")[0]!));
    expect(shown.toSorted()).toEqual(expect.arrayContaining(["national_id", "number", "phone"]));
    expect([look!.by, shown.filter((field) => !noted.has(field))]).toEqual([{ citizen: "subject" }, []]);
  });

  it("come page by page where they are many", async () => {
    for (let turn = 0; turn < 3; turn++) await ask(PATHS[0]!, await tokenOf());
    const numbers: number[] = [];
    for (let next: unknown; numbers.length < 3; ) {
      const { body } = await ask(`${PATHS[2]}?limit=1${next === undefined ? "" : `&before=${next}`}`, await tokenOf());
      numbers.push((body.looks as { number: number }[])[0]!.number);
      next = body.next;
    }
    expect(numbers).toEqual([numbers[0], numbers[0]! - 1, numbers[0]! - 2]);
  });

  it("tell nothing of a confidential hold, not that there is one, and nothing of those that were lifted", async () => {
    const record = async () => {
      const { body } = await ask(PATHS[0]!, await tokenOf());
      return (body.records as JsonObject[]).find(({ registry }) => registry === "licences")!;
    };
    const before = await record();
    expect(before).not.toHaveProperty("holds");
    const token = await civil.token("approver");
    const call = async (operation: string, json: JsonObject) => {
      const path = `/registries/licences/records/${String(before.href).split("/").at(-1)}/${operation}`;
      expect((await civil.request("POST", path, { token, json })).status).toBe(200);
    };
    const act = { instrument: "Order 9" };
    await call("hold", { case: "SECRET-7", confidential: true, act });
    expect(await record()).toEqual(before);
    await call("hold", { case: "CR 12", act });
    expect((await record()).holds).toMatchObject([{ case: "CR 12" }]);
    for (const name of ["CR 12", "SECRET-7"]) await call("release", { case: name, act });
    expect(await record()).toEqual(before);
  });

  it("are none where nobody matches", async () => {
    const { body } = await ask(PATHS[0]!, await tokenOf({ national_id: "0000" }));
    expect([body.records, body.contacts]).toEqual([[], ["help@civil.example"]]);
  });

  it("are given a number of times in an hour", async () => {
    const token = await tokenOf({ national_id: "one who asks and asks" });
    const answers: Answer[] = [];
    for (let turn = 0; turn < OWN_DATA_CALLS_MAX; turn += 20)
      answers.push(...(await Promise.all(Array.from({ length: 20 }, () => ask(PATHS[1]!, token)))));
    expect(new Set(answers.map(({ status }) => status))).toEqual(new Set([200]));
    // Another name at the provider, and another address, are the same person.
    const more = await ask(PATHS[0]!, await tokenOf({ national_id: "one who asks and asks", sub: "other" }));
    expect([more.status, more.body.code]).toEqual([429, "reading_budget_exceeded"]);
    expect(Number(more.headers.get("retry-after"))).toBeGreaterThan(0);
    expect((await ask(PATHS[0]!, await tokenOf())).status).toBe(200);
  });
});

describe("a token for a citizen's own data", () => {
  const CASES: readonly [string, () => Promise<string>, number, string][] = [
    ["of another node", () => tokenOf({ aud: world.portal }), 401, "token_audience_wrong"],
    ["of two nodes", () => tokenOf({ aud: [civil.entity, world.portal] }), 401, "token_audience_wrong"],
    ["of no node", () => tokenOf({ aud: undefined }), 401, "token_audience_wrong"],
    ["of the client, as an ID token is", () => tokenOf({ aud: "civil-pages" }), 401, "token_audience_wrong"],
    ["of another issuer", () => tokenOf({ iss: "https://evil.example" }), 401, "token_issuer_unknown"],
    ["that is over", () => tokenOf({ iat: now() - 400, exp: now() - 61 }), 401, "token_expired"],
    ["that is yet to come", () => tokenOf({ iat: now() + 120, exp: now() + 300 }), 401, "token_not_yet_valid"],
    ["that holds for longer than ten minutes", () => tokenOf({ exp: now() + 601 }), 401, "token_claims_invalid"],
    ["without an end", () => tokenOf({ exp: undefined }), 401, "token_claims_invalid"],
    ["without a beginning", () => tokenOf({ iat: undefined }), 401, "token_claims_invalid"],
    ["without a subject", () => tokenOf({ sub: undefined }), 401, "token_claims_invalid"],
    ["for staff", () => tokenOf({ scope: "registry", groups: ["readers"] }), 403, "token_scope_wrong"],
    ["without a scope", () => tokenOf({ scope: undefined }), 403, "token_scope_wrong"],
    ["whose scope begins alike", () => tokenOf({ scope: "attestry.merge" }), 403, "token_scope_wrong"],
    ["whose scope is a list", () => tokenOf({ scope: ["attestry.me"] }), 403, "token_scope_wrong"],
    ["without the claim", () => tokenOf({ national_id: undefined }), 404, "subject_unknown"],
    ["with an empty claim", () => tokenOf({ national_id: " " }), 409, "subject_ambiguous"],
    ["with two values of the claim", () => tokenOf({ national_id: [MEERA, RAVI] }), 409, "subject_ambiguous"],
    ["that is an ID token", () => world.provider.sign(claims(), { header: { typ: "JWT" } }), 401, "token_type_refused"],
    ["of no type", () => world.provider.sign(claims(), { header: { typ: undefined } }), 401, "token_type_refused"],
    ["of an unknown key", () => world.provider.sign(claims(), { header: { kid: "x" } }), 401, "token_key_unknown"],
    ["without a signature", async () => unsigned("none"), 401, "token_invalid"],
    ["whose signature is none", async () => `${unsigned("none")}AA`, 401, "token_algorithm_refused"],
    ["signed with what all know", async () => hmacSigned(), 401, "token_algorithm_refused"],
    ["changed after it was signed", async () => changed(await tokenOf()), 401, "token_signature_invalid"],
    ["that is none", async () => "a.b", 401, "token_invalid"],
    ["of this node for its staff", () => civil.token("registrar"), 403, "token_scope_wrong"],
  ];

  const unsigned = (alg: string) => `${base64url({ alg, typ: "at+jwt", kid: "RS256-0" })}.${base64url(claims())}.`;
  const hmacSigned = () => {
    const input = unsigned("HS256").slice(0, -1);
    const secret = JSON.stringify(world.provider.publicKey("RS256"));
    return `${input}.${createHmac("sha256", secret).update(input).digest("base64url")}`;
  };
  const changed = (token: string) => {
    const [header, , signature] = token.split(".");
    return `${header}.${base64url(claims({ national_id: RAVI }))}.${signature}`;
  };

  it.each(CASES)("%s is refused", async (_name, make, status, code) => {
    const token = await make();
    for (const path of PATHS) {
      const answer = await ask(path, token);
      expect([path, answer.status, answer.body.code], answer.text).toEqual([path, status, code]);
      expect([path, faultsOf(path, answer)]).toEqual([path, []]);
      expect(answer.text).not.toContain(MEERA);
    }
  });

  it("is needed: neither nothing nor a citizen's cookie is one", async () => {
    const browser = createBrowserJar();
    const start = await browser.visit(
      `${civil.entity}/me/sign-in/start?${new URLSearchParams({ issuer: world.provider.issuer })}`,
    );
    expect((await browser.visit(start.url, { form: { account: "meera" } })).url).toBe(`${civil.entity}/me`);
    for (const path of PATHS) {
      expect((await ask(path)).body.code).toBe("authentication_required");
      const page = await browser.request("GET", `${civil.entity}${path}`, { headers: { accept: "application/json" } });
      expect([page.status, page.text.includes("authentication_required")]).toEqual([401, true]);
    }
  });

  it("opens nothing of staff, whoever its person is", async () => {
    const token = await tokenOf({ scope: "attestry.me registry", groups: ["readers", "registrars"] });
    expect((await ask(PATHS[0]!, token)).status).toBe(200);
    for (const path of ["/registries/persons/records", `/registries/persons/records/${world.meera.persons}`]) {
      const answer = await ask(path, token);
      expect([path, answer.status, answer.body.code]).toEqual([path, 403, "token_scope_wrong"]);
    }
    const staff = await tokenOf({ scope: "registry", groups: ["readers"] });
    expect((await ask("/registries/persons/records", staff)).status).toBe(200);
  });

  it("by a new key of the issuer holds once that is asked for again", async () => {
    const old = await tokenOf({ exp: now() + 600 });
    await world.provider.rotate();
    ahead += ISSUER_KEYS_REFRESH_SECONDS + 1;
    expect((await ask(PATHS[0]!, await tokenOf())).status).toBe(200);
    expect((await ask(PATHS[0]!, old)).body.code).toBe("token_key_unknown");
  });
});

describe("a page of another node", () => {
  beforeEach(() => {
    // What was found out of a mark is believed no longer.
    ahead += CITIZEN_PORTAL_SECONDS + 1;
  });

  const preflight = (origin: string | undefined, path = PATHS[0]!) =>
    civil.request("OPTIONS", path, {
      headers: {
        ...(origin !== undefined && { origin }),
        "access-control-request-method": "GET",
        "access-control-request-headers": "authorization",
      },
    });
  const told = ({ status, headers, body }: Answer) => [
    status,
    headers.get("access-control-allow-origin"),
    headers.get("access-control-allow-credentials"),
    body.code,
  ];
  const REFUSED = [403, null, null, "origin_not_allowed"];

  it("may ask and read where its node holds the mark, and never with cookies", async () => {
    const answer = await preflight(world.portal);
    expect(told(answer)).toEqual([204, world.portal, null, undefined]);
    expect(Object.fromEntries(answer.headers)).toMatchObject({
      "access-control-allow-methods": "GET",
      "access-control-allow-headers": "authorization, accept-language",
    });
    for (const path of PATHS) {
      const shown = await ask(path, await tokenOf(), { origin: world.portal });
      expect(told(shown)).toEqual([200, world.portal, null, undefined]);
      expect(shown.headers.get("vary")).toMatch(/\borigin\b/i);
    }
    const refused = await ask(PATHS[0]!, await tokenOf({ exp: now() + 900 }), { origin: world.portal });
    expect(told(refused)).toEqual([401, world.portal, null, "token_claims_invalid"]);
  });

  it("of the node itself may", async () => {
    expect(told(await preflight(civil.entity))).toEqual([204, civil.entity, null, undefined]);
  });

  it("may not where its node has no mark, is none, or says not who it is", async () => {
    const origins = [
      world.tax.entity,
      "https://evil.example",
      "null",
      `${world.portal}.evil.example`,
      world.portal.replace("http:", "https:"),
      `${world.portal}/`,
      "*",
      "",
      "x".repeat(5_000),
    ];
    for (const origin of origins) {
      expect([origin, ...told(await preflight(origin))]).toEqual([origin, ...REFUSED]);
      const shown = await ask(PATHS[0]!, await tokenOf(), { origin });
      expect([origin, ...told(shown)]).toEqual([origin, 200, null, null, undefined]);
      expect(shown.headers.get("vary")).toMatch(/\borigin\b/i);
    }
    expect(told(await preflight(undefined))).toEqual(REFUSED);
    expect(told(await preflight(world.portal, "/me/api/nothing"))).toEqual([204, world.portal, null, undefined]);
  });

  it("reads nothing else than citizens' own data", async () => {
    for (const path of ["/registries/persons/records", "/me", "/console", "/healthz"]) {
      const answer = await preflight(world.portal, path);
      expect([path, answer.status, answer.headers.get("access-control-allow-headers")]).toEqual([path, 405, null]);
    }
  });

  it("makes this node ask nobody whom it names, and may go on for an hour while nobody says who is marked", async () => {
    let requests = 0;
    const stranger = createServer((_request, response) => {
      requests++;
      response.end();
    });
    await new Promise<void>((resolve) => stranger.listen(0, "127.0.0.1", resolve));
    const origin = `http://127.0.0.1:${(stranger.address() as AddressInfo).port}`;
    expect([...told(await preflight(origin)), requests]).toEqual([...REFUSED, 0]);
    stranger.close();
    await world.anchor.stop();
    ahead += CITIZEN_PORTAL_SECONDS + 1;
    expect(told(await preflight(world.portal))).toEqual([204, world.portal, null, undefined]);
    await world.anchor.restart();
  });

  it("may not with a mark that its issuer may not give, that is listed and not carried, that is over, or that was taken back", async () => {
    const { anchor, tax, welfare } = world;
    const own = await tax.node.trustMarks.issue({ type: PORTAL_MARK, subject: tax.entity, seconds: 3_600 });
    await tax.node.trustMarks.carry(own.text);
    expect(told(await preflight(tax.entity))).toEqual(REFUSED);
    const short = await anchor.node.trustMarks.issue({ type: PORTAL_MARK, subject: tax.entity, seconds: 1_800 });
    ahead += CITIZEN_PORTAL_SECONDS + 1;
    expect(told(await preflight(tax.entity))).toEqual(REFUSED);
    await tax.node.trustMarks.carry(short.text);
    ahead += CITIZEN_PORTAL_SECONDS + 1;
    expect(told(await preflight(tax.entity))).toEqual([204, tax.entity, null, undefined]);
    // The anchor, whose clock is another, still lists it.
    ahead = short.expiresAt - 20 - Math.floor(Date.now() / 1_000);
    expect(told(await preflight(tax.entity))[0]).toBe(204);
    ahead += 21;
    expect(told(await preflight(tax.entity))).toEqual(REFUSED);
    expect(told(await preflight(welfare.entity))[0]).toBe(204);
    await anchor.node.trustMarks.revoke({ type: PORTAL_MARK, subject: welfare.entity, reason: "It is closed" });
    expect(told(await preflight(welfare.entity))[0]).toBe(204);
    ahead += CITIZEN_PORTAL_SECONDS + 1;
    expect(told(await preflight(welfare.entity))).toEqual(REFUSED);
  });
});
