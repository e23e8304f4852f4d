// How writes of records behave inside the log writer's transaction: what is checked under the lock, what is stored. Signs nothing.

import { readApprovals, storeApprovals } from "../../approval/proposal-guard.ts";
import { everyDigest } from "../../crypto/key-generations.ts";
import { AttestryError } from "../../errors.ts";
import type { WriteKind } from "../../log/writer-service.ts";
import { noteDueOf } from "../../notification/notification-store.ts";
import { readCurrentVersions } from "../../registries/registry-store.ts";
import type { Transaction } from "../../storage/database.ts";
import type { HeldContent } from "../attachments/held-content.ts";
import { type HoldingVersion, readHeldContent, storeHeldContent } from "../attachments/held-content-store.ts";
import { readStanding } from "../holds/hold-store.ts";
import { recordHeld, type Standing, stands } from "../record-hold.ts";
import { deleteEmptyCounts, storeIndex } from "../search/index-row-store.ts";
import { type IndexHolders, type IndexWrite, readHolders } from "../search/index-write-store.ts";
import { NO_INDEX_CHANGE } from "../search/record-index.ts";
import { describeTakenKey } from "../search/record-keys.ts";
import { advanceCounters } from "./counter-store.ts";
import { eraseContent, eraseVersion } from "./erasure-store.ts";
import {
  type Accepted,
  changeStates,
  insertAnswers,
  insertRecords,
  insertVersions,
  supersede,
} from "./record-row-store.ts";
import {
  type AmendWrite,
  type CreateWrite,
  partsOf,
  type RecordWrite,
  type SingleWrite,
  type StateWrite,
  versionAfter,
} from "./record-write.ts";

const NONE_STANDING: ReadonlyMap<string, readonly Standing[]> = new Map();

interface Position {
  readonly version: number;
  readonly stateNumber: number;
  readonly state: string;
}

