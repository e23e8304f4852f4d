// What a citizen shares, as pages show it: the form, the link with its code, and the list of what was shared. Reads nothing, changes nothing.
import type { FC } from "hono/jsx";
import { formatSeconds } from "../../clock.ts";
import type { Json, JsonObject } from "../../crypto/json.ts";
import { isJsonObject } from "../../crypto/json.ts";
import type { ShareState } from "../../disclosure/share.ts";
import type { OwnShare } from "../../disclosure/share-service.ts";
import type { CitizenSession } from "../../identity/citizen-session-service.ts";
import { SHARE_TEXT_CHARS_MAX } from "../../limits.ts";
import type { FieldView } from "../field-view.ts";
import { Instant, Localized, Note, Section } from "../markup.tsx";
import { drawPrintedCode, QrCode } from "../qr-code.tsx";
import { ActionForm } from "../staff-frame.tsx";
import { Value } from "../value.tsx";
import { dayOf } from "./consent-cards.tsx";
import type { MeFrame } from "./me-frame.tsx";
import { isolate, type MeNames } from "./me-names.ts";
import { UntilField } from "./until-field.tsx";

/** What a form says, as it was sent. */
export interface ShareValues {
  readonly id: string;
  readonly registry: string;
  readonly rid: string;
  readonly fields: readonly string[];
  readonly recipient: string;
  readonly entity: string;
  readonly purpose: string;
  /** A full-date. */
  readonly until: string;
  readonly isOneTime: boolean;
}

export type ShareFormFault = "fields" | "recipient" | "entity" | "purpose" | "day";

export interface ShareFormProps {
  readonly values: ShareValues;
  /** The fields of the record that can be shared, as its definition describes them. */
  readonly fields: readonly FieldView[];
  readonly data: JsonObject;
  /** Full-dates. */
  readonly first: string;
  readonly last: string;
  readonly fault: { readonly field?: ShareFormFault; readonly text: string } | undefined;
  readonly session: CitizenSession;
  readonly frame: MeFrame;
}

function valueAt(data: JsonObject, name: string): Json | undefined {
  return name
    .split(".")
    .reduce<Json | undefined>((value, member) => (isJsonObject(value) ? value[member] : undefined), data);
}

const FieldChoice: FC<ShareFormProps> = ({ values, fields, data, fault, frame }) => {
  const words = frame.texts.share;
  return (
    <fieldset {...(fault?.field === "fields" && { "aria-describedby": "fault" })}>
      <legend>{words.fields}</legend>
      <p class="soft">{words.fieldsHelp}</p>
      {fields.map((field, at) => (
        <div class="tick">
          <input
            type="checkbox"
            name="field"
            value={field.name}
            id={`field-${at}`}
            checked={values.fields.includes(field.name)}
            aria-describedby={`value-${at}`}
          />
          <div>
            <label for={`field-${at}`}>
              <Localized text={field.fullTitle} reader={frame.reader} />
            </label>
            <div id={`value-${at}`}>
              <Value field={field} value={valueAt(data, field.name) ?? null} frame={frame} names={new Map()} />
              {field.description !== undefined && (
                <span class="soft small">
                  <Localized text={field.description} reader={frame.reader} />
                </span>
              )}
            </div>
          </div>
        </div>
      ))}
    </fieldset>
  );
};

const TextField: FC<{
  name: "recipient" | "entity" | "purpose";
  label: string;
  help: string;
  required: boolean;
  form: ShareFormProps;
}> = ({ name, label, help, required, form }) => {
  const isWrong = form.fault?.field === name;
  return (
    <div class="field">
      <label for={name}>{label}</label>
      <input
        id={name}
        name={name}
        value={form.values[name]}
        maxlength={name === "entity" ? 500 : SHARE_TEXT_CHARS_MAX}
        required={required}
        autocomplete="off"
        dir={name === "entity" ? "ltr" : "auto"}
        aria-describedby={isWrong ? `${name}-help fault` : `${name}-help`}
        {...(isWrong && { "aria-invalid": "true" as const })}
      />
      <p class="soft" id={`${name}-help`}>
        {help}
      </p>
    </div>
  );
};

