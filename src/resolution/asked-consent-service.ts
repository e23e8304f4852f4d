// Asks people of other departments for consent on behalf of this node's staff, and remembers what was asked: never of whom.
import { type ConsentState, stateAt } from "../consent/consent.ts";
import type { ConsentRequest } from "../consent/consent-request.ts";
import { sha256Base64url } from "../crypto/hash.ts";
import { AttestryError, isAttestryError } from "../errors.ts";
import { parseEntityIdentifier } from "../federation/entity-identifier.ts";
import type { Caller, Staff } from "../identity/caller.ts";
import { isPermitted } from "../identity/permissions.ts";
import { CONSENTS_PER_READ_MAX } from "../limits.ts";
import { isCovered } from "../registries/disclosure-rules.ts";
import type { Database } from "../storage/database.ts";
import {
  type AskedConsentFilter,
  deleteAskedConsents,
  findAskedConsent,
  listAskedConsents,
  type StoredAskedConsent,
  updateAskedConsents,
  upsertAskedConsent,
} from "./asked-consent-store.ts";
import type { AskedConsentState, ConsentClient } from "./consent-client.ts";

export type AskedConsent = StoredAskedConsent;

/** As somebody of the staff asks it; times in Unix seconds. */
export type AskedConsentRequest = Omit<ConsentRequest, "request_id"> & {
  /** Home node of the registry. */
  readonly home: string;
  /** The same again is the same request; drawn unless given. */
  readonly request_id?: string;
};

export interface AskedConsentPage {
  readonly consents: readonly AskedConsent[];
  /** Where the next page begins; undefined on the last one. */
  readonly next: string | undefined;
}

/** A home node that did not say how its consents stand. */
export interface RefreshFault {
  readonly home: string;
  readonly error: AttestryError;
}

export interface AskedConsentService {
  /** Throws `permission_denied`, `entity_identifier_invalid`, what the home node refuses with by its code, `chain_not_found` and `peer_*`. */
  ask(caller: Caller, request: AskedConsentRequest): Promise<AskedConsent>;
  /** All of the node's, as last known: who works on a case follows what a colleague asked. Throws `permission_denied`, `query_invalid`. */
  list(
    caller: Caller,
    search: Pick<AskedConsentFilter, "caseNumber"> & { readonly cursor?: string | undefined; readonly limit: number },
  ): Promise<AskedConsentPage>;
  /** As last known. Throws `permission_denied`, `consent_unknown`. */
  get(caller: Caller, id: string): Promise<AskedConsent>;
  /** Asks the home node how it stands. Throws as `get`, and as `ask`. */
  refresh(caller: Caller, id: string): Promise<AskedConsent>;
  /** The same of several, each home node asked once; gives those of whom it was not told. */
  refreshAll(caller: Caller, consents: readonly AskedConsent[]): Promise<readonly RefreshFault[]>;
  /** Forgets those that ended for as long as reports of checks are kept. */
  purge(): Promise<void>;
}

const CURSOR = /^(\d{1,12})\.([A-Za-z0-9_-]{43})$/;
const ID = /^[A-Za-z0-9_-]{43}$/;
const DAY_SECONDS = 86_400;
const REQUEST_ID_BYTES = 16;

/** States in which nothing more happens. */
const ENDED: readonly ConsentState[] = ["refused", "withdrawn", "expired", "invalidated"];
export const isEnded = ({ state }: Pick<AskedConsent, "state">): boolean => ENDED.includes(state);

/** Given for one reading, which was made. */
export const isSpent = ({ isOneTime, isUsed }: Pick<AskedConsent, "isOneTime" | "isUsed">): boolean =>
  isOneTime && isUsed;

/** Throws `permission_denied`. */
export function checkMayAsk(caller: Caller): Staff {
  if (caller.kind === "staff" && isPermitted({ caller, action: "consent.ask" })) return caller;
  throw new AttestryError(
    "permission_denied",
    "asking people for consent needs role registrar, approver or reader in all registries",
  );
}

function parseCursor(cursor: string): { askedAt: number; id: string } {
  const match = CURSOR.exec(cursor);
  if (!match) throw new AttestryError("query_invalid", '"cursor" is not one of this list; begin with its first page');
  return { askedAt: Number(match[1]), id: match[2]! };
}

const unknown = () => new AttestryError("consent_unknown", "this node has asked for no such consent, or long ago");

/** What a home node says of a consent can change only as consents do. */
function checkSame(
  answer: AskedConsentState,
  { registry, purpose, requestedFields }: Pick<AskedConsent, "registry" | "purpose" | "requestedFields">,
): void {
  const isSame =
    answer.registry === registry &&
    answer.purpose === purpose &&
    answer.requestedFields.length === requestedFields.length &&
    answer.requestedFields.every((field) => requestedFields.includes(field)) &&
    answer.fields.every((field) => isCovered(field, requestedFields));
  if (!isSame)
    throw new AttestryError("peer_response_invalid", "the home node tells of another consent than was asked for");
}

