// Corpus: files, tokens and disclosures that cannot be read, or are of another kind, and signatures that do not hold.
import { createHmac } from "node:crypto";
import { decodeBase64url, encodeBase64url } from "../../src/crypto/base64.ts";
import { encodeUtf8, sha256 } from "../../src/crypto/hash.ts";
import type { Json, JsonObject } from "../../src/crypto/json.ts";
import { decodeJws } from "../../src/crypto/jws.ts";
import { formatSdJwt } from "../../src/crypto/sd-jwt.ts";
import { disclosureDigest } from "../../src/crypto/sd-jwt-disclosures.ts";
import type { VerificationCode } from "../../src/verification/report.ts";
import { createRecordWorld, evidenceOf, logVersion, NOW, type VersionDraft } from "../record-fixture.ts";
import {
  type CorpusCase,
  changed,
  corpusSeeds,
  impostorSeeds,
  invalid,
  part,
  type Sample,
  sample,
  signRaw,
  undecided,
} from "./corpus-case.ts";

const file = (label: string, change: (made: Sample) => unknown): CorpusCase =>
  invalid("format", "evidence_invalid", label, changed(change));

/** The sample's text with another one in its place. */
const textChange = (from: string, to: string) => (made: Sample) => JSON.stringify(made.evidence).replace(from, to);

const FILES: readonly CorpusCase[] = [
  file("null", () => "null"),
  file("text", ({ evidence }) => JSON.stringify(evidence.token)),
  file("empty", () => ""),
  file("bare-token", ({ evidence }) => evidence.token),
  file("cut-off", ({ evidence }) => JSON.stringify(evidence).slice(0, -1)),
  file("goes-on", ({ evidence }) => `${JSON.stringify(evidence)}{}`),
  file("byte-order-mark", ({ evidence }) => `\ufeff${JSON.stringify(evidence)}`),
  file("token-twice", textChange("{", '{"token":"e30.e30.AA~",')),
  file("proto-member", textChange("{", '{"__proto__":{"anchors":[]},')),
  file("number-too-large", textChange("{", '{"note":1e400,')),
  file("nested-deep", textChange("{", `{"note":${"[".repeat(200)}${"]".repeat(200)},`)),
  file("no-token", ({ evidence }) => ({ ...evidence, token: undefined })),
  file("token-number", ({ evidence }) => ({ ...evidence, token: 7 })),
  file("brings-its-own-anchor", ({ world, evidence }) => ({ ...evidence, anchors: world.chain.anchors })),
  file("brings-its-own-policy", ({ evidence }) => ({ ...evidence, policy: { required: [] } })),
  file("chain-text", ({ evidence }) => ({ ...evidence, chain: evidence.chain.join(" ") })),
  file("chain-of-a-hundred", ({ evidence }) => ({ ...evidence, chain: Array(100).fill(evidence.chain[0]) })),
  file("status-value", ({ evidence }) => ({ ...evidence, status: { ...evidence.status, value: 0 } })),
  file("archive-without-receipt", ({ evidence }) => ({ ...evidence, archive: { chain: evidence.chain } })),
];

const token = (code: VerificationCode, label: string, change: (made: Sample) => string | Promise<string>): CorpusCase =>
  invalid("format", code, label, async () => {
    const made = await sample();
    return { ...made.evidence, token: await change(made) };
  });

const malformed = (label: string, change: (made: Sample) => string | Promise<string>) =>
  token("token_malformed", label, change);

/** The sample's issuer JWT signed again by the true key under another header. */
async function withHeader({ world, logged }: Sample, header: JsonObject | string): Promise<string> {
  const jwt = await signRaw(world.node.record, { header, payload: decodeJws(logged.jwt).payload });
  return formatSdJwt(jwt, logged.disclosures);
}

const trueHeader = ({ logged }: Sample): JsonObject => decodeJws(logged.jwt).header;

const headed = (code: VerificationCode, label: string, members: { readonly [name: string]: Json | undefined }) =>
  token(code, label, (made) =>
    withHeader(made, JSON.parse(JSON.stringify({ ...trueHeader(made), ...members })) as JsonObject),
  );

