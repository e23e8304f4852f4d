// SQL of proposals. Knows no rule.

import { and, asc, desc, eq, getTableColumns, inArray, lt, ne, type SQL, sql } from "drizzle-orm";
import { everyDigest, type KeyedDigest } from "../crypto/key-generations.ts";
import type { ApprovedProposal } from "../identity/caller.ts";
import { PROPOSALS_WHOLE_MAX } from "../limits.ts";
import type { Database, Transaction } from "../storage/database.ts";
import type { ProposalKind, ProposalState } from "./proposal.ts";
import { proposalTable } from "./proposal-table.ts";

/** In place of the keyed hash of a request about a record that was erased. */
export const ERASED_PROPOSAL = "";

export type StoredProposal = Omit<typeof proposalTable.$inferSelect, "state" | "kind"> & {
  readonly state: ProposalState;
  readonly kind: ProposalKind;
};

export async function insertProposal(database: Database, row: StoredProposal): Promise<boolean> {
  const rows = await database.orm
    .insert(proposalTable)
    .values(row)
    .onConflictDoNothing({ target: proposalTable.digest })
    .returning({ id: proposalTable.id });
  return rows.length > 0;
}

export async function findProposal(database: Database, id: string): Promise<StoredProposal | undefined> {
  const rows = await database.orm.select().from(proposalTable).where(eq(proposalTable.id, id));
  return rows[0] as StoredProposal | undefined;
}

export async function findProposalByDigest(database: Database, key: KeyedDigest): Promise<StoredProposal | undefined> {
  const rows = await database.orm
    .select()
    .from(proposalTable)
    .where(inArray(proposalTable.digest, everyDigest(key)));
  return rows[0] as StoredProposal | undefined;
}

/** Changes one that is still in that state at that step, whoever else is about to; whether it was. */
export async function changeProposal(
  database: Database,
  { id, state, step }: Pick<StoredProposal, "id" | "state" | "step">,
  change: Partial<Pick<StoredProposal, "state" | "step" | "approvers" | "sealed" | "decidedAt">>,
): Promise<boolean> {
  const rows = await database.orm
    .update(proposalTable)
    .set(change)
    .where(and(eq(proposalTable.id, id), eq(proposalTable.state, state), eq(proposalTable.step, step)))
    .returning({ id: proposalTable.id });
  return rows.length > 0;
}

export interface ProposalQuery {
  /** undefined: every registry. */
  readonly registries: readonly string[] | undefined;
  readonly kinds: readonly ProposalKind[] | undefined;
  readonly states: readonly ProposalState[] | undefined;
  readonly rid: string | undefined;
  /** Those of this person only. */
  readonly proposer: string | undefined;
  /** Those that this person, in this role, may decide on now. */
  readonly waitsFor: { readonly person: string; readonly role: string; readonly now: number } | undefined;
  readonly after: { readonly createdAt: number; readonly id: string } | undefined;
  readonly newestFirst: boolean;
  readonly limit: number;
}

/** A proposal without what is sealed of it, which may be megabytes; `sealedBytes`: how much that is. */
export type ProposalHead = Omit<StoredProposal, "sealed"> & { readonly sealedBytes: number };

const { sealed, ...headColumns } = getTableColumns(proposalTable);

export async function listProposals(database: Database, query: ProposalQuery): Promise<ProposalHead[]> {
  const { registries, kinds, states, rid, proposer, waitsFor, after, newestFirst, limit } = query;
  const { createdAt, id } = proposalTable;
  const place = sql`(${createdAt}, ${id})`;
  const conditions: (SQL | undefined)[] = [
    registries && inArray(proposalTable.registry, [...registries]),
    kinds && inArray(proposalTable.kind, [...kinds]),
    states && inArray(proposalTable.state, [...states]),
    rid === undefined ? undefined : eq(proposalTable.rid, rid),
    proposer === undefined ? undefined : eq(proposalTable.proposer, proposer),
    waitsFor &&
      and(
        sql`state = 'waiting'`,
        sql`${proposalTable.roles}[${proposalTable.step} + 1] = ${waitsFor.role}`,
        ne(proposalTable.proposer, waitsFor.person),
        sql`not (${waitsFor.person} = any(${proposalTable.approvers}))`,
        sql`${proposalTable.expiresAt} > ${waitsFor.now}`,
      ),
    after &&
      (newestFirst
        ? sql`${place} < (${after.createdAt}, ${after.id})`
        : sql`${place} > (${after.createdAt}, ${after.id})`),
  ];
  const direction = newestFirst ? desc : asc;
  const rows = await database.orm
    .select({ ...headColumns, sealedBytes: sql<number>`octet_length(${sealed})` })
    .from(proposalTable)
    .where(and(...conditions))
    .orderBy(direction(createdAt), direction(id))
    .limit(limit);
  return rows as ProposalHead[];
}

export async function findSealed(database: Database, ids: readonly string[]): Promise<Map<string, Uint8Array>> {
  const rows = await database.orm
    .select({ id: proposalTable.id, sealed })
    .from(proposalTable)
    .where(inArray(proposalTable.id, [...ids]));
  return new Map(rows.map((row) => [row.id, row.sealed]));
}

