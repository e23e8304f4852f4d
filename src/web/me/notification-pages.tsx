// `/me/notifications`: whether a citizen wants to be told that something happened, of what and where. Parses, calls one service, answers.
import { type Context, Hono } from "hono";
import type { FC } from "hono/jsx";
import type { NotificationChoices } from "../../disclosure/notification-choice-service.ts";
import { AttestryError } from "../../errors.ts";
import type { CitizenSession, CitizenSessionService } from "../../identity/citizen-session-service.ts";
import { NOTIFICATION_ADDRESS_CHARS_MAX } from "../../limits.ts";
import type { NotificationChoice, NotificationKind } from "../../notification/notification.ts";
import { Note, Section } from "../markup.tsx";
import { readValues } from "../page-request.ts";
import { createCitizenPageSessions } from "../page-session.ts";
import { ActionForm } from "../staff-frame.tsx";
import { answerMePage, type MeFrame, MePage, type MePlace, readMeFrame } from "./me-frame.tsx";
import { isolate } from "./me-names.ts";

export interface NotificationPagesDeps extends MePlace {
  readonly entity: string;
  readonly citizenSessions: Pick<CitizenSessionService, "find" | "checkForm">;
  readonly notificationChoices: Pick<NotificationChoices, "offered" | "find" | "choose" | "remove">;
}

/** What is wrong with a form, at the control that it is about. */
interface Faults {
  readonly address?: string | undefined;
  readonly events?: string | undefined;
}

interface PageProps {
  readonly session: CitizenSession;
  readonly frame: MeFrame;
  /** What stands now. */
  readonly chosen: NotificationChoice | undefined;
  /** What the form is filled with. */
  readonly form: NotificationChoice;
  readonly offered: readonly NotificationKind[];
  readonly faults: Faults;
  readonly done: string | undefined;
}

const RemoveForm: FC<Pick<PageProps, "session" | "frame">> = ({ session, frame }) => (
  <ActionForm action={`${frame.basePath}/me/notifications/remove`} session={session}>
    <div class="buttons">
      <button type="submit" class="quiet">
        {frame.texts.notifications.stop}
      </button>
    </div>
  </ActionForm>
);

const ChoiceForm: FC<PageProps> = ({ session, frame, chosen, form, offered, faults }) => {
  const words = frame.texts.notifications;
  return (
    <div class="choice">
      <ActionForm action={`${frame.basePath}/me/notifications/save`} session={session}>
        <fieldset {...(faults.events !== undefined && { "aria-describedby": "events-fault" })}>
          <legend>{words.events}</legend>
          {offered.map((kind) => (
            <div class="tick">
              <input
                type="checkbox"
                name="event"
                value={kind}
                id={`event-${kind}`}
                checked={form.events.includes(kind)}
              />
              <label for={`event-${kind}`}>{words.kinds[kind]}</label>
            </div>
          ))}
          {faults.events !== undefined && (
            <p class="fault" id="events-fault" role="alert">
              {faults.events}
            </p>
          )}
        </fieldset>
        <div class="field">
          <label for="address">{words.address}</label>
          <input
            type="text"
            id="address"
            name="address"
            value={form.address}
            required
            dir="auto"
            autocomplete="email"
            maxlength={NOTIFICATION_ADDRESS_CHARS_MAX}
            aria-describedby={faults.address === undefined ? "address-help" : "address-help address-fault"}
            {...(faults.address !== undefined && { "aria-invalid": "true" as const })}
          />
          <p class="soft" id="address-help">
            {words.addressHelp}
          </p>
          {faults.address !== undefined && (
            <p class="fault" id="address-fault" role="alert">
              {faults.address}
            </p>
          )}
        </div>
        <div class="buttons">
          <button type="submit">{words.save}</button>
        </div>
      </ActionForm>
      {chosen && <RemoveForm session={session} frame={frame} />}
      <p class="soft">{words.gathered}</p>
    </div>
  );
};

const NotificationPage: FC<PageProps> = (props) => {
  const { session, frame, chosen, offered, done } = props;
  const words = frame.texts.notifications;
  const said = done === "saved" ? words.saved : done === "stopped" ? words.stopped : undefined;
  return (
    <MePage title={words.title} lead={words.lead} frame={frame} session={session}>
      {said !== undefined && (
        <div role="status" class="space">
          <Note>
            <p>{said}</p>
          </Note>
        </div>
      )}
      <Section id="choice" title={words.choose}>
        {offered.length === 0 ? (
          <>
            <p>{words.none}</p>
            {/* What was chosen before can be taken back. */}
            {chosen && <RemoveForm session={session} frame={frame} />}
          </>
        ) : (
          <>
            <p>{chosen ? words.on(isolate(chosen.address)) : words.off}</p>
            <ChoiceForm {...props} />
          </>
        )}
      </Section>
    </MePage>
  );
};

export function createNotificationPages(deps: NotificationPagesDeps): Hono {
  const { basePath, notificationChoices: choices } = deps;
  const { offered } = choices;
  const browser = createCitizenPageSessions(deps);
  const pages = new Hono();

  async function answer(
    context: Context,
    session: CitizenSession,
    { form, faults = {} }: { form?: NotificationChoice; faults?: Faults } = {},
  ): Promise<Response> {
    const frame = readMeFrame(context, deps);
    const chosen = await choices.find(session.caller);
    const { done } = readValues(context).values;
    const filled = form ?? chosen ?? { address: "", events: [] };
    const page = <NotificationPage {...{ session, frame, chosen, form: filled, offered, faults, done }} />;
    return answerMePage(context, { page, frame, status: form === undefined ? 200 : 422 });
  }

  pages.get("/me/notifications", async (context) => {
    const session = await browser.require(context);
    return session instanceof Response ? session : answer(context, session);
  });

  pages.post("/me/notifications/save", async (context) => {
    const session = await browser.require(context);
    if (session instanceof Response) return session;
    const sent = await browser.readForm(context, session);
    const events = offered.filter((kind) => sent.getAll("event").includes(kind));
    const form = { address: sent.get("address") ?? "", events };
    try {
      await choices.choose(session.caller, form);
    } catch (error) {
      if (!(error instanceof AttestryError) || error.code !== "request_invalid") throw error;
      const words = readMeFrame(context, deps).texts.notifications;
      const isAbout = (field: string) => error.details.some((one) => one.field === field);
      const address = isAbout("/address") ? words.badAddress(NOTIFICATION_ADDRESS_CHARS_MAX) : undefined;
      const noEvent = isAbout("/events") ? words.noEvent : undefined;
      return answer(context, session, { form, faults: { address, events: noEvent } });
    }
    return context.redirect(`${basePath}/me/notifications?done=saved`, 303);
  });

  pages.post("/me/notifications/remove", async (context) => {
    const session = await browser.require(context);
    if (session instanceof Response) return session;
    await browser.readForm(context, session);
    await choices.remove(session.caller);
    return context.redirect(`${basePath}/me/notifications?done=stopped`, 303);
  });

  return pages;
}
