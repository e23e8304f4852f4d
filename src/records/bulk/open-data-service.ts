// Publishes sets of open data: the export of a public registry as of a size of the log, under a signed manifest. Keeps no file: each is made again, byte for byte.
import { createHash } from "node:crypto";
import type { JsonObject } from "../../crypto/json.ts";
import { decodeJws, signJws } from "../../crypto/jws.ts";
import type { Signer } from "../../crypto/signer.ts";
import { AttestryError } from "../../errors.ts";
import { OPEN_DATA_INTERVAL_SECONDS, OPEN_DATA_SETS_MAX } from "../../limits.ts";
import { listSigners } from "../../log/note.ts";
import type { CompiledDefinition } from "../../registries/compiled-definition.ts";
import type { RegistryService } from "../../registries/registry-service.ts";
import type { Database } from "../../storage/database.ts";
import type { ExportChunk, ExportService } from "./export-service.ts";
import {
  MANIFEST_TYPE,
  type ManifestFile,
  OPEN_DATA_FILES,
  OPEN_DATA_MEDIA_TYPES,
  type OpenDataFile,
} from "./open-data-manifest.ts";
import * as store from "./open-data-store.ts";

export interface OpenDataView {
  readonly registry: string;
  readonly log_size: number;
  /** The signed manifest. */
  readonly manifest: string;
  /** The trust chain that proves its key, where the node has one now. */
  readonly chain?: readonly string[];
  readonly links: Readonly<Record<string, string>>;
}

export interface OpenDataService {
  /** The last set, or a new one if the registry changed and the last is old enough. Throws `registry_unknown`, `not_found`. */
  getCurrent(registry: string): Promise<OpenDataView>;
  /** Throws `not_found` for a size as of which nothing was published. */
  get(registry: string, size: number): Promise<OpenDataView>;
  readFile(options: { registry: string; size: number; name: OpenDataFile }): Promise<AsyncGenerator<ExportChunk>>;
}

