// Takes the notices of other nodes that a record, or a version of one, was erased of which this node was given fields: proves each, keeps it, shows it to staff.
import { AttestryError } from "../errors.ts";
import { speaksFor } from "../federation/node-metadata.ts";
import type { VerifiedChain } from "../federation/trust-chain.ts";
import type { MemberNode } from "../identity/caller.ts";
import { ERASURE_NOTICES_PAGE } from "../limits.ts";
import { parseRecordUrl } from "../records/record-url.ts";
import type { Database } from "../storage/database.ts";
import { createStateVerifier, type StateEvidence } from "../verification/state-statement.ts";
import { insertNotice, listNotices, type StoredErasureNotice } from "./erasure-notice-store.ts";

/** As it arrives: the home node's signed statement, with its receipt from the log. */
export interface ErasureNotice extends StateEvidence {
  readonly href: string;
}

export interface ErasureNoticeInbox {
  /** All or none. Throws `request_invalid` for one that is not about a record of the sender's, or not proved. */
  take(notices: readonly ErasureNotice[], from: MemberNode): Promise<void>;
  list(): Promise<readonly StoredErasureNotice[]>;
}

export function createErasureNoticeInbox(deps: {
  database: Database;
  getChain: (entity: string) => Promise<VerifiedChain>;
  clock: () => number;
}): ErasureNoticeInbox {
  const { database, clock } = deps;
  const verifyState = createStateVerifier();
  return {
    async take(notices, from) {
      const chain = await deps.getChain(from.entity);
      const proved = await Promise.all(
        notices.map(async (notice, at) => {
          const refuse = (message: string) =>
            new AttestryError("request_invalid", `notice ${at + 1} of an erasure: ${message}`);
          const address = parseRecordUrl(notice.href);
          if (!address || !speaksFor(chain, address.entity)) throw refuse("is about no record of the sender's");
          try {
            // The key of a record that lives on stays with its person.
            const statement = await verifyState(notice, { chain, href: notice.href, isPersonal: true });
            const { operation, erasedVersion: version = 0 } = statement;
            if (operation !== "erase" && operation !== "erase_version")
              throw refuse(`its statement is about "${operation}"`);
            return {
              href: notice.href,
              version,
              home: from.entity,
              erasedAt: statement.issuedAt,
              statement: notice.statement,
            };
          } catch (error) {
            if (!(error instanceof AttestryError)) throw error;
            throw refuse(error.message);
          }
        }),
      );
      for (const one of proved) await insertNotice(database, { ...one, receivedAt: clock() });
    },
    list: () => listNotices(database, ERASURE_NOTICES_PAGE),
  };
}
