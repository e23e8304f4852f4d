// Decides whether a foreign schema's regular expression may be run at all. Runs none of them on data.
import { PATTERN_CHARS_MAX } from "../limits.ts";

// One token of a regular expression in Unicode mode: an atom, a parenthesis, an alternation or a quantifier.
const TOKEN =
  /\\[pP]\{[^}]*\}|\\u\{[0-9a-fA-F]+\}|\\u[0-9a-fA-F]{4}|\\x[0-9a-fA-F]{2}|\\[\s\S]|\[(?:\\[\s\S]|[^\]\\])*\]|\(\?(?:[:=!]|<[=!])|\(\?|[()|^$]|[*+?]\??|\{\d+(?:,\d*)?\}\??|[\s\S]/gu;
const QUANTIFIER = /^(?:([*+?])|\{(\d+)(?:(,)(\d*))?\})\??$/;
// What the atoms of real patterns tell apart lies below U+0300; sampling beyond only widens letters that are equal there.
const SAMPLE = Array.from({ length: 0x300 }, (_, code) => String.fromCodePoint(code));

interface Quantity {
  readonly min: number;
  readonly max: number;
}

interface Part {
  /** An atom's source; undefined for a group. */
  readonly atom: string | undefined;
  /** Atoms within, of a group and of an atom. */
  readonly atoms: readonly string[];
  /** Whether matching it can go more than one way. */
  readonly hasChoice: boolean;
  readonly quantity: Quantity;
}

interface OpenGroup {
  readonly parts: Part[];
  hasAlternation: boolean;
}

const ONCE: Quantity = { min: 1, max: 1 };

function parseQuantity(token: string): Quantity | undefined {
  const match = QUANTIFIER.exec(token);
  if (!match) return undefined;
  const [, sign, least, comma, most] = match;
  if (sign === "?") return { min: 0, max: 1 };
  if (sign !== undefined) return { min: sign === "+" ? 1 : 0, max: Number.POSITIVE_INFINITY };
  const min = Number(least);
  return { min, max: comma === undefined ? min : most ? Number(most) : Number.POSITIVE_INFINITY };
}

function isDisjoint(atom: string, others: readonly string[]): boolean {
  const own = new RegExp(`^${atom}$`, "u");
  const samples = SAMPLE.filter((character) => own.test(character));
  if (samples.length === 0) return false;
  return others.every((other) => {
    const matcher = new RegExp(`^${other}$`, "u");
    return !samples.some((character) => matcher.test(character));
  });
}

/** A repeated group is unambiguous if each round begins or ends with a separator that nothing else in it matches. */
function hasSeparator(parts: readonly Part[]): boolean {
  return [parts[0], parts.at(-1)].some((part) => {
    if (part?.atom === undefined || part.quantity.min !== 1 || part.quantity.max !== 1) return false;
    return isDisjoint(
      part.atom,
      parts.flatMap((other) => (other === part ? [] : other.atoms)),
    );
  });
}

function closeGroup(group: OpenGroup, quantity: Quantity): Part | undefined {
  const hasChoice =
    group.hasAlternation || group.parts.some((part) => part.hasChoice || part.quantity.min !== part.quantity.max);
  if (quantity.max > 1 && hasChoice && (group.hasAlternation || !hasSeparator(group.parts))) return undefined;
  return { atom: undefined, atoms: group.parts.flatMap((part) => part.atoms), hasChoice, quantity };
}

/**
 * Whether matching the pattern cannot take time exponential in the length of the text: no back-references and no
 * look-around, and no repetition around a choice unless a separator keeps its rounds apart (`(-[a-z]+)*` may run,
 * `(a+)+` and `(a|b)*` may not). Sound patterns may be refused; time can still grow as a power of the length, which
 * is why texts are capped as well.
 */
export function isPatternSafe(pattern: string): boolean {
  if (pattern.length > PATTERN_CHARS_MAX) return false;
  try {
    new RegExp(pattern, "u");
  } catch {
    return false;
  }
  const tokens = pattern.match(TOKEN) ?? [];
  const stack: OpenGroup[] = [{ parts: [], hasAlternation: false }];
  for (let i = 0; i < tokens.length; i++) {
    const token = tokens[i]!;
    const group = stack.at(-1)!;
    if (token === "(" || token === "(?:") stack.push({ parts: [], hasAlternation: false });
    else if (token.startsWith("(?") || /^\\[1-9k]/.test(token)) return false;
    else if (token === "|") group.hasAlternation = true;
    else if (token !== "^" && token !== "$" && !/^\\[bB]$/.test(token)) {
      const quantity = parseQuantity(tokens[i + 1] ?? "") ?? ONCE;
      if (quantity !== ONCE) i++;
      if (token === ")") {
        stack.pop();
        const part = closeGroup(group, quantity);
        if (part === undefined) return false;
        stack.at(-1)!.parts.push(part);
      } else {
        group.parts.push({ atom: token, atoms: [token], hasChoice: false, quantity });
      }
    }
  }
  return true;
}
