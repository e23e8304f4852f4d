// What a search asks of one field: a value, a beginning, a range, as it is compared in the index. Pure.

import { isJsonObject, type Json } from "../../crypto/json.ts";
import { eachGeneration, type KeyGenerations } from "../../crypto/key-generations.ts";
import type { ErrorDetail } from "../../errors.ts";
import { SEARCH_VALUE_CHARS_MAX } from "../../limits.ts";
import type { SearchField } from "../../registries/annotations.ts";
import { encodeInstant, encodeSearchValue, encodeWhole, standsWhole } from "./search-value.ts";

interface Bound {
  readonly value: string;
  readonly inclusive: boolean;
}

/** `from` and `until` are compared with what stands in the index, byte by byte; a missing one is no bound. */
export type ValueTest =
  | {
      readonly kind: "equal";
      readonly value: string;
      /** Of a personal field: under which the value may stand, too, while keys are being replaced. */
      readonly formerly?: string;
    }
  | { readonly kind: "between"; readonly from: Bound | undefined; readonly until: Bound | undefined };

interface TestContext {
  readonly field: SearchField;
  /** Whether values are texts, to be read in the type that the field has. */
  readonly inAddress: boolean;
  readonly searchKey: KeyGenerations;
  readonly registry: string;
  /** Faults are added here. */
  readonly details: ErrorDetail[];
}

const TESTS_OF = { exact: [], prefix: ["prefix"], range: ["gte", "gt", "lte", "lt"] } as const;
const SPELLED_NUMBER = /^-?(?:0|[1-9][0-9]{0,14})(?:\.[0-9]{1,15})?$/;
const DATE = /^\d{4}-\d{2}-\d{2}$/;
const DAY_SECONDS = 86_400;
const LAST_CODE_POINT = 0x10ffff;

/** Reads `value` or `{"prefix" | "gte" | "gt" | "lte" | "lt": value}`; undefined where faults were found. */
export function parseTest(wanted: Json, context: TestContext): ValueTest | undefined {
  const { field, details } = context;
  const faults = details.length;
  const refuse = (test: string, message: string): void => {
    details.push({ field: test === "" ? field.name : `${field.name}[${test}]`, message });
  };
  if (!isJsonObject(wanted)) {
    const [searchKey, former] = eachGeneration(context.searchKey);
    const value = readValue(wanted, "", { ...context, searchKey: searchKey! }, refuse);
    if (value === undefined) return undefined;
    if (former === undefined || !field.personal) return { kind: "equal", value };
    return { kind: "equal", value, formerly: readValue(wanted, "", { ...context, searchKey: former }, refuse)! };
  }
  const allowed: readonly string[] = field.personal ? [] : TESTS_OF[field.match];
  for (const test of Object.keys(wanted)) {
    if (!allowed.includes(test))
      refuse(
        test.slice(0, 20),
        allowed.length === 0 ? "can only be a value to be equal to" : `can only be ${allowed.join(", ")}, or a value`,
      );
  }
  if (details.length > faults) return undefined;
  const bounds = Object.entries(wanted).flatMap(([test, value]) => {
    const text = readValue(value, test, context, refuse);
    return text === undefined ? [] : [readBounds(test, text, value, field)];
  });
  if (details.length > faults || bounds.length === 0) {
    if (bounds.length === 0 && details.length === faults) refuse("", `needs a value or one of ${allowed.join(", ")}`);
    return undefined;
  }
  return {
    kind: "between",
    from: bounds.map((one) => one.from).reduce((a, b) => tighter(a, b, -1), undefined),
    until: bounds.map((one) => one.until).reduce((a, b) => tighter(a, b, 1), undefined),
  };
}

function tighter(a: Bound | undefined, b: Bound | undefined, side: 1 | -1): Bound | undefined {
  if (a === undefined || b === undefined) return a ?? b;
  if (a.value === b.value) return a.inclusive ? b : a;
  return compareBytewise(a.value, b.value) * side < 0 ? a : b;
}

