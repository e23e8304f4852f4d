// A plain model of records' lives: arrays and loops, nothing of the program's. Says what is allowed, what is so, and proposes what to try. Test code only.
import type { JsonObject } from "../../src/crypto/json.ts";
import type { Random } from "./seeded-random.ts";

export const KINDS = ["well", "pump", "tap"] as const;

type State = "active" | "suspended" | "revoked" | "ended" | "replaced" | "erased";

interface ModelVersion {
  readonly data: JsonObject;
  readonly recordedAt: number;
  readonly from: number;
  readonly until: number;
  readonly validFrom: string | undefined;
  readonly validUntil: string | undefined;
}

interface ModelStatement {
  readonly state: State;
  readonly recordedAt: number;
  readonly effectiveAt: number;
}

export interface ModelRecord {
  readonly rid: string;
  readonly versions: ModelVersion[];
  readonly statements: ModelStatement[];
  readonly operations: string[];
  state: State;
}

export interface Target {
  readonly rid: string;
  readonly version: number;
  readonly stateNumber: number;
  readonly state: State;
}

export type Operation =
  | { readonly kind: "create"; readonly body: JsonObject }
  | {
      readonly kind: "amend" | "suspend" | "reinstate" | "revoke" | "end" | "replace" | "erase";
      readonly body: JsonObject;
      readonly target: Target;
      /** Every record that it changes. */
      readonly touched: readonly string[];
    };

const LEAVES: Readonly<Record<string, readonly State[]>> = {
  amend: ["active"],
  suspend: ["active"],
  reinstate: ["suspended"],
  revoke: ["active", "suspended"],
  end: ["active", "suspended"],
  replace: ["active", "suspended"],
  erase: ["active", "suspended", "revoked", "ended", "replaced"],
};

const BECOMES: Readonly<Record<string, State>> = {
  suspend: "suspended",
  reinstate: "active",
  revoke: "revoked",
  end: "ended",
  replace: "replaced",
  erase: "erased",
};

// The gentler ones twice, as they happen more often.
const STATE_CHANGES = [
  "suspend",
  "suspend",
  "reinstate",
  "reinstate",
  "reinstate",
  "revoke",
  "end",
  "replace",
  "replace",
  "erase",
] as const;

const DAY = 86_400;

function secondsOf(date: string): number {
  const [year, month, day] = date.split("-").map(Number) as [number, number, number];
  return Date.UTC(year, month - 1, day) / 1_000;
}

function dayOf(seconds: number): string {
  return new Date(seconds * 1_000).toISOString().slice(0, 10);
}

export interface LifeModel {
  records(): ModelRecord[];
  isAllowed(operation: Operation): boolean;
  /** The unique values that an operation gives to records. */
  codesOf(operation: Operation): string[];
  /** The record that holds a unique value: what was wrong, or is gone, holds none. */
  holderOf(code: string): ModelRecord | undefined;
  /** A value that was given at some time, to one record or to several. */
  someCode(random: Random): string;
  propose(random: Random, now: number): Operation;
  apply(operation: Operation, answer: { body: JsonObject; now: number }): void;
  inEffect(at: { asOf: number; validAt: number }): { rid: string; version: number; state: string; data: JsonObject }[];
}

