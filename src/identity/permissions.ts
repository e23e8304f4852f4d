// Who may do what: one table, deny by default. Pure.
import { AttestryError } from "../errors.ts";
import type { Caller, Role } from "./caller.ts";

/** How open a registry is (DESIGN section 4). */
export type Access = "public" | "members" | "consent";

const ACTIONS = ["definition.publish", "record.write", "record.read", "import"] as const;
export type Action = (typeof ACTIONS)[number];

// Operators run the node and read no records; auditors read logs and no records (DESIGN section 2).
const ALLOWED: Readonly<Record<Action, readonly Role[]>> = {
  "definition.publish": ["operator"],
  "record.write": ["registrar"],
  "record.read": ["registrar", "approver", "reader"],
  import: ["registrar"],
};

/**
 * Whether a caller may do this in this registry. Everybody reads the open fields of a `public` registry, other nodes of the federation
 * those of a `members` registry, too.
 */
export function isPermitted(options: { caller: Caller; action: Action; registry: string; access?: Access }): boolean {
  const { caller, action, registry, access } = options;
  if (action === "record.read" && access === "public") return true;
  if (action === "record.read" && access === "members" && caller.kind === "node") return true;
  return isStaffPermitted({ caller, action, registry });
}

/** Whether a staff member may do this in this registry; also decides who sees the personal fields. */
export function isStaffPermitted(options: { caller: Caller; action: Action; registry: string }): boolean {
  const { caller, action, registry } = options;
  if (caller.kind !== "staff" || !ALLOWED[action].includes(caller.role)) return false;
  return caller.registries === undefined || caller.registries.includes(registry);
}

/** Throws `authentication_required` or `permission_denied`. */
export function checkPermitted(options: { caller: Caller; action: Action; registry: string; access?: Access }): void {
  if (isPermitted(options)) return;
  const { caller, action, registry } = options;
  if (caller.kind === "anonymous") {
    const orSigned =
      action === "record.read" && options.access === "members"
        ? ", or a request signed by a node of the federation"
        : "";
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
  const scope = caller.registries === undefined ? "every registry" : caller.registries.join(", ");
  throw new AttestryError(
    "permission_denied",
    `the token is for role ${caller.role} in ${scope}; "${action}" in "${registry}" needs role ${ALLOWED[action].join(" or ")}`,
  );
}

/** Whether what other nodes show to members of the federation may be shown to this caller: who reads all records here, and nobody by a narrower token. */
export function mayReadAsMember(caller: Caller): boolean {
  return caller.kind === "staff" && caller.registries === undefined && ALLOWED["record.read"].includes(caller.role);
}

/** Whether this caller sees and ends the sessions and tokens of all people of this node. */
export function mayManagePeople(caller: Caller): boolean {
  return caller.kind === "staff" && caller.role === "operator";
}
