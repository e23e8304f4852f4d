// Shows proposals to those who decide on them, takes their decisions, and carries out what was approved, once.
import type { JsonObject } from "../crypto/json.ts";
import { AttestryError, isAttestryError } from "../errors.ts";
import type { ApprovedProposal, Caller, Staff } from "../identity/caller.ts";
import { checkPermitted, isPermitted } from "../identity/permissions.ts";
import {
  PROPOSAL_KEPT_SECONDS,
  PROPOSAL_RESUME_SECONDS,
  PROPOSAL_SAMPLE_MIN,
  PROPOSALS_PAGE_MAX,
  PROPOSALS_READ_BYTES_MAX,
  PROPOSALS_READ_MAX,
} from "../limits.ts";
import type { Logger } from "../logger.ts";
import type { Database } from "../storage/database.ts";
import {
  type Approval,
  checkDecider,
  nameApprover,
  type ProposalContent,
  type ProposalEnd,
  type ProposalKind,
  type ProposalState,
  proposalDecided,
} from "./proposal.ts";
import type { ProposalSealer } from "./proposal-sealer.ts";
import * as store from "./proposal-store.ts";
import { describeProposal, type ProposalView } from "./proposal-view.ts";

/** What is proposed, as those know it who can carry it out. */
export interface ProposedWrite {
  readonly caller: Staff;
  readonly registry: string;
  readonly kind: ProposalKind;
  readonly rid: string | undefined;
  readonly request: JsonObject;
}

/** Given by the services that write; this folder knows no record. */
export interface ProposalActions {
  /** Whether a caller may see what is proposed: within the registry, and within the caller's jurisdiction. */
  isVisible(caller: Staff, write: ProposedWrite): Promise<boolean>;
  /** What people call it, where its record is not there yet to be named. */
  name(write: ProposedWrite): Promise<string | undefined>;
  /** Notes that the caller was told what these are called. */
  noteNames(caller: Staff, writes: readonly ProposedWrite[]): Promise<void>;
  /** What would change, for people to compare; that it was shown is noted. */
  describe(caller: Staff, write: ProposedWrite): Promise<JsonObject>;
  /** Does it, in the name of who proposed it; gives what became of it. */
  carryOut(write: ProposedWrite & { readonly proposal: string }): Promise<JsonObject>;
  /** Whether it is one write, which the log's transaction completes together with its proposal. */
  isOneWrite(kind: ProposalKind): boolean;
}

export interface ProposalFilter {
  /** "me": what the caller can decide now; "mine": what the caller proposed; "all": what the caller may see. */
  readonly for: "me" | "mine" | "all";
  readonly registry?: string | undefined;
  readonly kind?: ProposalKind | undefined;
  readonly states?: readonly ProposalState[] | undefined;
  readonly rid?: string | undefined;
  readonly cursor?: string | undefined;
  readonly limit?: number | undefined;
  /** Whoever asks tells how many there are, and of none what it is called. */
  readonly namesNone?: true;
}

export interface ProposalPage {
  readonly proposals: readonly ProposalView[];
  readonly next: string | null;
}

export interface ProposalService {
  list(caller: Caller, filter: ProposalFilter): Promise<ProposalPage>;
  /** With what would change. Throws `proposal_unknown` also where the caller may not see it. */
  get(caller: Caller, id: string): Promise<ProposalView>;
  /** The last approval carries it out. Throws `proposal_decided`, `proposal_own`, `permission_denied`, and why it could not be carried out. */
  approve(caller: Caller, id: string, options: { readonly note?: string | undefined }): Promise<ProposalView>;
  return(caller: Caller, id: string, options: { readonly reason: string }): Promise<ProposalView>;
  withdraw(caller: Caller, id: string): Promise<ProposalView>;
  /** Which of these to look at, for who approves all of them: not the approver's choice, and the same at every try. */
  chooseSample(caller: Caller, ids: readonly string[]): string[];
  /** Ends what nobody decided, forgets what was decided long ago, goes on with what was being carried out. */
  sweep(): Promise<void>;
}

// Faults of the moment: the proposal goes on waiting, and whoever approves it tries again.
const PASSING =
  /^(database_|log_overloaded|log_outcome_unknown|log_write_failed|log_inconsistent|peer_|verification_busy|proposal_)/;

const isPassing = (error: unknown): boolean => !(error instanceof AttestryError) || PASSING.test(error.code);

const SWEEP_PROPOSALS = 100;

