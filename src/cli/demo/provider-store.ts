// What the demo's sign-in provider remembers: in memory, until it ends or the demo does. In the form that oidc-provider asks for.

/** Whatever oidc-provider keeps; what it looks for it by. */
type Payload = Record<string, unknown> & { readonly uid?: string; readonly grantId?: string };

/** Everything of one kind, such as sessions. */
export interface ProviderStore {
  upsert(id: string, payload: Payload, seconds?: number): Promise<void>;
  find(id: string): Promise<Payload | undefined>;
  findByUid(uid: string): Promise<Payload | undefined>;
  /** Marks a code as used. */
  consume(id: string): Promise<void>;
  destroy(id: string): Promise<void>;
  revokeByGrantId(grantId: string): Promise<void>;
}

interface Kept {
  readonly payload: Payload;
  /** Unix milliseconds; undefined for what has no end. */
  readonly endsAt: number | undefined;
}

/** Gives the store of each kind. `clock` in milliseconds. */
export function createProviderStores(clock: () => number): (kind: string) => ProviderStore {
  const kinds = new Map<string, Map<string, Kept>>();

  function read(kept: Kept | undefined): Payload | undefined {
    return kept && (kept.endsAt === undefined || kept.endsAt > clock()) ? kept.payload : undefined;
  }

  return (kind) => {
    const things = kinds.get(kind) ?? new Map<string, Kept>();
    kinds.set(kind, things);
    return {
      async upsert(id, payload, seconds) {
        for (const [other, kept] of things) if (!read(kept)) things.delete(other);
        things.set(id, { payload, endsAt: seconds === undefined ? undefined : clock() + seconds * 1_000 });
      },
      async find(id) {
        return read(things.get(id));
      },
      async findByUid(uid) {
        return read([...things.values()].find(({ payload }) => payload.uid === uid));
      },
      async consume(id) {
        const payload = read(things.get(id));
        if (payload) payload.consumed = Math.floor(clock() / 1_000);
      },
      async destroy(id) {
        things.delete(id);
      },
      async revokeByGrantId(grantId) {
        for (const [id, { payload }] of things) if (payload.grantId === grantId) things.delete(id);
      },
    };
  };
}
