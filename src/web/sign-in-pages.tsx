// `/sign-in`: staff sign in by the department's own sign-in service, and out again; and where browsers of staff and citizens come back from it. Proves nothing itself.
import { type Context, Hono } from "hono";
import type { FC } from "hono/jsx";
import type { CitizenSessionService } from "../identity/citizen-session-service.ts";
import type { SessionService } from "../identity/session-service.ts";
import type { SignInService } from "../identity/sign-in-service.ts";
import { Layout } from "./layout.tsx";
import { Breadcrumb, FOOTER, Note, type PageFrame } from "./markup.tsx";
import { formatAddress, readFrame, readValues } from "./page-request.ts";
import { createCitizenPageSessions, createPageSessions } from "./page-session.ts";
import { answerStaffPage } from "./staff-frame.tsx";

const TITLE = "Sign in";

const SignInPage: FC<{ choices: SignInService["choices"]; returnTo: string; frame: PageFrame }> = (props) => {
  const { choices, returnTo, frame } = props;
  return (
    <Layout
      title={`${TITLE} · ${frame.organizationName}`}
      basePath={frame.basePath}
      header={
        <>
          <Breadcrumb frame={frame} crumbs={[]} />
          <h1>{TITLE}</h1>
          <p class="lead">For the staff of this department. What is public here can be read without signing in.</p>
        </>
      }
      footer={FOOTER}
    >
      <div class="space">
        {choices.length === 0 ? (
          <Note title="Nobody can sign in on these pages yet.">
            <p>
              The operator names the department's sign-in service under <code>sign_in</code> in the node's
              configuration. Until then, programs and the command line work with tokens of this node.
            </p>
          </Note>
        ) : (
          <ul class="plain">
            {choices.map(({ issuer, title }) => (
              <li>
                <a
                  class="button"
                  href={formatAddress(`${frame.basePath}/sign-in/start`, { issuer, return_to: returnTo })}
                >
                  Sign in with {title}
                </a>
              </li>
            ))}
          </ul>
        )}
      </div>
    </Layout>
  );
};

const SignedOutPage: FC<{ signOutUrl: string | undefined; frame: PageFrame }> = ({ signOutUrl, frame }) => (
  <Layout
    title={`Signed out · ${frame.organizationName}`}
    basePath={frame.basePath}
    header={
      <>
        <Breadcrumb frame={frame} crumbs={[]} />
        <h1>You are signed out here</h1>
      </>
    }
    footer={FOOTER}
  >
    <div class="space">
      {signOutUrl !== undefined && (
        <Note kind="warning" title="Your sign-in service may still know you.">
          <p>
            On a desk that others use, <a href={signOutUrl}>sign out there, too</a>: else whoever sits down next could
            come back in without a password.
          </p>
        </Note>
      )}
      <p>
        <a href={`${frame.basePath}/sign-in`}>Sign in again</a>
      </p>
    </div>
  </Layout>
);

export function createSignInPages(deps: {
  readonly entity: string;
  readonly basePath: string;
  readonly organizationName: string;
  readonly sessions: SessionService;
  readonly citizenSessions: CitizenSessionService;
  readonly signIn: SignInService;
}): Hono {
  const { basePath, sessions, citizenSessions, signIn } = deps;
  const browser = createPageSessions(deps);
  const citizenBrowser = createCitizenPageSessions(deps);
  const frameOf = (context: Context): PageFrame => readFrame(context, deps);
  const pages = new Hono();

  pages.get("/sign-in", async (context) => {
    const { return_to } = readValues(context).values;
    const returnTo = browser.cleanReturn(return_to);
    if (await browser.find(context)) return context.redirect(returnTo, 303);
    const page = <SignInPage choices={signIn.choices} returnTo={returnTo} frame={frameOf(context)} />;
    return answerStaffPage(context, page);
  });

  pages.get("/sign-in/start", async (context) => {
    const { issuer, return_to } = readValues(context).values;
    const { location, attempt } = await signIn.start({
      issuer: issuer ?? "",
      as: "staff",
      returnTo: browser.cleanReturn(return_to),
    });
    browser.keepAttempt(context, attempt);
    context.header("cache-control", "no-store");
    return context.redirect(location, 302);
  });

  pages.get("/sign-in/callback", async (context) => {
    context.header("cache-control", "no-store");
    context.header("referrer-policy", "no-referrer");
    const attempt = browser.readAttempt(context);
    // Used once, whatever comes of it.
    browser.dropAttempt(context);
    const signedIn = await signIn.finish({ attempt, answer: readValues(context).values });
    // A new secret at every sign-in: one that somebody else put into this browser never becomes this person's.
    if (signedIn.as === "citizen") {
      const before = citizenBrowser.readSecret(context);
      citizenBrowser.keepSecret(context, await citizenSessions.begin(signedIn.citizen));
      await citizenSessions.end(before);
    } else {
      const before = await browser.find(context);
      browser.keepSecret(context, await sessions.begin(signedIn.person));
      if (before) await sessions.end(before.id);
    }
    return context.redirect(signedIn.returnTo, 303);
  });

  pages.post("/sign-out", async (context) => {
    const session = await browser.find(context);
    if (!session) return context.redirect(`${basePath}/sign-in`, 303);
    await browser.readForm(context, session);
    await sessions.end(session.id);
    browser.dropSecret(context);
    // The issuer being away must not keep anybody signed in here.
    const signOutUrl = await signIn.findSignOutUrl(session.issuer, "staff").catch(() => undefined);
    return answerStaffPage(context, <SignedOutPage signOutUrl={signOutUrl} frame={frameOf(context)} />);
  });

  return pages;
}
