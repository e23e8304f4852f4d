// Signed notes (C2SP signed-note): text, a blank line, signature lines. Knows no checkpoint and no key's authority.
import { encodeBase64, encodeBase64url } from "../crypto/base64.ts";
import { ED25519_KEY_BYTES, verifyEd25519 } from "../crypto/ed25519.ts";
import { concatBytes, encodeUtf8, sha256 } from "../crypto/hash.ts";
import { parsePublicKey } from "../crypto/keys.ts";
import type { Signer } from "../crypto/signer.ts";
import { AttestryError } from "../errors.ts";
import { NOTE_BYTES_MAX, NOTE_SIGNATURES_MAX } from "../limits.ts";
import { decodeBase64Line } from "./lines.ts";

/** Ed25519 over the text (C2SP signed-note §Signature types). */
export const NOTE_TYPE_ED25519 = 0x01;
/** Ed25519 over a checkpoint and a time (C2SP tlog-cosignature): cosignature.ts checks these. */
export const NOTE_TYPE_COSIGNATURE = 0x04;
export type NoteKeyType = typeof NOTE_TYPE_ED25519 | typeof NOTE_TYPE_COSIGNATURE;

const KEY_ID_BYTES = 4;
const LINE_START = "— "; // U+2014

export interface NoteVerifier {
  readonly name: string;
  /** 8 hexadecimal digits, lower case. */
  readonly keyId: string;
  readonly type: number;
  /** Raw Ed25519 public key, 32 bytes. */
  readonly raw: Uint8Array;
}

export interface NoteSignature {
  readonly name: string;
  readonly keyId: string;
  readonly signature: Uint8Array;
}

/**
 * Reads the verifier key of a log, `name+keyid+base64(type || key)`. Only Ed25519 note keys: a key whose signatures the caller cannot check
 * must not look like one that it can. Throws `log_note_invalid`, or `key_invalid` for a weak key.
 */
export function parseVerifierKey(vkey: string): NoteVerifier {
  return parseTypedKey(vkey, NOTE_TYPE_ED25519);
}

/** As `parseVerifierKey`, of a witness that cosigns. */
export function parseWitnessKey(vkey: string): NoteVerifier {
  return parseTypedKey(vkey, NOTE_TYPE_COSIGNATURE);
}

function parseTypedKey(vkey: string, expectedType: NoteKeyType): NoteVerifier {
  // The base64 may hold '+' itself, so only the first two separate.
  const match = /^([^+]+)\+([0-9a-f]{8})\+(.+)$/.exec(vkey);
  const key = match ? decodeBase64Line(match[3]!) : undefined;
  if (!match || !isKeyName(match[1]!) || key === undefined || key.length < 2) {
    throw new AttestryError("log_note_invalid", "verifier key is not of the form name+keyid+base64");
  }
  const name = match[1]!;
  const type = key[0]!;
  const raw = key.slice(1);
  if (type !== expectedType) {
    throw new AttestryError(
      "log_note_invalid",
      `verifier key of ${name} has type ${type}, expected is ${expectedType}`,
    );
  }
  if (raw.length !== ED25519_KEY_BYTES) {
    throw new AttestryError("log_note_invalid", `verifier key of ${name} has ${raw.length} bytes, expected 32`);
  }
  // Verifiers disagree on signatures of weak keys (DESIGN §3), so no such key becomes a verifier.
  parsePublicKey({ kty: "OKP", crv: "Ed25519", x: encodeBase64url(raw) });
  const keyId = toHex(keyIdBytes(name, raw, expectedType));
  if (keyId !== match[2]) {
    throw new AttestryError("log_note_invalid", `verifier key of ${name} has key id ${match[2]}, expected ${keyId}`);
  }
  return { name, keyId, type, raw };
}

/** Writes a verifier key (`vkey`) for a raw Ed25519 public key. Throws `log_note_invalid` for an impossible name. */
export function formatVerifierKey(
  { name, raw }: { readonly name: string; readonly raw: Uint8Array },
  type: NoteKeyType = NOTE_TYPE_ED25519,
): string {
  assertKeyName(name);
  return `${name}+${toHex(keyIdBytes(name, raw, type))}+${encodeBase64(typedKey(raw, type))}`;
}

/**
 * Signs a text that ends with a newline; the note it gives has one signature line, and one of each of `others`: several keys of one
 * name, so that whoever knows any of them can verify it while they change over.
 * Throws `log_note_invalid` for a text or name that no verifier would accept.
 */
export async function signNote(input: {
  readonly text: string;
  readonly name: string;
  readonly signer: Signer;
  readonly others?: readonly Signer[];
}): Promise<string> {
  const { text, name, signer, others = [] } = input;
  assertKeyName(name);
  if (!text.endsWith("\n")) throw invalid("text does not end with a newline");
  assertCharacters(text);
  const lines = await Promise.all([signer, ...others].map((one) => signLine(one, { text, name })));
  const note = `${text}\n${lines.join("")}`;
  assertSize(note);
  return note;
}

