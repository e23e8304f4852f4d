// What a token or statement says of the act behind it: who, on which ground, and what of that is personal. Pure.
import { createBoundedCache } from "../bounded-cache.ts";
import { encodeBase64url } from "../crypto/base64.ts";
import { hmacSha256 } from "../crypto/hash.ts";
import { AttestryError, type ErrorDetail } from "../errors.ts";
import type { Staff } from "../identity/caller.ts";
import { PSEUDONYMS_REMEMBERED_MAX } from "../limits.ts";
import type { CompiledDefinition } from "../registries/compiled-definition.ts";
import type { RecordOperation } from "./record-states.ts";

/** What somebody does to a record and gives a ground for: `hold` and `release` keep it from being erased, and let go of it again. */
export type ActOperation = RecordOperation | "hold" | "release";

/** On which ground a writer acts, in the writer's own words. `distinct`: why the record is no duplicate of one that looks alike. */
export interface WriteGround {
  readonly reason?: string;
  readonly instrument?: string;
  readonly note?: string;
  readonly distinct?: string;
}

/** Who did it and on which ground. `by` is a pseudonym of the staff member. */
export interface Act extends WriteGround {
  readonly operation: ActOperation;
  readonly role: string;
  readonly by: string;
  /** Those without whose approval it would not have been done, in the order in which they approved. */
  readonly approved?: readonly { readonly role: string; readonly by: string }[];
}

/** Throws `act_incomplete` where the ground is not what the definition asks for this operation. */
export type DescribeAct = (options: {
  compiled: CompiledDefinition;
  operation: ActOperation;
  caller: Staff;
  ground: WriteGround;
}) => Act;

/** Reasons that the node itself gives, in every registry. */
const OWN_REASONS = ["migration", "restore"];
// An erasure cannot be looked into afterwards, so what it was done for and by which right always stands beside it.
const ALWAYS_REQUIRED: Partial<Record<ActOperation, readonly (keyof WriteGround)[]>> = {
  erase: ["reason", "instrument"],
  erase_version: ["reason", "instrument"],
};
const PSEUDONYM_CHARS = 22;

function isCodedReason({ definition }: CompiledDefinition, reason: string): boolean {
  return OWN_REASONS.includes(reason) || Object.hasOwn(definition.acts?.reasons ?? {}, reason);
}

/** Whether this part of an act may be about a person, and is therefore a disclosure (DESIGN section 5). */
export function isActPartPersonal(compiled: CompiledDefinition, act: Act, part: string): boolean {
  if (part === "reason") return act.reason !== undefined && !isCodedReason(compiled, act.reason);
  if (part === "instrument") return compiled.annotations.hasPersonal;
  return part === "by" || part === "approved" || part === "note" || part === "distinct";
}

/** Throws `act_incomplete` with a detail per member that is missing or not one of the definition's. */
export function checkAct(compiled: CompiledDefinition, operation: ActOperation, ground: WriteGround): void {
  const { acts, name } = compiled.definition;
  const codes = Object.keys(acts?.reasons ?? {});
  const choice = codes.length === 0 ? "" : `; one of: ${codes.join(", ")}`;
  const required = new Set([
    ...(ALWAYS_REQUIRED[operation] ?? []),
    ...(acts?.required?.[operation === "erase_version" ? "erase" : operation] ?? []),
  ]);
  const details: ErrorDetail[] = [...required]
    .filter((member) => ground[member] === undefined)
    .map((member) => ({
      field: `/act/${member}`,
      message: `is required to ${operation}${member === "reason" ? choice : ""}`,
    }));
  const { reason } = ground;
  if (reason !== undefined && codes.length > 0 && !isCodedReason(compiled, reason))
    details.push({ field: "/act/reason", message: `is not a reason of this registry${choice}` });
  if (details.length === 0) return;
  throw new AttestryError("act_incomplete", `to ${operation} a record of "${name}", act must say more`, { details });
}

/** It tells two staff members (`Staff.person`) apart, and names them only to this node. */
export function formatPseudonym(pseudonymKey: Uint8Array, person: string): string {
  return encodeBase64url(hmacSha256(pseudonymKey, person)).slice(0, PSEUDONYM_CHARS);
}

export function createActDescriber(pseudonymKey: Uint8Array): DescribeAct {
  const pseudonyms = createBoundedCache<string>(PSEUDONYMS_REMEMBERED_MAX);
  function pseudonymOf(name: string): string {
    const known = pseudonyms.get(name);
    if (known !== undefined) return known;
    const pseudonym = formatPseudonym(pseudonymKey, name);
    pseudonyms.set(name, pseudonym);
    return pseudonym;
  }
  return ({ compiled, operation, caller, ground }) => {
    checkAct(compiled, operation, ground);
    const approved = caller.approved?.approvers.map(({ role, person }) => ({ role, by: pseudonymOf(person) }));
    return { operation, role: caller.role, by: pseudonymOf(caller.person), ...(approved && { approved }), ...ground };
  };
}
