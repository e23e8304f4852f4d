// The page of one permission: its terms, the text under which it is asked, and what the person can do about it, each with what it changes. Reads nothing, changes nothing.
import type { FC } from "hono/jsx";
import { formatSeconds } from "../../clock.ts";
import type { CitizenSession } from "../../identity/citizen-session-service.ts";
import { Instant, Localized, Note, Section } from "../markup.tsx";
import { formatAddress } from "../page-request.ts";
import { ActionForm } from "../staff-frame.tsx";
import { ConsentBadge, ConsentPeriod, type ConsentProps, dayOf, fieldsOf, isoDay } from "./consent-cards.tsx";
import { MePage } from "./me-frame.tsx";
import { isolate } from "./me-names.ts";
import { UntilField } from "./until-field.tsx";

export type ConsentDone = "given" | "refused" | "paused" | "resumed" | "withdrawn";

export interface ConsentPageProps extends ConsentProps {
  readonly session: CitizenSession;
  /** Today, as a full-date. */
  readonly today: string;
  readonly done: ConsentDone | undefined;
  /** Why the answer was not taken. */
  readonly fault: string | undefined;
}

const FieldList: FC<ConsentProps & { fields: readonly string[] }> = ({ consent, names, frame, fields }) => (
  <ul class="plain">
    {fields.map((field) => {
      const meaning = names.meaning(consent.registry, field);
      return (
        <li>
          {names.field(consent.registry, field)}
          {meaning !== undefined && (
            <span class="soft small">
              {" – "}
              <Localized text={meaning} reader={frame.reader} />
            </span>
          )}
        </li>
      );
    })}
  </ul>
);

const Terms: FC<ConsentPageProps> = (props) => {
  const { consent, names, frame } = props;
  const { texts, reader } = frame;
  const words = texts.consent;
  const shown = fieldsOf(consent);
  const left = consent.requestedFields.filter((field) => !shown.includes(field));
  const what = names.purpose(consent.registry, consent.purpose);
  return (
    <div class="space">
      <p>
        <ConsentBadge state={consent.state} frame={frame} />{" "}
        {consent.isUsed && consent.oneTime ? words.isUsed : words.meanings[consent.state]}
      </p>
      {!consent.isOwn && <p>{words.forChild(isolate(consent.subject.value))}</p>}
      <dl class="facts">
        <dt>{words.who}</dt>
        <dd>
          {names.party(consent.consumer)} <span class="soft small">({consent.consumer})</span>
        </dd>
        <dt>{words.whatFor}</dt>
        <dd>{what}</dd>
        <dt>{words.registry}</dt>
        <dd>{names.registry(consent.registry)}</dd>
        <dt>{words.fields}</dt>
        <dd>
          <FieldList {...props} fields={shown} />
        </dd>
        {left.length > 0 && (
          <>
            <dt>{words.fieldsAsked}</dt>
            <dd>
              <FieldList {...props} fields={left} />
            </dd>
          </>
        )}
        <dt>{words.when}</dt>
        <dd>
          <ConsentPeriod {...props} />
        </dd>
        {consent.case !== undefined && (
          <>
            <dt>{words.matter}</dt>
            <dd>
              <span dir="auto">{consent.case}</span>
            </dd>
          </>
        )}
        {consent.note !== undefined && (
          <>
            <dt>{words.noteOf}</dt>
            <dd>
              <span class="text" dir="auto">
                {consent.note}
              </span>
            </dd>
          </>
        )}
        <dt>{words.asked}</dt>
        <dd>
          <Instant at={formatSeconds(consent.requestedAt)} reader={reader} />
        </dd>
        {consent.decidedAt !== undefined && (
          <>
            <dt>{words.decided}</dt>
            <dd>
              <Instant at={formatSeconds(consent.decidedAt)} reader={reader} />
            </dd>
          </>
        )}
      </dl>
      {consent.state !== "requested" && (
        <p>
          <a href={formatAddress(`${frame.basePath}/me/usage`, { by: consent.consumer, purpose: consent.purpose })}>
            {words.lookedBy}
          </a>
        </p>
      )}
    </div>
  );
};

