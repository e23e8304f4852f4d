// Compiles a registry definition for checking data against it. Generates no code: definitions come from strangers.
import { type Schema, Validator } from "@cfworker/json-schema";
import { isJsonObject, type Json, type JsonObject, parseJson } from "../crypto/json.ts";
import { AttestryError } from "../errors.ts";
import { DEFINITION_BYTES_MAX, PATTERN_TEXT_CHARS_MAX, SCHEMA_STEPS_MAX } from "../limits.ts";
import { isPatternSafe } from "./schema-pattern.ts";

export interface RecordSchema {
  readonly name: string;
  readonly type: string;
  readonly access: "public" | "members" | "consent";
  /**
   * Undefined if the data follows the schema, else where and by which keyword it does not (never a value).
   * `isPartial`: fields may have been withheld. Throws `definition_unsupported` if the schema cannot be evaluated, or only
   * at great cost.
   */
  findViolation(data: JsonObject, isPartial: boolean): string | undefined;
}

/** Keywords whose value is a schema, a list of schemas, a map of schemas. */
const SINGLE = [
  "additionalProperties",
  "propertyNames",
  "items",
  "contains",
  "not",
  "if",
  "then",
  "else",
  "unevaluatedProperties",
  "unevaluatedItems",
];
const LISTS = ["prefixItems", "allOf", "anyOf", "oneOf"];
const MAPS = ["$defs", "definitions", "properties", "patternProperties", "dependentSchemas"];

/** All other keywords that say something about data. What is in none of these lists annotates, and is left out. */
const PLAIN = [
  "$id",
  "$anchor",
  "$ref",
  "type",
  "const",
  "enum",
  "required",
  "dependentRequired",
  "minProperties",
  "maxProperties",
  "minItems",
  "maxItems",
  "minContains",
  "maxContains",
  "uniqueItems",
  "minimum",
  "maximum",
  "exclusiveMinimum",
  "exclusiveMaximum",
  "multipleOf",
  "minLength",
  "maxLength",
  "pattern",
];
const KNOWN = new Set([...SINGLE, ...LISTS, ...MAPS, ...PLAIN]);

// The interpreter ignores these (it knows no dynamic scope), or keeps its own notes under them: data would pass unchecked.
const REFUSED = [
  "$dynamicRef",
  "$dynamicAnchor",
  "$recursiveRef",
  "$recursiveAnchor",
  "dependencies",
  "__absolute_uri__",
  "__absolute_ref__",
  "__absolute_recursive_ref__",
];

// A withheld member or array element must not fail the record, so of a partly disclosed record only those rules are
// checked that hold for a part whenever they hold for the whole. `required`, minima, positions and negations do not.
const KEPT_FOR_A_PART = new Set([
  "$id",
  "$anchor",
  "$ref",
  "$defs",
  "definitions",
  "type",
  "properties",
  "patternProperties",
  "additionalProperties",
  "propertyNames",
  "items",
  "allOf",
  "anyOf",
  "maxProperties",
  "maxItems",
  "uniqueItems",
  "minimum",
  "maximum",
  "exclusiveMinimum",
  "exclusiveMaximum",
  "multipleOf",
  "minLength",
  "maxLength",
  "pattern",
  "dependentSchemas",
]);

function unsupported(reason: string, cause?: unknown): AttestryError {
  return new AttestryError("definition_unsupported", `schema ${reason}`, cause === undefined ? {} : { cause });
}

/** Counts down while one record is checked; shared by the nodes of one schema. */
interface Budget {
  steps: number;
}

function meter(node: JsonObject, budget: Budget): JsonObject {
  // References can make a small schema take exponential time, and the interpreter has no limit of its own. It reads this
  // member of every schema node that it applies, so a getter counts the applications.
  Object.defineProperty(node, "__absolute_recursive_ref__", {
    enumerable: false,
    get() {
      budget.steps -= 1;
      if (budget.steps < 0) throw unsupported(`takes more than ${SCHEMA_STEPS_MAX} steps to evaluate`);
      return undefined;
    },
  });
  return node;
}

function checkPatterns(schema: JsonObject): void {
  const { pattern, patternProperties } = schema;
  const patterns = isJsonObject(patternProperties) ? Object.keys(patternProperties) : [];
  if (pattern !== undefined) {
    if (typeof pattern !== "string") throw unsupported("has a pattern that is no text");
    patterns.push(pattern);
  }
  if (!patterns.every(isPatternSafe)) throw unsupported("has a pattern that could run for ever, or is no pattern");
}

function scalarOnly(value: Json): boolean {
  return Array.isArray(value)
    ? value.every((item) => typeof item !== "object" || item === null)
    : typeof value !== "object" || value === null;
}

function keepForPart(schema: JsonObject): JsonObject {
  const kept: JsonObject = {};
  for (const [keyword, value] of Object.entries(schema)) {
    if (KEPT_FOR_A_PART.has(keyword)) kept[keyword] = value;
    // An object or array given as a constant would differ once a member is withheld.
    else if ((keyword === "const" || keyword === "enum") && scalarOnly(value)) kept[keyword] = value;
  }
  // Elements after the prefix shift forward when one is withheld.
  if (schema.prefixItems !== undefined) delete kept.items;
  // Of one alternative exactly one matches the whole, so at least one matches the part.
  if (Array.isArray(schema.oneOf) && schema.anyOf === undefined) kept.anyOf = schema.oneOf;
  return kept;
}

/** Of one schema, four readings: for the whole or a part of a record, for texts of any length or short ones only. */
interface Reading {
  readonly isPartial: boolean;
  readonly isCapped: boolean;
}

