// Consents: asked for by other nodes, decided by the person or by who acts for one, shown to both. Every decision is an event of the access log.
import { randomUUID } from "node:crypto";
import type { AccessContent } from "../access/access-event.ts";
import type { AccessLog } from "../access/access-log-service.ts";
import type { AccessSubjects } from "../access/access-subject-service.ts";
import { sha256Base64url } from "../crypto/hash.ts";
import type { JsonObject } from "../crypto/json.ts";
import { decodeJws, signJws } from "../crypto/jws.ts";
import { everyDigest, type KeyGenerations } from "../crypto/key-generations.ts";
import type { Signer } from "../crypto/signer.ts";
import { AttestryError } from "../errors.ts";
import { createGatherer } from "../gatherer.ts";
import {
  CONSENT_REQUEST_SECONDS,
  CONSENTS_LISTED_MAX,
  CONSENTS_OPEN_PER_CONSUMER_MAX,
  CONSENTS_OPEN_PER_SUBJECT_MAX,
} from "../limits.ts";
import { noteDueOf } from "../notification/notification-store.ts";
import { type Subject, subjectDigest } from "../records/subject.ts";
import type { PersonClaims, SubjectService } from "../records/subjects/subject-service.ts";
import { expandFields, isCovered } from "../registries/disclosure-rules.ts";
import type { RegistryService } from "../registries/registry-service.ts";
import type { Database } from "../storage/database.ts";
import { runTransaction } from "../storage/transaction.ts";
import {
  CONSENT_ACTIONS,
  type ConsentAction,
  type ConsentGiver,
  type ConsentNotice,
  type ConsentState,
  type ConsentTerms,
  checkAction,
  noticeHash,
  stateAt,
} from "./consent.ts";
import type { GuardedConsent } from "./consent-guard.ts";
import { type ConsentRequest, checkConsentRequest, requestHash } from "./consent-request.ts";
import type { ConsentContent, ConsentSealer, GivenConsent } from "./consent-sealer.ts";
import * as store from "./consent-store.ts";
import type { ConsentRelations } from "./guardianship-service.ts";

export const CONSENT_TYPE = "attestry-consent+jwt";

/** A consent as person and consumer see it. Times in Unix seconds. */
export interface ConsentView {
  readonly id: string;
  readonly state: ConsentState;
  readonly consumer: string;
  readonly registry: string;
  readonly purpose: string;
  /** Asked for; of one that was given, also what was. */
  readonly requestedFields: readonly string[];
  readonly fields: readonly string[];
  readonly requestedAt: number;
  readonly startsAt: number;
  readonly expiresAt: number;
  readonly oneTime: boolean;
  /** Of one that was given for one reading. */
  readonly isUsed: boolean;
  readonly decidedAt?: number;
  /** When it was given, whatever was decided since. */
  readonly givenAt?: number;
  readonly case?: string;
  readonly note?: string;
  readonly notice: ConsentNotice & { readonly hash: string };
  /** The signed terms (attestry-consent+jwt), once given. */
  readonly signed?: string;
  /** The entry of the access log that made the state. */
  readonly logIndex?: number;
}

/** One for somebody else is told by whom: a child's, by who acts for it. */
export interface PersonConsent extends ConsentView {
  readonly subject: { readonly claim: string; readonly value: string };
  readonly isOwn: boolean;
}

/** What of a request a person gives; what is left out is as it was asked. */
export interface GivenChoice {
  readonly fields?: readonly string[];
  readonly expiresAt?: number;
  readonly oneTime?: boolean;
  /** In which the notice was read (BCP 47). */
  readonly language: string;
}

export interface Person {
  readonly claims: PersonClaims;
}

/** A consent at a counter: the staff member's pseudonym and role, who witnessed it, and the digest of what was signed. */
export interface AssistedGiver {
  readonly staff: string;
  readonly role: string;
  readonly witness: string;
  readonly evidence: string;
}

/** A consent about records of a registry that the staff member is permitted to act in. */
export interface ConsentPlace {
  readonly id: string;
  readonly registry: string;
}

/** What a reading needs of a consent. */
export interface UsableConsent {
  readonly facts: store.StoredConsent;
  readonly terms: ConsentTerms | undefined;
  /** Digest of the signed terms. */
  readonly digest: string | undefined;
  /** Who gave it, or for whom it was given, as it is sealed. */
  readonly subject: Subject;
  /** The row says other than what was signed or decided, or the guardian's relation is no longer in force: it counts for nothing. */
  readonly isVoid: boolean;
}

