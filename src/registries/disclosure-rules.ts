// What a definition says about whom its records are about, and who may read what of them for which purpose, made ready (DESIGN section 4). Pure; refuses rules that cannot be honoured.
import type { JsonObject } from "../crypto/json.ts";
import { AttestryError, type ErrorDetail } from "../errors.ts";
import { CONSENT_DAYS_MAX } from "../limits.ts";
import { type Annotations, type DataPath, findFieldSchema } from "./annotations.ts";
import type { Definition } from "./definition.ts";
import type { LocalizedText } from "./localized-text.ts";

/** The field that says whom a record is about, and the claim of a sign-in that is compared with it. */
export interface CompiledSubject {
  readonly field: string;
  readonly claim: string;
  readonly path: DataPath;
  /** There is one record a person. */
  readonly isOne: boolean;
}

/** A record of this kind proves that somebody acts for a child until it is of age. */
export interface CompiledGuardianship {
  readonly child: DataPath;
  readonly guardians: readonly DataPath[];
  /** The child's date of birth. */
  readonly born: DataPath;
  readonly years: number;
  /** The claim that child and guardians are known by. */
  readonly claim: string;
}

/** A purpose for which consent may be asked. */
export interface CompiledPurpose {
  readonly code: string;
  readonly title: LocalizedText;
  /** What the person is told before deciding. */
  readonly notice: LocalizedText | undefined;
  /** Names of the fields that may be asked for. */
  readonly fields: readonly string[];
  readonly daysMax: number;
}

/** A law that lets a consumer read without consent. */
export interface CompiledBasis {
  readonly purpose: string;
  readonly law: LocalizedText;
  /** An entity identifier, or the type of a trust mark; undefined: any node of the federation. */
  readonly consumer: string | undefined;
  readonly fields: readonly string[];
  /** For so long a reading is counted, but not shown, to the person (secrecy by law). */
  readonly delaySeconds: number;
}

export interface DisclosureRules {
  readonly subject: CompiledSubject | undefined;
  readonly guardianship: CompiledGuardianship | undefined;
  readonly purposes: readonly CompiledPurpose[];
  readonly bases: readonly CompiledBasis[];
  /** Names of all fields with a value of their own, nested ones with dots. */
  readonly fields: readonly string[];
}

const DAY_SECONDS = 86_400;
const MAJORITY_YEARS = 18;

/** Names of the fields of a schema, an object's own members in its place. */
export function listFieldNames(schema: JsonObject): string[] {
  const properties = (schema.properties ?? {}) as Record<string, JsonObject>;
  return Object.entries(properties).flatMap(([name, inner]) => {
    const below = inner.type === "object" && inner.properties !== undefined ? listFieldNames(inner) : [];
    return below.length === 0 ? [name] : below.map((field) => `${name}.${field}`);
  });
}

/** Whether a field is what a name covers: itself, or something inside it. */
export function isCovered(field: string, names: readonly string[]): boolean {
  return names.some((name) => field === name || field.startsWith(`${name}.`));
}

/** What names cover of all that there is, each with a value of its own: what a later definition puts inside one of them is not among it. */
export function expandFields(names: readonly string[], all: readonly string[]): string[] {
  const expanded = names.flatMap((name) => {
    const inner = all.filter((field) => isCovered(field, [name]));
    return inner.length === 0 ? [name] : inner;
  });
  return [...new Set(expanded)];
}

/** Throws `definition_invalid` naming each rule that cannot be honoured. */
export function compileDisclosureRules(definition: Definition, annotations: Annotations): DisclosureRules {
  const { schema } = definition;
  const details: ErrorDetail[] = [];
  const all = listFieldNames(schema);

  function readPath(name: string, at: string): DataPath {
    const path = name.split(".");
    const found = findFieldSchema(schema, path);
    if (found === undefined) details.push({ field: at, message: `names "${name}", which is no field` });
    else if (found.type === "array" || found.type === "object")
      details.push({ field: at, message: `"${name}" must be a field with a single value` });
    return path;
  }

  function readFields(names: readonly string[] | undefined, at: string): readonly string[] {
    for (const [index, name] of (names ?? []).entries())
      if (findFieldSchema(schema, name.split(".")) === undefined)
        details.push({ field: `${at}/${index}`, message: `names "${name}", which is no field` });
    return names ?? all;
  }

  const { subject, guardianship } = definition;
  if (subject && !annotations.hasPersonal)
    details.push({ field: "/subject", message: "is of no use where no field is personal" });
  const compiledSubject = subject && {
    field: subject.field,
    claim: subject.claim,
    path: readPath(subject.field, "/subject/field"),
    isOne: subject.one === true,
  };
  const compiledGuardianship = guardianship && {
    child: readPath(guardianship.child, "/guardianship/child"),
    guardians: guardianship.guardians.map((name, at) => readPath(name, `/guardianship/guardians/${at}`)),
    born: readPath(guardianship.born, "/guardianship/born"),
    years: guardianship.years ?? MAJORITY_YEARS,
    claim: guardianship.claim,
  };
  const purposes = (definition.purposes ?? []).map((one, at): CompiledPurpose => {
    const given = typeof one === "string" ? { code: one } : one;
    return {
      code: given.code,
      title: given.title ?? given.code,
      notice: given.notice,
      fields: readFields(given.fields, `/purposes/${at}/fields`),
      daysMax: given.days_max ?? CONSENT_DAYS_MAX,
    };
  });
  const codes = purposes.map(({ code }) => code);
  for (const [at, code] of codes.entries())
    if (codes.indexOf(code) < at) details.push({ field: `/purposes/${at}`, message: `"${code}" is there twice` });
  const bases = (definition.bases ?? []).map(
    (one, at): CompiledBasis => ({
      purpose: one.purpose,
      law: one.law,
      consumer: one.consumer,
      fields: readFields(one.fields, `/bases/${at}/fields`),
      delaySeconds: (one.delay_days ?? 0) * DAY_SECONDS,
    }),
  );
  if (details.length > 0)
    throw new AttestryError("definition_invalid", "the definition has rules of disclosure that cannot be honoured", {
      details,
    });
  return { subject: compiledSubject, guardianship: compiledGuardianship, purposes, bases, fields: all };
}
