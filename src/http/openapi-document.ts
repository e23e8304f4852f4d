// Builds the OpenAPI 3.1 document out of the declared operations, and of what each registry's definition says of its data. Pure.
import type { Json, JsonObject } from "../crypto/json.ts";
import { AttestryError, type ErrorCode } from "../errors.ts";
import { describeCallers } from "../identity/permissions.ts";
import { type Components, createComponents, isAboutData } from "./openapi-components.ts";
import { adaptExample, findExample } from "./openapi-example.ts";
import type { DescribedRegistry } from "./openapi-registry.ts";
import type { Answer, Body, Operation, Parameter, Parameters, Tag } from "./operation.ts";
import { listErrors } from "./operation-errors.ts";
import { PATH_PARAMETERS } from "./parameters.ts";
import { describeProblem, INTERNAL_ERROR } from "./problem.ts";
import { PROBLEM_WORDS } from "./problem-words.ts";

export const PROBLEM_TYPE = "application/problem+json";
const PROBLEM = { $ref: "problem.schema.json" };

const TAGS: Readonly<Record<Tag, string>> = {
  Registries: "What this node keeps, and by which definitions.",
  Records: "Creating, changing, reading and finding records.",
  Consent: "What people are asked to allow, by whom and for what, and what they decided.",
  "Own data": "What a citizen is shown of their own: records, permissions and who looked.",
  Approval: "Changes that others must approve before they are made.",
  Attachments: "Files that records hold.",
  Bulk: "Many records at once, in and out.",
  "Open data": "Public registries as files, under a signed manifest.",
  Proofs: "What anyone needs to verify a record without trusting this node.",
  Resolution: "References to records of any node, resolved and verified.",
  Log: "The log of everything that was recorded, as anyone may audit it.",
  Federation: "This node's place in the federation (OpenID Federation 1.0).",
  System: "The node itself.",
};

export interface DocumentOptions {
  readonly entity: string;
  readonly organizationName: string;
  readonly version: string;
  readonly operations: readonly Operation[];
  readonly registries: readonly DescribedRegistry[];
  /** Only what concerns the one registry; else everything, and per registry what is about its data. */
  readonly only: boolean;
}

interface Writing {
  readonly entity: string;
  readonly components: Components;
  readonly registry: DescribedRegistry | undefined;
  /** Codes whose examples are needed. */
  readonly codes: Set<ErrorCode>;
  /** Answers of errors by the codes that they may have, which many operations share. */
  readonly problems: Map<string, { readonly name: string; readonly answer: JsonObject }>;
}

export function buildDocument(options: DocumentOptions): JsonObject {
  const { entity, operations, registries, only } = options;
  const components = createComponents();
  const codes = new Set<ErrorCode>();
  const problems: Writing["problems"] = new Map();
  const paths: Record<string, JsonObject> = {};
  const add = (operation: Operation, registry?: DescribedRegistry): void => {
    const path = registry ? operation.path.replace("{registry}", registry.name) : operation.path;
    paths[path] = {
      ...paths[path],
      [operation.method]: describeOperation(operation, { entity, components, registry, codes, problems }),
    };
  };
  if (!only) for (const operation of operations) add(operation);
  for (const registry of registries)
    for (const operation of operations)
      if (operation.path.includes("{registry}") && (only || isAboutRegistry(operation))) add(operation, registry);
  const used = new Set<string>(operations.map(({ tag }) => tag));
  return {
    openapi: "3.1.1",
    info: describeInfo(options),
    servers: [{ url: entity }],
    tags: Object.entries(TAGS)
      .filter(([name]) => used.has(name))
      .map(([name, description]) => ({ name, description })),
    paths,
    components: {
      schemas: Object.fromEntries(Object.entries(components.schemas).sort(([a], [b]) => (a < b ? -1 : 1))),
      responses: Object.fromEntries([
        ...[...problems.values()].map(({ name, answer }) => [name, answer] as const),
        ["Problem500", describeBug(components)],
      ]),
      examples: Object.fromEntries([...codes].sort().map((code) => [code, describeProblemExample(code)])),
      securitySchemes: {
        bearer: {
          type: "http",
          scheme: "bearer",
          description:
            "A token of this node's staff, made with: attestry token; or a JWT access token (RFC 9068) of an issuer by whom staff sign in here. Who has several roles names one in Attestry-Role.",
        },
        ...(!only && {
          citizen: {
            type: "http",
            scheme: "bearer",
            bearerFormat: "JWT",
            description:
              "A JWT access token (RFC 9068) of an issuer by whom citizens sign in here: of scope `attestry.me`, for this node alone, for 10 minutes at most; docs/me.md.",
          },
        }),
        signature: {
          type: "apiKey",
          in: "header",
          name: "Signature",
          description:
            "Another node of the federation signs the request (RFC 9421) with a request key of its proven trust chain, and gets a signed answer; docs/federation.md has the profile.",
        },
      },
    },
  };
}

