// What own records are called, many at once: for pages that refer to records. Gives no more than the caller may see.
import type { Caller } from "../identity/caller.ts";
import { isPermitted } from "../identity/permissions.ts";
import { PAGE_NAMES_MAX } from "../limits.ts";
import type { CompiledDefinition } from "../registries/compiled-definition.ts";
import type { RegistryService } from "../registries/registry-service.ts";
import type { Database } from "../storage/database.ts";
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
}): RecordNamesService {
  const { entity, database, registries, viewer } = deps;
  return {
    async findNames({ caller, hrefs, languages }) {
      const rids = [...new Set(hrefs)].slice(0, PAGE_NAMES_MAX).flatMap((href) => {
        const address = parseRecordUrl(href);
        return address?.entity === entity ? [address.rid] : [];
      });
      if (rids.length === 0) return new Map();
      const [rows, definitions] = await Promise.all([store.findRecords(database, rids), registries.list()]);
      const byName = new Map(definitions.map((compiled) => [compiled.definition.name, compiled]));
      return new Map(
        [...rows.values()].flatMap((row) => {
          const compiled = byName.get(row.record.registry);
          if (!compiled || !mayRead(caller, compiled)) return [];
          const { href, display } = viewer.view(row, compiled, caller, languages);
          return [[href, display] as const];
        }),
      );
    },
  };
}

function mayRead(caller: Caller, { definition }: CompiledDefinition): boolean {
  return isPermitted({ caller, action: "record.read", registry: definition.name, access: definition.access });
}
