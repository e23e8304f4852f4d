// Reads out of this node's own OpenAPI document what a person wants to know of each operation. Pure.
import { isJsonObject, type Json, type JsonObject } from "../crypto/json.ts";

export interface FieldLine {
  readonly name: string;
  readonly type: TypeWords;
  readonly required: boolean;
  readonly description: string;
}

/** A type in words; parts that name a schema of the document lead there. */
export type TypeWords = readonly { readonly text: string; readonly schema?: string }[];

export interface MediaView {
  readonly mediaType: string;
  readonly type: TypeWords;
  readonly example: string | undefined;
}

export interface AnswerView {
  readonly status: string;
  readonly description: string;
  readonly media: readonly MediaView[];
}

export interface OperationView {
  readonly id: string;
  readonly method: string;
  readonly path: string;
  readonly summary: string;
  readonly description: string;
  /** Whether a bearer token is not needed, may be sent, or is needed. */
  readonly token: "none" | "optional" | "required";
  readonly parameters: readonly (FieldLine & { readonly place: string })[];
  readonly body: readonly MediaView[];
  readonly answers: readonly AnswerView[];
  /** Error codes by status. */
  readonly errors: readonly { readonly status: string; readonly codes: readonly string[] }[];
  readonly command: string;
}

export interface ApiView {
  readonly title: string;
  readonly description: string;
  readonly groups: readonly {
    readonly name: string;
    readonly description: string;
    readonly operations: readonly OperationView[];
  }[];
  readonly schemas: readonly {
    readonly name: string;
    readonly description: string;
    readonly type: TypeWords;
    readonly fields: readonly FieldLine[];
  }[];
  readonly problems: readonly { readonly code: string; readonly status: number; readonly meaning: string }[];
}

const METHODS = ["get", "post", "put", "patch", "delete"];
const COMPONENT = /^#\/components\/schemas\/([\w.-]+)/;

const asObject = (value: Json | undefined): JsonObject => (isJsonObject(value) ? value : {});
const asText = (value: Json | undefined): string => (typeof value === "string" ? value : "");
const asList = (value: Json | undefined): Json[] => (Array.isArray(value) ? value : []);

/** `isShown`: which paths; of the schemas only those are given that these lead to. */
export function readDocument(document: JsonObject, isShown: (path: string) => boolean): ApiView {
  const components = asObject(document.components);
  const info = asObject(document.info);
  const shown = Object.entries(asObject(document.paths)).filter(([path]) => isShown(path));
  const operations = shown.flatMap(([path, methods]) =>
    METHODS.flatMap((method) => {
      const operation = asObject(methods)[method];
      return isJsonObject(operation)
        ? [{ tag: asText(asList(operation.tags)[0]), view: readOperation(document, { path, method, operation }) }]
        : [];
    }),
  );
  const schemas = findSchemas(
    shown.map(([, methods]) => methods),
    components,
  );
  const codes = new Set(operations.flatMap(({ view }) => view.errors.flatMap((error) => error.codes)));
  return {
    title: asText(info.title),
    description: asText(info.description),
    groups: asList(document.tags)
      .map(asObject)
      .map((tag) => ({
        name: asText(tag.name),
        description: asText(tag.description),
        operations: operations.filter((one) => one.tag === tag.name).map(({ view }) => view),
      }))
      .filter((group) => group.operations.length > 0),
    schemas: schemas.map(([name, schema]) => ({
      name,
      description: asText(schema.description),
      type: describeType(schema),
      fields: listFields(schema),
    })),
    problems: Object.entries(asObject(components.examples))
      .filter(([code]) => codes.has(code))
      .map(([code, example]) => ({
        code,
        status: Number(asObject(asObject(example).value).status),
        meaning: asText(asObject(example).summary),
      })),
  };
}

function readOperation(
  document: JsonObject,
  { path, method, operation }: { path: string; method: string; operation: JsonObject },
): OperationView {
  const parameters = asList(operation.parameters).map(asObject);
  const responses = Object.entries(asObject(operation.responses)).map(
    ([status, response]) => [status, resolve(document, asObject(response))] as const,
  );
  const isProblem = (response: JsonObject) => asObject(response.content)["application/problem+json"] !== undefined;
  const body = readMedia(asObject(asObject(operation.requestBody).content));
  const security = asList(operation.security);
  const token = security.length === 0 ? "none" : security.length === 1 ? "required" : "optional";
  return {
    id: asText(operation.operationId),
    method: method.toUpperCase(),
    path,
    summary: asText(operation.summary),
    description: asText(operation.description),
    token,
    parameters: parameters.map((one) => ({
      name: asText(one.name),
      place: asText(one.in),
      type: describeType(asObject(one.schema)),
      required: one.required === true,
      description: asText(one.description),
    })),
    body,
    answers: responses
      .filter(([, response]) => !isProblem(response))
      .map(([status, response]) => ({
        status,
        description: asText(response.description),
        media: readMedia(asObject(response.content)),
      })),
    errors: responses
      .filter(([, response]) => isProblem(response))
      .map(([status, response]) => ({
        status,
        codes: Object.keys(asObject(asObject(asObject(response.content)["application/problem+json"]).examples)),
      }))
      .filter(({ codes }) => codes.length > 0),
    command: formatCommand({ document, path, method, parameters, body: body[0], token }),
  };
}

function resolve(document: JsonObject, value: JsonObject): JsonObject {
  const name = /^#\/components\/responses\/([\w.-]+)$/.exec(asText(value.$ref))?.[1];
  return name === undefined ? value : asObject(asObject(asObject(document.components).responses)[name]);
}

