// A set of open data on disk: fetched from a node, checked against its manifest, and the manifest against the node's key. Checking asks nobody.
import { createHash } from "node:crypto";
import {
  createReadStream,
  createWriteStream,
  existsSync,
  mkdirSync,
  readFileSync,
  renameSync,
  writeFileSync,
} from "node:fs";
import { join } from "node:path";
import { pipeline } from "node:stream/promises";
import { encodeBase64 } from "../../crypto/base64.ts";
import { sha256 } from "../../crypto/hash.ts";
import { isJsonObject, parseJson } from "../../crypto/json.ts";
import { AttestryError } from "../../errors.ts";
import { parseAnchorPins } from "../../federation/anchor-pins.ts";
import { parseEntityStatement } from "../../federation/entity-statement.ts";
import { parseNodeMetadata, REGISTRY_NODE } from "../../federation/node-metadata.ts";
import { verifyTrustChain } from "../../federation/trust-chain.ts";
import { verifyCheckpoint } from "../../log/checkpoint.ts";
import { parseVerifierKey } from "../../log/note.ts";
import {
  type Manifest,
  type ManifestFile,
  OPEN_DATA_FILES,
  verifyManifest,
} from "../../records/bulk/open-data-manifest.ts";
import { readInputJson } from "../input-file.ts";
import type { NodeClient } from "../node-client.ts";

export interface OpenDataReport {
  readonly manifest: Manifest;
  /** The anchor that the key was proved by, or null where it is the node's own word. */
  readonly proved_by: string | null;
  /** For people. */
  readonly lines: readonly string[];
}

const MANIFEST_FILE = "manifest.jwt";
/** Entity statements, the node's own first: what its keys are proved by. */
const CHAIN_FILE = "chain.json";

/** Fetches the last set into `directory`, and checks all of it as `verifyOpenData` does. */
export async function downloadOpenData(options: {
  readonly client: NodeClient;
  readonly registry: string;
  readonly directory: string;
  readonly anchorsPath?: string | undefined;
}): Promise<OpenDataReport> {
  const { client, registry, directory } = options;
  const base = `/registries/${encodeURIComponent(registry)}/open-data`;
  const set = await client.getJson(base);
  if (!isJsonObject(set) || typeof set.manifest !== "string" || typeof set.log_size !== "number") {
    throw new AttestryError("peer_response_invalid", `${client.baseUrl} answered no set of open data`);
  }
  const chain = Array.isArray(set.chain) ? set.chain : [await client.send({ path: "/.well-known/openid-federation" })];
  mkdirSync(directory, { recursive: true });
  for (const name of OPEN_DATA_FILES) {
    const { chunks } = await client.stream({ path: `${base}/${set.log_size}/${name}` });
    const draft = join(directory, `${name}.part`);
    await pipeline(chunks, createWriteStream(draft));
    renameSync(draft, join(directory, name));
  }
  writeFileSync(join(directory, CHAIN_FILE), `${JSON.stringify(chain)}\n`);
  writeFileSync(join(directory, MANIFEST_FILE), `${set.manifest}\n`);
  return verifyOpenData(options);
}

