// Makes everything a new version needs before the log writer sees it: validated data, token, sealed secrets, index, log entry. Stores nothing.

import { canonicalJson, type JsonObject } from "../../crypto/json.ts";
import { AttestryError } from "../../errors.ts";
import type { Staff } from "../../identity/caller.ts";
import type { LogEntry } from "../../log/entry.ts";
import type { CompiledDefinition } from "../../registries/compiled-definition.ts";
import { checkNotRetired } from "../../registries/retirement.ts";
import type { Act, DescribeAct, WriteGround } from "../record-act.ts";
import { nextState } from "../record-states.ts";
import type { RecordRow } from "../record-store.ts";
import { jwtDigest } from "../record-url.ts";
import { openSecrets, readFullData, readOwnPayload } from "../record-view.ts";
import type { CheckReferences } from "../references/reference-check.ts";
import { ridFromKey } from "../rid.ts";
import { checkJurisdiction } from "../search/jurisdiction-marks.ts";
import {
  changeIndex,
  EMPTY_INDEX,
  FORMER_KEY_FIELD,
  indexRecord,
  likenessMarks,
  type RecordIndex,
  rowKey,
} from "../search/record-index.ts";
import type { RecordKey } from "../search/record-keys.ts";
import { changedDate, checkIdentifierKept, checkPeriod, isBefore } from "./amend-rules.ts";
import type { Counter } from "./counter-store.ts";
import type { Idempotency } from "./idempotency.ts";
import { createIdentifierChooser } from "./identifier-chooser.ts";
import type { RecordRequest } from "./record-request.ts";
import type { AmendWrite, CreateWrite, UnitWrite } from "./record-write.ts";
import { createVersionMaker, type VersionDeps, type VersionSource } from "./version-maker.ts";

/** What the next version says; dates: undefined keeps what is, null takes it away. */
export interface VersionChange {
  readonly data: (before: JsonObject) => JsonObject;
  readonly validFrom: string | null | undefined;
  readonly validUntil: string | null | undefined;
  readonly act: WriteGround;
  /** The record is carried over to another definition as it is: nothing makes it more alike to others than it was. */
  readonly isCarriedOver?: boolean;
}

/** What the log writer takes: a write, and its log entry or entries, which are written together or not at all. */
export interface Draft<Write> {
  readonly input: Write;
  readonly entry: LogEntry | readonly LogEntry[];
}

/** With what the token says when everything in it is disclosed. */
export interface CreateDraft extends Draft<CreateWrite> {
  readonly disclosures: readonly string[];
  readonly claims: JsonObject;
}

export interface RecordDrafter {
  /** Throws `registry_retired`, `record_invalid` with a detail per fault, `act_incomplete`, `record_too_large`, `permission_denied` outside the caller's jurisdiction, and what `checkReferences` throws. */
  draftCreate(options: {
    compiled: CompiledDefinition;
    request: RecordRequest;
    caller: Staff;
    idempotency?: Idempotency | undefined;
    checkReferences: CheckReferences;
    /** The keys of the data, where the caller found no fault in it and made them already. */
    keys?: readonly RecordKey[];
    /** This node's own records that are replaced by this one in the same unit: URLs by rid. */
    replaces?: ReadonlyMap<string, string>;
    /** The act, where it was described already, as part of another operation. */
    act?: Act;
  }): Promise<CreateDraft>;
  /**
   * The next version of `row`, or undefined if the change leaves it as it is. A change of a time before the current version's is
   * a correction of the past, a unit of two versions: the correction, and what is current once more, so that the latest version is
   * always the one in effect. Throws as `draftCreate`, and `state_conflict`.
   */
  draftAmend(options: {
    compiled: CompiledDefinition;
    rowCompiled: CompiledDefinition;
    row: RecordRow;
    change: VersionChange;
    caller: Staff;
    idempotency?: Idempotency | undefined;
    checkReferences: CheckReferences;
  }): Promise<Draft<AmendWrite | UnitWrite> | undefined>;
}

