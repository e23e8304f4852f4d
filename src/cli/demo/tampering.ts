// Single changed bits, put where a forger would put them, so that what catches them is the check and not the parser. Pure.
import { decodeBase64, decodeBase64url, encodeBase64, encodeBase64url } from "../../crypto/base64.ts";
import { decodeUtf8, encodeUtf8 } from "../../crypto/hash.ts";
import { formatReceipt, parseReceipt, type Receipt } from "../../log/receipt.ts";
import type { CheckName, Evidence, VerificationCode } from "../../verification/index.ts";

export interface Tampering {
  readonly what: string;
  readonly caught: { readonly check: CheckName; readonly code: VerificationCode };
  readonly apply: (evidence: Evidence) => Evidence;
}

/** A copy with the lowest bit of one byte turned; `at` counts from the end where it is negative. */
export function flipBit(bytes: Uint8Array, at: number): Uint8Array {
  const copy = new Uint8Array(bytes);
  const index = at < 0 ? copy.length + at : at;
  copy[index] = copy[index]! ^ 1;
  return copy;
}

/** Turns a bit in the signature of a JWS, in canonical form again. */
function flipSignature(jws: string): string {
  const [header, payload, signature] = jws.split(".");
  return [header, payload, encodeBase64url(flipBit(decodeBase64url(signature!), 0))].join(".");
}

/** Turns a bit in the last letter of a name inside the token's payload: still JSON, still readable, another name. */
function flipName(token: string): string {
  const [jwt = "", ...disclosures] = token.split("~");
  const [header, payload, signature] = jwt.split(".");
  const text = decodeUtf8(decodeBase64url(payload!));
  const changed = text.replace(/("name":"[^"]*)([A-Za-z])"/, (_whole, start: string, letter: string) => {
    return `${start}${decodeUtf8(flipBit(encodeUtf8(letter), 0))}"`;
  });
  return [[header, encodeBase64url(encodeUtf8(changed)), signature].join("."), ...disclosures].join("~");
}

function withToken(evidence: Evidence, change: (jwt: string) => string): Evidence {
  const [jwt = "", ...disclosures] = evidence.token.split("~");
  return { ...evidence, token: [change(jwt), ...disclosures].join("~") };
}

function withReceipt(evidence: Evidence, change: (receipt: Receipt) => Receipt): Evidence {
  const recent = formatReceipt(change(parseReceipt(evidence.receipts.recent)));
  return { ...evidence, receipts: { ...evidence.receipts, recent } };
}

/** Turns a bit in the root hash of a checkpoint, which stands in its third line. */
function flipRoot(note: string): string {
  const lines = note.split("\n");
  lines[2] = encodeBase64(flipBit(decodeBase64(lines[2]!), 0));
  return lines.join("\n");
}

function withStatement(evidence: Evidence, at: number): Evidence {
  return { ...evidence, chain: evidence.chain.map((text, i) => (i === at ? flipSignature(text) : text)) };
}

/** Bytes of `extra`: salt, key, entry (DESIGN section 6). */
const SALT_AT = 0;
const KEY_AT = 32;

export const TAMPERINGS: readonly Tampering[] = [
  {
    what: "a letter of the district's name in the token",
    caught: { check: "signature", code: "signature_invalid" },
    apply: (evidence) => ({ ...evidence, token: flipName(evidence.token) }),
  },
  {
    what: "a bit of the token's signature",
    caught: { check: "signature", code: "signature_invalid" },
    apply: (evidence) => withToken(evidence, flipSignature),
  },
  {
    what: "a bit of the inclusion proof",
    caught: { check: "inclusion", code: "inclusion_failed" },
    apply: (evidence) =>
      withReceipt(evidence, (receipt) => ({
        ...receipt,
        proof: receipt.proof.map((hash, i) => (i === 0 ? flipBit(hash, 0) : hash)),
      })),
  },
  {
    what: "a bit of the receipt's salt",
    caught: { check: "inclusion", code: "commitment_mismatch" },
    apply: (evidence) => withReceipt(evidence, (receipt) => ({ ...receipt, extra: flipBit(receipt.extra!, SALT_AT) })),
  },
  {
    what: "a bit of the record's key in the receipt",
    caught: { check: "inclusion", code: "rid_mismatch" },
    apply: (evidence) => withReceipt(evidence, (receipt) => ({ ...receipt, extra: flipBit(receipt.extra!, KEY_AT) })),
  },
  {
    what: "a bit of the checkpoint's root",
    caught: { check: "inclusion", code: "checkpoint_signature_invalid" },
    apply: (evidence) => withReceipt(evidence, (receipt) => ({ ...receipt, checkpoint: flipRoot(receipt.checkpoint) })),
  },
  {
    what: "a bit of the anchor's statement about the department",
    caught: { check: "issuer", code: "chain_signature_invalid" },
    apply: (evidence) => withStatement(evidence, 1),
  },
  {
    what: "a bit of the department's own statement",
    caught: { check: "issuer", code: "chain_signature_invalid" },
    apply: (evidence) => withStatement(evidence, 0),
  },
  {
    what: "a bit of the status list's signature",
    caught: { check: "status", code: "status_signature_invalid" },
    apply: (evidence) => ({ ...evidence, status: { token: flipSignature(evidence.status.token) } }),
  },
  {
    what: "a letter of the definition",
    caught: { check: "schema", code: "definition_mismatch" },
    apply: (evidence) => ({ ...evidence, definition: evidence.definition.replace("Districts", "Eistricts") }),
  },
];