// One kind for all of them, so that a batch's writes to one record are checked against each other in their order.
export const recordWriteKind: WriteKind<RecordWrite> = {
  name: "record",
  async check(tx, writes) {
    const parts = writes.flatMap(partsOf);
    const rids = parts.flatMap((part) => (part.kind === "create" ? [] : [part.rid, ...successorsOf(part)]));
    const idempotency = writes.flatMap((write) => (write.idempotency ? everyDigest(write.idempotency) : []));
    const erased = parts.filter((part) => isErasure(part) || isVersionErasure(part)).map(({ rid }) => rid);
    // Before anything is read of these records: whoever holds or erases one waits for the other.
    const standing = erased.length === 0 ? NONE_STANDING : await readStanding(tx, erased);
    const [versions, positions, holders, checkHeld, answered, approvals] = await Promise.all([
      readCurrentVersions(tx, [...new Set(parts.map((part) => part.registry))]),
      rids.length === 0 ? new Map<string, Position>() : readPositions(tx, rids),
      readHolders(
        tx,
        parts.map((part) => toIndexWrite(part)),
      ),
      readHeldContent(tx, parts.flatMap(toHoldingVersion)),
      idempotency.length === 0 ? new Set<string>() : readAnswered(tx, idempotency),
      readApprovals(tx, writes),
    ]);
    return writes.map((write) => {
      const refusal =
        approvals.check(write) ??
        checkParts(partsOf(write), { versions, positions, holders, checkHeld, standing }) ??
        checkAnswered(write, answered);
      if (refusal) return refusal;
      applyWrite(write, { positions, holders, answered });
      approvals.accept(write);
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
    await Promise.all([
      storeIndex(tx, indexed),
      storeRounds(tx, rounds),
      storeApprovals(
        tx,
        accepted.map(({ input }) => input),
      ),
    ]);
    // A cell that only erased records stood in would tell what they said.
    if (rounds.flat().some(({ input }) => isErasure(input) || isVersionErasure(input))) await deleteEmptyCounts(tx);
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
  if (amends.length > 0) statements.push(supersede(tx, amends));
  statements.push(
    storeHeldContent(
      tx,
      round.flatMap(({ input }) => toHoldingVersion(input)),
    ),
  );
  const advances = creates.flatMap(({ input }) => input.advance ?? []);
  if (advances.length > 0) statements.push(advanceCounters(tx, advances));
  for (const { input } of states) if (input.erased) statements.push(eraseVersion(tx, input.rid, input.erased));
  if (erased.length > 0) statements.push(eraseContent(tx, erased).then(() => changeStates(tx, states)));
  else if (states.length > 0) statements.push(changeStates(tx, states));
  const told = states.flatMap(({ input }) => input.told ?? []);
  if (told.length > 0) statements.push(noteDueOf(tx, { digests: told, kind: "erased" }));
  await Promise.all(statements);
}

function isErasure(write: SingleWrite): boolean {
  return write.kind === "state" && write.operation === "erase";
}

function isVersionErasure(write: SingleWrite): boolean {
  return write.kind === "state" && write.erased !== undefined;
}

/** `logIndex`: of the write's entry, once it has one. */
function toIndexWrite(write: SingleWrite, logIndex?: number): IndexWrite {
  const { kind, rid, registry } = write;
  const state = kind === "create" ? "active" : kind === "state" && !write.erased ? write.state : undefined;
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
    ...(kind === "amend" && { alikeBefore: write.alikeBefore }),
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
  /** Holds that nobody lifted, of records that are to be erased. */
  readonly standing: ReadonlyMap<string, readonly Standing[]>;
}

/** Each part against what there is before the unit; of what an earlier part changes, only the positions of records matter to a later one. */
function checkParts(parts: readonly SingleWrite[], found: Found): AttestryError | undefined {
  const positions = new Map(found.positions);
  const taken = new Map<string, string>();
  for (const part of parts) {
    const refusal =
      checkDefinition(part, found.versions) ??
      checkPosition(part, positions) ??
      checkStanding(part, found.standing) ??
      checkSuccessors(part, positions) ??
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

function checkStanding(part: SingleWrite, standing: Found["standing"]): AttestryError | undefined {
  if (part.kind !== "state" || part.isReplay || !(isErasure(part) || isVersionErasure(part))) return undefined;
  const holds = (standing.get(part.rid) ?? []).filter((hold) => stands(hold, part.recordedAt));
  return holds.length === 0 ? undefined : recordHeld(holds);
}

function checkDefinition(write: SingleWrite, versions: ReadonlyMap<string, number>): AttestryError | undefined {
  const version = write.kind === "state" ? write.definitionVersion : write.version.definitionVersion;
  if (versions.get(write.registry) === version) return undefined;
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

function successorsOf(write: SingleWrite): readonly string[] {
  return write.kind === "state" ? (write.successors ?? []) : [];
}

// They were active when the replacement was drafted; two records that replace each other at once would leave none.
function checkSuccessors(write: SingleWrite, positions: ReadonlyMap<string, Position>): AttestryError | undefined {
  const states = successorsOf(write).map((rid) => positions.get(rid)?.state ?? "erased");
  const over = states.find((state) => state !== "active");
  if (over === undefined) return undefined;
  return new AttestryError("reference_unresolved", "a successor changed meanwhile, so nothing was replaced", {
    details: [{ field: "/by", message: `names a record that is ${over}; a successor is active` }],
  });
}

function checkAnswered(write: RecordWrite, answered: ReadonlySet<string>): AttestryError | undefined {
  if (write.idempotency === undefined || !everyDigest(write.idempotency).some((digest) => answered.has(digest)))
    return undefined;
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
  const version = versionAfter(part);
  if (part.kind === "state") positions.set(part.rid, { version, stateNumber: stateNumber + 1, state: part.state });
  else positions.set(part.rid, { version, stateNumber, state: "active" });
}

async function readPositions(tx: Transaction, rids: readonly string[]): Promise<Map<string, Position>> {
  const rows = await tx<(Position & { rid: string })[]>`
    select rid, version, state_number as "stateNumber", state from record where rid = any(${rids as string[]}::uuid[])`;
  return new Map(rows.map(({ rid, ...position }) => [rid, position]));
}

async function readAnswered(tx: Transaction, digests: readonly string[]): Promise<Set<string>> {
  const rows = await tx<
    { digest: string }[]
  >`select digest from idempotency where digest = any(${digests as string[]})`;
  return new Set(rows.map((row) => row.digest));
}
