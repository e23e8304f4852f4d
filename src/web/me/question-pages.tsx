// `/me/questions`: what a citizen asked the office, and what it answered. Parses, calls one service, answers.
import { type Context, Hono } from "hono";
import type { FC } from "hono/jsx";
import type { Question, QuestionKind, QuestionService, QuestionTopic } from "../../disclosure/question-service.ts";
import { AttestryError } from "../../errors.ts";
import type { CitizenSession, CitizenSessionService } from "../../identity/citizen-session-service.ts";
import { FORM_BYTES_MAX, QUESTION_CHARS_MAX } from "../../limits.ts";
import { Note, Section } from "../markup.tsx";
import { readValues } from "../page-request.ts";
import { createCitizenPageSessions } from "../page-session.ts";
import { ActionForm } from "../staff-frame.tsx";
import { dayOf } from "./consent-cards.tsx";
import { answerMePage, type MeFrame, MePage, type MePlace, readMeFrame } from "./me-frame.tsx";
import { type MeNames, type MeNamesDeps, readNames } from "./me-names.ts";

export interface QuestionPagesDeps extends MePlace, MeNamesDeps {
  readonly entity: string;
  readonly citizenSessions: Pick<CitizenSessionService, "find" | "checkForm">;
  readonly questions: Pick<QuestionService, "ask" | "listOwn">;
}

type Values = Readonly<Record<string, string | undefined>>;

/** What a form is about (untrusted). */
function readTopic({ look, registry, rid }: Values): QuestionTopic | undefined {
  if (look !== undefined && /^\d{1,15}$/.test(look)) return { look: Number(look) };
  return registry !== undefined && rid !== undefined ? { registry, rid } : undefined;
}

function readKind(text: string | undefined, topic: QuestionTopic): QuestionKind {
  if ("rid" in topic) return "correct";
  return text === "dispute" ? "dispute" : "ask";
}

/** In words, where it is one of the person's own. */
function describeTopic(topic: QuestionTopic, names: MeNames, { texts }: MeFrame): string {
  const words = texts.questions;
  return "look" in topic ? words.aboutLook(topic.look) : words.aboutRecord(names.registry(topic.registry));
}

const hiddenOf = (topic: QuestionTopic): Record<string, string> =>
  "look" in topic ? { look: String(topic.look) } : { registry: topic.registry, rid: topic.rid };

interface FormProps {
  readonly topic: QuestionTopic;
  readonly text: string;
  readonly kind: QuestionKind;
  readonly fault: string | undefined;
  readonly names: MeNames;
  readonly session: CitizenSession;
  readonly frame: MeFrame;
}

const FormPage: FC<FormProps> = ({ topic, text, kind, fault, names, session, frame }) => {
  const words = frame.texts.questions;
  return (
    <MePage title={words.newTitle} lead={words.newLead} frame={frame} session={session}>
      <div class="space">
        {fault !== undefined && (
          <div role="alert">
            <p class="fault">{fault}</p>
          </div>
        )}
        <p>{describeTopic(topic, names, frame)}</p>
        <div class="choice">
          <ActionForm action={`${frame.basePath}/me/questions/send`} session={session} values={hiddenOf(topic)}>
            {"look" in topic && (
              <fieldset>
                <legend>{words.kind}</legend>
                {(["ask", "dispute"] as const).map((one) => (
                  <div class="tick">
                    <input type="radio" name="kind" value={one} id={`kind-${one}`} checked={one === kind} />
                    <label for={`kind-${one}`}>{words.kinds[one]}</label>
                  </div>
                ))}
              </fieldset>
            )}
            <div class="field">
              <label for="text">{"look" in topic ? words.message : words.correction}</label>
              <textarea
                id="text"
                name="text"
                rows={6}
                maxlength={QUESTION_CHARS_MAX}
                required
                {...(fault !== undefined && { "aria-invalid": "true" as const })}
              >
                {text}
              </textarea>
            </div>
            <div class="buttons">
              <button type="submit">{words.send}</button>
            </div>
          </ActionForm>
        </div>
      </div>
    </MePage>
  );
};

