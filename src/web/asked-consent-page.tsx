// One consent that was asked for: how it stands, what that means, and what is read by it. Reads nothing, decides nothing.
import type { FC } from "hono/jsx";
import type { AttestryError, ErrorDetail } from "../errors.ts";
import { CONSENT_REQUEST_SECONDS } from "../limits.ts";
import { type AskedConsent, isEnded, isSpent } from "../resolution/asked-consent-service.ts";
import type { OfferedField } from "../resolution/consent-offer.ts";
import { type AskedProps, crumbsTo, FaultNote, pathOf, StateBadge, toList } from "./asked-consent-sections.tsx";
import { describeConsentState } from "./asked-consent-words.ts";
import { CheckAnswer } from "./check-answer.tsx";
import type { FindingView } from "./check-view.ts";
import { DESK_STYLE } from "./console/desk-style.ts";
import { Localized, Note, Section } from "./markup.tsx";
import { FORM_TOKEN } from "./page-session.ts";
import { formatTime } from "./reader-language.ts";
import { ActionForm, StaffPage } from "./staff-frame.tsx";

export interface AskedConsentProps extends AskedProps {
  readonly consent: AskedConsent;
  /** As the home node's definition calls them, where that is known. */
  readonly fields: readonly OfferedField[];
  readonly isNew: boolean;
  /** The number of the next reading, so that what is sent twice is one. */
  readonly readingId: string;
  readonly references: string;
  readonly faults: readonly ErrorDetail[];
  readonly error?: AttestryError;
  readonly answer?: { readonly findings: readonly FindingView[]; readonly checkedAt: number };
}

const Names: FC<Pick<AskedConsentProps, "fields" | "frame"> & { names: readonly string[] }> = ({
  names,
  fields,
  frame,
}) => (
  <>
    {names.map((name, at) => (
      <>
        {at > 0 && ", "}
        <Localized text={fields.find((one) => one.name === name)?.title ?? name} reader={frame.reader} />
      </>
    ))}
  </>
);

const Facts: FC<AskedConsentProps> = ({ consent, fields, frame }) => {
  const isOpen = consent.state === "requested";
  const isDecided = consent.state === "given" || consent.state === "paused";
  const answerBy = Math.min(consent.requestedAt + CONSENT_REQUEST_SECONDS, consent.expiresAt);
  return (
    <dl class="facts">
      <dt>Purpose</dt>
      <dd dir="auto">{consent.purpose}</dd>
      <dt>Records</dt>
      <dd>
        {consent.registry} of <span dir="ltr">{consent.home}</span>
      </dd>
      <dt>Fields asked for</dt>
      <dd>
        <Names names={consent.requestedFields} fields={fields} frame={frame} />
      </dd>
      {isDecided && (
        <>
          <dt>Fields given</dt>
          <dd>
            <Names names={consent.fields} fields={fields} frame={frame} />
          </dd>
        </>
      )}
      <dt>{isEnded(consent) ? "Was to end" : "Ends"}</dt>
      <dd>
        {formatTime(consent.expiresAt, frame.reader)}
        {consent.isOneTime && <span class="soft"> (for one reading)</span>}
      </dd>
      {isOpen && (
        <>
          <dt>To be decided by</dt>
          <dd>{formatTime(answerBy, frame.reader)}</dd>
        </>
      )}
      <dt>Asked</dt>
      <dd>
        {formatTime(consent.askedAt, frame.reader)} by <span dir="auto">{consent.personName}</span>{" "}
        <span class="soft">as {consent.role}</span>
      </dd>
      <dt>Address</dt>
      <dd>
        <code>{consent.href}</code>
      </dd>
    </dl>
  );
};

const ReadForm: FC<AskedConsentProps> = ({ consent, fields, session, frame, readingId, references, faults }) => {
  const own = faults.filter(({ field }) => field === "references");
  const describedBy = own.length > 0 ? "references-hint references-fault" : "references-hint";
  return (
    <form method="post" action={pathOf(frame, `/${consent.id}/read`)} class="search">
      <input type="hidden" name={FORM_TOKEN} value={session.formToken} />
      <input type="hidden" name="request_id" value={readingId} />
      <div class="field">
        <label for="references">Links of the person's records, one on each line</label>
        <textarea
          id="references"
          name="references"
          rows={2}
          spellcheck={false}
          autocomplete="off"
          dir="ltr"
          required
          aria-describedby={describedBy}
          {...(own.length > 0 && { "aria-invalid": "true" })}
        >
          {references}
        </textarea>
        <p class="soft" id="references-hint">
          As they stand in the application, or in your file.
        </p>
        {own.length > 0 && (
          <div id="references-fault">
            {own.map(({ message }) => (
              <p class="fault" dir="auto">
                {message}
              </p>
            ))}
          </div>
        )}
      </div>
      {consent.fields.length > 1 && (
        <details>
          <summary>Read only some fields</summary>
          <fieldset class="field">
            <legend>Fields</legend>
            <div class="choices">
              {consent.fields.map((name) => (
                <label>
                  <input type="checkbox" name="fields" value={name} />
                  <Names names={[name]} fields={fields} frame={frame} />
                </label>
              ))}
            </div>
          </fieldset>
        </details>
      )}
      <div class="buttons">
        <button type="submit">Read now</button>
        <span class="soft">The person sees that you read it, and for which case.</span>
      </div>
    </form>
  );
};

export const AskedConsentPage: FC<AskedConsentProps> = (props) => {
  const { consent, session, frame, isNew, error, faults, answer } = props;
  const words = describeConsentState(consent);
  return (
    <StaffPage
      title={`Consent: ${words.name.toLowerCase()}`}
      lead={
        <>
          Case <span dir="auto">{consent.caseNumber ?? "without a number"}</span>
        </>
      }
      crumbs={crumbsTo(frame, [toList(frame)])}
      session={session}
      frame={frame}
      styles={[DESK_STYLE]}
    >
      {answer && <CheckAnswer {...answer} frame={frame} />}
      {error && <FaultNote title="It is not known how the consent stands now." error={error} />}
      {faults.length > 0 && <Note kind="warning" title="Nothing was read: the form has something to mend." />}
      {isNew && <Note title="Your request was sent." />}
      <Section id="state" title="How it stands">
        <p>
          <StateBadge consent={consent} /> <span class="soft">as of {formatTime(consent.readAt, frame.reader)}</span>
        </p>
        <p>{words.meaning}</p>
        {!isEnded(consent) && (
          <ActionForm action={pathOf(frame, `/${consent.id}/refresh`)} session={session}>
            <div class="buttons">
              <button type="submit">Ask how it stands now</button>
            </div>
          </ActionForm>
        )}
      </Section>
      {consent.state === "given" && !isSpent(consent) && (
        <Section id="read" title={answer ? "Read again" : "Read by this consent"}>
          <ReadForm {...props} />
        </Section>
      )}
      <Section id="facts" title="What was asked">
        <Facts {...props} />
      </Section>
    </StaffPage>
  );
};
