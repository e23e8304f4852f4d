// Loads by key of which those who ask in the same turn share one. Keeps nothing, and knows nothing of what it loads.
import { setImmediate } from "node:timers/promises";

/** `load` is asked once for all keys that are wanted in one turn of the event loop; a failure is that of all of them. Keys that are not found are left out. */
export function createGatherer<Key, Value>(
  load: (keys: readonly Key[]) => Promise<ReadonlyMap<Key, Value>>,
): (keys: readonly Key[]) => Promise<Map<Key, Value>> {
  let gathered: { readonly wanted: Set<Key>; readonly found: Promise<ReadonlyMap<Key, Value>> } | undefined;

  function begin(): NonNullable<typeof gathered> {
    const wanted = new Set<Key>();
    const found = setImmediate().then(() => {
      gathered = undefined;
      return load([...wanted]);
    });
    return { wanted, found };
  }

  return async (keys) => {
    if (keys.length === 0) return new Map();
    gathered ??= begin();
    for (const key of keys) gathered.wanted.add(key);
    const found = await gathered.found;
    return new Map(
      keys.flatMap((key): [Key, Value][] => {
        const value = found.get(key);
        return value === undefined ? [] : [[key, value]];
      }),
    );
  };
}
