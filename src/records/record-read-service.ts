// Reading single records: as they are now, one version of them, as they were at other times.
import { AttestryError } from "../errors.ts";
import type { Caller, Staff } from "../identity/caller.ts";
import type { RegistryService } from "../registries/registry-service.ts";
import type { Database } from "../storage/database.ts";
import type { HoldView } from "./record-hold.ts";
import { findShown, type LogReadings } from "./record-readings.ts";
import { getRowAt } from "./record-row-at.ts";
import type { RecordSight } from "./record-sight.ts";
import * as store from "./record-store.ts";
import type { TimeCoordinates } from "./record-timeline.ts";
import type { RecordViewer, TaggedView } from "./record-viewer.ts";

export interface ReadOptions {
  readonly caller: Caller;
  readonly registry: string;
  readonly rid: string;
}

export interface RecordReadService {
  /** Throws `record_unknown`, `version_unknown`, `not_in_effect`, `record_erased`. `version` and `at` exclude each other. */
  get(
    options: ReadOptions & { version?: number; at?: TimeCoordinates | undefined; languages?: readonly string[] },
  ): Promise<TaggedView>;
}

export function createRecordReadService(deps: {
  database: Database;
  registries: RegistryService;
  viewer: RecordViewer;
  sight: RecordSight;
  logReadings: LogReadings;
  /** Holds on a record, as this reader may know them; undefined: none ever stood. */
  listHolds: (
    record: store.StoredRecord,
    reader: Staff,
    languages: readonly string[],
  ) => Promise<readonly HoldView[] | undefined>;
}): RecordReadService {
  const { database, registries } = deps;
  const { tag } = deps.viewer;

  return {
    async get({ version, at, languages, ...options }) {
      const { caller, registry, rid } = options;
      const compiled = await registries.getCurrent(registry);
      const seesPersonal = await deps.sight.checkReadable({ caller, compiled, rid });
      if (version !== undefined && at)
        throw new AttestryError(
          "query_invalid",
          '"version" names one version whatever the time; leave out asOf and validAt',
        );
      const row = at
        ? await getRowAt(database, { registry, rid }, at)
        : await store.getRecord(database, { registry, rid, version });
      const shown = tag(row, compiled, seesPersonal, languages);
      const reading = seesPersonal ? findShown(shown.view, compiled) : undefined;
      if (reading) await deps.logReadings([reading], caller, "read");
      const isInspected = seesPersonal && caller.kind === "staff";
      const holds = isInspected ? await deps.listHolds(row.record, caller, languages ?? []) : undefined;
      return holds ? { ...shown, view: { ...shown.view, holds } } : shown;
    },
  };
}
