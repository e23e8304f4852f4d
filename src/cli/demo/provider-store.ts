// What the demo's sign-in provider remembers: in memory, until it ends or the demo does. In the form that oidc-provider asks for.

/** Whatever oidc-provider keeps; what it looks for it by. */
type Payload = Record<string, unknown> & { readonly uid?: string; readonly grantId?: string };

interface Kept {
  readonly payload: Payload;
  /** Unix milliseconds; undefined for what has no end. */
  readonly endsAt: number | undefined;
}

/** A class whose instances keep one kind of thing each, in a store of their own: two providers share nothing. */
export function createProviderStore(clock: () => number) {
  const kinds = new Map<string, Map<string, Kept>>();

  function read(kept: Kept | undefined): Payload | undefined {
    return kept && (kept.endsAt === undefined || kept.endsAt > clock()) ? kept.payload : undefined;
  }

  return class ProviderStore {
    readonly #kept: Map<string, Kept>;

    constructor(kind: string) {
      this.#kept = kinds.get(kind) ?? new Map();
      kinds.set(kind, this.#kept);
    }

    async upsert(id: string, payload: Payload, seconds?: number): Promise<void> {
      for (const [other, kept] of this.#kept) if (!read(kept)) this.#kept.delete(other);
      this.#kept.set(id, { payload, endsAt: seconds === undefined ? undefined : clock() + seconds * 1_000 });
    }

    async find(id: string): Promise<Payload | undefined> {
      return read(this.#kept.get(id));
    }

    async findByUid(uid: string): Promise<Payload | undefined> {
      return read([...this.#kept.values()].find(({ payload }) => payload.uid === uid));
    }

    async consume(id: string): Promise<void> {
      const payload = read(this.#kept.get(id));
      if (payload) payload.consumed = Math.floor(clock() / 1_000);
    }

    async destroy(id: string): Promise<void> {
      this.#kept.delete(id);
    }

    async revokeByGrantId(grantId: string): Promise<void> {
      for (const [id, { payload }] of this.#kept) if (payload.grantId === grantId) this.#kept.delete(id);
    }
  };
}
