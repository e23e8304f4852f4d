// Reads the map, the definition and the file's header, and checks them against each other before anything is sent.
import { createHash } from "node:crypto";
import { readFile, stat } from "node:fs/promises";
import { resolve } from "node:path";
import { decodeUtf8 } from "../../crypto/hash.ts";
import { isJsonObject, type JsonObject } from "../../crypto/json.ts";
import { AttestryError } from "../../errors.ts";
import { IMPORT_MAP_BYTES_MAX } from "../../limits.ts";
import type { KeyRules } from "../../records/bulk/import-keys.ts";
import {
  checkMapTargets,
  type ImportMap,
  isGrouping,
  mapInvalid,
  parseImportMap,
} from "../../records/bulk/import-map.ts";
import { bindMap, readKey } from "../../records/bulk/import-row.ts";
import { collectAnnotations } from "../../registries/annotations.ts";
import { createNodeClient, type NodeClient, parseNodeUrl } from "../node-client.ts";
import { createEnvelopeBuilder, createEnvelopeKey, createEnvelopeReader } from "./envelope-builder.ts";
import type { ImportOptions } from "./import-run.ts";
import { type BuildGroups, createMapBuilder } from "./record-builder.ts";
import { createReferenceLookup } from "./reference-lookup.ts";
import type { RowKey } from "./row-groups.ts";
import { openRows, type RowReader } from "./row-reader.ts";

export interface PreparedImport {
  readonly client: NodeClient;
  readonly reader: RowReader;
  readonly key: RowKey | undefined;
  readonly isGrouping: boolean;
  readonly build: BuildGroups;
  readonly rules: KeyRules;
  /** The fields that the map fills, as the node takes them; undefined without a map. */
  readonly fills: string | undefined;
  /** Whether a record can be found again by what stands in its row. */
  readonly isUnique: boolean;
  /** SHA-256 of what is made of the rows by, hexadecimal: the map, and what is added to each. */
  readonly mapDigest: string | null;
}

type Source = Pick<PreparedImport, "key" | "isGrouping" | "build" | "fills">;

/** Throws `import_map_invalid`, `import_file_invalid`, and what the node answers. Sends no row. */
export async function prepareImport(options: ImportOptions): Promise<PreparedImport> {
  const { registry, url, token, filePath, mapPath, signal } = options;
  const mapText = mapPath === undefined ? undefined : await readMapFile(mapPath);
  const map = mapText === undefined ? undefined : parseImportMap(mapText);
  checkNodes(map, options.nodes);
  checkPaths(options);
  const client = createNodeClient({ baseUrl: url, token });
  const definition = await client.getJson(`/registries/${encodeURIComponent(registry)}`, { signal });
  if (!isJsonObject(definition) || !isJsonObject(definition.schema)) {
    throw new AttestryError(
      "peer_response_invalid",
      `${client.baseUrl} answered without the definition of ${registry}`,
    );
  }
  const { schema } = definition;
  if (map) checkMapTargets(map, schema);
  const rules = readKeyRules(definition, schema);
  // A map fills the data; an identifier that the node gives can only stand in an envelope.
  const isUnique = rules.uniqueKeys.length > 0 || (map === undefined && rules.hasIdentifier);
  if (options.mode !== "create" && (!isUnique || (map && map.key === undefined))) {
    const lack = isUnique ? 'the map has no "key"' : `${registry} has no unique field`;
    throw mapInvalid(`--mode ${options.mode} needs to know which record a row is about, but ${lack}`, []);
  }
  if (!isUnique) options.warn(`${registry} has no unique field: importing a file twice makes every record twice`);
  const reader = await openRows(filePath);
  try {
    const source = map
      ? bindSource({ map, reader, options, client })
      : readEnvelopes({ reader, schema, rules, isKeyed: options.mode !== "create" });
    const { distinct } = options;
    const build = distinct === undefined ? source.build : withDistinct(source.build, distinct);
    return { client, reader, ...source, build, rules, isUnique, mapDigest: digestMap(mapText, distinct) };
  } catch (error) {
    reader.close();
    throw error;
  }
}

function digestMap(mapText: string | undefined, distinct: string | undefined): string | null {
  const parts = [mapText, distinct].filter((part) => part !== undefined);
  return parts.length === 0 ? null : createHash("sha256").update(parts.join("\0")).digest("hex");
}

