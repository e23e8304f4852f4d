// The demo's OpenID provider: a real one (oidc-provider) on loopback, for invented people without passwords. For the demo alone; what it keeps ends with it.
import { createServer, type IncomingMessage, type Server, type ServerResponse } from "node:http";
import type { AddressInfo } from "node:net";
import type Provider from "oidc-provider";
import type { ProviderContext } from "oidc-provider";
import { encodeBase64url } from "../../crypto/base64.ts";
import { hmacSha256 } from "../../crypto/hash.ts";
import { randomBytes } from "../../crypto/random.ts";
import { createSigner, generateSeed } from "../../crypto/signer.ts";
import { CITIZEN_SCOPE } from "../../identity/issuer-claims.ts";
import {
  CITIZEN_TOKEN_SECONDS_MAX,
  DEMO_CODE_SECONDS,
  DEMO_TOKEN_SECONDS,
  FORM_BYTES_MAX,
  SIGN_IN_SECONDS,
} from "../../limits.ts";
import { SITE_ICON, STYLE } from "../../web/style.ts";
import { ChoicePage, FaultPage, renderPage, SignedOutPage, SignOutPage, StartPage } from "./provider-pages.tsx";
import { createProviderStores } from "./provider-store.ts";
import { browserClientOf, DEMO_ACCOUNTS, DEMO_CITIZENS, type DemoClient } from "./sign-in-plan.ts";

export interface DemoProvider {
  readonly issuer: string;
  stop(): Promise<void>;
}

type Library = typeof import("oidc-provider");
type Answer = (request: IncomingMessage, response: ServerResponse) => Promise<void>;

const INTERACTION = "/interaction/";
const SECRET_BYTES = 32;

export function generateClientSecret(): string {
  return encodeBase64url(randomBytes(SECRET_BYTES));
}

/** The library, which an install for production leaves out; undefined where it is not there. */
async function loadLibrary(): Promise<Library | undefined> {
  try {
    return await import("oidc-provider");
  } catch (error) {
    if ((error as NodeJS.ErrnoException).code === "ERR_MODULE_NOT_FOUND") return undefined;
    throw error;
  }
}

/** A key for the demo's life. */
function generateKey(): Record<string, string> {
  const seed = generateSeed();
  const { jwk, kid } = createSigner(seed).publicKey;
  return { ...jwk, d: encodeBase64url(seed), kid, alg: "EdDSA", use: "sig" };
}

function headersOf(clients: readonly DemoClient[]): Record<string, string> {
  // A browser follows a form's redirect only to where the page allows forms to go: here and, in the end, the nodes.
  const targets = ["'self'", ...clients.map(({ entity }) => new URL(entity).origin)].join(" ");
  return {
    "content-type": "text/html; charset=utf-8",
    "content-security-policy": `default-src 'none'; style-src 'self'; img-src 'self'; base-uri 'none'; form-action ${targets}; frame-ancestors 'none'`,
    "referrer-policy": "no-referrer",
    "x-content-type-options": "nosniff",
    "cache-control": "no-store",
  };
}

function describeClient({ plan, entity, secret }: DemoClient): Record<string, unknown> {
  return {
    client_id: plan.name,
    client_name: plan.organization,
    client_secret: secret,
    grant_types: ["authorization_code"],
    response_types: ["code"],
    redirect_uris: [`${entity}/sign-in/callback`],
    post_logout_redirect_uris: [`${entity}/sign-in`, `${entity}/me/sign-in`],
    id_token_signed_response_alg: "EdDSA",
  };
}

/** The program of the portal's page in a citizen's browser: no secret, and for each node a token of its own with another name of the person. */
function describeBrowserClient({ plan, entity }: DemoClient): Record<string, unknown>[] {
  const id = browserClientOf(plan.name);
  if (id === undefined) return [];
  return [
    {
      client_id: id,
      client_name: plan.organization,
      token_endpoint_auth_method: "none",
      grant_types: ["authorization_code", "refresh_token"],
      response_types: ["code"],
      redirect_uris: [`${entity}/me/elsewhere`],
      subject_type: "pairwise",
      id_token_signed_response_alg: "EdDSA",
    },
  ];
}

/** Tokens for citizens' own data, at nodes of the demo and nobody else. */
function describeOwnData({ errors }: Library, clients: readonly DemoClient[]): Record<string, unknown> {
  return {
    resourceIndicators: {
      enabled: true,
      defaultResource: () => undefined,
      getResourceServerInfo: (_context: unknown, resource: string) => {
        if (!clients.some(({ entity }) => entity === resource))
          throw new errors.InvalidTarget("it is no node of the demo");
        return {
          scope: CITIZEN_SCOPE,
          audience: resource,
          accessTokenTTL: CITIZEN_TOKEN_SECONDS_MAX,
          accessTokenFormat: "jwt",
          jwt: { sign: { alg: "EdDSA" } },
        };
      },
    },
  };
}

