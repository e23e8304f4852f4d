// `/console`: the staff's own pages: who one is here and in which role, and which sessions and tokens there are. Decides no permission.
import { type Context, Hono } from "hono";
import type { FC } from "hono/jsx";
import type { ProposalService } from "../approval/proposal-service.ts";
import { AttestryError } from "../errors.ts";
import type { Caller, Staff } from "../identity/caller.ts";
import type { IdentityService, StaffTokenSummary } from "../identity/identity-service.ts";
import { formatClaims } from "../identity/jurisdiction.ts";
import { isPermitted } from "../identity/permissions.ts";
import type { Session, SessionService, SessionSummary } from "../identity/session-service.ts";
import { PROPOSALS_PAGE_MAX } from "../limits.ts";
import { CardTable, type PageFrame, ROLES, Section } from "./markup.tsx";
import { readFrame } from "./page-request.ts";
import { createPageSessions } from "./page-session.ts";
import { formatTime } from "./reader-language.ts";
import { ActionForm, answerStaffPage, StaffPage } from "./staff-frame.tsx";

interface PageProps {
  readonly session: Session;
  readonly frame: PageFrame;
}

const mayManagePeople = (caller: Caller): boolean => isPermitted({ caller, action: "people.manage" });

/** In some registry: which ones, the page itself finds. */
const mayAnswer = (caller: Staff): boolean =>
  (caller.registries ?? ["any"]).some((registry) => isPermitted({ caller, action: "question.answer", registry }));

const ROLE_WORDS: Readonly<Record<string, string>> = {
  registrar: "write records",
  approver: "approve what others propose",
  reader: "read records",
  auditor: "read logs, and no records",
  operator: "run the node, and read no records",
};

/** How many proposals wait for the person, and of the person's own came back; of each at most a page. */
interface Work {
  readonly waiting: number;
  readonly back: number;
}

/** One that the person reaches, or any, where that is all. */
const anyRegistry = ({ registries }: Session["caller"]): string => registries?.[0] ?? "*";

/** A page of them is read: of more it is said only that there are more. */
const countProposals = (count: number): string =>
  count === 1
    ? "1 proposal waits"
    : count < PROPOSALS_PAGE_MAX
      ? `${count} proposals wait`
      : `${count} or more proposals wait`;

const ConsolePage: FC<PageProps & { work: Work | undefined }> = ({ session, frame, work }) => {
  const others = session.roles.filter((role) => role !== session.role);
  const { registries } = session.caller;
  const readsRecords = isPermitted({
    caller: session.caller,
    action: "record.inspect",
    registry: anyRegistry(session.caller),
  });
  return (
    <StaffPage
      title="Your desk"
      lead={`As ${session.role} you ${ROLE_WORDS[session.role]}.`}
      crumbs={[]}
      session={session}
      frame={frame}
    >
      {(work !== undefined || readsRecords) && (
        <Section id="work" title="Your work">
          <ul class="cards">
            {work !== undefined && (
              <li>
                <h3>
                  <a href={`${frame.basePath}/console/proposals`}>
                    {work.waiting === 0
                      ? "Nothing waits for your approval"
                      : `${countProposals(work.waiting)} for your approval`}
                  </a>
                </h3>
                <p class="soft">What others propose.</p>
                <p>
                  <a href={`${frame.basePath}/console/proposals?for=mine`}>
                    {work.back === 0 ? "What you proposed" : `${work.back} of what you proposed came back`}
                  </a>
                </p>
              </li>
            )}
            {readsRecords && (
              <li>
                <h3>
                  <a href={`${frame.basePath}/console/registries`}>Registries you work in</a>
                </h3>
                <p class="soft">Find records, and change them as far as you may.</p>
              </li>
            )}
          </ul>
        </Section>
      )}
      <Section id="role" title="Your role">
        <p>
          {registries === undefined
            ? "In every registry of this node."
            : registries.length === 0
              ? "In no registry of this node."
              : `In: ${registries.join(", ")}.`}
        </p>
        {others.length > 0 && (
          <div class="buttons">
            {others.map((role) => (
              <ActionForm action={`${frame.basePath}/console/role`} session={session} values={{ role }}>
                <button type="submit">Act as {role}</button>
              </ActionForm>
            ))}
          </div>
        )}
      </Section>
      <Section id="more" title="More">
        {isPermitted({ caller: session.caller, action: "reference.check" }) && (
          <p>
            <a href={`${frame.basePath}/console/check`}>Check a record of any department</a>
          </p>
        )}
        {isPermitted({ caller: session.caller, action: "consent.ask" }) && (
          <p>
            <a href={`${frame.basePath}/console/consents`}>Ask people for consent, and follow what came of it</a>
          </p>
        )}
        {(["reference.check", "report.audit"] as const).some((action) =>
          isPermitted({ caller: session.caller, action }),
        ) && (
          <p>
            <a href={`${frame.basePath}/console/reports`}>Reports that were kept of checks</a>
          </p>
        )}
        {mayAnswer(session.caller) && (
          <p>
            <a href={`${frame.basePath}/console/questions`}>Questions of people about their data</a>
          </p>
        )}
        {isPermitted({ caller: session.caller, action: "notification.watch" }) && (
          <p>
            <a href={`${frame.basePath}/console/notifications`}>Notifications of people, and whether they arrive</a>
          </p>
        )}
        <p>
          <a href={`${frame.basePath}/console/sessions`}>
            {mayManagePeople(session.caller) ? "Sessions and tokens of this node" : "Where you are signed in"}
          </a>
        </p>
      </Section>
    </StaffPage>
  );
};

