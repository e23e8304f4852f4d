// Verifies, in rounds, the references that records were signed with unverified, and says which lead nowhere.
import type { JsonObject } from "../../crypto/json.ts";
import { AttestryError, type ErrorDetail } from "../../errors.ts";
import type { Caller } from "../../identity/caller.ts";
import { checkPermitted } from "../../identity/permissions.ts";
import {
  PAGE_SIZE_DEFAULT,
  REFERENCE_CHECK_LEASE_SECONDS,
  REFERENCE_CHECK_RECORDS_MAX,
  REFERENCE_CHECK_SECONDS_MAX,
  REFERENCE_CHECK_SECONDS_MIN,
  REFERENCE_FAULTS_MAX,
} from "../../limits.ts";
import { valuesAt } from "../../registries/annotations.ts";
import type { CompiledDefinition } from "../../registries/compiled-definition.ts";
import type { RegistryService } from "../../registries/registry-service.ts";
import type { Database } from "../../storage/database.ts";
import type { RecordSealer } from "../record-sealer.ts";
import type { RecordSight } from "../record-sight.ts";
import { findRecords, type RecordRow } from "../record-store.ts";
import { formatRecordUrl, isRid, parseReference } from "../record-url.ts";
import { openSecrets, readFullData } from "../record-view.ts";
import type { ReferenceFault, TypedReference, VerifyReferences } from "./reference-check.ts";
import * as store from "./reference-watch-store.ts";

/** A record some of whose references were accepted unverified; `errors` name the fields that do not verify. */
export interface WatchedReferences {
  readonly href: string;
  readonly version: number;
  readonly state: store.WatchState;
  readonly errors: readonly ErrorDetail[];
  readonly checked_at?: string;
  readonly next_check_at: string;
}

export interface ReferenceWatchService {
  /** One round: the records that are due, at most a limit. Gives how many were checked. */
  checkDue(): Promise<number>;
  list(options: {
    caller: Caller;
    registry: string;
    state: store.WatchState;
    cursor: string | undefined;
    limit: number | undefined;
  }): Promise<{ readonly references: readonly WatchedReferences[]; readonly next?: string }>;
  /** How many records are in each state; nobody learns more of them by that. */
  count(registry: string): Promise<Partial<Record<store.WatchState, number>>>;
}

interface AcceptedReference {
  readonly field: string;
  readonly personal: boolean;
  readonly reference: TypedReference | undefined;
}

const formatTime = (seconds: number) => new Date(seconds * 1_000).toISOString();

export function createReferenceWatchService(deps: {
  entity: string;
  database: Database;
  registries: RegistryService;
  sealer: RecordSealer;
  verifyReferences: VerifyReferences;
  sight: Pick<RecordSight, "describe">;
  clock: () => number;
}): ReferenceWatchService {
  const { entity, database, registries, sealer, clock } = deps;

  async function readAccepted(row: RecordRow): Promise<AcceptedReference[]> {
    const compiled = await registries.getVersion(row.record.registry, row.version.definitionVersion);
    const data = readFullData(row.version.jwt, openSecrets(sealer, row).secrets.disclosures);
    return findAccepted(compiled, data);
  }

  function describe(
    watched: store.WatchedRecord,
    accepted: readonly AcceptedReference[],
    faultOf: (reference: TypedReference) => ReferenceFault | undefined,
  ): Omit<store.WatchReport, "registry"> {
    const judged = accepted.flatMap(({ field, personal, reference }) => {
      const fault = reference ? faultOf(reference) : { message: "is not the URL of a record", isPassing: false };
      // What is said of a personal reference may name a person's record, and stands in the database unsealed.
      return fault
        ? [{ field, message: personal ? "is not verified" : fault.message, isPassing: fault.isPassing }]
        : [];
    });
    const state =
      judged.length === 0 ? "verified" : judged.every(({ isPassing }) => isPassing) ? "unreachable" : "dangling";
    const attempts = state === "verified" ? 0 : watched.attempts + 1;
    const seconds = state === "verified" ? REFERENCE_CHECK_SECONDS_MAX : REFERENCE_CHECK_SECONDS_MIN * 2 ** attempts;
    const { rid, version } = watched;
    const now = clock();
    return {
      rid,
      version,
      state,
      faults: judged.slice(0, REFERENCE_FAULTS_MAX).map(({ field, message }) => ({ field, message })),
      attempts: Math.min(attempts, 30),
      checkedAt: now,
      nextCheckAt: now + Math.min(seconds, REFERENCE_CHECK_SECONDS_MAX),
    };
  }

  return {
    async checkDue() {
      const now = clock();
      const due = await store.takeDueRecords(database, {
        now,
        leaseUntil: now + REFERENCE_CHECK_LEASE_SECONDS,
        limit: REFERENCE_CHECK_RECORDS_MAX,
      });
      if (due.length === 0) return 0;
      const rows = await findRecords(
        database,
        due.map(({ rid }) => rid),
      );
      const over = due.filter(({ rid }) => !["active", "suspended"].includes(rows.get(rid)?.record.state ?? ""));
      if (over.length > 0)
        await store.unwatchReferences(
          database,
          over.map(({ rid }) => rid),
        );
      // A record that was amended meanwhile is due again of itself.
      const current = due.filter(
        ({ rid, version }) => !over.some((one) => one.rid === rid) && rows.get(rid)?.version.version === version,
      );
      const accepted = await Promise.all(current.map(({ rid }) => readAccepted(rows.get(rid)!)));
      const references = accepted.flat().flatMap(({ reference }) => reference ?? []);
      const distinct = new Map(references.map((reference) => [nameOf(reference), reference]));
      const verdicts = await deps.verifyReferences([...distinct.values()]);
      const faults = new Map([...distinct.keys()].map((name, at) => [name, verdicts[at]]));
      const reports = current.map((watched, at) =>
        describe(watched, accepted[at]!, (reference) => faults.get(nameOf(reference))),
      );
      if (reports.length > 0) await store.reportReferences(database, reports);
      return due.length;
    },

    async list({ caller, registry, state, cursor, limit = PAGE_SIZE_DEFAULT }) {
      checkPermitted({ caller, action: "record.inspect", registry });
      const compiled = await registries.getCurrent(registry);
      const { within } = deps.sight.describe({ caller, compiled, personal: true });
      if (cursor !== undefined && !isRid(cursor))
        throw new AttestryError("query_invalid", "the cursor is not one of ours; take it from the previous page");
      const rows = await store.listWatched(database, { registry, state, within, after: cursor, limit: limit + 1 });
      const shown = rows.slice(0, limit);
      return {
        references: shown.map(({ rid, version, faults, checkedAt, nextCheckAt }) => ({
          href: formatRecordUrl({ entity, registry, rid }),
          version,
          state,
          errors: faults,
          ...(checkedAt !== null && { checked_at: formatTime(checkedAt) }),
          next_check_at: formatTime(nextCheckAt),
        })),
        ...(rows.length > limit && { next: shown.at(-1)!.rid }),
      };
    },

    count: (registry) => store.countWatched(database, registry),
  };
}

const nameOf = ({ type, href, version, digest }: TypedReference): string =>
  [type, href, version ?? "", digest ?? ""].join("\n");

function findAccepted(compiled: CompiledDefinition, data: JsonObject): AcceptedReference[] {
  return compiled.annotations.references
    .filter(({ onWrite }) => onWrite === "accept")
    .flatMap(({ path, type, personal }) =>
      valuesAt(data, path).map((value) => {
        const reference = parseReference(value);
        return { field: `/${path.join("/")}`, personal, reference: reference && { ...reference, type } };
      }),
    );
}
