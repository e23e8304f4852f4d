// Hands out what others need to check a record without trusting this node: receipts, evidence files, and batches for other nodes.
import { formatSdJwt } from "../crypto/sd-jwt.ts";
import { AttestryError, isAttestryError } from "../errors.ts";
import type { Caller } from "../identity/caller.ts";
import { type Access, checkPermitted } from "../identity/permissions.ts";
import { RECORDS_READ_MAX } from "../limits.ts";
import type { LogReader } from "../log/reader-service.ts";
import { formatExtra, formatReceipt } from "../log/receipt.ts";
import type { RegistryService } from "../registries/registry-service.ts";
import type { Database } from "../storage/database.ts";
import type { RecordSealer } from "./record-sealer.ts";
import * as store from "./record-store.ts";
import { statusListUrl } from "./record-token.ts";
import { parseRecordUrl } from "./record-url.ts";
import { openSecrets } from "./record-view.ts";
import { findStateOutcome, type StateOutcome } from "./state-outcome.ts";
import type { StatusService } from "./status-service.ts";

/** Everything an offline verifier needs for one record (schemas/evidence.schema.json). */
export interface EvidenceFile {
  readonly token: string;
  readonly receipts: { readonly recent: string };
  readonly status: { readonly token: string };
  readonly chain: readonly string[];
  readonly definition: string;
}

export interface ReadReference {
  readonly href: string;
  readonly version?: number;
}

export type ReadOutcome =
  | { readonly href: string; readonly outcome: "found"; readonly token: string; readonly receipt: string }
  | {
      readonly href: string;
      readonly outcome:
        | "reference_foreign"
        | "registry_unknown"
        | "record_unknown"
        | "version_unknown"
        | "members_only"
        | "consent_required";
    }
  | {
      readonly href: string;
      readonly outcome: StateOutcome;
      /** The signed statement of what was done. */
      readonly state: { readonly operation: string; readonly statement: string };
    };

/** The answer to `POST /records:read`; status lists by URL, definitions by `vct`. */
export interface ReadAnswer {
  readonly records: readonly ReadOutcome[];
  readonly statusLists: Readonly<Record<string, string>>;
  readonly definitions: Readonly<Record<string, string>>;
}

type Unread = Exclude<ReadOutcome["outcome"], "found" | StateOutcome>;

/** A record that is not in force, with the change of state that says so. */
interface OutOfForce {
  readonly outcome: StateOutcome;
  readonly change: store.StoredChange;
}

type Judgement = store.RecordRow | OutOfForce | Unread;

function isRow(judgement: Judgement): judgement is store.RecordRow {
  return typeof judgement !== "string" && "record" in judgement;
}

/**
 * Whether a record's state stands against giving a version as one that counts. A pinned version of what ended or was replaced is history,
 * and still verifies; what was revoked was always wrong; a suspension holds for the version that was current.
 */
function findOutOfForce({ record, version, change }: store.RecordRow, isPinned: boolean): OutOfForce | undefined {
  if (!change) return undefined;
  const outcome = findStateOutcome(change.operation);
  if (outcome === undefined) return undefined;
  const isCounted = record.state === "revoked" || (record.state === "suspended" && version.version === record.version);
  return isPinned && !isCounted ? undefined : { outcome, change };
}

const REFUSED = { members: "members_only", consent: "consent_required" } as const;

const STRICTEST_FIRST: readonly Access[] = ["consent", "members", "public"];

function stricterAccess(a: Access, b: Access): Access {
  return STRICTEST_FIRST.find((access) => access === a || access === b)!;
}

export interface EvidenceService {
  receipt(options: { caller: Caller; registry: string; rid: string; version: number | undefined }): Promise<string>;
  evidence(options: {
    caller: Caller;
    registry: string;
    rid: string;
    version: number | undefined;
  }): Promise<EvidenceFile>;
  /** This node's own records only, each with its proof; what is not public is named, not given. */
  read(references: readonly ReadReference[]): Promise<ReadAnswer>;
}

