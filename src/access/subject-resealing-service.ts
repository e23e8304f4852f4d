// People's rows for the rotation of the sealing keys: which of them the former generation sealed, and what they become. Decides nothing.
import type { Database, Transaction } from "../storage/database.ts";
import { listSubjects, type StoredSubject, storeRenewedSubjects } from "./access-store.ts";
import type { AccessSubjects } from "./access-subject-service.ts";

type Renewed = Pick<StoredSubject, "id" | "digest" | "sealedKey">;

export function createSubjectResealing(deps: { database: Database; accessSubjects: Pick<AccessSubjects, "renew"> }) {
  return {
    async list(after: string, limit: number): Promise<{ id: string; renewed: Renewed | undefined }[]> {
      const rows = await listSubjects(deps.database, { after, limit });
      return rows.map((row) => ({ id: row.id, renewed: deps.accessSubjects.renew(row) }));
    },
    store: (tx: Transaction, renewed: readonly Renewed[]) => storeRenewedSubjects(tx, renewed),
  };
}
