// The answer as a clerk reads it: the verdict, whose record it is and who signed it, its data, and on demand every check. Decides nothing.
import type { FC } from "hono/jsx";
import type { CheckOutcome } from "../../verification/report.ts";
import { Instant, Localized, Note, type PageFrame, ROLES } from "../markup.tsx";
import { formatNumber } from "../reader-language.ts";
import { InEffect } from "../record-sections.tsx";
import { DataList } from "../value.tsx";
import { type AnswerView, CHECK_TITLES, type ProvedView } from "./answer-view.ts";

/** What was judged with, for who keeps a print of the answer. */
export interface JudgedBy {
  /** RFC 3339, by the clock of the visitor's device. */
  readonly at: string;
  readonly policyName: string;
  readonly policyDigest: string;
}

/** What could be asked for over the network. */
export interface Offer {
  readonly host: string;
  readonly failure: string | undefined;
}

interface AnswerProps {
  readonly view: AnswerView;
  readonly frame: PageFrame;
  readonly judged: JudgedBy;
  readonly offer: Offer | undefined;
}

const SIGNS = { valid: "✓", invalid: "✕", undecided: "?" } as const;
const RESULTS = { pass: "Passed", fail: "Failed", not_checked: "Not checked" } as const;
const RESULT_BADGES = { pass: "badge", fail: "badge over", not_checked: "badge careful" } as const;

const NO_NAMES: ReadonlyMap<string, string> = new Map();

function hostOf(url: string): string {
  return URL.canParse(url) ? new URL(url).host : url;
}

function secondsToInstant(seconds: number): string {
  return new Date(seconds * 1_000).toISOString().replace(".000Z", "Z");
}

export type ActionName = "print" | "ask";

/** Its text and what it does are given to it once it is in the page: hono 4.13 loses what stands inside a button in a browser. */
const ActionButton: FC<{ action: ActionName; text: string }> = ({ action, text }) => (
  <button type="button" data-action={action} data-text={text} />
);

const Sentences: FC<{ sentences: readonly string[] }> = ({ sentences }) => (
  <ul>
    {sentences.map((sentence) => (
      <li>{sentence}</li>
    ))}
  </ul>
);

const Verdict: FC<{ view: AnswerView }> = ({ view }) => (
  <div class={`verdict ${view.verdict}`}>
    <span class="sign" aria-hidden="true">
      {SIGNS[view.verdict]}
    </span>
    <div>
      <h2 id="verdict" tabindex={-1}>
        {view.headline}
      </h2>
      <p>{view.sentence}</p>
      {view.reasons.length > 0 && <Sentences sentences={view.reasons} />}
      {view.newerAt !== undefined && (
        <p>
          <a href={view.newerAt} rel="noreferrer">
            See the record as it is today
          </a>
        </p>
      )}
    </div>
  </div>
);

