// Hands out what others need to check one record without trusting this node: receipts and evidence files.
import { formatSdJwt } from "../crypto/sd-jwt.ts";
import { AttestryError } from "../errors.ts";
import type { Caller } from "../identity/caller.ts";
import type { RegistryService } from "../registries/registry-service.ts";
import type { Database } from "../storage/database.ts";
import type { ReadBatch } from "./record-batch-service.ts";
import type { RecordProofService } from "./record-proof-service.ts";
import type { RecordSight } from "./record-sight.ts";
import * as store from "./record-store.ts";
import type { StatusService } from "./status-service.ts";

/** Everything an offline verifier needs for one record (schemas/evidence.schema.json). */
export interface EvidenceFile {
  readonly token: string;
  readonly receipts: { readonly recent: string };
  /** The signed status list, with the receipt of its `status` entry. */
  readonly status: { readonly token: string; readonly receipt: string };
  readonly chain: readonly string[];
  /** The chain that was in force when the version was logged, with the receipt of its entry; not there for what is older than the first. */
  readonly archive?: { readonly chain: readonly string[]; readonly receipt: string };
  readonly definition: string;
  /** Of a personal record: to whom and for what it is given. */
  readonly presentation?: { readonly token: string; readonly receipt: string };
}

export interface ProofOptions {
  readonly caller: Caller;
  readonly registry: string;
  readonly rid: string;
  readonly version: number | undefined;
}

export interface EvidenceService {
  /** Of a version; with `state`, of the change of state of that number, also where the record was erased. Throws `version_unknown`. */
  receipt(options: ProofOptions & { state?: number | undefined }): Promise<string>;
  /** Of a record in whatever state: its status list says which. An erased one has none (`record_erased`). */
  evidence(options: ProofOptions): Promise<EvidenceFile>;
  /**
   * The same around a token of this version with more of it open, for whom the caller has found to be permitted. `isForOthers`: of a personal
   * record only its subject gets the key by which its later entries in the log are found.
   */
  assemble(
    row: store.RecordRow,
    token: string,
    options?: { readonly isForOthers?: boolean; readonly outgoing?: boolean },
  ): Promise<EvidenceFile>;
  readonly read: ReadBatch;
}

export function createEvidenceService(deps: {
  database: Database;
  registries: RegistryService;
  statuses: StatusService;
  proofs: RecordProofService;
  readBatch: ReadBatch;
  sight: RecordSight;
  /** This node's own chain, from its configuration up to the anchor's; where none is held it may be asked for if `outgoing`. */
  ownChain: (options: { readonly outgoing: boolean }) => Promise<readonly string[]>;
  /** The last chain that the log committed to before its entry of that index. */
  findArchivedChain: (
    logIndex: number,
  ) => Promise<{ readonly statements: readonly string[]; readonly receipt: string } | undefined>;
}): EvidenceService {
  const { database, registries, statuses, proofs } = deps;

  /** Who may not know of a record learns nothing of it; who may, learns first that it is unknown or erased, and then what is not shown of it. */
  async function getPermitted<T>({ caller, registry, rid }: ProofOptions, find: () => Promise<T>): Promise<T> {
    const compiled = await registries.getCurrent(registry);
    const { access } = compiled.definition;
    await deps.sight.checkReadable({ caller, compiled, rid });
    const found = await find();
    if (access !== "consent") return found;
    throw new AttestryError(
      "not_available_yet",
      'records of a registry with access "consent" are read by this node\'s own staff only; evidence of them needs consent and disclosure, which this version does not have',
    );
  }

  const getProvable = (options: ProofOptions): Promise<store.RecordRow> =>
    getPermitted(options, () => store.getRecord(database, options));

  async function proveStatus(list: number): Promise<EvidenceFile["status"]> {
    const signed = await statuses.getSigned(list);
    return { token: signed.token, receipt: await statuses.formatReceipt(signed) };
  }

  async function stateReceipt(options: ProofOptions, number: number): Promise<string> {
    const { registry, rid } = options;
    const record = await getPermitted(options, () => store.getHead(database, { registry, rid }));
    const [row, changes] = await Promise.all([
      store.findRecord(database, { rid }),
      number > record.stateNumber
        ? new Map<number, store.StoredChange>()
        : store.findStatements(database, { rid, numbers: [number] }),
    ]);
    const change = changes.get(number);
    if (!change)
      throw new AttestryError(
        "version_unknown",
        `the record's state changed ${record.stateNumber} times; there is no change ${number}`,
      );
    // The salt of what happened before the erasure was destroyed with the record: only the erasure itself can still be proved.
    if (change.sealed === null) throw store.recordErased();
    return (await proofs.formatStateReceipts([{ record, row, change }]))[0]!;
  }

  async function assemble(
    row: store.RecordRow,
    token: string,
    { outgoing, isForOthers = false }: { readonly outgoing: boolean; readonly isForOthers?: boolean },
  ): Promise<EvidenceFile> {
    const { registry } = row.record;
    const isPersonal = isForOthers && (await registries.getCurrent(registry)).definition.access === "consent";
    const [receipts, status, chain, archived, compiled] = await Promise.all([
      proofs.formatReceipts([row], { isPersonal: () => isPersonal }),
      proveStatus(row.version.statusList),
      deps.ownChain({ outgoing }),
      deps.findArchivedChain(row.version.logIndex),
      registries.getVersion(registry, row.version.definitionVersion),
    ]);
    return {
      token,
      receipts: { recent: receipts[0]! },
      status,
      chain,
      ...(archived && { archive: { chain: archived.statements, receipt: archived.receipt } }),
      definition: compiled.text,
    };
  }

  return {
    read: deps.readBatch,
    assemble: (row, token, options = {}) => assemble(row, token, { outgoing: true, ...options }),

    async receipt({ state, ...options }) {
      if (state !== undefined) {
        if (options.version === undefined) return stateReceipt(options, state);
        throw new AttestryError(
          "query_invalid",
          "a receipt is of a version or of a change of state; leave one of them out",
        );
      }
      const row = await getProvable(options);
      return (await proofs.formatReceipts([row]))[0]!;
    },

    async evidence(options) {
      const row = await getProvable(options);
      return assemble(row, formatSdJwt(row.version.jwt, []), { outgoing: options.caller.kind !== "anonymous" });
    },
  };
}
