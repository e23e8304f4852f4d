// Builds the signed token of a record version and the signed statement of a state change. Pure but for the signer it is handed.

import type { JsonObject } from "../crypto/json.ts";
import { signJws } from "../crypto/jws.ts";
import { buildSdJwt } from "../crypto/sd-jwt.ts";
import type { Signer } from "../crypto/signer.ts";
import { AttestryError } from "../errors.ts";
import { RECORD_BYTES_MAX } from "../limits.ts";
import type { CompiledDefinition } from "../registries/compiled-definition.ts";
import { type Act, isActPartPersonal } from "./record-act.ts";
import type { StatusPlace } from "./status-index.ts";

export interface VersionContent {
  readonly rid: string;
  readonly version: number;
  readonly identifier: string | undefined;
  readonly data: JsonObject;
  readonly validFrom: string | undefined;
  readonly validUntil: string | undefined;
  /** URLs of the records that this one succeeds. */
  readonly replaces?: readonly string[] | undefined;
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
    ...(content.replaces !== undefined && { replaces: [...content.replaces] }),
    act: formatAct(content.act),
    status: { status_list: { idx: content.status.index, uri: statusListUrl(entity, content.status.list) } },
    data: content.data,
  };
  const { annotations } = compiled;
  const { payload, disclosures } = buildSdJwt({
    payload: open,
    isDisclosable: (path) => {
      if (path.length < 2) return false;
      if (path[0] === "act") return isActPartPersonal(compiled, content.act, String(path[1]));
      return path[0] === "data" && annotations.hasPersonal && annotations.isPersonal(path.slice(1));
    },
    salt: options.salt,
  });
  const text = JSON.stringify(payload);
  const size = disclosures.reduce((total, disclosure) => total + disclosure.length, text.length);
  if (size > RECORD_BYTES_MAX)
    throw new AttestryError(
      "record_too_large",
      `the record takes ${size} bytes; at most ${RECORD_BYTES_MAX} are allowed`,
    );
  return { jwt: await signJws({ signer: options.signer, typ: "dc+sd-jwt", payload: text }), disclosures, claims: open };
}

export interface StatementContent {
  readonly rid: string;
  readonly version: number;
  readonly act: Act;
  /** Since when it holds, as the writer wrote it. */
  readonly effective: string | undefined;
  readonly replacedBy?: readonly string[] | undefined;
  readonly erasedVersion?: number;
  readonly issuedAt: number;
}

/** Signs an operation that makes no new version (DESIGN section 5, state statement); the personal parts of its act are disclosures. */
export async function issueStateStatement(options: {
  entity: string;
  compiled: CompiledDefinition;
  content: StatementContent;
  signer: Signer;
  salt: () => string;
}): Promise<{ statement: string; disclosures: string[] }> {
  const { entity, compiled, signer, salt } = options;
  const { rid, version, act, effective, replacedBy, erasedVersion, issuedAt } = options.content;
  const { payload, disclosures } = buildSdJwt({
    payload: {
      iss: entity,
      rid,
      rver: version,
      op: act.operation,
      iat: issuedAt,
      ...(effective !== undefined && { effective }),
      ...(replacedBy !== undefined && { replaced_by: [...replacedBy] }),
      ...(erasedVersion !== undefined && { erased_version: erasedVersion }),
      act: formatAct(act),
    },
    isDisclosable: (path) => path.length > 1 && path[0] === "act" && isActPartPersonal(compiled, act, String(path[1])),
    salt,
  });
  return { statement: await signJws({ signer, typ: "attestry-state+jwt", payload }), disclosures };
}

function formatAct({ approved, ...act }: Act): JsonObject {
  return { ...act, ...(approved && { approved: approved.map((one) => ({ ...one })) }) };
}
