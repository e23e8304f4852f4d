// What a question about a personal record asks of the rules of disclosure, and gets; disclosure/ decides and logs. Types only.
import type { MemberNode } from "../../identity/caller.ts";
import type { CompiledDefinition } from "../../registries/compiled-definition.ts";
import type { ReadAccess } from "../record-disclosure.ts";
import type { Subject } from "../subject.ts";
import type { AnswerQuestion, AnswerReading } from "./answer-question.ts";

export interface PersonalQuestion {
  readonly registry: string;
  /** By today's definition. */
  readonly compiled: CompiledDefinition;
  readonly question: AnswerQuestion;
  /** Undefined where no record has the key. */
  readonly rid: string | undefined;
}

/** What was found of whom a question is about. */
export interface AskedAbout {
  /** By the record, or where there is none by the question. */
  readonly subject: Subject;
  /** Undefined where there is none. */
  readonly record: { readonly rid: string; readonly version: number } | undefined;
}

/** The answer is in the access log before this resolves. Throws `consent_record_mismatch`, what the log refuses a reading with, and `reading_budget_exceeded`. */
export type LogAnswer = (about: AskedAbout) => Promise<AnswerReading & { readonly receipt: string }>;

/**
 * Decides before anything of the record is read: whoever has no right learns nothing, not even by the time that it takes, of whether there is
 * one. Throws what a reading is refused with.
 */
export type AllowAnswer = (question: PersonalQuestion, access: ReadAccess, caller: MemberNode) => Promise<LogAnswer>;
