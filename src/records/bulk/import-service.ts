// Many rows at once: each is created, amended, left alone or refused by name; one bad row never holds up the others.

import type { ProposalBook } from "../../approval/proposal-book-service.ts";
import { canonicalJson, type Json, type JsonObject } from "../../crypto/json.ts";
import type { KeyGenerations } from "../../crypto/key-generations.ts";
import { AttestryError, type ErrorCode, type ErrorDetail, isAttestryError } from "../../errors.ts";
import type { Caller, Staff } from "../../identity/caller.ts";
import { checkPermitted } from "../../identity/permissions.ts";
import { IDENTIFIER_ATTEMPTS_MAX } from "../../limits.ts";
import type { LogWriter } from "../../log/writer-service.ts";
import type { CompiledDefinition } from "../../registries/compiled-definition.ts";
import type { RegistryService } from "../../registries/registry-service.ts";
import { findRetirement } from "../../registries/retirement.ts";
import type { Database } from "../../storage/database.ts";
import { findOpened, type LogReadings, type ShownRecord } from "../record-readings.ts";
import type { RecordSealer } from "../record-sealer.ts";
import * as store from "../record-store.ts";
import { openSecrets, readFullData, readOwnPayload } from "../record-view.ts";
import {
  judgeReferences,
  referencesToVerify,
  refuseReferences,
  type TypedReference,
  type VerifyReferences,
} from "../references/reference-check.ts";
import type { ReferenceKeyService } from "../references/reference-key-service.ts";
import type { DuplicateService, LikenessSource } from "../search/duplicate-service.ts";
import { checkJurisdiction } from "../search/jurisdiction-marks.ts";
import { dataKeys, describeTakenKey, identifierKeys, type RecordKey } from "../search/record-keys.ts";
import { type Idempotency, isSameRequest, nameRequest } from "../writing/idempotency.ts";
import { isDrawnNumberTaken } from "../writing/identifier-chooser.ts";
import type { Draft, RecordDrafter } from "../writing/record-drafter.ts";
import { parseRecordRequest, type RecordRequest } from "../writing/record-request.ts";
import type { RecordWrite } from "../writing/record-write.ts";
import { recordWriteKind } from "../writing/record-write-store.ts";
import { type ImportEnvelope, readEnvelopeRow } from "./import-envelope.ts";
import { fillRecord, type ImportFills } from "./import-fill.ts";
import { type AnsweredRow, findAnsweredRows } from "./import-store.ts";

export const IMPORT_MODES = ["create", "upsert"] as const;
export type ImportMode = (typeof IMPORT_MODES)[number];

/** A row as parsed, or why it could not be. */
export type ImportRow = Json | AttestryError;

/** What became of a row, in the order of the rows. In a dry run: what would. `proposed`: others must approve it first, in `proposal`. */
export interface RowOutcome {
  readonly outcome: "created" | "amended" | "unchanged" | "refused" | "proposed";
  readonly proposal?: string;
  readonly rid?: string;
  readonly log_index?: number;
  readonly code?: ErrorCode;
  readonly message?: string;
  readonly details?: readonly ErrorDetail[];
}

export interface ImportService {
  importRows(options: {
    caller: Caller;
    registry: string;
    mode: ImportMode;
    dryRun: boolean;
    /** What the rows fill; undefined: a row says all that its record is to say. */
    fills?: ImportFills | undefined;
    /** Names the import: a row of it that was written before is answered as it was then, whatever the batch it comes in. */
    idempotencyKey: string | undefined;
    rows: readonly ImportRow[];
  }): Promise<RowOutcome[]>;
}

interface Planned {
  request: RecordRequest;
  /** Keys of the data, and that of an identifier which the row brings. */
  readonly keys: readonly RecordKey[];
  readonly dataKeys: readonly RecordKey[];
  readonly idempotency: Idempotency | undefined;
  /** The record that holds a unique value of this row already. */
  existing?: store.RecordRow;
  /** That record says the same. */
  isUnchanged?: boolean;
}

type Plan = Planned | AttestryError;

