// Appends writes of records to the log, or proposes those that others must approve; gives a repeated request the answer of its first try.

import type { ProposalKind } from "../../approval/proposal.ts";
import type { ProposalBook, Proposed } from "../../approval/proposal-book-service.ts";
import type { Json, JsonObject } from "../../crypto/json.ts";
import type { KeyGenerations } from "../../crypto/key-generations.ts";
import { AttestryError, isAttestryError } from "../../errors.ts";
import type { Staff } from "../../identity/caller.ts";
import type { LogWriter } from "../../log/writer-service.ts";
import type { RegistryService } from "../../registries/registry-service.ts";
import type { Database } from "../../storage/database.ts";
import { runTransaction } from "../../storage/transaction.ts";
import * as store from "../record-store.ts";
import { recordEtag } from "../record-viewer.ts";
import type { DuplicateService } from "../search/duplicate-service.ts";
import { ERASED_REQUEST } from "./erasure-store.ts";
import { type Idempotency, isSameRequest, nameRequest } from "./idempotency.ts";
import type { Draft } from "./record-drafter.ts";
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
  /** Does a write, or shows what the same request did or proposed before. Throws `idempotency_key_reused` if its key was for another request. */
  once<Shown>(
    idempotency: Idempotency | undefined,
    show: (answered: Answered) => Promise<Shown>,
    write: () => Promise<Shown | Proposed>,
  ): Promise<Shown | Proposed>;
  /**
   * Appends a draft: resolves with the log index of the first entry, when all is committed. Where others must approve it, and have
   * not, it is checked in the same way and becomes a proposal.
   */
  submit(draft: Draft<RecordWrite>, asked: AskedWrite): Promise<{ readonly logIndex: number } | Proposed>;
}

/** A write as it was asked for, so that it can be done later. */
export interface AskedWrite {
  readonly caller: Staff;
  readonly kind: ProposalKind;
  readonly definitionVersion: number;
  /** `body` as it was sent, and what else binds it to what its writer read. */
  readonly request: JsonObject;
}

export function createWriteOnce(deps: {
  database: Database;
  writer: LogWriter;
  registries: RegistryService;
  duplicates: Pick<DuplicateService, "explain">;
  searchKey: KeyGenerations;
  proposals: ProposalBook;
}): WriteOnce {
  const { database, writer, registries, duplicates, searchKey, proposals } = deps;

  /** What the log's transaction would say to it now, if nobody had to approve. */
  async function judge(input: RecordWrite): Promise<void> {
    const approved = { ...input, approval: { required: [], approved: undefined } };
    const [refusal] = await runTransaction(database, (tx) => recordWriteKind.check(tx, [approved]));
    if (refusal) throw refusal;
  }

  async function findAnswered(idempotency: Idempotency | undefined): Promise<Answered | undefined> {
    if (idempotency === undefined) return undefined;
    const answered = await store.findIdempotent(database, idempotency);
    if (!answered) return undefined;
    if (answered.request === ERASED_REQUEST) {
      const head = (await store.findHeads(database, [answered.rid])).get(answered.rid);
      throw head?.state === "erased" ? store.recordErased() : store.versionErased(answered.version);
    }
    if (!isSameRequest(idempotency, answered.request)) {
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
      return nameRequest({
        searchKey,
        registry: "",
        key: { name: "idempotency", values: [caller.tokenId, key] },
        request: { name: "idempotency request", values: [registry, target, body ?? null] },
      });
    },

    async once(idempotency, show, write) {
      if (idempotency === undefined) return write();
      const [before, proposed] = await Promise.all([findAnswered(idempotency), proposals.findAnswered(idempotency)]);
      if (before) return show(before);
      if (proposed) return proposed;
      try {
        return await write();
      } catch (error) {
        // A retry that ran beside its first try lost to it.
        const answered = isAttestryError(error) ? await findAnswered(idempotency) : undefined;
        if (answered) return show(answered);
        throw error;
      }
    },

    async submit({ input, entry }, { caller, kind, request, definitionVersion }) {
      const { rid, registry, approval, idempotency } = input;
      try {
        if (approval.required.length === 0 || approval.approved)
          return await writer.append(recordWriteKind, input, entry);
        await judge(input);
      } catch (error) {
        if (isAttestryError(error, "version_conflict")) registries.refresh(registry);
        if (isAttestryError(error, "possible_duplicate"))
          throw (await duplicates.explain({ caller, registry, errors: [error] }))[0]!;
        throw error;
      }
      const about = kind === "create" ? {} : { rid };
      const roles = approval.required;
      return proposals.propose({ caller, registry, kind, ...about, request, roles, definitionVersion, idempotency });
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
