// A reader's languages, and texts, numbers and times in that form. Pure; runs in browsers, too.
import type { LocalizedText } from "../registries/localized-text.ts";

export interface Reader {
  /** Language tags, the most wanted first. */
  readonly languages: readonly string[];
  /** The first of them that numbers and times can be written in. */
  readonly locale: string;
}

/** The reader's languages, each followed by its shorter forms (RFC 4647 §3.4), for who looks texts up by equal tags. */
export function listLookupTags(reader: Reader): string[] {
  const tags = reader.languages.flatMap((tag) => {
    const subtags = tag.split("-");
    return subtags.map((_, index) => subtags.slice(0, subtags.length - index).join("-"));
  });
  return [...new Set(tags)];
}

/** A text and the language it is in; `undefined` where its definition does not say. */
export interface ChosenText {
  readonly text: string;
  readonly language: string | undefined;
}

/** Who says nothing of languages. */
export const DEFAULT_READER: Reader = { languages: [], locale: "en" };

function isLanguageTag(text: string): boolean {
  try {
    return Intl.getCanonicalLocales(text).length === 1;
  } catch {
    return false;
  }
}

/** Of language tags (untrusted), the most wanted first; what is none is passed over. */
export function createReader(tags: readonly string[]): Reader {
  const languages = tags.filter(isLanguageTag);
  return { languages, locale: Intl.NumberFormat.supportedLocalesOf(languages)[0] ?? DEFAULT_READER.locale };
}

/** RFC 4647 §3.4: the wanted ranges in order, each shortened from its end until a text's language equals it; else English, else any. */
export function chooseText(text: LocalizedText, reader: Reader): ChosenText {
  if (typeof text === "string") return { text, language: undefined };
  const byTag = new Map(Object.keys(text).map((tag) => [tag.toLowerCase(), tag]));
  for (const wanted of [...reader.languages, "en"]) {
    const subtags = wanted.toLowerCase().split("-");
    for (let length = subtags.length; length > 0; length--) {
      const language = byTag.get(subtags.slice(0, length).join("-"));
      if (language !== undefined) return { text: text[language]!, language };
    }
  }
  const [language, first] = Object.entries(text)[0] ?? [undefined, ""];
  return { text: first, language };
}

export function formatNumber(value: number, reader: Reader): string {
  return new Intl.NumberFormat(reader.locale, { maximumFractionDigits: 20 }).format(value);
}

/** `seconds`: Unix seconds. Written in UTC, because the reader's zone is not known here. */
export function formatTime(seconds: number, reader: Reader): string {
  return new Intl.DateTimeFormat(reader.locale, {
    dateStyle: "long",
    timeStyle: "long",
    timeZone: "UTC",
  }).format(seconds * 1_000);
}

/** An RFC 3339 instant in words, in UTC; a text that is none as it is. */
export function formatInstant(instant: string, reader: Reader): string {
  const milliseconds = Date.parse(instant);
  return Number.isNaN(milliseconds) ? instant : formatTime(milliseconds / 1_000, reader);
}

/** A full-date of RFC 3339 in words; a text that is none as it is. */
export function formatDay(day: string, reader: Reader): string {
  const milliseconds = Date.parse(`${day}T00:00:00Z`);
  if (Number.isNaN(milliseconds)) return day;
  return new Intl.DateTimeFormat(reader.locale, { dateStyle: "long", timeZone: "UTC" }).format(milliseconds);
}

/** A number of bytes with the unit that leaves one to three digits. */
export function formatBytes(bytes: number, reader: Reader): string {
  const units = ["byte", "kilobyte", "megabyte"];
  const step = bytes < 1_000 ? 0 : bytes < 1_000_000 ? 1 : 2;
  // "byte" has no short form that is plural.
  const unitDisplay = step === 0 ? "long" : "short";
  const style = { style: "unit", unit: units[step]!, unitDisplay, maximumFractionDigits: step === 2 ? 1 : 0 } as const;
  return new Intl.NumberFormat(reader.locale, style).format(bytes / 1_000 ** step);
}
