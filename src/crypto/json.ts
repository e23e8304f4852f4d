// Strict JSON: a parser that gives one meaning to one text, and the canonical form of RFC 8785. Runs in browsers; knows no schema.
import { AttestryError, type ErrorCode } from "../errors.ts";
import { JSON_DEPTH_MAX } from "../limits.ts";

export type Json = null | boolean | number | string | Json[] | JsonObject;
export interface JsonObject {
  [name: string]: Json;
}

export function isJsonObject(value: unknown): value is JsonObject {
  return typeof value === "object" && value !== null && !Array.isArray(value);
}

const QUOTE = 0x22;
const BACKSLASH = 0x5c;
const COMMA = 0x2c;
const MINUS = 0x2d;
const DOT = 0x2e;
const COLON = 0x3a;
const ZERO = 0x30;
const NINE = 0x39;
const OPEN_ARRAY = 0x5b;
const CLOSE_ARRAY = 0x5d;
const OPEN_OBJECT = 0x7b;
const CLOSE_OBJECT = 0x7d;
const LETTER_U = 0x75;

const ESCAPED: Readonly<Record<string, string>> = {
  '"': '"',
  "\\": "\\",
  "/": "/",
  b: "\b",
  f: "\f",
  n: "\n",
  r: "\r",
  t: "\t",
};

// Sixteen decimal digits can pass 2^53; fifteen cannot, so their sum in a loop is exact.
const EXACT_DIGITS = 15;
const HEX4 = /^[0-9A-Fa-f]{4}$/;
const NUMBER = /-?(?:0|[1-9][0-9]*)(?:\.[0-9]+)?(?:[eE][+-]?[0-9]+)?/y;
const NON_ZERO_MANTISSA = /^[^eE]*[1-9]/;

const isDigit = (code: number): boolean => code >= ZERO && code <= NINE;
const isHighSurrogate = (code: number): boolean => code >= 0xd800 && code <= 0xdbff;
const isLowSurrogate = (code: number): boolean => code >= 0xdc00 && code <= 0xdfff;

class JsonReader {
  readonly text: string;
  readonly depthMax: number;
  at = 0;

  constructor(text: string, depthMax: number) {
    this.text = text;
    this.depthMax = depthMax;
  }

  // Tells the place and never the content: what is refused may be personal.
  fail(code: ErrorCode, what: string): never {
    throw new AttestryError(code, `${what} at character ${this.at} of ${this.text.length}`);
  }

  skipSpace(): number {
    const { text } = this;
    let code = text.charCodeAt(this.at);
    while (code === 0x20 || code === 0x0a || code === 0x0d || code === 0x09) code = text.charCodeAt(++this.at);
    return code;
  }

  readValue(depth: number): Json {
    const code = this.skipSpace();
    if (code === QUOTE) return this.readString();
    if (code === OPEN_OBJECT) return this.readObject(depth + 1);
    if (code === OPEN_ARRAY) return this.readArray(depth + 1);
    if (code === MINUS || isDigit(code)) return this.readNumber();
    if (this.text.startsWith("true", this.at)) return this.readWord(4, true);
    if (this.text.startsWith("false", this.at)) return this.readWord(5, false);
    if (this.text.startsWith("null", this.at)) return this.readWord(4, null);
    return this.fail("json_invalid", "JSON has no value");
  }

  readWord(length: number, value: Json): Json {
    this.at += length;
    return value;
  }

  readObject(depth: number): JsonObject {
    if (depth > this.depthMax) this.fail("json_too_deep", `JSON is nested deeper than ${this.depthMax}`);
    const object: JsonObject = {};
    this.at++;
    let code = this.skipSpace();
    if (code === CLOSE_OBJECT) {
      this.at++;
      return object;
    }
    for (;;) {
      if (code !== QUOTE) this.fail("json_invalid", "JSON object has no member name");
      const name = this.readString();
      // Assigning it would set the prototype, and whoever copies the object later would meet the same trap.
      if (name === "__proto__") this.fail("json_forbidden_key", "JSON object has a member named __proto__");
      // RFC 8259 §4 leaves duplicates open, so two readers could see two values in one signed text.
      if (object[name] !== undefined && Object.hasOwn(object, name)) {
        this.fail("json_duplicate_key", "JSON object repeats a member name");
      }
      if (this.skipSpace() !== COLON) this.fail("json_invalid", "JSON object has no colon");
      this.at++;
      object[name] = this.readValue(depth);
      code = this.skipSpace();
      this.at++;
      if (code === CLOSE_OBJECT) return object;
      if (code !== COMMA) {
        this.at--;
        this.fail("json_invalid", "JSON object is not closed");
      }
      code = this.skipSpace();
    }
  }

