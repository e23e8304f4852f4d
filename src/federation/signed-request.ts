// The profile of RFC 9421 by which nodes sign requests and answers: what is covered, for whom, how long. Pure rules; whose key it is
// and whether a nonce was used before is signed-request-service.ts's business.
import { checkContentDigest, formatContentDigest } from "../crypto/content-digest.ts";
import {
  component,
  createSignatureBase,
  createSignatureInput,
  type FieldLines,
  isSignedBy,
  type RequestParts,
  signMessage,
} from "../crypto/http-signature.ts";
import type { PublicKey } from "../crypto/keys.ts";
import type { Signer } from "../crypto/signer.ts";
import { formatList, parseList, stringItem } from "../crypto/structured-fields.ts";
import { isAttestryError } from "../errors.ts";
import { ATTACHED_CHAIN_CHARS_MAX, CHAIN_DEPTH_MAX, SIGNED_REQUEST_SECONDS } from "../limits.ts";
import {
  AUDIENCE_HEADER,
  checkCovered,
  checkWindow,
  coveredNames,
  findSignature,
  linesOf,
  nameOf,
  REQUEST_TAG,
  readParameters,
  refuse,
  SENDER_HEADER,
  SIGNATURE_LABEL,
  type SignedHeaders,
  TRUST_CHAIN_HEADER,
  textOf,
} from "./signature-profile.ts";

const OWN_HEADERS = "attestry-";
const REQUEST_ALWAYS = ["@method", "@authority", "@request-target", AUDIENCE_HEADER, SENDER_HEADER] as const;

/** A request of the right form, for us, at the right time. Its signature and nonce are still to be proved. */
export interface ParsedRequest {
  readonly message: RequestParts;
  /** The entity that it says it is from. */
  readonly sender: string;
  readonly keyId: string;
  readonly nonce: string;
  /** Unix seconds. */
  readonly expiresAt: number;
  readonly signature: Uint8Array;
  readonly base: string;
  /** The chain that the sender attached, unproved. */
  readonly statements?: readonly string[];
}

/** Signs a request: every header that it must be sent with. `now`: Unix seconds; `nonce`: base64url of 16 random bytes or more. */
export async function signRequest(options: {
  readonly signer: Signer;
  readonly method: string;
  readonly url: string;
  /** Entity identifiers of both sides. */
  readonly sender: string;
  readonly audience: string;
  readonly content?: { readonly type: string; readonly bytes: Uint8Array } | undefined;
  /** Attached for a receiver that may not know the sender. */
  readonly chain?: readonly string[] | undefined;
  readonly now: number;
  readonly nonce: string;
}): Promise<{ readonly headers: SignedHeaders; readonly message: RequestParts }> {
  const { signer, content, chain, now } = options;
  const headers: SignedHeaders = {
    [AUDIENCE_HEADER]: options.audience,
    [SENDER_HEADER]: options.sender,
    ...(content && { "content-type": content.type, "content-digest": formatContentDigest(content.bytes) }),
    ...(chain && { [TRUST_CHAIN_HEADER]: chain.map((statement) => formatList([stringItem(statement)])) }),
  };
  const unsigned = { method: options.method, url: new URL(options.url), fields: linesOf(headers) };
  const items = new Set([...REQUEST_ALWAYS, ...Object.keys(headers)]);
  const input = createSignatureInput(
    [...items].map((name) => component(name)),
    {
      created: now,
      expires: now + SIGNED_REQUEST_SECONDS,
      nonce: options.nonce,
      keyid: signer.publicKey.kid,
      tag: REQUEST_TAG,
    },
  );
  const { signatureInput, signature } = await signMessage({ message: unsigned, input, label: SIGNATURE_LABEL, signer });
  const all = { ...headers, "signature-input": signatureInput, signature };
  return { headers: all, message: { ...unsigned, fields: linesOf(all) } };
}

/**
 * Whether a request claims to be signed by this profile. Signatures of other protocols (a proxy's, a crawler's) are not ours to judge;
 * one that lost its signature on the way, and still has another header of the profile, is refused and not taken for a stranger's.
 */
