// Asks another node, as anybody may, for the definitions of its registries, and reads what consent may be asked for. What comes back is untrusted.
import { decodeUtf8 } from "../crypto/hash.ts";
import { isJsonObject, type Json, parseJson } from "../crypto/json.ts";
import { AttestryError, isAttestryError } from "../errors.ts";
import type { HttpClient } from "../federation/http-client.ts";
import { CONSENT_OFFER_BYTES_MAX, CONSENT_OFFERS_MAX } from "../limits.ts";
import { type ConsentOffer, readConsentOffers } from "./consent-offer.ts";

export interface ConsentOfferClient {
  /** `entity`: of a proven chain. Throws `peer_*`. */
  list(entity: string): Promise<ConsentOffer[]>;
}

export function createConsentOfferClient(http: HttpClient): ConsentOfferClient {
  return {
    async list(entity) {
      const { host } = new URL(entity);
      const fail = (reason: string) => new AttestryError("peer_response_invalid", `${host} ${reason}`);
      const response = await http.send({
        method: "GET",
        url: `${entity}/registries`,
        headers: { accept: "application/json" },
        bytesMax: CONSENT_OFFER_BYTES_MAX,
      });
      if (response.status !== 200) throw fail(`answered status ${response.status}`);
      let answer: Json;
      try {
        answer = parseJson(decodeUtf8(response.body));
      } catch (error) {
        if (!isAttestryError(error)) throw error;
        throw fail("answered no JSON");
      }
      if (!isJsonObject(answer) || !Array.isArray(answer.registries)) throw fail("answered no list of registries");
      return answer.registries.flatMap(readConsentOffers).slice(0, CONSENT_OFFERS_MAX);
    },
  };
}
