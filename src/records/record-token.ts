// Builds the signed token of a record version and the signed statement of a state change. Pure but for the signer it is handed.

import type { JsonObject } from "../crypto/json.ts";
import { signJws } from "../crypto/jws.ts";
import { buildSdJwt } from "../crypto/sd-jwt.ts";
import type { Signer } from "../crypto/signer.ts";
import { AttestryError } from "../errors.ts";
import { RECORD_BYTES_MAX } from "../limits.ts";
import type { CompiledDefinition } from "../registries/compiled-definition.ts";
import type { StatusPlace } from "./status-index.ts";

/** Who did it and on which ground; stands in the token. `by` is a pseudonym of the staff member. */
export interface Act {
  readonly operation: string;
  readonly role: string;
  readonly by: string;
  readonly reason?: string;
  readonly instrument?: string;
}

export interface VersionContent {
  readonly rid: string;
  readonly version: number;
  readonly identifier: string | undefined;
  readonly data: JsonObject;
  readonly validFrom: string | undefined;
  readonly validUntil: string | undefined;
  readonly act: Act;
  /** SHA-256 of the previous version's issuer JWT, base64url. */
  readonly previousDigest: string | undefined;
  readonly issuedAt: number;
  readonly status: StatusPlace;
}

export function statusListUrl(entity: string, list: number): string {
  return `${entity}/status/${list}`;
}

/** Signs a version; `salt` gives 16 random bytes as base64url per call. Throws `record_too_large`. */
export async function issueVersion(options: {
  entity: string;
  compiled: CompiledDefinition;
  content: VersionContent;
  signer: Signer;
  salt: () => string;
}): Promise<{ jwt: string; disclosures: string[]; claims: JsonObject }> {
  const { entity, compiled, content } = options;
  const open: JsonObject = {
    iss: entity,
    vct: compiled.vct,
    "vct#integrity": compiled.integrity,
    iat: content.issuedAt,
    rid: content.rid,
    rver: content.version,
    rtype: compiled.definition.type,
    ...(content.identifier !== undefined && { identifier: content.identifier }),
    ...(content.validFrom !== undefined && { valid_from: content.validFrom }),
    ...(content.validUntil !== undefined && { valid_until: content.validUntil }),
    ...(content.previousDigest !== undefined && { prev: content.previousDigest }),
    act: { ...content.act },
    status: { status_list: { idx: content.status.index, uri: statusListUrl(entity, content.status.list) } },
    data: content.data,
  };
  const { annotations } = compiled;
  const { payload, disclosures } = annotations.hasPersonal
    ? buildSdJwt({
        payload: open,
        isDisclosable: (path) => path[0] === "data" && path.length > 1 && annotations.isPersonal(path.slice(1)),
        salt: options.salt,
      })
    : { payload: open, disclosures: [] };
  const text = JSON.stringify(payload);
  const size = disclosures.reduce((total, disclosure) => total + disclosure.length, text.length);
  if (size > RECORD_BYTES_MAX)
    throw new AttestryError(
      "record_too_large",
      `the record takes ${size} bytes; at most ${RECORD_BYTES_MAX} are allowed`,
    );
  return { jwt: await signJws({ signer: options.signer, typ: "dc+sd-jwt", payload: text }), disclosures, claims: open };
}

/** Signs an operation that makes no new version (DESIGN section 5, state statement). */
export function issueStateStatement(options: {
  entity: string;
  rid: string;
  version: number;
  act: Act;
  issuedAt: number;
  signer: Signer;
}): Promise<string> {
  const { entity, rid, version, act, issuedAt, signer } = options;
  const payload: JsonObject = { iss: entity, rid, rver: version, op: act.operation, iat: issuedAt, act: { ...act } };
  return signJws({ signer, typ: "attestry-state+jwt", payload });
}
