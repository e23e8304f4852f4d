// Stores the rows of records, versions, states, statuses and answers that writes make. SQL only, inside the log writer's transaction.
import { encodeBase64 } from "../../crypto/base64.ts";
import type { Transaction } from "../../storage/database.ts";
import { STATUS_SUPERSEDED } from "../record-states.ts";
import type { StatusPlace } from "../status-index.ts";
import { type AmendWrite, type CreateWrite, type RecordWrite, type StateWrite, versionAfter } from "./record-write.ts";

/** `logIndex`: of the write's entry. */
export interface Accepted<Write> {
  readonly input: Write;
  readonly logIndex: number;
}

// One statement per table with an array per column. Bytes travel as base64 text: postgres.js cannot send bytea[].
export async function insertRecords(tx: Transaction, items: readonly Accepted<CreateWrite>[]): Promise<void> {
  await tx`
    insert into record (rid, registry, identifier, state, version, state_number, sealed_key, first_index)
    select rid, registry, identifier, 'active', 1, 0, decode(sealed_key, 'base64'), first_index
    from unnest(
      ${items.map(({ input }) => input.rid)}::uuid[], ${items.map(({ input }) => input.registry)}::text[],
      ${items.map(({ input }) => input.identifier ?? null)}::text[], ${items.map(({ input }) => encodeBase64(input.sealedKey))}::text[],
      ${items.map(({ logIndex }) => logIndex)}::int8[]
    ) as item (rid, registry, identifier, sealed_key, first_index)`;
}

export async function insertVersions(
  tx: Transaction,
  items: readonly Accepted<CreateWrite | AmendWrite>[],
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

export async function supersede(tx: Transaction, items: readonly Accepted<AmendWrite>[]): Promise<void> {
  const writes = items.map(({ input }) => input);
  await Promise.all([
    tx`
      update record set version = greatest(record.version, item.version)
      from unnest(${writes.map((write) => write.rid)}::uuid[], ${writes.map((write) => write.expected.version + 1)}::int[]) as item (rid, version)
      where record.rid = item.rid`,
    setStatus(
      tx,
      items.map(({ input, logIndex }) => ({ place: input.supersedes, value: STATUS_SUPERSEDED, logIndex })),
    ),
  ]);
}

export async function changeStates(tx: Transaction, items: readonly Accepted<StateWrite>[]): Promise<void> {
  const inputs = items.map(({ input }) => input);
  const rids = inputs.map((input) => input.rid);
  const numbers = inputs.map((input) => input.expected.stateNumber + 1);
  const states = inputs.map((input) => input.state);
  await Promise.all([
    tx`
      update record set state = item.state, state_number = item.number
      from unnest(${rids}::uuid[], ${states}::text[], ${numbers}::int[]) as item (rid, state, number) where record.rid = item.rid`,
    tx`
      insert into record_state (rid, number, operation, erased_version, state, effective_at, statement, sealed, log_index, recorded_at)
      select rid, number, operation, erased_version, state, effective_at, statement, decode(sealed, 'base64'), log_index, recorded_at
      from unnest(
        ${rids}::uuid[], ${numbers}::int[], ${inputs.map((input) => input.operation)}::text[],
        ${inputs.map((input) => input.erased?.version ?? null)}::int[], ${states}::text[],
        ${inputs.map((input) => input.effectiveAt)}::int8[], ${inputs.map((input) => input.statement)}::text[],
        ${inputs.map((input) => encodeBase64(input.sealed))}::text[], ${items.map(({ logIndex }) => logIndex)}::int8[],
        ${inputs.map((input) => input.recordedAt)}::int8[]
      ) as item (rid, number, operation, erased_version, state, effective_at, statement, sealed, log_index, recorded_at)`,
    tx`
      insert into status_value (list, index, value, log_index)
      select v.status_list, v.status_index, item.value, item.log_index
      from unnest(
        ${rids}::uuid[], ${inputs.map((input) => input.erased?.version ?? input.expected.version)}::int[], ${inputs.map((input) => Number(input.allVersions))}::int2[],
        ${inputs.map((input) => input.statusValue)}::int2[], ${items.map(({ logIndex }) => logIndex)}::int8[]
      ) as item (rid, version, everything, value, log_index)
      join record_version v on v.rid = item.rid and (item.everything = 1 or v.version = item.version)
      on conflict (list, index) do update set value = excluded.value, log_index = excluded.log_index`,
  ]);
}

interface StatusChange {
  readonly place: StatusPlace;
  readonly value: number;
  readonly logIndex: number;
}

async function setStatus(tx: Transaction, changes: readonly StatusChange[]): Promise<void> {
  await tx`
    insert into status_value (list, index, value, log_index)
    select * from unnest(
      ${changes.map(({ place }) => place.list)}::int[], ${changes.map(({ place }) => place.index)}::int[], ${changes.map(({ value }) => value)}::int2[],
      ${changes.map(({ logIndex }) => logIndex)}::int8[])
    on conflict (list, index) do update set value = excluded.value, log_index = excluded.log_index`;
}

export async function insertAnswers(tx: Transaction, writes: readonly RecordWrite[]): Promise<void> {
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
