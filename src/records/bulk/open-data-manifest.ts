// The signed manifest of a set of open data: whose it is, as of what, and the digest of each file. Pure; loads in a browser.
import { isJsonObject, type Json, type JsonObject } from "../../crypto/json.ts";
import { verifyJws } from "../../crypto/jws.ts";
import type { PublicKey } from "../../crypto/keys.ts";
import { AttestryError } from "../../errors.ts";

export const MANIFEST_TYPE = "attestry-manifest+jwt";
export const OPEN_DATA_FILES = ["records.ndjson", "records.csv", "definition.json"] as const;
export type OpenDataFile = (typeof OPEN_DATA_FILES)[number];
export const OPEN_DATA_MEDIA_TYPES: Readonly<Record<OpenDataFile, string>> = {
  "records.ndjson": "application/x-ndjson",
  "records.csv": "text/csv; charset=utf-8; header=present",
  "definition.json": "application/json",
};

export interface ManifestFile {
  readonly name: OpenDataFile;
  readonly media_type: string;
  readonly bytes: number;
  /** Hexadecimal. */
  readonly sha256: string;
  /** Of files of records. */
  readonly rows?: number;
}

export interface Manifest {
  readonly iss: string;
  /** Unix seconds. */
  readonly iat: number;
  readonly registry: string;
  readonly type: string;
  readonly title: Json;
  /** URL of the definition's version, and the digest of its text. */
  readonly definition: string;
  readonly "definition#integrity": string;
  readonly license?: string;
  /** The export is as of so many entries of the log, whose last checkpoint then is beside it. */
  readonly log: { readonly origin: string; readonly size: number };
  readonly checkpoint: string;
  readonly files: readonly ManifestFile[];
}

/** Verifies a manifest (untrusted) by one of the node's record keys. Throws `jws_invalid`, `signature_invalid`, `evidence_invalid`. */
export async function verifyManifest(text: string, keys: readonly PublicKey[]): Promise<Manifest> {
  const { payload } = await verifyJws(text, { typ: MANIFEST_TYPE, keys: [...keys] });
  const { files, log } = payload;
  const isSound =
    ["iss", "registry", "type", "definition", "definition#integrity", "checkpoint"].every(
      (name) => typeof payload[name] === "string",
    ) &&
    Number.isSafeInteger(payload.iat) &&
    isJsonObject(log) &&
    Number.isSafeInteger(log.size) &&
    Array.isArray(files) &&
    files.every(isFile);
  if (isSound) return payload as unknown as Manifest;
  throw new AttestryError("evidence_invalid", "the manifest lacks what a manifest has");
}

function isFile(value: Json): boolean {
  if (!isJsonObject(value)) return false;
  const { name, sha256, bytes } = value as JsonObject;
  const isNamed = (OPEN_DATA_FILES as readonly unknown[]).includes(name);
  return isNamed && typeof sha256 === "string" && /^[0-9a-f]{64}$/.test(sha256) && Number.isSafeInteger(bytes);
}
