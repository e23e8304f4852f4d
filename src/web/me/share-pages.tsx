// `/me/share`: what a citizen shows others by a link and a code. Parses, calls one service, answers; permits nothing itself.
import { randomUUID } from "node:crypto";
import { type Context, Hono } from "hono";
import { formatShareCode, latestEnd, type ShareDraft } from "../../disclosure/share.ts";
import { type OwnShare, type ShareService, shareableFields } from "../../disclosure/share-service.ts";
import { AttestryError } from "../../errors.ts";
import type { CitizenSession, CitizenSessionService } from "../../identity/citizen-session-service.ts";
import { SHARE_DAYS_DEFAULT, SHARE_TEXT_CHARS_MAX } from "../../limits.ts";
import type { RecordView } from "../../records/record-view.ts";
import type { OwnRecordService } from "../../records/subjects/own-record-service.ts";
import type { RegistryService } from "../../registries/registry-service.ts";
import { flattenFields, listFields } from "../field-view.ts";
import { Note, Section } from "../markup.tsx";
import { formatAddress, readValues } from "../page-request.ts";
import { createCitizenPageSessions } from "../page-session.ts";
import { listLookupTags } from "../reader-language.ts";
import { definitionVersionOf } from "../record-pages.tsx";
import { dayOf, isoDay } from "./consent-cards.tsx";
import { answerMePage, type MeFrame, MePage, type MePlace, readMeFrame } from "./me-frame.tsx";
import { isolate, type MeNamesDeps, readNames } from "./me-names.ts";
import { ShareCards, SharedLink, ShareForm, type ShareFormFault, type ShareValues } from "./share-sections.tsx";

export interface SharePagesDeps extends MePlace, MeNamesDeps {
  readonly entity: string;
  readonly citizenSessions: Pick<CitizenSessionService, "find" | "checkForm">;
  readonly registries: Pick<RegistryService, "getCurrent" | "getVersion">;
  readonly ownRecords: Pick<OwnRecordService, "list" | "get">;
  readonly shares: ShareService;
  readonly clock: () => number;
}

const DAY_SECONDS = 86_400;

function readForm(form: URLSearchParams): ShareValues {
  const text = (name: string) => form.get(name) ?? "";
  return {
    id: text("id"),
    registry: text("registry"),
    rid: text("rid"),
    fields: form.getAll("field"),
    recipient: text("recipient").trim(),
    entity: text("entity").trim(),
    purpose: text("purpose").trim(),
    until: text("until"),
    isOneTime: text("often") !== "always",
  };
}

/** The end of a full-date (UTC); not a number for any other text. */
function endOfDay(day: string): number {
  return /^\d{4}-\d{2}-\d{2}$/.test(day) ? Date.parse(`${day}T23:59:59Z`) / 1_000 : Number.NaN;
}

function toDraft(values: ShareValues, { language }: MeFrame): ShareDraft {
  const { until, entity, ...said } = values;
  return {
    ...said,
    ...(entity !== "" && { entity }),
    expiresAt: endOfDay(until),
    language: language.tag,
  };
}

