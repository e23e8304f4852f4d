// OpenID Federation 1.0 by its own examples and by the public policy vectors, each through a whole signed chain. Reads nothing but the vectors.
import { createPublicKey, verify as verifySignature } from "node:crypto";
import { existsSync, readFileSync } from "node:fs";
import { describe, expect, test } from "vitest";
import { canonicalJson, type JsonObject } from "../../src/crypto/json.ts";
import type { Signer } from "../../src/crypto/signer.ts";
import { parseEntityStatement } from "../../src/federation/entity-statement.ts";
import { proveTrustChain } from "../../src/federation/trust-chain.ts";
import { parseTrustMark } from "../../src/federation/trust-mark.ts";
import { caughtCode, settledCode } from "../caught-code.ts";
import { createEntity, draftChain, keySet, signChain, signDraft } from "../chain-fixture.ts";

const folder = new URL("../../../shared/vectors/openid-federation/", import.meta.url);
const isThere = existsSync(folder);
if (!isThere) console.warn("skipped: ../shared/vectors/openid-federation is not there");

function read<Value>(name: string): Value {
  return JSON.parse(readFileSync(new URL(name, folder), "utf8")) as Value;
}

interface Decoded {
  readonly header: JsonObject;
  readonly claims: JsonObject;
}

function decode(text: string): Decoded {
  const [header, claims] = text.split(".").map((part) => Buffer.from(part, "base64url").toString());
  return { header: JSON.parse(header!) as JsonObject, claims: JSON.parse(claims!) as JsonObject };
}

function keysOf({ claims }: Decoded): JsonObject[] {
  return (claims.jwks as { keys: JsonObject[] }).keys;
}

const EXAMPLE = { validAt: 1_767_800_000, from: 1_767_710_984, until: 1_768_010_984 };
const ANCHOR = "https://trust-anchor.example.org";

describe.skipIf(!isThere)("the specification's example chain", () => {
  const { trust_chain: original } = isThere
    ? read<{ trust_chain: string[] }>("trust_chain_rs256.json")
    : { trust_chain: [] };

  /** The same statements under Ed25519 keys, the only ones of our profile: one for each of the example's RSA keys. */
  async function resign(): Promise<{ statements: string[]; anchorKeys: JsonObject }> {
    const signers = new Map<string, Signer>();
    const signerOf = (kid: string): Signer => {
      const signer = signers.get(kid) ?? createEntity("https://any.example").federation;
      signers.set(kid, signer);
      return signer;
    };
    const statements = await Promise.all(
      original.map((text) => {
        const { header, claims } = decode(text);
        const keys = keysOf({ header, claims }).map(({ kid }) => signerOf(String(kid)).publicKey);
        const signer = signerOf(String(header.kid));
        return signDraft({
          header: { ...header, alg: "Ed25519", kid: signer.publicKey.kid },
          claims: { ...claims, jwks: keySet(...keys) },
          signer,
        });
      }),
    );
    const anchorKid = String(decode(original.at(-1)!).header.kid);
    return { statements, anchorKeys: keySet(signerOf(anchorKid).publicKey) };
  }

  async function prove(now: number, entity = ANCHOR) {
    const { statements, anchorKeys } = await resign();
    const anchors = [{ entity, jwks: anchorKeys as { keys: unknown[] } & JsonObject, registry_types: [] }];
    return proveTrustChain({ statements, anchors, now });
  }

  test("is signed as the standard says: each statement by a key of the one above", () => {
    const above = [original[1]!, original[2]!, original[3]!, original[3]!];
    for (const [j, text] of original.entries()) {
      const jwk = keysOf(decode(above[j]!)).find(({ kid }) => kid === decode(text).header.kid)!;
      const [header, payload, signature] = text.split(".") as [string, string, string];
      const key = createPublicKey({ key: jwk as never, format: "jwk" });
      expect(
        verifySignature("sha256", Buffer.from(`${header}.${payload}`), key, Buffer.from(signature, "base64url")),
      ).toBe(true);
    }
  });

  test("is refused as it stands, because our profile has one algorithm", async () => {
    for (const text of original) expect(caughtCode(() => parseEntityStatement(text))).toBe("algorithm_not_allowed");
  });

  test("is proven at its clock, and says what the credential issuer says of itself", async () => {
    const chain = await prove(EXAMPLE.validAt);
    const declared = decode(original[0]!).claims.metadata as JsonObject;
    expect(chain.subject.subject).toBe("https://credential_issuer.example.org");
    expect(chain.anchor.subject).toBe(ANCHOR);
    expect(chain.subordinates.map(({ issuer }) => issuer)).toEqual(["https://intermediate.eidas.example.org", ANCHOR]);
    expect(Object.fromEntries(chain.resolved)).toEqual(declared);
    expect(chain.expiresAt).toBe(EXAMPLE.until);
  });

  test.each([
    [EXAMPLE.from, "accepted"],
    [EXAMPLE.from - 61, "statement_not_yet_valid"],
    [EXAMPLE.until - 1, "accepted"],
    [EXAMPLE.until, "statement_expired"],
  ])("at %i is %s", async (now, verdict) => {
    expect(await settledCode(prove(now))).toBe(verdict);
  });

  test("is refused under another anchor", async () => {
    expect(await settledCode(prove(EXAMPLE.validAt, "https://other.example.org"))).toBe("anchor_unknown");
  });
});

