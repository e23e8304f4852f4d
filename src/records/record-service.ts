// The use cases on single records: create, amend, revoke, read, list, find. Opens no transaction of its own: every write goes through the log.
import type { Json, JsonObject } from "../crypto/json.ts";
import { AttestryError, isAttestryError } from "../errors.ts";
import type { Caller, Staff } from "../identity/caller.ts";
import { checkPermitted, isStaffPermitted } from "../identity/permissions.ts";
import { PAGE_SIZE_DEFAULT, PAGE_SIZE_MAX } from "../limits.ts";
import type { LogWriter } from "../log/writer-service.ts";
import type { CompiledDefinition } from "../registries/compiled-definition.ts";
import type { RegistryService } from "../registries/registry-service.ts";
import type { Database } from "../storage/database.ts";
import { applyMergePatch } from "./merge-patch.ts";
import type { Draft, Idempotency, RecordDrafter } from "./record-drafter.ts";
import { keyDigest, searchableFields, searchDigest } from "./record-keys.ts";
import { parsePatchRequest, parseRecordRequest, parseStateRequest } from "./record-request.ts";
import type { RecordSealer } from "./record-sealer.ts";
import * as store from "./record-store.ts";
import { isRid } from "./record-url.ts";
import { formatView, openSecrets, type RecordView, viewRecord } from "./record-view.ts";
import { type RecordWrite, recordWriteKind } from "./record-write-store.ts";
import { createReferenceCheck, type VerifyReferences } from "./reference-check.ts";

export interface WriteOptions {
  readonly caller: Caller;
  readonly registry: string;
  readonly body: Json | undefined;
  readonly idempotencyKey: string | undefined;
}

/** A version as shown, and the value of its ETag. */
export interface TaggedView {
  readonly view: RecordView;
  readonly etag: string;
}

export interface RecordPage {
  readonly records: readonly RecordView[];
  readonly next: string | undefined;
}

export interface RecordService {
  create(options: WriteOptions): Promise<TaggedView>;
  /** `expected` is the ETag's value, `<version>.<state changes>`. */
  amend(options: WriteOptions & { rid: string; expected: string }): Promise<TaggedView>;
  revoke(options: WriteOptions & { rid: string; expected: string | undefined }): Promise<TaggedView>;
  get(options: { caller: Caller; registry: string; rid: string; version?: number }): Promise<TaggedView>;
  /** Exact search by the fields of one unique key, or by `identifier`; none lists everything in the order of creation. */
  find(options: {
    caller: Caller;
    registry: string;
    fields: Readonly<Record<string, Json>>;
    cursor: string | undefined;
    limit: number | undefined;
    /** Whether the fields stand in an address: their values are texts, and personal ones are refused. */
    inAddress: boolean;
  }): Promise<RecordPage>;
  history(options: {
    caller: Caller;
    registry: string;
    rid: string;
  }): Promise<{ versions: JsonObject[]; states: JsonObject[] }>;
}

/** Changes with everything that a view shows: an older version is shown as superseded. */
function recordEtag({ record, version }: store.RecordRow): string {
  const isCurrent = version.version === record.version;
  return `${version.version}.${record.stateNumber}${isCurrent ? "" : ".superseded"}`;
}

/** The row of a record in this registry; throws `record_unknown` or `version_unknown`. */
export async function getRow(
  database: Database,
  options: { registry: string; rid: string; version?: number | undefined },
): Promise<store.RecordRow> {
  const row = isRid(options.rid) ? await store.findRecord(database, options) : undefined;
  if (row && row.record.registry === options.registry) return row;
  if (options.version !== undefined)
    throw new AttestryError(
      "version_unknown",
      `there is no version ${options.version} of such a record in "${options.registry}"`,
    );
  throw new AttestryError("record_unknown", `there is no such record in "${options.registry}"`);
}

