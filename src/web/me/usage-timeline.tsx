// Looks at somebody's data as sentences on a timeline, each with what proves it. Reads nothing.
import type { FC } from "hono/jsx";
import { formatSeconds } from "../../clock.ts";
import type { PersonConsent } from "../../consent/consent-service.ts";
import type { UsageEntry } from "../../disclosure/usage-service.ts";
import { Instant } from "../markup.tsx";
import { formatNumber } from "../reader-language.ts";
import { dayOf } from "./consent-cards.tsx";
import type { MeFrame } from "./me-frame.tsx";
import { isolate, type MeNames } from "./me-names.ts";
import type { Decision, UsageVerb, UsageWords } from "./texts/usage-words.ts";

const VERBS: Readonly<Record<string, UsageVerb>> = {
  read: "read",
  answer: "answer",
  received: "received",
  search: "search",
  lookup: "search",
  compare: "search",
  evidence: "export",
  write: "change",
  export: "export",
  open: "open",
};

const SENTENCE_FIELDS_MAX = 5;

const DECISIONS: readonly string[] = ["give", "refuse", "pause", "resume", "withdraw", "invalidate"];
const isDecision = (action: string): action is Decision => DECISIONS.includes(action);

const isSharing = (action: string): boolean => action === "share" || action === "end-share";

/** As much of a look, or of a decision, as a sentence says. */
export type SaidLook = Pick<
  UsageEntry,
  "action" | "by" | "records" | "fields" | "purpose" | "case" | "basis" | "consent" | "question" | "share" | "at"
>;

export interface Reading {
  readonly names: MeNames;
  /** For when a permission was given, and who asked for it. */
  readonly consents: readonly (Pick<PersonConsent, "id" | "consumer" | "purpose" | "registry"> & {
    readonly decidedAt?: number | undefined;
  })[];
  readonly frame: MeFrame;
}

function whoOf({ by, share }: SaidLook, { names, frame: { texts } }: Reading): string {
  if (share !== undefined && "share" in by) return isolate(share.with);
  if ("entity" in by) return names.party(by.entity);
  if ("staff" in by) return texts.roles[by.role] ?? texts.somebody;
  return "citizen" in by ? texts.guardian : texts.shared;
}

/** One look, or decision, in plain language. */
export function formatUsage(entry: SaidLook, reading: Reading): string {
  const { names, consents, frame } = reading;
  const { basis, action } = entry;
  const registry = entry.records[0]?.registry ?? entry.question?.registry ?? "";
  const isOwn = "citizen" in entry.by && entry.by.citizen === "subject";
  const day = dayOf(entry.at, frame);
  const purpose = entry.purpose === undefined ? undefined : names.purpose(registry, entry.purpose);
  const who = whoOf(entry, reading);
  if (entry.share !== undefined && isSharing(action))
    return frame.texts.shareSentence({
      day,
      isEnd: action === "end-share",
      recipient: isolate(entry.share.with),
      fields: shorten(nameFields(entry, names), frame),
      purpose,
    });
  if (isDecision(action)) {
    const asked = consents.find(({ id }) => id === entry.consent?.id);
    return frame.texts.decisionSentence({
      day,
      who: isOwn ? undefined : who,
      decision: action,
      consumer: asked && names.party(asked.consumer),
      purpose: asked ? names.purpose(asked.registry, asked.purpose) : purpose,
    });
  }
  return frame.texts.usageSentence({
    day,
    who,
    isOwn,
    verb: VERBS[action] ?? "read",
    years: entry.question?.years,
    fields: shorten(nameFields(entry, names), frame),
    registry: names.registry(registry),
    purpose,
    matter: entry.case === undefined ? undefined : isolate(entry.case),
    basis: describeBasis(basis, reading),
  });
}

function nameFields({ records, fields, question }: SaidLook, names: MeNames): string[] {
  const registries = [...records.map(({ registry }) => registry), ...(question ? [question.registry] : [])];
  return [...new Set(fields.map((field) => names.fieldIn(registries, field)))];
}

/** As many as a sentence bears; the details name all. */
function shorten(fields: readonly string[], { texts }: MeFrame): readonly string[] {
  if (fields.length <= SENTENCE_FIELDS_MAX) return fields;
  const shown = fields.slice(0, SENTENCE_FIELDS_MAX - 1);
  return [...shown, texts.usagePage.moreFields(fields.length - shown.length)];
}

