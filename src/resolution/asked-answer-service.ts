// Asks other nodes for signed answers on behalf of this node's staff: checks each, and notes what it was told of people in the access log.
import type { ReceivedEvent } from "../access/received-service.ts";
import { parseConsentUrl } from "../consent/consent-url.ts";
import { encodeBase64url } from "../crypto/base64.ts";
import { isJsonObject, type Json, type JsonObject } from "../crypto/json.ts";
import { READING_REFUSALS } from "../disclosure/disclosure-decision.ts";
import { AttestryError, type ErrorCode, isAttestryError } from "../errors.ts";
import { parseEntityIdentifier } from "../federation/entity-identifier.ts";
import type { AskHome } from "../federation/home-chain.ts";
import type { SignedRequestClient } from "../federation/signed-request-client.ts";
import type { AnchorPin } from "../federation/trust-chain.ts";
import type { Caller } from "../identity/caller.ts";
import type { AnswerQuestion } from "../records/answers/answer-question.ts";
import { parseRecordUrl } from "../records/record-url.ts";
import {
  type AnswerExpectation,
  type SignedAnswer,
  type VerifiedAnswer,
  verifyAnswer,
} from "../verification/answer-check.ts";
import { checkMayAsk } from "./asked-consent-service.ts";

/** As somebody of the staff asks it. */
export interface AskedAnswerRequest {
  /** Home node of the registry; of a question about a record by its URL, that URL says it. */
  readonly home?: string;
  readonly question: AnswerQuestion;
  /** About people: for what, by which right. */
  readonly access?: {
    readonly purpose: string;
    /** The same again is the same question; drawn unless given. */
    readonly request_id?: string;
    /** URLs of consents. */
    readonly consents?: readonly string[];
    readonly case?: string;
  };
}

/** The answer, verified, and all that anybody needs to verify it again. */
export interface AskedAnswer {
  readonly verified: VerifiedAnswer;
  readonly question: AnswerQuestion;
  readonly audience: string;
  readonly nonce: string;
  readonly signed: SignedAnswer;
}

export interface AskedAnswerService {
  /**
   * Throws `permission_denied`, `request_invalid`, `entity_identifier_invalid`, what the home node refuses with by its code, `chain_not_found`,
   * `peer_*`; an answer that does not verify is `peer_response_invalid`.
   */
  ask(caller: Caller, request: AskedAnswerRequest): Promise<AskedAnswer>;
}

/** What a home node says of a question is told as it is; of these alone. */
export const ANSWER_REFUSALS = [
  "request_invalid",
  "registry_unknown",
  "query_invalid",
  "answer_not_offered",
  "answer_budget_exceeded",
  ...READING_REFUSALS,
] as const satisfies readonly ErrorCode[];

const NONCE_BYTES = 16;

function requestInvalid(field: string, message: string): AttestryError {
  return new AttestryError("request_invalid", `the question cannot be asked: ${message}`, {
    details: [{ field, message }],
  });
}

function invalidReading(how: string): AttestryError {
  return new AttestryError("peer_response_invalid", `the home node answered ${how}`);
}

function parseSigned(answer: Json): SignedAnswer {
  const fault = (reason: string) => new AttestryError("peer_response_invalid", `the home node's answer: ${reason}`);
  if (!isJsonObject(answer)) throw fault("it is no object");
  const { answer: token, receipt, chain } = answer;
  if (typeof token !== "string") throw fault("it has no answer");
  if (!Array.isArray(chain) || !chain.every((one) => typeof one === "string")) throw fault("it has no chain");
  if (receipt !== undefined && typeof receipt !== "string") throw fault("its receipt is no text");
  return { answer: token, chain, ...(receipt !== undefined && { receipt }) };
}

/** What is wrong with a peer's answer is the peer's fault, and no fault of the bearer token that it was asked with. */
async function verify(signed: SignedAnswer, expected: AnswerExpectation): Promise<VerifiedAnswer> {
  try {
    return await verifyAnswer(signed, expected);
  } catch (cause) {
    if (!isAttestryError(cause)) throw cause;
    throw new AttestryError("peer_response_invalid", `the home node's answer does not verify: ${cause.message}`, {
      cause,
    });
  }
}

