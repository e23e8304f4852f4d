// The operations that change a record's state: suspend, reinstate, revoke, end, erase; and replace, which takes n records and leaves m.
import { isProposed, type Proposed } from "../../approval/proposal-book-service.ts";
import type { Json, JsonObject } from "../../crypto/json.ts";
import { AttestryError, type ErrorDetail } from "../../errors.ts";
import type { Caller, Staff } from "../../identity/caller.ts";
import { checkPermitted } from "../../identity/permissions.ts";
import type { LogEntry } from "../../log/entry.ts";
import type { CompiledDefinition } from "../../registries/compiled-definition.ts";
import type { RegistryService } from "../../registries/registry-service.ts";
import type { Database } from "../../storage/database.ts";
import type { DescribeAct } from "../record-act.ts";
import { findShown, type LogReadings } from "../record-readings.ts";
import type { RecordSight } from "../record-sight.ts";
import { nextState, type StateOperation } from "../record-states.ts";
import * as store from "../record-store.ts";
import { formatRecordUrl, parseRecordUrl } from "../record-url.ts";
import { type RecordViewer, recordEtag, type TaggedView } from "../record-viewer.ts";
import {
  type CheckReferences,
  createReferenceCheck,
  type TypedReference,
  type VerifyReferences,
} from "../references/reference-check.ts";
import type { ReferenceKeyService } from "../references/reference-key-service.ts";
import { type ErasedView, formatErased } from "./erased-view.ts";
import { type Erasure, findErasure } from "./erasure-store.ts";
import type { HoldService } from "./hold-service.ts";
import type { Idempotency } from "./idempotency.ts";
import { writeNumbered } from "./identifier-chooser.ts";
import type { Draft, RecordDrafter } from "./record-drafter.ts";
import type { RecordWrite, SingleWrite, StateWrite, UnitWrite } from "./record-write.ts";
import type { StateDrafter } from "./state-drafter.ts";
import { parseReplaceRequest, parseStateRequest, type ReplaceRequest } from "./state-request.ts";
import type { VersionErasureDrafter } from "./version-erasure-drafter.ts";
import { type Answered, checkExpected, type WriteOnce } from "./write-once-service.ts";

export interface StateOptions {
  readonly caller: Caller;
  readonly registry: string;
  readonly rid: string;
  readonly body: Json | undefined;
  readonly idempotencyKey: string | undefined;
  /** The ETag's value, `<version>.<state changes>`, if the request is bound to one. */
  readonly expected: string | undefined;
}

export interface RecordStateService {
  change(
    options: StateOptions & { operation: Exclude<StateOperation, "replace" | "erase"> },
  ): Promise<TaggedView | Proposed>;
  /** Answers the replaced record of the path; its view names the successors. */
  replace(options: StateOptions): Promise<TaggedView | Proposed>;
  erase(options: StateOptions): Promise<ErasedView | Proposed>;
  /** Of one former version; throws `version_current` of the current one. */
  eraseVersion(options: StateOptions & { version: number }): Promise<ErasedView | Proposed>;
}

