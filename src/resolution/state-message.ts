// What a resolver tells people of a record that is not in force, after its home node's signed statement. Pure.
import type { StateStatement } from "../verification/state-statement.ts";

const SUCCESSORS_NAMED_MAX = 5;

/** What happened, and what whoever referred to the record can do. */
export function describeState(statement: StateStatement): string {
  const since = statement.effective ?? new Date(statement.issuedAt * 1_000).toISOString().slice(0, 10);
  const asItWas = `ask for version ${statement.version} to see it as it was`;
  switch (statement.operation) {
    case "replace": {
      const named = statement.replacedBy.slice(0, SUCCESSORS_NAMED_MAX).join(", ");
      const more = statement.replacedBy.length - SUCCESSORS_NAMED_MAX;
      const all = more > 0 ? `${named} and ${more} more` : named;
      return `was replaced since ${since} by ${all}; refer to ${statement.replacedBy.length === 1 ? "it" : "one of these"}, or ${asItWas}`;
    }
    case "end":
      return `ended: it was right and is over since ${since}; ${asItWas}`;
    case "suspend":
      return `is suspended since ${since}; ask the department that keeps it, or try again later`;
    case "revoke":
      return "was revoked: it was wrong from the beginning and must not be relied on";
    case "erase":
      return "was erased: its content is destroyed, and what is left of it is the proof that it was there";
    case "erase_version":
      return `version ${statement.erasedVersion} was erased: it was wrong, and what it said is destroyed; the record's other versions are as they were`;
    case "reinstate":
      return "is in force again";
  }
}
