// What the answers about registries look like, for the document of the API. Holds no route.

export const DEFINITION_EXAMPLE = {
  name: "districts",
  type: "districts",
  title: { en: "Districts", hi: "ज़िले" },
  access: "public",
  display: "{name}",
  identifier: { field: "code" },
  schema: {
    type: "object",
    additionalProperties: false,
    required: ["code", "name"],
    properties: {
      code: { type: "string", pattern: "^[0-9]+$", "x-unique": true },
      name: { type: "string", minLength: 1, "x-search": "prefix", "x-title": { en: "Name", hi: "नाम" } },
    },
  },
};

const BASE = "https://lgd.example/registries/districts";

export const REGISTRY_EXAMPLE = {
  ...DEFINITION_EXAMPLE,
  version: 1,
  integrity: "sha256-47DEQpj8HBSa+/TImW+5JCeuQeRkm5NMpJWZG3hSuFU=",
  links: { self: BASE, records: `${BASE}/records`, schema: `${BASE}/schema/1`, versions: `${BASE}/versions` },
};

const LINK = { type: "string", format: "uri" };

/** A definition with what the node adds; the members of the definition itself are those of schemas/definition.schema.json. */
export const REGISTRY_SCHEMA = {
  type: "object",
  required: ["name", "type", "title", "access", "schema", "version", "integrity", "links"],
  properties: {
    name: { type: "string" },
    type: { type: "string" },
    title: { description: "A text, or one per language." },
    access: { type: "string", enum: ["public", "members", "consent"] },
    schema: { type: "object" },
    version: { type: "integer", minimum: 1 },
    integrity: { type: "string", description: "Hash of the exact text, as `vct#integrity` of tokens has it." },
    links: {
      type: "object",
      required: ["self", "records", "schema", "versions"],
      properties: { self: LINK, records: LINK, schema: LINK, versions: LINK },
    },
  },
};

const CHANGES_SCHEMA = {
  type: "array",
  description: "From the current version to this one; breaking ones first.",
  items: {
    type: "object",
    required: ["field", "kind", "message"],
    properties: {
      field: { type: "string", description: "JSON Pointer into the definition." },
      kind: { type: "string", enum: ["breaking", "compatible"] },
      message: { type: "string" },
    },
  },
};

export const VERSION_COUNTS_SCHEMA = {
  type: "array",
  description: "How many records are under which version of the definition, by state.",
  items: {
    type: "object",
    required: ["version", "state", "records"],
    properties: {
      version: { type: "integer", minimum: 1 },
      state: { type: "string" },
      records: { type: "integer", minimum: 0 },
    },
  },
};

export const PUBLISHED_SCHEMA = {
  ...REGISTRY_SCHEMA,
  required: [...REGISTRY_SCHEMA.required, "log_index", "changed", "changes"],
  properties: {
    ...REGISTRY_SCHEMA.properties,
    log_index: { type: "integer", minimum: 0 },
    changed: { type: "boolean" },
    changes: CHANGES_SCHEMA,
  },
};

export const PREVIEW_SCHEMA = {
  ...REGISTRY_SCHEMA,
  required: [...REGISTRY_SCHEMA.required, "dry_run", "changed", "changes", "records"],
  properties: {
    ...REGISTRY_SCHEMA.properties,
    dry_run: { const: true },
    changed: { type: "boolean" },
    changes: CHANGES_SCHEMA,
    records: VERSION_COUNTS_SCHEMA,
  },
};
