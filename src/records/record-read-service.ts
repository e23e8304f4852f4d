// Reading single records: as it is now, one version of it, its history.
import type { JsonObject } from "../crypto/json.ts";
import type { Caller } from "../identity/caller.ts";
import { checkPermitted } from "../identity/permissions.ts";
import type { RegistryService } from "../registries/registry-service.ts";
import type { Database } from "../storage/database.ts";
import * as store from "./record-store.ts";
import type { RecordViewer, TaggedView } from "./record-viewer.ts";

export interface RecordReadService {
  get(options: { caller: Caller; registry: string; rid: string; version?: number }): Promise<TaggedView>;
  history(options: {
    caller: Caller;
    registry: string;
    rid: string;
  }): Promise<{ versions: JsonObject[]; states: JsonObject[] }>;
}

export function createRecordReadService(deps: {
  database: Database;
  registries: RegistryService;
  viewer: RecordViewer;
}): RecordReadService {
  const { database, registries } = deps;
  const { view, tag } = deps.viewer;
  return {
    async get({ caller, registry, rid, version }) {
      const compiled = await registries.getCurrent(registry);
      checkPermitted({ caller, action: "record.read", registry, access: compiled.definition.access });
      const row = await store.getRecord(database, { registry, rid, version });
      return tag(row, compiled, caller);
    },

    async history({ caller, registry, rid }) {
      const compiled = await registries.getCurrent(registry);
      checkPermitted({ caller, action: "record.read", registry, access: compiled.definition.access });
      const row = await store.getRecord(database, { registry, rid });
      const [versions, states] = await Promise.all([
        store.listVersions(database, rid),
        store.listStates(database, rid),
      ]);
      return {
        versions: versions.map((version) => {
          const shown = view({ record: row.record, version }, compiled, caller);
          const { version: number, state, recorded_at, definition, log_index, data, token } = shown;
          return { version: number, state, recorded_at, definition, log_index, data, token };
        }),
        states: states.map(({ number, operation, statement, logIndex, recordedAt }) => ({
          number,
          operation,
          statement,
          log_index: logIndex,
          recorded_at: new Date(recordedAt * 1_000).toISOString(),
        })),
      };
    },
  };
}
