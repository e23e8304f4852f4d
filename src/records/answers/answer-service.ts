// Signed answers: a yes or no about one record, bound to whoever asked and to their nonce. Gives nothing that a reading of the record would not.

import { formatSeconds } from "../../clock.ts";
import { encodeBase64url } from "../../crypto/base64.ts";
import { hmacSha256 } from "../../crypto/hash.ts";
import { canonicalJson, type Json, type JsonObject } from "../../crypto/json.ts";
import { signJws } from "../../crypto/jws.ts";
import { type KeyGenerations, keyDigests } from "../../crypto/key-generations.ts";
import type { Signer } from "../../crypto/signer.ts";
import { AttestryError, isAttestryError } from "../../errors.ts";
import type { Caller } from "../../identity/caller.ts";
import { checkPermitted } from "../../identity/permissions.ts";
import {
  ANSWER_SECONDS,
  ANSWER_WINDOW_SECONDS,
  ANSWERS_PER_CALLER_MAX,
  ANSWERS_PER_RECORD_ANONYMOUS_MAX,
  ANSWERS_PER_RECORD_MAX,
} from "../../limits.ts";
import { valuesAt } from "../../registries/annotations.ts";
import type { CompiledDefinition } from "../../registries/compiled-definition.ts";
import type { RegistryService } from "../../registries/registry-service.ts";
import type { Database } from "../../storage/database.ts";
import type { RecordReadService } from "../record-read-service.ts";
import type { RecordSight } from "../record-sight.ts";
import { parseRecordUrl } from "../record-url.ts";
import type { RecordView } from "../record-view.ts";
import type { KeyLookupService } from "../references/key-lookup-service.ts";
import { useBudgets } from "./answer-budget-store.ts";
import { ANSWER_TYPE, type AnswerClaims, type AnswerQuestion } from "./answer-question.ts";

export interface AnswerRequest {
  readonly question: AnswerQuestion;
  /** For whom the answer is; whoever is shown it compares this. */
  readonly audience: string;
  readonly nonce: string;
}