export function createProposalService(deps: {
  entity: string;
  database: Database;
  sealer: ProposalSealer;
  namePerson: (person: string) => string;
  actions: ProposalActions;
  clock: () => number;
  logger: Pick<Logger, "warn">;
}): ProposalService {
  const { entity, database, sealer, namePerson, actions, clock } = deps;
  /** What this process is carrying out row by row. */
  const running = new Set<string>();

  function requireStaff(caller: Caller): Staff {
    if (caller.kind === "staff") return caller;
    throw new AttestryError(
      caller.kind === "anonymous" ? "authentication_required" : "permission_denied",
      "proposals are for this node's staff: Authorization: Bearer …",
    );
  }

  const writeOf = ({ registry, kind, rid }: store.StoredProposal, content: ProposalContent): ProposedWrite => ({
    caller: content.proposer,
    registry,
    kind,
    rid: rid ?? undefined,
    request: content.request ?? {},
  });

  /** Whether the caller may read today what is proposed, as the table of permissions and the jurisdiction say. */
  async function reaches(caller: Staff, proposal: store.StoredProposal, content: ProposalContent | undefined) {
    const { registry, kind, rid } = proposal;
    const needed = kind === "define" ? (["proposal.read"] as const) : (["proposal.read", "record.inspect"] as const);
    if (!needed.every((action) => isPermitted({ caller, action, registry }))) return false;
    const gone = { caller, registry, kind, rid: rid ?? undefined, request: {} };
    return actions.isVisible(caller, content ? writeOf(proposal, content) : gone);
  }

  /**
   * Undefined where the caller is told nothing of it. Who proposed or approved it is told its fate always; what it says only who may
   * read that today.
   */
  async function look(caller: Staff, proposal: store.StoredProposal, content: ProposalContent | undefined) {
    const person = namePerson(caller.person);
    const isOwn = proposal.proposer === person || proposal.approvers.includes(person);
    const mayRead = await reaches(caller, proposal, content);
    if (!isOwn && !mayRead) return undefined;
    // Nothing is kept of it any more, or it is not for the caller.
    const write = mayRead && content?.request !== undefined ? writeOf(proposal, content) : undefined;
    const title = write && (await actions.name(write));
    return {
      proposal,
      content,
      write,
      shown: { ...view(caller, proposal, content), ...(title !== undefined && { title }) },
    };
  }

  const view = (caller: Staff, proposal: store.StoredProposal, content: ProposalContent | undefined) =>
    describeProposal({
      entity,
      proposal,
      content,
      viewer: { ...caller, person: namePerson(caller.person) },
      now: clock(),
    });

  async function find(caller: Staff, id: string) {
    const proposal = await store.findProposal(database, id);
    const found = proposal && (await look(caller, proposal, await sealer.open(proposal)));
    if (found) return found;
    throw new AttestryError("proposal_unknown", `there is no proposal "${id.slice(0, 40)}" that you may see`);
  }

  async function show(caller: Staff, id: string): Promise<ProposalView> {
    const { write, shown } = await find(caller, id);
    return write ? { ...shown, change: await actions.describe(caller, write) } : shown;
  }

  async function getDecidable(caller: Staff, id: string) {
    const { proposal, content } = await find(caller, id);
    checkPermitted({ caller, action: "proposal.decide", registry: proposal.registry });
    checkDecider(proposal, { person: namePerson(caller.person), role: caller.role, now: clock() });
    if (content?.request === undefined) {
      await change(proposal, { state: "failed", decidedAt: clock() });
      throw new AttestryError("record_erased", "the record that the proposal is about was erased");
    }
    return { proposal, content: { ...content, request: content.request } };
  }

  /** Throws `proposal_decided` where somebody else was faster. */
  async function change(
    proposal: store.StoredProposal,
    next: Parameters<typeof store.changeProposal>[2],
  ): Promise<void> {
    if (await store.changeProposal(database, proposal, next)) return;
    throw proposalDecided((await store.findProposal(database, proposal.id)) ?? proposal);
  }

  async function end(
    proposal: store.StoredProposal,
    content: ProposalContent,
    ended: { readonly state: ProposalState; readonly end: ProposalEnd; readonly keepsRequest?: true },
  ): Promise<void> {
    const { request, ...people } = content;
    const kept = { ...people, ...(ended.keepsRequest && request && { request }), end: ended.end };
    // Of an erased record nothing is kept of what was to be said of it.
    const sealed = await sealer.seal(proposal, kept).catch((error: unknown) => {
      if (isAttestryError(error, "record_erased")) return new Uint8Array(0);
      throw error;
    });
    await change(proposal, { state: ended.state, sealed, decidedAt: clock() });
  }

  const approve: ProposalService["approve"] = async (anyone, id, { note }) => {
    const caller = requireStaff(anyone);
    const { proposal, content } = await getDecidable(caller, id);
    const { person, name, role } = caller;
    const approvals: Approval[] = [...content.approvals, { person, name, role, at: clock(), ...(note && { note }) }];
    const approvers = [...proposal.approvers, namePerson(person)];
    if (approvals.length < proposal.roles.length) {
      const sealed = await sealer.seal(proposal, { ...content, approvals });
      await change(proposal, { step: proposal.step + 1, approvers, sealed });
    } else if (actions.isOneWrite(proposal.kind)) await carryOutWhole(proposal, { ...content, approvals }, approvers);
    else {
      const sealed = await sealer.seal(proposal, { ...content, approvals });
      const at = clock();
      await change(proposal, { state: "carrying_out", step: proposal.step + 1, approvers, sealed, decidedAt: at });
      await carryOutRows({ ...proposal, state: "carrying_out", step: proposal.step + 1 }, { ...content, approvals });
    }
    return show(caller, id);
  };

  function approvedBy(proposal: store.StoredProposal, approvals: readonly Approval[]): ApprovedProposal {
    return { id: proposal.id, step: proposal.step, approvers: approvals.map(nameApprover) };
  }

  async function carryOutWhole(
    proposal: store.StoredProposal,
    content: ProposalContent,
    approvers: readonly string[],
  ): Promise<void> {
    const { request: _, ...people } = content;
    const completion = { people: approvers, sealed: await sealer.seal(proposal, people), at: clock() };
    const approved = { ...approvedBy(proposal, content.approvals), completion };
    const write = writeOf(proposal, content);
    let result: JsonObject;
    try {
      result = await actions.carryOut({ ...write, caller: { ...write.caller, approved }, proposal: proposal.id });
    } catch (error) {
      if (isPassing(error)) throw error;
      await fail(proposal, content, error as AttestryError);
      throw error;
    }
    // Only for people to read: that it is done was committed with the write.
    const sealed = await sealer.seal(proposal, { ...people, end: { result } }).catch(() => undefined);
    if (sealed === undefined) return;
    const done = { ...proposal, state: "done", step: proposal.step + 1 } as const;
    // What needed no writing any more completed nothing.
    if (!(await store.changeProposal(database, done, { sealed })))
      await end(proposal, content, { state: "done", end: { result } });
  }

  /** Row by row, each at most once, however often it is begun. */
  async function carryOutRows(proposal: store.StoredProposal, content: ProposalContent): Promise<void> {
    const write = writeOf(proposal, content);
    const approved = approvedBy(proposal, content.approvals);
    running.add(proposal.id);
    try {
      const result = await actions.carryOut({ ...write, caller: { ...write.caller, approved }, proposal: proposal.id });
      await end(proposal, content, { state: "done", end: { result } });
    } catch (error) {
      if (isPassing(error)) throw error;
      await fail(proposal, content, error as AttestryError);
      throw error;
    } finally {
      running.delete(proposal.id);
    }
  }

  /** One that cannot be ended or gone on with holds up no other. */
  async function orWarn(id: string, work: () => Promise<void>): Promise<void> {
    try {
      await work();
    } catch (error) {
      deps.logger.warn({ proposal: id, code: (error as AttestryError).code }, "sweeping a proposal failed");
    }
  }

  async function expire(id: string): Promise<void> {
    const proposal = await store.findProposal(database, id);
    if (proposal === undefined) return;
    const content = await sealer.open(proposal);
    // Why it came back, if it did, stays with it.
    if (content) await end(proposal, content, { state: "expired", end: content.end ?? {} });
    else await store.changeProposal(database, proposal, { state: "expired", decidedAt: clock() });
  }

  async function resume(id: string): Promise<void> {
    const proposal = await store.findProposal(database, id);
    const content = proposal && (await sealer.open(proposal));
    if (proposal && content) await carryOutRows(proposal, content);
  }

  async function fail(proposal: store.StoredProposal, content: ProposalContent, error: AttestryError): Promise<void> {
    await end(proposal, content, {
      state: "failed",
      end: { code: error.code, message: error.message },
      keepsRequest: true,
    });
  }

  return {
    async list(anyone, filter) {
      const caller = requireStaff(anyone);
      const person = namePerson(caller.person);
      // Of no registry in particular: whoever may read those of one of the caller's own.
      const registry = filter.registry ?? caller.registries?.[0] ?? "*";
      checkPermitted({ caller, action: "proposal.read", registry });
      const limit = Math.min(filter.limit ?? PROPOSALS_PAGE_MAX, PROPOSALS_PAGE_MAX);
      const rows = await store.listProposals(database, {
        // Who proposed it sees it, whatever the scope of the token is today.
        registries:
          filter.registry === undefined ? (filter.for === "mine" ? undefined : caller.registries) : [filter.registry],
        kinds: filter.kind
          ? [filter.kind]
          : caller.role === "operator" && filter.for === "all"
            ? ["define"]
            : undefined,
        states: filter.states,
        rid: filter.rid,
        proposer: filter.for === "mine" ? person : undefined,
        waitsFor: filter.for === "me" ? { person, role: caller.role, now: clock() } : undefined,
        after: parseCursor(filter.cursor),
        newestFirst: filter.for !== "me",
        limit: PROPOSALS_READ_MAX,
      });
      const read = withinBytes(rows);
      const sealed = await store.findSealed(
        database,
        read.map(({ id }) => id),
      );
      const proposals: ProposalView[] = [];
      const named: ProposedWrite[] = [];
      for (const head of read) {
        const proposal = { ...head, sealed: sealed.get(head.id) ?? new Uint8Array(0) };
        const content = proposal.sealed.length === 0 ? undefined : await sealer.open(proposal);
        const found = await look(caller, proposal, content);
        if (found?.write && !filter.namesNone) named.push(found.write);
        if (found) proposals.push(filter.namesNone ? withoutTitle(found.shown) : found.shown);
        if (proposals.length === limit) {
          await actions.noteNames(caller, named);
          return { proposals, next: formatCursor(head) };
        }
      }
      await actions.noteNames(caller, named);
      const isWhole = read.length === rows.length && rows.length < PROPOSALS_READ_MAX;
      return { proposals, next: isWhole ? null : formatCursor(read.at(-1)!) };
    },

    async get(caller, id) {
      return show(requireStaff(caller), id);
    },

    approve,

    async return(anyone, id, { reason }) {
      const caller = requireStaff(anyone);
      const { proposal, content } = await getDecidable(caller, id);
      const { person, name, role } = caller;
      await end(proposal, content, {
        state: "returned",
        end: { by: { person, name, role }, reason },
        keepsRequest: true,
      });
      return show(caller, id);
    },

    async withdraw(anyone, id) {
      const caller = requireStaff(anyone);
      const { proposal, content } = await find(caller, id);
      if (proposal.proposer !== namePerson(caller.person))
        throw new AttestryError("permission_denied", "only who proposed a change withdraws it");
      if (!["waiting", "returned", "failed"].includes(proposal.state)) throw proposalDecided(proposal);
      if (content) await end(proposal, content, { state: "withdrawn", end: {} });
      else await change(proposal, { state: "withdrawn", decidedAt: clock() });
      return show(caller, id);
    },

    chooseSample(anyone, ids) {
      const { person } = requireStaff(anyone);
      const all = [...new Set(ids)].sort();
      const rank = new Map(all.map((id) => [id, namePerson(`sample ${person} ${id}`)]));
      const count = Math.max(PROPOSAL_SAMPLE_MIN, Math.ceil(Math.sqrt(all.length)));
      return all.toSorted((a, b) => (rank.get(a)! < rank.get(b)! ? -1 : 1)).slice(0, count);
    },

    async sweep() {
      const now = clock();
      for (const id of await store.listOverdue(database, now, SWEEP_PROPOSALS)) await orWarn(id, () => expire(id));
      await store.deleteDecided(database, now - PROPOSAL_KEPT_SECONDS);
      for (const { id, decidedAt } of await store.listInterrupted(
        database,
        now - PROPOSAL_RESUME_SECONDS,
        SWEEP_PROPOSALS,
      )) {
        // What goes on for long in this process was not interrupted.
        if (running.has(id) || !(await store.claimInterrupted(database, { id, decidedAt }, now))) continue;
        await orWarn(id, () => resume(id));
      }
    },
  };
}

/** As many from the front as are opened for one page: of an import they may be megabytes each. */
function withinBytes(rows: readonly store.ProposalHead[]): readonly store.ProposalHead[] {
  let bytes = 0;
  const end = rows.findIndex(({ sealedBytes }, at) => {
    bytes += sealedBytes;
    return at > 0 && bytes > PROPOSALS_READ_BYTES_MAX;
  });
  return end === -1 ? rows : rows.slice(0, end);
}

const withoutTitle = ({ title: _, ...rest }: ProposalView): ProposalView => rest;

const formatCursor = ({ createdAt, id }: Pick<store.StoredProposal, "createdAt" | "id">): string =>
  `${createdAt}.${id}`;

function parseCursor(cursor: string | undefined): { createdAt: number; id: string } | undefined {
  if (cursor === undefined) return undefined;
  const parts = /^([0-9]{1,12})\.([A-Za-z0-9_-]{1,40})$/.exec(cursor);
  if (!parts) throw new AttestryError("query_invalid", "the cursor is none that this node gave out");
  return { createdAt: Number(parts[1]), id: parts[2]! };
}
