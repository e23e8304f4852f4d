// A real OpenID provider (oidc-provider) over real HTTP on loopback, with people and services of a department. Test code only; its keys are the test's, so that tokens can be forged with them.

import { createHash, createPrivateKey, generateKeyPairSync } from "node:crypto";
import { createServer, type IncomingMessage, type Server, type ServerResponse } from "node:http";
import { setTimeout as sleep } from "node:timers/promises";
import { importJWK, type JWK, SignJWT } from "jose";
import Provider from "oidc-provider";
import { freePort } from "./free-port.ts";

/** Somebody who can sign in: who comes with this name needs no password. */
export interface Account {
  readonly name: string;
  readonly groups: readonly string[];
  readonly claims?: Readonly<Record<string, unknown>>;
}

export interface PageClient {
  readonly id: string;
  readonly secret?: string;
  readonly redirectUris: readonly string[];
  readonly signedOutUris?: readonly string[];
  /** A program in a browser: for tokens of citizens' own data, with refresh tokens and a name of the person for each node. */
  readonly isBrowser?: true;
}

export type TestAlgorithm = "RS256" | "PS256" | "ES256" | "EdDSA";

export interface TestProvider {
  readonly issuer: string;
  /** How often its keys were asked for. */
  readonly keyRequests: number;
  /** An access token by client credentials, as the provider makes it. */
  serviceToken(options: { resource: string; algorithm?: TestAlgorithm }): Promise<string>;
  /** A token with a key of the provider and whatever claims: what a broken or lying issuer could sign. */
  sign(
    claims: Record<string, unknown>,
    options?: { algorithm?: TestAlgorithm; header?: Record<string, unknown> },
  ): Promise<string>;
  /** The public key that the provider publishes for an algorithm. */
  publicKey(algorithm: TestAlgorithm): JWK;
  /** New keys in place of the old ones, as of now. */
  rotate(): Promise<void>;
  stop(): Promise<void>;
  start(): Promise<void>;
}

const SERVICE_SECRET = "not a secret: test only, long enough for the provider";
const ALGORITHMS: readonly TestAlgorithm[] = ["RS256", "PS256", "ES256", "EdDSA"];

/** Written out and read again: on Node 20 a key that was just generated can deadlock when it is exported as JWK. */
function makeKey(algorithm: TestAlgorithm, generation: number): JWK {
  const privateKeyEncoding = { type: "pkcs8", format: "pem" } as const;
  const publicKeyEncoding = { type: "spki", format: "pem" } as const;
  const encoding = { privateKeyEncoding, publicKeyEncoding };
  const { privateKey } =
    algorithm === "EdDSA"
      ? generateKeyPairSync("ed25519", encoding)
      : algorithm === "ES256"
        ? generateKeyPairSync("ec", { namedCurve: "P-256", ...encoding })
        : generateKeyPairSync("rsa", { modulusLength: 2048, ...encoding });
  const jwk = createPrivateKey(String(privateKey)).export({ format: "jwk" }) as JWK;
  return { ...jwk, alg: algorithm, use: "sig", kid: `${algorithm}-${generation}` };
}

function clientsOf(pageClients: readonly PageClient[]): Record<string, unknown>[] {
  return [
    ...ALGORITHMS.map((algorithm) => ({
      client_id: `service-${algorithm}`,
      client_secret: SERVICE_SECRET,
      grant_types: ["client_credentials"],
      response_types: [],
      redirect_uris: [],
    })),
    ...pageClients.map(({ id, secret, redirectUris, signedOutUris, isBrowser }) => ({
      client_id: id,
      ...(secret === undefined ? { token_endpoint_auth_method: "none" } : { client_secret: secret }),
      grant_types: isBrowser ? ["authorization_code", "refresh_token"] : ["authorization_code"],
      ...(isBrowser && { subject_type: "pairwise" }),
      response_types: ["code"],
      redirect_uris: redirectUris,
      post_logout_redirect_uris: signedOutUris ?? [],
      application_type: "native",
    })),
  ];
}

