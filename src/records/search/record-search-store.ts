// SQL of searches: which records meet conditions, in which order, page by page. Knows no rule; what is asked comes checked from record-query.ts.
import { everyDigest, type KeyedDigest } from "../../crypto/key-generations.ts";
import { SEARCH_COUNT_MAX, SEARCH_STAGES } from "../../limits.ts";
import type { Database, Sql } from "../../storage/database.ts";
import type { JurisdictionMark } from "../record-sight.ts";
import { type FlatRow, joinVersions, type RecordRow, rowColumns, toRow } from "../record-store.ts";
import { isRid } from "../record-url.ts";
import { OPEN_VERSION } from "./index-write-store.ts";
import { FORMER_KEY_FIELD, STATE_STATISTIC } from "./record-index.ts";
import { type Condition, isMany, type RecordQuery } from "./record-query.ts";
import type { SearchPosition } from "./search-cursor.ts";
import type { ValueTest } from "./value-test.ts";

type Fragment = ReturnType<typeof joinVersions>;

/** A search as far as SQL goes. `among`: only these records, by rid; undefined: all of the registry. */
export interface SearchPlan {
  readonly registry: string;
  readonly query: RecordQuery;
  readonly among: readonly string[] | undefined;
  /** Marks that every record found must have now, whatever time is asked for. */
  readonly within?: readonly JurisdictionMark[] | undefined;
}

/** A row, and where it stands in the order of the search. */
export interface FoundRow {
  readonly row: RecordRow;
  readonly position: SearchPosition;
}

/** What the rows of a search are taken from: those of a condition, or of the records in a state. */
type Driver = { readonly condition: Condition } | { readonly state: string };

interface Part {
  readonly after: SearchPosition | undefined;
  readonly limit: number;
  /** Among the records that lack the field that is sorted by, in the order of recording. */
  readonly lacking: boolean;
}

/** `count`: of its rows; more than was counted to is infinitely many. */
interface Rarest {
  readonly driver: Driver;
  readonly count: number;
}

/** Where a page's rows are looked for: rows of `first_index` and, in the order asked for, `value`. */
interface Source {
  readonly rows: Fragment;
  /** Conditions that all of these rows meet. */
  readonly met: readonly (Condition | string)[];
  /** Whether the rows come in the order asked for, after the cursor. */
  readonly isOrdered: boolean;
  /** The condition whose rows they are. */
  readonly driven?: Condition | undefined;
  /** Whether they tell the value that is sorted by. */
  readonly hasValue?: true;
}

/** What a walk has found, and after which position it goes on, unless it is done: the page is full, or nothing is left to look at. */
interface Walked {
  readonly found: readonly FoundRow[];
  readonly after: SearchPosition | undefined;
  readonly isDone: boolean;
}

