// Writes events of readings and consents to the access log: numbered and chained under the log's lock, committed before anything is answered. Decides nothing; what must hold is its guard's word.
import { concatBytes, decodeUtf8, encodeUtf8 } from "../crypto/hash.ts";
import { canonicalJson, type JsonObject } from "../crypto/json.ts";
import { seal, unseal } from "../crypto/seal.ts";
import type { Signer } from "../crypto/signer.ts";
import { AttestryError } from "../errors.ts";
import { NOTIFICATION_GATHER_SECONDS, READING_REPEAT_SECONDS } from "../limits.ts";
import { allSettled } from "../log/batch-service.ts";
import { commitment, ENTRY_SECRET_BYTES, type LogEntry } from "../log/entry.ts";
import { lockLogState } from "../log/log-store.ts";
import type { BatchOutcome, LogWriter, WriteKind } from "../log/writer-service.ts";
import type { NotificationKind } from "../notification/notification.ts";
import { type DueNotification, noteDue } from "../notification/notification-store.ts";
import type { Database, Transaction } from "../storage/database.ts";
import { runTransaction } from "../storage/transaction.ts";
import {
  type AccessContent,
  type AccessOperation,
  accessEventDigest,
  accessTag,
  readAccessEvent,
  signAccessEvent,
} from "./access-event.ts";
import {
  type ChainHeads,
  findByRequests,
  insertEvents,
  insertVersionReceivers,
  type LockedHeads,
  readHeads,
  type StoredEvent,
  type StoredReceiver,
  updateHeads,
  upsertReceivers,
} from "./access-store.ts";
import type { KnownSubject } from "./access-subject-service.ts";

/** What is to be logged of one person. `Guarded`: what the guard must find true when it is committed. */
export interface AccessInput<Guarded> {
  readonly subject: KnownSubject;
  readonly operation: AccessOperation;
  readonly content: AccessContent;
  /** By what a reading of another node is known again (`readingKey`). */
  readonly request?: string;
  /** Of what was received: the commitment of its event at the home node; of a decision, the id of the consent. */
  readonly reference?: string;
  /** Unix seconds; for so long a law keeps it from the person. */
  readonly shownFrom?: number;
  readonly receivers?: readonly (Omit<StoredReceiver, "logIndex" | "at"> & { readonly version: number })[];
  readonly guarded?: Guarded;
}

/** An event that is committed. */
export interface LoggedEvent {
  readonly logIndex: number;
  readonly number: number;
  readonly commitment: string;
  readonly at: number;
}

/** What must hold under the log's lock, and what is stored with an event. Both in the order in which they are logged. */
export interface AccessGuard<Guarded> {
  check(tx: Transaction, guarded: readonly Guarded[]): Promise<readonly (AttestryError | undefined)[]>;
  store(tx: Transaction, accepted: readonly { readonly guarded: Guarded; readonly logIndex: number }[]): Promise<void>;
}

export interface AccessLog<Guarded> {
  /** One outcome each. A reading whose request is known is refused with `reading_repeated`. Throws `log_overloaded`. */
  append(inputs: readonly AccessInput<Guarded>[]): Promise<(LoggedEvent | AttestryError)[]>;
  /**
   * Readings that were logged before, made once more: the guard is asked again, in the log's order; no entry is added. `request_id_reused`
   * where the earlier one was of something else.
   */
  confirm(inputs: readonly AccessInput<Guarded>[]): Promise<(LoggedEvent | AttestryError)[]>;
  /** Opens the signed event of a stored one, and the salt of its entry. */
  open(
    subject: Pick<KnownSubject, "id" | "dataKey">,
    event: StoredEvent,
  ): { readonly jws: string; readonly salt: Uint8Array };
}

interface DraftedEvent {
  readonly number: number;
  readonly commitment: string;
  readonly at: number;
  readonly sealed: Uint8Array;
  readonly heads: ChainHeads;
}

/** An input on its way: what the steps of the batch tell each other. */
interface Passing<Guarded> {
  readonly input: AccessInput<Guarded>;
  heads?: ReadonlyMap<string, LockedHeads>;
  drafted?: DraftedEvent;
  logged?: LoggedEvent;
}

/** What a person who wants to be told is told of an event; nothing of what the person did. */
function notificationKind({ operation, content: { by } }: AccessInput<unknown>): NotificationKind | undefined {
  if (operation === "received" || ("citizen" in by && by.citizen === "subject")) return undefined;
  return operation === "consent" ? "consent_changed" : "reading";
}

