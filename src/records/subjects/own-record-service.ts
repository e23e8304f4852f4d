// A person's own records, with all that they say and what proves it. For the citizen whom they are about and nobody else: whoever is not found by their own claims is told what strangers are told.
import { AttestryError } from "../../errors.ts";
import type { Citizen } from "../../identity/caller.ts";
import type { RegistryService } from "../../registries/registry-service.ts";
import type { Database } from "../../storage/database.ts";
import type { EvidenceFile, EvidenceService } from "../evidence-service.ts";
import { getRecord, type RecordRow } from "../record-store.ts";
import type { RecordView } from "../record-view.ts";
import type { RecordViewer } from "../record-viewer.ts";
import type { FoundRecord, SubjectService } from "./subject-service.ts";

export interface OwnRecordService {
  /** The records that are surely the citizen's, with all that they say. `languages`: the reader's, the most wanted first. */
  list(citizen: Citizen, languages: readonly string[]): Promise<readonly RecordView[]>;
  /** A record with everything open in it, and all that proves it. Throws `record_unknown` where it is not surely the citizen's. */
  evidence(citizen: Citizen, record: FoundRecord): Promise<EvidenceFile>;
}

export function createOwnRecordService(deps: {
  readonly database: Database;
  readonly registries: Pick<RegistryService, "getCurrent">;
  readonly subjects: Pick<SubjectService, "findOwnRecords">;
  readonly viewer: Pick<RecordViewer, "view">;
  readonly evidences: Pick<EvidenceService, "assemble">;
}): OwnRecordService {
  const { database, registries, subjects, viewer } = deps;

  /** Undefined where it was erased since it was found. */
  async function findRow(record: FoundRecord): Promise<RecordRow | undefined> {
    return getRecord(database, record).catch((error: unknown) => {
      if (error instanceof AttestryError && error.code === "record_erased") return undefined;
      throw error;
    });
  }

  return {
    async list({ claims }, languages) {
      const { records } = await subjects.findOwnRecords(claims);
      const views = records.map(async (record) => {
        const [row, compiled] = await Promise.all([findRow(record), registries.getCurrent(record.registry)]);
        return row && viewer.view(row, compiled, true, languages);
      });
      return (await Promise.all(views)).filter((view) => view !== undefined);
    },

    async evidence({ claims }, { registry, rid }) {
      const { records } = await subjects.findOwnRecords(claims, registry);
      if (!records.some((one) => one.rid === rid))
        throw new AttestryError("record_unknown", `there is no such record in "${registry}" that is surely yours`);
      const compiled = await registries.getCurrent(registry);
      const row = await getRecord(database, { registry, rid });
      return deps.evidences.assemble(row, viewer.view(row, compiled, true).token);
    },
  };
}