const SessionTable: FC<PageProps & { sessions: readonly SessionSummary[] }> = ({ sessions, session, frame }) => (
  <CardTable caption="Sessions" titles={["Who", "Role", "Signed in", "Last seen", "End"]}>
    {sessions.map((one) => (
      <tr {...ROLES.row}>
        <th scope="row" {...ROLES.rowheader}>
          <span dir="auto">{one.name}</span>
          {one.id === session.id && <span class="soft"> (this one)</span>}
        </th>
        <td data-label="Role" {...ROLES.cell}>
          {one.role}
        </td>
        <td data-label="Signed in" {...ROLES.cell}>
          {formatTime(one.createdAt, frame.reader)}
        </td>
        <td data-label="Last seen" {...ROLES.cell}>
          {formatTime(one.seenAt, frame.reader)}
        </td>
        <td data-label="End" {...ROLES.cell}>
          <ActionForm action={`${frame.basePath}/console/sessions/end`} session={session} values={{ id: one.id }}>
            <button type="submit">
              End<span class="unseen"> the session of {one.name}</span>
            </button>
          </ActionForm>
        </td>
      </tr>
    ))}
  </CardTable>
);

const TokenTable: FC<PageProps & { tokens: readonly StaffTokenSummary[] }> = ({ tokens, session, frame }) => (
  <CardTable caption="Tokens of this node" titles={["For", "Role", "Registries", "Until", "Revoke"]}>
    {tokens.map((one) => (
      <tr {...ROLES.row}>
        <th scope="row" {...ROLES.rowheader}>
          <span dir="auto">{one.name}</span> <span class="badge careful">local token</span>
        </th>
        <td data-label="Role" {...ROLES.cell}>
          {one.role}
        </td>
        <td data-label="Registries" {...ROLES.cell}>
          {one.registries === undefined ? "all" : one.registries.join(", ")}
          {one.claims !== undefined && <span class="soft"> ({formatClaims(one.claims)})</span>}
        </td>
        <td data-label="Until" {...ROLES.cell}>
          {formatTime(one.expiresAt, frame.reader)}
        </td>
        <td data-label="Revoke" {...ROLES.cell}>
          {one.revokedAt !== undefined ? (
            <span class="badge over">revoked</span>
          ) : (
            <ActionForm action={`${frame.basePath}/console/tokens/revoke`} session={session} values={{ id: one.id }}>
              <button type="submit">
                Revoke<span class="unseen"> the token of {one.name}</span>
              </button>
            </ActionForm>
          )}
        </td>
      </tr>
    ))}
  </CardTable>
);

const SessionsPage: FC<
  PageProps & { sessions: readonly SessionSummary[]; tokens: readonly StaffTokenSummary[] | undefined }
