// Which of a node's keys others are told of, at this moment, in the form in which its parts ask for them. Holds no private key but the signers it is given.

import { decodeJws } from "../crypto/jws.ts";
import { currentKey, keyState, overlappingSigners, publishedKeys } from "../crypto/key-ring.ts";
import type { LogIdentity } from "../log/log-state-service.ts";
import { formatVerifierKey } from "../log/note.ts";
import type { KeyRole, Secrets } from "../secrets.ts";
import type { FederationDeps } from "./federation-service.ts";
import type { RevokedKey } from "./node-metadata.ts";

/** Everything is looked up when it is read: a key's time may come while the node runs. `clock`: Unix seconds. */
export function createPublishedKeys(deps: {
  secrets: Secrets;
  clock: () => number;
  /** Of the logs. */
  origins: { readonly records: string; readonly access: string };
}): {
  readonly keys: FederationDeps["keys"];
  readonly logs: FederationDeps["logs"];
  /** Whether a token of ours, logged at that index, is refused by everyone: its key was stolen before. */
  isRefused(token: { readonly jwt: string; readonly logIndex: number }): boolean;
  /** For the writers of the logs. */
  readonly rollover: NonNullable<LogIdentity["rollover"]>;
} {
  const { secrets, clock, origins } = deps;
  const { rings, signers } = secrets;
  // Records are never signed again: the keys of those that are still read stay known.
  const listReported = () =>
    rings.record.flatMap(({ publicKey, report }): RevokedKey[] =>
      report ? [{ key: publicKey, revokedAt: report.since, logSize: report.logSize ?? 0 }] : [],
    );
  const list = (role: KeyRole) => publishedKeys(rings[role], { now: clock(), keepsRetired: role === "record" });
  const describeLog = (origin: string) => ({
    origin,
    get vkeys() {
      return list("log").map(({ raw }) => formatVerifierKey({ name: origin, raw }));
    },
  });
  return {
    keys: {
      federation: signers.federation,
      get configuration() {
        return list("federation");
      },
      get record() {
        return list("record");
      },
      get revoked() {
        return listReported();
      },
      get status() {
        return list("status");
      },
      get request() {
        return list("request");
      },
    },
    logs: { records: describeLog(origins.records), access: describeLog(origins.access) },
    isRefused({ jwt, logIndex }) {
      const reported = listReported().filter(({ logSize }) => logIndex >= logSize);
      // Most nodes never lose a key: no token is read for nothing.
      if (reported.length === 0) return false;
      const { kid } = decodeJws(jwt).header;
      return reported.some(({ key }) => key.kid === kid);
    },
    rollover: {
      signers: () => overlappingSigners(rings.log, signers.log, clock()),
      // Also one that was reported: until the next entry the stored checkpoint has no other signature.
      keys: () => rings.log.map(({ publicKey }) => publicKey),
    },
  };
}

/** A key as an operator sees it; times in Unix seconds. */
export interface KeyDescription {
  readonly role: KeyRole;
  readonly kid: string;
  /** As in its JWK. */
  readonly x: string;
  readonly state: ReturnType<typeof keyState>;
  readonly createdAt: number | undefined;
  readonly signsFrom: number | undefined;
  readonly reportedSince: number | undefined;
  /** Whether the file still holds its private half. */
  readonly isPrivateHeld: boolean;
}

/** The keys of one role, as they are at `now`. */
export function describeKeys(role: KeyRole, ring: Secrets["rings"][KeyRole], now: number): KeyDescription[] {
  const current = currentKey(ring, now).publicKey;
  return ring.map((key) => ({
    role,
    kid: key.publicKey.kid,
    x: key.publicKey.jwk.x,
    state: key.publicKey === current ? "current" : keyState(ring, key, now),
    createdAt: key.createdAt === 0 ? undefined : key.createdAt,
    signsFrom: key.signsFrom,
    reportedSince: key.report?.since,
    isPrivateHeld: key.signer !== undefined,
  }));
}
