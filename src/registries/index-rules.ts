// What a definition asks to be compared, counted and answered, made ready: rules of duplicates, statistics, answers. Pure; refuses rules that name no field.
import { canonicalJson, type Json, type JsonObject } from "../crypto/json.ts";
import { AttestryError, type ErrorDetail } from "../errors.ts";
import { type Annotations, type DataPath, findFieldSchema } from "./annotations.ts";
import type { Definition, NormalForm } from "./definition.ts";
import type { DisclosureRules } from "./disclosure-rules.ts";

interface RuleField {
  readonly name: string;
  readonly path: DataPath;
  readonly personal: boolean;
}

export interface ComparedField extends RuleField {
  readonly normal: NormalForm;
  readonly format: string | undefined;
}

/** Two records are possibly the same if all these fields agree in their normal forms. */
export interface CompiledDuplicateRule {
  readonly name: string;
  readonly fields: readonly ComparedField[];
}

export interface CompiledStatistic {
  readonly name: string;
  /** What is counted, whatever the statistic is called: tables that say the same are the same. */
  readonly identity: string;
  readonly fields: readonly RuleField[];
  /** Counts below it are not shown. */
  readonly smallest: number;
  readonly personal: boolean;
}

/** The questions that are answered by a signed yes or no. */
export interface CompiledAnswers {
  readonly exists: boolean;
  readonly matches: readonly RuleField[];
  /** Fields with a date, and the numbers of years since that may be asked about. */
  readonly ages: readonly (RuleField & { readonly years: readonly number[] })[];
}

/** The field whose value must be one of a claim of who reads or writes the record. */
export interface CompiledJurisdiction {
  readonly field: string;
  readonly claim: string;
  readonly path: DataPath;
}

export interface IndexRules {
  readonly duplicates: readonly CompiledDuplicateRule[];
  readonly statistics: readonly CompiledStatistic[];
  readonly answers: CompiledAnswers;
  readonly jurisdiction: readonly CompiledJurisdiction[];
}

const SMALLEST_PERSONAL = 10;
const NOT_COMPARABLE = ["array", "object"];

/** Throws `definition_invalid` naming each rule that cannot be honoured. */
export function compileIndexRules(definition: Definition, annotations: Annotations): IndexRules {
  const details: ErrorDetail[] = [];

  function readField(name: string, at: string): (RuleField & { schema: JsonObject }) | undefined {
    const path = name.split(".");
    const schema = findFieldSchema(definition.schema, path);
    if (schema === undefined) details.push({ field: at, message: `names "${name}", which is no field` });
    else if (NOT_COMPARABLE.includes(schema.type as string) && schema["x-reference"] === undefined)
      details.push({ field: at, message: `"${name}" must be a field with a single value` });
    // A field of a personal object is personal, whatever it says itself.
    const personal = path.some((_, end) => annotations.isPersonal(path.slice(0, end + 1)));
    return schema && { name, path, personal, schema };
  }

  const duplicates = (definition.duplicates ?? []).map((rule, at) => ({
    name: rule.name,
    fields: rule.fields.flatMap((one, fieldAt): ComparedField[] => {
      const { field, normal } = typeof one === "string" ? { field: one, normal: undefined } : one;
      const found = readField(field, `/duplicates/${at}/fields/${fieldAt}`);
      if (!found) return [];
      const { schema, ...rest } = found;
      const searched = annotations.searchFields.find((candidate) => candidate.name === field);
      const format = typeof schema.format === "string" ? schema.format : undefined;
      const isText = schema.type === "string" && format === undefined && schema["x-reference"] === undefined;
      return [{ ...rest, format, normal: normal ?? searched?.normal ?? (isText ? "text" : "exact") }];
    }),
  }));
  const statistics = (definition.statistics ?? []).map((rule, at) => {
    const fields = rule.fields.flatMap((name, fieldAt): RuleField[] => {
      const found = readField(name, `/statistics/${at}/fields/${fieldAt}`);
      return found ? [{ name, path: found.path, personal: found.personal }] : [];
    });
    const personal = fields.some((field) => field.personal);
    return {
      name: rule.name,
      // Cells whose labels are sealed are others than those that stood open before the field was personal.
      identity: canonicalJson(personal ? { personal: [...rule.fields] } : [...rule.fields]),
      fields,
      smallest: rule.smallest ?? (annotations.hasPersonal ? SMALLEST_PERSONAL : 1),
      personal,
    };
  });
  const matches = (definition.answers?.matches ?? []).flatMap((name, at): RuleField[] => {
    const found = readField(name, `/answers/matches/${at}`);
    return found ? [{ name, path: found.path, personal: found.personal }] : [];
  });
  const ages = (definition.answers?.ages ?? []).flatMap(({ field, years }, at) => {
    const found = readField(field, `/answers/ages/${at}/field`);
    if (found && found.schema.format !== "date")
      details.push({ field: `/answers/ages/${at}/field`, message: `"${field}" must be a date (format "date")` });
    return found ? [{ name: field, path: found.path, personal: found.personal, years }] : [];
  });
  const jurisdiction = (definition.jurisdiction ?? []).flatMap(({ field, claim }, at): CompiledJurisdiction[] => {
    const found = readField(field, `/jurisdiction/${at}/field`);
    if (found && found.schema["x-reference"] !== undefined)
      details.push({
        field: `/jurisdiction/${at}/field`,
        message: `"${field}" is a reference; name a field with a code`,
      });
    return found ? [{ field, claim, path: found.path }] : [];
  });
  refuseTwice(duplicates, "duplicates", details);
  refuseTwice(statistics, "statistics", details);
  for (const [at, { fields }] of statistics.entries())
    if (new Set(fields.map((field) => field.name)).size < fields.length)
      details.push({ field: `/statistics/${at}/fields`, message: "names a field twice" });
  if (details.length > 0)
    throw new AttestryError("definition_invalid", "the definition has rules that cannot be honoured", { details });
  const answers = { exists: definition.answers?.exists === true, matches, ages };
  return { duplicates, statistics, answers, jurisdiction };
}

function refuseTwice(rules: readonly { name: string }[], member: string, details: ErrorDetail[]): void {
  const names = rules.map((rule) => rule.name);
  for (const [at, name] of names.entries())
    if (names.indexOf(name) < at) details.push({ field: `/${member}/${at}/name`, message: `"${name}" is taken` });
}

/** The parts of a definition by which its records are found. */
interface IndexedBy {
  readonly annotations: Annotations;
  readonly rules: IndexRules;
  readonly disclosure: Pick<DisclosureRules, "subject" | "guardianship">;
}

/** What the index of a registry is made by: while it stays the same, so do the rows. */
export function indexFingerprint({ annotations, rules, disclosure }: IndexedBy): string {
  const plain = (value: unknown) => JSON.parse(JSON.stringify(value)) as Json;
  const { subject, guardianship } = disclosure;
  return canonicalJson([
    plain(annotations.searchFields),
    plain(rules.duplicates),
    rules.statistics.map(({ identity }) => identity),
    plain(rules.jurisdiction),
    ...(subject || guardianship ? [plain({ subject, guardianship })] : []),
  ]);
}
