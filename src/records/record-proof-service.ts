// Receipts of versions and of state statements. Checks no caller.
import type { LogReader } from "../log/reader-service.ts";
import { formatExtra, formatReceipt } from "../log/receipt.ts";
import type { RecordSealer } from "./record-sealer.ts";
import type { RecordRow, StoredChange, StoredRecord } from "./record-store.ts";
import { openSecrets, openStatement } from "./record-view.ts";

/** A change of state with a row of its record, or what is left of that once it was erased. */
export interface ProvenChange {
  readonly record: StoredRecord;
  readonly row: RecordRow | undefined;
  readonly change: StoredChange;
}

export interface RecordProofService {
  /** Receipts (tlog-proofs) of versions. K goes with those of public and members' records; of a personal one only its subject gets it (DESIGN section 6). */
  formatReceipts(rows: readonly RecordRow[], options?: { isPersonal?: (row: RecordRow) => boolean }): Promise<string[]>;
  /** As `formatReceipts`, of state statements; an erased record has no K any more. */
  formatStateReceipts(
    changes: readonly ProvenChange[],
    options?: { isPersonal?: (change: ProvenChange) => boolean },
  ): Promise<string[]>;
}

export function createRecordProofService(deps: { reader: LogReader; sealer: RecordSealer }): RecordProofService {
  const { reader, sealer } = deps;
  return {
    async formatReceipts(rows, { isPersonal = () => false } = {}) {
      const proofs = await reader.receipts(rows.map((row) => row.version.logIndex));
      return proofs.map(({ index, proof, checkpoint, entry }, i) => {
        const { salt, k } = openSecrets(sealer, rows[i]!).secrets;
        return formatReceipt({
          index,
          proof,
          checkpoint,
          extra: formatExtra({ salt, ...(!isPersonal(rows[i]!) && { k }), entry }),
        });
      });
    },

    async formatStateReceipts(changes, { isPersonal = () => false } = {}) {
      const proofs = await reader.receipts(changes.map(({ change }) => change.logIndex));
      return proofs.map(({ index, proof, checkpoint, entry }, i) => {
        const { record, row, change } = changes[i]!;
        const { salt } = openStatement(sealer, record, change);
        const k = row && !isPersonal(changes[i]!) ? openSecrets(sealer, row).secrets.k : undefined;
        return formatReceipt({ index, proof, checkpoint, extra: formatExtra({ salt, ...(k && { k }), entry }) });
      });
    },
  };
}
