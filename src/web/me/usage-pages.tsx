// `/me/usage`: who looked at a citizen's data, the newest first. Parses, calls one service, answers.
import { Hono } from "hono";
import type { FC } from "hono/jsx";
import type { AccessProblem } from "../../access/access-audit-service.ts";
import type { ConsentService } from "../../consent/consent-service.ts";
import type { UsageFilter, UsagePage, UsageService } from "../../disclosure/usage-service.ts";
import type { CitizenSessionService } from "../../identity/citizen-session-service.ts";
import { Note, Section } from "../markup.tsx";
import { formatAddress, readValues } from "../page-request.ts";
import { createCitizenPageSessions } from "../page-session.ts";
import { dayOf } from "./consent-cards.tsx";
import { answerFile, answerMePage, Contacts, type MeFrame, MePage, type MePlace, readMeFrame } from "./me-frame.tsx";
import { type MeNames, type MeNamesDeps, readNames } from "./me-names.ts";
import { UsageTimeline } from "./usage-timeline.tsx";

export interface UsagePagesDeps extends MePlace, MeNamesDeps {
  readonly entity: string;
  readonly contacts: readonly string[];
  readonly citizenSessions: Pick<CitizenSessionService, "find" | "checkForm">;
  readonly consents: Pick<ConsentService, "list">;
  readonly usage: Pick<UsageService, "list" | "check" | "prove">;
}

interface Choice {
  readonly value: string;
  readonly text: string;
}

interface FilterProps {
  readonly query: UsageFilter;
  readonly departments: readonly Choice[];
  readonly purposes: readonly Choice[];
  readonly frame: MeFrame;
}

const Choose: FC<{
  id: string;
  label: string;
  any: string;
  chosen: string | undefined;
  choices: readonly Choice[];
}> = ({ id, label, any, chosen, choices }) => (
  <div class="field">
    <label for={id}>{label}</label>
    <select id={id} name={id}>
      <option value="">{any}</option>
      {choices.map(({ value, text }) => (
        <option value={value} selected={value === chosen}>
          {text}
        </option>
      ))}
    </select>
  </div>
);

const Filter: FC<FilterProps> = ({ query, departments, purposes, frame }) => {
  const words = frame.texts.usagePage;
  return (
    <form class="search" method="get" action={`${frame.basePath}/me/usage`} aria-label={words.filter}>
      <div class="fields">
        <Choose id="by" label={words.department} any={words.any} chosen={query.consumer} choices={departments} />
        <Choose id="purpose" label={words.purpose} any={words.any} chosen={query.purpose} choices={purposes} />
      </div>
      <div class="buttons">
        <button type="submit">{words.show}</button>
      </div>
    </form>
  );
};

/** Whether the list is whole. What is wrong is told in the log's own words, for whoever is asked about it. */
const Checked: FC<{ problems: readonly AccessProblem[]; contacts: readonly string[]; frame: MeFrame }> = ({
  problems,
  contacts,
  frame,
}) => {
  const words = frame.texts.usagePage;
  if (problems.length === 0) return <p class="soft">{words.whole}</p>;
  return (
    <div role="alert">
      <Note kind="warning" title={words.broken}>
        <p>{words.brokenHelp}</p>
        <Contacts contacts={contacts} frame={frame} />
        <ul lang="en" dir="ltr">
          {problems.map(({ code, message }) => (
            <li>
              <code>{code}</code> {message}
            </li>
          ))}
        </ul>
      </Note>
    </div>
  );
};

const isEntity = (text: string | undefined): text is string => text !== undefined && /^https?:/.test(text);

