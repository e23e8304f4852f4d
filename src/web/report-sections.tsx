// A kept report as people read it, with every check. Reads nothing; a report holds nothing of what a record says.
import type { FC } from "hono/jsx";
import { isJsonObject, type JsonObject } from "../crypto/json.ts";
import { decodeJws } from "../crypto/jws.ts";
import type { Session } from "../identity/session-service.ts";
import type { KeptReport } from "../resolution/kept-report-service.ts";
import type { CheckName } from "../verification/policy.ts";
import { type CheckOutcome, VERIFICATION_SENTENCES, type VerificationCode } from "../verification/report.ts";
import { VERIFIED } from "../verification/signed-report.ts";
import { CheckTable } from "./browser/answer.tsx";
import { describeOutcome, describeStateOutcome, readVerdict, VERDICT_SIGNS, VERDICT_WORDS } from "./check-words.ts";
import { Instant, type PageFrame } from "./markup.tsx";
import { formatAddress } from "./page-request.ts";
import { StaffPage } from "./staff-frame.tsx";

interface FrameProps {
  readonly session: Session;
  readonly frame: PageFrame;
}

const Time: FC<{ seconds: number; frame: PageFrame }> = ({ seconds, frame }) => (
  <Instant at={new Date(seconds * 1_000).toISOString()} reader={frame.reader} />
);

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
