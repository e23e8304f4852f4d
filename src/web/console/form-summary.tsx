// What stands above a form that was not taken: what is to be mended and where, records that look alike, what somebody else changed. Decides nothing.
import type { FC } from "hono/jsx";
import type { AttestryError } from "../../errors.ts";
import type { FieldChange } from "../../records/record-changes.ts";
import { parseRecordUrl } from "../../records/record-url.ts";
import type { FieldView } from "../field-view.ts";
import { Localized, Note, type PageFrame } from "../markup.tsx";
import { formatSentence } from "../problem-page.tsx";
import { Change } from "../timeline-section.tsx";
import type { RecordNames } from "../value.tsx";
import { type FormFault, inputId } from "./form-controls.ts";

/** Said first, in place of the program's own words. */
const LEADS: Readonly<Record<string, string>> = {
  record_invalid: "Not saved yet: something is missing, or not as the registry asks for it.",
  request_invalid: "Not saved yet: something is not as it must be.",
  act_incomplete: "Not saved yet: this registry asks for the ground on which it is done.",
  value_not_unique: "Not saved: another record has a value that must be unique.",
  reference_unresolved: "Not saved: a record that this one refers to could not be verified.",
  peer_unreachable:
    "Not saved: the department that keeps a record that this one refers to does not answer just now. Try again in a minute.",
  record_too_large: "Not saved: the record is larger than a record may be. Shorten its texts.",
  idempotency_key_reused:
    "This form was sent before, with other words. What was sent then may have been saved: look at the records of the registry first. To save what stands here now, send it again.",
  version_conflict:
    "Not done: somebody else changed this record meanwhile. Look at it again before you send this once more.",
  log_overloaded: "Not saved: more is being written than the register takes just now. Try again in a minute.",
};

export const FaultSummary: FC<{ error: AttestryError | undefined; faults: readonly FormFault[]; frame: PageFrame }> = (
  props,
) => {
  const { error, faults, frame } = props;
  if (error === undefined) return null;
  return (
    <div role="alert" class="summary" tabindex={-1} id="faults" autofocus>
      <Note kind="warning" title={LEADS[error.code] ?? formatSentence(error.message)}>
        {faults.length > 0 && (
          <ul>
            {faults.map(({ pointer, title, message }) => (
              <li>
                {pointer === undefined ? (
                  message
                ) : (
                  <a href={`#${inputId(pointer)}`}>
                    {title !== undefined && (
                      <>
                        <Localized text={title} reader={frame.reader} />:{" "}
                      </>
                    )}
                    {message}
                  </a>
                )}
              </li>
            ))}
          </ul>
        )}
      </Note>
    </div>
  );
};

export const DuplicateNote: FC<{ error: AttestryError; frame: PageFrame }> = ({ error, frame }) => {
  const known = new Map(error.details.flatMap((one) => (one.href === undefined ? [] : [[one.href, one.display]])));
  const elsewhere = error.details.some(({ href }) => href === undefined);
  return (
    <div role="alert" class="summary" tabindex={-1} id="faults" autofocus>
      <Note kind="warning" title="Not saved yet: this may be in the registry already.">
        <ul>
          {[...known].map(([href, display]) => {
            const address = parseRecordUrl(href);
            const path = address && `${frame.basePath}/console/registries/${address.registry}/records/${address.rid}`;
            return (
              <li>
                <a href={path ?? href} target="_blank" rel="noopener" dir="auto">
                  {display ?? href}
                </a>{" "}
                <span class="soft">(opens beside this form)</span>
              </li>
            );
          })}
          {elsewhere && <li>A record in another jurisdiction looks alike; ask the office there.</li>}
        </ul>
        <p>
          If it is the same, amend that record instead. If it is not, say below how you know, and send the form again.
        </p>
      </Note>
    </div>
  );
};

/** `theirs`: what was changed meanwhile; `both`: the pointers of those of them that the writer changed, too. */
export const ConflictNote: FC<{
  theirs: readonly FieldChange[];
  both: ReadonlySet<string>;
  fields: readonly FieldView[];
  names: RecordNames;
  frame: PageFrame;
}> = ({ theirs, both, fields, names, frame }) => (
  <div role="alert" class="summary" tabindex={-1} id="faults" autofocus>
    <Note kind="warning" title="Not saved yet: somebody else changed this record while you were writing.">
      {theirs.length === 0 ? (
        <p>Its state or its definition changed, and nothing of what it says.</p>
      ) : (
        <>
          <p>What they changed:</p>
          <dl class="facts changes">
            {theirs.map((change) => (
              <Change change={change} fields={fields} names={names} frame={frame} />
            ))}
          </dl>
        </>
      )}
      <p>
        {both.size === 0
          ? "The form below has their changes and yours together. Look it through and send it again."
          : "Where you both changed the same, the form below has your words. Look it through and send it again."}
      </p>
    </Note>
  </div>
);
