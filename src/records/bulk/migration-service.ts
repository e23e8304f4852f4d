// Carries records of old versions of a definition over to the current one, as amendments in bounded batches. One bad record holds up no other.

import type { ProposalBook, Proposed } from "../../approval/proposal-book-service.ts";
import type { Json, JsonObject } from "../../crypto/json.ts";
import type { KeyGenerations } from "../../crypto/key-generations.ts";
import { AttestryError, type ErrorCode, type ErrorDetail, isAttestryError } from "../../errors.ts";
import type { Caller, Staff } from "../../identity/caller.ts";
import { checkPermitted } from "../../identity/permissions.ts";
import { MIGRATION_ATTEMPTS_MAX, MIGRATION_EXAMPLES_MAX } from "../../limits.ts";
import type { LogWriter } from "../../log/writer-service.ts";
import type { CompiledDefinition } from "../../registries/compiled-definition.ts";
import { describeField } from "../../registries/field-texts.ts";
import type { RegistryService } from "../../registries/registry-service.ts";
import type { Database } from "../../storage/database.ts";
import { checkAct } from "../record-act.ts";
import { changedFields, type FieldChange, findChanges } from "../record-changes.ts";
import { findOpened, type LogReadings, type ShownRecord } from "../record-readings.ts";
import type { RecordSealer } from "../record-sealer.ts";
import type { RecordSight } from "../record-sight.ts";
import * as store from "../record-store.ts";
import { formatRecordUrl } from "../record-url.ts";
import { openSecrets, readFullData } from "../record-view.ts";
import { createReferenceCheck, referencesToVerify, type VerifyReferences } from "../references/reference-check.ts";
import { dataKeys } from "../search/record-keys.ts";
import type { Draft, RecordDrafter } from "../writing/record-drafter.ts";
import type { RecordWrite } from "../writing/record-write.ts";
import { recordWriteKind } from "../writing/record-write-store.ts";
import { compilePlan, type Migrate, type MigrationPlan } from "./migration-plan.ts";
import { parseMigrationRequest } from "./migration-request.ts";
import { countByDefinition, listOutdated, type VersionCount } from "./migration-store.ts";

/** A record that stays under its old version, and why. */
export interface MigrationRefusal {
  readonly href: string;
  readonly code: ErrorCode;
  readonly message: string;
  readonly details?: readonly ErrorDetail[];
}

/** What the plan would change in one record. */
export interface MigrationExample {
  readonly href: string;
  readonly from: number;
  readonly changes: readonly FieldChange[];
}

export interface MigrationBatch {
  readonly registry: string;
  /** The version that records are carried to. */
  readonly to: number;
  readonly dry_run: boolean;
  /** Of this batch; in a dry run, how many would be. */
  readonly migrated: number;
  readonly refused: readonly MigrationRefusal[];
  /** Where the next batch begins; null: there is none. */
  readonly next: string | null;
  /** Only in the first batch, and as it was before it. */
  readonly records?: readonly VersionCount[];
  /** Active records that the plan is for, and records in other states, which stay as they are. */
  readonly left?: number;
  readonly left_as_they_are?: number;
  readonly examples?: readonly MigrationExample[];
}

export interface MigrationService {
  /** Where others must approve, the whole migration becomes one proposal. Throws `approval_required` for a batch that is not the first, `migration_plan_invalid`, `definition_conflict` where the registry is not at the plan's version. */
  migrate(options: {
    caller: Caller;
    registry: string;
    body: Json;
    /** Who is shown a preview, where that is not who would migrate. */
    reader?: Caller;
  }): Promise<MigrationBatch | Proposed>;
  /** How many records are under which version of their definition. */
  countByDefinition(registry: string): Promise<VersionCount[]>;
}

interface Run {
  readonly caller: Staff;
  readonly compiled: CompiledDefinition;
  readonly plan: MigrationPlan;
  readonly migrateData: Migrate;
}

