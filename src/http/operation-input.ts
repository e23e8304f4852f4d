// Reads a request by its operation's declaration: parameters as their types, bodies as strict JSON. What does not keep to it is refused.
import type { Context } from "hono";
import { decodeUtf8 } from "../crypto/hash.ts";
import { type Json, parseJson } from "../crypto/json.ts";
import { AttestryError, type ErrorCode } from "../errors.ts";
import type { Operation, Parameter, Parameters } from "./operation.ts";
import { checkContentType, readBody, readQuery } from "./request.ts";
import { createSchemaCheck, type SchemaFaults } from "./schema-check.ts";

type Values = Readonly<Record<string, unknown>>;

export interface OperationReader {
  query(context: Context): { readonly query: Values; readonly otherQuery: Readonly<Record<string, string>> };
  headers(context: Context): Values;
  body(context: Context): Promise<unknown>;
}

type ParameterReader = (name: string, text: string) => unknown;

const NONE = { query: {}, otherQuery: {} };

export function createOperationReader(operation: Operation): OperationReader {
  const query = createReaders(operation.query, "query_invalid");
  const headers = createReaders(operation.headers, "header_invalid");
  return {
    query(context) {
      if (operation.foreign || (query.size === 0 && !context.req.url.includes("?"))) return NONE;
      const given = new Map(Object.entries(readQuery(context)));
      const known = readAll(operation.query, query, "query_invalid", (name) => {
        const text = given.get(name);
        given.delete(name);
        return text;
      });
      if (given.size > 0 && !operation.otherQuery) throw unknownParameter([...given.keys()][0]!, [...query.keys()]);
      return { query: known, otherQuery: Object.fromEntries(given) };
    },
    headers: (context) => readAll(operation.headers, headers, "header_invalid", (name) => context.req.header(name)),
    body: createBodyReader(operation),
  };
}

function unknownParameter(name: string, known: readonly string[]): AttestryError {
  const allowed = known.length === 0 ? "it has none" : `allowed: ${known.join(", ")}`;
  return new AttestryError("query_invalid", `"${name.slice(0, 80)}" is no parameter of this address; ${allowed}`);
}

function createReaders(parameters: Parameters | undefined, code: ErrorCode): Map<string, ParameterReader> {
  return new Map(Object.entries(parameters ?? {}).map(([name, one]) => [name, createParameterReader(one, code)]));
}

function createParameterReader({ schema, read }: Parameter, code: ErrorCode): ParameterReader {
  if (read) return (_name, text) => read(text);
  const check = createSchemaCheck(schema);
  return (name, text) => {
    const value = convert(text, schema.type);
    if (value === undefined) throw new AttestryError(code, `"${name}" must be ${TYPE_WORDS[String(schema.type)]}`);
    const [fault] = check(value)?.details ?? [];
    if (fault) throw new AttestryError(code, `"${name}" ${fault.message}`);
    return value;
  };
}

const TYPE_WORDS: Readonly<Record<string, string>> = {
  integer: "a whole number",
  number: "a number",
  boolean: "true or false",
};

/** A text as the type that a schema names; undefined where it is none. */
function convert(text: string, type: unknown): unknown {
  switch (type) {
    case "integer":
      return /^\d{1,15}$/.test(text) ? Number(text) : undefined;
    case "number":
      return /^-?\d{1,15}(\.\d{1,15})?$/.test(text) ? Number(text) : undefined;
    case "boolean":
      return text === "true" ? true : text === "false" ? false : undefined;
    case "array":
      return text.split(",");
    default:
      return text;
  }
}

function readAll(
  declared: Parameters | undefined,
  readers: ReadonlyMap<string, ParameterReader>,
  code: ErrorCode,
  textOf: (name: string) => string | undefined,
): Values {
  const values: Record<string, unknown> = {};
  for (const [name, read] of readers) {
    const text = textOf(name);
    if (text !== undefined) values[name] = read(name, text);
    else if (declared![name]!.required) throw missingParameter(name, declared![name]!, code);
  }
  return values;
}

function missingParameter(name: string, { description, missing }: Parameter, code: ErrorCode): AttestryError {
  return missing
    ? new AttestryError(missing.code, missing.message)
    : new AttestryError(code, `"${name}" is missing: ${description}`);
}

function createBodyReader({ body }: Operation): OperationReader["body"] {
  if (!body) return async () => undefined;
  const { mediaTypes, bytesMax, required } = body;
  const areAllAllowed = mediaTypes.includes("*/*");
  const check = body.checkedBy === "schema" ? createSchemaCheck(body.schema) : undefined;
  return async (context) => {
    if (!required && context.req.header("content-type") === undefined) {
      const bytes = await readBody(context, bytesMax);
      if (bytes.length === 0) return undefined;
    }
    if (!areAllAllowed) checkContentType(context, mediaTypes);
    const bytes = await readBody(context, bytesMax);
    if (body.form === "bytes") return bytes;
    const value: Json = parseJson(decodeUtf8(bytes));
    const faults = check?.(value);
    if (faults) throw refuseBody(faults);
    return value;
  };
}

function refuseBody({ details, isTooMany }: SchemaFaults): AttestryError {
  const [first] = details;
  if (isTooMany)
    return new AttestryError("too_many_items", `too many elements in one request: ${first?.field} ${first?.message}`, {
      details,
    });
  return new AttestryError(
    "request_invalid",
    "the body is not as this operation needs it; /openapi.json describes it",
    {
      details,
    },
  );
}