function withDistinct(build: BuildGroups, distinct: string): BuildGroups {
  return async (groups) =>
    (await build(groups)).map((group) => {
      if (!group.envelope) return group;
      const act = group.envelope.act ?? {};
      // What is no object is refused by the node, by name.
      return isJsonObject(act) ? { ...group, envelope: { ...group.envelope, act: { distinct, ...act } } } : group;
    });
}

function bindSource(from: { map: ImportMap; reader: RowReader; options: ImportOptions; client: NodeClient }): Source {
  const { map, reader, options, client } = from;
  const bound = bindMap(map, reader.findColumn);
  const lookup = createReferenceLookup({ clientFor: createClients(client, options.nodes), signal: options.signal });
  const key: RowKey | undefined =
    bound.key.length === 0
      ? undefined
      : {
          label: bound.key.map(({ label }) => label).join(", "),
          isRequired: true,
          read: ({ cells }) => readKey(bound, cells),
        };
  const fills = bound.fields.flatMap(({ path }) => (path[0] === "act" ? [] : [path.join(".")])).join(",");
  return { key, isGrouping: isGrouping(map), build: createMapBuilder({ bound, lookup }), fills };
}

function readEnvelopes(from: { reader: RowReader; schema: JsonObject; rules: KeyRules; isKeyed: boolean }): Source {
  const { reader, schema, rules, isKeyed } = from;
  const envelopes = createEnvelopeReader({ header: reader.header, schema, rules });
  const key = isKeyed ? createEnvelopeKey(envelopes, rules) : undefined;
  return { key, isGrouping: false, build: createEnvelopeBuilder(envelopes), fills: undefined };
}

async function readMapFile(path: string): Promise<string> {
  let bytes: Uint8Array;
  try {
    const { size } = await stat(path);
    if (size > IMPORT_MAP_BYTES_MAX) throw mapInvalid(`${path} has more than ${IMPORT_MAP_BYTES_MAX} bytes`, []);
    bytes = await readFile(path);
  } catch (cause) {
    if (cause instanceof AttestryError) throw cause;
    throw new AttestryError("import_map_invalid", `${path} cannot be read`, { cause });
  }
  return decodeUtf8(bytes);
}

function checkPaths({ filePath, mapPath, reportPath }: ImportOptions): void {
  for (const path of [filePath, mapPath]) {
    if (path !== undefined && reportPath !== undefined && resolve(path) === resolve(reportPath)) {
      throw new AttestryError("import_file_invalid", `the report would overwrite ${path}`);
    }
  }
}

/** A node given for a registry that the map does not refer to is a misspelling, and for one at several nodes ambiguous. */
function checkNodes(map: ImportMap | undefined, nodes: ReadonlyMap<string, string>): void {
  const references = (map?.fields ?? []).flatMap(({ reference }) => reference ?? []);
  for (const name of nodes.keys()) {
    const meant = new Set(references.filter(({ registry }) => registry === name).map(({ node }) => node));
    if (meant.size === 1) continue;
    const problem = meant.size === 0 ? "does not refer to it" : "refers to it at several nodes";
    throw mapInvalid(`--node ${name}=… is given, but the map ${problem}`, []);
  }
}

function readKeyRules(definition: JsonObject, schema: JsonObject): KeyRules {
  const { access, identifier } = definition;
  if (access !== "public" && access !== "members" && access !== "consent") {
    throw new AttestryError("peer_response_invalid", "the definition does not say who may read its records");
  }
  const { uniqueKeys } = collectAnnotations(schema, access);
  // An identifier that is a field is a unique field by that.
  const field = isJsonObject(identifier) && typeof identifier.field === "string" ? identifier.field : undefined;
  const ofField = field === undefined || uniqueKeys.some(({ name }) => name === field) ? [] : [field];
  return {
    hasIdentifier: typeof identifier === "string",
    uniqueKeys: [...uniqueKeys, ...ofField.map((name) => ({ name, fields: [[name]], personal: false }))],
  };
}

function createClients(own: NodeClient, nodes: ReadonlyMap<string, string>) {
  const clients = new Map([[own.baseUrl, own]]);
  return ({ registry, node }: { readonly registry: string; readonly node: string | undefined }): NodeClient => {
    const baseUrl = parseNodeUrl(nodes.get(registry) ?? node ?? own.baseUrl);
    const client = clients.get(baseUrl) ?? createNodeClient({ baseUrl });
    clients.set(baseUrl, client);
    return client;
  };
}
