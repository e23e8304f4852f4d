// The form by which staff check records of any department. Decides nothing.
import type { FC } from "hono/jsx";
import type { ErrorDetail } from "../errors.ts";
import type { Session } from "../identity/session-service.ts";
import { CASE_NUMBER_CHARS_MAX, CHECK_PURPOSE_CHARS_MAX } from "../limits.ts";
import type { CheckFields } from "./check-request.ts";
import { Section } from "./markup.tsx";
import { FORM_TOKEN } from "./page-session.ts";

interface CheckFormProps {
  readonly title: string;
  readonly action: string;
  readonly session: Session;
  readonly fields: CheckFields;
  readonly faults: readonly ErrorDetail[];
}

const Faults: FC<{ field: keyof CheckFields; faults: readonly ErrorDetail[] }> = ({ field, faults }) => {
  const own = faults.filter((fault) => fault.field === field);
  return own.length === 0 ? null : (
    <div id={`${field}-fault`} class="fault">
      {own.map(({ message }) => (
        <p dir="auto">{message}</p>
      ))}
    </div>
  );
};

/** What a control says of its hint and of what is to mend. */
function describedBy(field: keyof CheckFields, faults: readonly ErrorDetail[]): Record<string, string> {
  const isFaulty = faults.some((fault) => fault.field === field);
  const ids = [`${field}-hint`, ...(isFaulty ? [`${field}-fault`] : [])].join(" ");
  return { "aria-describedby": ids, ...(isFaulty && { "aria-invalid": "true" }) };
}

export const CheckForm: FC<CheckFormProps> = ({ title, action, session, fields, faults }) => (
  <Section id="check" title={title}>
    <form method="post" action={action} class="search">
      <input type="hidden" name={FORM_TOKEN} value={session.formToken} />
      <div class="field">
        <label for="references">Links of the records, one on each line</label>
        <textarea
          id="references"
          name="references"
          rows={3}
          spellcheck={false}
          autocomplete="off"
          dir="ltr"
          required
          {...describedBy("references", faults)}
        >
          {fields.references}
        </textarea>
        <p class="soft" id="references-hint">
          As they stand on a record's page or certificate, or in your file. Any department of the federation.
        </p>
        <Faults field="references" faults={faults} />
      </div>
      <div class="fields">
        <div class="field">
          <label for="caseNumber">Case number</label>
          <input
            id="caseNumber"
            name="caseNumber"
            value={fields.caseNumber}
            maxlength={CASE_NUMBER_CHARS_MAX}
            autocomplete="off"
            dir="auto"
            {...describedBy("caseNumber", faults)}
          />
          <p class="soft" id="caseNumber-hint">
            Of your own file, to find the report again.
          </p>
          <Faults field="caseNumber" faults={faults} />
        </div>
        <div class="field">
          <label for="purpose">What for</label>
          <input
            id="purpose"
            name="purpose"
            value={fields.purpose}
            maxlength={CHECK_PURPOSE_CHARS_MAX}
            autocomplete="off"
            dir="auto"
            {...describedBy("purpose", faults)}
          />
          <p class="soft" id="purpose-hint">
            In a few words, without names of people. One of both is needed.
          </p>
          <Faults field="purpose" faults={faults} />
        </div>
      </div>
      <details {...(fields.follow !== "" && { open: true })}>
        <summary>Check what they refer to, too</summary>
        <div class="field">
          <label for="follow">Fields to follow</label>
          <input
            id="follow"
            name="follow"
            value={fields.follow}
            autocomplete="off"
            dir="ltr"
            {...describedBy("follow", faults)}
          />
          <p class="soft" id="follow-hint">
            Names of fields that hold links, such as <code>owner, owner &gt; district</code>: the owner, and the owner's
            district.
          </p>
          <Faults field="follow" faults={faults} />
        </div>
      </details>
      <div class="buttons">
        <button type="submit">Check</button>
        <span class="soft">The department that keeps a record is asked, and learns that this node checks it.</span>
      </div>
    </form>
  </Section>
);
