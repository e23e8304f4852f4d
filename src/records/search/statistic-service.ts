// Counts of a registry's active records by the fields that its definition names, without those that would tell of single persons.

import { decodeBase64 } from "../../crypto/base64.ts";
import { decodeUtf8 } from "../../crypto/hash.ts";
import { canonicalJson, type Json } from "../../crypto/json.ts";
import { type KeyGenerations, mapGenerations, unsealAny } from "../../crypto/key-generations.ts";
import { AttestryError } from "../../errors.ts";
import { createExpiringCache } from "../../expiring-cache.ts";
import type { Caller } from "../../identity/caller.ts";
import { checkPermitted, isOpenTo } from "../../identity/permissions.ts";
import { STATISTIC_CELLS_MAX, STATISTIC_SECONDS, STATISTIC_TABLES_REMEMBERED_MAX } from "../../limits.ts";
import type { CompiledDefinition } from "../../registries/compiled-definition.ts";
import type { CompiledStatistic } from "../../registries/index-rules.ts";
import type { RegistryService } from "../../registries/registry-service.ts";
import type { Database } from "../../storage/database.ts";
import type { RecordSight } from "../record-sight.ts";
import { type IndexProgress, readIndexProgress } from "./index-progress-service.ts";
import { cellAad, cellKey } from "./record-index.ts";
import { type CountedCell, suppressSmallCells } from "./small-cells.ts";
import { listCounts, type StoredCount } from "./statistic-store.ts";

export interface StatisticView {
  readonly name: string;
  readonly registry: string;
  readonly fields: readonly string[];
  /** Counts below it are not shown, and others that would give them away are not either. */
  readonly smallest: number;
  /** Whether some are not shown. */
  readonly withheld: boolean;
  /** Of a field that a record lacks the value is null. */
  readonly counts: readonly { readonly values: Readonly<Record<string, Json>>; readonly count: number }[];
  readonly index?: IndexProgress;
}

export interface StatisticService {
  list(options: { caller: Caller; registry: string }): Promise<{ name: string; fields: readonly string[] }[]>;
  /** Throws `statistic_unknown`, `search_too_broad` where it has more cells than can be shown together. */
  get(options: { caller: Caller; registry: string; name: string }): Promise<StatisticView>;
}

type ShownCounts = ReadonlyMap<string, Pick<StatisticView, "counts" | "withheld">>;

export function createStatisticService(deps: {
  database: Database;
  registries: RegistryService;
  sight: Pick<RecordSight, "checkWhole">;
  searchKey: KeyGenerations;
  clock: () => number;
}): StatisticService {
  const { database, registries, searchKey } = deps;
  // What may be shown of one statistic depends on all of a registry: they are worked out together, and from one state of the counts.
  const shown = createExpiringCache<ShownCounts>({
    load: async (key) => {
      const [registry, version] = JSON.parse(key) as [string, number];
      return {
        value: await loadShown(await registries.getVersion(registry, version)),
        expiresAt: deps.clock() + STATISTIC_SECONDS,
      };
    },
    entriesMax: STATISTIC_TABLES_REMEMBERED_MAX,
    failureSeconds: 0,
    clock: deps.clock,
  });

  async function getPermitted({ caller, registry }: { caller: Caller; registry: string }): Promise<CompiledDefinition> {
    const compiled = await registries.getCurrent(registry);
    const { access } = compiled.definition;
    checkPermitted({ caller, action: "record.read", registry, access });
    // Counts are of all of a registry: who is bound to a part of it gets those that everybody gets.
    if (!isOpenTo(caller, access)) deps.sight.checkWhole({ caller, compiled });
    return compiled;
  }

  async function loadShown(compiled: CompiledDefinition): Promise<ShownCounts> {
    const registry = compiled.definition.name;
    const { statistics } = compiled.rules;
    const names = [...new Set(statistics.map(({ identity }) => identity))];
    const stored = await listCounts(database, { registry, names, limit: STATISTIC_CELLS_MAX + 1 });
    if (stored.length > STATISTIC_CELLS_MAX) {
      throw new AttestryError(
        "search_too_broad",
        `the statistics of "${registry}" have more than ${STATISTIC_CELLS_MAX} cells together; count by fewer or coarser fields`,
      );
    }
    const rows = statistics.map((statistic) =>
      mergeCells(
        stored
          .filter(({ name }) => name === statistic.identity)
          .map((row) => ({ count: row.count, values: readLabel(registry, statistic, row) })),
      ),
    );
    const tables = statistics.map(({ fields, smallest }, at) => ({
      fields: fields.map((field) => field.name),
      smallest,
      cells: rows[at]!,
    }));
    const kept = suppressSmallCells(tables);
    return new Map(
      statistics.map(({ name, fields }, at) => [
        name,
        {
          withheld: kept[at]!.length < rows[at]!.length,
          counts: kept[at]!.map(({ values, count }) => ({
            values: Object.fromEntries(fields.map((field, i) => [field.name, JSON.parse(values[i]!) as Json])),
            count,
          })).sort((a, b) => (canonicalJson(a.values) < canonicalJson(b.values) ? -1 : 1)),
        },
      ]),
    );
  }

  function readLabel(registry: string, statistic: CompiledStatistic, { name, cell, label }: StoredCount): Json[] {
    if (!statistic.personal) return JSON.parse(label) as Json[];
    const plaintext = unsealAny(mapGenerations(searchKey, cellKey), {
      aad: cellAad({ registry, name, cell }),
      sealed: decodeBase64(label),
    });
    return JSON.parse(decodeUtf8(plaintext)) as Json[];
  }

  return {
    async list(options) {
      const compiled = await getPermitted(options);
      return compiled.rules.statistics.map(({ name, fields }) => ({ name, fields: fields.map((field) => field.name) }));
    },

    async get({ name, ...options }) {
      const compiled = await getPermitted(options);
      const { registry } = options;
      const statistic = compiled.rules.statistics.find((one) => one.name === name);
      if (!statistic) {
        const known = compiled.rules.statistics.map((one) => one.name).join(", ") || "none";
        throw new AttestryError(
          "statistic_unknown",
          `"${registry}" has no statistic "${name.slice(0, 80)}"; it has: ${known}`,
        );
      }
      const [all, index] = await Promise.all([
        shown.get(JSON.stringify([registry, compiled.version])),
        readIndexProgress({ database, registries, compiled }),
      ]);
      const { counts, withheld } = all.get(name)!;
      const fields = statistic.fields.map((field) => field.name);
      return { name, registry, fields, smallest: statistic.smallest, withheld, counts, ...(index && { index }) };
    },
  };
}

/** One cell per values: while keys are being replaced, those of a cell are counted under both. */
function mergeCells(rows: readonly { readonly values: readonly Json[]; readonly count: number }[]): CountedCell[] {
  const cells = new Map<string, { values: string[]; count: number }>();
  for (const { values, count } of rows) {
    const texts = values.map(canonicalJson);
    const key = JSON.stringify(texts);
    const known = cells.get(key);
    if (known) known.count += count;
    else cells.set(key, { values: texts, count });
  }
  return [...cells.values()];
}
