// How writes of records behave inside the log writer's transaction: what is checked under the lock, what is stored. Signs nothing.
import { encodeBase64 } from "../crypto/base64.ts";
import { AttestryError } from "../errors.ts";
import type { WriteKind } from "../log/writer-service.ts";
import { readCurrentVersions } from "../registries/registry-store.ts";
import type { Transaction } from "../storage/database.ts";
import { advanceCounters, type CounterAdvance } from "./counter-store.ts";
import { eraseContent } from "./erasure-store.ts";
import type { HeldContent } from "./held-content.ts";
import { type HoldingVersion, readHeldContent, storeHeldContent } from "./held-content-store.ts";
import { deleteEmptyCounts, storeIndex } from "./index-row-store.ts";
import { type IndexHolders, type IndexWrite, readHolders } from "./index-write-store.ts";
import { type IndexChange, NO_INDEX_CHANGE } from "./record-index.ts";
import { describeTakenKey } from "./record-keys.ts";
import { type RecordState, STATUS_SUPERSEDED, type StateOperation } from "./record-states.ts";
import type { StatusPlace } from "./status-index.ts";

export interface VersionDraft {
  readonly definitionVersion: number;
  readonly held: HeldContent;
  readonly jwt: string;
  readonly sealed: Uint8Array;
  /** Effective time, Unix seconds; undefined: without such an end. */
  readonly effectiveFrom: number | undefined;
  readonly effectiveUntil: number | undefined;
  readonly status: StatusPlace;
  readonly recordedAt: number;
}

interface WriteBase {
  readonly rid: string;
  readonly registry: string;
  readonly idempotency: { readonly digest: string; readonly request: string } | undefined;
}

export interface CreateWrite extends WriteBase {
  readonly kind: "create";
  /** Records that are replaced by this one in the same unit. */
  readonly succeeds?: ReadonlySet<string>;
  readonly identifier: string | undefined;
  /** Where the identifier is a number that a counter would come to. */
  readonly advance?: CounterAdvance;
  readonly sealedKey: Uint8Array;
  readonly index: IndexChange;
  /** The writer says why the record is no duplicate. */
  readonly isDistinct: boolean;
  readonly version: VersionDraft;
}

export interface AmendWrite extends WriteBase {
  readonly kind: "amend";
  readonly expected: { readonly version: number; readonly stateNumber: number };
  readonly index: IndexChange;
  readonly isDistinct: boolean;
  readonly supersedes: StatusPlace;
  readonly version: VersionDraft;
}

export interface StateWrite extends WriteBase {
  readonly kind: "state";
  readonly expected: { readonly version: number; readonly stateNumber: number };
  readonly operation: StateOperation;
  readonly state: RecordState;
  /** Since when the state holds, Unix seconds; 0: it was always so. */
  readonly effectiveAt: number;
  readonly statement: string;
  /** Log salt and disclosures of the statement. */
  readonly sealed: Uint8Array;
  /** The status of the current version, or of all versions. */
  readonly statusValue: number;
  readonly allVersions: boolean;
  readonly recordedAt: number;
}

/** A write of one log entry. */
export type SingleWrite = CreateWrite | AmendWrite | StateWrite;

/** Several writes, each with its log entry, that are made together or not at all; `rid`: the record that was asked about. */
export interface UnitWrite extends WriteBase {
  readonly kind: "unit";
  readonly parts: readonly SingleWrite[];
}

export type RecordWrite = SingleWrite | UnitWrite;

interface Position {
  version: number;
  stateNumber: number;
}

interface Accepted<Write> {
  readonly input: Write;
  readonly logIndex: number;
}

/** The version that a write's record is at afterwards. */
export function versionAfter(write: RecordWrite): number {
  if (write.kind === "unit") return versionAfter(write.parts.findLast(({ rid }) => rid === write.rid)!);
  if (write.kind === "create") return 1;
  return write.kind === "amend" ? write.expected.version + 1 : write.expected.version;
}

