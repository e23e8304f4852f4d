// Puts a subordinate into the table, under the locks that make what was judged still true when it is written. Fetches nothing.
import type { PublicKey } from "../crypto/keys.ts";
import { AttestryError } from "../errors.ts";
import type { Transaction } from "../storage/database.ts";
import { checkApplicant, checkKnownKey, describeSubordinate, formerNames, type Grant } from "./applicant.ts";
import type { EntityStatement } from "./entity-statement.ts";
import {
  findFormerHolder,
  lockSubordinate,
  removeSubordinateWithin,
  replaceSubordinate,
  type StoredSubordinate,
} from "./subordinate-store.ts";

export interface Admission {
  readonly superior: { readonly entity: string; readonly key: PublicKey };
  /** Its own configuration, proven to be signed by its key. */
  readonly applicant: EntityStatement;
  readonly grant: Grant;
  /** What it was called before it moved, by its own word and an operator's. */
  readonly former: string | null;
  readonly replaceKey: boolean;
  /** Unix seconds. */
  readonly now: number;
}

function taken(reason: string): AttestryError {
  return new AttestryError("state_conflict", reason);
}

/**
 * One that moved takes the place of what it was, with its suspension. Throws `state_conflict` where a name is another subordinate's or was
 * before it moved, `subordinate_key_changed` unless `replaceKey`, and what `checkApplicant` throws.
 */
export async function admitSubordinate(tx: Transaction, admission: Admission): Promise<StoredSubordinate> {
  const { superior, applicant, grant, former, now } = admission;
  const { subject } = applicant;
  const present = await lockSubordinate(tx, subject);
  if (former !== null && present !== undefined)
    throw taken(`this node vouches for another subordinate as ${subject}; remove that one first`);
  const known = former === null ? present : await lockSubordinate(tx, former);
  // Whoever takes over the host that a member left could otherwise become what that member was, and all refer to.
  for (const name of [subject, ...(former === null ? [] : [former])]) {
    const holder = await findFormerHolder(tx, name);
    if (holder !== undefined && holder !== subject && holder !== former)
      throw taken(`${name} is what ${holder} was called before it moved, and nobody else's name`);
  }
  const formerly = formerNames(subject, { known, former });
  checkApplicant(applicant, superior, formerly ?? []);
  if (!admission.replaceKey) checkKnownKey(applicant, known);
  if (former !== null) await removeSubordinateWithin(tx, { entity: former, removedAt: now });
  const subordinate = describeSubordinate(applicant, { grant, known, formerly, now });
  await replaceSubordinate(tx, subordinate);
  return subordinate;
}
