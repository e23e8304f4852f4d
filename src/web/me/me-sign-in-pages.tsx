// `/me/sign-in`: citizens sign in and out, and choose a language. Where browsers come back from the sign-in service is sign-in-pages.tsx. Proves nothing itself.
import { type Context, Hono } from "hono";
import type { FC } from "hono/jsx";
import type { CitizenSessionService } from "../../identity/citizen-session-service.ts";
import type { SignInChoice, SignInService } from "../../identity/sign-in-service.ts";
import { Note } from "../markup.tsx";
import { formatAddress, readValues } from "../page-request.ts";
import { createCitizenPageSessions, keepLanguageCookie } from "../page-session.ts";
import { findLanguage } from "./languages.ts";
import { answerMePage, Contacts, type MeFrame, MePage, type MePlace, readMeFrame } from "./me-frame.tsx";
import { ME_STYLE } from "./me-style.ts";

interface SignInProps {
  readonly choices: readonly SignInChoice[];
  readonly returnTo: string;
  readonly contacts: readonly string[];
  readonly frame: MeFrame;
}

const SignInPage: FC<SignInProps> = ({ choices, returnTo, contacts, frame }) => {
  const words = frame.texts.signIn;
  return (
    <MePage title={words.title} lead={words.lead} frame={frame}>
      <div class="space">
        {choices.length === 0 ? (
          <Note title={words.nobody}>
            <p>{words.nobodyHelp}</p>
            <Contacts contacts={contacts} frame={frame} />
          </Note>
        ) : (
          <ul class="plain">
            {choices.map(({ issuer, title }) => (
              <li>
                <a
                  class="button"
                  href={formatAddress(`${frame.basePath}/me/sign-in/start`, { issuer, return_to: returnTo })}
                >
                  {words.by(title)}
                </a>
              </li>
            ))}
          </ul>
        )}
      </div>
    </MePage>
  );
};

const SignedOutPage: FC<{ signOutUrl: string | undefined; frame: MeFrame }> = ({ signOutUrl, frame }) => {
  const words = frame.texts.signIn;
  return (
    <MePage title={words.outTitle} lead="" frame={frame}>
      <div class="space">
        {signOutUrl !== undefined && (
          <Note kind="warning" title={words.stillKnown}>
            <p>{words.stillKnownHelp}</p>
            <p>
              <a href={signOutUrl}>{words.outThere}</a>
            </p>
          </Note>
        )}
        <p>
          <a href={`${frame.basePath}/me/sign-in`}>{words.again}</a>
        </p>
      </div>
    </MePage>
  );
};

export interface MeSignInDeps extends MePlace {
  readonly entity: string;
  readonly contacts: readonly string[];
  readonly citizenSessions: CitizenSessionService;
  readonly signIn: SignInService;
}

export function createMeSignInPages(deps: MeSignInDeps): Hono {
  const { entity, basePath, contacts, citizenSessions, signIn } = deps;
  const browser = createCitizenPageSessions(deps);
  const frameOf = (context: Context): MeFrame => readMeFrame(context, deps);
  const pages = new Hono();

  pages.get("/me/sign-in", async (context) => {
    const returnTo = browser.cleanReturn(readValues(context).values.return_to);
    if (await browser.find(context)) return context.redirect(returnTo, 303);
    const frame = frameOf(context);
    const page = <SignInPage choices={signIn.citizenChoices} {...{ returnTo, contacts, frame }} />;
    return answerMePage(context, { page, frame });
  });

  pages.get("/me/sign-in/start", async (context) => {
    const { issuer, return_to } = readValues(context).values;
    const returnTo = browser.cleanReturn(return_to);
    const { location, attempt } = await signIn.start({ issuer: issuer ?? "", as: "citizen", returnTo });
    browser.keepAttempt(context, attempt);
    context.header("cache-control", "no-store");
    return context.redirect(location, 302);
  });

  pages.post("/me/sign-out", async (context) => {
    const session = await browser.find(context);
    if (!session) return context.redirect(`${basePath}/me/sign-in`, 303);
    await browser.readForm(context, session);
    await citizenSessions.end(browser.readSecret(context));
    browser.dropSecret(context);
    // The issuer being away must not keep anybody signed in here.
    const signOutUrl = await signIn.findSignOutUrl(session.caller.issuer, "citizen").catch(() => undefined);
    const frame = frameOf(context);
    return answerMePage(context, { page: <SignedOutPage {...{ signOutUrl, frame }} />, frame });
  });

  // By a link, for who is not signed in, too: all that it changes is in what language this browser reads.
  pages.get("/me/language", (context) => {
    const { to, return_to } = readValues(context).values;
    const language = findLanguage(to);
    if (language) keepLanguageCookie(context, language.tag, { isSecure: entity.startsWith("https:") });
    context.header("cache-control", "no-store");
    return context.redirect(browser.cleanReturn(return_to), 303);
  });

  pages.get(ME_STYLE.path, (context) =>
    context.body(ME_STYLE.text, 200, {
      "content-type": ME_STYLE.mediaType,
      "cache-control": "public, max-age=31536000, immutable",
    }),
  );

  return pages;
}
