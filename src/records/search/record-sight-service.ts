// Which records a caller may see, and which with their personal fields: the table of permissions, and within it the caller's jurisdiction.
import type { KeyGenerations } from "../../crypto/key-generations.ts";
import { findBounds, outsideJurisdiction } from "../../identity/jurisdiction.ts";
import { checkPermitted, isOpenTo, isPermitted } from "../../identity/permissions.ts";
import type { CompiledDefinition } from "../../registries/compiled-definition.ts";
import type { CompiledJurisdiction } from "../../registries/index-rules.ts";
import type { Database } from "../../storage/database.ts";
import type { JurisdictionMark, RecordSight, SightOptions } from "../record-sight.ts";
import { boundMarks } from "./jurisdiction-marks.ts";
import { findMarkedRecords } from "./record-search-store.ts";

export function createRecordSight(deps: { database: Database; searchKey: KeyGenerations }): RecordSight {
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
