// Hands a notification to a gateway: a signed statement in a signed request. Keeps nothing, tries once.
import { encodeBase64url } from "../crypto/base64.ts";
import { encodeUtf8 } from "../crypto/hash.ts";
import type { JsonObject } from "../crypto/json.ts";
import { signJws } from "../crypto/jws.ts";
import type { Signer } from "../crypto/signer.ts";
import { AttestryError } from "../errors.ts";
import type { HttpClient } from "../federation/http-client.ts";
import { signRequest } from "../federation/signed-request.ts";
import { NOTIFICATION_ANSWER_BYTES_MAX, NOTIFICATION_TIMEOUT_MS } from "../limits.ts";
import { NOTIFICATION_TYPE, type NotificationClaims } from "./notification.ts";

const NOTIFICATION_MEDIA_TYPE = `application/${NOTIFICATION_TYPE}`;
const NONCE_BYTES = 16;

/** Sends one; throws `peer_*` where the gateway did not take it (any status but 2xx). */
export type SendNotification = (claims: Omit<NotificationClaims, "iss" | "iat">) => Promise<void>;

/** `issuer`: the name that the node's records have, whose keys `signer` is one of; `entity`, `requestSigner`: who calls. */
export function createNotificationSender(deps: {
  issuer: string;
  entity: string;
  httpClient: Pick<HttpClient, "send">;
  signer: Signer;
  requestSigner: Signer;
  clock: () => number;
  random: (length: number) => Uint8Array;
}): SendNotification {
  const { issuer, entity, httpClient, signer, requestSigner, clock, random } = deps;
  return async ({ aud, jti, event, count, address, page }) => {
    const claims: NotificationClaims = { iss: issuer, aud, iat: clock(), jti, event, count, address, page };
    const jws = await signJws({ signer, typ: NOTIFICATION_TYPE, payload: claims as unknown as JsonObject });
    const bytes = encodeUtf8(jws);
    const { headers } = await signRequest({
      signer: requestSigner,
      method: "POST",
      url: aud,
      sender: entity,
      audience: aud,
      content: { type: NOTIFICATION_MEDIA_TYPE, bytes },
      now: clock(),
      nonce: encodeBase64url(random(NONCE_BYTES)),
    });
    const { status } = await httpClient.send({
      method: "POST",
      url: aud,
      headers,
      body: bytes,
      timeoutMs: NOTIFICATION_TIMEOUT_MS,
      bytesMax: NOTIFICATION_ANSWER_BYTES_MAX,
    });
    if (status < 200 || status >= 300)
      throw new AttestryError("peer_response_invalid", `${new URL(aud).host} answered status ${status}`);
  };
}