export interface AnswerService {
  /**
   * Signs the answer. Throws `registry_unknown`, `request_invalid`, `authentication_required`, `permission_denied`, `not_available_yet`
   * where it takes consent, `answer_not_offered`, `answer_budget_exceeded`.
   */
  answer(request: AnswerRequest, caller: Caller): Promise<string>;
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

/** Throws unless the definition offers to answer this, and no basis is needed to. */
function checkOffered({ definition, rules }: CompiledDefinition, { kind, values }: AnswerQuestion): void {
  const { name } = definition;
  // DESIGN promise 5: what is personal leaves a node for a purpose with a basis, and every reading is logged.
  const consentNeeded = (what: string) =>
    new AttestryError(
      "not_available_yet",
      `answers about ${what} need consent and the log of readings, which this version does not have`,
    );
  if (definition.access === "consent") throw consentNeeded(`records of "${name}"`);
  const offers = rules.answers;
  const notOffered = (message: string) => new AttestryError("answer_not_offered", message);
  if (kind === "exists") {
    if (offers.exists) return;
    throw notOffered(`the definition of "${name}" does not offer answers of kind "exists"`);
  }
  for (const field of Object.keys(values ?? {})) {
    const offered = offers.matches.find((one) => one.name === field);
    if (!offered) {
      const known = offers.matches.map((one) => one.name).join(", ");
      throw notOffered(
        `the definition of "${name}" offers matches of ${known || "no field"}, not of all that were asked`,
      );
    }
    if (offered.personal) throw consentNeeded(`the personal field ${field}`);
  }
}

function isInForce({ state }: RecordView): boolean {
  return state === "active";
}

export function createAnswerService(deps: {
  entity: string;
  database: Database;
  registries: RegistryService;
  keyLookups: KeyLookupService;
  recordReads: RecordReadService;
  sight: Pick<RecordSight, "checkReadable">;
  /** The record key's. */
  signer: Signer;
  searchKey: KeyGenerations;
  /** Unix seconds. */
  clock: () => number;
}): AnswerService {
  const { entity, database, registries, keyLookups, recordReads, sight, signer, searchKey, clock } = deps;
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

  /** The record as it is in effect now; undefined where there is none, or none that still says anything. */
  async function readInEffect(found: Found): Promise<RecordView | undefined> {
    const now = clock();
    const at = { asOf: undefined, validAt: { seconds: now, text: formatSeconds(now) } };
    try {
      return (await recordReads.get({ caller: asMember, ...found, at })).view;
    } catch (error) {
      if (isAttestryError(error) && ["record_unknown", "not_in_effect", "record_erased"].includes(error.code))
        return undefined;
      throw error;
    }
  }

  /** Counted before the answer is looked up: also a question that fails later was a guess. */
  async function useBudget(caller: Caller, { kind }: AnswerQuestion, found: Found | undefined): Promise<void> {
    const who =
      caller.kind === "node" ? `node\n${caller.entity}` : caller.kind === "staff" ? `staff\n${caller.tokenId}` : "";
    const perRecord = who === "" ? ANSWERS_PER_RECORD_ANONYMOUS_MAX : ANSWERS_PER_RECORD_MAX;
    const budgets = [
      // All strangers are one caller, or more addresses would be more guesses; they have no common total, which one could use up for all.
      ...(who === "" ? [] : [{ scope: `caller\n${who}`, max: ANSWERS_PER_CALLER_MAX }]),
      ...(kind === "matches" && found ? [{ scope: `record\n${found.rid}\n${who}`, max: perRecord }] : []),
    ].map(({ scope, max }) => ({
      ...keyDigests(searchKey, ({ current }) =>
        encodeBase64url(hmacSha256(current, `attestry/answer-budget/v1\n${scope}`)),
      ),
      max,
    }));
    if (budgets.length === 0) return;
    const now = clock();
    const windowStart = now - (now % ANSWER_WINDOW_SECONDS);
    const used = await useBudgets(database, {
      budgets,
      windowStart,
      windowSeconds: ANSWER_WINDOW_SECONDS,
    });
    if (budgets.every(({ digest, max }) => used.get(digest)! <= max)) return;
    const retryAfterSeconds = windowStart + ANSWER_WINDOW_SECONDS - now;
    throw new AttestryError(
      "answer_budget_exceeded",
      `so many questions were answered in this hour that more would be guessing; ask again in ${retryAfterSeconds} seconds`,
      { retryAfterSeconds },
    );
  }

  function hasValues(
    { data }: RecordView,
    { rules }: CompiledDefinition,
    values: Readonly<Record<string, Json>>,
  ): boolean {
    return Object.entries(values).every(([name, value]) => {
      const field = rules.answers.matches.find((one) => one.name === name)!;
      const [held] = valuesAt(data, field.path);
      return held !== undefined && canonicalJson(held) === canonicalJson(value);
    });
  }

  return {
    async answer({ question, audience, nonce }, caller) {
      const { registry } = readRegistry(question);
      const compiled = await registries.getCurrent(registry);
      const { access, type } = compiled.definition;
      checkOffered(compiled, question);
      checkPermitted({ caller, action: "record.read", registry, access });
      const found = await findRecord(question);
      if (found) await sight.checkReadable({ caller, compiled, rid: found.rid });
      await useBudget(caller, question, found);
      const view = found && (await readInEffect(found));
      const now = clock();
      const claims: AnswerClaims = {
        iss: entity,
        rtype: type,
        aud: audience,
        nonce,
        iat: now,
        exp: now + ANSWER_SECONDS,
        question,
        answer: view !== undefined && isInForce(view) && hasValues(view, compiled, question.values ?? {}),
      };
      return signJws({ signer, typ: ANSWER_TYPE, payload: claims as unknown as JsonObject });
    },
  };
}
