// SQL of the subordinates. Knows no rule: what may be accepted is federation-service.ts's to say.
import { and, asc, eq, inArray } from "drizzle-orm";
import type { Database, Transaction } from "../storage/database.ts";
import { runTransaction } from "../storage/transaction.ts";
import { subordinateTable } from "./subordinate-table.ts";

export type StoredSubordinate = typeof subordinateTable.$inferSelect;

export async function findSubordinate(database: Database, entity: string): Promise<StoredSubordinate | undefined> {
  const rows = await database.orm.select().from(subordinateTable).where(eq(subordinateTable.entity, entity));
  return rows[0];
}

/** Those of `entities` that there are. */
export async function readSubordinates(database: Database, entities: readonly string[]): Promise<StoredSubordinate[]> {
  if (entities.length === 0) return [];
  return database.orm
    .select()
    .from(subordinateTable)
    .where(inArray(subordinateTable.entity, [...entities]));
}

/** What a list of subordinates is narrowed to; of `entityTypes`, those that have any. */
export interface SubordinateFilter {
  readonly entityTypes?: readonly string[] | undefined;
  readonly intermediate?: boolean | undefined;
  /** Those that have a trust mark of this node that holds: any, or one of a type. */
  readonly trustMarked?: { readonly type?: string | undefined } | undefined;
}

/** That statements are signed about a row of `subordinate`, and the filter lets it through. `now`: Unix seconds. */
export function conditionOf({ sql }: Database, filter: SubordinateFilter, now: number) {
  const { entityTypes, intermediate, trustMarked } = filter;
  const ofType = trustMarked?.type === undefined ? sql`` : sql`and type = ${trustMarked.type}`;
  return sql`state = 'active'
    ${entityTypes ? sql`and entity_types && ${[...entityTypes]}::text[]` : sql``}
    ${intermediate === undefined ? sql`` : sql`and is_intermediate = ${intermediate}`}
    ${
      trustMarked
        ? sql`and exists (select from trust_mark
            where trust_mark.subject = subordinate.entity and revoked_at is null and expires_at > ${now} ${ofType})`
        : sql``
    }`;
}

/** Entity identifiers of those about whom statements are signed, sorted. */
export async function listActiveSubordinates(
  database: Database,
  filter: SubordinateFilter = {},
  now = 0,
): Promise<string[]> {
  const rows = await database.sql<{ entity: string }[]>`
    select entity from subordinate where ${conditionOf(database, filter, now)} order by entity`;
  return rows.map((row) => row.entity);
}

/** All of them, suspended ones too, by entity identifier. */
export async function listSubordinates(database: Database): Promise<StoredSubordinate[]> {
  return database.orm.select().from(subordinateTable).orderBy(asc(subordinateTable.entity));
}

/** Whether there was one to change. */
export async function changeSubordinateState(
  database: Database,
  change: Pick<StoredSubordinate, "entity" | "state" | "stateReason" | "changedAt">,
): Promise<boolean> {
  const { entity, ...set } = change;
  const rows = await database.orm
    .update(subordinateTable)
    .set(set)
    .where(eq(subordinateTable.entity, entity))
    .returning({ entity: subordinateTable.entity });
  return rows.length > 0;
}

export async function hasSubordinates(database: Database): Promise<boolean> {
  const rows = await database.orm.select({ entity: subordinateTable.entity }).from(subordinateTable).limit(1);
  return rows.length > 0;
}

const COLUMNS = `entity, jwks, registry_types as "registryTypes", max_path_length as "maxPathLength", accepted_at as "acceptedAt",
  changed_at as "changedAt", state, state_reason as "stateReason", entity_types as "entityTypes", is_intermediate as "isIntermediate", formerly`;

/** Held until the transaction ends: what is decided by it is still true when it is written. */
export async function lockSubordinate(tx: Transaction, entity: string): Promise<StoredSubordinate | undefined> {
  const rows = await tx<StoredSubordinate[]>`
    select ${tx.unsafe(COLUMNS)} from subordinate where entity = ${entity} for update`;
  return rows[0];
}

/** The subordinate that was called so before it moved. */
export async function findFormerHolder(tx: Transaction, name: string): Promise<string | undefined> {
  const rows = await tx<{ entity: string }[]>`
    select entity from subordinate where formerly @> ${tx.json([{ entity: name }])} limit 1`;
  return rows[0]?.entity;
}

/** Inserts, or replaces what was stored about the same entity. */
export async function replaceSubordinate(tx: Transaction, row: StoredSubordinate): Promise<void> {
  await tx`delete from subordinate where entity = ${row.entity}`;
  await tx`
    insert into subordinate (entity, jwks, registry_types, max_path_length, accepted_at, changed_at, state, state_reason, entity_types, is_intermediate, formerly)
    values (${row.entity}, ${tx.json(row.jwks as never)}, ${row.registryTypes}, ${row.maxPathLength}, ${row.acceptedAt}, ${row.changedAt}, ${row.state},
      ${row.stateReason}, ${row.entityTypes}, ${row.isIntermediate}, ${row.formerly === null ? null : tx.json(row.formerly as never)})`;
}

/** Takes one away; whether it was there. That it was is remembered, for those who ask what has changed. */
export async function removeSubordinateWithin(
  tx: Transaction,
  { entity, removedAt }: { entity: string; removedAt: number },
): Promise<boolean> {
  const rows = await tx`delete from subordinate where entity = ${entity} returning entity`;
  if (rows.length === 0) return false;
  await tx`
    insert into former_subordinate (entity, removed_at) values (${entity}, ${removedAt})
    on conflict (entity) do update set removed_at = excluded.removed_at`;
  return true;
}

/** As `removeSubordinateWithin`, in a transaction of its own. */
export function deleteSubordinate(
  database: Database,
  removed: { entity: string; removedAt: number },
): Promise<boolean> {
  return runTransaction(database, (tx) => removeSubordinateWithin(tx, removed));
}

/** Replaces the keys, if they still are the known ones. Whether they were. */
export async function changeSubordinateKeys(
  database: Database,
  change: Pick<StoredSubordinate, "jwks" | "changedAt"> & { readonly known: StoredSubordinate },
): Promise<boolean> {
  const { known, jwks, changedAt } = change;
  const rows = await database.orm
    .update(subordinateTable)
    .set({ jwks, changedAt })
    .where(and(eq(subordinateTable.entity, known.entity), eq(subordinateTable.jwks, known.jwks)))
    .returning({ entity: subordinateTable.entity });
  return rows.length > 0;
}
