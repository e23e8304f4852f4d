// Who may do what: one table, deny by default. Pure; every operation of the API names its actions, and services ask here and nowhere else.
import { AttestryError } from "../errors.ts";
import type { Caller, Role, Staff } from "./caller.ts";

/** How open a registry is (DESIGN section 4). */
export type Access = "public" | "members" | "consent";

interface Rule {
  /** The roles of this node's staff that may; a role that is not named may not. */
  readonly staff: readonly Role[];
  /** Who else may: everybody, other nodes of the federation, citizens for themselves, or as far as the registry's access opens it to strangers and to nodes. Nobody where it is left out. */
  readonly others?: "everybody" | "members" | "by access" | "citizens";
  /** What a token must reach: the registry it is about, or every registry of the node. */
  readonly reach: "registry" | "node";
}

const EVERYBODY = { staff: [], others: "everybody", reach: "node" } as const satisfies Rule;
const READERS = ["registrar", "approver", "reader"] as const;

// Operators run the node and read no records; auditors read logs and no records (DESIGN section 2).
const PERMISSIONS = {
  /** What the node and its API are, and whether it works. */
  "node.describe": EVERYBODY,
  /** The protocols between nodes; those prove by their own signatures who speaks. */
  "federation.speak": EVERYBODY,
  /** The log of all that was signed: it tells no content. */
  "log.read": EVERYBODY,
  /** Definitions of registries. */
  "registry.describe": EVERYBODY,
  /** What a node has published for everybody to take. */
  "open-data.read": EVERYBODY,
  /** Signed lists of states, and the checking of what somebody brings. */
  "proof.check": EVERYBODY,
  /** What a person shared, for who has the link and the code. */
  "share.open": EVERYBODY,
  /** References to follow, of public records at first; "peer.read" shows more. */
  "reference.resolve": EVERYBODY,
  /** To ask people for consent, and how it stands: for other nodes, by signed requests. */
  "consent.request": { staff: [], others: "members", reach: "node" },
  /** To ask people of other departments for consent through this node, and to follow what came of it. */
  "consent.ask": { staff: READERS, reach: "node" },
  /** To write down what somebody decided at a counter, and to declare a consent invalid. */
  "consent.assist": { staff: ["registrar"], reach: "registry" },
  /** One's own records, consents and looks: for the citizen whom they are of, by a token of the sign-in service. */
  "own.read": { staff: [], others: "citizens", reach: "node" },
  /** To read and answer what people ask about looks at their data, and about their records. */
  "question.answer": { staff: ["registrar", "auditor"], reach: "registry" },
  /** What other nodes show to members of the federation: for who reads all records here, and nobody by a narrower token. */
  "peer.read": { staff: READERS, reach: "node" },
  /** Checking records of other nodes on a page, by which a report is kept; and the reports that one had kept oneself. */
  "reference.check": { staff: READERS, reach: "node" },
  /** Everybody's kept reports: they hold no content of records. */
  "report.audit": { staff: ["auditor"], reach: "node" },
  /** How the notifications of people stand: counts and times, nobody's address. */
  "notification.watch": { staff: ["operator"], reach: "node" },
  /** Sessions of others, and the node's own tokens. */
  "people.manage": { staff: ["operator"], reach: "node" },
  "definition.publish": { staff: ["operator"], reach: "registry" },
  /** The open fields of records, and what is made of them. */
  "record.read": { staff: READERS, others: "by access", reach: "registry" },
  /** Records with their personal fields, and whatever would tell of these. */
  "record.inspect": { staff: READERS, reach: "registry" },
  /** Proposals of changes, with what they would change; those about records only for who inspects the records. */
  "proposal.read": { staff: ["registrar", "approver", "operator"], reach: "registry" },
  /** To approve or return one: for whom the definition names, and never who proposed it. */
  "proposal.decide": { staff: ["registrar", "approver"], reach: "registry" },
  "record.write": { staff: ["registrar"], reach: "registry" },
  /** To keep records from being erased, and to know of every hold why it stands. */
  "record.hold": { staff: ["registrar", "approver"], reach: "registry" },
  /** To lift a hold: for another role than the one that erases. */
  "record.release": { staff: ["approver"], reach: "registry" },
  "record.import": { staff: ["registrar"], reach: "registry" },
} as const satisfies Record<string, Rule>;

export type Action = keyof typeof PERMISSIONS;

const ruleOf = (action: Action): Rule => PERMISSIONS[action];

export interface PermissionQuery {
  readonly caller: Caller;
  readonly action: Action;
  /** What it is about; left out only of actions that reach the whole node. */
  readonly registry?: string;
  /** That of the registry; without it nothing is open to others. */
  readonly access?: Access;
}

/** Whether a caller may do this; no other rule stands beside the table. */
export function isPermitted({ caller, action, registry, access }: PermissionQuery): boolean {
  const { staff, others, reach } = ruleOf(action);
  if (others === "everybody") return true;
  if (others === "members" && caller.kind === "node") return true;
  if (others === "citizens") return caller.kind === "citizen";
  if (others === "by access" && isOpenTo(caller, access)) return true;
  if (caller.kind !== "staff" || !staff.includes(caller.role)) return false;
  return reach === "node" ? caller.registries === undefined : isReached(caller, registry);
}

/** Everybody reads the open fields of a `public` registry, other nodes of the federation those of a `members` registry, too. */
export function isOpenTo(caller: Caller, access: Access | undefined): boolean {
  return access === "public" || (access === "members" && caller.kind === "node");
}

function isReached({ registries }: Staff, registry: string | undefined): boolean {
  return registry !== undefined && (registries === undefined || registries.includes(registry));
}

/** Throws `authentication_required` or `permission_denied`. */
export function checkPermitted(query: PermissionQuery & { readonly registry: string }): void {
  if (isPermitted(query)) return;
  const { caller, action, registry } = query;
  const { staff, others } = ruleOf(action);
  if (caller.kind === "anonymous") {
    const orSigned =
      others === "by access" && query.access === "members" ? ", or a request signed by a node of the federation" : "";
    throw new AttestryError(
      "authentication_required",
      `"${action}" in "${registry}" needs a bearer token of this node: Authorization: Bearer …${orSigned}`,
    );
  }
  if (caller.kind === "node") {
    throw new AttestryError(
      "permission_denied",
      `"${action}" in "${registry}" is not for other nodes of the federation`,
    );
  }
  if (caller.kind === "citizen")
    throw new AttestryError("permission_denied", `"${action}" in "${registry}" is not for citizens`);
  const scope = caller.registries === undefined ? "every registry" : caller.registries.join(", ");
  throw new AttestryError(
    "permission_denied",
    `the token is for role ${caller.role} in ${scope}; "${action}" in "${registry}" needs role ${staff.join(" or ")}`,
  );
}

/**
 * Who may call what is made of these actions: "open": nobody is asked who they are; "optional": without a token what is open, with
 * one what its role may see; "nodes": other nodes by signed requests; "citizens": citizens for themselves; roles: staff only. The first action is what a caller needs; the others show more.
 */
export type CallerKinds = "open" | "optional" | "nodes" | "citizens" | readonly Role[];

export function describeCallers([first, ...more]: readonly [Action, ...Action[]]): CallerKinds {
  const { staff, others } = ruleOf(first);
  if (others === undefined) return staff;
  if (others === "members") return "nodes";
  if (others === "citizens") return "citizens";
  return [first, ...more].every((action) => ruleOf(action).others === "everybody") ? "open" : "optional";
}
