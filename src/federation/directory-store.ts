// SQL of the directory as it is refreshed. Knows no rule: what is due and what a state means is directory-walk-service.ts's to say.
import type { Database } from "../storage/database.ts";
import type { directoryEntryTable, directoryLinkTable, directoryListTable } from "./directory-table.ts";

export type DirectoryEntry = typeof directoryEntryTable.$inferSelect;
export type DirectoryLink = typeof directoryLinkTable.$inferSelect;
export type DirectoryList = typeof directoryListTable.$inferSelect;

const ENTRY_COLUMNS = `e.entity, e.path, e.superior, e.organization_name as "organizationName", e.registry_types as "registryTypes",
  e.formerly, e.is_superior as "isSuperior", e.state, e.code, e.state_since as "stateSince", e.valid_until as "validUntil",
  e.checked_at as "checkedAt", e.next_try_at as "nextTryAt", e.failures, e.configuration,
  e.configuration_until as "configurationUntil", e.link_version as "linkVersion", e.basis`;

/** The number of the refresh that begins now, or undefined while another process is at it. */
export async function beginRound(
  { sql }: Database,
  { holder, now, heldUntil }: { holder: string; now: number; heldUntil: number },
): Promise<number | undefined> {
  const rows = await sql<{ number: number }[]>`
    insert into directory_round (id, number, holder, held_until) values (1, 1, ${holder}, ${heldUntil})
    on conflict (id) do update set number = directory_round.number + 1, holder = ${holder}, held_until = ${heldUntil}
    where directory_round.held_until <= ${now} returning number`;
  return rows[0]?.number;
}

/** Whether the refresh is still this holder's. */
export async function keepRound(
  { sql }: Database,
  { holder, heldUntil }: { holder: string; heldUntil: number },
): Promise<boolean> {
  const rows = await sql`update directory_round set held_until = ${heldUntil} where holder = ${holder} returning id`;
  return rows.length > 0;
}

/** `finishedAt` is null where it was broken off. */
export async function endRound(
  { sql }: Database,
  { holder, finishedAt }: { holder: string; finishedAt: number | null },
): Promise<void> {
  await sql`
    update directory_round set held_until = 0, finished_at = coalesce(${finishedAt}, finished_at) where holder = ${holder}`;
}

/** Unix seconds; undefined before the first refresh has ended. */
export async function findLastRound({ sql }: Database): Promise<number | undefined> {
  const rows = await sql<{ finishedAt: number | null }[]>`select finished_at as "finishedAt" from directory_round`;
  return rows[0]?.finishedAt ?? undefined;
}

export async function findEntry({ sql }: Database, entity: string): Promise<DirectoryEntry | undefined> {
  const rows = await sql<DirectoryEntry[]>`
    select ${sql.unsafe(ENTRY_COLUMNS)} from directory_entry e where e.entity = ${entity}`;
  return rows[0];
}

export async function countEntries({ sql }: Database): Promise<number> {
  const [row] = await sql<{ count: number }[]>`select count(*)::int as count from directory_entry`;
  return row!.count;
}

export async function saveEntry({ sql }: Database, row: DirectoryEntry): Promise<void> {
  await sql`
    insert into directory_entry (entity, path, superior, organization_name, registry_types, formerly, is_superior, state, code, state_since,
      valid_until, checked_at, next_try_at, failures, configuration, configuration_until, link_version, basis)
    values (${row.entity}, ${[...row.path]}, ${row.superior}, ${row.organizationName}, ${[...row.registryTypes]}, ${[...row.formerly]}, ${row.isSuperior},
      ${row.state}, ${row.code}, ${row.stateSince}, ${row.validUntil}, ${row.checkedAt}, ${row.nextTryAt}, ${row.failures},
      ${row.configuration}, ${row.configurationUntil}, ${row.linkVersion}, ${row.basis})
    on conflict (entity) do update set path = excluded.path, superior = excluded.superior,
      organization_name = excluded.organization_name, registry_types = excluded.registry_types, formerly = excluded.formerly, is_superior = excluded.is_superior,
      state = excluded.state, code = excluded.code, state_since = excluded.state_since, valid_until = excluded.valid_until,
      checked_at = excluded.checked_at, next_try_at = excluded.next_try_at, failures = excluded.failures,
      configuration = excluded.configuration, configuration_until = excluded.configuration_until,
      link_version = excluded.link_version, basis = excluded.basis`;
}

export async function findList({ sql }: Database, superior: string): Promise<DirectoryList | undefined> {
  const rows = await sql<DirectoryList[]>`
    select superior, read_at as "readAt", changed_until as "changedUntil" from directory_list where superior = ${superior}`;
  return rows[0];
}

export async function saveList({ sql }: Database, { superior, readAt, changedUntil }: DirectoryList): Promise<void> {
  await sql`
    insert into directory_list (superior, read_at, changed_until) values (${superior}, ${readAt}, ${changedUntil})
    on conflict (superior) do update set read_at = excluded.read_at, changed_until = excluded.changed_until`;
}

