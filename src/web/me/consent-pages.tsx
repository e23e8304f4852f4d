// `/me/consents`: a citizen's permissions, and what the citizen decides about them. Parses, calls one service, answers; permits nothing itself.
import { type Context, Hono } from "hono";
import type { ConsentService, GivenChoice, PersonConsent } from "../../consent/consent-service.ts";
import { AttestryError } from "../../errors.ts";
import type { CitizenSession, CitizenSessionService } from "../../identity/citizen-session-service.ts";
import { Note } from "../markup.tsx";
import { formatAddress, readValues } from "../page-request.ts";
import { createCitizenPageSessions } from "../page-session.ts";
import { chooseText } from "../reader-language.ts";
import { AllConsents, dayOf, isoDay } from "./consent-cards.tsx";
import { type ConsentDone, ConsentPage } from "./consent-page.tsx";
import { answerMePage, type MeFrame, MePage, type MePlace, readMeFrame } from "./me-frame.tsx";
import { type MeNamesDeps, readNames } from "./me-names.ts";

export interface ConsentPagesDeps extends MePlace, MeNamesDeps {
  readonly entity: string;
  readonly citizenSessions: Pick<CitizenSessionService, "find" | "checkForm">;
  readonly consents: Pick<ConsentService, "list" | "get" | "give" | "decide">;
  readonly clock: () => number;
}

const DONE = {
  give: "given",
  refuse: "refused",
  pause: "paused",
  resume: "resumed",
  withdraw: "withdrawn",
} as const satisfies Record<string, ConsentDone>;

type Act = keyof typeof DONE;

const isAct = (text: string): text is Act => Object.hasOwn(DONE, text);
const isDone = (text: string | undefined): text is ConsentDone =>
  Object.values<string | undefined>(DONE).includes(text);

/** What the form says of a request; of what was not narrowed, nothing. */
function readChoice(
  form: URLSearchParams,
  { consent, frame, now }: { consent: PersonConsent; frame: MeFrame; now: number },
): { readonly choice: GivenChoice } | { readonly fault: string } {
  const words = frame.texts.consent;
  const ticked = consent.requestedFields.filter((field) => form.getAll("field").includes(field));
  if (ticked.length === 0) return { fault: words.noField };
  const last = isoDay(consent.expiresAt);
  const until = form.get("until") ?? last;
  // The whole of the day that was chosen.
  const end = /^\d{4}-\d{2}-\d{2}$/.test(until) ? Date.parse(`${until}T23:59:59Z`) / 1_000 : Number.NaN;
  const first = Math.max(now, consent.startsAt);
  if (!(end > first) || until > last)
    return { fault: words.badDay(dayOf(first, frame), dayOf(consent.expiresAt, frame)) };
  const choice = {
    // The notice stood there in the first of the reader's languages that it is written in.
    language: readNoticeLanguage(consent, frame),
    ...(ticked.length < consent.requestedFields.length && { fields: ticked }),
    ...(until < last && { expiresAt: end }),
    ...(form.get("once") === "yes" && { oneTime: true }),
  };
  return { choice };
}

function readNoticeLanguage({ notice }: PersonConsent, { reader, language }: MeFrame): string {
  return chooseText(notice.text ?? notice.title, reader).language ?? language.tag;
}

export function createConsentPages(deps: ConsentPagesDeps): Hono {
  const { basePath, consents } = deps;
  const browser = createCitizenPageSessions(deps);
  const pages = new Hono();
  const namesOf = (some: readonly PersonConsent[], { reader }: MeFrame) =>
    readNames(deps, {
      registries: some.map(({ registry }) => registry),
      parties: some.map(({ consumer }) => consumer),
      reader,
    });

  async function answerConsent(
    context: Context,
    session: CitizenSession,
    { consent, done, fault }: { consent: PersonConsent; done?: ConsentDone | undefined; fault?: string },
  ): Promise<Response> {
    const frame = readMeFrame(context, deps);
    const names = await namesOf([consent], frame);
    const page = <ConsentPage {...{ consent, names, frame, session, done, fault, today: isoDay(deps.clock()) }} />;
    return answerMePage(context, { page, frame, status: fault === undefined ? 200 : 422 });
  }

  pages.get("/me/consents", async (context) => {
    const session = await browser.require(context);
    if (session instanceof Response) return session;
    const frame = readMeFrame(context, deps);
    const some = await consents.list(session.caller);
    const names = await namesOf(some, frame);
    const words = frame.texts.consent;
    const page = (
      <MePage title={words.title} lead={words.lead} frame={frame} session={session}>
        {some.length === 0 && <Note>{words.none}</Note>}
        <AllConsents consents={some} names={names} frame={frame} />
      </MePage>
    );
    return answerMePage(context, { page, frame });
  });

  pages.get("/me/consents/:id", async (context) => {
    const session = await browser.require(context);
    if (session instanceof Response) return session;
    const consent = await consents.get(session.caller, context.req.param("id"));
    const { done } = readValues(context).values;
    return answerConsent(context, session, { consent, done: isDone(done) ? done : undefined });
  });

  pages.post("/me/consents/:id/:act", async (context, next) => {
    const { id, act } = context.req.param();
    if (!isAct(act)) return next();
    const session = await browser.require(context);
    if (session instanceof Response) return session;
    const form = await browser.readForm(context, session);
    const { caller } = session;
    const frame = readMeFrame(context, deps);
    const consent = await consents.get(caller, id);
    const read = act === "give" ? readChoice(form, { consent, frame, now: deps.clock() }) : undefined;
    if (read && "fault" in read) return answerConsent(context, session, { consent, fault: read.fault });
    try {
      if (read) await consents.give(caller, id, read.choice);
      else if (act !== "give") await consents.decide(caller, id, act);
    } catch (error) {
      // Decided meanwhile, in another window or by time: the person sees how it stands now.
      if (!(error instanceof AttestryError) || !error.code.startsWith("consent_")) throw error;
      const now = await consents.get(caller, id);
      return answerConsent(context, session, { consent: now, fault: frame.texts.problem.stale });
    }
    return context.redirect(formatAddress(`${basePath}/me/consents/${id}`, { done: DONE[act] }), 303);
  });

  return pages;
}
