// Names the records that may be the same as another: before a write is tried, and where one was refused for it. Writes nothing.

import type { JsonObject } from "../../crypto/json.ts";
import type { KeyGenerations } from "../../crypto/key-generations.ts";
import { AttestryError, type ErrorDetail } from "../../errors.ts";
import type { Caller } from "../../identity/caller.ts";
import { checkPermitted } from "../../identity/permissions.ts";
import { DUPLICATE_CANDIDATES_MAX } from "../../limits.ts";
import type { CompiledDefinition } from "../../registries/compiled-definition.ts";
import type { RegistryService } from "../../registries/registry-service.ts";
import type { Database } from "../../storage/database.ts";
import { findShown, type LogReadings, namedFields, type ShownRecord } from "../record-readings.ts";
import type { RecordSight } from "../record-sight.ts";
import { findRecords } from "../record-store.ts";
import type { RecordView } from "../record-view.ts";
import type { RecordViewer } from "../record-viewer.ts";
import { type IndexProgress, readIndexProgress } from "./index-progress-service.ts";
import { possibleDuplicate, readLikeRecords } from "./index-write-store.ts";
import { likenessMarks, readLikenessRow, rowKey } from "./record-index.ts";

/** A record that may be the same, and the rules that say so. */
export interface Candidate {
  readonly rid: string;
  readonly href: string;
  readonly identifier?: string;
  readonly display: string;
  readonly state: string;
  readonly rules: readonly string[];
}

/** Data that are to be written. */
export interface LikenessSource {
  readonly data: JsonObject;
  /** The writer says why it is no duplicate. */
  readonly isDistinct: boolean;
  /** The record that they amend, and what it says now. */
  readonly amends?: { readonly rid: string; readonly data: JsonObject };
}

export interface DuplicateService {
  /**
   * Records like `data`, but for `except`. For staff only: it tells whether somebody has these values. Of records outside the caller's
   * jurisdiction no more than how many there are: `elsewhere`.
   */
  find(options: {
    caller: Caller;
    registry: string;
    data: JsonObject;
    except?: string | undefined;
    languages?: readonly string[];
  }): Promise<{ candidates: readonly Candidate[]; elsewhere?: number; index?: IndexProgress }>;
  /** What a write of each of these would be refused with, also for being like an earlier one. */
  forecast(
    compiled: CompiledDefinition,
    rows: readonly (LikenessSource | undefined)[],
  ): Promise<(AttestryError | undefined)[]>;
  /** Refusals as they are told to a writer: with the addresses and names of the records that the writer may inspect, and without a word on others. */
  explain(options: { caller: Caller; registry: string; errors: readonly AttestryError[] }): Promise<AttestryError[]>;
}

