// What own records are called, many at once: for pages that refer to records. Gives no more than the caller may see.
import type { Caller } from "../identity/caller.ts";
import { PAGE_NAMES_MAX } from "../limits.ts";
import type { RegistryService } from "../registries/registry-service.ts";
import type { Database } from "../storage/database.ts";
import { findShown, type LogReadings, namedFields, type ShownRecord } from "./record-readings.ts";
import type { RecordSight } from "./record-sight.ts";
import * as store from "./record-store.ts";
import { parseRecordUrl } from "./record-url.ts";
import type { RecordViewer } from "./record-viewer.ts";

export interface RecordNamesService {
  /** The names by URL; a record that is not here, or that the caller may not read, has none. At most PAGE_NAMES_MAX are looked up. */
  findNames(options: {
    caller: Caller;
    hrefs: readonly string[];
    languages: readonly string[];
  }): Promise<ReadonlyMap<string, string>>;
}

export function createRecordNamesService(deps: {
  entity: string;
  database: Database;
  registries: Pick<RegistryService, "list">;
  viewer: RecordViewer;
  sight: RecordSight;
  logReadings: LogReadings;
}): RecordNamesService {
  const { entity, database, registries, viewer, sight } = deps;
  return {
    async findNames({ caller, hrefs, languages }) {
      const rids = [...new Set(hrefs)].slice(0, PAGE_NAMES_MAX).flatMap((href) => {
        const address = parseRecordUrl(href);
        return address?.entity === entity ? [address.rid] : [];
      });
      if (rids.length === 0) return new Map();
      const [rows, definitions] = await Promise.all([store.findRecords(database, rids), registries.list()]);
      const byName = new Map(definitions.map((compiled) => [compiled.definition.name, compiled]));
      const names = new Map<string, string>();
      const shown: ShownRecord[] = [];
      for (const [registry, ofRegistry] of groupByRegistry(rows.values())) {
        const compiled = byName.get(registry);
        if (!compiled) continue;
        const asked = { caller, compiled, rids: ofRegistry.map(({ record }) => record.rid) };
        const [readable, inspected] = await Promise.all([sight.findReadable(asked), sight.findInspected(asked)]);
        for (const row of ofRegistry.filter(({ record }) => readable.has(record.rid))) {
          const view = viewer.view(row, compiled, inspected.has(row.record.rid), languages);
          names.set(view.href, view.display);
          shown.push(...[findShown(view, compiled, namedFields(compiled)) ?? []].flat());
        }
      }
      await deps.logReadings(shown, caller, "name");
      return names;
    },
  };
}

function groupByRegistry(rows: Iterable<store.RecordRow>): Map<string, store.RecordRow[]> {
  const groups = new Map<string, store.RecordRow[]>();
  for (const row of rows) groups.set(row.record.registry, [...(groups.get(row.record.registry) ?? []), row]);
  return groups;
}
