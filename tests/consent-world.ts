// A civil registry that keeps people, and a welfare office that asks about them: two nodes below one anchor, over real HTTP. Test code only.
import type { Json, JsonObject } from "../src/crypto/json.ts";
import type { AskedConsentState } from "../src/resolution/consent-client.ts";
import type { Resolution, ResolveAccess } from "../src/resolution/resolution-service.ts";
import { startTestNode, type TestNode } from "./node-fixture.ts";

export const PURPOSE = "benefit-decision";
export const LAW = "Social Security Act, section 12";
const DAY = 86_400;

export const PERSONS: JsonObject = {
  name: "persons",
  type: "persons",
  title: { en: "Persons", hi: "व्यक्ति" },
  access: "consent",
  display: "{name}",
  subject: { field: "national_id", claim: "national_id", one: true },
  purposes: [
    {
      code: PURPOSE,
      title: { en: "Deciding on a benefit", hi: "लाभ पर निर्णय" },
      notice: {
        en: "The office reads this to decide on your application.",
        hi: "कार्यालय आपके आवेदन पर निर्णय के लिए यह पढ़ता है।",
      },
      fields: ["name", "born", "address"],
      days_max: 400,
    },
    "statistics",
  ],
  schema: {
    type: "object",
    additionalProperties: false,
    required: ["national_id", "name", "born"],
    properties: {
      national_id: {
        type: "string",
        "x-unique": true,
        "x-search": "exact",
        "x-title": { en: "National number", hi: "राष्ट्रीय संख्या" },
      },
      name: { type: "string", "x-title": { en: "Name", hi: "नाम" } },
      born: { type: "string", format: "date", "x-title": { en: "Date of birth", hi: "जन्म तिथि" } },
      address: {
        type: "object",
        additionalProperties: false,
        properties: { street: { type: "string" }, city: { type: "string" } },
      },
      phone: { type: "string" },
    },
  },
};

export const BIRTHS: JsonObject = {
  name: "births",
  type: "births",
  title: "Births",
  access: "consent",
  subject: { field: "child_id", claim: "national_id" },
  guardianship: { child: "child_id", guardians: ["mother_id", "father_id"], born: "born", claim: "national_id" },
  schema: {
    type: "object",
    additionalProperties: false,
    required: ["child_id", "born"],
    properties: {
      child_id: { type: "string" },
      mother_id: { type: "string" },
      father_id: { type: "string" },
      born: { type: "string", format: "date" },
    },
  },
};

type NodeOptions = NonNullable<Parameters<typeof startTestNode>[0]>;

export interface ConsentWorld {
  readonly anchor: TestNode;
  readonly civil: TestNode;
  readonly welfare: TestNode;
  /** Another member, which was given nothing. */
  readonly tax: TestNode;
  addPerson(data: JsonObject): Promise<{ readonly rid: string; readonly href: string }>;
  /** Asks as welfare, with what is given in place of the usual. */
  ask(nationalId: string, changes?: Record<string, Json>): Promise<AskedConsentState>;
  /** As the person of that number. */
  person(nationalId: string): { readonly claims: Readonly<Record<string, string>> };
  /** Resolves as welfare's clerk. */
  resolve(
    href: string,
    access?: Partial<ResolveAccess> & { consentIds?: readonly string[] },
    from?: TestNode,
  ): Promise<Resolution>;
  close(): Promise<void>;
}

export const now = () => Math.floor(Date.now() / 1_000);

let asked = 0;

/** `clock`: of the civil registry. */
export async function startConsentWorld(
  options: {
    clock?: () => number;
    bases?: (welfare: string, tax: string) => Json[];
    /** What else the registry of persons says. */
    persons?: JsonObject;
    /** What else the nodes are started with. */
    anchor?: NodeOptions;
    civil?: NodeOptions;
    welfare?: NodeOptions;
  } = {},
): Promise<ConsentWorld> {
  const anchor = await startTestNode(options.anchor);
  const types = ["persons", "births", "applications"];
  const member = { superiors: [anchor.entity], anchors: [anchor.pin(types)] };
  const [civil, welfare, tax] = await Promise.all([
    startTestNode({ ...member, ...(options.clock && { clock: options.clock }), ...options.civil }),
    startTestNode({ ...member, ...options.welfare }),
    startTestNode(member),
  ]);
  await anchor.node.federation.acceptSubordinate({ entity: civil.entity, registryTypes: ["persons", "births"] });
  await anchor.node.federation.acceptSubordinate({ entity: welfare.entity, registryTypes: ["applications"] });
  await anchor.node.federation.acceptSubordinate({ entity: tax.entity, registryTypes: [] });
  const bases = options.bases?.(welfare.entity, tax.entity);
  for (const definition of [{ ...PERSONS, ...options.persons, ...(bases && { bases }) }, BIRTHS]) {
    const answer = await civil.publish(definition);
    if (answer.status !== 201) throw new Error(answer.text);
  }
  const registrar = await civil.token("registrar");
  const clerk = { [welfare.entity]: await welfare.token("reader"), [tax.entity]: await tax.token("reader") };

  return {
    anchor,
    civil,
    welfare,
    tax,
    async addPerson(data) {
      const answer = await civil.request("POST", "/registries/persons/records", { token: registrar, json: { data } });
      if (answer.status !== 201) throw new Error(answer.text);
      return { rid: answer.body.rid as string, href: answer.body.href as string };
    },
    ask: (nationalId, changes = {}) =>
      welfare.node.consentClient.request(civil.entity, {
        request_id: `request-${++asked}`,
        registry: "persons",
        subject: { claim: "national_id", value: nationalId },
        purpose: PURPOSE,
        fields: ["name", "born"],
        expires_at: now() + 30 * DAY,
        case: "W-42",
        ...changes,
      } as never),
    person: (nationalId) => ({ claims: { national_id: nationalId } }),
    async resolve(href, { consentIds = [], ...access } = {}, from = welfare) {
      const answer = await from.request("POST", "/resolve", {
        token: clerk[from.entity]!,
        json: {
          references: [href],
          access: JSON.parse(
            JSON.stringify({
              purpose: access.purpose ?? PURPOSE,
              request_id: access.requestId,
              fields: access.fields,
              case: access.case,
              consents: consentIds.map((id) => `${civil.entity}/consents/${id}`),
            }),
          ) as JsonObject,
        },
      });
      if (answer.status !== 200) throw new Error(answer.text);
      return answer.body as unknown as Resolution;
    },
    async close() {
      for (const node of [tax, welfare, civil, anchor]) await node.close();
    },
  };
}