  readArray(depth: number): Json[] {
    if (depth > this.depthMax) this.fail("json_too_deep", `JSON is nested deeper than ${this.depthMax}`);
    const array: Json[] = [];
    this.at++;
    if (this.skipSpace() === CLOSE_ARRAY) {
      this.at++;
      return array;
    }
    for (;;) {
      array.push(this.readValue(depth));
      const code = this.skipSpace();
      if (code !== CLOSE_ARRAY && code !== COMMA) this.fail("json_invalid", "JSON array is not closed");
      this.at++;
      if (code === CLOSE_ARRAY) return array;
    }
  }

  readString(): string {
    const { text } = this;
    let from = this.at + 1;
    let at = from;
    let read = "";
    for (;;) {
      const code = text.charCodeAt(at);
      if (code === QUOTE) {
        this.at = at + 1;
        return read === "" ? text.slice(from, at) : read + text.slice(from, at);
      }
      if (code === BACKSLASH) {
        this.at = at;
        read += text.slice(from, at) + this.readEscape();
        from = at = this.at;
      } else if (code >= 0xd800 && code <= 0xdfff) {
        this.at = at;
        if (!isHighSurrogate(code) || !isLowSurrogate(text.charCodeAt(at + 1))) this.failSurrogate();
        at += 2;
      } else if (code >= 0x20) {
        at++;
      } else {
        this.at = at;
        this.fail("json_invalid", "JSON string is not closed or holds a control character");
      }
    }
  }

  readEscape(): string {
    const { text } = this;
    if (text.charCodeAt(this.at + 1) !== LETTER_U) {
      const character = ESCAPED[text.charAt(this.at + 1)];
      if (character === undefined) this.fail("json_invalid", "JSON string has an unknown escape");
      this.at += 2;
      return character;
    }
    const first = this.readHex4();
    if (isLowSurrogate(first)) this.failSurrogate();
    if (!isHighSurrogate(first)) return String.fromCharCode(first);
    if (!text.startsWith("\\u", this.at)) this.failSurrogate();
    const second = this.readHex4();
    if (!isLowSurrogate(second)) this.failSurrogate();
    return String.fromCharCode(first, second);
  }

  readHex4(): number {
    const hex = this.text.slice(this.at + 2, this.at + 6);
    if (!HEX4.test(hex)) this.fail("json_invalid", "JSON string has a broken \\u escape");
    this.at += 6;
    return Number.parseInt(hex, 16);
  }

  // RFC 7493 §2.1: such text cannot become UTF-8, so it could be neither hashed nor stored.
  failSurrogate(): never {
    return this.fail("json_lone_surrogate", "JSON string has half of a surrogate pair");
  }

  readNumber(): number {
    const { text } = this;
    let at = this.at;
    let code = text.charCodeAt(at);
    let sum = 0;
    while (isDigit(code)) {
      sum = sum * 10 + (code - ZERO);
      code = text.charCodeAt(++at);
    }
    const digits = at - this.at;
    const isPlain = code !== DOT && code !== 0x65 && code !== 0x45;
    const hasLeadingZero = digits > 1 && text.charCodeAt(this.at) === ZERO;
    if (digits > 0 && digits <= EXACT_DIGITS && isPlain && !hasLeadingZero) {
      this.at = at;
      return sum;
    }
    return this.readOtherNumber();
  }

