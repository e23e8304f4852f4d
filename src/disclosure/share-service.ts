// A person shares fields of an own record by a link and a code, sees what became of it, and ends it. Each decision is an event of the access log.
import type { AccessContent } from "../access/access-event.ts";
import type { AccessLog } from "../access/access-log-service.ts";
import type { AccessSubjects, KnownSubject } from "../access/access-subject-service.ts";
import { sha256Base64url } from "../crypto/hash.ts";
import type { JsonObject } from "../crypto/json.ts";
import { signJws } from "../crypto/jws.ts";
import type { Signer } from "../crypto/signer.ts";
import { AttestryError } from "../errors.ts";
import { parseEntityIdentifier } from "../federation/entity-identifier.ts";
import type { Citizen } from "../identity/caller.ts";
import { SHARES_LISTED_MAX, SHARES_OPEN_PER_PERSON_MAX } from "../limits.ts";
import { disclosedFields } from "../records/disclosed-fields.ts";
import { readOwnPayload } from "../records/record-view.ts";
import { subjectOfRecord } from "../records/subject.ts";
import type { OwnRecord, OwnRecordService } from "../records/subjects/own-record-service.ts";
import type { RegistryService } from "../registries/registry-service.ts";
import type { Database } from "../storage/database.ts";
import { shareAddress } from "../verification/presentation.ts";
import {
  checkShareDraft,
  createShareCode,
  isShareId,
  refuseShare,
  SHARE_TYPE,
  type ShareDraft,
  type ShareState,
  shareStateAt,
  shareUnknown,
} from "./share.ts";
import type { GuardedShare } from "./share-guard.ts";
import type { ShareContent, ShareSealer } from "./share-sealer.ts";
import { countOpenShares, findShares, listSharesOf, type StoredShare } from "./share-store.ts";
import type { UsageService } from "./usage-service.ts";

/** What a person shared, as the person sees it. Times in Unix seconds. */
export interface OwnShare extends Omit<ShareDraft, "language"> {
  readonly state: ShareState;
  readonly createdAt: number;
  readonly endedAt: number | undefined;
  readonly openings: number;
  /** When it was opened, the last time first. */
  readonly openedAt: readonly number[];
  /** What was signed off (attestry-share+jwt). */
  readonly terms: string;
}

export interface ShareService {
  /** The code is told this once. Throws `share_invalid`, `record_unknown`, `share_record_unavailable`, `shares_too_many`, `request_id_reused`. */
  create(citizen: Citizen, draft: ShareDraft): Promise<{ readonly share: OwnShare; readonly code: string }>;
  /** The newest first. */
  list(citizen: Citizen): Promise<readonly OwnShare[]>;
  /** Throws `share_unknown`, `share_state_conflict`. */
  end(citizen: Citizen, id: string): Promise<void>;
}

/** Names of what of a record can be shared: its personal fields; what is not personal stands in every token anyway. */
export function shareableFields({ token }: { readonly token: string }): string[] {
  const [jwt, ...disclosures] = token.split("~");
  return disclosedFields(
    readOwnPayload(jwt!),
    disclosures.filter((one) => one !== ""),
  );
}

