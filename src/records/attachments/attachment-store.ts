// SQL of the files that records hold. Bytes come and go sealed; who may read is not decided here.
import { everyDigest, type KeyedDigest } from "../../crypto/key-generations.ts";
import type { Database, Transaction } from "../../storage/database.ts";

export interface StoredAttachment {
  readonly key: string;
  readonly registry: string;
  readonly mediaType: string;
  readonly bytes: number;
  readonly sealedKey: Uint8Array;
  readonly sealedName: Uint8Array | null;
  readonly sealed: Uint8Array;
}

/** What is known of a file without opening it. */
export interface AttachmentFacts {
  readonly mediaType: string;
  readonly bytes: number;
}

/**
 * Stores a file that no record holds yet, or keeps the one that is there, for a day more. Gives the media type under which it is stored.
 */
export async function storeAttachment(
  database: Database,
  attachment: StoredAttachment & { readonly createdAt: number },
): Promise<{ mediaType: string }> {
  const { key, registry, mediaType, bytes, sealedKey, sealedName, sealed, createdAt } = attachment;
  const rows = await database.sql<{ mediaType: string }[]>`
    insert into attachment (key, registry, media_type, bytes, sealed_key, sealed_name, sealed, held, created_at)
    values (${key}, ${registry}, ${mediaType}, ${bytes}, ${sealedKey as Buffer}, ${sealedName as Buffer | null}, ${sealed as Buffer}, false, ${createdAt})
    on conflict (key) do update set created_at = excluded.created_at
    returning media_type as "mediaType"`;
  return rows[0]!;
}

/** Keeps a file for a day more that is stored already; its media type, or undefined where it is not. */
export async function keepAttachment(
  database: Database,
  { key, createdAt }: { key: string; createdAt: number },
): Promise<{ mediaType: string } | undefined> {
  const rows = await database.sql<{ mediaType: string }[]>`
    update attachment set created_at = ${createdAt} where key = ${key} returning media_type as "mediaType"`;
  return rows[0];
}

export async function findAttachment(database: Database, key: KeyedDigest): Promise<StoredAttachment | undefined> {
  const rows = await database.sql<StoredAttachment[]>`
    select key, registry, media_type as "mediaType", bytes, sealed_key as "sealedKey", sealed_name as "sealedName", sealed
    from attachment where key = any(${everyDigest(key)}) limit 1`;
  return rows[0];
}

/** Whether some record holds the file in an open field of a public registry. */
export async function isHeldOpenly(database: Database, key: KeyedDigest): Promise<boolean> {
  const rows = await database.sql`select 1 from attachment_hold where key = any(${everyDigest(key)}) and open limit 1`;
  return rows.length > 0;
}

/** The records that hold the file, by rid. */
export async function listHolders(database: Database, key: KeyedDigest): Promise<string[]> {
  const rows = await database.sql<
    { rid: string }[]
  >`select rid from attachment_hold where key = any(${everyDigest(key)})`;
  return rows.map(({ rid }) => rid);
}

/** How many files of a registry no record ever held; at most `max` are counted. */
export async function countUnheld(database: Database, options: { registry: string; max: number }): Promise<number> {
  const rows = await database.sql<{ count: number }[]>`
    select count(*)::int as count from (
      select 1 from attachment where not held and registry = ${options.registry} limit ${options.max}) as unheld`;
  return rows[0]!.count;
}

/** The stored files with these keys, locked until the transaction ends: none is swept between this check and the record that holds it. */
export async function lockAttachments(
  tx: Transaction,
  keys: readonly string[],
): Promise<ReadonlyMap<string, AttachmentFacts>> {
  const rows = await tx<(AttachmentFacts & { key: string })[]>`
    select key, media_type as "mediaType", bytes from attachment where key = any(${keys as string[]}) order by key for update`;
  return new Map(rows.map(({ key, ...facts }) => [key, facts]));
}

/** Notes which records hold which files from now on, the latest word of a record counting. */
export async function holdAttachments(
  tx: Transaction,
  holds: readonly { readonly key: KeyedDigest; readonly rid: string; readonly open: boolean }[],
): Promise<void> {
  const latest = [...new Map(holds.map((hold) => [`${hold.key.digest} ${hold.rid}`, hold])).values()];
  const rows = latest.flatMap(({ key, ...hold }) => everyDigest(key).map((one) => ({ key: one, ...hold })));
  const keys = rows.map(({ key }) => key);
  await Promise.all([
    // Changing the row is what makes a sweep that waits for it look again.
    tx`update attachment set held = true where key = any(${keys}) and not held`,
    tx`
      insert into attachment_hold (key, rid, open)
      select item.key, item.rid, item.open = 1 from unnest(
        ${keys}::text[], ${rows.map(({ rid }) => rid)}::uuid[], ${rows.map(({ open }) => Number(open))}::int2[]) as item (key, rid, open)
      join attachment a on a.key = item.key
      on conflict (key, rid) do update set open = excluded.open`,
  ]);
}

/** Destroys what only this record holds, with the files' keys: part of erasing it. To be called under the lock of the records log. */
export async function deleteAttachmentsOf(tx: Transaction, rid: string): Promise<void> {
  const held = await tx<{ key: string }[]>`delete from attachment_hold where rid = ${rid} returning key`;
  if (held.length === 0) return;
  await tx`
    delete from attachment a where a.key = any(${held.map(({ key }) => key)})
    and not exists (select 1 from attachment_hold h where h.key = a.key)`;
}

/** Destroys what this record holds no longer, as far as no other record does. To be called under the lock of the records log. */
export async function dropAttachments(tx: Transaction, rid: string, keys: readonly KeyedDigest[]): Promise<void> {
  const digests = keys.flatMap(everyDigest);
  await tx`delete from attachment_hold where rid = ${rid} and key = any(${digests})`;
  await tx`
    delete from attachment a where a.key = any(${digests})
    and not exists (select 1 from attachment_hold h where h.key = a.key)`;
}

/** Removes files that no record ever held. Gives how many. */
export async function sweepAttachments(database: Database, options: { before: number }): Promise<number> {
  // A proposal that is open may name it, and what it says is sealed: its registry keeps its files.
  const rows = await database.sql`
    delete from attachment a where not a.held and a.created_at < ${options.before}
    and not exists (select 1 from proposal p where p.registry = a.registry and p.state in ('waiting', 'returned', 'failed', 'carrying_out'))`;
  return rows.count;
}
