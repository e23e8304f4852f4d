// Opens what a person shared for whoever has the link and the code: logged before anything is shown, as evidence that is bound to the share. Tells a stranger nothing.
import { type AccessContent, readingKey } from "../access/access-event.ts";
import type { AccessInput, AccessLog, LoggedEvent } from "../access/access-log-service.ts";
import { findSubjectsById } from "../access/access-store.ts";
import type { AccessSubjects, KnownSubject } from "../access/access-subject-service.ts";
import { encodeBase64url } from "../crypto/base64.ts";
import { sha256Base64url } from "../crypto/hash.ts";
import type { JsonObject } from "../crypto/json.ts";
import { formatSdJwt } from "../crypto/sd-jwt.ts";
import { selectDisclosures } from "../crypto/sd-jwt-selection.ts";
import { AttestryError } from "../errors.ts";
import { SHARE_EVIDENCE_SECONDS, SHARE_WRONG_CODES_MAX } from "../limits.ts";
import { disclosedFields } from "../records/disclosed-fields.ts";
import type { EvidenceFile, EvidenceService } from "../records/evidence-service.ts";
import type { RecordSealer } from "../records/record-sealer.ts";
import { findHeads, getRecord, type RecordRow } from "../records/record-store.ts";
import { openSecrets, readFullData, readOwnPayload } from "../records/record-view.ts";
import { subjectOfRecord } from "../records/subject.ts";
import type { SubjectService } from "../records/subjects/subject-service.ts";
import type { CompiledDefinition } from "../registries/compiled-definition.ts";
import { isCovered } from "../registries/disclosure-rules.ts";
import type { RegistryService } from "../registries/registry-service.ts";
import type { Database } from "../storage/database.ts";
import { runTransaction } from "../storage/transaction.ts";
import { shareAddress } from "../verification/presentation.ts";
import type { Presenter } from "./presentation-service.ts";
import { findOpeningRefusal, isAsSigned, isShareId, readShareCode, shareUnknown } from "./share.ts";
import type { GuardedShare } from "./share-guard.ts";
import type { ShareContent, ShareSealer } from "./share-sealer.ts";
import { countWrongCode, findShares, lockShare, type StoredShare } from "./share-store.ts";

export interface ShareOpening {
  readonly id: string;
  /** As somebody wrote it. */
  readonly code: string;
  /** The same again is the same opening, for an hour. */
  readonly requestId?: string | undefined;
}

/** What is shown of it. Times in Unix seconds. */
export interface OpenedShare {
  readonly id: string;
  readonly registry: string;
  /** The definition that the version was made under. */
  readonly compiled: CompiledDefinition;
  readonly version: number;
  readonly recipient: string;
  readonly purpose: string;
  readonly expiresAt: number;
  readonly isOneTime: boolean;
  /** Names of the fields that are shown; and the data with them, beside what stands open in every token. */
  readonly fields: readonly string[];
  readonly data: JsonObject;
  /** What the person signed off (attestry-share+jwt). */
  readonly terms: string;
  readonly reading: { readonly commitment: string; readonly index: number };
  readonly evidence: EvidenceFile;
}

export interface ShareOpeningService {
  /**
   * Throws `share_unknown` alike for no such link, a wrong code and one that is closed; for who has the right code `share_ended`,
   * `share_expired`, `share_used`, `share_record_unavailable`, `request_id_reused`, and what the access log throws.
   */
  open(opening: ShareOpening): Promise<OpenedShare>;
}

interface Proven {
  readonly share: StoredShare;
  readonly person: KnownSubject;
  readonly content: ShareContent;
}

interface Chosen {
  readonly row: RecordRow;
  readonly disclosures: readonly string[];
  readonly fields: readonly string[];
}

const REQUEST_ID = /^[\x21-\x7e]{8,100}$/;
const ID_BYTES = 16;

function unavailable(): AttestryError {
  return new AttestryError(
    "share_record_unavailable",
    "the record is not in force now, was erased, or is not the person's any more",
  );
}