function createProvider(library: Library, issuer: string, clients: readonly DemoClient[]): Provider {
  const { default: OpenIdProvider, interactionPolicy } = library;
  const headers = headersOf(clients);
  const { Check, base } = interactionPolicy;
  const prompts = base();
  // Also whoever is known already: one comes to the demo to be several people.
  const choice = new Check("choice", "somebody is chosen at every sign-in", ({ oidc }) =>
    oidc.result?.login === undefined ? Check.REQUEST_PROMPT : Check.NO_NEED_TO_PROMPT,
  );
  prompts.get("login").checks.add(choice);
  const pairwiseKey = randomBytes(SECRET_BYTES);
  const show = async (context: ProviderContext, page: Parameters<typeof renderPage>[0]): Promise<void> => {
    context.set(headers);
    context.body = await renderPage(page);
  };

  const provider: Provider = new OpenIdProvider(issuer, {
    adapter: createProviderStores(Date.now),
    jwks: { keys: [generateKey()] },
    clients: [...clients.map(describeClient), ...clients.flatMap(describeBrowserClient)],
    subjectTypes: ["public", "pairwise"],
    pairwiseIdentifier: ({ oidc }: ProviderContext, id: string) =>
      encodeBase64url(hmacSha256(pairwiseKey, `${String(oidc.params?.resource)}\n${id}`)),
    clientBasedCORS: (_context: unknown, origin: string, { redirectUris = [] }: { redirectUris?: string[] }) =>
      redirectUris.some((uri) => new URL(uri).origin === origin),
    issueRefreshToken: (_context: unknown, client: { grantTypeAllowed(type: string): boolean }) =>
      client.grantTypeAllowed("refresh_token"),
    extraTokenClaims: (_context: unknown, { accountId }: { accountId?: string }) => {
      const citizen = DEMO_CITIZENS.find(({ id }) => id === accountId);
      return citizen && { name: citizen.name, national_id: citizen.nationalId };
    },
    // Ports of one host share its cookies: names that no other program's provider has.
    cookies: {
      keys: [generateClientSecret()],
      names: { session: "attestry-demo", interaction: "attestry-demo-choice", resume: "attestry-demo-resume" },
    },
    claims: { openid: ["sub"], profile: ["name", "groups", "national_id"] },
    // The nodes read the groups in the ID token.
    conformIdTokenClaims: false,
    enabledJWA: { idTokenSigningAlgValues: ["EdDSA"] },
    pkce: { required: () => true },
    responseTypes: ["code"],
    interactions: { policy: prompts, url: (_context: unknown, { uid }: { uid: string }) => `${INTERACTION}${uid}` },
    findAccount: (_context: unknown, id: string) => {
      const citizen = DEMO_CITIZENS.find((one) => one.id === id);
      if (citizen) {
        const { name, nationalId } = citizen;
        return { accountId: id, claims: () => ({ sub: id, name, national_id: nationalId }) };
      }
      const account = DEMO_ACCOUNTS.find((one) => one.id === id);
      if (!account) return undefined;
      return { accountId: id, claims: () => ({ sub: id, name: account.name, groups: account.groups }) };
    },
    // The nodes belong to whoever runs the provider: nobody is asked whether they may know the name.
    loadExistingGrant: async ({ oidc }: ProviderContext) => {
      const grant = new provider.Grant({ accountId: oidc.session!.accountId!, clientId: oidc.client!.clientId });
      grant.addOIDCScope("openid profile");
      for (const { entity } of clients) grant.addResourceScope(entity, CITIZEN_SCOPE);
      await grant.save();
      return grant;
    },
    renderError: (context: ProviderContext, out: { error: string; error_description?: string }) =>
      show(context, FaultPage({ message: out.error_description ?? out.error, clients })),
    ttl: {
      AccessToken: DEMO_CODE_SECONDS,
      AuthorizationCode: DEMO_CODE_SECONDS,
      IdToken: SIGN_IN_SECONDS,
      Interaction: SIGN_IN_SECONDS,
      Session: DEMO_TOKEN_SECONDS,
      Grant: DEMO_TOKEN_SECONDS,
      RefreshToken: SIGN_IN_SECONDS,
    },
    features: {
      ...describeOwnData(library, clients),
      devInteractions: { enabled: false },
      rpInitiatedLogout: {
        enabled: true,
        logoutSource: (context: ProviderContext, form: string) => {
          // The library's own form, in our page.
          const [, action = ""] = /action="([^"]*)"/.exec(form) ?? [];
          const [, token = ""] = /value="([^"]*)"/.exec(form) ?? [];
          return show(context, SignOutPage({ form: { action, token } }));
        },
        postLogoutSuccessSource: (context: ProviderContext) => show(context, SignedOutPage({ clients })),
      },
    },
  });
  return provider;
}

