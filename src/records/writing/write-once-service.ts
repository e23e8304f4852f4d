// Appends writes of records to the log, and gives a repeated request the answer of its first try.
import type { Json } from "../../crypto/json.ts";
import { AttestryError, isAttestryError } from "../../errors.ts";
import type { Staff } from "../../identity/caller.ts";
import type { LogWriter } from "../../log/writer-service.ts";
import type { RegistryService } from "../../registries/registry-service.ts";
import type { Database } from "../../storage/database.ts";
import * as store from "../record-store.ts";
import { recordEtag } from "../record-viewer.ts";
import type { DuplicateService } from "../search/duplicate-service.ts";
import { keyDigest } from "../search/record-keys.ts";
import { ERASED_REQUEST } from "./erasure-store.ts";
import type { Draft, Idempotency } from "./record-drafter.ts";
import type { RecordWrite } from "./record-write.ts";
import { recordWriteKind } from "./record-write-store.ts";

/** Which version of which record a request made, or left as it is. */
export interface Answered {
  readonly rid: string;
  readonly version: number;
}

export interface WriteOnce {
  /** The keyed digests of a request that brings an Idempotency-Key. `target`: the operation and what it is about. */
  readIdempotency(options: {
    caller: Staff;
    key: string | undefined;
    registry: string;
    target: string;
    body: Json | undefined;
  }): Idempotency | undefined;
  /** Does a write, or shows what the same request did before. Throws `idempotency_key_reused` if its key was for another request. */
  once<Shown>(
    idempotency: Idempotency | undefined,
    show: (answered: Answered) => Promise<Shown>,
    write: () => Promise<Shown>,
  ): Promise<Shown>;
  /** Resolves with the log index of the first entry, when all is committed. */
  append(draft: Draft<RecordWrite>, caller: Staff): Promise<number>;
}

export function createWriteOnce(deps: {
  database: Database;
  writer: LogWriter;
  registries: RegistryService;
  duplicates: Pick<DuplicateService, "explain">;
  searchKey: Uint8Array;
}): WriteOnce {
  const { database, writer, registries, duplicates, searchKey } = deps;

  async function findAnswered(idempotency: Idempotency | undefined): Promise<Answered | undefined> {
    if (idempotency === undefined) return undefined;
    const answered = await store.findIdempotent(database, idempotency.digest);
    if (!answered) return undefined;
    if (answered.request === ERASED_REQUEST) throw store.recordErased();
    if (answered.request !== idempotency.request) {
      throw new AttestryError(
        "idempotency_key_reused",
        "this Idempotency-Key was used for another request; choose a new one for every request",
      );
    }
    return answered;
  }

  return {
    readIdempotency({ caller, key, registry, target, body }) {
      if (key === undefined) return undefined;
      // Keyed, both: a body may be personal and short enough to be guessed from its plain hash.
      const digest = (name: string, values: Json[]) => keyDigest({ searchKey, registry: "", name, values });
      return {
        digest: digest("idempotency", [caller.tokenId, key]),
        request: digest("idempotency request", [registry, target, body ?? null]),
      };
    },

    async once(idempotency, show, write) {
      const before = await findAnswered(idempotency);
      if (before) return show(before);
      try {
        return await write();
      } catch (error) {
        // A retry that ran beside its first try lost to it.
        const answered = isAttestryError(error) ? await findAnswered(idempotency) : undefined;
        if (answered) return show(answered);
        throw error;
      }
    },

    async append(draft, caller) {
      try {
        return (await writer.append(recordWriteKind, draft.input, draft.entry)).logIndex;
      } catch (error) {
        if (isAttestryError(error, "version_conflict")) registries.refresh(draft.input.registry);
        if (isAttestryError(error, "possible_duplicate"))
          throw (await duplicates.explain({ caller, registry: draft.input.registry, errors: [error] }))[0]!;
        throw error;
      }
    },
  };
}

/** Throws `version_conflict` unless the record is at the ETag that the writer read. */
export function checkExpected(row: store.RecordRow, expected: string): void {
  if (recordEtag(row) === expected) return;
  throw new AttestryError(
    "version_conflict",
    `If-Match says "${expected.slice(0, 40)}", the record is at "${recordEtag(row)}"; read it again and repeat the change`,
  );
}
