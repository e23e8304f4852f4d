// Bearer tokens of a sign-in issuer at a node: a real provider makes them, and its own keys forge what must be refused.
import { createHmac, createPublicKey } from "node:crypto";
import { SignJWT } from "jose";
import { afterAll, beforeAll, beforeEach, describe, expect, it } from "vitest";
import type { NodeConfigFile } from "../../src/config.ts";
import { ISSUER_KEYS_HELD_SECONDS, ISSUER_KEYS_REFRESH_SECONDS, ISSUER_KEYS_SECONDS } from "../../src/limits.ts";
import { currentSeconds } from "../../src/node.ts";
import { definition, startTestNode, type TestNode } from "../node-fixture.ts";
import { startTestProvider, type TestProvider } from "../oidc-provider.ts";

let provider: TestProvider;
let node: TestNode;
/** Added to the node's clock. */
let ahead = 0;
const now = () => currentSeconds() + ahead;

const ROLES = [
  { value: "well-registrars", role: "registrar", registries: ["wells"] },
  { value: "readers", role: "reader" },
  { value: "registrars-of-all", role: "registrar" },
  { value: "it", role: "operator" },
] as const;

function signIn(issuer: string): NonNullable<NodeConfigFile["sign_in"]> {
  return { issuers: [{ issuer, roles_claim: "groups", roles: ROLES }] };
}

beforeAll(async () => {
  provider = await startTestProvider({ serviceGroups: ["well-registrars"] });
  node = await startTestNode({
    path: "/water",
    clock: now,
    config: () => ({ sign_in: signIn(provider.issuer) }),
  });
  for (const name of ["wells", "ponds"]) expect((await node.publish(definition(name))).status).toBe(201);
});

afterAll(async () => {
  await node?.close();
  await provider?.stop();
});

/** The claims of a good token, with changes; a change to undefined leaves the claim out. */
function claims(changes: Record<string, unknown> = {}): Record<string, unknown> {
  const good = {
    iss: provider.issuer,
    sub: "asha",
    aud: node.entity,
    iat: now(),
    exp: now() + 300,
    client_id: "pages",
    jti: "one",
    name: "Asha Rao",
    groups: ["well-registrars"],
  };
  return Object.fromEntries(Object.entries({ ...good, ...changes }).filter(([, value]) => value !== undefined));
}

let codes = 0;
async function write(token: string, registry = "wells", headers: Record<string, string> = {}) {
  const json = { data: { code: `W-${++codes}`, name: "Old well" } };
  return node.request("POST", `/registries/${registry}/records`, { token, json, headers });
}

/** The status and code with which a token is refused, or 201. */
async function outcome(token: string, registry?: string, headers?: Record<string, string>): Promise<unknown[]> {
  const { status, body } = await write(token, registry, headers);
  return status === 201 ? [201] : [status, body.code];
}

const encode = (value: unknown) => Buffer.from(JSON.stringify(value)).toString("base64url");

describe("a token that the provider itself made", () => {
  it.each(["RS256", "PS256", "ES256", "EdDSA"] as const)("writes a record, signed by %s", async (algorithm) => {
    const token = await provider.serviceToken({ resource: node.entity, algorithm });
    expect(await outcome(token)).toEqual([201]);
  });

  it("writes only where its group may, and publishes nothing", async () => {
    const token = await provider.serviceToken({ resource: node.entity });
    expect(await outcome(token, "ponds")).toEqual([403, "permission_denied"]);
    const published = await node.request("PUT", "/registries/lakes", { token, json: definition("lakes") });
    expect([published.status, published.body.code]).toEqual([403, "permission_denied"]);
  });

  it("is refused where it was made for another node", async () => {
    const token = await provider.serviceToken({ resource: "https://other.example" });
    expect(await outcome(token)).toEqual([401, "token_audience_wrong"]);
  });
});

