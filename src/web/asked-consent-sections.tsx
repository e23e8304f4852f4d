// Pages on which staff ask people of other departments for consent and follow what came of it. Reads nothing, decides nothing.
import type { FC } from "hono/jsx";
import type { AttestryError, ErrorDetail } from "../errors.ts";
import type { Session } from "../identity/session-service.ts";
import { CASE_NUMBER_CHARS_MAX, CONSENT_TEXT_CHARS_MAX } from "../limits.ts";
import type { AskedConsent } from "../resolution/asked-consent-service.ts";
import type { ConsentOffer } from "../resolution/consent-offer.ts";
import type { ConsentHome, HomeOffers } from "../resolution/consent-offer-service.ts";
import type { AskFields } from "./asked-consent-form.ts";
import { describeAskMend, describeConsentState } from "./asked-consent-words.ts";
import { DESK_STYLE } from "./console/desk-style.ts";
import { CardTable, type Crumb, Localized, Note, type PageFrame, ROLES, Section } from "./markup.tsx";
import { FORM_TOKEN } from "./page-session.ts";
import { formatSentence } from "./problem-page.tsx";
import { formatTime } from "./reader-language.ts";
import { ActionForm, StaffPage } from "./staff-frame.tsx";

export interface AskedProps {
  readonly session: Session;
  readonly frame: PageFrame;
}

export const LIST_TITLE = "Consents you asked for";
export const pathOf = (frame: PageFrame, below = ""): string => `${frame.basePath}/console/consents${below}`;

export const crumbsTo = (frame: PageFrame, more: readonly Crumb[] = []): Crumb[] => [
  { href: `${frame.basePath}/console`, text: "Your desk" },
  ...more,
];

export const toList = (frame: PageFrame): Crumb => ({ href: pathOf(frame), text: "Consents" });

export const FaultNote: FC<{ title: string; error: AttestryError }> = ({ title, error }) => (
  <Note kind="warning" title={title}>
    <p dir="auto">{formatSentence(error.message)}</p>
    <p>
      {describeAskMend(error)} <code>{error.code}</code>
    </p>
  </Note>
);

export const StateBadge: FC<{ consent: AskedConsent }> = ({ consent }) => {
  const { name, tone } = describeConsentState(consent);
  return <span class={`badge ${tone}`}>{name}</span>;
};

const AskedTable: FC<{ consents: readonly AskedConsent[]; frame: PageFrame }> = ({ consents, frame }) => (
  <CardTable caption="Consents, the newest first" titles={["Case", "How it stands", "From", "Until", "Asked by"]}>
    {consents.map((consent) => (
      <tr {...ROLES.row}>
        <th scope="row" {...ROLES.rowheader}>
          <a href={pathOf(frame, `/${consent.id}`)} dir="auto">
            {consent.caseNumber ?? consent.purpose}
          </a>
        </th>
        <td data-label="How it stands" {...ROLES.cell}>
          <div>
            <StateBadge consent={consent} />
          </div>
        </td>
        <td data-label="From" {...ROLES.cell}>
          <div>
            {consent.registry} <span class="soft">of {new URL(consent.home).host}</span>
          </div>
        </td>
        <td data-label="Until" {...ROLES.cell}>
          <div>{formatTime(consent.expiresAt, frame.reader)}</div>
        </td>
        <td data-label="Asked by" {...ROLES.cell}>
          <div dir="auto">{consent.personName}</div>
        </td>
      </tr>
    ))}
  </CardTable>
);

const HomeForm: FC<AskedProps & { homes: readonly ConsentHome[]; home: string }> = ({
  session,
  frame,
  homes,
  home,
}) => (
  <form method="post" action={pathOf(frame, "/offers")} class="search">
    <input type="hidden" name={FORM_TOKEN} value={session.formToken} />
    <div class="field">
      <label for="home">Department that keeps the records</label>
      {homes.length > 0 ? (
        <select id="home" name="home">
          {homes.map((one) => (
            <option value={one.home} selected={one.home === home}>
              {one.organisation === undefined ? one.home : `${one.organisation} (${one.home})`}
            </option>
          ))}
        </select>
      ) : (
        <input
          id="home"
          name="home"
          value={home}
          type="url"
          required
          autocomplete="off"
          dir="ltr"
          aria-describedby="home-hint"
        />
      )}
      {homes.length === 0 && (
        <p class="soft" id="home-hint">
          The address of its node: the beginning of its records' links, up to “/registries”. This node's directory has
          no departments yet.
        </p>
      )}
    </div>
    <div class="buttons">
      <button type="submit">Show what may be asked</button>
      <span class="soft">The department is asked for its public rules.</span>
    </div>
  </form>
);

export interface AskedListProps extends AskedProps {
  readonly consents: readonly AskedConsent[];
  readonly next: string | undefined;
  readonly caseNumber: string;
  readonly homes: readonly ConsentHome[];
  readonly home?: string;
  readonly faults?: readonly { readonly title: string; readonly error: AttestryError }[];
}