export function createDuplicateService(deps: {
  database: Database;
  registries: RegistryService;
  viewer: RecordViewer;
  sight: RecordSight;
  searchKey: KeyGenerations;
  logReadings: LogReadings;
}): DuplicateService {
  const { database, registries, viewer, sight, searchKey } = deps;

  function marksOf(compiled: CompiledDefinition, data: JsonObject) {
    const registry = compiled.definition.name;
    return likenessMarks({ searchKey, compiled, data }).map((mark) => ({ registry, ...mark }));
  }

  return {
    async find({ caller, registry, data, except, languages }) {
      const compiled = await registries.getCurrent(registry);
      checkPermitted({ caller, action: "record.inspect", registry });
      const like = await readLikeRecords(database.sql, marksOf(compiled, data));
      const rulesOf = new Map<string, string[]>();
      for (const { rid, ...mark } of like)
        if (rid !== except) rulesOf.set(rid, [...(rulesOf.get(rid) ?? []), readLikenessRow(mark)!]);
      const found = [...rulesOf.keys()].slice(0, DUPLICATE_CANDIDATES_MAX);
      const inspected = await sight.findInspected({ caller, compiled, rids: found });
      const rids = found.filter((rid) => inspected.has(rid));
      const rows = await findRecords(database, rids);
      const shown: ShownRecord[] = [];
      const candidates = rids.flatMap((rid) => {
        const row = rows.get(rid);
        if (!row) return [];
        const view = viewer.view(row, compiled, true, languages);
        shown.push(...findCompared(view, compiled, rulesOf.get(rid)!));
        const { href, identifier, display, state } = view;
        return { rid, href, ...(identifier !== undefined && { identifier }), display, state, rules: rulesOf.get(rid)! };
      });
      await deps.logReadings(shown, caller, "compare");
      const index = await readIndexProgress({ database, registries, compiled });
      const elsewhere = found.length - rids.length;
      return { candidates, ...(elsewhere > 0 && { elsewhere }), ...(index && { index }) };
    },

    async forecast(compiled, rows) {
      const registry = compiled.definition.name;
      const marks = rows.map((row) => (row ? marksOf(compiled, row.data) : []));
      const like = new Map<string, string[]>();
      for (const { rid, ...mark } of await readLikeRecords(database.sql, marks.flat()))
        like.set(rowKey(mark), [...(like.get(rowKey(mark)) ?? []), rid]);
      const earlier = new Map<string, number>();
      return rows.map((row, at) => {
        const before = new Set(row?.amends ? marksOf(compiled, row.amends.data).map(rowKey) : []);
        const own = row === undefined || row.isDistinct ? [] : marks[at]!.filter((mark) => !before.has(rowKey(mark)));
        const known = own.flatMap((mark) =>
          (like.get(rowKey(mark)) ?? [])
            .filter((rid) => rid !== row?.amends?.rid)
            .map((rid) => ({ rule: readLikenessRow(mark)!, rid })),
        );
        const twin = own.find((mark) => earlier.has(rowKey(mark)));
        const first = twin && earlier.get(rowKey(twin))! + 1;
        for (const mark of marks[at]!) if (!earlier.has(rowKey(mark))) earlier.set(rowKey(mark), at);
        if (known.length > 0) return possibleDuplicate(registry, known);
        return first === undefined
          ? undefined
          : new AttestryError(
              "possible_duplicate",
              `row ${first} of the same request may be the same; if it is not, say why in act.distinct`,
            );
      });
    },

    async explain({ caller, registry, errors }) {
      const rids = errors.flatMap((error) => error.details.flatMap((detail) => detail.rid ?? []));
      if (rids.length === 0) return [...errors];
      const compiled = await registries.getCurrent(registry);
      const rows = await findRecords(database, [...new Set(rids)]);
      const inspected = await sight.findInspected({ caller, compiled, rids: [...rows.keys()] });
      const shown: ShownRecord[] = [];
      const explain = (detail: ErrorDetail): ErrorDetail => {
        const row = detail.rid === undefined ? undefined : rows.get(detail.rid);
        if (!row || row.record.registry !== registry) return detail;
        if (!inspected.has(row.record.rid))
          return { field: detail.field, message: `${detail.message}, in another jurisdiction` };
        const view = viewer.view(row, compiled, true);
        shown.push(...findCompared(view, compiled, undefined));
        return { ...detail, href: view.href, display: view.display };
      };
      const explained = errors.map((error) =>
        error.code === "possible_duplicate"
          ? new AttestryError(error.code, error.message, { details: error.details.map(explain), cause: error })
          : error,
      );
      await deps.logReadings(shown, caller, "compare");
      return explained;
    },
  };
}

/** Whoever is told that a record is alike is told its name, and that it has the same values; by which rules, where that is known. */
function findCompared(
  view: RecordView,
  compiled: CompiledDefinition,
  rules: readonly string[] | undefined,
): ShownRecord[] {
  const meant = compiled.rules.duplicates.filter(({ name }) => rules === undefined || rules.includes(name));
  const compared = meant.flatMap(({ fields }) => fields.map(({ name }) => name));
  return [findShown(view, compiled, [...namedFields(compiled), ...compared]) ?? []].flat();
}
