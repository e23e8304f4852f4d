// SQL of notices of erasures. Knows no rule.
import type { Database } from "../storage/database.ts";

export interface StoredErasureNotice {
  readonly href: string;
  /** The one version that was erased; 0: the record. */
  readonly version: number;
  readonly home: string;
  readonly erasedAt: number;
  readonly receivedAt: number;
  readonly statement: string;
}

/** One that is there already stays as it is. */
export async function insertNotice(database: Database, notice: StoredErasureNotice): Promise<void> {
  await database.sql`
    insert into erasure_notice (href, version, home, erased_at, received_at, statement)
    values (${notice.href}, ${notice.version}, ${notice.home}, ${notice.erasedAt}, ${notice.receivedAt}, ${notice.statement})
    on conflict do nothing`;
}

/** Newest first. */
export async function listNotices(database: Database, limit: number): Promise<StoredErasureNotice[]> {
  return database.sql<StoredErasureNotice[]>`
    select href, version, home, erased_at as "erasedAt", received_at as "receivedAt", statement from erasure_notice
    order by received_at desc, href, version limit ${limit}`;
}
