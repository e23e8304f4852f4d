// Strict base45 (RFC 9285): bytes in the letters that a QR code stores most densely, one text per byte string. Runs in browsers.
import { AttestryError } from "../errors.ts";

const ALPHABET = "0123456789ABCDEFGHIJKLMNOPQRSTUVWXYZ $%*+-./:";
const BASE = 45;

const VALUES = new Map(Array.from(ALPHABET, (letter, value) => [letter, value]));

function invalid(reason: string): AttestryError {
  return new AttestryError("encoding_invalid", `base45 text ${reason}`);
}

export function encodeBase45(bytes: Uint8Array): string {
  let text = "";
  for (let i = 0; i < bytes.length; i += 2) {
    const isPair = i + 1 < bytes.length;
    const value = isPair ? bytes[i]! * 256 + bytes[i + 1]! : bytes[i]!;
    text += ALPHABET[value % BASE]! + ALPHABET[Math.floor(value / BASE) % BASE]!;
    if (isPair) text += ALPHABET[Math.floor(value / (BASE * BASE))]!;
  }
  return text;
}

/** Throws `encoding_invalid`. */
export function decodeBase45(text: string): Uint8Array {
  const rest = text.length % 3;
  if (rest === 1) throw invalid("has an impossible length: it was cut off, or a letter was added");
  const bytes = new Uint8Array(Math.floor(text.length / 3) * 2 + (rest === 2 ? 1 : 0));
  let at = 0;
  const valueAt = (index: number): number => {
    const value = VALUES.get(text[index]!);
    if (value === undefined) throw invalid("has a character outside its alphabet, which has capitals only");
    return value;
  };
  for (let i = 0; i < text.length; i += 3) {
    const isPair = i + 2 < text.length;
    const value = valueAt(i) + valueAt(i + 1) * BASE + (isPair ? valueAt(i + 2) * BASE * BASE : 0);
    // RFC 9285 §6: what exceeds its bytes is refused; below that each value is written in one way only.
    if (value > (isPair ? 0xffff : 0xff)) throw invalid("has a group that stands for no bytes");
    if (isPair) bytes[at++] = value >> 8;
    bytes[at++] = value & 0xff;
  }
  return bytes;
}
