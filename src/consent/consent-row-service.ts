// Consents' rows for the operator's audit: what each says, and whether it is what the node wrote. Of what they are about it tells the digest of the terms alone.
import type { ConsentRow } from "../access/decided-consents.ts";
import { sha256Base64url } from "../crypto/hash.ts";
import { AttestryError } from "../errors.ts";
import type { Database } from "../storage/database.ts";
import type { ConsentSealer } from "./consent-sealer.ts";
import { listConsents, type StoredConsent } from "./consent-store.ts";

/** Lists them by id, after one; "" for the first. */
export function createConsentRows(deps: { database: Database; sealer: Pick<ConsentSealer, "isIntact" | "open"> }) {
  function judge(stored: StoredConsent): Pick<ConsentRow, "isIntact" | "terms"> {
    try {
      const { given } = deps.sealer.open(stored);
      return { isIntact: deps.sealer.isIntact(stored), terms: given && sha256Base64url(given.jws) };
    } catch (error) {
      // Not even its key opens.
      if (error instanceof AttestryError) return { isIntact: false, terms: undefined };
      throw error;
    }
  }
  return async (after: string, limit: number): Promise<ConsentRow[]> =>
    (await listConsents(deps.database, { after, limit })).map((stored) => {
      const { id, state, logIndex } = stored;
      return { id, state, logIndex, ...judge(stored) };
    });
}
