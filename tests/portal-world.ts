// A welfare office that is a citizens' portal, and a civil registry that lets such portals ask: two nodes below one anchor, one provider, over real HTTP. Test code only.
import type { JsonObject } from "../src/crypto/json.ts";
import { freePort } from "./free-port.ts";
import { MEERA, type MeWorld, startMeWorld } from "./me-world.ts";

export const PORTAL_MARK = "https://marks.example/citizen-portal";
export const BROWSER_CLIENT = "welfare-elsewhere";

const BENEFITS: JsonObject = {
  name: "benefits",
  type: "applications",
  title: { en: "Benefits", hi: "लाभ" },
  access: "consent",
  display: "{number}",
  subject: { field: "holder", claim: "national_id" },
  schema: {
    type: "object",
    additionalProperties: false,
    required: ["number", "holder"],
    properties: {
      number: { type: "string", "x-title": { en: "Benefit number", hi: "लाभ संख्या" } },
      holder: { type: "string", "x-title": { en: "National number", hi: "राष्ट्रीय संख्या" } },
    },
  },
};

export interface PortalWorld extends MeWorld {
  /** Of the welfare office. */
  readonly portal: string;
  readonly page: string;
}

/** `clock`: of the civil registry. */
export async function startPortalWorld({ clock }: { clock?: () => number } = {}): Promise<PortalWorld> {
  const port = await freePort();
  const portal = `http://127.0.0.1:${port}`;
  const page = `${portal}/me/elsewhere`;
  const world = await startMeWorld({
    anchor: { config: (entity) => ({ trust_mark_issuers: { [PORTAL_MARK]: [entity] } }) },
    civil: { citizen_portal_mark: PORTAL_MARK },
    ...(clock && { clock }),
    welfare: (issuer) => ({
      port,
      config: () => ({
        organization_name: "Department of Social Welfare",
        contacts: ["help@welfare.example"],
        sign_in: {
          issuers: [
            {
              issuer,
              title: "My Identity",
              citizen_claims: ["national_id"],
              client: { id: "welfare-pages" },
              browser_client_id: BROWSER_CLIENT,
            },
          ],
        },
      }),
    }),
    pageClients: [
      { id: "welfare-pages", redirectUris: [`${portal}/sign-in/callback`], signedOutUris: [`${portal}/me/sign-in`] },
      { id: BROWSER_CLIENT, redirectUris: [page], isBrowser: true },
    ],
  });
  const { anchor, welfare } = world;
  const mark = await anchor.node.trustMarks.issue({ type: PORTAL_MARK, subject: portal, seconds: 86_400 });
  await welfare.node.trustMarks.carry(mark.text);
  const published = await welfare.publish(BENEFITS);
  if (published.status !== 201) throw new Error(published.text);
  const registrar = await welfare.token("registrar");
  const json = { data: { number: "B-77", holder: MEERA } };
  const added = await welfare.request("POST", "/registries/benefits/records", { token: registrar, json });
  if (added.status !== 201) throw new Error(added.text);
  return { ...world, portal, page };
}
