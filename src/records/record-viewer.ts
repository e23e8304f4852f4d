// Shows stored records to callers, each what it may see, with the ETag of what is shown. Reads no database.
import type { JsonObject } from "../crypto/json.ts";
import type { CompiledDefinition } from "../registries/compiled-definition.ts";
import type { RecordSealer } from "./record-sealer.ts";
import type { RecordRow } from "./record-store.ts";
import { formatView, openSecrets, type RecordView, readClaims } from "./record-view.ts";

/** A version as shown, and the value of its ETag. */
export interface TaggedView {
  readonly view: RecordView;
  readonly etag: string;
}

/** `seesPersonal`: as RecordSight says. `languages`: the reader's, the most wanted first. */
export interface RecordViewer {
  view(row: RecordRow, compiled: CompiledDefinition, seesPersonal: boolean, languages?: readonly string[]): RecordView;
  tag(row: RecordRow, compiled: CompiledDefinition, seesPersonal: boolean, languages?: readonly string[]): TaggedView;
  /** As `tag`, for the writer of a version that was just signed: everything in it is at hand. */
  tagWritten(
    row: RecordRow,
    compiled: CompiledDefinition,
    written: { readonly claims: JsonObject; readonly disclosures: readonly string[] },
  ): TaggedView;
}

/** Changes with everything that a view shows: an older version is shown as superseded. */
export function recordEtag({ record, version, change, at }: RecordRow): string {
  // What is shown at another time is not what a writer may set out from.
  if (at) return `${version.version}.${change?.number ?? 0}.at`;
  const isCurrent = version.version === record.version;
  return `${version.version}.${record.stateNumber}${isCurrent ? "" : ".superseded"}`;
}

export function createRecordViewer(deps: { entity: string; sealer: RecordSealer }): RecordViewer {
  const { entity, sealer } = deps;
  const view: RecordViewer["view"] = (row, { definition }, seesPersonal, languages = []) => {
    const known = readClaims(row.version.jwt, () => (seesPersonal ? openSecrets(sealer, row).secrets.disclosures : []));
    return formatView({ entity, row, definition, languages, ...known });
  };
  return {
    view,
    tag(row, compiled, seesPersonal, languages) {
      const shown = view(row, compiled, seesPersonal, languages);
      // A record with fields withheld is another representation than the whole one (RFC 9110 §8.8.3).
      return { view: shown, etag: `${recordEtag(row)}${shown.withheld ? ".withheld" : ""}` };
    },
    tagWritten(row, { definition }, written) {
      const shown = formatView({ entity, row, definition, languages: [], withheld: false, ...written });
      return { view: shown, etag: recordEtag(row) };
    },
  };
}
