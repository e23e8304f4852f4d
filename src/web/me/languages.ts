// The languages of /me: which there are, how each is written, and which one a reader gets. Pure.
import type { PageLanguage } from "../layout.tsx";
import { createReader, listLookupTags, type Reader } from "../reader-language.ts";
import { en, type MeTexts } from "./texts/en.ts";
import { hi } from "./texts/hi.ts";

export interface MeLanguage extends PageLanguage {
  readonly direction: "ltr" | "rtl";
  /** What those who read it call it. */
  readonly name: string;
  readonly texts: MeTexts;
}

// A language that is written from right to left says "rtl" here, and nothing else has to change.
export const ME_LANGUAGES: readonly MeLanguage[] = [
  { tag: "en", direction: "ltr", name: "English", skip: en.skip, texts: en },
  { tag: "hi", direction: "ltr", name: "हिन्दी", skip: hi.skip, texts: hi },
];

const [ENGLISH] = ME_LANGUAGES as [MeLanguage, ...MeLanguage[]];

export function findLanguage(tag: string | undefined): MeLanguage | undefined {
  return ME_LANGUAGES.find((one) => one.tag === tag);
}

/** The language that the reader chose (untrusted), else the first of the browser's that there is, else English. */
export function chooseLanguage(chosen: string | undefined, browser: Reader): MeLanguage {
  if (findLanguage(chosen)) return findLanguage(chosen)!;
  for (const tag of listLookupTags(browser)) {
    const language = findLanguage(tag.toLowerCase());
    if (language) return language;
  }
  return ENGLISH;
}

/** Dates and definitions' texts in the page's own language first, whatever the browser prefers. */
export function readerOf(language: MeLanguage, browser: Reader): Reader {
  const isRegional = browser.languages[0]?.toLowerCase().startsWith(`${language.tag}-`) ?? false;
  return createReader(isRegional ? browser.languages : [language.tag, ...browser.languages]);
}
