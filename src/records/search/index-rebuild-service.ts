// Makes the index of old records follow a changed definition, while writes go on: a job in small steps that any process may take and resume.

import type { KeyGenerations } from "../../crypto/key-generations.ts";
import { INDEX_REBUILD_RECORDS } from "../../limits.ts";
import type { CompiledDefinition } from "../../registries/compiled-definition.ts";
import type { RegistryService } from "../../registries/registry-service.ts";
import { readCurrentVersions } from "../../registries/registry-store.ts";
import type { Database, Transaction } from "../../storage/database.ts";
import { runTransaction } from "../../storage/transaction.ts";
import type { RecordSealer } from "../record-sealer.ts";
import { isIndexedBy } from "./index-progress-service.ts";
import { deleteEmptyCounts, replaceRows } from "./index-row-store.ts";
import { makeRows } from "./index-rows.ts";
import {
  countRecordsToIndex,
  findIndex,
  findRecordsToIndex,
  lockIndex,
  lockPositions,
  type RecordToIndex,
  type StoredIndex,
  saveIndex,
} from "./index-store.ts";

export interface IndexRebuildService {
  /** One round: takes every registry whose index does not follow its definition to the end, unless `isStopped`. */
  run(isStopped: () => boolean): Promise<void>;
}

export function createIndexRebuildService(deps: {
  database: Database;
  registries: RegistryService;
  sealer: RecordSealer;
  searchKey: KeyGenerations;
  /** Takes the lock of the records log until the transaction ends: no record changes meanwhile. */
  lockRecords: (tx: Transaction) => Promise<void>;
  recordsPerStep?: number;
}): IndexRebuildService {
  const { database, registries, sealer, searchKey, lockRecords } = deps;
  const recordsPerStep = deps.recordsPerStep ?? INDEX_REBUILD_RECORDS;

  /** Begins what is not begun; undefined: another definition is current by now. */
  async function begin(compiled: CompiledDefinition): Promise<void> {
    const registry = compiled.definition.name;
    await runTransaction(database, async (tx) => {
      await lockRecords(tx);
      const stored = await lockIndex(tx, registry);
      const isCurrent = (await readCurrentVersions(tx, [registry])).get(registry) === compiled.version;
      const isBegun = stored !== undefined && stored.definitionVersion === compiled.version;
      if (!isCurrent || isBegun) return;
      const total = await countRecordsToIndex(tx, registry);
      await saveIndex(tx, {
        registry,
        definitionVersion: compiled.version,
        doneIndex: -1,
        done: 0,
        total,
        complete: false,
      });
    });
  }

  /** One step; whether there is more to do. */
  async function step(compiled: CompiledDefinition): Promise<boolean> {
    const registry = compiled.definition.name;
    const begun = await findIndex(database, registry);
    if (begun === undefined || begun.complete || begun.definitionVersion !== compiled.version) return false;
    // What takes time, opening and hashing, is done before the lock is taken.
    const records = await findRecordsToIndex(database, { registry, after: begun.doneIndex, limit: recordsPerStep });
    const replacements = new Map(
      records.map((record) => [record.rid, makeRows({ sealer, searchKey, compiled, record })]),
    );
    return runTransaction(database, async (tx) => {
      await lockRecords(tx);
      const stored = await lockIndex(tx, registry);
      const current = (await readCurrentVersions(tx, [registry])).get(registry);
      // Another process did this step, or the definition changed again.
      if (stored?.definitionVersion !== compiled.version || stored.doneIndex !== begun.doneIndex) return true;
      if (current !== compiled.version) return false;
      const positions = await lockPositions(
        tx,
        records.map(({ rid }) => rid),
      );
      // A record that was written meanwhile ends the step before itself, and is read again in the next one.
      const moved = records.findIndex(
        ({ rid, version, stateNumber }) => positions.get(rid) !== `${version}.${stateNumber}`,
      );
      const still = moved < 0 ? records : records.slice(0, moved);
      if (still.length > 0)
        await replaceRows(
          tx,
          still.map(({ rid }) => replacements.get(rid)!),
        );
      const isLast = moved < 0 && records.length < recordsPerStep;
      await saveIndex(tx, advance(stored, { still, isLast }));
      if (isLast) await deleteEmptyCounts(tx);
      return !isLast;
    });
  }

  function advance(
    stored: StoredIndex,
    { still, isLast }: { still: readonly RecordToIndex[]; isLast: boolean },
  ): StoredIndex {
    return {
      ...stored,
      doneIndex: still.at(-1)?.firstIndex ?? stored.doneIndex,
      done: stored.done + still.length,
      total: Math.max(stored.total, stored.done + still.length),
      complete: isLast,
    };
  }

  return {
    async run(isStopped) {
      for (const compiled of await registries.list()) {
        const stored = await findIndex(database, compiled.definition.name);
        const isFollowing = await isIndexedBy(stored, compiled, registries);
        if (isFollowing) continue;
        await begin(compiled);
        while (!isStopped() && (await step(compiled)));
      }
    },
  };
}
