// References across nodes → verified records. Asks each home node once per step, believes nothing that verification did not pass.
import type { ReceivedEvent } from "../access/received-service.ts";
import { encodeBase64url } from "../crypto/base64.ts";
import { isJsonObject, type Json, type JsonObject } from "../crypto/json.ts";
import { decodeJws } from "../crypto/jws.ts";
import { AttestryError, type ErrorDetail } from "../errors.ts";
import type { AskHome } from "../federation/home-chain.ts";
import type { VerifiedChain } from "../federation/trust-chain.ts";
import { ANONYMOUS, type Caller, type MemberNode } from "../identity/caller.ts";
import { isPermitted } from "../identity/permissions.ts";
import {
  RECORDS_READ_MAX,
  REFERENCE_CACHE_ENTRIES_MAX,
  RESOLVE_DEADLINE_MS,
  RESOLVE_FANOUT_MAX,
  RESOLVE_REFERENCES_MAX,
  STATUS_LIST_TTL_SECONDS,
} from "../limits.ts";
import type { ReadAccess } from "../records/record-disclosure.ts";
import { parseRecordUrl, type Reference } from "../records/record-url.ts";
import type { ReferenceFault, TypedReference, VerifyReferences } from "../records/references/reference-check.ts";
import { findStateOutcome, isStateOutcome } from "../records/state-outcome.ts";
import type { Evidence } from "../verification/evidence.ts";
import type { CheckOutcome, VerificationReport } from "../verification/report.ts";
import { createStateVerifier, type StateEvidence } from "../verification/state-statement.ts";
import type { Verifier } from "../verification/verifier.ts";
import { type FollowPath, referencesAt, splitPaths } from "./follow-paths.ts";
import type { ReadBatch, ReadHome, ReadRecord } from "./home-node-client.ts";
import { describeState } from "./state-message.ts";

export interface ResolvedRecord {
  readonly href: string;
  /** "verified", or the stable code of why it is not. */
  readonly outcome: string;
  readonly message?: string;
  /** Where no chain was found, of the first record of that node: each path that was tried, and the rule that ended it. */
  readonly paths?: readonly ErrorDetail[];
  readonly type?: string;
  readonly identifier?: string;
  readonly version?: number;
  /** Of a personal record that takes consent: the fields for which it may be asked. */
  readonly fields?: readonly string[];
  /** Of a personal record that was given: the entry of its home node's access log that the reading is. */
  readonly reading?: { readonly commitment: string; readonly index: number };
  /** Of a record that was replaced: the URLs of the records that succeed it, which are not followed. */
  readonly successors?: readonly string[];
  /** Of a record that is not in force: its home node's signed statement, verified, and since when it holds. */
  readonly state?: { readonly operation: string; readonly effective?: string; readonly statement: string };
  readonly issuer?: string;
  readonly anchor?: string;
  readonly data?: JsonObject;
  readonly checks?: readonly CheckOutcome[];
  /** Followed fields, each with the keys of `records` it leads to. */
  readonly links?: Readonly<Record<string, readonly string[]>>;
}

export interface Resolution {
  /** What was asked for, in its order; `record` is a key of `records`. */
  readonly references: readonly { readonly href: string; readonly record: string; readonly outcome: string }[];
  readonly records: Readonly<Record<string, ResolvedRecord>>;
  /** How many requests each home node got, and how many records it answered. */
  readonly homes: readonly { readonly entity: string; readonly requests: number; readonly records: number }[];
}

export interface ResolveRequest {
  readonly references: readonly Reference[];
  readonly follow: readonly FollowPath[];
  /** Whether other nodes may be asked. Unauthenticated input causes no outgoing request (DESIGN section 7). */
  readonly outgoing: boolean;
  /** Decides which records that are not public are asked for; anonymous unless given. */
  readonly caller?: Caller;
  /** For what personal records are read; without it none is. */
  readonly access?: ResolveAccess | undefined;
  /** With all that is followed; RESOLVE_FANOUT_MAX unless given. */
  readonly recordsMax?: number;
  /** Gets what each record was judged by, for who has to show it later. */
  readonly onJudged?: (judged: JudgedRecord) => void;
}

/** For what personal records are read, and on which basis, over all nodes. */
export interface ResolveAccess {
  readonly purpose: string;
  /** The number of the reading; drawn unless given. The same again uses nothing up twice. */
  readonly requestId?: string | undefined;
  /** Fields of the records that are asked for by name; of those that are followed, all that the basis allows. */
  readonly fields?: readonly string[] | undefined;
  readonly consents: readonly ConsentName[];
  readonly case?: string | undefined;
}

