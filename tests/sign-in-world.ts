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
  signIn(browser: BrowserJar, account: string, options?: { returnTo?: string; stopAt?: string }): Promise<Visit>;
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
};

export async function startSignInWorld(
  options: {
    path?: string;
    clock?: () => number;
    superiors?: readonly string[];
    anchors?: readonly AnchorPin[];
    /** Further members of the node's config file. */
    config?: Partial<NodeConfigFile>;
  } = {},
): Promise<SignInWorld> {
  const port = await freePort();
  const { path = "/water", clock, superiors, anchors, config } = options;
  const entity = `http://127.0.0.1:${port}${path}`;
  const client = {
    id: "water-pages",
    redirectUris: [`${entity}/sign-in/callback`],
    signedOutUris: [`${entity}/sign-in`],
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
    async signIn(browser, account, { returnTo, stopAt } = {}) {
      const query = new URLSearchParams({
        issuer: provider.issuer,
        ...(returnTo !== undefined && { return_to: returnTo }),
      });
      const asked = await browser.visit(`${entity}/sign-in/start?${query}`);
      return browser.visit(asked.url, { form: { account }, ...(stopAt !== undefined && { stopAt }) });
    },
    async close() {
      await node.close();
      await provider.stop();
    },
  };
}
