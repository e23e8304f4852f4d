// What can be told of a column by its values, gathered row by row in bounded memory. Pure.
import type { Json } from "../crypto/json.ts";
import { DRAFT_CHOICES_MAX } from "../limits.ts";
import type { ValueShapes } from "./draft-personal.ts";

/** Kinds of which a column is the first that all its values fit. */
export type DraftType = "boolean" | "integer" | "number" | "date" | "string" | "list";

/** Holds how many different values may still be remembered, for all columns together. */
export interface DraftMemory {
  valuesLeft: number;
}

/** What is known of a column once all rows were added. */
export interface ColumnFacts {
  readonly rows: number;
  readonly filled: number;
  readonly type: DraftType;
  /** How a date is written. */
  readonly format: string | undefined;
  readonly lengthMin: number;
  readonly lengthMax: number;
  readonly isDigitsOnly: boolean;
  readonly isSerial: boolean;
  readonly hasControl: boolean;
  /** Undefined: there were too many values to tell. */
  readonly isUnique: boolean | undefined;
  /** The different values in the order met, where they are few. */
  readonly choices: readonly string[] | undefined;
  readonly shapes: ValueShapes;
}

export interface DraftColumn {
  add(cell: Json | undefined): void;
  facts(): ColumnFacts;
}

const DATE_FORMATS: readonly (readonly [string, RegExp])[] = [
  ["YYYY-MM-DD", /^(?<year>\d{4})-(?<month>\d{2})-(?<day>\d{2})$/],
  ["DD/MM/YYYY", /^(?<day>\d{2})\/(?<month>\d{2})\/(?<year>\d{4})$/],
  ["DD-MM-YYYY", /^(?<day>\d{2})-(?<month>\d{2})-(?<year>\d{4})$/],
  ["DD.MM.YYYY", /^(?<day>\d{2})\.(?<month>\d{2})\.(?<year>\d{4})$/],
  ["MM/DD/YYYY", /^(?<month>\d{2})\/(?<day>\d{2})\/(?<year>\d{4})$/],
];
// A leading zero makes a number a name: 007 is not 7.
const INTEGER = /^[+-]?(0|[1-9]\d{0,14})$/;
const NUMBER = /^[+-]?(0|[1-9]\d{0,14})(\.\d{1,15})?$/;
const BOOLEAN_PAIRS = [
  ["true", "false"],
  ["yes", "no"],
  ["y", "n"],
];
const EMAIL = /^[^\s@]+@[^\s@]+\.[^\s@]+$/;
const PHONE = /^\+?\d[\d\s().-]{8,16}$/;
const NATIONAL_NUMBER = /^(\d{4}\s?\d{4}\s?\d{4}|[A-Z]{5}\d{4}[A-Z]|\d{3}-\d{2}-\d{4})$/;

export function createDraftColumn(memory: DraftMemory): DraftColumn {
  let [rows, filled, lengthMin, lengthMax] = [0, 0, Number.POSITIVE_INFINITY, 0];
  let [isInteger, isNumber, isDigitsOnly, isSerial, isList, hasControl] = [true, true, true, true, true, false];
  let formats = DATE_FORMATS;
  const shapes = { email: 0, phone: 0, nationalNumber: 0 };
  const choices = new Set<string>();
  let seen: Set<number> | undefined = new Set();
  let isUnique: boolean | undefined = true;

  function remember(text: string): void {
    if (!seen) return;
    const hash = hashText(text);
    if (seen.has(hash)) isUnique = false;
    else if (memory.valuesLeft === 0) isUnique = undefined;
    else {
      memory.valuesLeft--;
      seen.add(hash);
      return;
    }
    memory.valuesLeft += seen.size;
    seen = undefined;
  }

  return {
    add(cell) {
      rows++;
      if (cell === undefined || cell === null) return;
      if (typeof cell !== "object") isList = false;
      const text = (typeof cell === "object" ? JSON.stringify(cell) : String(cell)).trim();
      if (text === "") return;
      filled++;
      lengthMin = Math.min(lengthMin, text.length);
      lengthMax = Math.max(lengthMax, text.length);
      isInteger &&= INTEGER.test(text) && Number.isSafeInteger(Number(text));
      isNumber &&= NUMBER.test(text);
      isDigitsOnly &&= /^\d+$/.test(text);
      isSerial &&= Number(text) === filled && rows === filled;
      hasControl ||= /\p{Cc}/u.test(text);
      if (formats.length > 0) formats = formats.filter(([, pattern]) => isDate(text, pattern));
      if (EMAIL.test(text)) shapes.email++;
      if (PHONE.test(text) && /^\D*(\d\D*){10,15}$/.test(text) && !/^\d{4}-\d{2}-\d{2}/.test(text)) shapes.phone++;
      if (NATIONAL_NUMBER.test(text)) shapes.nationalNumber++;
      if (choices.size <= DRAFT_CHOICES_MAX) choices.add(text);
      remember(text);
    },
    facts() {
      const few = choices.size <= DRAFT_CHOICES_MAX ? [...choices] : undefined;
      const small = few?.map((value) => value.toLowerCase());
      const isBoolean = small?.length === 2 && BOOLEAN_PAIRS.some((pair) => pair.every((word) => small.includes(word)));
      const share = (count: number) => (filled === 0 ? 0 : count / filled);
      const type = (): DraftType => {
        if (filled === 0) return "string";
        if (isList) return "list";
        if (isBoolean) return "boolean";
        if (isInteger) return "integer";
        if (isNumber) return "number";
        return formats.length > 0 ? "date" : "string";
      };
      return {
        rows,
        filled,
        type: type(),
        format: formats[0]?.[0],
        lengthMin: filled === 0 ? 0 : lengthMin,
        lengthMax,
        isDigitsOnly: isDigitsOnly && filled > 0,
        isSerial: isSerial && filled > 1,
        hasControl,
        isUnique: filled === 0 ? false : isUnique,
        choices: few,
        shapes: {
          email: share(shapes.email),
          phone: share(shapes.phone),
          nationalNumber: share(shapes.nationalNumber),
        },
      };
    },
  };
}

function isDate(text: string, pattern: RegExp): boolean {
  const { year, month, day } = pattern.exec(text)?.groups ?? {};
  const iso = `${year}-${month}-${day}`;
  const time = Date.parse(`${iso}T00:00:00Z`);
  return !Number.isNaN(time) && new Date(time).toISOString().startsWith(iso);
}

/** 53 bits of a text (cyrb53): two of a million texts agree about once in ten thousand files. Decides a guess, nothing else. */
export function hashText(text: string): number {
  let [high, low] = [0xdeadbeef, 0x41c6ce57];
  for (let at = 0; at < text.length; at++) {
    const code = text.charCodeAt(at);
    high = Math.imul(high ^ code, 2_654_435_761);
    low = Math.imul(low ^ code, 1_597_334_677);
  }
  high = Math.imul(high ^ (high >>> 16), 2_246_822_507) ^ Math.imul(low ^ (low >>> 13), 3_266_489_909);
  low = Math.imul(low ^ (low >>> 16), 2_246_822_507) ^ Math.imul(high ^ (high >>> 13), 3_266_489_909);
  return 4_294_967_296 * (2_097_151 & low) + (high >>> 0);
}
