// What an operation of the API is: one declaration, by which requests are routed and checked and of which the OpenAPI document is made. Knows no operation.
//
// To add one, in a `*-routes.ts` file:
//
//   const amendRecord = declareOperation({
//     id: "amendRecord",                                  // what a generated client calls it
//     method: "patch",
//     path: "/registries/{registry}/records/{rid}",       // further names need a line in PATH_PARAMETERS (parameters.ts)
//     tag: "Records",
//     summary: "Amend a record",
//     actions: ["record.write"],                          // of the table in identity/permissions.ts: what it needs, then what shows more
//     writes: true,
//     query: { version: VERSION },                        // checked and given as the type its schema says; unknown names are refused
//     headers: { "if-match": IF_MATCH },
//     body: jsonBody<Patch>({ schema: { $ref: "record-patch.schema.json" }, example: {…} }),
//     responses: { 200: jsonAnswer({ description: "…", schema: { $ref: "record.schema.json" }, example: {…} }) },
//     errors: ["state_conflict"],                         // beyond those that follow from the above: see operation-errors.ts
//   });
//   const routes = createOperationRoutes(deps);           // deps.identity, unless everybody may call all
//   routes.handle(amendRecord, async ({ context, caller, path, query, headers, body }) => context.json(…));
//
// A `$ref` names a file of schemas/, or a `$defs` member of the same schema.
import type { Context } from "hono";
import type { Json } from "../crypto/json.ts";
import type { AttestryError, ErrorCode } from "../errors.ts";
import type { Caller } from "../identity/caller.ts";
import type { Action } from "../identity/permissions.ts";
import { BODY_BYTES_MAX } from "../limits.ts";
import type { CompiledDefinition } from "../registries/compiled-definition.ts";

/** A JSON Schema 2020-12. */
export type Schema = { readonly [keyword: string]: unknown };

export interface Parameter {
  readonly description: string;
  /** `type` or `enum` decide what the handler gets: integer and number, boolean ("true", "false"), array (parted by commas), or the text. */
  readonly schema: Schema;
  readonly required?: true;
  /** What its absence is answered with, where that is not `query_invalid` or `header_invalid`. */
  readonly missing?: { readonly code: ErrorCode; readonly message: string };
  readonly example?: Json;
  /** Reads a header's text in place of the check against `schema`; throws `header_invalid`. */
  readonly read?: (text: string) => unknown;
}

export type Parameters = { readonly [name: string]: Parameter };

/** Parameters of the address whose names depend on the registry. */
export interface OtherQuery {
  readonly description: string;
  readonly example: Readonly<Record<string, string>>;
  /** Those of one registry, for the document; `localize` gives a text in the reader's language. */
  readonly ofRegistry?: (compiled: CompiledDefinition) => Parameters;
}

export interface Body<Value> {
  readonly form: "json" | "bytes";
  readonly mediaTypes: readonly string[];
  readonly schema: Schema;
  /** By a name that people read. */
  readonly examples: Readonly<Record<string, Json>>;
  readonly required: boolean;
  readonly bytesMax: number;
  /** "service": one service parses the body, wherever it comes from; the schema is then for the document, and tests hold both together. */
  readonly checkedBy: "schema" | "service";
  /** Never there: the type of what the handler gets. */
  readonly value?: Value;
}

export interface Answer {
  readonly description: string;
  /** By media type; none for an answer without a body. */
  readonly content: Readonly<Record<string, { readonly schema: Schema; readonly example?: Json }>>;
  readonly headers?: Readonly<Record<string, { readonly description: string; readonly schema: Schema }>>;
}

/** Under what the document gathers operations; openapi-document.ts says what each is about. */
export type Tag =
  | "Registries"
  | "Records"
  | "Approval"
  | "Attachments"
  | "Bulk"
  | "Open data"
  | "Consent"
  | "Own data"
  | "Proofs"
  | "Resolution"
  | "Log"
  | "Federation"
  | "System";

export type Method = "get" | "post" | "put" | "patch" | "delete";

export interface Operation<
  Path extends string = string,
  Query extends Parameters = Parameters,
  Headers extends Parameters = Parameters,
  Value = unknown,
