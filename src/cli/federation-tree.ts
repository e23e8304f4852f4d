// `attestry federation tree`: prints the directory of the federation as a tree. Asks others only with --refresh.
import type { Command } from "commander";
import type { DirectoryService } from "../federation/directory-service.ts";
import type { DirectoryMember } from "../federation/directory-view-store.ts";
import { PAGE_SIZE_MAX } from "../limits.ts";
import { type NodeOptions, nodeCommand, withNode } from "./federation-node.ts";
import { EXIT, formatCount, printable, printResult } from "./terminal.ts";

interface TreeOptions extends NodeOptions {
  readonly type?: string;
  readonly refresh?: boolean;
}

function formatTime(seconds: number): string {
  return `${new Date(seconds * 1_000).toISOString().slice(0, 16).replace("T", " ")} UTC`;
}

async function listAll(directory: DirectoryService): Promise<DirectoryMember[]> {
  const all: DirectoryMember[] = [];
  for (let cursor: string | undefined; ; ) {
    const { members, next } = await directory.list({ cursor, limit: PAGE_SIZE_MAX });
    all.push(...members);
    if (next === undefined) return all;
    cursor = next;
  }
}

function describeState({ state, code, stateSince, validUntil }: DirectoryMember): string {
  if (state === "valid" && validUntil !== null) return `valid until ${formatTime(validUntil)}`;
  return `${state} since ${formatTime(stateSince)}${code === null ? "" : ` (${code})`}`;
}

function describeTypes({ registryTypes, isSuperior }: DirectoryMember): string {
  if (registryTypes.length > 0) return `may sign ${registryTypes.join(", ")}`;
  return isSuperior ? "vouches for others" : "may sign nothing";
}

function nameOf({ organizationName, entity }: DirectoryMember): string {
  return printable(organizationName === null ? entity : `${organizationName}  ${entity}`).replaceAll("\n", " ");
}

/** Members that may sign `type`, and those above them. */
function narrow(members: readonly DirectoryMember[], type: string | undefined): DirectoryMember[] {
  if (type === undefined) return [...members];
  const chosen = members.filter(({ registryTypes }) => registryTypes.includes(type));
  const shown = new Set(chosen.flatMap(({ entity, path }) => [entity, ...path]));
  return members.filter(({ entity }) => shown.has(entity));
}

/** One line for each member, below its superior. Whose superior is not known stands at the margin. */
export function drawTree(members: readonly DirectoryMember[]): string[] {
  const known = new Set(members.map(({ entity }) => entity));
  const below = new Map<string | undefined, DirectoryMember[]>();
  for (const member of members) {
    const superior = member.superior !== null && known.has(member.superior) ? member.superior : undefined;
    const siblings = below.get(superior) ?? [];
    siblings.push(member);
    below.set(superior, siblings);
  }
  const lines: string[] = [];
  const draw = (superior: string | undefined, indent: string): void => {
    const siblings = (below.get(superior) ?? []).sort((a, b) => (nameOf(a) < nameOf(b) ? -1 : 1));
    siblings.forEach((member, j) => {
      const isLast = j === siblings.length - 1;
      const branch = superior === undefined ? "" : isLast ? "└─ " : "├─ ";
      lines.push(`${indent}${branch}${nameOf(member)}: ${describeTypes(member)}; ${describeState(member)}`);
      draw(member.entity, superior === undefined ? "" : `${indent}${isLast ? "   " : "│  "}`);
    });
  };
  draw(undefined, "");
  return lines;
}

function describeMember(member: DirectoryMember): Record<string, unknown> {
  const time = (seconds: number): string => new Date(seconds * 1_000).toISOString();
  return {
    entity: member.entity,
    ...(member.organizationName !== null && { organization_name: member.organizationName }),
    path: member.path,
    registry_types: member.registryTypes,
    vouches_for_others: member.isSuperior,
    state: member.state,
    ...(member.code !== null && { code: member.code }),
    state_since: time(member.stateSince),
    ...(member.validUntil !== null && { valid_until: time(member.validUntil) }),
  };
}

async function tree(options: TreeOptions): Promise<void> {
  await withNode(options, async ({ directory }) => {
    const round = options.refresh === true ? await directory.refresh() : undefined;
    if (options.refresh === true && round === undefined && options.json !== true)
      process.stderr.write("the directory is being refreshed by another process; this is what it held\n");
    const members = narrow(await listAll(directory), options.type);
    const { refreshedAt } = await directory.summarize();
    // An operator's script sees without reading that somebody is not as they should be.
    if (members.some(({ state }) => state !== "valid" && state !== "removed")) process.exitCode = EXIT.incomplete;
    const when = refreshedAt === undefined ? "never refreshed" : `refreshed ${formatTime(refreshedAt)}`;
    printResult({
      json: options.json,
      value: {
        members: members.map(describeMember),
        ...(refreshedAt !== undefined && { refreshed_at: new Date(refreshedAt * 1_000).toISOString() }),
        ...(round && { round }),
      },
      lines:
        members.length === 0
          ? [`Nobody is known (${when}). Ask with: attestry federation tree --refresh`]
          : [
              ...drawTree(members),
              `${formatCount(members.length)} ${members.length === 1 ? "entity" : "entities"}, ${when}`,
            ],
    });
  });
}

export function treeCommand(): Command {
  return nodeCommand(
    "tree",
    "print who belongs to the federation below the pinned anchors, what each may sign, and how each is; exits with 2 if somebody is suspended, unreachable, refused or expired",
  )
    .option("--type <type>", "only members that may sign this registry type, and those above them")
    .option("--refresh", "first ask the federation what changed")
    .action((options: TreeOptions) => tree(options));
}