export function createRecordService(deps: {
  entity: string;
  database: Database;
  writer: LogWriter;
  registries: RegistryService;
  drafter: RecordDrafter;
  sealer: RecordSealer;
  searchKey: Uint8Array;
  verifyReferences: VerifyReferences;
}): RecordService {
  const { entity, database, writer, registries, drafter, sealer, searchKey } = deps;
  const checkReferences = createReferenceCheck(deps.verifyReferences);

  function view(row: store.RecordRow, compiled: CompiledDefinition, caller: Caller): RecordView {
    const { access, name } = compiled.definition;
    const seesPersonal = isStaffPermitted({ caller, action: "record.read", registry: name });
    const disclosures = () => (seesPersonal ? openSecrets(sealer, row).secrets.disclosures : []);
    return viewRecord({ entity, row, access, disclosures });
  }

  function tag(row: store.RecordRow, compiled: CompiledDefinition, caller: Caller): TaggedView {
    const shown = view(row, compiled, caller);
    // A record with fields withheld is another representation than the whole one (RFC 9110 §8.8.3).
    return { view: shown, etag: `${recordEtag(row)}${shown.withheld ? ".withheld" : ""}` };
  }

  function checkWriter(caller: Caller, registry: string): asserts caller is Staff {
    checkPermitted({ caller, action: "record.write", registry });
  }

  function readIdempotency(options: WriteOptions, target: string, caller: Staff): Idempotency | undefined {
    if (options.idempotencyKey === undefined) return undefined;
    const values = [caller.tokenId, options.idempotencyKey];
    const request = [options.registry, target, options.body ?? null];
    // Keyed, both: a body may be personal and short enough to be guessed from its plain hash.
    return {
      digest: keyDigest({ searchKey, registry: "", name: "idempotency", values }),
      request: keyDigest({ searchKey, registry: "", name: "idempotency request", values: request }),
    };
  }

  /** The answer that this key got before, if any. Throws `idempotency_key_reused` if it was for another request. */
  async function findAnswered(idempotency: Idempotency | undefined): Promise<store.RecordRow | undefined> {
    if (idempotency === undefined) return undefined;
    const answered = await store.findIdempotent(database, idempotency.digest);
    if (!answered) return undefined;
    if (answered.request !== idempotency.request) {
      throw new AttestryError(
        "idempotency_key_reused",
        "this Idempotency-Key was used for another request; choose a new one for every request",
      );
    }
    return store.findRecord(database, answered);
  }

  /** Does a write, or shows what the same request did before: a retry gets the answer of its first try. */
  async function once<Shown>(
    idempotency: Idempotency | undefined,
    show: (row: store.RecordRow) => Shown,
    write: () => Promise<Shown>,
  ): Promise<Shown> {
    const before = await findAnswered(idempotency);
    if (before) return show(before);
    try {
      return await write();
    } catch (error) {
      // A retry that ran beside its first try lost to it.
      const answered = isAttestryError(error) ? await findAnswered(idempotency) : undefined;
      if (answered) return show(answered);
      throw error;
    }
  }

  async function append(draft: Draft<RecordWrite>): Promise<number> {
    try {
      return (await writer.append(recordWriteKind, draft.input, draft.entry)).logIndex;
    } catch (error) {
      if (isAttestryError(error, "version_conflict")) registries.refresh(draft.input.registry);
      throw error;
    }
  }

  return {
    async create(options) {
      const { caller, registry } = options;
      checkWriter(caller, registry);
      const request = parseRecordRequest(options.body ?? null);
      const compiled = await registries.getCurrent(registry);
      const idempotency = readIdempotency(options, "create", caller);
      const createUnder = async (current: CompiledDefinition): Promise<TaggedView> => {
        const draft = await drafter.draftCreate({ compiled: current, request, caller, idempotency, checkReferences });
        const row = createdRow(draft.input, await append(draft));
        const { claims, disclosures } = draft;
        const { access } = current.definition;
        const shown = formatView({ entity, row, access, claims, disclosures, withheld: false });
        return { view: shown, etag: recordEtag(row) };
      };
      return once(
        idempotency,
        (row) => tag(row, compiled, caller),
        async () => {
          try {
            return await createUnder(compiled);
          } catch (error) {
            // The definition changed while the record was drafted; it may be valid under the new one too.
            if (!isAttestryError(error, "version_conflict")) throw error;
            return createUnder(await registries.getCurrent(registry));
          }
        },
      );
    },

    async amend(options) {
      const { caller, registry, rid } = options;
      checkWriter(caller, registry);
      const patch = parsePatchRequest(options.body ?? null);
      const compiled = await registries.getCurrent(registry);
      const idempotency = readIdempotency(options, `${rid}/amend/${options.expected}`, caller);
      const show = (row: store.RecordRow) => tag(row, compiled, caller);
      return once(idempotency, show, async () => {
        const row = await getRow(database, { registry, rid });
        checkExpected(row, options.expected);
        const rowCompiled = await registries.getVersion(registry, row.version.definitionVersion);
        const draft = await drafter.draftAmend({
          compiled,
          rowCompiled,
          row,
          change: {
            ...patch,
            data: (data) => (patch.data === undefined ? data : (applyMergePatch(data, patch.data) as JsonObject)),
          },
          caller,
          idempotency,
          checkReferences,
        });
        if (draft === undefined) return show(row);
        await append(draft);
        return show(await getRow(database, { registry, rid, version: row.version.version + 1 }));
      });
    },

    async revoke(options) {
      const { caller, registry, rid } = options;
      checkWriter(caller, registry);
      const ground = parseStateRequest(options.body);
      const compiled = await registries.getCurrent(registry);
      const idempotency = readIdempotency(options, `${rid}/revoke`, caller);
      const show = (row: store.RecordRow) => tag(row, compiled, caller);
      return once(idempotency, show, async () => {
        const row = await getRow(database, { registry, rid });
        if (options.expected !== undefined) checkExpected(row, options.expected);
        await append(await drafter.draftRevoke({ row, ground, caller, idempotency }));
        return show(await getRow(database, { registry, rid }));
      });
    },

    async get({ caller, registry, rid, version }) {
      const compiled = await registries.getCurrent(registry);
      checkPermitted({ caller, action: "record.read", registry, access: compiled.definition.access });
      const row = await getRow(database, { registry, rid, version });
      return tag(row, compiled, caller);
    },

    async find({ caller, registry, fields, cursor, limit, inAddress }) {
      const compiled = await registries.getCurrent(registry);
      checkPermitted({ caller, action: "record.read", registry, access: compiled.definition.access });
      const names = Object.keys(fields);
      if (names.length === 0) return listPage({ caller, compiled, cursor, limit });
      const search = searchDigest({ searchKey, compiled, fields, spelled: inAddress });
      if (!search) throw unknownSearch(compiled, names);
      if (search.personal && inAddress) {
        throw new AttestryError(
          "query_invalid",
          "personal fields do not belong in an address; search with POST …/records:search",
        );
      }
      // Whoever may not see a personal value may not learn either whether somebody has it.
      if (search.personal) checkPermitted({ caller, action: "record.read", registry });
      const { digest } = search;
      const rid = (await store.findKeyHolders(database, [digest])).get(digest);
      const row = rid === undefined ? undefined : await store.findRecord(database, { rid });
      return { records: row ? [view(row, compiled, caller)] : [], next: undefined };
    },

    async history({ caller, registry, rid }) {
      const compiled = await registries.getCurrent(registry);
      checkPermitted({ caller, action: "record.read", registry, access: compiled.definition.access });
      const row = await getRow(database, { registry, rid });
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

  async function listPage(options: {
    caller: Caller;
    compiled: CompiledDefinition;
    cursor: string | undefined;
    limit: number | undefined;
  }): Promise<RecordPage> {
    const limit = options.limit ?? PAGE_SIZE_DEFAULT;
    if (!Number.isSafeInteger(limit) || limit < 1 || limit > PAGE_SIZE_MAX)
      throw new AttestryError("query_invalid", `limit must be 1 to ${PAGE_SIZE_MAX}`);
    if (options.cursor !== undefined && !/^\d{1,15}$/.test(options.cursor))
      throw new AttestryError("query_invalid", "the cursor is not one of ours; take it from the previous page");
    const after = options.cursor === undefined ? -1 : Number(options.cursor);
    const rows = await store.listRecords(database, {
      registry: options.compiled.definition.name,
      after,
      limit: limit + 1,
    });
    const shown = rows.slice(0, limit);
    return {
      records: shown.map((row) => view(row, options.compiled, options.caller)),
      next: rows.length > limit ? String(shown.at(-1)!.record.firstIndex) : undefined,
    };
  }
}

function checkExpected(row: store.RecordRow, expected: string): void {
  if (recordEtag(row) === expected) return;
  throw new AttestryError(
    "version_conflict",
    `If-Match says "${expected.slice(0, 40)}", the record is at "${recordEtag(row)}"; read it again and repeat the change`,
  );
}

function unknownSearch(compiled: CompiledDefinition, names: readonly string[]): AttestryError {
  const known = searchableFields(compiled).map((fields) => fields.join(" + "));
  const wanted = names.slice(0, 10).map((name) => `"${name.slice(0, 80)}"`);
  return new AttestryError(
    "query_invalid",
    `cannot search by ${wanted.join(", ")}; this registry is searched by: ${known.join("; ") || "nothing"}`,
  );
}

function createdRow(write: RecordWrite & { kind: "create" }, logIndex: number): store.RecordRow {
  const { definitionVersion, jwt, sealed, status, recordedAt } = write.version;
  return {
    record: {
      rid: write.rid,
      registry: write.registry,
      identifier: write.identifier ?? null,
      state: "active",
      version: 1,
      stateNumber: 0,
      sealedKey: write.sealedKey,
      firstIndex: logIndex,
    },
    version: {
      rid: write.rid,
      version: 1,
      definitionVersion,
      jwt,
      sealed,
      statusList: status.list,
      statusIndex: status.index,
      logIndex,
      recordedAt,
    },
  };
}