> = ({ sessions, tokens, session, frame }) => (
  <StaffPage
    title={tokens ? "Sessions and tokens" : "Where you are signed in"}
    lead={
      tokens
        ? "Whoever is signed in on pages, and every token that was made on this node's own machine."
        : "End a session that you do not know, and tell your operator."
    }
    crumbs={[{ href: `${frame.basePath}/console`, text: "Your desk" }]}
    session={session}
    frame={frame}
  >
    <Section id="sessions" title="Sessions">
      <SessionTable sessions={sessions} session={session} frame={frame} />
    </Section>
    {tokens && (
      <Section id="tokens" title="Tokens of this node">
        <p class="soft">
          Made by <code>attestry token</code>, not by the sign-in service: whoever holds one is taken for the person it
          names. They are for services and for the first steps of a node.
        </p>
        {tokens.length === 0 ? <p>There are none.</p> : <TokenTable tokens={tokens} session={session} frame={frame} />}
      </Section>
    )}
  </StaffPage>
);

export function createConsolePages(deps: {
  readonly entity: string;
  readonly basePath: string;
  readonly organizationName: string;
  readonly sessions: SessionService;
  readonly identity: Pick<IdentityService, "listTokens" | "revokeToken">;
  readonly proposals: Pick<ProposalService, "list">;
}): Hono {
  const { basePath, sessions, identity, proposals } = deps;
  const browser = createPageSessions(deps);
  const frameOf = (context: Context): PageFrame => readFrame(context, deps);
  const pages = new Hono();

  /** Sessions that this one may see and end: all of them for who manages people, else the person's own. */
  async function listFor(session: Session): Promise<SessionSummary[]> {
    const all = await sessions.list();
    return mayManagePeople(session.caller) ? all : all.filter(({ person }) => person === session.person);
  }

  /** Undefined: the role has to do with no proposals. */
  async function countWork({ caller }: Session): Promise<Work | undefined> {
    if (!isPermitted({ caller, action: "proposal.read", registry: anyRegistry(caller) })) return undefined;
    const [waiting, back] = await Promise.all([
      proposals.list(caller, { for: "me", namesNone: true }),
      proposals.list(caller, { for: "mine", states: ["returned", "failed"], namesNone: true }),
    ]);
    return { waiting: waiting.proposals.length, back: back.proposals.length };
  }

  pages.get("/console", async (context) => {
    const session = await browser.require(context);
    if (session instanceof Response) return session;
    const work = await countWork(session);
    return answerStaffPage(context, <ConsolePage session={session} frame={frameOf(context)} work={work} />);
  });

  pages.get("/console/sessions", async (context) => {
    const session = await browser.require(context);
    if (session instanceof Response) return session;
    const tokens = mayManagePeople(session.caller) ? await identity.listTokens() : undefined;
    const page = (
      <SessionsPage sessions={await listFor(session)} tokens={tokens} session={session} frame={frameOf(context)} />
    );
    return answerStaffPage(context, page);
  });

  pages.post("/console/role", async (context) => {
    const session = await browser.require(context);
    if (session instanceof Response) return session;
    const form = await browser.readForm(context, session);
    await sessions.changeRole(browser.readSecret(context) ?? "", form.get("role") ?? "");
    return context.redirect(`${basePath}/console`, 303);
  });

  pages.post("/console/sessions/end", async (context) => {
    const session = await browser.require(context);
    if (session instanceof Response) return session;
    const id = (await browser.readForm(context, session)).get("id");
    // Of somebody else's session one is told what one is told of none.
    const found = (await listFor(session)).find((one) => one.id === id);
    if (!found) throw new AttestryError("session_unknown", "there is no such session, or it has ended");
    await sessions.end(found.id);
    return context.redirect(`${basePath}/console/sessions`, 303);
  });

  pages.post("/console/tokens/revoke", async (context) => {
    const session = await browser.require(context);
    if (session instanceof Response) return session;
    const form = await browser.readForm(context, session);
    if (!mayManagePeople(session.caller))
      throw new AttestryError("permission_denied", `revoking tokens needs role operator; you act as ${session.role}`);
    await identity.revokeToken(form.get("id") ?? "");
    return context.redirect(`${basePath}/console/sessions`, 303);
  });

  return pages;
}
