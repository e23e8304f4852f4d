// Permissions as cards: who, what for, which data, how long. Reads nothing, changes nothing.
import type { FC } from "hono/jsx";
import { formatSeconds } from "../../clock.ts";
import type { ConsentState } from "../../consent/consent.ts";
import type { PersonConsent } from "../../consent/consent-service.ts";
import { Section } from "../markup.tsx";
import { formatDay } from "../reader-language.ts";
import type { MeFrame } from "./me-frame.tsx";
import { isolate, type MeNames } from "./me-names.ts";

export interface ConsentProps {
  readonly consent: PersonConsent;
  readonly names: MeNames;
  readonly frame: MeFrame;
}

const TONES: Readonly<Record<ConsentState, string>> = {
  requested: "careful",
  given: "",
  paused: "careful",
  refused: "over",
  withdrawn: "over",
  expired: "over",
  invalidated: "over",
};

/** `at`: Unix seconds. */
export function dayOf(at: number, { reader }: MeFrame): string {
  return formatDay(isoDay(at), reader);
}

/** As a full-date of RFC 3339. */
export function isoDay(at: number): string {
  return formatSeconds(at).slice(0, 10);
}

export const ConsentBadge: FC<{ state: ConsentState; frame: MeFrame }> = ({ state, frame }) => (
  <span class={`badge ${TONES[state]}`}>{frame.texts.consent.states[state]}</span>
);

export const ConsentPeriod: FC<{
  consent: Pick<PersonConsent, "startsAt" | "expiresAt" | "oneTime">;
  frame: MeFrame;
}> = ({ consent, frame }) => {
  const words = frame.texts.consent;
  return (
    <>
      {words.fromUntil(dayOf(consent.startsAt, frame), dayOf(consent.expiresAt, frame))}.{" "}
      {consent.oneTime ? words.once : words.often}.
    </>
  );
};

/** The fields that count now: what is allowed, or before that what is asked for. */
export function fieldsOf({
  state,
  fields,
  requestedFields,
}: Pick<PersonConsent, "state" | "fields" | "requestedFields">): readonly string[] {
  return state === "requested" || state === "refused" ? requestedFields : fields;
}

/** What for, which fields, for how long. */
export const ConsentFacts: FC<{
  consent: Pick<
    PersonConsent,
    "registry" | "purpose" | "state" | "fields" | "requestedFields" | "startsAt" | "expiresAt" | "oneTime"
  >;
  names: MeNames;
  frame: MeFrame;
}> = ({ consent, names, frame }) => {
  const words = frame.texts.consent;
  return (
    <dl class="facts narrow">
      <dt>{words.whatFor}</dt>
      <dd>{names.purpose(consent.registry, consent.purpose)}</dd>
      <dt>{words.fields}</dt>
      <dd>{frame.texts.list(fieldsOf(consent).map((field) => names.field(consent.registry, field)))}</dd>
      <dt>{words.when}</dt>
      <dd>
        <ConsentPeriod consent={consent} frame={frame} />
      </dd>
    </dl>
  );
};

const ConsentCard: FC<ConsentProps> = (props) => {
  const { consent, names, frame } = props;
  const words = frame.texts.consent;
  const [who, what] = [names.party(consent.consumer), names.purpose(consent.registry, consent.purpose)];
  const isWaiting = consent.state === "requested";
  return (
    <li>
      <p class="name">
        <ConsentBadge state={consent.state} frame={frame} />
      </p>
      <h3>{isWaiting ? words.asks(who) : who}</h3>
      {!consent.isOwn && <p>{words.forChild(isolate(consent.subject.value))}</p>}
      <ConsentFacts {...props} />
      <p class="links">
        <a
          class={isWaiting ? "button" : ""}
          href={`${frame.basePath}/me/consents/${consent.id}`}
          aria-label={`${isWaiting ? words.look : words.open}: ${words.openOf(who, what)}`}
        >
          {isWaiting ? words.look : words.open}
        </a>
      </p>
    </li>
  );
};

export const ConsentCards: FC<{ consents: readonly PersonConsent[]; names: MeNames; frame: MeFrame }> = ({
  consents,
  names,
  frame,
}) => (
  <ul class="cards">
    {consents.map((consent) => (
      <ConsentCard consent={consent} names={names} frame={frame} />
    ))}
  </ul>
);

export function isRunning({ state }: PersonConsent): boolean {
  return state === "given" || state === "paused";
}

/** All of them, those first that wait for an answer. */
export const AllConsents: FC<{ consents: readonly PersonConsent[]; names: MeNames; frame: MeFrame }> = (props) => {
  const { consents } = props;
  const words = props.frame.texts.consent;
  const groups = [
    { id: "waiting", title: words.waiting, some: consents.filter(({ state }) => state === "requested") },
    { id: "running", title: words.running, some: consents.filter(isRunning) },
    {
      id: "over",
      title: words.over,
      some: consents.filter((one) => one.state !== "requested" && !isRunning(one)),
    },
  ];
  return (
    <>
      {groups
        .filter(({ some }) => some.length > 0)
        .map(({ id, title, some }) => (
          <Section id={id} title={title}>
            <ConsentCards {...props} consents={some} />
          </Section>
        ))}
    </>
  );
};
