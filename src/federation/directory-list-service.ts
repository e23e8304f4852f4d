// Keeps what is known of superiors' lists up to date: who is on them, and what the superior says of each. Its claims, proven by nobody here.
import { CLOCK_SKEW_SECONDS, DIRECTORY_FULL_LIST_SECONDS } from "../limits.ts";
import type { Database } from "../storage/database.ts";
import type { DirectoryListClient, ListedEntity } from "./directory-list-client.ts";
import type { DirectoryRound, Superior } from "./directory-member-service.ts";
import { describeStatement } from "./directory-proof.ts";
import { type DirectoryLink, findList, removeUnlisted, saveLinks, saveList } from "./directory-store.ts";

interface DescribedLink {
  readonly link: DirectoryLink;
  /** When, by the superior's clock, its statement was made. */
  readonly from: number;
}

function describeLink(superior: string, listed: ListedEntity, round: number): DescribedLink {
  const { entity, state, statement, updated } = listed;
  const described = statement === undefined ? undefined : describeStatement(statement, updated);
  const link: DirectoryLink = {
    superior,
    subordinate: entity,
    state,
    version: described?.version ?? null,
    statement: statement ?? null,
    statementUntil: described?.until ?? 0,
    listedIn: round,
  };
  return { link, from: described?.from ?? 0 };
}

/**
 * Since when to ask for changes next time, by the superior's own clock. Whatever changed unseen changed after the first page was
 * made, so not before its youngest statement; of a list without statements the latest change it tells of must do.
 */
function readHorizon(
  links: readonly DescribedLink[],
  entities: readonly ListedEntity[],
  now: number,
): number | undefined {
  const youngest = Math.max(0, ...links.map(({ from }) => from));
  if (youngest > 0) return Math.min(youngest, now + CLOCK_SKEW_SECONDS);
  const latest = Math.max(0, ...entities.map(({ updated }) => updated ?? 0));
  return latest > 0 ? latest : undefined;
}

/**
 * Reads what changed on one superior's list, or all of it where that was long ago or the superior cannot tell. `isOver` breaks
 * it off; it then begins anew next time. Throws what reading the list throws; what was read until then stays known.
 */
export async function readSubordinates(
  deps: { readonly database: Database; readonly lists: DirectoryListClient; readonly done: DirectoryRound },
  superior: Superior,
  options: { readonly round: number; readonly now: number; readonly isOver: () => Promise<boolean> },
): Promise<void> {
  const { database, lists, done } = deps;
  const { round, now } = options;
  const { entity } = superior;
  const known = await findList(database, entity);
  const isRecent = known !== undefined && known.readAt > now - DIRECTORY_FULL_LIST_SECONDS;
  const changedSince = isRecent ? (known.changedUntil ?? undefined) : undefined;
  let horizon: number | undefined;
  let isFirst = true;
  let isComplete = false;
  for await (const page of lists.readPages(superior.configuration, changedSince)) {
    done.pagesRead++;
    const described = page.entities.map((listed) => describeLink(entity, listed, round));
    if (isFirst) horizon = readHorizon(described, page.entities, now);
    isFirst = false;
    // The last word about a name counts: two rows of one page must not be one row twice.
    const links = new Map(described.map(({ link }) => [link.subordinate, link]));
    await saveLinks(database, [...links.values()]);
    isComplete = page.isComplete;
    if (await options.isOver()) return;
  }
  if (isComplete) await removeUnlisted(database, { superior: entity, round });
  await saveList(database, {
    superior: entity,
    readAt: isComplete || known === undefined ? now : known.readAt,
    changedUntil: horizon ?? known?.changedUntil ?? null,
  });
}
