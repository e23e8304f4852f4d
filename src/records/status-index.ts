// Which place in which status list a version gets: a running number through a keyed permutation, so neighbours tell nothing. Pure.
import { hmacSha256 } from "../crypto/hash.ts";
import { STATUS_LIST_ENTRIES } from "../limits.ts";

export interface StatusPlace {
  readonly list: number;
  readonly index: number;
}

// Feistel network over 18 bits with cycle walking down to the 2^17 entries of a list.
const HALF_BITS = 9;
const HALF_MASK = (1 << HALF_BITS) - 1;
const ROUNDS = 6;

/** One permutation per list; its round functions are tables, made once. */
export function createStatusPlacer(key: Uint8Array): (running: number) => StatusPlace {
  const tables = new Map<number, Uint16Array[]>();

  function roundTables(list: number): Uint16Array[] {
    const known = tables.get(list);
    if (known) return known;
    const made = Array.from({ length: ROUNDS }, (_, round) => {
      const table = new Uint16Array(HALF_MASK + 1);
      for (let block = 0; block * 16 < table.length; block++) {
        const bytes = hmacSha256(key, `attestry/status/v1\n${list}\n${round}\n${block}`);
        for (let i = 0; i < 16; i++) table[block * 16 + i] = ((bytes[2 * i]! << 8) | bytes[2 * i + 1]!) & HALF_MASK;
      }
      return table;
    });
    // Only the newest lists are written to; a bounded cache of two is enough.
    if (tables.size > 1) tables.delete(tables.keys().next().value!);
    tables.set(list, made);
    return made;
  }

  return (running) => {
    const list = Math.floor(running / STATUS_LIST_ENTRIES);
    const rounds = roundTables(list);
    let index = running % STATUS_LIST_ENTRIES;
    do {
      let left = index >> HALF_BITS;
      let right = index & HALF_MASK;
      for (const table of rounds) [left, right] = [right, left ^ table[right]!];
      index = (left << HALF_BITS) | right;
    } while (index >= STATUS_LIST_ENTRIES);
    return { list, index };
  };
}
