// Finds records of a registry by what stands in them, sorts and counts them, and lists them page by page.
import type { KeyGenerations } from "../../crypto/key-generations.ts";
import { AttestryError } from "../../errors.ts";
import type { Caller } from "../../identity/caller.ts";
import { checkPermitted } from "../../identity/permissions.ts";
import { DATABASE_BOUNDED_STATEMENT_MS, SEARCH_COUNT_MAX } from "../../limits.ts";
import type { CompiledDefinition } from "../../registries/compiled-definition.ts";
import type { RegistryService } from "../../registries/registry-service.ts";
import { type Database, isStatementTimeout } from "../../storage/database.ts";
import { cutPage } from "../cut-page.ts";
import { findShown, type LogReadings, namedFields } from "../record-readings.ts";
import type { RecordSealer } from "../record-sealer.ts";
import type { JurisdictionMark, RecordSight, Sight } from "../record-sight.ts";
import { findRecords, type RecordRow } from "../record-store.ts";
import { openSecrets, type RecordView, readFullData } from "../record-view.ts";
import type { RecordViewer } from "../record-viewer.ts";
import { type IndexProgress, readIndexProgress } from "./index-progress-service.ts";
import { dataKeys, identifierKeys } from "./record-keys.ts";
import { parseQuery, type RecordQuery, type SearchRequest } from "./record-query.ts";
import {
  countInState,
  createSearchQueries,
  type FoundRow,
  findHolders,
  findMarkedRecords,
  type SearchPlan,
} from "./record-search-store.ts";
import { keepOpenlyHeld } from "./sealed-key-service.ts";
import { formatCursor, parseCursor, type SearchPosition } from "./search-cursor.ts";

/** How many records a search finds: exactly, or more than `value`. */
export interface MatchCount {
  readonly value: number;
  readonly relation: "exact" | "more_than";
}

export interface RecordPage {
  readonly records: readonly RecordView[];
  readonly next?: string;
  readonly count?: MatchCount;
  /** There while older records are not yet found by all that the definition says. */
  readonly index?: IndexProgress;
}

export interface FindOptions extends SearchRequest {
  readonly caller: Caller;
  readonly registry: string;
  readonly languages?: readonly string[];
  /** Whoever asks is told no more than what the records are called. */
  readonly namesOnly?: true;
}

export interface RecordSearchService {
  /**
   * Records that meet all conditions; without any, all of the registry. Throws `query_invalid`, `search_too_broad`, and
   * `authentication_required` or `permission_denied` where something personal is asked for.
   */
  find(options: FindOptions): Promise<RecordPage>;
}

interface SearchContext {
  readonly compiled: CompiledDefinition;
  readonly caller: Caller;
}

