// Within which records a member of staff acts: a field of the record equals a claim of the person. Pure; permissions.ts says who acts at all.
import type { Json } from "../crypto/json.ts";
import { AttestryError } from "../errors.ts";
import { CLAIM_CHARS_MAX, CLAIM_VALUES_MAX } from "../limits.ts";
import type { Caller } from "./caller.ts";

/** What a person is, by the department's own word: `{"district": ["021"]}`. */
export type Claims = Readonly<Record<string, readonly string[]>>;

/** A rule of a registry: the record's field must equal one of the person's values of the claim. */
export interface JurisdictionRule {
  readonly field: string;
  readonly claim: string;
}

/** A rule with the values that a caller has of its claim; none where the caller lacks it. */
export interface Bound<Rule extends JurisdictionRule = JurisdictionRule> {
  readonly rule: Rule;
  readonly values: readonly string[];
}

/** The value of a claim that stands for all. */
export const EVERY_VALUE = "*";

/** The rules that bind a caller: none for who has every value of each. Whoever lacks a claim is bound to nothing at all. */
export function findBounds<Rule extends JurisdictionRule>(caller: Caller, rules: readonly Rule[]): Bound<Rule>[] {
  const claims = caller.kind === "staff" ? (caller.claims ?? {}) : {};
  return rules.flatMap((rule) => {
    // A claim may be named as what every object inherits, such as "constructor".
    const values = Object.hasOwn(claims, rule.claim) ? claims[rule.claim]! : [];
    return values.includes(EVERY_VALUE) ? [] : [{ rule, values }];
  });
}

/** A record's value as it is compared with claims; undefined where there is nothing to compare. */
export function claimText(value: Json | undefined): string | undefined {
  if (typeof value === "string") return value;
  return typeof value === "number" || typeof value === "boolean" ? String(value) : undefined;
}

export function outsideJurisdiction(registry: string, bounds: readonly Bound[]): AttestryError {
  const needed = bounds.map(({ rule }) => `"${rule.field}" must be a value of the claim "${rule.claim}"`).join(", ");
  return new AttestryError(
    "permission_denied",
    `outside the jurisdiction of this token, if "${registry}" has such a record: ${needed}; ask the office that it belongs to, or for a token with the claim`,
  );
}

/** Claims for people to read. */
export function formatClaims(claims: Claims): string {
  return Object.entries(claims)
    .map(([name, values]) => `${name}=${values.join(",")}`)
    .join(" ");
}

const CLAIM_NAME = /^[a-z][a-z0-9_-]{0,62}$/;

/** Reads claims such as `district=021`, one value each; throws `request_invalid`. */
export function parseClaims(texts: readonly string[]): Claims {
  const claims = new Map<string, string[]>();
  for (const text of texts) {
    const at = text.indexOf("=");
    const [name, value] = [text.slice(0, Math.max(at, 0)), text.slice(at + 1)];
    if (!CLAIM_NAME.test(name) || value === "" || value.length > CLAIM_CHARS_MAX || /\p{C}/u.test(value)) {
      throw new AttestryError(
        "request_invalid",
        `claim "${text.slice(0, 80)}" must be name=value, such as district=021, or district=${EVERY_VALUE} for all; a value has at most ${CLAIM_CHARS_MAX} characters`,
      );
    }
    claims.set(name, [...new Set([...(claims.get(name) ?? []), value])]);
  }
  const values = [...claims.values()].reduce((sum, some) => sum + some.length, 0);
  if (values > CLAIM_VALUES_MAX)
    throw new AttestryError("request_invalid", `${values} values of claims; at most ${CLAIM_VALUES_MAX} are allowed`);
  return Object.fromEntries(claims);
}
