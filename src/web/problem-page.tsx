// An error as a page for people: what happened, and where to go from here. Decides no status and knows no cause.
import type { Context } from "hono";
import type { FC } from "hono/jsx";
import type { ContentfulStatusCode } from "hono/utils/http-status";
import type { ErrorDetail } from "../errors.ts";
import { answerPage, Layout } from "./layout.tsx";
import { FOOTER, Note } from "./markup.tsx";
import type { MePlace } from "./me/me-frame.tsx";
import { answerMeProblem, isMePath } from "./me/me-problem.tsx";
import { isForm, prefersPage } from "./page-request.ts";

/** Problem details (RFC 9457) as this node answers them. */
interface Problem {
  readonly status: ContentfulStatusCode;
  readonly code: string;
  readonly detail: string;
  readonly errors?: readonly ErrorDetail[];
}

const TITLES: Readonly<Record<string, string>> = {
  registry_unknown: "There is no such registry here",
  record_unknown: "There is no such record here",
  version_unknown: "There is no such version",
  not_in_effect: "Not in effect on that day",
  record_erased: "This record was erased",
  version_erased: "This version was erased",
  authentication_required: "These records are not open to everybody",
  permission_denied: "These records are not open to everybody",
  not_found: "There is nothing at this address",
  sign_in_failed: "You are not signed in",
  role_not_granted: "You have no role at this node",
  sign_in_unavailable: "The sign-in service does not answer",
  form_token_invalid: "The form could not be taken",
  session_unknown: "There is no such session",
  report_unknown: "There is no such report",
  query_invalid: "The address asks for something that cannot be answered",
  database_unavailable: "The register cannot be read just now",
};

const HELP: Readonly<Record<string, string>> = {
  record_unknown:
    "The address may have been copied incompletely. An address that you were given elsewhere may be of another department's node: check the part before “/registries”.",
  not_in_effect:
    "It was recorded, but nothing of it was in effect at the time asked for. Look at another day, or at today.",
  record_erased:
    "The department destroyed its content, for example because a law or the person concerned asked for it. That there was a record, and that it was erased, stays in the log; nobody can bring back what it said.",
  version_erased:
    "The department destroyed what this version said, for example because it was about somebody else. The record's other versions are as they were; its history says when the version was erased.",
  authentication_required:
    "Only those may read them whom the department's rules name. If a record is about you, ask the department for a copy.",
  role_not_granted:
    "Your sign-in service knows you, and none of your groups there means a role here. The operator of this node can say which ones do.",
  form_token_invalid: "Nothing was changed. Go back, load the page again, and send the form once more.",
  database_unavailable: "Nothing is lost. Try again in a minute.",
};

const PROBLEM_TITLE = "This page cannot be shown";

/** The addresses above this one that have pages: the record, its registry, the list of registries. */
function listWaysOn(path: string, basePath: string): { href: string; text: string }[] {
  const match = /^\/registries\/([a-z][a-z0-9-]{0,62})(?:\/records(?:\/([0-9a-f-]{36}))?)?/.exec(
    path.slice(basePath.length),
  );
  const base = `${basePath}/registries`;
  const [, registry, rid] = match ?? [];
  return [
    ...(rid !== undefined ? [{ href: `${base}/${registry}/records/${rid}`, text: "The record as it is today" }] : []),
    ...(registry !== undefined
      ? [
          { href: `${base}/${registry}/records`, text: "Search this registry" },
          { href: `${base}/${registry}`, text: "About this registry" },
        ]
      : []),
    { href: base, text: "All registries of this department" },
    { href: basePath === "" ? "/" : basePath, text: "Start page" },
  ];
}

/** Messages of this program begin small and end without a stop, to stand in a log. */
export function formatSentence(message: string): string {
  return `${message.charAt(0).toUpperCase()}${message.slice(1)}${/[.!?…]$/.test(message) ? "" : "."}`;
}

const ProblemPage: FC<{ problem: Problem; path: string; hasQuery: boolean; basePath: string }> = (props) => {
  const { problem, path, basePath } = props;
  const title = TITLES[problem.code] ?? PROBLEM_TITLE;
  const help = HELP[problem.code];
  // Who is already there needs no way there; what does not exist leads nowhere.
  const ways = listWaysOn(path, basePath).filter(
    ({ href }) =>
      (href !== path || props.hasQuery) &&
      !(problem.code === "registry_unknown" && href.startsWith(`${basePath}/registries/`)),
  );
  const gone = ["record_unknown", "record_erased"].includes(problem.code);
  return (
    <Layout
      title={title}
      basePath={basePath}
      header={
        <>
          <p class="kind">Error {problem.status}</p>
          <h1>{title}</h1>
        </>
      }
      footer={FOOTER}
    >
      <div class="space">
        <Note>
          {help !== undefined && <p>{help}</p>}
          <p class={help === undefined ? "" : "soft"}>{formatSentence(problem.detail)}</p>
          {problem.errors !== undefined && (
            <ul>
              {problem.errors.map(({ field, message }) => (
                <li>
                  <code>{field}</code> {message}
                </li>
              ))}
            </ul>
          )}
        </Note>
        <nav aria-label="Ways on">
          <ul class="plain">
            {ways
              .filter(({ href }) => !(gone && href === path))
              .map(({ href, text }) => (
                <li>
                  <a href={href}>{text}</a>
                </li>
              ))}
          </ul>
        </nav>
        <p class="soft">
          Code <code>{problem.code}</code>
        </p>
      </div>
    </Layout>
  );
};

/** The answer as a page where one is wanted and it is a problem; else as it is. */
export async function answerProblemPage(
  context: Context,
  answer: Response | Promise<Response>,
  options: MePlace,
): Promise<Response> {
  const response = await answer;
  if (!prefersPage(context) && !isForm(context)) return response;
  const problem = (await response.json()) as Problem;
  const { pathname, search } = new URL(context.req.url);
  context.header("vary", "accept, authorization");
  if (isMePath(pathname, options.basePath)) return answerMeProblem(context, problem, options);
  return answerPage(
    context,
    <ProblemPage problem={problem} path={pathname} hasQuery={search !== ""} basePath={options.basePath} />,
    problem.status,
  );
}
