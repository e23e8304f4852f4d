// Makes one version of a record: signed token, sealed secrets, place in a status list, log entry. Stores nothing, checks nothing.

import { encodeBase64url } from "../../crypto/base64.ts";
import type { JsonObject } from "../../crypto/json.ts";
import type { KeyGenerations } from "../../crypto/key-generations.ts";
import { DISCLOSURE_SALT_BYTES } from "../../crypto/sd-jwt-disclosures.ts";
import type { Signer } from "../../crypto/signer.ts";
import { commitment, ENTRY_SECRET_BYTES, type LogEntry, versionTag } from "../../log/entry.ts";
import type { CompiledDefinition } from "../../registries/compiled-definition.ts";
import { holdContent } from "../attachments/held-content.ts";
import { parseEffectiveTime } from "../effective-time.ts";
import type { Act } from "../record-act.ts";
import type { RecordSealer } from "../record-sealer.ts";
import { issueVersion } from "../record-token.ts";
import type { StatusPlace } from "../status-index.ts";
import type { VersionDraft } from "./record-write.ts";

export interface VersionDeps {
  readonly entity: string;
  readonly signer: Signer;
  readonly sealer: RecordSealer;
  readonly searchKey: KeyGenerations;
  readonly clock: () => number;
  readonly random: (length: number) => Uint8Array;
  readonly placeStatus: () => Promise<StatusPlace>;
}

/** What differs from version to version of one record. */
export interface VersionSource {
  readonly rid: string;
  readonly version: number;
  readonly compiled: CompiledDefinition;
  readonly identifier: string | undefined;
  readonly data: JsonObject;
  readonly validFrom: string | undefined;
  readonly validUntil: string | undefined;
  readonly replaces: readonly string[] | undefined;
  readonly act: Act;
  readonly previousDigest: string | undefined;
  readonly k: Uint8Array;
  readonly dataKey: Uint8Array;
}

export interface MadeVersion {
  readonly version: VersionDraft;
  readonly entry: LogEntry;
  readonly disclosures: readonly string[];
  readonly claims: JsonObject;
}

/** Throws `record_too_large`. */
export type MakeVersion = (source: VersionSource) => Promise<MadeVersion>;

export function createVersionMaker(deps: VersionDeps): MakeVersion {
  const { entity, signer, sealer, searchKey, random, clock } = deps;
  const salt = () => encodeBase64url(random(DISCLOSURE_SALT_BYTES));

  return async (source) => {
    const { rid, version: number, compiled, k, dataKey, validFrom, validUntil } = source;
    const status = await deps.placeStatus();
    const issuedAt = clock();
    const content = { ...source, issuedAt, status };
    const { jwt, disclosures, claims } = await issueVersion({ entity, compiled, signer, salt, content });
    const entrySalt = random(ENTRY_SECRET_BYTES);
    const operation = number === 1 ? "create" : "amend";
    return {
      version: {
        definitionVersion: compiled.version,
        held: holdContent({ searchKey, compiled, data: source.data }),
        jwt,
        sealed: sealer.sealVersion({ dataKey, rid, version: number, secrets: { salt: entrySalt, k, disclosures } }),
        ...effectiveTime(validFrom, validUntil),
        status,
        recordedAt: issuedAt,
      },
      entry: {
        c: commitment(operation, entrySalt, jwt),
        e: operation,
        r: versionTag(k, number),
        t: issuedAt,
        v: 1,
      },
      disclosures,
      claims,
    };
  };
}

function effectiveTime(validFrom: string | undefined, validUntil: string | undefined) {
  return {
    effectiveFrom: validFrom === undefined ? undefined : parseEffectiveTime(validFrom, "start"),
    effectiveUntil: validUntil === undefined ? undefined : parseEffectiveTime(validUntil, "end"),
  };
}
