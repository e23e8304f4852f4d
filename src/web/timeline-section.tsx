// The life of a record, newest first: what was done, when, why, on which ground, and what changed by it. Reads nothing.
import type { FC } from "hono/jsx";
import type { Json } from "../crypto/json.ts";
import type { HistoryEntry } from "../records/history-entry.ts";
import type { FieldChange } from "../records/record-changes.ts";
import type { HistoryPage } from "../records/record-history-service.ts";
import { spellOut } from "../registries/field-texts.ts";
import { type FieldView, flattenFields } from "./field-view.ts";
import { DayOrInstant, Instant, Localized, MidnightOrInstant, type PageFrame, Section } from "./markup.tsx";
import { formatAddress } from "./page-request.ts";
import { formatNumber } from "./reader-language.ts";
import { Missing, RecordLink, type RecordNames, recordHref, Value } from "./value.tsx";

const OPERATION_IN_WORDS: Readonly<Record<string, string>> = {
  create: "Recorded",
  amend: "Amended",
  suspend: "Suspended",
  reinstate: "Reinstated",
  revoke: "Revoked",
  end: "Ended",
  replace: "Replaced by others",
  erase: "Erased",
  erase_version: "A version was erased",
};

const PERIOD_IN_WORDS: Readonly<Record<string, string>> = {
  "/valid_from": "In effect from",
  "/valid_until": "In effect until",
};

interface TimelineProps {
  readonly page: HistoryPage;
  readonly fields: readonly FieldView[];
  readonly names: RecordNames;
  readonly frame: PageFrame;
  /** The record's page, where that is another than the one that everybody sees. */
  readonly base?: string | undefined;
}

/** The names of the members on the way to a changed field, without the places in lists. */
function fieldOf(change: FieldChange, fields: readonly FieldView[]): FieldView | undefined {
  const name = change.field
    .split("/")
    .slice(2)
    .map((part) => part.replaceAll("~1", "/").replaceAll("~0", "~"))
    .join(".");
  return flattenFields(fields).find((field) => field.name === name);
}

const ChangedValue: FC<{
  value: Json | undefined;
  field: FieldView | undefined;
  frame: PageFrame;
  names: RecordNames;
}> = (props) => {
  const { value, field, frame, names } = props;
  if (value === undefined) return <Missing />;
  if (field !== undefined) return <Value field={field} value={value} frame={frame} names={names} />;
  return typeof value === "string" ? <DayOrInstant at={value} reader={frame.reader} /> : JSON.stringify(value);
};

export const Change: FC<{ change: FieldChange; fields: readonly FieldView[]; frame: PageFrame; names: RecordNames }> = (
  props,
) => {
  const { change, fields, frame, names } = props;
  const field = change.field.startsWith("/data/") ? fieldOf(change, fields) : undefined;
  const title =
    field?.title ?? change.label ?? PERIOD_IN_WORDS[change.field] ?? spellOut(change.field.split("/").at(-1)!);
  return (
    <>
      <dt>
        <Localized text={title} reader={frame.reader} />
      </dt>
      <dd>
        <span class="before">
          <ChangedValue value={change.before} field={field} frame={frame} names={names} />
        </span>{" "}
        <span class="unseen">became</span>
        <span aria-hidden="true">→</span>{" "}
        <ChangedValue value={change.after} field={field} frame={frame} names={names} />
      </dd>
    </>
  );
};

const Ground: FC<{ entry: HistoryEntry }> = ({ entry }) => {
  const { reason, reason_text: reasonText, instrument, note, approved } = entry.act;
  const why = reasonText ?? reason;
  return (
    <>
      {why !== undefined && (
        <p>
          Why: <span dir="auto">{why}</span>
        </p>
      )}
      {instrument !== undefined && (
        <p>
          On the ground of: <span dir="auto">{instrument}</span>
        </p>
      )}
      {note !== undefined && <p dir="auto">{note}</p>}
      {approved !== undefined && (
        <p class="soft">
          Approved by {approved.length === 1 ? "another person" : `${approved.length} other people`} (
          {approved.map(({ role }) => role).join(", then ")})
        </p>
      )}
    </>
  );
};

const Period: FC<{ entry: HistoryEntry; frame: PageFrame }> = ({ entry, frame }) => {
  const { valid_from: from, valid_until: until, effective_from: since } = entry;
  const { reader } = frame;
  if (since !== undefined)
    return (
      <p>
        Holds since <MidnightOrInstant at={since} reader={reader} />
      </p>
    );
  if (from === undefined && until === undefined) return null;
  return (
    <p>
      In effect
      {from !== undefined && (
        <>
          {" "}
          from <DayOrInstant at={from} reader={reader} />
        </>
      )}
      {until !== undefined && (
        <>
          {" "}
          until <DayOrInstant at={until} reader={reader} />
        </>
      )}
    </p>
  );
};

