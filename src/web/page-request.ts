// Whether a page or JSON is wanted at an address that has both, and by whom. The headers are untrusted.
import type { Context, Handler, Next } from "hono";
import { accepts } from "hono/accepts";
import { parseReader } from "./accept-language.ts";
import type { PageFrame } from "./markup.tsx";
import type { Reader } from "./reader-language.ts";

/** Of what is at an address that changes with its content. */
export const IMMUTABLE = "public, max-age=31536000, immutable";

const HTML = "text/html";
const JSON_TYPE = "application/json";

/**
 * Whether a page is wanted. Programs that take anything get JSON, and so does who brings a token:
 * a page shows what everybody may see, and a browser that follows a link has no token.
 */
export function prefersPage(context: Context): boolean {
  if (context.req.header("authorization") !== undefined) return false;
  if (context.req.method !== "GET" && context.req.method !== "HEAD") return false;
  return accepts(context, { header: "Accept", supports: [HTML, JSON_TYPE], default: JSON_TYPE }) === HTML;
}

/** Whether a browser sent a form, so that whoever sent it sees the answer as a page. */
export function isForm(context: Context): boolean {
  const type = context.req.header("content-type") ?? "";
  return (
    context.req.method === "POST" &&
    type.startsWith("application/x-www-form-urlencoded") &&
    accepts(context, { header: "Accept", supports: [HTML, JSON_TYPE], default: JSON_TYPE }) === HTML
  );
}

export function readReader(context: Context): Reader {
  return parseReader(context.req.header("accept-language"));
}

/** What every page shows of the node, for whoever asks. */
export function readFrame(
  context: Context,
  { basePath, entity, organizationName }: Omit<PageFrame, "reader">,
): PageFrame {
  return { basePath, entity, organizationName, reader: readReader(context) };
}

/** A handler that answers with a page where one is wanted, and else leaves the address to the API. */
export function pageHandler(answer: (context: Context, reader: Reader) => Promise<Response>): Handler {
  return async (context: Context, next: Next) => {
    context.header("vary", "accept, accept-language, authorization");
    if (!prefersPage(context)) return next();
    return answer(context, readReader(context));
  };
}

/** The query's parameters that say something: a form sends its empty inputs too. The first of each name counts. */
export function readValues(context: Context): { values: Record<string, string>; hasBlanks: boolean } {
  const parameters = [...new URL(context.req.url).searchParams];
  const given = parameters.filter(([, value]) => value.trim() !== "").reverse();
  // Unlike assignment, this makes a member of its own even of "__proto__".
  return { values: Object.fromEntries(given), hasBlanks: given.length < parameters.length };
}

/** An address with a query; none where there is nothing to ask. */
export function formatAddress(path: string, values: Readonly<Record<string, string>>): string {
  const query = new URLSearchParams(Object.entries(values)).toString();
  return query === "" ? path : `${path}?${query}`;
}
