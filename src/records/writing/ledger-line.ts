// A line of the ledger of erasures: its form, and the code that shows that this node wrote it. Whoever can write the file alone erases nothing by it. Pure.
import { decodeBase64url, encodeBase64url } from "../../crypto/base64.ts";
import { equalBytes, hmacSha256 } from "../../crypto/hash.ts";
import { deriveKey } from "../../crypto/seal.ts";
import type { Erasure } from "./erasure-store.ts";

/** What a line says was erased; `isOwn`: whether its code is right. */
export interface LedgerLine {
  readonly rid: string;
  readonly registry: string;
  readonly version: number | undefined;
  readonly at: string;
  readonly logIndex: number;
  readonly isOwn: boolean;
}

/** @param secret one of the node's that never changes: lines are as old as the node. */
export function deriveLedgerKey(secret: Uint8Array): Uint8Array {
  return deriveKey(secret, "attestry/erasure-ledger/v1");
}

function codeOf(key: Uint8Array, { rid, registry, version, at, logIndex }: Omit<LedgerLine, "isOwn">): Uint8Array {
  return hmacSha256(key, JSON.stringify([rid, registry, version ?? null, at, logIndex]));
}

export function formatLedgerLine(key: Uint8Array, { rid, registry, version, at: seconds, logIndex }: Erasure): string {
  const at = new Date(seconds * 1_000).toISOString();
  return JSON.stringify({
    ...{ rid, registry, ...(version !== undefined && { version }), at, log_index: logIndex },
    mac: encodeBase64url(codeOf(key, { rid, registry, version, at, logIndex })),
  });
}

const RID = /^[0-9a-f]{8}(-[0-9a-f]{4}){3}-[0-9a-f]{12}$/;

/** Undefined for one that a crash cut short, or that is none. */
export function parseLedgerLine(key: Uint8Array, text: string): LedgerLine | undefined {
  try {
    const { rid, registry, version, at, log_index: logIndex, mac } = JSON.parse(text) as Record<string, unknown>;
    const isWhole =
      typeof rid === "string" &&
      RID.test(rid) &&
      typeof registry === "string" &&
      typeof at === "string" &&
      typeof logIndex === "number" &&
      (version === undefined || typeof version === "number");
    if (!isWhole) return undefined;
    const line = { rid, registry, version, at, logIndex };
    return { ...line, isOwn: typeof mac === "string" && equalBytes(codeOf(key, line), decodeBase64url(mac)) };
  } catch {
    return undefined;
  }
}