/** A consent at its home node. */
export interface ConsentName {
  readonly entity: string;
  readonly id: string;
}

/** What a record was judged by. The evidence holds its content. */
export interface JudgedRecord {
  /** Of the record in the resolution. */
  readonly key: string;
  /** Of a record that is in force, or of a pinned version. */
  readonly evidence?: Evidence;
  readonly report?: VerificationReport;
  /** Of one that is not in force: the proved statement that says so, and the chain that it was proved by. */
  readonly state?: { readonly evidence: StateEvidence; readonly chain: readonly string[] };
}

export interface ResolutionService {
  resolve(request: ResolveRequest): Promise<Resolution>;
  /** For references written into records: one verdict each, undefined when verified and of the asked type. */
  readonly verifyReferences: VerifyReferences;
}

interface Task {
  readonly key: string;
  readonly reference: Reference;
  readonly paths: FollowPath[];
}

interface Walk {
  readonly records: Map<string, ResolvedRecord>;
  readonly homes: Map<string, { requests: number; records: number }>;
  readonly deadline: number;
  readonly outgoing: boolean;
  readonly caller: Caller;
  /** Whether other nodes are asked as by a member. */
  readonly isMember: boolean;
  readonly recordsMax: number;
  readonly access: ResolveAccess | undefined;
  /** How often each home node was asked for this purpose. */
  readonly accessCalls: Map<string, number>;
  readonly requestId: string;
  readonly asked: ReadonlySet<string>;
  readonly received: ReceivedEvent[];
  readonly onJudged: NonNullable<ResolveRequest["onJudged"]>;
}

/** The digest belongs to it: of two pins to one version, one may be wrong. */
export function referenceKey({ href, version, digest }: Reference): string {
  const pin = [version, digest].filter((part) => part !== undefined).join(".");
  return pin === "" ? href : `${href}#${pin}`;
}