/** Those whose time is over: nobody decided them, or who proposed them did not take up again what was returned or failed. */
export async function listOverdue(database: Database, now: number, limit: number): Promise<string[]> {
  const rows = await database.orm
    .select({ id: proposalTable.id })
    .from(proposalTable)
    .where(and(lt(proposalTable.expiresAt, now), sql`state in ('waiting', 'returned', 'failed')`))
    .limit(limit);
  return rows.map(({ id }) => id);
}

export async function deleteDecided(database: Database, decidedBefore: number): Promise<void> {
  await database.orm.delete(proposalTable).where(lt(proposalTable.decidedAt, decidedBefore));
}

/** Locks them, so that no decision is made beside this one. */
export async function lockProposals(
  tx: Transaction,
  ids: readonly string[],
): Promise<ReadonlyMap<string, Pick<StoredProposal, "id" | "state" | "step">>> {
  const rows = await tx<Pick<StoredProposal, "id" | "state" | "step">[]>`
    select id, state, step from proposal where id = any(${ids as string[]}) order by id for update`;
  return new Map(rows.map((row) => [row.id, row]));
}

/** `rid`: of the record that was written. */
export async function completeProposals(
  tx: Transaction,
  written: readonly { readonly approved: ApprovedProposal; readonly rid: string | undefined }[],
): Promise<void> {
  for (const { approved, rid } of written) {
    const { id, step, completion } = approved;
    if (completion === undefined) continue;
    const { people, sealed: kept, at } = completion;
    await tx`
      update proposal set state = 'done', step = ${step + 1}, approvers = ${people as string[]}, sealed = ${kept}, decided_at = ${at},
        result_rid = ${rid ?? null}
      where id = ${id}`;
  }
}

/** What was said of these records when they were proposed, and the hashes of requests that may be guessed. */
export async function eraseProposals(tx: Transaction, rids: readonly string[]): Promise<void> {
  const erased = rids as string[];
  await tx`
    update proposal set sealed = ''::bytea, sealed_key = null, request = case when request is null then null else ${ERASED_PROPOSAL} end
    where rid = any(${erased}::uuid[]) or result_rid = any(${erased}::uuid[])`;
}

/** The same, of what was decided about one record in a time, both ends in it (Unix seconds): proposals of a version that is erased. */
export async function eraseProposalsOf(
  tx: Transaction,
  { rid, from, until }: { rid: string; from: number; until: number },
): Promise<void> {
  await tx`
    update proposal set sealed = ''::bytea, sealed_key = null, request = case when request is null then null else ${ERASED_PROPOSAL} end
    where (rid = ${rid} or result_rid = ${rid}) and decided_at between ${from} and ${until}
      and state not in ('waiting', 'returned', 'failed', 'carrying_out')`;
}

/** How many of a person's are open, and how much is kept of them. */
export async function weighOpen(database: Database, proposer: string): Promise<{ count: number; bytes: number }> {
  const [row] = await database.orm
    .select({
      count: sql<number>`count(*)::int`,
      bytes: sql<number>`coalesce(sum(octet_length(${sealed})), 0)::float8`,
    })
    .from(proposalTable)
    .where(and(eq(proposalTable.proposer, proposer), sql`state in ('waiting', 'returned', 'failed', 'carrying_out')`));
  return row!;
}

/** A person's that wait and change a registry as a whole. */
export async function listWhole(
  database: Database,
  { proposer, registry, kind }: Pick<StoredProposal, "proposer" | "registry" | "kind">,
): Promise<StoredProposal[]> {
  const same = [
    eq(proposalTable.proposer, proposer),
    eq(proposalTable.registry, registry),
    eq(proposalTable.kind, kind),
  ];
  const rows = await database.orm
    .select()
    .from(proposalTable)
    .where(and(...same, sql`state = 'waiting'`))
    .limit(PROPOSALS_WHOLE_MAX);
  return rows as StoredProposal[];
}

/** Those whose carrying out began before and did not end: the process stopped, or the database was away. */
export async function listInterrupted(
  database: Database,
  begunBefore: number,
  limit: number,
): Promise<Pick<StoredProposal, "id" | "decidedAt">[]> {
  return database.orm
    .select({ id: proposalTable.id, decidedAt: proposalTable.decidedAt })
    .from(proposalTable)
    .where(and(sql`state = 'carrying_out'`, lt(proposalTable.decidedAt, begunBefore)))
    .limit(limit);
}

/** Takes one up again for this process, unless another has; whether it did. */
export async function claimInterrupted(
  database: Database,
  { id, decidedAt }: Pick<StoredProposal, "id" | "decidedAt">,
  at: number,
): Promise<boolean> {
  const rows = await database.orm
    .update(proposalTable)
    .set({ decidedAt: at })
    .where(
      and(eq(proposalTable.id, id), eq(proposalTable.state, "carrying_out"), eq(proposalTable.decidedAt, decidedAt!)),
    )
    .returning({ id: proposalTable.id });
  return rows.length > 0;
}
