// Keeps the trust chain in force whenever what it says changes, and daily, each committed to by a `chain` entry of the log. Fetches nothing itself: the node's own chain is handed to it.
import { AttestryError, isAttestryError } from "../errors.ts";
import { CHAIN_ARCHIVE_PAGE, CHAIN_ARCHIVE_SECONDS } from "../limits.ts";
import { commitment, randomTag, ZERO_SALT } from "../log/entry.ts";
import type { LogReader } from "../log/reader-service.ts";
import type { LogWriter, WriteKind } from "../log/writer-service.ts";
import type { Database } from "../storage/database.ts";
import * as store from "./chain-archive-store.ts";
import { chainDigest, chainText } from "./chain-digest.ts";
import { formatPublicReceipts } from "./public-receipt.ts";

/** An archived chain with the receipt of its entry. `archivedAt`: Unix seconds, the node's own word. */
export interface ArchivedChain {
  readonly digest: string;
  readonly archivedAt: number;
  readonly logIndex: number;
  readonly statements: readonly string[];
  readonly receipt: string;
}

export interface ChainSummary {
  readonly digest: string;
  readonly archivedAt: number;
  readonly logIndex: number;
}

export interface ChainArchiveService {
  /** Archives the chain in force, if there is a reason to. Its log index, if it did. */
  archive(): Promise<number | undefined>;
  /** The newest with this digest. Throws `not_found`. */
  getByDigest(digest: string): Promise<ArchivedChain>;
  /** The one in force at a time (Unix seconds), or none before the first. */
  listAt(at: number): Promise<ChainSummary[]>;
  /** The one in force when the log got its entry of that index; undefined before the first. */
  findBefore(logIndex: number): Promise<ArchivedChain | undefined>;
  /** Newest first, CHAIN_ARCHIVE_PAGE at most, from before a log index on. */
  list(before?: number): Promise<ChainSummary[]>;
}

interface ArchiveInput {
  readonly digest: string;
  readonly text: string;
  readonly archivedAt: number;
}

const SHA256_BASE64URL = /^[A-Za-z0-9_-]{43}$/;

function isDue(newest: store.StoredChain | undefined, digest: string, now: number): boolean {
  return newest === undefined || newest.digest !== digest || newest.archivedAt + CHAIN_ARCHIVE_SECONDS <= now;
}

const KIND: WriteKind<ArchiveInput> = {
  name: "chain",
  // Each in a batch of its own, so that the newest is the newest.
  isAlone: true,
  // Under the log's lock: every process of the node has this job.
  async check(tx, inputs) {
    const newest = await store.findNewestChain(tx);
    return inputs.map(({ digest, archivedAt }) =>
      isDue(newest, digest, archivedAt)
        ? undefined
        : new AttestryError("log_tag_duplicate", "this chain is archived already"),
    );
  },
  async store(tx, accepted) {
    for (const { input, logIndex } of accepted) await store.insertChain(tx, { ...input, logIndex });
  },
};

export function createChainArchiveService(deps: {
  database: Database;
  writer: LogWriter;
  reader: LogReader;
  /** The chain in force, this node's configuration first. */
  ownChain: () => Promise<readonly string[]>;
  /** Unix seconds. */
  clock: () => number;
  random: (length: number) => Uint8Array;
}): ChainArchiveService {
  const { database, writer, reader, ownChain, clock, random } = deps;

  async function prove(row: store.StoredChain | undefined): Promise<ArchivedChain> {
    if (!row) throw new AttestryError("not_found", "no such chain is archived here");
    const { digest, archivedAt, logIndex, text } = row;
    const [receipt] = await formatPublicReceipts(reader, [logIndex]);
    return { digest, archivedAt, logIndex, statements: JSON.parse(text) as string[], receipt: receipt! };
  }

  return {
    async archive() {
      const statements = await ownChain();
      const now = clock();
      const digest = chainDigest(statements);
      if (!isDue(await store.findNewestChain(database.sql), digest, now)) return undefined;
      const text = chainText(statements);
      const entry = {
        c: commitment("chain", ZERO_SALT, text),
        e: "chain",
        r: randomTag(random(32)),
        t: now,
        v: 1,
      } as const;
      try {
        return (await writer.append(KIND, { digest, text, archivedAt: now }, entry)).logIndex;
      } catch (error) {
        if (isAttestryError(error, "log_tag_duplicate")) return undefined;
        throw error;
      }
    },
    // What can be no digest is not asked for: PostgreSQL refuses NUL in a text.
    getByDigest: async (digest) =>
      prove(SHA256_BASE64URL.test(digest) ? await store.findChainByDigest(database, digest) : undefined),
    async listAt(at) {
      const row = await store.findChainAt(database, at);
      return row ? [row] : [];
    },
    async findBefore(logIndex) {
      const row = await store.findChainBefore(database, logIndex);
      return row && prove(row);
    },
    list: (before = Number.MAX_SAFE_INTEGER) => store.listChains(database, { before, limit: CHAIN_ARCHIVE_PAGE }),
  };
}
