// Asks a home node which of its records have these keys. What comes back is untrusted: only its form is checked here.
import { isJsonObject, type Json } from "../crypto/json.ts";
import { AttestryError } from "../errors.ts";
import type { HttpClient } from "../federation/http-client.ts";
import { parseRecordUrl } from "../records/record-url.ts";
import type { KeyOutcome } from "../records/references/key-lookup-service.ts";
import type { RecordKeyText } from "../records/references/reference-key.ts";

export interface HomeKey {
  readonly registry: string;
  readonly key: RecordKeyText;
}

/** One batch from one home node: one outcome per key, in their order. */
export type FindAtHome = (options: { entity: string; keys: readonly HomeKey[] }) => Promise<KeyOutcome[]>;

const STATE = /^[a-z]{1,20}$/;

/** Throws `peer_response_invalid` if an answer to `records:find` has not its form, or names records that were not asked for. */
export function parseFoundKeys(answer: Json, asked: { entity: string; keys: readonly HomeKey[] }): KeyOutcome[] {
  const fail = (reason: string) =>
    new AttestryError("peer_response_invalid", `the home node's answer to records:find: ${reason}`);
  const { entity, keys } = asked;
  if (!isJsonObject(answer) || !Array.isArray(answer.results)) throw fail("it has no results");
  if (answer.results.length !== keys.length) throw fail(`${answer.results.length} results for ${keys.length} keys`);
  return answer.results.map((result, at): KeyOutcome => {
    if (!isJsonObject(result)) throw fail("a result is no object");
    const { outcome, href, state } = result;
    if (outcome !== "found") {
      const code = KNOWN_REFUSALS.find((one) => one === outcome);
      if (code === undefined) throw fail("a result has an unknown outcome");
      return { outcome: code, message: `${REFUSALS[code]} at ${entity}` };
    }
    const address = typeof href === "string" ? parseRecordUrl(href) : undefined;
    if (address?.entity !== entity || address.registry !== keys[at]!.registry)
      throw fail("a result is no record of the registry asked");
    if (typeof state !== "string" || !STATE.test(state)) throw fail("a result has no state");
    return { outcome: "found", href: href as string, state };
  });
}

// Said in this node's words: what another node sends does not become part of an error.
const REFUSALS = {
  record_unknown: "is the key of no record",
  registry_unknown: "is of a registry that there is not",
  permission_denied: "is of a registry that is not open to other nodes",
  query_invalid: "is by nothing that records are looked up by",
} as const;
const KNOWN_REFUSALS = Object.keys(REFUSALS) as (keyof typeof REFUSALS)[];

export function createReferenceLookupClient(http: HttpClient): FindAtHome {
  return async ({ entity, keys }) => {
    const lookups = keys.map(({ registry, key }) => ({ registry, key: key as Json }));
    const answer = await http.postJson(`${entity}/records:find`, { lookups }, { isRepeatable: true });
    return parseFoundKeys(answer, { entity, keys });
  };
}