export function createResolutionService(deps: {
  /** The name that this node's own records have, or undefined for a resolver that is no node. */
  ownEntity: string | undefined;
  askHome: AskHome;
  readHome: ReadHome;
  readOwn: (references: readonly Reference[], caller: Caller, access?: ReadAccess | undefined) => Promise<ReadBatch>;
  /** By which other nodes know this one: to whom personal fields must have been given. */
  audience?: string;
  /** Notes what was given to this node, before it is shown to anybody. */
  logReceived?: (readings: readonly ReceivedEvent[], caller: Caller) => Promise<void>;
  verifier: Verifier;
  clock: () => number;
  random?: (length: number) => Uint8Array;
}): ResolutionService {
  const { ownEntity, verifier, clock, audience, random } = deps;
  const verifyState = createStateVerifier();
  // Where the node itself wants to know whether a reference holds, and shows nobody what it read.
  const self: MemberNode | undefined =
    ownEntity === undefined ? undefined : { kind: "node", entity: ownEntity, anchor: ownEntity };

  async function readThrough(
    chain: VerifiedChain,
    { entity, tasks, walk }: { entity: string; tasks: readonly Task[]; walk: Walk },
  ): Promise<void> {
    for (let at = 0; at < tasks.length; at += RECORDS_READ_MAX) {
      const timeoutMs = walk.deadline - Date.now();
      if (timeoutMs <= 0)
        throw new AttestryError("budget_exceeded", `the request's ${RESOLVE_DEADLINE_MS / 1_000} s are over`);
      const batch = tasks.slice(at, at + RECORDS_READ_MAX);
      const references = batch.map(({ reference }) => reference);
      // Own staff read their own registries as staff, within their jurisdiction and under their own pseudonym.
      const access = entity === ownEntity ? undefined : stateAccess(entity, batch, walk);
      const answer =
        entity === ownEntity
          ? await deps.readOwn(references, walk.caller)
          : await deps.readHome({
              endpoint: chain.metadata.records_read_endpoint,
              references,
              timeoutMs,
              member: walk.isMember ? chain : undefined,
              access,
            });
      const home = walk.homes.get(entity) ?? { requests: 0, records: 0 };
      walk.homes.set(entity, { requests: home.requests + 1, records: home.records + batch.length });
      await Promise.all(
        batch.map(async (task, i) =>
          walk.records.set(
            task.key,
            await judge(task.reference, answer.records[i]!, { batch: answer, chain, walk, nonce: access?.nonce }),
          ),
        ),
      );
    }
  }

  /** What one call to a home node states: only its own consents, and a number of its own. */
  function stateAccess(entity: string, batch: readonly Task[], walk: Walk): ReadAccess | undefined {
    const { access, requestId } = walk;
    if (access === undefined || !walk.isMember || audience === undefined || random === undefined) return undefined;
    const call = (walk.accessCalls.get(entity) ?? 0) + 1;
    walk.accessCalls.set(entity, call);
    const consents = access.consents.filter((one) => one.entity === entity).map(({ id }) => id);
    const isAskedFor = batch.every(({ key }) => walk.asked.has(key));
    return {
      purpose: access.purpose,
      request_id: `${requestId}.${call}`,
      nonce: encodeBase64url(random(16)),
      ...(access.fields && isAskedFor && { fields: access.fields }),
      ...(consents.length > 0 && { consents }),
      ...(access.case !== undefined && { case: access.case }),
    };
  }

  /** Loads, from one home node, all that a step wants of it. */
  async function readFrom(entity: string, tasks: readonly Task[], walk: Walk): Promise<void> {
    const refuseAll = (outcome: string, message: string) => {
      for (const { key, reference } of tasks) walk.records.set(key, { href: reference.href, outcome, message });
    };
    if (entity !== ownEntity && !walk.outgoing) {
      return refuseAll(
        "authentication_required",
        "records of other nodes are resolved for callers with a bearer token of this node",
      );
    }
    try {
      const { outgoing } = walk;
      await deps.askHome(entity, (chain) => readThrough(chain, { entity, tasks, walk }), { outgoing });
    } catch (error) {
      if (!(error instanceof AttestryError)) throw error;
      let paths = error.code === "chain_not_found" ? error.details : [];
      for (const { key, reference } of tasks) {
        if (walk.records.has(key)) continue;
        walk.records.set(key, {
          href: reference.href,
          outcome: error.code,
          message: error.message,
          ...(paths.length > 0 && { paths }),
        });
        // Once: thousands of records may share what went wrong.
        paths = [];
      }
    }
  }

  async function judge(
    reference: Reference,
    read: ReadRecord,
    { batch, chain, walk, nonce }: { batch: ReadBatch; chain: VerifiedChain; walk: Walk; nonce: string | undefined },
  ): Promise<ResolvedRecord> {
    if (isStateOutcome(read.outcome)) return judgeState(reference, read, { chain, walk, nonce });
    if (read.outcome !== "found") {
      const message = `the home node answered "${read.outcome}"${read.message === undefined ? "" : `: ${read.message}`}`;
      return { href: reference.href, outcome: read.outcome, message, ...(read.fields && { fields: read.fields }) };
    }
    const { statusUri, vct } = namesIn(read.token!);
    const evidence: Evidence = {
      token: read.token!,
      receipts: { recent: read.receipt! },
      status: { token: textAt(batch.statusLists, statusUri) },
      chain: chain.statements,
      definition: textAt(batch.definitions, vct),
      ...(read.presentation && { presentation: read.presentation }),
    };
    const bound = nonce !== undefined && audience !== undefined && { audience, nonce };
    const report = await verifier.verify(evidence, { now: clock(), expected: { ...reference, ...bound } });
    walk.onJudged({ key: referenceKey(reference), evidence, report });
    const described = describe(reference, report);
    if (read.presentation === undefined || !report.valid || walk.access === undefined) return described;
    // Verified by `binding`.
    const { event } = decodeJws(read.presentation.token).payload as { event: { commitment: string; index: number } };
    const { purpose } = walk.access;
    walk.received.push({ from: chain.entity, ...event, purpose, case: walk.access.case });
    return { ...described, reading: event };
  }

  async function judgeState(
    reference: Reference,
    read: ReadRecord,
    { chain, walk, nonce }: { chain: VerifiedChain; walk: Walk; nonce: string | undefined },
  ): Promise<ResolvedRecord> {
    const { href } = reference;
    // Nobody on the way, and no node without its key, may end a record by a word.
    const unproved = (message: string) => ({ href, outcome: "state_unproved", message });
    if (read.state === undefined)
      return unproved(
        `the home node answered "${read.outcome}" without the signed statement and the receipt that prove it`,
      );
    // As nobody's record of a type that it was not granted is believed, nor is its word on one.
    if (chain.registryTypes.length === 0) return unproved("the home node may sign no registry type");
    try {
      const statement = await verifyState(read.state, { chain, href, isPersonal: nonce !== undefined });
      const { operation, version, effective, replacedBy } = statement;
      if (findStateOutcome(operation) !== read.outcome)
        return unproved(`the home node answered "${read.outcome}" with a statement about "${operation}"`);
      if (statement.erasedVersion !== undefined && statement.erasedVersion !== reference.version)
        return unproved(`the home node answered with the erasure of another version, ${statement.erasedVersion}`);
      const { state } = read;
      walk.onJudged({ key: referenceKey(reference), state: { evidence: state, chain: chain.statements } });
      return {
        href,
        outcome: read.outcome,
        message: describeState(statement),
        version: statement.erasedVersion ?? version,
        ...(replacedBy.length > 0 && { successors: replacedBy }),
        state: { operation, ...(effective !== undefined && { effective }), statement: read.state.statement },
        issuer: chain.entity,
        anchor: chain.anchor,
      };
    } catch (error) {
      if (!(error instanceof AttestryError)) throw error;
      return unproved(`the home node answered "${read.outcome}"; its statement: ${error.message}`);
    }
  }

  async function walkAll(tasks: Task[], walk: Walk): Promise<void> {
    let step = tasks;
    while (step.length > 0) {
      const byEntity = new Map<string, Task[]>();
      for (const task of step) {
        if (walk.records.has(task.key)) continue;
        const entity = parseRecordUrl(task.reference.href)?.entity ?? "";
        byEntity.set(entity, [...(byEntity.get(entity) ?? []), task]);
      }
      const wanted = [...byEntity.values()].reduce((total, group) => total + group.length, walk.records.size);
      if (wanted > walk.recordsMax) {
        throw new AttestryError(
          "budget_exceeded",
          `following the paths needs ${wanted} records; at most ${walk.recordsMax} are allowed in one request`,
        );
      }
      await Promise.all([...byEntity].map(([entity, group]) => readFrom(entity, group, walk)));
      step = nextStep(step, walk);
    }
  }

  async function resolve(request: ResolveRequest): Promise<Resolution> {
    if (request.references.length > RESOLVE_REFERENCES_MAX) {
      throw new AttestryError(
        "too_many_items",
        `${request.references.length} references in one request; at most ${RESOLVE_REFERENCES_MAX} are allowed`,
      );
    }
    const { caller = ANONYMOUS } = request;
    const walk: Walk = {
      records: new Map(),
      homes: new Map(),
      deadline: Date.now() + RESOLVE_DEADLINE_MS,
      outgoing: request.outgoing,
      caller,
      isMember: caller === self || isPermitted({ caller, action: "peer.read" }),
      recordsMax: request.recordsMax ?? RESOLVE_FANOUT_MAX,
      access: request.access,
      accessCalls: new Map(),
      requestId: request.access?.requestId ?? (random ? encodeBase64url(random(12)) : ""),
      asked: new Set(request.references.map(referenceKey)),
      received: [],
      onJudged: request.onJudged ?? (() => {}),
    };
    const tasks = mergeTasks(
      request.references.map((reference) => ({ key: referenceKey(reference), reference, paths: [...request.follow] })),
    );
    await walkAll(tasks, walk);
    if (walk.received.length > 0) await deps.logReceived?.(walk.received, caller);
    return {
      references: request.references.map((reference) => {
        const record = referenceKey(reference);
        return { href: reference.href, record, outcome: walk.records.get(record)!.outcome };
      }),
      records: Object.fromEntries(walk.records),
      homes: [...walk.homes].map(([entity, home]) => ({ entity, ...home })),
    };
  }

  // Being verified is kept no longer than a status list may be: an import does not ask for the same district in every batch.
  const verifiedUntil = new Map<string, number>();

  return {
    resolve,
    async verifyReferences(references) {
      const typedKey = (reference: TypedReference) => `${reference.type}\n${referenceKey(reference)}`;
      const keys = references.map(typedKey);
      const missing = references.filter((_reference, at) => !((verifiedUntil.get(keys[at]!) ?? 0) > clock()));
      const answers = new Map<string, ReferenceFault | undefined>();
      for (let at = 0; at < missing.length; at += RESOLVE_REFERENCES_MAX) {
        const part = missing.slice(at, at + RESOLVE_REFERENCES_MAX);
        const { records } = await resolve({
          references: part,
          follow: [],
          outgoing: true,
          caller: self ?? ANONYMOUS,
        });
        for (const reference of part)
          answers.set(typedKey(reference), explain(records[referenceKey(reference)]!, reference.type));
      }
      if (verifiedUntil.size + answers.size > REFERENCE_CACHE_ENTRIES_MAX) verifiedUntil.clear();
      for (const [key, verdict] of answers)
        if (verdict === undefined) verifiedUntil.set(key, clock() + STATUS_LIST_TTL_SECONDS);
      return keys.map((key) => answers.get(key));
    },
  };
}