export function createAskedConsents(deps: {
  readonly database: Database;
  readonly consentClient: ConsentClient;
  readonly pseudonymOf: (person: string) => string;
  readonly clock: () => number;
  readonly random: (length: number) => Uint8Array;
  readonly keepDays: number;
  readonly allowLoopbackHttp: boolean;
}): AskedConsentService {
  const { database, consentClient, pseudonymOf, clock, random } = deps;

  /** What time alone ends, its home node need not be asked about. */
  const asOfNow = (consent: AskedConsent): AskedConsent => ({ ...consent, state: stateAt(consent, clock()) });

  async function find(id: string): Promise<AskedConsent> {
    const found = ID.test(id) ? await findAskedConsent(database, id) : undefined;
    if (!found) throw unknown();
    return asOfNow(found);
  }

  /** At most CONSENTS_PER_READ_MAX of one home node: its answers, kept. */
  async function readBatch(home: string, consents: readonly AskedConsent[]): Promise<void> {
    const answers = await consentClient.read(
      home,
      consents.map(({ href }) => href.slice(href.lastIndexOf("/") + 1)),
    );
    const byHref = new Map(answers.map((answer) => [answer.href, answer]));
    const updates = consents.map((consent) => {
      const answer = byHref.get(consent.href);
      if (!answer) throw new AttestryError("peer_response_invalid", "the home node left out a consent");
      checkSame(answer, consent);
      const { state, fields, isOneTime, isUsed, startsAt, expiresAt } = answer;
      return { id: consent.id, state, fields: [...fields], isOneTime, isUsed, startsAt, expiresAt, readAt: clock() };
    });
    await updateAskedConsents(database, updates);
  }

  async function readAll(home: string, consents: readonly AskedConsent[]): Promise<void> {
    for (let at = 0; at < consents.length; at += CONSENTS_PER_READ_MAX) {
      const batch = consents.slice(at, at + CONSENTS_PER_READ_MAX);
      try {
        await readBatch(home, batch);
      } catch (error) {
        if (batch.length === 1 || !isAttestryError(error, "consent_unknown")) throw error;
        // One that the home node does not know hides how the others stand.
        const outcomes = await Promise.allSettled(batch.map((one) => readBatch(home, [one])));
        const failed = outcomes.find((one) => one.status === "rejected");
        if (failed) throw failed.reason;
      }
    }
  }

  return {
    async ask(caller, { home: stated, request_id, ...request }) {
      const staff = checkMayAsk(caller);
      const home = parseEntityIdentifier(stated, { allowLoopbackHttp: deps.allowLoopbackHttp });
      const number = request_id ?? Buffer.from(random(REQUEST_ID_BYTES)).toString("hex");
      const answer = await consentClient.request(home, { request_id: number, ...request });
      checkSame(answer, { ...request, requestedFields: [...request.fields] });
      const { id: _, state, href, fields, isOneTime, isUsed, requestedAt, startsAt, expiresAt } = answer;
      const now = clock();
      const consent: AskedConsent = {
        id: sha256Base64url(href),
        home,
        href,
        registry: request.registry,
        purpose: request.purpose,
        requestedFields: [...request.fields],
        fields: [...fields],
        caseNumber: request.case ?? null,
        person: pseudonymOf(staff.person),
        personName: staff.name,
        role: staff.role,
        ...{ state, isOneTime, isUsed, requestedAt, startsAt, expiresAt },
        askedAt: now,
        readAt: now,
      };
      await upsertAskedConsent(database, consent);
      return find(consent.id);
    },
    async list(caller, { caseNumber, cursor, limit }) {
      checkMayAsk(caller);
      const after = cursor === undefined ? undefined : parseCursor(cursor);
      const found = await listAskedConsents(database, { caseNumber, after }, limit + 1);
      const consents = found.slice(0, limit).map(asOfNow);
      const last = found.length > limit ? consents.at(-1) : undefined;
      return { consents, next: last && `${last.askedAt}.${last.id}` };
    },
    async get(caller, id) {
      checkMayAsk(caller);
      return find(id);
    },
    async refresh(caller, id) {
      checkMayAsk(caller);
      const consent = await find(id);
      await readAll(consent.home, [consent]);
      return find(id);
    },
    async refreshAll(caller, consents) {
      checkMayAsk(caller);
      const homes = [...new Set(consents.map(({ home }) => home))];
      const faults = await Promise.all(
        homes.map(async (home): Promise<RefreshFault | undefined> => {
          try {
            await readAll(
              home,
              consents.filter((one) => one.home === home),
            );
            return undefined;
          } catch (error) {
            if (isAttestryError(error)) return { home, error };
            throw error;
          }
        }),
      );
      return faults.filter((fault) => fault !== undefined);
    },
    purge: () => deleteAskedConsents(database, { before: clock() - deps.keepDays * DAY_SECONDS }),
  };
}
