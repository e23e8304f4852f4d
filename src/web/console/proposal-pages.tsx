// `/console/proposals`: the inbox, one proposal, and the decisions on it. Permits nothing itself: the service does.
import { type Context, Hono } from "hono";
import { PROPOSAL_KINDS, PROPOSAL_STATES, type ProposalKind, type ProposalState } from "../../approval/proposal.ts";
import type { ProposalFilter, ProposalService } from "../../approval/proposal-service.ts";
import type { ProposalView } from "../../approval/proposal-view.ts";
import type { JsonObject } from "../../crypto/json.ts";
import { AttestryError, isAttestryError } from "../../errors.ts";
import { isPermitted } from "../../identity/permissions.ts";
import type { Session } from "../../identity/session-service.ts";
import { PROPOSAL_TEXT_CHARS_MAX } from "../../limits.ts";
import { formatRecordUrl } from "../../records/record-url.ts";
import { listFields } from "../field-view.ts";
import type { PageFrame } from "../markup.tsx";
import { readFrame, readValues } from "../page-request.ts";
import { createPageSessions } from "../page-session.ts";
import { listLookupTags } from "../reader-language.ts";
import { answerStaffPage } from "../staff-frame.tsx";
import { listOwnReferences } from "../value.tsx";
import { BulkPage, type BulkResult, BulkResultPage } from "./bulk-page.tsx";
import { type DeskDeps, deskFrame, proposalPath } from "./desk.ts";
import { type ProposalListModel, ProposalListPage } from "./proposal-list.tsx";
import { type ProposalModel, ProposalPage } from "./proposal-page.tsx";

export interface ProposalPagesDeps extends DeskDeps {
  readonly proposals: Omit<ProposalService, "sweep">;
}

const BULK_MAX = 100;
const STATUS: Readonly<Record<string, 403 | 404 | 409 | 410 | 412 | 422 | 503>> = {
  permission_denied: 403,
  proposal_own: 403,
  record_erased: 410,
  version_erased: 410,
  record_held: 409,
  version_conflict: 412,
  record_invalid: 422,
  request_invalid: 422,
  log_overloaded: 503,
  log_outcome_unknown: 503,
  log_write_failed: 503,
  peer_unreachable: 503,
  database_unavailable: 503,
};

const oneOf = <Value extends string>(all: readonly Value[], text: string | undefined): Value | undefined =>
  all.find((one) => one === text);

function readFilter(values: Readonly<Record<string, string>>): ProposalFilter {
  const state: ProposalState | undefined = oneOf(PROPOSAL_STATES, values.state);
  const kind: ProposalKind | undefined = oneOf(PROPOSAL_KINDS, values.kind);
  return {
    for: oneOf(["me", "mine", "all"] as const, values.for) ?? "me",
    registry: values.registry,
    kind,
    states: state && [state],
    cursor: values.cursor,
  };
}