/** Whether an operation differs from registry to registry by more than its path. */
function isAboutRegistry({ body, responses, otherQuery }: Operation): boolean {
  const answers = Object.values(responses).flatMap(({ content }) => Object.values(content));
  return otherQuery !== undefined || [body, ...answers].some((one) => one !== undefined && isAboutData(one.schema));
}

function describeInfo({ organizationName, version, registries, only }: DocumentOptions): JsonObject {
  const [registry] = registries;
  const subject = only && registry ? `${organizationName}: ${registry.title}` : organizationName;
  return {
    title: `${subject}: registry API`,
    version,
    description:
      "A node of a federated shared registry. Every record is signed and logged before it is answered, so that anyone can verify it, offline too. What fails is answered by problem details (RFC 9457) whose `code` does not change. Clients must pass over members of answers that they do not know. Any request may also be answered by 405, 408 and 431, in the same form.",
    license: { name: "Apache-2.0", identifier: "Apache-2.0" },
  };
}

function describeOperation(operation: Operation, writing: Writing): JsonObject {
  const { registry } = writing;
  const { id, tag, summary, description, actions, body } = operation;
  return {
    operationId: registry ? `${registry.prefix}_${id}` : id,
    tags: [tag],
    summary: registry ? `${summary}: ${registry.title}` : summary,
    ...(description !== undefined && { description }),
    security: describeSecurity(operation),
    "x-actions": [...actions],
    parameters: describeParameters(operation, writing),
    ...(body && { requestBody: describeBody(body, writing) }),
    responses: describeResponses(operation, writing),
  };
}

function describeSecurity({ actions, nodes }: Operation): Json[] {
  const callers = describeCallers(actions);
  if (callers === "open") return [];
  const byNodes = nodes ? [{ signature: [] }] : [];
  if (callers === "nodes") return byNodes;
  if (callers === "citizens") return [{ citizen: [] }];
  return callers === "optional" ? [{}, { bearer: [] }, ...byNodes] : [{ bearer: [] }, ...byNodes];
}

function describeParameters(operation: Operation, { components, registry }: Writing): Json[] {
  const { path, query, headers, otherQuery } = operation;
  const names = [...path.matchAll(/\{(\w+)\}/g)].map((match) => match[1]!);
  const inPath = names.filter((name) => !(registry && name === "registry"));
  const describe = (place: string) => (parameters: Parameters) =>
    Object.entries(parameters).map(([name, one]) => describeParameter(name, place, one, components));
  const others = registry ? (otherQuery?.ofRegistry?.(registry.compiled) ?? {}) : {};
  return [
    ...describe("path")(Object.fromEntries(inPath.map((name) => [name, PATH_PARAMETERS[name]!]))),
    ...describe("query")({ ...query, ...others }),
    ...(otherQuery && !registry ? [describeOtherQuery(operation)] : []),
    ...describe("header")(headers ?? {}),
  ];
}

function describeParameter(name: string, place: string, one: Parameter, { carry }: Components): JsonObject {
  const { description, schema, example, required } = one;
  const isList = schema.type === "array";
  return {
    name: place === "header" ? name.replaceAll(/(^|-)[a-z]/g, (letter) => letter.toUpperCase()) : name,
    in: place,
    description,
    ...((required || place === "path") && { required: true }),
    schema: carry(schema),
    // Lists are parted by commas.
    ...(isList && { style: "form", explode: false }),
    ...(example !== undefined && { example: isList && typeof example === "string" ? example.split(",") : example }),
  };
}

