// `/console/registries/{name}/new` and `…/records/{rid}/amend`: the forms by which staff write records. Reads the form, calls the service, answers; permits nothing itself.
import { type Context, Hono } from "hono";
import type { ProposalService } from "../../approval/proposal-service.ts";
import type { JsonObject } from "../../crypto/json.ts";
import { AttestryError, isAttestryError } from "../../errors.ts";
import { checkPermitted } from "../../identity/permissions.ts";
import type { Session } from "../../identity/session-service.ts";
import { RECORD_FORM_BYTES_MAX, RECORD_FORM_ROWS_MAX } from "../../limits.ts";
import { findChanges } from "../../records/record-changes.ts";
import type { RecordView } from "../../records/record-view.ts";
import { applyMergePatch } from "../../records/writing/merge-patch.ts";
import type { RecordWriteService } from "../../records/writing/record-write-service.ts";
import type { CompiledDefinition } from "../../registries/compiled-definition.ts";
import { listFields } from "../field-view.ts";
import { readFrame } from "../page-request.ts";
import { findPageScript } from "../page-script.ts";
import { createPageSessions } from "../page-session.ts";
import { chooseText, listLookupTags } from "../reader-language.ts";
import { definitionVersionOf } from "../record-pages.tsx";
import { answerStaffPage } from "../staff-frame.tsx";
import { listOwnReferences } from "../value.tsx";
import { actOf, type EnvelopeValues, readEnvelopeValues } from "./act-fields.tsx";
import { answerFault, type DeskDeps, deskFrame, followWrite, recordPath, registryPath } from "./desk.ts";
import { changedDates, datesIn, datesOf, identifierOf, mergeDates, periodOf } from "./effect-dates.ts";
import { createKey, findFaults, modelOf, readKey, readRowAction, refuse } from "./form-model.ts";
import {
  createMergePatch,
  createTrim,
  describeData,
  hasLongList,
  joinPatches,
  readData,
  readFormState,
} from "./record-form.ts";
import { type FormConflict, type RecordFormModel, RecordFormPage } from "./record-form-page.tsx";

export interface RecordWritePagesDeps extends DeskDeps {
  readonly recordWrites: Pick<RecordWriteService, "create" | "amend">;
  readonly proposals: Pick<ProposalService, "get">;
}

/** What an amendment sets out from: the version that the writer opened, and what the form makes of it unchanged. */
interface Opened {
  readonly view: RecordView;
  readonly etag: string;
  readonly data: JsonObject;
  /** What the registry no longer has. */
  readonly trim: ReturnType<typeof createTrim>;
}

