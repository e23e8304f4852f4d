// SQL of proposals. Knows no rule.
import { and, asc, desc, eq, getTableColumns, inArray, lt, ne, type SQL, sql } from "drizzle-orm";
import type { ApprovedProposal } from "../identity/caller.ts";
import type { Database, Transaction } from "../storage/database.ts";
import type { ProposalKind, ProposalState } from "./proposal.ts";
import { proposalTable } from "./proposal-table.ts";

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

export async function findProposalByDigest(database: Database, digest: string): Promise<StoredProposal | undefined> {
  const rows = await database.orm.select().from(proposalTable).where(eq(proposalTable.digest, digest));
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
        eq(proposalTable.state, "waiting"),
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
export async function listOverdue(database: Database, now: number, limit: number): Promise<StoredProposal[]> {
  const rows = await database.orm
    .select()
    .from(proposalTable)
    .where(and(lt(proposalTable.expiresAt, now), inArray(proposalTable.state, ["waiting", "returned", "failed"])))
    .limit(limit);
  return rows as StoredProposal[];
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

export async function completeProposals(tx: Transaction, approved: readonly ApprovedProposal[]): Promise<void> {
  for (const { id, step, completion } of approved) {
    if (completion === undefined) continue;
    const { people, sealed, at } = completion;
    await tx`
      update proposal set state = 'done', step = ${step + 1}, approvers = ${people as string[]}, sealed = ${sealed}, decided_at = ${at}
      where id = ${id}`;
  }
}

export async function countWaiting(database: Database, proposer: string): Promise<number> {
  return database.orm.$count(
    proposalTable,
    and(eq(proposalTable.proposer, proposer), inArray(proposalTable.state, ["waiting", "carrying_out"])),
  );
}

/** Those whose carrying out began before and did not end: the process stopped, or the database was away. */
export async function listInterrupted(
  database: Database,
  begunBefore: number,
  limit: number,
): Promise<StoredProposal[]> {
  const rows = await database.orm
    .select()
    .from(proposalTable)
    .where(and(eq(proposalTable.state, "carrying_out"), lt(proposalTable.decidedAt, begunBefore)))
    .limit(limit);
  return rows as StoredProposal[];
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
