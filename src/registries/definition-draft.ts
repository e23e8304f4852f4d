// Proposes a definition, and the map to import the file by, from what its columns hold. Pure rules; says what is guessed and how sure.
import type { JsonObject } from "../crypto/json.ts";
import { DRAFT_PAIR_COLUMNS_MAX } from "../limits.ts";
import type { ColumnFacts } from "./draft-column.ts";
import { guessPersonal, headerWords, type PersonalGuess } from "./draft-personal.ts";

export interface DraftSource {
  /** The header's text, or the member's name. */
  readonly header: string;
  /** How the import map names the column. */
  readonly selector: string | number;
  readonly facts: ColumnFacts;
}

export interface DraftNote {
  /** The field, or the column that became none. */
  readonly about: string;
  readonly sure: "sure" | "likely" | "guess";
  readonly text: string;
}

export interface Draft {
  readonly definition: JsonObject;
  readonly map: JsonObject;
  readonly notes: readonly DraftNote[];
}

interface DraftField {
  readonly source: DraftSource;
  readonly name: string;
  readonly type: ColumnFacts["type"];
  readonly personal: PersonalGuess | undefined;
  readonly isCode: boolean;
  readonly isRequired: boolean;
  readonly isUnique: boolean;
}

const CODE_WORDS = /\b(code|codes|id|ids|no|nos|number|num|key|ref|reference|pin|pincode|zip|postcode|isbn|uid)\b/;
const NAME_WORDS = /\b(name|names|title)\b/;
const SERIAL_WORDS = /^((s|sl|sr|serial|row) ?(no|nr|number|num)?)?$/;
const SERIAL_CHARS_MAX = 12;
const TELEPHONE_DIGITS_MIN = 8;
const ROWS_TELLING = 20;
const ROWS_PER_CHOICE = 5;
const CHOICE_CHARS_MAX = 60;
const CODE_CHARS_MAX = 40;

/** Columns of which two together may say which record a row is about, where no column does alone; empty where one does. */
export function findPairColumns(sources: readonly DraftSource[]): number[] {
  const fields = readFields(sources, []);
  if (fields.some(({ isUnique }) => isUnique)) return [];
  const required = fields.filter((field) => field.isRequired && field.type !== "list");
  const codes = required.filter(({ isCode }) => isCode);
  const chosen = codes.length >= 2 ? codes : required.filter(({ source }) => source.facts.lengthMax <= CODE_CHARS_MAX);
  return chosen.slice(0, DRAFT_PAIR_COLUMNS_MAX).map(({ source }) => sources.indexOf(source));
}

/** `pairs`: indices of columns that are unique together. */
export function draftDefinition(options: {
  name: string;
  type: string;
  sources: readonly DraftSource[];
  pairs: readonly (readonly [number, number])[];
}): Draft {
  const { name, type, sources } = options;
  const notes: DraftNote[] = [];
  const fields = readFields(sources, notes);
  const isPersonal = fields.some(({ personal }) => personal !== undefined);
  const identifier = fields.find((field) => isIdentifier(field, isPersonal));
  const pair = options.pairs.map(([a, b]) => [a, b].map((at) => fields.find(({ source }) => source === sources[at])));
  const compound = pair.find((two): two is DraftField[] => two.every((field) => field !== undefined));
  const place = { isPersonal, identifier };
  const schema: JsonObject = {
    type: "object",
    additionalProperties: false,
    required: fields.filter(({ isRequired }) => isRequired).map((field) => field.name),
    properties: Object.fromEntries(fields.map((field) => [field.name, describeField(field, place, notes)])),
    ...(compound && { "x-unique": [compound.map((field) => field.name)] }),
  };
  const shown = chooseDisplay(fields, identifier ?? compound?.at(-1));
  const title = `${name.charAt(0).toUpperCase()}${name.slice(1).replaceAll("-", " ")}`;
  const definition: JsonObject = {
    name,
    type,
    title: { en: title },
    access: isPersonal ? "consent" : "public",
    ...(shown && { display: `{${shown.name}}` }),
    ...(identifier && { identifier: { field: identifier.name } }),
    schema,
  };
  const key = fields.find(({ isUnique }) => isUnique);
  const columns = key ? [key.source.selector] : compound?.map(({ source }) => source.selector);
  const map: JsonObject = { ...(columns && { key: columns }), fields: fields.map(describeMapping) };
  return { definition, map, notes: [...notes, ...noteWhole({ isPersonal, identifier, key, compound })] };
}

