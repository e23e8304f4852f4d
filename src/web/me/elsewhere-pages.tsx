// `/me/elsewhere`: the page from which a citizen's own browser asks other departments. The same for everybody: it takes nothing, and is told nothing of what is chosen on it.
import { Hono } from "hono";
import { AttestryError } from "../../errors.ts";
import type { DirectoryService } from "../../federation/directory-service.ts";
import type { CitizenSessionService } from "../../identity/citizen-session-service.ts";
import type { BrowserSignIn, SignInService } from "../../identity/sign-in-service.ts";
import { ELSEWHERE_DEPARTMENTS_LISTED_MAX } from "../../limits.ts";
import { findPageScript } from "../page-script.ts";
import { createCitizenPageSessions } from "../page-session.ts";
import { type Department, ElsewherePage } from "./elsewhere-page.tsx";
import { answerMePage, type MePlace, readMeFrame } from "./me-frame.tsx";

// The chosen departments, and the sign-in service, whichever they are: the server is not to know.
const CONNECT = ["'self'", "https:"];
const CONNECT_DEVELOPMENT = ["http://127.0.0.1:*", "http://localhost:*"];

export function createElsewherePages(
  deps: MePlace & {
    /** The node's address now. */
    readonly entity: string;
    readonly development: boolean;
    readonly citizenSessions: Pick<CitizenSessionService, "find" | "checkForm">;
    readonly signIn: Pick<SignInService, "listBrowserSignIns">;
    readonly directory: Pick<DirectoryService, "list">;
  },
): Hono {
  const { entity, organizationName, development } = deps;
  const browser = createCitizenPageSessions(deps);
  const connect = development ? [...CONNECT, ...CONNECT_DEVELOPMENT] : CONNECT;
  const pages = new Hono();

  async function listDepartments(): Promise<Department[]> {
    const { members } = await deps.directory.list({ state: "valid", limit: ELSEWHERE_DEPARTMENTS_LISTED_MAX });
    const others = members
      .filter((member) => member.entity !== entity && member.registryTypes.length > 0)
      .map((member) => ({ entity: member.entity, name: member.organizationName ?? undefined, isOwn: false }));
    return [{ entity, name: organizationName, isOwn: true }, ...others];
  }

  /** Undefined where somebody could sign in, but no service answers. */
  async function findSignIns(): Promise<readonly BrowserSignIn[] | undefined> {
    try {
      return await deps.signIn.listBrowserSignIns();
    } catch (error) {
      if (error instanceof AttestryError) return undefined;
      throw error;
    }
  }

  pages.get("/me/elsewhere", async (context) => {
    const frame = readMeFrame(context, deps);
    const [session, departments, signIns] = await Promise.all([
      browser.find(context),
      listDepartments(),
      findSignIns(),
    ]);
    const script = findPageScript("elsewhere");
    const page = <ElsewherePage {...{ session, departments, signIns, script, frame }} node={entity} />;
    return answerMePage(context, { page, frame, script: { connect } });
  });

  return pages;
}
