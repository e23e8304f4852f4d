// What a caller may see of a registry's records, as services ask for it; search/record-sight-service.ts finds it out. Types only.
import type { Caller } from "../identity/caller.ts";
import type { Action } from "../identity/permissions.ts";
import type { CompiledDefinition } from "../registries/compiled-definition.ts";

/** A row of the search table, and which values of it will do. */
export interface JurisdictionMark {
  readonly field: string;
  readonly values: readonly string[];
}

export interface SightOptions {
  readonly caller: Caller;
  readonly compiled: CompiledDefinition;
}

/** What a caller may look for in a registry. */
export interface Sight {
  /** Marks that every record must have; undefined: the whole registry. */
  readonly within: readonly JurisdictionMark[] | undefined;
}

/**
 * The record's current version decides, for all of its versions: who is responsible for a record today sees its past, who was, no longer.
 * An erased record, and one that the index does not know by the present rules yet, is in nobody's jurisdiction.
 */
export interface RecordSight {
  /** Of these records those that the caller may inspect: with their personal fields. */
  findInspected(options: SightOptions & { rids: readonly string[] }): Promise<ReadonlySet<string>>;
  /** Whether the record may be shown with its personal fields. Throws `authentication_required` or `permission_denied` where it may not be shown at all. */
  checkReadable(options: SightOptions & { rid: string }): Promise<boolean>;
  /** Of these records those that the caller may read at all. */
  findReadable(options: SightOptions & { rids: readonly string[] }): Promise<ReadonlySet<string>>;
  /** Throws unless the caller may do this with the record; nothing is told of whether it is there. */
  checkWithin(options: SightOptions & { action: Action; rid: string }): Promise<void>;
  /** Which records a search may find. `personal`: it asks for what is personal, so that finding tells it. */
  describe(options: SightOptions & { personal: boolean }): Sight;
  /** Throws unless the caller is bound to no part of the registry: for what is about all of it. */
  checkWhole(options: SightOptions): void;
}
