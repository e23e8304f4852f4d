// The life of one record as people read it: what was done, when, since when it holds, by whom, why, and what changed by it.
import { isJsonObject, type Json, type JsonObject } from "../crypto/json.ts";
import { AttestryError } from "../errors.ts";
import type { Caller } from "../identity/caller.ts";
import { checkPermitted, isStaffPermitted } from "../identity/permissions.ts";
import { PAGE_SIZE_DEFAULT, PAGE_SIZE_MAX } from "../limits.ts";
import { findFieldSchema } from "../registries/annotations.ts";
import type { CompiledDefinition } from "../registries/compiled-definition.ts";
import { type LocalizedText, localize } from "../registries/definition.ts";
import type { RegistryService } from "../registries/registry-service.ts";
import type { Database } from "../storage/database.ts";
import { type ComparedVersion, type FieldChange, findChanges } from "./record-changes.ts";
import type { RecordSealer } from "./record-sealer.ts";
import * as store from "./record-store.ts";
import { findPredecessor } from "./record-timeline.ts";
import { formatRecordUrl } from "./record-url.ts";
import { formatSeconds, openSecrets, openStatement, readClaims } from "./record-view.ts";

/** Who did it and on which ground, as far as the reader may know. */
export interface HistoryAct {
  readonly role?: string;
  /** Pseudonym of the staff member. */
  readonly by?: string;
  readonly reason?: string;
  /** The reason's code in words. */
  readonly reason_text?: string;
  readonly instrument?: string;
  readonly note?: string;
  readonly distinct?: string;
}

/** One entry of the log about a record: a version, or a change of state by a statement. */
export interface HistoryEntry {
  readonly log_index: number;
  readonly recorded_at: string;
  readonly operation: string;
  readonly act: HistoryAct;
  readonly version?: number;
  /** Of a version: the dates that it is in effect. */
  readonly valid_from?: string;
  readonly valid_until?: string;
  readonly replaces?: readonly string[];
  /** The earlier version that `changes` sets out from: the one in effect where this one's period begins. */
  readonly compared_with?: number;
  readonly changes?: readonly FieldChange[];
  /** Whether there are fields that this reader is not shown, and so not told of when they change. */
  readonly withheld?: boolean;
  /** Of a change of state: its running number, the state since then, and since when it holds. */
  readonly state_number?: number;
  readonly state?: string;
  readonly effective_from?: string;
  readonly replaced_by?: readonly string[];
  readonly statement?: string;
  readonly links: { readonly version?: string; readonly receipt?: string };
}

export interface HistoryPage {
  readonly rid: string;
  readonly href: string;
  readonly registry: string;
  /** The record's state now. */
  readonly state: string;
  readonly entries: readonly HistoryEntry[];
  readonly next?: string;
}

export interface RecordHistoryService {
  /** Newest first. An erased record's is for staff, and tells no content; others get `record_erased`. */
  history(options: {
    caller: Caller;
    registry: string;
    rid: string;
    cursor?: string | undefined;
    limit?: number | undefined;
    languages?: readonly string[];
  }): Promise<HistoryPage>;
}

type Period = Awaited<ReturnType<typeof store.listPeriods>>[number];
type Change = Awaited<ReturnType<typeof store.listChanges>>[number];

/** What the entries of a page are made of. */
interface PageContext {
  readonly href: string;
  readonly record: store.StoredRecord;
  readonly compiled: CompiledDefinition;
  readonly periods: readonly Period[];
  readonly versions: ReadonlyMap<number, store.StoredVersion>;
  readonly statements: ReadonlyMap<number, store.StoredChange>;
  readonly seesPersonal: boolean;
  readonly languages: readonly string[];
}

