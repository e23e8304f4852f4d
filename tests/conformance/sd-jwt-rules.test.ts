// Every rule by which a verifier processes an SD-JWT (RFC 9901 §7.1, §7.3) and an SD-JWT VC (draft-ietf-oauth-sd-jwt-vc), one test each, on whole record tokens under the issuer's true signature.
import { createHmac, createPrivateKey, generateKeyPairSync, sign as signNatively } from "node:crypto";
import { describe, expect, test } from "vitest";
import { encodeBase64url } from "../../src/crypto/base64.ts";
import { sha256 } from "../../src/crypto/hash.ts";
import type { Json, JsonObject } from "../../src/crypto/json.ts";
import { decodeJws } from "../../src/crypto/jws.ts";
import { formatSdJwt } from "../../src/crypto/sd-jwt.ts";
import { disclosureDigest } from "../../src/crypto/sd-jwt-disclosures.ts";
import { createVerifier } from "../../src/verification/verifier.ts";
import { createEntity } from "../chain-fixture.ts";
import { part, signRaw } from "../corpus/corpus-case.ts";
import { createSample, type LoggedVersion, NOW, type RecordWorld } from "../record-fixture.ts";

// What a rule is about ends in the checks up to `validity`; the log commits to the token as it was issued.
const POLICY = { statusMaxAgeSeconds: 300, required: ["format", "signature", "issuer", "validity"] } as const;
const SALT = "c2FsdHNhbHRzYWx0c2FsdA";

interface Made {
  readonly world: RecordWorld;
  readonly logged: LoggedVersion;
  readonly header: JsonObject;
  readonly payload: JsonObject;
  readonly data: JsonObject;
}

/** A record's token changed by `change`, judged: "valid", or the code of the first check that did not pass. */
async function judge(change: (made: Made) => Promise<string> | string): Promise<string> {
  const { world, logged, evidence } = await createSample();
  const { header, payload } = decodeJws(logged.jwt);
  const token = await change({ world, logged, header, payload, data: payload.data as JsonObject });
  const verifier = createVerifier({ anchors: world.chain.anchors, ...POLICY });
  const { valid, checks } = await verifier.verify({ ...evidence, token }, { now: NOW });
  const fault = checks.find(({ result, code }) => result === "fail" && code !== "prerequisite_failed");
  return valid ? "valid" : fault!.code;
}

const signed = async ({ world, header }: Made, payload: JsonObject, disclosures: readonly string[]): Promise<string> =>
  formatSdJwt(await signRaw(world.node.record, { header, payload }), disclosures);

/** The token whose data the issuer signed with these further digests, and these disclosures shown. */
const withDigests = (digests: Json[], shown: readonly string[]) => (made: Made) =>
  signed(made, { ...made.payload, data: { ...made.data, _sd: [...(made.data._sd as Json[]), ...digests] } }, [
    ...made.logged.disclosures,
    ...shown,
  ]);

const showing = (disclosure: string) => withDigests([disclosureDigest(disclosure)], [disclosure]);
const withClaims = (claims: JsonObject) => (made: Made) =>
  signed(made, { ...made.payload, ...claims }, made.logged.disclosures);
const withHeader = (changes: JsonObject) => async (made: Made) =>
  formatSdJwt(
    await signRaw(made.world.node.record, { header: { ...made.header, ...changes }, payload: made.payload }),
    made.logged.disclosures,
  );

type Rule = [rule: string, sentence: string, change: (made: Made) => Promise<string> | string, outcome: string];

const element = part([SALT, "x"]);
const note = part([SALT, "note", "x"]);
const inner = part([SALT, "inner", 1]);
const outer = part([SALT, "outer", { _sd: [disclosureDigest(inner)] }]);

