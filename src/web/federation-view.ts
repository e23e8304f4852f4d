// What the page of the federation shows, gathered from the directory: a tree from the anchors or from one superior down, or a list. Asks nobody else.
import type { DirectoryService, DirectorySummary } from "../federation/directory-service.ts";
import type { DirectoryMember, MemberState } from "../federation/directory-view-store.ts";
import { PAGE_DIRECTORY_BELOW, PAGE_DIRECTORY_MEMBERS } from "../limits.ts";

export const MEMBER_STATES = ["valid", "expired", "unreachable", "refused", "suspended", "removed"] as const;

export interface MemberNode {
  readonly member: DirectoryMember;
  /** How many there are below it, and those of them that are shown here. */
  readonly count: number;
  readonly below: readonly MemberNode[];
}

/** What the address asks for. */
export interface FederationQuery {
  readonly type: string | undefined;
  readonly state: MemberState | undefined;
  /** Entity identifier of the superior at the top. */
  readonly below: string | undefined;
  readonly cursor: string | undefined;
}

export interface FederationView {
  readonly query: FederationQuery;
  readonly summary: DirectorySummary;
  /** The superior at the top, if one was asked for and is known. */
  readonly top: DirectoryMember | undefined;
  readonly nodes: readonly MemberNode[];
  /** The members as a list, where the query is for a type or a state. */
  readonly isList: boolean;
  readonly next: string | undefined;
}

type Directory = Pick<DirectoryService, "list" | "find" | "listBelow" | "countSubordinates" | "summarize">;

/** `values`: the parameters of the address, untrusted; what cannot be is left out. */
export function readFederationQuery(values: Readonly<Record<string, string>>): FederationQuery {
  const isName = (text: string | undefined): boolean => text !== undefined && /^[\x21-\x7e]{1,1024}$/.test(text);
  const type = values.type?.trim().slice(0, 200).replaceAll("\0", "");
  return {
    type: type === "" ? undefined : type,
    state: MEMBER_STATES.find((state) => state === values.state),
    below: isName(values.below) ? values.below : undefined,
    cursor: isName(values.cursor) ? values.cursor : undefined,
  };
}

/** Level by level, as long as there is room for a few below each superior of a level. */
async function growTree(directory: Directory, members: readonly DirectoryMember[]): Promise<MemberNode[]> {
  const levels: DirectoryMember[][] = [[...members]];
  const seen = new Set(members.map(({ entity }) => entity));
  for (let room = PAGE_DIRECTORY_BELOW; ; ) {
    const superiors = levels.at(-1)!.flatMap(({ entity, isSuperior }) => (isSuperior ? [entity] : []));
    const each = superiors.length === 0 ? 0 : Math.floor(room / superiors.length);
    if (each < 3) break;
    const level = (await directory.listBelow(superiors, each)).filter(({ entity }) => !seen.has(entity));
    if (level.length === 0) break;
    for (const { entity } of level) seen.add(entity);
    room -= level.length;
    levels.push(level);
  }
  const shown = levels.flat();
  const counts = await directory.countSubordinates(shown.map(({ entity }) => entity));
  const bySuperior = new Map<string, DirectoryMember[]>();
  for (const member of levels.slice(1).flat())
    bySuperior.set(member.superior!, [...(bySuperior.get(member.superior!) ?? []), member]);
  const grow = (member: DirectoryMember): MemberNode => ({
    member,
    count: counts.get(member.entity) ?? 0,
    below: (bySuperior.get(member.entity) ?? []).map(grow),
  });
  return members.map(grow);
}

/** Throws what the directory throws. */
export async function loadFederationView(directory: Directory, query: FederationQuery): Promise<FederationView> {
  const { type, state, below, cursor } = query;
  const isList = type !== undefined || state !== undefined;
  const filter = isList ? { type, state } : { superior: below ?? null };
  const [summary, page, top] = await Promise.all([
    directory.summarize(),
    directory.list({ ...filter, cursor, limit: PAGE_DIRECTORY_MEMBERS }),
    below === undefined ? undefined : directory.find(below),
  ]);
  const nodes = isList
    ? page.members.map((member) => ({ member, count: 0, below: [] }))
    : await growTree(directory, page.members);
  return { query, summary, top, nodes, isList, next: page.next };
}