async function readAccount(request: IncomingMessage): Promise<string | undefined> {
  const chunks: Buffer[] = [];
  let bytes = 0;
  for await (const chunk of request as AsyncIterable<Buffer>) {
    bytes += chunk.length;
    if (bytes > FORM_BYTES_MAX) return undefined;
    chunks.push(chunk);
  }
  return new URLSearchParams(Buffer.concat(chunks).toString("utf8")).get("account") ?? undefined;
}

/** Takes a browser's earlier person from its session: else the library first asks, by a page with a script, to sign out. */
async function forgetPerson(provider: Provider, session: { readonly uid: string }): Promise<void> {
  const kept = await provider.Session.findByUid(session.uid);
  if (!kept) return;
  kept.accountId = undefined;
  kept.authorizations = undefined;
  await kept.persist();
}

const findPerson = (id: string | undefined) => [...DEMO_ACCOUNTS, ...DEMO_CITIZENS].find((one) => one.id === id);

/** The list of people, and what was chosen of it. */
function createChoice(provider: Provider, clients: readonly DemoClient[]): Answer {
  return async (request, response) => {
    const { params, session } = await provider.interactionDetails(request, response);
    const chosen = request.method === "POST" ? await readAccount(request) : undefined;
    if (findPerson(chosen)) {
      const result = { login: { accountId: chosen } };
      const returnTo = await provider.interactionResult(request, response, result, { mergeWithLastSubmission: false });
      if (session && session.accountId !== chosen) await forgetPerson(provider, session);
      response.writeHead(303, { location: returnTo }).end();
      return;
    }
    const client = clients.find(({ plan: { name } }) => [name, browserClientOf(name)].includes(params.client_id))!;
    const known = findPerson(session?.accountId);
    const page = await renderPage(
      ChoicePage({ client, accounts: DEMO_ACCOUNTS, citizens: DEMO_CITIZENS, known: known?.name }),
    );
    response.writeHead(chosen === undefined ? 200 : 400, headersOf(clients)).end(page);
  };
}

function createAnswer(provider: Provider, issuer: string, clients: readonly DemoClient[]): Answer {
  const answerProtocol = provider.callback();
  const answerChoice = createChoice(provider, clients);
  const { host } = new URL(issuer);
  return async (request, response) => {
    const path = (request.url ?? "").split("?", 1)[0]!;
    const asset = [STYLE, SITE_ICON].find((one) => one.path === path);
    // Another name for this machine is one that somebody else gave it (DNS rebinding).
    if (request.headers.host !== host) response.writeHead(421).end();
    else if (asset) response.writeHead(200, { "content-type": asset.mediaType }).end(asset.text);
    else if (path === "/") response.writeHead(200, headersOf(clients)).end(await renderPage(StartPage({ clients })));
    else if (path.startsWith(INTERACTION)) await answerChoice(request, response);
    else await answerProtocol(request, response);
  };
}

async function answerFault(error: unknown, response: ServerResponse, clients: readonly DemoClient[]): Promise<void> {
  // Of the library's errors the description says more.
  const { error_description: described, message } = error as { error_description?: string; message?: string };
  const page = await renderPage(FaultPage({ message: described ?? message ?? String(error), clients }));
  if (!response.headersSent) response.writeHead(400, headersOf(clients));
  response.end(page);
}

/** Listens at this port, or at any where another program has it. */
async function listen(server: Server, port: number): Promise<number> {
  const listenAt = (wanted: number) =>
    new Promise<void>((resolve, reject) => {
      server.once("error", reject).listen(wanted, "127.0.0.1", () => {
        server.off("error", reject);
        resolve();
      });
    });
  await listenAt(port).catch(() => listenAt(0));
  return (server.address() as AddressInfo).port;
}

/** Starts it for these nodes. Undefined where oidc-provider is not installed. */
export async function startDemoProvider(options: {
  readonly port: number;
  readonly clients: readonly DemoClient[];
}): Promise<DemoProvider | undefined> {
  const library = await loadLibrary();
  if (!library) return undefined;
  const { clients } = options;
  let answer: Answer = async () => {};
  const server = createServer((request, response) => {
    answer(request, response).catch((error: unknown) => answerFault(error, response, clients));
  });
  const issuer = `http://127.0.0.1:${await listen(server, options.port)}`;
  answer = createAnswer(createProvider(library, issuer, clients), issuer, clients);
  return {
    issuer,
    async stop() {
      const closed = new Promise<void>((resolve) => server.close(() => resolve()));
      server.closeAllConnections();
      await closed;
    },
  };
}