/** As PostgreSQL compares under the collation "C": by code points. */
function compareBytewise(a: string, b: string): number {
  return Buffer.compare(Buffer.from(a), Buffer.from(b));
}

function readBounds(test: string, text: string, given: Json, field: SearchField): { from?: Bound; until?: Bound } {
  if (test === "prefix") {
    const end = nextPrefix(text);
    return {
      from: { value: text, inclusive: true },
      ...(end !== undefined && { until: { value: end, inclusive: false } }),
    };
  }
  // A day, of a field with times, is all of its instants: later than it is from the next day on.
  const isDay = field.format === "date-time" && typeof given === "string" && DATE.test(given);
  if (isDay && (test === "gt" || test === "lte")) {
    const next = encodeInstant(new Date(Date.parse(given) + DAY_SECONDS * 1_000).toISOString())!;
    return test === "gt" ? { from: { value: next, inclusive: true } } : { until: { value: next, inclusive: false } };
  }
  const bound = { value: text, inclusive: test.endsWith("e") };
  return test.startsWith("g") ? { from: bound } : { until: bound };
}

/** The least text that is greater than all with this beginning; undefined if there is none. */
export function nextPrefix(prefix: string): string | undefined {
  const characters = [...prefix];
  while (characters.length > 0) {
    const code = characters.pop()!.codePointAt(0)!;
    // Surrogates are no characters, so that UTF-8 has none.
    if (code < LAST_CODE_POINT) return characters.join("") + String.fromCodePoint(code === 0xd7ff ? 0xe000 : code + 1);
  }
  return undefined;
}

/** The text of a value in the index; refuses what the field can never be. `test`: what it is for, "" to be equal to. */
function readValue(
  given: Json,
  test: string,
  context: TestContext,
  refuse: (test: string, message: string) => void,
): string | undefined {
  const { field } = context;
  const value = context.inAddress && typeof given === "string" ? readSpelled(given, field.types) : given;
  const expected = describeExpected(field, value, test);
  if (expected !== undefined) return void refuse(test, expected);
  const isDay = field.format === "date-time" && DATE.test(String(value));
  const instant = isDay ? `${String(value)}T00:00:00Z` : value;
  if (test === "") return encodeSearchValue(context, field, instant);
  const text = encodeWhole(field, instant)!;
  if (text === "") return void refuse(test, "must hold something that counts in the search");
  if (!standsWhole(text))
    return void refuse(test, `must have at most ${SEARCH_VALUE_CHARS_MAX} characters, and no NUL`);
  return text;
}

/** What a value should have been, if it is not. */
function describeExpected(field: SearchField, value: Json, test: string): string | undefined {
  const { types, format } = field;
  if (types.length === 0) return typeof value === "string" ? undefined : "must be the URL of a record";
  if (typeof value === "number" && types.some((type) => type === "number" || type === "integer")) return undefined;
  if (typeof value === "boolean" && types.includes("boolean")) return undefined;
  if (typeof value !== "string" || !types.includes("string"))
    return `must be ${types
      .filter((type) => type !== "null")
      .map((type) => (type === "string" ? "a text" : type === "boolean" ? "true or false" : "a number"))
      .join(" or ")}`;
  if (format === "date-time" && encodeInstant(value) === undefined) {
    if (test !== "" && DATE.test(value) && !Number.isNaN(Date.parse(value))) return undefined;
    return "must be a time with zone (2026-03-31T09:00:00Z), or for ranges a date";
  }
  if (format === "date" && test !== "prefix" && !DATE.test(value)) return "must be a date (2026-03-31)";
  return undefined;
}

/** The value that a text in an address stands for; the text itself where the field may be a text, or has no such value. */
export function readSpelled(text: string, types: readonly unknown[]): Json {
  if (types.includes("string")) return text;
  if ((types.includes("integer") || types.includes("number")) && SPELLED_NUMBER.test(text)) return Number(text);
  if (types.includes("boolean") && (text === "true" || text === "false")) return text === "true";
  return text;
}
