// Hands out what others need to check a record without trusting this node: receipts, evidence files, and batches for other nodes.
import { formatSdJwt } from "../crypto/sd-jwt.ts";
import { AttestryError } from "../errors.ts";
import type { Caller } from "../identity/caller.ts";
import { checkPermitted } from "../identity/permissions.ts";
import { RECORDS_READ_MAX } from "../limits.ts";
import type { LogReader } from "../log/reader-service.ts";
import { formatExtra, formatReceipt } from "../log/receipt.ts";
import type { RegistryService } from "../registries/registry-service.ts";
import type { Database } from "../storage/database.ts";
import type { RecordSealer } from "./record-sealer.ts";
import { getRow } from "./record-service.ts";
import * as store from "./record-store.ts";
import { statusListUrl } from "./record-token.ts";
import { parseRecordUrl } from "./record-url.ts";
import { openSecrets } from "./record-view.ts";
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
    };

/** The answer to `POST /records:read`; status lists by URL, definitions by `vct`. */
export interface ReadAnswer {
  readonly records: readonly ReadOutcome[];
  readonly statusLists: Readonly<Record<string, string>>;
  readonly definitions: Readonly<Record<string, string>>;
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

  async function getProvable(options: {
    caller: Caller;
    registry: string;
    rid: string;
    version: number | undefined;
  }): Promise<store.RecordRow> {
    const { definition } = await registries.getCurrent(options.registry);
    checkPermitted({
      caller: options.caller,
      action: "record.read",
      registry: options.registry,
      access: definition.access,
    });
    if (definition.access === "consent") {
      throw new AttestryError(
        "not_available_yet",
        'records of a registry with access "consent" are read by this node\'s own staff only; evidence of them needs consent and disclosure, which this version does not have',
      );
    }
    return getRow(database, options);
  }

  async function findRow(
    reference: ReadReference,
  ): Promise<store.RecordRow | Exclude<ReadOutcome["outcome"], "found">> {
    const address = parseRecordUrl(reference.href);
    if (!address || address.entity !== entity) return "reference_foreign";
    const definition = await registries.getCurrent(address.registry).then(
      (compiled) => compiled.definition,
      () => undefined,
    );
    if (!definition) return "registry_unknown";
    if (definition.access === "members") return "members_only";
    if (definition.access === "consent") return "consent_required";
    const row = await store.findRecord(database, { rid: address.rid, version: reference.version });
    if (row && row.record.registry === address.registry) return row;
    return reference.version === undefined ? "record_unknown" : "version_unknown";
  }

  /** As `findRow` for many, with one query for all that ask for the current version. */
  async function findRows(
    references: readonly ReadReference[],
  ): Promise<(store.RecordRow | Exclude<ReadOutcome["outcome"], "found">)[]> {
    const rids = references
      .filter(({ version }) => version === undefined)
      .flatMap(({ href }) => parseRecordUrl(href)?.rid ?? []);
    const current = await store.findRecords(database, rids);
    const access = new Map<string, string | undefined>();
    for (const registry of new Set(references.flatMap(({ href }) => parseRecordUrl(href)?.registry ?? []))) {
      access.set(
        registry,
        await registries.getCurrent(registry).then(
          (compiled) => compiled.definition.access,
          () => undefined,
        ),
      );
    }
    return Promise.all(
      references.map(async (reference) => {
        const address = parseRecordUrl(reference.href);
        const row = address && current.get(address.rid);
        const isOpen = address?.entity === entity && access.get(address.registry) === "public";
        return isOpen && reference.version === undefined && row?.record.registry === address.registry
          ? row
          : findRow(reference);
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
      const found = await findRows(references);
      const rows = found.filter((row): row is store.RecordRow => typeof row !== "string");
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
      const records = found.map((row, i): ReadOutcome => {
        const { href } = references[i]!;
        if (typeof row === "string") return { href, outcome: row };
        return { href, outcome: "found", token: formatSdJwt(row.version.jwt, []), receipt: receipts[at++]! };
      });
      return { records, statusLists, definitions };
    },
  };
}
