// A citizen's own records, consents and looks, for a program that has the citizen's token. Parse, call one service, answer; what is shown is what /me shows.
import type { ConsentService, PersonConsent } from "../consent/consent-service.ts";
import type { Json, JsonObject } from "../crypto/json.ts";
import type { UseCitizenBudget } from "../disclosure/citizen-budget-service.ts";
import type { UsageEntry, UsagePage, UsageService } from "../disclosure/usage-service.ts";
import { AttestryError } from "../errors.ts";
import type { CitizenPortals } from "../federation/citizen-portal-service.ts";
import type { NameParty } from "../federation/party-name-service.ts";
import type { Caller, Citizen } from "../identity/caller.ts";
import type { IdentityService } from "../identity/identity-service.ts";
import { ACCESS_EVENTS_PAGE_MAX } from "../limits.ts";
import type { OwnRecordService } from "../records/subjects/own-record-service.ts";
import type { RegistryService } from "../registries/registry-service.ts";
import { describeConsent } from "./consent-routes.ts";
import { declareOperation, jsonAnswer, type Schema } from "./operation.ts";
import { createOperationRoutes, type OperationRoutes } from "./operation-routes.ts";
import { ACCEPT_LANGUAGE } from "./parameters.ts";
import { answerPortals } from "./portal-origins.ts";
import { readLanguages } from "./request.ts";

const CONTACTS = {
  type: "array",
  items: { type: "string" },
  description: "Whom to ask where something is missing or wrong: also where a sign-in fits nobody, or several.",
} as const;
const DEFINITIONS = {
  type: "object",
  additionalProperties: { type: "integer", minimum: 1 },
  description:
    "By registry, the version of its definition of today, which says what its fields and purposes are called.",
} as const;
const PARTIES = {
  type: "object",
  additionalProperties: { type: "string" },
  description: "What departments call themselves, by entity identifier, as far as this node knows.",
} as const;
const NODE = {
  node: { type: "string", description: "The name that the node's records have." },
  organization: { type: "string" },
  contacts: CONTACTS,
  definitions: DEFINITIONS,
} as const;
const EXAMPLE = {
  node: "https://civil.example",
  organization: "Civil Registry Office",
  contacts: ["help@civil.example"],
  definitions: { persons: 1 },
};

function closed(properties: Record<string, Schema>, optional: readonly string[] = []): Schema {
  const required = Object.keys(properties).filter((name) => !optional.includes(name));
  return { type: "object", additionalProperties: false, required, properties };
}

const listOwnRecords = declareOperation({
  id: "listOwnRecords",
  method: "get",
  path: "/me/api/records",
  tag: "Own data",
  summary: "One's own records",
  description:
    "With all that they say. Looking is an entry of the person's own access log. Where the sign-in fits nobody, or several, there is none.",
  actions: ["own.read"],
  headers: { "accept-language": ACCEPT_LANGUAGE },
  responses: {
    200: jsonAnswer({
      description: "All of them.",
      schema: closed({ ...NODE, records: { type: "array", items: { $ref: "record.schema.json" } } }),
      example: { ...EXAMPLE, records: [] },
    }),
  },
  errors: ["reading_budget_exceeded", "log_overloaded"],
});

const listOwnConsents = declareOperation({
  id: "listOwnConsents",
  method: "get",
  path: "/me/api/consents",
  tag: "Own data",
  summary: "What one was asked to allow, and what one decided",
  description: "Also of children whom the person acts for. It is decided at the node's own pages.",
  actions: ["own.read"],
  responses: {
    200: jsonAnswer({
      description: "All of them.",
      schema: closed({
        ...NODE,
        parties: PARTIES,
        consents: {
          type: "array",
          items: closed(
            {
              consent: { $ref: "consent.schema.json" },
              page: { type: "string", format: "uri", description: "Where it is decided." },
              own: { type: "boolean", description: "false of one for somebody whom the person acts for." },
              subject: { type: "string", description: "For whom, where that is not the person." },
            },
            ["subject"],
          ),
        },
      }),
      example: { ...EXAMPLE, parties: {}, consents: [] },
    }),
  },
  errors: ["reading_budget_exceeded"],
});

const listOwnLooks = declareOperation({
  id: "listOwnLooks",
  method: "get",
  path: "/me/api/usage",
  tag: "Own data",
  summary: "Who looked at one's data, and what one decided",
  description: "Newest first. Looks that a law keeps secret for now are counted.",
  actions: ["own.read"],
  query: {
    before: {
      description: "Of the page before: `next`.",
      schema: { type: "integer", minimum: 0 },
      example: 4711,
    },
    limit: {
      description: `Looks on a page, ${ACCESS_EVENTS_PAGE_MAX} unless given.`,
      schema: { type: "integer", minimum: 1, maximum: ACCESS_EVENTS_PAGE_MAX, default: ACCESS_EVENTS_PAGE_MAX },
      example: 20,
    },
  },
  responses: {
    200: jsonAnswer({
      description: "A page of them.",
      schema: closed(
        {
          ...NODE,
          parties: PARTIES,
          looks: {
            type: "array",
            items: closed(
              {
                index: { type: "integer", description: "Entry of the access log." },
                number: { type: "integer", description: "Among those of the person, without gaps." },
                at: { type: "integer", description: "Unix seconds." },
                action: { type: "string" },
                by: { type: "object", description: "A node, staff under a pseudonym and role, or a person." },
                records: {
                  type: "array",
                  items: closed(
                    { registry: { type: "string" }, rid: { type: "string" }, version: { type: "integer" } },
                    ["version"],
                  ),
                },
                fields: { type: "array", items: { type: "string" }, description: "Names, never values." },
                purpose: { type: "string" },
                case: { type: "string" },
                basis: { type: "object" },
                consent: { type: "string", description: "The consent that was decided." },
                question: { type: "object", description: "Of a yes or no: registry, kind, and since how many years." },
                share: { type: "object", description: "Of what was shared: its id, and with whom in one's own words." },
                own: { type: "boolean", description: "false where it is about somebody whom the person acts for." },
              },
              ["purpose", "case", "basis", "consent", "question", "share"],
            ),
          },
          delayed: closed({ count: { type: "integer" }, until: { type: "integer" } }, ["until"]),
          next: { type: "integer", description: "`before` of the next page; left out on the last one." },
        },
        ["next"],
      ),
      example: { ...EXAMPLE, parties: {}, looks: [], delayed: { count: 0 } },
    }),
  },
  errors: ["reading_budget_exceeded"],
});

