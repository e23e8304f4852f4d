// Reports that the node keeps of checks on pages: who may see which, and for how long. Signs and judges nothing.
import { AttestryError } from "../errors.ts";
import type { Caller, Staff } from "../identity/caller.ts";
import { isPermitted } from "../identity/permissions.ts";
import type { Database } from "../storage/database.ts";
import {
  deleteReports,
  findReport,
  insertReports,
  listReports,
  type ReportFilter,
  type StoredReport,
} from "./kept-report-store.ts";

export type KeptReport = StoredReport;

export interface ReportPage {
  readonly reports: readonly KeptReport[];
  /** Whether they are of everybody, or the caller's own. */
  readonly isEverybodys: boolean;
  /** Where the next page begins; undefined on the last one. */
  readonly next: string | undefined;
}

export interface ReportSearch extends Omit<ReportFilter, "person" | "after"> {
  readonly caller: Caller;
  /** As `next` of the page before; untrusted. */
  readonly cursor: string | undefined;
  readonly limit: number;
}

export interface KeptReportService {
  keep(rows: readonly (Omit<KeptReport, "person" | "personName" | "role"> & { caller: Staff })[]): Promise<void>;
  /** One's own, or, for auditors, everybody's. Throws `permission_denied`, `query_invalid`. */
  list(search: ReportSearch): Promise<ReportPage>;
  /** Of somebody else's one is told what one is told of none: `report_unknown`. Throws `permission_denied`. */
  get(options: { readonly caller: Caller; readonly id: string }): Promise<KeptReport>;
  /** Whether there are any that the caller may see. */
  isReader(caller: Caller): boolean;
  /** Forgets those that were kept for as long as they are to be. */
  purge(): Promise<void>;
}

const CURSOR = /^(\d{1,12})\.([0-9a-f]{16}-\d{3})$/;
const ID = /^[0-9a-f]{16}-\d{3}$/;
const DAY_SECONDS = 86_400;

function parseCursor(cursor: string): { checkedAt: number; id: string } {
  const match = CURSOR.exec(cursor);
  if (!match) throw new AttestryError("query_invalid", '"cursor" is not one of this list; begin with its first page');
  return { checkedAt: Number(match[1]), id: match[2]! };
}

export function createKeptReportService(deps: {
  readonly database: Database;
  readonly clock: () => number;
  readonly pseudonymOf: (person: string) => string;
  readonly keepDays: number;
}): KeptReportService {
  const { database, pseudonymOf } = deps;
  const isAuditor = (caller: Caller): boolean => isPermitted({ caller, action: "report.audit" });
  const isReader = (caller: Caller): boolean => isAuditor(caller) || isPermitted({ caller, action: "reference.check" });

  /** Whose reports the caller may see: undefined is everybody's. */
  function scopeOf(caller: Caller): string | undefined {
    if (caller.kind !== "staff" || !isReader(caller))
      throw new AttestryError(
        "permission_denied",
        "kept reports are for who had them kept, in role registrar, approver or reader of all registries, and for auditors",
      );
    return isAuditor(caller) ? undefined : pseudonymOf(caller.person);
  }

  return {
    isReader,
    async keep(rows) {
      await insertReports(
        database,
        rows.map(({ caller, ...row }) => ({
          ...row,
          person: pseudonymOf(caller.person),
          personName: caller.name,
          role: caller.role,
        })),
      );
    },
    async list({ caller, cursor, limit, ...filter }) {
      const person = scopeOf(caller);
      const after = cursor === undefined ? undefined : parseCursor(cursor);
      const found = await listReports(database, { ...filter, person, after }, limit + 1);
      const reports = found.slice(0, limit);
      const last = found.length > limit ? reports.at(-1) : undefined;
      return { reports, isEverybodys: person === undefined, next: last && `${last.checkedAt}.${last.id}` };
    },
    async get({ caller, id }) {
      const person = scopeOf(caller);
      const found = ID.test(id) ? await findReport(database, id) : undefined;
      if (found && (person === undefined || found.person === person)) return found;
      throw new AttestryError("report_unknown", "there is no such report, or it was kept for as long as reports are");
    },
    purge: () => deleteReports(database, { before: deps.clock() - deps.keepDays * DAY_SECONDS }),
  };
}
