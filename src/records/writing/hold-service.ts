// Places holds on records and lifts them. What they say is sealed with the record; whether one stands decides who comes first at the lock of the record's row.
import { formatSeconds } from "../../clock.ts";
import type { Json } from "../../crypto/json.ts";
import { AttestryError, isAttestryError } from "../../errors.ts";
import type { Caller, Citizen, Staff } from "../../identity/caller.ts";
import { type Action, checkPermitted, isPermitted } from "../../identity/permissions.ts";
import { HOLDS_PER_RECORD_MAX } from "../../limits.ts";
import type { CompiledDefinition } from "../../registries/compiled-definition.ts";
import { describeReason } from "../../registries/field-texts.ts";
import type { RegistryService } from "../../registries/registry-service.ts";
import type { Database } from "../../storage/database.ts";
import { runTransaction } from "../../storage/transaction.ts";
import { parseEffectiveTime } from "../effective-time.ts";
import * as holds from "../holds/hold-store.ts";
import type { Act, DescribeAct } from "../record-act.ts";
import { type HoldView, recordHeld, type Standing, stands } from "../record-hold.ts";
import type { RecordSealer } from "../record-sealer.ts";
import type { RecordSight } from "../record-sight.ts";
import { getRecord, recordErased, type StoredRecord } from "../record-store.ts";
import { formatRecordUrl } from "../record-url.ts";
import { parseHoldRequest, parseReleaseRequest } from "./hold-request.ts";

export interface HoldOptions {
  readonly caller: Caller;
  readonly registry: string;
  readonly rid: string;
  readonly body: Json | undefined;
}

/** The holds of a record. */
export interface HoldsView {
  readonly rid: string;
  readonly href: string;
  readonly registry: string;
  readonly holds: readonly HoldView[];
}

type Head = Pick<StoredRecord, "rid" | "registry" | "sealedKey">;

export interface HoldService {
  /** A hold of the same case and end that stands already is the same hold. Throws `record_erased`, `act_incomplete`, `too_many_items`. */
  place(options: HoldOptions): Promise<HoldsView>;
  /** Lifts every hold of a case that stands. Throws `hold_unknown`. */
  release(options: HoldOptions): Promise<HoldsView>;
  /**
   * All holds that stood, the last ones of those that ended, as far as staff or the person whom the record is about may know; undefined:
   * none ever did, or none that the person may know of.
   */
  list(record: Head, reader: Staff | Citizen, languages?: readonly string[]): Promise<readonly HoldView[] | undefined>;
  /** Throws `record_held` while one stands. What decides in the end is the same question under the lock. */
  checkFree(record: Head): Promise<void>;
}

/** What is kept sealed of placing one. */
interface Placed {
  readonly case: string;
  readonly until?: string;
  readonly confidential: boolean;
  readonly at: number;
  readonly act: Act;
}

interface Lifted {
  readonly at: number;
  readonly act: Act;
}

/** `placed`: undefined where somebody changed what was sealed. */
interface Opened extends Standing {
  readonly id: string;
  readonly placed: Placed | undefined;
  readonly lifted: Lifted | undefined;
}

