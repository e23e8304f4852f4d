// Trust marks on this node's side: those that it issues, revokes and answers for, and those that it carries. Judges nobody else's.
import { sha256Base64url } from "../crypto/hash.ts";
import type { JsonObject } from "../crypto/json.ts";
import { verifyJws } from "../crypto/jws.ts";
import type { Signer } from "../crypto/signer.ts";
import { AttestryError, isAttestryError } from "../errors.ts";
import {
  STATE_REASON_CHARS_MAX,
  TRUST_MARK_SECONDS_MAX,
  TRUST_MARKS_CARRIED_CHARS_MAX,
  TRUST_MARKS_CARRIED_MAX,
} from "../limits.ts";
import type { Database } from "../storage/database.ts";
import { parseEntityIdentifier } from "./entity-identifier.ts";
import type { CarriedTrustMark } from "./entity-statement.ts";
import {
  parseTrustMark,
  parseTrustMarkType,
  signDelegation,
  signTrustMark,
  TRUST_MARK_TYPE,
  type TrustMark,
} from "./trust-mark.ts";
import { signTrustMarkStatus, type TrustMarkStatus } from "./trust-mark-status.ts";
import * as store from "./trust-mark-store.ts";

export interface TrustMarkTerms {
  readonly type: string;
  readonly subject: string;
  readonly seconds: number;
  /** Of the type's owner, where an anchor knows one. */
  readonly delegation?: string | undefined;
}

export interface TrustMarkService {
  /** Signs and remembers a mark; a newer one takes no older one back. Throws `entity_identifier_invalid`, `request_invalid`, `trust_mark_invalid`. */
  issue(terms: TrustMarkTerms): Promise<store.StoredTrustMark>;
  /** As the owner of `type`: lets `issuer` issue it. Throws as `issue`. */
  delegate(terms: { readonly type: string; readonly issuer: string; readonly seconds: number }): Promise<string>;
  /** Ends every mark of this type and subject that holds; how many. Throws `trust_mark_unknown`, `request_invalid`. */
  revoke(terms: { readonly type: string; readonly subject: string; readonly reason: string }): Promise<number>;
  list(): Promise<(store.StoredTrustMark & { readonly status: TrustMarkStatus })[]>;
  /** The newest mark of this type and subject that holds. Throws `trust_mark_unknown`. */
  getMark(of: { readonly type: string; readonly subject: string }): Promise<string>;
  /** A signed answer about a mark of this node (untrusted). Throws `trust_mark_invalid` for what is no mark, `trust_mark_unknown`. */
  getStatus(text: string): Promise<string>;
  /** Entity identifiers of those that have a mark of this type that holds. */
  listMarked(of: { readonly type: string; readonly subject?: string | undefined }): Promise<string[]>;
  hasIssued(): Promise<boolean>;
  /** Publishes a mark that another issued to this node. Throws `trust_mark_*`, `too_many_items`. */
  carry(text: string): Promise<TrustMark>;
  /** How many of that type were published. */
  drop(type: string): Promise<number>;
  listCarried(): Promise<CarriedTrustMark[]>;
}

function statusOf(row: store.StoredTrustMark, now: number): TrustMarkStatus {
  if (row.revokedAt !== null) return "revoked";
  return row.expiresAt <= now ? "expired" : "active";
}

function unknownMark(): AttestryError {
  return new AttestryError("trust_mark_unknown", "this node knows no such trust mark");
}

function checkSeconds(seconds: number): void {
  if (!Number.isSafeInteger(seconds) || seconds < 1 || seconds > TRUST_MARK_SECONDS_MAX)
    throw new AttestryError("request_invalid", `a trust mark holds for 1 to ${TRUST_MARK_SECONDS_MAX} seconds`);
}

