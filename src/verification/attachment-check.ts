// Whether a file is the one that a verified record holds. Decides nothing about the record.
import { encodeBase64url } from "../crypto/base64.ts";
import { sha256 } from "../crypto/hash.ts";

export type AttachmentVerdict =
  | { readonly valid: true }
  | {
      readonly valid: false;
      readonly code: "attachment_invalid" | "attachment_size_differs" | "attachment_digest_differs";
      readonly message: string;
    };

/**
 * Compares a file's bytes with the `{digest, mediaType, bytes, href}` in the data of a record. What it says is worth as much as
 * the record: verify that first. Never throws.
 */
export function verifyAttachment(bytes: Uint8Array, attachment: unknown): AttachmentVerdict {
  const fail = (code: Extract<AttachmentVerdict, { valid: false }>["code"], message: string): AttachmentVerdict => ({
    valid: false,
    code,
    message,
  });
  const { digest, bytes: length } = (attachment ?? {}) as { digest?: unknown; bytes?: unknown };
  if (typeof digest !== "string" || typeof length !== "number")
    return fail("attachment_invalid", "the record's field has no digest and size of a file");
  if (bytes.length !== length)
    return fail("attachment_size_differs", `the file has ${bytes.length} bytes, the record says ${length}`);
  if (encodeBase64url(sha256(bytes)) !== digest)
    return fail("attachment_digest_differs", "the file is not the one that the record holds: its SHA-256 is another");
  return { valid: true };
}