describe("the person in a signed record", () => {
  const by = async (token: string) => {
    const { body, text } = await write(token, "wells");
    expect(body.token, text).toBeTypeOf("string");
    const disclosures = String(body.token).split("~").slice(1, -1);
    const read = disclosures.map((one) => JSON.parse(Buffer.from(one, "base64url").toString()) as unknown[]);
    return read.find(([, name]) => name === "by")?.[2];
  };

  it("is the same pseudonym whatever name the issuer writes, and another for another subject", async () => {
    const first = await by(await provider.sign(claims()));
    expect(first).toMatch(/^[\w-]{22}$/);
    expect(await by(await provider.sign(claims({ name: "Asha Rao-Sen" })))).toBe(first);
    expect(await by(await provider.sign(claims({ sub: "bina" })))).not.toBe(first);
  });

  it("is nobody whom a token of the node can be named after", async () => {
    const naming = node.node.identity.createToken({
      name: `sign-in\n${provider.issuer}\nasha`,
      role: "registrar",
      registries: undefined,
      expiresAt: now() + 60,
    });
    await expect(naming).rejects.toThrow(/one line/);
  });
});

describe("the role", () => {
  it("has to be chosen where a person has several, and is then the chosen one", async () => {
    const token = await provider.sign(claims({ groups: ["well-registrars", "readers"] }));
    expect(await outcome(token)).toEqual([403, "role_choice_required"]);
    expect(await outcome(token, "wells", { "attestry-role": "registrar" })).toEqual([201]);
    expect(await outcome(token, "wells", { "attestry-role": "reader" })).toEqual([403, "permission_denied"]);
    expect(await outcome(token, "wells", { "attestry-role": "operator" })).toEqual([403, "role_not_granted"]);
  });

  it("is none for groups that mean nothing here, and for a claim that is missing or no text", async () => {
    for (const groups of [["Well-Registrars"], [], undefined, { "well-registrars": true }, 7, [["well-registrars"]]])
      expect(await outcome(await provider.sign(claims({ groups })))).toEqual([403, "role_not_granted"]);
  });

  it("of two groups reaches where either does", async () => {
    const token = await provider.sign(claims({ groups: ["well-registrars", "registrars-of-all"] }));
    expect(await outcome(token, "ponds")).toEqual([201]);
  });

  it("cannot be widened with a token of the node", async () => {
    const reader = await node.token("reader");
    expect(await outcome(reader, "wells", { "attestry-role": "registrar" })).toEqual([403, "role_not_granted"]);
  });
});

