// The packed values of status lists, kept in memory and brought up to date by what changed since. Signs nothing.
import { createBoundedCache } from "../bounded-cache.ts";
import { STATUS_LIST_ENTRIES, STATUS_LISTS_REMEMBERED_MAX } from "../limits.ts";
import type { Database } from "../storage/database.ts";
import { createStatusBytes, setStatusValue } from "./status-list.ts";
import { listStatusChanges } from "./status-store.ts";

/** `valuesIndex`: of the last entry whose change is in `bytes`. */
export interface StatusValues {
  readonly bytes: Uint8Array;
  readonly valuesIndex: number;
}

/** Before any entry, and before values of which the entry is not known (-1). */
const NOTHING_READ = -2;

/** One reader per node; calls for one list come one after the other. `bytes` is valid until the next call for its list. */
export function createStatusValues(database: Database): (list: number) => Promise<StatusValues> {
  const known = createBoundedCache<StatusValues>(STATUS_LISTS_REMEMBERED_MAX);
  return async (list) => {
    const before = known.get(String(list));
    const since = before?.valuesIndex ?? NOTHING_READ;
    const changes = await listStatusChanges(database, { list, since });
    const bytes = before?.bytes ?? createStatusBytes(STATUS_LIST_ENTRIES);
    let valuesIndex = since;
    for (const { index, value, logIndex } of changes) {
      setStatusValue(bytes, index, value);
      valuesIndex = Math.max(valuesIndex, logIndex);
    }
    const values = { bytes, valuesIndex };
    known.set(String(list), values);
    return values;
  };
}
