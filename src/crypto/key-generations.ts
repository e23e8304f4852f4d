// A key that is being replaced: what is sealed or hashed from now on goes by its current generation, what was before still opens by the former one. Pure.
import { isAttestryError } from "../errors.ts";
import { unseal } from "./seal.ts";

/** `former`: undefined but while what goes by it is made anew. */
export interface KeyGenerations {
  readonly current: Uint8Array;
  readonly former: Uint8Array | undefined;
}

/** A keyed hash, and what it was under the former generation, where that may still stand somewhere. */
export interface KeyedDigest {
  readonly digest: string;
  readonly formerly?: string;
}

/** One generation as if there were no other: for what is made of values that are looked up under each. */
export function onlyGeneration(key: Uint8Array): KeyGenerations {
  return { current: key, former: undefined };
}

/** Each generation alone, the current one first. */
export function eachGeneration({ current, former }: KeyGenerations): KeyGenerations[] {
  return former === undefined ? [onlyGeneration(current)] : [onlyGeneration(current), onlyGeneration(former)];
}

export function mapGenerations(keys: KeyGenerations, derive: (key: Uint8Array) => Uint8Array): KeyGenerations {
  return { current: derive(keys.current), former: keys.former && derive(keys.former) };
}

/** What `hash` makes of each generation. */
export function keyDigests(keys: KeyGenerations, hash: (keys: KeyGenerations) => string): KeyedDigest {
  const [digest, formerly] = eachGeneration(keys).map(hash);
  return { digest: digest!, ...(formerly !== undefined && { formerly }) };
}

/** All texts under which it may stand. */
export function everyDigest({ digest, formerly }: KeyedDigest): string[] {
  return formerly === undefined ? [digest] : [digest, formerly];
}

/** Opens what either generation sealed. Throws `seal_broken` as the current one does. */
export function unsealAny(keys: KeyGenerations, options: { aad: string; sealed: Uint8Array }): Uint8Array {
  try {
    return unseal({ ...options, key: keys.current });
  } catch (error) {
    if (keys.former === undefined || !isAttestryError(error, "seal_broken")) throw error;
    try {
      return unseal({ ...options, key: keys.former });
    } catch {
      throw error;
    }
  }
}

/** What was sealed by the former generation; undefined where the current one opens it already. Throws `seal_broken`. */
export function unsealFormer(
  keys: KeyGenerations,
  options: { aad: string; sealed: Uint8Array },
): Uint8Array | undefined {
  try {
    unseal({ ...options, key: keys.current });
    return undefined;
  } catch (error) {
    if (keys.former === undefined || !isAttestryError(error, "seal_broken")) throw error;
    return unseal({ ...options, key: keys.former });
  }
}
