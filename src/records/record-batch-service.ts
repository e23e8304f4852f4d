// Answers other nodes with batches of this node's own records, each with its proof, or with why it is not given.
import { formatSdJwt } from "../crypto/sd-jwt.ts";
import { AttestryError, type ErrorCode, isAttestryError } from "../errors.ts";
import type { Caller } from "../identity/caller.ts";
import { isPermitted } from "../identity/permissions.ts";
import { RECORDS_READ_MAX, RECORDS_READ_TOKEN_CHARS_MAX, RECORDS_READ_UNWEIGHED_MAX } from "../limits.ts";
import type { CompiledDefinition } from "../registries/compiled-definition.ts";
import type { RegistryService } from "../registries/registry-service.ts";
import type { Database } from "../storage/database.ts";
import type { Disclose, DisclosureItem, DisclosureOutcome, ReadAccess } from "./record-disclosure.ts";
import type { ProvenChange, RecordProofService } from "./record-proof-service.ts";
import type { RecordSight } from "./record-sight.ts";
import * as store from "./record-store.ts";
import { statusListUrl } from "./record-token.ts";
import { parseRecordUrl } from "./record-url.ts";
import { findStateOutcome, type StateOutcome } from "./state-outcome.ts";
import type { StatusService } from "./status-service.ts";

export interface ReadReference {
  readonly href: string;
  readonly version?: number;
}

export type ReadOutcome =
  | {
      readonly href: string;
      readonly outcome: "found";
      readonly token: string;
      readonly receipt: string;
      /** Of a personal record: to whom and for what it is given. */
      readonly presentation?: { readonly token: string; readonly receipt: string };
    }
  | {
      readonly href: string;
      /** Why a personal record is not given. */
      readonly outcome: ErrorCode;
      readonly message: string;
      /** For which fields consent may be asked. */
      readonly fields?: readonly string[];
    }
  | {
      readonly href: string;
      readonly outcome:
        | "reference_foreign"
        | "registry_unknown"
        | "record_unknown"
        | "version_unknown"
        | "members_only";
    }
  | {
      readonly href: string;
      readonly outcome: StateOutcome;
      /** The signed statement of what was done. */
      readonly state: StateProof;
    };

/** A signed statement of what was done, with its receipt from the log; `number`: which change of the record's state it is. */
export interface StateProof {
  readonly operation: string;
  readonly number: number;
  readonly statement: string;
  readonly receipt: string;
}

/** The answer to `POST /records:read`; status lists by URL, definitions by `vct`. */
export interface ReadAnswer {
  readonly records: readonly ReadOutcome[];
  readonly statusLists: Readonly<Record<string, string>>;
  readonly definitions: Readonly<Record<string, string>>;
}

type Unread = "reference_foreign" | "registry_unknown" | "record_unknown" | "version_unknown" | "members_only";

/** A record that is not in force, with the change of state that says so. */
interface OutOfForce extends ProvenChange {
  readonly outcome: StateOutcome;
}

/** What was erased: a record, or the version of it that was asked for. */
type Erased = store.ErasedRecord & { readonly row?: store.RecordRow };

/** A record that is given for a purpose with a basis alone. */
interface Personal {
  readonly personal: DisclosureItem;
  readonly outOfForce: OutOfForce | undefined;
}

type Judgement = store.RecordRow | OutOfForce | Personal | Unread;

/** What is given of a record. */
interface Given {
  readonly row: store.RecordRow;
  readonly disclosed?: Extract<DisclosureOutcome, { presentation: unknown }>;
}

/** A record that is not given, or not in force. */
type Withheld =
  | { readonly unread: Unread }
  | { readonly refused: Extract<DisclosureOutcome, { code: unknown }> }
  | { readonly change: OutOfForce; readonly isPersonal: boolean };

type Settled = Given | Withheld;

/**
 * Whether a record's state stands against giving a version as one that counts. A pinned version of what ended or was replaced is history,
 * and still verifies; what was revoked was always wrong; a suspension holds for the version that was current.
 */
function findOutOfForce(row: store.RecordRow, isPinned: boolean): OutOfForce | undefined {
  const { record, version, change } = row;
  if (!change) return undefined;
  const outcome = findStateOutcome(change.operation);
  if (outcome === undefined) return undefined;
  const isCounted = record.state === "revoked" || (record.state === "suspended" && version.version === record.version);
  return isPinned && !isCounted ? undefined : { outcome, record, row, change };
}