function describeBasis(basis: UsageEntry["basis"], { consents, frame }: Reading): UsageWords["basis"] {
  if (basis === undefined || "own" in basis) return undefined;
  if ("office" in basis) return basis;
  if ("law" in basis) return { law: isolate(basis.law) };
  if ("share" in basis) return undefined;
  const at = consents.find(({ id }) => id === basis.consent)?.decidedAt;
  return { givenOn: at === undefined ? undefined : dayOf(at, frame) };
}

function nameReader({ by }: UsageEntry): string {
  if ("entity" in by) return by.entity;
  if ("staff" in by) return `${by.role} ${by.staff}`;
  return "citizen" in by ? by.citizen : by.share;
}

const Details: FC<{ entry: UsageEntry; names: MeNames; frame: MeFrame }> = (props) => {
  const { entry, names, frame } = props;
  const words = frame.texts.usagePage;
  const { basis } = entry;
  return (
    <details>
      <summary>
        {words.details} <span class="unseen">{formatNumber(entry.number, frame.reader)}</span>
      </summary>
      <dl class="facts">
        <dt>{words.time}</dt>
        <dd>
          <Instant at={formatSeconds(entry.at)} reader={frame.reader} />
        </dd>
        <dt>{words.by}</dt>
        <dd>
          <code dir="ltr">{nameReader(entry)}</code>
        </dd>
        {entry.fields.length > 0 && (
          <>
            <dt>{frame.texts.consent.fields}</dt>
            <dd>{frame.texts.list(nameFields(entry, names))}</dd>
          </>
        )}
        <dt>{words.record}</dt>
        {entry.records.map(({ registry, rid }) => (
          <dd>
            {names.registry(registry)} <code dir="ltr">{rid}</code>
          </dd>
        ))}
        {basis !== undefined && "consent" in basis && (
          <>
            <dt>{frame.texts.consents}</dt>
            <dd>
              <a href={`${frame.basePath}/me/consents/${basis.consent}`}>{frame.texts.consent.open}</a>
            </dd>
          </>
        )}
        <dt>{words.eventNumber}</dt>
        <dd>
          {formatNumber(entry.number, frame.reader)} <p class="soft small">{words.eventNumberHelp}</p>
        </dd>
        <dt>{words.logIndex}</dt>
        <dd>
          {formatNumber(entry.logIndex, frame.reader)} <p class="soft small">{words.logHelp}</p>
          <a href={`${frame.basePath}/me/usage/${entry.logIndex}/proof`} download={`look-${entry.logIndex}.json`}>
            {words.proof}
          </a>
        </dd>
      </dl>
      <p>
        <a href={`${frame.basePath}/me/questions/new?look=${entry.logIndex}`}>{frame.texts.questions.askAbout}</a>
      </p>
    </details>
  );
};

interface TimelineProps {
  readonly entries: readonly UsageEntry[];
  readonly names: MeNames;
  readonly consents: readonly PersonConsent[];
  readonly frame: MeFrame;
}

const Look: FC<TimelineProps & { entry: UsageEntry }> = ({ entry, names, consents, frame }) => (
  <li>
    <p>
      {formatUsage(entry, { names, consents, frame })} {!entry.isOwn && <em>{frame.texts.usagePage.aboutOther}</em>}
    </p>
    <Details {...{ entry, names, frame }} />
  </li>
);

/** Looks by the person one after another, which would hide those of others among them; else each alone. */
function gatherRuns(entries: readonly UsageEntry[]): UsageEntry[][] {
  const runs: UsageEntry[][] = [];
  for (const entry of entries) {
    const last = runs.at(-1);
    if (last && isOwnLook(last[0]!) && isOwnLook(entry)) last.push(entry);
    else runs.push([entry]);
  }
  return runs;
}

export function isOwnLook({ basis }: Pick<SaidLook, "basis">): boolean {
  return basis !== undefined && "own" in basis;
}

export const UsageTimeline: FC<TimelineProps> = (props) => {
  const { entries, frame } = props;
  return (
    <ol class="timeline">
      {gatherRuns(entries).map((run) =>
        run.length === 1 ? (
          <Look {...props} entry={run[0]!} />
        ) : (
          <li>
            <details>
              <summary>
                {frame.texts.usagePage.ownLooks(run.length, dayOf(run.at(-1)!.at, frame), dayOf(run[0]!.at, frame))}
              </summary>
              <ol class="timeline">
                {run.map((entry) => (
                  <Look {...props} entry={entry} />
                ))}
              </ol>
            </details>
          </li>
        ),
      )}
    </ol>
  );
};
