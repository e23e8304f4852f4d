// Sign-in on pages: sends the browser to the issuer and proves what it comes back with (OpenID Connect, code flow with PKCE). Keeps no state of its own: what the way back needs travels sealed in the browser's cookie.

import type { SignInIssuer } from "../config.ts";
import { decodeBase64url, encodeBase64url } from "../crypto/base64.ts";
import { decodeUtf8, encodeUtf8, equalBytes, sha256 } from "../crypto/hash.ts";
import { isJsonObject, parseJson } from "../crypto/json.ts";
import { type KeyGenerations, mapGenerations, unsealAny } from "../crypto/key-generations.ts";
import { deriveKey, seal } from "../crypto/seal.ts";
import { AttestryError } from "../errors.ts";
import type { HttpClient } from "../federation/http-client.ts";
import { SIGN_IN_SECONDS } from "../limits.ts";
import type { Citizen } from "./caller.ts";
import { type Person, readCitizen, readPerson } from "./issuer-claims.ts";
import { redeemCode } from "./issuer-client.ts";
import type { IssuerStates } from "./issuer-state-service.ts";
import { verifyIssuerToken } from "./issuer-token-service.ts";

/** As what somebody signs in: the desk and a person's own page are apart, also for who is both. */
export type SignInPurpose = "staff" | "citizen";

export type SignedIn =
  | { readonly as: "staff"; readonly person: Person; readonly returnTo: string }
  | { readonly as: "citizen"; readonly citizen: Citizen; readonly returnTo: string };

export interface SignInChoice {
  readonly issuer: string;
  readonly title: string;
}

export interface SignInService {
  /** By whom staff can sign in on pages. */
  readonly choices: readonly SignInChoice[];
  /** By whom citizens can. */
  readonly citizenChoices: readonly SignInChoice[];
  /** Where to send the browser, and what it must keep until it comes back. Throws `sign_in_failed`, `sign_in_unavailable`. */
  start(options: {
    issuer: string;
    as: SignInPurpose;
    returnTo: string;
  }): Promise<{ readonly location: string; readonly attempt: string }>;
  /** Who came back; `attempt` is the browser's cookie, `answer` the query: both untrusted. Throws `sign_in_failed`, `token_*`, `sign_in_unavailable`, `peer_*`. */
  finish(options: { attempt: string | undefined; answer: Readonly<Record<string, string>> }): Promise<SignedIn>;
  /** Where the browser ends the session at the issuer, too; undefined where the issuer has no such place. */
  findSignOutUrl(issuer: string, as: SignInPurpose): Promise<string | undefined>;
  /** By what a page of this node signs citizens in within their browser, to ask other nodes. Throws `sign_in_unavailable` where there would be some and none answers. */
  listBrowserSignIns(): Promise<readonly BrowserSignIn[]>;
}

/** A public client of this node at an issuer: it has no secret, and its page is its redirect URI. */
export interface BrowserSignIn extends SignInChoice {
  readonly clientId: string;
  readonly authorizationEndpoint: string;
  readonly tokenEndpoint: string;
}

interface Attempt {
  readonly issuer: string;
  readonly as: SignInPurpose;
  readonly state: string;
  readonly nonce: string;
  readonly verifier: string;
  readonly returnTo: string;
  readonly expiresAt: number;
}

const AAD = "attestry/sign-in-attempt/v1";
const SCOPE = "openid profile";

const SIGN_IN_PATHS = { staff: "/sign-in", citizen: "/me/sign-in" } as const satisfies Record<SignInPurpose, string>;

/** Whether people sign in by it on pages as this. */
function isFor({ client, rolesClaim, citizenClaims }: SignInIssuer, as: SignInPurpose): boolean {
  return client !== undefined && (as === "staff" ? rolesClaim : citizenClaims) !== undefined;
}

function failed(reason: string, cause?: unknown): AttestryError {
  return new AttestryError("sign_in_failed", `${reason}; start the sign-in again`, { cause });
}

