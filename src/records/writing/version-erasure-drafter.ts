// Makes everything that the erasure of one former version needs before the log writer sees it: signed statement, and what goes with the version and with no other. Stores nothing.
import { encodeBase64url } from "../../crypto/base64.ts";
import { everyDigest, type KeyedDigest, type KeyGenerations } from "../../crypto/key-generations.ts";
import { DISCLOSURE_SALT_BYTES } from "../../crypto/sd-jwt-disclosures.ts";
import type { Signer } from "../../crypto/signer.ts";
import { AttestryError } from "../../errors.ts";
import type { Staff } from "../../identity/caller.ts";
import { ERASURE_VERSIONS_PAGE } from "../../limits.ts";
import { commitment, ENTRY_SECRET_BYTES, stateTag } from "../../log/entry.ts";
import type { CompiledDefinition } from "../../registries/compiled-definition.ts";
import type { RegistryService } from "../../registries/registry-service.ts";
import type { Database } from "../../storage/database.ts";
import { type HeldAttachment, holdContent } from "../attachments/held-content.ts";
import type { DescribeAct, WriteGround } from "../record-act.ts";
import type { RecordSealer } from "../record-sealer.ts";
import { STATUS_INVALID } from "../record-states.ts";
import { findVersions, getRecord, listPeriods, type RecordRow, type StoredVersion } from "../record-store.ts";
import { issueStateStatement } from "../record-token.ts";
import { openSecrets, readFullData } from "../record-view.ts";
import { checkJurisdiction } from "../search/jurisdiction-marks.ts";
import { dataKeys } from "../search/record-keys.ts";
import { subjectDigest, subjectOfRecord } from "../subject.ts";
import type { Idempotency } from "./idempotency.ts";
import type { Draft } from "./record-drafter.ts";
import type { StateWrite, VersionErasure } from "./record-write.ts";

export interface VersionErasureDrafter {
  /** Throws `version_current`, `version_unknown`, `version_erased`, `record_erased`, `permission_denied`, `act_incomplete`. */
  draft(options: {
    /** The definition as it is. */
    compiled: CompiledDefinition;
    /** The record with its current version. */
    row: RecordRow;
    version: number;
    ground: WriteGround;
    caller: Staff;
    idempotency?: Idempotency | undefined;
  }): Promise<Draft<StateWrite>>;
}

