// An error on a citizen's page, in the reader's language: what happened, and where to go from here. Decides no status.
import type { Context } from "hono";
import type { ContentfulStatusCode } from "hono/utils/http-status";
import { Note } from "../markup.tsx";
import { answerMePage, MePage, type MePlace, readMeFrame } from "./me-frame.tsx";
import type { MeTexts } from "./texts/en.ts";

function describe(code: string, { problem }: MeTexts): string {
  if (code === "form_token_invalid") return problem.form;
  if (code === "sign_in_unavailable") return problem.unavailable;
  if (code === "sign_in_failed") return problem.signIn;
  return code.endsWith("_unknown") || code === "not_found" ? problem.nothing : problem.other;
}

/** Whether an address is one of a citizen's pages. */
export function isMePath(path: string, basePath: string): boolean {
  return path === `${basePath}/me` || path.startsWith(`${basePath}/me/`);
}

export async function answerMeProblem(
  context: Context,
  problem: { readonly status: ContentfulStatusCode; readonly code: string },
  place: MePlace,
): Promise<Response> {
  const frame = readMeFrame(context, place);
  const { texts, basePath } = frame;
  const page = (
    <MePage title={texts.problem.title} lead="" frame={frame}>
      <div class="space">
        <Note>
          <p>{describe(problem.code, texts)}</p>
        </Note>
        <p>
          <a href={`${basePath}/me`}>{texts.problem.back}</a>
        </p>
        <p class="soft">
          <code dir="ltr">{problem.code}</code>
        </p>
      </div>
    </MePage>
  );
  return answerMePage(context, { page, frame, status: problem.status });
}
