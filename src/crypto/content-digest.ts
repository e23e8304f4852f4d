// Content-Digest (RFC 9530): the hash of a message's content in its header. Pure; says nothing of who wrote the header.
import { AttestryError, isAttestryError } from "../errors.ts";
import { equalBytes, sha256, sha512 } from "./hash.ts";
import { formatDictionary, type Member, parseDictionary } from "./structured-fields.ts";

// RFC 9530 §5: the active algorithms; all others are insecure or unknown.
const ALGORITHMS: Readonly<Record<string, (content: Uint8Array) => Uint8Array>> = {
  "sha-256": sha256,
  "sha-512": sha512,
};

/** The value of a Content-Digest field for `content`. */
export function formatContentDigest(content: Uint8Array, algorithm: "sha-256" | "sha-512" = "sha-256"): string {
  const value = ALGORITHMS[algorithm]!(content);
  return formatDictionary(new Map([[algorithm, { value: { type: "bytes", value }, parameters: new Map() }]]));
}

/**
 * Throws `content_digest_invalid` where the field (untrusted) cannot be read or names no active algorithm, `content_digest_mismatch`
 * where one of those that it names does not fit `content`.
 */
export function checkContentDigest(field: string, content: Uint8Array): void {
  let digests: Map<string, Member>;
  try {
    digests = parseDictionary(field);
  } catch (cause) {
    if (!isAttestryError(cause)) throw cause;
    throw new AttestryError("content_digest_invalid", `Content-Digest: ${cause.message}`, { cause });
  }
  const known = [...digests].filter(([algorithm]) => Object.hasOwn(ALGORITHMS, algorithm));
  if (known.length === 0)
    throw new AttestryError("content_digest_invalid", "Content-Digest names neither sha-256 nor sha-512");
  for (const [algorithm, member] of known) {
    if ("items" in member || member.value.type !== "bytes")
      throw new AttestryError("content_digest_invalid", `the ${algorithm} of Content-Digest is no byte sequence`);
    if (!equalBytes(ALGORITHMS[algorithm]!(content), member.value.value))
      throw new AttestryError("content_digest_mismatch", `the content is not the one whose ${algorithm} was sent`);
  }
}
