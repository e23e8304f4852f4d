// What the demo prints once it runs: where the nodes are, whom one can be there, what to try. Starts nothing.
import { relative } from "node:path";
import { formatTable } from "../terminal.ts";
import type { DemoFederation } from "./start-federation.ts";

/** How this program was started, for commands to copy. */
function programName(): string {
  const path = relative(process.cwd(), process.argv[1]!);
  return `node ${path.startsWith("..") ? process.argv[1]! : path}`;
}

function indentTable(rows: readonly (readonly string[])[]): string[] {
  const lines = formatTable(rows).trimEnd().split("\n");
  return lines.map((line) => `  ${line}`);
}

/** Lines for people; `record` is the URL of a block to try things with. */
export function describeGuide(
  federation: DemoFederation,
  options: { dataDirectory: string; record: string },
): string[] {
  const parties = [...federation.parties.values()];
  const program = programName();
  const rural = federation.parties.get("rural-development")!;
  const anchors = federation.anchorsPath;
  const nodes = parties.map(({ plan, entity }) => [plan.organization, `${entity}/`, plan.duty]);
  const people = parties.flatMap(({ plan, staff }) =>
    staff.map(({ name, role, also = [], task }) => [name, [role, ...also].join(", "), plan.organization, task]),
  );
  const tokens = parties.flatMap(({ staff }) =>
    staff.map(({ name, token }) => `  export ATTESTRY_TOKEN=${token}  # ${name}`),
  );
  return [
    "",
    "The federation is running. Open a node in a browser:",
    "",
    ...indentTable(nodes),
    "",
    "Who works there:",
    "",
    ...indentTable(people),
    "",
    ...(federation.issuer === undefined
      ? []
      : [
          'Be one of them in the browser: "Sign in" at the top of a node\'s page, then choose a name. These people are',
          `invented and have no passwords; the OpenID provider of the demo, ${federation.issuer}, believes whoever chooses.`,
          "",
        ]),
    "Be one of them on the command line (these tokens end in 12 hours):",
    "",
    ...tokens,
    "",
    "Try:",
    "",
    "  # Follow a block to its district and state, verified here, with nothing but the anchor's pinned key",
    `  ${program} resolve ${options.record} --follow district,state --anchors ${anchors} --development`,
    "  # The same through a node, as Paulo Reis (with his token above)",
    `  ${program} resolve ${options.record} --follow district,state --via ${rural.entity}`,
    "  # Who belongs to the federation, and how each is; as a page: /federation at the trust office",
    `  ${program} federation tree --refresh --data ${options.dataDirectory} --node anchor`,
    "  # Recompute a whole log from outside",
    `  ${program} log audit ${rural.entity} --anchors ${anchors}`,
    "  # Everything somebody needs to check this record without asking the node again",
    `  ${program} evidence ${options.record} --output block.json`,
    "  # Check it, here, with nothing but the anchor's pinned key; in a browser: /verify at any node",
    `  ${program} verify block.json --anchors ${anchors} --development`,
    "  # See four eyes at work: sign in at local government as Bram Visser and approve a village council; three wait",
    `  ${federation.parties.get("local-government")!.entity}/console`,
    "  # Ask Meera Rao for consent as Bina Sen of the welfare office: her national number is 7310-4482-0916, the case W-1001",
    `  ${federation.parties.get("welfare")!.entity}/console/consents`,
    "  # Decide as Meera Rao, and see who looked",
    `  ${federation.parties.get("civil-registry")!.entity}/me`,
    "  # Ask several departments at once from Meera Rao's own browser, without any of them hearing of the others",
    `  ${federation.parties.get("civil-registry")!.entity}/me/elsewhere`,
    "  # Print it, with codes by which the paper is checked",
    `  ${options.record}/certificate`,
    "",
    `Data: ${options.dataDirectory}`,
    "Ctrl-C stops everything.",
  ];
}

/** The same for programs. */
export function describeRunning(
  federation: DemoFederation,
  options: { dataDirectory: string; record: string },
): object {
  return {
    event: "running",
    data: options.dataDirectory,
    anchors: federation.anchorsPath,
    record: options.record,
    ...(federation.issuer !== undefined && { issuer: federation.issuer }),
    nodes: [...federation.parties.values()].map(({ plan, entity, pid, staff }) => ({
      node: plan.name,
      organization: plan.organization,
      entity,
      pid,
      staff: staff.map(({ name, role, token }) => ({ name, role, token })),
    })),
  };
}
