// Proves from inside that the access log's entries and the events kept for them belong together: every leaf has its event, unchanged, in one unbroken chain a person. Mends nothing.
import { decodeBase64url } from "../crypto/base64.ts";
import { verifyJws } from "../crypto/jws.ts";
import type { PublicKey } from "../crypto/keys.ts";
import { AttestryError } from "../errors.ts";
import { ACCESS_EVENTS_PAGE_MAX } from "../limits.ts";
import { commitment, type LogEntry, parseEntry } from "../log/entry.ts";
import { findEntries, findKnownTags } from "../log/log-store.ts";
import type { Database } from "../storage/database.ts";
import { ACCESS_EVENT_TYPE, type AccessContent, accessEventDigest, accessTag } from "./access-event.ts";
import type { AccessLog } from "./access-log-service.ts";
import {
  findChainEnd,
  findIndexBefore,
  findSubjectsById,
  listEventsFrom,
  listEventsOf,
  listHeads,
  type StoredEvent,
  type StoredSubject,
} from "./access-store.ts";
import type { AccessSubjects, KnownSubject } from "./access-subject-service.ts";
import { type ConsentProblem, type ConsentRow, createDecidedConsents } from "./decided-consents.ts";

/** What is wrong; `index`: of the log's entry, `person`, `consent`: the row of one. Never what an event says. */
export interface AccessProblem {
  readonly code:
    | "event_missing"
    | "event_changed"
    | "event_unreadable"
    | "event_unlogged"
    | "entry_missing"
    | "tag_wrong"
    | "chain_broken"
    | "chain_end_wrong"
    | "signature_wrong"
    | ConsentProblem["code"];
  readonly message: string;
  readonly index?: number;
  readonly person?: string;
  readonly consent?: string;
}

export interface AccessAudit {
  readonly ok: boolean;
  readonly size: number;
  readonly events: number;
  readonly people: number;
  readonly problems: readonly AccessProblem[];
}

export interface AccessAuditService {
  /** Every entry and every event; `size`: of the log. At most a thousand problems are told. */
  audit(options: { size: number; onProgress?: (done: number) => void }): Promise<AccessAudit>;
  /** One person's chains, as the person's own page shows them: their last events, `eventsMax` at most unless all are asked for. */
  auditPerson(subject: KnownSubject, options?: { eventsMax?: number }): Promise<readonly AccessProblem[]>;
}

const PROBLEMS_MAX = 1_000;

interface ChainEnd {
  readonly number: number;
  readonly digest: string;
}