export const RecordFacts: FC<{ record: ProvedView; frame: PageFrame }> = ({ record, frame }) => {
  const { verified, definition, organizationName } = record;
  return (
    <dl class="facts">
      <dt>Record</dt>
      <dd>
        <strong dir="auto">{record.name}</strong>
        {verified.identifier !== undefined && verified.identifier !== record.name && (
          <>
            {" "}
            (<span dir="auto">{verified.identifier}</span>)
          </>
        )}
      </dd>
      <dt>Registry</dt>
      <dd>
        {definition !== undefined && (
          <>
            <Localized text={definition.title} reader={frame.reader} />{" "}
          </>
        )}
        <span class="soft">
          type <code>{verified.registryType}</code>
        </span>
      </dd>
      <dt>Signed by</dt>
      <dd>
        {organizationName !== undefined && (
          <>
            <strong dir="auto">{organizationName}</strong>{" "}
          </>
        )}
        <code>{verified.issuer}</code>
      </dd>
      <dt>Vouched for by</dt>
      <dd>
        <code>{verified.anchor}</code>
      </dd>
      <dt>Version</dt>
      <dd>
        {formatNumber(verified.version, frame.reader)}
        {", recorded "}
        <Instant at={secondsToInstant(record.issuedAt)} reader={frame.reader} />{" "}
        <span class="soft">(by the department's own clock)</span>
      </dd>
      <dt>In effect</dt>
      <dd>
        <InEffect from={record.validFrom} until={record.validUntil} frame={frame} />
      </dd>
    </dl>
  );
};

export const CheckTable: FC<{ view: Pick<AnswerView, "checks" | "required"> }> = ({ view }) => (
  <table class="records" {...ROLES.table}>
    <caption class="unseen">Every check, in the order in which they are made</caption>
    <thead {...ROLES.rowgroup}>
      <tr {...ROLES.row}>
        <th scope="col" {...ROLES.columnheader}>
          Check
        </th>
        <th scope="col" {...ROLES.columnheader}>
          Result
        </th>
        <th scope="col" {...ROLES.columnheader}>
          What that means
        </th>
      </tr>
    </thead>
    <tbody {...ROLES.rowgroup}>
      {view.checks.map((outcome) => (
        <CheckRow outcome={outcome} isRequired={view.required.includes(outcome.check)} />
      ))}
    </tbody>
  </table>
);

const CheckRow: FC<{ outcome: CheckOutcome; isRequired: boolean }> = ({ outcome, isRequired }) => (
  <tr {...ROLES.row}>
    <th scope="row" {...ROLES.rowheader}>
      {CHECK_TITLES[outcome.check]}
    </th>
    <td data-label="Result" {...ROLES.cell}>
      <div>
        <span class={RESULT_BADGES[outcome.result]}>{RESULTS[outcome.result]}</span>
        {!isRequired && <span class="soft"> not required</span>}
      </div>
    </td>
    <td data-label="Meaning" {...ROLES.cell}>
      <div>
        {outcome.message}{" "}
        <span class="soft">
          <code>
            {outcome.check}: {outcome.code}
          </code>
        </span>
      </div>
    </td>
  </tr>
);

const Claimed: FC<{ view: AnswerView; frame: PageFrame }> = ({ view: { claimed }, frame }) =>
  claimed === undefined ? null : (
    <details>
      <summary>What it says of itself, which is not proved</summary>
      <dl class="facts">
        <dt>Record</dt>
        <dd>
          <code>{claimed.href}</code>
        </dd>
        {claimed.identifier !== undefined && (
          <>
            <dt>Identifier</dt>
            <dd dir="auto">{claimed.identifier}</dd>
          </>
        )}
        <dt>Version</dt>
        <dd>{formatNumber(claimed.version, frame.reader)}</dd>
        <dt>Signed by</dt>
        <dd>
          <code>{claimed.issuer}</code>
        </dd>
      </dl>
    </details>
  );

const OnlineOffer: FC<{ view: AnswerView; offer: Offer }> = ({ view, offer }) => (
  <div class="note warning offer">
    <p>
      <strong>The department that keeps the record has what is missing.</strong> To ask for it needs the network, and
      the department learns that somebody checks this record. It would settle:{" "}
      {view.openChecks.map((check) => CHECK_TITLES[check].toLowerCase()).join(", ")}.
    </p>
    {offer.failure !== undefined && <p class="fault">{offer.failure}</p>}
    <p>
      <ActionButton action="ask" text={`Ask ${offer.host}`} />
    </p>
  </div>
);

export const Undisclosed: FC<{ record: ProvedView; frame: PageFrame }> = ({ record: { verified }, frame }) =>
  verified.undisclosedCount === 0 ? null : (
    <p class="soft">
      {verified.undisclosedCount === 1
        ? "1 field of the record is not shown here."
        : `${formatNumber(verified.undisclosedCount, frame.reader)} fields of the record are not shown here.`}
    </p>
  );

export const Answer: FC<AnswerProps> = ({ view, frame, judged, offer }) => {
  const { record } = view;
  return (
    <section aria-labelledby="verdict" class="answer">
      <Verdict view={view} />
      {view.remarks.length > 0 && (
        <Note kind="warning">
          <Sentences sentences={view.remarks} />
        </Note>
      )}
      {offer !== undefined && <OnlineOffer view={view} offer={offer} />}
      {record !== undefined && (
        <>
          <RecordFacts record={record} frame={frame} />
          <h3>What is recorded</h3>
          <DataList
            fields={record.definition?.fields ?? []}
            data={record.verified.data}
            frame={frame}
            names={NO_NAMES}
          />
          <Undisclosed record={record} frame={frame} />
        </>
      )}
      <p class="judged">
        Checked <Instant at={judged.at} reader={frame.reader} /> by this device's clock, with {judged.policyName}{" "}
        <span class="soft">
          (SHA-256 <code>{judged.policyDigest}</code>)
        </span>
        . Neither a file nor a paper proves who carries it.
      </p>
      <div class="buttons">
        <ActionButton action="print" text="Print this answer" />
        <a href="#give">Check another record</a>
      </div>
      <details>
        <summary>Every check</summary>
        <CheckTable view={view} />
      </details>
      <Claimed view={view} frame={frame} />
      {record !== undefined && (
        <details>
          <summary>Address and digest</summary>
          <dl class="facts">
            <dt>Address of the record</dt>
            <dd>
              <code>{record.verified.href}</code>
            </dd>
            <dt>SHA-256 of this version</dt>
            <dd>
              <code>{record.verified.digest}</code>
            </dd>
            <dt>Kept at</dt>
            <dd>{hostOf(record.verified.href)}</dd>
          </dl>
        </details>
      )}
    </section>
  );
};

/** Where nothing could be judged: what was given is nothing that can be, or could not be had. */
export const Refusal: FC<{ title: string; reason: string }> = ({ title, reason }) => (
  <section aria-labelledby="verdict" class="answer">
    <div class="verdict undecided">
      <span class="sign" aria-hidden="true">
        ?
      </span>
      <div>
        <h2 id="verdict" tabindex={-1}>
          {title}
        </h2>
        <p>{reason}</p>
      </div>
    </div>
  </section>
);
