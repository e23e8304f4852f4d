// Strict base64 and base64url: one text per byte string, so a hash of the text is a hash of the bytes. Runs in browsers.
import { AttestryError } from "../errors.ts";

const URL_ALPHABET = "ABCDEFGHIJKLMNOPQRSTUVWXYZabcdefghijklmnopqrstuvwxyz0123456789-_";
const STANDARD_ALPHABET = `${URL_ALPHABET.slice(0, 62)}+/`;

// Buffer encodes ten times faster than a loop; both give the same text. Browsers have no Buffer.
const NodeBuffer = (globalThis as { Buffer?: typeof Buffer }).Buffer;

// Up to here the loop is faster than the calls.
const SHORT_CHARS = 100;

function decodeTable(alphabet: string): Int8Array {
  const table = new Int8Array(128).fill(-1);
  for (let i = 0; i < 64; i++) table[alphabet.charCodeAt(i)] = i;
  return table;
}

const URL_TABLE = decodeTable(URL_ALPHABET);
const STANDARD_TABLE = decodeTable(STANDARD_ALPHABET);

function encode(bytes: Uint8Array, alphabet: string): string {
  let text = "";
  for (let i = 0; i < bytes.length; i += 3) {
    const word = (bytes[i]! << 16) | ((bytes[i + 1] ?? 0) << 8) | (bytes[i + 2] ?? 0);
    text += alphabet[word >> 18]! + alphabet[(word >> 12) & 63]!;
    if (i + 1 < bytes.length) text += alphabet[(word >> 6) & 63]!;
    if (i + 2 < bytes.length) text += alphabet[word & 63]!;
  }
  return text;
}

function decode(text: string, table: Int8Array, name: string): Uint8Array {
  const rest = text.length % 4;
  if (rest === 1) throw new AttestryError("encoding_invalid", `${name} has an impossible length`);
  const bytes = new Uint8Array(Math.floor((text.length * 3) / 4));
  let word = 0;
  let bits = 0;
  let at = 0;
  for (let i = 0; i < text.length; i++) {
    const code = text.charCodeAt(i);
    const value = code < 128 ? table[code]! : -1;
    if (value < 0) throw new AttestryError("encoding_invalid", `${name} has a character outside its alphabet`);
    word = ((word << 6) | value) & 0xffff;
    bits += 6;
    if (bits >= 8) {
      bits -= 8;
      bytes[at++] = (word >> bits) & 0xff;
    }
  }
  // RFC 4648 §3.5: slack bits must be zero, or several texts would stand for the same bytes.
  if ((word & ((1 << bits) - 1)) !== 0) throw new AttestryError("encoding_invalid", `${name} is not canonical`);
  return bytes;
}

/** base64url without padding (RFC 7515 §2). */
export function encodeBase64url(bytes: Uint8Array): string {
  if (NodeBuffer) return NodeBuffer.from(bytes.buffer, bytes.byteOffset, bytes.byteLength).toString("base64url");
  return encode(bytes, URL_ALPHABET);
}

/** base64url of a text's UTF-8 bytes: the parts of JWS and SD-JWT. */
export function encodeBase64urlText(text: string): string {
  if (NodeBuffer) return NodeBuffer.from(text, "utf8").toString("base64url");
  return encode(new TextEncoder().encode(text), URL_ALPHABET);
}

/** Decodes canonical base64url only; throws `encoding_invalid`. */
export function decodeBase64url(text: string): Uint8Array {
  if (NodeBuffer && text.length > SHORT_CHARS) {
    // Buffer skips what it does not know; only the one text that it would write for these bytes is canonical.
    const bytes = NodeBuffer.from(text, "base64url");
    if (bytes.toString("base64url") === text) return new Uint8Array(bytes);
  }
  return decode(text, URL_TABLE, "base64url text");
}

/** base64 with padding (RFC 4648 §4), as signed notes use it. */
export function encodeBase64(bytes: Uint8Array): string {
  if (NodeBuffer) return NodeBuffer.from(bytes.buffer, bytes.byteOffset, bytes.byteLength).toString("base64");
  const text = encode(bytes, STANDARD_ALPHABET);
  return text + "=".repeat((4 - (text.length % 4)) % 4);
}

/** Decodes canonical padded base64 only; throws `encoding_invalid`. */
export function decodeBase64(text: string): Uint8Array {
  if (text.length % 4 !== 0) throw new AttestryError("encoding_invalid", "base64 text has no whole number of groups");
  const padding = text.endsWith("==") ? 2 : text.endsWith("=") ? 1 : 0;
  return decode(padding === 0 ? text : text.slice(0, -padding), STANDARD_TABLE, "base64 text");
}