export function createAccessAudit(deps: {
  database: Database;
  logName: string;
  accessSubjects: AccessSubjects;
  accessLog: Pick<AccessLog<never>, "open">;
  /** Record keys of the node, past ones too. */
  keys: () => readonly PublicKey[];
  /** All consents' rows, by id, after one; "" for the first. */
  listConsents: (after: string, limit: number) => Promise<readonly ConsentRow[]>;
}): AccessAuditService {
  const { database, logName, accessSubjects } = deps;

  /** What is wrong with one event by itself; gives its digest. */
  async function judge(
    event: StoredEvent,
    subject: KnownSubject | undefined,
    entryBytes: Uint8Array | undefined,
  ): Promise<{ problems: AccessProblem[]; digest?: string; previous?: string | undefined; content?: AccessContent }> {
    const at = { index: event.logIndex, person: event.subject };
    const problem = (code: AccessProblem["code"], message: string) => ({ problems: [{ code, message, ...at }] });
    if (entryBytes === undefined) return problem("entry_missing", "the log has no entry for this event");
    if (subject === undefined) return problem("event_unreadable", "the row of the person is gone");
    let opened: ReturnType<typeof deps.accessLog.open>;
    try {
      opened = deps.accessLog.open(subject, event);
    } catch (error) {
      if (!(error instanceof AttestryError)) throw error;
      return problem("event_changed", "what is kept sealed was changed");
    }
    const entry: LogEntry = parseEntry(entryBytes);
    const { jws, salt } = opened;
    if (entry.e !== event.operation || entry.c !== commitment(entry.e, salt, jws) || entry.c !== event.commitment)
      return problem("event_changed", "the log's entry was made for another event");
    const tagKey = event.isDelayed ? subject.delayedTagKey : subject.tagKey;
    if (entry.r !== accessTag(tagKey, event.number))
      return problem("tag_wrong", "the entry's tag is of another place in the chain");
    try {
      const { payload } = await verifyJws(jws, { typ: ACCESS_EVENT_TYPE, keys: deps.keys() });
      if (payload.n !== event.number || payload.sub !== event.subject || (payload.delayed === true) !== event.isDelayed)
        return problem("event_changed", "the event says another place in the chain than its row");
      const content = payload as unknown as AccessContent;
      return { problems: [], digest: accessEventDigest(jws), previous: payload.prev as string | undefined, content };
    } catch (error) {
      if (!(error instanceof AttestryError)) throw error;
      return problem("signature_wrong", "the event is not signed by a record key of this node");
    }
  }

  /** Continues a chain by its next event. */
  function follow(
    event: StoredEvent,
    judged: { digest?: string; previous?: string | undefined },
    end: ChainEnd | undefined,
  ): { end: ChainEnd; problem?: AccessProblem } {
    const next: ChainEnd = { number: event.number, digest: judged.digest ?? "" };
    const isNext = event.number === (end?.number ?? 0) + 1;
    const isLinked = judged.digest === undefined || !end?.digest || judged.previous === end.digest;
    if (isNext && isLinked) return { end: next };
    const message = isNext
      ? "the event names another event as the one before it"
      : `after number ${end?.number ?? 0} comes ${event.number}`;
    return { end: next, problem: { code: "chain_broken", message, index: event.logIndex, person: event.subject } };
  }

  async function isChainEnd(head: StoredSubject, isDelayed: boolean): Promise<boolean> {
    const found = await findChainEnd(database, { subject: head.id, isDelayed });
    if (!found?.event || found.event.number !== found.number) return false;
    const entries = await findEntries(database, logName, [found.event.logIndex]);
    const { problems, digest } = await judge(found.event, accessSubjects.open(head), entries.get(found.event.logIndex));
    return problems.length === 0 && digest === found.digest;
  }

  const hasEvent = async (index: number): Promise<boolean> =>
    (await listEventsFrom(database, { from: index, limit: 1 }))[0]?.logIndex === index;

  const chainKey = ({ subject, isDelayed }: Pick<StoredEvent, "subject" | "isDelayed">) => `${subject}/${isDelayed}`;

  return {
    async audit({ size, onProgress }) {
      const problems: AccessProblem[] = [];
      const add = (found: readonly AccessProblem[]) => {
        for (const one of found) if (problems.length < PROBLEMS_MAX) problems.push(one);
      };
      const ends = new Map<string, ChainEnd>();
      const people = new Map<string, KnownSubject>();
      const decided = createDecidedConsents();
      let events = 0;
      let next = 0;
      for (;;) {
        const page = await listEventsFrom(database, { from: next, limit: ACCESS_EVENTS_PAGE_MAX });
        const isLast = page.length < ACCESS_EVENTS_PAGE_MAX;
        const upTo = isLast ? size : Math.min(size, page.at(-1)!.logIndex + 1);
        const entries = await findEntries(
          database,
          logName,
          page.map(({ logIndex }) => logIndex),
        );
        const unknown = [...new Set(page.map(({ subject }) => subject))].filter((id) => !people.has(id));
        for (const stored of await findSubjectsById(database, unknown))
          people.set(stored.id, accessSubjects.open(stored));
        const found = new Set(page.map(({ logIndex }) => logIndex));
        for (let index = next; index < upTo; index++)
          if (!found.has(index)) add([{ code: "event_missing", message: "no event is kept for this entry", index }]);
        for (const event of page) {
          events += 1;
          const entry = entries.get(event.logIndex);
          // One that the log has by now was written since the audit began.
          if (event.logIndex >= size && entry === undefined) {
            const at = { index: event.logIndex, person: event.subject };
            add([{ code: "event_unlogged", message: "the log has no such entry", ...at }]);
            continue;
          }
          const judged = await judge(event, people.get(event.subject), entry);
          add(judged.problems);
          if (judged.content) decided.see(event.logIndex, judged.content);
          const { end, problem } = follow(event, judged, ends.get(chainKey(event)));
          ends.set(chainKey(event), end);
          if (problem) add([problem]);
        }
        onProgress?.(Math.min(upTo, size));
        next = (page.at(-1)?.logIndex ?? next) + 1;
        if (isLast) break;
      }
      let after: string | undefined;
      let counted = 0;
      for (;;) {
        const heads = await listHeads(database, { after, limit: ACCESS_EVENTS_PAGE_MAX });
        for (const head of heads) {
          counted += 1;
          for (const isDelayed of [false, true]) {
            const end = ends.get(chainKey({ subject: head.id, isDelayed }));
            const number = isDelayed ? head.delayedCount : head.count;
            const digest = isDelayed ? head.delayedLastDigest : head.lastDigest;
            const isWrong = number !== (end?.number ?? 0) || (end && end.digest !== "" && digest !== end.digest);
            // The chain may have grown since its events were read: then its row and its last event, read at once, agree.
            if (isWrong && !(number > (end?.number ?? 0) && (await isChainEnd(head, isDelayed))))
              add([
                {
                  code: "chain_end_wrong",
                  message: `the person's row says ${number} events, the chain has ${end?.number ?? 0}`,
                  person: head.id,
                },
              ]);
          }
        }
        after = heads.at(-1)?.id;
        if (heads.length < ACCESS_EVENTS_PAGE_MAX) break;
      }
      for await (const row of listAll(deps.listConsents)) {
        // Rows are read after the events: one may have been decided since. Its entry has to be there all the same.
        const isLater = (row.logIndex ?? -1) >= next && (await hasEvent(row.logIndex!));
        const problem = decided.judge(row, isLater);
        if (problem) add([problem]);
      }
      add(decided.findMissing());
      return { ok: problems.length === 0, size, events, people: counted, problems };
    },

    async auditPerson(subject, { eventsMax } = {}) {
      const problems: AccessProblem[] = [];
      const ends = new Map<string, ChainEnd>();
      let after = eventsMax === undefined ? -1 : await findIndexBefore(database, { subject: subject.id, eventsMax });
      const isWhole = after < 0;
      for (;;) {
        const page = await listEventsOf(database, { subject: subject.id, after, limit: ACCESS_EVENTS_PAGE_MAX });
        const entries = await findEntries(
          database,
          logName,
          page.map(({ logIndex }) => logIndex),
        );
        for (const event of page) {
          const judged = await judge(event, subject, entries.get(event.logIndex));
          problems.push(...judged.problems);
          const known = ends.get(chainKey(event));
          const { end, problem } = follow(event, judged, known);
          ends.set(chainKey(event), end);
          // What comes before the first one that is looked at is not looked at.
          if (problem && (isWhole || known)) problems.push(problem);
        }
        after = page.at(-1)?.logIndex ?? after;
        if (page.length < ACCESS_EVENTS_PAGE_MAX) break;
      }
      // One that was taken away at the end of the chain leaves its tag in the log.
      for (const isDelayed of [false, true]) {
        const end = ends.get(chainKey({ subject: subject.id, isDelayed }));
        if (end === undefined && !isWhole) continue;
        const number = (end?.number ?? 0) + 1;
        const tag = accessTag(isDelayed ? subject.delayedTagKey : subject.tagKey, number);
        if (await hasTag(database, { log: logName, tag }))
          problems.push({
            code: "event_missing",
            message: `the log has a reading number ${number} that is not kept any more`,
            person: subject.id,
          });
      }
      return problems;
    },
  };
}

async function* listAll<Row extends { readonly id: string }>(
  list: (after: string, limit: number) => Promise<readonly Row[]>,
): AsyncGenerator<Row> {
  for (let after = ""; ; ) {
    const rows = await list(after, ACCESS_EVENTS_PAGE_MAX);
    yield* rows;
    if (rows.length < ACCESS_EVENTS_PAGE_MAX) return;
    after = rows.at(-1)!.id;
  }
}

async function hasTag(database: Database, { log, tag }: { log: string; tag: string }): Promise<boolean> {
  return (await findKnownTags(database.sql, log, [decodeBase64url(tag)])).size > 0;
}
