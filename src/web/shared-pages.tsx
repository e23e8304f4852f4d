// `/shared/ID`: what a person shared, for anybody with the link and the code. The code comes in a form, never in an address. Knows nobody, decides nothing.
import { type Context, Hono } from "hono";
import type { Child, FC } from "hono/jsx";
import type { ContentfulStatusCode } from "hono/utils/http-status";
import { encodeBase64url } from "../crypto/base64.ts";
import type { JsonObject } from "../crypto/json.ts";
import { randomBytes } from "../crypto/random.ts";
import type { OpenedShare, ShareOpening } from "../disclosure/share-opening-service.ts";
import { AttestryError } from "../errors.ts";
import { type FieldView, listFields } from "./field-view.ts";
import { Localized, Section } from "./markup.tsx";
import { dayOf } from "./me/consent-cards.tsx";
import { answerMePage, type MeFrame, MePage, type MePlace, readMeFrame } from "./me/me-frame.tsx";
import { isolate } from "./me/me-names.ts";
import { readFields } from "./page-session.ts";
import { chooseText } from "./reader-language.ts";
import { DataList } from "./value.tsx";

export interface SharedPagesDeps extends MePlace {
  readonly openShare: (opening: ShareOpening) => Promise<OpenedShare>;
}

const REQUEST_ID_BYTES = 16;
const FORM_BYTES = 4_096;

const FAULTS: Readonly<Record<string, keyof MeFrame["texts"]["sharedPage"]["faults"]>> = {
  share_unknown: "unknown",
  share_ended: "ended",
  share_expired: "expired",
  share_used: "used",
  share_record_unavailable: "record",
  request_id_reused: "again",
  request_invalid: "again",
};

const Door: FC<{ id: string; fault: string | undefined; frame: MeFrame }> = ({ id, fault, frame }) => {
  const words = frame.texts.sharedPage;
  return (
    <div class="space">
      {fault !== undefined && (
        <div role="alert">
          <p class="fault" id="fault">
            {fault}
          </p>
        </div>
      )}
      <div class="choice">
        <form method="post" action={`${frame.basePath}/shared/${id}`}>
          <input type="hidden" name="request_id" value={encodeBase64url(randomBytes(REQUEST_ID_BYTES))} />
          <div class="field">
            <label for="code">{words.code}</label>
            <input
              id="code"
              name="code"
              class="spoken"
              inputmode="numeric"
              autocomplete="off"
              maxlength={60}
              required
              dir="ltr"
              aria-describedby={fault === undefined ? "code-help" : "code-help fault"}
              {...(fault !== undefined && { "aria-invalid": "true" as const })}
            />
            <p class="soft" id="code-help">
              {words.codeHelp}
            </p>
          </div>
          <div class="buttons">
            <button type="submit" aria-describedby="open-help">
              {words.open}
            </button>
          </div>
          <p class="soft" id="open-help">
            {words.openHelp}
          </p>
        </form>
      </div>
    </div>
  );
};

/** As many of the fields as the data has: what is not shared is not named either. */
function keepShown(fields: readonly FieldView[], data: JsonObject): FieldView[] {
  return fields.flatMap((field) => {
    const value = data[field.member];
    if (value === undefined) return [];
    const isGroup = field.kind === "group" && typeof value === "object" && value !== null && !Array.isArray(value);
    return [isGroup ? { ...field, members: keepShown(field.members, value as JsonObject) } : field];
  });
}

const Opened: FC<{ opened: OpenedShare; asked: ShareOpening; frame: MeFrame }> = ({ opened, asked, frame }) => {
  const words = frame.texts.sharedPage;
  const fields = keepShown(listFields(opened.compiled), opened.data);
  return (
    <>
      <Section id="shown" title={words.shows}>
        <DataList fields={fields} data={opened.data} frame={frame} names={new Map()} seesAll={true} explains={true} />
        <p class="soft">{words.notShown}</p>
      </Section>
      <Section id="about" title={<Localized text={opened.compiled.definition.title} reader={frame.reader} />}>
        <dl class="facts">
          <dt>{words.by}</dt>
          <dd>
            <span dir="auto">{frame.organizationName}</span> <span class="soft small">({frame.entity})</span>
          </dd>
          <dt>{words.state}</dt>
          <dd>
            <span class="badge">{words.inForce}</span>
          </dd>
          <dt>{words.forWhom}</dt>
          <dd>
            <span dir="auto">{opened.recipient}</span>
          </dd>
          <dt>{words.whatFor}</dt>
          <dd>
            <span dir="auto">{opened.purpose}</span>
          </dd>
          {!opened.isOneTime && (
            <>
              <dt>{words.until}</dt>
              <dd>{dayOf(opened.expiresAt, frame)}</dd>
            </>
          )}
        </dl>
        {opened.isOneTime && <p>{words.once}</p>}
      </Section>
      <Section id="proof" title={words.proof}>
        <p>{words.proofHelp}</p>
        <form method="post" action={`${frame.basePath}/shared/${opened.id}/evidence`}>
          <input type="hidden" name="request_id" value={asked.requestId ?? ""} />
          <input type="hidden" name="code" value={asked.code} />
          <div class="buttons">
            <button type="submit">{words.download}</button>
            <a href={`${frame.basePath}/verify`}>{words.check}</a>
          </div>
        </form>
        <p class="soft">{words.checkHelp}</p>
      </Section>
    </>
  );
};

