// Keeps what is known of superiors' lists up to date: who is on them, and what the superior says of each. Its claims, proven by nobody here.
import { DIRECTORY_FULL_LIST_SECONDS } from "../limits.ts";
import type { Database } from "../storage/database.ts";
import type { DirectoryListClient, ListedEntity } from "./directory-list-client.ts";
import type { DirectoryRound, Superior } from "./directory-member-service.ts";
import { describeStatement } from "./directory-proof.ts";
import { type DirectoryLink, findList, removeUnlisted, saveLinks, saveList } from "./directory-store.ts";

function linkOf(superior: string, listed: ListedEntity, round: number): DirectoryLink {
  const { entity, state, statement, updated } = listed;
  const described = statement === undefined ? undefined : describeStatement(statement, updated);
  return {
    superior,
    subordinate: entity,
    state,
    version: described?.version ?? null,
    statement: statement ?? null,
    statementUntil: described?.until ?? 0,
    listedIn: round,
  };
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
  let changedUntil = known?.changedUntil ?? null;
  let isComplete = false;
  for await (const page of lists.readPages(superior.configuration, changedSince)) {
    done.pagesRead++;
    // The last word about a name counts: two rows of one page must not be one row twice.
    const links = new Map(page.entities.map((listed) => [listed.entity, linkOf(entity, listed, round)]));
    await saveLinks(database, [...links.values()]);
    for (const { updated } of page.entities)
      if (updated !== undefined) changedUntil = Math.max(changedUntil ?? 0, updated);
    isComplete = page.isComplete;
    if (await options.isOver()) return;
  }
  if (isComplete) await removeUnlisted(database, { superior: entity, round });
  await saveList(database, {
    superior: entity,
    readAt: isComplete || known === undefined ? now : known.readAt,
    changedUntil,
  });
}
