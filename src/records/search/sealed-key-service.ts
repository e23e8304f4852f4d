// Keeps back records whose key values were sealed when they were signed, from those to whom a later definition opens the field only.
import type { Caller } from "../../identity/caller.ts";
import type { CompiledDefinition } from "../../registries/compiled-definition.ts";
import type { RegistryService } from "../../registries/registry-service.ts";
import type { Database } from "../../storage/database.ts";
import type { RecordSight } from "../record-sight.ts";
import { findRecordsUnder } from "../record-store.ts";

interface HeldOptions {
  readonly registries: Pick<RegistryService, "getVersion">;
  readonly compiled: CompiledDefinition;
  readonly sight: Pick<RecordSight, "findInspected">;
  readonly caller: Caller;
  readonly rids: readonly string[];
  /** Whether former versions count too. */
  readonly ever: boolean;
}

/**
 * Of records found by a unique key that is open today, those that this caller may know to hold it. Whoever guesses a value would
 * otherwise have it confirmed of records whose tokens withhold it.
 */
export async function keepOpenlyHeld(database: Database, options: HeldOptions): Promise<string[]> {
  const { compiled, caller, rids, ever } = options;
  if (rids.length === 0) return [];
  const versions = await listSealing(compiled, options.registries);
  if (versions.length === 0) return [...rids];
  const inspected = await options.sight.findInspected({ caller, compiled, rids });
  if (inspected.size === new Set(rids).size) return [...rids];
  const sealed = new Set(await findRecordsUnder(database, { rids, versions, ever }));
  return rids.filter((rid) => inspected.has(rid) || !sealed.has(rid));
}

// Versions of a definition never change, so neither does this.
const known = new WeakMap<CompiledDefinition, Promise<number[]>>();

/** Earlier versions of the definition under which a key that is open today was personal. */
function listSealing(compiled: CompiledDefinition, registries: HeldOptions["registries"]): Promise<number[]> {
  const listed = known.get(compiled);
  if (listed) return listed;
  const { definition, annotations, version } = compiled;
  const open = new Set(annotations.uniqueKeys.flatMap(({ name, personal }) => (personal ? [] : [name])));
  const list = async (): Promise<number[]> => {
    const earlier = Array.from({ length: version - 1 }, (_, at) => registries.getVersion(definition.name, at + 1));
    return (await Promise.all(earlier))
      .filter((one) => one.annotations.uniqueKeys.some(({ name, personal }) => personal && open.has(name)))
      .map((one) => one.version);
  };
  const listing = list();
  known.set(compiled, listing);
  // What failed is asked again.
  listing.catch(() => known.delete(compiled));
  return listing;
}
