// Finds records of a registry by what stands in them, and lists them page by page.
import type { Json } from "../crypto/json.ts";
import { AttestryError } from "../errors.ts";
import type { Caller } from "../identity/caller.ts";
import { checkPermitted } from "../identity/permissions.ts";
import { PAGE_SIZE_DEFAULT, PAGE_SIZE_MAX } from "../limits.ts";
import type { CompiledDefinition } from "../registries/compiled-definition.ts";
import type { RegistryService } from "../registries/registry-service.ts";
import type { Database } from "../storage/database.ts";
import { searchableFields, searchDigest } from "./record-keys.ts";
import * as store from "./record-store.ts";
import type { RecordView } from "./record-view.ts";
import type { RecordViewer } from "./record-viewer.ts";

export interface RecordPage {
  readonly records: readonly RecordView[];
  readonly next: string | undefined;
}

export interface RecordSearchService {
  /** Exact search by the fields of one unique key, or by `identifier`; none lists everything in the order of creation. */
  find(options: {
    caller: Caller;
    registry: string;
    fields: Readonly<Record<string, Json>>;
    cursor: string | undefined;
    limit: number | undefined;
    /** Whether the fields stand in an address: their values are texts, and personal ones are refused. */
    inAddress: boolean;
  }): Promise<RecordPage>;
}

export function createRecordSearchService(deps: {
  database: Database;
  registries: RegistryService;
  viewer: RecordViewer;
  searchKey: Uint8Array;
}): RecordSearchService {
  const { database, registries, searchKey } = deps;
  const { view } = deps.viewer;
  return {
    async find({ caller, registry, fields, cursor, limit, inAddress }) {
      const compiled = await registries.getCurrent(registry);
      checkPermitted({ caller, action: "record.read", registry, access: compiled.definition.access });
      const names = Object.keys(fields);
      if (names.length === 0) return listPage({ caller, compiled, cursor, limit });
      const search = searchDigest({ searchKey, compiled, fields, spelled: inAddress });
      if (!search) throw unknownSearch(compiled, names);
      if (search.personal && inAddress) {
        throw new AttestryError(
          "query_invalid",
          "personal fields do not belong in an address; search with POST …/records:search",
        );
      }
      // Whoever may not see a personal value may not learn either whether somebody has it.
      if (search.personal) checkPermitted({ caller, action: "record.read", registry });
      const { digest } = search;
      const rid = (await store.findKeyHolders(database, [digest])).get(digest);
      const row = rid === undefined ? undefined : await store.findRecord(database, { rid });
      return { records: row ? [view(row, compiled, caller)] : [], next: undefined };
    },
  };

  async function listPage(options: {
    caller: Caller;
    compiled: CompiledDefinition;
    cursor: string | undefined;
    limit: number | undefined;
  }): Promise<RecordPage> {
    const limit = options.limit ?? PAGE_SIZE_DEFAULT;
    if (!Number.isSafeInteger(limit) || limit < 1 || limit > PAGE_SIZE_MAX)
      throw new AttestryError("query_invalid", `limit must be 1 to ${PAGE_SIZE_MAX}`);
    if (options.cursor !== undefined && !/^\d{1,15}$/.test(options.cursor))
      throw new AttestryError("query_invalid", "the cursor is not one of ours; take it from the previous page");
    const after = options.cursor === undefined ? -1 : Number(options.cursor);
    const rows = await store.listRecords(database, {
      registry: options.compiled.definition.name,
      after,
      limit: limit + 1,
    });
    const shown = rows.slice(0, limit);
    return {
      records: shown.map((row) => view(row, options.compiled, options.caller)),
      next: rows.length > limit ? String(shown.at(-1)!.record.firstIndex) : undefined,
    };
  }
}

function unknownSearch(compiled: CompiledDefinition, names: readonly string[]): AttestryError {
  const known = searchableFields(compiled).map((fields) => fields.join(" + "));
  const wanted = names.slice(0, 10).map((name) => `"${name.slice(0, 80)}"`);
  return new AttestryError(
    "query_invalid",
    `cannot search by ${wanted.join(", ")}; this registry is searched by: ${known.join("; ") || "nothing"}`,
  );
}
