// `/console/notifications`: how the notifications of people stand at each gateway, for who runs the node. Shows nobody's address.
import { Hono } from "hono";
import type { FC } from "hono/jsx";
import type { NotificationService } from "../../disclosure/notification-service.ts";
import type { SessionService } from "../../identity/session-service.ts";
import type { GatewayState } from "../../notification/notification-store.ts";
import { CardTable, type PageFrame, ROLES, Section } from "../markup.tsx";
import { readFrame } from "../page-request.ts";
import { createPageSessions } from "../page-session.ts";
import { formatTime } from "../reader-language.ts";
import { answerStaffPage, StaffPage } from "../staff-frame.tsx";

const TITLES = ["Gateway", "Waiting", "Delivered", "Given up", "Last success", "Last failure"];

const GatewayRow: FC<{ state: GatewayState; frame: PageFrame }> = ({ state, frame }) => {
  const timeOf = (seconds: number | null) => (seconds === null ? "never" : formatTime(seconds, frame.reader));
  const { url, waiting, delivered, givenUp, lastSuccessAt, lastFailureAt, lastFailure } = state;
  return (
    <tr {...ROLES.row}>
      <th scope="row" {...ROLES.rowheader}>
        {url}
      </th>
      {[waiting, delivered, givenUp].map((count, at) => (
        <td data-label={TITLES[at + 1]} {...ROLES.cell}>
          {count}
        </td>
      ))}
      <td data-label={TITLES[4]} {...ROLES.cell}>
        {timeOf(lastSuccessAt)}
      </td>
      <td data-label={TITLES[5]} {...ROLES.cell}>
        <span>
          {timeOf(lastFailureAt)} {lastFailure !== null && <code>{lastFailure}</code>}
        </span>
      </td>
    </tr>
  );
};

export function createNotificationDeskPages(deps: {
  readonly entity: string;
  readonly basePath: string;
  readonly organizationName: string;
  readonly sessions: SessionService;
  readonly notifications: Pick<NotificationService, "listGateways">;
}): Hono {
  const browser = createPageSessions(deps);
  const pages = new Hono();

  pages.get("/console/notifications", async (context) => {
    const session = await browser.require(context);
    if (session instanceof Response) return session;
    const gateways = await deps.notifications.listGateways(session.caller);
    const frame = readFrame(context, deps);
    const page = (
      <StaffPage
        title="Notifications of people"
        lead="How the messages to people who want to be told stand at each gateway. Whom they are for is told nowhere."
        crumbs={[{ href: `${deps.basePath}/console`, text: "Your desk" }]}
        session={session}
        frame={frame}
      >
        <Section id="gateways" title="Gateways">
          {gateways.length === 0 ? (
            <p>
              The configuration names none under <code>notifications</code>, so that nobody is told anything.
            </p>
          ) : (
            <CardTable caption="Gateways" titles={TITLES}>
              {gateways.map((state) => (
                <GatewayRow state={state} frame={frame} />
              ))}
            </CardTable>
          )}
          <p class="soft">One that a gateway does not take is sent again, ever more slowly, for three days.</p>
        </Section>
      </StaffPage>
    );
    return answerStaffPage(context, page);
  });

  return pages;
}
