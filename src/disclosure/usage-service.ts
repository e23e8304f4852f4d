// What a person is shown of the access log: who read what of them, why and by which right, with the proof of each; what the law delays is only counted.
import type { AccessAuditService, AccessProblem } from "../access/access-audit-service.ts";
import { type AccessEvent, readAccessEvent } from "../access/access-event.ts";
import type { AccessLog } from "../access/access-log-service.ts";
import { countDelayed, listEvents, listEventsOf, type StoredEvent } from "../access/access-store.ts";
import type { AccessSubjects, KnownSubject } from "../access/access-subject-service.ts";
import type { PersonReadings } from "../access/person-audit.ts";
import type { Person } from "../consent/consent-service.ts";
import type { ConsentRelations } from "../consent/guardianship-service.ts";
import { encodeBase64url } from "../crypto/base64.ts";
import { AttestryError } from "../errors.ts";
import { ACCESS_EVENTS_CHECKED_MAX, ACCESS_EVENTS_PAGE_MAX } from "../limits.ts";
import { parseCheckpoint } from "../log/checkpoint.ts";
import type { EntryReceipt, LogReader } from "../log/reader-service.ts";
import { formatExtra, formatReceipt } from "../log/receipt.ts";
import type { Database } from "../storage/database.ts";

/** A reading or a decision. */
export interface UsageEntry extends AccessEvent {
  readonly operation: string;
  readonly logIndex: number;
  readonly commitment: string;
  /** Whether it is about the person, and not about a child. */
  readonly isOwn: boolean;
}

export interface UsagePage {
  /** Newest first. */
  readonly entries: readonly UsageEntry[];
  /** Readings that a law keeps from the person for now, and until when the last of them is (Unix seconds). */
  readonly delayed: { readonly count: number; readonly until: number | undefined };
  /** `before` of the next page. */
  readonly next?: number;
}

export interface UsageFilter {
  readonly before?: number | undefined;
  readonly limit?: number | undefined;
  /** An entity identifier; "office" for the node's own staff, "shared" for whom the person shared with, "own" for the person. */
  readonly consumer?: string | undefined;
  readonly purpose?: string | undefined;
}

/** An event as anybody can check it: the signed event, the salt of its entry, and the receipt of that. */
export interface UsageProof {
  readonly event: string;
  readonly salt: string;
  readonly receipt: string;
}

/** By which a person, and nobody else, can tell in the log itself that no event is left out. */
export interface UsageKey {
  readonly subject: string;
  readonly tag_key: string;
}

export interface UsageService {
  list(person: Person, filter?: UsageFilter): Promise<UsagePage>;
  /** Throws `not_found`. */
  prove(person: Person, logIndex: number): Promise<UsageProof>;
  /** What is wrong with the person's chain: nothing, unless somebody changed the database. */
  check(person: Person): Promise<readonly AccessProblem[]>;
  keys(person: Person): Promise<readonly UsageKey[]>;
  /** Everything that is the person's own, to be checked elsewhere (schemas/person-readings.schema.json). */
  download(person: Person): Promise<PersonReadings>;
}

// Pages that are looked through for one page of what a filter leaves.
const PAGES_READ_MAX = 20;

