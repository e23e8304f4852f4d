// Makes everything a write needs before the log writer sees it: validated data, token, sealed secrets, keys, log entry. Stores nothing.
import { createBoundedCache } from "../bounded-cache.ts";
import { encodeBase64url } from "../crypto/base64.ts";
import { hmacSha256 } from "../crypto/hash.ts";
import { canonicalJson, type Json, type JsonObject } from "../crypto/json.ts";
import type { Signer } from "../crypto/signer.ts";
import { AttestryError } from "../errors.ts";
import type { Staff } from "../identity/caller.ts";
import { PSEUDONYMS_REMEMBERED_MAX } from "../limits.ts";
import { commitment, type LogEntry, stateTag, versionTag } from "../log/entry.ts";
import type { CompiledDefinition } from "../registries/compiled-definition.ts";
import { formatIdentifier, identifierCounterName } from "../registries/identifier-template.ts";
import type { Counter } from "./counter-store.ts";
import { parseEffectiveTime } from "./effective-time.ts";
import { changeIndex, EMPTY_INDEX, indexRecord } from "./record-index.ts";
import type { RecordKey } from "./record-keys.ts";
import { isDateOrder, type RecordRequest, type WriteGround } from "./record-request.ts";
import type { RecordSealer } from "./record-sealer.ts";
import type { RecordRow } from "./record-store.ts";
import { type Act, issueStateStatement, issueVersion } from "./record-token.ts";
import { jwtDigest } from "./record-url.ts";
import { openSecrets, readFullData, readOwnPayload } from "./record-view.ts";
import { type AmendWrite, type CreateWrite, STATUS_INVALID, type StateWrite } from "./record-write-store.ts";
import { ridFromKey } from "./rid.ts";
import type { StatusPlace } from "./status-index.ts";

export type Idempotency = { readonly digest: string; readonly request: string };

/** What the next version says; dates: undefined keeps what is, null takes it away. */
export interface VersionChange {
  readonly data: (before: JsonObject) => JsonObject;
  readonly validFrom: string | null | undefined;
  readonly validUntil: string | null | undefined;
  readonly act: WriteGround;
}

/** Called with valid data before anything is signed; throws to refuse it. */
export type CheckReferences = (compiled: CompiledDefinition, data: JsonObject) => Promise<void> | undefined;

export interface Draft<Write> {
  readonly input: Write;
  readonly entry: LogEntry;
}

/** With what the token says when everything in it is disclosed. */
export interface CreateDraft extends Draft<CreateWrite> {
  readonly disclosures: readonly string[];
  readonly claims: JsonObject;
}

export interface RecordDrafter {
  /** Throws `record_invalid` with a detail per fault, `record_too_large`, and what `checkReferences` throws. */
  draftCreate(options: {
    compiled: CompiledDefinition;
    request: RecordRequest;
    caller: Staff;
    idempotency?: Idempotency | undefined;
    checkReferences: CheckReferences;
    /** The keys of the data, where the caller found no fault in it and made them already. */
    keys?: readonly RecordKey[];
  }): Promise<CreateDraft>;
  /** The next version of `row`, or undefined if the change leaves it as it is. Throws as `draftCreate`, and `state_conflict`. */
  draftAmend(options: {
    compiled: CompiledDefinition;
    rowCompiled: CompiledDefinition;
    row: RecordRow;
    change: VersionChange;
    caller: Staff;
    idempotency?: Idempotency | undefined;
    checkReferences: CheckReferences;
  }): Promise<Draft<AmendWrite> | undefined>;
  draftRevoke(options: {
    row: RecordRow;
    ground: WriteGround;
    caller: Staff;
    idempotency?: Idempotency | undefined;
  }): Promise<Draft<StateWrite>>;
}

export interface DrafterDeps {
  readonly entity: string;
  readonly signer: Signer;
  readonly sealer: RecordSealer;
  readonly searchKey: Uint8Array;
  readonly pseudonymKey: Uint8Array;
  readonly clock: () => number;
  readonly random: (length: number) => Uint8Array;
  readonly placeStatus: () => Promise<StatusPlace>;
  readonly counter: (name: string) => Counter;
}

const K_BYTES = 32;
const SALT_BYTES = 32;
const DISCLOSURE_SALT_BYTES = 16;
const PSEUDONYM_CHARS = 22;

