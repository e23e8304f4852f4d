// What erasing a record destroys, and which records were erased. SQL only: the statement and the log entry are written by record-write-store.ts.
import { eraseProposals, eraseProposalsOf } from "../../approval/proposal-store.ts";
import type { Database, Transaction } from "../../storage/database.ts";
import { deleteAttachmentsOf, dropAttachments, holdAttachments } from "../attachments/attachment-store.ts";
import { deleteHolds } from "../holds/hold-store.ts";
import { unwatchReferences } from "../references/reference-watch-store.ts";
import { eraseVersionRows } from "../search/index-row-store.ts";
import type { VersionErasure } from "./record-write.ts";

/** Stands in place of a request of which nothing is kept any more; the digest of none. */
export const ERASED_REQUEST = "";

/** An erasure as the ledger outside the database keeps it; nothing in it is personal. */
export interface Erasure {
  readonly rid: string;
  readonly registry: string;
  /** Unix seconds. */
  readonly at: number;
  readonly logIndex: number;
  /** Where it was one version of the record, which. */
  readonly version?: number;
}

/**
 * Destroys the content of these records, before their last statement is stored: key, tokens, sealed parts of versions and statements,
 * everything they are found by, and what was asked in requests that made them. What stays says only that there was a record.
 */
export async function eraseContent(tx: Transaction, rids: readonly string[]): Promise<void> {
  const erased = rids as string[];
  await Promise.all([
    tx`update record set sealed_key = null, identifier = null where rid = any(${erased}::uuid[])`,
    tx`update record_version set jwt = null, sealed = null, valid_from = null, valid_until = null where rid = any(${erased}::uuid[])`,
    tx`update record_state set sealed = null where rid = any(${erased}::uuid[])`,
    unwatchReferences(tx, rids),
    deleteHolds(tx, rids),
    // The key stays for its day: a request that is sent once more must not bring the record back.
    tx`update idempotency set request = ${ERASED_REQUEST} where rid = any(${erased}::uuid[])`,
    eraseProposals(tx, rids),
    ...erased.map((rid) => deleteAttachmentsOf(tx, rid)),
  ]);
}

/**
 * Destroys one former version in the same way, and what only it had. What the record's other versions say, too, stays theirs: their rows
 * in the index, their files, and the record's key.
 */
export async function eraseVersion(tx: Transaction, rid: string, erasure: VersionErasure): Promise<void> {
  const { version, droppedFiles, keptFiles } = erasure;
  await Promise.all([
    tx`
      update record_version set jwt = null, sealed = null, valid_from = null, valid_until = null
      where rid = ${rid} and version = ${version}`,
    eraseVersionRows(tx, rid, erasure),
    unwatchReferences(tx, [rid], version),
    tx`update idempotency set request = ${ERASED_REQUEST} where rid = ${rid} and version = ${version}`,
    eraseProposalsOf(tx, { rid, from: erasure.recordedFrom, until: erasure.recordedUntil }),
    droppedFiles.length > 0 && dropAttachments(tx, rid, droppedFiles),
    keptFiles.length > 0 &&
      holdAttachments(
        tx,
        keptFiles.map((file) => ({ ...file, rid })),
      ),
  ]);
}

type ErasureRow = Omit<Erasure, "version"> & { readonly version: number | null };

const toErasure = ({ version, ...rest }: ErasureRow): Erasure => ({ ...rest, ...(version !== null && { version }) });

/** The erasure of a record, or of that version of it, if it was erased. */
export async function findErasure(database: Database, rid: string, version?: number): Promise<Erasure | undefined> {
  const rows = await database.sql<ErasureRow[]>`
    select s.rid, r.registry, s.recorded_at as at, s.log_index as "logIndex", s.erased_version as version
    from record_state s join record r on r.rid = s.rid
    where s.rid = ${rid} and s.operation in ('erase', 'erase_version') and s.erased_version is not distinct from ${version ?? null}::int`;
  return rows.map(toErasure)[0];
}

/** Those of these lines of a ledger that the database knows nothing of: what they name is there, with all that it said. */
export async function findReturned<Line extends { rid: string; version: number | undefined }>(
  database: Database,
  lines: readonly Line[],
): Promise<Line[]> {
  if (lines.length === 0) return [];
  const rows = await database.sql<{ rid: string; version: number }[]>`
    select v.rid, v.version from record_version v join record r on r.rid = v.rid
    where v.rid = any(${lines.map(({ rid }) => rid)}::uuid[]) and v.jwt is not null and r.state <> 'erased'`;
  const held = new Set(rows.flatMap(({ rid, version }) => [rid, `${rid}/${version}`]));
  return lines.filter(({ rid, version }) => held.has(version === undefined ? rid : `${rid}/${version}`));
}

/** A page of the erasures in the order of the log, after the log index `after`. */
export async function listErasures(
  database: Database,
  options: { after: number; limit: number },
): Promise<readonly Erasure[]> {
  const rows = await database.sql<ErasureRow[]>`
    select s.rid, r.registry, s.recorded_at as at, s.log_index as "logIndex", s.erased_version as version
    from record_state s join record r on r.rid = s.rid
    where s.operation in ('erase', 'erase_version') and s.log_index > ${options.after} order by s.log_index limit ${options.limit}`;
  return rows.map(toErasure);
}
