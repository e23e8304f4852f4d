// The words that stand beside values of records, by the page's language.

export interface ValueWords {
  readonly yes: string;
  readonly no: string;
  readonly notStated: string;
  readonly notStatedFields: string;
  readonly personalFields: string;
  readonly document: string;
  readonly recordIn: (registry: string) => string;
  readonly keptAt: (place: string) => string;
  readonly itsVersion: (version: number) => string;
}

export const ENGLISH_VALUE_WORDS: ValueWords = {
  yes: "Yes",
  no: "No",
  notStated: "not stated",
  notStatedFields: "Not stated:",
  personalFields: "Personal, and not shown to the public:",
  document: "Document",
  recordIn: (registry) => `Record in ${registry}`,
  keptAt: (place) => `kept at ${place}`,
  itsVersion: (version) => `(its version ${version})`,
};
