// `attestry session`: who is signed in on this node's pages, and how that ends.
import { Command } from "commander";
import { type NodeOptions, nodeCommand, withNode } from "./federation-node.ts";
import { isoTime, printResult, tableLines } from "./terminal.ts";

async function listSessions(options: NodeOptions): Promise<void> {
  await withNode(options, async ({ sessions }) => {
    const found = await sessions.list();
    printResult({
      json: options.json,
      value: {
        sessions: found.map(({ id, name, issuer, role, createdAt, seenAt, expiresAt }) => ({
          id,
          name,
          issuer,
          role,
          created_at: isoTime(createdAt),
          seen_at: isoTime(seenAt),
          expires_at: isoTime(expiresAt),
        })),
      },
      lines:
        found.length === 0
          ? ["Nobody is signed in."]
          : tableLines([
              ["id", "who", "role", "signed in", "last seen"],
              ...found.map((one) => [one.id, one.name, one.role, isoTime(one.createdAt), isoTime(one.seenAt)]),
            ]),
    });
  });
}

async function endSession(id: string, options: NodeOptions): Promise<void> {
  await withNode(options, async ({ sessions }) => {
    await sessions.end(id);
    printResult({ json: options.json, value: { id, ended: true }, lines: [`The session ${id} is over.`] });
  });
}

export function sessionCommand(): Command {
  return new Command("session")
    .description("list and end the sessions of people who signed in on this node's pages")
    .addCommand(nodeCommand("list", "show who is signed in").action(listSessions))
    .addCommand(
      nodeCommand("end", "end a session at once")
        .argument("<id>", "as attestry session list shows it")
        .action(endSession),
    );
}