async function signLine(signer: Signer, { text, name }: { text: string; name: string }): Promise<string> {
  // Before the signature: while it is made another key may take over.
  const keyId = keyIdBytes(name, signer.publicKey.raw, NOTE_TYPE_ED25519);
  const signature = await signer.sign(encodeUtf8(text));
  return `${LINE_START}${name} ${encodeBase64(concatBytes(keyId, signature))}\n`;
}

/**
 * Verifies a note (untrusted) with the keys that the caller trusts for it. Signatures of other keys and types are
 * ignored; each by a known key must hold, and at least one must be there. `text` includes its last newline.
 * Throws `log_note_invalid` for a malformed note, `signature_invalid` for a wrong or missing signature.
 */
export function verifyNote(
  note: string,
  verifiers: readonly NoteVerifier[],
): { text: string; verified: NoteVerifier[] } {
  const { text, signatures } = parseNote(note);
  const message = encodeUtf8(text);
  const verified = new Set<NoteVerifier>();
  for (const { name, keyId, signature } of signatures) {
    // A key id has 32 bits, so one name may come to hold two keys with the same.
    const known = verifiers.filter((verifier) => verifier.name === name && verifier.keyId === keyId);
    if (known.length === 0) continue;
    const signedBy = known.find((verifier) => verifyEd25519(verifier.raw, message, signature));
    // C2SP signed-note: a failing signature of a known key spoils the note, whatever else holds.
    if (!signedBy) throw new AttestryError("signature_invalid", `note signature of ${name}+${keyId} does not verify`);
    verified.add(signedBy);
  }
  if (verified.size === 0) throw new AttestryError("signature_invalid", "note has no signature by a known key");
  return { text, verified: [...verified] };
}

/** Names and key ids of a note's signatures, of which nothing is proved here. Throws `log_note_invalid`. */
export function listSigners(note: string): string[] {
  return parseNote(note).signatures.map(({ name, keyId }) => `${name}+${keyId}`);
}

/** A note's text, with its last newline, and its signatures, of which nothing is proved here. Throws `log_note_invalid`. */
export function parseNote(note: string): { text: string; signatures: NoteSignature[] } {
  assertSize(note);
  assertCharacters(note);
  // The text may hold blank lines, signature lines cannot: the last one separates.
  const separator = note.lastIndexOf("\n\n");
  if (separator < 0 || !note.endsWith("\n"))
    throw invalid("no blank line before the signatures, or no newline at the end");
  const lines = note.slice(separator + 2, -1).split("\n");
  if (lines.length > NOTE_SIGNATURES_MAX) {
    throw invalid(`${lines.length} signatures, allowed are ${NOTE_SIGNATURES_MAX}`);
  }
  return { text: note.slice(0, separator + 1), signatures: lines.map(parseSignatureLine) };
}

function parseSignatureLine(line: string): NoteSignature {
  const parts = line.startsWith(LINE_START) ? line.slice(LINE_START.length).split(" ") : [];
  const [name, base64] = parts;
  const blob = base64 === undefined ? undefined : decodeBase64Line(base64);
  if (parts.length !== 2 || !isKeyName(name!) || blob === undefined || blob.length <= KEY_ID_BYTES) {
    throw invalid("a signature line is not of the form '— name base64'");
  }
  return { name: name!, keyId: toHex(blob.subarray(0, KEY_ID_BYTES)), signature: blob.subarray(KEY_ID_BYTES) };
}

// C2SP signed-note: non-empty, no Unicode spaces, no plus. JavaScript's \s is another set than White_Space.
function isKeyName(name: string): boolean {
  return name !== "" && !/[\p{White_Space}+]/u.test(name);
}

function assertKeyName(name: string): void {
  assertCharacters(name);
  if (!isKeyName(name)) throw invalid("key name is empty or has a space or '+'");
}

// C2SP signed-note: well-formed UTF-8, no ASCII control characters but newline.
function assertCharacters(text: string): void {
  if (/[\u0000-\u0009\u000b-\u001f]|\p{Surrogate}/u.test(text)) {
    throw invalid("a control character or a lone surrogate");
  }
}

function assertSize(note: string): void {
  // Characters are never more than bytes: what is far too long is refused before it is copied.
  if (note.length > NOTE_BYTES_MAX || encodeUtf8(note).length > NOTE_BYTES_MAX) {
    throw invalid(`more than ${NOTE_BYTES_MAX} bytes`);
  }
}

function typedKey(raw: Uint8Array, type: NoteKeyType): Uint8Array {
  return concatBytes(Uint8Array.of(type), raw);
}

// C2SP signed-note: SHA-256(name || 0x0A || type || key), first four bytes.
function keyIdBytes(name: string, raw: Uint8Array, type: NoteKeyType): Uint8Array {
  return sha256(name, "\n", typedKey(raw, type)).slice(0, KEY_ID_BYTES);
}

function toHex(bytes: Uint8Array): string {
  return Array.from(bytes, (byte) => byte.toString(16).padStart(2, "0")).join("");
}

function invalid(message: string): AttestryError {
  return new AttestryError("log_note_invalid", `note: ${message}`);
}
