// A definition made ready for use: validator, personal paths, keys, identifier. Pure: no I/O, no clock.
import { Ajv2020, type ValidateFunction } from "ajv/dist/2020.js";
import formats from "ajv-formats";
import { encodeBase64 } from "../crypto/base64.ts";
import { sha256 } from "../crypto/hash.ts";
import type { Json, JsonObject } from "../crypto/json.ts";
import { AttestryError, type ErrorDetail } from "../errors.ts";
import { type Annotations, collectAnnotations, valuesAt, X_KEYWORDS } from "./annotations.ts";
import { findAttachmentFaults } from "./attachment-value.ts";
import { type Definition, parseDefinition } from "./definition.ts";
import { compileDisclosureRules, type DisclosureRules } from "./disclosure-rules.ts";
import { checkFieldTexts } from "./field-texts.ts";
import { type IdentifierTemplate, parseIdentifierTemplate } from "./identifier-template.ts";
import { compileIndexRules, type IndexRules } from "./index-rules.ts";
import { compileRecordSchema } from "./record-schema.ts";
import { readDefinitionText } from "./type-metadata.ts";

export interface CompiledDefinition {
  readonly definition: Definition;
  readonly version: number;
  /** The exact text that `vct#integrity` hashes. */
  readonly text: string;
  /** `<entity>/registries/<name>/schema/<version>` */
  readonly vct: string;
  /** `sha256-<base64>` of `text` (W3C Subresource Integrity, as SD-JWT VC asks). */
  readonly integrity: string;
  readonly annotations: Annotations;
  readonly rules: IndexRules;
  readonly disclosure: DisclosureRules;
  readonly identifier: IdentifierTemplate | undefined;
  /** Faults of `data`, none if it is valid. Messages never repeat a value. */
  findFaults(data: Json): ErrorDetail[];
}

const FAULTS_MAX = 50;

/** The URL of a definition's version. */
export function definitionUrl(options: { entity: string; name: string; version: number }): string {
  return `${options.entity}/registries/${options.name}/schema/${options.version}`;
}

/** Compiles a definition's published text; throws `definition_invalid`, `definition_unsupported`. Only for this node's own definitions: ajv generates code. */
export function compileDefinition(options: { entity: string; version: number; text: string }): CompiledDefinition {
  const { text } = options;
  const { definition } = parseDefinition(readDefinitionText(text));
  const annotations = collectAnnotations(definition.schema, definition.access);
  checkFieldTexts(definition.schema);
  const validate = compileSchema(definition.schema);
  // Other nodes check records with this evaluator; what it refuses would make records that nobody can verify. It looks at a
  // schema when it first has data.
  compileRecordSchema(text).findViolation({}, true);
  const identifier = parseIdentifierTemplate(definition);
  return {
    definition,
    version: options.version,
    text,
    vct: definitionUrl({ entity: options.entity, name: definition.name, version: options.version }),
    integrity: `sha256-${encodeBase64(sha256(text))}`,
    annotations,
    rules: compileIndexRules(definition, annotations),
    disclosure: compileDisclosureRules(definition, annotations),
    identifier,
    findFaults(data) {
      const faults = validate(data) ? [] : (validate.errors ?? []).slice(0, FAULTS_MAX).map(describeFault);
      if (faults.length > 0) return faults;
      const at = { annotations, entity: options.entity, registry: definition.name };
      return [...findReferenceFaults(data, annotations), ...findAttachmentFaults(data, at)];
    },
  };
}

function compileSchema(schema: JsonObject): ValidateFunction {
  const ajv = new Ajv2020({
    allErrors: true,
    strict: true,
    strictTypes: false,
    strictRequired: false,
    validateFormats: true,
    // Or a field named "constructor" would be found in every record.
    ownProperties: true,
  });
  // The package is CommonJS; its callable stands under `default` for the type checker.
  (formats as unknown as (instance: Ajv2020) => void)(ajv);
  ajv.addVocabulary(X_KEYWORDS);
  try {
    const validate = ajv.compile(schema);
    // An asynchronous validator answers with a promise, which every caller here would take for "valid".
    if ("$async" in validate) throw new Error('"$async" is not supported');
    return validate;
  } catch (cause) {
    throw new AttestryError(
      "definition_invalid",
      `schema: ${cause instanceof Error ? cause.message : "cannot be compiled"}`,
      { cause },
    );
  }
}

function describeFault(error: {
  instancePath: string;
  message?: string;
  params: Record<string, unknown>;
}): ErrorDetail {
  const { missingProperty, additionalProperty } = error.params;
  if (typeof missingProperty === "string")
    return { field: `${error.instancePath}/${missingProperty}`, message: "is required" };
  if (typeof additionalProperty === "string")
    return { field: `${error.instancePath}/${additionalProperty}`, message: "is not a field of this registry" };
  return { field: error.instancePath || "/", message: error.message ?? "is not valid" };
}

/** A reference is a URL, or `{href, version, digest}` when pinned (DESIGN section 5). */
function findReferenceFaults(data: Json, annotations: Annotations): ErrorDetail[] {
  const faults: ErrorDetail[] = [];
  for (const { path } of annotations.references) {
    for (const value of valuesAt(data, path)) {
      const href = typeof value === "string" ? value : (value as JsonObject | null)?.href;
      if (typeof href !== "string" || !URL.canParse(href))
        faults.push({ field: `/${path.join("/")}`, message: "must be the URL of a record" });
    }
  }
  return faults;
}