export function createUsageService(deps: {
  /** The name that the node's records have. */
  entity: string;
  database: Database;
  accessSubjects: AccessSubjects;
  accessLog: Pick<AccessLog<never>, "open">;
  accessAudit: AccessAuditService;
  accessReader: LogReader;
  relations: ConsentRelations;
  clock: () => number;
}): UsageService {
  const { database, accessSubjects, accessLog, clock } = deps;

  /** The person, and the children whom the person acts for, as far as anything was ever said of them. */
  async function findSubjects({ claims }: Person): Promise<{ subject: KnownSubject; isOwn: boolean }[]> {
    const own = Object.entries(claims).map(([claim, value]) => ({ subject: { claim, value }, isOwn: true }));
    const children = (await deps.relations.findChildren(claims)).map(({ subject }) => ({ subject, isOwn: false }));
    const found = await Promise.all(
      [...own, ...children].map(async ({ subject, isOwn }) => {
        const known = await accessSubjects.find(subject);
        return known && { subject: known, isOwn };
      }),
    );
    return found.filter((one) => one !== undefined);
  }

  function open(event: StoredEvent, { subject, isOwn }: { subject: KnownSubject; isOwn: boolean }): UsageEntry {
    const { jws } = accessLog.open(subject, event);
    const { logIndex, operation, commitment } = event;
    return { ...readAccessEvent(jws), operation, logIndex, commitment, isOwn };
  }

  function isWanted({ by, purpose }: UsageEntry, filter: UsageFilter): boolean {
    const reader = "entity" in by ? by.entity : "staff" in by ? "office" : "share" in by ? "shared" : "own";
    return (
      (filter.consumer === undefined || reader === filter.consumer) &&
      (filter.purpose === undefined || purpose === filter.purpose)
    );
  }

  async function readPage(
    subjects: readonly { subject: KnownSubject; isOwn: boolean }[],
    options: { before: number | undefined; limit: number; now: number },
  ): Promise<UsageEntry[]> {
    const pages = await Promise.all(
      subjects.map(async (one) =>
        (await listEvents(database, { subject: one.subject.id, ...options })).map((event) => open(event, one)),
      ),
    );
    return pages
      .flat()
      .sort((a, b) => b.logIndex - a.logIndex)
      .slice(0, options.limit);
  }

  return {
    async list(person, filter = {}) {
      const subjects = await findSubjects(person);
      const limit = Math.min(filter.limit ?? ACCESS_EVENTS_PAGE_MAX, ACCESS_EVENTS_PAGE_MAX);
      // However few are wanted, a filter looks through many: a flood of one reader's hides no other's.
      const isFiltered = filter.consumer !== undefined || filter.purpose !== undefined;
      const size = isFiltered ? ACCESS_EVENTS_PAGE_MAX : limit;
      const now = clock();
      const entries: UsageEntry[] = [];
      let { before } = filter;
      let isMore = subjects.length > 0;
      for (let round = 0; isMore && entries.length < limit && round < PAGES_READ_MAX; round++) {
        const page = await readPage(subjects, { before, limit: size, now });
        const wanted = page.filter((one) => isWanted(one, filter));
        const taken = wanted.slice(0, limit - entries.length);
        entries.push(...taken);
        isMore = taken.length < wanted.length || page.length === size;
        before = entries.length === limit ? entries.at(-1)!.logIndex : (page.at(-1)?.logIndex ?? before);
      }
      const delayed = await Promise.all(
        subjects.map(({ subject }) => countDelayed(database, { subject: subject.id, now })),
      );
      const until = delayed.flatMap((one) => one.until ?? []);
      return {
        entries,
        delayed: {
          count: delayed.reduce((sum, { count }) => sum + count, 0),
          until: until.length === 0 ? undefined : Math.max(...until),
        },
        ...(isMore && before !== undefined && { next: before }),
      };
    },

    async prove(person, logIndex) {
      const now = clock();
      for (const { subject } of await findSubjects(person)) {
        const [event] = await listEvents(database, { subject: subject.id, before: logIndex + 1, limit: 1, now });
        if (event?.logIndex !== logIndex) continue;
        const { jws, salt } = accessLog.open(subject, event);
        const [proof] = await deps.accessReader.receipts([logIndex]);
        return { event: jws, salt: encodeBase64url(salt), receipt: formatEventReceipt(proof!, salt) };
      }
      throw new AttestryError("not_found", "there is no such reading of yours");
    },

    async check(person) {
      const found = await Promise.all(
        (await findSubjects(person)).map(({ subject }) =>
          deps.accessAudit.auditPerson(subject, { eventsMax: ACCESS_EVENTS_CHECKED_MAX }),
        ),
      );
      return found.flat();
    },

    async download(person) {
      const now = clock();
      // Before the events are read: what is logged from here on is later.
      const note = await deps.accessReader.checkpoint();
      const { size } = parseCheckpoint(`${note.split("\n\n")[0]}\n`);
      const own = (await findSubjects(person)).filter(({ isOwn }) => isOwn);
      const readings: PersonReadings["readings"][number][] = [];
      for (const { subject } of own)
        for (let after = -1; ; ) {
          const page = await listEventsOf(database, { subject: subject.id, after, limit: ACCESS_EVENTS_PAGE_MAX });
          const shown = page.filter(
            ({ shownFrom, logIndex }) => logIndex < size && (shownFrom === null || shownFrom <= now),
          );
          const proofs = await deps.accessReader.receipts(shown.map(({ logIndex }) => logIndex));
          for (const [at, event] of shown.entries()) {
            const { jws, salt } = accessLog.open(subject, event);
            readings.push({
              subject: subject.id,
              index: event.logIndex,
              event: jws,
              salt: encodeBase64url(salt),
              receipt: formatEventReceipt(proofs[at]!, salt),
            });
          }
          after = page.at(-1)?.logIndex ?? after;
          if (page.length < ACCESS_EVENTS_PAGE_MAX) break;
        }
      const keys = own.map(({ subject }) => ({ subject: subject.id, tag_key: encodeBase64url(subject.tagKey) }));
      return { node: deps.entity, size, keys, readings };
    },

    async keys(person) {
      const subjects = await findSubjects(person);
      // A child's key stays the child's.
      return subjects
        .filter(({ isOwn }) => isOwn)
        .map(({ subject }) => ({ subject: subject.id, tag_key: encodeBase64url(subject.tagKey) }));
    },
  };
}

function formatEventReceipt({ index, proof, checkpoint, entry }: EntryReceipt, salt: Uint8Array): string {
  return formatReceipt({ index, proof, checkpoint, extra: formatExtra({ salt, entry }) });
}
