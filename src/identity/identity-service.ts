// Says who calls: by the bearer tokens of this node's staff, which it also makes, by those of sign-in issuers, by other nodes' signed requests.
import { decodeBase64url, encodeBase64url } from "../crypto/base64.ts";
import { equalBytes, sha256 } from "../crypto/hash.ts";
import { AttestryError } from "../errors.ts";
import { createExpiringCache } from "../expiring-cache.ts";
import type {
  AuthenticatedRequest,
  IncomingRequest,
  SignedRequestService,
} from "../federation/signed-request-service.ts";
import { BEARER_CACHE_ENTRIES_MAX, BEARER_CACHE_SECONDS, STAFF_TOKENS_LISTED_MAX } from "../limits.ts";
import type { Database } from "../storage/database.ts";
import {
  ANONYMOUS,
  type Anonymous,
  type Caller,
  type Citizen,
  type MemberNode,
  ROLES,
  type Role,
  type Staff,
} from "./caller.ts";
import { chooseRole, toStaff } from "./issuer-claims.ts";
import type { IssuerTokenService } from "./issuer-token-service.ts";
import type { Claims } from "./jurisdiction.ts";
import {
  findStaffToken,
  insertStaffToken,
  listStaffTokens,
  revokeStaffToken,
  type StoredStaffToken,
} from "./staff-token-store.ts";

export interface IdentityService {
  /** Makes a token, shown once. `expiresAt` in Unix seconds. */
  createToken(options: {
    name: string;
    role: Role;
    registries: readonly string[] | undefined;
    claims?: Claims | undefined;
    expiresAt: number;
  }): Promise<string>;
  /** The tokens that were made here and have not ended, newest first. */
  listTokens(): Promise<StaffTokenSummary[]>;
  /** Seen by every process within BEARER_CACHE_SECONDS. Throws `token_unknown`. */
  revokeToken(id: string): Promise<void>;
  /**
   * The caller of an Authorization header, in the role that was asked for; throws `token_*`, `role_*`, `sign_in_unavailable`. No
   * header is anonymous.
   */
  authenticate(authorization: string | undefined, role?: string): Promise<Caller>;
  /** The citizen of an Authorization header; throws `token_*`, `sign_in_unavailable`, `subject_*`. No header is anonymous. */
  authenticateCitizen(authorization: string | undefined): Promise<Citizen | Anonymous>;
  /** The node that signed a request, and what signs the answer. Throws `signature_*`, `content_digest_*`. */
  authenticateNode(
    request: IncomingRequest,
  ): Promise<{ readonly caller: MemberNode; readonly signAnswer: AuthenticatedRequest["signAnswer"] }>;
}

/** A token of this node without its secret. Times in Unix seconds. */
export interface StaffTokenSummary {
  readonly id: string;
  readonly name: string;
  readonly role: Role;
  readonly registries: readonly string[] | undefined;
  readonly claims: Claims | undefined;
  readonly createdAt: number;
  readonly expiresAt: number;
  readonly revokedAt: number | undefined;
}

// att_<id 16 hex>_<secret 43 base64url>: a fixed start lets secret scanners find a leaked one.
const TOKEN = /^att_([0-9a-f]{16})_([A-Za-z0-9_-]{43})$/;

function readBearer(authorization: string): string | undefined {
  return /^Bearer ([^\s]+)$/i.exec(authorization)?.[1];
}

function refused(): AttestryError {
  return new AttestryError("token_invalid", "the bearer token is none of this node's; make one with: attestry token");
}

function tokenBearer(stored: StoredStaffToken): Staff {
  return {
    kind: "staff",
    tokenId: stored.id,
    name: stored.name,
    person: stored.name,
    issuer: undefined,
    role: stored.role as Role,
    registries: stored.registries ?? undefined,
    claims: stored.claims ?? undefined,
  };
}