export function createSignInService(deps: {
  /** The node's base URL. */
  readonly entity: string;
  readonly issuers: readonly SignInIssuer[];
  readonly states: IssuerStates;
  readonly httpClient: Pick<HttpClient, "send">;
  /** The client's secret at an issuer; undefined for a public client. */
  readonly readClientSecret: (issuer: SignInIssuer) => string | undefined;
  readonly nodeKey: KeyGenerations;
  readonly clock: () => number;
  readonly random: (length: number) => Uint8Array;
}): SignInService {
  const { entity, states, clock } = deps;
  const keys = mapGenerations(deps.nodeKey, (key) => deriveKey(key, "attestry/sign-in/v1"));
  const redirectUri = `${entity}/sign-in/callback`;
  const draw = () => encodeBase64url(deps.random(32));

  const choose = (as: SignInPurpose): SignInChoice[] =>
    deps.issuers
      .filter((one) => isFor(one, as))
      .map(({ issuer, title }) => ({ issuer, title: title ?? new URL(issuer).host }));

  function getClient(name: string, as: SignInPurpose): { issuer: SignInIssuer; id: string } {
    const issuer = deps.issuers.find((one) => one.issuer === name && isFor(one, as));
    if (!issuer?.client)
      throw failed(`no ${as === "staff" ? "staff sign" : "citizen signs"} in on pages by that issuer`);
    return { issuer, id: issuer.client.id };
  }

  function openAttempt(text: string | undefined): Attempt {
    if (text === undefined)
      throw failed("this browser did not begin a sign-in here, or did so too long ago, or keeps no cookies");
    try {
      const attempt = parseJson(decodeUtf8(unsealAny(keys, { aad: AAD, sealed: decodeBase64url(text) })));
      if (isJsonObject(attempt) && (attempt.expiresAt as number) > clock()) return attempt as unknown as Attempt;
    } catch (cause) {
      throw failed("what this browser kept of the sign-in cannot be read", cause);
    }
    throw failed("the sign-in took too long");
  }

  async function findBrowserSignIn({ issuer, title, browserClientId }: SignInIssuer): Promise<BrowserSignIn> {
    const { authorizationEndpoint, tokenEndpoint } = await states.getState(issuer);
    if (authorizationEndpoint === undefined || tokenEndpoint === undefined || browserClientId === undefined)
      throw new AttestryError("sign_in_unavailable", `${issuer} names no authorization_endpoint or no token_endpoint`);
    return {
      issuer,
      title: title ?? new URL(issuer).host,
      clientId: browserClientId,
      authorizationEndpoint,
      tokenEndpoint,
    };
  }

  return {
    async listBrowserSignIns() {
      const offered = deps.issuers.filter((one) => one.browserClientId !== undefined);
      const found = await Promise.allSettled(offered.map(findBrowserSignIn));
      const usable = found.flatMap((one) => (one.status === "fulfilled" ? one.value : []));
      const failure = found.find((one) => one.status === "rejected");
      if (usable.length === 0 && failure) throw failure.reason;
      return usable;
    },
    choices: choose("staff"),
    citizenChoices: choose("citizen"),
    async start({ issuer: name, as, returnTo }) {
      const { issuer, id } = getClient(name, as);
      const { authorizationEndpoint } = await states.getState(issuer.issuer);
      if (authorizationEndpoint === undefined)
        throw new AttestryError("sign_in_unavailable", `${name} names no authorization_endpoint`);
      const expiresAt = clock() + SIGN_IN_SECONDS;
      const attempt: Attempt = {
        issuer: name,
        as,
        state: draw(),
        nonce: draw(),
        verifier: draw(),
        returnTo,
        expiresAt,
      };
      const location = new URL(authorizationEndpoint);
      for (const [parameter, value] of Object.entries({
        response_type: "code",
        client_id: id,
        redirect_uri: redirectUri,
        scope: SCOPE,
        state: attempt.state,
        nonce: attempt.nonce,
        code_challenge: encodeBase64url(sha256(attempt.verifier)),
        code_challenge_method: "S256",
      }))
        location.searchParams.set(parameter, value);
      const sealed = seal({ key: keys.current, aad: AAD, plaintext: encodeUtf8(JSON.stringify(attempt)) });
      return { location: location.href, attempt: encodeBase64url(sealed) };
    },
    async finish({ attempt: text, answer }) {
      const attempt = openAttempt(text);
      const { issuer, id } = getClient(attempt.issuer, attempt.as);
      // Whoever is sent here with somebody else's answer has another state in the cookie, or none (RFC 9700 §4.7).
      if (answer.state === undefined || !equalBytes(sha256(answer.state), sha256(attempt.state)))
        throw failed("the answer is not to the sign-in that this browser began");
      const state = await states.getState(issuer.issuer);
      // RFC 9207 §2.4: with several issuers, one could hand on the answer of another.
      const namesIssuer = answer.iss !== undefined || state.namesIssuerInAnswer;
      if (namesIssuer && answer.iss !== issuer.issuer) throw failed("the answer is of another issuer");
      if (answer.error !== undefined)
        throw failed(`the issuer answered "${answer.error.replaceAll(/[^\w ]/g, "").slice(0, 50)}"`);
      if (answer.code === undefined) throw failed("the answer has no code");
      const idToken = await redeemCode(deps.httpClient, {
        issuer: issuer.issuer,
        tokenEndpoint: state.tokenEndpoint,
        client: { id, secret: deps.readClientSecret(issuer) },
        code: answer.code,
        redirectUri,
        verifier: attempt.verifier,
      });
      const claims = await verifyIssuerToken(
        idToken,
        { issuer: issuer.issuer, audience: id, algorithms: issuer.algorithms, types: ["jwt", undefined] },
        { states, clock },
      );
      if (claims.nonce !== attempt.nonce) throw failed("the issuer's token is of another sign-in");
      if (claims.azp !== undefined && claims.azp !== id) throw failed("the issuer's token was given to another party");
      const { as, returnTo } = attempt;
      if (as === "staff") return { as, person: readPerson(claims, issuer), returnTo };
      const citizen = readCitizen(claims, issuer);
      if (!citizen) throw failed("the issuer vouches for no citizens");
      return { as, citizen, returnTo };
    },
    async findSignOutUrl(name, as) {
      const { issuer, id } = getClient(name, as);
      const { endSessionEndpoint } = await states.getState(issuer.issuer);
      if (endSessionEndpoint === undefined) return undefined;
      const location = new URL(endSessionEndpoint);
      location.searchParams.set("client_id", id);
      location.searchParams.set("post_logout_redirect_uri", `${entity}${SIGN_IN_PATHS[as]}`);
      return location.href;
    },
  };
}
