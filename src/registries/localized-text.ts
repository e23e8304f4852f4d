// Texts of definitions in several languages. Pure; runs in a browser.

/** A text, or one per language. */
export type LocalizedText = string | { readonly [language: string]: string };

/** The text in the first of the wanted languages that there is, else English, else any. */
export function localize(text: LocalizedText, languages: readonly string[] = []): string {
  if (typeof text === "string") return text;
  // Readers name the languages: "toString" is none, though every object has it.
  for (const language of [...languages, "en"]) if (Object.hasOwn(text, language)) return text[language]!;
  return Object.values(text)[0] ?? "";
}
