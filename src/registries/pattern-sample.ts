// A text that a regular expression matches, for examples: always the same, and none where the expression is beyond what is read here. Pure.

const TOKEN =
  /\\[pP]\{[^}]*\}|\\u\{[0-9a-fA-F]+\}|\\u[0-9a-fA-F]{4}|\\x[0-9a-fA-F]{2}|\\[\s\S]|\[(?:\\[\s\S]|[^\]\\])*\]|\(\?:|\(\?|[()|^$]|[*+?]\??|\{\d+(?:,\d*)?\}\??|[\s\S]/gu;
const QUANTIFIER = /^(?:([*+?])|\{(\d+)(?:,(\d*))?\})\??$/;
// Taken in turn, so that "[A-Z]{2}[0-9]{3}" gives "AB345" rather than "AA111".
const CHARACTERS = [..."ABCDEFGHIJKLMNOPQRSTUVWXYZabcdefghijklmnopqrstuvwxyz1234567890 -_./:,()+@#é"];

/** The first alternative of each group, each repetition as often as it must be, at least once. */
export function samplePattern(pattern: string): string | undefined {
  try {
    const text = writeAlternative(pattern.match(TOKEN) ?? [], { at: 0 });
    return new RegExp(pattern, "u").test(text) ? text : undefined;
  } catch {
    return undefined;
  }
}

/** Reads up to the end or the group's closing parenthesis; what stands behind a "|" is passed over. */
function writeAlternative(tokens: readonly string[], position: { at: number }): string {
  let text = "";
  let isPassed = false;
  while (position.at < tokens.length) {
    const token = tokens[position.at++]!;
    if (token === ")") break;
    if (token === "(?") throw new Error("look-around and the like are not read");
    const isGroup = token === "(" || token === "(?:";
    const inner = isGroup ? writeAlternative(tokens, position) : "";
    const times = readTimes(tokens[position.at]);
    if (times !== undefined) position.at++;
    if (token === "|") isPassed = true;
    if (isPassed || token === "|" || token === "^" || token === "$") continue;
    for (let i = 0; i < (times ?? 1); i++) text += isGroup ? inner : chooseCharacter(token, text.length);
  }
  return text;
}

function readTimes(token: string | undefined): number | undefined {
  const match = QUANTIFIER.exec(token ?? "");
  if (!match) return undefined;
  const [, sign, least, most] = match;
  if (sign !== undefined) return 1;
  return Number(least) === 0 && most !== "0" ? 1 : Number(least);
}

function chooseCharacter(atom: string, place: number): string {
  const matcher = new RegExp(`^${atom}$`, "u");
  const fitting = CHARACTERS.filter((character) => matcher.test(character));
  return fitting[place % fitting.length] ?? String.fromCodePoint(findCode(matcher));
}

function findCode(matcher: RegExp): number {
  for (let code = 0x20; code < 0x3000; code++) if (matcher.test(String.fromCodePoint(code))) return code;
  throw new Error("no character fits");
}