export function createRecordHistoryService(deps: {
  entity: string;
  database: Database;
  registries: RegistryService;
  sealer: RecordSealer;
}): RecordHistoryService {
  const { entity, database, registries, sealer } = deps;

  function describeVersion(period: Period, context: PageContext): HistoryEntry {
    const { href, compiled, versions, languages } = context;
    const base = {
      log_index: period.logIndex,
      recorded_at: formatSeconds(period.recordedAt),
      version: period.version,
    };
    const read = readVersion(period.version, context);
    // What was erased leaves its place in the log.
    if (!read) return { ...base, operation: period.version === 1 ? "create" : "amend", act: {}, links: {} };
    const { claims, withheld } = read;
    const predecessor = period.version === 1 ? undefined : findPredecessor(context.periods, period);
    const before =
      predecessor && versions.has(predecessor.version) ? readVersion(predecessor.version, context) : undefined;
    return {
      ...base,
      operation: String((claims.act as JsonObject | undefined)?.operation ?? "amend"),
      act: describeAct(claims.act, compiled, languages),
      ...texts(claims, ["valid_from", "valid_until"]),
      ...(Array.isArray(claims.replaces) && { replaces: claims.replaces as string[] }),
      ...(predecessor &&
        before && {
          compared_with: predecessor.version,
          changes: findChanges(comparable(before.claims), comparable(claims), (path) =>
            labelOf(compiled, path, languages),
          ),
        }),
      withheld,
      links: {
        version: `${href}?version=${period.version}`,
        ...(compiled.definition.access === "public" && { receipt: `${href}/receipt?version=${period.version}` }),
      },
    };
  }

  function readVersion(number: number, { record, versions, seesPersonal }: PageContext) {
    const version = versions.get(number);
    if (!version) return undefined;
    return readClaims(version.jwt, () =>
      seesPersonal ? openSecrets(sealer, { record, version }).secrets.disclosures : [],
    );
  }

  function describeChange(change: Change, context: PageContext): HistoryEntry {
    const { href, record, compiled, statements, seesPersonal, languages } = context;
    const stored = statements.get(change.number)!;
    const { claims } = readClaims(stored.statement, () =>
      seesPersonal ? openStatement(sealer, record, stored).disclosures : [],
    );
    return {
      log_index: change.logIndex,
      recorded_at: formatSeconds(change.recordedAt),
      operation: change.operation,
      state_number: change.number,
      state: change.state,
      // What was wrong, or is gone, always was: such a statement has no beginning.
      ...(change.effectiveAt > 0 && { effective_from: formatSeconds(change.effectiveAt) }),
      act: describeAct(claims.act, compiled, languages),
      ...(Array.isArray(claims.replaced_by) && { replaced_by: claims.replaced_by as string[] }),
      statement: stored.statement,
      links: compiled.definition.access === "public" ? { receipt: `${href}/receipt?state=${change.number}` } : {},
    };
  }

  return {
    async history({ caller, registry, rid, cursor, limit, languages = [] }) {
      const compiled = await registries.getCurrent(registry);
      checkPermitted({ caller, action: "record.read", registry, access: compiled.definition.access });
      const seesPersonal = isStaffPermitted({ caller, action: "record.read", registry });
      const record = await store.getHead(database, { registry, rid });
      if (record.state === "erased" && !seesPersonal) throw store.recordErased();
      const size = parseLimit(limit);
      const before = parseCursor(cursor);
      const [periods, changes] = await Promise.all([
        store.listPeriods(database, rid),
        store.listChanges(database, rid),
      ]);
      const events = [...periods, ...changes]
        .sort((a, b) => b.logIndex - a.logIndex)
        .filter((e) => e.logIndex < before);
      const page = events.slice(0, size);
      const shown = page.filter((event): event is Period => "version" in event);
      const wanted = shown.flatMap((period) =>
        [period.version, findPredecessor(periods, period)?.version ?? []].flat(),
      );
      const [versions, statements] = await Promise.all([
        store.findVersions(database, { rid, versions: [...new Set(wanted)] }),
        store.findStatements(database, {
          rid,
          numbers: page.flatMap((event) => ("number" in event ? [event.number] : [])),
        }),
      ]);
      const href = formatRecordUrl({ entity, registry, rid });
      const context: PageContext = { href, record, compiled, periods, versions, statements, seesPersonal, languages };
      return {
        rid,
        href,
        registry,
        state: record.state,
        entries: page.map((event) =>
          "version" in event ? describeVersion(event, context) : describeChange(event, context),
        ),
        ...(events.length > page.length && { next: String(page.at(-1)!.logIndex) }),
      };
    },
  };
}

function comparable(claims: JsonObject): ComparedVersion {
  const { valid_from: validFrom, valid_until: validUntil } = texts(claims, ["valid_from", "valid_until"]);
  return { data: (claims.data ?? {}) as JsonObject, validFrom, validUntil };
}

function texts<Name extends string>(object: JsonObject, names: readonly Name[]): Partial<Record<Name, string>> {
  const found = names.flatMap((name) => (typeof object[name] === "string" ? [[name, object[name]]] : []));
  return Object.fromEntries(found) as Partial<Record<Name, string>>;
}

function describeAct(act: Json | undefined, compiled: CompiledDefinition, languages: readonly string[]): HistoryAct {
  if (!isJsonObject(act)) return {};
  const known = texts(act, ["role", "by", "reason", "instrument", "note", "distinct"]);
  const reasons = compiled.definition.acts?.reasons ?? {};
  const { reason } = known;
  if (reason === undefined || !Object.hasOwn(reasons, reason)) return known;
  return { ...known, reason_text: localize(reasons[reason]!, languages) };
}

function labelOf(
  compiled: CompiledDefinition,
  path: readonly string[],
  languages: readonly string[],
): string | undefined {
  const schema = findFieldSchema(compiled.definition.schema, path);
  const title = schema?.["x-title"] ?? schema?.title;
  return title === undefined ? undefined : localize(title as LocalizedText, languages);
}

function parseLimit(limit: number | undefined): number {
  if (limit === undefined) return PAGE_SIZE_DEFAULT;
  if (Number.isSafeInteger(limit) && limit >= 1 && limit <= PAGE_SIZE_MAX) return limit;
  throw new AttestryError("query_invalid", `limit must be 1 to ${PAGE_SIZE_MAX}`);
}

/** The log index before which a page begins. */
function parseCursor(cursor: string | undefined): number {
  if (cursor === undefined) return Number.POSITIVE_INFINITY;
  if (/^\d{1,15}$/.test(cursor)) return Number(cursor);
  throw new AttestryError("query_invalid", "the cursor is not one of ours; take it from the previous page");
}
