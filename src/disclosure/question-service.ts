// What people ask the office: about a look at their data, or for the correction of a record; and what the office answers. Changes no record: a correction is written by whoever may write it.
import { randomUUID } from "node:crypto";
import { readAccessEvent } from "../access/access-event.ts";
import { findSubjectsById } from "../access/access-store.ts";
import type { AccessSubjects, KnownSubject } from "../access/access-subject-service.ts";
import { decodeUtf8, encodeUtf8 } from "../crypto/hash.ts";
import { seal, unseal } from "../crypto/seal.ts";
import { AttestryError } from "../errors.ts";
import type { Citizen, Staff } from "../identity/caller.ts";
import { checkPermitted, isPermitted } from "../identity/permissions.ts";
import { QUESTION_CHARS_MAX, QUESTIONS_LISTED_MAX, QUESTIONS_OPEN_PER_PERSON_MAX } from "../limits.ts";
import { noteDueFor } from "../notification/notification-store.ts";
import type { SubjectService } from "../records/subjects/subject-service.ts";
import type { RegistryService } from "../registries/registry-service.ts";
import type { Database } from "../storage/database.ts";
import { runTransaction } from "../storage/transaction.ts";
import {
  answerQuestion,
  countOpenQuestions,
  findQuestion,
  insertQuestion,
  listOpenQuestions,
  listQuestionsOf,
  type StoredQuestion,
} from "./question-store.ts";
import type { UsageService } from "./usage-service.ts";

export const QUESTION_KINDS = ["ask", "dispute", "correct"] as const;
export type QuestionKind = (typeof QUESTION_KINDS)[number];

/** What a question is about: an entry of the access log, or one of the person's records. */
export type QuestionTopic = { readonly look: number } | { readonly registry: string; readonly rid: string };

/** Times in Unix seconds. */
export interface Question {
  readonly id: string;
  readonly kind: QuestionKind;
  readonly text: string;
  /** Who asks, as the sign-in names the person. */
  readonly name: string;
  readonly registry: string;
  readonly topic: QuestionTopic;
  readonly askedAt: number;
  readonly answeredAt: number | undefined;
  readonly answer: { readonly text: string; readonly role: string } | undefined;
}

export interface QuestionService {
  /** Throws `not_found`, `record_unknown`, `request_invalid`, `questions_too_many`. */
  ask(citizen: Citizen, question: { kind: QuestionKind; text: string; topic: QuestionTopic }): Promise<void>;
  /** A person's own, newest first. */
  listOwn(citizen: Citizen): Promise<readonly Question[]>;
  /** Those that wait in the registries that the caller answers for. */
  listOpen(caller: Staff): Promise<readonly Question[]>;
  /** Throws `permission_denied`, `question_unknown`, `request_invalid`. */
  answer(caller: Staff, id: string, text: string): Promise<void>;
}

const UUID = /^[0-9a-f]{8}-[0-9a-f]{4}-[0-9a-f]{4}-[0-9a-f]{4}-[0-9a-f]{12}$/;

function unknown(): AttestryError {
  return new AttestryError("question_unknown", "there is no such question that waits for an answer");
}

function readText(text: string): string {
  const trimmed = text.trim();
  if (trimmed !== "" && trimmed.length <= QUESTION_CHARS_MAX) return trimmed;
  throw new AttestryError("request_invalid", `a message has 1 to ${QUESTION_CHARS_MAX} characters`);
}

