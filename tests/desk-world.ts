// A department whose staff write records on pages, and another that keeps what these refer to: real nodes, a real provider. Test code only.
import { readFileSync } from "node:fs";
import type { NodeConfigFile } from "../src/config.ts";
import type { JsonObject } from "../src/crypto/json.ts";
import type { BrowserJar, Visit } from "./browser-jar.ts";
import { freePort } from "./free-port.ts";
import { definition, startTestNode, type TestNode } from "./node-fixture.ts";
import { startTestProvider, type TestProvider } from "./oidc-provider.ts";
import { createRecordCalls } from "./record-calls.ts";

export interface DeskWorld {
  readonly provider: TestProvider;
  readonly health: TestNode;
  /** The anchor; keeps the districts. */
  readonly land: TestNode;
  /** Views of its districts, by their code. */
  readonly districts: Readonly<Record<"PB-15" | "PB-16" | "KL-14", JsonObject>>;
  signIn(browser: BrowserJar, account: keyof typeof DESK_ACCOUNTS): Promise<Visit>;
  close(): Promise<void>;
}

export const DESK_ACCOUNTS = {
  rita: { name: "Rita Das", groups: ["registrars"] },
  dev: { name: "Dev Nair", groups: ["registrars"], claims: { district: ["021"] } },
  abha: { name: "Abha Jain", groups: ["approvers"] },
  ravi: { name: "Ravi Iyer", groups: ["readers"] },
  anil: { name: "Anil Sood", groups: ["auditors"] },
  omar: { name: "Omar Khan", groups: ["it"] },
  wells: { name: "Wali Wells", groups: ["well-registrars"] },
};

const ROLES = [
  { value: "registrars", role: "registrar" },
  { value: "well-registrars", role: "registrar", registries: ["wells"] },
  { value: "approvers", role: "approver" },
  { value: "readers", role: "reader" },
  { value: "auditors", role: "auditor" },
  { value: "it", role: "operator" },
] as const;

/** Of the examples the one with every kind of field. */
export const HEALTH = readExample("health-facilities");

/** As the example, but that the anchor, which pins no other, takes the state unverified. */
function districts(): JsonObject {
  const text = JSON.stringify(readExample("districts")).replace('"onWrite":"verify"', '"onWrite":"accept"');
  return JSON.parse(text) as JsonObject;
}

/** Each record belongs to a district's office; the owner is personal. */
export const WELLS = definition("wells", {
  properties: {
    district: { type: "string", "x-search": "exact" },
    owner: { type: "string", "x-personal": true, "x-search": "exact" },
    depth: { type: "number" },
  },
  members: { jurisdiction: [{ field: "district", claim: "district" }], access: "members" },
});

/** As wells, but that everybody reads the open fields of all. */
export const PUMPS: JsonObject = { ...WELLS, name: "pumps", type: "pumps", access: "public" };

/** What is written here is a proposal first. */
export const DEEDS = definition("deeds", { members: { approval: ["approver"] } });

export function readExample(name: string): JsonObject {
  return JSON.parse(readFileSync(new URL(`../schemas/examples/${name}.json`, import.meta.url), "utf8")) as JsonObject;
}

async function publishAll(node: TestNode, definitions: readonly JsonObject[]): Promise<void> {
  for (const one of definitions) {
    const answer = await node.publish(one);
    if (answer.status !== 201) throw new Error(answer.text);
  }
}

export async function startDeskWorld(): Promise<DeskWorld> {
  const port = await freePort();
  const entity = `http://127.0.0.1:${port}/health`;
  const client = {
    id: "health-pages",
    redirectUris: [`${entity}/sign-in/callback`],
    signedOutUris: [`${entity}/sign-in`],
  };
  const provider = await startTestProvider({ accounts: DESK_ACCOUNTS, pageClients: [client] });
  const sign_in: NonNullable<NodeConfigFile["sign_in"]> = {
    issuers: [
      {
        issuer: provider.issuer,
        roles_claim: "groups",
        roles: ROLES,
        jurisdiction_claims: { district: "district" },
        client: { id: client.id },
        title: "Department account",
      },
    ],
  };
  const types = ["states", "districts", "health-facilities", "wells"];
  const land = await startTestNode({ path: "/land" });
  const health = await startTestNode({
    port,
    path: "/health",
    superiors: [land.entity],
    anchors: [land.pin(types)],
    config: () => ({ sign_in }),
  });
  await land.node.federation.acceptSubordinate({ entity, registryTypes: ["health-facilities", "wells"] });
  await publishAll(land, [districts()]);
  await publishAll(health, [HEALTH, WELLS, PUMPS, DEEDS]);
  await health.node.directory.refresh();
  const calls = await createRecordCalls(land, "districts");
  const state = `${land.entity}/registries/states/records/7c9e6679-7425-8de9-944b-e07fc1f90ae7`;
  const create = (code: string, name: string) => calls.create({ code, name, state });
  return {
    provider,
    health,
    land,
    districts: {
      "PB-15": await create("PB-15", "Ludhiana"),
      "PB-16": await create("PB-16", "Ludwigpur"),
      "KL-14": await create("KL-14", "Kollam"),
    },
    async signIn(browser, account) {
      const query = new URLSearchParams({ issuer: provider.issuer });
      const asked = await browser.visit(`${entity}/sign-in/start?${query}`);
      return browser.visit(asked.url, { form: { account } });
    },
    async close() {
      await health.close();
      await land.close();
      await provider.stop();
    },
  };
}
