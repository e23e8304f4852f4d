// The text of a token that a QR code on paper holds, and back. Portable; verifies nothing: what comes off paper is untrusted.
import { decodeBase45, encodeBase45 } from "../crypto/base45.ts";
import { decodeBase64url, encodeBase64url } from "../crypto/base64.ts";
import { deflate, inflate } from "../crypto/deflate.ts";
import { concatBytes } from "../crypto/hash.ts";
import { AttestryError } from "../errors.ts";
import { TOKEN_CHARS_MAX } from "../limits.ts";

/**
 * `ATTESTRY1:` and base45 of the raw DEFLATE of the token's parts. A token is base64url parts between `.` and `~`; each is written decoded:
 * its length in two bytes, its bytes, the sign that follows (0: the end). Base64url hides repetitions from the compressor, so this takes
 * a fifth to a quarter less than compressing the text; and canonical base64url comes back as exactly the text that was signed.
 */
export const PRINT_FORM_PREFIX = "ATTESTRY1:";

const PART_BYTES_MAX = 0xffff;
const SIGN_AFTER_LAST = 0;
const SIGNS: Readonly<Record<number, string>> = { 46: ".", 126: "~", [SIGN_AFTER_LAST]: "" };

// QR codes: an alphanumeric character takes 5.5 bits, any other text 8 bits a byte (ISO/IEC 18004 §7.4).
const ALPHANUMERIC_BITS = 5.5;
const BYTE_BITS = 8;

// Every character that a compact token has, in which a QR code of the plain token has one byte each.
const COMPACT_TOKEN = /^[A-Za-z0-9_-]+(?:[.~][A-Za-z0-9_-]*)+$/;

function invalid(reason: string): AttestryError {
  return new AttestryError("encoding_invalid", `the text of a printed code ${reason}`);
}

/** undefined where the parts would not come back as they were. */
function packParts(token: string): Uint8Array | undefined {
  const packed: Uint8Array[] = [];
  for (const [, part, sign] of token.matchAll(/([A-Za-z0-9_-]*)([.~]|$)/g)) {
    let bytes: Uint8Array;
    try {
      bytes = decodeBase64url(part!);
    } catch {
      return undefined;
    }
    if (bytes.length > PART_BYTES_MAX) return undefined;
    const code = sign === "" ? SIGN_AFTER_LAST : sign!.charCodeAt(0);
    packed.push(Uint8Array.of(bytes.length >> 8, bytes.length & 0xff), bytes, Uint8Array.of(code));
    if (code === SIGN_AFTER_LAST) break;
  }
  return concatBytes(...packed);
}

function unpackParts(packed: Uint8Array): string {
  let token = "";
  let at = 0;
  for (;;) {
    const end = at + 2 + (((packed[at] ?? 0) << 8) | (packed[at + 1] ?? 0));
    const sign = SIGNS[packed[end] ?? -1];
    if (sign === undefined) throw invalid("is cut off or damaged");
    token += encodeBase64url(packed.subarray(at + 2, end)) + sign;
    at = end + 1;
    if (sign === "") break;
  }
  if (at !== packed.length) throw invalid("has bytes after its token");
  return token;
}

function checkToken(token: string): string {
  if (token.length > TOKEN_CHARS_MAX) throw invalid(`has more than ${TOKEN_CHARS_MAX} characters`);
  if (!COMPACT_TOKEN.test(token)) {
    throw invalid(`is neither a token nor begins with ${PRINT_FORM_PREFIX} in capitals; scan the code of the record`);
  }
  return token;
}

/** The token itself where that takes no larger a QR code. Throws `encoding_invalid` for what is no compact token. */
export async function encodePrintForm(token: string): Promise<string> {
  const packed = packParts(checkToken(token));
  if (!packed) return token;
  const text = PRINT_FORM_PREFIX + encodeBase45(await deflate(packed, "deflate-raw"));
  return text.length * ALPHANUMERIC_BITS < token.length * BYTE_BITS ? text : token;
}

/** Exactly the token that `encodePrintForm` was given. Throws `encoding_invalid`; whether the token is good is for the verifier. */
export async function decodePrintForm(text: string): Promise<string> {
  if (!text.startsWith(PRINT_FORM_PREFIX)) return checkToken(text);
  if (text.length > TOKEN_CHARS_MAX) throw invalid(`has more than ${TOKEN_CHARS_MAX} characters`);
  const compressed = decodeBase45(text.slice(PRINT_FORM_PREFIX.length));
  return checkToken(unpackParts(await inflate(compressed, { format: "deflate-raw", bytesMax: TOKEN_CHARS_MAX })));
}