const RFC_9901: Rule[] = [
  [
    "7.1 1",
    "the parts are separated at each tilde, the last of which ends the text",
    ({ logged }) => logged.jwt,
    "token_malformed",
  ],
  [
    "7.1 2a",
    "none is no algorithm",
    ({ header, payload }) => `${part({ ...header, alg: "none" })}.${part(payload)}.AA~`,
    "algorithm_not_allowed",
  ],
  [
    "7.1 2a",
    "an unsigned token is none either",
    ({ header, payload }) => `${part({ ...header, alg: "none" })}.${part(payload)}.~`,
    "token_malformed",
  ],
  [
    "7.1 2a",
    "a MAC over the public key is no signature",
    ({ world, header, payload }) => {
      const input = `${part({ ...header, alg: "HS256" })}.${part(payload)}`;
      return `${input}.${createHmac("sha256", world.node.record.publicKey.raw).update(input).digest("base64url")}~`;
    },
    "algorithm_not_allowed",
  ],
  [
    "7.1 2a",
    "a true signature of another algorithm is refused by its name",
    ({ header, payload }) => {
      const { privateKey } = generateKeyPairSync("ec", { namedCurve: "P-256" });
      const input = `${part({ ...header, alg: "ES256" })}.${part(payload)}`;
      const der = privateKey.export({ type: "pkcs8", format: "der" });
      const key = createPrivateKey({ key: der, format: "der", type: "pkcs8" });
      const signature = signNatively("sha256", Buffer.from(input), { key, dsaEncoding: "ieee-p1363" });
      return `${input}.${signature.toString("base64url")}~`;
    },
    "algorithm_not_allowed",
  ],
  [
    "7.1 2b",
    "the signature holds",
    ({ logged }) => formatSdJwt(`${logged.jwt.slice(0, -4)}AAAA`, logged.disclosures),
    "signature_invalid",
  ],
  [
    "7.1 2c",
    "the key is the issuer's",
    async ({ header, payload, world }) =>
      `${await signRaw(world.node.status, { header: { ...header, kid: world.node.status.publicKey.kid }, payload })}~`,
    "signing_key_unknown",
  ],
  [
    "7.1 2c",
    "the issuer is who the chain speaks of",
    withClaims({ iss: "https://other.example", vct: "https://other.example/registries/districts/schema/1" }),
    "issuer_mismatch",
  ],
  ["7.1 2d", "_sd_alg is a hash that is understood", withClaims({ _sd_alg: "sha-512" }), "disclosure_invalid"],
  ["7.1 2d", "_sd_alg is no weak hash", withClaims({ _sd_alg: "md5" }), "disclosure_invalid"],
  [
    "7.1 3a",
    "a digest is of the disclosure's text, so that another text of one value is another disclosure",
    withDigests([disclosureDigest(note)], [part(`["${SALT}", "note", "x"]`)]),
    "disclosure_invalid",
  ],
  ["7.1 3b", "_sd is an array", withClaims({ data: { code: "021", name: "N", _sd: "x" } }), "disclosure_invalid"],
  ["7.1 3b", "an embedded digest is a text", withDigests([7], []), "disclosure_invalid"],
  [
    "7.1 3b",
    "an element that stands for a digest has no other member",
    withClaims({ data: { code: "021", name: "N", parts: [{ "...": disclosureDigest(element), a: 1 }] } }),
    "disclosure_invalid",
  ],
  [
    "7.1 3c i",
    "a digest without a disclosure is ignored",
    withDigests([encodeBase64url(sha256("a decoy"))], []),
    "valid",
  ],
  ["7.1 3c ii 1", "a claim's disclosure has three elements", showing(element), "disclosure_invalid"],
  ["7.1 3c ii 1", "and no fourth", showing(part([SALT, "note", "x", 1])), "disclosure_invalid"],
  ["7.1 3c ii 1", "and is an array", showing(part({ note: "x" })), "disclosure_invalid"],
  ["7.1 3c ii 2", "a claim is not named _sd", showing(part([SALT, "_sd", []])), "disclosure_invalid"],
  ["7.1 3c ii 2", "a claim is not named ...", showing(part([SALT, "...", "x"])), "disclosure_invalid"],
  ["7.1 3c ii 3", "a claim does not stand there already", showing(part([SALT, "code", "022"])), "disclosure_invalid"],
  [
    "7.1 3c ii 3",
    "nor does another disclosure put it there",
    withDigests([disclosureDigest(note), disclosureDigest(part(["b", "note", "y"]))], [note, part(["b", "note", "y"])]),
    "disclosure_invalid",
  ],
  ["7.1 3c ii 4", "a claim is inserted at the level of its digest", showing(note), "valid"],
  [
    "7.1 3c ii 5",
    "a disclosed value's own digests are followed",
    withDigests([disclosureDigest(outer)], [outer, inner]),
    "valid",
  ],
  [
    "7.1 3c iii 1",
    "an element's disclosure has two elements",
    withClaims({ data: { code: "021", name: "N", parts: [{ "...": disclosureDigest(note) }] } }),
    "disclosure_invalid",
  ],
  [
    "7.1 3d",
    "an element without a disclosure is removed",
    ({ logged }) => formatSdJwt(logged.jwt, logged.disclosures.slice(0, 1)),
    "valid",
  ],
  [
    "7.1 4",
    "no digest stands twice",
    withDigests([disclosureDigest(note), disclosureDigest(note)], [note]),
    "disclosure_invalid",
  ],
  [
    "7.1 4",
    "nor once in the payload and once in a disclosure",
    withDigests([disclosureDigest(inner), disclosureDigest(outer)], [outer, inner]),
    "disclosure_invalid",
  ],
  [
    "7.1 4",
    "nor does a decoy",
    withDigests([encodeBase64url(sha256("d")), encodeBase64url(sha256("d"))], []),
    "disclosure_invalid",
  ],
  [
    "7.1 5",
    "no disclosure is left over",
    ({ logged }) => formatSdJwt(logged.jwt, [...logged.disclosures, note]),
    "disclosure_invalid",
  ],
  [
    "7.1 5",
    "nor one whose digest is in a disclosure that is not shown",
    withDigests([disclosureDigest(outer)], [inner]),
    "disclosure_invalid",
  ],
  ["7.1 6", "iat is not in the future", withClaims({ iat: NOW + 3_600 }), "issued_in_future"],
  ["7.1 6", "nbf has come", withClaims({ nbf: NOW + 3_600 }), "token_not_yet_valid"],
  ["7.1 6", "exp has not come", withClaims({ exp: NOW }), "token_expired"],
  [
    "7.1 6, 9.7",
    "a claim that decides about validity is not missing",
    ({ payload, ...made }) =>
      signed(
        { payload, ...made },
        Object.fromEntries(Object.entries(payload).filter(([name]) => name !== "iat")),
        made.logged.disclosures,
      ),
    "claims_invalid",
  ],
  [
    "7.1 6, 9.7",
    "nor hidden",
    (made) =>
      signed(made, { ...made.payload, _sd: [disclosureDigest(part([SALT, "exp", NOW + 9]))] }, [
        ...made.logged.disclosures,
        part([SALT, "exp", NOW + 9]),
      ]),
    "disclosure_invalid",
  ],
  [
    "7.3 1",
    "whether key binding is looked at is not the token's choice: what nobody verifies must not be there",
    ({ logged }) => `${formatSdJwt(logged.jwt, logged.disclosures)}e30.e30.AAAA`,
    "key_binding_unsupported",
  ],
];