const TOKENS: readonly CorpusCase[] = [
  malformed("empty", () => ""),
  malformed("without-its-last-tilde", ({ evidence }) => evidence.token.slice(0, -1)),
  malformed("bare-jwt", ({ logged }) => logged.jwt),
  malformed("four-parts", ({ evidence }) => evidence.token.replace("~", ".AAAA~")),
  malformed("padded", ({ evidence }) => evidence.token.replace("~", "=~")),
  // 86 characters hold 516 bits of which 512 count: the last character's low bits must be zero.
  malformed("last-bits-set", ({ evidence }) => evidence.token.replace(/([AQgw])~/, (_, last) => `${next(last)}~`)),
  malformed("newline-at-its-end", ({ evidence }) => `${evidence.token}\n`),
  malformed("payload-list", async ({ world, logged }) => {
    const jwt = await signRaw(world.node.record, { header: decodeJws(logged.jwt).header, payload: "[]" });
    return `${jwt}~`;
  }),
  malformed("payload-claim-twice", async ({ world, logged }) => {
    const { header, payload } = decodeJws(logged.jwt);
    const text = JSON.stringify(payload).replace("{", '{"rver":9,');
    return formatSdJwt(await signRaw(world.node.record, { header, payload: text }), logged.disclosures);
  }),
  malformed("header-alg-twice", (made) =>
    withHeader(made, JSON.stringify(trueHeader(made)).replace("{", '{"alg":"none",')),
  ),
  headed("token_malformed", "crit-unknown", { crit: ["exp"], exp: 1 }),
  headed("token_malformed", "b64", { b64: false }),
  headed("token_type_wrong", "older-name", { typ: "vc+sd-jwt" }),
  headed("token_type_wrong", "jwt", { typ: "JWT" }),
  headed("token_type_wrong", "media-type", { typ: "application/dc+sd-jwt" }),
  headed("token_type_wrong", "none", { typ: undefined }),
  headed("token_type_wrong", "status-list", { typ: "statuslist+jwt" }),
  headed("algorithm_not_allowed", "eddsa", { alg: "EdDSA" }),
  headed("algorithm_not_allowed", "es256", { alg: "ES256" }),
  headed("algorithm_not_allowed", "none-given", { alg: undefined }),
  token("algorithm_not_allowed", "none", (made) => {
    const { payload } = decodeJws(made.logged.jwt);
    return formatSdJwt(`${part({ ...trueHeader(made), alg: "none" })}.${part(payload)}.AA`, made.logged.disclosures);
  }),
  token("algorithm_not_allowed", "hmac-over-the-public-key", (made) => {
    const { payload } = decodeJws(made.logged.jwt);
    const input = `${part({ ...trueHeader(made), alg: "HS256" })}.${part(payload)}`;
    const mac = createHmac("sha256", made.world.node.record.publicKey.raw).update(input).digest("base64url");
    return formatSdJwt(`${input}.${mac}`, made.logged.disclosures);
  }),
  token("key_binding_unsupported", "any-text-in-its-place", ({ evidence }) => `${evidence.token}e30.e30.AAAA`),
];

function next(last: string): string {
  return String.fromCharCode(last.charCodeAt(0) + 1);
}

/** A token in whose data the issuer signed for the digest of this disclosure, whatever it is. */
async function disclosing(
  { world, logged }: Sample,
  disclosure: string,
  place: "data" | "top" = "data",
): Promise<string> {
  const { header, payload } = decodeJws(logged.jwt);
  const data = payload.data as JsonObject;
  const digest = disclosureDigest(disclosure);
  const claims: JsonObject =
    place === "top"
      ? { ...payload, _sd: [digest] }
      : { ...payload, data: { ...data, _sd: [...(data._sd as Json[]), digest] } };
  const jwt = await signRaw(world.node.record, { header, payload: claims });
  return formatSdJwt(jwt, [...logged.disclosures, disclosure]);
}

const disclosed = (label: string, disclosure: string, place?: "data" | "top") =>
  token("disclosure_invalid", label, (made) => disclosing(made, disclosure, place));

const SALT = "c2FsdHNhbHRzYWx0c2FsdA";

const DISCLOSURES: readonly CorpusCase[] = [
  token("disclosure_invalid", "twice", ({ evidence, logged }) => `${evidence.token}${logged.disclosures[0]}~`),
  token("disclosure_invalid", "foreign", ({ evidence }) => `${evidence.token}${part([SALT, "name", "X"])}~`),
  token("disclosure_invalid", "value-changed", ({ logged }) => {
    const [salt, name] = JSON.parse(new TextDecoder().decode(decodeBase64url(logged.disclosures[0]!)));
    return formatSdJwt(logged.jwt, [part([salt, name, "B. Person"]), ...logged.disclosures.slice(1)]);
  }),
  disclosed("not-canonical", `${part([SALT, "note", "x"])}=`),
  disclosed("one-element", part([SALT])),
  disclosed("element-as-claim", part([SALT, "x"])),
  disclosed("reserved-name", part([SALT, "_sd", []])),
  disclosed("proto-name", part([SALT, "__proto__", {}])),
  disclosed("name-that-stands-open", part([SALT, "code", "022"])),
  disclosed("value-with-a-key-twice", part(`["${SALT}","note",{"a":1,"a":2}]`)),
  disclosed("claim-that-must-stand-open", part([SALT, "exp", NOW + 1_000]), "top"),
];

const claims = (label: string, draft: VersionDraft): CorpusCase =>
  invalid(
    "format",
    "claims_invalid",
    label,
    changed(({ evidence }) => evidence, draft),
  );

