// Asks a configured sign-in issuer what it says of itself and which keys it signs with. Believes an answer only at the addresses of that issuer.

import { decodeUtf8, encodeUtf8 } from "../crypto/hash.ts";
import { isJsonObject, type JsonObject, parseJson } from "../crypto/json.ts";
import { type IssuerKey, parseIssuerKeys } from "../crypto/jwt.ts";
import { AttestryError } from "../errors.ts";
import type { HttpClient } from "../federation/http-client.ts";
import { ISSUER_ANSWER_BYTES_MAX } from "../limits.ts";

/** What OpenID Connect Discovery §3 says of an issuer, as far as it is used. */
export interface IssuerMetadata {
  readonly jwksUri: string;
  readonly authorizationEndpoint: string | undefined;
  readonly tokenEndpoint: string | undefined;
  readonly endSessionEndpoint: string | undefined;
  /** Whether its answers to the browser name it (RFC 9207). */
  readonly namesIssuerInAnswer: boolean;
}

export interface IssuerState extends IssuerMetadata {
  readonly keys: readonly IssuerKey[];
}

function unusable(issuer: string, reason: string): AttestryError {
  return new AttestryError("sign_in_unavailable", `${issuer} cannot be used to sign in: ${reason}`);
}

async function getObject(http: Pick<HttpClient, "send">, issuer: string, url: string): Promise<JsonObject> {
  const { status, body } = await http.send({
    method: "GET",
    url,
    headers: { accept: "application/json" },
    bytesMax: ISSUER_ANSWER_BYTES_MAX,
  });
  if (status !== 200) throw unusable(issuer, `it answered status ${status}`);
  // The media type is not asked for: a key set may be application/jwk-set+json or application/json.
  const value = parseJson(decodeUtf8(body));
  if (!isJsonObject(value)) throw unusable(issuer, "its answer is no JSON object");
  return value;
}

function endpoint(metadata: JsonObject, name: string): string | undefined {
  const value = metadata[name];
  return typeof value === "string" ? value : undefined;
}

/** Metadata and keys of an issuer now. Throws `sign_in_unavailable`, `peer_*`, `json_*`, `key_invalid`. */
export async function askIssuer(http: Pick<HttpClient, "send">, issuer: string): Promise<IssuerState> {
  const metadata = await getObject(http, issuer, `${issuer.replace(/\/$/, "")}/.well-known/openid-configuration`);
  // Discovery §4.3: an answer that names another issuer is not believed.
  if (metadata.issuer !== issuer) throw unusable(issuer, "its configuration names another issuer");
  const jwksUri = endpoint(metadata, "jwks_uri");
  if (jwksUri === undefined) throw unusable(issuer, "its configuration names no jwks_uri");
  return {
    jwksUri,
    authorizationEndpoint: endpoint(metadata, "authorization_endpoint"),
    tokenEndpoint: endpoint(metadata, "token_endpoint"),
    endSessionEndpoint: endpoint(metadata, "end_session_endpoint"),
    namesIssuerInAnswer: metadata.authorization_response_iss_parameter_supported === true,
    keys: parseIssuerKeys(await getObject(http, issuer, jwksUri)),
  };
}

/** RFC 6749 §2.3.1: both parts are form-encoded before they are joined. */
function basicCredentials(id: string, secret: string): string {
  const encode = (text: string) => new URLSearchParams({ text }).toString().slice("text=".length);
  return `Basic ${Buffer.from(`${encode(id)}:${encode(secret)}`).toString("base64")}`;
}

/** The ID token for a code, unproved. Throws `sign_in_failed`, `sign_in_unavailable`, `peer_*`. */
export async function redeemCode(
  http: Pick<HttpClient, "send">,
  options: {
    readonly issuer: string;
    readonly tokenEndpoint: string | undefined;
    readonly client: { readonly id: string; readonly secret: string | undefined };
    readonly code: string;
    readonly redirectUri: string;
    readonly verifier: string;
  },
): Promise<string> {
  const { issuer, tokenEndpoint, client } = options;
  if (tokenEndpoint === undefined) throw unusable(issuer, "its configuration names no token_endpoint");
  const form = new URLSearchParams({
    grant_type: "authorization_code",
    code: options.code,
    redirect_uri: options.redirectUri,
    code_verifier: options.verifier,
    ...(client.secret === undefined && { client_id: client.id }),
  });
  const { status, body } = await http.send({
    method: "POST",
    url: tokenEndpoint,
    headers: {
      accept: "application/json",
      "content-type": "application/x-www-form-urlencoded",
      ...(client.secret !== undefined && { authorization: basicCredentials(client.id, client.secret) }),
    },
    body: encodeUtf8(form.toString()),
    bytesMax: ISSUER_ANSWER_BYTES_MAX,
  });
  const value = parseJson(decodeUtf8(body));
  const idToken = status === 200 && isJsonObject(value) ? value.id_token : undefined;
  if (typeof idToken === "string") return idToken;
  throw new AttestryError(
    "sign_in_failed",
    `${issuer} gave no token for the code (status ${status}); start the sign-in again`,
  );
}