function readFields(sources: readonly DraftSource[], notes: DraftNote[]): DraftField[] {
  const taken = new Set<string>();
  const fields: DraftField[] = [];
  for (const source of sources) {
    const { header, facts } = source;
    const words = headerWords(header);
    const leftOut = findReasonToLeaveOut(words, facts);
    if (leftOut) {
      notes.push({ about: header, ...leftOut });
      continue;
    }
    const personal = guessPersonal(header, facts.shapes);
    const isCode = CODE_WORDS.test(words) && !NAME_WORDS.test(words) && facts.lengthMax <= CODE_CHARS_MAX;
    const isRequired = facts.filled === facts.rows;
    fields.push({
      source,
      name: chooseName(words, taken),
      // A number that is a name is never added to another one, and may begin with zeros tomorrow.
      type: facts.isDigitsOnly && (isCode || isTelephone(personal, facts)) ? "string" : facts.type,
      personal,
      isCode,
      isRequired,
      isUnique: isCode && facts.isUnique === true && facts.rows > 1,
    });
  }
  return fields;
}

function isTelephone(personal: PersonalGuess | undefined, facts: ColumnFacts): boolean {
  return personal !== undefined && facts.lengthMin >= TELEPHONE_DIGITS_MIN;
}

function findReasonToLeaveOut(words: string, facts: ColumnFacts): Omit<DraftNote, "about"> | undefined {
  if (facts.filled === 0) return { sure: "sure", text: "is left out: it is empty" };
  if (!SERIAL_WORDS.test(words) || facts.lengthMax > SERIAL_CHARS_MAX) return undefined;
  return { sure: facts.isSerial ? "likely" : "guess", text: "is left out: it only counts the rows" };
}

/** What the records are called by for people: the name that belongs to the code which tells them apart. */
function chooseDisplay(fields: readonly DraftField[], code: DraftField | undefined): DraftField | undefined {
  const names = fields.filter(({ source }) => NAME_WORDS.test(headerWords(source.header)));
  const stemOf = (field: DraftField) =>
    headerWords(field.source.header).replace(CODE_WORDS, "").replace(NAME_WORDS, "").trim();
  const own = code && names.find((field) => stemOf(field) === stemOf(code));
  return own ?? names.find((field) => stemOf(field) === "") ?? names[0] ?? code;
}

function chooseName(words: string, taken: Set<string>): string {
  const ascii = words
    .normalize("NFKD")
    .replaceAll(/[^a-z0-9]+/g, "_")
    .replaceAll(/^_+|_+$/g, "");
  const base = ascii === "" ? "field" : /^\d/.test(ascii) ? `f_${ascii}` : ascii.slice(0, 60);
  let name = base;
  for (let count = 2; taken.has(name); count++) name = `${base}_${count}`;
  taken.add(name);
  return name;
}

// It stands open in the token, whoever reads the record.
function isIdentifier(field: DraftField, isPersonal: boolean): boolean {
  const { isUnique, isRequired, type, personal, source } = field;
  const fits = isUnique && isRequired && type === "string" && personal === undefined && !source.facts.hasControl;
  return fits && (!isPersonal || source.facts.lengthMax <= CODE_CHARS_MAX);
}

interface Whole {
  readonly isPersonal: boolean;
  readonly identifier: DraftField | undefined;
}

function describeField(field: DraftField, whole: Whole, notes: DraftNote[]): JsonObject {
  const { source, name, personal, isUnique } = field;
  const { facts, header } = source;
  const note = (sure: DraftNote["sure"], text: string) => notes.push({ about: name, sure, text });
  if (personal) note(personal.isSure ? "likely" : "guess", `is personal: ${personal.what}`);
  if (facts.filled < facts.rows)
    note("sure", `may be left out: ${facts.rows - facts.filled} of ${facts.rows} rows have none`);
  if (isUnique) note(facts.rows >= ROWS_TELLING ? "likely" : "guess", "is unique: no two rows have the same");
  else if (field.isCode && facts.isUnique === undefined)
    note("guess", "may be unique: there were too many values to tell");
  if (facts.isDigitsOnly && field.type === "string") note("likely", "is a code of digits, and stays a text");
  const isOpen = field === whole.identifier;
  return {
    ...describeType(field, note),
    "x-title": header,
    ...(isUnique && { "x-unique": true }),
    ...(whole.isPersonal && { "x-personal": !isOpen }),
    ...describeSearch(field, whole.isPersonal && !isOpen),
  };
}

