// One step of making anew what the former sealing keys sealed and hashed: records with their index, files, proposals. Decides neither when nor whether.
import type { ProposalSealer } from "../../approval/proposal-sealer.ts";
import type { KeyGenerations } from "../../crypto/key-generations.ts";
import { SEALING_LISTED, SEALING_RECORDS } from "../../limits.ts";
import type { CompiledDefinition } from "../../registries/compiled-definition.ts";
import type { RegistryService } from "../../registries/registry-service.ts";
import { readCurrentVersions } from "../../registries/registry-store.ts";
import type { Database, Transaction } from "../../storage/database.ts";
import { runTransaction } from "../../storage/transaction.ts";
import type { AttachmentSealer } from "../attachments/attachment-sealer.ts";
import { findAttachment } from "../attachments/attachment-store.ts";
import type { RecordSealer } from "../record-sealer.ts";
import { findHeads } from "../record-store.ts";
import { deleteEmptyCounts, replaceRows } from "../search/index-row-store.ts";
import { makeRows, readIndexedData } from "../search/index-rows.ts";
import { findRecordsToIndex, lockPositions, type RecordToIndex } from "../search/index-store.ts";
import { dataKeys, identifierKeys, type RecordKey } from "../search/record-keys.ts";
import * as store from "./sealing-store.ts";

type Part = Pick<store.StoredProgress, "generation" | "part" | "registry">;

/** Rows that have a data key of their own, wrapped by the node's key. */
// biome-ignore lint/suspicious/noExplicitAny: what is renewed is the kind's own, and only its `store` looks at it.
export interface WrappedRows<Renewed = any> {
  /** In the order of their ids, after one; `renewed`: what is to be stored of one that only the former generation opens. */
  list(
    after: string,
    limit: number,
  ): Promise<readonly { readonly id: string; readonly renewed: Renewed | undefined }[]>;
  store(tx: Transaction, renewed: readonly Renewed[]): Promise<void>;
}

export interface SealingSteps {
  /** Takes the next step of a part; whether there is more to do. */
  take(part: Part): Promise<boolean>;
  /** What only the former generation opens, of all parts. Reads everything that the node's own key wraps. */
  findFormer(): Promise<{ part: store.SealingPart; registry: string; count: number }[]>;
}