/** With what a law keeps secret, on its day; days are rounded up, so that a flood of them is few rows. */
function findDue(passing: readonly Passing<unknown>[]): DueNotification[] {
  return passing.flatMap(({ input, heads }) => {
    const kind = heads?.get(input.subject.id)?.isNotified ? notificationKind(input) : undefined;
    if (kind === undefined) return [];
    const { shownFrom = 0 } = input;
    const dueAt = Math.ceil(shownFrom / NOTIFICATION_GATHER_SECONDS) * NOTIFICATION_GATHER_SECONDS;
    return [{ subject: input.subject.id, kind, dueAt }];
  });
}

export function eventAad(
  entity: string,
  { subject, isDelayed, number }: Pick<StoredEvent, "subject" | "isDelayed" | "number">,
): string {
  return `${entity}|access|${subject}|${isDelayed ? "delayed" : "open"}|${number}`;
}

/** `entity`: the name that the node's records have; `signer`: the record key's. */
export function createAccessLog<Guarded>(deps: {
  entity: string;
  database: Database;
  /** By which name the log's row is locked. */
  logName: string;
  writer: LogWriter;
  signer: Signer;
  guard: AccessGuard<Guarded>;
  clock: () => number;
  random: (length: number) => Uint8Array;
}): AccessLog<Guarded> {
  const { entity, writer, signer, guard, clock, random } = deps;

  async function draftOne(
    { input }: Passing<Guarded>,
    heads: ChainHeads,
  ): Promise<{ drafted: DraftedEvent; entry: LogEntry }> {
    const { subject, operation, content } = input;
    const isDelayed = input.shownFrom !== undefined;
    const number = (isDelayed ? heads.delayedCount : heads.count) + 1;
    const previous = (isDelayed ? heads.delayedLastDigest : heads.lastDigest) ?? undefined;
    const at = clock();
    const place = { subject: subject.id, number, previous, isDelayed };
    const jws = await signAccessEvent({ issuer: entity, signer, place, content, at });
    const salt = random(ENTRY_SECRET_BYTES);
    const digest = accessEventDigest(jws);
    const c = commitment(operation, salt, jws);
    return {
      drafted: {
        number,
        commitment: c,
        at,
        sealed: seal({
          key: subject.dataKey,
          aad: eventAad(entity, place),
          plaintext: concatBytes(salt, encodeUtf8(jws)),
        }),
        heads: isDelayed
          ? { ...heads, delayedCount: number, delayedLastDigest: digest }
          : { ...heads, count: number, lastDigest: digest },
      },
      entry: {
        c,
        e: operation,
        r: accessTag(isDelayed ? subject.delayedTagKey : subject.tagKey, number),
        t: at,
        v: 1,
      },
    };
  }

  /** The events of one person, each naming the one before it. */
  async function draftChain(passing: readonly Passing<Guarded>[], first: ChainHeads): Promise<LogEntry[]> {
    const entries: LogEntry[] = [];
    let heads = first;
    for (const one of passing) {
      const { drafted, entry } = await draftOne(one, heads);
      one.drafted = drafted;
      heads = drafted.heads;
      entries.push(entry);
    }
    return entries;
  }

  const kind: WriteKind<Passing<Guarded>> = {
    name: "access",
    async check(tx, inputs) {
      const requests = inputs.flatMap(({ input }) => input.request ?? []);
      const guarded = inputs.filter(({ input }) => input.guarded !== undefined);
      const [heads, known, verdicts] = await allSettled([
        readHeads(tx, [...new Set(inputs.map(({ input }) => input.subject.id))]),
        findByRequests(tx, requests),
        guarded.length === 0
          ? Promise.resolve([])
          : guard.check(
              tx,
              guarded.map(({ input }) => input.guarded!),
            ),
      ]);
      const verdictOf = new Map(guarded.map((one, at) => [one, verdicts[at]]));
      const taken = new Set(known.keys());
      return inputs.map((one) => {
        one.heads = heads;
        const { request } = one.input;
        if (request !== undefined && taken.has(request))
          return new AttestryError("reading_repeated", "this reading is in the access log already");
        const verdict = verdictOf.get(one);
        if (verdict === undefined && request !== undefined) taken.add(request);
        return verdict;
      });
    },
    async draft(_tx, inputs) {
      const bySubject = new Map<string, Passing<Guarded>[]>();
      for (const one of inputs) {
        const { id } = one.input.subject;
        bySubject.set(id, [...(bySubject.get(id) ?? []), one]);
      }
      const entryOf = new Map<Passing<Guarded>, LogEntry>();
      await Promise.all(
        [...bySubject].map(async ([id, chain]) => {
          const heads = inputs[0]!.heads!.get(id);
          if (!heads) throw new Error("an event is about a person who has no row");
          const entries = await draftChain(chain, heads);
          chain.forEach((one, at) => {
            entryOf.set(one, entries[at]!);
          });
        }),
      );
      return inputs.map((one) => [entryOf.get(one)!]);
    },
    async store(tx, accepted) {
      const last = new Map<string, ChainHeads>();
      const events = accepted.map(({ input: { input, drafted }, logIndex }): StoredEvent => {
        const { number, commitment: c, at, sealed, heads } = drafted!;
        last.set(heads.id, heads);
        const { subject, operation, request, reference, shownFrom } = input;
        return {
          logIndex,
          subject: subject.id,
          isDelayed: shownFrom !== undefined,
          number,
          operation,
          commitment: c,
          request: request ?? null,
          reference: reference ?? null,
          shownFrom: shownFrom ?? null,
          at,
          sealed,
        };
      });
      const receivers = accepted.flatMap(({ input: { input, drafted }, logIndex }) =>
        (input.receivers ?? []).map((one) => ({ ...one, logIndex, at: drafted!.at })),
      );
      const guarded = accepted.flatMap(({ input: { input }, logIndex }) =>
        input.guarded === undefined ? [] : [{ guarded: input.guarded, logIndex }],
      );
      for (const { input, logIndex } of accepted) {
        const { number, commitment: c, at } = input.drafted!;
        input.logged = { logIndex, number, commitment: c, at };
      }
      const due = findDue(accepted.map(({ input }) => input));
      await allSettled([
        due.length === 0 ? undefined : noteDue(tx, due),
        insertEvents(tx, events),
        updateHeads(tx, [...last.values()]),
        receivers.length === 0 ? undefined : upsertReceivers(tx, receivers),
        receivers.length === 0 ? undefined : insertVersionReceivers(tx, receivers),
        guarded.length === 0 ? undefined : guard.store(tx, guarded),
      ]);
    },
  };

  const open: AccessLog<Guarded>["open"] = (subject, event) => {
    const plaintext = unseal({ key: subject.dataKey, aad: eventAad(entity, event), sealed: event.sealed });
    return {
      salt: plaintext.slice(0, ENTRY_SECRET_BYTES),
      jws: decodeUtf8(plaintext.subarray(ENTRY_SECRET_BYTES)),
    };
  };

  /** Whether the earlier reading gave just this. */
  function isSameReading({ subject, content }: AccessInput<Guarded>, event: StoredEvent): boolean {
    if (event.subject !== subject.id) return false;
    const before = readAccessEvent(open(subject, event).jws);
    const told = ({ request, fields, records, basis }: AccessContent) =>
      canonicalJson(JSON.parse(JSON.stringify({ request, fields, records, basis })) as JsonObject);
    return told(before) === told(content);
  }

  return {
    open,

    async confirm(inputs) {
      return runTransaction(deps.database, async (tx) => {
        await lockLogState(tx, deps.logName);
        const guarded = inputs.filter((one) => one.guarded !== undefined);
        const known = await findByRequests(
          tx,
          inputs.flatMap(({ request }) => request ?? []),
        );
        const verdicts = await guard.check(
          tx,
          guarded.map((one) => one.guarded!),
        );
        return inputs.map((input) => {
          const event = known.get(input.request ?? "");
          if (!event || clock() - event.at > READING_REPEAT_SECONDS || !isSameReading(input, event))
            return new AttestryError(
              "request_id_reused",
              "this request_id was used for a reading of other records, versions or fields, or too long ago; give each reading its own",
            );
          const verdict = verdicts[guarded.indexOf(input)];
          const { logIndex, number, commitment: c, at } = event;
          return verdict ?? { logIndex, number, commitment: c, at };
        });
      });
    },

    async append(inputs) {
      if (inputs.length === 0) return [];
      const passing = inputs.map((input): Passing<Guarded> => ({ input }));
      const outcomes: BatchOutcome[] = await writer.appendAll(
        kind,
        passing.map((input) => ({ input, entry: { drafted: 1 } })),
      );
      return outcomes.map((outcome, at) => (outcome instanceof AttestryError ? outcome : passing[at]!.logged!));
    },
  };
}