export function createEvidenceService(deps: {
  entity: string;
  database: Database;
  registries: RegistryService;
  reader: LogReader;
  sealer: RecordSealer;
  statuses: StatusService;
  /** This node's own chain, from its configuration up to the anchor's. */
  ownChain: () => Promise<readonly string[]>;
}): EvidenceService {
  const { entity, database, registries, reader, sealer, statuses } = deps;

  // K goes with the receipts of public and members' records (DESIGN section 6), never of a `consent` record.
  async function formatReceipts(rows: readonly store.RecordRow[]): Promise<string[]> {
    const proofs = await reader.receipts(rows.map((row) => row.version.logIndex));
    return proofs.map(({ index, proof, checkpoint, entry }, i) => {
      const { salt, k } = openSecrets(sealer, rows[i]!).secrets;
      return formatReceipt({ index, proof, checkpoint, extra: formatExtra({ salt, k, entry }) });
    });
  }

  /** The access that holds for a version: the stricter of its own definition's and today's, so that opening a registry opens no old record. */
  async function accessOf(version: { registry: string; definitionVersion: number }): Promise<Access> {
    const { registry, definitionVersion } = version;
    const [today, then] = await Promise.all([
      registries.getCurrent(registry),
      registries.getVersion(registry, definitionVersion),
    ]);
    return stricterAccess(today.definition.access, then.definition.access);
  }

  async function getProvable(options: {
    caller: Caller;
    registry: string;
    rid: string;
    version: number | undefined;
  }): Promise<store.RecordRow> {
    const { caller, registry } = options;
    const { definition } = await registries.getCurrent(registry);
    checkPermitted({ caller, action: "record.read", registry, access: definition.access });
    const row = await store.getRecord(database, options);
    const access = await accessOf({ registry, definitionVersion: row.version.definitionVersion });
    checkPermitted({ caller, action: "record.read", registry, access });
    if (access === "consent") {
      throw new AttestryError(
        "not_available_yet",
        'records of a registry with access "consent" are read by this node\'s own staff only; evidence of them needs consent and disclosure, which this version does not have',
      );
    }
    return row;
  }

  async function findAccessToday(registry: string): Promise<Access | undefined> {
    try {
      return (await registries.getCurrent(registry)).definition.access;
    } catch (error) {
      if (isAttestryError(error, "registry_unknown")) return undefined;
      throw error;
    }
  }

  async function judge(
    reference: ReadReference,
    row: store.RecordRow | undefined,
    erased: store.ErasedRecord | undefined,
  ): Promise<Judgement> {
    const address = parseRecordUrl(reference.href);
    if (!address || address.entity !== entity) return "reference_foreign";
    const today = await findAccessToday(address.registry);
    if (today === undefined) return "registry_unknown";
    // Before the row is looked at: whether a record is there is nobody's business either.
    if (today !== "public") return REFUSED[today];
    const found = row ? { registry: row.record.registry, definitionVersion: row.version.definitionVersion } : erased;
    if (found?.registry !== address.registry)
      return reference.version === undefined ? "record_unknown" : "version_unknown";
    const access = await accessOf(found);
    if (access !== "public") return REFUSED[access];
    if (!row) return { outcome: "record_erased", change: erased!.change };
    return findOutOfForce(row, reference.version !== undefined) ?? row;
  }

  /** The rows of references, or why not; three queries at most, however many they are. */
  async function judgeAll(references: readonly ReadReference[]): Promise<Judgement[]> {
    const asked = references.flatMap(({ href, version }) => {
      const rid = parseRecordUrl(href)?.rid;
      return rid === undefined ? [] : [{ rid, version }];
    });
    const live = asked.filter(({ version }) => version === undefined).map(({ rid }) => rid);
    const pinned = asked.filter((one): one is { rid: string; version: number } => one.version !== undefined);
    const [current, versions] = await Promise.all([
      store.findRecords(database, live),
      pinned.length === 0 ? new Map<string, store.RecordRow>() : store.findRecordVersions(database, pinned),
    ]);
    const rowOf = (rid: string, version: number | undefined) =>
      version === undefined ? current.get(rid) : versions.get(`${rid}/${version}`);
    const missing = asked.filter(({ rid, version }) => !rowOf(rid, version)).map(({ rid }) => rid);
    const erased =
      missing.length === 0 ? new Map<string, store.ErasedRecord>() : await store.findErased(database, missing);
    return Promise.all(
      references.map((reference) => {
        const rid = parseRecordUrl(reference.href)?.rid ?? "";
        return judge(reference, rowOf(rid, reference.version), erased.get(rid));
      }),
    );
  }

  return {
    async receipt(options) {
      const row = await getProvable(options);
      return (await formatReceipts([row]))[0]!;
    },

    async evidence(options) {
      const row = await getProvable(options);
      const [receipts, status, chain, compiled] = await Promise.all([
        formatReceipts([row]),
        statuses.getToken(row.version.statusList),
        deps.ownChain(),
        registries.getVersion(row.record.registry, row.version.definitionVersion),
      ]);
      return {
        token: formatSdJwt(row.version.jwt, []),
        receipts: { recent: receipts[0]! },
        status: { token: status },
        chain,
        definition: compiled.text,
      };
    },

    async read(references) {
      if (references.length > RECORDS_READ_MAX) {
        throw new AttestryError(
          "too_many_items",
          `${references.length} references in one request; at most ${RECORDS_READ_MAX} are allowed`,
        );
      }
      const judged = await judgeAll(references);
      const rows = judged.filter(isRow);
      const receipts = await formatReceipts(rows);
      const statusLists: Record<string, string> = {};
      for (const list of new Set(rows.map((row) => row.version.statusList)))
        statusLists[statusListUrl(entity, list)] = await statuses.getToken(list);
      const definitions: Record<string, string> = {};
      for (const row of rows) {
        const compiled = await registries.getVersion(row.record.registry, row.version.definitionVersion);
        definitions[compiled.vct] = compiled.text;
      }
      let at = 0;
      const records = judged.map((one, i): ReadOutcome => {
        const { href } = references[i]!;
        if (typeof one === "string") return { href, outcome: one };
        if (isRow(one))
          return { href, outcome: "found", token: formatSdJwt(one.version.jwt, []), receipt: receipts[at++]! };
        const { operation, statement } = one.change;
        return { href, outcome: one.outcome, state: { operation, statement } };
      });
      return { records, statusLists, definitions };
    },
  };
}
