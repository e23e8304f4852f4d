// What a check found, as a clerk reads it: the verdict of each record, what is proved of it, what to do next, and every check on demand. Decides nothing.
import type { FC } from "hono/jsx";
import { CheckTable, RecordFacts, Undisclosed } from "./browser/answer.tsx";
import { countVerdicts, type FindingView } from "./check-view.ts";
import { VERDICT_BADGES, VERDICT_SIGNS } from "./check-words.ts";
import { DayOrInstant, Instant, Note, type PageFrame, Section } from "./markup.tsx";
import { formatAddress } from "./page-request.ts";
import { formatSentence } from "./problem-page.tsx";
import { DataList } from "./value.tsx";

interface FindingProps {
  readonly finding: FindingView;
  readonly frame: PageFrame;
}

// What was revoked was wrong from the beginning: the day is that of the department's word.
const HOLDS_FOR_ALL_TIME = ["record_revoked", "record_erased", "version_erased"];
const NO_NAMES: ReadonlyMap<string, string> = new Map();

const Sentences: FC<{ sentences: readonly string[] }> = ({ sentences }) => (
  <ul>
    {sentences.map((sentence) => (
      <li>{sentence}</li>
    ))}
  </ul>
);

/** Addresses of records, each to be checked in its turn by whoever presses the button of the form. */
const CheckLinks: FC<{ hrefs: readonly string[]; frame: PageFrame }> = ({ hrefs, frame }) => (
  <ul>
    {hrefs.map((href) => (
      <li>
        <a href={formatAddress(`${frame.basePath}/console/check`, { of: href })}>
          Check <span dir="ltr">{href}</span>
        </a>
      </li>
    ))}
  </ul>
);

const State: FC<FindingProps> = ({ finding: { state, checked }, frame }) =>
  state === undefined ? null : (
    <p>
      <span class={`badge ${state.tone}`}>{state.name}</span>
      {checked.since !== undefined && (
        <>
          {HOLDS_FOR_ALL_TIME.includes(checked.record.outcome) ? " on " : " since "}
          <DayOrInstant at={checked.since} reader={frame.reader} />
        </>
      )}
    </p>
  );

const Verdict: FC<FindingProps> = ({ finding, frame }) => (
  <div class={`verdict ${finding.verdict}`}>
    <span class="sign" aria-hidden="true">
      {VERDICT_SIGNS[finding.verdict]}
    </span>
    <div>
      <h2 id={finding.id}>{finding.headline}</h2>
      <p>
        <strong dir="auto">{finding.name}</strong>
        {finding.followed.length > 0 && <span class="soft"> (followed: {finding.followed.join(" › ")})</span>}
      </p>
      <State finding={finding} frame={frame} />
      <p>
        {finding.sentence}
        {finding.mend !== undefined && <> {finding.mend}</>}
      </p>
      {finding.reasons.length > 0 && <Sentences sentences={finding.reasons} />}
      {finding.checked.record.successors !== undefined && (
        <CheckLinks hrefs={finding.checked.record.successors} frame={frame} />
      )}
      {finding.answer?.newerAt !== undefined && <CheckLinks hrefs={[finding.answer.newerAt]} frame={frame} />}
    </div>
  </div>
);

const WhoSays: FC<FindingProps> = ({ finding: { checked }, frame }) => {
  const { issuer, anchor, version } = checked.record;
  if (issuer === undefined || anchor === undefined) return null;
  return (
    <dl class="facts">
      <dt>Record</dt>
      <dd>
        <code>{checked.record.href}</code>
      </dd>
      {version !== undefined && (
        <>
          <dt>Last version</dt>
          <dd lang={frame.reader.locale}>{version}</dd>
        </>
      )}
      <dt>Says so</dt>
      <dd>
        <code>{issuer}</code> <span class="soft">(by a signed statement in its log)</span>
      </dd>
      <dt>Vouched for by</dt>
      <dd>
        <code>{anchor}</code>
      </dd>
    </dl>
  );
};

const Details: FC<FindingProps> = ({ finding: { checked } }) => {
  const { record, report } = checked;
  return (
    <details>
      <summary>Every check, and the address</summary>
      {record.message !== undefined && report.verdict !== "valid" && (
        <p>
          {formatSentence(record.message)} <code>{record.outcome}</code>
        </p>
      )}
      {record.paths !== undefined && (
        <ul>
          {record.paths.map(({ field, message }) => (
            <li>
              <code>{field}</code> {message}
            </li>
          ))}
        </ul>
      )}
      <CheckTable view={report} />
      <dl class="facts">
        <dt>Address of the record</dt>
        <dd>
          <code>{record.href}</code>
        </dd>
        {report.record !== undefined && (
          <>
            <dt>SHA-256 of this version</dt>
            <dd>
              <code>{report.record.digest}</code>
            </dd>
          </>
        )}
      </dl>
    </details>
  );
};

const Finding: FC<FindingProps> = ({ finding, frame }) => {
  const proved = finding.answer?.record;
  const { reportId } = finding.checked;
  return (
    <section aria-labelledby={finding.id} class="answer">
      <Verdict finding={finding} frame={frame} />
      {finding.remarks.length > 0 && (
        <Note kind="warning">
          <Sentences sentences={finding.remarks} />
        </Note>
      )}
      {proved !== undefined ? (
        <>
          <RecordFacts record={proved} frame={frame} />
          <h3>What is recorded</h3>
          <DataList
            fields={proved.definition?.fields ?? []}
            data={proved.verified.data}
            frame={frame}
            names={NO_NAMES}
          />
          <Undisclosed record={proved} frame={frame} />
        </>
      ) : (
        <WhoSays finding={finding} frame={frame} />
      )}
      <Details finding={finding} frame={frame} />
      {reportId !== undefined && (
        <p>
          <a href={`${frame.basePath}/console/reports/${reportId}`}>
            The report that was kept<span class="unseen"> of {finding.name}</span>
          </a>{" "}
          <span class="soft">(without what the record says)</span>
        </p>
      )}
    </section>
  );
};

const Overview: FC<{ findings: readonly FindingView[] }> = ({ findings }) => (
  <Section id="overview" title={`${findings.length} records: ${countVerdicts(findings)}`}>
    <ul class="plain">
      {findings.map(({ id, verdict, headline, name, followed }) => (
        <li>
          <span class={VERDICT_BADGES[verdict]}>{headline}</span>{" "}
          <a href={`#${id}`} dir="auto">
            {name}
          </a>
          {followed.length > 0 && <span class="soft"> (followed: {followed.join(" › ")})</span>}
        </li>
      ))}
    </ul>
  </Section>
);

/** `checkedAt`: Unix seconds. */
export const CheckAnswer: FC<{ findings: readonly FindingView[]; checkedAt: number; frame: PageFrame }> = (props) => {
  const { findings, checkedAt, frame } = props;
  return (
    <>
      {findings.length > 1 && <Overview findings={findings} />}
      {findings.map((finding) => (
        <Finding finding={finding} frame={frame} />
      ))}
      <p class="judged">
        Checked <Instant at={new Date(checkedAt * 1_000).toISOString()} reader={frame.reader} /> by this node's clock,
        by the trust anchors that this node pins. This page is kept by nobody: print it, or check again.
      </p>
    </>
  );
};
