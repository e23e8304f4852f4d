// What can be proposed, and how it is shown and carried out: one row of the table per kind. Decides on no proposal.

import { findApprovalRefusal, type ProposalKind } from "../../approval/proposal.ts";
import { isProposed } from "../../approval/proposal-book-service.ts";
import type { ProposalActions, ProposedWrite } from "../../approval/proposal-service.ts";
import type { Json, JsonObject } from "../../crypto/json.ts";
import { AttestryError, type ErrorCode, isAttestryError } from "../../errors.ts";
import type { Staff } from "../../identity/caller.ts";
import { PROPOSAL_REFUSALS_SHOWN_MAX } from "../../limits.ts";
import type { CompiledDefinition } from "../../registries/compiled-definition.ts";
import { formatDisplay } from "../../registries/display-template.ts";
import type { RegistryService } from "../../registries/registry-service.ts";
import type { Database } from "../../storage/database.ts";
import type { ImportFills } from "../bulk/import-fill.ts";
import type { ImportMode, ImportService } from "../bulk/import-service.ts";
import type { MigrationService } from "../bulk/migration-service.ts";
import type { ComparedVersion } from "../record-changes.ts";
import { findOpened, findProposed, type LogReadings, namedFields, type ShownRecord } from "../record-readings.ts";
import type { RecordSealer } from "../record-sealer.ts";
import type { RecordSight } from "../record-sight.ts";
import * as store from "../record-store.ts";
import { openSecrets, readFullData, readOwnPayload } from "../record-view.ts";
import { recordEtag, type TaggedView } from "../record-viewer.ts";
import { checkJurisdiction } from "../search/jurisdiction-marks.ts";
import type { RecordStateService } from "../writing/record-state-service.ts";
import type { RecordWriteService } from "../writing/record-write-service.ts";
import { applyPatch, describeChange } from "./proposed-change.ts";

const PASSING: readonly (ErrorCode | undefined)[] = ["database_unavailable", "log_overloaded", "log_outcome_unknown"];

/** A fault of the moment is no refusal of a row: it is gone on with later, and what was written is not written again. */
function throwPassing(outcomes: readonly { readonly code?: ErrorCode; readonly message?: string }[]): void {
  const passing = outcomes.find(({ code }) => PASSING.includes(code));
  if (passing) throw new AttestryError(passing.code!, passing.message ?? "the node cannot write now");
}

interface Action {
  /** The data that would be written, by which it is told whose jurisdiction it is of. */
  readData(request: JsonObject): readonly JsonObject[];
  describe(
    write: ProposedWrite & { readonly reader: Staff },
    compiled: CompiledDefinition,
    row: store.RecordRow | undefined,
  ): Promise<JsonObject>;
  carryOut(write: ProposedWrite & { readonly proposal: string }): Promise<JsonObject>;
}

