// What a search asks, read from an address or a body and checked against what the registry can be searched by. Pure.

import { isJsonObject, type Json, type JsonObject } from "../../crypto/json.ts";
import type { KeyedDigest, KeyGenerations } from "../../crypto/key-generations.ts";
import { AttestryError, type ErrorDetail } from "../../errors.ts";
import { PAGE_SIZE_DEFAULT, PAGE_SIZE_MAX, SEARCH_CONDITIONS_MAX } from "../../limits.ts";
import type { SearchField } from "../../registries/annotations.ts";
import type { CompiledDefinition } from "../../registries/compiled-definition.ts";
import { RECORD_STATES } from "../record-states.ts";
import { parseCoordinates, type TimeCoordinates } from "../record-timeline.ts";
import { chooseKeys, searchableFields, searchName } from "./record-keys.ts";
import { parseTest, type ValueTest } from "./value-test.ts";

/** A search as it came. In an address (`inAddress`) values are texts, and `fields` holds all parameters but cursor and limit. */
export interface SearchRequest {
  readonly fields: Readonly<Record<string, Json>>;
  readonly inAddress: boolean;
  readonly cursor?: string | undefined;
  readonly limit?: number | undefined;
  readonly state?: string | undefined;
  readonly sort?: string | undefined;
  readonly count?: boolean | undefined;
  readonly asOf?: string | undefined;
  readonly validAt?: string | undefined;
}

/** What a field must be: `value` as it stands in the index. */
export interface Condition {
  readonly field: SearchField;
  readonly test: ValueTest;
}

export interface RecordQuery {
  /** Keyed hashes of unique keys that the record must hold. */
  readonly keys: readonly KeyedDigest[];
  readonly conditions: readonly Condition[];
  readonly state: string | undefined;
  /** By a field, or in the order of recording. */
  readonly sort: { readonly field: SearchField | undefined; readonly descending: boolean };
  readonly at: TimeCoordinates | undefined;
  readonly count: boolean;
  readonly limit: number;
  /** Whether something personal is asked for. */
  readonly personal: boolean;
}

const TESTS = ["prefix", "gte", "gt", "lte", "lt"];
const BRACKETS = /^(.+)\[([^[\]]*)\]$/;
const SEARCHED_STATES: readonly string[] = RECORD_STATES.filter((state) => state !== "erased");

/** Throws `query_invalid` with a detail per fault, naming what can be searched. */
export function parseQuery(
  request: SearchRequest,
  source: { readonly searchKey: KeyGenerations; readonly compiled: CompiledDefinition },
): RecordQuery {
  const { compiled } = source;
  const { fields, ...options } = request.inAddress ? readAddress(request) : request;
  const entries = Object.entries(fields);
  if (entries.length > SEARCH_CONDITIONS_MAX)
    throw invalid(`${entries.length} conditions; at most ${SEARCH_CONDITIONS_MAX} can be combined`);
  const searched = new Map(
    compiled.annotations.searchFields.map((field) => [
      searchName(
        compiled,
        field.path.filter((segment) => segment !== "*"),
      ),
      field,
    ]),
  );
  const values = Object.fromEntries(entries.filter(([, value]) => !isJsonObject(value)));
  const others = entries.filter(([name]) => !searched.has(name)).map(([name]) => name);
  const chosen = chooseKeys({ ...source, values, others, spelled: request.inAddress });
  if (chosen === undefined) throw unknownSearch(compiled, others);
  const details: ErrorDetail[] = [];
  const conditions = entries.flatMap(([name, wanted]): Condition[] => {
    const field = searched.get(name);
    if (!field) return [];
    const test = parseTest(wanted, {
      field,
      inAddress: request.inAddress,
      details,
      searchKey: source.searchKey,
      registry: compiled.definition.name,
    });
    return test ? [{ field, test }] : [];
  });
  if (details.length > 0) throw invalid(details.map(({ field, message }) => `${field} ${message}`).join("; "), details);
  const { asOf, validAt } = options;
  return {
    keys: chosen,
    conditions,
    state: readState(options.state),
    sort: readSort(options.sort, compiled),
    at: parseCoordinates({ asOf, validAt }),
    count: options.count ?? false,
    limit: readLimit(options.limit),
    personal: chosen.some((key) => key.personal) || conditions.some(({ field }) => field.personal),
  };
}

