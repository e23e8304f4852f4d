// How a node becomes a subordinate: it applies, proves its key, and is accepted by an operator or by a one-time code. What strangers send causes no outgoing request.
import { encodeBase64url } from "../crypto/base64.ts";
import { sha256Base64url } from "../crypto/hash.ts";
import { decodeJws } from "../crypto/jws.ts";
import { type PublicKey, parseKeySet } from "../crypto/keys.ts";
import { AttestryError, isAttestryError } from "../errors.ts";
import {
  ENROLMENT_CHALLENGE_SECONDS,
  ENROLMENT_CODE_SECONDS_MAX,
  ENROLMENT_KEPT_SECONDS,
  ENROLMENTS_CHALLENGED_MAX,
  ENROLMENTS_PENDING_MAX,
  ENROLMENTS_PENDING_PER_ENTITY_MAX,
  STATE_REASON_CHARS_MAX,
} from "../limits.ts";
import type { Database, Transaction } from "../storage/database.ts";
import { runTransaction } from "../storage/transaction.ts";
import { admitSubordinate } from "./admission-service.ts";
import { checkApplicant, checkGrant, formerNames, type Grant, isKnownKey } from "./applicant.ts";
import { verifyDeparture } from "./departure.ts";
import { verifyEnrolmentProof } from "./enrolment-proof.ts";
import * as store from "./enrolment-store.ts";
import { parseEntityIdentifier } from "./entity-identifier.ts";
import { type EntityStatement, parseEntityStatement } from "./entity-statement.ts";
import { REGISTRY_NODE } from "./node-metadata.ts";
import {
  findSubordinate,
  lockSubordinate,
  removeSubordinateWithin,
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
  /** Thumbprint of the key that it proved, for people to compare. */
  readonly key: string;
  /** It was accepted before, with other keys: to be accepted only once people have confirmed that it lost them. */
  readonly replacesKey: boolean;
  /** What it says it was called before it moved; where this node vouches for that name, the key that it is known by counts. */
  readonly formerly?: string;
}

export interface EnrolmentService {
  /**
   * Takes an application: `configuration` is the applicant's entity configuration (untrusted), which must name this node; `formerly`
   * what it was called as this node's subordinate, where it moved. Throws what parsing and proving a statement throws,
   * `statement_hint_missing`, `key_role_conflict`, `node_metadata_invalid`, `formerly_not_vouched`, `request_invalid`.
   */
  apply(application: {
    configuration: string;
    formerly?: string | undefined;
  }): Promise<EnrolmentStatus & { readonly challenge: string }>;
  /**
   * Settles an application by a proof of the key (untrusted), which may bring a one-time code. Throws `enrolment_unknown`, `state_conflict`
   * where it has had its proof, `enrolment_proof_invalid`, `too_many_items`; with a code `enrolment_code_invalid`, `subordinate_key_changed`.
   */
  prove(id: string, proof: string): Promise<EnrolmentStatus>;
  /** Throws `enrolment_unknown`. */
  getStatus(id: string): Promise<EnrolmentStatus>;
  listApplications(): Promise<Application[]>;
  /** Whether an application of this entity waits to be decided. */
  isPending(entity: string): Promise<boolean>;
  /**
   * Vouches for an applicant that has proven its key: of several in one name, the one whose thumbprint is `key`, which people have
   * compared, or else the one that signs the configuration at the entity's own address, which is fetched. One that moved takes the place
   * of the subordinate that it was, if `formerly` confirms what it says.
   * Throws `enrolment_unknown`, `enrolment_key_unconfirmed`, `request_invalid`, `formerly_not_vouched`, `subordinate_key_changed` unless
   * `replaceKey`.
   */
  accept(options: {
    entity: string;
    grant: Grant;
    replaceKey: boolean;
    formerly?: string | undefined;
    key?: string | undefined;
  }): Promise<StoredSubordinate>;
  /** Takes a subordinate's own word (untrusted) that it leaves, and ends vouching for it. Throws `departure_invalid`. */
  depart(departure: string): Promise<void>;
  /** Refuses all that wait in that name, and tells the applicant why. Throws `enrolment_unknown`, `request_invalid`. */
  refuse(options: { entity: string; reason: string }): Promise<void>;
  /** A code by which `entity`, and nobody else, is accepted once. It is told here and stored nowhere. */
  createCode(options: { entity: string; grant: Grant; seconds: number }): Promise<{ code: string; expiresAt: number }>;
}