/** `entity`: the name that the node's records have. */
export function createQuestionService(deps: {
  readonly entity: string;
  readonly database: Database;
  readonly registries: Pick<RegistryService, "list" | "getCurrent">;
  readonly subjects: Pick<SubjectService, "findOwnRecords">;
  readonly accessSubjects: AccessSubjects;
  readonly usage: Pick<UsageService, "prove">;
  readonly clock: () => number;
}): QuestionService {
  const { entity, database, registries, accessSubjects, clock } = deps;
  const aad = (id: string, what: string): string => `${entity}|question|${id}|${what}`;

  const sealFor = ({ dataKey }: Pick<KnownSubject, "dataKey">, place: string, content: object): Uint8Array =>
    seal({ key: dataKey, aad: place, plaintext: encodeUtf8(JSON.stringify(content)) });

  function open(row: StoredQuestion, { dataKey }: Pick<KnownSubject, "dataKey">): Question {
    const read = (sealed: Uint8Array, what: string) =>
      JSON.parse(decodeUtf8(unseal({ key: dataKey, aad: aad(row.id, what), sealed })));
    const { kind, text, name, topic } = read(row.sealed, "question") as Pick<
      Question,
      "kind" | "text" | "name" | "topic"
    >;
    const { id, registry, askedAt } = row;
    const answer = row.answer ? (read(row.answer, "answer") as Question["answer"]) : undefined;
    return { id, kind, text, name, topic, registry, askedAt, answeredAt: row.answeredAt ?? undefined, answer };
  }

  /** Of which registry the topic is; only of one's own. */
  async function findRegistry(citizen: Citizen, topic: QuestionTopic): Promise<string> {
    if ("rid" in topic) {
      const { records } = await deps.subjects.findOwnRecords(citizen.claims, topic.registry);
      if (records.some(({ rid }) => rid === topic.rid)) return topic.registry;
      throw new AttestryError("record_unknown", `there is no such record in "${topic.registry}" that is surely yours`);
    }
    const { event } = await deps.usage.prove(citizen, topic.look);
    const registry = readAccessEvent(event).records[0]?.registry;
    if (registry !== undefined) return registry;
    throw new AttestryError("not_found", "that entry is about no record");
  }

  const findPeople = async ({ claims }: Citizen): Promise<KnownSubject[]> => {
    const found = Object.entries(claims).map(([claim, value]) => accessSubjects.find({ claim, value }));
    return (await Promise.all(found)).filter((one) => one !== undefined);
  };

  async function openAll(rows: readonly StoredQuestion[]): Promise<Question[]> {
    const ids = [...new Set(rows.map(({ subject }) => subject))];
    const people = new Map((await findSubjectsById(database, ids)).map((one) => [one.id, accessSubjects.open(one)]));
    return rows.flatMap((row) => {
      const person = people.get(row.subject);
      return person ? [open(row, person)] : [];
    });
  }

  return {
    async ask(citizen, { kind, text: given, topic }) {
      const text = readText(given);
      const registry = await findRegistry(citizen, topic);
      const claim = (await registries.getCurrent(registry)).disclosure.subject?.claim;
      const value = claim === undefined ? undefined : citizen.claims[claim];
      if (claim === undefined || value === undefined) throw new AttestryError("not_found", "that is not about you");
      const [person] = await accessSubjects.ensure([{ claim, value }]);
      if ((await countOpenQuestions(database, [person!.id])) >= QUESTIONS_OPEN_PER_PERSON_MAX)
        throw new AttestryError(
          "questions_too_many",
          `${QUESTIONS_OPEN_PER_PERSON_MAX} of your messages wait for an answer; more may be sent once some have one`,
        );
      const id = randomUUID();
      await insertQuestion(database, {
        id,
        subject: person!.id,
        registry,
        askedAt: clock(),
        answeredAt: null,
        sealed: sealFor(person!, aad(id, "question"), { kind, text, name: citizen.name, topic }),
        answer: null,
      });
    },

    async listOwn(citizen) {
      const people = await findPeople(citizen);
      if (people.length === 0) return [];
      const subjects = people.map(({ id }) => id);
      const rows = await listQuestionsOf(database, { subjects, limit: QUESTIONS_LISTED_MAX });
      return rows.map((row) => open(row, people.find(({ id }) => id === row.subject)!));
    },

    async listOpen(caller) {
      const names = (await registries.list()).map(({ definition }) => definition.name);
      const reached = names.filter((registry) => isPermitted({ caller, action: "question.answer", registry }));
      if (reached.length === 0) return [];
      return openAll(await listOpenQuestions(database, { registries: reached, limit: QUESTIONS_LISTED_MAX }));
    },

    async answer(caller, id, given) {
      const text = readText(given);
      const row = UUID.test(id) ? await findQuestion(database, id) : undefined;
      if (!row) throw unknown();
      checkPermitted({ caller, action: "question.answer", registry: row.registry });
      const [stored] = await findSubjectsById(database, [row.subject]);
      if (!stored) throw unknown();
      const answer = sealFor(accessSubjects.open(stored), aad(id, "answer"), { text, role: caller.role });
      await runTransaction(database, async (tx) => {
        if (!(await answerQuestion(tx, { id, answer, answeredAt: clock() }))) throw unknown();
        await noteDueFor(tx, row.subject, "question_answered");
      });
    },
  };
}