export function createIdentityService(deps: {
  database: Database;
  clock: () => number;
  random: (length: number) => Uint8Array;
  signedRequests: Pick<SignedRequestService, "authenticate">;
  issuerTokens: IssuerTokenService;
}): IdentityService {
  const { database, clock } = deps;
  // A revocation is seen after BEARER_CACHE_SECONDS at the latest; the hash is checked on every request all the same.
  const tokens = createExpiringCache<StoredStaffToken | undefined>({
    load: async (id) => ({ value: await findStaffToken(database, id), expiresAt: clock() + BEARER_CACHE_SECONDS }),
    entriesMax: BEARER_CACHE_ENTRIES_MAX,
    failureSeconds: 0,
    clock,
  });

  return {
    async createToken({ name, role, registries, claims, expiresAt }) {
      // A line break would let a name pass for a person of a sign-in issuer.
      if (/[\u0000-\u001f\u007f]/.test(name))
        throw new AttestryError("request_invalid", "the name of a token must be one line without control characters");
      const id = Buffer.from(deps.random(8)).toString("hex");
      const secret = encodeBase64url(deps.random(32));
      await insertStaffToken(database, {
        id,
        secretHash: encodeBase64url(sha256(secret)),
        name,
        role,
        registries: registries === undefined ? null : [...registries],
        claims: claims ?? null,
        createdAt: clock(),
        expiresAt,
        revokedAt: null,
      });
      return `att_${id}_${secret}`;
    },
    async listTokens() {
      const rows = await listStaffTokens(database, { now: clock(), limit: STAFF_TOKENS_LISTED_MAX });
      return rows.map(({ id, name, role, registries, claims, createdAt, expiresAt, revokedAt }) => ({
        id,
        name,
        role: role as Role,
        registries: registries ?? undefined,
        claims: claims ?? undefined,
        createdAt,
        expiresAt,
        revokedAt: revokedAt ?? undefined,
      }));
    },
    async revokeToken(id) {
      if (!(await revokeStaffToken(database, { id, revokedAt: clock() })))
        throw new AttestryError(
          "token_unknown",
          "there is no such token, or it was revoked; attestry token list shows those that there are",
        );
      tokens.forget(id);
    },
    async authenticate(authorization, role) {
      if (authorization === undefined) return ANONYMOUS;
      const bearer = readBearer(authorization);
      if (bearer?.includes(".")) {
        const person = await deps.issuerTokens.verifyAccessToken(bearer);
        return toStaff(person, chooseRole(person, role));
      }
      const parts = bearer === undefined ? null : TOKEN.exec(bearer);
      if (!parts) throw refused();
      const stored = await tokens.get(parts[1]!);
      if (!stored || !equalBytes(sha256(parts[2]!), decodeBase64url(stored.secretHash))) throw refused();
      if (stored.revokedAt !== null) throw new AttestryError("token_invalid", "the bearer token was revoked");
      if (stored.expiresAt <= clock()) {
        throw new AttestryError(
          "token_expired",
          `the bearer token ended at ${new Date(stored.expiresAt * 1_000).toISOString()}; make a new one with: attestry token`,
        );
      }
      if (role !== undefined && role !== stored.role)
        throw new AttestryError("role_not_granted", `the token is for role ${stored.role}`);
      return tokenBearer(stored);
    },
    async authenticateCitizen(authorization) {
      if (authorization === undefined) return ANONYMOUS;
      const bearer = readBearer(authorization);
      if (bearer !== undefined && TOKEN.test(bearer))
        throw new AttestryError("token_scope_wrong", "a token of this node's staff opens no citizen's own data");
      if (bearer === undefined)
        throw new AttestryError("token_invalid", "a citizen is known by an access token: Authorization: Bearer …");
      return deps.issuerTokens.verifyCitizenToken(bearer);
    },
    async authenticateNode(request) {
      const { chain, signAnswer } = await deps.signedRequests.authenticate(request);
      return { caller: { kind: "node", entity: chain.entity, anchor: chain.anchor }, signAnswer };
    },
  };
}

/** Checks a role's name; throws `request_invalid`. */
export function parseRole(text: string): Role {
  if ((ROLES as readonly string[]).includes(text)) return text as Role;
  throw new AttestryError("request_invalid", `role "${text}" is unknown; allowed: ${ROLES.join(", ")}`);
}
