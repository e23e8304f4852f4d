// One guard out of two, each for what is its own. Decides nothing.
import type { AccessGuard } from "./access-log-service.ts";

/** `isSecond`: whether something is for the second to judge. Neither speaks of rows of the other. */
export function joinGuards<First, Second>(
  first: AccessGuard<First>,
  second: AccessGuard<Second>,
  isSecond: (guarded: First | Second) => guarded is Second,
): AccessGuard<First | Second> {
  const isFirst = (guarded: First | Second): guarded is First => !isSecond(guarded);
  return {
    async check(tx, guarded) {
      const own = { first: guarded.filter(isFirst), second: guarded.filter(isSecond) };
      const verdicts = {
        first: own.first.length === 0 ? [] : await first.check(tx, own.first),
        second: own.second.length === 0 ? [] : await second.check(tx, own.second),
      };
      return guarded.map((one) =>
        isSecond(one) ? verdicts.second[own.second.indexOf(one)] : verdicts.first[own.first.indexOf(one as First)],
      );
    },
    async store(tx, accepted) {
      const own = {
        first: accepted.flatMap(({ guarded, logIndex }) => (isFirst(guarded) ? [{ guarded, logIndex }] : [])),
        second: accepted.flatMap(({ guarded, logIndex }) => (isSecond(guarded) ? [{ guarded, logIndex }] : [])),
      };
      if (own.first.length > 0) await first.store(tx, own.first);
      if (own.second.length > 0) await second.store(tx, own.second);
    },
  };
}