export const AskedListPage: FC<AskedListProps> = (props) => {
  const { session, frame, consents, next, caseNumber, homes, home = "", faults = [] } = props;
  return (
    <StaffPage
      title={LIST_TITLE}
      lead="Personal records of other departments are read only as far as the person, or a law, allows it. Here you ask, and follow what came of it."
      crumbs={crumbsTo(frame)}
      session={session}
      frame={frame}
      styles={[DESK_STYLE]}
    >
      {faults.map((fault) => (
        <FaultNote {...fault} />
      ))}
      <Section id="ask" title="Ask for consent">
        <HomeForm session={session} frame={frame} homes={homes} home={home} />
      </Section>
      <Section id="asked" title="What was asked">
        <form method="get" action={pathOf(frame)} class="search">
          <div class="field">
            <label for="case">Case number</label>
            <input
              id="case"
              name="case"
              type="search"
              value={caseNumber}
              maxlength={CASE_NUMBER_CHARS_MAX}
              autocomplete="off"
              dir="auto"
            />
          </div>
          <div class="buttons">
            <button type="submit">Search</button>
            {caseNumber !== "" && <a href={pathOf(frame)}>Show all</a>}
          </div>
        </form>
        {consents.length === 0 ? (
          <p>{caseNumber === "" ? "Nothing was asked yet." : "Nothing was asked for this case."}</p>
        ) : (
          <>
            <AskedTable consents={consents} frame={frame} />
            <ActionForm action={pathOf(frame, "/refresh")} session={session} values={{ case: caseNumber }}>
              <div class="buttons">
                <button type="submit">Ask how they stand now</button>
                <span class="soft">Shown is what the departments said last.</span>
              </div>
            </ActionForm>
          </>
        )}
        {next !== undefined && (
          <p>
            <a href={next}>Older ones</a>
          </p>
        )}
      </Section>
    </StaffPage>
  );
};

const OfferCard: FC<AskedProps & { home: string; offer: ConsentOffer }> = ({ session, frame, home, offer }) => (
  <li>
    <h3>
      <Localized text={offer.title} reader={frame.reader} />
    </h3>
    <p class="soft">
      <Localized text={offer.registryTitle} reader={frame.reader} />
    </p>
    {offer.notice !== undefined && (
      <p>
        The person is told: “
        <Localized text={offer.notice} reader={frame.reader} />”
      </p>
    )}
    <p>
      Fields:{" "}
      {offer.fields.map(({ title }, at) => (
        <>
          {at > 0 && ", "}
          <Localized text={title} reader={frame.reader} />
        </>
      ))}
    </p>
    <p class="soft">For at most {offer.daysMax} days.</p>
    <ActionForm
      action={pathOf(frame, "/form")}
      session={session}
      values={{ home, registry: offer.registry, purpose: offer.purpose }}
    >
      <button type="submit">
        Ask for this
        <span class="unseen">
          : {offer.registry}, {offer.purpose}
        </span>
      </button>
    </ActionForm>
  </li>
);

export const OffersPage: FC<AskedProps & { found: HomeOffers }> = ({ session, frame, found }) => (
  <StaffPage
    title="What may be asked"
    lead={
      <>
        By the public rules of <span dir="auto">{found.organisation ?? found.home}</span>. Whether a request is taken,
        that department decides.
      </>
    }
    crumbs={crumbsTo(frame, [toList(frame)])}
    session={session}
    frame={frame}
    styles={[DESK_STYLE]}
  >
    <Section id="offers" title="Purposes">
      {found.offers.length === 0 ? (
        <Note title="This department takes no requests for consent.">
          <p>
            Its public records need none; anything else you ask for on paper. <a href={pathOf(frame)}>Choose another</a>
          </p>
        </Note>
      ) : (
        <ul class="cards">
          {found.offers.map((offer) => (
            <OfferCard session={session} frame={frame} home={found.home} offer={offer} />
          ))}
        </ul>
      )}
    </Section>
  </StaffPage>
);

const Faults: FC<{ field: string; faults: readonly ErrorDetail[] }> = ({ field, faults }) => {
  const own = faults.filter((fault) => fault.field === field);
  return own.length === 0 ? null : (
    <div id={`${field}-fault`}>
      {own.map(({ message }) => (
        <p class="fault" dir="auto">
          {message}
        </p>
      ))}
    </div>
  );
};

/** What a control says of its hint and of what is to mend. */
function describedBy(field: string, faults: readonly ErrorDetail[]): Record<string, string> {
  const isFaulty = faults.some((fault) => fault.field === field);
  const ids = [`${field}-hint`, ...(isFaulty ? [`${field}-fault`] : [])].join(" ");
  return { "aria-describedby": ids, ...(isFaulty && { "aria-invalid": "true" }) };
}