export function createMigrationService(deps: {
  entity: string;
  database: Database;
  writer: LogWriter;
  registries: RegistryService;
  drafter: RecordDrafter;
  sight: Pick<RecordSight, "checkWhole">;
  sealer: RecordSealer;
  searchKey: KeyGenerations;
  verifyReferences: VerifyReferences;
  proposals: ProposalBook;
  logReadings: LogReadings;
}): MigrationService {
  const { entity, database, writer, registries, drafter, sealer, searchKey } = deps;
  const checkReferences = createReferenceCheck(deps.verifyReferences);
  const hrefOf = ({ record }: store.RecordRow) =>
    formatRecordUrl({ entity, registry: record.registry, rid: record.rid });
  const definitionOf = ({ record, version }: store.RecordRow) =>
    registries.getVersion(record.registry, version.definitionVersion);

  function groundOf(run: Run, from: number) {
    const note = `from version ${from} to version ${run.compiled.version} of the definition`;
    return { note, ...run.plan.act, reason: "migration" };
  }

  async function getTarget(registry: string, plan: MigrationPlan): Promise<CompiledDefinition> {
    const current = await registries.getCurrent(registry);
    if (plan.to === undefined || plan.to === current.version) return current;
    // Another process may have published a moment ago.
    registries.refresh(registry);
    const fresh = await registries.getCurrent(registry);
    if (plan.to === fresh.version) return fresh;
    throw new AttestryError(
      "definition_conflict",
      `the plan is for version ${plan.to}, and registry "${registry}" is at version ${fresh.version}; nothing more was migrated`,
    );
  }

  async function draft(run: Run, row: store.RecordRow): Promise<Draft<RecordWrite>> {
    const rowCompiled = await definitionOf(row);
    let before: JsonObject = {};
    const drafted = await drafter.draftAmend({
      compiled: run.compiled,
      rowCompiled,
      row,
      change: {
        data: (data) => {
          before = data;
          return run.migrateData(data);
        },
        validFrom: undefined,
        validUntil: undefined,
        act: groundOf(run, row.version.definitionVersion),
        isCarriedOver: true,
      },
      caller: run.caller,
      // What was verified when it was written need not be asked for again: its home may be away for a day.
      checkReferences: (compiled, data) => {
        const [was, is] = [referencesToVerify(rowCompiled, before), referencesToVerify(compiled, data)];
        const keyOf = (found: typeof was) => JSON.stringify(found.map(({ reference }) => reference));
        return keyOf(was) === keyOf(is) ? undefined : checkReferences(compiled, data);
      },
    });
    if (drafted === undefined) throw new Error("a record under an old version has nothing to migrate");
    return drafted;
  }

  /** Drafts and writes; a record that somebody else changed meanwhile is read again. */
  async function write(run: Run, rows: readonly store.RecordRow[]): Promise<MigrationRefusal[]> {
    const refused: MigrationRefusal[] = [];
    let waiting = rows;
    for (let attempt = 1; waiting.length > 0; attempt++) {
      const drafts = await Promise.all(waiting.map((row) => orRefusal(draft(run, row), hrefOf(row))));
      refused.push(...drafts.filter((one) => "href" in one));
      const written = waiting.flatMap((row, at) => ("href" in drafts[at]! ? [] : [{ row, draft: drafts[at]! }]));
      const outcomes = await writer.appendAll(
        recordWriteKind,
        written.map((one) => one.draft),
      );
      const failed = outcomes.flatMap((error, at) =>
        error instanceof AttestryError ? [{ error, row: written[at]!.row }] : [],
      );
      const isLast = attempt === MIGRATION_ATTEMPTS_MAX;
      const overtaken = failed.filter(({ error }) => !isLast && isAttestryError(error, "version_conflict"));
      refused.push(
        ...failed.filter((one) => !overtaken.includes(one)).map(({ error, row }) => refuse(error, hrefOf(row))),
      );
      waiting =
        overtaken.length === 0
          ? []
          : await readAgain(
              run,
              overtaken.map(({ row }) => row),
            );
    }
    return refused;
  }

  async function readAgain(run: Run, rows: readonly store.RecordRow[]): Promise<store.RecordRow[]> {
    const registry = run.compiled.definition.name;
    registries.refresh(registry);
    await getTarget(registry, { ...run.plan, to: run.compiled.version });
    const found = await store.findRecords(
      database,
      rows.map(({ record }) => record.rid),
    );
    return [...found.values()].filter(
      ({ record, version }) => record.state === "active" && version.definitionVersion !== run.compiled.version,
    );
  }

  /** What would become of the rows, as far as it can be told without writing. */
  async function preview(run: Run, rows: readonly store.RecordRow[], reader: Caller) {
    const examples: (MigrationExample & { readonly row: store.RecordRow })[] = [];
    const checked = await Promise.all(rows.map((row) => orRefusal(previewRow(run, row, examples), hrefOf(row))));
    const sound = checked.flatMap((one, at) => ("href" in one ? [] : [{ row: rows[at]!, keys: one.keys }]));
    const holders = await store.findKeyHolders(
      database,
      sound.flatMap(({ keys }) => keys),
    );
    const taken = new Map(holders);
    const refused = checked.filter((one) => "href" in one);
    for (const { row, keys } of sound) {
      const clash = keys.find(({ digest }) => (taken.get(digest) ?? row.record.rid) !== row.record.rid);
      for (const { digest } of keys) if (!taken.has(digest)) taken.set(digest, row.record.rid);
      if (clash)
        refused.push(
          refuse(new AttestryError("value_not_unique", `another record has the same ${clash.name}`), hrefOf(row)),
        );
    }
    const shown = examples.slice(0, MIGRATION_EXAMPLES_MAX);
    await deps.logReadings(
      shown.flatMap(({ row, changes }) => findExampleShown(run.compiled, row, changes)),
      reader,
      "migrate",
    );
    return { refused, examples: shown.map(({ row: _, ...example }) => example) };
  }

  function findExampleShown(
    compiled: CompiledDefinition,
    { record, version }: store.RecordRow,
    changes: readonly FieldChange[],
  ): ShownRecord[] {
    const { disclosures } = openSecrets(sealer, { record, version }).secrets;
    const opened = { ...record, version: version.version, jwt: version.jwt, disclosures };
    return [findOpened(opened, compiled, changedFields(changes)) ?? []].flat();
  }

  async function previewRow(
    run: Run,
    row: store.RecordRow,
    examples: (MigrationExample & { readonly row: store.RecordRow })[],
  ) {
    const { compiled } = run;
    const from = row.version.definitionVersion;
    const before = readFullData(row.version.jwt, openSecrets(sealer, row).secrets.disclosures);
    const data = run.migrateData(before);
    checkAct(compiled, "amend", groundOf(run, from));
    const details = compiled.findFaults(data);
    if (details.length > 0)
      throw new AttestryError("record_invalid", "the migrated data does not follow the definition", { details });
    const labelOf = (path: readonly string[]) => describeField(compiled.definition, { path, languages: [] }).title;
    const side = (of: JsonObject) => ({ data: of, validFrom: undefined, validUntil: undefined });
    if (examples.length < MIGRATION_EXAMPLES_MAX)
      examples.push({ row, href: hrefOf(row), from, changes: findChanges(side(before), side(data), labelOf) });
    return { keys: dataKeys({ searchKey, compiled, data }) };
  }

  async function countLeft(run: Run) {
    const { compiled, plan } = run;
    const records = await countByDefinition(database, compiled.definition.name);
    const isMeant = ({ version }: VersionCount) =>
      version !== compiled.version && (plan.from === undefined || plan.from.includes(version));
    const sum = (counts: readonly VersionCount[]) => counts.reduce((total, count) => total + Number(count.records), 0);
    return {
      records,
      left: sum(records.filter((count) => isMeant(count) && count.state === "active")),
      left_as_they_are: sum(records.filter((count) => isMeant(count) && count.state !== "active")),
    };
  }

  return {
    countByDefinition: (registry) => countByDefinition(database, registry),
    async migrate({ caller, registry, body, reader = caller }) {
      checkPermitted({ caller, action: "record.import", registry });
      const request = parseMigrationRequest(body);
      const { plan, after, limit, dryRun } = request;
      // A preview shows personal values.
      if (dryRun) checkPermitted({ caller, action: "record.inspect", registry });
      const compiled = await getTarget(registry, plan);
      // A migration goes through all of a registry.
      deps.sight.checkWhole({ caller, compiled });
      const run: Run = { caller: caller as Staff, compiled, plan, migrateData: compilePlan(plan) };
      const counts: Partial<Awaited<ReturnType<typeof countLeft>>> = after < 0 ? await countLeft(run) : {};
      const current = compiled.version;
      const roles = compiled.definition.approval ?? [];
      if (roles.length > 0 && !dryRun && run.caller.approved === undefined) {
        if (after >= 0)
          throw new AttestryError(
            "approval_required",
            "a migration that others approve is proposed as a whole, without after",
          );
        const request: JsonObject = {
          plan: { ...(body as { plan: JsonObject }).plan, to: current },
          left: counts.left ?? 0,
        };
        return deps.proposals.propose({
          caller: run.caller,
          registry,
          kind: "migrate",
          request,
          roles,
          definitionVersion: current,
        });
      }
      const rows = await listOutdated(database, { registry, current, from: plan.from, after, limit });
      const previewed = dryRun ? await preview(run, rows, reader) : undefined;
      const refused = previewed ? previewed.refused : await write(run, rows);
      return {
        registry,
        to: current,
        dry_run: dryRun,
        migrated: rows.length - refused.length,
        refused,
        next: rows.length < limit ? null : String(rows.at(-1)!.record.firstIndex),
        ...counts,
        ...(previewed && { examples: previewed.examples }),
      };
    },
  };
}

async function orRefusal<Made extends object>(
  made: Promise<Made>,
  href: string,
): Promise<Exclude<Made, MigrationRefusal> | MigrationRefusal> {
  try {
    return (await made) as Exclude<Made, MigrationRefusal>;
  } catch (error) {
    if (error instanceof AttestryError) return refuse(error, href);
    throw error;
  }
}

function refuse({ code, message, details }: AttestryError, href: string): MigrationRefusal {
  return { href, code, message, ...(details.length > 0 && { details }) };
}