export const ShareForm: FC<ShareFormProps> = (props) => {
  const { values, first, last, fault, session, frame } = props;
  const words = frame.texts.share;
  const { id, registry, rid } = values;
  return (
    <div class="space">
      {fault !== undefined && (
        <div role="alert">
          <p class="fault" id="fault">
            {fault.text}
          </p>
        </div>
      )}
      <div class="choice">
        <ActionForm action={`${frame.basePath}/me/share/create`} session={session} values={{ id, registry, rid }}>
          <FieldChoice {...props} />
          <TextField name="recipient" label={words.recipient} help={words.recipientHelp} required={true} form={props} />
          <TextField name="purpose" label={words.purpose} help={words.purposeHelp} required={true} form={props} />
          <UntilField
            label={words.until}
            help={words.untilHelp(dayOf(Date.parse(last) / 1_000, frame))}
            first={first}
            last={last}
            value={values.until}
            isWrong={fault?.field === "day"}
          />
          <fieldset>
            <legend>{words.often}</legend>
            {([true, false] as const).map((isOnce) => (
              <div class="tick">
                <input
                  type="radio"
                  name="often"
                  value={isOnce ? "once" : "always"}
                  id={isOnce ? "once" : "always"}
                  checked={isOnce === values.isOneTime}
                />
                <label for={isOnce ? "once" : "always"}>{isOnce ? words.once : words.always}</label>
              </div>
            ))}
          </fieldset>
          <details open={values.entity !== ""}>
            <summary>{words.entity}</summary>
            <TextField name="entity" label={words.entityLabel} help={words.entityHelp} required={false} form={props} />
          </details>
          <div class="buttons">
            <button type="submit" aria-describedby="create-help">
              {words.create}
            </button>
          </div>
          <p class="soft" id="create-help">
            {words.createHelp}
          </p>
        </ActionForm>
      </div>
    </div>
  );
};

const LINK_CODE_MM = 45;

/** The link and, apart from it, the code: shown this once. */
export const SharedLink: FC<{ link: string; code: string; frame: MeFrame }> = ({ link, code, frame }) => {
  const words = frame.texts.share;
  const drawn = drawPrintedCode(link, LINK_CODE_MM);
  return (
    <>
      <Section id="link" title={words.link}>
        <p>{words.linkHelp}</p>
        <pre dir="ltr">
          <code>{link}</code>
        </pre>
        {drawn && (
          <p class="qr">
            <QrCode code={drawn} label={words.qr} />
          </p>
        )}
      </Section>
      <Section id="code" title={words.code}>
        <p>{words.codeHelp}</p>
        <p class="spoken" dir="ltr">
          {code}
        </p>
        <Note>
          <p>{words.codeOnce}</p>
        </Note>
        <p>
          <a href={`${frame.basePath}/me/share`}>{words.back}</a>
        </p>
      </Section>
    </>
  );
};

const TONES: Readonly<Record<ShareState, string>> = {
  open: "",
  used: "over",
  ended: "over",
  expired: "over",
  closed: "careful",
};

interface ShareCardProps {
  readonly share: OwnShare;
  readonly names: MeNames;
  readonly session: CitizenSession;
  readonly frame: MeFrame;
}

const Opened: FC<{ share: OwnShare; frame: MeFrame }> = ({ share, frame }) => {
  const words = frame.texts.share;
  if (share.openings === 0) return <>{words.notOpened}</>;
  return (
    <>
      {words.openedOften(share.openings)}
      <ul class="plain">
        {share.openedAt.map((at) => (
          <li>
            <Instant at={formatSeconds(at)} reader={frame.reader} />
          </li>
        ))}
      </ul>
    </>
  );
};

const ShareCard: FC<ShareCardProps> = ({ share, names, session, frame }) => {
  const words = frame.texts.share;
  const recipient = isolate(share.recipient);
  return (
    <li>
      <p class="name">
        <span class={`badge ${TONES[share.state]}`}>{words.states[share.state]}</span>
      </p>
      <h3>{words.withWhom(recipient)}</h3>
      {share.state === "closed" && <p>{words.closedHelp}</p>}
      <dl class="facts narrow">
        <dt>{words.whatFor}</dt>
        <dd>
          <span dir="auto">{share.purpose}</span>
        </dd>
        <dt>{words.data}</dt>
        <dd>{frame.texts.list(share.fields.map((field) => names.field(share.registry, field)))}</dd>
        <dt>{words.registry}</dt>
        <dd>{names.registry(share.registry)}</dd>
        <dt>{words.when}</dt>
        <dd>{dayOf(share.expiresAt, frame)}</dd>
        <dt>{words.how}</dt>
        <dd>{share.isOneTime ? words.once : words.always}</dd>
        <dt>{words.made}</dt>
        <dd>{dayOf(share.createdAt, frame)}</dd>
        <dt>{words.opened}</dt>
        <dd>
          <Opened share={share} frame={frame} />
        </dd>
        {share.entity !== undefined && (
          <>
            <dt>{words.entityLabel}</dt>
            <dd>
              <code dir="ltr">{share.entity}</code>
            </dd>
          </>
        )}
      </dl>
      {share.state === "open" && (
        <details>
          <summary>
            {words.end}
            <span class="unseen"> – {recipient}</span>
          </summary>
          <p>{words.endHelp}</p>
          <ActionForm action={`${frame.basePath}/me/share/${share.id}/end`} session={session}>
            <div class="buttons">
              <button type="submit" class="over">
                {words.endConfirm}
              </button>
            </div>
          </ActionForm>
        </details>
      )}
    </li>
  );
};

export const ShareCards: FC<Omit<ShareCardProps, "share"> & { shares: readonly OwnShare[] }> = ({
  shares,
  ...props
}) => (
  <ul class="cards">
    {shares.map((share) => (
      <ShareCard share={share} {...props} />
    ))}
  </ul>
);
