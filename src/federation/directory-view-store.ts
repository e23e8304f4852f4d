// SQL by which the directory is read: pages, children of one superior, counts. Writes nothing, and gives no statements.
import type { Database } from "../storage/database.ts";
import type { DirectoryState } from "./directory-table.ts";

/** "expired": its chain was valid once, and has ended since. */
export type MemberState = DirectoryState | "expired";

/** One member as it is told of. Times in Unix seconds. */
export interface DirectoryMember {
  readonly entity: string;
  readonly organizationName: string | null;
  readonly superior: string | null;
  readonly path: readonly string[];
  readonly registryTypes: readonly string[];
  /** What it was called before it moved. */
  readonly formerly: readonly string[];
  readonly isSuperior: boolean;
  readonly state: MemberState;
  readonly code: string | null;
  readonly stateSince: number;
  readonly validUntil: number | null;
  readonly checkedAt: number;
}

export interface DirectoryFilter {
  readonly type?: string | undefined;
  readonly state?: MemberState | undefined;
  /** Those found through this superior; null: the anchors. */
  readonly superior?: string | null | undefined;
  /** The one that was called so before it moved. */
  readonly formerly?: string | undefined;
}

/** `now`: Unix seconds. */
function columnsAt(now: number): string {
  // A chain ends by itself: nobody writes that down.
  const isOver = `state = 'valid' and valid_until <= ${Math.trunc(now)}`;
  return `entity, organization_name as "organizationName", superior, path, registry_types as "registryTypes",
    formerly, is_superior as "isSuperior", code, checked_at as "checkedAt", valid_until as "validUntil",
    case when ${isOver} then 'expired' else state end as state,
    case when ${isOver} then valid_until else state_since end as "stateSince"`;
}

/** Those found through each of `superiors`: the first few of each. */
export async function listBelow(
  { sql }: Database,
  { superiors, each, now }: { superiors: readonly string[]; each: number; now: number },
): Promise<DirectoryMember[]> {
  return sql<DirectoryMember[]>`
    select ${sql.unsafe(columnsAt(now))} from (
      select *, row_number() over (partition by superior order by entity) as place
      from directory_entry where superior = any(${[...superiors]}::text[])
    ) as below where place <= ${each} order by entity`;
}

/** At most `limit`, by entity identifier. */
export async function listMembers(
  { sql }: Database,
  query: DirectoryFilter & { readonly after?: string | undefined; readonly limit: number; readonly now: number },
): Promise<DirectoryMember[]> {
  const { type, state, superior, formerly, after, limit, now } = query;
  const stateNow = sql`case when state = 'valid' and valid_until <= ${now} then 'expired' else state end`;
  return sql<DirectoryMember[]>`
    select ${sql.unsafe(columnsAt(now))} from directory_entry
    where true ${after === undefined ? sql`` : sql`and entity > ${after}`}
      ${type === undefined ? sql`` : sql`and ${type} = any(registry_types)`}
      ${state === undefined ? sql`` : sql`and ${stateNow} = ${state}`}
      ${superior === undefined ? sql`` : superior === null ? sql`and superior is null` : sql`and superior = ${superior}`}
      ${formerly === undefined ? sql`` : sql`and ${formerly} = any(formerly)`}
    order by entity limit ${limit}`;
}

export async function findMember(
  { sql }: Database,
  { entity, now }: { entity: string; now: number },
): Promise<DirectoryMember | undefined> {
  const rows = await sql<DirectoryMember[]>`
    select ${sql.unsafe(columnsAt(now))} from directory_entry where entity = ${entity}`;
  return rows[0];
}

export interface DirectoryCounts {
  readonly byState: Readonly<Partial<Record<MemberState, number>>>;
  readonly byType: Readonly<Record<string, number>>;
}

/** How many members there are in each state, and how many valid ones may sign each registry type. */
export async function countMembers({ sql }: Database, { now }: { now: number }): Promise<DirectoryCounts> {
  const [states, types] = await Promise.all([
    sql<{ state: MemberState; count: number }[]>`
      select case when state = 'valid' and valid_until <= ${now} then 'expired' else state end as state, count(*)::int as count
      from directory_entry group by 1 order by 1`,
    sql<{ type: string; count: number }[]>`
      select type, count(*)::int as count from directory_entry, unnest(registry_types) as type
      where state = 'valid' and valid_until > ${now} group by type order by type`,
  ]);
  return {
    byState: Object.fromEntries(states.map(({ state, count }) => [state, count])),
    byType: Object.fromEntries(types.map(({ type, count }) => [type, count])),
  };
}

/** How many were found through each of `superiors`. */
export async function countSubordinates(
  { sql }: Database,
  superiors: readonly string[],
): Promise<ReadonlyMap<string, number>> {
  const rows = await sql<{ superior: string; count: number }[]>`
    select superior, count(*)::int as count from directory_entry where superior = any(${[...superiors]}::text[]) group by superior`;
  return new Map(rows.map(({ superior, count }) => [superior, count]));
}