export function createProposalPages(deps: ProposalPagesDeps): Hono {
  const { names, registries, recordNames, proposals } = deps;
  const browser = createPageSessions(deps);
  const pages = new Hono();
  const frameOf = (context: Context): PageFrame => deskFrame(readFrame(context, deps), names);

  /** The record that it is about, or that it made. */
  const hrefOf = ({ registry, rid, result }: ProposalView) => {
    const about = rid ?? (typeof result?.rid === "string" ? result.rid : undefined);
    return about === undefined ? undefined : formatRecordUrl({ entity: names, registry, rid: about });
  };

  async function readModel(context: Context, session: Session, proposal: ProposalView): Promise<ProposalModel> {
    const { caller } = session;
    const frame = frameOf(context);
    const compiled = await registries.getCurrent(proposal.registry);
    const fields = listFields(compiled);
    const href = hrefOf(proposal);
    const sides = [proposal.change?.before, proposal.change?.after].filter((one) => one !== undefined);
    const hrefs = [
      ...(href === undefined ? [] : [href]),
      ...sides.flatMap((side) => listOwnReferences(fields, (side as JsonObject).data, names)),
    ];
    const found = await recordNames.findNames({ caller, hrefs, languages: listLookupTags(frame.reader) });
    return { proposal, compiled, fields, names: found, display: href === undefined ? undefined : found.get(href) };
  }

  async function answerProposal(
    context: Context,
    session: Session,
    shown: { done?: string | undefined; error?: AttestryError; reason?: string } = {},
  ): Promise<Response> {
    const proposal = await proposals.get(session.caller, context.req.param("id") ?? "");
    const model = await readModel(context, session, proposal);
    const page = (
      <ProposalPage
        model={model}
        session={session}
        frame={frameOf(context)}
        done={shown.done}
        error={shown.error}
        reason={shown.reason ?? ""}
      />
    );
    return answerStaffPage(context, page, shown.error ? (STATUS[shown.error.code] ?? 409) : 200);
  }

  async function readList(context: Context, session: Session): Promise<ProposalListModel> {
    const { caller } = session;
    const frame = frameOf(context);
    const { values } = readValues(context);
    const { proposals: found, next } = await proposals.list(caller, readFilter(values));
    const all = await registries.list();
    const reached = all.filter(({ definition: { name: registry } }) =>
      isPermitted({ caller, action: "proposal.read", registry }),
    );
    const hrefs = found.flatMap((proposal) => hrefOf(proposal) ?? []);
    const languages = listLookupTags(frame.reader);
    return {
      values,
      proposals: found,
      next,
      registries: reached,
      names: await recordNames.findNames({ caller, hrefs, languages }),
      hrefOf,
    };
  }

  pages.get("/console/proposals", async (context) => {
    const session = await browser.require(context);
    if (session instanceof Response) return session;
    const model = await readList(context, session);
    return answerStaffPage(context, <ProposalListPage model={model} session={session} frame={frameOf(context)} />);
  });

  pages.get("/console/proposals/:id", async (context) => {
    const session = await browser.require(context);
    if (session instanceof Response) return session;
    return answerProposal(context, session, { done: readValues(context).values.done });
  });

  const DECISIONS = ["approve", "return", "withdraw"] as const;
  for (const decision of DECISIONS)
    pages.post(`/console/proposals/:id/${decision}`, async (context) => {
      const session = await browser.require(context);
      if (session instanceof Response) return session;
      const form = await browser.readForm(context, session);
      const id = context.req.param("id");
      const text = (name: string) => (form.get(name) ?? "").trim().slice(0, PROPOSAL_TEXT_CHARS_MAX);
      const reason = text("reason");
      try {
        if (decision === "approve") await proposals.approve(session.caller, id, { note: text("note") || undefined });
        else if (decision === "withdraw") await proposals.withdraw(session.caller, id);
        else if (reason === "")
          throw new AttestryError("request_invalid", "say what is to be mended; the reason is empty");
        else await proposals.return(session.caller, id, { reason });
      } catch (error) {
        if (!isAttestryError(error) || error.code === "proposal_unknown") throw error;
        return answerProposal(context, session, { error, reason });
      }
      return context.redirect(`${proposalPath(deps, { id })}?done=${decision}`, 303);
    });

  /** What was chosen, if it can be approved together. */
  async function readChosen(session: Session, form: URLSearchParams): Promise<readonly ProposalView[]> {
    const ids = [...new Set(form.getAll("id"))];
    const refuse = (message: string) => new AttestryError("request_invalid", message);
    if (ids.length < 2) throw refuse("Choose at least two; a single one is opened and approved by itself.");
    if (ids.length > BULK_MAX) throw refuse(`Choose at most ${BULK_MAX} at once.`);
    const first = await proposals.get(session.caller, ids[0]!);
    if (["import", "migrate", "define"].includes(first.kind))
      throw refuse("Imports, migrations and changes of the rules are opened and approved one by one.");
    const found = [first];
    for (const id of ids.slice(1)) found.push(await proposals.get(session.caller, id));
    if (found.some(({ kind, registry }) => kind !== first.kind || registry !== first.registry))
      throw refuse("They are not alike: choose those of one kind, in one registry.");
    const gone = found.filter(({ may }) => !may.includes("approve"));
    if (gone.length > 0) throw refuse(`${gone.length} of them do not wait for you any more. Choose again.`);
    if (found.some(({ change }) => change?.conflict !== undefined))
      throw refuse(
        "Of some the record was changed after they were proposed. Open those by themselves and return them.",
      );
    return found;
  }

  async function answerBulk(
    context: Context,
    session: Session,
    chosen: readonly ProposalView[],
    missed?: ReadonlySet<string>,
  ): Promise<Response> {
    const sample = proposals.chooseSample(
      session.caller,
      chosen.map(({ id }) => id),
    );
    const models = await Promise.all(
      chosen.filter(({ id }) => sample.includes(id)).map((one) => readModel(context, session, one)),
    );
    const page = (
      <BulkPage chosen={chosen} sample={models} session={session} frame={frameOf(context)} missed={missed} />
    );
    return answerStaffPage(context, page, missed ? 422 : 200);
  }

  async function orList(
    context: Context,
    session: Session,
    form: URLSearchParams,
    answer: (chosen: readonly ProposalView[]) => Promise<Response>,
  ): Promise<Response> {
    try {
      return await answer(await readChosen(session, form));
    } catch (error) {
      if (!isAttestryError(error, "request_invalid") && !isAttestryError(error, "proposal_unknown")) throw error;
      const model = await readList(context, session);
      const shown = { model, session, frame: frameOf(context), fault: error.message, chosen: form.getAll("id") };
      return answerStaffPage(context, <ProposalListPage {...shown} />, 422);
    }
  }

  pages.post("/console/approve-together", async (context) => {
    const session = await browser.require(context);
    if (session instanceof Response) return session;
    const form = await browser.readForm(context, session);
    return orList(context, session, form, (chosen) => answerBulk(context, session, chosen));
  });

  pages.post("/console/approve-together/done", async (context) => {
    const session = await browser.require(context);
    if (session instanceof Response) return session;
    const form = await browser.readForm(context, session);
    return orList(context, session, form, async (chosen) => {
      const sample = proposals.chooseSample(
        session.caller,
        chosen.map(({ id }) => id),
      );
      const looked = new Set(form.getAll("looked"));
      const missed = new Set(sample.filter((id) => !looked.has(id)));
      if (missed.size > 0) return answerBulk(context, session, chosen, missed);
      const note = `one of ${chosen.length} like cases, of which ${sample.length} were looked at`;
      const results: BulkResult[] = [];
      for (const { id } of chosen) {
        try {
          results.push({ proposal: await proposals.approve(session.caller, id, { note }) });
        } catch (error) {
          if (!isAttestryError(error)) throw error;
          results.push({ proposal: chosen.find((one) => one.id === id)!, error });
        }
      }
      const frame = frameOf(context);
      const hrefs = results.flatMap(({ proposal }) => hrefOf(proposal) ?? []);
      const found = await recordNames.findNames({
        caller: session.caller,
        hrefs,
        languages: listLookupTags(frame.reader),
      });
      const named = results.map((one) => ({ ...one, display: found.get(hrefOf(one.proposal) ?? "") }));
      return answerStaffPage(context, <BulkResultPage results={named} session={session} frame={frame} />);
    });
  });

  return pages;
}