/**
 * This node's own records only; what the caller may not read is named, not given. `access`: for what personal records are read; without it
 * none is given. Throws `too_many_items`, and what is wrong with `access`.
 */
export type ReadBatch = (
  references: readonly ReadReference[],
  caller: Caller,
  access?: ReadAccess | undefined,
) => Promise<ReadAnswer>;

export function createRecordBatchService(deps: {
  entity: string;
  database: Database;
  registries: RegistryService;
  statuses: StatusService;
  proofs: RecordProofService;
  sight: Pick<RecordSight, "findReadable">;
  disclose: Disclose;
}): ReadBatch {
  const { entity, database, registries, statuses, proofs } = deps;

  async function findToday(registry: string): Promise<CompiledDefinition | undefined> {
    try {
      return await registries.getCurrent(registry);
    } catch (error) {
      if (isAttestryError(error, "registry_unknown")) return undefined;
      throw error;
    }
  }

  async function judge(
    reference: ReadReference,
    row: store.RecordRow | undefined,
    erased: Erased | undefined,
    caller: Caller,
  ): Promise<Judgement> {
    const address = parseRecordUrl(reference.href);
    if (!address || address.entity !== entity) return "reference_foreign";
    const compiled = await findToday(address.registry);
    if (compiled === undefined) return "registry_unknown";
    const today = compiled.definition.access;
    const { registry } = address;
    if (today === "consent") {
      const { rid } = address;
      // Whether a record is there is nobody's business before there is a basis to ask.
      const held = row?.record.registry === registry ? row : undefined;
      const outOfForce = held && findOutOfForce(held, reference.version !== undefined);
      return { personal: { registry, rid, compiled, row: held, isStateOnly: outOfForce !== undefined }, outOfForce };
    }
    if (!isPermitted({ caller, action: "record.read", registry, access: today })) return "members_only";
    const { rid } = address;
    if (!(await deps.sight.findReadable({ caller, compiled, rids: [rid] })).has(rid)) return "members_only";
    if ((row ?? erased)?.record.registry !== address.registry)
      return reference.version === undefined ? "record_unknown" : "version_unknown";
    if (!row) {
      const { record, change } = erased!;
      return { outcome: findStateOutcome(change.operation)!, record, row: erased!.row, change };
    }
    return findOutOfForce(row, reference.version !== undefined) ?? row;
  }

  // Each may be large, and anyone may name one a thousand times.
  async function checkWeight(asked: readonly { rid: string; version: number | undefined }[]): Promise<void> {
    const chars = await store.weighTokens(database, asked);
    if (chars <= RECORDS_READ_TOKEN_CHARS_MAX) return;
    throw new AttestryError(
      "too_many_items",
      // How many is not told: records that the caller may not see were weighed, too.
      `the tokens of these ${asked.length} records have more than ${RECORDS_READ_TOKEN_CHARS_MAX} characters together: ask for fewer`,
    );
  }

  /** The rows of references, or why not; three queries at most, however many they are. */
  async function judgeAll(references: readonly ReadReference[], caller: Caller): Promise<Judgement[]> {
    const asked = references.flatMap(({ href, version }) => {
      const rid = parseRecordUrl(href)?.rid;
      return rid === undefined ? [] : [{ rid, version }];
    });
    if (asked.length > RECORDS_READ_UNWEIGHED_MAX) await checkWeight(asked);
    const live = asked.filter(({ version }) => version === undefined).map(({ rid }) => rid);
    const pinned = asked.filter((one): one is { rid: string; version: number } => one.version !== undefined);
    const [current, versions] = await Promise.all([
      store.findRecords(database, live),
      pinned.length === 0 ? new Map<string, store.RecordRow>() : store.findRecordVersions(database, pinned),
    ]);
    const rowOf = (rid: string, version: number | undefined) =>
      version === undefined ? current.get(rid) : versions.get(`${rid}/${version}`);
    const missing = asked.filter(({ rid, version }) => !rowOf(rid, version));
    const [erased, erasedVersions] = await Promise.all([
      missing.length === 0
        ? new Map<string, store.ErasedRecord>()
        : store.findErased(
            database,
            missing.map(({ rid }) => rid),
          ),
      store.findErasedVersions(
        database,
        missing.filter((one): one is { rid: string; version: number } => one.version !== undefined),
      ),
    ]);
    const erasedOf = (rid: string, version: number | undefined) =>
      erased.get(rid) ?? erasedVersions.get(`${rid}/${version}`);
    return Promise.all(
      references.map((reference) => {
        const rid = parseRecordUrl(reference.href)?.rid ?? "";
        return judge(reference, rowOf(rid, reference.version), erasedOf(rid, reference.version), caller);
      }),
    );
  }

  /** Asks for the basis of what is personal; the rest is as it was judged. */
  async function settle(
    judged: readonly Judgement[],
    caller: Caller,
    access: ReadAccess | undefined,
  ): Promise<Settled[]> {
    const personal = judged.filter((one): one is Personal => typeof one !== "string" && "personal" in one);
    const items = personal.map((one) => one.personal);
    const outcomes =
      access === undefined || caller.kind !== "node" || items.length === 0
        ? items.map(refuseWithoutBasis)
        : await deps.disclose(items, access, caller);
    return judged.map((one): Settled => {
      if (typeof one === "string") return { unread: one };
      if ("outcome" in one) return { change: one, isPersonal: false };
      if (!("personal" in one)) return { row: one };
      const outcome = outcomes[personal.indexOf(one)]!;
      if ("code" in outcome) return { refused: outcome };
      const { outOfForce } = one;
      return outOfForce ? { change: outOfForce, isPersonal: true } : { row: one.personal.row!, disclosed: outcome };
    });
  }

  return async (references, caller, access) => {
    if (references.length > RECORDS_READ_MAX) {
      throw new AttestryError(
        "too_many_items",
        `${references.length} references in one request; at most ${RECORDS_READ_MAX} are allowed`,
      );
    }
    const settled = await settle(await judgeAll(references, caller), caller, access);
    const given = settled.filter((one): one is Given => "row" in one);
    const rows = given.map(({ row }) => row);
    const withheld = settled.filter((one): one is Extract<Withheld, { change: unknown }> => "change" in one);
    const changes = withheld.map(({ change }) => change);
    const personalRows = new Set(given.filter(({ disclosed }) => disclosed !== undefined).map(({ row }) => row));
    const personalChanges = new Set(withheld.filter(({ isPersonal }) => isPersonal).map(({ change }) => change));
    const [receipts, stateReceipts] = await Promise.all([
      proofs.formatReceipts(rows, { isPersonal: (row) => personalRows.has(row) }),
      proofs.formatStateReceipts(changes, { isPersonal: (change) => personalChanges.has(change as OutOfForce) }),
    ]);
    const statusLists: Record<string, string> = {};
    for (const list of new Set(rows.map((row) => row.version.statusList)))
      statusLists[statusListUrl(entity, list)] = (await statuses.getSigned(list)).token;
    const definitions: Record<string, string> = {};
    for (const row of rows) {
      const compiled = await registries.getVersion(row.record.registry, row.version.definitionVersion);
      definitions[compiled.vct] = compiled.text;
    }
    const records = settled.map((one, i): ReadOutcome => {
      const { href } = references[i]!;
      if ("unread" in one) return { href, outcome: one.unread };
      if ("refused" in one) {
        const { code, message, fields } = one.refused;
        return { href, outcome: code, message, ...(fields.length > 0 && { fields }) };
      }
      if ("change" in one) {
        const { operation, number, statement } = one.change.change;
        const receipt = stateReceipts[withheld.indexOf(one)]!;
        return { href, outcome: one.change.outcome, state: { operation, number, statement, receipt } };
      }
      const { row, disclosed } = one;
      return {
        href,
        outcome: "found",
        token: formatSdJwt(row.version.jwt, [...(disclosed?.disclosures ?? [])]),
        receipt: receipts[given.indexOf(one)]!,
        ...(disclosed && { presentation: disclosed.presentation }),
      };
    });
    return { records, statusLists, definitions };
  };
}

/** Whoever states no purpose is told for what consent could be asked; all of it stands in the public definition. */
function refuseWithoutBasis({ registry, compiled }: DisclosureItem): Extract<DisclosureOutcome, { code: unknown }> {
  const fields = [...new Set(compiled.disclosure.purposes.flatMap((purpose) => purpose.fields))];
  return {
    code: "consent_required",
    message: `records of "${registry}" are read for a stated purpose, with the person's consent or by a law that the definition names`,
    fields,
  };
}
