// The life of one record: what happened to it in the order of the log, in words for people, or with tokens and statements for programs.
import { formatSeconds } from "../clock.ts";
import type { JsonObject } from "../crypto/json.ts";
import { AttestryError } from "../errors.ts";
import type { Caller } from "../identity/caller.ts";
import { PAGE_SIZE_DEFAULT, PAGE_SIZE_MAX } from "../limits.ts";
import type { RegistryService } from "../registries/registry-service.ts";
import type { Database } from "../storage/database.ts";
import { cutPage } from "./cut-page.ts";
import {
  describeChange,
  describeVersion,
  findHistoryShown,
  type HistoryContext,
  type HistoryEntry,
} from "./history-entry.ts";
import { findShown, type LogReadings, type ShownRecord } from "./record-readings.ts";
import type { RecordSealer } from "./record-sealer.ts";
import type { RecordSight } from "./record-sight.ts";
import * as store from "./record-store.ts";
import { findPredecessor } from "./record-timeline.ts";
import { formatRecordUrl } from "./record-url.ts";
import type { RecordViewer } from "./record-viewer.ts";

export interface HistoryPage {
  readonly rid: string;
  readonly href: string;
  readonly registry: string;
  /** The record's state now. */
  readonly state: string;
  readonly entries: readonly HistoryEntry[];
  readonly next?: string;
}

export interface PageOptions {
  readonly caller: Caller;
  readonly registry: string;
  readonly rid: string;
  readonly cursor?: string | undefined;
  readonly limit?: number | undefined;
}

export interface VersionsPage {
  readonly versions: readonly JsonObject[];
  readonly states: readonly JsonObject[];
  readonly next?: string;
}

export interface RecordHistoryService {
  /** Newest first. An erased record's is for staff, and tells no content; others get `record_erased`. */
  history(options: PageOptions & { languages?: readonly string[] }): Promise<HistoryPage>;
  /** Oldest first: versions with their tokens, and state statements. Throws `record_erased`. */
  versions(options: PageOptions): Promise<VersionsPage>;
}

type Period = Awaited<ReturnType<typeof store.listPeriods>>[number];
type Change = Awaited<ReturnType<typeof store.listChanges>>[number];

interface EventPage {
  readonly periods: readonly Period[];
  readonly events: readonly (Period | Change)[];
  readonly next: string | undefined;
}

function isVersion(event: Period | Change): event is Period {
  return "version" in event;
}