export interface ConsentService {
  /** Asks; the same number of a request again gives the same consent. Whether the person is known here is told to nobody. Throws as `checkConsentRequest`, `request_id_reused`, `consents_too_many`. */
  request(request: ConsentRequest, consumer: string): Promise<ConsentView>;
  /** For who asked. Throws `consent_unknown`. */
  getForConsumer(id: string, consumer: string): Promise<ConsentView>;
  /** A person's own, and those of children whom the person acts for. */
  list(person: Person): Promise<readonly PersonConsent[]>;
  get(person: Person, id: string): Promise<PersonConsent>;
  /** Throws `consent_unknown`, `consent_state_conflict`, `consent_fields_exceeded`, `consent_term_invalid`, `subject_unknown`, `subject_ambiguous`. */
  give(person: Person, id: string, choice: GivenChoice): Promise<PersonConsent>;
  decide(person: Person, id: string, action: Exclude<ConsentAction, "give" | "invalidate">): Promise<PersonConsent>;
  /** Written down by staff for a person at the counter. */
  giveAssisted(giver: AssistedGiver, place: ConsentPlace, choice: GivenChoice): Promise<ConsentView>;
  refuseAssisted(giver: AssistedGiver, place: ConsentPlace): Promise<ConsentView>;
  /** By the node's office: the notice was wrong, the relation was not lawful, a court said so. */
  invalidate(by: { staff: string; role: string }, place: ConsentPlace): Promise<ConsentView>;
  /** Of these ids those that are there, for a reading. */
  findUsable(ids: readonly string[]): Promise<Map<string, UsableConsent>>;
}

const UUID = /^[0-9a-f]{8}-[0-9a-f]{4}-[0-9a-f]{4}-[0-9a-f]{4}-[0-9a-f]{12}$/;

function unknown(id: string): AttestryError {
  return new AttestryError("consent_unknown", `there is no consent ${UUID.test(id) ? id : "of that id"} for you`);
}

function ambiguousSubject(registry: string): AttestryError {
  return new AttestryError(
    "subject_ambiguous",
    `several records of "${registry}" match; ask the office that keeps them`,
  );
}

/** As the consumer is told: how, and not by whom at the counter or by which record. */
function describeGiver(by: ConsentGiver): JsonObject {
  return by.kind === "assisted" ? { kind: by.kind, role: by.role, evidence: by.evidence } : { kind: by.kind };
}

/** Whether a row still says what was signed when the consent was given. */
function isAsSigned(stored: store.StoredConsent, { jws, terms }: GivenConsent): boolean {
  const { jti, aud, registry, purpose, nbf, exp, one_time } = decodeJws(jws).payload;
  const isSame = jti === stored.id && aud === stored.consumer && registry === stored.registry;
  const isSameTerm = nbf === stored.startsAt && exp === stored.expiresAt && one_time === stored.isOneTime;
  return isSame && purpose === stored.purpose && isSameTerm && terms.expiresAt === exp;
}