/** `entity`: by which other nodes know this one; `names`: what its own records are called. */
export function createAskedAnswers(deps: {
  readonly entity: string;
  readonly names: string;
  readonly askHome: AskHome;
  readonly signed: SignedRequestClient;
  readonly anchors: readonly AnchorPin[];
  /** Notes what was given to this node, before it is shown to anybody. */
  readonly logReceived: (readings: readonly ReceivedEvent[], caller: Caller) => Promise<void>;
  readonly clock: () => number;
  readonly random: (length: number) => Uint8Array;
  readonly allowLoopbackHttp: boolean;
}): AskedAnswerService {
  const { entity, names, clock, random } = deps;
  const draw = (): string => encodeBase64url(random(NONCE_BYTES));

  function findHome({ home, question }: AskedAnswerRequest): string {
    const named = question.record === undefined ? home : parseRecordUrl(question.record)?.entity;
    if (named === undefined)
      throw question.record === undefined
        ? requestInvalid("/home", "a question by a key needs the home node of the registry (home)")
        : requestInvalid("/question/record", "it is not the URL of a record");
    if (question.record !== undefined && home !== undefined && home !== named)
      throw requestInvalid("/home", "the record is another node's; leave out home");
    const parsed = parseEntityIdentifier(named, { allowLoopbackHttp: deps.allowLoopbackHttp });
    if (parsed === names || parsed === entity)
      throw requestInvalid("/home", "it is this node itself, whose records its own staff read");
    return parsed;
  }

  /** As the home node takes it: consents by their ids there. */
  function stateAccess(home: string, access: NonNullable<AskedAnswerRequest["access"]>): JsonObject {
    const consents = (access.consents ?? []).map((url, at) => {
      const name = parseConsentUrl(url);
      if (!name) throw requestInvalid(`/access/consents/${at}`, "a consent is named by its URL");
      if (name.entity !== home) throw requestInvalid(`/access/consents/${at}`, "a consent is of another node");
      return name.id;
    });
    return {
      purpose: access.purpose,
      request_id: access.request_id ?? draw(),
      ...(consents.length > 0 && { consents }),
      ...(access.case !== undefined && { case: access.case }),
    };
  }

  return {
    async ask(caller, request) {
      checkMayAsk(caller);
      const { question, access } = request;
      const home = findHome(request);
      const nonce = draw();
      const body: JsonObject = {
        question: JSON.parse(JSON.stringify(question)) as JsonObject,
        audience: entity,
        nonce,
        ...(access && { access: stateAccess(home, access) }),
      };
      const signed = await deps.askHome(
        home,
        async (chain) => {
          const endpoint = chain.metadata.answers_endpoint;
          if (endpoint === undefined)
            throw new AttestryError("peer_response_invalid", `${home} names no address for questions`);
          const limits = { refusals: ANSWER_REFUSALS, isConfidential: access !== undefined };
          return parseSigned(await deps.signed.postJson(chain, endpoint, body, limits));
        },
        { outgoing: true },
      );
      const now = clock();
      const expected = { anchors: deps.anchors, now, audience: entity, nonce, question, issuer: home };
      const verified = await verify(signed, expected);
      const { reading } = verified;
      if (access && !reading)
        throw invalidReading(
          "without a reading in its access log; about what is no person's data, ask without a purpose",
        );
      if (reading) {
        const { basis } = reading;
        if ("consent" in basis && !(access?.consents ?? []).some((url) => parseConsentUrl(url)?.id === basis.consent))
          throw invalidReading("by another consent than was named");
        // A home node that answers by another purpose than was asked for would make this node's own log say what it did not do.
        if (reading.purpose !== access?.purpose) throw invalidReading("for another purpose than was asked for");
        await deps.logReceived([{ from: home, ...reading.event, purpose: reading.purpose, case: access.case }], caller);
      }
      return { verified, question, audience: entity, nonce, signed };
    },
  };
}