export function createProposalActions(deps: {
  database: Database;
  registries: RegistryService;
  sealer: RecordSealer;
  sight: Pick<RecordSight, "findInspected" | "describe">;
  recordWrites: RecordWriteService;
  recordStates: RecordStateService;
  imports: ImportService;
  migrations: Pick<MigrationService, "migrate">;
  logReadings: LogReadings;
}): ProposalActions {
  const { database, registries, sealer, recordWrites, recordStates } = deps;

  function readRow(row: store.RecordRow): ComparedVersion {
    const { valid_from, valid_until } = readOwnPayload(row.version.jwt);
    return {
      data: readFullData(row.version.jwt, openSecrets(sealer, row).secrets.disclosures),
      validFrom: valid_from as string | undefined,
      validUntil: valid_until as string | undefined,
    };
  }

  /** Everything as it was sent, and as nobody repeats it: a proposal is done once, whatever its request was called. */
  const options = ({ caller, registry, request }: ProposedWrite) => ({
    caller,
    registry,
    body: request.body as Json,
    idempotencyKey: undefined,
  });
  const ofRecord = (write: ProposedWrite) => ({
    ...options(write),
    rid: write.rid!,
    expected: String(write.request.expected),
  });

  const tellRecord = (written: TaggedView | object): JsonObject => {
    if (!("view" in written)) throw new Error("what was approved was proposed again");
    // No name: this is kept under a key that erasing the record does not destroy.
    const { rid, href, version, state } = (written as TaggedView).view;
    return { rid, href, version, state };
  };

  const create: Action = {
    readData: ({ body }) => [(body as JsonObject).data as JsonObject],
    async describe({ request }, compiled) {
      const body = request.body as JsonObject;
      return describeChange(compiled, {
        after: applyPatch({ data: {}, validFrom: undefined, validUntil: undefined }, body),
        languages: [],
      });
    },
    carryOut: async (write) => tellRecord(await recordWrites.create(options(write))),
  };

  const amend: Action = {
    readData: () => [],
    async describe({ request }, compiled, row) {
      if (!row) return {};
      const before = readRow(row);
      return describeChange(compiled, { before, after: applyPatch(before, request.body as JsonObject), languages: [] });
    },
    carryOut: async (write) => tellRecord(await recordWrites.amend(ofRecord(write))),
  };

  const showRecord = async (_: ProposedWrite, compiled: CompiledDefinition, row: store.RecordRow | undefined) =>
    row ? describeChange(compiled, { before: readRow(row), after: readRow(row), languages: [] }) : {};

  const changeState = (operation: "suspend" | "reinstate" | "revoke" | "end"): Action => ({
    readData: () => [],
    describe: showRecord,
    carryOut: async (write) => tellRecord(await recordStates.change({ ...ofRecord(write), operation })),
  });

  const replace: Action = {
    readData: ({ body }) =>
      ((body as JsonObject).by as Json[]).flatMap((one) =>
        typeof one === "string" ? [] : [(one as JsonObject).data as JsonObject],
      ),
    describe: showRecord,
    carryOut: async (write) => tellRecord(await recordStates.replace(ofRecord(write))),
  };

  const erase: Action = {
    readData: () => [],
    describe: showRecord,
    async carryOut(write) {
      const erased = await recordStates.erase(ofRecord(write));
      if (isProposed(erased)) throw new Error("what was approved was proposed again");
      return { rid: erased.rid, href: erased.href, state: erased.state };
    },
  };

  const eraseVersion: Action = {
    readData: () => [],
    describe: async (write, compiled, row) => ({
      ...(await showRecord(write, compiled, row)),
      erased_version: write.request.version!,
    }),
    async carryOut(write) {
      const erased = await recordStates.eraseVersion({ ...ofRecord(write), version: Number(write.request.version) });
      if (isProposed(erased)) throw new Error("what was approved was proposed again");
      return { rid: erased.rid, href: erased.href, version: erased.version!, state: erased.state };
    },
  };

  const importRows: Action = {
    readData: ({ rows }) => (rows as JsonObject[]).map(({ data }) => data as JsonObject),
    async describe({ request }) {
      const rows = request.rows as JsonObject[];
      // All of them: nobody approves what nobody was shown.
      return { mode: request.mode!, count: rows.length, rows };
    },
    async carryOut({ caller, registry, request, proposal }) {
      const outcomes = await deps.imports.importRows({
        caller,
        registry,
        mode: request.mode as ImportMode,
        dryRun: false,
        fills: request.fills as unknown as ImportFills | undefined,
        // A row that was written before is not written again, neither by this proposal nor by another of the same import.
        idempotencyKey: (request.key as string | undefined) ?? `proposal ${proposal}`,
        rows: request.rows as Json[],
      });
      throwPassing(outcomes);
      const count = (name: string) => outcomes.filter(({ outcome }) => outcome === name).length;
      const rows = request.rows as JsonObject[];
      const refused = outcomes.flatMap(({ outcome, code, message }, at) =>
        outcome === "refused" ? [{ row: rows[at]!.row!, code: code!, message: message! }] : [],
      );
      return {
        created: count("created"),
        amended: count("amended"),
        unchanged: count("unchanged"),
        refused: refused.length,
        refusals: refused.slice(0, PROPOSAL_REFUSALS_SHOWN_MAX),
      };
    },
  };

  const migrate: Action = {
    readData: () => [],
    async describe({ caller, registry, request, reader }) {
      const body = { plan: request.plan!, dryRun: true };
      const preview = await deps.migrations.migrate({ caller, registry, body, reader });
      const examples = isProposed(preview) ? [] : (preview.examples ?? []);
      return { plan: request.plan!, count: request.left!, examples: examples as unknown as Json };
    },
    async carryOut({ caller, registry, request }) {
      let migrated = 0;
      let refused = 0;
      const refusals: JsonObject[] = [];
      for (let after: string | null | undefined; after !== null; ) {
        const body = { plan: request.plan!, ...(after !== undefined && { after }) };
        const batch = await deps.migrations.migrate({ caller, registry, body });
        if (isProposed(batch)) throw new Error("what was approved was proposed again");
        throwPassing(batch.refused);
        migrated += batch.migrated;
        refused += batch.refused.length;
        const shown = batch.refused.slice(0, PROPOSAL_REFUSALS_SHOWN_MAX - refusals.length);
        refusals.push(...shown.map(({ href, code, message }) => ({ href, code, message })));
        after = batch.next;
      }
      return { migrated, refused, refusals };
    },
  };

  const define: Action = {
    readData: () => [],
    async describe({ registry, request }) {
      const { version } = await registries.getCurrent(registry);
      const said = { from: request.from!, allow_breaking: request.allowBreaking!, definition: request.definition! };
      if (version !== request.from)
        return {
          ...said,
          conflict: `the definition is at version ${version} now, and this follows version ${String(request.from)}`,
        };
      const { changes } = await registries.previewPublish(request.definition!, { name: registry });
      return { ...said, changes: changes as unknown as Json };
    },
    async carryOut({ caller, registry, request }) {
      const published = await registries.publish(request.definition!, {
        name: registry,
        allowBreaking: request.allowBreaking === true,
        caller,
        from: Number(request.from),
      });
      if (isProposed(published)) throw new Error("what was approved was proposed again");
      return { version: published.compiled.version, href: published.compiled.vct };
    },
  };

  const ACTIONS: Readonly<Record<ProposalKind, Action>> = {
    create,
    amend,
    suspend: changeState("suspend"),
    reinstate: changeState("reinstate"),
    revoke: changeState("revoke"),
    end: changeState("end"),
    replace,
    erase,
    erase_version: eraseVersion,
    import: importRows,
    migrate,
    define,
  };

  const isWithin = (caller: Staff, compiled: CompiledDefinition, data: JsonObject): boolean => {
    try {
      checkJurisdiction(caller, compiled, () => data);
      return true;
    } catch (error) {
      if (isAttestryError(error, "permission_denied")) return false;
      throw error;
    }
  };

  async function findRow({ registry, rid }: ProposedWrite): Promise<store.RecordRow | undefined> {
    const row = rid === undefined ? undefined : await store.findRecord(database, { rid });
    return row?.record.registry === registry ? row : undefined;
  }

  /** The record as it is now, and what the proposal says of it, or of others. */
  function findTold(
    write: ProposedWrite,
    compiled: CompiledDefinition,
    row: store.RecordRow | undefined,
  ): ShownRecord[] {
    const { registry, rid, kind, request } = write;
    const isOpen = row !== undefined && row.record.sealedKey !== null;
    const now = isOpen ? findRowShown(row, compiled) : [];
    const next =
      kind === "amend" && isOpen && request.body !== undefined
        ? [applyPatch(readRow(row), request.body as JsonObject).data]
        : Object.keys(request).length === 0
          ? []
          : ACTIONS[kind].readData(request);
    // What takes the record's place is another record.
    const about = { registry, rid: kind === "amend" ? rid : undefined };
    return [...now, ...next.flatMap((data) => findProposed({ ...about, data }, compiled) ?? [])];
  }

  function findRowShown({ record, version }: store.RecordRow, compiled: CompiledDefinition): ShownRecord[] {
    const { disclosures } = openSecrets(sealer, { record, version }).secrets;
    const { rid, registry } = record;
    return [
      findOpened({ rid, registry, version: version.version, jwt: version.jwt, disclosures }, compiled) ?? [],
    ].flat();
  }

  return {
    async noteNames(reader, writes) {
      const shown = await Promise.all(
        writes.map(async ({ registry, kind, request }) => {
          if (kind !== "create") return [];
          const compiled = await registries.getCurrent(registry);
          const { data } = request.body as { data: JsonObject };
          return findProposed({ registry, rid: undefined, data }, compiled, namedFields(compiled)) ?? [];
        }),
      );
      await deps.logReadings(shown.flat(), reader, "proposal");
    },

    async isVisible(caller, { registry, kind, rid, request }) {
      if (kind === "define") return true;
      const compiled = await registries.getCurrent(registry);
      const isWhole = deps.sight.describe({ caller, compiled, personal: true }).within === undefined;
      // A migration goes through all of a registry; an import may change what its rows do not say whose it is; and of what is
      // kept no more nothing tells.
      const isOfWhole =
        kind === "migrate" || (kind === "import" && (request.mode === "upsert" || request.fills !== undefined));
      if (isOfWhole || (rid === undefined && Object.keys(request).length === 0)) return isWhole;
      const also = ((request.body as JsonObject | null | undefined)?.also ?? []) as unknown as { rid: string }[];
      const rids = rid === undefined ? [] : [rid, ...(kind === "replace" ? also.map((one) => one.rid) : [])];
      const inspected = await deps.sight.findInspected({ caller, compiled, rids });
      if (rids.some((one) => !inspected.has(one))) return false;
      if (isWhole) return true;
      // Who answers for both places decides that a record moves from one to the other.
      if (kind === "amend" && request.body !== undefined) {
        const row = await findRow({ caller, registry, kind, rid, request });
        if (row && !isWithin(caller, compiled, applyPatch(readRow(row), request.body as JsonObject).data)) return false;
      }
      const data = Object.keys(request).length === 0 ? [] : ACTIONS[kind].readData(request);
      return data.every((one) => isWithin(caller, compiled, one));
    },

    async name({ registry, kind, request }) {
      if (kind === "import") return `${(request.rows as Json[]).length} rows`;
      if (kind !== "create") return undefined;
      const { definition } = await registries.getCurrent(registry);
      const { data } = request.body as { data: JsonObject };
      return formatDisplay({ definition, data, identifier: undefined, rid: "", languages: [] }) || undefined;
    },

    async describe(reader, write) {
      const compiled = await registries.getCurrent(write.registry);
      const row = await findRow(write);
      if (write.kind !== "define") await deps.logReadings(findTold(write, compiled, row), reader, "proposal");
      const { body, expected } = write.request;
      const act = (body as JsonObject | null | undefined)?.act;
      const isMoved = row !== undefined && expected !== undefined && recordEtag(row) !== expected;
      return {
        ...(act !== undefined && { act }),
        ...(body !== undefined && { request: body }),
        ...(row && { record: { rid: row.record.rid, version: row.record.version, state: row.record.state } }),
        ...(isMoved && {
          conflict: "the record was changed after this was proposed: it cannot be carried out any more",
        }),
        ...(await ACTIONS[write.kind]
          .describe({ ...write, reader }, compiled, row)
          .catch((error: unknown): JsonObject => {
            // Such as a preview of what the registry no longer takes: that is what its reader has to know.
            if (isAttestryError(error)) return { conflict: error.message };
            throw error;
          })),
      };
    },

    async carryOut(write) {
      // Another process may have published a moment ago; an approved write is tried once.
      registries.refresh(write.registry);
      const { definition } = await registries.getCurrent(write.registry);
      const approval = { required: definition.approval ?? [], approved: write.caller.approved };
      const refusal = findApprovalRefusal(write.registry, approval);
      if (refusal) throw refusal;
      return ACTIONS[write.kind].carryOut(write);
    },

    isOneWrite: (kind) => kind !== "import" && kind !== "migrate",
  };
}
