// Which witnesses must have seen a checkpoint (C2SP tlog-policy): groups of witnesses and a quorum. Verifies no signature.
import { AttestryError } from "../errors.ts";
import { WITNESS_POLICY_CHARS_MAX, WITNESS_POLICY_LINES_MAX } from "../limits.ts";
import { type NoteVerifier, parseWitnessKey } from "./note.ts";

export interface Witness {
  readonly verifier: NoteVerifier;
  /** Where it is asked, if the policy says. */
  readonly url: string | undefined;
}

interface Group {
  readonly threshold: number;
  /** Names of witnesses and groups. */
  readonly members: readonly string[];
}

export interface WitnessPolicy {
  /** By the policy's own names. */
  readonly witnesses: ReadonlyMap<string, Witness>;
  readonly groups: ReadonlyMap<string, Group>;
  /** A witness, a group, or undefined for `none`. */
  readonly quorum: string | undefined;
}

function invalid(line: number, reason: string): AttestryError {
  return new AttestryError("witness_policy_invalid", `witness policy, line ${line}: ${reason}`);
}

function readThreshold(text: string, count: number): number | undefined {
  if (text === "any") return 1;
  if (text === "all") return count;
  const value = /^[1-9][0-9]*$/.test(text) ? Number(text) : Number.NaN;
  return value <= count ? value : undefined;
}

/** Reads a policy's text. Throws `witness_policy_invalid`, naming the line; `key_invalid` for a weak key. */
export function parseWitnessPolicy(text: string): WitnessPolicy {
  if (text.length > WITNESS_POLICY_CHARS_MAX)
    throw invalid(1, `more than ${WITNESS_POLICY_CHARS_MAX} characters in all`);
  // Spaces, newlines, tabs and what prints; UTF-8 above ASCII may stand in names (C2SP tlog-policy).
  if (/[\u0000-\u0008\u000b-\u001f\u007f]/.test(text)) throw invalid(1, "a control character");
  const lines = text.split("\n");
  if (lines.length > WITNESS_POLICY_LINES_MAX)
    throw invalid(lines.length, `more than ${WITNESS_POLICY_LINES_MAX} lines`);
  const witnesses = new Map<string, Witness>();
  const groups = new Map<string, Group>();
  const keys = new Set<string>();
  const taken = new Set<string>();
  let quorum: string | undefined;
  let hasQuorum = false;
  const isKnown = (name: string): boolean => witnesses.has(name) || groups.has(name);

  for (const [at, line] of lines.entries()) {
    const number = at + 1;
    const [keyword, ...words] = line.split(/[ \t]+/).filter((word) => word !== "");
    if (keyword === undefined || keyword.startsWith("#")) continue;
    const checkName = (name: string): void => {
      if (name === "none") throw invalid(number, '"none" is no name');
      if (isKnown(name)) throw invalid(number, `"${name}" is defined twice`);
    };
    if (keyword === "log") {
      // Which logs may be believed follows from the trust chain, never from here.
      if (words.length < 1 || words.length > 2) throw invalid(number, "log needs a verifier key, and may have a URL");
    } else if (keyword === "witness") {
      const [name, vkey, url, ...rest] = words;
      if (name === undefined || vkey === undefined || rest.length > 0)
        throw invalid(number, "witness needs a name and a verifier key, and may have a URL");
      checkName(name);
      const verifier = readWitnessKey(vkey, number);
      const key = String(verifier.raw);
      if (keys.has(key)) throw invalid(number, `the key of "${name}" is another witness's, too`);
      keys.add(key);
      witnesses.set(name, { verifier, url });
    } else if (keyword === "group") {
      const [name, threshold, ...members] = words;
      if (name === undefined || threshold === undefined || members.length === 0)
        throw invalid(number, "group needs a name, a threshold and members");
      checkName(name);
      for (const member of members) {
        if (!isKnown(member)) throw invalid(number, `"${member}" is not defined before`);
        if (taken.has(member)) throw invalid(number, `"${member}" is a member already`);
        taken.add(member);
      }
      const needed = readThreshold(threshold, members.length);
      if (needed === undefined)
        throw invalid(number, `the threshold must be any, all, or a number from 1 to ${members.length}`);
      groups.set(name, { threshold: needed, members });
    } else if (keyword === "quorum") {
      const [name, ...rest] = words;
      if (name === undefined || rest.length > 0) throw invalid(number, "quorum needs one name");
      if (hasQuorum) throw invalid(number, "there is a quorum already");
      if (name !== "none" && !isKnown(name)) throw invalid(number, `"${name}" is not defined before`);
      hasQuorum = true;
      quorum = name === "none" ? undefined : name;
    } else {
      throw invalid(number, `"${keyword}" is unknown; allowed: log, witness, group, quorum`);
    }
  }
  if (!hasQuorum) throw invalid(lines.length, "there is no quorum");
  return { witnesses, groups, quorum };
}

function readWitnessKey(vkey: string, line: number): NoteVerifier {
  try {
    return parseWitnessKey(vkey);
  } catch (error) {
    if (error instanceof AttestryError) throw invalid(line, error.message);
    throw error;
  }
}

/** When a quorum had seen a checkpoint, in Unix seconds. */
export interface QuorumTimes {
  /** The least time by which a quorum had: no minority of liars can make it earlier. */
  readonly since: number;
  /** The greatest time at or after which a quorum did: no minority of liars can make it later. */
  readonly last: number;
}

/**
 * Whether those who cosigned are a quorum, and when; undefined where they are not. `times`: by the policy's names of witnesses, in Unix
 * seconds. A policy without a quorum (`none`) demands nothing and dates nothing.
 */
export function findQuorum(
  { groups, quorum }: WitnessPolicy,
  times: ReadonlyMap<string, number>,
): QuorumTimes | undefined {
  const judge = (name: string): QuorumTimes | undefined => {
    const group = groups.get(name);
    if (group === undefined) {
      const time = times.get(name);
      return time === undefined ? undefined : { since: time, last: time };
    }
    const met = group.members.map(judge).filter((one) => one !== undefined);
    if (met.length < group.threshold) return undefined;
    const sinces = met.map(({ since }) => since).sort((a, b) => a - b);
    const lasts = met.map(({ last }) => last).sort((a, b) => b - a);
    return { since: sinces[group.threshold - 1]!, last: lasts[group.threshold - 1]! };
  };
  return quorum === undefined ? undefined : judge(quorum);
}
