// Whether a reading is in the access log of the node that says so. Pure; what it is a proof of, the caller took from something signed.
import { AttestryError } from "../errors.ts";
import type { VerifiedChain } from "../federation/trust-chain.ts";
import { verifyCheckpoint } from "../log/checkpoint.ts";
import { parseEntry } from "../log/entry.ts";
import { leafHash, verifyInclusion } from "../log/merkle.ts";
import { parseVerifierKey } from "../log/note.ts";
import { parseExtra, parseReceipt } from "../log/receipt.ts";

/** What is wrong with the proof that the event's entry is in the issuer's access log, as the log's own key signed it. */
export function findReceiptFault(
  receipt: string,
  event: { readonly commitment: string; readonly index: number },
  chain: VerifiedChain,
): string | undefined {
  const { access } = chain.metadata.logs;
  if (access === undefined) return "the issuer names no access log";
  try {
    const { index, proof, extra: bytes, checkpoint } = parseReceipt(receipt);
    if (bytes === undefined) return "it lacks the entry (extra)";
    const { entry: entryBytes } = parseExtra(bytes);
    const entry = parseEntry(entryBytes);
    if (entry.e !== "read" || entry.c !== event.commitment || index !== event.index) return "it is of another entry";
    const verifiers = access.vkeys.map(parseVerifierKey);
    const { size, root } = verifyCheckpoint(checkpoint, { origin: access.origin, verifiers });
    verifyInclusion({ index, size, leaf: leafHash(entryBytes), proof, root });
    return undefined;
  } catch (error) {
    if (error instanceof AttestryError) return error.message;
    throw error;
  }
}
