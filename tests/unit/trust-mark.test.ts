// Trust marks, true and false: each broken rule of the proof has its code.
import { describe, expect, test } from "vitest";
import { encodeBase64url } from "../../src/crypto/base64.ts";
import { encodeUtf8 } from "../../src/crypto/hash.ts";
import type { Json, JsonObject } from "../../src/crypto/json.ts";
import type { Signer } from "../../src/crypto/signer.ts";
import type { ErrorCode } from "../../src/errors.ts";
import {
  parseTrustMark,
  parseTrustMarkRules,
  signDelegation,
  signTrustMark,
  verifyTrustMark,
} from "../../src/federation/trust-mark.ts";
import { checkTrustMarkActive, signTrustMarkStatus } from "../../src/federation/trust-mark-status.ts";
import { settledCode } from "../caught-code.ts";
import { createEntity, keySet } from "../chain-fixture.ts";

const NOW = 1_800_000_000;
const TYPE = "https://anchor.example.org/marks/portal";
const ISSUER = createEntity("https://issuer.example.org");
const OWNER = createEntity("https://owner.example.org");
const SUBJECT = createEntity("https://subject.example.org");
const STRANGER = createEntity("https://stranger.example.org");

interface Draft {
  header: JsonObject;
  claims: JsonObject;
  signer: Signer;
  /** What the mark's delegation is made of, if it has one. */
  delegation?: { header: JsonObject; claims: JsonObject; signer: Signer };
  issuers: Json | undefined;
  owners: Json | undefined;
}

function draft(): Draft {
  return {
    header: { typ: "trust-mark+jwt", alg: "Ed25519", kid: ISSUER.federation.publicKey.kid },
    claims: { iss: ISSUER.id, sub: SUBJECT.id, trust_mark_type: TYPE, iat: NOW - 10, exp: NOW + 100 },
    signer: ISSUER.federation,
    issuers: { [TYPE]: [ISSUER.id] },
    owners: undefined,
  };
}

function ownedDraft(): Draft {
  return {
    ...draft(),
    delegation: {
      header: { typ: "trust-mark-delegation+jwt", alg: "Ed25519", kid: OWNER.federation.publicKey.kid },
      claims: { iss: OWNER.id, sub: ISSUER.id, trust_mark_type: TYPE, iat: NOW - 50, exp: NOW + 50 },
      signer: OWNER.federation,
    },
    owners: { [TYPE]: { sub: OWNER.id, jwks: keySet(OWNER.federation.publicKey) } },
  };
}

async function sign({ header, claims, signer }: { header: JsonObject; claims: JsonObject; signer: Signer }) {
  const part = (value: JsonObject): string => encodeBase64url(encodeUtf8(JSON.stringify(value)));
  const input = `${part(header)}.${part(claims)}`;
  return `${input}.${encodeBase64url(await signer.sign(encodeUtf8(input)))}`;
}

async function verify(one: Draft): Promise<void> {
  const delegation = one.delegation && { delegation: await sign(one.delegation) };
  const text = await sign({ ...one, claims: { ...one.claims, ...delegation } });
  const rules = parseTrustMarkRules({ issuers: one.issuers, owners: one.owners });
  await verifyTrustMark(parseTrustMark(text), {
    subject: SUBJECT.id,
    rules,
    issuerKeys: [ISSUER.federation.publicKey],
    now: NOW,
  });
}