export function createRecordWritePages(deps: RecordWritePagesDeps): Hono {
  const { names, registries, recordReads, recordNames, recordWrites, proposals } = deps;
  const browser = createPageSessions(deps);
  const pages = new Hono();

  async function answerForm(context: Context, session: Session, model: RecordFormModel): Promise<Response> {
    const frame = deskFrame(readFrame(context, deps), names);
    const { caller } = session;
    const { compiled, fields, state } = model;
    const registry = compiled.definition.name;
    const { data } = readData(fields, state);
    const hrefs = [
      ...listOwnReferences(fields, data, names),
      ...(model.conflict?.theirs ?? []).flatMap(({ before, after }) => [before, after].map(String)),
    ];
    const known = await recordNames.findNames({ caller, hrefs, languages: listLookupTags(frame.reader) });
    const rid = context.req.param("rid");
    const back =
      rid === undefined
        ? { href: registryPath(frame, registry), text: "Back without saving" }
        : { href: recordPath(frame, { registry, rid }), text: "Back without saving" };
    const script = findPageScript("form");
    const page = (
      <RecordFormPage
        model={model}
        session={session}
        frame={frame}
        names={known}
        action={new URL(context.req.url).pathname}
        back={back}
        script={script}
      />
    );
    const status = model.conflict !== undefined ? 409 : model.error === undefined ? 200 : answerFault(model.error);
    return answerStaffPage(context, page, status, script === undefined ? undefined : { connect: ["'self'"] });
  }

  /** What was proposed before and came back, to set out from: the data or the patch, and the rest of the form. */
  async function readProposed(context: Context, session: Session) {
    const id = context.req.query("proposal");
    if (id === undefined) return undefined;
    const { change } = await proposals.get(session.caller, id);
    const { data, act, ...dates } = (change?.request ?? {}) as JsonObject;
    const said = [
      ...Object.entries(dates).filter(([name]) => ["valid_from", "valid_until", "identifier"].includes(name)),
      ...Object.entries((act ?? {}) as JsonObject).map(([name, value]) => [`act/${name}`, value] as const),
    ];
    const envelope = new Map(said.flatMap(([name, text]) => (typeof text === "string" ? [[`/${name}`, text]] : [])));
    return { data: (data ?? {}) as JsonObject, envelope: envelope as EnvelopeValues };
  }

  pages.get("/console/registries/:registry/new", async (context) => {
    const session = await browser.require(context);
    if (session instanceof Response) return session;
    const { registry } = context.req.param();
    checkPermitted({ caller: session.caller, action: "record.write", registry });
    const compiled = await registries.getCurrent(registry);
    const before = await readProposed(context, session);
    const given = before && { state: describeData(listFields(compiled), before.data), envelope: before.envelope };
    return answerForm(context, session, modelOf(compiled, { operation: "create", ...given }));
  });

  pages.post("/console/registries/:registry/new", async (context) => {
    const session = await browser.require(context);
    if (session instanceof Response) return session;
    const form = await browser.readForm(context, session, RECORD_FORM_BYTES_MAX);
    const { registry } = context.req.param();
    const { caller } = session;
    checkPermitted({ caller, action: "record.write", registry });
    const compiled = await registries.getCurrent(registry);
    const given = {
      operation: "create" as const,
      envelope: readEnvelopeValues(form),
      key: readKey(form),
    };
    const rows = readRowAction(compiled, form);
    if (rows) return answerForm(context, session, modelOf(compiled, { ...given, ...rows }));
    const model = modelOf(compiled, {
      ...given,
      state: readFormState(listFields(compiled), form, { keepsBlanks: false }),
    });
    const read = readData(model.fields, model.state);
    const faulty = findFaults(model, read);
    if (faulty) return answerForm(context, session, faulty);
    try {
      const body = {
        data: read.data,
        ...datesOf(model.envelope),
        ...identifierOf(model.envelope),
        act: actOf(model.envelope),
      };
      const written = await recordWrites.create({ caller, registry, body, idempotencyKey: model.key });
      return followWrite(context, written, { basePath: deps.basePath, done: "created" });
    } catch (error) {
      return answerForm(context, session, refuse(error, model));
    }
  });

  /** The version of an ETag's value, or the current one; with all that it says, or `permission_denied`. */
  async function open(
    context: Context,
    session: Session,
    compiled: CompiledDefinition,
    expected?: string,
  ): Promise<Opened> {
    const { caller } = session;
    const registry = compiled.definition.name;
    const rid = context.req.param("rid") ?? "";
    checkPermitted({ caller, action: "record.write", registry });
    await deps.sight.checkWithin({ caller, compiled, action: "record.write", rid });
    const version = /^(\d{1,9})\.\d{1,9}$/.exec(expected ?? "")?.[1];
    const { view, etag } = await recordReads.get({
      ...{ caller, registry, rid, languages: listLookupTags(readFrame(context, deps).reader) },
      ...(version !== undefined && { version: Number(version) }),
    });
    // As the form gives it back untouched, so that nothing counts as changed that was not.
    const fields = listFields(compiled);
    if (hasLongList(fields, view.data))
      throw new AttestryError(
        "too_many_items",
        `a list of this record has more than ${RECORD_FORM_ROWS_MAX} elements, which no form shows; amend it by the API`,
      );
    const { data } = readData(fields, describeData(fields, view.data));
    return { view, etag, data, trim: createTrim(fields, view.data) };
  }

  pages.get("/console/registries/:registry/records/:rid/amend", async (context) => {
    const session = await browser.require(context);
    if (session instanceof Response) return session;
    const compiled = await registries.getCurrent(context.req.param("registry"));
    const { view, etag, trim } = await open(context, session, compiled);
    if (view.state !== "active")
      throw new AttestryError("state_conflict", `the record is ${view.state}; only a record in force is amended`);
    const before = await readProposed(context, session);
    const data = before ? (applyMergePatch(view.data, before.data) as JsonObject) : view.data;
    const model = modelOf(compiled, {
      operation: "amend",
      state: describeData(listFields(compiled), data),
      envelope: new Map([...datesIn(view), ...(before?.envelope ?? [])]),
      expected: etag,
      display: view.display,
      note: describeCarrying(compiled, view, trim),
    });
    return answerForm(context, session, model);
  });

  /** The form as it is with what somebody else changed meanwhile, and what the writer changed on top. */
  async function mergeChanges(
    context: Context,
    session: Session,
    of: { model: RecordFormModel; opened: Opened; patch: JsonObject | undefined },
  ): Promise<RecordFormModel> {
    const { model, opened, patch } = of;
    const { compiled, fields } = model;
    const current = await open(context, session, compiled);
    const languages = listLookupTags(readFrame(context, deps).reader);
    const labelOf = (path: readonly string[]) => {
      const field = fields.find(({ member }) => member === path[0]);
      return field && chooseText(field.fullTitle, { languages, locale: "en" }).text;
    };
    const compare = (from: Opened, data: JsonObject) =>
      findChanges({ data: from.data, ...periodOf(from.view) }, { data, ...periodOf(current.view) }, labelOf);
    const theirs = compare(opened, current.data);
    const mine = new Set(
      findChanges(
        { data: opened.data, validFrom: undefined, validUntil: undefined },
        { data: applyMergePatch(opened.data, patch ?? {}) as JsonObject, validFrom: undefined, validUntil: undefined },
        () => undefined,
      ).map(({ field }) => field),
    );
    const conflict: FormConflict = {
      theirs,
      both: new Set(theirs.map(({ field }) => field).filter((field) => mine.has(field))),
    };
    const merged = applyMergePatch(current.data, patch ?? {}) as JsonObject;
    const kept = describeData(fields, merged);
    return {
      ...model,
      state: { ...kept, labels: model.state.labels },
      envelope: mergeDates(model.envelope, { opened: opened.view, current: current.view }),
      key: createKey(),
      expected: current.etag,
      conflict,
    };
  }

  pages.post("/console/registries/:registry/records/:rid/amend", async (context) => {
    const session = await browser.require(context);
    if (session instanceof Response) return session;
    const form = await browser.readForm(context, session, RECORD_FORM_BYTES_MAX);
    const { registry, rid } = context.req.param();
    const { caller } = session;
    const compiled = await registries.getCurrent(registry);
    const expected = form.get("expected") ?? "";
    const opened = await open(context, session, compiled, expected);
    const given = {
      operation: "amend" as const,
      envelope: readEnvelopeValues(form),
      key: readKey(form),
      expected,
      display: opened.view.display,
    };
    const rows = readRowAction(compiled, form);
    if (rows) return answerForm(context, session, modelOf(compiled, { ...given, ...rows }));
    const model = modelOf(compiled, {
      ...given,
      state: readFormState(listFields(compiled), form, { keepsBlanks: false }),
    });
    const read = readData(model.fields, model.state);
    const changes = createMergePatch(opened.data, read.data);
    // Under today's definition what it no longer has goes; the form said so.
    const patch = joinPatches(opened.trim?.patch, changes);
    const dates = changedDates(opened.view, model.envelope);
    // What is under an older definition may be carried over as it is.
    const isCarriedOver = definitionVersionOf(opened.view) !== compiled.version;
    if (patch === undefined && Object.keys(dates).length === 0 && !isCarriedOver && read.faults.length === 0)
      return answerForm(context, session, { ...model, note: "Nothing is changed yet, so nothing was saved." });
    // As the service will have it: what the form shows otherwise than it is stays as it is.
    const merged = applyMergePatch(opened.view.data, patch ?? {}) as JsonObject;
    const faulty = findFaults(model, { data: merged, faults: read.faults });
    if (faulty) return answerForm(context, session, faulty);
    try {
      const body = { data: patch ?? {}, ...dates, act: actOf(model.envelope) };
      const written = await recordWrites.amend({ caller, registry, rid, body, expected, idempotencyKey: model.key });
      return followWrite(context, written, { basePath: deps.basePath, done: "amended" });
    } catch (error) {
      if (!isAttestryError(error, "version_conflict")) return answerForm(context, session, refuse(error, model));
      return answerForm(context, session, await mergeChanges(context, session, { model, opened, patch: changes }));
    }
  });

  return pages;
}

/** What saving does to a record that was made under an older definition. */
function describeCarrying(
  compiled: CompiledDefinition,
  view: RecordView,
  trim: ReturnType<typeof createTrim>,
): string | undefined {
  if (definitionVersionOf(view) === compiled.version) return undefined;
  const gone = trim === undefined ? "" : ` What the registry no longer has is left out: ${trim.names.join(", ")}.`;
  return `This record was made under an older definition of the registry; saving carries it over to today's.${gone}`;
}
