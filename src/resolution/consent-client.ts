// Asks home nodes for people's consent, and how it stands, by signed requests. What comes back is untrusted: its form is checked here.

import { CONSENT_STATES, type ConsentState } from "../consent/consent.ts";
import { CONSENT_REQUEST_REFUSALS, type ConsentRequest } from "../consent/consent-request.ts";
import { formatConsentUrl } from "../consent/consent-url.ts";
import { isJsonObject, type Json, type JsonObject } from "../crypto/json.ts";
import { AttestryError, type ErrorCode } from "../errors.ts";
import type { AskHome } from "../federation/home-chain.ts";
import type { SignedRequestClient } from "../federation/signed-request-client.ts";

/** A consent as its home node says that it stands. Times in Unix seconds. */
export interface AskedConsentState {
  readonly id: string;
  /** Names it in readings. */
  readonly href: string;
  readonly state: ConsentState;
  readonly registry: string;
  readonly purpose: string;
  readonly requestedFields: readonly string[];
  readonly fields: readonly string[];
  readonly requestedAt: number;
  readonly startsAt: number;
  readonly expiresAt: number;
  readonly isOneTime: boolean;
  readonly isUsed: boolean;
}

/** What the home node says of a request is told as it is; of these alone. */
const REFUSALS = [
  "request_invalid",
  ...CONSENT_REQUEST_REFUSALS,
  "consent_unknown",
] as const satisfies readonly ErrorCode[];

export interface ConsentClient {
  /** Throws what the home node refuses with, by its code, and `peer_*`, `chain_not_found`. */
  request(home: string, request: ConsentRequest): Promise<AskedConsentState>;
  read(home: string, ids: readonly string[]): Promise<readonly AskedConsentState[]>;
}

function invalid(reason: string): AttestryError {
  return new AttestryError("peer_response_invalid", `the home node's answer about a consent: ${reason}`);
}

const isTexts = (value: Json | undefined): value is string[] =>
  Array.isArray(value) && value.every((one) => typeof one === "string");

function parseState(home: string, value: Json | undefined): AskedConsentState {
  if (!isJsonObject(value)) throw invalid("it is no object");
  const { id, href, state, registry, purpose, requested_fields, fields, requested_at, starts_at, expires_at } = value;
  if (typeof id !== "string" || href !== formatConsentUrl({ entity: home, id }))
    throw invalid("its address is not the home node's");
  if (!(CONSENT_STATES as readonly unknown[]).includes(state)) throw invalid("its state is unknown");
  if (typeof registry !== "string" || typeof purpose !== "string" || !isTexts(requested_fields) || !isTexts(fields))
    throw invalid("it lacks registry, purpose or fields");
  for (const time of [requested_at, starts_at, expires_at])
    if (!Number.isSafeInteger(time)) throw invalid("a time is no number");
  return {
    id,
    href,
    state: state as ConsentState,
    registry,
    purpose,
    requestedFields: requested_fields,
    fields,
    requestedAt: requested_at as number,
    startsAt: starts_at as number,
    expiresAt: expires_at as number,
    isOneTime: value.one_time === true,
    isUsed: value.used === true,
  };
}

export function createConsentClient(deps: { askHome: AskHome; signed: SignedRequestClient }): ConsentClient {
  const post = (home: string, path: "" | ":read", body: JsonObject): Promise<Json> =>
    deps.askHome(
      home,
      async (chain) => {
        const endpoint = chain.metadata.consents_endpoint;
        if (endpoint === undefined)
          throw new AttestryError("peer_response_invalid", `${home} takes no requests for consent`);
        return deps.signed.postJson(chain, `${endpoint}${path}`, body, { refusals: REFUSALS, isConfidential: true });
      },
      { outgoing: true },
    );

  return {
    async request(home, request) {
      return parseState(home, await post(home, "", JSON.parse(JSON.stringify(request)) as JsonObject));
    },
    async read(home, ids) {
      const answer = await post(home, ":read", { ids: [...ids] });
      if (!isJsonObject(answer) || !Array.isArray(answer.consents)) throw invalid("it has no consents");
      return answer.consents.map((one) => parseState(home, one));
    },
  };
}