function createProvider(
  issuer: string,
  options: {
    keys: readonly JWK[];
    accounts: ReadonlyMap<string, Account>;
    pageClients: readonly PageClient[];
    serviceGroups: readonly string[];
  },
): Provider {
  const { accounts } = options;
  return new Provider(issuer, {
    jwks: { keys: options.keys },
    clients: clientsOf(options.pageClients),
    cookies: { keys: ["test only"] },
    claims: { openid: ["sub"], profile: ["name", "groups", "district", "national_id"] },
    conformIdTokenClaims: false,
    pkce: { required: () => true },
    subjectTypes: ["public", "pairwise"],
    // Another name for each node that a token is for: two of them cannot tell by it that it is one person.
    pairwiseIdentifier: (context: { oidc: { params?: { resource?: unknown } } }, id: string) =>
      createHash("sha256")
        .update(`test only ${String(context.oidc.params?.resource)} ${id}`)
        .digest("base64url"),
    clientBasedCORS: (_context: unknown, origin: string, { redirectUris = [] }: { redirectUris?: string[] }) =>
      redirectUris.some((uri) => new URL(uri).origin === origin),
    issueRefreshToken: (_context: unknown, client: { grantTypeAllowed(type: string): boolean }) =>
      client.grantTypeAllowed("refresh_token"),
    enabledJWA: { idTokenSigningAlgValues: ALGORITHMS },
    interactions: { url: (_context: unknown, interaction: { uid: string }) => `/interaction/${interaction.uid}` },
    findAccount: (_context: unknown, id: string) => {
      const account = accounts.get(id);
      if (!account) return undefined;
      return {
        accountId: id,
        claims: () => ({ sub: id, name: account.name, groups: account.groups, ...account.claims }),
      };
    },
    extraTokenClaims: (_context: unknown, token: { accountId?: string }) => {
      const account = token.accountId === undefined ? undefined : accounts.get(token.accountId);
      if (account) return { groups: account.groups, name: account.name, ...account.claims };
      return { groups: options.serviceGroups, name: "Night import" };
    },
    features: {
      devInteractions: { enabled: false },
      clientCredentials: { enabled: true },
      rpInitiatedLogout: {
        enabled: true,
        // The provider's own page waits for a style sheet from elsewhere.
        logoutSource: (context: { body: string }, form: string) => {
          context.body = `<!doctype html><html lang="en"><title>Sign out</title><h1>Sign out?</h1>${form}<button form="op.logoutForm" name="logout" value="yes">Yes</button></html>`;
        },
      },
      resourceIndicators: {
        enabled: true,
        defaultResource: () => undefined,
        useGrantedResource: () => true,
        getResourceServerInfo: (_context: unknown, resource: string, client: { clientId: string }) => ({
          scope: "registry attestry.me",
          audience: resource,
          accessTokenTTL: 600,
          accessTokenFormat: "jwt",
          jwt: { sign: { alg: ALGORITHMS.find((one) => client.clientId === `service-${one}`) ?? "ES256" } },
        }),
      },
    },
  });
}

async function readForm(request: IncomingMessage): Promise<URLSearchParams> {
  const chunks: Buffer[] = [];
  for await (const chunk of request) chunks.push(chunk as Buffer);
  return new URLSearchParams(Buffer.concat(chunks).toString());
}