const RFC_9901_STRICT: Rule[] = [
  [
    "RFC 7515 4.1.11",
    "an extension that is not understood refuses the token",
    withHeader({ crit: ["note"], note: 1 }),
    "token_malformed",
  ],
  ["RFC 7797", "so does an unencoded payload", withHeader({ b64: false }), "token_malformed"],
  ["RFC 8725 3.11", "the type is the one of records", withHeader({ typ: "kb+jwt" }), "token_type_wrong"],
  ["RFC 9864", "the algorithm has its full name", withHeader({ alg: "EdDSA" }), "algorithm_not_allowed"],
  [
    "RFC 8725 3.10",
    "a key that the token brings along is nobody's",
    async ({ world, payload, header }) => {
      const own = createEntity("https://own.example").record;
      const jwt = await signRaw(own, {
        header: { ...header, kid: own.publicKey.kid, jwk: { ...own.publicKey.jwk }, x5c: ["AAAA"], jku: world.node.id },
        payload,
      });
      return `${jwt}~`;
    },
    "signing_key_unknown",
  ],
  [
    "RFC 8725 3.10",
    "and an address of keys is not followed",
    withHeader({ jku: "https://evil.example/jwks", x5u: "https://evil.example" }),
    "valid",
  ],
  [
    "RFC 4648 3.5",
    "base64url is canonical",
    ({ logged }) => formatSdJwt(logged.jwt, logged.disclosures).replace("~", "=~"),
    "token_malformed",
  ],
  ["RFC 4648 5", "and of its own alphabet", ({ logged }) => `${logged.jwt.slice(0, -2)}+/~`, "token_malformed"],
  [
    "RFC 7493 2.3",
    "no member stands twice",
    async ({ world, header, payload }) =>
      `${await signRaw(world.node.record, { header, payload: JSON.stringify(payload).replace("{", '{"rtype":"blocks",') })}~`,
    "token_malformed",
  ],
  [
    "RFC 7493 2.2",
    "no number loses digits",
    async ({ world, header, payload }) =>
      `${await signRaw(world.node.record, { header, payload: JSON.stringify(payload).replace("{", '{"note":9007199254740993,') })}~`,
    "token_malformed",
  ],
  [
    "RFC 7493 2.1",
    "no text is half of a character",
    async ({ world, header, payload }) =>
      `${await signRaw(world.node.record, { header, payload: JSON.stringify(payload).replace("{", '{"note":"\\ud800",') })}~`,
    "token_malformed",
  ],
  [
    "ECMA-262",
    "no member is __proto__",
    async ({ world, header, payload }) =>
      `${await signRaw(world.node.record, { header, payload: JSON.stringify(payload).replace("{", '{"__proto__":{"exp":1},') })}~`,
    "token_malformed",
  ],
  ["ECMA-262", "nor is a disclosed one", showing(part([SALT, "__proto__", {}])), "disclosure_invalid"],
  [
    "limits",
    "nothing nests deeper than is read",
    async ({ world, header, payload }) =>
      `${await signRaw(world.node.record, { header, payload: JSON.stringify(payload).replace("{", `{"note":${"[".repeat(99)}${"]".repeat(99)},`) })}~`,
    "token_malformed",
  ],
  [
    "limits",
    "no token is longer than is read",
    ({ logged }) => `${logged.jwt}~${"A".repeat(300_000)}~`,
    "token_malformed",
  ],
  ["limits", "nor has it more disclosures", ({ logged }) => `${logged.jwt}~${"AA~".repeat(5_000)}`, "token_malformed"],
];

const SD_JWT_VC: Rule[] = [
  ["2.2.1", "typ is dc+sd-jwt", withHeader({ typ: "vc+sd-jwt" }), "token_type_wrong"],
  ["2.2.2.1", "vct is there", withClaims({ vct: null }), "claims_invalid"],
  [
    "2.2.2.1",
    "vct is the issuer's own",
    withClaims({ vct: "https://other.example/registries/districts/schema/1" }),
    "claims_invalid",
  ],
  ...["iss", "nbf", "exp", "cnf", "vct", "vct#integrity", "status"].map(
    (claim): Rule => [
      "2.2.2.2",
      `${claim} is not in a disclosure`,
      (made) => {
        const disclosure = part([SALT, claim, made.payload[claim] ?? NOW + 9]);
        const { [claim]: _, ...payload } = made.payload;
        return signed(made, { ...payload, _sd: [disclosureDigest(disclosure)] }, [
          ...made.logged.disclosures,
          disclosure,
        ]);
      },
      "disclosure_invalid",
    ],
  ),
  [
    "2.2.2.2",
    "nor is a part of status",
    (made) => {
      const disclosure = part([SALT, "status_list", { idx: 9, uri: `${made.world.node.id}/status/1` }]);
      return signed(made, { ...made.payload, status: { _sd: [disclosureDigest(disclosure)] } }, [
        ...made.logged.disclosures,
        disclosure,
      ]);
    },
    "disclosure_invalid",
  ],
  ["2.5", "a claim that is not understood is ignored", withClaims({ note: "x" }), "valid"],
];

describe("RFC 9901", () => {
  test.each(RFC_9901)("%s: %s", async (_rule, _sentence, change, outcome) => {
    expect(await judge(change)).toBe(outcome);
  });
});

describe("what RFC 9901 takes from JWS, base64url and JSON", () => {
  test.each(RFC_9901_STRICT)("%s: %s", async (_rule, _sentence, change, outcome) => {
    expect(await judge(change)).toBe(outcome);
  });
});

describe("SD-JWT VC", () => {
  test.each(SD_JWT_VC)("%s: %s", async (_rule, _sentence, change, outcome) => {
    expect(await judge(change)).toBe(outcome);
  });
});

test("the true token passes, or the refusals above would prove nothing", async () => {
  expect(await judge(({ logged }) => formatSdJwt(logged.jwt, logged.disclosures))).toBe("valid");
});
