// `/console/registries/{name}/records/{rid}/{suspend|reinstate|end|revoke|erase}` and `…/versions/{version}/erase`: asks, and does it. Reads the form, calls the service; permits nothing itself.
import { type Context, Hono } from "hono";
import type { JsonObject } from "../../crypto/json.ts";
import { AttestryError, isAttestryError } from "../../errors.ts";
import { checkPermitted } from "../../identity/permissions.ts";
import type { Session } from "../../identity/session-service.ts";
import { nextState } from "../../records/record-states.ts";
import type { RecordStateService } from "../../records/writing/record-state-service.ts";
import { readFrame } from "../page-request.ts";
import { createPageSessions } from "../page-session.ts";
import { listLookupTags } from "../reader-language.ts";
import { answerStaffPage } from "../staff-frame.tsx";
import { actOf, readEnvelopeValues } from "./act-fields.tsx";
import { answerFault, type DeskDeps, deskFrame, followWrite, recordPath } from "./desk.ts";
import { placeFaults } from "./form-controls.ts";
import { createKey, readKey } from "./form-model.ts";
import { isOffered, OPERATIONS, StateConfirmation, type StatePageModel, wordsOf } from "./state-page.tsx";

export interface RecordStatePagesDeps extends DeskDeps {
  readonly recordStates: Pick<RecordStateService, "change" | "erase" | "eraseVersion">;
}

const MENDABLE = [
  "request_invalid",
  "act_incomplete",
  "log_overloaded",
  "idempotency_key_reused",
  "version_conflict",
  "record_held",
];

export function createRecordStatePages(deps: RecordStatePagesDeps): Hono {
  const { names, registries, recordReads, recordStates } = deps;
  const browser = createPageSessions(deps);
  const pages = new Hono();
  const ADDRESS = `/console/registries/:registry/records/:rid/:operation{${Object.keys(OPERATIONS).join("|")}}`;
  const VERSION_ADDRESS = "/console/registries/:registry/records/:rid/versions/:version{[0-9]+}/erase";

  async function answer(context: Context, session: Session, model: StatePageModel): Promise<Response> {
    const frame = deskFrame(readFrame(context, deps), names);
    const rid = context.req.param("rid") ?? "";
    const page = (
      <StateConfirmation
        model={model}
        session={session}
        frame={frame}
        action={new URL(context.req.url).pathname}
        back={recordPath(frame, { registry: model.compiled.definition.name, rid })}
      />
    );
    return answerStaffPage(context, page, model.error === undefined ? 200 : answerFault(model.error));
  }

  /** The record as it is, once the person may write it. */
  async function open(context: Context, session: Session): Promise<StatePageModel> {
    const { caller } = session;
    const registry = context.req.param("registry") ?? "";
    const rid = context.req.param("rid") ?? "";
    const { operation, version } = readOperation(context);
    checkPermitted({ caller, action: "record.write", registry });
    const compiled = await registries.getCurrent(registry);
    await deps.sight.checkWithin({ caller, compiled, action: "record.write", rid });
    const languages = listLookupTags(readFrame(context, deps).reader);
    const { view, etag } = await recordReads.get({ caller, registry, rid, languages });
    // Said before anything is written.
    if (operation === "erase_version") await recordReads.get({ caller, registry, rid, languages, version: version! });
    else nextState(view.state, operation);
    return {
      ...(version !== undefined && { version }),
      ...{ compiled, operation, display: view.display, envelope: new Map(), key: createKey(), expected: etag },
      ...{ error: undefined, faults: [] },
    };
  }

  const ask = async (context: Context): Promise<Response> => {
    const session = await browser.require(context);
    if (session instanceof Response) return session;
    return answer(context, session, await open(context, session));
  };

  const act = async (context: Context): Promise<Response> => {
    const session = await browser.require(context);
    if (session instanceof Response) return session;
    const form = await browser.readForm(context, session);
    const { registry = "", rid = "" } = context.req.param() as Record<string, string>;
    const { operation, version } = readOperation(context);
    const { caller } = session;
    const envelope = readEnvelopeValues(form);
    const effective = envelope.get("/effective");
    const body: JsonObject = { ...(effective !== undefined && { effective }), act: actOf(envelope) };
    const options = {
      ...{ caller, registry, rid, body },
      expected: form.get("expected") ?? "",
      idempotencyKey: readKey(form),
    };
    try {
      const written =
        operation === "erase_version"
          ? await recordStates.eraseVersion({ ...options, version: version! })
          : operation === "erase"
            ? await recordStates.erase(options)
            : await recordStates.change({ ...options, operation });
      return followWrite(context, written, { basePath: deps.basePath, done: wordsOf(operation).done });
    } catch (error) {
      if (!isAttestryError(error) || !MENDABLE.includes(error.code)) throw error;
      const model = await open(context, session);
      const faults = placeFaults(error, {
        fields: [],
        state: { values: new Map(), rows: new Map(), labels: new Map() },
      });
      return answer(context, session, { ...model, envelope, error, faults });
    }
  };

  // First: the choice of words of the other, which hono does not anchor, would match the end of this one.
  pages.get(VERSION_ADDRESS, ask);
  pages.post(VERSION_ADDRESS, act);
  pages.get(ADDRESS, ask);
  pages.post(ADDRESS, act);
  return pages;
}

/** What the address asks for: a change of state, or the erasure of a version. */
function readOperation(context: Context): Pick<StatePageModel, "operation" | "version"> {
  const { operation = "", version } = context.req.param() as Record<string, string | undefined>;
  if (version !== undefined) return { operation: "erase_version", version: Number(version) };
  if (!isOffered(operation)) throw new AttestryError("not_found", "there is no such change of state");
  return { operation };
}
