// Which records a caller may see, and which with their personal fields: the table of permissions, and within it the caller's jurisdiction.
import type { Caller } from "../identity/caller.ts";
import { findBounds, outsideJurisdiction } from "../identity/jurisdiction.ts";
import { type Action, checkPermitted, isOpenTo, isPermitted } from "../identity/permissions.ts";
import type { CompiledDefinition } from "../registries/compiled-definition.ts";
import type { CompiledJurisdiction } from "../registries/index-rules.ts";
import type { Database } from "../storage/database.ts";
import { boundMarks, type JurisdictionMark } from "./jurisdiction-marks.ts";
import { findMarkedRecords } from "./search/record-search-store.ts";

interface SightOptions {
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

export function createRecordSight(deps: { database: Database; searchKey: Uint8Array }): RecordSight {
  const { database, searchKey } = deps;

  function marksOf({ caller, compiled }: SightOptions): JurisdictionMark[] | undefined {
    const bounds = findBounds(caller, rulesOf(compiled));
    return bounds.length === 0 ? undefined : boundMarks({ searchKey, registry: compiled.definition.name }, bounds);
  }

  async function keepWithin(options: SightOptions, rids: readonly string[]): Promise<ReadonlySet<string>> {
    const marks = marksOf(options);
    if (marks === undefined || rids.length === 0) return new Set(rids);
    return findMarkedRecords(database, { registry: options.compiled.definition.name, rids, marks });
  }

  const findInspected: RecordSight["findInspected"] = async ({ rids, ...options }) => {
    const { caller, compiled } = options;
    const isInspector = isPermitted({ caller, action: "record.inspect", registry: compiled.definition.name });
    return isInspector ? keepWithin(options, rids) : new Set();
  };

  const isOpen = ({ caller, compiled }: SightOptions) => isOpenTo(caller, compiled.definition.access);

  const refuse = ({ caller, compiled }: SightOptions) =>
    outsideJurisdiction(compiled.definition.name, findBounds(caller, rulesOf(compiled)));

  return {
    findInspected,

    async checkReadable({ rid, ...options }) {
      const { caller, compiled } = options;
      const { name: registry, access } = compiled.definition;
      checkPermitted({ caller, action: "record.read", registry, access });
      const isInspected = (await findInspected({ ...options, rids: [rid] })).has(rid);
      if (!isInspected && !isOpen(options)) throw refuse(options);
      return isInspected;
    },

    async findReadable({ rids, ...options }) {
      return isOpen(options) ? new Set(rids) : findInspected({ ...options, rids });
    },

    async checkWithin({ action, rid, ...options }) {
      checkPermitted({ caller: options.caller, action, registry: options.compiled.definition.name });
      if (!(await keepWithin(options, [rid])).has(rid)) throw refuse(options);
    },

    describe({ personal, ...options }) {
      return { within: isOpen(options) && !personal ? undefined : marksOf(options) };
    },

    checkWhole(options) {
      if (marksOf(options) !== undefined) throw refuse(options);
    },
  };
}

const rulesOf = ({ rules }: CompiledDefinition): readonly CompiledJurisdiction[] => rules.jurisdiction;
