// How often one citizen's own data are asked for by tokens: each time is an entry of the access log. Keeps no name, and no name that a provider gave.
import { encodeBase64url } from "../crypto/base64.ts";
import { hmacSha256 } from "../crypto/hash.ts";
import { canonicalJson } from "../crypto/json.ts";
import { type KeyGenerations, keyDigests } from "../crypto/key-generations.ts";
import { AttestryError } from "../errors.ts";
import type { Citizen } from "../identity/caller.ts";
import { ANSWER_WINDOW_SECONDS, OWN_DATA_CALLS_MAX } from "../limits.ts";
import type { UseBudgets } from "../records/answers/budget-service.ts";

/** Counts a call. Throws `reading_budget_exceeded`. */
export type UseCitizenBudget = (citizen: Citizen) => Promise<void>;

export function createCitizenBudget(deps: {
  readonly useBudgets: UseBudgets;
  readonly searchKey: KeyGenerations;
  readonly clock: () => number;
}): UseCitizenBudget {
  return async ({ claims }) => {
    // By what finds the records, so that a second provider, or a second name there, is no second budget.
    const person = keyDigests(deps.searchKey, ({ current }) =>
      encodeBase64url(hmacSha256(current, `attestry/own-data-budget/v1\n${canonicalJson(claims)}`)),
    );
    const now = deps.clock();
    // In the window of the other budgets of its table, which are swept together.
    const windowStart = now - (now % ANSWER_WINDOW_SECONDS);
    const used = await deps.useBudgets([person], { windowStart, windowSeconds: ANSWER_WINDOW_SECONDS });
    if (used.get(person.digest)! <= OWN_DATA_CALLS_MAX) return;
    const retryAfterSeconds = windowStart + ANSWER_WINDOW_SECONDS - now;
    throw new AttestryError(
      "reading_budget_exceeded",
      `your data were asked for more than ${OWN_DATA_CALLS_MAX} times in this hour; go on in ${retryAfterSeconds} seconds, or at /me of this node`,
      { retryAfterSeconds },
    );
  };
}
