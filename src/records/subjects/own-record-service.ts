// A person's own records, with all that they say and what proves it: each showing is logged as a reading. For the citizen whom they are about and nobody else: whoever is not found by their own claims is told what strangers are told.
import { AttestryError } from "../../errors.ts";
import type { Citizen } from "../../identity/caller.ts";
import type { RegistryService } from "../../registries/registry-service.ts";
import type { Database } from "../../storage/database.ts";
import type { EvidenceFile, EvidenceService } from "../evidence-service.ts";
import type { HoldView } from "../record-hold.ts";
import { findShown, type LogReadings, type ReadingAction, type ShownRecord } from "../record-readings.ts";
import { getRecord, type RecordRow, type StoredRecord } from "../record-store.ts";
import type { RecordView } from "../record-view.ts";
import type { RecordViewer } from "../record-viewer.ts";
import { subjectOfRecord } from "../subject.ts";
import type { FoundRecord, SubjectService } from "./subject-service.ts";

export interface OwnRecordService {
  /** The records that are surely the citizen's, with all that they say. `languages`: the reader's, the most wanted first. */
  list(citizen: Citizen, languages: readonly string[]): Promise<readonly RecordView[]>;
  /** How many that would be; shows none. */
  count(citizen: Citizen): Promise<number>;
  /** A record with everything open in it, and all that proves it. Throws `record_unknown` where it is not surely the citizen's. */
  evidence(citizen: Citizen, record: FoundRecord): Promise<EvidenceFile>;
  /** All of them, each with what proves it. */
  exportAll(citizen: Citizen): Promise<readonly { readonly view: RecordView; readonly evidence: EvidenceFile }[]>;
}

interface OwnRecord {
  readonly row: RecordRow;
  readonly view: RecordView;
  readonly shown: ShownRecord | undefined;
}

export function createOwnRecordService(deps: {
  readonly database: Database;
  readonly registries: Pick<RegistryService, "getCurrent">;
  readonly subjects: Pick<SubjectService, "findOwnRecords">;
  readonly viewer: Pick<RecordViewer, "view">;
  readonly evidences: Pick<EvidenceService, "assemble">;
  readonly logReadings: LogReadings;
  /** Holds on a record that its person may know of; undefined: none ever stood. */
  readonly listHolds: (
    record: StoredRecord,
    reader: Citizen,
    languages: readonly string[],
  ) => Promise<readonly HoldView[] | undefined>;
}): OwnRecordService {
  const { database, registries, subjects, viewer } = deps;

  /** Undefined where it was erased since it was found. */
  async function findOne(
    record: FoundRecord,
    citizen: Citizen,
    languages: readonly string[],
  ): Promise<OwnRecord | undefined> {
    const compiled = await registries.getCurrent(record.registry);
    const row = await getRecord(database, record).catch((error: unknown) => {
      if (error instanceof AttestryError && error.code === "record_erased") return undefined;
      throw error;
    });
    if (!row) return undefined;
    const { claims } = citizen;
    const holds = await deps.listHolds(row.record, citizen, languages);
    const view = { ...viewer.view(row, compiled, true, languages), ...(holds && { holds }) };
    // What the index says can be changed by whoever has the database; what is sealed decides whose it is.
    const { claim, value } = subjectOfRecord(compiled, { rid: record.rid, data: view.data });
    if (!Object.hasOwn(claims, claim) || claims[claim] !== value) return undefined;
    return { row, view, shown: findShown(view, compiled) };
  }

  /** Logged before anything of it is shown. */
  async function open(
    citizen: Citizen,
    records: readonly FoundRecord[],
    { action, languages = [] }: { action: ReadingAction; languages?: readonly string[] },
  ): Promise<OwnRecord[]> {
    const found = await Promise.all(records.map((record) => findOne(record, citizen, languages)));
    const own = found.filter((one) => one !== undefined);
    await deps.logReadings(
      own.flatMap(({ shown }) => shown ?? []),
      citizen,
      action,
    );
    return own;
  }

  const prove = ({ row, view }: OwnRecord): Promise<EvidenceFile> => deps.evidences.assemble(row, view.token);

  return {
    async list(citizen, languages) {
      const { records } = await subjects.findOwnRecords(citizen.claims);
      return (await open(citizen, records, { action: "read", languages })).map(({ view }) => view);
    },

    async count({ claims }) {
      return (await subjects.findOwnRecords(claims)).records.length;
    },

    async evidence(citizen, { registry, rid }) {
      const { records } = await subjects.findOwnRecords(citizen.claims, registry);
      const [own] = await open(
        citizen,
        records.filter((one) => one.rid === rid),
        { action: "evidence" },
      );
      if (!own)
        throw new AttestryError("record_unknown", `there is no such record in "${registry}" that is surely yours`);
      return prove(own);
    },

    async exportAll(citizen) {
      const { records } = await subjects.findOwnRecords(citizen.claims);
      const own = await open(citizen, records, { action: "export" });
      return Promise.all(own.map(async (one) => ({ view: one.view, evidence: await prove(one) })));
    },
  };
}
