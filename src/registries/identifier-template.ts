// How a registry names its records for people: a template with a running number, or an existing official number. Pure.
import type { JsonObject } from "../crypto/json.ts";
import { AttestryError } from "../errors.ts";
import { IDENTIFIER_CHARS_MAX } from "../limits.ts";
import { type DataPath, findFieldSchema, valuesAt } from "./annotations.ts";
import { CHECK_SEPARATORS, type CheckSystem, checkCharacter } from "./check-character.ts";
import type { Definition } from "./definition.ts";

export type IdentifierPart =
  | { readonly kind: "text"; readonly text: string }
  | { readonly kind: "year" | "month" }
  | { readonly kind: "sequence"; readonly digits: number }
  | { readonly kind: "data"; readonly path: DataPath }
  | { readonly kind: "check"; readonly system: CheckSystem };

export type IdentifierTemplate =
  | { readonly kind: "field"; readonly field: string }
  | { readonly kind: "sequence"; readonly parts: readonly IdentifierPart[] };

/** What an identifier is made of beside its number. */
export interface IdentifierSource {
  /** Unix seconds; the calendar is UTC's. */
  readonly at: number;
  readonly data: JsonObject;
}

const PLACEHOLDER = /\{([^}]*)\}/;
const SEQUENCE = /^seq(?::([1-9][0-9]?))?$/;
const DATA_FIELD = /^data\.([A-Za-z_][\w-]*(?:\.[A-Za-z_][\w-]*)*)$/;
const SAFE_VALUE = /^[A-Za-z0-9](?:[A-Za-z0-9._/-]*[A-Za-z0-9])?$/;
const SAFE_VALUE_CHARS_MAX = 40;

function invalid(message: string): AttestryError {
  return new AttestryError("definition_invalid", message);
}

/** Checks `identifier` of a definition; throws `definition_invalid`. */
export function parseIdentifierTemplate(definition: Definition): IdentifierTemplate | undefined {
  const { identifier } = definition;
  if (identifier === undefined) return undefined;
  if (typeof identifier === "object") {
    checkOpenText(definition, [identifier.field], `identifier.field "${identifier.field}"`);
    if (findFieldSchema(definition.schema, [identifier.field])!["x-unique"] !== true)
      throw invalid(`identifier.field "${identifier.field}" must have "x-unique": true`);
    return { kind: "field", field: identifier.field };
  }
  if (/\p{C}/u.test(identifier)) throw invalid("identifier must be a text that people can read and print");
  const parts = readParts(definition, identifier);
  const count = (kind: IdentifierPart["kind"]) => parts.filter((part) => part.kind === kind).length;
  if (count("sequence") !== 1) throw invalid("identifier must have exactly one {seq}");
  // Else the number of last May would be given again this May.
  if (count("month") > 0 && count("year") === 0) throw invalid("identifier has {mm} without {yyyy}");
  const check = parts.findIndex((part) => part.kind === "check");
  if (check >= 0 && (count("check") > 1 || check < parts.findIndex((part) => part.kind === "sequence")))
    throw invalid("identifier must have at most one {check}, and it must come after {seq}");
  return { kind: "sequence", parts };
}

// An identifier stands open in the token, and is made once: the field must be there, open, and a text.
function checkOpenText(definition: Definition, path: DataPath, name: string): void {
  const property = findFieldSchema(definition.schema, path);
  const isRequired = path.every((field, at) => {
    const parent = at === 0 ? definition.schema : findFieldSchema(definition.schema, path.slice(0, at));
    return Array.isArray(parent?.required) && parent.required.includes(field);
  });
  if (property?.type !== "string" || !isRequired) throw invalid(`${name} must be a text field that is required`);
  const isPersonal = path.some((_name, at) => {
    const marked = findFieldSchema(definition.schema, path.slice(0, at + 1))?.["x-personal"];
    return marked === true || (definition.access === "consent" && marked !== false);
  });
  if (isPersonal) throw invalid(`${name} is personal; an identifier stands open in the token`);
}

function readParts(definition: Definition, template: string): IdentifierPart[] {
  const parts: IdentifierPart[] = [];
  for (const [at, text] of template.split(PLACEHOLDER).entries()) {
    if (at % 2 === 1) parts.push(readPlaceholder(definition, text, parts));
    else if (text !== "") parts.push({ kind: "text", text });
  }
  return parts;
}

function readPlaceholder(definition: Definition, name: string, before: readonly IdentifierPart[]): IdentifierPart {
  if (name === "yyyy") return { kind: "year" };
  if (name === "mm") return { kind: "month" };
  if (name === "check") return { kind: "check", system: chooseSystem(before) };
  const sequence = SEQUENCE.exec(name);
  if (sequence) return { kind: "sequence", digits: Number(sequence[1] ?? 1) };
  const field = DATA_FIELD.exec(name)?.[1]?.split(".");
  if (!field)
    throw invalid(
      `identifier has {${name}}; allowed: {yyyy}, {mm}, {seq}, {seq:digits}, {data.field of the record}, {check}`,
    );
  checkOpenText(definition, field, `{${name}} of identifier`);
  return { kind: "data", path: field };
}

