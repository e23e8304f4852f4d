// `/console/consents`: staff ask people of other departments for consent, follow what came of it, and read by it. A GET asks no other node; only forms do.
import { type Context, Hono } from "hono";
import { encodeBase64url } from "../crypto/base64.ts";
import { randomBytes } from "../crypto/random.ts";
import { AttestryError, isAttestryError } from "../errors.ts";
import type { Session, SessionService } from "../identity/session-service.ts";
import { ASKED_CONSENTS_PAGE } from "../limits.ts";
import {
  type AskedConsent,
  type AskedConsentService,
  checkMayAsk,
  isEnded,
} from "../resolution/asked-consent-service.ts";
import type { ConsentOffer } from "../resolution/consent-offer.ts";
import type { ConsentOfferService, HomeOffers } from "../resolution/consent-offer-service.ts";
import type { RecordCheckService } from "../resolution/record-check-service.ts";
import type { VerifierPolicy } from "../verification/policy.ts";
import { parseAskForm, placeFaults, startAskFields } from "./asked-consent-form.ts";
import { AskedConsentPage, type AskedConsentProps } from "./asked-consent-page.tsx";
import { AskedListPage, type AskedListProps, AskFormPage, OffersPage } from "./asked-consent-sections.tsx";
import { parseCheckForm } from "./check-request.ts";
import { describeCheck } from "./check-view.ts";
import type { PageFrame } from "./markup.tsx";
import { formatAddress, readFrame } from "./page-request.ts";
import { createPageSessions } from "./page-session.ts";
import { answerStaffPage } from "./staff-frame.tsx";

const READING_ID = /^[A-Za-z0-9_-]{16,60}$/;
const createId = (): string => encodeBase64url(randomBytes(18));

