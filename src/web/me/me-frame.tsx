// The frame of a citizen's pages: in the reader's language, with the person's name, the four pages and the way out. Decides nothing.
import type { Context } from "hono";
import type { Child, FC } from "hono/jsx";
import type { ContentfulStatusCode } from "hono/utils/http-status";
import type { NotificationChoices } from "../../disclosure/notification-choice-service.ts";
import type { CitizenSession } from "../../identity/citizen-session-service.ts";
import { answerPage, Layout } from "../layout.tsx";
import { Breadcrumb, type PageFrame } from "../markup.tsx";
import { formatAddress, readReader } from "../page-request.ts";
import { readLanguageCookie } from "../page-session.ts";
import { ActionForm } from "../staff-frame.tsx";
import { chooseLanguage, ME_LANGUAGES, type MeLanguage, readerOf } from "./languages.ts";
import { isolate } from "./me-names.ts";
import { ME_STYLE } from "./me-style.ts";
import type { MeTexts } from "./texts/en.ts";

/** What a page is written with, and for whom. */
export interface MeFrame extends PageFrame {
  readonly language: MeLanguage;
  readonly texts: MeTexts;
  /** The page's own address, for the choice of language to come back to. */
  readonly path: string;
  /** Whether people may choose to be told that something happened. */
  readonly sendsNotifications: boolean;
}

export interface MePlace {
  readonly basePath: string;
  /** In whose name the node's records are. */
  readonly names: string;
  readonly organizationName: string;
  readonly notificationChoices: Pick<NotificationChoices, "offered">;
}

/** Reads the wanted language; all of it is untrusted. */
export function readMeFrame(
  context: Context,
  { basePath, names, organizationName, notificationChoices }: MePlace,
): MeFrame {
  const browser = readReader(context);
  const language = chooseLanguage(readLanguageCookie(context), browser);
  const { pathname, search } = new URL(context.req.url);
  return {
    basePath,
    entity: names,
    organizationName,
    reader: readerOf(language, browser),
    valueWords: language.texts.value,
    language,
    texts: language.texts,
    sendsNotifications: notificationChoices.offered.length > 0,
    // A form goes to an address below that of its page.
    path: context.req.method === "GET" ? `${pathname}${search}` : pathname.slice(0, pathname.lastIndexOf("/")),
  };
}

const LanguageChoice: FC<{ frame: MeFrame }> = ({ frame }) => (
  <nav aria-label={frame.texts.language} class="languages">
    <ul>
      {ME_LANGUAGES.map(({ tag, name, direction }) => (
        <li>
          <a
            href={formatAddress(`${frame.basePath}/me/language`, { to: tag, return_to: frame.path })}
            lang={tag}
            dir={direction}
            hreflang={tag}
            {...(tag === frame.language.tag && { "aria-current": "true" as const })}
          >
            {name}
          </a>
        </li>
      ))}
    </ul>
  </nav>
);

const PageLinks: FC<{ frame: MeFrame }> = ({ frame }) => {
  const { texts, basePath, path, sendsNotifications } = frame;
  const current = path.split("?", 1)[0]!;
  const links = [
    { href: `${basePath}/me`, text: texts.records },
    { href: `${basePath}/me/consents`, text: texts.consents },
    { href: `${basePath}/me/share`, text: texts.shares },
    { href: `${basePath}/me/usage`, text: texts.usage },
    { href: `${basePath}/me/questions`, text: texts.myQuestions },
    ...(sendsNotifications ? [{ href: `${basePath}/me/notifications`, text: texts.notifications.link }] : []),
    { href: `${basePath}/me/download`, text: texts.download },
    { href: `${basePath}/me/elsewhere`, text: texts.elsewhere.tab },
  ];
  const currentOf = (href: string): { "aria-current"?: "page" | "true" } => {
    if (href === current) return { "aria-current": "page" };
    return href !== links[0]!.href && current.startsWith(`${href}/`) ? { "aria-current": "true" } : {};
  };
  return (
    <nav aria-label={texts.pages} class="tabs">
      <ul>
        {links.map(({ href, text }) => (
          <li>
            <a href={href} {...currentOf(href)}>
              {text}
            </a>
          </li>
        ))}
      </ul>
    </nav>
  );
};

const SignedIn: FC<{ frame: MeFrame; session: CitizenSession }> = ({ frame, session }) => (
  <div class="buttons">
    <span class="soft">{frame.texts.signedInAs(isolate(session.caller.name))}</span>
    <ActionForm action={`${frame.basePath}/me/sign-out`} session={session}>
      <button type="submit" class="quiet">
        {frame.texts.signOut}
      </button>
    </ActionForm>
  </div>
);

export const MePage: FC<{
  title: string;
  lead: Child;
  frame: MeFrame;
  /** Left out on the pages before and after it. */
  session?: CitizenSession | undefined;
  /** Path of the page's program below the base path, for the one that has one. */
  script?: string | undefined;
  children?: Child;
}> = ({ title, lead, frame, session, script, children }) => (
  <Layout
    title={`${title} · ${frame.organizationName}`}
    basePath={frame.basePath}
    language={frame.language}
    script={script}
    styles={[ME_STYLE]}
    header={
      <>
        <LanguageChoice frame={frame} />
        <Breadcrumb frame={frame} crumbs={[]} label={frame.texts.youAreHere} />
        <h1>{title}</h1>
        <p class="lead">{lead}</p>
        {session && <SignedIn frame={frame} session={session} />}
        {session && <PageLinks frame={frame} />}
      </>
    }
    footer={frame.texts.footer}
  >
    {children}
  </Layout>
);

/** A page that is one person's: kept by nobody, not even for the way back after signing out. */
export async function answerMePage(
  context: Context,
  {
    page,
    frame,
    status = 200,
    script,
  }: { page: Child; frame: MeFrame; status?: ContentfulStatusCode; script?: Parameters<typeof answerPage>[3] },
): Promise<Response> {
  const response = await answerPage(context, page, status, script);
  response.headers.set("cache-control", "private, no-store");
  response.headers.set("content-language", frame.language.tag);
  return response;
}

/** A file of this person's own: kept by no cache. */
export function answerFile(context: Context, name: string, content: unknown): Response {
  context.header("cache-control", "private, no-store");
  context.header("content-disposition", `attachment; filename="${name}"`);
  return context.json(content as Parameters<Context["json"]>[0]);
}

/** Where a reader without an answer can ask: the contacts of the node. */
export const Contacts: FC<{
  contacts: readonly string[];
  frame: MeFrame;
}> = ({ contacts, frame }) =>
  contacts.length === 0 ? (
    <p>{frame.texts.home.noContacts}</p>
  ) : (
    <ul class="plain">
      {contacts.map((contact) => (
        <li>
          <bdi>{contactLink(contact)}</bdi>
        </li>
      ))}
    </ul>
  );

function contactLink(contact: string): Child {
  if (/^https?:\/\//i.test(contact)) return <a href={contact}>{contact}</a>;
  const address = contact.replace(/^mailto:/i, "");
  return /^[^\s@]+@[^\s@]+$/.test(address) ? <a href={`mailto:${address}`}>{address}</a> : contact;
}