// One kind for all of them, so that a batch's writes to one record are checked against each other in their order.
export const recordWriteKind: WriteKind<RecordWrite> = {
  name: "record",
  async check(tx, writes) {
    const parts = writes.flatMap(partsOf);
    const rids = parts.filter((part) => part.kind !== "create").map((part) => part.rid);
    const idempotency = writes.flatMap((write) => (write.idempotency ? [write.idempotency.digest] : []));
    const [versions, positions, holders, checkHeld, answered] = await Promise.all([
      readCurrentVersions(tx, [...new Set(parts.map((part) => part.registry))]),
      rids.length === 0 ? new Map<string, Position>() : readPositions(tx, rids),
      readHolders(
        tx,
        parts.map((part) => toIndexWrite(part)),
      ),
      readHeldContent(tx, parts.flatMap(toHoldingVersion)),
      idempotency.length === 0 ? new Set<string>() : readAnswered(tx, idempotency),
    ]);
    return writes.map((write) => {
      const refusal =
        checkParts(partsOf(write), { versions, positions, holders, checkHeld }) ?? checkAnswered(write, answered);
      if (!refusal) applyWrite(write, { positions, holders, answered });
      return refusal;
    });
  },
  async store(tx, accepted) {
    // The parts of a unit may be about one record, so that the second is stored on top of the first: a round for each.
    const rounds: Accepted<SingleWrite>[][] = [];
    for (const { input, logIndex } of accepted) {
      for (const [at, part] of partsOf(input).entries()) {
        rounds[at] ??= [];
        rounds[at].push({ input: part, logIndex: logIndex + at });
      }
    }
    const answers = accepted.map(({ input }) => input).filter(({ idempotency }) => idempotency !== undefined);
    const indexed = accepted.flatMap(({ input, logIndex }) =>
      partsOf(input).map((part, at) => toIndexWrite(part, logIndex + at)),
    );
    await Promise.all([storeIndex(tx, indexed), storeRounds(tx, rounds)]);
    // A cell that only erased records stood in would tell what they said.
    if (rounds.flat().some(({ input }) => isErasure(input))) await deleteEmptyCounts(tx);
    // After an erasure, which takes the answers about its record along.
    if (answers.length > 0) await insertAnswers(tx, answers);
  },
};

async function storeRounds(tx: Transaction, rounds: readonly (readonly Accepted<SingleWrite>[])[]): Promise<void> {
  for (const round of rounds) await storeRound(tx, round);
}

async function storeRound(tx: Transaction, round: readonly Accepted<SingleWrite>[]): Promise<void> {
  const creates = round.filter((item): item is Accepted<CreateWrite> => item.input.kind === "create");
  const amends = round.filter((item): item is Accepted<AmendWrite> => item.input.kind === "amend");
  const states = round.filter((item): item is Accepted<StateWrite> => item.input.kind === "state");
  const erased = states.filter(({ input }) => isErasure(input)).map(({ input }) => input.rid);
  const statements: Promise<unknown>[] = [];
  if (creates.length > 0) statements.push(insertRecords(tx, creates));
  if (creates.length + amends.length > 0) statements.push(insertVersions(tx, [...creates, ...amends]));
  if (amends.length > 0)
    statements.push(
      supersede(
        tx,
        amends.map(({ input }) => input),
      ),
    );
  statements.push(
    storeHeldContent(
      tx,
      round.flatMap(({ input }) => toHoldingVersion(input)),
    ),
  );
  const advances = creates.flatMap(({ input }) => input.advance ?? []);
  if (advances.length > 0) statements.push(advanceCounters(tx, advances));
  if (erased.length > 0) statements.push(eraseContent(tx, erased).then(() => changeStates(tx, states)));
  else if (states.length > 0) statements.push(changeStates(tx, states));
  await Promise.all(statements);
}

function isErasure(write: SingleWrite): boolean {
  return write.kind === "state" && write.operation === "erase";
}

function partsOf(write: RecordWrite): readonly SingleWrite[] {
  return write.kind === "unit" ? write.parts : [write];
}

/** `logIndex`: of the write's entry, once it has one. */
function toIndexWrite(write: SingleWrite, logIndex?: number): IndexWrite {
  const { kind, rid, registry } = write;
  const state = kind === "create" ? "active" : kind === "state" ? write.state : undefined;
  return {
    rid,
    registry,
    // What becomes of the index of a record whose state changes follows from the state.
    index: kind === "state" ? NO_INDEX_CHANGE : write.index,
    version: versionAfter(write),
    firstIndex: kind === "create" ? logIndex : undefined,
    ...(state !== undefined && { state }),
    isDistinct: kind !== "state" && write.isDistinct,
    ...(kind === "create" && write.succeeds && { succeeds: write.succeeds }),
  };
}

function toHoldingVersion(write: SingleWrite): HoldingVersion[] {
  if (write.kind === "state") return [];
  const { rid, registry, version } = write;
  return [{ rid, registry, version: versionAfter(write), recordedAt: version.recordedAt, held: version.held }];
}

interface Found {
  readonly versions: ReadonlyMap<string, number>;
  readonly positions: ReadonlyMap<string, Position>;
  readonly holders: IndexHolders;
  readonly checkHeld: (held: HeldContent) => AttestryError | undefined;
}

/** Each part against what there is before the unit; of what an earlier part changes, only the positions of records matter to a later one. */
function checkParts(parts: readonly SingleWrite[], found: Found): AttestryError | undefined {
  const positions = new Map(found.positions);
  const taken = new Map<string, string>();
  for (const part of parts) {
    const refusal =
      checkDefinition(part, found.versions) ??
      checkPosition(part, positions) ??
      found.holders.check(toIndexWrite(part)) ??
      checkTaken(part, taken) ??
      (part.kind === "state" ? undefined : found.checkHeld(part.version.held));
    if (refusal) return refusal;
    movePosition(part, positions);
  }
  return undefined;
}

