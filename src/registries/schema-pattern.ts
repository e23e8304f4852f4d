// Decides whether a foreign schema's regular expression may be run at all. Runs none of them on data.
import { PATTERN_CHARS_MAX, PATTERN_TEXT_CHARS_MAX, PATTERN_WAYS_MAX } from "../limits.ts";

// One token of a regular expression in Unicode mode: an atom, a parenthesis, an alternation or a quantifier.
const TOKEN =
  /\\[pP]\{[^}]*\}|\\u\{[0-9a-fA-F]+\}|\\u[0-9a-fA-F]{4}|\\x[0-9a-fA-F]{2}|\\[\s\S]|\[(?:\\[\s\S]|[^\]\\])*\]|\(\?(?:[:=!]|<[=!])|\(\?|[()|^$]|[*+?]\??|\{\d+(?:,\d*)?\}\??|[\s\S]/gu;
const QUANTIFIER = /^(?:([*+?])|\{(\d+)(?:(,)(\d*))?\})\??$/;
// What the atoms of real patterns tell apart lies below U+0300; of what is above, some of every script.
const SAMPLE = [
  ...Array.from({ length: 0x300 }, (_, code) => code),
  ...Array.from({ length: 0x2fd00 / 0x40 }, (_, step) => 0x300 + step * 0x40),
];

interface Quantity {
  readonly min: number;
  readonly max: number;
}

/** An atom's source, a group's branches, or the end of the text; what else has no width says nothing here. */
type Part =
  | { readonly kind: "atom"; readonly atom: string; readonly quantity: Quantity }
  | { readonly kind: "group"; readonly branches: readonly (readonly Part[])[]; readonly quantity: Quantity }
  | { readonly kind: "end" };
type Branch = readonly Part[];
type Group = Extract<Part, { kind: "group" }>;

interface OpenGroup {
  readonly branches: Part[][];
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

/** The branches of a pattern that compiles; undefined where it looks around or back. */
function parseBranches(pattern: string): Branch[] | undefined {
  const tokens = pattern.match(TOKEN) ?? [];
  const stack: OpenGroup[] = [{ branches: [[]] }];
  for (let i = 0; i < tokens.length; i++) {
    const token = tokens[i]!;
    const { branches } = stack.at(-1)!;
    if (token === "(" || token === "(?:") stack.push({ branches: [[]] });
    else if (token.startsWith("(?") || /^\\[1-9k]/.test(token)) return undefined;
    else if (token === "|") branches.push([]);
    else if (token === "$") branches.at(-1)!.push({ kind: "end" });
    else if (token !== "^" && !/^\\[bB]$/.test(token)) {
      const quantity = parseQuantity(tokens[i + 1] ?? "") ?? ONCE;
      if (quantity !== ONCE) i++;
      if (token === ")") {
        stack.pop();
        stack.at(-1)!.branches.at(-1)!.push({ kind: "group", branches, quantity });
      } else branches.at(-1)!.push({ kind: "atom", atom: token, quantity });
    }
  }
  return stack[0]!.branches;
}

/** Tells whether two atoms of this pattern have a character in common; in doubt they have. */
function createOverlap(pattern: string): (atom: string, others: readonly string[]) => boolean {
  const written = [...pattern.matchAll(/\\u(?:\{(\w+)\}|(\w{4}))|./gsu)].map(([character, long, short]) =>
    long || short ? Number.parseInt(long ?? short!, 16) : character.codePointAt(0)!,
  );
  // Where two ranges overlap, an end of one lies in the other.
  const samples = [...new Set([...SAMPLE, ...written])].map((code) => String.fromCodePoint(code));
  const known = new Map<string, ReadonlySet<string>>();
  function matchesOf(atom: string): ReadonlySet<string> {
    const remembered = known.get(atom);
    if (remembered) return remembered;
    const matcher = new RegExp(`^${atom}$`, "u");
    const matches = new Set(samples.filter((character) => matcher.test(character)));
    known.set(atom, matches);
    return matches;
  }
  return (atom, others) => {
    const own = matchesOf(atom);
    return others.some((other) => {
      if (other === atom) return true;
      const theirs = matchesOf(other);
      if (own.size === 0 || theirs.size === 0) return true;
      const [less, more] = own.size < theirs.size ? [own, theirs] : [theirs, own];
      for (const character of less) if (more.has(character)) return true;
      return false;
    });
  };
}

/** What a text may go on with at the beginning of these parts; `after`: what may follow them. */
function firstOf(parts: Branch, after: readonly string[]): string[] {
  const first = new Set<string>();
  for (const part of parts) {
    if (part.kind === "end") return [...first];
    const own = part.kind === "atom" ? [part.atom] : part.branches.flatMap((branch) => firstOf(branch, []));
    for (const atom of own) first.add(atom);
    if (part.quantity.min > 0 && !isNullable(part)) return [...first];
  }
  for (const atom of after) first.add(atom);
  return [...first];
}

function isNullable(part: Part): boolean {
  if (part.kind === "end") return true;
  return part.quantity.min === 0 || (part.kind === "group" && part.branches.some((branch) => branch.every(isNullable)));
}

/**
 * Counts in how many ways at most a text of PATTERN_TEXT_CHARS_MAX can be matched: a repetition whose end the next
 * character tells has one, every other as many as it has lengths, and one after the other they multiply.
 */
function createCount(overlaps: (atom: string, others: readonly string[]) => boolean) {
  const lengths = ({ min, max }: Quantity): number => Math.min(max, PATTERN_TEXT_CHARS_MAX) - min + 1;
  const isDecided = (first: readonly string[], next: readonly string[]): boolean =>
    !first.some((atom) => overlaps(atom, next));

  function ofBranch(branch: Branch, after: readonly string[]): number {
    let ways = 1;
    for (const [at, part] of branch.entries()) {
      if (part.kind === "end") continue;
      const next = firstOf(branch.slice(at + 1), after);
      ways *= part.kind === "group" ? ofGroup(part, next) : ofAtom(part.atom, part.quantity, next);
      if (ways > PATTERN_WAYS_MAX) return Number.POSITIVE_INFINITY;
    }
    return ways;
  }

  function ofAtom(atom: string, quantity: Quantity, next: readonly string[]): number {
    return quantity.min === quantity.max || isDecided([atom], next) ? 1 : lengths(quantity);
  }

  function ofBranches(branches: readonly Branch[], after: readonly string[]): number {
    let [sum, most, isClear] = [0, 0, true];
    let seen: string[] = [];
    for (const branch of branches) {
      const ways = ofBranch(branch, after);
      const first = firstOf(branch, after);
      isClear &&= isDecided(first, seen);
      seen = [...new Set([...seen, ...first])];
      sum += ways;
      most = Math.max(most, ways);
    }
    return isClear ? most : sum;
  }

  function ofGroup(group: Group, next: readonly string[]): number {
    const { branches, quantity } = group;
    const first = branches.flatMap((branch) => firstOf(branch, []));
    const isOpen = quantity.min !== quantity.max && !isDecided(first, next);
    if (quantity.max <= 1)
      return ofBranches(branches, next) + (isOpen || branches.some((one) => one.every(isNullable)) ? 1 : 0);
    // What can go two ways in one round goes 2^n ways in n rounds.
    if (ofBranches(branches, [...first, ...next]) > 1) return Number.POSITIVE_INFINITY;
    return isOpen ? lengths(quantity) : 1;
  }
  return ofBranches;
}

/** Whether every branch begins with `^`, so that a match is looked for at one place only. */
function isAnchored(pattern: string, branches: readonly Branch[]): boolean {
  return branches.length === 1 && pattern.startsWith("^");
}

/**
 * Whether matching the pattern takes no more than about the square of the text's length: no back-references and no
 * look-around, no repeated group that a text can go through in two ways (`(-[a-z]+)*` may run, `(a+)+` and `(a|a)*` may
 * not), and not many repetitions or choices side by side that could share out a text between them (`a*a*a*a*` and `a?`
 * forty times may not). Sound patterns may be refused.
 */
export function isPatternSafe(pattern: string): boolean {
  if (pattern.length > PATTERN_CHARS_MAX) return false;
  try {
    new RegExp(pattern, "u");
  } catch {
    return false;
  }
  const branches = parseBranches(pattern);
  if (branches === undefined) return false;
  const starts = isAnchored(pattern, branches) ? 1 : PATTERN_TEXT_CHARS_MAX;
  return createCount(createOverlap(pattern))(branches, []) * starts <= PATTERN_WAYS_MAX;
}