describe("refused is a token", () => {
  const cases: [string, (good: Record<string, unknown>) => Promise<string>, string][] = [
    [
      "of another issuer",
      async (good) => provider.sign({ ...good, iss: "https://evil.example" }),
      "token_issuer_unknown",
    ],
    [
      "of an issuer whose name has a slash more",
      async (good) => provider.sign({ ...good, iss: `${provider.issuer}/` }),
      "token_issuer_unknown",
    ],
    [
      "for another audience",
      async (good) => provider.sign({ ...good, aud: "https://other.example" }),
      "token_audience_wrong",
    ],
    [
      "for two audiences",
      async (good) => provider.sign({ ...good, aud: [good.aud, "https://other.example"] }),
      "token_audience_wrong",
    ],
    ["without an audience", async (good) => provider.sign({ ...good, aud: undefined }), "token_audience_wrong"],
    [
      "that is an ID token by its type",
      async (good) => provider.sign(good, { header: { typ: "JWT" } }),
      "token_type_refused",
    ],
    ["without a type", async (good) => provider.sign(good, { header: { typ: undefined } }), "token_type_refused"],
    ["that names no key", async (good) => provider.sign(good, { header: { kid: undefined } }), "token_key_unknown"],
    ["of an unknown key", async (good) => provider.sign(good, { header: { kid: "elsewhere" } }), "token_key_unknown"],
    [
      "that names a key of another kind",
      async (good) => provider.sign(good, { header: { kid: "ES256-0" } }),
      "token_signature_invalid",
    ],
    [
      "that names an RSA key of the other algorithm",
      async (good) => provider.sign(good, { header: { kid: "PS256-0" } }),
      "token_signature_invalid",
    ],
    ["without a subject", async (good) => provider.sign({ ...good, sub: undefined }), "token_claims_invalid"],
    [
      "with a subject that is no text",
      async (good) => provider.sign({ ...good, sub: 7 } as never),
      "token_claims_invalid",
    ],
    ["without an end", async (good) => provider.sign({ ...good, exp: undefined }), "token_claims_invalid"],
    [
      "without the time of its making",
      async (good) => provider.sign({ ...good, iat: undefined }),
      "token_claims_invalid",
    ],
    ["that holds for years", async (good) => provider.sign({ ...good, exp: now() + 10 ** 8 }), "token_claims_invalid"],
    ["with crit", async (good) => provider.sign(good, { header: { crit: ["b64"], b64: true } }), "token_invalid"],
    [
      "that is longer than tokens are",
      async (good) => provider.sign({ ...good, more: "x".repeat(20_000) }),
      "token_invalid",
    ],
  ];

  it.each(cases)("%s", async (_name, make, code) => {
    expect(await outcome(await make(claims()))).toEqual([401, code]);
  });

  it("with alg none, whatever the case and with or without a signature", async () => {
    for (const alg of ["none", "None", "NONE", ""])
      for (const signature of ["", "AAAA"]) {
        const token = `${encode({ alg, typ: "at+jwt", kid: "RS256-0" })}.${encode(claims())}.${signature}`;
        const [status, code] = await outcome(token);
        expect([status, code]).toEqual([401, signature === "" ? "token_invalid" : "token_algorithm_refused"]);
      }
  });

  it("with the issuer's public key as the secret of an HMAC, in each form of the key", async () => {
    const jwk = provider.publicKey("RS256");
    const key = createPublicKey({ key: jwk as never, format: "jwk" });
    const secrets = [
      key.export({ type: "spki", format: "pem" }),
      key.export({ type: "spki", format: "der" }),
      JSON.stringify(jwk),
      String(jwk.n),
    ];
    for (const alg of ["HS256", "HS512"])
      for (const secret of secrets) {
        const input = `${encode({ alg, typ: "at+jwt", kid: jwk.kid })}.${encode(claims())}`;
        const token = `${input}.${createHmac(alg === "HS256" ? "sha256" : "sha512", secret)
          .update(input)
          .digest("base64url")}`;
        expect(await outcome(token)).toEqual([401, "token_algorithm_refused"]);
      }
  });

  it("signed by a key that the token itself brings, or names an address of", async () => {
    const pair = await crypto.subtle.generateKey({ name: "ECDSA", namedCurve: "P-256" }, true, ["sign", "verify"]);
    const { x, y } = await crypto.subtle.exportKey("jwk", pair.publicKey);
    const jwk = { kty: "EC", crv: "P-256", x: x!, y: y! };
    const forge = (header: Record<string, unknown>) =>
      new SignJWT(claims())
        .setProtectedHeader({ alg: "ES256", typ: "at+jwt", kid: "ES256-0", ...header })
        .sign(pair.privateKey);
    expect(await outcome(await forge({ jwk }))).toEqual([401, "token_signature_invalid"]);
    expect(await outcome(await forge({ jku: "http://127.0.0.1:9/keys" }))).toEqual([401, "token_signature_invalid"]);
    expect(await outcome(await forge({ jwk, kid: "own" }))).toEqual([401, "token_key_unknown"]);
  });

  it("whose claims were changed after it was signed", async () => {
    const [header, , signature] = (await provider.sign(claims({ groups: ["readers"] }))).split(".");
    const token = `${header}.${encode(claims({ groups: ["registrars-of-all"] }))}.${signature}`;
    expect(await outcome(token)).toEqual([401, "token_signature_invalid"]);
  });

  it("by its own issuer's ID token", async () => {
    const issued = await provider.sign(claims({ aud: "pages", nonce: "n" }), { header: { typ: "JWT" } });
    expect(await outcome(issued)).toEqual([401, "token_type_refused"]);
  });
});

