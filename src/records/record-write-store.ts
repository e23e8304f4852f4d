// How writes of records behave inside the log writer's transaction: what is checked under the lock, what is stored. Signs nothing.
import { encodeBase64 } from "../crypto/base64.ts";
import { AttestryError } from "../errors.ts";
import type { WriteKind } from "../log/writer-service.ts";
import { readCurrentVersions } from "../registries/registry-store.ts";
import type { Transaction } from "../storage/database.ts";
import { type IndexHolders, type IndexWrite, readHolders, storeIndex } from "./index-write-store.ts";
import type { IndexChange } from "./record-index.ts";
import type { StatusPlace } from "./status-index.ts";

export interface VersionDraft {
  readonly definitionVersion: number;
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
  readonly identifier: string | undefined;
  readonly sealedKey: Uint8Array;
  readonly index: IndexChange;
  readonly version: VersionDraft;
}

export interface AmendWrite extends WriteBase {
  readonly kind: "amend";
  readonly expected: { readonly version: number; readonly stateNumber: number };
  readonly index: IndexChange;
  readonly supersedes: StatusPlace;
  readonly version: VersionDraft;
}

export interface StateWrite extends WriteBase {
  readonly kind: "state";
  readonly expected: { readonly version: number; readonly stateNumber: number };
  readonly operation: string;
  readonly state: string;
  /** Since when the state holds, Unix seconds. */
  readonly effectiveAt: number;
  readonly statement: string;
  readonly sealedSalt: Uint8Array;
  readonly status: StatusPlace;
  readonly statusValue: number;
  readonly recordedAt: number;
}

export type RecordWrite = CreateWrite | AmendWrite | StateWrite;

interface Position {
  version: number;
  stateNumber: number;
}

/** Status values of DESIGN section 5. */
export const STATUS_INVALID = 1;
export const STATUS_SUPERSEDED = 3;

// One kind for all three, so that a batch's writes to one record are checked against each other in their order.
export const recordWriteKind: WriteKind<RecordWrite> = {
  name: "record",
  async check(tx, writes) {
    const rids = writes.filter((write) => write.kind !== "create").map((write) => write.rid);
    const idempotency = writes.flatMap((write) => (write.idempotency ? [write.idempotency.digest] : []));
    const [versions, positions, holders, answered] = await Promise.all([
      readCurrentVersions(tx, [...new Set(writes.map((write) => write.registry))]),
      rids.length === 0 ? new Map<string, Position>() : readPositions(tx, rids),
      readHolders(tx, writes.flatMap(toIndexWrite)),
      idempotency.length === 0 ? new Set<string>() : readAnswered(tx, idempotency),
    ]);
    return writes.map((write) => {
      const refusal =
        checkDefinition(write, versions) ??
        checkPosition(write, positions) ??
        toIndexWrite(write).map((one) => holders.check(one))[0] ??
        checkAnswered(write, answered);
      if (!refusal) applyWrite(write, { positions, holders, answered });
      return refusal;
    });
  },
  async store(tx, accepted) {
    const creates = accepted.filter(
      (item): item is { input: CreateWrite; logIndex: number } => item.input.kind === "create",
    );
    const amends = accepted.filter(
      (item): item is { input: AmendWrite; logIndex: number } => item.input.kind === "amend",
    );
    const states = accepted.filter(
      (item): item is { input: StateWrite; logIndex: number } => item.input.kind === "state",
    );
    const statements: Promise<unknown>[] = [];
    if (creates.length > 0) statements.push(insertRecords(tx, creates));
    if (creates.length + amends.length > 0) statements.push(insertVersions(tx, [...creates, ...amends]));
    const indexed = accepted.flatMap(({ input }) => toIndexWrite(input));
    if (indexed.length > 0) statements.push(storeIndex(tx, indexed));
    if (amends.length > 0)
      statements.push(
        supersede(
          tx,
          amends.map(({ input }) => input),
        ),
      );
    for (const item of states) statements.push(changeState(tx, item));
    const answers = accepted.filter(({ input }) => input.idempotency !== undefined);
    if (answers.length > 0)
      statements.push(
        insertAnswers(
          tx,
          answers.map(({ input }) => input),
        ),
      );
    await Promise.all(statements);
  },
};

function toIndexWrite(write: RecordWrite): IndexWrite[] {
  if (write.kind === "state") return [];
  const { rid, registry, index } = write;
  return [{ rid, registry, index, version: write.kind === "create" ? 1 : write.expected.version + 1 }];
}

function checkDefinition(write: RecordWrite, versions: ReadonlyMap<string, number>): AttestryError | undefined {
  if (write.kind === "state" || versions.get(write.registry) === write.version.definitionVersion) return undefined;
  return new AttestryError(
    "version_conflict",
    `the definition of "${write.registry}" changed meanwhile; send the request again`,
  );
}

function checkPosition(write: RecordWrite, positions: ReadonlyMap<string, Position>): AttestryError | undefined {
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
  if (write.kind === "amend")
    state.positions.set(write.rid, { version: write.expected.version + 1, stateNumber: write.expected.stateNumber });
  if (write.kind === "state")
    state.positions.set(write.rid, { version: write.expected.version, stateNumber: write.expected.stateNumber + 1 });
  for (const one of toIndexWrite(write)) state.holders.apply(one);
  if (write.idempotency) state.answered.add(write.idempotency.digest);
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
      ${items.map(({ input }) => input.rid)}::uuid[], ${items.map(({ input }) => (input.kind === "create" ? 1 : input.expected.version + 1))}::int[],
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

async function changeState(
  tx: Transaction,
  { input, logIndex }: { input: StateWrite; logIndex: number },
): Promise<void> {
  const number = input.expected.stateNumber + 1;
  await Promise.all([
    tx`update record set state = ${input.state}, state_number = ${number} where rid = ${input.rid}`,
    tx`
      insert into record_state (rid, number, operation, state, effective_at, statement, sealed, log_index, recorded_at)
      values (${input.rid}, ${number}, ${input.operation}, ${input.state}, ${input.effectiveAt}, ${input.statement}, ${input.sealedSalt as Buffer}, ${logIndex}, ${input.recordedAt})`,
    setStatus(tx, [{ place: input.status, value: input.statusValue }]),
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
    version: write.kind === "create" ? 1 : write.kind === "amend" ? write.expected.version + 1 : write.expected.version,
    createdAt: write.kind === "state" ? write.recordedAt : write.version.recordedAt,
  }));
  await tx`
    insert into idempotency (digest, request, rid, version, created_at)
    select * from unnest(
      ${answers.map((a) => a.digest)}::text[], ${answers.map((a) => a.request)}::text[], ${answers.map((a) => a.rid)}::uuid[],
      ${answers.map((a) => a.version)}::int[], ${answers.map((a) => a.createdAt)}::int8[])`;
}