const QuestionItem: FC<{ question: Question; names: MeNames; frame: MeFrame }> = ({ question, names, frame }) => {
  const words = frame.texts.questions;
  const { answer, answeredAt } = question;
  return (
    <li>
      <p>
        <strong>{words.askedOn(dayOf(question.askedAt, frame))}</strong> {words.kinds[question.kind]}.{" "}
        {describeTopic(question.topic, names, frame)}
      </p>
      <blockquote>
        <p class="text" dir="auto">
          {question.text}
        </p>
      </blockquote>
      {answer === undefined || answeredAt === undefined ? (
        <p class="soft">{words.waiting}</p>
      ) : (
        <>
          <p>{words.answeredOn(dayOf(answeredAt, frame), frame.texts.roles[answer.role] ?? frame.texts.somebody)}</p>
          <blockquote>
            <p class="text" dir="auto">
              {answer.text}
            </p>
          </blockquote>
        </>
      )}
    </li>
  );
};

export function createQuestionPages(deps: QuestionPagesDeps): Hono {
  const { basePath, questions } = deps;
  const browser = createCitizenPageSessions(deps);
  const pages = new Hono();

  const namesOf = (topics: readonly QuestionTopic[], { reader }: MeFrame) =>
    readNames(deps, {
      registries: topics.flatMap((topic) => ("rid" in topic ? topic.registry : [])),
      parties: [],
      reader,
    });

  async function answerForm(
    context: Context,
    session: CitizenSession,
    { topic, text, kind, fault }: Pick<FormProps, "topic" | "text" | "kind" | "fault">,
  ): Promise<Response> {
    const frame = readMeFrame(context, deps);
    const names = await namesOf([topic], frame);
    const page = <FormPage {...{ topic, text, kind, fault, names, session, frame }} />;
    return answerMePage(context, { page, frame, status: fault === undefined ? 200 : 422 });
  }

  pages.get("/me/questions", async (context) => {
    const session = await browser.require(context);
    if (session instanceof Response) return session;
    const frame = readMeFrame(context, deps);
    const own = await questions.listOwn(session.caller);
    const topics = own.map(({ topic }) => topic);
    const names = await namesOf(topics, frame);
    const words = frame.texts.questions;
    const page = (
      <MePage title={words.title} lead={words.lead} frame={frame} session={session}>
        {readValues(context).values.done === "sent" && (
          <div role="status" class="space">
            <Note>
              <p>{words.sent}</p>
            </Note>
          </div>
        )}
        <Section id="questions" title={words.yours}>
          {own.length === 0 && <p>{words.none}</p>}
          <ol class="timeline">
            {own.map((question) => (
              <QuestionItem question={question} names={names} frame={frame} />
            ))}
          </ol>
        </Section>
      </MePage>
    );
    return answerMePage(context, { page, frame });
  });

  pages.get("/me/questions/new", async (context) => {
    const session = await browser.require(context);
    if (session instanceof Response) return session;
    const { values } = readValues(context);
    const topic = readTopic(values);
    if (!topic) throw new AttestryError("not_found", "a question is about a look or a record");
    return answerForm(context, session, { topic, text: "", kind: readKind(values.kind, topic), fault: undefined });
  });

  pages.post("/me/questions/send", async (context) => {
    const session = await browser.require(context);
    if (session instanceof Response) return session;
    const form = await browser.readForm(context, session, FORM_BYTES_MAX + QUESTION_CHARS_MAX * 12);
    const topic = readTopic(Object.fromEntries(form));
    if (!topic) throw new AttestryError("not_found", "a question is about a look or a record");
    const text = form.get("text") ?? "";
    const kind = readKind(form.get("kind") ?? undefined, topic);
    const words = readMeFrame(context, deps).texts.questions;
    try {
      await questions.ask(session.caller, { kind, text, topic });
    } catch (error) {
      if (!(error instanceof AttestryError)) throw error;
      const faults = new Map([
        ["request_invalid", words.badText(QUESTION_CHARS_MAX)],
        ["questions_too_many", words.tooMany],
      ]);
      const fault = faults.get(error.code);
      if (fault === undefined) throw error;
      return answerForm(context, session, { topic, text, kind, fault });
    }
    return context.redirect(`${basePath}/me/questions?done=sent`, 303);
  });

  return pages;
}