describe("the clock", () => {
  it.each<[string, Record<string, number | undefined>, { good: number; bad: number }, string]>([
    ["a minute before its end and a minute after it", { exp: 0 }, { good: 59, bad: 61 }, "token_expired"],
    ["a minute before it was made", { iat: 0, nbf: undefined }, { good: -59, bad: -61 }, "token_not_yet_valid"],
    ["a minute before it holds", { iat: -100, nbf: 0 }, { good: -59, bad: -61 }, "token_not_yet_valid"],
  ])("may differ: %s", async (_name, moved, { good, bad }, code) => {
    const at = now();
    const times = Object.fromEntries(
      Object.entries(moved).map(([claim, offset]) => [claim, offset === undefined ? undefined : at + offset]),
    );
    const exp = moved.exp === undefined ? at + 900 : at;
    const token = await provider.sign(claims({ iat: at - 300, exp, ...times }));
    const start = ahead;
    ahead = start + at - now() + good;
    expect(await outcome(token)).toEqual([201]);
    ahead = start + at - (now() - (ahead - start)) + bad;
    expect(await outcome(token)).toEqual([401, code]);
    ahead = start;
  });
});

describe("the issuer's keys", () => {
  beforeEach(() => {
    ahead += ISSUER_KEYS_REFRESH_SECONDS;
  });

  it("are not asked for again by a flood of tokens with unknown keys", async () => {
    expect(await outcome(await provider.sign(claims()))).toEqual([201]);
    const before = provider.keyRequests;
    const forged = await Promise.all(
      Array.from({ length: 200 }, (_, number) => provider.sign(claims(), { header: { kid: `unknown-${number}` } })),
    );
    const found = await Promise.all(forged.map((token) => outcome(token)));
    for (const one of found) expect(one).toEqual([401, "token_key_unknown"]);
    expect(provider.keyRequests - before).toBeLessThanOrEqual(1);
  });

  it("may change: a token of a new key is taken once the node may ask, one of the old key no more", async () => {
    const old = await provider.sign(claims());
    expect(await outcome(old)).toEqual([201]);
    await provider.rotate();
    expect(await outcome(await provider.serviceToken({ resource: node.entity }))).toEqual([201]);
    expect(await outcome(old)).toEqual([401, "token_key_unknown"]);
  });

  it("that were withdrawn are believed no longer than a while, though nobody names a new one", async () => {
    const old = await provider.sign(claims({ exp: now() + 3_000 }));
    expect(await outcome(old)).toEqual([201]);
    await provider.rotate();
    expect(await outcome(old)).toEqual([201]);
    ahead += ISSUER_KEYS_SECONDS + 1;
    expect(await outcome(old)).toEqual([401, "token_key_unknown"]);
  });

  it("are held while the issuer is away, and not for ever", async () => {
    const token = await provider.sign(claims({ exp: now() + 4 * ISSUER_KEYS_HELD_SECONDS }));
    expect(await outcome(token)).toEqual([201]);
    await provider.stop();
    ahead += ISSUER_KEYS_SECONDS + 1;
    expect(await outcome(token)).toEqual([201]);
    ahead += ISSUER_KEYS_HELD_SECONDS;
    const { status, body, headers } = await write(token);
    expect([status, body.code, headers.get("retry-after")]).toEqual([503, "sign_in_unavailable", "10"]);
    await provider.start();
    ahead += ISSUER_KEYS_REFRESH_SECONDS;
    expect(await outcome(token)).toEqual([201]);
  });
});
