// What may be written into one input of a form, and what is wrong with what was: the same words while typing and after sending. Pure; runs in a browser.

/** Read out of a field's JSON Schema; goes into the page with its input. */
export interface FieldRules {
  readonly kind: "text" | "number" | "date" | "instant" | "url" | "choice" | "json";
  /** "with-group": only once something of its group is stated. */
  readonly required?: "always" | "with-group";
  readonly isWhole?: boolean;
  readonly charsMin?: number;
  readonly charsMax?: number;
  readonly pattern?: string;
  /** A text that follows the pattern. */
  readonly sample?: string;
  readonly least?: number;
  readonly most?: number;
  readonly above?: number;
  readonly below?: number;
  readonly step?: number;
}

const NUMBER = /^-?\d+(\.\d+)?([eE][+-]?\d{1,3})?$/;
const DAY = /^\d{4}-\d{2}-\d{2}$/;
const INSTANT = /^\d{4}-\d{2}-\d{2}T\d{2}:\d{2}:\d{2}(\.\d{1,9})?(Z|[+-]\d{2}:\d{2})$/;
/** Digits that every number of so many keeps. */
const DIGITS_MAX = 15;

/** The number that a text stands for; undefined where it is none, or would not be kept as it is written. */
export function parseNumber(text: string): number | undefined {
  if (!NUMBER.test(text)) return undefined;
  const digits = text
    .replace(/[eE].*$/, "")
    .replaceAll(/[^\d]/g, "")
    .replace(/^0+/, "");
  return digits.length > DIGITS_MAX ? undefined : Number(text);
}

function isDay(text: string): boolean {
  if (!DAY.test(text)) return false;
  const at = new Date(`${text}T00:00:00Z`);
  return !Number.isNaN(at.getTime()) && at.toISOString().startsWith(text);
}

function plural(count: number, noun: string): string {
  return `${count} ${noun}${count === 1 ? "" : "s"}`;
}

function findNumberFault(rules: FieldRules, text: string): string | undefined {
  const value = parseNumber(text);
  if (value === undefined)
    return NUMBER.test(text)
      ? `Write a number of at most ${DIGITS_MAX} digits.`
      : "Write a number, with a point before decimals, such as 12.5.";
  if (rules.isWhole && !Number.isInteger(value)) return "Write a whole number.";
  const { least, most, above, below, step } = rules;
  if (least !== undefined && value < least) return `Write ${least} or more.`;
  if (above !== undefined && value <= above) return `Write more than ${above}.`;
  if (most !== undefined && value > most) return `Write ${most} or less.`;
  if (below !== undefined && value >= below) return `Write less than ${below}.`;
  if (step !== undefined && Math.abs(value / step - Math.round(value / step)) > 1e-9)
    return `Write a multiple of ${step}.`;
  return undefined;
}

function findTextFault(rules: FieldRules, text: string): string | undefined {
  const chars = [...text].length;
  const { charsMin, charsMax, pattern, sample } = rules;
  if (charsMin !== undefined && chars < charsMin) return `Write at least ${plural(charsMin, "character")}.`;
  if (charsMax !== undefined && chars > charsMax)
    return `Write at most ${plural(charsMax, "character")}; these are ${chars}.`;
  if (pattern !== undefined && !new RegExp(pattern, "u").test(text))
    return sample === undefined
      ? "This is not in the form that the registry asks for."
      : `This is not in the form that the registry asks for. Such as: ${sample}`;
  return undefined;
}

/** What is wrong with a text, in a sentence; undefined where nothing is. `isGroupStated`: whether something else of its group is. */
export function findFieldFault(rules: FieldRules, text: string, isGroupStated = true): string | undefined {
  if (text === "") {
    const isMissing = rules.required === "always" || (rules.required === "with-group" && isGroupStated);
    if (!isMissing) return undefined;
    return rules.kind === "choice" ? "Choose one." : "Fill this in.";
  }
  if (rules.kind === "number") return findNumberFault(rules, text);
  if (rules.kind === "date") return isDay(text) ? undefined : "Write a day such as 2026-03-31.";
  if (rules.kind === "instant")
    return INSTANT.test(text) && isDay(text.slice(0, 10))
      ? undefined
      : "Write a day, a time and its zone, such as 2026-03-31T09:00:00Z.";
  if (rules.kind === "url" && !(/^[a-z][a-z0-9+.-]*:/i.test(text) && URL.canParse(text)))
    return "Write a whole address, such as https://example.org/.";
  return rules.kind === "text" || rules.kind === "url" ? findTextFault(rules, text) : undefined;
}

/** What is asked for, for who has not begun to write. */
export function describeRules(rules: FieldRules): string | undefined {
  const { charsMax, least, most, above, below, isWhole, sample } = rules;
  const parts = [
    rules.kind === "instant" ? "Day, time and zone, such as 2026-03-31T09:00:00Z." : undefined,
    sample === undefined ? undefined : `Such as ${sample}`,
    charsMax === undefined ? undefined : `At most ${plural(charsMax, "character")}.`,
    least !== undefined && most !== undefined ? `From ${least} to ${most}.` : undefined,
    least !== undefined && most === undefined ? `${least} or more.` : undefined,
    least === undefined && most !== undefined ? `${most} or less.` : undefined,
    above === undefined ? undefined : `More than ${above}.`,
    below === undefined ? undefined : `Less than ${below}.`,
    rules.kind === "number" && isWhole ? "A whole number." : undefined,
  ].filter((part) => part !== undefined);
  return parts.length === 0 ? undefined : parts.join(" ");
}
