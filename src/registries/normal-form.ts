// Normal forms of texts: what does not count when two values are compared or looked up. Pure; needs no table but Unicode's own.
import type { NormalForm } from "./definition.ts";

const APOSTROPHES = /['’‘ʼ`´]/gu;
const OTHER_SIGNS = /[\p{P}\p{S}]/gu;
const SPACES = /[\s\p{Z}\p{Cc}]+/gu;
// Joiners, soft hyphens, variation selectors: how a text is drawn, not what it says (NFKC_Casefold of Unicode TR44 drops them too).
const INVISIBLE = /\p{Default_Ignorable_Code_Point}/gu;
// Accents of alphabets that write them on letters. Marks of other scripts, such as the vowel signs of Devanagari, are the text itself.
const ACCENTED = /([\p{Script=Latin}\p{Script=Greek}\p{Script=Cyrillic}])\p{M}+/gu;
const DIGIT = /\p{Nd}/gu;

/** The form of `text` under which it is compared. Applying it again changes nothing. */
export function normalizeText(text: string, form: NormalForm): string {
  if (form === "exact") return text;
  if (form === "digits") return (text.normalize("NFKC").match(DIGIT) ?? []).map(asciiDigit).join("");
  const folded = foldText(text);
  return form === "text" ? collapseSpaces(folded) : collapseSpaces(foldName(folded));
}

function foldText(text: string): string {
  // Composing after folding may give a letter that folds again (U+1E9E and a few Greek ones): twice is enough for all of Unicode.
  return foldCase(foldCase(text));
}

function foldCase(text: string): string {
  // Upper case first: it opens ligatures and ß, and makes one letter of the two small sigmas.
  return text
    .normalize("NFKC")
    .replace(INVISIBLE, "")
    .toUpperCase()
    .toLowerCase()
    .replaceAll("ς", "σ")
    .normalize("NFKC");
}

function foldName(text: string): string {
  // An initial with a full stop is an initial: "K.R." and "K. R." are the same. O'Neil is ONeil.
  const letters = text.normalize("NFD").replace(ACCENTED, "$1").normalize("NFC");
  return letters.replace(APOSTROPHES, "").replace(OTHER_SIGNS, " ");
}

function collapseSpaces(text: string): string {
  return text.replace(SPACES, " ").trim();
}

// Unicode keeps the ten digits of every system in a row, from zero on; where rows touch, each has ten.
function asciiDigit(character: string): string {
  const code = character.codePointAt(0)!;
  let zero = code;
  while (isDigit(zero - 1)) zero -= 1;
  return String((code - zero) % 10);
}

function isDigit(code: number): boolean {
  return /\p{Nd}/u.test(String.fromCodePoint(code));
}
