// Tells consumers what changed of the records that they rely on, without content: tell once, and who needs it comes and reads (with its basis).
import { formatSeconds } from "../clock.ts";
import type { ConsentService } from "../consent/consent-service.ts";
import { AttestryError } from "../errors.ts";
import { CHANGES_PAGE_MAX } from "../limits.ts";
import { formatRecordUrl } from "../records/record-url.ts";
import type { RegistryService } from "../registries/registry-service.ts";
import type { Database } from "../storage/database.ts";
import { listCoveredChanges, listCoveringConsents, type StoredCoveredChange } from "./change-feed-store.ts";

export interface CoveredChange {
  readonly href: string;
  /** create, amend, suspend, reinstate, revoke, end, replace, erase, erase_version. */
  readonly operation: string;
  /** Of an `erase_version`: which version was erased. */
  readonly version?: number;
  readonly at: string;
}

export interface ChangePage {
  readonly changes: readonly CoveredChange[];
  /** To be given next time: at least once each change is told that is after it. */
  readonly cursor: string;
  /** There is more now. */
  readonly more: boolean;
}

export interface ChangeFeedService {
  /** Of records that an active consent or a law covers for this consumer, and of no other. Throws `query_invalid`. */
  read(options: { consumer: string; cursor: string | undefined; limit: number | undefined }): Promise<ChangePage>;
}

const CURSOR = /^[0-9]{1,15}$/;

/** `entity`: the name that the node's records have. */
export function createChangeFeed(deps: {
  entity: string;
  database: Database;
  registries: Pick<RegistryService, "list">;
  consents: Pick<ConsentService, "findUsable">;
  hasMark: (entity: string, type: string) => Promise<boolean>;
  clock: () => number;
}): ChangeFeedService {
  const { entity, database, registries, clock } = deps;

  /** Registry and purpose of each law that names this consumer today. */
  async function findLaws(consumer: string): Promise<string[]> {
    const laws = (await registries.list()).flatMap(({ definition, disclosure }) =>
      disclosure.bases.map((basis) => ({ registry: definition.name, ...basis })),
    );
    const found = await Promise.all(
      laws.map(async ({ registry, purpose, consumer: named }) => {
        const isNamed = named === undefined || named === consumer || (await deps.hasMark(consumer, named));
        return isNamed ? [`${registry}\n${purpose}`] : [];
      }),
    );
    return [...new Set(found.flat())];
  }

  /** Without what only a row says: a consent that does not hold any more, or is of other records than its terms, covers nothing. */
  async function keepCovered(consumer: string, found: readonly StoredCoveredChange[]): Promise<StoredCoveredChange[]> {
    const rids = [...new Set(found.flatMap(({ rid, isLawful }) => (isLawful ? [] : [rid])))];
    if (rids.length === 0) return [...found];
    const usable = await deps.consents.findUsable(await listCoveringConsents(database, { consumer, rids }));
    const covered = new Set([...usable.values()].flatMap(({ isVoid, terms }) => (isVoid ? [] : (terms?.rids ?? []))));
    return found.filter(({ rid, isLawful }) => isLawful || covered.has(rid));
  }

  return {
    async read({ consumer, cursor, limit }) {
      if (cursor !== undefined && !CURSOR.test(cursor))
        throw new AttestryError("query_invalid", "the cursor is none that this node gave; leave it out to begin anew");
      const size = Math.min(limit ?? CHANGES_PAGE_MAX, CHANGES_PAGE_MAX);
      const after = cursor === undefined ? -1 : Number(cursor);
      const laws = await findLaws(consumer);
      const found = await listCoveredChanges(database, { consumer, laws, after, limit: size + 1, now: clock() });
      const told = found.slice(0, size);
      return {
        changes: (await keepCovered(consumer, told)).map(({ registry, rid, operation, version, at }) => ({
          href: formatRecordUrl({ entity, registry, rid }),
          operation,
          ...(version !== null && { version }),
          at: formatSeconds(at),
        })),
        cursor: String(told.at(-1)?.logIndex ?? Math.max(after, 0)),
        more: found.length > size,
      };
    },
  };
}