export function isSignedRequest(fields: FieldLines): boolean {
  for (const name of fields.keys()) if (name.startsWith(OWN_HEADERS)) return true;
  const input = textOf(fields, "signature-input") ?? "";
  return input.includes(`"${REQUEST_TAG}"`) || new RegExp(`(^|,)\\s*${SIGNATURE_LABEL}=`).test(input);
}

/** What a request must cover: where it goes, for whom, its content, and every header of ours, which no proxy adds. */
function neededOf(fields: FieldLines): string[] {
  const content = ["content-type", "content-digest"].filter((name) => fields.has(name));
  const own = [...fields.keys()].filter((name) => name.startsWith(OWN_HEADERS));
  return [...new Set([...REQUEST_ALWAYS, ...content, ...own])].map((name) => nameOf(name));
}

function parseChain(fields: FieldLines): readonly string[] | undefined {
  const text = textOf(fields, TRUST_CHAIN_HEADER);
  if (text === undefined) return undefined;
  const fail = (reason: string): never => refuse("signature_chain_invalid", `${TRUST_CHAIN_HEADER} ${reason}`);
  if (text.length > ATTACHED_CHAIN_CHARS_MAX)
    return fail(`has ${text.length} characters; at most ${ATTACHED_CHAIN_CHARS_MAX} are allowed`);
  try {
    const members = parseList(text);
    if (members.length === 0 || members.length > CHAIN_DEPTH_MAX + 1)
      return fail(`has ${members.length} statements; 1 to ${CHAIN_DEPTH_MAX + 1} are allowed`);
    return members.map((member) =>
      "items" in member || member.value.type !== "string" || member.parameters.size > 0
        ? fail("is no list of strings")
        : member.value.value,
    );
  } catch (error) {
    if (!isAttestryError(error, "structured_field_invalid")) throw error;
    return fail(`is no structured list: ${error.message}`);
  }
}

/**
 * Form, time and audience of a request that claims to be signed: all that costs nothing, before its content is read. `entity`: the
 * receiver. Of `target` only path and query count: the authority that must be covered is that of `entity`, so neither a proxy's Host
 * header nor a forged one decides what was signed.
 * Throws `signature_*`.
 */
export function parseSignedRequest(
  request: { readonly method: string; readonly target: URL; readonly fields: FieldLines },
  { entity, now }: { readonly entity: string; readonly now: number },
): ParsedRequest {
  const { fields, target } = request;
  // Not resolved against the entity: a path that begins with two slashes would name an authority of its own.
  const url = new URL(entity);
  url.pathname = target.pathname;
  url.search = target.search;
  const message: RequestParts = { method: request.method, url, fields };
  const found = findSignature(message, REQUEST_TAG);
  const { created, expires, nonce, keyid } = readParameters(found, ["nonce", "keyid"]);
  checkCovered(coveredNames(found), neededOf(fields));
  checkWindow({ created, expires }, now);
  if (textOf(fields, AUDIENCE_HEADER) !== entity)
    refuse("signature_audience_wrong", `${AUDIENCE_HEADER} is not ${entity}`);
  const statements = parseChain(fields);
  return {
    message,
    sender: textOf(fields, SENDER_HEADER) ?? "",
    keyId: keyid,
    nonce,
    expiresAt: expires,
    signature: found.signature,
    base: createSignatureBase(message, found.input),
    ...(statements && { statements }),
  };
}

/** Throws `signature_coverage_incomplete` where content came without a digest, `content_digest_*`. */
export function checkRequestContent({ message }: ParsedRequest, content: Uint8Array): void {
  const digest = textOf(message.fields, "content-digest");
  if (digest !== undefined) checkContentDigest(digest, content);
  else if (content.length > 0) refuse("signature_coverage_incomplete", "content came without a Content-Digest");
}

/** Throws `signature_mismatch`. */
export function verifyRequestSignature(request: ParsedRequest, key: PublicKey): void {
  if (!isSignedBy(key, request))
    refuse("signature_mismatch", "it is not its key's over the request as it arrived here");
}