describe("a true trust mark", () => {
  test.each<[string, (one: Draft) => void]>([
    ["is believed of an issuer that the anchor lists", () => {}],
    [
      "is believed of anyone where the anchor's list is empty",
      (one) => Object.assign(one, { issuers: { [TYPE]: [] } }),
    ],
    ["may have no end", ({ claims }) => delete claims.exp],
    ["may carry an algorithm name of RFC 8037", ({ header }) => Object.assign(header, { alg: "EdDSA" })],
    ["may say more than we read", ({ claims }) => Object.assign(claims, { logo_uri: "https://x.example/logo" })],
    ["may come from a clock a little ahead", ({ claims }) => Object.assign(claims, { iat: NOW + 50 })],
  ])("%s", async (_, edit) => {
    const one = draft();
    edit(one);
    expect(await settledCode(verify(one))).toBe("accepted");
  });

  test("of an owned type is believed with the owner's delegation", async () => {
    expect(await settledCode(verify(ownedDraft()))).toBe("accepted");
    expect(await settledCode(verify({ ...ownedDraft(), issuers: undefined }))).toBe("accepted");
  });

  test("is what this program signs, delegation included", async () => {
    const owner = { signer: OWNER.federation, owner: OWNER.id, issuer: ISSUER.id, type: TYPE };
    const delegation = await signDelegation({ ...owner, issuedAt: NOW, expiresAt: NOW + 10 });
    const issuer = { signer: ISSUER.federation, issuer: ISSUER.id, subject: SUBJECT.id, type: TYPE };
    const text = await signTrustMark({ ...issuer, issuedAt: NOW, expiresAt: NOW + 10, delegation });
    const { issuers, owners } = ownedDraft();
    const rules = parseTrustMarkRules({ issuers, owners });
    const mark = parseTrustMark(text);
    const expected = { subject: SUBJECT.id, rules, issuerKeys: [ISSUER.federation.publicKey], now: NOW };
    expect(await settledCode(verifyTrustMark(mark, expected))).toBe("accepted");
    expect(mark).toMatchObject({ issuer: ISSUER.id, subject: SUBJECT.id, type: TYPE, expiresAt: NOW + 10 });
  });
});

type Edit = (one: Draft) => unknown;
const claim =
  (name: string, value: Json): Edit =>
  ({ claims }) =>
    Object.assign(claims, { [name]: value });
const delegated =
  (name: string, value: Json): Edit =>
  ({ delegation }) =>
    Object.assign(delegation!.claims, { [name]: value });

const FALSE_MARKS: [string, ErrorCode, Edit][] = [
  ["has another typ", "trust_mark_invalid", ({ header }) => Object.assign(header, { typ: "JWT" })],
  ["has no typ", "trust_mark_invalid", ({ header }) => delete header.typ],
  ["has no kid", "trust_mark_invalid", ({ header }) => delete header.kid],
  ["has a crit header", "trust_mark_invalid", ({ header }) => Object.assign(header, { crit: ["exp"] })],
  ["has no type", "trust_mark_invalid", ({ claims }) => delete claims.trust_mark_type],
  ["has an issuer that is no identifier", "trust_mark_invalid", claim("iss", "issuer")],
  ["has a subject that is no identifier", "trust_mark_invalid", claim("sub", 1)],
  ["has no iat", "trust_mark_invalid", ({ claims }) => delete claims.iat],
  ["has a text as exp", "trust_mark_invalid", claim("exp", `${NOW + 5}`)],
  ["ends before it begins", "trust_mark_invalid", claim("exp", NOW - 10)],
  ["has a delegation that is no text", "trust_mark_invalid", claim("delegation", {})],
  ["is another entity's", "trust_mark_subject_mismatch", claim("sub", STRANGER.id)],
  ["has expired", "trust_mark_expired", claim("exp", NOW)],
  ["is from the future", "trust_mark_not_yet_valid", claim("iat", NOW + 61)],
  ["is of a type that the anchor does not know", "trust_mark_not_recognised", claim("trust_mark_type", "other")],
  [
    "stands under an anchor that knows no types",
    "trust_mark_not_recognised",
    (one) => Object.assign(one, { issuers: undefined }),
  ],
  [
    "is of an issuer that the anchor does not list",
    "trust_mark_issuer_not_allowed",
    (one) => Object.assign(one, { issuers: { [TYPE]: [STRANGER.id] } }),
  ],
  [
    "is signed by a stranger under the issuer's kid",
    "trust_mark_signature_invalid",
    (one) => Object.assign(one, { signer: STRANGER.federation }),
  ],
  [
    "is signed by a key that the issuer does not hold",
    "trust_mark_signature_invalid",
    (one) => {
      one.signer = STRANGER.federation;
      one.header.kid = STRANGER.federation.publicKey.kid;
    },
  ],
  ["names no algorithm", "trust_mark_signature_invalid", ({ header }) => Object.assign(header, { alg: "none" })],
  [
    "is recognised by malformed rules",
    "trust_mark_rules_invalid",
    (one) => Object.assign(one, { issuers: { [TYPE]: ISSUER.id } }),
  ],
  [
    "is recognised by rules with an owner without keys",
    "trust_mark_rules_invalid",
    (one) => Object.assign(one, { owners: { [TYPE]: { sub: OWNER.id } } }),
  ],
];

