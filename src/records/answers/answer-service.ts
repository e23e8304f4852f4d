// Signed answers: a yes or no about one record, bound to whoever asked and to their nonce. Gives nothing that a reading of the record would not.

import { formatSeconds } from "../../clock.ts";
import { encodeBase64url } from "../../crypto/base64.ts";
import { hmacSha256 } from "../../crypto/hash.ts";
import type { JsonObject } from "../../crypto/json.ts";
import { signJws } from "../../crypto/jws.ts";
import { type KeyGenerations, keyDigests } from "../../crypto/key-generations.ts";
import type { Signer } from "../../crypto/signer.ts";
import { AttestryError, isAttestryError } from "../../errors.ts";
import type { Caller, MemberNode } from "../../identity/caller.ts";
import { claimText } from "../../identity/jurisdiction.ts";
import { checkPermitted } from "../../identity/permissions.ts";
import {
  ANSWER_SECONDS,
  ANSWER_WINDOW_SECONDS,
  ANSWERS_PER_CALLER_MAX,
  ANSWERS_PER_RECORD_ANONYMOUS_MAX,
  ANSWERS_PER_RECORD_MAX,
} from "../../limits.ts";
import type { CompiledDefinition } from "../../registries/compiled-definition.ts";
import type { RegistryService } from "../../registries/registry-service.ts";
import type { Database } from "../../storage/database.ts";
import type { ReadAccess } from "../record-disclosure.ts";
import type { RecordReadService } from "../record-read-service.ts";
import { getRowAt } from "../record-row-at.ts";
import type { RecordSealer } from "../record-sealer.ts";
import type { RecordSight } from "../record-sight.ts";
import { findRecords, type RecordRow } from "../record-store.ts";
import { parseRecordUrl } from "../record-url.ts";
import { openSecrets, type RecordView, readFullData } from "../record-view.ts";
import type { RecordViewer } from "../record-viewer.ts";
import type { KeyLookupService } from "../references/key-lookup-service.ts";
import { type Subject, subjectOfRecord } from "../subject.ts";
import { ANSWER_TYPE, type AnswerClaims, type AnswerQuestion } from "./answer-question.ts";
import { checkOffered, isSo } from "./answer-rules.ts";
import type { UseBudgets } from "./budget-service.ts";
import type { AllowAnswer } from "./personal-answer.ts";

export interface AnswerRequest {
  readonly question: AnswerQuestion;
  /** For whom the answer is; whoever is shown it compares this. */
  readonly audience: string;
  readonly nonce: string;
  /** For what, and by which right, a question about a personal record is asked. */
  readonly access?: Omit<ReadAccess, "nonce" | "fields">;
}

export interface SignedAnswerText {
  /** attestry-answer+jwt */
  readonly answer: string;
  /** Of an answer about a personal record: the proof that it is in the access log. */
  readonly receipt?: string;
}

export interface AnswerService {
  /**
   * Signs the answer. Throws `registry_unknown`, `request_invalid`, `authentication_required`, `permission_denied`, `answer_not_offered`,
   * `answer_budget_exceeded`, and where it takes a basis what a reading is refused with.
   */
  answer(request: AnswerRequest, caller: Caller): Promise<SignedAnswerText>;
}

interface Found {
  readonly registry: string;
  readonly rid: string;
}

function requestInvalid(field: string, message: string): AttestryError {
  return new AttestryError("request_invalid", `the question cannot be answered: ${field} ${message}`, {
    details: [{ field: `/question${field}`, message }],
  });
}

/** Why a record says nothing now: the answer is no. */
const NOT_THERE: readonly string[] = ["record_unknown", "not_in_effect", "record_erased", "version_erased"];

function isInForce({ state }: RecordView): boolean {
  return state === "active";
}

