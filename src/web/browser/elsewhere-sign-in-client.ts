// Signs a citizen in within the browser, as a public client: a code for a proof that only this browser has (RFC 7636), answered behind the "#" that no server sees, and one token for each department (RFC 8707). Tokens are in memory alone.
import { encodeBase64url } from "../../crypto/base64.ts";
import { isJsonObject, type Json, type JsonObject, parseJson } from "../../crypto/json.ts";
import { decodeJws } from "../../crypto/jws.ts";
import { ISSUER_ANSWER_BYTES_MAX, SIGN_IN_SECONDS, VERIFY_FETCH_TIMEOUT_MS } from "../../limits.ts";
import { readText } from "./evidence-client.ts";

export interface SignInClient {
  readonly issuer: string;
  readonly clientId: string;
  readonly authorizationEndpoint: string;
  readonly tokenEndpoint: string;
  readonly redirectUri: string;
}

interface Attempt {
  readonly issuer: string;
  readonly state: string;
  readonly verifier: string;
  readonly departments: readonly string[];
  /** Unix milliseconds. */
  readonly beganAt: number;
}

export type SignInFailure = "failed" | "stopped" | "late";

/** What came back: a code, with all that it takes to use it. */
export interface Answered {
  readonly code: string;
  readonly attempt: Attempt;
}

const KEY = "attestry-elsewhere-sign-in";
const SCOPE = "attestry.me";

const draw = (): string => encodeBase64url(crypto.getRandomValues(new Uint8Array(32)));

/** Leaves the page for the sign-in service. */
export async function beginSignIn(client: SignInClient, departments: readonly string[]): Promise<void> {
  const attempt: Attempt = {
    issuer: client.issuer,
    state: draw(),
    verifier: draw(),
    departments,
    beganAt: Date.now(),
  };
  // Of this tab alone, and gone once the answer came.
  sessionStorage.setItem(KEY, JSON.stringify(attempt));
  const digest = await crypto.subtle.digest("SHA-256", new TextEncoder().encode(attempt.verifier));
  const url = new URL(client.authorizationEndpoint);
  for (const [name, value] of Object.entries({
    response_type: "code",
    response_mode: "fragment",
    client_id: client.clientId,
    redirect_uri: client.redirectUri,
    scope: SCOPE,
    state: attempt.state,
    code_challenge: encodeBase64url(new Uint8Array(digest)),
    code_challenge_method: "S256",
  }))
    url.searchParams.set(name, value);
  for (const department of departments) url.searchParams.append("resource", department);
  location.assign(url);
}

function takeAttempt(): Attempt | undefined {
  const kept = sessionStorage.getItem(KEY);
  sessionStorage.removeItem(KEY);
  if (kept === null) return undefined;
  const attempt = JSON.parse(kept) as Attempt;
  return Date.now() - attempt.beganAt < SIGN_IN_SECONDS * 1_000 ? attempt : undefined;
}

/** The answer of the sign-in service, where this page was opened with one; it stands in the address no longer afterwards. */
export function readAnswer(): Answered | SignInFailure | undefined {
  const answer = new URLSearchParams(location.hash.slice(1));
  const isSeen = /[?&](code|error)=/.test(location.search);
  if (!answer.has("code") && !answer.has("error") && !isSeen) return undefined;
  history.replaceState(null, "", location.pathname);
  // Where the service did not put it behind the "#", the node's server saw it: it is worth nothing without the proof, and is not used.
  if (isSeen) return "failed";
  const attempt = takeAttempt();
  // Whoever is sent here with somebody else's answer did not begin it (RFC 9700 §4.7).
  if (attempt === undefined || answer.get("state") !== attempt.state) return "late";
  // RFC 9207 §2.4.
  if (answer.has("iss") && answer.get("iss") !== attempt.issuer) return "failed";
  if (answer.has("error")) return answer.get("error") === "access_denied" ? "stopped" : "failed";
  return { code: answer.get("code")!, attempt };
}

async function askTokens(
  client: SignInClient,
  form: Readonly<Record<string, string>>,
): Promise<JsonObject | undefined> {
  try {
    const response = await fetch(client.tokenEndpoint, {
      method: "POST",
      headers: { accept: "application/json" },
      body: new URLSearchParams({ ...form, client_id: client.clientId }),
      credentials: "omit",
      referrerPolicy: "no-referrer",
      redirect: "error",
      cache: "no-store",
      signal: AbortSignal.timeout(VERIFY_FETCH_TIMEOUT_MS),
    });
    const text = await readText(response, ISSUER_ANSWER_BYTES_MAX);
    const value = response.ok && text !== undefined ? parseJson(text) : undefined;
    return isJsonObject(value) ? value : undefined;
  } catch {
    return undefined;
  }
}

/** `token`: there is none for it. `audience`: there is one that is not for it alone. */
export type Redeemed = { readonly token: string } | "token" | "audience";

/** A token that another department takes, too, could be used there by the one that is asked (RFC 8707 §2, RFC 9700 §2.3). */
function readToken(token: Json | undefined, department: string): Redeemed {
  if (typeof token !== "string") return "token";
  try {
    const { aud } = decodeJws(token).payload;
    const [only, ...others] = Array.isArray(aud) ? aud : [aud];
    return only === department && others.length === 0 ? { token } : "audience";
  } catch {
    return "audience";
  }
}

/** Gives each department's token, or why there is none for it, as it comes: refresh tokens are used one after another. */
export async function redeemTokens(
  client: SignInClient,
  { code, attempt }: Answered,
  give: (department: string, redeemed: Redeemed) => void,
): Promise<void> {
  let grant: Record<string, string> | undefined = {
    grant_type: "authorization_code",
    code,
    redirect_uri: client.redirectUri,
    code_verifier: attempt.verifier,
  };
  for (const resource of attempt.departments) {
    const answer: JsonObject | undefined = grant && (await askTokens(client, { ...grant, resource }));
    give(resource, readToken(answer?.access_token, resource));
    const refresh: unknown = answer?.refresh_token ?? (answer && grant?.refresh_token);
    // One that was refused for a department may still be good for the next.
    if (typeof refresh === "string") grant = { grant_type: "refresh_token", refresh_token: refresh };
    else if (grant?.grant_type === "authorization_code") grant = undefined;
  }
}