/** What can be chosen: who asked or looked, and what for; and what was chosen, whatever it is. */
function listChoices(
  named: readonly { registry: string; consumer: string | undefined; purpose: string | undefined }[],
  { query, names, frame }: { query: UsageFilter; names: MeNames; frame: MeFrame },
): Pick<FilterProps, "departments" | "purposes"> {
  const { office, myself, shared } = frame.texts.usagePage;
  const departments = new Map([
    ["office", office],
    ["shared", shared],
    ["own", myself],
  ]);
  const purposes = new Map<string, string>();
  for (const { registry, consumer, purpose } of named) {
    if (consumer !== undefined) departments.set(consumer, names.party(consumer));
    if (purpose !== undefined) purposes.set(purpose, names.purpose(registry, purpose));
  }
  const { consumer, purpose } = query;
  if (isEntity(consumer) && !departments.has(consumer)) departments.set(consumer, names.party(consumer));
  if (purpose !== undefined && !purposes.has(purpose)) purposes.set(purpose, purpose);
  const toChoices = (some: ReadonlyMap<string, string>): Choice[] =>
    [...some].map(([value, text]) => ({ value, text }));
  return { departments: toChoices(departments), purposes: toChoices(purposes) };
}

const Pages: FC<{ page: UsagePage; query: UsageFilter; frame: MeFrame }> = ({ page, query, frame }) => {
  const words = frame.texts.usagePage;
  const { before, consumer, purpose } = query;
  const kept = { ...(consumer !== undefined && { by: consumer }), ...(purpose !== undefined && { purpose }) };
  const base = `${frame.basePath}/me/usage`;
  return (
    <p class="links pages">
      {before !== undefined && <a href={formatAddress(base, kept)}>{words.newest}</a>}
      {page.next !== undefined && (
        <a href={formatAddress(base, { ...kept, before: String(page.next) })}>{words.older}</a>
      )}
    </p>
  );
};

export function createUsagePages(deps: UsagePagesDeps): Hono {
  const { contacts } = deps;
  const browser = createCitizenPageSessions(deps);
  const pages = new Hono();

  pages.get("/me/usage", async (context) => {
    const session = await browser.require(context);
    if (session instanceof Response) return session;
    const frame = readMeFrame(context, deps);
    const words = frame.texts.usagePage;
    const { by, purpose, before } = readValues(context).values;
    const query: UsageFilter = {
      consumer: by,
      purpose,
      before: before !== undefined && /^\d{1,15}$/.test(before) ? Number(before) : undefined,
    };
    const isFirst = query.before === undefined;
    const [page, consents, problems] = await Promise.all([
      deps.usage.list(session.caller, query),
      deps.consents.list(session.caller),
      // The whole of the list, whatever of it is shown.
      isFirst ? deps.usage.check(session.caller) : [],
    ]);
    const named = [
      ...consents,
      ...page.entries.flatMap(({ records, by: reader, purpose: aim }) =>
        records.map(({ registry }) => ({
          registry,
          consumer: "entity" in reader ? reader.entity : undefined,
          purpose: aim,
        })),
      ),
    ];
    const names = await readNames(deps, {
      registries: named.map(({ registry }) => registry),
      parties: [...named.flatMap(({ consumer }) => consumer ?? [])],
      reader: frame.reader,
    });
    const isFiltered = by !== undefined || purpose !== undefined;
    return answerMePage(context, {
      frame,
      page: (
        <MePage title={words.title} lead={words.lead} frame={frame} session={session}>
          <Section id="looks" title={frame.texts.usage}>
            <Filter query={query} {...listChoices(named, { query, names, frame })} frame={frame} />
            {isFirst && <Checked {...{ problems, contacts, frame }} />}
            {page.delayed.count > 0 && (
              <Note>
                <p>{words.delayed(page.delayed.count, dayOf(page.delayed.until ?? 0, frame))}</p>
              </Note>
            )}
            {page.entries.length === 0 && <p>{isFiltered ? words.noneFound : words.none}</p>}
            <UsageTimeline entries={page.entries} {...{ names, consents, frame }} />
            <Pages page={page} query={query} frame={frame} />
          </Section>
        </MePage>
      ),
    });
  });

  pages.get("/me/usage/:index{[0-9]{1,15}}/proof", async (context) => {
    const session = await browser.require(context);
    if (session instanceof Response) return session;
    const index = context.req.param("index");
    const proof = await deps.usage.prove(session.caller, Number(index));
    return answerFile(context, `look-${index}.json`, proof);
  });

  return pages;
}
