// The sections of a record's page, each from the view alone: in words, what it is good for, and how it is checked. Reads nothing.
import type { FC } from "hono/jsx";
import type { JsonObject } from "../crypto/json.ts";
import type { RecordView } from "../records/record-view.ts";
import type { FieldView } from "./field-view.ts";
import { DayOrInstant, Instant, MidnightOrInstant, Note, type PageFrame, Section } from "./markup.tsx";
import { formatNumber } from "./reader-language.ts";
import { StateBadge } from "./record-table.tsx";
import { describeState } from "./state-words.ts";
import { DataList, RecordLink, type RecordNames, recordHref } from "./value.tsx";

export interface RecordSectionProps {
  readonly view: RecordView;
  readonly fields: readonly FieldView[];
  readonly names: RecordNames;
  readonly frame: PageFrame;
}

const RecordLinks: FC<{ hrefs: readonly string[]; frame: PageFrame; names: RecordNames }> = ({
  hrefs,
  frame,
  names,
}) => (
  <ul class="plain">
    {hrefs.map((href) => (
      <li>
        <RecordLink href={href} frame={frame} names={names} />
      </li>
    ))}
  </ul>
);

/** Says that what follows is not today's word, and leads to it. */
export const OtherTimeNote: FC<RecordSectionProps & { isOlder: boolean; base?: string }> = (props) => {
  const { view, frame, isOlder, base } = props;
  const { as_of: asOf, valid_at: validAt } = view;
  if (asOf === undefined && validAt === undefined && !isOlder) return null;
  return (
    <Note kind="warning">
      <p>
        {asOf !== undefined && (
          <>
            As recorded on <DayOrInstant at={asOf} reader={frame.reader} />.{" "}
          </>
        )}
        {validAt !== undefined && (
          <>
            As in effect on <DayOrInstant at={validAt} reader={frame.reader} />.{" "}
          </>
        )}
        {isOlder && asOf === undefined && validAt === undefined && (
          <>Version {view.version}, which is not the current one. </>
        )}
        <a href={base ?? recordHref(view.href, frame)}>See today</a>
      </p>
    </Note>
  );
};

export const InEffect: FC<{ from: string | undefined; until: string | undefined; frame: PageFrame }> = ({
  from,
  until,
  frame,
}) => {
  const { reader } = frame;
  if (from === undefined && until === undefined) return <>No dates are stated</>;
  return (
    <>
      {from === undefined ? (
        "From the beginning"
      ) : (
        <>
          From <DayOrInstant at={from} reader={reader} />
        </>
      )}{" "}
      {until === undefined ? (
        "on, with no end stated"
      ) : (
        <>
          until <DayOrInstant at={until} reader={reader} />
          {until.length === 10 && " (that day included)"}
        </>
      )}
    </>
  );
};

/** `since`: since when the state holds, where that was stated. */
export const SummarySection: FC<RecordSectionProps & { since: string | undefined }> = (props) => {
  const { view, frame, names, since } = props;
  const state = describeState(view.state, view.as_of !== undefined || view.valid_at !== undefined);
  return (
    <Section id="summary" title="In short">
      <dl class="facts">
        <dt>Status</dt>
        <dd>
          <StateBadge state={view.state} />{" "}
          {since !== undefined && (
            <>
              Since <MidnightOrInstant at={since} reader={frame.reader} />.{" "}
            </>
          )}
          {state.meaning}
        </dd>
        {view.replaced_by !== undefined && (
          <>
            <dt>Replaced by</dt>
            <dd>
              <RecordLinks hrefs={view.replaced_by} frame={frame} names={names} />
            </dd>
          </>
        )}
        {view.replaces !== undefined && (
          <>
            <dt>Successor of</dt>
            <dd>
              <RecordLinks hrefs={view.replaces} frame={frame} names={names} />
            </dd>
          </>
        )}
        {view.identifier !== undefined && (
          <>
            <dt>Identifier</dt>
            <dd dir="auto">{view.identifier}</dd>
          </>
        )}
        <dt>In effect</dt>
        <dd>
          <InEffect from={view.valid_from} until={view.valid_until} frame={frame} />
        </dd>
        <dt>Recorded</dt>
        <dd>
          <Instant at={view.recorded_at} reader={frame.reader} />{" "}
          <span class="soft">(version {formatNumber(view.version, frame.reader)}, by this node's own clock)</span>
        </dd>
      </dl>
    </Section>
  );
};

export const DataSection: FC<RecordSectionProps & { seesAll?: boolean }> = ({
  view,
  fields,
  frame,
  names,
  seesAll,
}) => (
  <Section id="data" title="What is recorded">
    <DataList fields={fields} data={view.data as JsonObject} frame={frame} names={names} seesAll={seesAll} />
  </Section>
);

/** A file name that says what it is of, in letters that every system takes. */
function fileName(view: RecordView, kind: string): string {
  const name = (view.identifier ?? view.rid).replaceAll(/[^A-Za-z0-9.-]+/g, "-").slice(0, 80);
  return `${view.registry}-${name}-v${view.version}-${kind}`;
}

export const ProofSection: FC<RecordSectionProps> = ({ view, frame }) => {
  const { evidence, receipt } = view.links;
  const version = `?version=${view.version}`;
  const below = (name: string): string => `${recordHref(view.href, frame)}/${name}${version}`;
  return (
    <Section id="proof" title="Proof">
      <p>
        {frame.organizationName} signed this version, and it is entry{" "}
        <strong>{formatNumber(view.log_index, frame.reader)}</strong> of its log, to which entries are only ever added.
        The evidence file holds the signed record, its receipt from the log, its status and the statements that lead to
        the trust anchor: enough to check it without asking this node.
      </p>
      <p class="links">
        {evidence !== undefined && (
          <a class="button" href={below("evidence")} download={fileName(view, "evidence.json")}>
            Download the evidence
          </a>
        )}
        {receipt !== undefined && (
          <a href={below("receipt")} download={fileName(view, "receipt.txt")}>
            Receipt
          </a>
        )}
        <a href={`data:application/dc+sd-jwt,${view.token}`} download={fileName(view, "token.txt")}>
          Signed record (token)
        </a>
        <a href={below("certificate")}>Print a certificate</a>
        <a href={`${frame.basePath}/verify?of=${encodeURIComponent(view.href)}&version=${view.version}`}>
          Verify it in your browser
        </a>
        <a href={`${frame.basePath}/log/records/checkpoint`}>Checkpoint of the log</a>
      </p>
      <details>
        <summary>How to check it</summary>
        <p>With the trust anchor's key, obtained from the anchor and not from here:</p>
        <pre>
          <code>{`attestry resolve ${view.href} --anchors anchors.json`}</code>
        </pre>
        <p>
          The evidence file is checked without any node by <code>attestry verify FILE</code>, by the library{" "}
          <code>attestry/verify</code>, and on the page <a href={`${frame.basePath}/verify`}>Check a record</a> of this
          or any other node.
        </p>
        <dl class="facts">
          <dt>Address of the record</dt>
          <dd>
            <code>{view.href}</code>
          </dd>
          <dt>Definition it was made under</dt>
          <dd>
            <a href={view.links.definition}>{view.links.definition}</a>
          </dd>
          <dt>Signed record</dt>
          <dd>
            <code class="long">{view.token}</code>
          </dd>
        </dl>
      </details>
    </Section>
  );
};
