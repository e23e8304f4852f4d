// SHA-256, HMAC and UTF-8. Runs in browsers: native where Node has it, @noble/hashes elsewhere, the same bytes from both.
import { hmac } from "@noble/hashes/hmac.js";
import { sha256 as nobleSha256, sha512 as nobleSha512 } from "@noble/hashes/sha2.js";
import { AttestryError } from "../errors.ts";
import { encodeBase64url } from "./base64.ts";

// No static import of a Node module: this file is part of attestry/verify, which browsers load.
const nodeCrypto = (
  globalThis as { process?: { getBuiltinModule?: (name: string) => unknown } }
).process?.getBuiltinModule?.("node:crypto") as typeof import("node:crypto") | undefined;

const encoder = new TextEncoder();
const decoder = new TextDecoder("utf-8", { fatal: true, ignoreBOM: true });

export function encodeUtf8(text: string): Uint8Array {
  return encoder.encode(text);
}

/** Throws `encoding_invalid` on anything that is not well-formed UTF-8; keeps a byte order mark as a character. */
export function decodeUtf8(bytes: Uint8Array): string {
  try {
    return decoder.decode(bytes);
  } catch (cause) {
    throw new AttestryError("encoding_invalid", "text is not well-formed UTF-8", { cause });
  }
}

/** SHA-256 of the concatenation of the parts (text counts as its UTF-8 bytes): 32 bytes. */
export function sha256(...parts: (Uint8Array | string)[]): Uint8Array {
  // One native call over the joined parts takes less than feeding a hash object part by part.
  if (nodeCrypto)
    return bytesOf(nodeCrypto.hash("sha256", parts.length === 1 ? parts[0]! : joinParts(parts), "binary"));
  const hash = nobleSha256.create();
  for (const part of parts) hash.update(typeof part === "string" ? encoder.encode(part) : part);
  return hash.digest();
}

// A digest that comes as a text, and is then written into an array so small that it lies on the heap, takes half the time of one for
// which native code allocates a buffer; and a verification hashes some twenty times.
function bytesOf(binary: string): Uint8Array {
  const bytes = new Uint8Array(binary.length);
  for (let at = 0; at < binary.length; at++) bytes[at] = binary.charCodeAt(at);
  return bytes;
}

function joinParts(parts: readonly (Uint8Array | string)[]): Uint8Array {
  return Buffer.concat(parts.map((part) => (typeof part === "string" ? Buffer.from(part) : part)));
}

/** SHA-256 of a text's UTF-8 bytes, as base64url: 43 characters. */
export function sha256Base64url(text: string): string {
  // Native code that writes the text itself takes half the time of making the bytes first.
  return nodeCrypto ? nodeCrypto.hash("sha256", text, "base64url") : encodeBase64url(sha256(text));
}

/** SHA-512 of bytes: 64 bytes. */
export function sha512(bytes: Uint8Array): Uint8Array {
  return nodeCrypto ? nodeCrypto.hash("sha512", bytes, "buffer") : nobleSha512(bytes);
}

/** HMAC-SHA-256 (RFC 2104): 32 bytes. */
export function hmacSha256(key: Uint8Array, message: Uint8Array | string): Uint8Array {
  if (nodeCrypto) return nodeCrypto.createHmac("sha256", key).update(message).digest();
  return hmac(nobleSha256, key, typeof message === "string" ? encoder.encode(message) : message);
}

/** Joins byte strings. */
export function concatBytes(...parts: Uint8Array[]): Uint8Array {
  const joined = new Uint8Array(parts.reduce((total, part) => total + part.length, 0));
  let at = 0;
  for (const part of parts) {
    joined.set(part, at);
    at += part.length;
  }
  return joined;
}

/** Equality whose time tells nothing of where two secrets differ. */
export function equalBytes(a: Uint8Array, b: Uint8Array): boolean {
  if (a.length !== b.length) return false;
  let difference = 0;
  for (let i = 0; i < a.length; i++) difference |= a[i]! ^ b[i]!;
  return difference === 0;
}
