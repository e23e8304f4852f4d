// Receipts of entries about public objects (key events, archived chains): nothing in them is secret, so their salt is zero and they have no key.
import { ZERO_SALT } from "../log/entry.ts";
import type { LogReader } from "../log/reader-service.ts";
import { formatExtra, formatReceipt } from "../log/receipt.ts";

/** Under the newest checkpoint, in the order asked. Throws `not_found`. */
export async function formatPublicReceipts(reader: LogReader, indices: readonly number[]): Promise<string[]> {
  const receipts = await reader.receipts(indices);
  return receipts.map(({ index, proof, checkpoint, entry }) =>
    formatReceipt({ index, proof, checkpoint, extra: formatExtra({ salt: ZERO_SALT, entry }) }),
  );
}
