// A civil registry at which citizens sign in by a real provider, with records about them, and a welfare office that asks. Test code only.
import type { JsonObject } from "../src/crypto/json.ts";
import { type ConsentWorld, startConsentWorld } from "./consent-world.ts";
import { freePort } from "./free-port.ts";
import { type PageClient, startTestProvider, type TestProvider } from "./oidc-provider.ts";

export const MEERA = "7310-4482-0916";
export const RAVI = "5528-1937-6640";

export const CITIZENS = {
  meera: { name: "Meera Rao", groups: [], claims: { national_id: MEERA } },
  ravi: { name: "Ravi Iyer", groups: [], claims: { national_id: RAVI } },
  stranger: { name: "Sam Doe", groups: [] },
  rosa: { name: "Rosa Lind", groups: ["registrars"] },
  asha: { name: "Asha Rao", groups: ["readers"] },
};

const said = (en: string, hi: string): JsonObject => ({ en, hi });

/** A registry that explains its fields, in two languages. */
const LICENCES: JsonObject = {
  name: "licences",
  type: "births",
  title: said("Driving licences", "ड्राइविंग लाइसेंस"),
  access: "consent",
  display: "{number}",
  subject: { field: "holder", claim: "national_id" },
  schema: {
    type: "object",
    additionalProperties: false,
    required: ["number", "holder", "valid_to"],
    properties: {
      number: {
        type: "string",
        "x-title": said("Licence number", "लाइसेंस संख्या"),
        "x-description": said("Stands on the front of the card.", "कार्ड के आगे लिखी है।"),
      },
      holder: { type: "string", "x-title": said("National number of the holder", "धारक की राष्ट्रीय संख्या") },
      valid_to: {
        type: "string",
        format: "date",
        "x-title": said("Valid to", "मान्य है"),
        "x-description": said("The last day on which you may drive with it.", "इससे गाड़ी चलाने का अंतिम दिन।"),
      },
    },
  },
};

/** One record a person, and yet two match one person. */
const PENSIONS: JsonObject = {
  name: "pensions",
  type: "births",
  title: said("Pensions", "पेंशन"),
  access: "consent",
  display: "{number}",
  subject: { field: "owner", claim: "national_id", one: true },
  schema: {
    type: "object",
    additionalProperties: false,
    required: ["number", "owner"],
    properties: { number: { type: "string" }, owner: { type: "string" } },
  },
};

export interface MeWorld extends ConsentWorld {
  readonly provider: TestProvider;
  readonly entity: string;
  /** By registry. */
  readonly meera: { readonly persons: string; readonly personsHref: string; readonly licence: string };
  readonly ravi: { readonly persons: string };
}

type NodeFile = NonNullable<NonNullable<NonNullable<Parameters<typeof startConsentWorld>[0]>["civil"]>["config"]>;

/** `anchor`, `civil`, `welfare`: what else the nodes are started with. `pageClients`: further ones of the provider. */
export async function startMeWorld(
  options: {
    anchor?: NonNullable<Parameters<typeof startConsentWorld>[0]>["anchor"];
    civil?: Partial<ReturnType<NodeFile>>;
    /** Of the civil registry. */
    clock?: () => number;
    welfare?: (issuer: string) => NonNullable<Parameters<typeof startConsentWorld>[0]>["welfare"];
    pageClients?: readonly PageClient[];
  } = {},
): Promise<MeWorld> {
  const port = await freePort();
  const entity = `http://127.0.0.1:${port}`;
  const client: PageClient = {
    id: "civil-pages",
    redirectUris: [`${entity}/sign-in/callback`],
    signedOutUris: [`${entity}/me/sign-in`],
  };
  const provider = await startTestProvider({
    accounts: CITIZENS,
    pageClients: [client, ...(options.pageClients ?? [])],
  });
  const world = await startConsentWorld({
    ...(options.anchor && { anchor: options.anchor }),
    ...(options.clock && { clock: options.clock }),
    civil: {
      port,
      config: () => ({
        organization_name: "Civil Registry Office",
        contacts: ["help@civil.example"],
        // Where nobody listens: what is chosen counts, not what comes of it.
        notifications: [{ url: "http://127.0.0.1:9/hook", events: ["consent_requested", "reading"] }],
        ...options.civil,
        sign_in: {
          issuers: [
            {
              issuer: provider.issuer,
              title: "My Identity",
              roles_claim: "groups",
              roles: [
                { value: "registrars", role: "registrar", registries: ["persons"] },
                { value: "readers", role: "reader" },
              ],
              citizen_claims: ["national_id"],
              client: { id: client.id },
            },
          ],
        },
      }),
    },
    welfare: options.welfare?.(provider.issuer) ?? {
      config: () => ({ organization_name: "Department of Social Welfare" }),
    },
  });
  const { civil } = world;
  const registrar = await civil.token("registrar");
  const add = async (registry: string, data: JsonObject): Promise<string> => {
    const answer = await civil.request("POST", `/registries/${registry}/records`, { token: registrar, json: { data } });
    if (answer.status !== 201) throw new Error(answer.text);
    return answer.body.rid as string;
  };
  for (const definition of [LICENCES, PENSIONS]) {
    const answer = await civil.publish(definition);
    if (answer.status !== 201) throw new Error(answer.text);
  }
  const meera = await world.addPerson({
    national_id: MEERA,
    name: "Meera Rao",
    born: "1988-03-07",
    address: { street: "Lake Road 12", city: "Northmarch" },
    phone: "555-0101",
  });
  const ravi = await world.addPerson({ national_id: RAVI, name: "Ravi Iyer", born: "1979-11-30" });
  const licence = await add("licences", { number: "DL-2044", holder: MEERA, valid_to: "2031-05-01" });
  for (const number of ["P-1", "P-2"]) await add("pensions", { number, owner: MEERA });
  return {
    ...world,
    provider,
    entity,
    meera: { persons: meera.rid, personsHref: meera.href, licence },
    ravi: { persons: ravi.rid },
    async close() {
      await world.close();
      await provider.stop();
    },
  };
}