export function createModel(): LifeModel {
  const all: ModelRecord[] = [];
  let codes = 0;

  const find = (rid: string): ModelRecord => all.find((record) => record.rid === rid)!;

  /** Mostly one that nobody had yet. */
  function chooseCode(random: Random): string {
    return random.chance(0.15) && codes > 0 ? someCode(random) : `S${++codes}`;
  }

  const someCode = (random: Random): string => `S${1 + random.below(codes)}`;

  const holderOf = (code: string): ModelRecord | undefined =>
    all.find(({ state, versions }) => !["revoked", "erased"].includes(state) && versions.at(-1)!.data.code === code);

  function codesOf(operation: Operation): string[] {
    const { kind, body } = operation;
    if (kind === "replace") return (body.by as { data: JsonObject }[]).map(({ data }) => String(data.code));
    if (kind !== "create" && kind !== "amend") return [];
    // What is corrected of the past takes nothing from anybody today.
    if (kind === "amend" && isCorrection(find(operation.target.rid), body)) return [];
    return [String((body.data as JsonObject).code)];
  }

  function isCorrection(record: ModelRecord, body: JsonObject): boolean {
    return typeof body.valid_until === "string" && secondsOf(body.valid_until) + DAY <= record.versions.at(-1)!.from;
  }

  function randomData(random: Random): JsonObject {
    return {
      code: chooseCode(random),
      name: `${random.pick(["a", "ab", "abc", "b", "bc", "c", "ca"])}${random.below(100)}`,
      kind: random.pick(KINDS),
      size: random.below(100),
      ...(random.chance(0.5) && { keeper: `Keeper ${random.below(5)}` }),
    };
  }

  function targetOf(record: ModelRecord): Target {
    return {
      rid: record.rid,
      version: record.versions.length,
      stateNumber: record.statements.length,
      state: record.state,
    };
  }

  function version(data: JsonObject, dates: { from?: string; until?: string }, recordedAt: number): ModelVersion {
    return {
      data,
      recordedAt,
      from: dates.from === undefined ? Number.NEGATIVE_INFINITY : secondsOf(dates.from),
      until: dates.until === undefined ? Number.POSITIVE_INFINITY : secondsOf(dates.until) + DAY,
      validFrom: dates.from,
      validUntil: dates.until,
    };
  }

  function readDates(body: JsonObject): { from?: string; until?: string } {
    return {
      ...(typeof body.valid_from === "string" && { from: body.valid_from }),
      ...(typeof body.valid_until === "string" && { until: body.valid_until }),
    };
  }

  function proposeCreate(random: Random): Operation {
    const from = dayOf(Date.UTC(2008 + random.below(15), random.below(12), 1) / 1_000);
    return {
      kind: "create",
      body: { data: randomData(random), ...(random.chance(0.6) && { valid_from: from }) },
    };
  }

  function proposeAmend(random: Random, record: ModelRecord, now: number): Operation {
    const current = record.versions.at(-1)!;
    const patch: JsonObject = {};
    if (random.chance(0.6)) patch.size = random.below(100);
    if (random.chance(0.4)) patch.kind = random.pick(KINDS);
    if (random.chance(0.4)) patch.name = `${random.pick(["a", "b", "c"])}${random.below(100)}`;
    if (random.chance(0.2)) patch.keeper = null;
    // Nearly always something new, so that hardly any patch changes nothing.
    patch.code = chooseCode(random);
    if (patch.code === current.data.code) patch.size = (Number(current.data.size) + 1) % 100;
    const body: JsonObject = { data: patch };
    if (current.validFrom !== undefined && random.chance(0.3)) {
      body.valid_until = dayOf(current.from - DAY * (1 + random.below(300)));
      body.valid_from = dayOf(secondsOf(body.valid_until) - DAY * (1 + random.below(900)));
    } else if (random.chance(0.4)) {
      body.valid_from = dayOf(
        Math.min(now - DAY, Math.max(current.from, secondsOf("2006-01-01")) + DAY * random.below(1_500)),
      );
      body.valid_until = null;
    }
    return { kind: "amend", body, target: targetOf(record), touched: [record.rid] };
  }

  function proposeStateChange(random: Random, record: ModelRecord, now: number): Operation {
    // Mostly what fits, so that lives get long; the rest shows that what does not fit is refused.
    const fitting = STATE_CHANGES.filter((one) => LEAVES[one]!.includes(record.state));
    const kind = random.pick(fitting.length > 0 && random.chance(0.75) ? fitting : STATE_CHANGES);
    const act = { reason: "r", instrument: "i" };
    const effective = random.chance(0.5) ? { effective: dayOf(now - DAY * (1 + random.below(900))) } : {};
    const base = { target: targetOf(record), touched: [record.rid] };
    if (kind === "revoke" || kind === "erase") return { kind, body: { act }, ...base };
    if (kind !== "replace") return { kind, body: { act, ...effective }, ...base };
    const by = [{ data: randomData(random) }, ...(random.chance(0.5) ? [{ data: randomData(random) }] : [])];
    const others = all.filter((one) => one !== record && LEAVES.replace!.includes(one.state));
    const also = others.length > 0 && random.chance(0.4) ? [random.pick(others)] : [];
    return {
      kind,
      body: {
        act,
        ...effective,
        by,
        ...(also.length > 0 && { also: also.map((one) => ({ rid: one.rid, version: one.versions.length })) }),
      },
      target: base.target,
      touched: [record.rid, ...ridsOf(also)],
    };
  }

  const ridsOf = (records: readonly ModelRecord[]): string[] => records.map(({ rid }) => rid);

  function applyReplace(operation: Operation & { touched: readonly string[] }, body: JsonObject, now: number): void {
    const created = (body.replaced_by as string[]).map((href) => href.slice(href.lastIndexOf("/") + 1));
    (operation.body.by as { data: JsonObject }[]).forEach(({ data }, at) => {
      all.push({
        rid: created[at]!,
        versions: [version(data, {}, now)],
        statements: [],
        operations: ["create"],
        state: "active",
      });
    });
    for (const rid of operation.touched) changeState(find(rid), operation, now);
  }

  function changeState(record: ModelRecord, operation: Operation, now: number): void {
    const state = BECOMES[operation.kind]!;
    const { effective } = operation.body;
    const always = operation.kind === "revoke" || operation.kind === "erase";
    const effectiveAt = always ? Number.NEGATIVE_INFINITY : typeof effective === "string" ? secondsOf(effective) : now;
    record.state = state;
    record.operations.push(operation.kind);
    record.statements.push({ state, recordedAt: now, effectiveAt });
  }

  function applyAmend(record: ModelRecord, body: JsonObject, now: number): void {
    const current = record.versions.at(-1)!;
    const data: JsonObject = { ...current.data };
    for (const [name, value] of Object.entries(body.data as JsonObject)) {
      if (value === null) delete data[name];
      else data[name] = value;
    }
    const given = readDates(body);
    const from = "valid_from" in body ? given.from : current.validFrom;
    const until = "valid_until" in body ? given.until : current.validUntil;
    const next = version(data, { ...(from !== undefined && { from }), ...(until !== undefined && { until }) }, now);
    record.versions.push(next);
    record.operations.push("amend");
    if (next.until > current.from) return;
    record.versions.push({ ...current, recordedAt: now });
    record.operations.push("amend");
  }

  return {
    records: () => all,
    codesOf,
    holderOf,
    someCode,
    isAllowed(operation) {
      if (operation.kind === "create") return true;
      return operation.touched.every((rid) => LEAVES[operation.kind]!.includes(find(rid).state));
    },
    propose(random, now) {
      if (all.length < 6 || random.chance(0.15)) return proposeCreate(random);
      const suspended = all.filter(({ state }) => state === "suspended");
      if (suspended.length > 0 && random.chance(0.1)) return proposeStateChange(random, random.pick(suspended), now);
      const record = random.pick(all);
      return random.chance(0.5) ? proposeAmend(random, record, now) : proposeStateChange(random, record, now);
    },
    apply(operation, { body, now }) {
      if (operation.kind === "create") {
        const data = operation.body.data as JsonObject;
        all.push({
          rid: body.rid as string,
          versions: [version(data, readDates(operation.body), now)],
          statements: [],
          operations: ["create"],
          state: "active",
        });
      } else if (operation.kind === "amend") applyAmend(find(operation.target.rid), operation.body, now);
      else if (operation.kind === "replace") applyReplace(operation, body, now);
      else changeState(find(operation.target.rid), operation, now);
    },
    inEffect({ asOf, validAt }) {
      const found: { rid: string; version: number; state: string; data: JsonObject }[] = [];
      for (const record of all) {
        if (record.state === "erased") continue;
        let version = 0;
        record.versions.forEach((one, at) => {
          if (one.recordedAt <= asOf && one.from <= validAt && validAt < one.until) version = at + 1;
        });
        let state: string = "active";
        for (const statement of record.statements)
          if (statement.recordedAt <= asOf && statement.effectiveAt <= validAt) state = statement.state;
        if (version > 0) found.push({ rid: record.rid, version, state, data: record.versions[version - 1]!.data });
      }
      return found;
    },
  };
}