/** A digit where only digits are before it, else a digit or letter. */
function chooseSystem(before: readonly IdentifierPart[]): CheckSystem {
  const text = before.map((part) => (part.kind === "text" ? part.text : part.kind === "data" ? "A" : "0")).join("");
  if (checkCharacter(text, "mod-11-10") !== undefined) return "mod-11-10";
  if (checkCharacter(text, "mod-37-36") !== undefined) return "mod-37-36";
  throw invalid(`what stands before {check} must be of letters A to Z, digits and "${CHECK_SEPARATORS}"`);
}

/** The parts with everything filled in but the number: `undefined` stands for it. Throws `record_invalid` on a value that may not stand there. */
function fillIn(parts: readonly IdentifierPart[], { at, data }: IdentifierSource): (string | undefined)[] {
  const date = new Date(at * 1_000);
  return parts.map((part) => {
    if (part.kind === "text") return part.text;
    if (part.kind === "year") return String(date.getUTCFullYear()).padStart(4, "0");
    if (part.kind === "month") return String(date.getUTCMonth() + 1).padStart(2, "0");
    if (part.kind !== "data") return undefined;
    const value = valuesAt(data, part.path)[0];
    if (typeof value === "string" && value.length <= SAFE_VALUE_CHARS_MAX && SAFE_VALUE.test(value)) return value;
    throw new AttestryError("record_invalid", "a field is part of the record's identifier, and its value cannot be", {
      details: [
        {
          field: `/${part.path.join("/")}`,
          message: `must be 1 to ${SAFE_VALUE_CHARS_MAX} of A-Z, a-z, 0-9, and between them . _ / -`,
        },
      ],
    });
  });
}

type SequenceTemplate = Extract<IdentifierTemplate, { kind: "sequence" }>;

/** The counter that numbers these records: one for each text around the number, so that no two share a number and a text. */
export function identifierCounterName(
  options: { registry: string; template: SequenceTemplate } & IdentifierSource,
): string {
  const { registry, template } = options;
  const around = fillIn(template.parts, options).map((text, at) =>
    text === undefined ? (template.parts[at]!.kind === "sequence" ? "{seq}" : "{check}") : text,
  );
  return `identifier/${registry}/${around.join("")}`;
}

/** Fills in the template, e.g. `BR-{yyyy}-{seq:8}` → `BR-2026-00000042`. Throws `record_invalid`. */
export function formatIdentifier(options: { template: SequenceTemplate; number: number } & IdentifierSource): string {
  const { parts } = options.template;
  let text = "";
  for (const [at, filled] of fillIn(parts, options).entries()) {
    const part = parts[at]!;
    if (part.kind === "sequence") text += String(options.number).padStart(part.digits, "0");
    else if (part.kind === "check") text += checkCharacter(text, part.system);
    else text += filled;
  }
  if (text.length > IDENTIFIER_CHARS_MAX)
    throw new AttestryError("record_invalid", `the identifier would be longer than ${IDENTIFIER_CHARS_MAX} characters`);
  return text;
}

/**
 * The number that an existing identifier has in the template, so that it is not given again: of any year and month, with this record's
 * data. Undefined where the template never writes such a text. `at`: some time of the year and month it was read as.
 */
export function readIdentifierNumber(
  identifier: string,
  options: { template: SequenceTemplate; data: JsonObject },
): { number: number; at: number } | undefined {
  const { parts } = options.template;
  const pattern = fillIn(parts, { at: 0, data: options.data }).map((text, at) => {
    const part = parts[at]!;
    if (part.kind === "year") return "(?<year>[0-9]{4})";
    if (part.kind === "month") return "(?<month>0[1-9]|1[0-2])";
    if (part.kind === "check") return ".";
    return part.kind === "sequence" ? "(?<number>[0-9]{1,15})" : escapePattern(text!);
  });
  // A repeated placeholder says the same again; names of groups may stand once.
  const seen = new Set<string>();
  const once = pattern.map((text) => {
    const name = /^\(\?<(\w+)>/.exec(text)?.[1];
    if (name === undefined || !seen.has(name)) {
      if (name !== undefined) seen.add(name);
      return text;
    }
    return `\\k<${name}>`;
  });
  const found = new RegExp(`^${once.join("")}$`, "u").exec(identifier)?.groups;
  if (!found) return undefined;
  const number = Number(found.number);
  const year = found.year ?? "1970";
  const at = Date.parse(`${year}-${found.month ?? "01"}-01T00:00:00Z`) / 1_000;
  const isWritten = formatIdentifier({ ...options, number, at }) === identifier;
  return isWritten && number > 0 ? { number, at } : undefined;
}

function escapePattern(text: string): string {
  return text.replace(/[\\^$.*+?()[\]{}|/]/g, (character) => `\\${character}`);
}
