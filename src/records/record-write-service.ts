// The writes to single records: create, amend, revoke. Opens no transaction of its own: every write goes through the log.
import type { Json, JsonObject } from "../crypto/json.ts";
import { AttestryError, isAttestryError } from "../errors.ts";
import type { Caller, Staff } from "../identity/caller.ts";
import { checkPermitted } from "../identity/permissions.ts";
import type { LogWriter } from "../log/writer-service.ts";
import type { CompiledDefinition } from "../registries/compiled-definition.ts";
import type { RegistryService } from "../registries/registry-service.ts";
import type { Database } from "../storage/database.ts";
import { applyMergePatch } from "./merge-patch.ts";
import type { Draft, Idempotency, RecordDrafter } from "./record-drafter.ts";
import { keyDigest } from "./record-keys.ts";
import { parsePatchRequest, parseRecordRequest, parseStateRequest } from "./record-request.ts";
import * as store from "./record-store.ts";
import { type RecordViewer, recordEtag, type TaggedView } from "./record-viewer.ts";
import { type RecordWrite, recordWriteKind } from "./record-write-store.ts";
import { createReferenceCheck, type VerifyReferences } from "./reference-check.ts";

export interface WriteOptions {
  readonly caller: Caller;
  readonly registry: string;
  readonly body: Json | undefined;
  readonly idempotencyKey: string | undefined;
}

export interface RecordWriteService {
  create(options: WriteOptions): Promise<TaggedView>;
  /** `expected` is the ETag's value, `<version>.<state changes>`. */
  amend(options: WriteOptions & { rid: string; expected: string }): Promise<TaggedView>;
  revoke(options: WriteOptions & { rid: string; expected: string | undefined }): Promise<TaggedView>;
}

export function createRecordWriteService(deps: {
  database: Database;
  writer: LogWriter;
  registries: RegistryService;
  drafter: RecordDrafter;
  viewer: RecordViewer;
  searchKey: Uint8Array;
  verifyReferences: VerifyReferences;
}): RecordWriteService {
  const { database, writer, registries, drafter, searchKey } = deps;
  const { tag } = deps.viewer;
  const checkReferences = createReferenceCheck(deps.verifyReferences);

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
        return deps.viewer.tagWritten(row, current, draft);
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
        const row = await store.getRecord(database, { registry, rid });
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
        return show(await store.getRecord(database, { registry, rid, version: row.version.version + 1 }));
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
        const row = await store.getRecord(database, { registry, rid });
        if (options.expected !== undefined) checkExpected(row, options.expected);
        await append(await drafter.draftRevoke({ row, ground, caller, idempotency }));
        return show(await store.getRecord(database, { registry, rid }));
      });
    },
  };
}

function checkExpected(row: store.RecordRow, expected: string): void {
  if (recordEtag(row) === expected) return;
  throw new AttestryError(
    "version_conflict",
    `If-Match says "${expected.slice(0, 40)}", the record is at "${recordEtag(row)}"; read it again and repeat the change`,
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