/** Two tasks for one record become one that follows both their paths. */
function mergeTasks(tasks: readonly Task[]): Task[] {
  const merged = new Map<string, Task>();
  for (const task of tasks) {
    const known = merged.get(task.key);
    if (!known) merged.set(task.key, { ...task, paths: [...task.paths] });
    else
      for (const path of task.paths)
        if (!known.paths.some((other) => other.join("\n") === path.join("\n"))) known.paths.push(path);
  }
  return [...merged.values()];
}

/** Notes where the verified records of a step lead, and gives the tasks of the next. */
function nextStep(step: readonly Task[], walk: Walk): Task[] {
  const next: Task[] = [];
  for (const { key, paths } of step) {
    const record = walk.records.get(key)!;
    if (record.data === undefined || paths.length === 0) continue;
    const links: Record<string, string[]> = { ...(record.links as Record<string, string[]> | undefined) };
    for (const [field, remaining] of splitPaths(paths)) {
      links[field] = referencesAt(record.data, field).map((reference, at) => {
        if (reference === undefined) {
          const broken = `${key}#${field}.${at}`;
          walk.records.set(broken, {
            href: broken,
            outcome: "reference_invalid",
            message: `"${field}" does not hold the URL of a record`,
          });
          return broken;
        }
        next.push({ key: referenceKey(reference), reference, paths: remaining });
        return referenceKey(reference);
      });
    }
    walk.records.set(key, { ...record, links });
  }
  return mergeTasks(next);
}

