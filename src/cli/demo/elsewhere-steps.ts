// The step of the story about a citizen's own data at several departments: one token for each, asked from the page of a node that holds the mark, and refused to every other.
import { encodeBase64url } from "../../crypto/base64.ts";
import { sha256 } from "../../crypto/hash.ts";
import type { JsonObject } from "../../crypto/json.ts";
import { randomBytes } from "../../crypto/random.ts";
import { CITIZEN_SCOPE } from "../../identity/issuer-claims.ts";
import { demand, disproved, parseAnswer } from "./agency.ts";
import { createBrowser } from "./browser-client.ts";
import { fetchFrom } from "./page-origin-client.ts";
import { SEEDED_APPLICATION } from "./people.ts";
import { browserClientOf, DEMO_CITIZENS, type DemoCitizen, PORTAL } from "./sign-in-plan.ts";
import { type DemoFederation, getParty, type Party } from "./start-federation.ts";

interface Endpoints {
  readonly authorization_endpoint: string;
  readonly token_endpoint: string;
}

/** A token for each of these nodes, as the program of the portal's page gets them. */
async function getTokens(
  options: { issuer: string; portal: Party; citizen: DemoCitizen },
  nodes: readonly Party[],
): Promise<string[]> {
  const { issuer, portal, citizen } = options;
  const found = await fetchFrom(portal.entity, `${issuer}/.well-known/openid-configuration`);
  const endpoints = parseAnswer<Endpoints>(found.text);
  const client = { client_id: browserClientOf(PORTAL) ?? "", redirect_uri: `${portal.entity}/me/elsewhere` };
  const verifier = encodeBase64url(randomBytes(32));
  const query = new URLSearchParams({
    ...client,
    response_type: "code",
    response_mode: "fragment",
    scope: CITIZEN_SCOPE,
    state: encodeBase64url(randomBytes(16)),
    code_challenge: encodeBase64url(sha256(verifier)),
    code_challenge_method: "S256",
  });
  for (const { entity } of nodes) query.append("resource", entity);
  const browser = createBrowser();
  const choice = await browser.visit(`${endpoints.authorization_endpoint}?${query}`);
  const back = await browser.visit(choice.url, { account: citizen.id });
  const code = new URLSearchParams(new URL(back.url).hash.slice(1)).get("code");
  demand(code !== null, `after signing in there is no code behind the # of ${back.url.slice(0, 200)}`);
  const tokens: string[] = [];
  let grant: Record<string, string> = { grant_type: "authorization_code", code, code_verifier: verifier };
  for (const { entity } of nodes) {
    const form = { ...client, ...grant, resource: entity };
    const response = await fetchFrom(portal.entity, endpoints.token_endpoint, { form });
    const answer = parseAnswer<JsonObject>(response.text);
    if (typeof answer.access_token !== "string") throw disproved(`no token for ${entity}: status ${response.status}`);
    tokens.push(answer.access_token);
    grant = { grant_type: "refresh_token", refresh_token: String(answer.refresh_token) };
  }
  return tokens;
}

const ask = (node: Party, { origin, token }: { origin: string; token?: string }) =>
  fetchFrom(origin, `${node.entity}/me/api/records`, token === undefined ? { isPreflight: true } : { token });

export async function proveElsewhere(federation: DemoFederation, issuer: string): Promise<string[]> {
  const portal = getParty(federation, PORTAL);
  const welfare = getParty(federation, "welfare");
  const land = getParty(federation, "land-records");
  const [citizen] = DEMO_CITIZENS as [DemoCitizen];
  const [atPortal, atWelfare] = await getTokens({ issuer, portal, citizen }, [portal, welfare]);
  const origin = portal.entity;
  const allowed = await ask(welfare, { origin });
  demand(allowed.status === 204 && allowed.isReadable, `the portal's page may not ask: status ${allowed.status}`);
  const shown = await ask(welfare, { origin, token: atWelfare! });
  demand(
    shown.status === 200 && shown.isReadable && shown.text.includes(SEEDED_APPLICATION),
    `${citizen.name} is not shown the application ${SEEDED_APPLICATION}: status ${shown.status}`,
  );
  const crossed = await ask(welfare, { origin, token: atPortal! });
  demand(crossed.text.includes("token_audience_wrong"), `a token for ${origin} opens ${welfare.entity}`);
  const refused = await ask(welfare, { origin: land.entity });
  demand(
    refused.status === 403 && !refused.isReadable && refused.text.includes("origin_not_allowed"),
    `a page of a node without the mark may ask: status ${refused.status}`,
  );
  return [
    `${citizen.name}'s browser has a token for each of 2 departments; welfare shows it ${SEEDED_APPLICATION} on the page of ${PORTAL}, which holds the mark`,
    "refused: a token for another department (token_audience_wrong), a page of a node without the mark (origin_not_allowed)",
  ];
}
