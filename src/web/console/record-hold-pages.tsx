// `/console/registries/{name}/records/{rid}/{hold|release}`: asks, and does it. Reads the form, calls the service; permits nothing itself.
import { type Context, Hono } from "hono";
import type { JsonObject } from "../../crypto/json.ts";
import { AttestryError, isAttestryError } from "../../errors.ts";
import { checkPermitted } from "../../identity/permissions.ts";
import type { Session } from "../../identity/session-service.ts";
import type { HoldService } from "../../records/writing/hold-service.ts";
import { readFrame } from "../page-request.ts";
import { createPageSessions } from "../page-session.ts";
import { listLookupTags } from "../reader-language.ts";
import { answerStaffPage } from "../staff-frame.tsx";
import { actOf, readEnvelopeValues } from "./act-fields.tsx";
import { answerFault, type DeskDeps, deskFrame, followWrite, recordPath } from "./desk.ts";
import { placeFaults } from "./form-controls.ts";
import { HoldPage, type HoldPageModel } from "./hold-page.tsx";

export interface RecordHoldPagesDeps extends DeskDeps {
  readonly holds: Pick<HoldService, "place" | "release">;
}

const HOLD_ADDRESS = "/console/registries/:registry/records/:rid/:operation{hold|release}";
const MENDABLE = ["request_invalid", "act_incomplete"];

interface Asked {
  readonly registry: string;
  readonly rid: string;
  readonly operation: "hold" | "release";
  /** The id of the hold to lift. */
  readonly hold: string | undefined;
}

export function createRecordHoldPages(deps: RecordHoldPagesDeps): Hono {
  const { names, registries, recordReads, holds } = deps;
  const browser = createPageSessions(deps);
  const pages = new Hono();

  function readAsked(context: Context, hold: string | undefined): Asked {
    const { registry = "", rid = "", operation } = context.req.param() as Record<string, string>;
    return { registry, rid, operation: operation === "release" ? "release" : "hold", hold };
  }

  async function answer(context: Context, session: Session, { registry, rid }: Asked, model: HoldPageModel) {
    const frame = deskFrame(readFrame(context, deps), names);
    const page = (
      <HoldPage
        model={model}
        session={session}
        frame={frame}
        action={new URL(context.req.url).pathname}
        back={recordPath(frame, { registry, rid })}
      />
    );
    return answerStaffPage(context, page, model.error === undefined ? 200 : answerFault(model.error));
  }

  /** The record as it is, once the person may do this. */
  async function open(context: Context, session: Session, asked: Asked): Promise<HoldPageModel> {
    const { caller } = session;
    const { registry, rid, operation, hold } = asked;
    const action = operation === "hold" ? "record.hold" : "record.release";
    checkPermitted({ caller, action, registry });
    const compiled = await registries.getCurrent(registry);
    await deps.sight.checkWithin({ caller, compiled, action, rid });
    const languages = listLookupTags(readFrame(context, deps).reader);
    const { view } = await recordReads.get({ caller, registry, rid, languages });
    const lifted = operation === "hold" ? undefined : view.holds?.find(({ id, in_force }) => id === hold && in_force);
    if (operation === "release" && lifted === undefined)
      throw new AttestryError("hold_unknown", "there is no such hold on the record any more");
    return {
      ...{ compiled, display: view.display, lifted, envelope: new Map(), isConfidential: false },
      ...{ error: undefined, faults: [] },
    };
  }

  pages.get(HOLD_ADDRESS, async (context) => {
    const session = await browser.require(context);
    if (session instanceof Response) return session;
    const asked = readAsked(context, context.req.query("hold"));
    return answer(context, session, asked, await open(context, session, asked));
  });

  pages.post(HOLD_ADDRESS, async (context) => {
    const session = await browser.require(context);
    if (session instanceof Response) return session;
    const form = await browser.readForm(context, session);
    const asked = readAsked(context, form.get("hold") ?? undefined);
    const { registry, rid, operation } = asked;
    const { caller } = session;
    const model = await open(context, session, asked);
    const envelope = readEnvelopeValues(form);
    const isConfidential = form.get("confidential") === "yes";
    const until = envelope.get("/until");
    const act = actOf(envelope);
    try {
      if (operation === "release") {
        await holds.release({ caller, registry, rid, body: { case: model.lifted!.case!, act } });
      } else {
        const body: JsonObject = {
          case: envelope.get("/case") ?? "",
          ...(until !== undefined && { until }),
          ...(isConfidential && { confidential: true }),
          act,
        };
        await holds.place({ caller, registry, rid, body });
      }
      const done = operation === "hold" ? "held" : "released";
      return followWrite(context, { registry, rid }, { basePath: deps.basePath, done });
    } catch (error) {
      if (!isAttestryError(error) || !MENDABLE.includes(error.code)) throw error;
      const faults = placeFaults(error, {
        fields: [],
        state: { values: new Map(), rows: new Map(), labels: new Map() },
      });
      return answer(context, session, asked, { ...model, envelope, isConfidential, error, faults });
    }
  });

  return pages;
}
