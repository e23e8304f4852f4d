// Kept reports as people read them: as a list, and each with every check. Reads nothing; a report holds nothing of what a record says.
import type { FC } from "hono/jsx";
import { isJsonObject, type JsonObject } from "../crypto/json.ts";
import { decodeJws } from "../crypto/jws.ts";
import type { Session } from "../identity/session-service.ts";
import { CASE_NUMBER_CHARS_MAX } from "../limits.ts";
import type { KeptReport, ReportPage as Page } from "../resolution/kept-report-service.ts";
import type { CheckName } from "../verification/policy.ts";
import { type CheckOutcome, VERIFICATION_SENTENCES, type VerificationCode } from "../verification/report.ts";
import { VERIFIED } from "../verification/signed-report.ts";
import { CheckTable } from "./browser/answer.tsx";
import {
  describeOutcome,
  describeStateOutcome,
  readVerdict,
  VERDICT_BADGES,
  VERDICT_SIGNS,
  VERDICT_WORDS,
} from "./check-words.ts";
import { Instant, type PageFrame, ROLES, Section } from "./markup.tsx";
import { formatAddress } from "./page-request.ts";
import { formatTime } from "./reader-language.ts";
import { StaffPage } from "./staff-frame.tsx";

type Values = Readonly<Record<string, string>>;

interface FrameProps {
  readonly session: Session;
  readonly frame: PageFrame;
}

const Time: FC<{ seconds: number; frame: PageFrame }> = ({ seconds, frame }) => (
  <Instant at={new Date(seconds * 1_000).toISOString()} reader={frame.reader} />
);

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

const ReportTable: FC<{ page: Page; frame: PageFrame }> = ({ page, frame }) => (
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

export const ReportListPage: FC<FrameProps & { page: Page; values: Values; next: string | undefined }> = (props) => {
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

/** The payload of a report that this node signed itself: read, not judged. */
function readPayload(text: string): JsonObject {
  return decodeJws(text).payload;
}

function listOutcomes({ checks }: JsonObject): CheckOutcome[] {
  return (Array.isArray(checks) ? checks : []).filter(isJsonObject).map((one) => {
    const code = one.code as VerificationCode;
    return { ...one, code, message: VERIFICATION_SENTENCES[code] ?? "" } as CheckOutcome;
  });
}

const Digest: FC<{ title: string; value: unknown }> = ({ title, value }) =>
  typeof value !== "string" ? null : (
    <>
      <dt>{title}</dt>
      <dd>
        <code>{value}</code>
      </dd>
    </>
  );

function describeThen({ outcome }: KeptReport): string {
  if (outcome === VERIFIED) return "The record was genuine and in force then: every required check passed.";
  const sentence = describeStateOutcome(outcome)?.meaning ?? describeOutcome(outcome)?.sentence;
  return sentence ?? VERIFICATION_SENTENCES[outcome as VerificationCode] ?? "";
}

const ReportFacts: FC<{ report: KeptReport; payload: JsonObject; frame: PageFrame }> = ({ report, payload, frame }) => {
  const record = isJsonObject(payload.record) ? payload.record : undefined;
  return (
    <dl class="facts">
      <dt>Record</dt>
      <dd>
        <code>{report.href}</code>
        {report.version !== null && <>, version {report.version}, as asked</>}
      </dd>
      {record !== undefined && (
        <>
          <dt>Version that was proved</dt>
          <dd>{String(record.version)}</dd>
          <Digest title="SHA-256 of that version" value={record.digest} />
        </>
      )}
      <dt>Checked</dt>
      <dd>
        <Time seconds={report.checkedAt} frame={frame} /> <span class="soft">(by this node's clock)</span>
      </dd>
      <dt>By</dt>
      <dd>
        <span dir="auto">{report.personName}</span> <span class="soft">as {report.role}; in signed acts</span>{" "}
        <code>{report.person}</code>
      </dd>
      {report.caseNumber !== null && (
        <>
          <dt>Case number</dt>
          <dd dir="auto">{report.caseNumber}</dd>
        </>
      )}
      {report.purpose !== null && (
        <>
          <dt>What for</dt>
          <dd dir="auto">{report.purpose}</dd>
        </>
      )}
    </dl>
  );
};

export const ReportPage: FC<FrameProps & { report: KeptReport }> = ({ report, session, frame }) => {
  const payload = readPayload(report.report);
  const verdict = readVerdict(report.verdict);
  const state = describeStateOutcome(report.outcome);
  const base = `${frame.basePath}/console`;
  return (
    <StaffPage
      title="Report of a check"
      lead="What this node found then. It is no evidence of the record for others, and says nothing of today."
      crumbs={[
        { href: base, text: "Your desk" },
        { href: `${base}/reports`, text: "Kept reports" },
      ]}
      session={session}
      frame={frame}
    >
      <section aria-labelledby="verdict" class="answer">
        <div class={`verdict ${verdict}`}>
          <span class="sign" aria-hidden="true">
            {VERDICT_SIGNS[verdict]}
          </span>
          <div>
            <h2 id="verdict">{VERDICT_WORDS[verdict]}</h2>
            {state !== undefined && (
              <p>
                <span class={`badge ${state.tone}`}>{state.name}</span>
              </p>
            )}
            <p>
              {describeThen(report)} <code>{report.outcome}</code>
            </p>
          </div>
        </div>
        <ReportFacts report={report} payload={payload} frame={frame} />
        <div class="buttons">
          <a class="button" href={`${base}/reports/${report.id}/file`}>
            Download the signed report
          </a>
          <a href={formatAddress(`${base}/check`, { of: report.href })}>Check the record again</a>
        </div>
        <details>
          <summary>Every check</summary>
          <CheckTable view={{ checks: listOutcomes(payload), required: (payload.required ?? []) as CheckName[] }} />
        </details>
        <details>
          <summary>How others check the report</summary>
          <p>
            The file is signed by this node's request key, which is in its{" "}
            <a href={`${frame.basePath}/.well-known/openid-federation`}>entity configuration</a>. It names no case and
            nobody who asked. <code>verifySignedReport</code> of <code>attestry/verify</code> reads it.
          </p>
          <dl class="facts">
            <Digest title="Verifier" value={payload.iss} />
            <Digest title="SHA-256 of the evidence" value={payload.evidence} />
            <Digest title="SHA-256 of the policy" value={payload.policy} />
          </dl>
        </details>
      </section>
    </StaffPage>
  );
};