// The records that one unit creates may not share a unique value either.
function checkTaken(part: SingleWrite, taken: Map<string, string>): AttestryError | undefined {
  if (part.kind === "state") return undefined;
  const twice = part.index.added.keys.filter(({ digest }) => (taken.get(digest) ?? part.rid) !== part.rid);
  for (const { digest } of part.index.added.keys) taken.set(digest, part.rid);
  if (twice.length === 0) return undefined;
  return new AttestryError(
    "value_not_unique",
    `two records of the same request have the same ${twice.map((key) => key.name).join(", ")}`,
    { details: twice.flatMap(describeTakenKey) },
  );
}

function checkDefinition(write: SingleWrite, versions: ReadonlyMap<string, number>): AttestryError | undefined {
  if (write.kind === "state" || versions.get(write.registry) === write.version.definitionVersion) return undefined;
  return new AttestryError(
    "version_conflict",
    `the definition of "${write.registry}" changed meanwhile; send the request again`,
  );
}

function checkPosition(write: SingleWrite, positions: ReadonlyMap<string, Position>): AttestryError | undefined {
  if (write.kind === "create") return undefined;
  const found = positions.get(write.rid);
  if (!found) return new AttestryError("record_unknown", "there is no such record");
  if (found.version === write.expected.version && found.stateNumber === write.expected.stateNumber) return undefined;
  return new AttestryError(
    "version_conflict",
    `the record is at version ${found.version} with ${found.stateNumber} state changes; read it again and repeat the change`,
  );
}

function checkAnswered(write: RecordWrite, answered: ReadonlySet<string>): AttestryError | undefined {
  if (write.idempotency === undefined || !answered.has(write.idempotency.digest)) return undefined;
  return new AttestryError("idempotency_key_reused", "a request with this Idempotency-Key was answered already");
}

function applyWrite(
  write: RecordWrite,
  state: { positions: Map<string, Position>; holders: IndexHolders; answered: Set<string> },
): void {
  for (const part of partsOf(write)) {
    movePosition(part, state.positions);
    state.holders.apply(toIndexWrite(part));
  }
  if (write.idempotency) state.answered.add(write.idempotency.digest);
}

function movePosition(part: SingleWrite, positions: Map<string, Position>): void {
  if (part.kind === "create") return;
  const { stateNumber } = part.expected;
  positions.set(part.rid, {
    version: versionAfter(part),
    stateNumber: part.kind === "state" ? stateNumber + 1 : stateNumber,
  });
}

async function readPositions(tx: Transaction, rids: readonly string[]): Promise<Map<string, Position>> {
  const rows = await tx<{ rid: string; version: number; stateNumber: number }[]>`
    select rid, version, state_number as "stateNumber" from record where rid = any(${rids as string[]}::uuid[])`;
  return new Map(rows.map((row) => [row.rid, { version: row.version, stateNumber: row.stateNumber }]));
}

async function readAnswered(tx: Transaction, digests: readonly string[]): Promise<Set<string>> {
  const rows = await tx<
    { digest: string }[]
  >`select digest from idempotency where digest = any(${digests as string[]})`;
  return new Set(rows.map((row) => row.digest));
}

// One statement per table with an array per column. Bytes travel as base64 text: postgres.js cannot send bytea[].
async function insertRecords(
  tx: Transaction,
  items: readonly { input: CreateWrite; logIndex: number }[],
): Promise<void> {
  await tx`
    insert into record (rid, registry, identifier, state, version, state_number, sealed_key, first_index)
    select rid, registry, identifier, 'active', 1, 0, decode(sealed_key, 'base64'), first_index
    from unnest(
      ${items.map(({ input }) => input.rid)}::uuid[], ${items.map(({ input }) => input.registry)}::text[],
      ${items.map(({ input }) => input.identifier ?? null)}::text[], ${items.map(({ input }) => encodeBase64(input.sealedKey))}::text[],
      ${items.map(({ logIndex }) => logIndex)}::int8[]
    ) as item (rid, registry, identifier, sealed_key, first_index)`;
}

