// Makes everything a change of state needs before the log writer sees it: signed statement, sealed secrets, index, log entry. Stores nothing.
import { encodeBase64url } from "../../crypto/base64.ts";
import { everyDigest, type KeyGenerations } from "../../crypto/key-generations.ts";
import { DISCLOSURE_SALT_BYTES } from "../../crypto/sd-jwt-disclosures.ts";
import type { Signer } from "../../crypto/signer.ts";
import { AttestryError } from "../../errors.ts";
import type { Staff } from "../../identity/caller.ts";
import { commitment, ENTRY_SECRET_BYTES, stateTag } from "../../log/entry.ts";
import type { CompiledDefinition } from "../../registries/compiled-definition.ts";
import { parseEffectiveTime } from "../effective-time.ts";
import type { DescribeAct, WriteGround } from "../record-act.ts";
import type { RecordSealer } from "../record-sealer.ts";
import { nextState, OPERATION_EFFECTS, type StateOperation } from "../record-states.ts";
import type { RecordRow } from "../record-store.ts";
import { issueStateStatement } from "../record-token.ts";
import { openSecrets, readFullData } from "../record-view.ts";
import { checkJurisdiction } from "../search/jurisdiction-marks.ts";
import { subjectDigest, subjectOfRecord } from "../subject.ts";
import type { Idempotency } from "./idempotency.ts";
import type { Draft } from "./record-drafter.ts";
import type { StateWrite } from "./record-write.ts";

export interface StateDrafter {
  /**
   * An operation that makes no new version. `effective`: since when it holds, of an operation that is timed. Throws
   * `state_conflict`, `record_erased`, `permission_denied` outside the caller's jurisdiction, `act_incomplete`, `request_invalid`.
   */
  draftState(options: {
    /** The definition as it is. */
    compiled: CompiledDefinition;
    row: RecordRow;
    operation: StateOperation;
    ground: WriteGround;
    effective?: string | undefined;
    replacedBy?: readonly string[];
    /** Those of `replacedBy` that are there already on this node, by rid. */
    successors?: readonly string[];
    caller: Staff;
    idempotency?: Idempotency | undefined;
  }): Promise<Draft<StateWrite>>;
}

export function createStateDrafter(deps: {
  entity: string;
  signer: Signer;
  sealer: RecordSealer;
  searchKey: KeyGenerations;
  describeAct: DescribeAct;
  clock: () => number;
  random: (length: number) => Uint8Array;
}): StateDrafter {
  const { entity, signer, sealer, searchKey, random, clock } = deps;

  return {
    async draftState({ compiled, row, operation, ground, effective, replacedBy, successors, caller, idempotency }) {
      const { record, version: current } = row;
      const { rid } = record;
      const state = nextState(record.state, operation);
      const effect = OPERATION_EFFECTS[operation];
      const act = deps.describeAct({ compiled, operation, caller, ground });
      const issuedAt = clock();
      const effectiveAt = effect.isTimed ? readEffective(effective, issuedAt) : 0;
      const { dataKey, secrets } = openSecrets(sealer, row);
      checkJurisdiction(caller, compiled, () => readFullData(current.jwt, secrets.disclosures));
      const { statement, disclosures } = await issueStateStatement({
        entity,
        compiled,
        signer,
        salt: () => encodeBase64url(random(DISCLOSURE_SALT_BYTES)),
        content: { rid, version: current.version, act, effective, replacedBy, issuedAt },
      });
      const number = record.stateNumber + 1;
      const salt = random(ENTRY_SECRET_BYTES);
      const stateSecrets = { salt, disclosures };
      return {
        input: {
          kind: "state",
          rid,
          registry: record.registry,
          expected: { version: current.version, stateNumber: record.stateNumber },
          definitionVersion: compiled.version,
          operation,
          state,
          effectiveAt,
          statement,
          sealed:
            operation === "erase"
              ? sealer.sealErasure({ rid, number, secrets: stateSecrets })
              : sealer.sealState({ dataKey, rid, number, secrets: stateSecrets }),
          statusValue: effect.status,
          allVersions: effect.allVersions,
          recordedAt: issuedAt,
          ...(successors && { successors }),
          ...(operation === "erase" && {
            told: everyDigest(
              subjectDigest(
                searchKey,
                subjectOfRecord(compiled, { rid, data: readFullData(current.jwt, secrets.disclosures) }),
              ),
            ),
          }),
          idempotency,
          approval: { required: compiled.definition.approval ?? [], approved: caller.approved },
        },
        entry: {
          c: commitment(operation, salt, statement),
          e: operation,
          r: stateTag(secrets.k, number),
          t: issuedAt,
          v: 1,
        },
      };
    },
  };
}

/** Unix seconds since when a state holds: now, unless said otherwise. */
function readEffective(effective: string | undefined, now: number): number {
  if (effective === undefined) return now;
  const seconds = parseEffectiveTime(effective, "start")!;
  if (seconds <= now) return seconds;
  throw new AttestryError("request_invalid", "a state is recorded when it has come, not before", {
    details: [
      {
        field: "/effective",
        message: "must not be in the future (dates are UTC): do it on the day, or amend valid_until",
      },
    ],
  });
}