const Notice: FC<ConsentPageProps> = ({ consent, frame }) => {
  const words = frame.texts.consent;
  const { title, text, hash } = consent.notice;
  return (
    <Section id="notice" title={words.notice}>
      <blockquote>
        <p>
          <strong>
            <Localized text={title} reader={frame.reader} />
          </strong>
        </p>
        {text !== undefined && (
          <p class="text">
            <Localized text={text} reader={frame.reader} />
          </p>
        )}
      </blockquote>
      <details>
        <summary>{words.noticeProof}</summary>
        <p>
          {words.noticeHash} <code dir="ltr">{hash}</code>
        </p>
      </details>
    </Section>
  );
};

const Decide: FC<ConsentPageProps> = (props) => {
  const { consent, names, frame, session, today } = props;
  const words = frame.texts.consent;
  const base = `${frame.basePath}/me/consents/${consent.id}`;
  const starts = isoDay(consent.startsAt);
  const first = today > starts ? today : starts;
  const last = isoDay(consent.expiresAt);
  return (
    <Section id="decide" title={words.decide}>
      <div class="choice">
        <ActionForm action={`${base}/give`} session={session}>
          <p>{words.decideLead}</p>
          <fieldset>
            <legend>{words.fieldsLegend}</legend>
            {consent.requestedFields.map((field, at) => {
              const meaning = names.meaning(consent.registry, field);
              return (
                <div class="tick">
                  <input type="checkbox" name="field" value={field} id={`field-${at}`} checked />
                  <label for={`field-${at}`}>
                    {names.field(consent.registry, field)}
                    {meaning !== undefined && (
                      <span class="soft small">
                        <Localized text={meaning} reader={frame.reader} />
                      </span>
                    )}
                  </label>
                </div>
              );
            })}
          </fieldset>
          <UntilField
            label={words.until}
            help={words.untilHelp(dayOf(consent.expiresAt, frame))}
            first={first}
            last={last}
            value={last}
          />
          {!consent.oneTime && (
            <div class="tick">
              <input type="checkbox" name="once" value="yes" id="once" />
              <label for="once">{words.onceLabel}</label>
            </div>
          )}
          <div class="buttons">
            <button type="submit" aria-describedby="give-help">
              {words.give}
            </button>
          </div>
          <p class="soft" id="give-help">
            {words.giveHelp}
          </p>
        </ActionForm>
      </div>
      <div class="choice">
        <ActionForm action={`${base}/refuse`} session={session}>
          <button type="submit" aria-describedby="refuse-help">
            {words.refuse}
          </button>
          <p class="soft" id="refuse-help">
            {words.refuseHelp}
          </p>
        </ActionForm>
      </div>
    </Section>
  );
};

const Change: FC<ConsentPageProps> = ({ consent, frame, session }) => {
  const words = frame.texts.consent;
  const base = `${frame.basePath}/me/consents/${consent.id}`;
  const [act, text, help] =
    consent.state === "paused" ? ["resume", words.resume, words.resumeHelp] : ["pause", words.pause, words.pauseHelp];
  return (
    <Section id="change" title={words.change}>
      <div class="choice">
        <ActionForm action={`${base}/${act}`} session={session}>
          <button type="submit" class="quiet" aria-describedby="pause-help">
            {text}
          </button>
          <p class="soft" id="pause-help">
            {help}
          </p>
        </ActionForm>
      </div>
      <div class="choice">
        <details>
          <summary>{words.withdraw}</summary>
          <p id="withdraw-help">{words.withdrawHelp}</p>
          <ActionForm action={`${base}/withdraw`} session={session}>
            <div class="buttons">
              <button type="submit" class="over" aria-describedby="withdraw-help">
                {words.withdrawConfirm}
              </button>
            </div>
          </ActionForm>
        </details>
      </div>
    </Section>
  );
};

export const ConsentPage: FC<ConsentPageProps> = (props) => {
  const { consent, names, frame, session, done, fault } = props;
  const words = frame.texts.consent;
  const who = names.party(consent.consumer);
  const { state } = consent;
  return (
    <MePage
      title={state === "requested" ? words.asks(who) : who}
      lead={names.purpose(consent.registry, consent.purpose)}
      frame={frame}
      session={session}
    >
      {done !== undefined && (
        <div role="status" class="space">
          <Note>
            <p>{words.done[done]}</p>
          </Note>
        </div>
      )}
      {fault !== undefined && (
        <div role="alert" class="space">
          <p class="fault">{fault}</p>
        </div>
      )}
      <Terms {...props} />
      <Notice {...props} />
      {state === "requested" && <Decide {...props} />}
      {(state === "given" || state === "paused") && <Change {...props} />}
    </MePage>
  );
};