function readMedia(content: JsonObject): MediaView[] {
  return Object.entries(content).map(([mediaType, media]) => {
    const { schema, example, examples } = asObject(media);
    const shown = example ?? asObject(Object.values(asObject(examples))[0]).value;
    const text = shown === undefined ? undefined : typeof shown === "string" ? shown : JSON.stringify(shown, null, 2);
    return { mediaType, type: describeType(asObject(schema)), example: text };
  });
}

/** A schema in words: "integer, at least 1", "list of Record", "Record or null". */
export function describeType(schema: JsonObject): TypeWords {
  const name = COMPONENT.exec(asText(schema.$ref))?.[1];
  if (name !== undefined) return [{ text: name, schema: name }];
  const choices = [...asList(schema.anyOf), ...asList(schema.oneOf)];
  if (choices.length > 0)
    return join(
      choices.map((one) => describeType(asObject(one))),
      " or ",
    );
  if (Array.isArray(schema.allOf))
    return join(
      schema.allOf.map((one) => describeType(asObject(one))),
      " and ",
    );
  if (schema.const !== undefined) return [{ text: JSON.stringify(schema.const) }];
  if (Array.isArray(schema.enum)) return [{ text: schema.enum.map((one) => JSON.stringify(one)).join(", ") }];
  if (schema.type === "array") return [{ text: "list of " }, ...describeType(asObject(schema.items))];
  const type = [schema.type ?? "any value"].flat().map(String).join(" or ");
  return [
    {
      text: [schema.format === undefined ? type : `${type} (${asText(schema.format)})`, ...limitsOf(schema)].join(", "),
    },
  ];
}

function limitsOf(schema: JsonObject): string[] {
  const { minimum, maximum, maxLength, pattern } = schema;
  return [
    ...(minimum === undefined ? [] : [`at least ${String(minimum)}`]),
    ...(maximum === undefined ? [] : [`at most ${String(maximum)}`]),
    ...(maxLength === undefined ? [] : [`up to ${String(maxLength)} characters`]),
    ...(pattern === undefined ? [] : [`matching ${String(pattern)}`]),
  ];
}

function join(parts: readonly TypeWords[], between: string): TypeWords {
  return parts.flatMap((part, at) => (at === 0 ? part : [{ text: between }, ...part]));
}

/** Members of an object and of the objects within it, which are not schemas of their own. */
function listFields(schema: JsonObject, prefix = ""): FieldLine[] {
  const required = asList(schema.required);
  const own = Object.entries(asObject(schema.properties)).flatMap(([name, one]): FieldLine[] => {
    const field = asObject(one);
    const inner = field.type === "array" ? asObject(field.items) : field;
    const words = [asText(field.title), asText(field.description)].filter((text) => text !== "");
    const line = {
      name: `${prefix}${name}`,
      type: describeType(field),
      required: required.includes(name),
      description: words.join(". "),
    };
    return [line, ...listFields(inner, `${prefix}${name}${field.type === "array" ? "[]" : ""}.`)];
  });
  return [...own, ...asList(schema.allOf).flatMap((one) => listFields(asObject(one), prefix))];
}

/** The schemas that something refers to, and those that they refer to, by name. */
function findSchemas(roots: readonly Json[], components: JsonObject): [string, JsonObject][] {
  const found = new Map<string, JsonObject>();
  const seen = new Set<string>();
  const visit = (value: Json): void => {
    if (Array.isArray(value)) for (const one of value) visit(one);
    if (!isJsonObject(value)) return;
    const [, kind, name] = /^#\/components\/(schemas|responses)\/([\w.-]+)/.exec(asText(value.$ref)) ?? [];
    if (kind !== undefined && name !== undefined && !seen.has(`${kind} ${name}`)) {
      seen.add(`${kind} ${name}`);
      const component = asObject(asObject(components[kind])[name]);
      if (kind === "schemas") found.set(name, component);
      visit(component);
    }
    for (const one of Object.values(value)) visit(one);
  };
  for (const root of roots) visit(root);
  return [...found].sort(([a], [b]) => (a < b ? -1 : 1));
}

/** The request as one would send it from a shell. */
function formatCommand(options: {
  document: JsonObject;
  path: string;
  method: string;
  parameters: readonly JsonObject[];
  body: MediaView | undefined;
  token: OperationView["token"];
}): string {
  const { document, path, method, parameters, body, token } = options;
  const server = asText(asObject(asList(document.servers)[0]).url);
  const needed = parameters.filter((one) => one.required === true && one.example !== undefined);
  const filled = needed
    .filter((one) => one.in === "path")
    .reduce((text, one) => text.replace(`{${asText(one.name)}}`, String(one.example)), path);
  const query = new URLSearchParams(
    needed.filter((one) => one.in === "query").map((one): [string, string] => [asText(one.name), String(one.example)]),
  ).toString();
  const headers = [
    ...(token === "required" ? ["Authorization: Bearer $TOKEN"] : []),
    ...needed.filter((one) => one.in === "header").map((one) => `${asText(one.name)}: ${String(one.example)}`),
    ...(body ? [`Content-Type: ${body.mediaType}`] : []),
  ];
  return [
    `curl ${method === "get" ? "" : `-X ${method.toUpperCase()} `}${quote(`${server}${filled}${query && `?${query}`}`)}`,
    ...headers.map((header) => `  -H ${header.includes("$TOKEN") ? `"${header}"` : quote(header)}`),
    ...(body
      ? [`  ${body.example === undefined ? "--data-binary @FILE" : `--data-binary ${quote(compact(body.example))}`}`]
      : []),
  ].join(" \\\n");
}

function compact(example: string): string {
  return example.startsWith("{") && !example.includes("}\n{") ? example.replaceAll(/\n\s*/g, " ") : example;
}

function quote(text: string): string {
  return `'${text.replaceAll("'", "'\\''")}'`;
}
