// A node whose staff sign in by a real provider, and how somebody does. Test code only.
import type { NodeConfigFile } from "../src/config.ts";
import type { AnchorPin } from "../src/federation/trust-chain.ts";
import type { BrowserJar, Visit } from "./browser-jar.ts";
import { freePort } from "./free-port.ts";
import { startTestNode, type TestNode } from "./node-fixture.ts";
import { startTestProvider, type TestProvider } from "./oidc-provider.ts";

export interface SignInWorld {
  readonly provider: TestProvider;
  readonly node: TestNode;
  /** Signs somebody in from the node's page on, and gives the page where that ends. */
  signIn(
    browser: BrowserJar,
    account: string,
    options?: { returnTo?: string; stopAt?: string; to?: "/me" },
  ): Promise<Visit>;
  close(): Promise<void>;
}

const ROLES = [
  { value: "registrars", role: "registrar", registries: ["wells"] },
  { value: "readers", role: "reader" },
  { value: "it", role: "operator" },
  { value: "heads", role: "registrar" },
  { value: "approvers", role: "approver" },
  { value: "audit", role: "auditor" },
] as const;

export const ACCOUNTS = {
  asha: { name: "Asha Rao", groups: ["registrars", "readers"] },
  bina: { name: "Bina <Sen>", groups: ["readers"] },
  omar: { name: "Omar Khan", groups: ["it"] },
  hema: { name: "Hema Das", groups: ["heads"] },
  arun: { name: "Arun Jain", groups: ["approvers"] },
  uma: { name: "Uma Iyer", groups: ["audit"] },
  nobody: { name: "Nobody Here", groups: ["cleaning"] },
  // Citizens: found in records by their national id; Kiran is both.
  meera: { name: "Meera Rao", groups: [], claims: { national_id: "7310-4482-0916" } },
  ravi: { name: "Ravi Iyer", groups: [], claims: { national_id: "5528-1937-6640" } },
  kiran: { name: "Kiran Bose", groups: ["readers"], claims: { national_id: "9042-7715-3308" } },
};

export async function startSignInWorld(
  options: {
    path?: string;
    clock?: () => number;
    superiors?: readonly string[];
    anchors?: readonly AnchorPin[];
    /** Further members of the node's config file. */
    config?: Partial<NodeConfigFile>;
    /** By what claims citizens are found; none sign in where it is left out. */
    citizenClaims?: readonly string[];
  } = {},
): Promise<SignInWorld> {
  const port = await freePort();
  const { path = "/water", clock, superiors, anchors, config, citizenClaims } = options;
  const entity = `http://127.0.0.1:${port}${path}`;
  const client = {
    id: "water-pages",
    redirectUris: [`${entity}/sign-in/callback`],
    signedOutUris: [`${entity}/sign-in`, `${entity}/me/sign-in`],
  };
  const provider = await startTestProvider({ accounts: ACCOUNTS, pageClients: [client] });
  const sign_in: NonNullable<NodeConfigFile["sign_in"]> = {
    issuers: [
      {
        issuer: provider.issuer,
        roles_claim: "groups",
        roles: ROLES,
        client: { id: client.id },
        title: "Department account",
        ...(citizenClaims && { citizen_claims: citizenClaims }),
      },
    ],
  };
  const node = await startTestNode({
    port,
    path,
    ...(clock && { clock }),
    ...(superiors && { superiors }),
    ...(anchors && { anchors }),
    config: () => ({ sign_in, ...config }),
  });
  return {
    provider,
    node,
    async signIn(browser, account, { returnTo, stopAt, to = "" } = {}) {
      const query = new URLSearchParams({
        issuer: provider.issuer,
        ...(returnTo !== undefined && { return_to: returnTo }),
      });
      const asked = await browser.visit(`${entity}${to}/sign-in/start?${query}`);
      return browser.visit(asked.url, { form: { account }, ...(stopAt !== undefined && { stopAt }) });
    },
    async close() {
      await node.close();
      await provider.stop();
    },
  };
}