export function createRecordSearchService(deps: {
  database: Database;
  registries: RegistryService;
  viewer: RecordViewer;
  sealer: RecordSealer;
  sight: RecordSight;
  searchKey: KeyGenerations;
  logReadings: LogReadings;
}): RecordSearchService {
  const { database, registries, viewer, sealer, sight, searchKey } = deps;

  return {
    async find(options) {
      const { caller, registry } = options;
      const compiled = await registries.getCurrent(registry);
      checkPermitted({ caller, action: "record.read", registry, access: compiled.definition.access });
      const query = parseQuery(options, { searchKey, compiled });
      checkPersonal(query, options);
      const { within } = sight.describe({ caller, compiled, personal: query.personal });
      const source = { searchKey, registry, query };
      const after = options.cursor === undefined ? undefined : parseCursor(source, options.cursor);
      const [{ found, count }, index] = await Promise.all([
        search(query, { compiled, caller, after, within }),
        readIndexProgress({ database, registries, compiled }),
      ]);
      const shown = cutPage(found.slice(0, query.limit), ({ row }) => row.version.jwt.length);
      const last = shown.at(-1);
      const inspected = await sight.findInspected({ caller, compiled, rids: shown.map(({ row }) => row.record.rid) });
      const records = shown.map(({ row }) =>
        viewer.view(row, compiled, inspected.has(row.record.rid), options.languages),
      );
      const only = options.namesOnly && namedFields(compiled);
      const readings = records.flatMap((view) =>
        inspected.has(view.rid) ? (findShown(view, compiled, only) ?? []) : [],
      );
      await deps.logReadings(readings, caller, "search");
      return {
        records,
        ...(found.length > shown.length && last && { next: formatCursor(source, last.position) }),
        ...(count && { count }),
        ...(index && { index }),
      };
    },
  };

  function checkPersonal(query: RecordQuery, { caller, registry, inAddress }: FindOptions): void {
    if (!query.personal) return;
    if (inAddress) {
      throw new AttestryError(
        "query_invalid",
        "personal fields do not belong in an address; search with POST …/records:search",
      );
    }
    // Whoever may not see a personal value may not learn either whether somebody has it.
    checkPermitted({ caller, action: "record.inspect", registry });
  }

  async function search(
    query: RecordQuery,
    { compiled, caller, after, within }: SearchContext & { after: SearchPosition | undefined; within: Sight["within"] },
  ): Promise<{ found: FoundRow[]; count: MatchCount | undefined }> {
    const registry = compiled.definition.name;
    const among = await findAmong(query, { compiled, caller, within });
    if (among?.length === 0) return { found: [], count: query.count ? { value: 0, relation: "exact" } : undefined };
    const plan: SearchPlan = { registry, query, among, within };
    if (isPlainKeySearch(query)) return findByKey(query, plan.among!, after);
    const isCountKept = query.conditions.length === 0 && among === undefined && !query.at && within === undefined;
    const isFormerKey = query.at !== undefined && among !== undefined;
    const { found, counted } = await withinTime(async () => {
      const queries = createSearchQueries(database.bounded, plan);
      const wanted = query.limit + 1;
      if (isFormerKey) return findHoldersThen(queries, query, { after, wanted });
      const page = await queries.findPage({ after, limit: wanted });
      return { found: page, counted: query.count && !isCountKept ? await queries.countMatches() : undefined };
    });
    if (!query.count) return { found, count: undefined };
    if (isCountKept) {
      const value = await countInState(database, { registry, state: query.state });
      return { found, count: { value, relation: "exact" } };
    }
    return {
      found,
      count:
        counted! > SEARCH_COUNT_MAX
          ? { value: SEARCH_COUNT_MAX, relation: "more_than" }
          : { value: counted!, relation: "exact" },
    };
  }

  /** The records that hold all keys of a query, by rid; undefined where it has none. */
  async function findAmong(
    query: RecordQuery,
    { within, ...context }: SearchContext & { within: Sight["within"] },
  ): Promise<string[] | undefined> {
    const registry = context.compiled.definition.name;
    const everHeld = query.at !== undefined;
    const sets = await Promise.all(query.keys.map((key) => findHolders(database, { registry, key, everHeld })));
    if (sets.length === 0) return undefined;
    const among = sets.reduce((all, some) => all.filter((rid) => some.includes(rid)));
    const registered = within === undefined ? among : await findMarked(context, among, within);
    return keepOpenlyHeld(database, { ...context, registries, sight, rids: registered, ever: everHeld });
  }

  async function findMarked({ compiled }: SearchContext, rids: readonly string[], marks: readonly JurisdictionMark[]) {
    const kept = await findMarkedRecords(database, { registry: compiled.definition.name, rids, marks });
    return rids.filter((rid) => kept.has(rid));
  }

  // The commonest search, by a code: one round trip less.
  async function findByKey(query: RecordQuery, among: readonly string[], after: SearchPosition | undefined) {
    const rows = after ? [] : [...(await findRecords(database, among)).values()];
    const count: MatchCount | undefined = query.count ? { value: rows.length, relation: "exact" } : undefined;
    return {
      found: rows.map((row) => ({ row, position: { value: undefined, firstIndex: row.record.firstIndex } })),
      count,
    };
  }

  /** A page, and the count, of records that ever held a key: as many are looked at as it takes to find those that held it then. */
  async function findHoldersThen(
    queries: ReturnType<typeof createSearchQueries>,
    query: RecordQuery,
    { after, wanted }: { after: SearchPosition | undefined; wanted: number },
  ): Promise<{ found: FoundRow[]; counted: number | undefined }> {
    const walk = async (from: SearchPosition | undefined, most: number): Promise<FoundRow[]> => {
      const found: FoundRow[] = [];
      for (let position = from; found.length < most; ) {
        const page = await queries.findPage({ after: position, limit: wanted });
        found.push(...(await keepHolders(page, query)));
        position = page.at(-1)?.position;
        if (page.length < wanted) break;
      }
      return found.slice(0, most);
    };
    const found = await walk(after, wanted);
    return { found, counted: query.count ? (await walk(undefined, SEARCH_COUNT_MAX + 1)).length : undefined };
  }

  /** Of records that ever held a key, those that held it in the version that is asked for. */
  async function keepHolders(found: readonly FoundRow[], query: RecordQuery): Promise<FoundRow[]> {
    const kept = await Promise.all(
      found.map(async (one) => {
        const digests = await keysOf(one.row);
        return query.keys.every(({ digest }) => digests.has(digest)) ? [one] : [];
      }),
    );
    return kept.flat();
  }

  async function keysOf(row: RecordRow): Promise<Set<string>> {
    const { jwt, definitionVersion } = row.version;
    const compiled = await registries.getVersion(row.record.registry, definitionVersion);
    const { disclosures } = openSecrets(sealer, row).secrets;
    const data = readFullData(jwt, disclosures);
    const identifier = row.record.identifier ?? undefined;
    const keys = [...dataKeys({ searchKey, compiled, data }), ...identifierKeys({ searchKey, compiled, identifier })];
    return new Set(keys.map((key) => key.digest));
  }

  async function withinTime<Result>(body: () => Promise<Result>): Promise<Result> {
    try {
      return await body();
    } catch (error) {
      if (!isStatementTimeout(error)) throw error;
      throw new AttestryError(
        "search_too_broad",
        `the search was not done within ${DATABASE_BOUNDED_STATEMENT_MS / 1_000} s; ask for more, leave out the count, or sort by a field that you ask for`,
        { cause: error },
      );
    }
  }
}

function isPlainKeySearch({ keys, conditions, state, at }: RecordQuery): boolean {
  return keys.length > 0 && conditions.length === 0 && state === undefined && !at;
}