/** Parameters whose names the registry decides: an object, each member of which is a parameter of its own. */
function describeOtherQuery({ otherQuery }: Operation): JsonObject {
  const { description, example } = otherQuery!;
  return {
    name: "fields",
    in: "query",
    description,
    style: "form",
    explode: true,
    schema: { type: "object", additionalProperties: { type: "string" } },
    example,
  };
}

function describeBody(body: Body<unknown>, writing: Writing): JsonObject {
  const { mediaTypes, schema, required } = body;
  const given = Object.entries(body.examples);
  const found = given.length > 0 ? given : Object.entries({ example: findExample(schema) });
  const examples = found.flatMap(([name, example]) => {
    const value = example === undefined ? undefined : adaptExample(example, { ...writing, schema });
    return value === undefined ? [] : [[name.replaceAll(/[^\w.-]/g, "_"), { value }]];
  });
  const content = {
    schema: writing.components.carry(schema, writing.registry),
    ...(examples.length > 0 && { examples: Object.fromEntries(examples) }),
  };
  return { required, content: Object.fromEntries(mediaTypes.map((type) => [type, content])) };
}

function describeResponses(operation: Operation, writing: Writing): JsonObject {
  const { responses, foreign } = operation;
  const answers = Object.entries(responses).map(([status, answer]) => [status, describeAnswer(answer, writing)]);
  const errors = foreign
    ? Object.entries(foreign.errors).map(([status, description]) => [
        status,
        { description, content: { "application/json": { schema: writing.components.carry(foreign.errorSchema) } } },
      ])
    : describeErrors(operation, writing).filter(([status]) => responses[Number(status)] === undefined);
  // Not "default": clients tell answers apart by their status, and an answer of any status would be alike to all.
  const bug = errors.some(([status]) => status === "500")
    ? []
    : [["500", { $ref: "#/components/responses/Problem500" }]];
  return Object.fromEntries([...answers, ...errors, ...bug]);
}

function describeAnswer({ description, content, headers }: Answer, writing: Writing): JsonObject {
  const described = Object.entries(content).map(([type, one]) => {
    const example = one.example ?? findExample(one.schema);
    const value = example === undefined ? undefined : adaptExample(example, { ...writing, schema: one.schema });
    const schema = writing.components.carry(one.schema, writing.registry);
    return [type, { schema, ...(value !== undefined && { example: value }) }];
  });
  return {
    description,
    ...(headers && { headers: headers as unknown as JsonObject }),
    ...(described.length > 0 && { content: Object.fromEntries(described) }),
  };
}

/** One answer per status, with what each of its codes means. */
function describeErrors(operation: Operation, { components, codes, problems }: Writing): [string, JsonObject][] {
  const byStatus = new Map<number, ErrorCode[]>();
  for (const code of listErrors(operation)) {
    const { status } = describeProblem(new AttestryError(code, ""));
    byStatus.set(status, [...(byStatus.get(status) ?? []), code]);
    codes.add(code);
  }
  return [...byStatus].map(([status, found]) => {
    const key = `${status} ${found.join(" ")}`;
    const known = problems.get(key) ?? {
      name: `Problem${status}_${[...problems.keys()].filter((one) => one.startsWith(`${status} `)).length + 1}`,
      answer: describeProblemAnswer(found, components),
    };
    problems.set(key, known);
    return [String(status), { $ref: `#/components/responses/${known.name}` }];
  });
}

function describeProblemAnswer(codes: readonly ErrorCode[], { carry }: Components): JsonObject {
  return {
    description: codes.map((code) => `- \`${code}\`: ${PROBLEM_WORDS[code] ?? ""}`).join("\n"),
    content: {
      [PROBLEM_TYPE]: {
        schema: carry(PROBLEM),
        examples: Object.fromEntries(codes.map((code) => [code, { $ref: `#/components/examples/${code}` }])),
      },
    },
  };
}

function describeBug({ carry }: Components): JsonObject {
  return {
    description: "The node failed; its log says more.",
    content: { [PROBLEM_TYPE]: { schema: carry(PROBLEM), example: { ...INTERNAL_ERROR } } },
  };
}

function describeProblemExample(code: ErrorCode): JsonObject {
  const words = PROBLEM_WORDS[code];
  const value = describeProblem(new AttestryError(code, words ?? code.replaceAll("_", " "))) as unknown as JsonObject;
  return { ...(words !== undefined && { summary: words }), value };
}
