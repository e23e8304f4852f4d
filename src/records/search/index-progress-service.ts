// Whether the index of a registry follows its definition as it is now, and how far. Decides nothing: index-rebuild-service.ts does the work.
import type { CompiledDefinition } from "../../registries/compiled-definition.ts";
import { indexFingerprint } from "../../registries/index-rules.ts";
import type { RegistryService } from "../../registries/registry-service.ts";
import type { Database } from "../../storage/database.ts";
import { findIndex, type StoredIndex } from "./index-store.ts";

/** Records that are found and counted as the definition says, of all that are to be. */
export interface IndexProgress {
  readonly complete: false;
  readonly done: number;
  readonly of: number;
}

/** The definition whose index all records have; one that was begun is not it yet. */
export const FIRST_DEFINITION_VERSION = 1;

// A version whose index is complete stays so: what is written later is indexed by it, until another version is current.
const complete = new WeakSet<CompiledDefinition>();

/** Undefined: complete. */
export async function readIndexProgress(deps: {
  database: Database;
  registries: Pick<RegistryService, "getVersion">;
  compiled: CompiledDefinition;
}): Promise<IndexProgress | undefined> {
  const { database, registries, compiled } = deps;
  if (complete.has(compiled)) return undefined;
  const stored = await findIndex(database, compiled.definition.name);
  if (await isIndexedBy(stored, compiled, registries)) {
    complete.add(compiled);
    return undefined;
  }
  const isBegun = stored?.complete === false && stored.definitionVersion === compiled.version;
  return { complete: false, done: isBegun ? stored.done : 0, of: isBegun ? stored.total : 0 };
}

/**
 * Whether all records have the index of this definition, whichever of its versions made it: not if one in between asked for another,
 * for records may have been written under it.
 */
export async function isIndexedBy(
  stored: StoredIndex | undefined,
  compiled: CompiledDefinition,
  registries: Pick<RegistryService, "getVersion">,
): Promise<boolean> {
  if (stored?.complete === false) return false;
  const indexed = stored?.definitionVersion ?? FIRST_DEFINITION_VERSION;
  // Another process may know a later version than this one yet.
  const last = Math.max(indexed, compiled.version);
  for (let version = Math.min(indexed, compiled.version); version <= last; version++) {
    if (version === compiled.version) continue;
    const other = await registries.getVersion(compiled.definition.name, version);
    if (fingerprintOf(other) !== fingerprintOf(compiled)) return false;
  }
  return true;
}

const fingerprints = new WeakMap<CompiledDefinition, string>();

function fingerprintOf(compiled: CompiledDefinition): string {
  const known = fingerprints.get(compiled);
  if (known !== undefined) return known;
  const fingerprint = indexFingerprint(compiled);
  fingerprints.set(compiled, fingerprint);
  return fingerprint;
}
