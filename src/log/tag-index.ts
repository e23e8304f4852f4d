// The tags an audit has seen, in flat memory: the one part of an audit that grows with the log. Knows no entries.
import { decodeBase64url } from "../crypto/base64.ts";
import { equalBytes, sha256 } from "../crypto/hash.ts";
import { ENTRY_SECRET_BYTES } from "./entry.ts";

const CAPACITY_FIRST = 1_024;
const EMPTY = -1;

export interface TagIndex {
  /** Notes that entry `index` has this tag (as in `LogEntry.r`); gives the index of the first entry that had it, if any. */
  add(tag: string, index: number): number | undefined;
}

interface Table {
  readonly capacity: number;
  readonly tags: Uint8Array;
  readonly indices: Float64Array;
}

/**
 * Each slot takes 40 bytes (tag and index) and at most three in four are taken: 53 to 107 bytes per tag, half as much
 * again for the moment of growing. A Map of strings takes more and ends at 2^24 tags.
 */
export function createTagIndex(): TagIndex {
  let table = createTable(CAPACITY_FIRST);
  let count = 0;
  return {
    add(text, index) {
      const tag = decodeBase64url(text);
      const slot = findSlot(table, tag);
      const first = table.indices[slot]!;
      if (first !== EMPTY) return first;
      setSlot(table, slot, tag, index);
      count += 1;
      if (count * 4 > table.capacity * 3) table = grow(table);
      return undefined;
    },
  };
}

function createTable(capacity: number): Table {
  const indices = new Float64Array(capacity).fill(EMPTY);
  return { capacity, tags: new Uint8Array(capacity * ENTRY_SECRET_BYTES), indices };
}

function grow(table: Table): Table {
  const larger = createTable(table.capacity * 2);
  for (let slot = 0; slot < table.capacity; slot++) {
    if (table.indices[slot] === EMPTY) continue;
    const tag = tagAt(table, slot);
    setSlot(larger, findSlot(larger, tag), tag, table.indices[slot]!);
  }
  return larger;
}

/** The slot that holds the tag, or the empty one where it belongs. */
function findSlot(table: Table, tag: Uint8Array): number {
  // The log's operator chooses the tags: only a hash of them keeps crafted ones from all falling into one place.
  const digest = sha256(tag);
  const start = new DataView(digest.buffer, digest.byteOffset).getUint32(0) % table.capacity;
  for (let slot = start; ; slot = (slot + 1) % table.capacity) {
    if (table.indices[slot] === EMPTY || equalBytes(tagAt(table, slot), tag)) return slot;
  }
}

function setSlot(table: Table, slot: number, tag: Uint8Array, index: number): void {
  table.tags.set(tag, slot * ENTRY_SECRET_BYTES);
  table.indices[slot] = index;
}

function tagAt(table: Table, slot: number): Uint8Array {
  return table.tags.subarray(slot * ENTRY_SECRET_BYTES, (slot + 1) * ENTRY_SECRET_BYTES);
}