/**
 * Even a safe pattern can take time that grows as a power of the text's length: where a record has a text beyond the
 * limit, that text fails its pattern without being matched.
 */
function capPattern(node: JsonObject): void {
  const { pattern } = node;
  if (pattern === undefined) return;
  delete node.pattern;
  const unlessLong = { if: { type: "string", minLength: PATTERN_TEXT_CHARS_MAX + 1 }, else: { pattern } };
  const noneLong = { maxLength: PATTERN_TEXT_CHARS_MAX };
  node.allOf = [...((node.allOf as Json[] | undefined) ?? []), noneLong, unlessLong];
}

/** Copies what a schema says of data, for the interpreter: refused keywords found, every node metered. */
function prepare(value: Json, budget: Budget, reading: Reading): Json {
  if (typeof value === "boolean") return value;
  if (!isJsonObject(value)) throw unsupported("has a subschema that is neither object nor boolean");
  const refused = REFUSED.find((keyword) => Object.hasOwn(value, keyword));
  if (refused !== undefined) throw unsupported(`uses ${refused}`);
  checkPatterns(value);
  // A schema under an unknown keyword could be referred to and would be neither checked nor metered. `format` is left out
  // too: it only annotates (JSON Schema 2020-12 §7.2.1), and implementations differ in what they take for a date.
  const said = Object.fromEntries(Object.entries(value).filter(([keyword]) => KNOWN.has(keyword)));
  const node = reading.isPartial ? keepForPart(said) : said;
  for (const keyword of SINGLE) {
    if (node[keyword] !== undefined) node[keyword] = prepare(node[keyword], budget, reading);
  }
  for (const keyword of LISTS) {
    const list = node[keyword];
    if (list === undefined) continue;
    if (!Array.isArray(list)) throw unsupported(`has a ${keyword} that is no list`);
    node[keyword] = list.map((item) => prepare(item, budget, reading));
  }
  for (const keyword of MAPS) {
    const map = node[keyword];
    if (map === undefined) continue;
    if (!isJsonObject(map)) throw unsupported(`has a ${keyword} that is no object`);
    node[keyword] = Object.fromEntries(
      Object.entries(map).map(([name, item]) => [name, prepare(item, budget, reading)]),
    );
  }
  if (reading.isCapped) capPattern(node);
  return meter(node, budget);
}

function hasLongText(value: Json): boolean {
  if (typeof value === "string") return value.length > PATTERN_TEXT_CHARS_MAX;
  return typeof value === "object" && value !== null && Object.values(value).some(hasLongText);
}

// patternProperties matches names, and no keyword could keep it from matching long ones.
function hasLongName(value: Json): boolean {
  if (typeof value !== "object" || value === null) return false;
  return Object.entries(value).some(([name, item]) => name.length > PATTERN_TEXT_CHARS_MAX || hasLongName(item));
}

type Evaluation = (data: JsonObject) => string | undefined;

function createEvaluation(schema: JsonObject, reading: Reading): Evaluation {
  const budget: Budget = { steps: 0 };
  const validator = new Validator(prepare(schema, budget, reading) as Schema, "2020-12");
  return (data) => {
    budget.steps = SCHEMA_STEPS_MAX;
    const { valid, errors } = validator.validate(data);
    if (valid) return undefined;
    // The innermost violation comes last and says most.
    const innermost = errors.at(-1);
    return innermost === undefined ? "schema" : `${innermost.instanceLocation}: ${innermost.keyword}`;
  };
}

function createEvaluations(schema: JsonObject): (data: JsonObject, reading: Reading) => string | undefined {
  const compiled = new Map<string, Evaluation>();
  return (data, reading) => {
    const key = `${reading.isPartial} ${reading.isCapped}`;
    let evaluation = compiled.get(key);
    if (evaluation === undefined) {
      evaluation = createEvaluation(schema, reading);
      compiled.set(key, evaluation);
    }
    return evaluation(data);
  };
}

/**
 * Reads a definition (DESIGN section 4) as far as verification needs it. `text`: its exact bytes as text, whose hash the
 * caller has compared. Throws `json_*`, `definition_invalid`, `definition_unsupported`.
 */
export function compileRecordSchema(text: string): RecordSchema {
  if (text.length > DEFINITION_BYTES_MAX) {
    throw new AttestryError("definition_invalid", `definition is longer than ${DEFINITION_BYTES_MAX} bytes`);
  }
  const definition = parseJson(text);
  if (!isJsonObject(definition)) throw new AttestryError("definition_invalid", "definition is not an object");
  const { name, type, access, schema } = definition;
  if (typeof name !== "string" || typeof type !== "string" || !isJsonObject(schema)) {
    throw new AttestryError("definition_invalid", "definition lacks name, type or schema");
  }
  if (access !== "public" && access !== "members" && access !== "consent") {
    throw new AttestryError("definition_invalid", "access of the definition is not public, members or consent");
  }
  const evaluate = createEvaluations(schema);
  return {
    name,
    type,
    access,
    findViolation(data, isPartial) {
      if (hasLongName(data)) return `a name is longer than ${PATTERN_TEXT_CHARS_MAX} characters`;
      const isCapped = hasLongText(data);
      try {
        const violation = evaluate(data, { isPartial: false, isCapped });
        // What holds for the whole holds for the part, so the looser rules matter only to data that failed.
        return violation === undefined || !isPartial ? violation : evaluate(data, { isPartial: true, isCapped });
      } catch (cause) {
        if (cause instanceof AttestryError) throw cause;
        // The interpreter throws plain errors for references it cannot resolve, and overflows on endless ones.
        throw unsupported("cannot be evaluated", cause);
      }
    },
  };
}