/** `entity`: the name that the node's records have. */
export function createConsentService(deps: {
  entity: string;
  database: Database;
  registries: Pick<RegistryService, "getCurrent" | "getVersion">;
  subjects: SubjectService;
  relations: ConsentRelations;
  accessSubjects: AccessSubjects;
  accessLog: AccessLog<GuardedConsent>;
  sealer: ConsentSealer;
  signer: Signer;
  searchKey: KeyGenerations;
  clock: () => number;
}): ConsentService {
  const { entity, database, registries, subjects, relations, sealer, searchKey, clock } = deps;

  /** A row that somebody without the keys changed is worth nothing, whatever it says. */
  const stateOf = (stored: store.StoredConsent): ConsentState =>
    sealer.isIntact(stored) ? stateAt(stored, clock()) : "invalidated";

  function view(stored: store.StoredConsent, content: ConsentContent): ConsentView {
    const { given } = content;
    return {
      id: stored.id,
      state: stateOf(stored),
      consumer: stored.consumer,
      registry: stored.registry,
      purpose: stored.purpose,
      requestedFields: content.fields,
      fields: given?.terms.fields ?? content.fields,
      requestedAt: stored.requestedAt,
      startsAt: stored.startsAt,
      expiresAt: stored.expiresAt,
      oneTime: stored.isOneTime,
      isUsed: stored.isOneTime && stored.used !== null,
      ...(stored.decidedAt !== null && { decidedAt: stored.decidedAt }),
      ...(content.case !== undefined && { case: content.case }),
      ...(content.note !== undefined && { note: content.note }),
      notice: { ...content.notice, hash: content.noticeHash },
      ...(given && { signed: given.jws, givenAt: decodeJws(given.jws).payload.iat as number }),
      ...(stored.logIndex !== null && { logIndex: stored.logIndex }),
    };
  }

  async function getStored(id: string): Promise<store.StoredConsent> {
    const found = UUID.test(id) ? (await store.findConsents(database.sql, [id])).get(id) : undefined;
    if (!found) throw unknown(id);
    return found;
  }

  async function getPlaced({ id, registry }: ConsentPlace): Promise<store.StoredConsent> {
    const stored = await getStored(id);
    if (stored.registry !== registry) throw unknown(id);
    return stored;
  }

  /** Whose consents a person sees: by digest, the own and those of children. */
  async function findRightful({ claims }: Person) {
    const own = Object.entries(claims).map(([claim, value]) => ({
      subject: { claim, value },
      giver: { kind: "subject" } as ConsentGiver,
      until: Number.POSITIVE_INFINITY,
    }));
    const children = await relations.findChildren(claims);
    return new Map(
      [...own, ...children].flatMap((one) =>
        everyDigest(subjectDigest(searchKey, one.subject)).map((digest) => [digest, one]),
      ),
    );
  }

  async function getRightful(person: Person, id: string) {
    const [stored, rightful] = await Promise.all([getStored(id), findRightful(person)]);
    const right = rightful.get(stored.subjectDigest);
    if (!right || !isAbout(stored, right.subject)) throw unknown(id);
    const { ambiguous } = await subjects.findOwnRecords(
      { [right.subject.claim]: right.subject.value },
      stored.registry,
    );
    if (ambiguous.length > 0) throw ambiguousSubject(stored.registry);
    return { stored, right };
  }

  /** What is sealed says whose it is: a hash in the table could have been put there by anybody with the database. */
  function isAbout(stored: store.StoredConsent, subject: Subject): boolean {
    const { claim, value } = sealer.open(stored).subject;
    return claim === subject.claim && value === subject.value;
  }

  function personView(
    stored: store.StoredConsent,
    right: { subject: { claim: string; value: string }; giver: ConsentGiver },
  ): PersonConsent {
    return { ...view(stored, sealer.open(stored)), subject: right.subject, isOwn: right.giver.kind === "subject" };
  }

  /** `all`: the fields that there were when it was asked: no more is given than the person could read of. */
  function narrow(
    stored: store.StoredConsent,
    content: ConsentContent,
    { rids, all }: { rids: readonly string[]; all: readonly string[] },
    choice: GivenChoice,
  ): ConsentTerms {
    const fields = expandFields(choice.fields ?? content.fields, all);
    const more = fields.filter((field) => !isCovered(field, content.fields));
    if (more.length > 0)
      throw new AttestryError(
        "consent_fields_exceeded",
        `was asked for ${content.fields.join(", ")}, and not for ${more.join(", ")}`,
      );
    if (fields.length === 0)
      throw new AttestryError("consent_fields_unknown", "a consent to no field is a refusal; refuse it instead");
    const expiresAt = choice.expiresAt ?? stored.expiresAt;
    if (expiresAt > stored.expiresAt || expiresAt <= Math.max(stored.startsAt, clock()))
      throw new AttestryError(
        "consent_term_invalid",
        "the end must be after now and the start, and no later than was asked for",
      );
    return {
      fields,
      rids,
      startsAt: stored.startsAt,
      expiresAt,
      isOneTime: stored.isOneTime || choice.oneTime === true,
    };
  }

  async function signTerms(
    stored: store.StoredConsent,
    content: ConsentContent,
    terms: ConsentTerms,
    by: ConsentGiver,
    language: string,
  ): Promise<string> {
    const compiled = await registries.getVersion(stored.registry, stored.definitionVersion);
    const payload = {
      iss: entity,
      iat: clock(),
      jti: stored.id,
      aud: stored.consumer,
      registry: stored.registry,
      rtype: compiled.definition.type,
      vct: compiled.vct,
      "vct#integrity": compiled.integrity,
      rids: [...terms.rids],
      fields: [...terms.fields],
      purpose: stored.purpose,
      nbf: terms.startsAt,
      exp: terms.expiresAt,
      one_time: terms.isOneTime,
      request_hash: content.requestHash,
      notice_hash: content.noticeHash,
      notice_language: language,
      given_by: describeGiver(by),
    };
    return signJws({ signer: deps.signer, typ: CONSENT_TYPE, payload: payload as unknown as JsonObject });
  }

  /** The records of the person in the registry, as they are now. Throws `subject_unknown`, `subject_ambiguous`. */
  async function findCovered(stored: store.StoredConsent, { subject }: ConsentContent): Promise<string[]> {
    const { records, ambiguous } = await subjects.findOwnRecords({ [subject.claim]: subject.value }, stored.registry);
    if (ambiguous.length > 0) throw ambiguousSubject(stored.registry);
    if (records.length === 0)
      throw new AttestryError(
        "subject_unknown",
        `no record of "${stored.registry}" matches; ask the office that keeps them`,
      );
    return records.map(({ rid }) => rid);
  }

  async function change(
    stored: store.StoredConsent,
    action: ConsentAction,
    by: AccessContent["by"],
    given?: { content: ConsentContent; terms: ConsentTerms },
  ): Promise<store.StoredConsent> {
    checkAction(stored.id, stateOf(stored), action);
    const content = given?.content ?? sealer.open(stored);
    const at = clock();
    const terms = content.given?.terms;
    const [subject] = await deps.accessSubjects.ensure([content.subject]);
    const [outcome] = await deps.accessLog.append([
      {
        subject: subject!,
        operation: "consent",
        content: {
          action,
          by,
          records: (terms?.rids ?? []).map((rid) => ({ registry: stored.registry, rid })),
          fields: terms?.fields ?? content.fields,
          purpose: stored.purpose,
          consent: {
            id: stored.id,
            state: CONSENT_ACTIONS[action].to,
            ...(content.given && { terms: sha256Base64url(content.given.jws) }),
          },
          request: content.requestHash,
        },
        reference: stored.id,
        guarded: {
          kind: "change",
          id: stored.id,
          action,
          at,
          ...(given && {
            given: {
              startsAt: given.terms.startsAt,
              expiresAt: given.terms.expiresAt,
              isOneTime: given.terms.isOneTime,
              rids: given.terms.rids,
              sealed: sealer.seal(stored, content),
            },
          }),
        },
      },
    ]);
    if (outcome instanceof AttestryError) throw outcome;
    return getStored(stored.id);
  }

  async function giveBy(
    stored: store.StoredConsent,
    giver: ConsentGiver,
    by: AccessContent["by"],
    choice: GivenChoice,
  ): Promise<store.StoredConsent> {
    checkAction(stored.id, stateOf(stored), "give");
    const content = sealer.open(stored);
    const { disclosure } = await registries.getVersion(stored.registry, stored.definitionVersion);
    const rids = await findCovered(stored, content);
    const terms = narrow(stored, content, { rids, all: disclosure.fields }, choice);
    const { language } = choice;
    const jws = await signTerms(stored, content, terms, giver, language);
    return change(stored, "give", by, { content: { ...content, given: { terms, by: giver, language, jws } }, terms });
  }

  // Readings come many at once.
  const findTogether = createGatherer((ids: readonly string[]) => store.findConsents(database.sql, ids));

  const actorOf = (giver: ConsentGiver): AccessContent["by"] =>
    giver.kind === "assisted" ? { staff: giver.staff, role: giver.role } : { citizen: giver.kind };

  function checkAssisted({ witness, evidence }: AssistedGiver): void {
    if (witness.trim() !== "" && /^[A-Za-z0-9_-]{43}$/.test(evidence)) return;
    throw new AttestryError(
      "consent_evidence_missing",
      "a consent at a counter names who witnessed it, and the base64url SHA-256 of the signed paper or recording",
    );
  }

  return {
    async request(request, consumer) {
      const compiled = await registries.getCurrent(request.registry);
      const key = sha256Base64url(`attestry/consent-request/v1\n${consumer}\n${request.request_id}`);
      const hash = requestHash(request);
      const repeat = async (): Promise<ConsentView | undefined> => {
        const known = await store.findByRequest(database, key);
        if (!known) return undefined;
        const content = sealer.open(known);
        if (content.requestHash === hash) return view(known, content);
        throw new AttestryError(
          "request_id_reused",
          "another request for consent has this request_id; give each its own",
        );
      };
      const known = await repeat();
      if (known) return known;
      const now = clock();
      const { purpose, startsAt } = checkConsentRequest(request, compiled, now);
      const digests = subjectDigest(searchKey, request.subject);
      const { digest } = digests;
      const open = await store.countOpen(database, {
        consumer,
        subjectDigests: everyDigest(digests),
        since: now - CONSENT_REQUEST_SECONDS,
      });
      if (open.all >= CONSENTS_OPEN_PER_CONSUMER_MAX || open.subject >= CONSENTS_OPEN_PER_SUBJECT_MAX)
        throw new AttestryError(
          "consents_too_many",
          `${open.all} of your requests wait, ${open.subject} of them for this person; at most ${CONSENTS_OPEN_PER_CONSUMER_MAX} and ${CONSENTS_OPEN_PER_SUBJECT_MAX} may`,
        );
      const notice: ConsentNotice = { title: purpose.title, text: purpose.notice };
      const id = randomUUID();
      const content: ConsentContent = {
        subject: request.subject,
        fields: request.fields,
        ...(request.case !== undefined && { case: request.case }),
        ...(request.note !== undefined && { note: request.note }),
        notice,
        noticeHash: noticeHash(notice),
        requestHash: hash,
      };
      const asked = {
        id,
        consumer,
        subjectDigest: digest,
        registry: request.registry,
        purpose: request.purpose,
        definitionVersion: compiled.version,
        state: "requested" as const,
        request: key,
        requestedAt: now,
        startsAt,
        expiresAt: request.expires_at,
        isOneTime: request.one_time === true,
        used: null,
        decidedAt: null,
        logIndex: null,
        lastDecision: null,
        ...sealer.create(id, content),
      };
      const stored: store.StoredConsent = { ...asked, stateMac: sealer.stateMac(asked) };
      const isNew = await runTransaction(database, async (tx) => {
        if (!(await store.insertConsent(tx, stored))) return false;
        await noteDueOf(tx, { digests: everyDigest(digests), kind: "consent_requested" });
        return true;
      });
      if (isNew) return view(stored, content);
      return (await repeat())!;
    },

    async getForConsumer(id, consumer) {
      const stored = await getStored(id);
      // Whose it is, is nobody else's business.
      if (stored.consumer !== consumer) throw unknown(id);
      return view(stored, sealer.open(stored));
    },

    async list(person) {
      const rightful = await findRightful(person);
      const found = await store.listOfSubjects(database, { digests: [...rightful.keys()], limit: CONSENTS_LISTED_MAX });
      const ambiguous = new Set((await subjects.findOwnRecords(person.claims)).ambiguous);
      return (
        found
          .filter((stored) => isAbout(stored, rightful.get(stored.subjectDigest)!.subject))
          // Who of several it is, the office has to say first.
          .filter((stored) => !ambiguous.has(stored.registry))
          .map((stored) => personView(stored, rightful.get(stored.subjectDigest)!))
      );
    },

    async get(person, id) {
      const { stored, right } = await getRightful(person, id);
      return personView(stored, right);
    },

    async give(person, id, choice) {
      const { stored, right } = await getRightful(person, id);
      // What is given for a child ends when the child can decide.
      const asked = choice.expiresAt ?? stored.expiresAt;
      const expiresAt = Math.min(asked, right.until);
      const limited = expiresAt === asked ? choice : { ...choice, expiresAt };
      return personView(await giveBy(stored, right.giver, actorOf(right.giver), limited), right);
    },

    async decide(person, id, action) {
      const { stored, right } = await getRightful(person, id);
      return personView(await change(stored, action, actorOf(right.giver)), right);
    },

    async giveAssisted(giver, place, choice) {
      checkAssisted(giver);
      const by: ConsentGiver = { kind: "assisted", ...giver };
      const stored = await giveBy(await getPlaced(place), by, actorOf(by), choice);
      return view(stored, sealer.open(stored));
    },

    async refuseAssisted(giver, place) {
      checkAssisted(giver);
      const stored = await change(await getPlaced(place), "refuse", actorOf({ kind: "assisted", ...giver }));
      return view(stored, sealer.open(stored));
    },

    async invalidate(by, place) {
      const stored = await change(await getPlaced(place), "invalidate", by);
      return view(stored, sealer.open(stored));
    },

    async findUsable(ids) {
      const found = await findTogether(ids.filter((id) => UUID.test(id)));
      const usable = [...found].map(async ([id, facts]): Promise<[string, UsableConsent]> => {
        const { given, subject } = sealer.open(facts);
        const isLeft = given?.by.kind === "guardian" && !(await relations.isInForce(given.by.relation));
        const isChanged = !sealer.isIntact(facts) || (given !== undefined && !isAsSigned(facts, given));
        // What was given has terms: without them nothing says how far it goes.
        const isUngiven = given === undefined && (facts.state === "given" || facts.state === "paused");
        const isVoid = isLeft || isChanged || isUngiven;
        return [id, { facts, terms: given?.terms, digest: given && sha256Base64url(given.jws), subject, isVoid }];
      });
      return new Map(await Promise.all(usable));
    },
  };
}