async function insertVersions(
  tx: Transaction,
  items: readonly { input: CreateWrite | AmendWrite; logIndex: number }[],
): Promise<void> {
  const drafts = items.map(({ input }) => input.version);
  await tx`
    insert into record_version (rid, version, definition_version, jwt, sealed, valid_from, valid_until, status_list, status_index, log_index, recorded_at)
    select rid, version, definition_version, jwt, decode(sealed, 'base64'), valid_from, valid_until, status_list, status_index, log_index, recorded_at
    from unnest(
      ${items.map(({ input }) => input.rid)}::uuid[], ${items.map(({ input }) => versionAfter(input))}::int[],
      ${drafts.map((draft) => draft.definitionVersion)}::int[], ${drafts.map((draft) => draft.jwt)}::text[],
      ${drafts.map((draft) => encodeBase64(draft.sealed))}::text[], ${drafts.map((draft) => draft.effectiveFrom ?? null)}::int8[],
      ${drafts.map((draft) => draft.effectiveUntil ?? null)}::int8[], ${drafts.map((draft) => draft.status.list)}::int[],
      ${drafts.map((draft) => draft.status.index)}::int[], ${items.map(({ logIndex }) => logIndex)}::int8[],
      ${drafts.map((draft) => draft.recordedAt)}::int8[]
    ) as item (rid, version, definition_version, jwt, sealed, valid_from, valid_until, status_list, status_index, log_index, recorded_at)`;
}

async function supersede(tx: Transaction, writes: readonly AmendWrite[]): Promise<void> {
  await Promise.all([
    tx`
      update record set version = greatest(record.version, item.version)
      from unnest(${writes.map((write) => write.rid)}::uuid[], ${writes.map((write) => write.expected.version + 1)}::int[]) as item (rid, version)
      where record.rid = item.rid`,
    setStatus(
      tx,
      writes.map((write) => ({ place: write.supersedes, value: STATUS_SUPERSEDED })),
    ),
  ]);
}

async function changeStates(tx: Transaction, items: readonly Accepted<StateWrite>[]): Promise<void> {
  const inputs = items.map(({ input }) => input);
  const rids = inputs.map((input) => input.rid);
  const numbers = inputs.map((input) => input.expected.stateNumber + 1);
  const states = inputs.map((input) => input.state);
  await Promise.all([
    tx`
      update record set state = item.state, state_number = item.number
      from unnest(${rids}::uuid[], ${states}::text[], ${numbers}::int[]) as item (rid, state, number) where record.rid = item.rid`,
    tx`
      insert into record_state (rid, number, operation, state, effective_at, statement, sealed, log_index, recorded_at)
      select rid, number, operation, state, effective_at, statement, decode(sealed, 'base64'), log_index, recorded_at
      from unnest(
        ${rids}::uuid[], ${numbers}::int[], ${inputs.map((input) => input.operation)}::text[], ${states}::text[],
        ${inputs.map((input) => input.effectiveAt)}::int8[], ${inputs.map((input) => input.statement)}::text[],
        ${inputs.map((input) => encodeBase64(input.sealed))}::text[], ${items.map(({ logIndex }) => logIndex)}::int8[],
        ${inputs.map((input) => input.recordedAt)}::int8[]
      ) as item (rid, number, operation, state, effective_at, statement, sealed, log_index, recorded_at)`,
    tx`
      insert into status_value (list, index, value)
      select v.status_list, v.status_index, item.value
      from unnest(
        ${rids}::uuid[], ${inputs.map((input) => input.expected.version)}::int[], ${inputs.map((input) => Number(input.allVersions))}::int2[],
        ${inputs.map((input) => input.statusValue)}::int2[]
      ) as item (rid, version, everything, value)
      join record_version v on v.rid = item.rid and (item.everything = 1 or v.version = item.version)
      on conflict (list, index) do update set value = excluded.value`,
  ]);
}

async function setStatus(tx: Transaction, changes: readonly { place: StatusPlace; value: number }[]): Promise<void> {
  await tx`
    insert into status_value (list, index, value)
    select * from unnest(
      ${changes.map(({ place }) => place.list)}::int[], ${changes.map(({ place }) => place.index)}::int[], ${changes.map(({ value }) => value)}::int2[])
    on conflict (list, index) do update set value = excluded.value`;
}

async function insertAnswers(tx: Transaction, writes: readonly RecordWrite[]): Promise<void> {
  const answers = writes.map((write) => ({
    digest: write.idempotency!.digest,
    request: write.idempotency!.request,
    rid: write.rid,
    version: versionAfter(write),
    createdAt: recordedAt(write),
  }));
  await tx`
    insert into idempotency (digest, request, rid, version, created_at)
    select * from unnest(
      ${answers.map((a) => a.digest)}::text[], ${answers.map((a) => a.request)}::text[], ${answers.map((a) => a.rid)}::uuid[],
      ${answers.map((a) => a.version)}::int[], ${answers.map((a) => a.createdAt)}::int8[])`;
}

function recordedAt(write: RecordWrite): number {
  if (write.kind === "unit") return recordedAt(write.parts[0]!);
  return write.kind === "state" ? write.recordedAt : write.version.recordedAt;
}