/** Throws naming the first thing that is not as the manifest says, or why the manifest is not to be believed. */
export async function verifyOpenData(options: {
  readonly directory: string;
  readonly anchorsPath?: string | undefined;
}): Promise<OpenDataReport> {
  const { directory, anchorsPath } = options;
  const read = (name: string): string => {
    const path = join(directory, name);
    if (!existsSync(path))
      throw new AttestryError("evidence_invalid", `${path} is not there, so nothing can be checked`);
    return readFileSync(path, "utf8");
  };
  const chain = parseJson(read(CHAIN_FILE));
  if (!Array.isArray(chain) || !chain.every((one) => typeof one === "string")) {
    throw new AttestryError("evidence_invalid", `${CHAIN_FILE} is no list of statements`);
  }
  const proof = await proveKeys(chain as string[], anchorsPath);
  const manifest = await verifyManifest(read(MANIFEST_FILE).trim(), proof.recordKeys);
  if (manifest.iss !== proof.entity) {
    throw new AttestryError(
      "evidence_invalid",
      `the manifest is of ${manifest.iss}, the statements of ${proof.entity}`,
    );
  }
  if (!proof.registryTypes.includes(manifest.type)) {
    throw new AttestryError("authority_not_granted", `${proof.entity} may not sign records of type "${manifest.type}"`);
  }
  verifyCheckpoint(manifest.checkpoint, {
    origin: manifest.log.origin,
    verifiers: proof.logKeys.map(parseVerifierKey),
  });
  for (const file of manifest.files) await checkFile(directory, file);
  const integrity = `sha256-${encodeBase64(sha256(read("definition.json")))}`;
  if (integrity !== manifest["definition#integrity"]) {
    throw new AttestryError("evidence_invalid", "definition.json is not the definition that the manifest names");
  }
  return { manifest, proved_by: proof.anchor, lines: describe(manifest, proof.anchor, directory) };
}

interface Proof {
  readonly entity: string;
  readonly anchor: string | null;
  readonly recordKeys: Parameters<typeof verifyManifest>[1];
  readonly logKeys: readonly string[];
  readonly registryTypes: readonly string[];
}

/** The node's keys, by an anchor where one is pinned. Statements live an hour, so they are judged as of when they were made. */
async function proveKeys(statements: readonly string[], anchorsPath: string | undefined): Promise<Proof> {
  const parsed = statements.map(parseEntityStatement);
  const [own] = parsed;
  if (!own) throw new AttestryError("evidence_invalid", `${CHAIN_FILE} has no statement`);
  if (anchorsPath === undefined) {
    const { metadata, keys } = parseNodeMetadata(own.subject, own.metadata.get(REGISTRY_NODE));
    const { vkeys } = metadata.logs.records;
    const { registry_types: registryTypes } = metadata;
    return { entity: own.subject, anchor: null, recordKeys: keys.record, logKeys: vkeys, registryTypes };
  }
  const anchors = parseAnchorPins(readInputJson(anchorsPath, "config_invalid"));
  const now = Math.max(...parsed.map(({ issuedAt }) => issuedAt));
  const { entity, anchor, keys, metadata, registryTypes } = await verifyTrustChain({ statements, anchors, now });
  return { entity, anchor, recordKeys: keys.record, logKeys: metadata.logs.records.vkeys, registryTypes };
}

async function checkFile(directory: string, { name, bytes, sha256: expected }: ManifestFile): Promise<void> {
  const path = join(directory, name);
  if (!existsSync(path)) throw new AttestryError("evidence_invalid", `${path} is not there, and the manifest names it`);
  const hash = createHash("sha256");
  let found = 0;
  for await (const chunk of createReadStream(path) as AsyncIterable<Buffer>) {
    found += chunk.length;
    hash.update(chunk);
  }
  if (found === bytes && hash.digest("hex") === expected) return;
  throw new AttestryError(
    "evidence_invalid",
    `${path} is not the file of the manifest: it has ${found} bytes and another SHA-256, or not the ${bytes} bytes named there`,
  );
}

function describe(manifest: Manifest, anchor: string | null, directory: string): string[] {
  const rows = manifest.files.find(({ name }) => name === "records.ndjson")?.rows ?? 0;
  const signed = new Date(manifest.iat * 1_000).toISOString();
  return [
    `${directory}: ${rows} records of "${manifest.registry}", as of ${manifest.log.size} entries of the log of ${manifest.iss}`,
    `manifest signed ${signed}; every file is as it says`,
    anchor === null
      ? "key: the node's own word; pin an anchor with --anchors"
      : `key: proved by ${anchor}, as of when the set was fetched`,
  ];
}
