// Kept reports as a list with filters. Reads nothing; a report holds nothing of what a record says.
import type { FC } from "hono/jsx";
import type { Session } from "../identity/session-service.ts";
import { CASE_NUMBER_CHARS_MAX } from "../limits.ts";
import type { KeptReport, ReportPage } from "../resolution/kept-report-service.ts";
import { describeStateOutcome, readVerdict, VERDICT_BADGES, VERDICT_WORDS } from "./check-words.ts";
import { type PageFrame, ROLES, Section } from "./markup.tsx";
import { formatTime } from "./reader-language.ts";
import { StaffPage } from "./staff-frame.tsx";

type Values = Readonly<Record<string, string>>;

interface FrameProps {
  readonly session: Session;
  readonly frame: PageFrame;
}

const VerdictBadge: FC<{ report: KeptReport }> = ({ report }) => {
  const verdict = readVerdict(report.verdict);
  const state = describeStateOutcome(report.outcome);
  return (
    <>
      <span class={VERDICT_BADGES[verdict]}>{VERDICT_WORDS[verdict]}</span>
      {state !== undefined && <span class="soft"> {state.name.toLowerCase()}</span>}
    </>
  );
};

const FilterForm: FC<{ values: Values; frame: PageFrame }> = ({ values, frame }) => {
  const { verdict = "" } = values;
  return (
    <form method="get" action={`${frame.basePath}/console/reports`} class="search">
      <div class="fields">
        <div class="field">
          <label for="case">Case number</label>
          <input
            id="case"
            name="case"
            type="search"
            value={values.case ?? ""}
            maxlength={CASE_NUMBER_CHARS_MAX}
            autocomplete="off"
            dir="auto"
          />
        </div>
        <div class="field">
          <label for="verdict">Outcome</label>
          <select id="verdict" name="verdict">
            <option value="">Any</option>
            {Object.entries(VERDICT_WORDS).map(([value, text]) => (
              <option value={value} selected={value === verdict}>
                {text}
              </option>
            ))}
          </select>
        </div>
        <div class="field">
          <label for="record">Link of the record</label>
          <input id="record" name="record" type="search" value={values.record ?? ""} autocomplete="off" dir="ltr" />
        </div>
        <fieldset class="field">
          <legend>Checked</legend>
          <div class="range days">
            <div>
              <label for="from">from</label>
              <input id="from" name="from" type="date" value={values.from ?? ""} />
            </div>
            <div>
              <label for="until">to (UTC)</label>
              <input id="until" name="until" type="date" value={values.until ?? ""} />
            </div>
          </div>
        </fieldset>
      </div>
      <div class="buttons">
        <button type="submit">Search</button>
        <a href={`${frame.basePath}/console/reports`}>Show all</a>
      </div>
    </form>
  );
};

/** The end of an address tells records apart; all of it stands on the report's own page. */
function shortenHref(href: string): string {
  const [, host, registry, rid] = /^https?:\/\/([^?#]+)\/registries\/([^/]+)\/records\/([^/]+)$/.exec(href) ?? [];
  return host === undefined ? href : `${registry} ${rid?.slice(0, 8)}… at ${host}`;
}

const ReportTable: FC<{ page: ReportPage; frame: PageFrame }> = ({ page, frame }) => (
  <table class="records" {...ROLES.table}>
    <caption class="unseen">Kept reports, the newest first</caption>
    <thead {...ROLES.rowgroup}>
      <tr {...ROLES.row}>
        {["Record", "Outcome", "Checked", "Case", ...(page.isEverybodys ? ["By"] : [])].map((title) => (
          <th scope="col" {...ROLES.columnheader}>
            {title}
          </th>
        ))}
      </tr>
    </thead>
    <tbody {...ROLES.rowgroup}>
      {page.reports.map((report) => (
        <tr {...ROLES.row}>
          <th scope="row" {...ROLES.rowheader}>
            <a href={`${frame.basePath}/console/reports/${report.id}`} dir="ltr">
              {shortenHref(report.href)}
            </a>
          </th>
          <td data-label="Outcome" {...ROLES.cell}>
            <div>
              <VerdictBadge report={report} />
            </div>
          </td>
          <td data-label="Checked" {...ROLES.cell}>
            <div>{formatTime(report.checkedAt, frame.reader)}</div>
          </td>
          <td data-label="Case" {...ROLES.cell}>
            <div dir="auto">{report.caseNumber ?? report.purpose}</div>
          </td>
          {page.isEverybodys && (
            <td data-label="By" {...ROLES.cell}>
              <div>
                <span dir="auto">{report.personName}</span> <span class="soft">as {report.role}</span>
              </div>
            </td>
          )}
        </tr>
      ))}
    </tbody>
  </table>
);

export const ReportListPage: FC<FrameProps & { page: ReportPage; values: Values; next: string | undefined }> = (
  props,
) => {
  const { page, values, next, session, frame } = props;
  return (
    <StaffPage
      title="Kept reports"
      lead={
        page.isEverybodys
          ? "What the staff of this department checked. A report tells which record, when, for what and with what outcome; it holds nothing of what the record says."
          : "Of the records that you checked here. They hold nothing of what the records say."
      }
      crumbs={[{ href: `${frame.basePath}/console`, text: "Your desk" }]}
      session={session}
      frame={frame}
    >
      <Section id="filter" title="Search">
        <FilterForm values={values} frame={frame} />
      </Section>
      <Section id="found" title="Reports">
        {page.reports.length === 0 ? (
          <p>{Object.keys(values).length > 0 ? "None fits." : "There are none yet."}</p>
        ) : (
          <ReportTable page={page} frame={frame} />
        )}
        {next !== undefined && (
          <p>
            <a href={next}>Older ones</a>
          </p>
        )}
      </Section>
    </StaffPage>
  );
};