export function createAskedConsentPages(deps: {
  readonly entity: string;
  readonly basePath: string;
  readonly organizationName: string;
  readonly sessions: SessionService;
  readonly askedConsents: AskedConsentService;
  readonly consentOffers: ConsentOfferService;
  readonly recordChecks: RecordCheckService;
  readonly pinnedPolicy: VerifierPolicy;
  readonly clock: () => number;
}): Hono {
  const { basePath, askedConsents, consentOffers, recordChecks, pinnedPolicy, clock } = deps;
  const browser = createPageSessions(deps);
  const frameOf = (context: Context): PageFrame => readFrame(context, deps);
  const base = `${basePath}/console/consents`;
  const pages = new Hono();

  /** Somebody who is signed in and may ask. Throws `permission_denied`. */
  async function requireAsker(context: Context): Promise<Session | Response> {
    const session = await browser.require(context);
    if (!(session instanceof Response)) checkMayAsk(session.caller);
    return session;
  }

  async function answerList(
    context: Context,
    session: Session,
    {
      caseNumber,
      cursor,
      ...more
    }: Pick<AskedListProps, "caseNumber" | "faults" | "home"> & { cursor?: string | undefined },
    status: 200 | 422 = 200,
  ): Promise<Response> {
    const search = { caseNumber: caseNumber || undefined, cursor, limit: ASKED_CONSENTS_PAGE };
    const [{ consents, next }, homes] = await Promise.all([
      askedConsents.list(session.caller, search),
      consentOffers.listHomes(session.caller),
    ]);
    const older =
      next === undefined ? undefined : formatAddress(base, { ...(caseNumber && { case: caseNumber }), cursor: next });
    const props = { session, frame: frameOf(context), consents, next: older, caseNumber, homes, ...more };
    return answerStaffPage(context, <AskedListPage {...props} />, status);
  }

  /** What a department may be asked, or the list again with why that is not known. */
  async function findOffers(context: Context, session: Session, home: string): Promise<HomeOffers | Response> {
    try {
      return await consentOffers.getOffers(session.caller, home);
    } catch (error) {
      if (!isAttestryError(error)) throw error;
      const faults = [{ title: "What may be asked is not known.", error }];
      return answerList(context, session, { caseNumber: "", faults, home }, 422);
    }
  }

  /** The purpose that a form names; the purposes again where it is gone. */
  async function findOffer(
    context: Context,
    session: Session,
    form: URLSearchParams,
  ): Promise<{ home: HomeOffers; offer: ConsentOffer } | Response> {
    const home = await findOffers(context, session, form.get("home") ?? "");
    if (home instanceof Response) return home;
    const offer = home.offers.find(
      ({ registry, purpose }) => registry === form.get("registry") && purpose === form.get("purpose"),
    );
    if (offer) return { home, offer };
    return answerStaffPage(context, <OffersPage session={session} frame={frameOf(context)} found={home} />, 422);
  }

  /** The titles of fields, where the department said so a moment ago or says so now. */
  async function findTitles(session: Session, { home, registry, purpose }: AskedConsent) {
    try {
      const { offers } = await consentOffers.getOffers(session.caller, home);
      return offers.find((one) => one.registry === registry && one.purpose === purpose)?.fields ?? [];
    } catch (error) {
      if (isAttestryError(error)) return [];
      throw error;
    }
  }

  async function answerConsent(
    context: Context,
    props: Pick<AskedConsentProps, "session" | "consent"> & Partial<AskedConsentProps>,
    status: 200 | 422 = 200,
  ): Promise<Response> {
    const all: AskedConsentProps = {
      frame: frameOf(context),
      fields: [],
      isNew: false,
      readingId: createId(),
      references: "",
      faults: [],
      ...props,
    };
    return answerStaffPage(context, <AskedConsentPage {...all} />, status);
  }

  pages.get("/console/consents", async (context) => {
    const session = await requireAsker(context);
    if (session instanceof Response) return session;
    return answerList(context, session, {
      caseNumber: (context.req.query("case") ?? "").trim(),
      cursor: context.req.query("cursor"),
    });
  });

  pages.post("/console/consents/refresh", async (context) => {
    const session = await requireAsker(context);
    if (session instanceof Response) return session;
    const caseNumber = ((await browser.readForm(context, session)).get("case") ?? "").trim();
    const search = { caseNumber: caseNumber || undefined, limit: ASKED_CONSENTS_PAGE };
    const { consents } = await askedConsents.list(session.caller, search);
    const open = consents.filter((one) => !isEnded(one));
    const faults = await askedConsents.refreshAll(session.caller, open);
    return answerList(context, session, {
      caseNumber,
      faults: faults.map(({ home, error }) => ({ title: `${home} did not say how its consents stand.`, error })),
    });
  });

  pages.post("/console/consents/offers", async (context) => {
    const session = await requireAsker(context);
    if (session instanceof Response) return session;
    const form = await browser.readForm(context, session);
    const found = await findOffers(context, session, form.get("home") ?? "");
    if (found instanceof Response) return found;
    return answerStaffPage(context, <OffersPage session={session} frame={frameOf(context)} found={found} />);
  });

  pages.post("/console/consents/form", async (context) => {
    const session = await requireAsker(context);
    if (session instanceof Response) return session;
    const found = await findOffer(context, session, await browser.readForm(context, session));
    if (found instanceof Response) return found;
    const fields = startAskFields(found.offer, createId());
    const page = <AskFormPage session={session} frame={frameOf(context)} {...found} fields={fields} faults={[]} />;
    return answerStaffPage(context, page);
  });

  pages.post("/console/consents/ask", async (context) => {
    const session = await requireAsker(context);
    if (session instanceof Response) return session;
    const form = await browser.readForm(context, session);
    const found = await findOffer(context, session, form);
    if (found instanceof Response) return found;
    const { fields, faults, request } = parseAskForm(form, {
      home: found.home.home,
      offer: found.offer,
      now: clock(),
      createId,
    });
    const common = { session, frame: frameOf(context), ...found };
    if (faults.length > 0)
      return answerStaffPage(context, <AskFormPage {...common} fields={fields} faults={faults} />, 422);
    try {
      const { id } = await askedConsents.ask(session.caller, request);
      return context.redirect(`${base}/${id}?sent=yes`, 303);
    } catch (error) {
      if (!isAttestryError(error)) throw error;
      const again = isAttestryError(error, "request_id_reused") ? { ...fields, requestId: createId() } : fields;
      const page = <AskFormPage {...common} fields={again} faults={placeFaults(error)} error={error} />;
      return answerStaffPage(context, page, 422);
    }
  });

  pages.get("/console/consents/:id", async (context) => {
    const session = await requireAsker(context);
    if (session instanceof Response) return session;
    const consent = await askedConsents.get(session.caller, context.req.param("id"));
    return answerConsent(context, { session, consent, isNew: context.req.query("sent") === "yes" });
  });

  pages.post("/console/consents/:id/refresh", async (context) => {
    const session = await requireAsker(context);
    if (session instanceof Response) return session;
    await browser.readForm(context, session);
    const id = context.req.param("id");
    const known = await askedConsents.get(session.caller, id);
    const fields = await findTitles(session, known);
    try {
      const consent = await askedConsents.refresh(session.caller, id);
      return answerConsent(context, { session, consent, fields });
    } catch (error) {
      if (!isAttestryError(error)) throw error;
      return answerConsent(context, { session, consent: known, fields, error }, 422);
    }
  });

  pages.post("/console/consents/:id/read", async (context) => {
    const session = await requireAsker(context);
    if (session instanceof Response) return session;
    const form = await browser.readForm(context, session);
    const consent = await askedConsents.get(session.caller, context.req.param("id"));
    const fields = await findTitles(session, consent);
    // What is checked is for the purpose that was consented to, whatever a form says.
    const check = new URLSearchParams({ references: form.get("references") ?? "", purpose: consent.purpose });
    const { input, faults, fields: typed } = parseCheckForm(check);
    const { references } = typed;
    if (faults.length > 0) return answerConsent(context, { session, consent, fields, references, faults }, 422);
    const given = form.get("request_id") ?? "";
    const chosen = consent.fields.filter((name) => form.getAll("fields").includes(name));
    const caseNumber = consent.caseNumber ?? undefined;
    const found = await recordChecks.check({
      caller: session.caller,
      ...input,
      caseNumber,
      access: {
        purpose: consent.purpose,
        ...(READING_ID.test(given) && { requestId: given }),
        ...(chosen.length > 0 && { fields: chosen }),
        consents: [{ entity: consent.home, id: consent.href.slice(consent.href.lastIndexOf("/") + 1) }],
        case: caseNumber,
      },
    });
    const findings = await describeCheck(found, { policy: pinnedPolicy, reader: frameOf(context).reader });
    const answer = { findings, checkedAt: found.checkedAt };
    // A reading may have told that the consent is over, or have used it up.
    const now = await refreshQuietly(session, consent);
    return answerConsent(context, { session, consent: now, fields, answer });
  });

  /** As its home node says that it stands, or as it was known to. */
  async function refreshQuietly(session: Session, consent: AskedConsent): Promise<AskedConsent> {
    try {
      return await askedConsents.refresh(session.caller, consent.id);
    } catch (error) {
      if (error instanceof AttestryError) return consent;
      throw error;
    }
  }

  return pages;
}