/** `entity`: the name that the node's records have; `signer`: the record key's. */
export function createShareService(deps: {
  readonly entity: string;
  readonly database: Database;
  readonly registries: Pick<RegistryService, "getCurrent" | "getVersion">;
  readonly ownRecords: Pick<OwnRecordService, "find">;
  readonly usage: Pick<UsageService, "list">;
  readonly accessSubjects: AccessSubjects;
  readonly accessLog: Pick<AccessLog<GuardedShare>, "append">;
  readonly sealer: ShareSealer;
  readonly signer: Signer;
  readonly allowLoopbackHttp: boolean;
  readonly clock: () => number;
  readonly random: (length: number) => Uint8Array;
}): ShareService {
  const { entity, database, registries, accessSubjects, sealer, clock } = deps;

  function checkEntity(recipient: string | undefined): void {
    if (recipient === undefined) return;
    try {
      parseEntityIdentifier(recipient, deps);
    } catch (error) {
      if (error instanceof AttestryError) throw refuseShare("entity", "must be an entity identifier");
      throw error;
    }
  }

  async function signTerms(draft: ShareDraft, { row, view }: Pick<OwnRecord, "row" | "view">, now: number) {
    const { definition, vct, integrity } = await registries.getVersion(draft.registry, row.version.definitionVersion);
    const payload = {
      iss: entity,
      iat: now,
      jti: draft.id,
      aud: draft.entity ?? shareAddress({ issuer: entity, id: draft.id }),
      registry: draft.registry,
      rtype: definition.type,
      vct,
      "vct#integrity": integrity,
      rid: view.rid,
      fields: [...draft.fields],
      recipient: draft.recipient,
      purpose: draft.purpose,
      nbf: now,
      exp: draft.expiresAt,
      one_time: draft.isOneTime,
      language: draft.language,
      given_by: { kind: "subject" },
    };
    return signJws({ signer: deps.signer, typ: SHARE_TYPE, payload: payload as unknown as JsonObject });
  }

  /** A decision of the person, in the log's order. */
  async function log(
    person: KnownSubject,
    { share, content, guarded }: { share: Omit<StoredShare, "logIndex">; content: ShareContent; guarded: GuardedShare },
  ): Promise<number> {
    const { id, registry, rid } = share;
    const { fields, purpose, recipient, terms } = content;
    const isNew = guarded.kind === "share";
    const said: AccessContent = {
      action: isNew ? "share" : "end-share",
      by: { citizen: "subject" },
      records: [{ registry, rid }],
      fields,
      purpose,
      share: { id, with: recipient, state: isNew ? "open" : "ended", terms: sha256Base64url(terms) },
    };
    const [outcome] = await deps.accessLog.append([{ subject: person, operation: "consent", content: said, guarded }]);
    if (outcome instanceof AttestryError) throw outcome;
    return outcome!.logIndex;
  }

  function describe(row: StoredShare, content: ShareContent, openedAt: readonly number[]): OwnShare {
    const { id, registry, rid, createdAt, expiresAt, isOneTime, endedAt, openings } = row;
    const { fields, recipient, purpose, terms } = content;
    return {
      ...{ id, registry, rid, createdAt, expiresAt, isOneTime, openings, fields, recipient, purpose, terms, openedAt },
      entity: content.entity,
      endedAt: endedAt ?? undefined,
      state: shareStateAt(row, clock()),
    };
  }

  const findPeople = async ({ claims }: Pick<Citizen, "claims">): Promise<Map<string, KnownSubject>> => {
    const found = await Promise.all(
      Object.entries(claims).map(([claim, value]) => accessSubjects.find({ claim, value })),
    );
    return new Map(found.flatMap((one) => (one ? [[one.id, one]] : [])));
  };

  /** When each was opened, as the person's own events tell. */
  async function listOpenings(citizen: Citizen): Promise<Map<string, number[]>> {
    const opened = new Map<string, number[]>();
    const { entries } = await deps.usage.list(citizen, { consumer: "shared" });
    for (const { basis, at } of entries)
      if (basis && "share" in basis) opened.set(basis.share, [...(opened.get(basis.share) ?? []), at]);
    return opened;
  }

  return {
    async create(citizen, draft) {
      const now = clock();
      checkShareDraft(draft, now);
      checkEntity(draft.entity);
      const own = await deps.ownRecords.find(citizen, draft);
      const compiled = await registries.getCurrent(draft.registry);
      if (own.view.state !== "active")
        throw new AttestryError(
          "share_record_unavailable",
          `the record is ${own.view.state}; only one in force is shared`,
        );
      const shareable = shareableFields(own.view);
      if (!draft.fields.every((field) => shareable.includes(field)))
        throw refuseShare("fields", "names one that the record does not have");
      const [person] = await accessSubjects.ensure([
        subjectOfRecord(compiled, { rid: draft.rid, data: own.view.data }),
      ]);
      if ((await countOpenShares(database, { subject: person!.id, now })) >= SHARES_OPEN_PER_PERSON_MAX)
        throw new AttestryError("shares_too_many", `${SHARES_OPEN_PER_PERSON_MAX} of yours are open; end some first`);
      const { id, registry, rid, recipient, purpose, expiresAt, isOneTime } = draft;
      const code = createShareCode(deps.random);
      const content: ShareContent = {
        fields: [...new Set(draft.fields)],
        recipient: recipient.trim(),
        ...(draft.entity !== undefined && { entity: draft.entity }),
        purpose: purpose.trim(),
        code: sealer.hashCode(person!, id, code),
        terms: await signTerms(draft, own, now),
      };
      const share: Omit<StoredShare, "logIndex"> = {
        ...{ id, registry, rid, expiresAt, isOneTime },
        subject: person!.id,
        createdAt: now,
        endedAt: null,
        wrongCodes: 0,
        openings: 0,
        used: null,
        sealed: sealer.seal(person!, id, content),
      };
      const logIndex = await log(person!, { share, content, guarded: { kind: "share", id, row: share } });
      return { share: describe({ ...share, logIndex }, content, []), code };
    },

    async list(citizen) {
      const people = await findPeople(citizen);
      if (people.size === 0) return [];
      const [rows, opened] = await Promise.all([
        listSharesOf(database, { subjects: [...people.keys()], limit: SHARES_LISTED_MAX }),
        listOpenings(citizen),
      ]);
      return rows.map((row) => {
        const content = sealer.open(people.get(row.subject)!, row);
        return describe(row, content, opened.get(row.id) ?? []);
      });
    },

    async end(citizen, id) {
      const share = isShareId(id) ? (await findShares(database.sql, [id])).get(id) : undefined;
      const person = share && (await findPeople(citizen)).get(share.subject);
      if (!person) throw shareUnknown();
      const content = sealer.open(person, share);
      await log(person, { share, content, guarded: { kind: "end-share", id, at: clock() } });
    },
  };
}
