// Receipts of versions and of state statements, and how open the proofs of a version are. Checks no caller.
import type { Access } from "../identity/permissions.ts";
import type { LogReader } from "../log/reader-service.ts";
import { formatExtra, formatReceipt } from "../log/receipt.ts";
import type { RegistryService } from "../registries/registry-service.ts";
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
  /** The access that holds for a version: the stricter of its own definition's and today's, so that opening a registry opens no old record. */
  accessOf(version: { registry: string; definitionVersion: number }): Promise<Access>;
  /** Receipts (tlog-proofs) of versions, for public and members' records only: K goes with them (DESIGN section 6). */
  formatReceipts(rows: readonly RecordRow[]): Promise<string[]>;
  /** As `formatReceipts`, of state statements; an erased record has no K any more. */
  formatStateReceipts(changes: readonly ProvenChange[]): Promise<string[]>;
}

const STRICTEST_FIRST: readonly Access[] = ["consent", "members", "public"];

function stricterAccess(a: Access, b: Access): Access {
  return STRICTEST_FIRST.find((access) => access === a || access === b)!;
}

export function createRecordProofService(deps: {
  registries: RegistryService;
  reader: LogReader;
  sealer: RecordSealer;
}): RecordProofService {
  const { registries, reader, sealer } = deps;
  return {
    async accessOf({ registry, definitionVersion }) {
      const [today, then] = await Promise.all([
        registries.getCurrent(registry),
        registries.getVersion(registry, definitionVersion),
      ]);
      return stricterAccess(today.definition.access, then.definition.access);
    },

    async formatReceipts(rows) {
      const proofs = await reader.receipts(rows.map((row) => row.version.logIndex));
      return proofs.map(({ index, proof, checkpoint, entry }, i) => {
        const { salt, k } = openSecrets(sealer, rows[i]!).secrets;
        return formatReceipt({ index, proof, checkpoint, extra: formatExtra({ salt, k, entry }) });
      });
    },

    async formatStateReceipts(changes) {
      const proofs = await reader.receipts(changes.map(({ change }) => change.logIndex));
      return proofs.map(({ index, proof, checkpoint, entry }, i) => {
        const { record, row, change } = changes[i]!;
        const { salt } = openStatement(sealer, record, change);
        const k = row && openSecrets(sealer, row).secrets.k;
        return formatReceipt({ index, proof, checkpoint, extra: formatExtra({ salt, ...(k && { k }), entry }) });
      });
    },
  };
}
