// What is answered of an erasure: what is left, and what backups still hold, until when. Pure.
import { formatSeconds } from "../../clock.ts";
import type { Erasure } from "./erasure-store.ts";

/** What an erasure does not reach: copies of the database that were made before it. */
export interface BackupsView {
  /** Whether the node was told for how long its backups are kept. */
  readonly stated: boolean;
  /** When the last backup that holds it is due to be destroyed. */
  readonly held_until?: string;
  readonly readable_with: string;
  /** Where it is not stated: how to state it. */
  readonly mend?: string;
}

/** What is left of an erased record, or of one version of a record. */
export interface ErasedView {
  readonly rid: string;
  readonly href: string;
  readonly registry: string;
  /** The one version that was erased; left out where the whole record was. */
  readonly version?: number;
  readonly state: "erased";
  readonly log_index: number;
  readonly recorded_at: string;
  readonly backups: BackupsView;
}

const DAY_SECONDS = 86_400;
const READABLE_WITH =
  "personal values: with the keys.json that was backed up with it and its passphrase; open values: with the backup alone";

/** `keepDays`: undefined where the node's config does not say. `at`: of the erasure, Unix seconds. */
export function describeBackups(keepDays: number | undefined, at: number): BackupsView {
  if (keepDays === undefined)
    return {
      stated: false,
      readable_with: READABLE_WITH,
      mend: 'for how long backups are kept is not stated: set {"backups": {"keep_days": N}} in the node\'s config.json, and keep to it',
    };
  return { stated: true, held_until: formatSeconds(at + keepDays * DAY_SECONDS), readable_with: READABLE_WITH };
}

export function formatErased(
  { rid, registry, version, at, logIndex }: Erasure,
  { href, keepDays }: { href: string; keepDays: number | undefined },
): ErasedView {
  return {
    rid,
    href,
    registry,
    ...(version !== undefined && { version }),
    state: "erased",
    log_index: logIndex,
    recorded_at: formatSeconds(at),
    backups: describeBackups(keepDays, at),
  };
}