/** Asks through a pool that bounds the time that a statement takes. */
export function createSearchQueries(sql: Sql, plan: SearchPlan, stages = SEARCH_STAGES) {
  const rarestUpTo = new Map<number, Promise<Rarest | undefined>>();
  const { registry, among, query, within = [] } = plan;
  const { conditions, state, at, sort } = query;
  const order = sort.descending ? sql`desc` : sql`asc`;

  /**
   * One page after `after`, of at most `limit` rows.
   *
   * Two ways lead to it: gather the matches of the rarest condition and sort them, or walk in the order asked for and look at each
   * record until the page is full. Few matches are gathered; of many, a page is full soon when walking. As matches may stand far
   * down the order, a walk gives up after the last window of the last stage, and they are gathered after all.
   */
  async function findPage(page: { after: SearchPosition | undefined; limit: number }): Promise<FoundRow[]> {
    const { field } = sort;
    const isPastField = field !== undefined && page.after !== undefined && page.after.value === undefined;
    const found = isPastField ? [] : await findPart({ ...page, lacking: false });
    // Who lacks the field that is sorted by comes last; where it is a condition, nobody who is found lacks it.
    if (field === undefined || found.length === page.limit || conditions.some((one) => one.field === field))
      return found;
    const after = isPastField ? page.after : undefined;
    const rest = await findPart({ after, limit: page.limit - found.length, lacking: true });
    return [...found, ...rest];
  }

  async function findPart(part: Part): Promise<FoundRow[]> {
    if (among !== undefined) return readPage(part, gatherSource(undefined));
    const source = walkSource(part);
    // A walk that meets nothing but matches needs no end.
    if (isAllMet(source) && !part.lacking) return readPage(part, source);
    let walked: Walked = { found: [], after: part.after, isDone: false };
    for (const { gathered, windows } of stages) {
      const rarest = await findRarest(gathered);
      // To walk through the rarest condition itself costs less than to gather it.
      const isOwn = rarest && "condition" in rarest.driver && rarest.driver.condition === source.driven;
      if (rarest && rarest.count <= gathered && !isOwn) return readPage(part, gatherSource(rarest.driver));
      walked = await walk({ ...part, after: walked.after }, { windows, found: walked.found });
      if (walked.isDone) return [...walked.found];
    }
    const rarest = await findRarest(stages.at(-1)!.gathered);
    return readPage(part, gatherSource(rarest?.driver));
  }

  /**
   * Looks at rows in the order asked for, in windows that grow: of a small window PostgreSQL looks up each row, whatever it believes
   * of the conditions. A window is bounded by where it ends, not by a number of rows, so that none is lost or met twice between two
   * windows while others write.
   */
  async function walk(part: Part, begun: { windows: readonly number[]; found: readonly FoundRow[] }): Promise<Walked> {
    const found = [...begun.found];
    let { after } = part;
    for (const rows of begun.windows) {
      const { rows: ahead, hasValue } = walkSource({ ...part, after });
      const [upTo] = await sql<{ value: string | null; firstIndex: number }[]>`
        select ${hasValue ? sql`value` : sql`null::text as value`}, first_index as "firstIndex" from (${ahead}) w offset ${rows - 1} limit 1`;
      const end = upTo && { value: upTo.value ?? undefined, firstIndex: upTo.firstIndex };
      const limit = part.limit - found.length;
      found.push(...(await readPage({ ...part, limit }, walkSource({ ...part, after, end }))));
      if (found.length === part.limit || end === undefined) return { found, after, isDone: true };
      after = end;
    }
    return { found, after, isDone: false };
  }

  /** Whether nothing is left to be looked at in the rows of a source. */
  function isAllMet({ met }: Source): boolean {
    return (
      !at &&
      within.length === 0 &&
      conditions.every((one) => met.includes(one)) &&
      (state === undefined || met.includes(state))
    );
  }

  /** The condition with the fewest rows, counted up to `most`; undefined without any. */
  function findRarest(most: number): Promise<Rarest | undefined> {
    const known = rarestUpTo.get(most) ?? countRarest(most);
    rarestUpTo.set(most, known);
    return known;
  }

  async function countRarest(most: number): Promise<Rarest | undefined> {
    const drivers: Driver[] = conditions.map((condition) => ({ condition }));
    if (state !== undefined && state !== "active" && !at) drivers.push({ state });
    const [first] = drivers;
    if (among !== undefined || first === undefined) return undefined;
    // The only condition, walked in its own order, gives nothing but matches.
    if (drivers.length === 1 && isAllMet(walkSource({ lacking: false, after: undefined })))
      return { driver: first, count: Number.POSITIVE_INFINITY };
    const counts = drivers.map(async (driver) => {
      // Rows, not records: that a record has several of them only makes the condition look less rare.
      const { rows } = gatherSource(driver, { isOnce: false });
      const [row] = await sql<{ count: number }[]>`
        select count(*)::int as count from (select 1 from (${rows}) every limit ${most + 1}) bounded`;
      return { driver, count: row!.count > most ? Number.POSITIVE_INFINITY : row!.count };
    });
    return (await Promise.all(counts)).reduce((a, b) => (b.count < a.count ? b : a));
  }

  /** All rows of a driver, each record once, in no order. */
  function gatherSource(driver: Driver | undefined, { isOnce } = { isOnce: true }): Source {
    if (among !== undefined)
      return {
        rows: sql`select first_index from record where rid = any(${among as string[]}::uuid[])`,
        met: [],
        isOrdered: false,
      };
    if (driver === undefined)
      return {
        rows: sql`select first_index from record where registry = ${registry} and state <> 'erased'`,
        met: [],
        isOrdered: false,
      };
    if ("state" in driver) {
      const rows = sql`select first_index from record where registry = ${registry} and state = ${driver.state}`;
      return { rows, met: [driver.state], isOrdered: false };
    }
    const { condition } = driver;
    // A record may have several values, or have had the value in several versions.
    const distinct = isOnce && (isMany(condition.field) || at) ? sql`distinct` : sql``;
    const rows = sql`
      select ${distinct} w.first_index from record_search w where ${ofField("w", condition)} ${at ? sql`` : sql`and ${holds("w")}`}`;
    return { rows, met: at ? [] : [condition], isOrdered: false };
  }

  /** Rows in the order asked for, as an index gives them. */
  function walkSource({
    lacking,
    after,
    end,
  }: Pick<Part, "lacking" | "after"> & { end?: SearchPosition | undefined }): Source {
    const { field } = sort;
    if (field && !lacking) {
      const own = conditions.find((one) => one.field === field);
      const rows = sql`
        select w.first_index, w.value, w.since, w.until from record_search w
        where ${own ? ofField("w", own) : ofName("w", field.name)} ${at ? sql`` : sql`and ${holds("w")}`}
          ${between(after, end, { value: sql`w.value`, index: sql`w.first_index` })} order by w.value ${order}, w.first_index ${order}`;
      return { rows, met: own && !at ? [own] : [], driven: own, isOrdered: true, hasValue: true };
    }
    const walked = between(after, end, { index: sql`w.first_index`, isAscending: lacking });
    const equal = at || lacking ? undefined : conditions.find(({ test }) => test.kind === "equal");
    if (equal) {
      const rows = sql`
        select w.first_index from record_search w where ${ofField("w", equal)} and ${holds("w")} ${walked} order by w.first_index ${order}`;
      return { rows, met: [equal], isOrdered: true };
    }
    const inState = state !== undefined && state !== "active" && !at;
    const rows = sql`
      select w.first_index from record w where w.registry = ${registry} and w.state <> 'erased' ${inState ? sql`and w.state = ${state}` : sql``}
        ${walked} order by w.first_index ${lacking ? sql`asc` : order}`;
    return { rows, met: inState ? [state] : [], isOrdered: true };
  }

  /** The records of a source that meet all conditions, with what a view of them needs. */
  async function readPage({ after, limit, lacking }: Part, source: Source): Promise<FoundRow[]> {
    const { field } = sort;
    const sorted = lacking ? undefined : field;
    const direction = lacking ? sql`asc` : order;
    const value = sorted ? (source.hasValue ? sql`c.value` : sql`o.value`) : undefined;
    const joined =
      sorted && !source.hasValue ? sql`join record_search o on ${ofRecord("o", sorted.name)} and ${holds("o")}` : sql``;
    const current = source.hasValue && at ? sql`and ${holds("c")}` : sql``;
    const lacks =
      lacking && field
        ? sql`and not exists (select 1 from record_search l where ${ofRecord("l", field.name)} and ${holds("l")})`
        : sql``;
    const ahead = source.isOrdered
      ? sql``
      : between(after, undefined, { ...(value && { value }), index: sql`c.first_index`, isAscending: lacking });
    const rows = await sql<(FlatRow & { sortValue: string | null })[]>`
      with page as materialized (
        select c.first_index, ${value ?? sql`null::text`} as sort_value from (${source.rows}) c ${withRecord()} ${joined}
        where ${meets(source.met, { isWalked: source.isOrdered })} ${current} ${lacks} ${ahead}
        order by ${value ? sql`${value} ${direction},` : sql``} c.first_index ${direction} limit ${limit}
      )
      select ${rowColumns(sql)}, page.sort_value as "sortValue"
      from page join record r on r.registry = ${registry} and r.first_index = page.first_index ${joinVersions(sql, at)}
      order by ${value ? sql`page.sort_value collate "C" ${direction},` : sql``} page.first_index ${direction}`;
    return rows.map(({ sortValue, ...flat }) => ({
      row: toRow(flat, at),
      position: { value: sortValue ?? undefined, firstIndex: flat.firstIndex },
    }));
  }

  /** How many records are found, up to SEARCH_COUNT_MAX + 1. */
  async function countMatches(): Promise<number> {
    const source = gatherSource((await findRarest(SEARCH_COUNT_MAX))?.driver);
    const [row] = await sql<{ count: number }[]>`
      select count(*)::int as count from (
        select 1 from (${source.rows}) c ${withRecord()} where ${meets(source.met)} limit ${SEARCH_COUNT_MAX + 1}) bounded`;
    return row!.count;
  }

  /** The record of a row, where its state or a version of it must be known: rows of the index are of records that are there. */
  function withRecord(): Fragment {
    if (state === undefined && !at) return sql``;
    return sql`join record r on r.registry = ${registry} and r.first_index = c.first_index ${at ? joinVersions(sql, at, state !== undefined) : sql``}`;
  }

  /** `isWalked`: each record is looked up (a subquery with an offset is not joined), however few PostgreSQL believes to meet a condition. */
  function meets(met: Source["met"], { isWalked = false } = {}): Fragment {
    const tests = conditions
      .filter((condition) => !met.includes(condition))
      .map(
        (condition) => sql`and exists (
          select 1 from record_search t where ${ofRecord("t", condition.field.name)} and ${compares(sql`t.value`, condition.test)} and ${holds("t")}
          ${isWalked ? sql`offset 0` : sql``})`,
      );
    const inState =
      state === undefined ? sql`` : at ? sql`and coalesce(s.state, 'active') = ${state}` : sql`and r.state = ${state}`;
    return [...tests, ...within.map(isWithin)].reduce((all, test) => sql`${all} ${test}`, sql`true ${inState}`);
  }

  function isWithin({ field, values }: JurisdictionMark): Fragment {
    return sql`and exists (
      select 1 from record_search j where ${ofRecord("j", field)} and j.value = any(${values as string[]}) and j.until = ${OPEN_VERSION} offset 0)`;
  }

  /** Whether a row is of the version that is asked for. */
  function holds(alias: string): Fragment {
    const row = sql(alias);
    return at ? sql`${row}.since <= v.version and ${row}.until > v.version` : sql`${row}.until = ${OPEN_VERSION}`;
  }

  function ofName(alias: string, field: string): Fragment {
    return sql`${sql(alias)}.registry = ${registry} and ${sql(alias)}.field = ${field}`;
  }

  /** Rows of the record `c`: its first index is its own among all registries, so theirs need not be asked for. */
  function ofRecord(alias: string, field: string): Fragment {
    return sql`${sql(alias)}.first_index = c.first_index and ${sql(alias)}.field = ${field}`;
  }

  function ofField(alias: string, { field, test }: Condition): Fragment {
    return sql`${ofName(alias, field.name)} and ${compares(sql`${sql(alias)}.value`, test)}`;
  }

  function compares(value: Fragment, test: ValueTest): Fragment {
    if (test.kind === "equal")
      return test.formerly === undefined
        ? sql`${value} = ${test.value}`
        : sql`${value} = any(${[test.value, test.formerly]})`;
    const { from, until } = test;
    const above = from ? (from.inclusive ? sql`${value} >= ${from.value}` : sql`${value} > ${from.value}`) : undefined;
    const below = until
      ? until.inclusive
        ? sql`${value} <= ${until.value}`
        : sql`${value} < ${until.value}`
      : undefined;
    return above && below ? sql`${above} and ${below}` : (above ?? below ?? sql`true`);
  }

  /** Keyset conditions: what comes after a position, and up to another, by value and then by the order of recording. */
  function between(
    after: SearchPosition | undefined,
    end: SearchPosition | undefined,
    { value, index, isAscending = false }: { value?: Fragment; index: Fragment; isAscending?: boolean },
  ): Fragment {
    const later = sort.descending && !isAscending ? sql`<` : sql`>`;
    const earlier = sort.descending && !isAscending ? sql`>` : sql`<`;
    const bound = (position: SearchPosition | undefined, side: Fragment, inclusive: Fragment): Fragment => {
      if (position === undefined) return sql``;
      const own = sql`${index} ${side}${inclusive} ${position.firstIndex}`;
      if (value === undefined || position.value === undefined) return sql`and ${own}`;
      return sql`and ${value} ${side}= ${position.value} and (${value} ${side} ${position.value} or ${own})`;
    };
    return sql`${bound(after, later, sql``)} ${bound(end, earlier, sql`=`)}`;
  }

  return { findPage, countMatches };
}

