// A map that forgets its oldest entry when full. Knows nothing of what it holds, and no clock.

export interface BoundedCache<Value> {
  get(key: string): Value | undefined;
  set(key: string, value: Value): void;
}

/** `entriesMax`: entries kept; the least recently set goes first. `keyCharsMax`: what has a longer key is not kept at all. */
export function createBoundedCache<Value>(
  entriesMax: number,
  keyCharsMax: number = Number.POSITIVE_INFINITY,
): BoundedCache<Value> {
  const entries = new Map<string, Value>();
  return {
    get: (key) => entries.get(key),
    set(key, value) {
      if (key.length > keyCharsMax) return;
      entries.delete(key);
      if (entries.size >= entriesMax) {
        const oldest = entries.keys().next();
        if (!oldest.done) entries.delete(oldest.value);
      }
      entries.set(key, value);
    },
  };
}
