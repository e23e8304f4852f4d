// Sessions of people who signed in on pages: begun, found by what the browser holds, ended. Every request asks the database, so that an ended one is over at once.
import { encodeBase64url } from "../crypto/base64.ts";
import { AttestryError } from "../errors.ts";
import { SESSION_IDLE_SECONDS, SESSION_SECONDS, SESSION_SEEN_SECONDS, SESSIONS_LISTED_MAX } from "../limits.ts";
import type { Database } from "../storage/database.ts";
import { ROLES, type Role, type Staff } from "./caller.ts";
import { chooseRole, type Person, personOf, toStaff } from "./issuer-claims.ts";
import {
  checkFormToken,
  formTokenOf,
  hashSessionSecret,
  isSessionSecret,
  SESSION_SECRET_BYTES,
} from "./session-secret.ts";
import {
  deleteSessions,
  endSession,
  findSession,
  insertSession,
  listSessions,
  type StoredSession,
  updateSession,
} from "./session-store.ts";

/** A session as lists show it. Times in Unix seconds. */
export interface SessionSummary {
  readonly id: string;
  readonly name: string;
  readonly issuer: string;
  readonly role: Role;
  readonly person: string;
  readonly createdAt: number;
  readonly seenAt: number;
  readonly expiresAt: number;
}

export interface Session extends SessionSummary {
  readonly caller: Staff;
  /** Roles in which the person could act instead. */
  readonly roles: readonly Role[];
  /** What a form must bring along: known to this browser's pages only. */
  readonly formToken: string;
}

export interface SessionService {
  /** Begins one with a secret of its own, whatever the browser held before, and gives the secret. Throws `role_not_granted`. */
  begin(person: Person): Promise<string>;
  /** The session of a cookie's value (untrusted); undefined where there is none, or it is over. */
  find(secret: string | undefined): Promise<Session | undefined>;
  /** Throws `form_token_invalid`. */
  checkForm(session: Session, formToken: string | undefined): void;
  /** Throws `role_not_granted`. */
  changeRole(secret: string, role: string): Promise<void>;
  /** Throws `session_unknown`. */
  end(id: string): Promise<void>;
  list(): Promise<SessionSummary[]>;
  /** Forgets those that are over. */
  purge(): Promise<void>;
}

function toPerson({ issuer, subject, name, roles, claims }: StoredSession): Person {
  const known = ROLES.filter((role) => Object.hasOwn(roles, role));
  return { issuer, subject, name, roles: new Map(known.map((role) => [role, roles[role] ?? undefined])), claims };
}

function summarize(row: StoredSession): SessionSummary {
  const { id, name, issuer, createdAt, seenAt, expiresAt } = row;
  return { id, name, issuer, role: row.role as Role, person: personOf(row), createdAt, seenAt, expiresAt };
}

export function createSessionService(deps: {
  readonly database: Database;
  readonly clock: () => number;
  readonly random: (length: number) => Uint8Array;
}): SessionService {
  const { database, clock } = deps;

  async function findStored(secret: string | undefined): Promise<StoredSession | undefined> {
    if (!isSessionSecret(secret)) return undefined;
    const row = await findSession(database, hashSessionSecret(secret));
    const now = clock();
    const isOver = !row || row.endedAt !== null || row.expiresAt <= now || row.seenAt + SESSION_IDLE_SECONDS <= now;
    return isOver ? undefined : row;
  }

  return {
    async begin(person) {
      if (person.roles.size === 0) chooseRole(person, undefined);
      const role = ROLES.find((one) => person.roles.has(one))!;
      const secret = encodeBase64url(deps.random(SESSION_SECRET_BYTES));
      const now = clock();
      await insertSession(database, {
        secretHash: hashSessionSecret(secret),
        id: Buffer.from(deps.random(8)).toString("hex"),
        issuer: person.issuer,
        subject: person.subject,
        name: person.name,
        roles: Object.fromEntries([...person.roles].map(([one, scope]) => [one, scope ? [...scope] : null])),
        role,
        claims: Object.fromEntries(Object.entries(person.claims).map(([one, values]) => [one, [...values]])),
        createdAt: now,
        seenAt: now,
        expiresAt: now + SESSION_SECONDS,
        endedAt: null,
      });
      return secret;
    },
    async find(secret) {
      const row = await findStored(secret);
      if (!row || secret === undefined) return undefined;
      const now = clock();
      if (now - row.seenAt >= SESSION_SEEN_SECONDS) await updateSession(database, row.secretHash, { seenAt: now });
      const person = toPerson(row);
      return {
        ...summarize(row),
        caller: toStaff(person, row.role as Role),
        roles: [...person.roles.keys()],
        formToken: formTokenOf(secret),
      };
    },
    checkForm: checkFormToken,
    async changeRole(secret, role) {
      const row = await findStored(secret);
      if (!row) throw new AttestryError("session_unknown", "the session is over; sign in again");
      await updateSession(database, row.secretHash, { role: chooseRole(toPerson(row), role) });
    },
    async end(id) {
      if (await endSession(database, { id, endedAt: clock() })) return;
      throw new AttestryError(
        "session_unknown",
        "there is no such session, or it has ended; attestry session list shows those that go on",
      );
    },
    async list() {
      const now = clock();
      const seenAfter = now - SESSION_IDLE_SECONDS;
      return (await listSessions(database, { now, seenAfter, limit: SESSIONS_LISTED_MAX })).map(summarize);
    },
    purge: () => deleteSessions(database, { before: clock() }),
  };
}
