// Structured Field Values for HTTP (RFC 9651): strict parsing, canonical serialising. Pure; knows no field by name.
import { AttestryError } from "../errors.ts";
import { STRUCTURED_FIELD_CHARS_MAX, STRUCTURED_FIELD_MEMBERS_MAX } from "../limits.ts";
import { decodeBase64, encodeBase64 } from "./base64.ts";

/** Display strings (RFC 9651 §3.3.8) are refused: nothing here needs text beyond ASCII. A date is in Unix seconds. */
export type BareItem =
  | { readonly type: "integer" | "decimal" | "date"; readonly value: number }
  | { readonly type: "string" | "token"; readonly value: string }
  | { readonly type: "bytes"; readonly value: Uint8Array }
  | { readonly type: "boolean"; readonly value: boolean };

/** In the order in which they stand. */
export type FieldParameters = ReadonlyMap<string, BareItem>;

export interface Item {
  readonly value: BareItem;
  readonly parameters: FieldParameters;
}

export interface InnerList {
  readonly items: readonly Item[];
  readonly parameters: FieldParameters;
}

export type Member = Item | InnerList;

const KEY = /[a-z*][a-z0-9_.*-]*/y;
const TOKEN = /[A-Za-z*][A-Za-z0-9!#$%&'*+.^_`|~:/-]*/y;
const NUMBER = /-?(\d{1,12}\.\d{1,3}|\d{1,15})(?![\d.])/y;
const STRING = /"((?:[ !#-[\]-~]|\\["\\])*)"/y;
const BYTES = /:([A-Za-z0-9+/=]*):/y;
const SPACES = / */y;
const OPTIONAL_WHITESPACE = /[ \t]*/y;

function refuse(reason: string): never {
  throw new AttestryError("structured_field_invalid", `a structured field: ${reason}`);
}

/** Reads from a text, forward only; every method takes what the grammar of RFC 9651 §4.2 names, or throws. */
class FieldReader {
  private at = 0;
  private readonly text: string;

  constructor(text: string) {
    if (text.length > STRUCTURED_FIELD_CHARS_MAX)
      refuse(`${text.length} characters; at most ${STRUCTURED_FIELD_CHARS_MAX} are allowed`);
    this.text = text;
    this.match(SPACES);
  }

  private match(pattern: RegExp): RegExpExecArray | undefined {
    pattern.lastIndex = this.at;
    const found = pattern.exec(this.text);
    if (!found) return undefined;
    this.at = pattern.lastIndex;
    return found;
  }

  private take(character: string): boolean {
    if (this.text[this.at] !== character) return false;
    this.at++;
    return true;
  }

  isAtEnd(): boolean {
    return this.at >= this.text.length;
  }

  end(): void {
    this.match(SPACES);
    if (!this.isAtEnd()) refuse(`something follows its end, at character ${this.at + 1}`);
  }

  /** What parts the members of lists and dictionaries; false at the end. */
  comma(): boolean {
    this.match(OPTIONAL_WHITESPACE);
    if (this.isAtEnd()) return false;
    if (!this.take(",")) refuse(`no comma parts its members, at character ${this.at + 1}`);
    this.match(OPTIONAL_WHITESPACE);
    if (this.isAtEnd()) refuse("it ends with a comma");
    return true;
  }

  key(): string {
    return this.match(KEY)?.[0] ?? refuse(`there is no key at character ${this.at + 1}`);
  }

  isNext(character: string): boolean {
    return this.take(character);
  }

  private bareItem(): BareItem {
    if (this.take("?")) {
      if (this.take("1")) return { type: "boolean", value: true };
      if (this.take("0")) return { type: "boolean", value: false };
      return refuse("a boolean is neither ?0 nor ?1");
    }
    if (this.take("@")) {
      const digits = this.match(NUMBER)?.[0];
      if (digits === undefined || digits.includes(".")) return refuse("a date is no integer");
      return { type: "date", value: Number(digits) };
    }
    const number = this.match(NUMBER)?.[0];
    if (number !== undefined) return { type: number.includes(".") ? "decimal" : "integer", value: Number(number) };
    const text = this.match(STRING)?.[1];
    if (text !== undefined) return { type: "string", value: text.replaceAll(/\\(.)/g, "$1") };
    const bytes = this.match(BYTES)?.[1];
    if (bytes !== undefined) return { type: "bytes", value: readBytes(bytes) };
    const token = this.match(TOKEN)?.[0];
    if (token !== undefined) return { type: "token", value: token };
    return refuse(`there is no item at character ${this.at + 1}`);
  }