export function createImportService(deps: {
  database: Database;
  writer: LogWriter;
  registries: RegistryService;
  drafter: RecordDrafter;
  sealer: RecordSealer;
  searchKey: KeyGenerations;
  verifyReferences: VerifyReferences;
  referenceKeys: ReferenceKeyService;
  duplicates: Pick<DuplicateService, "forecast" | "explain">;
  proposals: ProposalBook;
  logReadings: LogReadings;
}): ImportService {
  const { database, writer, registries, drafter, sealer, searchKey, duplicates } = deps;

  /** Envelope, schema and duplicates among the rows themselves. */
  function planRows(
    compiled: CompiledDefinition,
    rows: readonly ImportRow[],
    idempotencies: readonly (Idempotency | undefined)[],
  ): Plan[] {
    const seen = new Map<string, number>();
    return rows.map((row, at) => {
      if (row instanceof AttestryError) return row;
      try {
        const request = parseRecordRequest(row);
        const details = compiled.findFaults(request.data);
        if (details.length > 0)
          return new AttestryError("record_invalid", "the data does not follow the definition", { details });
        const ofData = dataKeys({ searchKey, compiled, data: request.data });
        const keys = [...ofData, ...identifierKeys({ searchKey, compiled, identifier: request.identifier })];
        const twice = keys.find((key) => seen.has(key.digest));
        if (twice)
          return notUnique(
            `row ${seen.get(twice.digest)! + 1} of the same request has the same ${twice.name}`,
            describeTakenKey(twice),
          );
        for (const key of keys) seen.set(key.digest, at);
        return { request, keys, dataKeys: ofData, idempotency: idempotencies[at] };
      } catch (error) {
        if (error instanceof AttestryError) return error;
        throw error;
      }
    });
  }

  /** Finds the records that rows are about, by their unique values. */
  async function matchExisting(
    compiled: CompiledDefinition,
    plans: Plan[],
    { caller, mode, fills }: { caller: Caller; mode: ImportMode; fills: ImportFills | undefined },
  ): Promise<void> {
    const shown: ShownRecord[] = [];
    const retired = findRetirement(compiled.definition);
    const holders = await store.findKeyHolders(
      database,
      plans.flatMap((plan) => (plan instanceof AttestryError ? [] : plan.keys)),
    );
    const records = await store.findRecords(database, [...new Set(holders.values())]);
    for (const [at, plan] of plans.entries()) {
      if (plan instanceof AttestryError) continue;
      const rids = new Set(plan.keys.flatMap((key) => holders.get(key.digest) ?? []));
      if (rids.size > 1) plans[at] = notUnique("the unique values of this row belong to several records");
      const row = rids.size === 1 ? records.get([...rids][0]!) : undefined;
      if (rids.size === 0 && retired) plans[at] = retired;
      if (!row) continue;
      // Before anything is compared with it: even that it says the same is not told.
      const outside = findOutside(caller, compiled, () => readData(row));
      if (outside) {
        plans[at] = outside;
        continue;
      }
      plan.existing = row;
      shown.push(...findCompared(row, compiled));
      if (fills) plan.request = fillRecord(readExisting(row), plan.request, fills);
      plan.isUnchanged = isSame(row, plan.request);
      const details = fills && !plan.isUnchanged ? compiled.findFaults(plan.request.data) : [];
      if (details.length > 0) {
        plans[at] = new AttestryError(
          "record_invalid",
          "with what the record says in other fields, the data does not follow the definition",
          { details },
        );
      } else if (row.record.state !== "active") {
        plans[at] = new AttestryError("state_conflict", `the record with this unique value is ${row.record.state}`);
      } else if (mode === "create" && !plan.isUnchanged) {
        plans[at] = notUnique(
          "a record with the same unique value exists and says something else; use --mode upsert to amend it",
        );
      }
    }
    // Each answer tells whether a record says the same as its row.
    await deps.logReadings(shown, caller, "import");
  }

  function findCompared({ record, version }: store.RecordRow, compiled: CompiledDefinition): ShownRecord[] {
    if (!("_sd_alg" in readOwnPayload(version.jwt))) return [];
    const { disclosures } = openSecrets(sealer, { record, version }).secrets;
    const opened = findOpened({ ...record, version: version.version, jwt: version.jwt, disclosures }, compiled);
    return opened === undefined || opened.fields.length === 0 ? [] : [opened];
  }

  function isSame(row: store.RecordRow, request: RecordRequest): boolean {
    const { data, validFrom, validUntil } = readExisting(row);
    if (validFrom !== request.validFrom || validUntil !== request.validUntil) return false;
    return canonicalJson(data) === canonicalJson(request.data);
  }

  function readExisting(row: store.RecordRow) {
    const { valid_from, valid_until } = readOwnPayload(row.version.jwt);
    return {
      data: readData(row),
      validFrom: valid_from as string | undefined,
      validUntil: valid_until as string | undefined,
    };
  }

  function readData(row: store.RecordRow): JsonObject {
    const isSealed = "_sd_alg" in readOwnPayload(row.version.jwt);
    return readFullData(row.version.jwt, isSealed ? openSecrets(sealer, row).secrets.disclosures : []);
  }

  function describeLikeness({ request, existing }: Planned): LikenessSource {
    return {
      data: request.data,
      isDistinct: request.act.distinct !== undefined,
      ...(existing && { amends: { rid: existing.record.rid, data: readData(existing) } }),
    };
  }

  /** Verifies every distinct reference of all rows in one go. */
  async function verifyAll(compiled: CompiledDefinition, plans: Plan[]): Promise<void> {
    if (compiled.annotations.references.length === 0) return;
    const found = plans.map((plan) =>
      plan instanceof AttestryError || plan.isUnchanged ? [] : referencesToVerify(compiled, plan.request.data),
    );
    const keyOf = (reference: TypedReference) => canonicalJson({ ...reference });
    const references = found.flat().flatMap(({ reference }) => (reference ? [reference] : []));
    const distinct = new Map(references.map((reference) => [keyOf(reference), reference]));
    const verdicts = await deps.verifyReferences([...distinct.values()]);
    const verdictOf = new Map([...distinct.keys()].map((key, at) => [key, verdicts[at]]));
    for (const [at, ofRow] of found.entries()) {
      const refusal = refuseReferences(judgeReferences(ofRow, (reference) => verdictOf.get(keyOf(reference))));
      if (refusal) plans[at] = refusal;
    }
  }

  async function draft(
    compiled: CompiledDefinition,
    plan: Planned,
    caller: Staff,
  ): Promise<Draft<RecordWrite> | undefined> {
    const { request, existing, idempotency } = plan;
    const common = { compiled, caller, idempotency, checkReferences: () => undefined };
    if (!existing) return drafter.draftCreate({ ...common, request, keys: plan.dataKeys });
    if (plan.isUnchanged) return undefined;
    return drafter.draftAmend({
      ...common,
      row: existing,
      rowCompiled: await registries.getVersion(existing.record.registry, existing.version.definitionVersion),
      change: {
        data: () => request.data,
        validFrom: request.validFrom ?? null,
        validUntil: request.validUntil ?? null,
        act: request.act,
      },
    });
  }

  async function draftOrRefuse(
    compiled: CompiledDefinition,
    plan: Plan,
    caller: Staff,
  ): Promise<Draft<RecordWrite> | RowOutcome> {
    if (plan instanceof AttestryError) return refuse(plan);
    try {
      return (await draft(compiled, plan, caller)) ?? unchanged(plan);
    } catch (error) {
      if (error instanceof AttestryError) return refuse(error);
      throw error;
    }
  }

  /** How rows of one import are named: not by the token, which is renewed while a long import goes on, but by who holds it. */
  function rowNames(options: {
    caller: Staff;
    registry: string;
    mode: ImportMode;
    fills: ImportFills | undefined;
    key: string;
  }) {
    const { caller, registry, mode, fills, key } = options;
    const way: Json = fills ? [mode, { ...fills, paths: fills.paths.map((path) => [...path]) }] : mode;
    return ({ name, body }: ImportEnvelope): Idempotency =>
      nameRequest({
        searchKey,
        registry,
        key: { name: "import row", values: [caller.person, key, name] },
        request: { name: "import row request", values: [way, body] },
      });
  }

  const findAnswered = (idempotencies: readonly (Idempotency | undefined)[]): Promise<Map<string, AnsweredRow>> =>
    findAnsweredRows(
      database,
      idempotencies.flatMap((one) => one ?? []),
    );

  /** What would be refused as a possible duplicate, of a record or of an earlier row. */
  async function refuseAlike(caller: Caller, compiled: CompiledDefinition, plans: readonly Plan[]): Promise<Plan[]> {
    const rows = plans.map((plan) =>
      plan instanceof AttestryError || plan.isUnchanged ? undefined : describeLikeness(plan),
    );
    const alike = await duplicates.forecast(compiled, rows);
    return explainRefusals(
      caller,
      compiled.definition.name,
      plans.map((plan, at) => alike[at] ?? plan),
    );
  }

  /** The same, with the addresses and names of the records that refusals are about. */
  async function explainRefusals<Result>(
    caller: Caller,
    registry: string,
    results: readonly (Result | AttestryError)[],
  ): Promise<(Result | AttestryError)[]> {
    const refused = results.filter((result) => result instanceof AttestryError);
    const explained = await duplicates.explain({ caller, registry, errors: refused });
    const told = new Map(refused.map((error, at) => [error, explained[at]!]));
    return results.map((result) => (result instanceof AttestryError ? told.get(result)! : result));
  }

  /** Writes what was drafted; an error that hides an earlier success of the same row is answered as that success. */
  async function appendRows(
    caller: Caller,
    registry: string,
    rows: readonly (Draft<RecordWrite> | RowOutcome)[],
    redraft: (at: number) => Promise<Draft<RecordWrite> | RowOutcome> | undefined,
  ) {
    const drafted = [...rows];
    const isDraft = (item: Draft<RecordWrite> | RowOutcome): item is Draft<RecordWrite> => "entry" in item;
    const places = drafted.flatMap((item, at) => (isDraft(item) ? [at] : []));
    const results = await writer.appendAll(recordWriteKind, drafted.filter(isDraft));
    // A number that was drawn for a row may be one that a record has already: the next may be free.
    for (let attempt = 1; attempt < IDENTIFIER_ATTEMPTS_MAX; attempt++) {
      const taken = places.flatMap((at, i) =>
        isDrawnNumberTaken(results[i], {}) ? [{ at, i, draft: redraft(at) }] : [],
      );
      const again = await Promise.all(taken.map(async ({ at, i, draft }) => ({ at, i, draft: await draft })));
      const drawn = again.flatMap(({ at, i, draft }) => (draft && isDraft(draft) ? [{ at, i, draft }] : []));
      if (drawn.length === 0) break;
      const renewed = await writer.appendAll(
        recordWriteKind,
        drawn.map(({ draft }) => draft),
      );
      for (const [n, { at, i, draft }] of drawn.entries()) {
        drafted[at] = draft;
        results[i] = renewed[n]!;
      }
    }
    const drafts = drafted.filter(isDraft);
    const failed = drafts.filter((_, at) => results[at] instanceof AttestryError);
    if (results.some((result) => isAttestryError(result, "version_conflict"))) registries.refresh(registry);
    // The first try of a batch may still have run when its retry was drafted.
    const answered = await findAnswered(failed.map(({ input }) => input.idempotency));
    const told = await explainRefusals(caller, registry, results);
    let at = 0;
    return drafted.map((item): RowOutcome => {
      if (!("entry" in item)) return item;
      const result = told[at++]!;
      if (!(result instanceof AttestryError)) return written(item.input, result.logIndex);
      const before = item.input.idempotency && answered.get(item.input.idempotency.digest);
      return before ? answerAgain(before, item.input.idempotency!) : refuse(result);
    });
  }

  /** One proposal of all rows that would be written; the others are told what they would be told anyway. */
  async function proposeRows(options: {
    caller: Staff;
    compiled: CompiledDefinition;
    roles: readonly string[];
    mode: ImportMode;
    fills: ImportFills | undefined;
    idempotencyKey: string | undefined;
    rows: readonly JsonObject[];
    outcomes: readonly RowOutcome[];
  }): Promise<RowOutcome[]> {
    const { caller, compiled, roles, mode, fills, idempotencyKey: key, rows, outcomes } = options;
    const { name: registry } = compiled.definition;
    const isWritten = ({ outcome, log_index }: RowOutcome) =>
      (outcome === "created" || outcome === "amended") && log_index === undefined;
    const proposed = rows.filter((_, at) => isWritten(outcomes[at]!));
    if (proposed.length === 0) return [...outcomes];
    const way: JsonObject = {
      mode,
      ...(fills && { fills: { ...fills, paths: fills.paths.map((path) => [...path]) } }),
    };
    const { proposal } = await deps.proposals.propose({
      caller,
      registry,
      kind: "import",
      roles,
      definitionVersion: compiled.version,
      request: { ...way, rows: proposed, ...(key !== undefined && { key }) },
      idempotency:
        key === undefined
          ? undefined
          : nameRequest({
              searchKey,
              registry,
              key: { name: "import proposal", values: [caller.person, key, way, proposed] },
              request: { name: "import proposal request", values: [proposed.length] },
            }),
    });
    return outcomes.map((outcome) => (isWritten(outcome) ? { outcome: "proposed", proposal: proposal.href } : outcome));
  }

  return {
    async importRows({ caller, registry, mode, dryRun, fills, idempotencyKey, rows }) {
      checkPermitted({ caller, action: "record.import", registry });
      const compiled = await registries.getCurrent(registry);
      const isNamed = idempotencyKey !== undefined && !dryRun;
      const nameRow = isNamed
        ? rowNames({ caller: caller as Staff, registry, mode, fills, key: idempotencyKey })
        : undefined;
      const envelopes = rows.map(readRow);
      const idempotencies = envelopes.map((row) => (row instanceof AttestryError ? undefined : nameRow?.(row)));
      const bodies = envelopes.map((row) => (row instanceof AttestryError ? row : row.body));
      const filled = await deps.referenceKeys.fillRows({ compiled, caller, rows: bodies });
      const plans = planRows(compiled, filled, idempotencies);
      const answered = await findAnswered(idempotencies);
      const again = idempotencies.map((idempotency): RowOutcome | undefined => {
        const before = idempotency && answered.get(idempotency.digest);
        return before && answerAgain(before, idempotency);
      });
      await matchExisting(compiled, plans, { caller, mode, fills });
      for (const [at, plan] of plans.entries())
        if (!(plan instanceof AttestryError))
          plans[at] = findOutside(caller, compiled, () => plan.request.data) ?? plan;
      await verifyAll(compiled, plans);
      const roles = compiled.definition.approval ?? [];
      const isProposal = !dryRun && roles.length > 0 && (caller as Staff).approved === undefined;
      if (dryRun || isProposal) {
        const judged = await refuseAlike(caller, compiled, plans);
        const foretold = judged.map((plan) => (plan instanceof AttestryError ? refuse(plan) : forecast(plan)));
        if (dryRun) return foretold;
        const outcomes = foretold.map((outcome, at) => again[at] ?? outcome);
        const rowsOf = envelopes.map((row, at) => (row instanceof AttestryError ? {} : nameFilled(row, filled[at]!)));
        const about = { caller: caller as Staff, compiled, roles, mode, fills, idempotencyKey };
        return proposeRows({ ...about, rows: rowsOf, outcomes });
      }
      const drafted = await Promise.all(
        plans.map((plan, at) => again[at] ?? draftOrRefuse(compiled, plan, caller as Staff)),
      );
      return appendRows(caller, registry, drafted, (at) => {
        const plan = plans[at]!;
        const isDrawn = !(plan instanceof AttestryError) && plan.request.identifier === undefined && !plan.existing;
        return isDrawn ? draftOrRefuse(compiled, plan, caller as Staff) : undefined;
      });
    },
  };
}

