// SQL of kept reports. Knows no rule.
import { and, asc, desc, eq, gt, gte, lt, or } from "drizzle-orm";
import type { Database } from "../storage/database.ts";
import { keptReportTable } from "./kept-report-table.ts";

export type StoredReport = typeof keptReportTable.$inferSelect;

export interface ReportFilter {
  readonly person?: string | undefined;
  readonly caseNumber?: string | undefined;
  readonly href?: string | undefined;
  readonly verdict?: string | undefined;
  /** Unix seconds: from then on, and before then. */
  readonly from?: number | undefined;
  readonly until?: number | undefined;
  /** After this one goes the page. */
  readonly after?: { readonly checkedAt: number; readonly id: string } | undefined;
}

export async function insertReports(database: Database, rows: readonly StoredReport[]): Promise<void> {
  if (rows.length > 0) await database.orm.insert(keptReportTable).values([...rows]);
}

export async function findReport(database: Database, id: string): Promise<StoredReport | undefined> {
  const rows = await database.orm.select().from(keptReportTable).where(eq(keptReportTable.id, id));
  return rows[0];
}

/** Newest first; what was checked together in the order in which it was asked for. */
export async function listReports(
  database: Database,
  { person, caseNumber, href, verdict, from, until, after }: ReportFilter,
  limit: number,
): Promise<StoredReport[]> {
  const table = keptReportTable;
  const conditions = [
    person === undefined ? undefined : eq(table.person, person),
    caseNumber === undefined ? undefined : eq(table.caseNumber, caseNumber),
    href === undefined ? undefined : eq(table.href, href),
    verdict === undefined ? undefined : eq(table.verdict, verdict),
    from === undefined ? undefined : gte(table.checkedAt, from),
    until === undefined ? undefined : lt(table.checkedAt, until),
    after === undefined
      ? undefined
      : or(lt(table.checkedAt, after.checkedAt), and(eq(table.checkedAt, after.checkedAt), gt(table.id, after.id))),
  ];
  return database.orm
    .select()
    .from(table)
    .where(and(...conditions))
    .orderBy(desc(table.checkedAt), asc(table.id))
    .limit(limit);
}

export async function deleteReports(database: Database, { before }: { readonly before: number }): Promise<void> {
  await database.orm.delete(keptReportTable).where(lt(keptReportTable.checkedAt, before));
}