export interface AskFormProps extends AskedProps {
  readonly home: HomeOffers;
  readonly offer: ConsentOffer;
  readonly fields: AskFields;
  readonly faults: readonly ErrorDetail[];
  readonly error?: AttestryError;
}

const FieldChoices: FC<Pick<AskFormProps, "offer" | "fields" | "faults" | "frame">> = ({
  offer,
  fields,
  faults,
  frame,
}) => (
  <fieldset class="field" id="fields" {...describedBy("fields", faults)}>
    <legend>Fields you need</legend>
    <p class="soft" id="fields-hint">
      Only those without which you cannot decide: the person sees each, and may give fewer.
    </p>
    <Faults field="fields" faults={faults} />
    <div class="choices">
      {offer.fields.map(({ name, title }) => (
        <label>
          <input
            type="checkbox"
            id={`field-${name}`}
            name="fields"
            value={name}
            checked={fields.fields.includes(name)}
          />
          <Localized text={title} reader={frame.reader} />
        </label>
      ))}
    </div>
  </fieldset>
);

export const AskFormPage: FC<AskFormProps> = (props) => {
  const { session, frame, home, offer, fields, faults, error } = props;
  const isFaulty = faults.length > 0 || error !== undefined;
  return (
    <StaffPage
      title={isFaulty ? "To mend: Ask for consent" : "Ask for consent"}
      lead={
        <>
          <Localized text={offer.title} reader={frame.reader} />: from{" "}
          <Localized text={offer.registryTitle} reader={frame.reader} /> of{" "}
          <span dir="auto">{home.organisation ?? home.home}</span>
        </>
      }
      crumbs={crumbsTo(frame, [toList(frame)])}
      session={session}
      frame={frame}
      styles={[DESK_STYLE]}
    >
      {error !== undefined && <FaultNote title="Nothing was asked yet." error={error} />}
      {error === undefined && faults.length > 0 && (
        <Note kind="warning" title="Nothing was asked yet: the form has something to mend." />
      )}
      <Section id="form" title="Your request">
        <form method="post" action={pathOf(frame, "/ask")} class="search" autocomplete="off">
          <input type="hidden" name={FORM_TOKEN} value={session.formToken} />
          {Object.entries({
            home: home.home,
            registry: offer.registry,
            purpose: offer.purpose,
            request_id: fields.requestId,
          }).map(([name, value]) => (
            <input type="hidden" name={name} value={value} />
          ))}
          <div class="field">
            <label for="person">
              The person, by <Localized text={offer.claimTitle} reader={frame.reader} />
            </label>
            <input
              id="person"
              name="person"
              value={fields.person}
              required
              autocomplete="off"
              spellcheck={false}
              dir="auto"
              {...describedBy("person", faults)}
            />
            <p class="soft" id="person-hint">
              It goes to the department, and is not kept here. You are not told whether the person is known there.
            </p>
            <Faults field="person" faults={faults} />
          </div>
          <FieldChoices offer={offer} fields={fields} faults={faults} frame={frame} />
          <div class="fields">
            <div class="field">
              <label for="caseNumber">Case number</label>
              <input
                id="caseNumber"
                name="caseNumber"
                value={fields.caseNumber}
                maxlength={CASE_NUMBER_CHARS_MAX}
                required
                autocomplete="off"
                dir="auto"
                {...describedBy("caseNumber", faults)}
              />
              <p class="soft" id="caseNumber-hint">
                The person sees it. No names of people: it is kept here.
              </p>
              <Faults field="caseNumber" faults={faults} />
            </div>
            <div class="field">
              <label for="days">For how many days</label>
              <input
                id="days"
                name="days"
                value={fields.days}
                inputmode="numeric"
                required
                autocomplete="off"
                {...describedBy("days", faults)}
              />
              <p class="soft" id="days-hint">
                At most {offer.daysMax}, from today.
              </p>
              <Faults field="days" faults={faults} />
            </div>
          </div>
          <div class="choices">
            <label>
              <input type="checkbox" name="one_time" value="yes" checked={fields.isOneTime} />
              For one reading only
            </label>
          </div>
          <div class="field">
            <label for="note">Why, in your words (may be left empty)</label>
            <textarea
              id="note"
              name="note"
              rows={3}
              maxlength={CONSENT_TEXT_CHARS_MAX}
              dir="auto"
              {...describedBy("note", faults)}
            >
              {fields.note}
            </textarea>
            <p class="soft" id="note-hint">
              The person reads it beside the department's own notice.
            </p>
            <Faults field="note" faults={faults} />
          </div>
          <div class="buttons">
            <button type="submit">Ask the person</button>
            <a href={pathOf(frame)}>Ask for nothing</a>
          </div>
        </form>
      </Section>
    </StaffPage>
  );
};
