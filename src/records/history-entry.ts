// One entry of a record's history in words, as far as its reader may know. Pure but for the sealer it is handed.
import { formatSeconds } from "../clock.ts";
import { isJsonObject, type Json, type JsonObject } from "../crypto/json.ts";
import type { CompiledDefinition } from "../registries/compiled-definition.ts";
import { describeField, describeReason } from "../registries/field-texts.ts";
import { type ComparedVersion, changedFields, type FieldChange, findChanges } from "./record-changes.ts";
import { findOpened, type ShownRecord } from "./record-readings.ts";
import type { RecordSealer } from "./record-sealer.ts";
import type { StoredChange, StoredRecord, StoredVersion } from "./record-store.ts";
import { findPredecessor, type StateChange, type VersionPeriod } from "./record-timeline.ts";
import { openSecrets, openStatement, readClaims } from "./record-view.ts";

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
  /** Those without whose approval it would not have been done, by role and pseudonym. */
  readonly approved?: readonly { readonly role: string; readonly by: string }[];
}

/** One entry of the log about a record: a version, or a change of state by a statement. */
export interface HistoryEntry {
  readonly log_index: number;
  readonly recorded_at: string;
  readonly operation: string;
  readonly act: HistoryAct;
  readonly version?: number;
  /** Of a version: what it said is destroyed. */
  readonly erased?: true;
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
  /** Of the erasure of one version, which. */
  readonly erased_version?: number;
  readonly statement?: string;
  readonly links: { readonly version?: string; readonly receipt?: string };
}

export interface HistoryVersion extends VersionPeriod {
  readonly logIndex: number;
  readonly isErased: boolean;
}

export interface HistoryChange extends StateChange {
  readonly logIndex: number;
  readonly erasedVersion: number | null;
}

/** What the entries of a page are made of. `versions` and `statements` lack what was erased. */
export interface HistoryContext {
  readonly href: string;
  readonly record: StoredRecord;
  readonly compiled: CompiledDefinition;
  readonly periods: readonly HistoryVersion[];
  readonly versions: ReadonlyMap<number, StoredVersion>;
  readonly statements: ReadonlyMap<number, StoredChange>;
  readonly sealer: RecordSealer;
  readonly seesPersonal: boolean;
  readonly languages: readonly string[];
}

export function describeVersion(period: HistoryVersion, context: HistoryContext): HistoryEntry {
  const { href, compiled, versions, languages } = context;
  const base = {
    log_index: period.logIndex,
    recorded_at: formatSeconds(period.recordedAt),
    version: period.version,
  };
  const read = readVersion(period.version, context);
  // What was erased leaves its place in the log.
  if (!read) return { ...base, operation: period.version === 1 ? "create" : "amend", erased: true, act: {}, links: {} };
  const { claims, withheld } = read;
  const predecessor = findPredecessor(
    context.periods.filter(({ isErased }) => !isErased),
    period,
  );
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
        changes: findChanges(
          comparable(before.claims),
          comparable(claims),
          (path) => describeField(compiled.definition, { path, languages }).title,
        ),
      }),
    withheld,
    links: {
      version: `${href}?version=${period.version}`,
      ...(compiled.definition.access === "public" && { receipt: `${href}/receipt?version=${period.version}` }),
    },
  };
}

function readVersion(number: number, { record, versions, sealer, seesPersonal }: HistoryContext) {
  const version = versions.get(number);
  if (!version) return undefined;
  return readClaims(version.jwt, () =>
    seesPersonal ? openSecrets(sealer, { record, version }).secrets.disclosures : [],
  );
}

export function describeChange(change: HistoryChange, context: HistoryContext): HistoryEntry {
  const { href, record, compiled, statements, sealer, seesPersonal, languages } = context;
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
    ...(change.erasedVersion !== null && { erased_version: change.erasedVersion }),
    statement: stored.statement,
    links: compiled.definition.access === "public" ? { receipt: `${href}/receipt?state=${change.number}` } : {},
  };
}

/** What an entry shows of a version and of the one that it is compared with: its ground, and of the data what changed. */
export function findHistoryShown(
  { version, compared_with, changes = [] }: Pick<HistoryEntry, "version" | "compared_with" | "changes">,
  { record, compiled, versions, sealer }: HistoryContext,
): ShownRecord[] {
  const changed = changedFields(changes);
  return [version, compared_with].flatMap((number) => {
    const stored = number === undefined ? undefined : versions.get(number);
    if (!stored || record.sealedKey === null) return [];
    const { disclosures } = openSecrets(sealer, { record, version: stored }).secrets;
    const { registry, rid } = record;
    return (
      findOpened({ registry, rid, version: stored.version, jwt: stored.jwt, disclosures }, compiled, changed) ?? []
    );
  });
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
  const text =
    known.reason === undefined ? undefined : describeReason(compiled.definition, { code: known.reason, languages });
  const approved = (Array.isArray(act.approved) ? act.approved : [])
    .filter(isJsonObject)
    .map(({ role, by }) => ({ role: String(role), by: String(by) }));
  return { ...known, ...(approved.length > 0 && { approved }), ...(text !== undefined && { reason_text: text }) };
}