  readOtherNumber(): number {
    NUMBER.lastIndex = this.at;
    const literal = NUMBER.exec(this.text)?.[0];
    if (literal === undefined) return this.fail("json_invalid", "JSON number is incomplete");
    const value = Number(literal);
    // RFC 7493 §2.2. Every double beyond 2^53 is an integer that stands for its neighbours too; 1e20 and its digits are treated alike.
    if (Math.abs(value) > Number.MAX_SAFE_INTEGER) this.fail("json_number_unsafe", "JSON number is beyond 2^53 - 1");
    if (value === 0 && NON_ZERO_MANTISSA.test(literal)) this.fail("json_number_unsafe", "JSON number is too small");
    this.at += literal.length;
    // RFC 8785 §3.2.2.3 writes -0 as 0; reading it as 0 keeps a value and its canonical form equal.
    return value === 0 ? 0 : value;
  }
}

/**
 * Parses RFC 8259 text with the restrictions of I-JSON (RFC 7493): one meaning for one text. A byte order mark is refused.
 * `-0` is read as 0; fractions are rounded to doubles as everywhere. `depthMax`: nested containers allowed.
 * Throws `json_invalid`, `json_duplicate_key`, `json_forbidden_key`, `json_too_deep`, `json_number_unsafe`, `json_lone_surrogate`.
 */
export function parseJson(text: string, options: { depthMax?: number } = {}): Json {
  const reader = new JsonReader(text, options.depthMax ?? JSON_DEPTH_MAX);
  const value = reader.readValue(0);
  reader.skipSpace();
  if (reader.at !== text.length) reader.fail("json_invalid", "JSON text goes on after its value");
  return value;
}

const PLAIN_STRING = /^[\x20\x21\x23-\x5b\x5d-\x7e]*$/;
const LONE_SURROGATE = /\p{Surrogate}/u;

function canonicalString(text: string): string {
  if (PLAIN_STRING.test(text)) return `"${text}"`;
  if (LONE_SURROGATE.test(text)) {
    throw new AttestryError("json_lone_surrogate", "text to be canonical JSON has half of a surrogate pair");
  }
  // RFC 8785 §3.2.2.2: for well-formed text ECMAScript's own escapes are the canonical ones.
  return JSON.stringify(text);
}

function canonicalObject(value: object, depth: number): string {
  const prototype = Object.getPrototypeOf(value);
  if (prototype !== Object.prototype && prototype !== null) {
    throw new AttestryError("json_invalid", "only plain objects have canonical JSON");
  }
  const object = value as Record<string, unknown>;
  let text = "{";
  // RFC 8785 §3.2.3: sorted by UTF-16 code units, which is what sort() does without a comparison.
  for (const name of Object.keys(object).sort()) {
    if (text.length > 1) text += ",";
    text += `${canonicalString(name)}:${canonicalValue(object[name], depth)}`;
  }
  return `${text}}`;
}

function canonicalArray(values: readonly unknown[], depth: number): string {
  let text = "[";
  // Not map(): it skips the holes of a sparse array.
  for (let i = 0; i < values.length; i++) {
    if (i > 0) text += ",";
    text += canonicalValue(values[i], depth);
  }
  return `${text}]`;
}

function canonicalValue(value: unknown, depth: number): string {
  if (typeof value === "string") return canonicalString(value);
  if (typeof value === "number") {
    if (!Number.isFinite(value))
      throw new AttestryError("json_number_unsafe", "only finite numbers have canonical JSON");
    return JSON.stringify(value);
  }
  if (value === null || typeof value === "boolean") return String(value);
  if (typeof value !== "object") throw new AttestryError("json_invalid", `${typeof value} has no canonical JSON`);
  if (depth >= JSON_DEPTH_MAX) {
    throw new AttestryError("json_too_deep", `value to be canonical JSON is nested deeper than ${JSON_DEPTH_MAX}`);
  }
  return Array.isArray(value) ? canonicalArray(value, depth + 1) : canonicalObject(value, depth + 1);
}

/**
 * The canonical JSON of RFC 8785, whose UTF-8 bytes are hashed or signed. An undefined member is an error, not left out.
 * Throws `json_lone_surrogate`, `json_number_unsafe` (not finite), `json_too_deep`, `json_invalid` (undefined, functions, class instances).
 */
export function canonicalJson(value: unknown): string {
  return canonicalValue(value, 0);
}