/** Takes the parameters that are no fields out of an address, and gathers `name[gte]` and `name[lt]` under `name`. */
function readAddress({ fields: parameters, ...rest }: SearchRequest): SearchRequest {
  const { recordState, sort, count, asOf, validAt, ...named } = parameters as Record<string, string>;
  const fields = new Map<string, Json>();
  for (const [parameter, value] of Object.entries(named)) {
    const [, name, test] = BRACKETS.exec(parameter) ?? [];
    if (name === undefined || test === undefined) {
      if (fields.has(parameter)) throw invalid(`"${shorten(parameter)}" is given as a value and with a condition`);
      fields.set(parameter, value);
      continue;
    }
    const before = fields.get(name) ?? {};
    if (!isJsonObject(before)) throw invalid(`"${shorten(name)}" is given as a value and with a condition`);
    fields.set(name, { ...before, [test]: value });
  }
  if (count !== undefined && count !== "true" && count !== "false") throw invalid('"count" must be true or false');
  // Unlike assignment, this makes a member of its own even of "__proto__".
  return {
    ...rest,
    fields: Object.fromEntries(fields),
    state: rest.state ?? recordState,
    sort: rest.sort ?? sort,
    asOf: rest.asOf ?? asOf,
    validAt: rest.validAt ?? validAt,
    count: rest.count ?? count === "true",
  };
}

function readState(state: string | undefined): string | undefined {
  if (state === undefined || SEARCHED_STATES.includes(state)) return state;
  throw invalid(`the state must be one of ${SEARCHED_STATES.join(", ")}`, [
    { field: "recordState", message: `must be one of ${SEARCHED_STATES.join(", ")}` },
  ]);
}

function readSort(sort: string | undefined, compiled: CompiledDefinition): RecordQuery["sort"] {
  if (sort === undefined || sort === "") return { field: undefined, descending: false };
  const descending = sort.startsWith("-");
  const name = descending ? sort.slice(1) : sort;
  if (name === "recorded") return { field: undefined, descending };
  const sortable = compiled.annotations.searchFields.filter((field) => !field.personal && !isMany(field));
  const field = sortable.find((one) => one.name === name);
  if (field) return { field, descending };
  const known = ["recorded", ...sortable.map((one) => one.name)].join(", ");
  const message = `can be ${known}, or one of them with "-" before it`;
  throw invalid(`cannot sort by "${shorten(name)}"; sort ${message}`, [{ field: "sort", message }]);
}

/** Whether a record may have several values of a field. */
export function isMany(field: SearchField): boolean {
  return field.path.includes("*");
}

function readLimit(limit: number | undefined): number {
  if (limit === undefined) return PAGE_SIZE_DEFAULT;
  if (!Number.isSafeInteger(limit) || limit < 1 || limit > PAGE_SIZE_MAX)
    throw invalid(`limit must be 1 to ${PAGE_SIZE_MAX}`);
  return limit;
}

function unknownSearch(compiled: CompiledDefinition, names: readonly string[]): AttestryError {
  const keys = searchableFields(compiled).map((fields) => fields.join(" + "));
  const fields = compiled.annotations.searchFields.map(({ name, match, personal }) => {
    const how = match === "prefix" ? " (also [prefix])" : match === "range" ? " (also [gte] [gt] [lte] [lt])" : "";
    return `${name}${personal ? " (personal)" : how}`;
  });
  const known = [...new Set([...keys, ...fields])];
  const wanted = names.slice(0, 10).map((name) => `"${shorten(name)}"`);
  return invalid(
    `cannot search by ${wanted.join(", ")}; this registry is searched by: ${known.join("; ").slice(0, 1_000) || "nothing"}`,
    names.slice(0, 10).map((name) => ({ field: shorten(name), message: "is not searched by" })),
  );
}

function shorten(name: string): string {
  return name.slice(0, 80);
}

export function invalid(message: string, details: readonly ErrorDetail[] = []): AttestryError {
  return new AttestryError("query_invalid", message, { details });
}

/** The tests of a value given as an object, `{"gte": 1}`; undefined where it is none. */
export function readTests(value: Json): JsonObject | undefined {
  if (!isJsonObject(value)) return undefined;
  const names = Object.keys(value);
  return names.length > 0 && names.every((name) => TESTS.includes(name)) ? value : undefined;
}