export function createRecordHistoryService(deps: {
  entity: string;
  database: Database;
  registries: RegistryService;
  sealer: RecordSealer;
  viewer: RecordViewer;
  sight: RecordSight;
  logReadings: LogReadings;
}): RecordHistoryService {
  const { entity, database, registries, sealer, viewer } = deps;

  async function getReadable({ caller, registry, rid }: PageOptions) {
    const compiled = await registries.getCurrent(registry);
    return { compiled, seesPersonal: await deps.sight.checkReadable({ caller, compiled, rid }) };
  }

  /** A page of what the log has of a record, without content: every number of these rows is small, whatever the record holds. */
  async function readEvents({ rid, cursor, limit }: PageOptions, order: 1 | -1): Promise<EventPage> {
    const size = parseLimit(limit);
    const after = parseCursor(cursor);
    const [periods, changes] = await Promise.all([store.listPeriods(database, rid), store.listChanges(database, rid)]);
    const events = [...periods, ...changes]
      .filter(({ logIndex }) => after === undefined || (logIndex - after) * order > 0)
      .sort((a, b) => (a.logIndex - b.logIndex) * order);
    const page = cutPage(events.slice(0, size), (event) => (isVersion(event) ? event.chars : 0));
    return { periods, events: page, next: events.length > page.length ? String(page.at(-1)!.logIndex) : undefined };
  }

  function readContent(rid: string, events: readonly (Period | Change)[], others: readonly number[]) {
    const versions = events.filter(isVersion).map(({ version }) => version);
    const numbers = events.flatMap((event) => (isVersion(event) ? [] : [event.number]));
    return Promise.all([
      store.findVersions(database, { rid, versions: [...new Set([...versions, ...others])] }),
      store.findStatements(database, { rid, numbers }),
    ]);
  }

  /** What a page of the past shows; whose it is, where no version is on it, the current one says. */
  async function findAllShown(entries: readonly HistoryEntry[], context: HistoryContext): Promise<ShownRecord[]> {
    const shown = entries.flatMap((entry) => findHistoryShown(entry, context));
    const { record } = context;
    if (shown.length > 0 || record.sealedKey === null) return shown;
    const versions = await store.findVersions(database, { rid: record.rid, versions: [record.version] });
    return findHistoryShown({ version: record.version }, { ...context, versions });
  }

  return {
    async history({ languages = [], ...options }) {
      const { registry, rid } = options;
      const { compiled, seesPersonal } = await getReadable(options);
      const record = await store.getHead(database, { registry, rid });
      if (record.state === "erased" && !seesPersonal) throw store.recordErased();
      const { periods, events, next } = await readEvents(options, -1);
      const kept = periods.filter(({ isErased }) => !isErased);
      const predecessors = events.filter(isVersion).flatMap((one) => findPredecessor(kept, one)?.version ?? []);
      const [versions, statements] = await readContent(rid, events, predecessors);
      const href = formatRecordUrl({ entity, registry, rid });
      const context = { href, record, compiled, periods, versions, statements, sealer, seesPersonal, languages };
      const entries = events.map((event) =>
        isVersion(event) ? describeVersion(event, context) : describeChange(event, context),
      );
      await deps.logReadings(seesPersonal ? await findAllShown(entries, context) : [], options.caller, "history");
      return {
        rid,
        href,
        registry,
        state: record.state,
        entries,
        ...(next !== undefined && { next }),
      };
    },

    async versions(options) {
      const { registry, rid } = options;
      const { compiled, seesPersonal } = await getReadable(options);
      const { record } = await store.getRecord(database, { registry, rid });
      const { events, next } = await readEvents(options, 1);
      const [versions, statements] = await readContent(rid, events, []);
      const listed = events.filter(isVersion);
      // Erased since it was found, all of it or that version.
      if (listed.some(({ version }) => !versions.has(version))) await store.getRecord(database, { registry, rid });
      const views = listed.map((event) => {
        const version = versions.get(event.version);
        return version ? viewer.view({ record, version }, compiled, seesPersonal) : event;
      });
      const shown = views.flatMap((view) => (seesPersonal && "token" in view ? (findShown(view, compiled) ?? []) : []));
      await deps.logReadings(shown, options.caller, "history");
      return {
        versions: views.map((view) => {
          if (!("token" in view))
            return {
              version: view.version,
              state: "erased",
              recorded_at: formatSeconds(view.recordedAt),
              log_index: view.logIndex,
            };
          const { version, state, recorded_at, definition, log_index, data, token } = view;
          return { version, state, recorded_at, definition, log_index, data, token };
        }),
        states: events.flatMap((event) =>
          isVersion(event)
            ? []
            : {
                number: event.number,
                operation: event.operation,
                ...(event.erasedVersion !== null && { erased_version: event.erasedVersion }),
                statement: statements.get(event.number)!.statement,
                log_index: event.logIndex,
                recorded_at: formatSeconds(event.recordedAt),
              },
        ),
        ...(next !== undefined && { next }),
      };
    },
  };
}

function parseLimit(limit: number | undefined): number {
  if (limit === undefined) return PAGE_SIZE_DEFAULT;
  if (Number.isSafeInteger(limit) && limit >= 1 && limit <= PAGE_SIZE_MAX) return limit;
  throw new AttestryError("query_invalid", `limit must be 1 to ${PAGE_SIZE_MAX}`);
}

/** The log index where a page goes on. */
function parseCursor(cursor: string | undefined): number | undefined {
  if (cursor === undefined) return undefined;
  if (/^\d{1,15}$/.test(cursor)) return Number(cursor);
  throw new AttestryError("query_invalid", "the cursor is not one of ours; take it from the previous page");
}
