// `/me`: what a citizen sees first, and the file with all of it. Shows what is the citizen's and nothing else; finds and permits nothing itself.
import { Hono } from "hono";
import type { FC } from "hono/jsx";
import { formatSeconds } from "../../clock.ts";
import type { ConsentService, PersonConsent } from "../../consent/consent-service.ts";
import type { NotificationChoices } from "../../disclosure/notification-choice-service.ts";
import type { ShareService } from "../../disclosure/share-service.ts";
import type { UsageEntry, UsagePage, UsageService } from "../../disclosure/usage-service.ts";
import type { Citizen } from "../../identity/caller.ts";
import type { CitizenSession, CitizenSessionService } from "../../identity/citizen-session-service.ts";
import { ME_LATEST_LOOKS, ME_USAGE_PAGES_MAX } from "../../limits.ts";
import type { RecordNamesService } from "../../records/record-names-service.ts";
import type { RecordView } from "../../records/record-view.ts";
import type { OwnRecordService } from "../../records/subjects/own-record-service.ts";
import type { RegistryService } from "../../registries/registry-service.ts";
import { listFields } from "../field-view.ts";
import { Note, Section } from "../markup.tsx";
import { createCitizenPageSessions } from "../page-session.ts";
import { listLookupTags } from "../reader-language.ts";
import { definitionVersionOf } from "../record-pages.tsx";
import { listOwnReferences, type RecordNames } from "../value.tsx";
import { ConsentCards, isRunning } from "./consent-cards.tsx";
import { answerFile, answerMePage, Contacts, type MeFrame, MePage, type MePlace, readMeFrame } from "./me-frame.tsx";
import { type MeNames, type MeNamesDeps, readNames } from "./me-names.ts";
import { OwnRecordsSection, type ShownRecord } from "./own-records.tsx";
import { isOwnLook, UsageTimeline } from "./usage-timeline.tsx";

export interface MePagesDeps extends MePlace, MeNamesDeps {
  readonly entity: string;
  readonly contacts: readonly string[];
  readonly citizenSessions: Pick<CitizenSessionService, "find" | "checkForm">;
  readonly registries: Pick<RegistryService, "getCurrent" | "getVersion">;
  readonly recordNames: RecordNamesService;
  readonly ownRecords: OwnRecordService;
  readonly consents: Pick<ConsentService, "list">;
  readonly usage: Pick<UsageService, "list" | "keys" | "download">;
  readonly notificationChoices: Pick<NotificationChoices, "offered" | "find">;
  readonly shares: Pick<ShareService, "list">;
  readonly clock: () => number;
  /** For how many days the node's backups are kept; undefined: it was not told. */
  readonly backupKeepDays: number | undefined;
}

interface HomeProps {
  readonly session: CitizenSession;
  readonly records: readonly ShownRecord[];
  readonly recordNames: RecordNames;
  readonly consents: readonly PersonConsent[];
  readonly looks: UsagePage;
  readonly names: MeNames;
  readonly contacts: readonly string[];
  readonly frame: MeFrame;
  readonly backupKeepDays: number | undefined;
}

const NothingFound: FC<{ contacts: readonly string[]; frame: MeFrame }> = ({ contacts, frame }) => (
  <Note title={frame.texts.home.nothing}>
    <p>{frame.texts.home.nothingHelp}</p>
    <Contacts contacts={contacts} frame={frame} />
  </Note>
);

const HomePage: FC<HomeProps> = (props) => {
  const { session, records, recordNames, consents, looks, names, contacts, frame } = props;
  const words = frame.texts.home;
  const waiting = consents.filter(({ state }) => state === "requested");
  const running = consents.filter(isRunning);
  // That the person was here is in the whole list.
  const latest = looks.entries.filter((entry) => !isOwnLook(entry));
  const isEmpty = records.length === 0 && consents.length === 0 && looks.entries.length === 0;
  return (
    <MePage title={frame.texts.myPage} lead={words.lead} frame={frame} session={session}>
      {waiting.length > 0 && (
        <Section id="waiting" title={words.waiting}>
          <ConsentCards consents={waiting} names={names} frame={frame} />
        </Section>
      )}
      {records.length === 0 && <NothingFound contacts={contacts} frame={frame} />}
      {records.length > 0 && (
        <OwnRecordsSection records={records} names={recordNames} frame={frame} backupKeepDays={props.backupKeepDays} />
      )}
      {!isEmpty && (
        <>
          <Section id="running" title={words.active}>
            {running.length === 0 && <p>{words.noneActive}</p>}
            <ConsentCards consents={running} names={names} frame={frame} />
            <p>
              <a href={`${frame.basePath}/me/consents`}>{words.allPermissions}</a>
            </p>
          </Section>
          <Section id="looks" title={words.latest}>
            {latest.length === 0 && <p>{words.noneLatest}</p>}
            <UsageTimeline entries={latest.slice(0, ME_LATEST_LOOKS)} {...{ names, consents, frame }} />
            <p>
              <a href={`${frame.basePath}/me/usage`}>{words.allReadings}</a>
            </p>
          </Section>
        </>
      )}
    </MePage>
  );
};

