// Who can sign in on the demo's pages, and as what: the provider's accounts and what each node makes of their groups. Values only; starts nothing.
import { type NodeConfigFile, STAFF_ROLES } from "../../config.ts";
import type { Role } from "../../identity/caller.ts";
import { ANCHOR, DEMO_NODES, type DemoNodeName, type NodePlan, type StaffPlan } from "./federation-plan.ts";

/** Somebody whom the demo's provider knows. */
export interface DemoAccount extends StaffPlan {
  readonly id: string;
  readonly employer: NodePlan;
  readonly groups: readonly string[];
}

/** A department's own group for a role: those of another department mean nothing to it. */
function groupOf(node: DemoNodeName, role: Role): string {
  return `${node}/${role}`;
}

export function accountIdOf(name: string): string {
  return name.toLowerCase().replaceAll(" ", "-");
}

export const DEMO_ACCOUNTS: readonly DemoAccount[] = DEMO_NODES.flatMap((employer) =>
  employer.staff.map((member) => ({
    ...member,
    id: accountIdOf(member.name),
    employer,
    groups: [member.role, ...(member.also ?? [])].map((role) => groupOf(employer.name, role)),
  })),
);

/** Somebody whom records of the demo are about. */
export interface DemoCitizen {
  readonly id: string;
  readonly name: string;
  /** By what records find the person. */
  readonly nationalId: string;
}

export const DEMO_CITIZENS: readonly DemoCitizen[] = [
  { id: "meera-rao", name: "Meera Rao", nationalId: "7310-4482-0916" },
  { id: "ravi-iyer", name: "Ravi Iyer", nationalId: "5528-1937-6640" },
];

/** A node as the provider knows it. */
export interface DemoClient {
  readonly plan: NodePlan;
  readonly entity: string;
  readonly secret: string;
}

/** From whose page citizens ask the other departments, and the mark that lets it. */
export const PORTAL: DemoNodeName = "civil-registry";
export const PORTAL_MARK = "https://marks.example/citizen-portal";

/** What the program of that page is called at the provider. */
export function browserClientOf(node: DemoNodeName): string | undefined {
  return node === PORTAL ? `${node}-elsewhere` : undefined;
}

/** What a node's configuration says of citizens' portals. */
export function planPortals(node: DemoNodeName, anchor: string): Partial<NodeConfigFile> {
  return node === ANCHOR.name
    ? { trust_mark_issuers: { [PORTAL_MARK]: [anchor] } }
    : { citizen_portal_mark: PORTAL_MARK };
}

/** What a node's configuration says of the provider. */
export function planSignIn(
  node: DemoNodeName,
  options: { issuer: string; secretFile: string },
): NonNullable<NodeConfigFile["sign_in"]> {
  const browserClient = browserClientOf(node);
  return {
    issuers: [
      {
        issuer: options.issuer,
        title: "the demo's account",
        roles_claim: "groups",
        roles: STAFF_ROLES.map((role) => ({ value: groupOf(node, role), role })),
        citizen_claims: ["national_id"],
        client: { id: node, secret_file: options.secretFile },
        ...(browserClient !== undefined && { browser_client_id: browserClient }),
      },
    ],
  };
}