function describeLook(entry: UsageEntry): JsonObject {
  const { logIndex, number, at, action, by, records, fields, purpose, basis, consent, question, share, isOwn } = entry;
  return {
    index: logIndex,
    number,
    at,
    action,
    by: by as unknown as Json,
    records: records as unknown as Json,
    fields: [...fields],
    ...(purpose !== undefined && { purpose }),
    ...(entry.case !== undefined && { case: entry.case }),
    ...(basis !== undefined && { basis: basis as unknown as Json }),
    ...(consent !== undefined && { consent: consent.id }),
    ...(question !== undefined && { question: { ...question } }),
    ...(share !== undefined && { share: { id: share.id, with: share.with } }),
    own: isOwn,
  };
}

function describeDelayed({ count, until }: UsagePage["delayed"]): JsonObject {
  return { count, ...(until !== undefined && { until }) };
}

/** `names`: the name that the node's records have. */
export function createOwnDataRoutes(deps: {
  identity: IdentityService;
  portals: CitizenPortals;
  useCitizenBudget: UseCitizenBudget;
  ownRecords: Pick<OwnRecordService, "list">;
  consents: Pick<ConsentService, "list">;
  usage: Pick<UsageService, "list">;
  registries: Pick<RegistryService, "getCurrent">;
  nameParty: NameParty;
  entity: string;
  names: string;
  organizationName: string;
  contacts: readonly string[];
}): OperationRoutes {
  const routes = createOperationRoutes(deps);
  const { entity, names, organizationName, contacts } = deps;
  routes.use("/me/api/*", answerPortals(deps.portals));

  async function admit(caller: Caller): Promise<Citizen> {
    if (caller.kind !== "citizen")
      throw new AttestryError("permission_denied", "this is for citizens, about themselves");
    await deps.useCitizenBudget(caller);
    return caller;
  }

  async function describeNode(about: readonly string[]): Promise<JsonObject> {
    const versions = await Promise.all(
      [...new Set(about)].map(async (registry): Promise<[string, number][]> => {
        // One that was retired still stands in old looks.
        const compiled = await deps.registries.getCurrent(registry).catch(() => undefined);
        return compiled ? [[registry, compiled.version]] : [];
      }),
    );
    return {
      node: names,
      organization: organizationName,
      contacts: [...contacts],
      definitions: Object.fromEntries(versions.flat()),
    };
  }

  async function nameParties(entities: readonly string[]): Promise<Record<string, string>> {
    const named = await Promise.all(
      [...new Set(entities)].map(async (one): Promise<[string, string][]> => {
        const name = await deps.nameParty(one);
        return name === undefined ? [] : [[one, name]];
      }),
    );
    return Object.fromEntries(named.flat());
  }

  const describeOwn = (consent: PersonConsent): JsonObject => ({
    consent: describeConsent(names, consent),
    page: `${entity}/me/consents/${consent.id}`,
    own: consent.isOwn,
    ...(!consent.isOwn && { subject: consent.subject.value }),
  });

  routes.handle(listOwnRecords, async ({ context, caller }) => {
    const citizen = await admit(caller);
    const records = await deps.ownRecords.list(citizen, readLanguages(context));
    const node = await describeNode(records.map(({ registry }) => registry));
    return context.json({ ...node, records: records as unknown as Json });
  });

  routes.handle(listOwnConsents, async ({ context, caller }) => {
    const consents = await deps.consents.list(await admit(caller));
    const [node, parties] = await Promise.all([
      describeNode(consents.map(({ registry }) => registry)),
      nameParties(consents.map(({ consumer }) => consumer)),
    ]);
    return context.json({ ...node, parties, consents: consents.map(describeOwn) });
  });

  routes.handle(listOwnLooks, async ({ context, caller, query }) => {
    const { before, limit } = query;
    const { entries, delayed, next } = await deps.usage.list(await admit(caller), { before, limit });
    const [node, parties] = await Promise.all([
      describeNode(entries.flatMap(({ records }) => records.map(({ registry }) => registry))),
      nameParties(entries.flatMap(({ by }) => ("entity" in by ? by.entity : []))),
    ]);
    const looks = entries.map(describeLook);
    const delay = describeDelayed(delayed);
    return context.json({ ...node, parties, looks, delayed: delay, ...(next !== undefined && { next }) });
  });

  return routes;
}