/** The records that hold a key, or ever held it where `everHeld`, by rid. */
export async function findHolders(
  database: Database,
  options: { registry: string; key: KeyedDigest; everHeld: boolean },
): Promise<string[]> {
  const { registry, key, everHeld } = options;
  const digests = everyDigest(key);
  const { sql } = database;
  const former = everHeld
    ? sql`union select r.rid from record_search w join record r on r.registry = w.registry and r.first_index = w.first_index
        where w.registry = ${registry} and w.field = ${FORMER_KEY_FIELD} and w.value = any(${digests})`
    : sql``;
  const rows = await sql<{ rid: string }[]>`select rid from record_key where digest = any(${digests}) ${former}`;
  return rows.map((row) => row.rid);
}

/** Whether the record `r` has a mark now. */
export function hasMark(sql: Sql, { field, values }: JurisdictionMark) {
  return sql`exists (
    select 1 from record_search j where j.first_index = r.first_index and j.field = ${field}
      and j.value = any(${values as string[]}) and j.until = ${OPEN_VERSION})`;
}

/** Of these records those that have all marks now. */
export async function findMarkedRecords(
  database: Database,
  options: { registry: string; rids: readonly string[]; marks: readonly JurisdictionMark[] },
): Promise<ReadonlySet<string>> {
  const { registry, rids, marks } = options;
  const known = rids.filter(isRid);
  if (known.length === 0) return new Set();
  const { sql } = database;
  const tests = marks.map((mark) => sql`and ${hasMark(sql, mark)}`);
  const rows = await sql<{ rid: string }[]>`
    select r.rid from record r where r.registry = ${registry} and r.rid = any(${known}::uuid[])
      ${tests.reduce((all, test) => sql`${all} ${test}`, sql``)}`;
  return new Set(rows.map(({ rid }) => rid));
}

/** How many records of a registry are in a state, or in all but erased. */
export async function countInState(
  database: Database,
  options: { registry: string; state: string | undefined },
): Promise<number> {
  const { registry, state } = options;
  const { sql } = database;
  const [row] = await sql<{ count: number }[]>`
    select coalesce(sum(count), 0)::int8 as count from record_statistic
    where registry = ${registry} and name = ${STATE_STATISTIC} and cell <> 'erased' ${state === undefined ? sql`` : sql`and cell = ${state}`}`;
  return row!.count;
}
