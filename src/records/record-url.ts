// The address of a record, which is also how other records refer to it. Pure.
import { sha256Base64url } from "../crypto/hash.ts";
import type { Json, JsonObject } from "../crypto/json.ts";

export interface RecordAddress {
  readonly entity: string;
  readonly registry: string;
  readonly rid: string;
}

/** A reference in a record's data: live, or pinned to a version and the SHA-256 of its issuer JWT. */
export interface Reference {
  readonly href: string;
  readonly version?: number;
  readonly digest?: string;
}

const RECORD_URL =
  /^(https?:\/\/[^?#\s]+)\/registries\/([a-z][a-z0-9-]{0,62})\/records\/([0-9a-f]{8}-[0-9a-f]{4}-8[0-9a-f]{3}-[89ab][0-9a-f]{3}-[0-9a-f]{12})$/;
const RID = /^[0-9a-f]{8}-[0-9a-f]{4}-8[0-9a-f]{3}-[89ab][0-9a-f]{3}-[0-9a-f]{12}$/;

export function isRid(text: string): boolean {
  return RID.test(text);
}

export function formatRecordUrl(address: RecordAddress): string {
  return `${address.entity}/registries/${address.registry}/records/${address.rid}`;
}

/** The parts of a record's URL, or undefined if it is none. Entity identifiers compare code point by code point. */
export function parseRecordUrl(url: string): RecordAddress | undefined {
  const match = RECORD_URL.exec(url);
  return match ? { entity: match[1]!, registry: match[2]!, rid: match[3]! } : undefined;
}

const REGISTRY_URL = /^(https?:\/\/[^?#\s]+)\/registries\/([a-z][a-z0-9-]{0,62})$/;

/** The parts of a registry's URL, or undefined if it is none. */
export function parseRegistryUrl(url: string): { entity: string; registry: string } | undefined {
  const match = REGISTRY_URL.exec(url);
  return match ? { entity: match[1]!, registry: match[2]! } : undefined;
}

/** Reads a reference value out of a record's data, or undefined if it is none. */
export function parseReference(value: Json | undefined): Reference | undefined {
  if (typeof value === "string") return parseRecordUrl(value) ? { href: value } : undefined;
  if (typeof value !== "object" || value === null || Array.isArray(value)) return undefined;
  const { href, version, digest, ...rest } = value as JsonObject;
  if (typeof href !== "string" || !parseRecordUrl(href) || Object.keys(rest).length > 0) return undefined;
  if (version === undefined && digest === undefined) return { href };
  if (typeof version !== "number" || !Number.isSafeInteger(version) || version < 1) return undefined;
  if (typeof digest !== "string" || !/^[A-Za-z0-9_-]{43}$/.test(digest)) return undefined;
  return { href, version, digest };
}

/** Digest by which a reference is pinned and versions are chained: base64url SHA-256 of the issuer JWT's text. */
export function jwtDigest(jwt: string): string {
  return sha256Base64url(jwt);
}
