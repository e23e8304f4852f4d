// One department's card on /me/elsewhere: what it says of the citizen, or why it says nothing. Asks nobody; all that a department said is text, never markup.
import type { FC } from "hono/jsx";
import { isJsonObject } from "../../crypto/json.ts";
import { ELSEWHERE_LOOKS } from "../../limits.ts";
import { readDefinitionText } from "../../registries/type-metadata.ts";
import { Note } from "../markup.tsx";
import { ConsentBadge, ConsentFacts, dayOf } from "../me/consent-cards.tsx";
import type { MeFrame } from "../me/me-frame.tsx";
import { createMeNames, isolate, type KnownRegistry, type MeNames, nameFields } from "../me/me-names.ts";
import { formatUsage, isOwnLook } from "../me/usage-timeline.tsx";
import { DataList } from "../value.tsx";
import { type DefinitionFields, readDefinitionFields } from "./definition-fields.ts";
import type { OwnConsent, OwnRecord } from "./own-data.ts";
import type { AskFailure, OwnData } from "./own-data-client.ts";

export interface CardProps {
  readonly department: string;
  /** What the page calls it until it says so itself. */
  readonly name: string | undefined;
  /** What it said; a word where it said nothing, or was not asked yet. */
  readonly answer: OwnData | AskFailure | "token" | "audience" | "waiting";
  readonly frame: MeFrame;
}

interface Known {
  readonly names: MeNames;
  readonly definitions: ReadonlyMap<string, DefinitionFields>;
}

type Told = CardProps & { readonly answer: OwnData };

function readPurposes(text: string): KnownRegistry["purposes"] {
  const definition = readDefinitionText(text);
  const listed = isJsonObject(definition) && Array.isArray(definition.purposes) ? definition.purposes : [];
  return listed.flatMap((one) => {
    if (!isJsonObject(one) || typeof one.code !== "string") return [];
    const { code, title } = one;
    const isText = typeof title === "string" || (isJsonObject(title) && Object.values(title).every(isString));
    return [{ code, ...(isText && { title: title as string | Record<string, string> }) }];
  });
}

const isString = (value: unknown): value is string => typeof value === "string";

function readKnown({ definitions: texts, parties }: OwnData, { reader }: MeFrame): Known {
  const definitions = new Map<string, DefinitionFields>();
  const known = new Map<string, KnownRegistry>();
  for (const [registry, text] of texts) {
    const read = readDefinitionFields(text);
    if (!read) continue;
    definitions.set(registry, read);
    known.set(registry, { title: read.title, fields: nameFields(read.fields), purposes: readPurposes(text) });
  }
  return { names: createMeNames({ known, parties: nameParties(parties), reader }), definitions };
}

const nameParties = (parties: ReadonlyMap<string, string>): ReadonlyMap<string, string> =>
  new Map([...parties].filter(([, name]) => name.trim() !== ""));

const RecordEntry: FC<{ record: OwnRecord; known: Known; frame: MeFrame }> = ({ record, known, frame }) => (
  <li>
    <h4>
      <span dir="auto">{record.display}</span>
    </h4>
    <p class="soft">
      {known.names.registry(record.registry)}{" "}
      <span class={record.state === "active" ? "badge" : "badge careful"}>
        {frame.texts.recordStates[record.state] ?? record.state}
      </span>
    </p>
    <DataList
      fields={known.definitions.get(record.registry)?.fields ?? []}
      data={record.data}
      frame={frame}
      names={new Map()}
      seesAll={true}
      explains={true}
    />
  </li>
);

const ConsentEntry: FC<{ consent: OwnConsent; known: Known; props: Told }> = ({ consent, known, props }) => {
  const { frame, department } = props;
  const { names } = known;
  const words = frame.texts.consent;
  const [who, what] = [names.party(consent.consumer), names.purpose(consent.registry, consent.purpose)];
  const isWaiting = consent.state === "requested";
  return (
    <li>
      <p class="name">
        <ConsentBadge state={consent.state} frame={frame} /> <strong>{isWaiting ? words.asks(who) : who}</strong>
      </p>
      {consent.subject !== undefined && <p>{words.forChild(isolate(consent.subject))}</p>}
      <ConsentFacts consent={consent} names={names} frame={frame} />
      <p>
        <a
          href={`${department}/me/consents/${encodeURIComponent(consent.id)}`}
          rel="noreferrer"
          aria-label={`${isWaiting ? frame.texts.elsewhere.decide : words.open}: ${words.openOf(who, what)}`}
        >
          {isWaiting ? frame.texts.elsewhere.decide : words.open}
        </a>
      </p>
    </li>
  );
};

const Contacts: FC<{ contacts: readonly string[] }> = ({ contacts }) => (
  <ul class="plain">
    {contacts.map((contact) => (
      <li>
        <bdi>{contact.replace(/^mailto:/i, "")}</bdi>
      </li>
    ))}
  </ul>
);

const Holdings: FC<Told> = (props) => {
  const { answer, frame } = props;
  const words = frame.texts.elsewhere;
  const known = readKnown(answer, frame);
  const { records, consents, delayed } = answer;
  const looks = answer.looks.filter((look) => !isOwnLook(look)).slice(0, ELSEWHERE_LOOKS);
  return (
    <>
      <h4>{words.records}</h4>
      {records.length === 0 && (
        <>
          <p>{words.nobody}</p>
          <Contacts contacts={answer.contacts} />
        </>
      )}
      <ul class="plain groups">
        {records.map((record) => (
          <RecordEntry record={record} known={known} frame={frame} />
        ))}
      </ul>
      <h4>{words.consents}</h4>
      {consents.length === 0 && <p>{words.noConsents}</p>}
      <ul class="plain groups">
        {consents.map((consent) => (
          <ConsentEntry consent={consent} known={known} props={props} />
        ))}
      </ul>
      <h4>{words.looks}</h4>
      {looks.length === 0 && <p>{words.noLooks}</p>}
      <ul class="plain">
        {looks.map((look) => (
          <li>
            {formatUsage(look, { names: known.names, consents, frame })}{" "}
            {!look.isOwn && <em>{frame.texts.usagePage.aboutOther}</em>}
          </li>
        ))}
      </ul>
      {delayed.count > 0 && <p>{frame.texts.usagePage.delayed(delayed.count, dayOf(delayed.until ?? 0, frame))}</p>}
    </>
  );
};

export const DepartmentCard: FC<CardProps> = (props) => {
  const { department, answer, frame } = props;
  const words = frame.texts.elsewhere;
  const address = department.replace(/^https?:\/\//, "");
  const isTold = typeof answer === "object";
  const name = (isTold ? answer.organization : props.name) ?? address;
  return (
    <>
      <h3>
        <span dir="auto">{name}</span>
      </h3>
      {name !== address && (
        <p class="soft small">
          <bdi>{address}</bdi>
        </p>
      )}
      {answer === "waiting" && <p>{words.waiting}</p>}
      {!isTold && answer !== "waiting" && (
        <Note kind="warning">
          <p>{words.failed[answer]}</p>
        </Note>
      )}
      {isTold && <Holdings {...props} answer={answer} />}
      <p>
        <a href={`${department}/me`} rel="noreferrer" aria-label={words.thereOf(isolate(name))}>
          {words.there}
        </a>
      </p>
    </>
  );
};
