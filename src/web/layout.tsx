// The frame of every page: head, skip link, landmarks, and the headers that go with it. Knows no page's content.
import type { Context } from "hono";
import { raw } from "hono/html";
import type { Child, FC } from "hono/jsx";
import type { ContentfulStatusCode } from "hono/utils/http-status";
import { type Asset, SITE_ICON, STYLE } from "./style.ts";

// No script, no frame, nothing from elsewhere: what a page shows is what this node wrote, and its forms ask this node.
const CONTENT_SECURITY_POLICY = [
  "default-src 'none'",
  "style-src 'self'",
  "img-src 'self'",
  "base-uri 'none'",
  "form-action 'self'",
  "frame-ancestors 'none'",
];

/** For a page with a script: only this node's files run, none of them makes markup out of text, and they ask nobody but `connect`. */
function allowScript(connect: readonly string[]): string[] {
  return [
    ...CONTENT_SECURITY_POLICY,
    "script-src 'self'",
    `connect-src ${connect.join(" ")}`,
    "require-trusted-types-for 'script'",
    "trusted-types 'none'",
  ];
}

/** In what a page is written. */
export interface PageLanguage {
  readonly tag: string;
  /** Left out of pages that are in English only. */
  readonly direction?: "ltr" | "rtl";
  /** What the first link of each page is called. */
  readonly skip: string;
}

const ENGLISH: PageLanguage = { tag: "en", skip: "Skip to content" };

interface LayoutProps {
  readonly title: string;
  readonly basePath: string;
  readonly header: Child;
  readonly footer: Child;
  /** Path of the page's script below the base path, for the few that have one. */
  readonly script?: string | undefined;
  /** Further style sheets, for pages of a look of their own. */
  readonly styles?: readonly Asset[];
  readonly language?: PageLanguage;
  readonly children?: Child;
}

export const Layout: FC<LayoutProps> = ({
  title,
  basePath,
  header,
  footer,
  script,
  styles = [],
  language = ENGLISH,
  children,
}) => (
  <html lang={language.tag} dir={language.direction}>
    <head>
      <meta charset="utf-8" />
      <meta name="viewport" content="width=device-width, initial-scale=1" />
      <title>{title}</title>
      {[STYLE, ...styles].map(({ path }) => (
        <link rel="stylesheet" href={`${basePath}${path}`} />
      ))}
      <link rel="icon" type={SITE_ICON.mediaType} href={`${basePath}${SITE_ICON.path}`} />
      {script !== undefined && <script type="module" src={`${basePath}${script}`} />}
    </head>
    <body>
      <a class="skip" href="#content">
        {language.skip}
      </a>
      <header class="top">
        <div class="wrap">{header}</div>
      </header>
      <main id="content" class="wrap" tabindex={-1}>
        {children}
      </main>
      <footer>
        <div class="wrap">{footer}</div>
      </footer>
    </body>
  </html>
);

/** Answers a page with the headers that every page has. `no-cache`: kept, but asked for anew before it is shown. */
export async function answerPage(
  context: Context,
  page: Child,
  status: ContentfulStatusCode = 200,
  script?: { readonly connect: readonly string[] },
): Promise<Response> {
  const policy = script ? allowScript(script.connect) : CONTENT_SECURITY_POLICY;
  context.header("content-language", ENGLISH.tag);
  context.header("content-security-policy", policy.join("; "));
  context.header("referrer-policy", "no-referrer");
  context.header("cross-origin-opener-policy", "same-origin");
  context.header("cache-control", "no-cache");
  return context.html(
    <>
      {raw("<!doctype html>")}
      {page}
    </>,
    status,
  );
}