export function createSealingSteps(deps: {
  database: Database;
  registries: RegistryService;
  sealer: RecordSealer;
  attachmentSealer: AttachmentSealer;
  proposalSealer: ProposalSealer;
  searchKey: KeyGenerations;
  /** Of people and consents, which other folders keep. */
  wrapped: Readonly<Record<"people" | "consents", WrappedRows>>;
  lockRecords: (tx: Transaction) => Promise<void>;
  recordsPerStep?: number;
}): SealingSteps {
  const { database, registries, sealer, attachmentSealer, proposalSealer, searchKey, lockRecords } = deps;
  const recordsPerStep = deps.recordsPerStep ?? SEALING_RECORDS;

  const findProgress = async (part: Part) =>
    (await store.listProgress(database.sql, part.generation)).find(
      (row) => row.part === part.part && row.registry === part.registry,
    );

  /** `isMade`: gives what was made, and where it ends; undefined: the step is to be taken again. */
  async function advance(
    begun: store.StoredProgress,
    make: (tx: Transaction) => Promise<{ count: number; position: string; isLast: boolean } | undefined>,
  ): Promise<boolean> {
    return runTransaction(database, async (tx) => {
      await lockRecords(tx);
      const stored = await store.lockProgress(tx, begun);
      // Another process took this step.
      if (stored === undefined || stored.position !== begun.position || stored.complete)
        return stored?.complete === false;
      const made = await make(tx);
      if (made === undefined) return true;
      const { position, isLast: complete } = made;
      // While it was made anew some was added, and some went away.
      const total = Math.max(stored.total, stored.done + made.count);
      const done = complete ? total : stored.done + made.count;
      await store.saveProgress(tx, { ...stored, position, done, total, complete });
      return !complete;
    });
  }

  async function renewRecords(begun: store.StoredProgress): Promise<boolean> {
    const { registry, position } = begun;
    const after = position === "" ? -1 : Number(position);
    const compiled = await registries.getCurrent(registry);
    const versions = await Promise.all(
      Array.from({ length: compiled.version }, (_, at) => registries.getVersion(registry, at + 1)),
    );
    // What takes time, opening and hashing, is done before the lock is taken.
    const records = await findRecordsToIndex(database, { registry, after, limit: recordsPerStep });
    const rids = records.map(({ rid }) => rid);
    const erasures = (await store.listErasureSeals(database.sql, rids)).flatMap(({ rid, number, sealed }) => {
      const renewed = sealer.resealErasure({ rid, number, sealed });
      return renewed ? [{ rid, number, sealed: renewed }] : [];
    });
    const identifiers = await findHeads(database, rids);
    const renewed = new Map(
      records.map((record) => {
        const { rid, sealedKey } = record;
        const rows = makeRows({ sealer, searchKey, compiled, record });
        const identifier = identifiers.get(rid)?.identifier ?? undefined;
        const digests = findDigests(record, { versions, identifier });
        return [rid, { rows, digests, sealedKey: sealedKey && sealer.rewrapDataKey({ rid, sealedKey }) }];
      }),
    );
    return advance(begun, async (tx) => {
      const current = (await readCurrentVersions(tx, [registry])).get(registry);
      if (current !== compiled.version) return void registries.refresh(registry);
      const positions = await lockPositions(tx, rids);
      // A record that was written meanwhile ends the step before itself, and is read again in the next one.
      const moved = records.findIndex(
        ({ rid, version, stateNumber }) => positions.get(rid) !== `${version}.${stateNumber}`,
      );
      const still = moved < 0 ? records : records.slice(0, moved);
      const stillThere = new Set(still.map(({ rid }) => rid));
      if (still.length > 0) {
        await replaceRows(
          tx,
          still.map(({ rid }) => renewed.get(rid)!.rows),
        );
        await store.storeRenewedRecords(tx, {
          keys: still.flatMap(({ rid }) => {
            const { sealedKey } = renewed.get(rid)!;
            return sealedKey ? [{ rid, sealedKey }] : [];
          }),
          erasures: erasures.filter(({ rid }) => stillThere.has(rid)),
          digests: still.flatMap(({ rid }) => renewed.get(rid)!.digests),
        });
      }
      const isLast = moved < 0 && records.length < recordsPerStep;
      if (isLast) await deleteEmptyCounts(tx);
      return { count: still.length, position: String(still.at(-1)?.firstIndex ?? position), isLast };
    });
  }

  /** What the hashes of a record's unique keys become, of all its versions and by every definition that may have made them. */
  function findDigests(
    record: RecordToIndex,
    of: { versions: readonly CompiledDefinition[]; identifier: string | undefined },
  ): { rid: string; firstIndex: number; from: string; to: string }[] {
    const { rid, firstIndex } = record;
    const read = record.versions.map((version) => readIndexedData(sealer, record, version));
    const keys = of.versions.flatMap((compiled): RecordKey[] => [
      ...read.flatMap((one) => (one ? dataKeys({ searchKey, compiled, data: one.data }) : [])),
      ...identifierKeys({ searchKey, compiled, identifier: of.identifier }),
    ]);
    const renamed = new Map(
      keys.flatMap(({ digest, formerly }) => (formerly === undefined ? [] : [[formerly, digest]])),
    );
    return [...renamed].map(([from, to]) => ({ rid, firstIndex, from: from!, to: to! }));
  }

  /** The first file that is not made anew yet: they may be large, so that each is a step of its own. */
  async function renewAttachments(begun: store.StoredProgress): Promise<boolean> {
    const listed = await store.listWrappedAttachments(database, { after: begun.position, limit: SEALING_LISTED });
    const next = listed.findIndex((stored) => attachmentSealer.isFormer(stored));
    const isLast = next < 0 && listed.length < SEALING_LISTED;
    if (next < 0)
      return advance(begun, async () => ({
        // Those that were made anew stand where their new keys do, and were counted.
        count: 0,
        position: listed.at(-1)?.key ?? begun.position,
        isLast,
      }));
    const { key } = listed[next]!;
    const stored = await findAttachment(database, { digest: key });
    const renewed = stored && attachmentSealer.renew(stored);
    return advance(begun, async (tx) => {
      if (renewed) await store.moveAttachment(tx, key, renewed);
      return { count: 1, position: key, isLast: false };
    });
  }

  /** Rows with a key of their own each, which only has to be wrapped anew. */
  const renewRows =
    ({ list, store: storeAll }: WrappedRows) =>
    async (begun: store.StoredProgress): Promise<boolean> => {
      const listed = await list(begun.position, SEALING_LISTED);
      const renewed = listed.flatMap(({ renewed: one }) => one ?? []);
      return advance(begun, async (tx) => {
        if (renewed.length > 0) await storeAll(tx, renewed);
        const isLast = listed.length < SEALING_LISTED;
        return { count: listed.length, position: listed.at(-1)?.id ?? begun.position, isLast };
      });
    };

  const proposals: WrappedRows = {
    async list(after, limit) {
      const rows = await store.listWrappedProposals(database, { after, limit });
      return rows.map(({ id, sealedKey: was }) => {
        const sealedKey = proposalSealer.rewrapKey({ id, sealedKey: was });
        return { id, renewed: sealedKey && { id, was, sealedKey } };
      });
    },
    store: store.storeProposalKeys,
  };
  const wrapped = { proposals, ...deps.wrapped };

  const takeNext: Record<store.SealingPart, (begun: store.StoredProgress) => Promise<boolean>> = {
    records: renewRecords,
    attachments: renewAttachments,
    proposals: renewRows(wrapped.proposals),
    people: renewRows(wrapped.people),
    consents: renewRows(wrapped.consents),
  };

  async function* listAll<Row>(
    list: (after: string) => Promise<readonly Row[]>,
    keyOf: (row: Row) => string,
  ): AsyncGenerator<Row> {
    for (let after = ""; ; ) {
      const rows = await list(after);
      yield* rows;
      if (rows.length < SEALING_LISTED) return;
      after = keyOf(rows.at(-1)!);
    }
  }

  return {
    async take(part) {
      const begun = await findProgress(part);
      if (begun === undefined || begun.complete) return false;
      return takeNext[part.part](begun);
    },

    async findFormer() {
      const counts = new Map<string, { part: store.SealingPart; registry: string; count: number }>();
      const add = (part: store.SealingPart, registry: string) => {
        const key = `${part}\n${registry}`;
        counts.set(key, { part, registry, count: (counts.get(key)?.count ?? 0) + 1 });
      };
      const limit = SEALING_LISTED;
      const records = (after: string) => store.listWrappedRecords(database, { after: after || undefined, limit });
      for await (const { rid, registry, sealedKey, number, sealed } of listAll(records, ({ rid }) => rid)) {
        const isFormer = sealedKey && sealer.rewrapDataKey({ rid, sealedKey }) !== undefined;
        const isErasureFormer =
          number !== null && sealed !== null && sealer.resealErasure({ rid, number, sealed }) !== undefined;
        if (isFormer || isErasureFormer) add("records", registry);
      }
      const files = (after: string) => store.listWrappedAttachments(database, { after, limit });
      for await (const stored of listAll(files, ({ key }) => key))
        if (attachmentSealer.isFormer(stored)) add("attachments", "");
      for (const part of ["proposals", "people", "consents"] as const) {
        const rows = (after: string) => wrapped[part].list(after, limit);
        for await (const { renewed } of listAll(rows, ({ id }) => id)) if (renewed !== undefined) add(part, "");
      }
      return [...counts.values()];
    },
  };
}