const ID_BYTES = 16;
const NONCE_BYTES = 32;
const ID_PATTERN = /^[A-Za-z0-9_-]{22}$/; // ID_BYTES in base64url

function unknown(): AttestryError {
  return new AttestryError("enrolment_unknown", "there is no such application, or it has expired: apply again");
}

function unconfirmed(reason: string, cause?: unknown): AttestryError {
  return new AttestryError(
    "enrolment_key_unconfirmed",
    `${reason}; compare the thumbprint with the applicant's people, then accept it with --key THUMBPRINT`,
    { cause },
  );
}

/** `key`: this node's federation key. `clock`: Unix seconds. `fetchConfiguration`: asked only where an operator accepts. */
export function createEnrolmentService(deps: {
  database: Database;
  entity: string;
  key: PublicKey;
  clock: () => number;
  random: (length: number) => Uint8Array;
  allowLoopbackHttp: boolean;
  fetchConfiguration: (entity: string) => Promise<EntityStatement>;
}): EnrolmentService {
  const { database, entity: superior, clock, random } = deps;
  const readName = (text: unknown): string =>
    parseEntityIdentifier(text, { allowLoopbackHttp: deps.allowLoopbackHttp });
  const draw = (length: number): string => encodeBase64url(random(length));

  async function readConfiguration(text: string, former: string | null): Promise<EntityStatement> {
    const applicant = parseEntityStatement(text);
    if (applicant.issuer !== applicant.subject)
      throw new AttestryError("statement_invalid", "the application is no entity configuration: iss is not sub");
    readName(applicant.subject);
    checkStatementTime(applicant, clock());
    await verifyStatementSignature(applicant, applicant.keys);
    const known = await findSubordinate(database, former ?? applicant.subject);
    const formerly = formerNames(applicant.subject, { known, former }) ?? [];
    checkApplicant(applicant, { entity: superior, key: deps.key }, formerly);
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
    const row = ID_PATTERN.test(id) ? await store.findEnrolment(database.sql, id) : undefined;
    if (!row || row.expiresAt <= clock()) throw unknown();
    return describeStatus(row);
  }

  async function insert(tx: Transaction, row: store.StoredEnrolment): Promise<void> {
    await store.lockEnrolments(tx);
    await store.deleteExpired(tx, row.createdAt);
    // Anybody may apply in anybody's name: a refusal here would let a stranger shut the door to others for as long as challenges live.
    await store.deleteOldestChallenged(tx, ENROLMENTS_CHALLENGED_MAX - 1);
    await store.insertEnrolment(tx, row);
  }

  async function checkRoom(tx: Transaction, { entity }: store.StoredEnrolment): Promise<void> {
    const waiting = await store.countPendingEnrolments(tx, { now: clock(), entity });
    if (waiting.own < ENROLMENTS_PENDING_PER_ENTITY_MAX && waiting.all < ENROLMENTS_PENDING_MAX) return;
    throw new AttestryError(
      "too_many_items",
      `${waiting.own} applications in this name and ${waiting.all} in all wait to be decided; at most ${ENROLMENTS_PENDING_PER_ENTITY_MAX} and ${ENROLMENTS_PENDING_MAX} may: ask the operator to decide them, or for a one-time code`,
    );
  }

  /** Stores the subordinate, and the application as accepted. */
  async function admit(
    tx: Transaction,
    row: store.StoredEnrolment,
    { grant, replaceKey }: { grant: Grant; replaceKey: boolean },
  ): Promise<StoredSubordinate> {
    const subordinate = await admitSubordinate(tx, {
      superior: { entity: superior, key: deps.key },
      // Its statement may have expired while it waited: what counts is that the key was proven.
      applicant: parseEntityStatement(row.configuration),
      grant,
      former: row.formerly,
      replaceKey,
      now: clock(),
    });
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

  async function listPending(entity: string): Promise<store.StoredEnrolment[]> {
    const rows = await store.listEnrolments(database, { now: clock(), entity });
    return rows.filter(({ state }) => state === "pending");
  }

  async function settlePending<Result>(
    id: string,
    body: (tx: Transaction, row: store.StoredEnrolment) => Promise<Result>,
  ): Promise<Result> {
    return runTransaction(database, async (tx) => {
      await store.lockEnrolments(tx);
      const row = await store.lockEnrolment(tx, id);
      if (row?.state !== "pending") throw unknown();
      return body(tx, row);
    });
  }

  /** The application to accept. That its key was proven says nothing of the name it was made in: a stranger may apply in any. */
  async function choosePending(entity: string, key: string | undefined): Promise<store.StoredEnrolment> {
    const pending = await listPending(entity);
    if (pending.length === 0) throw unknown();
    const keys = key === undefined ? await findPublishedKeys(entity) : [key];
    const chosen = pending.find((row) => keys.includes(parseEntityStatement(row.configuration).kid));
    if (chosen) return chosen;
    throw unconfirmed(
      key === undefined
        ? `${entity} publishes other keys than the applicant's`
        : "no applicant in that name has that key",
    );
  }

  async function findPublishedKeys(entity: string): Promise<string[]> {
    try {
      return (await deps.fetchConfiguration(entity)).keys.map(({ kid }) => kid);
    } catch (error) {
      if (!isAttestryError(error)) throw error;
      throw unconfirmed(`its configuration could not be fetched (${error.code}: ${error.message})`, error);
    }
  }

  return {
    async apply({ configuration, formerly }) {
      const former = formerly === undefined ? null : readName(formerly);
      const applicant = await readConfiguration(configuration, former);
      if (formerly === applicant.subject)
        throw new AttestryError("request_invalid", "an applicant moved from itself; leave formerly out");
      const now = clock();
      const row: store.StoredEnrolment = {
        id: draw(ID_BYTES),
        entity: applicant.subject,
        configuration,
        nonce: draw(NONCE_BYTES),
        formerly: former,
        state: "challenged",
        reason: null,
        createdAt: now,
        expiresAt: now + ENROLMENT_CHALLENGE_SECONDS,
      };
      await runTransaction(database, (tx) => insert(tx, row));
      return { ...(await describeStatus(row)), challenge: row.nonce };
    },

    async prove(id, proof) {
      if (!ID_PATTERN.test(id)) throw unknown();
      await runTransaction(database, async (tx) => {
        await store.lockEnrolments(tx);
        const row = await store.lockEnrolment(tx, id);
        if (!row || row.expiresAt <= clock()) throw unknown();
        // A challenge is answered once, or a proof that was overheard could be sent again.
        if (row.state !== "challenged")
          throw new AttestryError("state_conflict", `this application has had its proof; it is ${row.state}`);
        const { keys } = parseEntityStatement(row.configuration);
        const expected = { entity: row.entity, superior, nonce: row.nonce };
        const code = await verifyEnrolmentProof(proof, expected, { keys, now: clock() });
        if (code !== undefined && row.formerly !== null)
          throw new AttestryError("enrolment_code_invalid", "a move is confirmed by an operator; apply without a code");
        if (code === undefined) {
          await checkRoom(tx, row);
          return settle(tx, row, { state: "pending", reason: null });
        }
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
            key: applicant.kid,
            replacesKey: known !== undefined && !isKnownKey(applicant, known),
          };
        }),
      );
    },

    isPending: async (entity) => (await listPending(entity)).length > 0,

    async accept({ entity, grant, replaceKey, key, formerly }) {
      checkGrant(grant);
      const { id } = await choosePending(entity, key);
      return settlePending(id, (tx, row) => {
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
      const entity = readName(decodeJws(text).payload.iss);
      await runTransaction(database, async (tx) => {
        const known = await lockSubordinate(tx, entity);
        if (known === undefined)
          throw new AttestryError("departure_invalid", "the departure: this node does not vouch for its issuer");
        // Else it would come back without its suspension, and under whatever key.
        if (known.state === "suspended")
          throw new AttestryError(
            "departure_invalid",
            "the departure: its issuer is suspended; it leaves by the operator",
          );
        const { acceptedAt } = known;
        const keys = parseKeySet(known.jwks);
        await verifyDeparture(text, { entity, superior, keys, acceptedAt, now: clock() });
        await removeSubordinateWithin(tx, { entity, removedAt: clock() });
      });
    },

    async refuse({ entity, reason }) {
      if (reason.trim() === "" || reason.length > STATE_REASON_CHARS_MAX)
        throw new AttestryError(
          "request_invalid",
          `a refusal has a reason of 1 to ${STATE_REASON_CHARS_MAX} characters`,
        );
      const pending = await listPending(entity);
      if (pending.length === 0) throw unknown();
      for (const { id } of pending) await settlePending(id, (tx, row) => settle(tx, row, { state: "refused", reason }));
    },

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
