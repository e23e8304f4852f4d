// The pages of the demo's sign-in provider: whom one can be, signing out there, and what went wrong. Decides nothing.
import { Layout } from "../../web/layout.tsx";
import { Note, Section } from "../../web/markup.tsx";
import type { DemoAccount, DemoCitizen, DemoClient } from "./sign-in-plan.ts";

type Children = Parameters<typeof Layout>[0]["children"];

const Frame = ({ title, lead, children }: { title: string; lead: string; children?: Children }) => (
  <Layout
    title={`${title} · demo sign-in`}
    basePath=""
    header={
      <>
        <p class="kind">Sign-in service of the demo</p>
        <h1>{title}</h1>
        <p class="lead">{lead}</p>
      </>
    }
    footer="Part of attestry demo: it listens on this machine alone, and ends with the demo."
  >
    {children}
  </Layout>
);

type Page = ReturnType<typeof Frame>;

/** The page as a browser gets it. */
export async function renderPage(page: Page): Promise<string> {
  return `<!doctype html>${String(await page)}`;
}

const describeRoles = ({ role, also = [] }: DemoAccount): string => [role, ...also].join(" and ");

const People = ({ accounts }: { accounts: readonly DemoAccount[] }) => (
  <ul class="plain">
    {accounts.map((account) => (
      <li class="buttons">
        <button type="submit" name="account" value={account.id} aria-describedby={`what-${account.id}`}>
          {account.name}
        </button>
        <span id={`what-${account.id}`}>
          {describeRoles(account)} <span class="soft">({account.task})</span>
        </span>
      </li>
    ))}
  </ul>
);

const Citizens = ({ citizens }: { citizens: readonly DemoCitizen[] }) => (
  <ul class="plain">
    {citizens.map(({ id, name, nationalId }) => (
      <li class="buttons">
        <button type="submit" name="account" value={id} aria-describedby={`what-${id}`}>
          {name}
        </button>
        <span id={`what-${id}`}>
          citizen <span class="soft">(national id {nationalId})</span>
        </span>
      </li>
    ))}
  </ul>
);

/** Who can be chosen for a node; `known` is whom this browser was before. */
export const ChoicePage = (props: {
  client: DemoClient;
  accounts: readonly DemoAccount[];
  citizens: readonly DemoCitizen[];
  known: string | undefined;
}) => {
  const { client, accounts, citizens, known } = props;
  const { organization } = client.plan;
  const own = accounts.filter(({ employer }) => employer === client.plan);
  const others = accounts.filter(({ employer }) => employer !== client.plan);
  return (
    <Frame title="Who are you?" lead={`To go on to the pages of the ${organization}, choose somebody to be.`}>
      <Note title="For trying out only.">
        <p>
          These people are invented, and nobody asks for a password. A real department signs its staff in by its own
          service.
        </p>
      </Note>
      {known && (
        <p>
          You were <strong>{known}</strong> before.
        </p>
      )}
      <form method="post">
        <Section id="own" title={organization}>
          <People accounts={own} />
        </Section>
        <Section id="citizens" title="Citizens">
          <p>
            They open their own page at <code>/me</code>, where records about them are found by their national id. At
            the desk they are nobody.
          </p>
          <Citizens citizens={citizens} />
        </Section>
        <Section id="others" title="Other departments">
          <p>They are nobody here: choose one to see how the node refuses a person without a role.</p>
          <People accounts={others} />
        </Section>
      </form>
    </Frame>
  );
};

const NodeList = ({ clients }: { clients: readonly DemoClient[] }) => (
  <Section id="nodes" title="Nodes of the demo">
    <ul class="plain">
      {clients.map(({ plan, entity }) => (
        <li>
          <a href={`${entity}/sign-in`}>Sign in at the {plan.organization}</a>, or{" "}
          <a href={`${entity}/me`}>open your own page there</a>
        </li>
      ))}
    </ul>
  </Section>
);

/** For whoever comes here without being sent by a node. */
export const StartPage = ({ clients }: { clients: readonly DemoClient[] }) => (
  <Frame title="Demo sign-in" lead="The nodes of the demo send you here to say who you are. Begin at one of them.">
    <NodeList clients={clients} />
  </Frame>
);

/** `form`: where the answer goes, and the token that shows that this page asked. */
export const SignOutPage = ({ form }: { form: { action: string; token: string } }) => (
  <Frame title="Sign out here, too?" lead="Then nothing in this browser says any more who you were.">
    <form method="post" action={form.action} class="space">
      <input type="hidden" name="xsrf" value={form.token} />
      <div class="buttons">
        <button type="submit" name="logout" value="yes">
          Yes, sign out
        </button>
        <button type="submit">No, stay signed in</button>
      </div>
    </form>
  </Frame>
);

export const SignedOutPage = ({ clients }: { clients: readonly DemoClient[] }) => (
  <Frame title="You are signed out" lead="This browser is nobody at the demo's sign-in service now.">
    <NodeList clients={clients} />
  </Frame>
);

export const FaultPage = ({ message, clients }: { message: string; clients: readonly DemoClient[] }) => (
  <Frame title="That did not work" lead="Go back to the node and begin to sign in again.">
    <div class="space">
      <Note kind="warning">
        <p>{message}</p>
      </Note>
    </div>
    <NodeList clients={clients} />
  </Frame>
);
