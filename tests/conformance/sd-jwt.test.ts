// SD-JWT against the examples of RFC 9901. They are signed with ES256, which our tokens never are, so jose alone checks their signatures.
import { existsSync, readFileSync } from "node:fs";
import { compactVerify, importJWK, type JWK } from "jose";
import { describe, expect, test } from "vitest";
import type { JsonObject } from "../../src/crypto/json.ts";
import { decodeJws } from "../../src/crypto/jws.ts";
import { parseSdJwt } from "../../src/crypto/sd-jwt.ts";
import { disclosureDigest, processDisclosures } from "../../src/crypto/sd-jwt-disclosures.ts";

const file = new URL("../../../shared/vectors/oauth-sd-jwt/rfc9901-examples.json", import.meta.url);
const isMissing = !existsSync(file);
if (isMissing) console.log("sd-jwt.test.ts: skipped, ../shared/vectors/oauth-sd-jwt is absent");

interface JsonForm {
  payload: string;
  protected?: string;
  signature?: string;
  header?: { disclosures: string[] };
  signatures?: { protected: string; signature: string; header?: { disclosures?: string[] } }[];
}
interface Example {
  name: string;
  sd_jwt_issuance: string | JsonForm;
  sd_jwt_presentation: string | JsonForm;
  sd_jwt_payload: JsonObject;
  user_claims: JsonObject;
  verified_contents: JsonObject;
}
interface Examples {
  issuerPublicJwk: JWK;
  cases: Example[];
}
const examples: Examples = isMissing ? { issuerPublicJwk: {}, cases: [] } : JSON.parse(readFileSync(file, "utf8"));

/** The issuer's JWT and the disclosures, out of the compact or one of the JSON serialisations (RFC 9901 §8). */
function takeApart(token: string | JsonForm): { jwt: string; disclosures: readonly string[] } {
  if (typeof token === "string") return parseSdJwt(token);
  const first = token.signatures?.[0] ?? token;
  return {
    jwt: `${first.protected}.${token.payload}.${first.signature}`,
    disclosures: first.header?.disclosures ?? [],
  };
}

async function verifyEs256(jwt: string): Promise<void> {
  await compactVerify(jwt, await importJWK(examples.issuerPublicJwk, "ES256"), { algorithms: ["ES256"] });
}

describe.skipIf(isMissing)("the examples of RFC 9901", () => {
  test("there are fifteen, thirteen of them compact", () => {
    expect(examples.cases).toHaveLength(15);
    expect(examples.cases.filter((example) => typeof example.sd_jwt_issuance === "string")).toHaveLength(13);
  });

  test.each(examples.cases)("$name: the presentation shows exactly the expected claims", async (example) => {
    const { jwt, disclosures } = takeApart(example.sd_jwt_presentation);
    await verifyEs256(jwt);
    const { payload } = decodeJws(jwt);
    expect(payload).toEqual(example.sd_jwt_payload);
    expect(processDisclosures(payload, disclosures).claims).toEqual(example.verified_contents);
  });

  test.each(examples.cases)("$name: the issued token shows all of the user's claims", async (example) => {
    const { jwt, disclosures } = takeApart(example.sd_jwt_issuance);
    await verifyEs256(jwt);
    const { claims } = processDisclosures(decodeJws(jwt).payload, disclosures);
    expect(claims).toMatchObject(example.user_claims);
    for (const name of Object.keys(example.user_claims)) expect(claims[name]).toEqual(example.user_claims[name]);
  });

  test.each(examples.cases)("$name: any disclosure changed by one bit is refused", (example) => {
    const { jwt, disclosures } = takeApart(example.sd_jwt_issuance);
    const { payload } = decodeJws(jwt);
    for (const [index, disclosure] of disclosures.entries()) {
      const bytes = Buffer.from(disclosure, "base64url");
      bytes[3]! ^= 1; // a character of the salt
      const changed = disclosures.with(index, bytes.toString("base64url"));
      expect(() => processDisclosures(payload, changed)).toThrow(
        expect.objectContaining({ code: "disclosure_invalid" }),
      );
    }
  });
});

describe("digests", () => {
  test("the digest is of the disclosure's text (RFC 9901 §4.2.3)", () => {
    const disclosure = "WyJfMjZiYzRMVC1hYzZxMktJNmNCVzVlcyIsICJmYW1pbHlfbmFtZSIsICJNw7ZiaXVzIl0";
    expect(disclosureDigest(disclosure)).toBe("X9yH0Ajrdm1Oij4tWso9UzzKJvPoDxwmuEcO3XAdRC0");
  });
});
