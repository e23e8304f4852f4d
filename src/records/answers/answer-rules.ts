// What a registry answers by yes or no, and what the yes is: the definition's rules, held against a record's data. Pure.
import { anniversaryOf } from "../../clock.ts";
import { canonicalJson, type JsonObject } from "../../crypto/json.ts";
import { AttestryError } from "../../errors.ts";
import { valuesAt } from "../../registries/annotations.ts";
import type { CompiledDefinition } from "../../registries/compiled-definition.ts";
import type { AnswerQuestion } from "./answer-question.ts";

/** Names of the fields that a question is about. */
export function fieldsOfQuestion(question: AnswerQuestion): string[] {
  if (question.kind === "matches") return Object.keys(question.values);
  return question.kind === "age" ? [question.field] : [];
}

/** Throws `answer_not_offered` unless the definition offers to answer this. */
export function checkOffered({ definition, rules }: CompiledDefinition, question: AnswerQuestion): void {
  const { name, access } = definition;
  const { exists, matches, ages } = rules.answers;
  const notOffered = (message: string) => new AttestryError("answer_not_offered", message);
  if (question.kind === "exists") {
    if (exists) return;
    throw notOffered(`the definition of "${name}" does not offer answers of kind "exists"`);
  }
  const asked = fieldsOfQuestion(question);
  const offered = question.kind === "matches" ? matches : ages;
  const found = asked.map((field) => offered.find((one) => one.name === field));
  if (found.includes(undefined)) {
    const known = offered.map((one) => one.name).join(", ") || "no field";
    throw notOffered(
      question.kind === "matches"
        ? `the definition of "${name}" offers matches of ${known}, not of all that were asked`
        : `the definition of "${name}" offers answers about the age by ${known}, not by "${question.field}"`,
    );
  }
  if (question.kind === "age") {
    const { years } = ages.find((one) => one.name === question.field)!;
    // A few fixed ages, or a date could be found by halves.
    if (!years.includes(question.years))
      throw notOffered(`the definition of "${name}" answers about ${years.join(", ")} years, not ${question.years}`);
  }
  // DESIGN promise 5: what is personal leaves a node for a purpose with a basis, which only registries with access "consent" have.
  const personal = found.find((one) => one?.personal);
  if (personal && access !== "consent")
    throw notOffered(
      `the field ${personal.name} is personal, and about such fields only registries with access "consent" answer`,
    );
}

/** Whether a record that is in force and in effect is as the question has it. `today`: a date, UTC. */
export function isSo(
  question: AnswerQuestion,
  { data, rules, today }: { data: JsonObject; rules: CompiledDefinition["rules"]; today: string },
): boolean {
  const { matches, ages } = rules.answers;
  if (question.kind === "age") {
    const { path } = ages.find((one) => one.name === question.field)!;
    const [since] = valuesAt(data, path);
    const day = typeof since === "string" ? anniversaryOf(since, question.years) : undefined;
    return day !== undefined && day <= today;
  }
  if (question.kind === "exists") return true;
  return Object.entries(question.values).every(([name, value]) => {
    const { path } = matches.find((one) => one.name === name)!;
    const [held] = valuesAt(data, path);
    return held !== undefined && canonicalJson(held) === canonicalJson(value);
  });
}