const DownloadPage: FC<{ session: CitizenSession; records: number; frame: MeFrame }> = ({
  session,
  records,
  frame,
}) => {
  const words = frame.texts.downloadPage;
  return (
    <MePage title={words.title} lead={words.lead} frame={frame} session={session}>
      <Section id="holds" title={words.holds}>
        <ul>
          <li>{records === 0 ? words.nothing : words.holdsRecords(records)}</li>
          <li>{words.holdsRest}</li>
        </ul>
        <p>
          <a class="button" href={`${frame.basePath}/me/download/data`} download="my-data.json">
            {words.button}
          </a>
        </p>
        <p class="soft">{words.help}</p>
      </Section>
    </MePage>
  );
};

export function createMePages(deps: MePagesDeps): Hono {
  const { contacts, registries, ownRecords, consents, usage } = deps;
  const browser = createCitizenPageSessions(deps);
  const pages = new Hono();

  async function showRecord(view: RecordView, names: MeNames): Promise<ShownRecord> {
    // Labels of the definition that the version was made under: today's may not have its fields any more.
    const fields = listFields(await registries.getVersion(view.registry, definitionVersionOf(view)));
    return { view, fields, registryTitle: names.registry(view.registry) };
  }

  /** All looks that are shown, up to a number of pages that nobody's are beyond. */
  async function listLooks(citizen: Citizen) {
    const entries: UsageEntry[] = [];
    let page: UsagePage | undefined;
    for (let turn = 0; turn < ME_USAGE_PAGES_MAX; turn++) {
      page = await usage.list(citizen, { before: page?.next });
      entries.push(...page.entries);
      if (page.next === undefined) break;
    }
    return { entries, delayed: page?.delayed.count ?? 0, isWhole: page?.next === undefined };
  }

  pages.get("/me", async (context) => {
    const session = await browser.require(context);
    if (session instanceof Response) return session;
    const frame = readMeFrame(context, deps);
    const { caller } = session;
    const languages = listLookupTags(frame.reader);
    // Before this very look is one of them.
    const looks = await usage.list(caller, {});
    const [views, allowed] = await Promise.all([ownRecords.list(caller, languages), consents.list(caller)]);
    const names = await readNames(deps, {
      registries: [...views, ...allowed, ...looks.entries.flatMap((look) => look.records)].map(
        ({ registry }) => registry,
      ),
      parties: [
        ...allowed.map(({ consumer }) => consumer),
        ...looks.entries.flatMap(({ by }) => ("entity" in by ? by.entity : [])),
      ],
      reader: frame.reader,
    });
    const records = await Promise.all(views.map((view) => showRecord(view, names)));
    const hrefs = records.flatMap(({ fields, view }) => listOwnReferences(fields, view.data, deps.names));
    const recordNames = await deps.recordNames.findNames({ caller, hrefs, languages });
    const { backupKeepDays } = deps;
    const page = (
      <HomePage
        {...{ session, records, recordNames, consents: allowed, looks, names, contacts, frame, backupKeepDays }}
      />
    );
    return answerMePage(context, { page, frame });
  });

  pages.get("/me/records/:registry/:rid/evidence", async (context) => {
    const session = await browser.require(context);
    if (session instanceof Response) return session;
    const { registry, rid } = context.req.param();
    const evidence = await ownRecords.evidence(session.caller, { registry, rid });
    return answerFile(context, `${registry}-${rid}-evidence.json`, evidence);
  });

  pages.get("/me/download", async (context) => {
    const session = await browser.require(context);
    if (session instanceof Response) return session;
    const frame = readMeFrame(context, deps);
    const records = await ownRecords.count(session.caller);
    return answerMePage(context, { page: <DownloadPage {...{ session, records, frame }} />, frame });
  });

  pages.get("/me/download/data", async (context) => {
    const session = await browser.require(context);
    if (session instanceof Response) return session;
    const { caller } = session;
    const records = (await ownRecords.exportAll(caller)).map(({ view, evidence }) => {
      const { registry, rid, display, identifier, state, version, data, holds } = view;
      return { registry, rid, display, identifier, state, version, data, ...(holds && { holds }), evidence };
    });
    const [allowed, told, shared, looks, keys, log] = await Promise.all([
      consents.list(caller),
      deps.notificationChoices.find(caller),
      deps.shares.list(caller),
      listLooks(caller),
      usage.keys(caller),
      usage.download(caller),
    ]);
    return answerFile(context, "my-data.json", {
      node: deps.names,
      made_at: formatSeconds(deps.clock()),
      records,
      permissions: allowed,
      ...(told && { notifications: told }),
      shared,
      looks: looks.entries,
      looks_delayed_by_law: looks.delayed,
      looks_complete: looks.isWhole,
      looks_keys: keys,
      access_log: log,
    });
  });

  return pages;
}