const CLAIMS: readonly CorpusCase[] = [
  claims("vct-of-another-node", { payload: { vct: "https://other.example/registries/districts/schema/1" } }),
  claims("vct-that-starts-alike", {
    payload: { vct: "https://local.example/node.evil/registries/districts/schema/1" },
  }),
  claims("no-integrity", { payload: { "vct#integrity": undefined } }),
  claims("rid-of-version-4", { payload: { rid: "d8989cce-a4e3-4a7a-b4cc-df2f5e151568" } }),
  claims("prev-in-version-1", { payload: { prev: encodeBase64url(sha256("x")) } }),
  claims("no-prev-in-version-2", { version: 2, payload: { prev: undefined } }),
  claims("impossible-date", { payload: { valid_until: "2027-02-30" } }),
  claims("negative-index", {
    payload: { status: { status_list: { idx: -1, uri: "https://local.example/node/status/1" } } },
  }),
  claims("type-in-capitals", { payload: { rtype: "Districts" } }),
  token("claims_invalid", "validity-in-a-disclosure", (made) =>
    disclosing(made, part([SALT, "valid_until", "2040-01-01"]), "top"),
  ),
];

const unknownKey = (label: string, role: "federation" | "status" | "request" | "log"): CorpusCase =>
  invalid("signature", "signing_key_unknown", label, async () => {
    const world = createRecordWorld(undefined, corpusSeeds);
    return evidenceOf(world, await logVersion(world, { signer: world.node[role] }));
  });

const signed = (label: string, change: (signature: Uint8Array) => Uint8Array): CorpusCase =>
  invalid(
    "signature",
    "signature_invalid",
    label,
    changed(({ logged, evidence }) => {
      const { parts, signature } = decodeJws(logged.jwt);
      const jwt = `${parts.header}.${parts.payload}.${encodeBase64url(change(signature.slice()))}`;
      return { ...evidence, token: formatSdJwt(jwt, logged.disclosures) };
    }),
  );

const ORDER = 2n ** 252n + 27_742_317_777_372_353_535_851_937_790_883_648_493n;

/** S + L: the same residue, which a lax verifier takes for the same signature (RFC 8032 §5.1.7). */
function addOrder(signature: Uint8Array): Uint8Array {
  let s = ORDER;
  for (let i = 0; i < 32; i++) s += BigInt(signature[32 + i]!) << BigInt(8 * i);
  for (let i = 0; i < 32; i++) signature[32 + i] = Number((s >> BigInt(8 * i)) & 255n);
  return signature;
}

const SIGNATURES: readonly CorpusCase[] = [
  unknownKey("log-key", "log"),
  unknownKey("status-key", "status"),
  unknownKey("request-key", "request"),
  unknownKey("federation-key", "federation"),
  invalid("signature", "signing_key_unknown", "stranger", async () => {
    const world = createRecordWorld(undefined, corpusSeeds);
    const signer = createRecordWorld(undefined, impostorSeeds).node.record;
    return evidenceOf(world, await logVersion(world, { signer }));
  }),
  invalid("signature", "signing_key_unknown", "kid-of-nobody", async () => {
    const made = await sample();
    return { ...made.evidence, token: await withHeader(made, { ...trueHeader(made), kid: "x" }) };
  }),
  invalid("signature", "signing_key_unknown", "key-brought-along", async () => {
    const made = await sample();
    const { publicKey } = createRecordWorld(undefined, impostorSeeds).node.record;
    const header = { ...trueHeader(made), kid: publicKey.kid, jwk: { ...publicKey.jwk } };
    return { ...made.evidence, token: await withHeader(made, header) };
  }),
  invalid(
    "signature",
    "signature_invalid",
    "payload-changed",
    changed(({ logged, evidence }) => {
      const { parts, payload } = decodeJws(logged.jwt);
      const data = { ...(payload.data as JsonObject), name: "Southmarch" };
      const jwt = `${parts.header}.${part({ ...payload, data })}.${parts.signature}`;
      return { ...evidence, token: formatSdJwt(jwt, logged.disclosures) };
    }),
  ),
  signed("all-zeros", (signature) => signature.fill(0)),
  signed("first-bit", (signature) => signature.with(0, signature[0]! ^ 1)),
  signed("s-beyond-the-order", addOrder),
  signed("of-another-text", () => encodeUtf8("x".repeat(64))),
];

const PARTIAL: readonly CorpusCase[] = [
  undecided(
    "issuer",
    "chain_missing",
    "token-alone",
    changed(({ evidence }) => ({ token: evidence.token })),
  ),
  undecided(
    "issuer",
    "chain_missing",
    "no-chain",
    changed(({ evidence }) => ({ ...evidence, chain: undefined })),
  ),
  undecided(
    "schema",
    "definition_missing",
    "no-definition",
    changed(({ evidence }) => ({ ...evidence, definition: undefined })),
  ),
  undecided(
    "status",
    "status_missing",
    "no-status",
    changed(({ evidence }) => ({ ...evidence, status: undefined })),
  ),
  undecided(
    "status",
    "status_not_named",
    "record-names-none",
    changed(({ evidence }) => evidence, { payload: { status: undefined } }),
  ),
  undecided(
    "inclusion",
    "receipt_missing",
    "no-receipts",
    changed(({ evidence }) => ({ ...evidence, receipts: undefined })),
  ),
];

export const FORMAT_CASES: readonly CorpusCase[] = [
  ...FILES,
  ...TOKENS,
  ...DISCLOSURES,
  ...CLAIMS,
  ...SIGNATURES,
  ...PARTIAL,
];
