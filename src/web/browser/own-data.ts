// What a department says of a citizen's own data, in the form that the page shows: whatever is not of that form throws. Pure; the values are untrusted.

import type { ConsentState } from "../../consent/consent.ts";
import type { PersonConsent } from "../../consent/consent-service.ts";
import { isJsonObject, type Json, type JsonObject } from "../../crypto/json.ts";
import type { UsageEntry } from "../../disclosure/usage-service.ts";

/** As much of a record as is shown. */
export interface OwnRecord {
  readonly registry: string;
  readonly rid: string;
  readonly display: string;
  readonly state: string;
  readonly data: JsonObject;
}

/** As much of a permission as is shown. */
export type OwnConsent = Pick<
  PersonConsent,
  | "id"
  | "state"
  | "consumer"
  | "registry"
  | "purpose"
  | "fields"
  | "requestedFields"
  | "startsAt"
  | "expiresAt"
  | "oneTime"
  | "isOwn"
> & { readonly decidedAt: number | undefined; readonly subject: string | undefined };

/** As much of a look as is shown. */
export type OwnLook = Pick<
  UsageEntry,
  "action" | "by" | "records" | "fields" | "purpose" | "case" | "basis" | "consent" | "at" | "isOwn" | "logIndex"
>;

const STATES: readonly ConsentState[] = [
  "requested",
  "given",
  "refused",
  "paused",
  "withdrawn",
  "expired",
  "invalidated",
];

function refuse(what: string): never {
  throw new Error(`${what} is not what it should be`);
}

function text(value: Json | undefined, what: string): string {
  return typeof value === "string" ? value : refuse(what);
}

function optionalText(value: Json | undefined, what: string): string | undefined {
  return value === undefined ? undefined : text(value, what);
}

function whole(value: Json | undefined, what: string): number {
  // Within what a Date can tell.
  return Number.isSafeInteger(value) && Math.abs(value as number) < 8.64e12 ? (value as number) : refuse(what);
}

function object(value: Json | undefined, what: string): JsonObject {
  return isJsonObject(value) ? value : refuse(what);
}

function list(value: Json | undefined, what: string): readonly Json[] {
  return Array.isArray(value) ? value : refuse(what);
}

const texts = (value: Json | undefined, what: string): string[] => list(value, what).map((one) => text(one, what));

export function parseNode(answer: JsonObject): {
  readonly organization: string;
  readonly contacts: readonly string[];
  readonly definitions: ReadonlyMap<string, number>;
  readonly parties: ReadonlyMap<string, string>;
} {
  const { organization, contacts, definitions, parties = {} } = answer;
  const membersOf = (value: Json, what: string) => Object.entries(object(value, what));
  return {
    organization: text(organization, "organization"),
    contacts: texts(contacts, "contacts"),
    definitions: new Map(
      membersOf(definitions ?? null, "definitions").map(([name, version]) => [name, whole(version, "version")]),
    ),
    parties: new Map(membersOf(parties, "parties").map(([entity, name]) => [entity, text(name, "name of a party")])),
  };
}

export function parseRecords(value: Json | undefined): readonly OwnRecord[] {
  return list(value, "records").map((one) => {
    const { registry, rid, display, state, data } = object(one, "record");
    return {
      registry: text(registry, "registry"),
      rid: text(rid, "rid"),
      display: text(display, "display"),
      state: text(state, "state"),
      data: object(data, "data"),
    };
  });
}

export function parseConsents(value: Json | undefined): readonly OwnConsent[] {
  return list(value, "consents").map((one) => {
    const { consent, own, subject } = object(one, "consent");
    const said = object(consent, "consent");
    const state = STATES.find((known) => known === said.state) ?? refuse("state of a consent");
    return {
      id: text(said.id, "id"),
      state,
      consumer: text(said.consumer, "consumer"),
      registry: text(said.registry, "registry"),
      purpose: text(said.purpose, "purpose"),
      fields: texts(said.fields, "fields"),
      requestedFields: texts(said.requested_fields, "requested fields"),
      startsAt: whole(said.starts_at, "start"),
      expiresAt: whole(said.expires_at, "end"),
      oneTime: said.one_time === true,
      decidedAt: said.decided_at === undefined ? undefined : whole(said.decided_at, "time of decision"),
      isOwn: own === true,
      subject: optionalText(subject, "subject"),
    };
  });
}

function parseBy(value: Json | undefined): UsageEntry["by"] {
  const by = object(value, "by");
  if (typeof by.entity === "string") return { entity: by.entity };
  if (typeof by.staff === "string") return { staff: by.staff, role: text(by.role, "role") };
  if (by.citizen === "subject" || by.citizen === "guardian") return { citizen: by.citizen };
  if (typeof by.share === "string") return { share: by.share };
  return refuse("by");
}

function parseBasis(value: Json | undefined): UsageEntry["basis"] {
  if (value === undefined) return undefined;
  const basis = object(value, "basis");
  if (typeof basis.law === "string") return { law: basis.law };
  if (typeof basis.consent === "string") return { consent: basis.consent, terms: text(basis.terms, "terms") };
  if (typeof basis.share === "string") return { share: basis.share, terms: text(basis.terms, "terms") };
  if (basis.own === true) return { own: true };
  return basis.office === true ? { office: true } : refuse("basis");
}

function parseQuestion(value: Json | undefined): UsageEntry["question"] {
  if (value === undefined) return undefined;
  const { registry, kind, years } = object(value, "question");
  return {
    registry: text(registry, "registry"),
    kind: text(kind, "kind"),
    ...(years !== undefined && { years: whole(years, "years") }),
  };
}

function parseShare(value: Json | undefined): UsageEntry["share"] {
  if (value === undefined) return undefined;
  const share = object(value, "share");
  return { id: text(share.id, "id"), with: text(share.with, "with"), state: "", terms: "" };
}

function parseLook(value: Json): OwnLook {
  const look = object(value, "look");
  const consent = optionalText(look.consent, "consent");
  const basis = parseBasis(look.basis);
  const [question, share] = [parseQuestion(look.question), parseShare(look.share)];
  const [purpose, matter] = [optionalText(look.purpose, "purpose"), optionalText(look.case, "case")];
  return {
    logIndex: whole(look.index, "index"),
    at: whole(look.at, "time"),
    action: text(look.action, "action"),
    by: parseBy(look.by),
    records: list(look.records, "records").map((one) => {
      const { registry, rid } = object(one, "record");
      return { registry: text(registry, "registry"), rid: text(rid, "rid") };
    }),
    fields: texts(look.fields, "fields"),
    ...(purpose !== undefined && { purpose }),
    ...(matter !== undefined && { case: matter }),
    ...(basis !== undefined && { basis }),
    ...(consent !== undefined && { consent: { id: consent, state: "" } }),
    ...(question !== undefined && { question }),
    ...(share !== undefined && { share }),
    isOwn: look.own === true,
  };
}

export function parseLooks({ looks, delayed }: JsonObject): {
  readonly looks: readonly OwnLook[];
  readonly delayed: { readonly count: number; readonly until: number | undefined };
} {
  const { count, until } = object(delayed, "delayed");
  return {
    looks: list(looks, "looks").map(parseLook),
    delayed: { count: whole(count, "count"), until: until === undefined ? undefined : whole(until, "until") },
  };
}
