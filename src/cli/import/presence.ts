// Remembers which records the rows of a file are about, on disk, so that millions of them take little memory. Knows keys by their keyed hash only.
import { closeSync, mkdtempSync, openSync, readFileSync, rmSync, writeSync } from "node:fs";
import { tmpdir } from "node:os";
import { join } from "node:path";
import { hmacSha256 } from "../../crypto/hash.ts";
import { randomBytes } from "../../crypto/random.ts";

export interface Presence {
  /** How many rows did not tell which record they are about. */
  readonly unknown: number;
  add(key: string): void;
  addUnknown(): void;
  /** Whether one of `keys` was added, per candidate in order. Nothing may be added afterwards. */
  markPresent(candidates: readonly (readonly string[])[]): boolean[];
  close(): void;
}

const BUCKETS = 64;
const DIGEST_BYTES = 16;
const HELD_BYTES = 65_536;
const HASH_KEY_BYTES = 32;

export function createPresence(): Presence {
  // Kept nowhere: a plain hash of a number that somebody has could be guessed from the file.
  const hashKey = randomBytes(HASH_KEY_BYTES);
  const directory = mkdtempSync(join(tmpdir(), "attestry-import-"));
  const held = Array.from({ length: BUCKETS }, () => [] as Uint8Array[]);
  let unknown = 0;

  const pathOf = (bucket: number): string => join(directory, String(bucket));
  const digestOf = (key: string): Uint8Array => hmacSha256(hashKey, key).slice(0, DIGEST_BYTES);
  const bucketOf = (digest: Uint8Array): number => digest[0]! % BUCKETS;

  function flush(bucket: number): void {
    if (held[bucket]!.length === 0) return;
    const file = openSync(pathOf(bucket), "a", 0o600);
    writeSync(file, Buffer.concat(held[bucket]!));
    closeSync(file);
    held[bucket] = [];
  }

  function load(bucket: number): Set<string> {
    flush(bucket);
    const known = new Set<string>();
    let bytes: Buffer;
    try {
      bytes = readFileSync(pathOf(bucket));
    } catch {
      return known;
    }
    for (let at = 0; at < bytes.length; at += DIGEST_BYTES) known.add(bytes.toString("latin1", at, at + DIGEST_BYTES));
    return known;
  }

  return {
    get unknown() {
      return unknown;
    },
    add(key) {
      const digest = digestOf(key);
      const bucket = held[bucketOf(digest)]!;
      bucket.push(digest);
      if (bucket.length * DIGEST_BYTES >= HELD_BYTES) flush(bucketOf(digest));
    },
    addUnknown() {
      unknown++;
    },
    markPresent(candidates) {
      // One bucket in memory at a time.
      const wanted = Array.from({ length: BUCKETS }, () => [] as { at: number; digest: string }[]);
      for (const [at, keys] of candidates.entries()) {
        for (const key of keys) {
          const digest = digestOf(key);
          wanted[bucketOf(digest)]!.push({ at, digest: Buffer.from(digest).toString("latin1") });
        }
      }
      const present = candidates.map(() => false);
      for (const [bucket, asked] of wanted.entries()) {
        if (asked.length === 0) continue;
        const known = load(bucket);
        for (const { at, digest } of asked) if (known.has(digest)) present[at] = true;
      }
      return present;
    },
    close: () => rmSync(directory, { recursive: true, force: true }),
  };
}