function describe(reference: Reference, report: VerificationReport): ResolvedRecord {
  const { record, checks } = report;
  if (!report.valid || !record) {
    const open = checks.filter(({ check, result }) => result !== "pass" && report.required.includes(check));
    const failed =
      checks.find(({ result }) => result === "fail") ??
      open.find(({ code }) => code !== "prerequisite_failed") ??
      open[0]!;
    return { href: reference.href, outcome: failed.code, message: failed.message, checks };
  }
  return {
    href: reference.href,
    outcome: "verified",
    type: record.registryType,
    ...(record.identifier !== undefined && { identifier: record.identifier }),
    version: record.version,
    issuer: record.issuer,
    anchor: record.anchor,
    data: record.data,
    checks,
  };
}

// The home node was busy, away, or our time was up: the record may be in order all the same.
const PASSING_OUTCOMES = new Set([
  "peer_unreachable",
  "peer_busy",
  "peer_head_timeout",
  "peer_timeout",
  "peer_response_truncated",
  "budget_exceeded",
]);

export function isPassingOutcome(code: string): boolean {
  return PASSING_OUTCOMES.has(code);
}

function explain(record: ResolvedRecord, type: string): ReferenceFault | undefined {
  if (record.outcome !== "verified") {
    const message = `is not verified (${record.outcome}): ${record.message ?? ""}`;
    return { message, isPassing: PASSING_OUTCOMES.has(record.outcome) };
  }
  if (record.type === type) return undefined;
  return { message: `is a record of type "${record.type}", not "${type}"`, isPassing: false };
}

function textAt(texts: Readonly<Record<string, Json>>, name: string | undefined): string {
  const text: Json | undefined = name === undefined || !Object.hasOwn(texts, name) ? undefined : texts[name];
  return typeof text === "string" ? text : "";
}

/** Where an unverified token says its status and definition are; both are proved later, by the checks that use them. */
function namesIn(token: string): { statusUri: string | undefined; vct: string | undefined } {
  try {
    const { payload } = decodeJws(token.split("~", 1)[0]!);
    const list =
      isJsonObject(payload.status) && isJsonObject(payload.status.status_list)
        ? payload.status.status_list.uri
        : undefined;
    return {
      statusUri: typeof list === "string" ? list : undefined,
      vct: typeof payload.vct === "string" ? payload.vct : undefined,
    };
  } catch (error) {
    // A token that cannot be read fails the verifier's `format` check, which names why.
    if (error instanceof AttestryError) return { statusUri: undefined, vct: undefined };
    throw error;
  }
}
