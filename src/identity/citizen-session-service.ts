// Sessions of citizens at /me: begun, found by what the browser holds, ended. Apart from those of staff: no list shows them, and neither cookie opens the other's pages. Who it is stands sealed under the cookie's own value, so that the node itself cannot tell who signed in.
import { decodeBase64url, encodeBase64url } from "../crypto/base64.ts";
import { decodeUtf8, encodeUtf8 } from "../crypto/hash.ts";
import { canonicalJson, parseJson } from "../crypto/json.ts";
import { deriveKey, seal, unseal } from "../crypto/seal.ts";
import { SESSION_IDLE_SECONDS, SESSION_SECONDS, SESSION_SEEN_SECONDS } from "../limits.ts";
import type { Database } from "../storage/database.ts";
import type { Citizen } from "./caller.ts";
import {
  deleteCitizenSession,
  deleteCitizenSessions,
  findCitizenSession,
  insertCitizenSession,
  touchCitizenSession,
} from "./citizen-session-store.ts";
import {
  checkFormToken,
  formTokenOf,
  hashSessionSecret,
  isSessionSecret,
  SESSION_SECRET_BYTES,
} from "./session-secret.ts";

export interface CitizenSession {
  readonly caller: Citizen;
  /** What a form must bring along: known to this browser's pages only. */
  readonly formToken: string;
}

export interface CitizenSessionService {
  /** Begins one with a secret of its own, whatever the browser held before, and gives the secret. */
  begin(citizen: Citizen): Promise<string>;
  /** The session of a cookie's value (untrusted); undefined where there is none, or it is over. */
  find(secret: string | undefined): Promise<CitizenSession | undefined>;
  /** Throws `form_token_invalid`. */
  checkForm(session: CitizenSession, formToken: string | undefined): void;
  /** Ends that of a cookie's value (untrusted), if there is one. */
  end(secret: string | undefined): Promise<void>;
  /** Forgets those that are over. */
  purge(): Promise<void>;
}

/** The seal is of this row and no other. */
const aadOf = (secretHash: string): string => `attestry/citizen-session/v1\n${secretHash}`;
const keyOf = (secret: string): Uint8Array => deriveKey(decodeBase64url(secret), "attestry/citizen-session/v1");

export function createCitizenSessionService(deps: {
  readonly database: Database;
  readonly clock: () => number;
  readonly random: (length: number) => Uint8Array;
}): CitizenSessionService {
  const { database, clock } = deps;
  return {
    async begin(citizen) {
      const secret = encodeBase64url(deps.random(SESSION_SECRET_BYTES));
      const secretHash = hashSessionSecret(secret);
      const { issuer, subject, name, claims } = citizen;
      const plaintext = encodeUtf8(canonicalJson({ issuer, subject, name, claims }));
      const sealed = seal({ key: keyOf(secret), aad: aadOf(secretHash), plaintext });
      const now = clock();
      await insertCitizenSession(database, { secretHash, sealed, seenAt: now, expiresAt: now + SESSION_SECONDS });
      return secret;
    },
    async find(secret) {
      if (!isSessionSecret(secret)) return undefined;
      const secretHash = hashSessionSecret(secret);
      const row = await findCitizenSession(database, secretHash);
      const now = clock();
      if (!row || row.expiresAt <= now || row.seenAt + SESSION_IDLE_SECONDS <= now) return undefined;
      if (now - row.seenAt >= SESSION_SEEN_SECONDS) await touchCitizenSession(database, { secretHash, seenAt: now });
      const opened = parseJson(decodeUtf8(unseal({ key: keyOf(secret), aad: aadOf(secretHash), sealed: row.sealed })));
      return {
        caller: { kind: "citizen", ...(opened as unknown as Omit<Citizen, "kind">) },
        formToken: formTokenOf(secret),
      };
    },
    checkForm: checkFormToken,
    async end(secret) {
      if (isSessionSecret(secret)) await deleteCitizenSession(database, hashSessionSecret(secret));
    },
    purge: () => deleteCitizenSessions(database, { before: clock() }),
  };
}