export function createVersionErasureDrafter(deps: {
  entity: string;
  database: Database;
  registries: Pick<RegistryService, "getVersion">;
  signer: Signer;
  sealer: RecordSealer;
  searchKey: KeyGenerations;
  describeAct: DescribeAct;
  clock: () => number;
  random: (length: number) => Uint8Array;
}): VersionErasureDrafter {
  const { entity, database, registries, signer, sealer, searchKey, random } = deps;

  async function readVersion({ record }: RecordRow, version: StoredVersion) {
    const compiled = await registries.getVersion(record.registry, version.definitionVersion);
    const { disclosures } = openSecrets(sealer, { record, version }).secrets;
    return { compiled, data: readFullData(version.jwt, disclosures) };
  }

  async function readAttachments(row: RecordRow, version: StoredVersion): Promise<readonly HeldAttachment[]> {
    return holdContent({ searchKey, ...(await readVersion(row, version)) }).attachments;
  }

  /** Whether each of the files is in another version, too, and then whether the latest of these has it in an open field. */
  async function partFiles(
    row: RecordRow,
    erased: StoredVersion,
    others: readonly number[],
  ): Promise<Pick<VersionErasure, "droppedFiles" | "keptFiles">> {
    const files = new Map((await readAttachments(row, erased)).map(({ key }) => [key.digest, key]));
    const kept = new Map<string, { key: KeyedDigest; open: boolean }>();
    for (let at = 0; files.size > 0 && at < others.length; at += ERASURE_VERSIONS_PAGE) {
      const versions = others.slice(at, at + ERASURE_VERSIONS_PAGE);
      const found = await findVersions(database, { rid: row.record.rid, versions });
      for (const number of versions) {
        const version = found.get(number);
        for (const { key, open } of version ? await readAttachments(row, version) : [])
          if (files.has(key.digest)) kept.set(key.digest, { key, open });
      }
    }
    const droppedFiles = [...files.values()].filter(({ digest }) => !kept.has(digest));
    return { droppedFiles, keptFiles: [...kept.values()] };
  }

  /** The unique keys that the version before has, too: until then the record was found by them, and no longer until the erased one's end. */
  async function findKeptKeys(row: RecordRow, before: StoredVersion | undefined): Promise<VersionErasure["keptKeys"]> {
    if (!before) return undefined;
    const { compiled, data } = await readVersion(row, before);
    return { until: before.version + 1, digests: dataKeys({ searchKey, compiled, data }).flatMap(everyDigest) };
  }

  /** Keyed hashes of the person whom the erased version was about. */
  async function findPerson(row: RecordRow, erased: StoredVersion): Promise<readonly string[]> {
    const { compiled, data } = await readVersion(row, erased);
    return everyDigest(subjectDigest(searchKey, subjectOfRecord(compiled, { rid: row.record.rid, data })));
  }

  return {
    async draft({ compiled, row, version: number, ground, caller, idempotency }) {
      const { record, version: current } = row;
      const { rid, registry } = record;
      const act = deps.describeAct({ compiled, operation: "erase_version", caller, ground });
      const { dataKey, secrets } = openSecrets(sealer, row);
      checkJurisdiction(caller, compiled, () => readFullData(current.jwt, secrets.disclosures));
      if (number === record.version) throw currentVersion(record.state);
      const { version: erased } = await getRecord(database, { registry, rid, version: number });
      const periods = await listPeriods(database, rid);
      const others = periods.filter((one) => !one.isErased && one.version !== number).map(({ version }) => version);
      const before = others.findLast((version) => version < number);
      const neighbour = before === undefined ? new Map() : await findVersions(database, { rid, versions: [before] });
      const issuedAt = deps.clock();
      const { statement, disclosures } = await issueStateStatement({
        entity,
        compiled,
        signer,
        salt: () => encodeBase64url(random(DISCLOSURE_SALT_BYTES)),
        content: { rid, version: current.version, act, effective: undefined, erasedVersion: number, issuedAt },
      });
      const salt = random(ENTRY_SECRET_BYTES);
      const stateNumber = record.stateNumber + 1;
      return {
        input: {
          kind: "state",
          rid,
          registry,
          expected: { version: current.version, stateNumber: record.stateNumber },
          definitionVersion: compiled.version,
          operation: "erase_version",
          state: record.state as StateWrite["state"],
          effectiveAt: 0,
          statement,
          // The record lives on, and its data key with it.
          sealed: sealer.sealState({ dataKey, rid, number: stateNumber, secrets: { salt, disclosures } }),
          statusValue: STATUS_INVALID,
          allVersions: false,
          recordedAt: issuedAt,
          erased: {
            version: number,
            recordedFrom: periods.find((one) => one.version === number - 1)?.recordedAt ?? 0,
            recordedUntil: periods.find((one) => one.version === number + 1)!.recordedAt,
            keptKeys: await findKeptKeys(row, neighbour.get(before)),
            ...(await partFiles(row, erased, others)),
          },
          told: await findPerson(row, erased),
          idempotency,
          approval: { required: compiled.definition.approval ?? [], approved: caller.approved },
        },
        entry: {
          c: commitment("erase", salt, statement),
          e: "erase",
          r: stateTag(secrets.k, stateNumber),
          t: issuedAt,
          v: 1,
        },
      };
    },
  };
}

function currentVersion(state: string): AttestryError {
  const mend =
    state === "active"
      ? "amend the record first, so that a right version stands in its place, and erase this one then"
      : state === "suspended"
        ? "reinstate the record and amend it first, or erase the whole record"
        : `the record is ${state} and takes no other version: erase the whole record, if it must not be kept`;
  return new AttestryError(
    "version_current",
    `it is the record's current version, which is what the record says: ${mend}`,
  );
}
