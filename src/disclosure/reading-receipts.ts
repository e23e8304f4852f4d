// The proof that a reading is in the access log, as it is handed out with what was read.
import { ZERO_SALT } from "../log/entry.ts";
import type { LogReader } from "../log/reader-service.ts";
import { formatExtra, formatReceipt } from "../log/receipt.ts";

/** Receipts by the indices of their entries. The salt stays with the event: the proof is of what is handed out with it, and tells nothing of it. */
export async function formatReadingReceipts(
  accessReader: Pick<LogReader, "receipts">,
  indices: readonly number[],
): Promise<Map<number, string>> {
  if (indices.length === 0) return new Map();
  const proofs = await accessReader.receipts(indices);
  return new Map(
    proofs.map(({ index, proof, checkpoint, entry }) => [
      index,
      formatReceipt({ index, proof, checkpoint, extra: formatExtra({ salt: ZERO_SALT, entry }) }),
    ]),
  );
}