function findOutside(
  caller: Caller,
  compiled: CompiledDefinition,
  readData: () => JsonObject,
): AttestryError | undefined {
  try {
    checkJurisdiction(caller, compiled, readData);
    return undefined;
  } catch (error) {
    if (error instanceof AttestryError) return error;
    throw error;
  }
}

function written({ kind, rid }: RecordWrite, logIndex: number): RowOutcome {
  return { outcome: kind === "create" ? "created" : "amended", rid, log_index: logIndex };
}

/** What a row that was written before is told: the same as then. */
function answerAgain(before: AnsweredRow, idempotency: Idempotency): RowOutcome {
  if (isSameRequest(idempotency, before.request))
    return {
      outcome: before.version === 1 ? "created" : "amended",
      rid: before.rid,
      log_index: before.logIndex,
    };
  return refuse(
    new AttestryError(
      "idempotency_key_reused",
      "another row was imported under this name and Idempotency-Key; choose a new key for every import",
    ),
  );
}

/** A row as it is proposed: under the name that it has in its import, with the records that references by key were found to mean. */
function nameFilled({ name }: ImportEnvelope, filled: Json | AttestryError): JsonObject {
  return filled instanceof AttestryError ? {} : { ...(filled as JsonObject), row: name };
}

function readRow(row: ImportRow, place: number): ImportEnvelope | AttestryError {
  if (row instanceof AttestryError) return row;
  try {
    return readEnvelopeRow(row, place);
  } catch (error) {
    if (error instanceof AttestryError) return error;
    throw error;
  }
}

function notUnique(message: string, details: readonly ErrorDetail[] = []): AttestryError {
  return new AttestryError("value_not_unique", message, { details });
}

function refuse(error: AttestryError): RowOutcome {
  return {
    outcome: "refused",
    code: error.code,
    message: error.message,
    ...(error.details.length > 0 && { details: error.details }),
  };
}

function unchanged(plan: Planned): RowOutcome {
  return { outcome: "unchanged", rid: plan.existing!.record.rid };
}

function forecast(plan: Planned): RowOutcome {
  if (!plan.existing) return { outcome: "created" };
  return plan.isUnchanged ? unchanged(plan) : { outcome: "amended", rid: plan.existing.record.rid };
}
