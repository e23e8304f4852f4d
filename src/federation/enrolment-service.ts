// How a node becomes a subordinate: it applies, proves its key, and is accepted by an operator or by a one-time code. What strangers send causes no outgoing request.
import { encodeBase64url } from "../crypto/base64.ts";
import { sha256Base64url } from "../crypto/hash.ts";
import { decodeJws } from "../crypto/jws.ts";
import { type PublicKey, parseKeySet } from "../crypto/keys.ts";
import { AttestryError } from "../errors.ts";
import {
  ENROLMENT_CHALLENGE_SECONDS,
  ENROLMENT_CODE_SECONDS_MAX,
  ENROLMENT_KEPT_SECONDS,
  ENROLMENTS_OPEN_MAX,
  ENROLMENTS_OPEN_PER_ENTITY_MAX,
} from "../limits.ts";
import type { Database, Transaction } from "../storage/database.ts";
import { runTransaction } from "../storage/transaction.ts";
import {
  checkApplicant,
  checkGrant,
  checkKnownKey,
  describeSubordinate,
  formerNames,
  type Grant,
  isKnownKey,
} from "./applicant.ts";
import { verifyDeparture } from "./departure.ts";
import { verifyEnrolmentProof } from "./enrolment-proof.ts";
import * as store from "./enrolment-store.ts";
import { parseEntityIdentifier } from "./entity-identifier.ts";
import { type EntityStatement, parseEntityStatement } from "./entity-statement.ts";
import { REGISTRY_NODE } from "./node-metadata.ts";
import {
  deleteSubordinate,
  deleteSubordinateWithin,
  findSubordinate,
  replaceSubordinate,
  type StoredSubordinate,
} from "./subordinate-store.ts";
import { checkStatementTime, verifyStatementSignature } from "./trust-chain.ts";

/** An application as its applicant sees it. */
export interface EnrolmentStatus {
  readonly id: string;
  readonly state: store.StoredEnrolment["state"];
  readonly expiresAt: number;
  /** Why it was refused. */
  readonly reason?: string;
  /** What is granted, once it is accepted. */
  readonly registryTypes?: readonly string[];
}

/** An application as the superior's operator sees it. */
export interface Application {
  readonly entity: string;
  readonly organizationName: string | undefined;
  /** The types that its registries have: what it asks to be granted. */
  readonly registryTypes: readonly string[];
  readonly state: store.StoredEnrolment["state"];
  readonly reason?: string;
  readonly createdAt: number;
  /** It was accepted before, with other keys: to be accepted only once people have confirmed that it lost them. */
  readonly replacesKey: boolean;
  /** What it says it was called before it moved. */
  readonly formerly?: string;
}

export interface EnrolmentService {
  /**
   * Takes an application: `configuration` is the applicant's entity configuration (untrusted), which must name this node; `formerly`
   * what it was called as this node's subordinate, where it moved. Throws what parsing and proving a statement throws,
   * `statement_hint_missing`, `key_role_conflict`, `formerly_not_vouched`, `too_many_items`.
   */
  apply(application: {
    configuration: string;
    formerly?: string | undefined;
  }): Promise<EnrolmentStatus & { readonly challenge: string }>;
  /** Settles an application by a proof of the key, which may bring a one-time code. Throws `enrolment_unknown`, `enrolment_proof_invalid`, `enrolment_code_invalid`. */
  prove(id: string, proof: string): Promise<EnrolmentStatus>;
  /** Throws `enrolment_unknown`. */
  getStatus(id: string): Promise<EnrolmentStatus>;
  listApplications(): Promise<Application[]>;
  /** Whether an application of this entity waits to be decided. */
  isPending(entity: string): Promise<boolean>;
  /**
   * Vouches for an applicant that has proven its key. One that moved takes the place of the subordinate that it was, if `formerly` confirms
   * what it says. Throws `enrolment_unknown`, `request_invalid`, `formerly_not_vouched`, `subordinate_key_changed` unless `replaceKey`.
   */
  accept(options: {
    entity: string;
    grant: Grant;
    replaceKey: boolean;
    formerly?: string | undefined;
  }): Promise<StoredSubordinate>;
  /** Takes a subordinate's own word (untrusted) that it leaves, and ends vouching for it. Throws `departure_invalid`. */
  depart(departure: string): Promise<void>;
  /** Tells the applicant why not. Throws `enrolment_unknown`. */
  refuse(options: { entity: string; reason: string }): Promise<void>;
  /** A code by which `entity`, and nobody else, is accepted once. It is told here and stored nowhere. */
  createCode(options: { entity: string; grant: Grant; seconds: number }): Promise<{ code: string; expiresAt: number }>;
}

const ID_BYTES = 16;
const NONCE_BYTES = 32;

function unknown(): AttestryError {
  return new AttestryError("enrolment_unknown", "there is no such application, or it has expired: apply again");
}

