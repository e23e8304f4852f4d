// Who is calling. Pure values; how a caller was authenticated is identity-service.ts's business.
import type { Claims } from "./jurisdiction.ts";

export const ROLES = ["registrar", "approver", "reader", "auditor", "operator"] as const;
export type Role = (typeof ROLES)[number];

export interface Anonymous {
  readonly kind: "anonymous";
}

/** A person or service of this node's department, by a bearer token of this node. */
export interface Staff {
  readonly kind: "staff";
  readonly tokenId: string;
  readonly name: string;
  readonly role: Role;
  /** Registries the token is limited to; undefined means all. */
  readonly registries: readonly string[] | undefined;
  /** What binds the person to a jurisdiction; without a claim that a registry asks for, none of its records is the person's. */
  readonly claims?: Claims | undefined;
}

/** Another node of the federation, by a signed request. */
export interface MemberNode {
  readonly kind: "node";
  readonly entity: string;
  /** The pinned anchor that its chain leads to. */
  readonly anchor: string;
}

export type Caller = Anonymous | Staff | MemberNode;

export const ANONYMOUS: Anonymous = { kind: "anonymous" };
