// What signed requests and signed answers between nodes have in common: names, parameters, times. Pure.
import {
  component,
  componentName,
  type FieldLines,
  type MessageParts,
  type MessageSignature,
  parseSignatures,
  readSignatureParameters,
} from "../crypto/http-signature.ts";
import { AttestryError, type ErrorCode } from "../errors.ts";
import { CLOCK_SKEW_SECONDS, SIGNATURE_WINDOW_SECONDS_MAX } from "../limits.ts";

// RFC 9421 §7.2.7: the tag keeps a signature made for one protocol out of another.
export const REQUEST_TAG = "attestry-request-v1";
export const RESPONSE_TAG = "attestry-response-v1";
export const SIGNATURE_LABEL = "attestry";
/** The entity identifier of whom the request is for. */
export const AUDIENCE_HEADER = "attestry-audience";
/** Of whom it is from. Signed, since nobody proves to hold the keys that its metadata lists: another's key may stand there. */
export const SENDER_HEADER = "attestry-sender";
/** The sender's trust chain: a list of strings, its own configuration first; one line a statement, so that no line is long. */
export const TRUST_CHAIN_HEADER = "attestry-trust-chain";

const NONCE = /^[A-Za-z0-9_-]{22,86}$/; // at least 128 bits as base64url
const THUMBPRINT = /^[A-Za-z0-9_-]{43}$/;

/** Header fields to send; several values are several lines. */
export type SignedHeaders = Readonly<Record<string, string | readonly string[]>>;

export function refuse(code: ErrorCode, reason: string): never {
  throw new AttestryError(code, `the message's signature: ${reason}`);
}

export function textOf(fields: FieldLines, name: string): string | undefined {
  const lines = fields.get(name);
  return lines?.join(", ").trim();
}

export function linesOf(headers: SignedHeaders): FieldLines {
  return new Map(
    Object.entries(headers).map(([name, value]) => [name.toLowerCase(), typeof value === "string" ? [value] : value]),
  );
}

export function findSignature(message: MessageParts, tag: string): MessageSignature {
  const signatures = parseSignatures(message);
  const ours = [...signatures].filter(([, { input }]) => readSignatureParameters(input).tag === tag);
  if (ours.length > 1) refuse("signature_malformed", `${ours.length} signatures have the tag ${tag}; one is allowed`);
  if (ours.length === 0) {
    if (signatures.size === 0) refuse("signature_missing", "there is none, though other headers say that there is");
    refuse("signature_tag_wrong", `none has the tag ${tag}`);
  }
  const [label, signature] = ours[0]!;
  // What an answer refers to by its label must be one thing on both sides.
  if (label !== SIGNATURE_LABEL)
    refuse("signature_malformed", `its label is not ${SIGNATURE_LABEL}, as its tag demands`);
  return signature;
}

type Window = { readonly created: number; readonly expires: number };

/** Exactly the parameters of the profile: `alg` above all is never taken from a message (§7.3.6). */
export function readParameters(
  signature: MessageSignature,
  needed: readonly ("nonce" | "keyid")[],
): Window & { readonly nonce: string; readonly keyid: string } {
  const { created, expires, nonce = "", alg, keyid = "", others } = readSignatureParameters(signature.input);
  if (alg !== undefined) refuse("signature_algorithm_refused", "it names an alg; the key alone says the algorithm");
  if (others.length > 0) refuse("signature_malformed", "it has a parameter that the profile does not");
  if (created === undefined || expires === undefined)
    return refuse("signature_malformed", "created or expires is missing");
  if (!THUMBPRINT.test(keyid)) refuse("signature_malformed", "keyid is no RFC 7638 thumbprint");
  if (needed.includes("nonce") && !NONCE.test(nonce))
    refuse("signature_malformed", "nonce is not 22 to 86 characters of base64url");
  return { created, expires, nonce, keyid };
}

export function checkWindow({ created, expires }: Window, now: number): void {
  if (expires <= created || created < 0) refuse("signature_malformed", "expires is not later than created");
  if (expires - created > SIGNATURE_WINDOW_SECONDS_MAX) {
    refuse(
      "signature_window_too_long",
      `it holds for ${expires - created} s; at most ${SIGNATURE_WINDOW_SECONDS_MAX} are allowed`,
    );
  }
  if (created > now + CLOCK_SKEW_SECONDS)
    refuse("signature_not_yet_valid", `it was created ${created - now} s from now; compare the clocks`);
  if (expires <= now) refuse("signature_expired", `it ended ${now - expires} s ago; sign the request anew`);
}

export function coveredNames({ input }: MessageSignature): ReadonlySet<string> {
  return new Set(input.items.map(componentName));
}

export function checkCovered(covered: ReadonlySet<string>, needed: readonly string[]): void {
  const missing = needed.filter((name) => !covered.has(name));
  if (missing.length > 0) refuse("signature_coverage_incomplete", `it does not cover ${missing.join(", ")}`);
}

export function nameOf(name: string, flags?: Parameters<typeof component>[1]): string {
  return componentName(component(name, flags));
}
