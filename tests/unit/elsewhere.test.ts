// What the page that asks other departments takes for an address, and for an answer: both are untrusted.
import { once } from "node:events";
import { createServer } from "node:http";
import type { AddressInfo } from "node:net";
import { describe, expect, it } from "vitest";
import { encodeBase64urlText } from "../../src/crypto/base64.ts";
import type { Json, JsonObject } from "../../src/crypto/json.ts";
import { readDepartment } from "../../src/web/browser/elsewhere-choice.ts";
import { redeemTokens } from "../../src/web/browser/elsewhere-sign-in-client.ts";
import { parseConsents, parseLooks, parseNode, parseRecords } from "../../src/web/browser/own-data.ts";

describe("the address of a department", () => {
  it.each([
    ["https://land.example.gov", "https://land.example.gov"],
    ["  https://land.example.gov/ ", "https://land.example.gov"],
    ["land.example.gov", "https://land.example.gov"],
    ["HTTPS://LAND.example.gov/Node//", "https://land.example.gov/Node"],
    ["https://land.example.gov:443", "https://land.example.gov"],
    ["http://127.0.0.1:7400", "http://127.0.0.1:7400"],
  ])("%s is %s", (typed, department) => {
    expect(readDepartment(typed)).toBe(department);
  });

  it.each([
    "",
    "land office",
    "http://land.example.gov",
    "https://clerk:secret@land.example.gov",
    "https://land.example.gov?x=1",
    "https://land.example.gov/#x",
    "javascript:alert(1)",
    "javascript://land.example.gov",
    "data:text/html,x",
    "https://",
    "https://land.example.gov/<b>",
    `https://${"a".repeat(3_000)}.example`,
  ])("%s is none", (typed) => {
    expect(readDepartment(typed)).toBeUndefined();
  });
});

const RECORD = { registry: "persons", rid: "r", display: "Meera", state: "active", data: {} };
const CONSENT = {
  own: true,
  consent: {
    id: "c",
    state: "given",
    consumer: "https://welfare.example",
    registry: "persons",
    purpose: "benefit",
    fields: ["name"],
    requested_fields: ["name"],
    starts_at: 1,
    expires_at: 2,
    one_time: false,
  },
};
const LOOK = {
  index: 1,
  at: 2,
  action: "read",
  by: { staff: "p", role: "reader" },
  records: [{ registry: "persons", rid: "r" }],
  fields: ["name"],
  own: true,
};
const DELAYED = { count: 0 };

/** The value with what one of its members is changed to. */
const change = (value: JsonObject, changed: JsonObject): JsonObject => ({ ...value, ...changed });

describe("what a department answers", () => {
  it("is taken where it has the form", () => {
    expect(parseRecords([RECORD])).toEqual([RECORD]);
    expect(parseConsents([CONSENT])[0]).toMatchObject({ id: "c", state: "given", isOwn: true, decidedAt: undefined });
    expect(parseLooks({ looks: [LOOK], delayed: DELAYED }).looks[0]).toMatchObject({ logIndex: 1, by: LOOK.by });
    const node = parseNode({ organization: "Land", contacts: ["x"], definitions: { persons: 1 } });
    expect([node.organization, [...node.definitions], [...node.parties]]).toEqual(["Land", [["persons", 1]], []]);
  });

  const WRONG: readonly [string, () => unknown][] = [
    ["records that are no list", () => parseRecords({} as Json)],
    ["a record that is a text", () => parseRecords(["x"])],
    ["a record without data", () => parseRecords([change(RECORD, { data: "x" })])],
    ["a record whose name is an object", () => parseRecords([change(RECORD, { display: { html: "x" } })])],
    ["consents that are missing", () => parseConsents(undefined)],
    [
      "a consent in a state that there is not",
      () => parseConsents([change(CONSENT, { consent: change(CONSENT.consent, { state: "__proto__" }) })]),
    ],
    [
      "a consent with an end that no calendar has",
      () => parseConsents([change(CONSENT, { consent: change(CONSENT.consent, { expires_at: 1e15 }) })]),
    ],
    ["a look by nobody", () => parseLooks({ looks: [change(LOOK, { by: {} })], delayed: DELAYED })],
    ["a look at no time", () => parseLooks({ looks: [change(LOOK, { at: "today" })], delayed: DELAYED })],
    [
      "a look by a right that there is not",
      () => parseLooks({ looks: [change(LOOK, { basis: {} })], delayed: DELAYED }),
    ],
    ["looks without a count of those that are delayed", () => parseLooks({ looks: [] })],
    ["a node without a name", () => parseNode({ contacts: [], definitions: {} })],
    ["contacts that are no texts", () => parseNode({ organization: "x", contacts: [1], definitions: {} })],
    ["a version that is a text", () => parseNode({ organization: "x", contacts: [], definitions: { a: "1/../.." } })],
  ];
  it.each(WRONG)("%s is refused", (_name, parse) => {
    expect(parse).toThrow(/is not what it should be/);
  });
});

describe("a token", () => {
  const LAND = "https://land.example.gov";
  const TAX = "https://tax.example.gov";
  const made = (claims: JsonObject): string =>
    [{ alg: "EdDSA", typ: "at+jwt" }, claims, "x"]
      .map((part) => encodeBase64urlText(typeof part === "string" ? part : JSON.stringify(part)))
      .join(".");

  /** What a department is handed where the service gives this token, whatever it was asked for. */
  async function handedOn(token: string): Promise<unknown> {
    const server = createServer((_request, response) => {
      response.end(JSON.stringify({ access_token: token }));
    }).listen(0, "127.0.0.1");
    await once(server, "listening");
    const issuer = `http://127.0.0.1:${(server.address() as AddressInfo).port}`;
    const client = { issuer, clientId: "p", authorizationEndpoint: issuer, tokenEndpoint: issuer, redirectUri: issuer };
    const attempt = { issuer, state: "s", verifier: "v", departments: [LAND], beganAt: 0 };
    const given: unknown[] = [];
    try {
      await redeemTokens(client, { code: "c", attempt }, (...one) => given.push(one));
    } finally {
      server.close();
    }
    expect(given.length).toBe(1);
    return (given[0] as unknown[])[1];
  }

  it.each<[string, Json]>([
    ["its name", LAND],
    ["its name alone in a list", [LAND]],
  ])("goes to the department that it is for: %s", async (_name, aud) => {
    expect(await handedOn(made({ aud }))).toEqual({ token: made({ aud }) });
  });

  it.each<[string, string]>([
    ["for another", made({ aud: TAX })],
    ["for another, too", made({ aud: [LAND, TAX] })],
    ["for it twice", made({ aud: [LAND, LAND] })],
    ["for an address below it", made({ aud: `${LAND}/` })],
    ["for nobody in particular", made({})],
    ["for a list of nobody", made({ aud: [] })],
    ["that cannot be read", "opaque"],
    ["whose middle is no JSON", "e30.e.x"],
  ])("goes to no department where it is one %s", async (_name, token) => {
    expect(await handedOn(token)).toBe("audience");
  });
});