export function createRecordStateService(deps: {
  entity: string;
  database: Database;
  registries: RegistryService;
  writes: WriteOnce;
  drafter: RecordDrafter;
  stateDrafter: StateDrafter;
  versionErasures: VersionErasureDrafter;
  holds: Pick<HoldService, "checkFree">;
  describeAct: DescribeAct;
  viewer: RecordViewer;
  logReadings: LogReadings;
  sight: RecordSight;
  verifyReferences: VerifyReferences;
  referenceKeys: ReferenceKeyService;
  /** Told of every erasure once it is committed. */
  onErased: (erasure: Erasure) => Promise<void>;
  /** For how many days the node's backups are kept; undefined: it was not told. */
  backupKeepDays: number | undefined;
}): RecordStateService {
  const { entity, database, registries, writes, drafter, stateDrafter, viewer, sight } = deps;
  const checkReferences: CheckReferences = createReferenceCheck(deps.verifyReferences);

  function readRequest(
    options: StateOptions,
    operation: string,
  ): { caller: Staff; idempotency: Idempotency | undefined } {
    const { caller, registry, rid, body, idempotencyKey: key } = options;
    checkPermitted({ caller, action: "record.write", registry });
    const target = `${rid}/${operation}`;
    return {
      caller: caller as Staff,
      idempotency: writes.readIdempotency({ caller: caller as Staff, key, registry, target, body }),
    };
  }

  async function getRow({ caller, registry, rid, expected }: StateOptions): Promise<store.RecordRow> {
    const compiled = await registries.getCurrent(registry);
    await sight.checkWithin({ caller, compiled, action: "record.write", rid });
    const row = await store.getRecord(database, { registry, rid });
    if (expected !== undefined) checkExpected(row, expected);
    return row;
  }

  /** Bound to the record as it was read, also where the request was bound to none: that is what others approve. */
  async function submit({ caller, body = null }: StateOptions, row: store.RecordRow, draft: Draft<RecordWrite>) {
    const { input } = draft;
    const state = (input.kind === "unit" ? input.parts.at(-1) : input) as StateWrite;
    const version = state.erased?.version;
    const request: JsonObject = { body, expected: recordEtag(row), ...(version !== undefined && { version }) };
    const { operation: kind, definitionVersion } = state;
    return writes.submit(draft, { caller: caller as Staff, kind, request, definitionVersion });
  }

  const show = async ({ caller, registry }: StateOptions, { rid, version }: Answered): Promise<TaggedView> => {
    const row = await store.getRecord(database, { registry, rid, version });
    const compiled = await registries.getCurrent(registry);
    const seesPersonal = (await sight.findInspected({ caller, compiled, rids: [rid] })).has(rid);
    const shown = viewer.tag(row, compiled, seesPersonal);
    const reading = seesPersonal ? findShown(shown.view, compiled) : undefined;
    if (reading) await deps.logReadings([reading], caller, "write");
    return shown;
  };

  const describeErased = (erasure: Erasure): ErasedView =>
    formatErased(erasure, { href: formatRecordUrl({ entity, ...erasure }), keepDays: deps.backupKeepDays });

  async function showErased({ rid }: StateOptions, version?: number): Promise<ErasedView> {
    const erasure = await findErasure(database, rid, version);
    if (!erasure) throw store.recordErased();
    return describeErased(erasure);
  }

  /** Submits the draft of an erasure, and adds it to the ledger once it is done. */
  async function submitErasure(
    options: StateOptions,
    row: store.RecordRow,
    draft: Draft<StateWrite>,
  ): Promise<ErasedView | Proposed> {
    const written = await submit(options, row, draft);
    if (isProposed(written)) return written;
    const { rid, registry, recordedAt: at, erased } = draft.input;
    const erasure = { rid, registry, at, logIndex: written.logIndex, ...(erased && { version: erased.version }) };
    await deps.onErased(erasure);
    return describeErased(erasure);
  }

  /** Successors that are there already: own ones by the database, others as references are verified. Gives the own ones, by rid. */
  async function checkSuccessors(
    urls: readonly string[],
    options: { compiled: CompiledDefinition; replaced: ReadonlySet<string> },
  ): Promise<string[]> {
    const { compiled, replaced } = options;
    const details: ErrorDetail[] = [];
    const foreign: TypedReference[] = [];
    const own: string[] = [];
    for (const href of urls) {
      const address = parseRecordUrl(href)!;
      if (address.entity !== entity) foreign.push({ href, type: compiled.definition.type });
      else if (replaced.has(address.rid))
        details.push({ field: "/by", message: "names a record that is replaced in the same request" });
      else {
        const row = await store.findRecord(database, { rid: address.rid });
        if (!row || row.record.registry !== address.registry)
          details.push({ field: "/by", message: `there is no such record in "${address.registry}"` });
        else if (row.record.state !== "active")
          details.push({ field: "/by", message: `names a record that is ${row.record.state}; a successor is active` });
        own.push(address.rid);
      }
    }
    const faults = await deps.verifyReferences(foreign);
    for (const fault of faults) if (fault) details.push({ field: "/by", message: fault.message });
    if (details.length === 0) return own;
    const isPassing =
      faults.every((fault) => !fault || fault.isPassing) && details.length === faults.filter(Boolean).length;
    throw new AttestryError(
      isPassing ? "peer_unreachable" : "reference_unresolved",
      "a successor could not be verified, so nothing was replaced",
      { details },
    );
  }

  async function readReplaced(options: StateOptions, request: ReplaceRequest): Promise<store.RecordRow[]> {
    const first = await getRow(options);
    if (request.also.some(({ rid }) => rid === options.rid))
      throw new AttestryError("request_invalid", "the record of the address is named in also, too", {
        details: [{ field: "/also", message: "names the record of the address; it is replaced anyway" }],
      });
    const rows = [first];
    for (const { rid, version } of request.also) {
      const row = await getRow({ ...options, rid, expected: undefined });
      if (version !== undefined && version !== row.record.version) {
        const message = `the record "${rid}" is at version ${row.record.version}, not ${version}; read it again and repeat the change`;
        throw new AttestryError("version_conflict", message);
      }
      rows.push(row);
    }
    for (const row of rows) nextState(row.record.state, "replace");
    return rows;
  }

  async function draftReplacement(
    options: StateOptions,
    request: ReplaceRequest,
    { caller, idempotency }: { caller: Staff; idempotency: Idempotency | undefined },
  ): Promise<{ draft: Draft<UnitWrite>; rows: readonly store.RecordRow[] }> {
    const { registry, rid } = options;
    const compiled = await registries.getCurrent(registry);
    const { effective, act: ground } = request;
    const act = deps.describeAct({ compiled, operation: "replace", caller, ground });
    const rows = await readReplaced(options, request);
    const urls = request.by.filter((one) => typeof one === "string");
    const successors = await checkSuccessors(urls, {
      compiled,
      replaced: new Set(rows.map(({ record }) => record.rid)),
    });
    const replaces = new Map(
      rows.map(({ record }) => [record.rid, formatRecordUrl({ entity, registry, rid: record.rid })]),
    );
    const parts: Draft<SingleWrite>[] = [];
    const replacedBy: string[] = [];
    for (const one of request.by) {
      if (typeof one === "string") {
        replacedBy.push(one);
        continue;
      }
      const created = { ...act, operation: "create" as const };
      const draft = await drafter.draftCreate({
        compiled,
        request: { ...one, data: await deps.referenceKeys.fillIn({ compiled, caller, data: one.data }) },
        caller,
        checkReferences,
        replaces,
        act: created,
      });
      parts.push(draft);
      replacedBy.push(formatRecordUrl({ entity, registry, rid: draft.input.rid }));
    }
    for (const row of rows) {
      const common = { compiled, row, operation: "replace" as const, ground, effective, caller };
      parts.push(await stateDrafter.draftState({ ...common, replacedBy, successors }));
    }
    const draft: Draft<UnitWrite> = {
      input: {
        kind: "unit",
        rid,
        registry,
        parts: parts.map(({ input }) => input),
        idempotency,
        approval: parts[0]!.input.approval,
      },
      entry: parts.map(({ entry }) => entry as LogEntry),
    };
    return { draft, rows };
  }

  return {
    async change(options) {
      const { registry, operation } = options;
      const { caller, idempotency } = readRequest(options, operation);
      const { act: ground, effective } = parseStateRequest(options.body, operation);
      const compiled = await registries.getCurrent(registry);
      return writes.once(
        idempotency,
        (answered) => show(options, answered),
        async () => {
          const row = await getRow(options);
          const common = { compiled, row, operation, ground, effective, caller, idempotency };
          const written = await submit(options, row, await stateDrafter.draftState(common));
          return isProposed(written) ? written : show(options, { rid: options.rid, version: row.version.version });
        },
      );
    },

    async replace(options) {
      const asked = readRequest(options, "replace");
      const request = parseReplaceRequest(options.body ?? null);
      return writes.once(
        asked.idempotency,
        (answered) => show(options, answered),
        async () => {
          const official = request.by.flatMap((one) => (typeof one === "string" ? [] : (one.identifier ?? [])))[0];
          return writeNumbered({ identifier: official }, async () => {
            const { draft, rows } = await draftReplacement(options, request, asked);
            const written = await submit({ ...options, body: pinReplaced(options, rows) }, rows[0]!, draft);
            if (isProposed(written)) return written;
            return show(options, { rid: options.rid, version: versionOf(draft.input, options.rid) });
          });
        },
      );
    },

    async erase(options) {
      const { registry } = options;
      const { caller, idempotency } = readRequest(options, "erase");
      const { act: ground } = parseStateRequest(options.body, "erase");
      const compiled = await registries.getCurrent(registry);
      return writes.once(
        idempotency,
        () => showErased(options),
        async () => {
          const row = await getRow(options);
          await deps.holds.checkFree(row.record);
          const common = { compiled, row, operation: "erase" as const, ground, caller, idempotency };
          return submitErasure(options, row, await stateDrafter.draftState(common));
        },
      );
    },

    async eraseVersion(options) {
      const { registry, version } = options;
      const { caller, idempotency } = readRequest(options, `versions/${version}/erase`);
      const { act: ground } = parseStateRequest(options.body, "erase");
      const compiled = await registries.getCurrent(registry);
      return writes.once(
        idempotency,
        () => showErased(options, version),
        async () => {
          const row = await getRow(options);
          await deps.holds.checkFree(row.record);
          const draft = await deps.versionErasures.draft({ compiled, row, version, ground, caller, idempotency });
          return submitErasure(options, row, draft);
        },
      );
    },
  };
}

/** The request, with the version of every record that it replaces. */
function pinReplaced({ body, rid }: StateOptions, rows: readonly store.RecordRow[]): Json {
  const also = rows
    .filter(({ record }) => record.rid !== rid)
    .map(({ record }) => ({ rid: record.rid, version: record.version }));
  return { ...(body as JsonObject), ...(also.length > 0 && { also }) };
}

function versionOf(unit: UnitWrite, rid: string): number {
  return (unit.parts.find((part) => part.rid === rid) as StateWrite).expected.version;
}
