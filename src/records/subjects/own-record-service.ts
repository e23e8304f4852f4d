// A person's own records, with all that they say and what proves it: each showing is logged as a reading. For the citizen whom they are about and nobody else: whoever is not found by their own claims is told what strangers are told.
import { AttestryError } from "../../errors.ts";
import type { Citizen } from "../../identity/caller.ts";
import type { RegistryService } from "../../registries/registry-service.ts";
import type { Database } from "../../storage/database.ts";
import type { EvidenceFile, EvidenceService } from "../evidence-service.ts";
import type { HoldView } from "../record-hold.ts";
import {
  findShown,
  type LogReadings,
  type NotedReading,
  type ReadingAction,
  type ShownRecord,
} from "../record-readings.ts";
import { getRecord, type RecordRow, type StoredRecord } from "../record-store.ts";
import type { RecordView } from "../record-view.ts";
import type { RecordViewer } from "../record-viewer.ts";
import { subjectOfRecord } from "../subject.ts";
import type { FoundRecord, SubjectService } from "./subject-service.ts";

export interface OwnRecordService {
  /** The records that are surely the citizen's, with all that they say. `languages`: the reader's, the most wanted first. */
  list(citizen: Citizen, languages: readonly string[]): Promise<readonly RecordView[]>;
  /** One of them, as `list` gives it. Throws `record_unknown` where it is not surely the citizen's. */
  get(citizen: Citizen, record: FoundRecord, languages: readonly string[]): Promise<RecordView>;
  /** One of them for who shows nothing of it: it is not noted. Throws `record_unknown`. */
  find(citizen: Citizen, record: FoundRecord): Promise<Pick<OwnRecord, "row" | "view">>;
  /** How many that would be; shows none. */
  count(citizen: Citizen): Promise<number>;
  /** A record with everything open in it, and all that proves it. Throws `record_unknown` where it is not surely the citizen's. */
  evidence(citizen: Citizen, record: FoundRecord): Promise<EvidenceFile>;
  /** All of them, each with what proves it. */
  exportAll(citizen: Citizen): Promise<readonly { readonly view: RecordView; readonly evidence: EvidenceFile }[]>;
}

export interface OwnRecord {
  readonly row: RecordRow;
  readonly view: RecordView;
  readonly shown: ShownRecord | undefined;
  /** The event that showing it is; there is none where nothing of it is personal. */
  readonly reading?: NotedReading | undefined;
}

/** Signs that these tokens are the person's own copies, as the events of the access log have it. */
export type PresentCopies = (
  copies: readonly { readonly token: string; readonly reading: NotedReading }[],
) => Promise<readonly { readonly token: string; readonly receipt: string }[]>;

export function createOwnRecordService(deps: {
  readonly database: Database;
  readonly registries: Pick<RegistryService, "getCurrent">;
  readonly subjects: Pick<SubjectService, "findOwnRecords">;
  readonly viewer: Pick<RecordViewer, "view">;
  readonly evidences: Pick<EvidenceService, "assemble">;
  readonly logReadings: LogReadings;
  readonly presentCopies: PresentCopies;
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
    const shown = own.flatMap((one) => one.shown ?? []);
    const noted = await deps.logReadings(shown, citizen, action);
    return own.map((one) => ({ ...one, reading: one.shown && noted[shown.indexOf(one.shown)] }));
  }

  /** What is the person's own is shown as a paper copy is, by whoever has it. */
  async function proveAll(own: readonly OwnRecord[]): Promise<EvidenceFile[]> {
    const copies = own.flatMap(({ view: { token }, reading }) => (reading ? [{ token, reading }] : []));
    const presented = await deps.presentCopies(copies);
    const presentations = new Map(copies.map(({ token }, at) => [token, presented[at]!]));
    return Promise.all(
      own.map(async ({ row, view: { token } }) => {
        const evidence = await deps.evidences.assemble(row, token);
        const presentation = presentations.get(token);
        return { ...evidence, ...(presentation && { presentation }) };
      }),
    );
  }

  async function findNamed(
    { claims }: Pick<Citizen, "claims">,
    { registry, rid }: FoundRecord,
  ): Promise<FoundRecord[]> {
    const { records } = await subjects.findOwnRecords(claims, registry);
    return records.filter((one) => one.rid === rid);
  }

  return {
    async list(citizen, languages) {
      const { records } = await subjects.findOwnRecords(citizen.claims);
      return (await open(citizen, records, { action: "read", languages })).map(({ view }) => view);
    },

    async count({ claims }) {
      return (await subjects.findOwnRecords(claims)).records.length;
    },

    async get(citizen, record, languages) {
      const [own] = await open(citizen, await findNamed(citizen, record), { action: "read", languages });
      if (!own) throw notYours(record);
      return own.view;
    },

    async find(citizen, record) {
      const [named] = await findNamed(citizen, record);
      const own = named && (await findOne(named, citizen, []));
      if (!own) throw notYours(record);
      return own;
    },

    async evidence(citizen, record) {
      const [own] = await open(citizen, await findNamed(citizen, record), { action: "evidence" });
      if (!own) throw notYours(record);
      return (await proveAll([own]))[0]!;
    },

    async exportAll(citizen) {
      const { records } = await subjects.findOwnRecords(citizen.claims);
      const own = await open(citizen, records, { action: "export" });
      const evidence = await proveAll(own);
      return own.map(({ view }, at) => ({ view, evidence: evidence[at]! }));
    },
  };
}

function notYours({ registry }: FoundRecord): AttestryError {
  return new AttestryError("record_unknown", `there is no such record in "${registry}" that is surely yours`);
}
