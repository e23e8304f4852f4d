// Values that are costly to get and good until a time. Concurrent callers share one loading. Knows nothing of what it holds.

export interface ExpiringCache<Value> {
  /** The value of `key`, loaded if it is not held. Rejects with what the loading threw. */
  get(key: string): Promise<Value>;
  /** The value of `key` if it is held and good; loads nothing. */
  find(key: string): Promise<Value | undefined>;
  /** Loads `key` anew; what is held stays until that succeeded. Rejects with what the loading threw. */
  renew(key: string): Promise<Value>;
  /** The next `get` of `key` loads anew. */
  forget(key: string): void;
}

interface Entry<Value> {
  readonly outcome: Promise<Value>;
  /** Unix seconds. */
  loadedAt: number;
  expiresAt: number;
}

/**
 * Holds at most `entriesMax` entries, the oldest forgotten first. `load` says until when (Unix seconds) its value is good; a
 * failure is held for `failureSeconds`, so that a broken peer is not asked again by each caller. `clock`: Unix seconds.
 */
export function createExpiringCache<Value>(options: {
  readonly load: (key: string) => Promise<{ value: Value; expiresAt: number }>;
  readonly entriesMax: number;
  readonly failureSeconds: number;
  readonly clock: () => number;
}): ExpiringCache<Value> {
  const { clock } = options;
  const entries = new Map<string, Entry<Value>>();

  function hold(key: string, entry: Entry<Value>): void {
    entries.delete(key);
    const oldest = entries.size >= options.entriesMax ? entries.keys().next() : undefined;
    if (oldest?.value !== undefined) entries.delete(oldest.value);
    entries.set(key, entry);
  }

  function isGood({ loadedAt, expiresAt }: Entry<Value>): boolean {
    const now = clock();
    // Loaded at a time that has not come yet: the clock was wrong then, and what it says of the end is, too.
    return loadedAt <= now && now < expiresAt;
  }

  function load(key: string): Promise<Value> {
    const entry: Entry<Value> = {
      outcome: options.load(key).then(
        ({ value, expiresAt }) => {
          entry.loadedAt = clock();
          entry.expiresAt = expiresAt;
          return value;
        },
        (error: unknown) => {
          entry.loadedAt = clock();
          entry.expiresAt = entry.loadedAt + options.failureSeconds;
          throw error;
        },
      ),
      loadedAt: Number.NEGATIVE_INFINITY,
      expiresAt: Number.POSITIVE_INFINITY,
    };
    hold(key, entry);
    return entry.outcome;
  }

  return {
    get(key) {
      const entry = entries.get(key);
      return entry !== undefined && isGood(entry) ? entry.outcome : load(key);
    },
    async find(key) {
      const entry = entries.get(key);
      // One that is being loaded has no end yet.
      if (entry === undefined || entry.expiresAt === Number.POSITIVE_INFINITY || !isGood(entry)) return undefined;
      return entry.outcome.catch(() => undefined);
    },
    async renew(key) {
      const { value, expiresAt } = await options.load(key);
      hold(key, { outcome: Promise.resolve(value), loadedAt: clock(), expiresAt });
      return value;
    },
    forget(key) {
      entries.delete(key);
    },
  };
}