function describeType(
  { type, source, personal, isUnique, isCode }: DraftField,
  note: (sure: DraftNote["sure"], text: string) => void,
): JsonObject {
  const { facts } = source;
  if (type === "list") return { type: "array" };
  if (type === "date") {
    if (facts.format !== "YYYY-MM-DD")
      note(facts.format === "MM/DD/YYYY" ? "guess" : "likely", `is a date written ${facts.format}`);
    return { type: "string", format: "date" };
  }
  if (type !== "string") return { type };
  const choices = facts.choices ?? [];
  const isChoice =
    facts.rows >= ROWS_TELLING &&
    choices.length > 1 &&
    choices.length * ROWS_PER_CHOICE <= facts.filled &&
    choices.every((choice) => choice.length <= CHOICE_CHARS_MAX);
  if (isChoice && !personal && !isUnique && !isCode) {
    note("guess", `is one of ${choices.length} values; remove "enum" if there may be others`);
    return { type: "string", enum: [...choices] };
  }
  if (isCode && facts.isDigitsOnly) return { type: "string", pattern: "^[0-9]+$", maxLength: roomFor(facts.lengthMax) };
  return { type: "string", minLength: 1, maxLength: roomFor(facts.lengthMax) };
}

/** Longer values than those there are will come. */
function roomFor(length: number): number {
  return [20, 50, 100, 200, 500, 1_000, 2_000, 5_000, 10_000].find((limit) => length * 2 <= limit) ?? length * 2;
}

function describeSearch({ type, source, isCode, personal }: DraftField, isSealed: boolean): JsonObject {
  const words = headerWords(source.header);
  if (type === "list") return {};
  if (isSealed) {
    if (!isCode && !NAME_WORDS.test(words) && personal === undefined) return {};
    if (type === "date")
      return /\b(birth|dob)\b/.test(words) || isCode || NAME_WORDS.test(words) ? { "x-search": "exact" } : {};
    if (type !== "string") return {};
    // People write telephone numbers with spaces and names with or without dots and accents.
    if (/\b(phone|mobile)\b/.test(words)) return { "x-search": { match: "exact", normal: "digits" } };
    if (isCode || /\b(e ?mail|birth|dob)\b/.test(words)) return { "x-search": "exact" };
    return NAME_WORDS.test(words) ? { "x-search": { match: "exact", normal: "name" } } : {};
  }
  if (type === "date" || ((type === "integer" || type === "number") && !isCode)) return { "x-search": "range" };
  if (type !== "string") return {};
  if (isCode) return { "x-search": "exact" };
  if (NAME_WORDS.test(words)) return { "x-search": { match: "prefix", normal: "name" } };
  return {};
}

function describeMapping({ source, name, type }: DraftField): JsonObject {
  const { selector, facts } = source;
  const field: JsonObject = { field: name, column: selector };
  if (type === "list") return { ...field, type: "json" };
  if (type === "integer" || type === "number") return { ...field, type };
  if (type === "date") return { ...field, type, ...(facts.format !== "YYYY-MM-DD" && { format: facts.format! }) };
  if (type !== "boolean") return field;
  const isYes = (text: string) => ["true", "yes", "y"].includes(text.toLowerCase());
  return { ...field, values: Object.fromEntries((facts.choices ?? []).map((text) => [text, isYes(text)])) };
}

function noteWhole(whole: Whole & { key: DraftField | undefined; compound: DraftField[] | undefined }): DraftNote[] {
  const { isPersonal, identifier, key, compound } = whole;
  const about = "the registry";
  const notes: DraftNote[] = [];
  if (isPersonal)
    notes.push({
      about,
      sure: "guess",
      text: 'holds personal data: access is "consent", and every field is personal but the identifier',
    });
  if (identifier) notes.push({ about, sure: "likely", text: `its records are called by "${identifier.name}"` });
  if (!key && compound)
    notes.push({
      about,
      sure: "likely",
      text: `its records are told apart by ${compound.map((field) => `"${field.name}"`).join(" and ")} together`,
    });
  if (!key && !compound)
    notes.push({
      about,
      sure: "sure",
      text: "has no column that tells its records apart: importing a file twice would make every record twice",
    });
  return notes;
}
