// The writes that make versions of single records: create, amend. Opens no transaction of its own: every write goes through the log.
import { isProposed, type Proposed } from "../../approval/proposal-book-service.ts";
import type { Json, JsonObject } from "../../crypto/json.ts";
import { isAttestryError } from "../../errors.ts";
import type { Caller, Staff } from "../../identity/caller.ts";
import { checkPermitted } from "../../identity/permissions.ts";
import type { CompiledDefinition } from "../../registries/compiled-definition.ts";
import type { RegistryService } from "../../registries/registry-service.ts";
import type { Database } from "../../storage/database.ts";
import { findShown, type LogReadings } from "../record-readings.ts";
import type { RecordSight } from "../record-sight.ts";
import * as store from "../record-store.ts";
import type { RecordViewer, TaggedView } from "../record-viewer.ts";
import { createReferenceCheck, type VerifyReferences } from "../references/reference-check.ts";
import type { ReferenceKeyService } from "../references/reference-key-service.ts";
import type { Idempotency } from "./idempotency.ts";
import { writeNumbered } from "./identifier-chooser.ts";
import { applyMergePatch } from "./merge-patch.ts";
import { checkPredecessors } from "./predecessor-check.ts";
import type { RecordDrafter } from "./record-drafter.ts";
import { parsePatchRequest, parseRecordRequest } from "./record-request.ts";
import { type CreateWrite, versionAfter } from "./record-write.ts";
import { checkExpected, type WriteOnce } from "./write-once-service.ts";

export interface WriteOptions {
  readonly caller: Caller;
  readonly registry: string;
  readonly body: Json | undefined;
  readonly idempotencyKey: string | undefined;
}

export interface RecordWriteService {
  create(options: WriteOptions): Promise<TaggedView | Proposed>;
  /** `expected` is the ETag's value, `<version>.<state changes>`. */
  amend(options: WriteOptions & { rid: string; expected: string }): Promise<TaggedView | Proposed>;
}

export function createRecordWriteService(deps: {
  entity: string;
  database: Database;
  registries: RegistryService;
  writes: WriteOnce;
  drafter: RecordDrafter;
  viewer: RecordViewer;
  sight: RecordSight;
  verifyReferences: VerifyReferences;
  referenceKeys: ReferenceKeyService;
  logReadings: LogReadings;
}): RecordWriteService {
  const { entity, database, registries, writes, drafter, referenceKeys } = deps;
  const { tag } = deps.viewer;
  const checkReferences = createReferenceCheck(deps.verifyReferences);

  const show = async (caller: Staff, compiled: CompiledDefinition, row: store.RecordRow): Promise<TaggedView> => {
    const { rid } = row.record;
    const seesPersonal = (await deps.sight.findInspected({ caller, compiled, rids: [rid] })).has(rid);
    const shown = tag(row, compiled, seesPersonal);
    const reading = seesPersonal ? findShown(shown.view, compiled) : undefined;
    // Whoever changes one field is shown all the others.
    if (reading) await deps.logReadings([reading], caller, "write");
    return shown;
  };

  function readRequest(options: WriteOptions, target: string): { caller: Staff; idempotency: Idempotency | undefined } {
    const { registry, body, idempotencyKey: key } = options;
    checkPermitted({ caller: options.caller, action: "record.write", registry });
    const caller = options.caller as Staff;
    return { caller, idempotency: writes.readIdempotency({ caller, key, registry, target, body }) };
  }

  return {
    async create(options) {
      const { registry } = options;
      const { caller, idempotency } = readRequest(options, "create");
      const asked = parseRecordRequest(options.body ?? null);
      const compiled = await registries.getCurrent(registry);
      const createUnder = async (current: CompiledDefinition): Promise<TaggedView | Proposed> => {
        const request = { ...asked, data: await referenceKeys.fillIn({ compiled: current, caller, data: asked.data }) };
        await checkPredecessors({ entity, compiled: current, request, verifyReferences: deps.verifyReferences });
        const draft = await drafter.draftCreate({ compiled: current, request, caller, idempotency, checkReferences });
        const under = { caller, kind: "create", definitionVersion: current.version } as const;
        const written = await writes.submit(draft, {
          ...under,
          request: { body: { ...(options.body as JsonObject), data: request.data } },
        });
        if (isProposed(written)) return written;
        return deps.viewer.tagWritten(createdRow(draft.input, written.logIndex), current, draft);
      };
      return writes.once(
        idempotency,
        async ({ rid, version }) => show(caller, compiled, await store.getRecord(database, { registry, rid, version })),
        async () => {
          try {
            return await writeNumbered(asked, () => createUnder(compiled));
          } catch (error) {
            // The definition changed while the record was drafted; it may be valid under the new one too.
            if (!isAttestryError(error, "version_conflict")) throw error;
            const current = await registries.getCurrent(registry);
            return await writeNumbered(asked, () => createUnder(current));
          }
        },
      );
    },

    async amend(options) {
      const { registry, rid } = options;
      const { caller, idempotency } = readRequest(options, `${rid}/amend/${options.expected}`);
      const patch = parsePatchRequest(options.body ?? null);
      const compiled = await registries.getCurrent(registry);
      const showVersion = async (version: number) =>
        show(caller, compiled, await store.getRecord(database, { registry, rid, version }));
      return writes.once(
        idempotency,
        ({ version }) => showVersion(version),
        async () => {
          await deps.sight.checkWithin({ caller, compiled, action: "record.write", rid });
          const row = await store.getRecord(database, { registry, rid });
          checkExpected(row, options.expected);
          const data = patch.data && (await referenceKeys.fillIn({ compiled, caller, data: patch.data }));
          const rowCompiled = await registries.getVersion(registry, row.version.definitionVersion);
          const draft = await drafter.draftAmend({
            compiled,
            rowCompiled,
            row,
            change: {
              ...patch,
              data: (before) => (data === undefined ? before : (applyMergePatch(before, data) as JsonObject)),
            },
            caller,
            idempotency,
            checkReferences,
          });
          if (draft === undefined) return show(caller, compiled, row);
          const asked = { caller, kind: "amend", definitionVersion: compiled.version } as const;
          const { body = null, expected } = options;
          // With the records that references by key were found to mean, so that they mean no others later.
          const filled = data === undefined ? body : { ...(body as JsonObject), data };
          const written = await writes.submit(draft, { ...asked, request: { body: filled, expected } });
          if (isProposed(written)) return written;
          return showVersion(versionAfter(draft.input));
        },
      );
    },
  };
}

function createdRow(write: CreateWrite, logIndex: number): store.RecordRow {
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
