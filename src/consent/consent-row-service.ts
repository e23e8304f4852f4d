// Consents' rows for the operator's audit: what each says, and whether it is what the node wrote. Opens nothing that they are about.
import type { ConsentRow } from "../access/decided-consents.ts";
import { AttestryError } from "../errors.ts";
import type { Database } from "../storage/database.ts";
import type { ConsentSealer } from "./consent-sealer.ts";
import { listConsents, type StoredConsent } from "./consent-store.ts";

/** Lists them by id, after one; "" for the first. */
export function createConsentRows(deps: { database: Database; sealer: Pick<ConsentSealer, "isIntact"> }) {
  function isIntact(stored: StoredConsent): boolean {
    try {
      return deps.sealer.isIntact(stored);
    } catch (error) {
      // Not even its key opens.
      if (error instanceof AttestryError) return false;
      throw error;
    }
  }
  return async (after: string, limit: number): Promise<ConsentRow[]> =>
    (await listConsents(deps.database, { after, limit })).map((stored) => {
      const { id, state, logIndex } = stored;
      return { id, state, logIndex, isIntact: isIntact(stored) };
    });
}
