// Consents for the rotation of the sealing keys: which of them the former generation sealed, and what they become. Decides nothing.
import type { KeyGenerations } from "../crypto/key-generations.ts";
import { subjectDigest } from "../records/subject.ts";
import type { Database, Transaction } from "../storage/database.ts";
import type { ConsentSealer } from "./consent-sealer.ts";
import { listConsents, type StoredConsent, storeRenewedConsents } from "./consent-store.ts";

type Renewed = Pick<StoredConsent, "id" | "subjectDigest" | "sealedKey">;

export function createConsentResealing(deps: { database: Database; sealer: ConsentSealer; searchKey: KeyGenerations }) {
  const { database, sealer, searchKey } = deps;

  function renew(stored: StoredConsent): Renewed | undefined {
    const sealedKey = sealer.rewrapKey(stored);
    if (sealedKey === undefined) return undefined;
    const { digest } = subjectDigest(searchKey, sealer.open(stored).subject);
    return { id: stored.id, subjectDigest: digest, sealedKey };
  }

  return {
    async list(after: string, limit: number): Promise<{ id: string; renewed: Renewed | undefined }[]> {
      const rows = await listConsents(database, { after, limit });
      return rows.map((row) => ({ id: row.id, renewed: renew(row) }));
    },
    store: (tx: Transaction, renewed: readonly Renewed[]) => storeRenewedConsents(tx, renewed),
  };
}