  private parameters(): FieldParameters {
    const parameters = new Map<string, BareItem>();
    while (this.take(";")) {
      this.match(SPACES);
      const key = this.key();
      // RFC 9651 lets the last one win; of two readers, one may not know that.
      if (parameters.has(key)) refuse(`parameter ${key} stands twice`);
      if (parameters.size >= STRUCTURED_FIELD_MEMBERS_MAX) refuse("it has too many parameters");
      parameters.set(key, this.take("=") ? this.bareItem() : { type: "boolean", value: true });
    }
    return parameters;
  }

  item(): Item {
    return { value: this.bareItem(), parameters: this.parameters() };
  }

  member(): Member {
    if (!this.take("(")) return this.item();
    const items: Item[] = [];
    for (;;) {
      this.match(SPACES);
      if (this.take(")")) return { items, parameters: this.parameters() };
      if (items.length >= STRUCTURED_FIELD_MEMBERS_MAX) refuse("an inner list is too long");
      items.push(this.item());
      if (this.text[this.at] !== " " && this.text[this.at] !== ")") refuse("an inner list is not closed");
    }
  }

  /** Of a dictionary: what stands behind a key (§4.2.2). */
  valueOfKey(): Member {
    if (this.take("=")) return this.member();
    return { value: { type: "boolean", value: true }, parameters: this.parameters() };
  }
}

function readBytes(text: string): Uint8Array {
  try {
    return decodeBase64(text);
  } catch {
    return refuse("a byte sequence is not canonical base64");
  }
}

/** Throws `structured_field_invalid`, as all that parse here. */
export function parseItem(text: string): Item {
  const reader = new FieldReader(text);
  const item = reader.item();
  reader.end();
  return item;
}

export function parseList(text: string): Member[] {
  const reader = new FieldReader(text);
  const members: Member[] = [];
  if (reader.isAtEnd()) return members;
  do {
    if (members.length >= STRUCTURED_FIELD_MEMBERS_MAX) refuse("a list is too long");
    members.push(reader.member());
  } while (reader.comma());
  return members;
}

/** A key that stands twice is refused: RFC 9651 lets the last one win, which not every reader on the way need know. */
export function parseDictionary(text: string): Map<string, Member> {
  const reader = new FieldReader(text);
  const members = new Map<string, Member>();
  if (reader.isAtEnd()) return members;
  do {
    const key = reader.key();
    if (members.has(key)) refuse(`key ${key} stands twice`);
    if (members.size >= STRUCTURED_FIELD_MEMBERS_MAX) refuse("a dictionary is too long");
    members.set(key, reader.valueOfKey());
  } while (reader.comma());
  return members;
}

function formatDecimal(value: number): string {
  // §4.1.5: at most three digits behind the point, and at least one.
  return value.toFixed(3).replace(/0{1,2}$/, "");
}

function formatBareItem({ type, value }: BareItem): string {
  switch (type) {
    case "integer":
      return String(value);
    case "decimal":
      return formatDecimal(value);
    case "date":
      return `@${value}`;
    case "token":
      return value;
    case "bytes":
      return `:${encodeBase64(value)}:`;
    case "boolean":
      return value ? "?1" : "?0";
    case "string":
      if (!/^[ -~]*$/.test(value)) refuse("a string has a character that is not printable ASCII");
      return `"${value.replaceAll(/["\\]/g, "\\$&")}"`;
  }
}

export function formatParameters(parameters: FieldParameters): string {
  return [...parameters]
    .map(([key, value]) => (value.value === true ? `;${key}` : `;${key}=${formatBareItem(value)}`))
    .join("");
}

export function formatItem({ value, parameters }: Item): string {
  return formatBareItem(value) + formatParameters(parameters);
}

/** As it stands in a list, or behind a dictionary's key. */
export function formatMember(member: Member): string {
  if (!("items" in member)) return formatItem(member);
  return `(${member.items.map(formatItem).join(" ")})${formatParameters(member.parameters)}`;
}

export function formatList(members: readonly Member[]): string {
  return members.map(formatMember).join(", ");
}

export function formatDictionary(members: ReadonlyMap<string, Member>): string {
  return [...members]
    .map(([key, member]) => {
      if (!("items" in member) && member.value.value === true) return key + formatParameters(member.parameters);
      return `${key}=${formatMember(member)}`;
    })
    .join(", ");
}

/** A string with no parameters. */
export function stringItem(value: string): Item {
  return { value: { type: "string", value }, parameters: new Map() };
}
