// What of a provider's answer to a code is believed: ID tokens signed with the real provider's own keys, as a broken provider or a thief could hand them in.

import { afterAll, beforeAll, describe, expect, it } from "vitest";
import { SIGN_IN_ALGORITHMS, type SignInIssuer } from "../../src/config.ts";
import { onlyGeneration } from "../../src/crypto/key-generations.ts";
import { randomBytes } from "../../src/crypto/random.ts";
import { createHttpClient, type HttpClient } from "../../src/federation/http-client.ts";
import { createIssuerStates } from "../../src/identity/issuer-state-service.ts";
import { createSignInService, type SignInPurpose, type SignInService } from "../../src/identity/sign-in-service.ts";
import { currentSeconds } from "../../src/node.ts";
import { settledCode } from "../caught-code.ts";
import { startTestProvider, type TestProvider } from "../oidc-provider.ts";

const ENTITY = "https://water.example";

let provider: TestProvider;
let http: HttpClient;
let service: SignInService;
/** What the token endpoint answers with; everything else is asked of the provider. */
let idToken: string;

beforeAll(async () => {
  provider = await startTestProvider();
  http = createHttpClient({ development: true, allowedPrivateHosts: [] });
  const httpClient: Pick<HttpClient, "send"> = {
    async send(request) {
      if (request.method !== "POST") return http.send(request);
      return { status: 200, headers: new Map(), body: Buffer.from(JSON.stringify({ id_token: idToken })) } as never;
    },
  };
  const issuer: SignInIssuer = {
    issuer: provider.issuer,
    audience: ENTITY,
    tokenType: "at+jwt",
    algorithms: SIGN_IN_ALGORITHMS,
    rolesClaim: "/realm/groups",
    roles: [
      { value: "registrars", role: "registrar", registries: ["wells", "ponds"] },
      { value: "readers", role: "reader", registries: undefined },
    ],
    registriesClaim: "registries",
    nameClaim: "name",
    jurisdictionClaims: { district: "/realm/districts", state: "state" },
    citizenClaims: { national_id: "/realm/pid", passport: "passport" },
    client: { id: "pages", secretPath: undefined },
    browserClientId: undefined,
    title: undefined,
  };
  const clock = currentSeconds;
  service = createSignInService({
    entity: ENTITY,
    issuers: [issuer],
    states: createIssuerStates({ httpClient, issuers: [provider.issuer], clock }),
    httpClient,
    readClientSecret: () => undefined,
    nodeKey: onlyGeneration(randomBytes(32)),
    clock,
    random: randomBytes,
  });
});

afterAll(async () => {
  http?.close();
  await provider?.stop();
});

type Change = (claims: Record<string, unknown>) => Promise<string>;

/** Comes back from the provider with what `make` makes of a good ID token's claims. */
async function comeBackAs(as: SignInPurpose, make: Change) {
  const { location, attempt } = await service.start({ issuer: provider.issuer, as, returnTo: "/console" });
  const asked = new URL(location).searchParams;
  const now = currentSeconds();
  idToken = await make({
    iss: provider.issuer,
    sub: "asha",
    aud: "pages",
    nonce: asked.get("nonce"),
    iat: now,
    exp: now + 300,
    name: "Asha Rao",
    realm: { groups: ["registrars", "readers"], districts: ["021", "*", 7, "022"] },
    registries: ["wells", "lakes"],
  });
  return service.finish({ attempt, answer: { state: asked.get("state")!, code: "c", iss: provider.issuer } });
}

/** The same, of who signed in as staff. */
async function comeBack(make: Change) {
  const signedIn = await comeBackAs("staff", make);
  if (signedIn.as !== "staff") throw new Error("not staff");
  return signedIn;
}

/** The same, of who signed in as a citizen. */
async function comeBackToMe(make: Change) {
  const signedIn = await comeBackAs("citizen", make);
  if (signedIn.as !== "citizen") throw new Error("no citizen");
  return signedIn.citizen;
}

const sign: Change = (claims) => provider.sign(claims, { header: { typ: "JWT" } });

describe("an ID token", () => {
  it("says who signed in, in which roles, and where those reach: in both what the group and what the claim names", async () => {
    const { person, returnTo } = await comeBack(sign);
    expect(returnTo).toBe("/console");
    expect(person).toEqual({
      issuer: provider.issuer,
      subject: "asha",
      name: "Asha Rao",
      roles: new Map([
        ["registrar", ["wells"]],
        ["reader", ["wells", "lakes"]],
      ]),
      // Everywhere, "*", is not for an issuer to say; what is missing is nowhere.
      claims: { district: ["021", "022"], state: [] },
    });
  });

  it("that names no registry where the configuration asks for them reaches none", async () => {
    const { person } = await comeBack((claims) => sign({ ...claims, registries: undefined }));
    expect([...person.roles.values()]).toEqual([[], []]);
  });

  it.each<[string, Change, string]>([
    ["with the nonce of another sign-in", (claims) => sign({ ...claims, nonce: "x".repeat(43) }), "sign_in_failed"],
    ["without a nonce", (claims) => sign({ ...claims, nonce: undefined }), "sign_in_failed"],
    ["given to another party", (claims) => sign({ ...claims, azp: "other" }), "sign_in_failed"],
    ["for another client", (claims) => sign({ ...claims, aud: "other" }), "token_audience_wrong"],
    ["for two clients", (claims) => sign({ ...claims, aud: ["pages", "other"] }), "token_audience_wrong"],
    ["of another issuer", (claims) => sign({ ...claims, iss: "https://evil.example" }), "token_issuer_unknown"],
    ["that is an access token", (claims) => provider.sign(claims), "token_type_refused"],
    ["that has ended", (claims) => sign({ ...claims, iat: 1_000, exp: 2_000 }), "token_expired"],
    [
      "without a signature",
      async (claims) => {
        const encode = (value: unknown) => Buffer.from(JSON.stringify(value)).toString("base64url");
        return `${encode({ alg: "none", typ: "JWT" })}.${encode(claims)}.AA`;
      },
      "token_algorithm_refused",
    ],
    ["that is none", async () => "not.a.token", "token_invalid"],
  ])("is refused: %s", async (_name, make, code) => {
    expect(await settledCode(comeBack(make))).toBe(code);
  });
});

describe("an ID token of a citizen", () => {
  const cases: [string, Record<string, unknown>, Record<string, string>][] = [
    ["one text", { realm: { pid: "7310" } }, { national_id: "7310" }],
    ["two claims", { realm: { pid: "7310" }, passport: "P1" }, { national_id: "7310", passport: "P1" }],
    ["none of them", { realm: {} }, {}],
    ["several values", { realm: { pid: ["7310", "7311"] } }, {}],
    ["a list of one", { realm: { pid: ["7310"] } }, {}],
    ["an empty text", { realm: { pid: "" } }, {}],
    ["blanks", { realm: { pid: "  " } }, {}],
    ["a number", { realm: { pid: 7310 } }, {}],
    ["a line break", { realm: { pid: "73\n10" } }, {}],
    ["a text of any length", { realm: { pid: "7".repeat(201) } }, {}],
  ];
  it.each(cases)("finds the person by what is one text: %s", async (_name, claims, found) => {
    const citizen = await comeBackToMe((good) => sign({ ...good, ...claims }));
    expect(citizen).toEqual({
      kind: "citizen",
      issuer: provider.issuer,
      subject: "asha",
      name: "Asha Rao",
      claims: found,
    });
  });
});
