// `/console/reports`: the reports that were kept of checks: a list with filters, each one, and the signed text as a file. Decides no permission.
import { type Context, Hono } from "hono";
import { AttestryError } from "../errors.ts";
import type { SessionService } from "../identity/session-service.ts";
import { PAGE_ROWS } from "../limits.ts";
import { parseEffectiveTime } from "../records/effective-time.ts";
import type { KeptReportService } from "../resolution/kept-report-service.ts";
import { parseRecordLink } from "../verification/given-text.ts";
import type { PageFrame } from "./markup.tsx";
import { formatAddress, readFrame, readValues } from "./page-request.ts";
import { createPageSessions } from "./page-session.ts";
import { ReportListPage } from "./report-list.tsx";
import { ReportPage } from "./report-sections.tsx";
import { answerStaffPage } from "./staff-frame.tsx";

type Values = Readonly<Record<string, string>>;

function readDay(values: Values, name: string, edge: "start" | "end"): number | undefined {
  const text = values[name];
  if (text === undefined) return undefined;
  const seconds = parseEffectiveTime(text, edge);
  if (seconds !== undefined) return seconds;
  throw new AttestryError("query_invalid", `"${name}" must be a day, such as 2026-11-28`);
}

export function createReportPages(deps: {
  readonly entity: string;
  readonly basePath: string;
  readonly organizationName: string;
  readonly sessions: SessionService;
  readonly keptReports: KeptReportService;
}): Hono {
  const { keptReports, basePath } = deps;
  const browser = createPageSessions(deps);
  const frameOf = (context: Context): PageFrame => readFrame(context, deps);
  const pages = new Hono();

  pages.get("/console/reports", async (context) => {
    const session = await browser.require(context);
    if (session instanceof Response) return session;
    const { cursor, ...values } = readValues(context).values;
    const { record } = values;
    const page = await keptReports.list({
      caller: session.caller,
      caseNumber: values.case,
      verdict: values.verdict,
      // The same links as are checked; what is none has no report.
      href: record && (parseRecordLink(record.trim())?.href ?? record.trim()),
      from: readDay(values, "from", "start"),
      until: readDay(values, "until", "end"),
      cursor,
      limit: PAGE_ROWS,
    });
    const next =
      page.next === undefined
        ? undefined
        : formatAddress(`${basePath}/console/reports`, { ...values, cursor: page.next });
    return answerStaffPage(
      context,
      <ReportListPage page={page} values={values} next={next} session={session} frame={frameOf(context)} />,
    );
  });

  pages.get("/console/reports/:id", async (context) => {
    const session = await browser.require(context);
    if (session instanceof Response) return session;
    const report = await keptReports.get({ caller: session.caller, id: context.req.param("id") });
    return answerStaffPage(context, <ReportPage report={report} session={session} frame={frameOf(context)} />);
  });

  pages.get("/console/reports/:id/file", async (context) => {
    const session = await browser.require(context);
    if (session instanceof Response) return session;
    const { id, report } = await keptReports.get({ caller: session.caller, id: context.req.param("id") });
    // The text alone, without a line's end: as `verifySignedReport` of attestry/verify takes it.
    return context.body(report, 200, {
      "content-type": "application/jwt",
      "content-disposition": `attachment; filename="report-${id}.jwt"`,
      "cache-control": "private, no-store",
    });
  });

  return pages;
}
