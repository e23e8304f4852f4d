// What a node's log says of its keys: which took whose place and since when, and which were reported. Pure; made of the rings alone, so that nothing is lost between the key file and the log.
import { canonicalJson, type JsonObject } from "../crypto/json.ts";
import { type KeyRing, retiredAt } from "../crypto/key-ring.ts";
import type { KeyRings, KeyRole } from "../secrets.ts";

function describeRotations(role: KeyRole, ring: KeyRing): JsonObject[] {
  return ring.slice(1).map(({ publicKey, createdAt, signsFrom }, before) => ({
    event: "rotate",
    role,
    kid: publicKey.kid,
    jwk: { ...publicKey.jwk },
    previous: ring[before]!.publicKey.kid,
    created: createdAt,
    ...(signsFrom !== undefined && { signs_from: signsFrom }),
  }));
}

function describeReports(role: KeyRole, ring: KeyRing): JsonObject[] {
  return ring.flatMap(({ publicKey, report }) =>
    report
      ? [
          {
            event: "report",
            role,
            kid: publicKey.kid,
            since: report.since,
            reported: report.reportedAt,
            ...(report.logSize !== undefined && { log_size: report.logSize }),
          },
        ]
      : [],
  );
}

/** The events of all rings, as the log commits to them: canonical JSON. The first keys are the log's first entry and no event. */
export function listKeyEvents(rings: KeyRings): string[] {
  return (Object.entries(rings) as [KeyRole, KeyRing][]).flatMap(([role, ring]) =>
    [...describeRotations(role, ring), ...describeReports(role, ring)].map((event) => canonicalJson(event)),
  );
}

/**
 * The federation keys that sign no more, as OpenID Federation 1.0 §8.7 has them. Keys of other roles are not among them: who reads the
 * standard would take them for keys that may sign statements.
 */
export function describeHistoricalKeys(ring: KeyRing, now: number): JsonObject[] {
  return ring.flatMap((key): JsonObject[] => {
    const { publicKey, createdAt, signsFrom, report } = key;
    const ended = Math.min(
      retiredAt(ring, key) ?? Number.POSITIVE_INFINITY,
      report?.reportedAt ?? Number.POSITIVE_INFINITY,
    );
    if (ended > now) return [];
    return [
      {
        ...publicKey.jwk,
        ...(createdAt > 0 && { iat: createdAt }),
        ...(signsFrom !== undefined && signsFrom > 0 && { nbf: signsFrom }),
        exp: ended,
        ...(report && { revoked: { revoked_at: report.since, reason: "compromised" } }),
      },
    ];
  });
}
