// Sessions of pages over HTTP: cookies, and what a form must bring. The only place that reads or sets a cookie; the API never does, so that no other site can make a browser use it.
import type { Context } from "hono";
import { deleteCookie, getCookie, setCookie } from "hono/cookie";
import { sha256 } from "../crypto/hash.ts";
import { AttestryError } from "../errors.ts";
import type { CitizenSession, CitizenSessionService } from "../identity/citizen-session-service.ts";
import type { Session, SessionService } from "../identity/session-service.ts";
import { FORM_BYTES_MAX, LANGUAGE_COOKIE_SECONDS, SESSION_SECONDS, SIGN_IN_SECONDS } from "../limits.ts";

export interface PageSessions<Held = Session> {
  /** Who is signed in. */
  find(context: Context): Promise<Held | undefined>;
  /** Who is signed in, or where to send the browser so that somebody is. */
  require(context: Context): Promise<Held | Response>;
  /** The fields of a form of this session's own pages. Throws `form_token_invalid`, `body_too_large`, `content_type_unsupported`. */
  readForm(context: Context, session: Held, bytesMax?: number): Promise<URLSearchParams>;
  /** That a script of this session's own pages asks; it brings the form's token as a header. Throws `form_token_invalid`. */
  checkScript(context: Context, session: Held): void;
  /** The secret that the browser holds. */
  readSecret(context: Context): string | undefined;
  keepSecret(context: Context, secret: string): void;
  dropSecret(context: Context): void;
  readAttempt(context: Context): string | undefined;
  keepAttempt(context: Context, attempt: string): void;
  dropAttempt(context: Context): void;
  /** A path of this node's pages for whom the sessions are of; any other, which may be anybody's, is their first page. */
  cleanReturn(path: string | undefined): string;
}

const LANGUAGE = "attestry-language";

/** The language that a reader chose on these pages (untrusted); it says nothing of who reads. */
export function readLanguageCookie(context: Context): string | undefined {
  return getCookie(context, LANGUAGE);
}

export function keepLanguageCookie(context: Context, language: string, { isSecure }: { readonly isSecure: boolean }) {
  const maxAge = LANGUAGE_COOKIE_SECONDS;
  setCookie(context, LANGUAGE, language, { path: "/", httpOnly: true, secure: isSecure, sameSite: "Lax", maxAge });
}

/** Name of the field by which a form shows that a page of this session made it. */
export const FORM_TOKEN = "form_token";
/** Name of the header by which a script shows the same. */
export const FORM_TOKEN_HEADER = "attestry-form-token";

interface Held<One> {
  find(secret: string | undefined): Promise<One | undefined>;
  checkForm(session: One, formToken: string | undefined): void;
}

interface Node {
  readonly entity: string;
  readonly basePath: string;
}

/** Those of staff: of the desk. */
export function createPageSessions(
  deps: Node & { readonly sessions: Pick<SessionService, "find" | "checkForm"> },
): PageSessions {
  return createSessionsOf<Session>({ ...deps, cookie: "session", home: "/console", signIn: "/sign-in" });
}

/** Those of citizens, under a cookie of their own: a clerk's own page and the desk never mix. */
export function createCitizenPageSessions(
  deps: Node & { readonly citizenSessions: Pick<CitizenSessionService, "find" | "checkForm"> },
): PageSessions<CitizenSession> {
  const { citizenSessions: sessions } = deps;
  return createSessionsOf<CitizenSession>({ ...deps, sessions, cookie: "me", home: "/me", signIn: "/me/sign-in" });
}

/** The fields of a form of nobody's session. Throws `body_too_large`, `content_type_unsupported`. */
export async function readFields(context: Context, bytesMax: number = FORM_BYTES_MAX): Promise<URLSearchParams> {
  const type = (context.req.header("content-type") ?? "").split(";")[0]!.trim().toLowerCase();
  if (type !== "application/x-www-form-urlencoded")
    throw new AttestryError("content_type_unsupported", "a form is sent as application/x-www-form-urlencoded");
  const chunks: Uint8Array[] = [];
  let bytes = 0;
  for await (const chunk of context.req.raw.body ?? []) {
    bytes += chunk.length;
    if (bytes > bytesMax) throw new AttestryError("body_too_large", `a form has at most ${bytesMax} bytes`);
    chunks.push(chunk);
  }
  return new URLSearchParams(Buffer.concat(chunks).toString("utf8"));
}

function createSessionsOf<One>(
  deps: Node & {
    readonly sessions: Held<One>;
    readonly cookie: string;
    /** Paths below the node's. */
    readonly home: string;
    readonly signIn: string;
  },
): PageSessions<One> {
  const { entity, basePath, sessions, cookie } = deps;
  const { origin, protocol } = new URL(entity);
  const isSecure = protocol === "https:";
  // Nodes of one host share its cookies, whatever their ports and paths.
  const tag = Buffer.from(sha256(entity)).toString("hex").slice(0, 8);
  // __Host-: no other host of the domain, and nobody without https, can set or overwrite it (RFC 6265bis §4.1.3.2).
  const name = (what: string) => `${isSecure ? "__Host-" : ""}attestry-${what}-${tag}`;
  const options = { path: "/", httpOnly: true, secure: isSecure, sameSite: "Lax" } as const;
  const home = `${basePath}${deps.home}`;

  function checkSameSite(context: Context): void {
    const site = context.req.header("sec-fetch-site");
    const from = context.req.header("origin");
    // Pages send no referrer, and therefore "null" as their origin; the browser's own word on the site is better where it has one.
    const isForeign =
      site !== undefined ? site !== "same-origin" : from !== undefined && from !== "null" && from !== origin;
    if (isForeign) throw new AttestryError("form_token_invalid", "the form was sent by another site");
  }

  const find: PageSessions<One>["find"] = (context) => sessions.find(getCookie(context, name(cookie)));

  return {
    find,
    async require(context) {
      const session = await find(context);
      if (session) return session;
      const { pathname, search } = new URL(context.req.url);
      const wanted = context.req.method === "GET" ? `?${new URLSearchParams({ return_to: pathname + search })}` : "";
      return context.redirect(`${basePath}${deps.signIn}${wanted}`, 303);
    },
    async readForm(context, session, bytesMax = FORM_BYTES_MAX) {
      checkSameSite(context);
      const fields = await readFields(context, bytesMax);
      sessions.checkForm(session, fields.get(FORM_TOKEN) ?? undefined);
      return fields;
    },
    checkScript(context, session) {
      checkSameSite(context);
      sessions.checkForm(session, context.req.header(FORM_TOKEN_HEADER));
    },
    readSecret: (context) => getCookie(context, name(cookie)),
    keepSecret: (context, secret) => setCookie(context, name(cookie), secret, { ...options, maxAge: SESSION_SECONDS }),
    dropSecret: (context) => void deleteCookie(context, name(cookie), options),
    readAttempt: (context) => getCookie(context, name("sign-in")),
    keepAttempt: (context, attempt) =>
      setCookie(context, name("sign-in"), attempt, { ...options, maxAge: SIGN_IN_SECONDS }),
    dropAttempt: (context) => void deleteCookie(context, name("sign-in"), options),
    cleanReturn(path) {
      if (path === undefined || !path.startsWith("/") || !URL.canParse(path, entity)) return home;
      const url = new URL(path, entity);
      // What somebody shared is read in the same languages.
      const isShared = url.pathname.startsWith(`${basePath}/shared/`);
      const isOurs =
        url.origin === origin && (isShared || url.pathname === home || url.pathname.startsWith(`${home}/`));
      return isOurs ? `${url.pathname}${url.search}` : home;
    },
  };
}