export function createAnswerService(deps: {
  entity: string;
  database: Database;
  registries: RegistryService;
  keyLookups: KeyLookupService;
  recordReads: RecordReadService;
  viewer: RecordViewer;
  sealer: RecordSealer;
  sight: Pick<RecordSight, "checkReadable">;
  allowAnswer: AllowAnswer;
  useBudgets: UseBudgets;
  /** The record key's. */
  signer: Signer;
  searchKey: KeyGenerations;
  /** Unix seconds. */
  clock: () => number;
}): AnswerService {
  const { entity, database, registries, keyLookups, recordReads, viewer, sealer, sight, signer, searchKey, clock } =
    deps;
  // Whoever asks, an answer is about what stands open in the token: also staff's answers are shown to others.
  const asMember: Caller = { kind: "node", entity, anchor: entity };

  function readRegistry(question: AnswerQuestion): { registry: string; rid: string | undefined } {
    if (question.record === undefined) return { registry: question.registry, rid: undefined };
    const address = parseRecordUrl(question.record);
    if (!address || address.entity !== entity)
      throw requestInvalid("/record", "is not the URL of a record of this node");
    return { registry: address.registry, rid: address.rid };
  }

  async function findRecord(question: AnswerQuestion): Promise<Found | undefined> {
    const { registry, rid } = readRegistry(question);
    if (rid !== undefined) return { registry, rid };
    const queries = [{ registry, key: question.key as never }];
    const [outcome] = await keyLookups.findByKeys({ caller: asMember, queries });
    if (outcome!.outcome === "found") return { registry, rid: parseRecordUrl(outcome!.href)!.rid };
    if (outcome!.outcome === "record_unknown") return undefined;
    if (outcome!.outcome === "query_invalid") throw requestInvalid("/key", outcome!.message);
    throw new AttestryError(outcome!.outcome, outcome!.message);
  }

  const timesOfNow = () => {
    const now = clock();
    return { asOf: undefined, validAt: { seconds: now, text: formatSeconds(now) } };
  };

  /** The record as it is in effect now; undefined where there is none, or none that still says anything. */
  async function readInEffect<Read>(read: () => Promise<Read>): Promise<Read | undefined> {
    try {
      return await read();
    } catch (error) {
      if (isAttestryError(error) && NOT_THERE.includes(error.code)) return undefined;
      throw error;
    }
  }

  /** Counted before anything is answered: also a question that fails later was a guess. `guessed`: about what, if it is one. */
  async function useBudget(caller: Caller, guessed: readonly string[]): Promise<void> {
    const who =
      caller.kind === "node" ? `node\n${caller.entity}` : caller.kind === "staff" ? `staff\n${caller.tokenId}` : "";
    const perRecord = who === "" ? ANSWERS_PER_RECORD_ANONYMOUS_MAX : ANSWERS_PER_RECORD_MAX;
    const budgets = [
      // All strangers are one caller, or more addresses would be more guesses; they have no common total, which one could use up for all.
      ...(who === "" ? [] : [{ scope: `caller\n${who}`, max: ANSWERS_PER_CALLER_MAX }]),
      ...guessed.map((about) => ({ scope: `${about}\n${who}`, max: perRecord })),
    ].map(({ scope, max }) => ({
      ...keyDigests(searchKey, ({ current }) =>
        encodeBase64url(hmacSha256(current, `attestry/answer-budget/v1\n${scope}`)),
      ),
      max,
    }));
    if (budgets.length === 0) return;
    const now = clock();
    const windowStart = now - (now % ANSWER_WINDOW_SECONDS);
    const used = await deps.useBudgets(budgets, { windowStart, windowSeconds: ANSWER_WINDOW_SECONDS });
    if (budgets.every(({ digest, max }) => used.get(digest)! <= max)) return;
    const retryAfterSeconds = windowStart + ANSWER_WINDOW_SECONDS - now;
    throw new AttestryError(
      "answer_budget_exceeded",
      `so many questions were answered in this hour that more would be guessing; ask again in ${retryAfterSeconds} seconds`,
      { retryAfterSeconds },
    );
  }

  /** Of what stands open to whoever may read the registry; a question about it is no reading of anybody's data. */
  async function viewOpen(compiled: CompiledDefinition, question: AnswerQuestion, caller: Caller) {
    const { registry } = readRegistry(question);
    checkPermitted({ caller, action: "record.read", registry, access: compiled.definition.access });
    const found = await findRecord(question);
    if (found) await sight.checkReadable({ caller, compiled, rid: found.rid });
    await useBudget(caller, question.kind !== "exists" && found ? [`record\n${found.rid}`] : []);
    return (
      found && readInEffect(async () => (await recordReads.get({ caller: asMember, ...found, at: timesOfNow() })).view)
    );
  }

  /** Whom a question by a key is about, whether there is such a record or not. */
  function subjectOfKey({ disclosure, identifier }: CompiledDefinition, key: AnswerQuestion["key"]): Subject {
    const { subject } = disclosure;
    const spelled = typeof key === "object" ? key : subject && { [subject.field]: key! };
    const value = subject && claimText(spelled?.[subject.field]);
    // A simple key is the identifier, where the registry gives one.
    const isPerson = typeof key === "object" || identifier === undefined || identifier.kind === "field";
    if (subject && value !== undefined && isPerson) return { claim: subject.claim, value };
    throw requestInvalid(
      "/key",
      subject
        ? `must name the person by "${subject.field}": {"${subject.field}": …}; or ask by the record's URL`
        : "names nobody here; ask by the record's URL",
    );
  }

  /** A question about a personal record is a reading: decided, budgeted and logged as one before it is answered. */
  async function viewPersonal(
    compiled: CompiledDefinition,
    { question, nonce, access }: AnswerRequest,
    caller: MemberNode,
  ) {
    const { registry, rid: named } = readRegistry(question);
    if (access === undefined)
      throw new AttestryError(
        "purpose_required",
        `questions about records of "${registry}" are answered for a stated purpose (access), with the person's consent or by a law that the definition names`,
      );
    const asked = named === undefined ? subjectOfKey(compiled, question.key) : undefined;
    const rid = named ?? (await keyLookups.findHolder(compiled, question.key as never));
    const log = await deps.allowAnswer({ registry, compiled, question, rid }, { ...access, nonce }, caller);
    const row = rid === undefined ? undefined : await findRow({ registry, rid });
    const subject = row
      ? subjectOfRecord(compiled, {
          rid: row.record.rid,
          data: readFullData(row.version.jwt, openSecrets(sealer, row).secrets.disclosures),
        })
      : (asked ?? subjectOfRecord(compiled, { rid: named!, data: {} }));
    // Of the person and of the record, whichever way it was named; as many guesses about somebody who is not here as about somebody who is.
    await useBudget(caller, [
      `subject\n${registry}\n${subject.claim}\n${subject.value}`,
      `record\n${row?.record.rid ?? subject.value}`,
    ]);
    const { receipt, ...reading } = await log({
      subject,
      record: row && { rid: row.record.rid, version: row.version.version },
    });
    const view = row?.at && viewer.view(row, compiled, true);
    return { view, receipt, reading };
  }

  /** The one version that a question is decided by, logged as and answered from: what is in effect now (`at`), or else what was recorded last, which is no. */
  async function findRow(found: Found): Promise<RecordRow | undefined> {
    const inEffect = await readInEffect(() => getRowAt(database, found, timesOfNow()));
    if (inEffect) return inEffect;
    const last = (await findRecords(database, [found.rid])).get(found.rid);
    return last?.record.registry === found.registry ? last : undefined;
  }

  /** What a question about a personal record needs of whoever asks. */
  function checkNode(registry: string, caller: Caller): MemberNode {
    if (caller.kind === "node") return caller;
    throw new AttestryError(
      caller.kind === "anonymous" ? "authentication_required" : "permission_denied",
      `questions about records of "${registry}" are answered to nodes of the federation, by signed requests`,
    );
  }

  return {
    async answer(request, caller) {
      const { question, audience, nonce } = request;
      const { registry } = readRegistry(question);
      const compiled = await registries.getCurrent(registry);
      const { access, type } = compiled.definition;
      checkOffered(compiled, question);
      const { view, receipt, reading } =
        access === "consent"
          ? await viewPersonal(compiled, request, checkNode(registry, caller))
          : { view: await viewOpen(compiled, question, caller) };
      const now = clock();
      const today = formatSeconds(now).slice(0, 10);
      const isYes =
        view !== undefined && isInForce(view) && isSo(question, { data: view.data, rules: compiled.rules, today });
      const claims: AnswerClaims = {
        iss: entity,
        rtype: type,
        aud: audience,
        nonce,
        iat: now,
        exp: now + ANSWER_SECONDS,
        question,
        answer: isYes,
        ...(reading !== undefined && { reading }),
      };
      const answer = await signJws({ signer, typ: ANSWER_TYPE, payload: claims as unknown as JsonObject });
      return { answer, ...(receipt !== undefined && { receipt }) };
    },
  };
}
