// Holds answers of a node against the OpenAPI document that it serves. Test code only; shares nothing with what builds the document.
import { Ajv2020, type ValidateFunction } from "ajv/dist/2020.js";
import formats from "ajv-formats";
import type { Json, JsonObject } from "../src/crypto/json.ts";
import type { Answer } from "./node-fixture.ts";

export interface DocumentedOperation {
  readonly method: string;
  readonly path: string;
  readonly operation: JsonObject;
}

export interface DocumentCheck {
  readonly operations: readonly DocumentedOperation[];
  /** The operation of a request, by the rules of OpenAPI: an address without parameters goes before one with them. */
  find(method: string, path: string): DocumentedOperation | undefined;
  /** What is wrong with an answer, by the document; none if it tells the truth. */
  faults(method: string, path: string, answer: Answer): string[];
  /** What is wrong with a value by the schema at a JSON Pointer of the document. */
  schemaFaults(pointer: string, value: unknown): string[];
}

type Node = Record<string, unknown>;

export function createDocumentCheck(document: JsonObject): DocumentCheck {
  const ajv = new Ajv2020({ strict: false, allErrors: true, validateFormats: true });
  (formats as unknown as (instance: Ajv2020) => void)(ajv);
  ajv.addSchema({ ...closeObjects(document), $id: "https://document.example/" });
  const compiled = new Map<string, ValidateFunction>();
  const paths = document.paths as Record<string, JsonObject>;
  const operations = Object.entries(paths).flatMap(([path, methods]) =>
    Object.entries(methods).map(([method, operation]) => ({ method, path, operation: operation as JsonObject })),
  );

  function schemaFaults(pointer: string, value: unknown): string[] {
    const validate = compiled.get(pointer) ?? ajv.compile({ $ref: `https://document.example/#${pointer}` });
    compiled.set(pointer, validate);
    if (validate(value)) return [];
    return (validate.errors ?? []).map(
      ({ instancePath, message, params }) => `${instancePath}: ${message} ${JSON.stringify(params)}`,
    );
  }

  const find: DocumentCheck["find"] = (method, target) => {
    const [address] = target.split("?");
    const fitting = operations.filter(
      (one) => one.method === method.toLowerCase() && pathPattern(one.path).test(address!),
    );
    return fitting.sort((a, b) => countParameters(a.path) - countParameters(b.path))[0];
  };

  return {
    operations,
    find,
    schemaFaults,
    faults(method, target, answer) {
      const found = find(method, target);
      if (!found) return [`${method} ${target} is not in the document`];
      const responses = found.operation.responses as Record<string, JsonObject>;
      const name = `${method} ${found.path} ${answer.status}`;
      let pointer = `/paths/${pointerStep(found.path)}/${found.method}/responses/${answer.status}`;
      let response = responses[String(answer.status)];
      if (!response) return [`${name} is no answer of the document`];
      if (typeof response.$ref === "string") {
        pointer = response.$ref.slice(1);
        response = pointer
          .split("/")
          .slice(1)
          .reduce<Json>((node, step) => (node as JsonObject)[step]!, document) as JsonObject;
      }
      const content = (response.content ?? {}) as Record<string, JsonObject>;
      const type = (answer.headers.get("content-type") ?? "").split(";")[0]!;
      if (answer.text === "" && Object.keys(content).length === 0) return [];
      const media = content[type];
      if (!media) return [`${name}: ${type} is not among ${Object.keys(content).join(", ")}`];
      if (!type.includes("json") || type.includes("ndjson")) return [];
      const faults = schemaFaults(`${pointer}/content/${pointerStep(type)}/schema`, JSON.parse(answer.text));
      const { code } = answer.body;
      if (type === "application/problem+json" && !Object.keys(media.examples as object).includes(String(code)))
        faults.push(`the code ${String(code)} is not among those of this status`);
      return faults.map((fault) => `${name}: ${fault}`);
    },
  };
}

function pointerStep(step: string): string {
  return encodeURIComponent(step.replaceAll("~", "~0").replaceAll("/", "~1"));
}

function countParameters(path: string): number {
  return path.split("{").length;
}

function pathPattern(path: string): RegExp {
  const literal = path.split(/\{\w+\}/).map((part) => part.replaceAll(/[.*+?^$()|[\]\\]/g, "\\$&"));
  // The path of a tile has slashes.
  return new RegExp(`^${literal.join(path.endsWith("{tile}") ? ".+" : "[^/]+")}$`);
}

/** Refuses members that a schema does not name, so that the document has to name all of them. */
function closeObjects(document: JsonObject): JsonObject {
  const parts = new Set(JSON.stringify(document).match(/(?<="allOf":\[\{"\$ref":")[^"]+/g) ?? []);
  const visit = (node: unknown, pointer: string, isPart: boolean): unknown => {
    if (Array.isArray(node)) return node.map((one, at) => visit(one, `${pointer}/${at}`, isPart));
    if (typeof node !== "object" || node === null) return node;
    const walked: Node = Object.fromEntries(
      Object.entries(node).map(([name, one]) => [
        name,
        name === "example" || name === "examples"
          ? one
          : visit(one, `${pointer}/${name}`, ["allOf", "anyOf", "oneOf"].includes(name)),
      ]),
    );
    const isSchema = typeof walked.properties === "object" && (walked.type === "object" || walked.allOf !== undefined);
    const isOpen = walked.additionalProperties === undefined && !isPart && !parts.has(pointer);
    if ((isSchema || Array.isArray(walked.allOf)) && isOpen) walked.unevaluatedProperties = false;
    return walked;
  };
  return visit(document, "#", false) as JsonObject;
}