/** Inserts or replaces; where no statement came along, the one that is held stays. */
export async function saveLinks({ sql }: Database, links: readonly DirectoryLink[]): Promise<void> {
  if (links.length === 0) return;
  const column = <Value>(read: (link: DirectoryLink) => Value): Value[] => links.map(read);
  await sql`
    insert into directory_link (superior, subordinate, state, version, statement, statement_until, listed_in)
    select * from unnest(${column((link) => link.superior)}::text[], ${column((link) => link.subordinate)}::text[],
      ${column((link) => link.state)}::text[], ${column((link) => link.version)}::text[], ${column((link) => link.statement)}::text[],
      ${column((link) => link.statementUntil)}::int8[], ${column((link) => link.listedIn)}::int4[])
    on conflict (superior, subordinate) do update set state = excluded.state, listed_in = excluded.listed_in,
      version = coalesce(excluded.version, directory_link.version),
      statement = coalesce(excluded.statement, directory_link.statement),
      statement_until = case when excluded.statement is null then directory_link.statement_until else excluded.statement_until end`;
}

/** Those that a list read from beginning to end no longer names. */
export async function removeUnlisted(
  { sql }: Database,
  { superior, round }: { superior: string; round: number },
): Promise<void> {
  await sql`
    update directory_link set state = 'removed' where superior = ${superior} and state = 'active' and listed_in < ${round}`;
}

/** One whom a superior lists, with what is known of it; `entry` is undefined where nothing is. */
export interface ListedMember {
  readonly link: DirectoryLink;
  readonly entry: DirectoryEntry | undefined;
}

export interface DueQuery {
  readonly superior: string;
  /** How many entities stand above its subordinates. */
  readonly depth: number;
  readonly basis: string;
  /** Superiors that this refresh has passed. */
  readonly walked: readonly string[];
  readonly after: string;
  readonly limit: number;
  readonly now: number;
  /** Whose chain ends before this is due. */
  readonly renewBefore: number;
}

/** Subordinates that must be looked at: new, changed, about to expire, failed before; and those that are superiors themselves. */
export async function listDue({ sql }: Database, query: DueQuery): Promise<ListedMember[]> {
  const { superior, depth, basis, walked, after, limit, now, renewBefore } = query;
  const rows = await sql<(DirectoryEntry & { link: DirectoryLink; isKnown: boolean })[]>`
    select ${sql.unsafe(ENTRY_COLUMNS)}, e.entity is not null as "isKnown",
      json_build_object('superior', l.superior, 'subordinate', l.subordinate, 'state', l.state, 'version', l.version,
        'statement', l.statement, 'statementUntil', l.statement_until, 'listedIn', l.listed_in) as link
    from directory_link l left join directory_entry e on e.entity = l.subordinate
    where l.superior = ${superior} and l.state = 'active' and l.subordinate > ${after}
      and (e.entity is null
        or (e.is_superior and (e.state = 'valid' or e.next_try_at <= ${now}))
        or not (e.superior = ${superior} and e.basis = ${basis} and e.link_version is not distinct from l.version
          and ((e.state = 'valid' and e.valid_until > ${renewBefore})
            or (e.state in ('unreachable', 'refused') and e.next_try_at > ${now}))))
      -- Whoever stands by another superior, no deeper than here, is that one's to look at.
      and not coalesce(e.state = 'valid' and e.valid_until > ${now} and e.superior <> ${superior} and cardinality(e.path) <= ${depth}
        and e.superior = any(${[...walked]}::text[])
        and exists (select from directory_link o where o.superior = e.superior and o.subordinate = e.entity and o.state = 'active'), false)
    order by l.subordinate limit ${limit}`;
  return rows.map(({ link, isKnown, ...entry }) => ({ link, entry: isKnown ? entry : undefined }));
}

/**
 * Those to whom no list leads down from `roots` any more: suspended or removed where their own superior says so, refused with
 * `chain_not_found` where it is a superior of theirs that is gone. Their number.
 */
export async function markGone(
  { sql }: Database,
  { roots, now }: { roots: readonly string[]; now: number },
): Promise<number> {
  const rows = await sql`
    with recursive reachable(entity) as (
      select unnest(${[...roots]}::text[])
      union
      select l.subordinate from reachable r
        join directory_entry e on e.entity = r.entity and e.state in ('valid', 'unreachable')
        join directory_link l on l.superior = r.entity and l.state = 'active'
    ), gone as (
      select e.entity, case
        when exists (select from directory_link l where l.subordinate = e.entity and l.state = 'active') then 'refused'
        when exists (select from directory_link l where l.subordinate = e.entity and l.state = 'suspended') then 'suspended'
        else 'removed' end as state
      from directory_entry e where not exists (select from reachable r where r.entity = e.entity)
    )
    update directory_entry e set state = gone.state, state_since = ${now}, checked_at = ${now}, registry_types = '{}',
      code = case when gone.state = 'refused' then 'chain_not_found' end, basis = null, link_version = null, next_try_at = 0
    from gone where gone.entity = e.entity
      and (e.state <> gone.state or (gone.state = 'refused' and e.code is distinct from 'chain_not_found'))
    returning e.entity`;
  return rows.length;
}

/** Forgets those that have been gone since before `before`, and all lists of them and about them. */
export async function forgetGone({ sql }: Database, { before }: { before: number }): Promise<void> {
  await sql.begin(async (tx) => {
    const gone = await tx<{ entity: string }[]>`
      delete from directory_entry where state in ('suspended', 'removed') and state_since < ${before} returning entity`;
    const entities = gone.map((row) => row.entity);
    await tx`delete from directory_link where superior = any(${entities}::text[]) or (subordinate = any(${entities}::text[]) and state <> 'active')`;
    await tx`delete from directory_list where superior = any(${entities}::text[])`;
  });
}
