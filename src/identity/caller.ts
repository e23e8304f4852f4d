// Who is calling. Pure values; how a caller was authenticated is identity-service.ts's business.
import { STAFF_ROLES, type StaffRole } from "../config.ts";
import type { Claims } from "./jurisdiction.ts";

export const ROLES = STAFF_ROLES;
export type Role = StaffRole;

export interface Anonymous {
  readonly kind: "anonymous";
}

/** A person or service of this node's department, by a bearer token of this node or of an issuer by whom staff sign in. */
export interface Staff {
  readonly kind: "staff";
  /** Under what requests are counted and remembered: the token of this node, or the person of an issuer whatever the token. */
  readonly tokenId: string;
  /** For people to read; an issuer may change it. */
  readonly name: string;
  /** Who it is, the same from day to day: what pseudonyms are made of, and by what two people are told apart. */
  readonly person: string;
  /** Who vouches for the person; undefined where that is this node's own token. */
  readonly issuer: string | undefined;
  /** The one role of several in which the person acts now. */
  readonly role: Role;
  /** Registries the token is limited to; undefined means all. */
  readonly registries: readonly string[] | undefined;
  /** What binds the person to a jurisdiction; without a claim that a registry asks for, none of its records is the person's. */
  readonly claims?: Claims | undefined;
  /** Others approved what the person proposed: the act is theirs together. Set only where a proposal is carried out (approval/). */
  readonly approved?: ApprovedProposal | undefined;
}

/** One who approved, in which role. */
export interface Approver {
  readonly role: Role;
  readonly person: string;
}

/** What must be true of a proposal when what it proposes is written, and what it is from then on. */
export interface ApprovedProposal {
  readonly id: string;
  /** How many had approved before the approval that this is. */
  readonly step: number;
  /** All who approved, in the order of the roles. */
  readonly approvers: readonly Approver[];
  /** The whole of it is one write, with which the proposal is done; what writes row by row completes its proposal itself. */
  readonly completion?: { readonly people: readonly string[]; readonly sealed: Uint8Array; readonly at: number };
}

/** Another node of the federation, by a signed request. */
export interface MemberNode {
  readonly kind: "node";
  readonly entity: string;
  /** The pinned anchor that its chain leads to. */
  readonly anchor: string;
}

/** Somebody whom an issuer for citizens vouches for: may see what records say of this very person, and nothing that is for staff. */
export interface Citizen {
  readonly kind: "citizen";
  readonly issuer: string;
  readonly subject: string;
  /** For the person to read. */
  readonly name: string;
  /** By what records find the person, such as {"national_id": "…"}. Personal. */
  readonly claims: Readonly<Record<string, string>>;
}

export type Caller = Anonymous | Staff | MemberNode | Citizen;

export const ANONYMOUS: Anonymous = { kind: "anonymous" };
