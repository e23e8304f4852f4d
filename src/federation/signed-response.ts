// The signed answer to a signed request between nodes: bound to that one request. Pure.
import { checkContentDigest, formatContentDigest } from "../crypto/content-digest.ts";
import {
  component,
  componentName,
  createSignatureBase,
  createSignatureInput,
  type FieldLines,
  isSignedBy,
  type RequestParts,
  type ResponseParts,
  signMessage,
} from "../crypto/http-signature.ts";
import type { PublicKey } from "../crypto/keys.ts";
import type { Signer } from "../crypto/signer.ts";
import { AttestryError, isAttestryError } from "../errors.ts";
import { SIGNED_REQUEST_SECONDS } from "../limits.ts";
import {
  checkCovered,
  checkWindow,
  coveredNames,
  findSignature,
  linesOf,
  nameOf,
  RESPONSE_TAG,
  readParameters,
  refuse,
  SIGNATURE_LABEL,
  textOf,
} from "./signature-profile.ts";

// RFC 9421 §2.4: bound to the request, and to that one signature of it, so that no other answer can stand in its place.
function bindingItems() {
  return [
    component("@method", { req: true }),
    component("@request-target", { req: true }),
    component("signature", { req: true, key: SIGNATURE_LABEL }),
  ];
}

/** Signs the answer to a signed request: the headers to add. `now`: Unix seconds. */
export async function signResponse(options: {
  readonly signer: Signer;
  readonly request: RequestParts;
  readonly status: number;
  readonly contentType: string | undefined;
  readonly content: Uint8Array;
  readonly now: number;
}): Promise<Readonly<Record<string, string>>> {
  const { signer, request, status, contentType, now } = options;
  const headers = {
    ...(contentType !== undefined && { "content-type": contentType }),
    "content-digest": formatContentDigest(options.content),
  };
  const message: ResponseParts = { status, fields: linesOf(headers), request };
  const items = [component("@status"), ...Object.keys(headers).map((name) => component(name)), ...bindingItems()];
  const input = createSignatureInput(items, {
    created: now,
    expires: now + SIGNED_REQUEST_SECONDS,
    keyid: signer.publicKey.kid,
    tag: RESPONSE_TAG,
  });
  const { signatureInput, signature } = await signMessage({ message, input, label: SIGNATURE_LABEL, signer });
  return { "content-digest": headers["content-digest"], "signature-input": signatureInput, signature };
}

/**
 * Proves that an answer (untrusted) is signed by one of `keys` as the answer to `request`.
 * Throws `peer_response_unsigned`, `peer_signature_invalid`.
 */
export function verifyResponse(
  response: { readonly status: number; readonly fields: FieldLines; readonly content: Uint8Array },
  expected: { readonly request: RequestParts; readonly keys: readonly PublicKey[]; readonly now: number },
): void {
  const { status, fields, content } = response;
  if (!fields.has("signature-input") || !fields.has("signature"))
    throw new AttestryError("peer_response_unsigned", "the answer to a signed request is not signed");
  const message: ResponseParts = { status, fields, request: expected.request };
  try {
    const found = findSignature(message, RESPONSE_TAG);
    const { created, expires, keyid } = readParameters(found, ["keyid"]);
    const contentFields = ["@status", "content-digest", ...(fields.has("content-type") ? ["content-type"] : [])];
    checkCovered(coveredNames(found), [
      ...contentFields.map((name) => nameOf(name)),
      ...bindingItems().map(componentName),
    ]);
    checkWindow({ created, expires }, expected.now);
    checkContentDigest(textOf(fields, "content-digest") ?? "", content);
    const key =
      expected.keys.find(({ kid }) => kid === keyid) ??
      refuse("signature_key_unknown", "its key is no request key of the node that was asked");
    const base = createSignatureBase(message, found.input);
    if (!isSignedBy(key, { base, signature: found.signature }))
      refuse("signature_mismatch", "it is not its key's over this answer to this request");
  } catch (cause) {
    if (!isAttestryError(cause)) throw cause;
    throw new AttestryError("peer_signature_invalid", `the answer of the peer: ${cause.code}: ${cause.message}`, {
      cause,
    });
  }
}