export function createRecordDrafter(deps: DrafterDeps): RecordDrafter {
  const { entity, signer, sealer, searchKey, random, clock } = deps;
  const salt = () => encodeBase64url(random(DISCLOSURE_SALT_BYTES));

  const pseudonyms = createBoundedCache<string>(PSEUDONYMS_REMEMBERED_MAX);

  // The pseudonym tells two staff members apart, and names them only to this node.
  function pseudonymOf(name: string): string {
    const known = pseudonyms.get(name);
    if (known !== undefined) return known;
    const pseudonym = encodeBase64url(hmacSha256(deps.pseudonymKey, name)).slice(0, PSEUDONYM_CHARS);
    pseudonyms.set(name, pseudonym);
    return pseudonym;
  }

  function describeAct(operation: string, caller: Staff, ground: WriteGround): Act {
    return { operation, role: caller.role, by: pseudonymOf(caller.name), ...ground };
  }

  function checkData(compiled: CompiledDefinition, data: JsonObject): void {
    const details = compiled.findFaults(data);
    if (details.length === 0) return;
    throw new AttestryError(
      "record_invalid",
      `the data does not follow version ${compiled.version} of registry "${compiled.definition.name}"`,
      { details },
    );
  }

  async function chooseIdentifier(compiled: CompiledDefinition, data: JsonObject): Promise<string | undefined> {
    const template = compiled.identifier;
    if (template === undefined) return undefined;
    if (template.kind === "field") {
      const value = data[template.field];
      if (typeof value !== "string") return undefined;
      if (/\p{Cc}/u.test(value)) {
        throw new AttestryError("record_invalid", "an identifier is a text that people read and print", {
          details: [{ field: `/${template.field}`, message: "must not hold control characters" }],
        });
      }
      return value;
    }
    const year = new Date(clock() * 1_000).getUTCFullYear();
    const name = identifierCounterName({ registry: compiled.definition.name, template, year });
    return formatIdentifier({ text: template.text, year, number: (await deps.counter(name).next()) + 1 });
  }

  return {
    async draftCreate(options) {
      const { compiled, request, caller, idempotency, checkReferences } = options;
      // Whoever has the keys has checked the data, too.
      if (options.keys === undefined) checkData(compiled, request.data);
      await checkReferences(compiled, request.data);
      const k = random(K_BYTES);
      const rid = ridFromKey(k);
      const [status, identifier] = await Promise.all([deps.placeStatus(), chooseIdentifier(compiled, request.data)]);
      const issuedAt = clock();
      const { jwt, disclosures, claims } = await issueVersion({
        entity,
        compiled,
        signer,
        salt,
        content: {
          rid,
          version: 1,
          identifier,
          data: request.data,
          validFrom: request.validFrom,
          validUntil: request.validUntil,
          act: describeAct("create", caller, request.act),
          previousDigest: undefined,
          issuedAt,
          status,
        },
      });
      const entrySalt = random(SALT_BYTES);
      const { dataKey, sealedKey } = sealer.createDataKey(rid);
      const sealed = sealer.sealVersion({ dataKey, rid, version: 1, secrets: { salt: entrySalt, k, disclosures } });
      return {
        input: {
          kind: "create",
          rid,
          registry: compiled.definition.name,
          identifier,
          sealedKey,
          index: changeIndex(
            EMPTY_INDEX,
            indexRecord({
              searchKey,
              compiled,
              data: request.data,
              identifier,
              ...(options.keys && { keys: options.keys }),
            }),
          ),
          version: {
            definitionVersion: compiled.version,
            jwt,
            sealed,
            ...effectiveTime(request.validFrom, request.validUntil),
            status,
            recordedAt: issuedAt,
          },
          idempotency,
        },
        entry: { c: commitment("create", entrySalt, jwt), e: "create", r: versionTag(k, 1), t: issuedAt, v: 1 },
        disclosures,
        claims,
      };
    },

    async draftAmend({ compiled, rowCompiled, row, change, caller, idempotency, checkReferences }) {
      const { record, version: current } = row;
      checkAmendable(row);
      const { dataKey, secrets } = openSecrets(sealer, row);
      const before = readFullData(current.jwt, secrets.disclosures);
      const data = change.data(before);
      const payload = readOwnPayload(current.jwt);
      const validFrom = changedDate(payload.valid_from, change.validFrom);
      const validUntil = changedDate(payload.valid_until, change.validUntil);
      const sameDates = validFrom === payload.valid_from && validUntil === payload.valid_until;
      if (sameDates && compiled.version === rowCompiled.version && canonicalJson(before) === canonicalJson(data))
        return undefined;
      if (!isDateOrder(validFrom, validUntil)) {
        throw new AttestryError("record_invalid", "the record would end before it begins", {
          details: [{ field: "/valid_until", message: "must not be before valid_from" }],
        });
      }
      checkData(compiled, data);
      await checkReferences(compiled, data);
      const identifier = record.identifier ?? undefined;
      if (compiled.identifier?.kind === "field" && data[compiled.identifier.field] !== identifier) {
        throw new AttestryError("record_invalid", "the identifier of a record never changes", {
          details: [
            {
              field: `/${compiled.identifier.field}`,
              message: "is the record's identifier and cannot change; revoke the record and create another",
            },
          ],
        });
      }
      const version = current.version + 1;
      const status = await deps.placeStatus();
      const issuedAt = clock();
      const { jwt, disclosures } = await issueVersion({
        entity,
        compiled,
        signer,
        salt,
        content: {
          rid: record.rid,
          version,
          identifier,
          data,
          validFrom,
          validUntil,
          act: describeAct("amend", caller, change.act),
          previousDigest: jwtDigest(current.jwt),
          issuedAt,
          status,
        },
      });
      const entrySalt = random(SALT_BYTES);
      return {
        input: {
          kind: "amend",
          rid: record.rid,
          registry: record.registry,
          expected: { version: current.version, stateNumber: record.stateNumber },
          index: changeIndex(
            indexRecord({ searchKey, compiled: rowCompiled, data: before, identifier }),
            indexRecord({ searchKey, compiled, data, identifier }),
          ),
          supersedes: { list: current.statusList, index: current.statusIndex },
          version: {
            definitionVersion: compiled.version,
            jwt,
            sealed: sealer.sealVersion({
              dataKey,
              rid: record.rid,
              version,
              secrets: { salt: entrySalt, k: secrets.k, disclosures },
            }),
            ...effectiveTime(validFrom, validUntil),
            status,
            recordedAt: issuedAt,
          },
          idempotency,
        },
        entry: {
          c: commitment("amend", entrySalt, jwt),
          e: "amend",
          r: versionTag(secrets.k, version),
          t: issuedAt,
          v: 1,
        },
      };
    },

    async draftRevoke({ row, ground, caller, idempotency }) {
      const { record, version: current } = row;
      checkAmendable(row);
      const { dataKey, secrets } = openSecrets(sealer, row);
      const issuedAt = clock();
      const act = describeAct("revoke", caller, ground);
      const statement = await issueStateStatement({
        entity,
        rid: record.rid,
        version: current.version,
        act,
        issuedAt,
        signer,
      });
      const entrySalt = random(SALT_BYTES);
      const number = record.stateNumber + 1;
      return {
        input: {
          kind: "state",
          rid: record.rid,
          registry: record.registry,
          expected: { version: current.version, stateNumber: record.stateNumber },
          operation: "revoke",
          state: "revoked",
          effectiveAt: issuedAt,
          statement,
          sealedSalt: sealer.sealStateSalt({ dataKey, rid: record.rid, number, salt: entrySalt }),
          status: { list: current.statusList, index: current.statusIndex },
          statusValue: STATUS_INVALID,
          recordedAt: issuedAt,
          idempotency,
        },
        entry: {
          c: commitment("revoke", entrySalt, statement),
          e: "revoke",
          r: stateTag(secrets.k, number),
          t: issuedAt,
          v: 1,
        },
      };
    },
  };
}

function changedDate(before: Json | undefined, change: string | null | undefined): string | undefined {
  if (change === undefined) return typeof before === "string" ? before : undefined;
  return change ?? undefined;
}

function checkAmendable(row: RecordRow): void {
  if (row.record.state === "active") return;
  throw new AttestryError("state_conflict", `the record is ${row.record.state}; only an active record can be changed`);
}

function effectiveTime(validFrom: string | undefined, validUntil: string | undefined) {
  return {
    effectiveFrom: validFrom === undefined ? undefined : parseEffectiveTime(validFrom, "start"),
    effectiveUntil: validUntil === undefined ? undefined : parseEffectiveTime(validUntil, "end"),
  };
}