/** `key`: this node's federation key. `clock`: Unix seconds. */
export function createEnrolmentService(deps: {
  database: Database;
  entity: string;
  key: PublicKey;
  clock: () => number;
  random: (length: number) => Uint8Array;
  allowLoopbackHttp: boolean;
}): EnrolmentService {
  const { database, entity: superior, clock, random } = deps;
  const draw = (length: number): string => encodeBase64url(random(length));

  /** The subordinate that an applicant says it was. Throws `formerly_not_vouched`. */
  async function findFormer(formerly: string): Promise<StoredSubordinate> {
    const former = await findSubordinate(database, formerly);
    if (former !== undefined) return former;
    throw new AttestryError(
      "formerly_not_vouched",
      `${superior} does not vouch for ${formerly}, so nobody can be its successor here`,
    );
  }

  async function readConfiguration(text: string, former: StoredSubordinate | undefined): Promise<EntityStatement> {
    const applicant = parseEntityStatement(text);
    if (applicant.issuer !== applicant.subject)
      throw new AttestryError("statement_invalid", "the application is no entity configuration: iss is not sub");
    parseEntityIdentifier(applicant.subject, { allowLoopbackHttp: deps.allowLoopbackHttp });
    checkStatementTime(applicant, clock());
    await verifyStatementSignature(applicant, applicant.keys);
    const known = former ?? (await findSubordinate(database, applicant.subject));
    checkApplicant(applicant, { entity: superior, key: deps.key }, formerNames(applicant.subject, known) ?? []);
    return applicant;
  }

  async function describeStatus(row: store.StoredEnrolment): Promise<EnrolmentStatus> {
    const granted = row.state === "accepted" ? await findSubordinate(database, row.entity) : undefined;
    return {
      id: row.id,
      state: row.state,
      expiresAt: row.expiresAt,
      ...(row.reason !== null && { reason: row.reason }),
      ...(granted && { registryTypes: granted.registryTypes }),
    };
  }

  async function getStatus(id: string): Promise<EnrolmentStatus> {
    const row = await store.findEnrolment(database.sql, id);
    if (!row || row.expiresAt <= clock()) throw unknown();
    return describeStatus(row);
  }

  async function insert(tx: Transaction, row: store.StoredEnrolment): Promise<void> {
    // One at a time, or several at once would each find room for one more.
    await tx`select pg_advisory_xact_lock(hashtext('attestry enrolment'))`;
    await store.deleteExpired(tx, row.createdAt);
    const open = await store.countOpenEnrolments(tx, { now: row.createdAt, entity: row.entity });
    if (open.own >= ENROLMENTS_OPEN_PER_ENTITY_MAX || open.all >= ENROLMENTS_OPEN_MAX) {
      throw new AttestryError(
        "too_many_items",
        `${open.own} applications of this entity and ${open.all} of all wait; at most ${ENROLMENTS_OPEN_PER_ENTITY_MAX} and ${ENROLMENTS_OPEN_MAX} are kept: try again later`,
      );
    }
    await store.insertEnrolment(tx, row);
  }

  /** Stores the subordinate, and the application as accepted. */
  async function admit(
    tx: Transaction,
    row: store.StoredEnrolment,
    { grant, replaceKey }: { grant: Grant; replaceKey: boolean },
  ): Promise<StoredSubordinate> {
    // Its statement may have expired while it waited: what counts is that the key was proven.
    const applicant = parseEntityStatement(row.configuration);
    const known = row.formerly === null ? await findSubordinate(database, row.entity) : await findFormer(row.formerly);
    if (!replaceKey) checkKnownKey(applicant, known);
    if (row.formerly !== null) await deleteSubordinateWithin(tx, row.formerly);
    const subordinate = describeSubordinate(applicant, { grant, known, now: clock() });
    await replaceSubordinate(tx, subordinate);
    await settle(tx, row, { state: "accepted", reason: null });
    return subordinate;
  }

  async function settle(
    tx: Transaction,
    row: store.StoredEnrolment,
    change: Pick<store.StoredEnrolment, "state" | "reason">,
  ): Promise<void> {
    await store.settleEnrolment(tx, { id: row.id, ...change, expiresAt: clock() + ENROLMENT_KEPT_SECONDS });
  }

  async function findPending(entity: string): Promise<store.StoredEnrolment | undefined> {
    const rows = await store.listEnrolments(database, { now: clock(), entity });
    return rows.find(({ state }) => state === "pending");
  }

  async function settlePending<Result>(
    entity: string,
    body: (tx: Transaction, row: store.StoredEnrolment) => Promise<Result>,
  ): Promise<Result> {
    const found = await findPending(entity);
    if (!found) throw unknown();
    return runTransaction(database, async (tx) => {
      const row = await store.lockEnrolment(tx, found.id);
      if (row?.state !== "pending") throw unknown();
      return body(tx, row);
    });
  }

  return {
    async apply({ configuration, formerly }) {
      const former = formerly === undefined ? undefined : await findFormer(formerly);
      const applicant = await readConfiguration(configuration, former);
      if (formerly === applicant.subject)
        throw new AttestryError("request_invalid", "an applicant moved from itself; leave formerly out");
      const now = clock();
      const row: store.StoredEnrolment = {
        id: draw(ID_BYTES),
        entity: applicant.subject,
        configuration,
        nonce: draw(NONCE_BYTES),
        formerly: formerly ?? null,
        state: "challenged",
        reason: null,
        createdAt: now,
        expiresAt: now + ENROLMENT_CHALLENGE_SECONDS,
      };
      await runTransaction(database, (tx) => insert(tx, row));
      return { ...(await describeStatus(row)), challenge: row.nonce };
    },

    async prove(id, proof) {
      await runTransaction(database, async (tx) => {
        const row = await store.lockEnrolment(tx, id);
        if (row?.state !== "challenged" || row.expiresAt <= clock()) throw unknown();
        const { keys } = parseEntityStatement(row.configuration);
        const expected = { entity: row.entity, superior, nonce: row.nonce };
        const code = await verifyEnrolmentProof(proof, expected, { keys, now: clock() });
        if (code !== undefined && row.formerly !== null)
          throw new AttestryError("enrolment_code_invalid", "a move is confirmed by an operator; apply without a code");
        if (code === undefined) return settle(tx, row, { state: "pending", reason: null });
        const digest = sha256Base64url(code);
        const taken = await store.takeCode(tx, { digest, entity: row.entity, now: clock() });
        if (!taken) {
          throw new AttestryError(
            "enrolment_code_invalid",
            "the one-time code is not one of this superior for this node, was used, or has expired: ask for another, or apply without",
          );
        }
        const grant = { registryTypes: taken.registryTypes, maxPathLength: taken.maxPathLength ?? undefined };
        await admit(tx, row, { grant, replaceKey: false });
      });
      return getStatus(id);
    },

    getStatus,

    async listApplications() {
      const rows = await store.listEnrolments(database, { now: clock() });
      const shown = rows.filter(({ state }) => state === "pending" || state === "refused");
      return Promise.all(
        shown.map(async (row): Promise<Application> => {
          const applicant = parseEntityStatement(row.configuration);
          const node = applicant.metadata.get(REGISTRY_NODE);
          const known = await findSubordinate(database, row.formerly ?? row.entity);
          return {
            entity: row.entity,
            organizationName: typeof node?.organization_name === "string" ? node.organization_name : undefined,
            registryTypes: Array.isArray(node?.registry_types) ? node.registry_types.map(String) : [],
            state: row.state,
            ...(row.reason !== null && { reason: row.reason }),
            ...(row.formerly !== null && { formerly: row.formerly }),
            createdAt: row.createdAt,
            replacesKey: known !== undefined && !isKnownKey(applicant, known),
          };
        }),
      );
    },

    isPending: async (entity) => (await findPending(entity)) !== undefined,

    async accept({ entity, grant, replaceKey, formerly }) {
      checkGrant(grant);
      return settlePending(entity, (tx, row) => {
        if ((row.formerly ?? undefined) === formerly) return admit(tx, row, { grant, replaceKey });
        throw new AttestryError(
          "formerly_not_vouched",
          row.formerly === null
            ? `${entity} does not say that it was ${formerly}`
            : `${entity} says that it was ${row.formerly}: confirm it with --formerly ${row.formerly}, or refuse it`,
        );
      });
    },

    async depart(text) {
      const { payload } = decodeJws(text);
      const known = typeof payload.iss === "string" ? await findSubordinate(database, payload.iss) : undefined;
      if (known === undefined)
        throw new AttestryError("departure_invalid", "the departure: this node does not vouch for its issuer");
      const { entity, acceptedAt } = known;
      const keys = parseKeySet(known.jwks);
      await verifyDeparture(text, { entity, superior, keys, acceptedAt, now: clock() });
      await deleteSubordinate(database, entity);
    },

    refuse: ({ entity, reason }) => settlePending(entity, (tx, row) => settle(tx, row, { state: "refused", reason })),

    async createCode({ entity, grant, seconds }) {
      checkGrant(grant);
      if (!Number.isSafeInteger(seconds) || seconds < 1 || seconds > ENROLMENT_CODE_SECONDS_MAX)
        throw new AttestryError("request_invalid", `a code holds for 1 to ${ENROLMENT_CODE_SECONDS_MAX} seconds`);
      const code = draw(ID_BYTES);
      const expiresAt = clock() + seconds;
      await store.insertCode(database, {
        digest: sha256Base64url(code),
        entity: parseEntityIdentifier(entity, { allowLoopbackHttp: deps.allowLoopbackHttp }),
        registryTypes: [...new Set(grant.registryTypes)].sort(),
        maxPathLength: grant.maxPathLength ?? null,
        expiresAt,
      });
      return { code, expiresAt };
    },
  };
}
