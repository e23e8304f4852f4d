// `/console/questions`: what people ask about looks at their data and about their records, for who answers. Permits nothing itself.
import { Hono } from "hono";
import type { FC } from "hono/jsx";
import type { Question, QuestionKind, QuestionService } from "../../disclosure/question-service.ts";
import type { Session, SessionService } from "../../identity/session-service.ts";
import { FORM_BYTES_MAX, QUESTION_CHARS_MAX } from "../../limits.ts";
import { Note, type PageFrame, Section } from "../markup.tsx";
import { readFrame, readValues } from "../page-request.ts";
import { createPageSessions } from "../page-session.ts";
import { formatTime } from "../reader-language.ts";
import { ActionForm, answerStaffPage, StaffPage } from "../staff-frame.tsx";

export interface QuestionDeskDeps {
  readonly entity: string;
  readonly basePath: string;
  readonly organizationName: string;
  readonly sessions: SessionService;
  readonly questions: Pick<QuestionService, "listOpen" | "answer">;
}

const KINDS: Readonly<Record<QuestionKind, string>> = {
  ask: "Asks about a look",
  dispute: "Says that a look was wrong",
  correct: "Asks for a correction",
};

interface ItemProps {
  readonly question: Question;
  readonly session: Session;
  readonly frame: PageFrame;
}

const Topic: FC<ItemProps> = ({ question, frame }) => {
  const { topic } = question;
  if ("look" in topic)
    return (
      <>
        Entry {topic.look} of the access log, about <code>{question.registry}</code>
      </>
    );
  return (
    <a href={`${frame.basePath}/console/registries/${topic.registry}/records/${topic.rid}`}>
      The record in {topic.registry}
    </a>
  );
};

const Item: FC<ItemProps> = (props) => {
  const { question, session, frame } = props;
  const { id } = question;
  return (
    <li>
      <h3>
        {KINDS[question.kind]}: <span dir="auto">{question.name}</span>
      </h3>
      <p class="soft">
        <Topic {...props} /> · {formatTime(question.askedAt, frame.reader)}
      </p>
      <p class="text" dir="auto">
        {question.text}
      </p>
      <ActionForm action={`${frame.basePath}/console/questions/answer`} session={session} values={{ id }}>
        <div class="field">
          <label for={`answer-${id}`}>
            Answer<span class="unseen"> to {question.name}</span>
          </label>
          <textarea id={`answer-${id}`} name="text" rows={4} maxlength={QUESTION_CHARS_MAX} required />
        </div>
        <div class="buttons">
          <button type="submit">
            Send the answer<span class="unseen"> to {question.name}</span>
          </button>
        </div>
      </ActionForm>
    </li>
  );
};

export function createQuestionDeskPages(deps: QuestionDeskDeps): Hono {
  const { basePath, questions } = deps;
  const browser = createPageSessions(deps);
  const pages = new Hono();

  pages.get("/console/questions", async (context) => {
    const session = await browser.require(context);
    if (session instanceof Response) return session;
    const frame = readFrame(context, deps);
    const open = await questions.listOpen(session.caller);
    const page = (
      <StaffPage
        title="Questions of people"
        lead="What people ask who found something on their own page. They read the answer there."
        crumbs={[{ href: `${basePath}/console`, text: "Your desk" }]}
        session={session}
        frame={frame}
      >
        {readValues(context).values.done === "answered" && (
          <div role="status" class="space">
            <Note>
              <p>The answer was sent.</p>
            </Note>
          </div>
        )}
        <Section id="open" title="Waiting for an answer">
          {open.length === 0 && <p>Nothing waits for you in this role.</p>}
          <ul class="plain groups">
            {open.map((question) => (
              <Item question={question} session={session} frame={frame} />
            ))}
          </ul>
        </Section>
      </StaffPage>
    );
    return answerStaffPage(context, page);
  });

  pages.post("/console/questions/answer", async (context) => {
    const session = await browser.require(context);
    if (session instanceof Response) return session;
    const form = await browser.readForm(context, session, FORM_BYTES_MAX + QUESTION_CHARS_MAX * 12);
    await questions.answer(session.caller, form.get("id") ?? "", form.get("text") ?? "");
    return context.redirect(`${basePath}/console/questions?done=answered`, 303);
  });

  return pages;
}