describe.skipIf(!isThere)("the specification's other tokens", () => {
  const tokens = isThere ? read<{ jwt: string; header: JsonObject; payload: JsonObject }[]>("jwts.json") : [];

  test("are no entity statements, unless their typ says so", () => {
    expect(tokens.length).toBeGreaterThan(5);
    for (const { jwt, header } of tokens) {
      const expected = header.typ === "entity-statement+jwt" ? "algorithm_not_allowed" : "statement_type_wrong";
      expect(caughtCode(() => parseEntityStatement(jwt))).toBe(expected);
    }
  });

  test("are trust marks where their typ says so, and say what the specification prints", () => {
    const marks = tokens.filter(({ header }) => header.typ === "trust-mark+jwt");
    expect(marks.length).toBeGreaterThan(0);
    for (const { jwt, payload } of marks)
      expect(parseTrustMark(jwt)).toMatchObject({
        issuer: payload.iss,
        subject: payload.sub,
        type: payload.trust_mark_type,
        issuedAt: payload.iat,
        expiresAt: payload.exp,
      });
    for (const { jwt, header } of tokens)
      if (header.typ !== "trust-mark+jwt") expect(caughtCode(() => parseTrustMark(jwt))).toBe("trust_mark_invalid");
  });
});

interface PolicyVector {
  readonly n: number;
  readonly TA: JsonObject;
  readonly INT: JsonObject;
  readonly metadata: JsonObject;
  readonly resolved?: JsonObject;
  readonly error?: "invalid_policy" | "invalid_metadata";
}

const OUR_CODE = { invalid_policy: "policy_invalid", invalid_metadata: "policy_violated" };

// Array operands are sets (§6.1.3.1), so the vectors leave their order open.
function sorted(value: unknown): unknown {
  if (Array.isArray(value)) return value.map(sorted).sort();
  if (typeof value !== "object" || value === null) return value;
  return Object.fromEntries(Object.entries(value).map(([name, member]) => [name, sorted(member)]));
}

describe.skipIf(!isThere)("the public policy vectors", () => {
  test("give the published metadata or class of error through a whole chain", async () => {
    const NOW = 1_800_000_000;
    const entities = ["leaf", "intermediate", "anchor"].map((name) => createEntity(`https://${name}.example.org`));
    const vectors = read<PolicyVector[]>("metadata-policy.json");
    expect(vectors.length).toBeGreaterThanOrEqual(1_514);
    const wrong: [number, unknown][] = [];
    for (const { n, TA, INT, metadata, resolved, error } of vectors) {
      const chain = draftChain(entities, [], NOW);
      const [leaf, byIntermediate, byAnchor] = chain.statements;
      leaf!.claims.metadata = { openid_relying_party: metadata };
      byIntermediate!.claims.metadata_policy = { openid_relying_party: INT };
      byAnchor!.claims.metadata_policy = { openid_relying_party: TA };
      const statements = await signChain(chain);
      let outcome: unknown;
      const code = await settledCode(
        proveTrustChain({ statements, anchors: chain.anchors, now: NOW }).then((proven) => {
          outcome = proven.resolved.get("openid_relying_party");
        }),
      );
      const expected = error === undefined ? sorted(resolved) : OUR_CODE[error];
      const got = code === "accepted" ? sorted(outcome) : code;
      if (canonicalJson(got as never) !== canonicalJson(expected as never)) wrong.push([n, got]);
    }
    expect(wrong).toEqual([]);
  });
});
