// By what the database tells whom a record is about, and who acts for a child: keyed hashes of the values that sign-in claims are compared with. Pure.
import type { JsonObject } from "../../crypto/json.ts";
import { eachGeneration, type KeyGenerations } from "../../crypto/key-generations.ts";
import { claimText } from "../../identity/jurisdiction.ts";
import { type DataPath, valuesAt } from "../../registries/annotations.ts";
import type { CompiledDefinition } from "../../registries/compiled-definition.ts";
import type { JurisdictionMark } from "../record-sight.ts";
import { keyedDigest } from "./search-value.ts";

/** `subject`: whom the record is about; `guardian`: who acts for a child by it. */
export type SubjectRole = "subject" | "guardian";

interface MarkSource {
  readonly searchKey: KeyGenerations;
  readonly registry: string;
}

// No field that is searched begins like this. The rule is told, so that a changed one finds no record by the marks of the one before it.
const markField = (role: SubjectRole, claim: string, paths: readonly DataPath[]) =>
  `~${role}/${claim}/${paths.map((path) => path.join(".")).join(",")}`;

const markValue = (source: MarkSource, role: SubjectRole, claim: string, text: string) =>
  keyedDigest(source, [role, claim], [text]);

function rulesOf(
  { disclosure }: CompiledDefinition,
  role: SubjectRole,
): { claim: string; paths: readonly DataPath[] } | undefined {
  const { subject, guardianship } = disclosure;
  if (role === "subject") return subject && { claim: subject.claim, paths: [subject.path] };
  return guardianship && { claim: guardianship.claim, paths: guardianship.guardians };
}

/** The rows that a record's data have in the search table. */
export function subjectMarks(options: {
  searchKey: KeyGenerations;
  compiled: CompiledDefinition;
  data: JsonObject;
}): { field: string; value: string }[] {
  const { searchKey, compiled, data } = options;
  const source = { searchKey, registry: compiled.definition.name };
  return (["subject", "guardian"] as const).flatMap((role) => {
    const rules = rulesOf(compiled, role);
    if (!rules) return [];
    const field = markField(role, rules.claim, rules.paths);
    const texts = rules.paths.flatMap((path) => claimText(valuesAt(data, path)[0]) ?? []);
    return [...new Set(texts)].map((text) => ({ field, value: markValue(source, role, rules.claim, text) }));
  });
}

/** The row that records have which are about a person of this claim, or by which that person acts for another; undefined where the registry has no such rule for the claim. */
export function personMark(options: {
  searchKey: KeyGenerations;
  compiled: CompiledDefinition;
  role: SubjectRole;
  claims: Readonly<Record<string, string>>;
}): JurisdictionMark | undefined {
  const { searchKey, compiled, role, claims } = options;
  const rules = rulesOf(compiled, role);
  const text = rules && Object.hasOwn(claims, rules.claim) ? claims[rules.claim] : undefined;
  if (!rules || text === undefined) return undefined;
  const registry = compiled.definition.name;
  return {
    field: markField(role, rules.claim, rules.paths),
    values: eachGeneration(searchKey).map((key) => markValue({ searchKey: key, registry }, role, rules.claim, text)),
  };
}