export interface DrafterDeps extends VersionDeps {
  /** Whether a version was signed by a key that was reported and logged too late to count. */
  readonly isRefused?: (version: { readonly jwt: string; readonly logIndex: number }) => boolean;
  readonly describeAct: DescribeAct;
  readonly counter: (name: string) => Counter;
}

const K_BYTES = 32;

export function createRecordDrafter(deps: DrafterDeps): RecordDrafter {
  const { sealer, searchKey, random, clock } = deps;
  const makeVersion = createVersionMaker(deps);
  const chooseIdentifier = createIdentifierChooser(deps.counter);

  function checkData(compiled: CompiledDefinition, data: JsonObject): void {
    const details = compiled.findFaults(data);
    if (details.length === 0) return;
    throw new AttestryError(
      "record_invalid",
      `the data does not follow version ${compiled.version} of registry "${compiled.definition.name}"`,
      { details },
    );
  }

  /** Where the record's current version goes on after a correction of the time before it. */
  async function draftCorrection(options: {
    correction: VersionSource;
    current: Omit<VersionSource, "previousDigest" | "version">;
    amend: Omit<AmendWrite, "version" | "index">;
    rowCompiled: CompiledDefinition;
  }): Promise<Draft<UnitWrite>> {
    const { correction, current, amend, rowCompiled } = options;
    const first = await makeVersion(correction);
    const previousDigest = jwtDigest(first.version.jwt);
    const second = await makeVersion({ ...current, version: correction.version + 1, previousDigest });
    const index = (compiled: CompiledDefinition, data: JsonObject) =>
      indexRecord({ searchKey, compiled, data, identifier: current.identifier });
    const before = index(rowCompiled, current.data);
    const corrected = formerIndex(index(correction.compiled, correction.data), before);
    const after = index(current.compiled, current.data);
    // Unique values and counts are those of what is current; what was said of the past only leaves a trace in the searches.
    const whole = changeIndex(before, after);
    const back = changeIndex(corrected, onlySearch(after));
    const parts = [
      {
        ...amend,
        index: { ...changeIndex(onlySearch(before), corrected), after: { ...before, search: corrected.search } },
        version: first.version,
      },
      {
        ...amend,
        expected: { ...amend.expected, version: correction.version },
        supersedes: first.version.status,
        index: {
          removed: { ...whole.removed, search: back.removed.search },
          added: { ...whole.added, search: back.added.search },
          after,
        },
        version: second.version,
      },
    ];
    const { rid, registry, idempotency, approval } = amend;
    return {
      input: {
        kind: "unit",
        rid,
        registry,
        // What is current stays what it was: it need not be compared again.
        parts: parts.map((part) => ({ ...part, idempotency: undefined, isDistinct: true })),
        idempotency,
        approval,
      },
      entry: [first.entry, second.entry],
    };
  }

  return {
    async draftCreate(options) {
      const { compiled, request, caller, idempotency, checkReferences } = options;
      checkNotRetired(compiled.definition);
      const act = options.act ?? deps.describeAct({ compiled, operation: "create", caller, ground: request.act });
      // Whoever has the keys has checked the data, too.
      if (options.keys === undefined) checkData(compiled, request.data);
      checkJurisdiction(caller, compiled, () => request.data);
      await checkReferences(compiled, request.data);
      const k = random(K_BYTES);
      const rid = ridFromKey(k);
      const { dataKey, sealedKey } = sealer.createDataKey(rid);
      const { data, validFrom, validUntil, identifier: official } = request;
      const { identifier, advance } = await chooseIdentifier({ compiled, data, official, at: clock() });
      const made = await makeVersion({
        rid,
        version: 1,
        compiled,
        identifier,
        data,
        validFrom,
        validUntil,
        replaces: options.replaces ? [...options.replaces.values()] : request.replaces,
        act,
        previousDigest: undefined,
        k,
        dataKey,
      });
      const { version, entry, disclosures, claims } = made;
      const { keys } = options;
      const index = indexRecord({ searchKey, compiled, data, identifier, ...(keys && { keys }) });
      return {
        input: {
          kind: "create",
          rid,
          registry: compiled.definition.name,
          identifier,
          ...(advance && { advance }),
          sealedKey,
          index: changeIndex(EMPTY_INDEX, index),
          isDistinct: act.distinct !== undefined,
          ...(options.replaces && { succeeds: new Set(options.replaces.keys()) }),
          version,
          idempotency,
          approval: { required: compiled.definition.approval ?? [], approved: caller.approved },
        },
        entry,
        disclosures,
        claims,
      };
    },

    async draftAmend({ compiled, rowCompiled, row, change, caller, idempotency, checkReferences }) {
      const { record, version: current } = row;
      nextState(record.state, "amend");
      const { dataKey, secrets } = openSecrets(sealer, row);
      const before = readFullData(current.jwt, secrets.disclosures);
      // Read anew: since the service looked, another may have moved it out of the writer's jurisdiction.
      checkJurisdiction(caller, compiled, () => before);
      const data = change.data(before);
      const payload = readOwnPayload(current.jwt);
      const was = {
        validFrom: changedDate(payload.valid_from, undefined),
        validUntil: changedDate(payload.valid_until, undefined),
      };
      const validFrom = changedDate(payload.valid_from, change.validFrom);
      const validUntil = changedDate(payload.valid_until, change.validUntil);
      const sameDates = validFrom === was.validFrom && validUntil === was.validUntil;
      const isSame = sameDates && compiled.version === rowCompiled.version;
      // What nobody believes any more is issued anew, though it says the same.
      const isRefused = deps.isRefused?.({ jwt: current.jwt, logIndex: current.logIndex }) === true;
      if (isSame && !isRefused && canonicalJson(before) === canonicalJson(data)) return undefined;
      const act = deps.describeAct({ compiled, operation: "amend", caller, ground: change.act });
      checkPeriod({ was, validFrom, validUntil, now: clock() });
      checkData(compiled, data);
      checkJurisdiction(caller, compiled, () => data);
      await checkReferences(compiled, data);
      const identifier = record.identifier ?? undefined;
      checkIdentifierKept(compiled, data, identifier);
      const common = {
        rid: record.rid,
        compiled,
        identifier,
        replaces: payload.replaces as readonly string[] | undefined,
        act,
        k: secrets.k,
        dataKey,
      };
      const next = {
        ...common,
        version: current.version + 1,
        data,
        validFrom,
        validUntil,
        previousDigest: jwtDigest(current.jwt),
      };
      const amend = {
        kind: "amend" as const,
        rid: record.rid,
        registry: record.registry,
        expected: { version: current.version, stateNumber: record.stateNumber },
        supersedes: { list: current.statusList, index: current.statusIndex },
        isDistinct: change.act.distinct !== undefined || change.isCarriedOver === true,
        // Also by rules that are newer than what it amends: else old records could never be amended.
        alikeBefore: new Set(likenessMarks({ searchKey, compiled, data: before }).map(rowKey)),
        idempotency,
        approval: { required: compiled.definition.approval ?? [], approved: caller.approved },
      };
      if (isBefore(validUntil, was.validFrom)) {
        checkData(compiled, before);
        return draftCorrection({ correction: next, current: { ...common, data: before, ...was }, amend, rowCompiled });
      }
      const { version, entry } = await makeVersion(next);
      const index = changeIndex(
        indexRecord({ searchKey, compiled: rowCompiled, data: before, identifier }),
        indexRecord({ searchKey, compiled, data, identifier }),
      );
      return { input: { ...amend, index, version }, entry };
    },
  };
}

function onlySearch(index: RecordIndex): RecordIndex {
  return { ...EMPTY_INDEX, search: index.search };
}

/** The index of what is said of the past: it takes no unique value, but is found by it at its time, as if it had had it. */
function formerIndex(index: RecordIndex, current: RecordIndex): RecordIndex {
  const held = new Set(current.keys.map(({ digest }) => digest));
  const former = index.keys.filter(({ digest }) => !held.has(digest));
  const traces = former.map(({ digest }) => ({ field: FORMER_KEY_FIELD, value: digest }));
  return { ...EMPTY_INDEX, search: [...index.search, ...traces] };
}
