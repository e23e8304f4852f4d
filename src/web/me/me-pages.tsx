// `/me`: what a citizen sees first. Shows what is the citizen's and nothing else; finds and permits nothing itself.
import { type Context, Hono } from "hono";
import type { CitizenSession, CitizenSessionService } from "../../identity/citizen-session-service.ts";
import { Note } from "../markup.tsx";
import { createCitizenPageSessions } from "../page-session.ts";
import { answerMePage, Contacts, type MeFrame, MePage, type MePlace, readMeFrame } from "./me-frame.tsx";

export interface MePagesDeps extends MePlace {
  readonly entity: string;
  readonly contacts: readonly string[];
  readonly citizenSessions: Pick<CitizenSessionService, "find" | "checkForm">;
}

const HomePage = ({
  session,
  contacts,
  frame,
}: {
  session: CitizenSession;
  contacts: readonly string[];
  frame: MeFrame;
}) => {
  const words = frame.texts.home;
  return (
    <MePage title={frame.texts.myPage} lead={words.lead} frame={frame} session={session}>
      <Note title={words.nothing}>
        <p>{words.nothingHelp}</p>
        <Contacts contacts={contacts} frame={frame} />
      </Note>
    </MePage>
  );
};

export function createMePages(deps: MePagesDeps): Hono {
  const { contacts } = deps;
  const browser = createCitizenPageSessions(deps);
  const pages = new Hono();

  pages.get("/me", async (context: Context) => {
    const session = await browser.require(context);
    if (session instanceof Response) return session;
    const frame = readMeFrame(context, deps);
    return answerMePage(context, { page: <HomePage {...{ session, contacts, frame }} />, frame });
  });

  return pages;
}
