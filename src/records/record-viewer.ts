// Shows stored records to callers, each what it may see, with the ETag of what is shown. Reads no database.
import type { Caller } from "../identity/caller.ts";
import { isStaffPermitted } from "../identity/permissions.ts";
import type { CompiledDefinition } from "../registries/compiled-definition.ts";
import type { RecordSealer } from "./record-sealer.ts";
import type { RecordRow } from "./record-store.ts";
import { openSecrets, type RecordView, viewRecord } from "./record-view.ts";

/** A version as shown, and the value of its ETag. */
export interface TaggedView {
  readonly view: RecordView;
  readonly etag: string;
}

/** Shows rows to callers: who may read personal fields is decided here. */
export interface RecordViewer {
  view(row: RecordRow, compiled: CompiledDefinition, caller: Caller): RecordView;
  tag(row: RecordRow, compiled: CompiledDefinition, caller: Caller): TaggedView;
}

/** Changes with everything that a view shows: an older version is shown as superseded. */
export function recordEtag({ record, version }: RecordRow): string {
  const isCurrent = version.version === record.version;
  return `${version.version}.${record.stateNumber}${isCurrent ? "" : ".superseded"}`;
}

export function createRecordViewer(deps: { entity: string; sealer: RecordSealer }): RecordViewer {
  const { entity, sealer } = deps;
  function view(row: RecordRow, compiled: CompiledDefinition, caller: Caller): RecordView {
    const { access, name } = compiled.definition;
    const seesPersonal = isStaffPermitted({ caller, action: "record.read", registry: name });
    const disclosures = () => (seesPersonal ? openSecrets(sealer, row).secrets.disclosures : []);
    return viewRecord({ entity, row, access, disclosures });
  }
  return {
    view,
    tag(row, compiled, caller) {
      const shown = view(row, compiled, caller);
      // A record with fields withheld is another representation than the whole one (RFC 9110 §8.8.3).
      return { view: shown, etag: `${recordEtag(row)}${shown.withheld ? ".withheld" : ""}` };
    },
  };
}