const OtherRecords: FC<{
  title: string;
  hrefs: readonly string[] | undefined;
  frame: PageFrame;
  names: RecordNames;
}> = (props) =>
  props.hrefs === undefined ? null : (
    <p>
      {props.title}:{" "}
      {props.hrefs.map((href, index) => (
        <>
          {index > 0 && ", "}
          <RecordLink href={href} frame={props.frame} names={props.names} />
        </>
      ))}
    </p>
  );

const Entry: FC<TimelineProps & { entry: HistoryEntry }> = ({ entry, page, fields, names, frame, base: own }) => {
  const { version, changes = [] } = entry;
  const base = own ?? recordHref(page.href, frame);
  return (
    <li>
      <h3>{OPERATION_IN_WORDS[entry.operation] ?? entry.operation}</h3>
      <p class="soft">
        <Instant at={entry.recorded_at} reader={frame.reader} />
        {version !== undefined && <>, version {formatNumber(version, frame.reader)}</>}, entry{" "}
        {formatNumber(entry.log_index, frame.reader)} of the log
      </p>
      {entry.erased === true && <p class="soft">What this version said is destroyed.</p>}
      {entry.erased_version !== undefined && (
        <p>
          Version {formatNumber(entry.erased_version, frame.reader)} was wrong and was destroyed. The others are as they
          were.
        </p>
      )}
      <Period entry={entry} frame={frame} />
      <Ground entry={entry} />
      <OtherRecords title="Successor of" hrefs={entry.replaces} frame={frame} names={names} />
      <OtherRecords title="Replaced by" hrefs={entry.replaced_by} frame={frame} names={names} />
      {changes.length > 0 && (
        <dl class="facts changes">
          {changes.map((change) => (
            <Change change={change} fields={fields} frame={frame} names={names} />
          ))}
        </dl>
      )}
      {entry.compared_with !== undefined && changes.length === 0 && (
        <p class="soft">
          {entry.withheld === true
            ? "Nothing changed that is shown to the public."
            : "Issued again with the same content."}
        </p>
      )}
      {version !== undefined && entry.links.version !== undefined && (
        <p>
          <a href={`${base}?version=${version}`}>See this version</a>
        </p>
      )}
    </li>
  );
};

/** Asks for the same record at another time, by its own address. */
const OtherTimeForm: FC<{ action: string }> = ({ action }) => (
  <details>
    <summary>See the record at another time</summary>
    <form method="get" action={action} class="search">
      <div class="fields">
        <div class="field">
          <label for="other-valid">As it was in effect on</label>
          <input id="other-valid" type="date" name="validAt" aria-describedby="other-valid-hint" />
          <p class="soft" id="other-valid-hint">
            What held in the world on that day, by what is known now.
          </p>
        </div>
        <div class="field">
          <label for="other-recorded">As it was recorded on</label>
          <input id="other-recorded" type="date" name="asOf" aria-describedby="other-recorded-hint" />
          <p class="soft" id="other-recorded-hint">
            What this register said at the end of that day.
          </p>
        </div>
      </div>
      <p class="buttons">
        <button type="submit">Show</button>
      </p>
    </form>
  </details>
);

export const TimelineSection: FC<TimelineProps> = (props) => {
  const { page, frame } = props;
  const base = props.base ?? recordHref(page.href, frame);
  return (
    <Section id="history" title="History">
      <ol class="timeline">
        {page.entries.map((entry) => (
          <Entry {...props} entry={entry} />
        ))}
      </ol>
      {page.next !== undefined && (
        <p>
          <a href={`${formatAddress(base, { before: page.next })}#history`}>Earlier</a>
        </p>
      )}
      <OtherTimeForm action={base} />
    </Section>
  );
};

/** The records that a history names. */
export function listHistoryReferences(page: HistoryPage, fields: readonly FieldView[]): string[] {
  const references = flattenFields(fields).filter(({ kind }) => kind === "reference");
  const named = new Set(references.map(({ name }) => `/data/${name.replaceAll(".", "/")}`));
  return page.entries.flatMap((entry) => [
    ...(entry.replaces ?? []),
    ...(entry.replaced_by ?? []),
    ...(entry.changes ?? [])
      .filter(({ field }) => named.has(field))
      .flatMap(({ before, after }) => [before, after].filter((value) => typeof value === "string")),
  ]);
}