/** Found by no search engine, told to no page that a link leads to, kept by nobody. */
function keepPrivate(response: Response): Response {
  response.headers.set("x-robots-tag", "noindex, nofollow, noarchive");
  response.headers.set("referrer-policy", "no-referrer");
  response.headers.set("cache-control", "private, no-store");
  return response;
}

export function createSharedPages(deps: SharedPagesDeps): Hono {
  const { basePath, organizationName } = deps;
  const pages = new Hono();

  const frameOf = (context: Context, id: string): MeFrame => ({
    ...readMeFrame(context, deps),
    path: `${basePath}/shared/${id}`,
  });

  async function answer(
    context: Context,
    {
      title,
      lead,
      body,
      frame,
      status,
    }: Record<"title" | "lead", string> & {
      body: Child;
      frame: MeFrame;
      status?: ContentfulStatusCode;
    },
  ): Promise<Response> {
    const page = (
      <MePage title={title} lead={lead} frame={frame}>
        {body}
      </MePage>
    );
    return keepPrivate(await answerMePage(context, { page, frame, ...(status !== undefined && { status }) }));
  }

  const answerDoor = (context: Context, id: string, fault?: { text: string; status: ContentfulStatusCode }) => {
    const frame = frameOf(context, id);
    const words = frame.texts.sharedPage;
    return answer(context, {
      title: words.title,
      lead: words.lead(isolate(organizationName)),
      body: <Door id={id} fault={fault?.text} frame={frame} />,
      frame,
      ...(fault && { status: fault.status }),
    });
  };

  /** Opens it by the form that was sent, or says why not. */
  async function openByForm(
    context: Context,
    id: string,
    show: (opened: OpenedShare, asked: ShareOpening) => Response | Promise<Response>,
  ): Promise<Response> {
    const form = await readFields(context, FORM_BYTES);
    const asked = { id, code: form.get("code") ?? "", requestId: form.get("request_id") ?? "" };
    let opened: OpenedShare;
    try {
      opened = await deps.openShare(asked);
    } catch (error) {
      if (!(error instanceof AttestryError)) throw error;
      const { faults } = frameOf(context, id).texts.sharedPage;
      const named = FAULTS[error.code];
      // Whatever else: the log or the database is busy, and nothing was shown.
      const isBusy = named === undefined;
      return answerDoor(context, id, { text: faults[named ?? "busy"], status: isBusy ? 503 : 403 });
    }
    return show(opened, asked);
  }

  // The same whether there is such a share or not.
  pages.get("/shared/:id", (context) => answerDoor(context, context.req.param("id")));

  pages.post("/shared/:id", (context) => {
    const id = context.req.param("id");
    return openByForm(context, id, (opened, asked) => {
      const frame = frameOf(context, id);
      const words = frame.texts.sharedPage;
      const registry = isolate(chooseText(opened.compiled.definition.title, frame.reader).text);
      return answer(context, {
        title: words.openedTitle,
        lead: words.openedLead(registry, isolate(organizationName)),
        body: <Opened opened={opened} asked={asked} frame={frame} />,
        frame,
      });
    });
  });

  pages.post("/shared/:id/evidence", (context) => {
    const id = context.req.param("id");
    return openByForm(context, id, ({ registry, evidence }) => {
      context.header("content-disposition", `attachment; filename="${registry}-shared-evidence.json"`);
      return keepPrivate(context.json(evidence as unknown as Parameters<Context["json"]>[0]));
    });
  });

  return pages;
}
