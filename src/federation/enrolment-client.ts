// An applicant's side of enrolment: sends its configuration to a superior, answers the challenge, asks what became of it. What comes back is untrusted.
import { decodeUtf8, encodeUtf8 } from "../crypto/hash.ts";
import { isJsonObject, type JsonObject, parseJson } from "../crypto/json.ts";
import type { Signer } from "../crypto/signer.ts";
import { AttestryError, isAttestryError } from "../errors.ts";
import { STATEMENT_BYTES_MAX } from "../limits.ts";
import { signDeparture } from "./departure.ts";
import { signEnrolmentProof } from "./enrolment-proof.ts";
import type { HttpClient } from "./http-client.ts";
import { createStatementClient } from "./statement-client.ts";

/** The member of `metadata.federation_entity` that says where a node is asked to vouch for others. */
export const ENROLMENT_ENDPOINT = "attestry_enrolment_endpoint";

/** What a superior says of an application. `url`: where to ask again. */
export interface Enrolment {
  readonly url: string;
  readonly state: string;
  readonly reason?: string;
  readonly registryTypes?: readonly string[];
}

export interface EnrolmentClient {
  /** Applies and proves the key. Throws `peer_*`, `statement_*`, `enrolment_refused` with the superior's own code and words. */
  apply(options: {
    superior: string;
    configuration: string;
    code?: string | undefined;
    /** What this node was called when the superior last vouched for it, if it moved. */
    formerly?: string | undefined;
  }): Promise<Enrolment>;
  /** Tells the superior that this node leaves. Throws as above. */
  leave(superior: string): Promise<void>;
  /** Throws as above. */
  getStatus(url: string): Promise<Enrolment>;
}

const STATES = new Set(["pending", "accepted", "refused"]);

/** `signer`: the applicant's federation key. `clock`: Unix seconds. */
export function createEnrolmentClient(deps: {
  httpClient: HttpClient;
  entity: string;
  signer: Signer;
  clock: () => number;
}): EnrolmentClient {
  const { httpClient, entity, signer, clock } = deps;
  const statements = createStatementClient(deps);

  async function call(method: "GET" | "POST", url: string, body?: JsonObject): Promise<JsonObject> {
    const response = await httpClient.send({
      method,
      url,
      bytesMax: STATEMENT_BYTES_MAX,
      headers: { accept: "application/json", ...(body && { "content-type": "application/json" }) },
      ...(body && { body: encodeUtf8(JSON.stringify(body)) }),
    });
    const answer = parseAnswer(response.body, url);
    if (response.status === 200) return answer;
    const said = [answer.code, answer.detail].filter((text) => typeof text === "string").join(": ");
    throw new AttestryError(
      "enrolment_refused",
      `${new URL(url).host} answered ${response.status}${said === "" ? "" : `, ${said.slice(0, 500)}`}`,
    );
  }

  async function findEndpoint(superior: string): Promise<string> {
    const { metadata } = await statements.fetchConfiguration(superior);
    const endpoint = metadata.get("federation_entity")?.[ENROLMENT_ENDPOINT];
    // Below the superior, or it could aim us at a third party.
    if (typeof endpoint === "string" && endpoint.startsWith(`${superior}/`)) return endpoint;
    throw new AttestryError("enrolment_refused", `${superior} does not say where to apply; ask its operator`);
  }

  return {
    async apply({ superior, configuration, code, formerly }) {
      const endpoint = await findEndpoint(superior);
      const application = { configuration, ...(formerly !== undefined && { formerly }) };
      const { id, challenge } = await call("POST", endpoint, application);
      if (typeof id !== "string" || !/^[A-Za-z0-9_-]{1,100}$/.test(id) || typeof challenge !== "string")
        throw new AttestryError("peer_response_invalid", `${superior} answered an application without a challenge`);
      const claims = { entity, superior, nonce: challenge, ...(code !== undefined && { code }) };
      const proof = await signEnrolmentProof(claims, signer, clock());
      const url = `${endpoint}/${id}`;
      return readEnrolment(await call("POST", `${url}/proof`, { proof }), url);
    },
    async leave(superior) {
      const departure = await signDeparture({ entity, superior }, { signer, now: clock() });
      await call("POST", `${await findEndpoint(superior)}/departures`, { departure });
    },
    getStatus: async (url) => readEnrolment(await call("GET", url), url),
  };
}

function parseAnswer(body: Uint8Array, url: string): JsonObject {
  try {
    const answer = parseJson(decodeUtf8(body));
    if (isJsonObject(answer)) return answer;
  } catch (error) {
    if (!isAttestryError(error)) throw error;
  }
  throw new AttestryError("peer_response_invalid", `${new URL(url).host} answered no JSON object`);
}

function readEnrolment({ state, reason, registry_types: types }: JsonObject, url: string): Enrolment {
  if (typeof state !== "string" || !STATES.has(state))
    throw new AttestryError("peer_response_invalid", `${new URL(url).host} answered an application of no known state`);
  return {
    url,
    state,
    ...(typeof reason === "string" && { reason: reason.slice(0, 500) }),
    ...(Array.isArray(types) && { registryTypes: types.map(String) }),
  };
}
