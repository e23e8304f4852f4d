// What verifications of chains remember of one another: superiors' statements, read and proven before. Holds no failure, and no
// verdict that a time, a pin or a policy has a part in. Pure.
import type { PublicKey } from "../crypto/keys.ts";
import { type EntityStatement, parseEntityStatement } from "./entity-statement.ts";

export interface ChainMemory {
  /** As `parseEntityStatement`; the same text is read once. */
  parse(text: string): EntityStatement;
  /** Whether exactly this text was found signed by exactly this key. */
  isProven(text: string, key: PublicKey): boolean;
  addProven(text: string, key: PublicKey): void;
}

interface Remembered {
  readonly statement: EntityStatement;
  /** The whole public keys, as base64url of their 32 bytes: not their names, which somebody chose. */
  readonly provenBy: Set<string>;
}

/** `entriesMax`: statements kept; the least recently used goes first. */
export function createChainMemory(entriesMax: number): ChainMemory {
  const entries = new Map<string, Remembered>();
  return {
    parse(text) {
      const known = entries.get(text);
      const entry = known ?? { statement: parseEntityStatement(text), provenBy: new Set<string>() };
      if (known === undefined && entries.size >= entriesMax) entries.delete(entries.keys().next().value ?? "");
      entries.delete(text);
      entries.set(text, entry);
      return entry.statement;
    },
    isProven: (text, key) => entries.get(text)?.provenBy.has(key.jwk.x) ?? false,
    addProven(text, key) {
      entries.get(text)?.provenBy.add(key.jwk.x);
    },
  };
}
