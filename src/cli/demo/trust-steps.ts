// Steps of the story about trust: what the anchor's word carries, who is refused, what the pages say.
import type { JsonObject } from "../../crypto/json.ts";
import { createSigner, generateSeed } from "../../crypto/signer.ts";
import { createNodeClient } from "../node-client.ts";
import { type Agency, createAgency, demand, demandFailure } from "./agency.ts";
import { DEPARTMENTS, readExampleDefinition } from "./federation-plan.ts";
import { createRecord } from "./seed.ts";
import { clientOf, type DemoFederation, getParty } from "./start-federation.ts";

/** Each department's chain ends at the pinned anchor and carries exactly the types it was granted. */
export async function proveGrants(federation: DemoFederation, agency: Agency): Promise<string[]> {
  const proved: string[] = [];
  for (const plan of DEPARTMENTS) {
    const { entity } = getParty(federation, plan.name);
    const chain = await agency.getChain(entity);
    const granted = [...chain.registryTypes].sort().join(", ");
    const expected = [...plan.registries].sort().join(", ");
    demand(granted === expected, `${plan.name} may sign ${granted || "nothing"}; it was granted ${expected}`);
    proved.push(
      `${plan.name} may sign ${granted}, by ${chain.statements.length} signed statements up to the pinned key`,
    );
  }
  return proved;
}

/** The anchor holds no records; every node tells people and programs what it is. */
export async function provePages(federation: DemoFederation, agency: Agency): Promise<string[]> {
  const proved: string[] = [];
  for (const { plan, entity } of federation.parties.values()) {
    const home = (await createNodeClient({ baseUrl: entity }).getJson("/")) as JsonObject;
    const registries = home.registries as { name: string; access: string; records?: number }[];
    // How many people a register knows is told to nobody in particular.
    const isRight = ({ access, records }: (typeof registries)[number]): boolean =>
      access === "public" ? (records ?? 0) > 0 : records === undefined;
    demand(
      registries.length === plan.registries.length && registries.every(isRight),
      `${plan.name} says at ${entity} that it holds ${JSON.stringify(registries)}`,
    );
    const page = await agency.http.send({ method: "GET", url: `${entity}/`, headers: { accept: "text/html" } });
    const isPage = page.headers.get("content-type")?.startsWith("text/html") === true;
    demand(page.status === 200 && isPage, `${entity} does not answer a browser with a page`);
    const held = registries.map(({ name, records }) => `${records ?? "uncounted"} ${name}`).join(" and ");
    proved.push(`${plan.name} holds ${held || "no records at all"}`);
  }
  return proved;
}

/** Rural development signs a "state". The signature is good; the anchor never granted the type. */
export async function proveAuthority(federation: DemoFederation, agency: Agency): Promise<string[]> {
  const party = getParty(federation, "rural-development");
  const definition = { ...readExampleDefinition("states"), name: "own-states" };
  await clientOf(party, "operator").send({
    method: "PUT",
    path: "/registries/own-states",
    body: JSON.stringify(definition),
    contentType: "application/json",
    isRepeatable: true,
  });
  const registrar = clientOf(party, "registrar");
  const page = (await registrar.getJson("/registries/own-states/records")) as JsonObject;
  const [known] = page.records as { href: string }[];
  const { href } = known ?? (await createRecord(registrar, "own-states", { code: "XX", name: "Free State of Blocks" }));

  // Found anew: the department now declares the type, and its superior's policy takes it away again.
  const chain = await agency.getChain(party.entity);
  const evidence = { ...(await agency.fetchEvidence(href)), chain: chain.statements };
  const what = "a state signed by rural development";
  demandFailure(await agency.verify(evidence), { check: "authority", code: "authority_not_granted" }, what);
  return [`${what} carries a good signature and receipt, and is refused: authority_not_granted`];
}

/** With another anchor pinned, the same evidence is worth nothing. */
export async function proveAnchor(federation: DemoFederation, agency: Agency, href: string): Promise<string[]> {
  const evidence = await agency.fetchEvidence(href);
  const { jwk } = createSigner(generateSeed()).publicKey;
  const pins = federation.pins.map((pin) => ({ ...pin, jwks: { keys: [jwk] } }));
  const stranger = createAgency(pins);
  try {
    const what = "the record, for one who pinned another key of the anchor,";
    demandFailure(await stranger.verify(evidence), { check: "issuer", code: "issuer_unknown" }, what);
  } finally {
    stranger.close();
  }
  return ["whoever pinned another key for the anchor refuses the same evidence: issuer_unknown"];
}
