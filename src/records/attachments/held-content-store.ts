// What versions hold beside their data (held-content.ts) inside the log writer's transaction: checked under the lock, stored. SQL only.
import { everyDigest } from "../../crypto/key-generations.ts";
import { AttestryError } from "../../errors.ts";
import type { Transaction } from "../../storage/database.ts";
import { unwatchReferences, watchReferences } from "../references/reference-watch-store.ts";
import { holdAttachments, lockAttachments } from "./attachment-store.ts";
import type { HeldContent } from "./held-content.ts";

/** A version that is being written, as far as what it holds goes. */
export interface HoldingVersion {
  readonly rid: string;
  readonly registry: string;
  readonly version: number;
  readonly recordedAt: number;
  readonly held: HeldContent;
}

/** The check of what versions of a batch hold: `record_invalid` naming the fields whose file is not stored, or undefined. */
export async function readHeldContent(
  tx: Transaction,
  versions: readonly HoldingVersion[],
): Promise<(held: HeldContent) => AttestryError | undefined> {
  const keys = versions.flatMap(({ held }) => held.attachments.flatMap(({ key }) => everyDigest(key)));
  if (keys.length === 0) return () => undefined;
  const stored = await lockAttachments(tx, [...new Set(keys)]);
  return ({ attachments }) => {
    const details = attachments.flatMap(({ key, field, mediaType, bytes }) => {
      const facts = everyDigest(key).flatMap((one) => stored.get(one) ?? [])[0];
      if (facts === undefined)
        return [{ field, message: "is no file of this registry; upload it first with POST …/attachments" }];
      if (facts.mediaType === mediaType && facts.bytes === bytes) return [];
      return [{ field, message: `is stored as ${facts.mediaType} of ${facts.bytes} bytes` }];
    });
    if (details.length === 0) return undefined;
    return new AttestryError("record_invalid", "the record holds a file that this node does not", { details });
  };
}

/** Stores what the versions of a batch hold, in its order. */
export async function storeHeldContent(tx: Transaction, versions: readonly HoldingVersion[]): Promise<void> {
  const holds = versions.flatMap(({ rid, held }) => held.attachments.map(({ key, open }) => ({ key, rid, open })));
  const latest = [...new Map(versions.map((version) => [version.rid, version])).values()];
  const watched = latest.filter(({ held }) => held.watched);
  const unwatched = latest.filter(({ held, version }) => !held.watched && version > 1).map(({ rid }) => rid);
  await Promise.all([
    holds.length > 0 && holdAttachments(tx, holds),
    watched.length > 0 && watchReferences(tx, watched),
    unwatched.length > 0 && unwatchReferences(tx, unwatched),
  ]);
}