/** `entity`: the name that the node's records have. */
export function createShareOpenings(deps: {
  readonly entity: string;
  readonly database: Database;
  readonly registries: Pick<RegistryService, "getCurrent" | "getVersion">;
  readonly subjects: Pick<SubjectService, "findOwnRecords">;
  readonly accessSubjects: Pick<AccessSubjects, "open">;
  readonly accessLog: Pick<AccessLog<GuardedShare>, "append" | "confirm">;
  readonly sealer: RecordSealer;
  readonly shareSealer: ShareSealer;
  readonly evidences: Pick<EvidenceService, "assemble">;
  readonly presenter: Pick<Presenter, "present">;
  readonly clock: () => number;
  readonly random: (length: number) => Uint8Array;
}): ShareOpeningService {
  const { entity, database, registries, shareSealer, clock, random } = deps;

  /** Who has the code. One guess after another: however many come at once, no more are judged than may be wrong. */
  async function prove(id: string, code: string): Promise<Proven | undefined> {
    const known = (await findShares(database.sql, [id])).get(id);
    const [stored] = known ? await findSubjectsById(database, [known.subject]) : [];
    const person = stored && deps.accessSubjects.open(stored);
    return runTransaction(database, async (tx) => {
      const share = await lockShare(tx, id);
      if (!share || !person || share.wrongCodes >= SHARE_WRONG_CODES_MAX) return undefined;
      const content = shareSealer.open(person, share);
      if (shareSealer.isCode(person, id, code, content.code)) return { share, person, content };
      await countWrongCode(tx, id);
      return undefined;
    });
  }

  /** What of the record is shown, as it is now. What is sealed decides whose it is, not the index. */
  async function choose({ share, person, content }: Proven): Promise<Chosen> {
    const { registry, rid } = share;
    const { records } = await deps.subjects.findOwnRecords({ [person.claim]: person.value }, registry);
    if (!records.some((one) => one.rid === rid)) throw unavailable();
    const row = await getRecord(database, { registry, rid, version: undefined });
    if (row.record.state !== "active") throw unavailable();
    const all = openSecrets(deps.sealer, row).secrets.disclosures;
    const data = readFullData(row.version.jwt, all);
    const { claim, value } = subjectOfRecord(await registries.getCurrent(registry), { rid, data });
    if (claim !== person.claim || value !== person.value) throw unavailable();
    const payload = readOwnPayload(row.version.jwt);
    const disclosures = selectDisclosures({
      payload,
      disclosures: all,
      isChosen: ([member, ...path]) => member === "data" && isCovered(path.join("."), content.fields),
    });
    // In no order that a token's shuffled digests tell.
    const fields = disclosedFields(payload, disclosures).toSorted();
    if (fields.length === 0) throw unavailable();
    return { row, disclosures, fields };
  }

  async function log(
    { share, person, content }: Proven,
    { row, fields }: Chosen,
    { requestId, reading }: { requestId: string; reading: string },
  ): Promise<LoggedEvent> {
    const { id, registry, rid, isOneTime } = share;
    const terms = sha256Base64url(content.terms);
    const said: AccessContent = {
      action: "open",
      by: { share: id },
      records: [{ registry, rid, version: row.version.version }],
      fields,
      purpose: content.purpose,
      basis: { share: id, terms },
      request: sha256Base64url(`attestry/share-opening/v1\n${id}\n${requestId}`),
      share: { id, with: content.recipient, state: isOneTime ? "used" : "open", terms },
    };
    const guarded: GuardedShare = { kind: "open-share", id, reading };
    const input: AccessInput<GuardedShare> = {
      subject: person,
      operation: "read",
      content: said,
      request: reading,
      guarded,
    };
    const [first] = await deps.accessLog.append([input]);
    const isRepeated = first instanceof AttestryError && first.code === "reading_repeated";
    const outcome = isRepeated ? (await deps.accessLog.confirm([input]))[0] : first;
    if (outcome instanceof AttestryError) throw outcome;
    return outcome!;
  }

  return {
    async open({ id, code: written, requestId = encodeBase64url(random(ID_BYTES)) }) {
      if (!REQUEST_ID.test(requestId))
        throw new AttestryError("request_invalid", "request_id must be 8 to 100 visible characters");
      const code = readShareCode(written);
      // What can be no code is no guess.
      const proven = isShareId(id) && code !== undefined ? await prove(id, code) : undefined;
      if (!proven) throw shareUnknown();
      const { share, person, content } = proven;
      const reading = readingKey({ consumer: `share ${id}`, requestId, subject: person.id });
      const refusal = findOpeningRefusal(share, reading, clock());
      if (refusal) throw refusal;
      if (!isAsSigned(share, content.terms)) throw unavailable();
      const chosen = await choose(proven).catch((error: unknown) => {
        // Erased, or its registry is gone, since it was found.
        const isGone = error instanceof AttestryError && /^(record|registry)_/.test(error.code);
        throw isGone ? unavailable() : error;
      });
      const event = await log(proven, chosen, { requestId, reading });
      // What was suspended or erased meanwhile shows nothing.
      const head = (await findHeads(database, [share.rid])).get(share.rid);
      if (head?.state !== "active") throw unavailable();
      const { row, disclosures, fields } = chosen;
      const token = formatSdJwt(row.version.jwt, disclosures);
      const terms = sha256Base64url(content.terms);
      const [presentation] = await deps.presenter.present([
        {
          token,
          audience: content.entity ?? shareAddress({ issuer: entity, id }),
          nonce: encodeBase64url(random(ID_BYTES)),
          purpose: content.purpose,
          basis: { share: id, terms },
          commitment: event.commitment,
          logIndex: event.logIndex,
          // What is ended is soon shown by nobody who kept the file; who needs it longer opens it again.
          end: { at: Math.min(share.expiresAt, clock() + SHARE_EVIDENCE_SECONDS) },
        },
      ]);
      return {
        id,
        registry: share.registry,
        compiled: await registries.getVersion(share.registry, row.version.definitionVersion),
        version: row.version.version,
        recipient: content.recipient,
        purpose: content.purpose,
        expiresAt: share.expiresAt,
        isOneTime: share.isOneTime,
        fields,
        data: readFullData(row.version.jwt, disclosures),
        terms: content.terms,
        reading: { commitment: event.commitment, index: event.logIndex },
        evidence: {
          ...(await deps.evidences.assemble(row, token, { isForOthers: true, outgoing: false })),
          presentation: presentation!,
        },
      };
    },
  };
}