/** `signer`: this node's federation key (§7.1). `clock`: Unix seconds. */
export function createTrustMarkService(deps: {
  readonly database: Database;
  readonly signer: Signer;
  readonly entity: string;
  readonly clock: () => number;
  readonly allowLoopbackHttp: boolean;
}): TrustMarkService {
  const { database, signer, entity, clock } = deps;
  const parseEntity = (text: string): string =>
    parseEntityIdentifier(text, { allowLoopbackHttp: deps.allowLoopbackHttp });

  async function findOwn(text: string): Promise<TrustMarkStatus> {
    const row = await store.findTrustMark(database, sha256Base64url(text));
    if (row !== undefined) return statusOf(row, clock());
    const { issuer } = parseTrustMark(text);
    if (issuer !== entity) throw unknownMark();
    try {
      await verifyJws(text, { typ: TRUST_MARK_TYPE, keys: [signer.publicKey] });
    } catch (error) {
      // §8.4.1: "signature validation failed or another error was detected".
      if (isAttestryError(error)) return "invalid";
      throw error;
    }
    throw unknownMark();
  }

  return {
    async issue({ type, subject, seconds, delegation }) {
      checkSeconds(seconds);
      const now = clock();
      const terms = {
        type: parseTrustMarkType(type),
        subject: parseEntity(subject),
        issuedAt: now,
        expiresAt: now + seconds,
      };
      const text = await signTrustMark({ ...terms, signer, issuer: entity, delegation });
      parseTrustMark(text);
      const row = { ...terms, digest: sha256Base64url(text), text, revokedAt: null, reason: null };
      await store.insertTrustMark(database, row);
      return row;
    },

    async delegate({ type, issuer, seconds }) {
      checkSeconds(seconds);
      const now = clock();
      return signDelegation({
        signer,
        owner: entity,
        issuer: parseEntity(issuer),
        type: parseTrustMarkType(type),
        issuedAt: now,
        expiresAt: now + seconds,
      });
    },

    async revoke({ type, subject, reason }) {
      if (reason.trim() === "" || reason.length > STATE_REASON_CHARS_MAX) {
        throw new AttestryError(
          "request_invalid",
          `a revocation has a reason of 1 to ${STATE_REASON_CHARS_MAX} characters`,
        );
      }
      const revoked = await store.revokeTrustMarks(database, { type, subject, now: clock(), reason });
      if (revoked === 0) throw unknownMark();
      return revoked;
    },

    async list() {
      const now = clock();
      return (await store.listTrustMarks(database)).map((row) => ({ ...row, status: statusOf(row, now) }));
    },

    async getMark({ type, subject }) {
      const row = await store.findActiveTrustMark(database, {
        type: parseTrustMarkType(type),
        subject: parseEntity(subject),
        now: clock(),
      });
      if (row === undefined) throw unknownMark();
      return row.text;
    },

    async getStatus(text) {
      const status = await findOwn(text);
      return signTrustMarkStatus({ signer, issuer: entity, text, status, now: clock() });
    },

    async listMarked({ type, subject }) {
      return store.listMarkedEntities(database, {
        type: parseTrustMarkType(type),
        subject: subject === undefined ? undefined : parseEntity(subject),
        now: clock(),
      });
    },
    hasIssued: () => store.hasTrustMarks(database),

    async carry(text) {
      const mark = parseTrustMark(text);
      if (mark.subject !== entity)
        throw new AttestryError("trust_mark_subject_mismatch", `trust mark: it is ${mark.subject}'s, not ${entity}'s`);
      if (mark.expiresAt !== undefined && mark.expiresAt <= clock())
        throw new AttestryError("trust_mark_expired", "trust mark: it has expired");
      const others = (await store.listCarried(database, clock())).filter(
        ({ type, issuer }) => type !== mark.type || issuer !== mark.issuer,
      );
      const chars = others.reduce((total, other) => total + other.text.length, text.length);
      if (others.length >= TRUST_MARKS_CARRIED_MAX || chars > TRUST_MARKS_CARRIED_CHARS_MAX) {
        throw new AttestryError(
          "too_many_items",
          `a node carries at most ${TRUST_MARKS_CARRIED_MAX} trust marks, of ${TRUST_MARKS_CARRIED_CHARS_MAX} characters together; it would carry ${others.length + 1}, of ${chars}`,
        );
      }
      const { type, issuer, expiresAt = null } = mark;
      await store.saveCarried(database, { type, issuer, text, expiresAt });
      return mark;
    },

    drop: (type) => store.deleteCarried(database, type),

    async listCarried() {
      return (await store.listCarried(database, clock())).map(({ type, text }) => ({ type, text }));
    },
  };
}

/** The claims of a configuration by which an anchor says which marks it recognises, as its operator wrote them. */
export function describeTrustMarkRules(rules: {
  readonly issuers: JsonObject | undefined;
  readonly owners: JsonObject | undefined;
}): JsonObject {
  return {
    ...(rules.issuers !== undefined && { trust_mark_issuers: rules.issuers }),
    ...(rules.owners !== undefined && { trust_mark_owners: rules.owners }),
  };
}
