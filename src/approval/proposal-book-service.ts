// Takes proposals in place of writes that others must approve. Decides nothing and carries nothing out: that is proposal-service.ts.

import { formatSeconds } from "../clock.ts";
import { encodeBase64url } from "../crypto/base64.ts";
import { hmacSha256 } from "../crypto/hash.ts";
import { canonicalJson, type JsonObject } from "../crypto/json.ts";
import type { KeyedDigest } from "../crypto/key-generations.ts";
import { AttestryError } from "../errors.ts";
import type { Staff } from "../identity/caller.ts";
import { PROPOSAL_SECONDS, PROPOSALS_OPEN_BYTES_MAX, PROPOSALS_OPEN_MAX } from "../limits.ts";
import type { Database } from "../storage/database.ts";
import type { ProposalKind, ProposalState } from "./proposal.ts";
import type { ProposalSealer } from "./proposal-sealer.ts";
import {
  ERASED_PROPOSAL,
  findProposalByDigest,
  insertProposal,
  listWhole,
  type StoredProposal,
  weighOpen,
} from "./proposal-store.ts";

/** What is answered in place of what was to be written. */
export interface Proposed {
  readonly proposal: ProposalReceipt;
}

export interface ProposalReceipt {
  readonly id: string;
  readonly href: string;
  readonly registry: string;
  readonly kind: ProposalKind;
  readonly rid?: string;
  readonly state: ProposalState;
  /** Whose approval it waits for. */
  readonly waits_for?: string;
  readonly proposed_at: string;
  readonly expires_at: string;
}

/** Keyed hashes of an Idempotency-Key and its request, with what they were under a former key. */
interface AskedOnce extends KeyedDigest {
  readonly request: string;
  readonly formerRequest?: string;
}

export interface ProposalBook {
  propose(options: {
    readonly caller: Staff;
    readonly registry: string;
    readonly kind: ProposalKind;
    /** The record that it is about, where there is one. */
    readonly rid?: string;
    readonly request: JsonObject;
    /** Who approves, in this order. */
    readonly roles: readonly string[];
    readonly definitionVersion: number;
    readonly idempotency?: AskedOnce | undefined;
  }): Promise<Proposed>;
  /** What the same request proposed before. Throws `idempotency_key_reused`. */
  findAnswered(idempotency: AskedOnce): Promise<Proposed | undefined>;
}

/** Whether an answer says that others have to approve first. */
export function isProposed<Written extends object>(answer: Written | Proposed): answer is Proposed {
  return "proposal" in answer;
}

const ID_BYTES = 16;

/** How a person is named in the database: the same from day to day, and to nobody who lacks the node's key. */
export function createPersonNamer(pseudonymKey: Uint8Array): (person: string) => string {
  return (person) => encodeBase64url(hmacSha256(pseudonymKey, `proposal\n${person}`));
}

export function describeReceipt(entity: string, proposal: StoredProposal): ProposalReceipt {
  const { id, registry, kind, rid, state, roles, step, createdAt, expiresAt } = proposal;
  return {
    id,
    href: `${entity}/proposals/${id}`,
    registry,
    kind,
    ...(rid !== null && { rid }),
    state,
    ...(state === "waiting" && { waits_for: roles[step]! }),
    proposed_at: formatSeconds(createdAt),
    expires_at: formatSeconds(expiresAt),
  };
}

export function createProposalBook(deps: {
  entity: string;
  database: Database;
  sealer: ProposalSealer;
  namePerson: (person: string) => string;
  clock: () => number;
  random: (length: number) => Uint8Array;
}): ProposalBook {
  const { entity, database, sealer, namePerson, clock } = deps;

  const findAnswered: ProposalBook["findAnswered"] = async ({ request, formerRequest, ...key }) => {
    const found = await findProposalByDigest(database, key);
    if (found === undefined) return undefined;
    if (found.request === ERASED_PROPOSAL)
      throw new AttestryError("record_erased", "the record that this request was about was erased");
    if (found.request === request || found.request === formerRequest)
      return { proposal: describeReceipt(entity, found) };
    throw new AttestryError(
      "idempotency_key_reused",
      "this Idempotency-Key was used for another request; choose a new one for every request",
    );
  };

  /** The same change of a whole registry that the person proposed already: whoever publishes every night proposes it once. */
  async function findSame(of: { person: string; registry: string; kind: ProposalKind; request: JsonObject }) {
    const { person: proposer, registry, kind, request } = of;
    for (const waiting of await listWhole(database, { proposer, registry, kind })) {
      const content = await sealer.open(waiting);
      if (content?.request && canonicalJson(content.request) === canonicalJson(request)) return waiting;
    }
    return undefined;
  }

  return {
    findAnswered,
    async propose({ caller, registry, kind, rid = null, request, roles, definitionVersion, idempotency }) {
      const { approved: _, ...proposer } = caller;
      const person = namePerson(caller.person);
      const open = await weighOpen(database, person);
      if (open.count >= PROPOSALS_OPEN_MAX || open.bytes >= PROPOSALS_OPEN_BYTES_MAX)
        throw new AttestryError(
          "proposals_too_many",
          `${open.count} of your proposals are open; more are taken once some are decided or withdrawn`,
        );
      const same =
        kind === "define" || kind === "migrate" ? await findSame({ person, registry, kind, request }) : undefined;
      if (same) return { proposal: describeReceipt(entity, same) };
      const id = encodeBase64url(deps.random(ID_BYTES));
      const at = clock();
      const row: StoredProposal = {
        id,
        registry,
        kind,
        rid: rid ?? null,
        resultRid: null,
        state: "waiting",
        roles: [...roles],
        step: 0,
        proposer: person,
        approvers: [],
        definitionVersion,
        ...(await sealer.create({ id, rid: rid ?? null }, { request, proposer, approvals: [] })),
        digest: idempotency?.digest ?? null,
        request: idempotency?.request ?? null,
        createdAt: at,
        expiresAt: at + PROPOSAL_SECONDS,
        decidedAt: null,
      };
      if (await insertProposal(database, row)) return { proposal: describeReceipt(entity, row) };
      // A retry that ran beside its first try lost to it.
      return (await findAnswered(idempotency!))!;
    },
  };
}
