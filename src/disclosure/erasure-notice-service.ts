// Sends every consumer that was given fields of a record the signed statement that it, or the version that it was given, was erased, until the consumer has taken it.

import type { JsonObject } from "../crypto/json.ts";
import { isAttestryError } from "../errors.ts";
import type { VerifiedChain } from "../federation/trust-chain.ts";
import { ERASURE_NOTICE_RETRY_SECONDS, ERASURE_NOTICE_RETRY_SECONDS_MAX, ERASURE_NOTICES_PAGE } from "../limits.ts";
import type { Logger } from "../logger.ts";
import type { RecordProofService } from "../records/record-proof-service.ts";
import { findErased, findErasedVersions } from "../records/record-store.ts";
import { formatRecordUrl } from "../records/record-url.ts";
import type { Database } from "../storage/database.ts";
import { runTransaction } from "../storage/transaction.ts";
import { markNoticed, type StoredNotice, takeDueNotices } from "./change-feed-store.ts";

export interface ErasureNoticeService {
  /** One round: sends what is due. */
  send(): Promise<void>;
}

/** `post`: hands notices to a consumer by a signed request; throws where they were not taken. */
export function createErasureNotices(deps: {
  entity: string;
  database: Database;
  proofs: Pick<RecordProofService, "formatStateReceipts">;
  post: (chain: VerifiedChain, body: JsonObject) => Promise<void>;
  getChain: (entity: string) => Promise<VerifiedChain>;
  clock: () => number;
  logger: Pick<Logger, "warn">;
}): ErasureNoticeService {
  const { entity, database, proofs, clock, logger } = deps;

  const retryAt = (attempts: number): number =>
    clock() + Math.min(ERASURE_NOTICE_RETRY_SECONDS * 2 ** Math.min(attempts, 20), ERASURE_NOTICE_RETRY_SECONDS_MAX);

  async function sendTo(consumer: string, notices: readonly StoredNotice[]): Promise<void> {
    const [erased, erasedVersions] = await Promise.all([
      findErased(
        database,
        notices.filter(({ version }) => version === null).map(({ rid }) => rid),
      ),
      findErasedVersions(
        database,
        notices.flatMap(({ rid, version }) => (version === null ? [] : [{ rid, version }])),
      ),
    ]);
    const found = notices.flatMap((notice) => {
      const { rid, version } = notice;
      const one = version === null ? erased.get(rid) : erasedVersions.get(`${rid}/${version}`);
      return one ? [{ notice, record: one.record, change: one.change }] : [];
    });
    // Without the record's key, also where it lives on: only its person gets that.
    const receipts = await proofs.formatStateReceipts(
      found.map(({ record, change }) => ({ record, change, row: undefined })),
    );
    const body = {
      notices: found.map(({ notice: { registry, rid }, change }, at) => ({
        href: formatRecordUrl({ entity, registry, rid }),
        number: change.number,
        statement: change.statement,
        receipt: receipts[at]!,
      })),
    };
    await deps.post(await deps.getChain(consumer), body);
    await markNoticed(database, { consumer, notices: found.map(({ notice }) => notice), at: clock() });
  }

  return {
    async send() {
      const due = await runTransaction(database, (tx) =>
        takeDueNotices(tx, { now: clock(), limit: ERASURE_NOTICES_PAGE, retryAt }),
      );
      for (const consumer of new Set(due.map((one) => one.consumer))) {
        try {
          await sendTo(
            consumer,
            due.filter((one) => one.consumer === consumer),
          );
        } catch (error) {
          if (!isAttestryError(error)) throw error;
          // Sent again later: nothing is lost by a consumer that is away.
          logger.warn({ consumer, code: error.code }, "a notice of an erasure was not taken");
        }
      }
    },
  };
}