export function createSharePages(deps: SharePagesDeps): Hono {
  const { basePath, registries, ownRecords, shares, clock } = deps;
  const browser = createCitizenPageSessions(deps);
  const pages = new Hono();

  const namesOf = (some: readonly { readonly registry: string }[], { reader }: MeFrame) =>
    readNames(deps, { registries: some.map(({ registry }) => registry), parties: [], reader });

  /** What is said of a refusal, and at which input; undefined of what is no fault of the form. */
  function describeFault(
    error: AttestryError,
    frame: MeFrame,
  ): { readonly field?: ShareFormFault; readonly text: string } | undefined {
    const { faults } = frame.texts.share;
    if (error.code === "shares_too_many") return { text: faults.tooMany };
    if (error.code === "share_record_unavailable") return { text: faults.state };
    if (error.code !== "share_invalid") return undefined;
    const field = error.details[0]?.field.slice(1);
    if (field === "fields") return { field, text: faults.fields };
    if (field === "recipient") return { field, text: faults.recipient(SHARE_TEXT_CHARS_MAX) };
    if (field === "purpose") return { field, text: faults.purpose(SHARE_TEXT_CHARS_MAX) };
    if (field === "entity") return { field, text: faults.entity };
    if (field !== "expires_at") return undefined;
    return { field: "day", text: faults.day(dayOf(clock(), frame), dayOf(latestEnd(clock()), frame)) };
  }

  async function answerForm(
    context: Context,
    session: CitizenSession,
    { values, fault }: { values: ShareValues; fault?: ReturnType<typeof describeFault> },
  ): Promise<Response> {
    const frame = readMeFrame(context, deps);
    const words = frame.texts.share;
    const { registry, rid } = values;
    // With what it says: who ticks a field sees what is in it. That is a look of one's own.
    const view = await ownRecords.get(session.caller, { registry, rid }, listLookupTags(frame.reader));
    const names = await namesOf([values], frame);
    const known = flattenFields(listFields(await registries.getVersion(registry, definitionVersionOf(view))));
    const shareable = shareableFields(view);
    const fields = known.filter(({ name }) => shareable.includes(name));
    const days = { first: isoDay(clock()), last: isoDay(latestEnd(clock())) };
    const form = { values, fields, data: view.data, ...days, fault, session, frame };
    const page = (
      <MePage title={words.newTitle} lead={words.newLead(names.registry(registry))} frame={frame} session={session}>
        <ShareForm {...form} />
      </MePage>
    );
    return answerMePage(context, { page, frame, status: fault === undefined ? 200 : 422 });
  }

  async function answerChoice(context: Context, session: CitizenSession): Promise<Response> {
    const frame = readMeFrame(context, deps);
    const words = frame.texts.share;
    const all = await ownRecords.list(session.caller, listLookupTags(frame.reader));
    const views = all.filter((view: RecordView) => view.state === "active" && shareableFields(view).length > 0);
    const names = await namesOf(views, frame);
    const page = (
      <MePage title={words.chooseTitle} lead={words.chooseLead} frame={frame} session={session}>
        <Section id="choose" title={frame.texts.records}>
          {views.length === 0 && <Note>{words.nothing}</Note>}
          <ul class="cards">
            {views.map(({ registry, rid, display }) => (
              <li>
                <h3>
                  <span dir="auto">{display}</span>
                </h3>
                <p class="soft">{names.registry(registry)}</p>
                <p class="links">
                  <a class="button" href={formatAddress(`${basePath}/me/share/new`, { registry, rid })}>
                    {words.ofRecord}
                    <span class="unseen"> – {display}</span>
                  </a>
                </p>
              </li>
            ))}
          </ul>
        </Section>
      </MePage>
    );
    return answerMePage(context, { page, frame });
  }

  pages.get("/me/share", async (context) => {
    const session = await browser.require(context);
    if (session instanceof Response) return session;
    const frame = readMeFrame(context, deps);
    const words = frame.texts.share;
    const some = await shares.list(session.caller);
    const names = await namesOf(some, frame);
    const { done } = readValues(context).values;
    const told = done === "ended" || done === "already" || done === "stale" ? words[done] : undefined;
    const page = (
      <MePage title={words.title} lead={words.lead} frame={frame} session={session}>
        {told !== undefined && (
          <div role="status" class="space">
            <Note>
              <p>{told}</p>
            </Note>
          </div>
        )}
        <div class="space">
          <p>
            <a class="button" href={`${basePath}/me/share/new`}>
              {words.start}
            </a>
          </p>
          <p class="soft">{words.startHelp}</p>
        </div>
        <Section id="shares" title={words.yours}>
          {some.length === 0 && <p>{words.none}</p>}
          <ShareCards shares={some} names={names} session={session} frame={frame} />
        </Section>
      </MePage>
    );
    return answerMePage(context, { page, frame });
  });

  pages.get("/me/share/new", async (context) => {
    const session = await browser.require(context);
    if (session instanceof Response) return session;
    const { registry, rid } = readValues(context).values;
    if (registry === undefined || rid === undefined) return answerChoice(context, session);
    const until = isoDay(clock() + SHARE_DAYS_DEFAULT * DAY_SECONDS);
    const empty = { recipient: "", entity: "", purpose: "", fields: [], until, isOneTime: true };
    return answerForm(context, session, { values: { id: randomUUID(), registry, rid, ...empty } });
  });

  pages.post("/me/share/create", async (context) => {
    const session = await browser.require(context);
    if (session instanceof Response) return session;
    const values = readForm(await browser.readForm(context, session));
    const frame = readMeFrame(context, deps);
    let made: { readonly share: OwnShare; readonly code: string };
    try {
      made = await shares.create(session.caller, toDraft(values, frame));
    } catch (error) {
      if (!(error instanceof AttestryError)) throw error;
      // The same form once more, as when the page with the code is loaded again: there is one share, and its code was shown.
      if (error.code === "request_id_reused") return context.redirect(`${basePath}/me/share?done=already`, 303);
      const fault = describeFault(error, frame);
      if (fault === undefined) throw error;
      return answerForm(context, session, { values, fault });
    }
    const { share, code } = made;
    const words = frame.texts.share;
    const page = (
      <MePage title={words.doneTitle} lead={words.doneLead(isolate(share.recipient))} frame={frame} session={session}>
        <SharedLink link={`${deps.entity}/shared/${share.id}`} code={formatShareCode(code)} frame={frame} />
      </MePage>
    );
    return answerMePage(context, { page, frame });
  });

  pages.post("/me/share/:id/end", async (context) => {
    const session = await browser.require(context);
    if (session instanceof Response) return session;
    await browser.readForm(context, session);
    try {
      await shares.end(session.caller, context.req.param("id"));
    } catch (error) {
      if (!(error instanceof AttestryError) || error.code !== "share_state_conflict") throw error;
      return context.redirect(`${basePath}/me/share?done=stale`, 303);
    }
    return context.redirect(`${basePath}/me/share?done=ended`, 303);
  });

  return pages;
}
