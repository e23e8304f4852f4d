// How a request that brings an Idempotency-Key is named in the database, and known again when it is sent once more. Pure.
import type { Json } from "../../crypto/json.ts";
import { type KeyedDigest, type KeyGenerations, keyDigests } from "../../crypto/key-generations.ts";
import { keyDigest } from "../search/record-keys.ts";

/** Keyed hashes of the key and of what was asked with it; of each also what it was under a former generation of the node's key. */
export interface Idempotency extends KeyedDigest {
  readonly request: string;
  readonly formerRequest?: string;
}

interface Named {
  readonly name: string;
  readonly values: readonly Json[];
}

// Keyed, both: a request may be personal and short enough to be guessed from its plain hash.
export function nameRequest(options: {
  searchKey: KeyGenerations;
  registry: string;
  key: Named;
  request: Named;
}): Idempotency {
  const { searchKey, registry, key, request } = options;
  const digestsOf = (named: Named) => keyDigests(searchKey, (one) => keyDigest({ searchKey: one, registry, ...named }));
  const { digest, formerly } = digestsOf(request);
  return { ...digestsOf(key), request: digest, ...(formerly !== undefined && { formerRequest: formerly }) };
}

/** Whether what is stored under the key was the same request. */
export function isSameRequest(
  { request, formerRequest }: Pick<Idempotency, "request" | "formerRequest">,
  stored: string,
): boolean {
  return stored === request || stored === formerRequest;
}