const FALSE_DELEGATIONS: [string, Edit][] = [
  ["has no delegation", (one) => delete one.delegation],
  ["has a delegation by another than the owner", delegated("iss", STRANGER.id)],
  ["has a delegation for another issuer", delegated("sub", STRANGER.id)],
  ["has a delegation of another type", delegated("trust_mark_type", "other")],
  ["has a delegation that has expired", delegated("exp", NOW)],
  ["has a delegation of the future", delegated("iat", NOW + 61)],
  ["has a delegation of another typ", ({ delegation }) => Object.assign(delegation!.header, { typ: "trust-mark+jwt" })],
  [
    "has a delegation signed by its own issuer",
    ({ delegation }) => Object.assign(delegation!, { signer: ISSUER.federation }),
  ],
];

describe("a false trust mark", () => {
  test.each(FALSE_MARKS)("that %s is refused as %s", async (_, code, edit) => {
    const one = draft();
    edit(one);
    expect(await settledCode(verify(one))).toBe(code);
  });

  test.each(FALSE_DELEGATIONS)("of an owned type that %s is refused", async (_, edit) => {
    const one = ownedDraft();
    edit(one);
    expect(await settledCode(verify(one))).toBe("trust_mark_delegation_invalid");
  });

  test("of one character changed is refused", async () => {
    const text = await sign(draft());
    const rules = parseTrustMarkRules(draft());
    const expected = { subject: SUBJECT.id, rules, issuerKeys: [ISSUER.federation.publicKey], now: NOW };
    for (let at = 0; at < text.length; at += 7) {
      const changed = `${text.slice(0, at)}${text[at] === "A" ? "B" : "A"}${text.slice(at + 1)}`;
      const attempt = async () => verifyTrustMark(parseTrustMark(changed), expected);
      expect(await settledCode(attempt()), `character ${at}`).not.toBe("accepted");
    }
  });
});

describe("the answer about a mark's status", () => {
  const expected = { issuer: ISSUER.id, keys: [ISSUER.federation.publicKey], text: "a.b.c", now: NOW };
  const signed = { signer: ISSUER.federation, issuer: ISSUER.id, text: "a.b.c", status: "active", now: NOW } as const;
  const codeOf = async (change: Partial<Parameters<typeof signTrustMarkStatus>[0]>) =>
    settledCode(checkTrustMarkActive(await signTrustMarkStatus({ ...signed, ...change }), expected));

  test("is believed where its issuer says now that this mark is active", async () => {
    expect(await codeOf({})).toBe("accepted");
  });

  test.each([
    ["says revoked", { status: "revoked" as const }],
    ["is about another mark", { text: "a.b.d" }],
    ["is by another issuer", { issuer: STRANGER.id }],
    ["is signed by another", { signer: STRANGER.federation }],
    ["is old", { now: NOW - 3_600 }],
  ])("is not where it %s", async (_, change) => {
    expect(await codeOf(change)).toBe("trust_mark_status_open");
  });
});