> {
  readonly id: string;
  readonly method: Method;
  readonly path: Path;
  readonly tag: Tag;
  readonly summary: string;
  readonly description?: string;
  /** What a caller must be permitted, by identity/permissions.ts, and after it what shows a caller more. The services decide; this says it. */
  readonly actions: readonly [Action, ...Action[]];
  /** Other nodes of the federation may call it, too, by signed requests; its answers are signed then, and so must not be streams. */
  readonly nodes?: true;
  /** Whether it appends to the log. */
  readonly writes?: true;
  readonly query?: Query;
  readonly otherQuery?: OtherQuery;
  readonly headers?: Headers;
  readonly body?: Body<Value>;
  readonly responses: Readonly<Record<number, Answer>>;
  readonly errors?: readonly ErrorCode[];
  /** Another standard's: the handler reads the address itself and answers errors in that standard's form. */
  readonly foreign?: {
    readonly errorSchema: Schema;
    readonly errors: Readonly<Record<number, string>>;
    /** What a body that cannot be read is answered with; needed where there is one. */
    readonly answer?: (error: AttestryError) => Response;
  };
}

type NamesIn<Path extends string> = Path extends `${string}{${infer Name}}${infer Rest}` ? Name | NamesIn<Rest> : never;

type ValueOf<One extends Parameter> = One extends { readonly read: (text: string) => infer Value }
  ? Value
  : One["schema"] extends { readonly enum: readonly (infer Value)[] }
    ? Value
    : One["schema"] extends { readonly type: "integer" | "number" }
      ? number
      : One["schema"] extends { readonly type: "boolean" }
        ? boolean
        : One["schema"] extends { readonly type: "array" }
          ? readonly string[]
          : string;

export type ValuesOf<All extends Parameters> = {
  readonly [Name in keyof All]:
    | ValueOf<All[Name]>
    | (All[Name] extends { readonly required: true } ? never : undefined);
};

/** A request that keeps to the declaration. */
export interface OperationInput<Path extends string, Query extends Parameters, Headers extends Parameters, Value> {
  readonly context: Context;
  readonly caller: Caller;
  /** As they stand in the address; what they name is found, or not, by the services. */
  readonly path: { readonly [Name in NamesIn<Path>]: string };
  readonly query: ValuesOf<Query>;
  /** Parameters that are not declared by name; only with `otherQuery`. */
  readonly otherQuery: Readonly<Record<string, string>>;
  readonly headers: ValuesOf<Headers>;
  readonly body: Value;
}

type None = Record<never, never>;

export function declareOperation<
  const Path extends string,
  const Query extends Parameters = None,
  const Headers extends Parameters = None,
  Value = undefined,
>(operation: Operation<Path, Query, Headers, Value>): Operation<Path, Query, Headers, Value> {
  return operation;
}

interface JsonBodyOptions {
  readonly schema: Schema;
  readonly example?: Json;
  readonly examples?: Readonly<Record<string, Json>>;
  readonly mediaTypes?: readonly string[];
  readonly checkedBy?: "schema" | "service";
  readonly bytesMax?: number;
}

/** A body of strict JSON. */
export function jsonBody<Value = Json>(options: JsonBodyOptions): Body<Value> {
  const { schema, example, examples, mediaTypes = ["application/json"], checkedBy = "schema" } = options;
  const shown = examples ?? (example === undefined ? {} : { example });
  const bytesMax = options.bytesMax ?? BODY_BYTES_MAX;
  return { form: "json", mediaTypes, schema, examples: shown, required: true, bytesMax, checkedBy };
}

/** As `jsonBody`, but no body at all is allowed. */
export function optionalJsonBody<Value = Json>(options: JsonBodyOptions): Body<Value | undefined> {
  return { ...jsonBody<Value>(options), required: false } as Body<Value | undefined>;
}

/** A body that the handler reads as bytes: NDJSON, a file. `mediaTypes` may be all: ["*\/*"]. */
export function bytesBody(options: {
  readonly mediaTypes: readonly string[];
  readonly bytesMax: number;
  readonly schema?: Schema;
  readonly examples?: Readonly<Record<string, Json>>;
}): Body<Uint8Array> {
  const { mediaTypes, bytesMax, schema = {}, examples = {} } = options;
  return { form: "bytes", mediaTypes, schema, examples, required: true, bytesMax, checkedBy: "service" };
}

type AnswerOptions = Omit<Answer, "content"> & { readonly schema: Schema; readonly example?: Json };

export function jsonAnswer({ description, schema, example, headers }: AnswerOptions): Answer {
  const content = { "application/json": { schema, ...(example !== undefined && { example }) } };
  return { description, content, ...(headers && { headers }) };
}

/** An answer in another media type, a text unless `schema` says otherwise. */
export function textAnswer(
  mediaType: string,
  { description, schema = { type: "string" }, example, headers }: Omit<AnswerOptions, "schema"> & { schema?: Schema },
): Answer {
  const content = { [mediaType]: { schema, ...(example !== undefined && { example }) } };
  return { description, content, ...(headers && { headers }) };
}

export function emptyAnswer(description: string): Answer {
  return { description, content: {} };
}
