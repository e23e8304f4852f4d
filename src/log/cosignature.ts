// Cosignatures (C2SP tlog-cosignature, Ed25519): a witness's word that it saw a checkpoint at a time. Knows no policy.
import { verifyEd25519 } from "../crypto/ed25519.ts";
import { concatBytes, encodeUtf8 } from "../crypto/hash.ts";
import type { Signer } from "../crypto/signer.ts";
import { AttestryError } from "../errors.ts";
import { type NoteVerifier, parseNote } from "./note.ts";

const TIME_BYTES = 8;

export interface Cosignature {
  readonly witness: NoteVerifier;
  /** Unix seconds, by the witness's clock: the checkpoint existed then. */
  readonly time: number;
}

function messageOf(text: string, time: number): Uint8Array {
  return encodeUtf8(`cosignature/v1\ntime ${time}\n${text}`);
}

function encodeTime(time: number): Uint8Array {
  const bytes = new Uint8Array(TIME_BYTES);
  new DataView(bytes.buffer).setBigUint64(0, BigInt(time));
  return bytes;
}

/** What follows the key id in the signature line of a cosignature over a note's text. `time` in Unix seconds. */
export async function signCosignature(
  text: string,
  { signer, time }: { signer: Signer; time: number },
): Promise<Uint8Array> {
  return concatBytes(encodeTime(time), await signer.sign(messageOf(text, time)));
}

function verifyCosignature(text: string, signature: Uint8Array, witness: NoteVerifier): Cosignature | undefined {
  if (signature.length <= TIME_BYTES) return undefined;
  const time = Number(new DataView(signature.buffer, signature.byteOffset, TIME_BYTES).getBigUint64(0));
  // 0 is no time (C2SP tlog-witness), and no witness's clock is past what a number holds exactly.
  if (time === 0 || !Number.isSafeInteger(time)) return undefined;
  return verifyEd25519(witness.raw, messageOf(text, time), signature.subarray(TIME_BYTES))
    ? { witness, time }
    : undefined;
}

/**
 * The cosignatures of these witnesses on a checkpoint's note (untrusted), each with its earliest time. Signatures of others are ignored.
 * Throws `log_note_invalid`, or `signature_invalid` where one of a known witness does not hold.
 */
export function findCosignatures(note: string, witnesses: readonly NoteVerifier[]): Cosignature[] {
  const { text, signatures } = parseNote(note);
  const found = new Map<NoteVerifier, Cosignature>();
  for (const { name, keyId, signature } of signatures) {
    const known = witnesses.filter((witness) => witness.name === name && witness.keyId === keyId);
    if (known.length === 0) continue;
    const cosignature = known
      .map((witness) => verifyCosignature(text, signature, witness))
      .find((one) => one !== undefined);
    if (!cosignature) throw new AttestryError("signature_invalid", `cosignature of ${name}+${keyId} does not verify`);
    const earlier = found.get(cosignature.witness);
    if (!earlier || cosignature.time < earlier.time) found.set(cosignature.witness, cosignature);
  }
  return [...found.values()];
}