export function createHoldService(deps: {
  entity: string;
  database: Database;
  registries: Pick<RegistryService, "getCurrent">;
  sealer: RecordSealer;
  sight: Pick<RecordSight, "checkWithin">;
  describeAct: DescribeAct;
  createId: () => string;
  clock: () => number;
}): HoldService {
  const { entity, database, registries, sealer, clock } = deps;

  function openPart<Part>(
    dataKey: Uint8Array,
    rid: string,
    place: string,
    sealed: Uint8Array | null,
  ): Part | undefined {
    if (sealed === null) return undefined;
    try {
      return JSON.parse(sealer.openHold({ dataKey, rid, place, sealed })) as Part;
    } catch (error) {
      if (isAttestryError(error, "seal_broken")) return undefined;
      throw error;
    }
  }

  /** What is sealed decides, not the columns beside it: whoever has the database alone ends no hold by changing a row. */
  function open(dataKey: Uint8Array, { id, rid, sealed, released }: holds.StoredHold): Opened {
    const placed = openPart<Placed>(dataKey, rid, id, sealed);
    const lifted = openPart<Lifted>(dataKey, rid, `${id}|released`, released);
    const until = placed?.until === undefined ? null : parseEffectiveTime(placed.until, "end")!;
    return { id, placed, lifted, until };
  }

  const isInForce = (hold: Opened): boolean => hold.lifted === undefined && stands(hold, clock());

  // Of one whose sealed part was changed nothing can be told, and so it stands.
  const caseOf = ({ id, placed }: Opened): string => placed?.case ?? `damaged ${id}`;

  async function openAll({ rid, sealedKey }: Head, rows: readonly holds.StoredHold[]): Promise<Opened[]> {
    if (rows.length === 0 || sealedKey === null) return [];
    const dataKey = sealer.openDataKey({ rid, sealedKey });
    return rows
      .map((row) => open(dataKey, row))
      .toSorted((a, b) => (a.placed?.at ?? 0) - (b.placed?.at ?? 0) || (a.id < b.id ? -1 : 1));
  }

  function describe(
    hold: Opened,
    options: { compiled: CompiledDefinition; isSubject: boolean; languages: readonly string[] },
  ): HoldView {
    const { placed, lifted } = hold;
    const { definition } = options.compiled;
    const reasonText = (code: string | undefined) =>
      code === undefined ? undefined : describeReason(definition, { code, languages: options.languages });
    const who = (act: Act) => (options.isSubject ? {} : { role: act.role, by: act.by });
    const why = ({ reason, instrument }: Act) => ({
      ...(reason !== undefined && { reason }),
      ...(instrument !== undefined && { instrument }),
    });
    const text = reasonText(placed?.act.reason);
    return {
      id: hold.id,
      in_force: isInForce(hold),
      confidential: placed?.confidential ?? true,
      case: caseOf(hold),
      ...(placed && { since: formatSeconds(placed.at), ...why(placed.act), ...who(placed.act) }),
      ...(placed?.until !== undefined && { until: placed.until }),
      ...(text !== undefined && { reason_text: text }),
      ...(lifted && { released: { at: formatSeconds(lifted.at), ...who(lifted.act), ...why(lifted.act) } }),
    };
  }

  async function permit({ caller, registry, rid }: HoldOptions, action: Action) {
    checkPermitted({ caller, action, registry });
    const compiled = await registries.getCurrent(registry);
    await deps.sight.checkWithin({ caller, compiled, action, rid });
    const { record } = await getRecord(database, { registry, rid });
    return { compiled, record, caller: caller as Staff };
  }

  async function show(record: Head, compiled: CompiledDefinition): Promise<HoldsView> {
    const { rid, registry } = record;
    const found = await openAll(record, await holds.listHolds(database, rid));
    const shown = { compiled, isSubject: false, languages: [] };
    return {
      ...{ rid, registry, href: formatRecordUrl({ entity, registry, rid }) },
      holds: found.map((hold) => describe(hold, shown)),
    };
  }

  return {
    async place(options) {
      const { compiled, record, caller } = await permit(options, "record.hold");
      const { act: ground, ...said } = parseHoldRequest(options.body ?? null, clock());
      const act = deps.describeAct({ compiled, operation: "hold", caller, ground });
      const { rid } = record;
      await runTransaction(database, async (tx) => {
        const head = await holds.lockRecord(tx, rid);
        if (!head || head.sealedKey === null) throw recordErased();
        const rows = await holds.listHolds(tx, rid);
        const found = await openAll({ ...record, ...head }, rows);
        const standing = found.filter(isInForce);
        if (standing.some(({ placed }) => placed?.case === said.case && placed.until === said.until)) return;
        if (standing.length >= HOLDS_PER_RECORD_MAX)
          throw new AttestryError(
            "too_many_items",
            `${HOLDS_PER_RECORD_MAX} holds stand on the record, no more may: have an approver lift those that are over`,
          );
        const ended = found.filter((hold) => !isInForce(hold)).map(({ id }) => id);
        await holds.forgetHolds(tx, ended.slice(0, -HOLDS_PER_RECORD_MAX));
        const dataKey = sealer.openDataKey({ rid, sealedKey: head.sealedKey });
        const id = deps.createId();
        const { until, ...others } = said;
        const placed: Placed = { ...others, ...(until !== undefined && { until }), at: clock(), act };
        await holds.insertHold(tx, {
          ...{ id, rid, released: null },
          until: until === undefined ? null : parseEffectiveTime(until, "end")!,
          sealed: sealer.sealHold({ dataKey, rid, place: id, text: JSON.stringify(placed) }),
        });
      });
      return show(record, compiled);
    },

    async release(options) {
      const { compiled, record, caller } = await permit(options, "record.release");
      const { case: name, act: ground } = parseReleaseRequest(options.body ?? null);
      const act = deps.describeAct({ compiled, operation: "release", caller, ground });
      const { rid } = record;
      await runTransaction(database, async (tx) => {
        const head = await holds.lockRecord(tx, rid);
        if (!head || head.sealedKey === null) throw recordErased();
        const found = await openAll({ ...record, ...head }, await holds.listHolds(tx, rid));
        const meant = found.filter((hold) => isInForce(hold) && caseOf(hold) === name);
        if (meant.length === 0)
          throw new AttestryError(
            "hold_unknown",
            "no hold of this case stands on the record; its JSON lists those that do",
          );
        const dataKey = sealer.openDataKey({ rid, sealedKey: head.sealedKey });
        const text = JSON.stringify({ at: clock(), act } satisfies Lifted);
        for (const { id } of meant)
          await holds.releaseHold(tx, {
            id,
            released: sealer.sealHold({ dataKey, rid, place: `${id}|released`, text }),
          });
      });
      return show(record, compiled);
    },

    async list(record, reader, languages = []) {
      const rows = await holds.listHolds(database, record.rid);
      if (rows.length === 0) return undefined;
      const compiled = await registries.getCurrent(record.registry);
      const isSubject = reader.kind === "citizen";
      const seesAll = isPermitted({ caller: reader, action: "record.hold", registry: record.registry });
      const found = await openAll(record, rows);
      const views = found.map((hold) => describe(hold, { compiled, isSubject, languages }));
      if (isSubject) {
        const known = views.filter(({ confidential, in_force }) => in_force && !confidential);
        // An empty list would say that there is one which is confidential.
        return known.length === 0 ? undefined : known;
      }
      return views.map((view) =>
        seesAll || !view.confidential ? view : { id: view.id, in_force: view.in_force, confidential: true },
      );
    },

    async checkFree(record) {
      const found = await openAll(record, await holds.listHolds(database, record.rid));
      const standing = found.filter(isInForce);
      if (standing.length > 0) throw recordHeld(standing);
    },
  };
}