export function createOpenDataService(deps: {
  entity: string;
  database: Database;
  registries: RegistryService;
  exports: ExportService;
  signer: Signer;
  clock: () => number;
  readCheckpoint: () => Promise<{ note: string; origin: string; size: number }>;
  ownChain: () => Promise<readonly string[]>;
}): OpenDataService {
  const { entity, database, registries, exports, clock } = deps;
  const underWay = new Map<string, Promise<store.OpenDataSet>>();
  const checkedAt = new Map<string, number>();

  async function getOpen(registry: string): Promise<CompiledDefinition> {
    const compiled = await registries.getCurrent(registry);
    if (compiled.definition.access === "public") return compiled;
    throw new AttestryError("not_found", `"${registry}" is not public, so it has no open data`);
  }

  async function publish(compiled: CompiledDefinition): Promise<store.OpenDataSet> {
    const { definition, version } = compiled;
    const registry = definition.name;
    const last = await store.findSet(database, { registry });
    const now = clock();
    // Whether anything changed is asked of the whole registry, so not for every reader.
    const knownSince = Math.max(last?.createdAt ?? 0, checkedAt.get(registry) ?? 0);
    if (last && now - knownSince < OPEN_DATA_INTERVAL_SECONDS) return last;
    checkedAt.set(registry, now);
    const isSameDefinition = last?.definitionVersion === version;
    const { note, origin, size } = await deps.readCheckpoint();
    const isUnchanged = async (set: store.OpenDataSet) =>
      isByKeysOfToday(set, note) && (await store.findLastChange(database, registry)) < set.logSize;
    if (last && isSameDefinition && (await isUnchanged(last))) return last;
    const files = await describeFiles(compiled, size);
    const createdAt = clock();
    const { license } = definition as { license?: string };
    const payload = {
      iss: entity,
      iat: createdAt,
      registry,
      type: definition.type,
      title: definition.title,
      definition: compiled.vct,
      "definition#integrity": compiled.integrity,
      ...(license !== undefined && { license }),
      log: { origin, size },
      checkpoint: note,
      files: files.map((file) => ({ ...file })),
    } as unknown as JsonObject;
    const manifest = await signJws({ signer: deps.signer, typ: MANIFEST_TYPE, payload });
    const set = { registry, logSize: size, definitionVersion: version, manifest, createdAt };
    await store.insertSet(database, set, { keep: OPEN_DATA_SETS_MAX });
    // Another process may have made it first, and what is published is one manifest.
    return (await store.findSet(database, { registry, logSize: size })) ?? set;
  }

  /** What was signed by keys that gave way, or were reported, is not proved by the statements of today: it is made anew. */
  function isByKeysOfToday({ manifest }: store.OpenDataSet, note: string): boolean {
    const { header, payload } = decodeJws(manifest);
    const signers = new Set(listSigners(note));
    const isLogSame = listSigners(String(payload.checkpoint)).some((signer) => signers.has(signer));
    return isLogSame && header.kid === deps.signer.publicKey.kid;
  }

  async function describeFiles(compiled: CompiledDefinition, size: number): Promise<ManifestFile[]> {
    const texts = { csv: new Digest(), ndjson: new Digest() };
    for await (const { csv, ndjson, rows } of exports.readPublic({ compiled, size })) {
      texts.csv.add(csv, rows);
      texts.ndjson.add(ndjson, rows);
    }
    const text = new Digest();
    text.add(compiled.text, 0);
    const describe = (name: OpenDataFile, digest: Digest): ManifestFile => ({
      name,
      media_type: OPEN_DATA_MEDIA_TYPES[name],
      bytes: digest.bytes,
      sha256: digest.end(),
      ...(name !== "definition.json" && { rows: digest.rows }),
    });
    return [
      describe("records.ndjson", texts.ndjson),
      describe("records.csv", texts.csv),
      describe("definition.json", text),
    ];
  }

  async function view(set: store.OpenDataSet): Promise<OpenDataView> {
    const self = `${entity}/registries/${set.registry}/open-data/${set.logSize}`;
    // Without superiors that answer now, the set is good all the same; whoever wants the chain asks again.
    const chain = await deps.ownChain().catch(() => undefined);
    const links = Object.fromEntries(OPEN_DATA_FILES.map((name) => [name, `${self}/${name}`]));
    return {
      registry: set.registry,
      log_size: set.logSize,
      manifest: set.manifest,
      ...(chain && { chain }),
      links: { self, ...links },
    };
  }

  async function getSet(registry: string, size: number): Promise<store.OpenDataSet> {
    await getOpen(registry);
    const set = Number.isSafeInteger(size) ? await store.findSet(database, { registry, logSize: size }) : undefined;
    if (set) return set;
    throw new AttestryError(
      "not_found",
      `no open data of "${registry}" was published as of ${size} entries of the log`,
    );
  }

  return {
    async getCurrent(registry) {
      const compiled = await getOpen(registry);
      // One at a time: making a set reads the whole registry.
      const making = underWay.get(registry) ?? publish(compiled).finally(() => underWay.delete(registry));
      underWay.set(registry, making);
      return view(await making);
    },
    async get(registry, size) {
      return view(await getSet(registry, size));
    },
    async readFile({ registry, size, name }) {
      const { definitionVersion } = await getSet(registry, size);
      const compiled = await registries.getVersion(registry, definitionVersion);
      if (name === "definition.json") return single(compiled.text);
      const format = name === "records.csv" ? "csv" : "ndjson";
      const texts = exports.readPublic({ compiled, size });
      return pick(texts, format);
    },
  };
}

async function* single(text: string): AsyncGenerator<ExportChunk> {
  yield { text, rows: 0 };
}

async function* pick(
  texts: ReturnType<ExportService["readPublic"]>,
  format: "csv" | "ndjson",
): AsyncGenerator<ExportChunk> {
  for await (const chunk of texts) yield { text: chunk[format], rows: chunk.rows };
}

class Digest {
  readonly #hash = createHash("sha256");
  bytes = 0;
  rows = 0;

  add(text: string, rows: number): void {
    const bytes = Buffer.from(text, "utf8");
    this.#hash.update(bytes);
    this.bytes += bytes.length;
    this.rows += rows;
  }

  end(): string {
    return this.#hash.digest("hex");
  }
}
