// Table of the reports that are kept of checks on pages. No content of any record is in it.
import { bigint, index, pgTable, text } from "drizzle-orm/pg-core";

export const keptReportTable = pgTable(
  "kept_report",
  {
    /** `<check>-<place>`: what was checked together has one beginning. */
    id: text("id").primaryKey(),
    /** Pseudonym of who asked, as in the acts of records. */
    person: text("person").notNull(),
    personName: text("person_name").notNull(),
    role: text("role").notNull(),
    caseNumber: text("case_number"),
    purpose: text("purpose"),
    /** What was asked for; a version where one was named. */
    href: text("href").notNull(),
    version: bigint("version", { mode: "number" }),
    verdict: text("verdict").notNull(),
    outcome: text("outcome").notNull(),
    /** Unix seconds. */
    checkedAt: bigint("checked_at", { mode: "number" }).notNull(),
    /** The signed report. */
    report: text("report").notNull(),
  },
  (table) => [
    index("kept_report_checked_at").on(table.checkedAt, table.id),
    index("kept_report_person").on(table.person, table.checkedAt),
    index("kept_report_case_number").on(table.caseNumber),
    // Addresses may be longer than what an ordered index takes.
    index("kept_report_href").using("hash", table.href),
  ],
);