/** The provider's own pages: a list of the people to be, and everything that was asked for is granted. */
async function interact(
  provider: Provider,
  accounts: ReadonlyMap<string, Account>,
  [request, response]: [IncomingMessage, ServerResponse],
): Promise<void> {
  const { prompt, params } = await provider.interactionDetails(request, response);
  const chosen = request.method === "POST" ? (await readForm(request)).get("account") : null;
  if (prompt.name === "login" && chosen === null) {
    const buttons = [...accounts].map(
      ([id, { name }]) => `<p><button name="account" value="${id}">${name}</button></p>`,
    );
    response.setHeader("content-type", "text/html; charset=utf-8");
    response.end(
      `<!doctype html><html lang="en"><title>Who are you?</title><h1>Who are you?</h1><form method="post">${buttons.join("")}</form></html>`,
    );
    return;
  }
  if (prompt.name === "login") {
    await provider.interactionFinished(
      request,
      response,
      { login: { accountId: chosen } },
      { mergeWithLastSubmission: false },
    );
    return;
  }
  const details = (await provider.interactionDetails(request, response)) as unknown as {
    session: { accountId: string };
  };
  const grant = new provider.Grant({ accountId: details.session.accountId, clientId: params.client_id! });
  grant.addOIDCScope("openid profile");
  const { missingResourceScopes = {} } =
    (prompt as { details?: { missingResourceScopes?: Record<string, string[]> } }).details ?? {};
  for (const [resource, scopes] of Object.entries(missingResourceScopes))
    grant.addResourceScope(resource, scopes.join(" "));
  const grantId = await grant.save();
  await provider.interactionFinished(request, response, { consent: { grantId } }, { mergeWithLastSubmission: true });
}

/** Starts it. `accounts` by subject; `serviceGroups`: the groups of its services. */
export async function startTestProvider(
  options: {
    accounts?: Readonly<Record<string, Account>>;
    pageClients?: readonly PageClient[];
    serviceGroups?: readonly string[];
  } = {},
): Promise<TestProvider> {
  const port = await freePort();
  const issuer = `http://127.0.0.1:${port}`;
  const accounts = new Map(Object.entries(options.accounts ?? {}));
  let generation = 0;
  let keys: JWK[] = [];
  let server: Server | undefined;
  let keyRequests = 0;

  async function start(): Promise<void> {
    if (keys.length === 0) keys = ALGORITHMS.map((algorithm) => makeKey(algorithm, generation));
    const provider = createProvider(issuer, {
      keys,
      accounts,
      pageClients: options.pageClients ?? [],
      serviceGroups: options.serviceGroups ?? [],
    });
    const answer = provider.callback();
    server = createServer((request, response) => {
      if (request.url === "/jwks") keyRequests++;
      if (request.url === "/favicon.ico") {
        response.statusCode = 204;
        response.end();
        return;
      }
      const work = request.url?.startsWith("/interaction/")
        ? interact(provider, accounts, [request, response])
        : answer(request, response);
      work.catch((error: unknown) => {
        response.statusCode = 500;
        response.end(String(error));
      });
    });
    await new Promise<void>((resolve) => server!.listen(port, "127.0.0.1", resolve));
  }

  async function stop(): Promise<void> {
    const closing = new Promise<void>((resolve) => (server ? server.close(() => resolve()) : resolve()));
    server?.closeAllConnections();
    await closing;
    server = undefined;
    // Callers learn that their kept connections are gone.
    await sleep(50);
  }

  const keyOf = (algorithm: TestAlgorithm): JWK => keys.find(({ alg }) => alg === algorithm)!;
  await start();
  return {
    issuer,
    get keyRequests() {
      return keyRequests;
    },
    async serviceToken({ resource, algorithm = "RS256" }) {
      const response = await fetch(`${issuer}/token`, {
        method: "POST",
        headers: {
          authorization: `Basic ${Buffer.from(`service-${algorithm}:${encodeURIComponent(SERVICE_SECRET)}`).toString("base64")}`,
        },
        body: new URLSearchParams({ grant_type: "client_credentials", scope: "registry", resource }),
      });
      const body = (await response.json()) as { access_token?: string };
      if (body.access_token === undefined) throw new Error(JSON.stringify(body));
      return body.access_token;
    },
    async sign(claims, { algorithm = "RS256", header = {} } = {}) {
      const jwk = keyOf(algorithm);
      return new SignJWT(claims)
        .setProtectedHeader({ alg: algorithm, typ: "at+jwt", kid: jwk.kid!, ...header })
        .sign(await importJWK(jwk, algorithm));
    },
    publicKey(algorithm) {
      const { d: _d, p: _p, q: _q, dp: _dp, dq: _dq, qi: _qi, ...jwk } = keyOf(algorithm);
      return jwk;
    },
    async rotate() {
      await stop();
      generation++;
      keys = [];
      await start();
    },
    stop,
    start,
  };
}
