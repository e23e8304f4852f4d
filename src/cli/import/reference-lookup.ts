// Asks other nodes for the URLs of the records that rows refer to by key: each distinct key once. Decides nothing about rows.
import { isJsonObject, type Json } from "../../crypto/json.ts";
import { AttestryError, isAttestryError } from "../../errors.ts";
import { IMPORT_LOOKUPS_IN_FLIGHT_MAX, IMPORT_REFERENCES_REMEMBERED_MAX } from "../../limits.ts";
import type { ReferenceQuery } from "../../records/bulk/import-row.ts";
import { parseRecordUrl } from "../../records/record-url.ts";
import type { NodeClient } from "../node-client.ts";

export type LookupResult = { readonly href: string } | { readonly fault: string };

export interface ReferenceLookup {
  /** One result per query, by its key. Throws where a node cannot be asked: then nothing can be said about any row. */
  findAll(queries: readonly ReferenceQuery[]): Promise<ReadonlyMap<string, LookupResult>>;
}

export function createReferenceLookup(deps: {
  readonly clientFor: (query: ReferenceQuery) => NodeClient;
  readonly signal?: AbortSignal;
  readonly rememberedMax?: number;
}): ReferenceLookup {
  const { clientFor, signal, rememberedMax = IMPORT_REFERENCES_REMEMBERED_MAX } = deps;
  const remembered = new Map<string, LookupResult>();

  async function ask(query: ReferenceQuery): Promise<LookupResult> {
    const client = clientFor(query);
    const path = `/registries/${encodeURIComponent(query.registry)}/records`;
    const answer = await client
      .getJson(path, { query: query.by, ...(signal && { signal }) })
      .catch((error: unknown) => {
        if (!isAttestryError(error)) throw error;
        const message = `looking up ${query.registry} at ${client.baseUrl}: ${error.message}`;
        throw new AttestryError(error.code, message, { details: error.details, cause: error });
      });
    return readSearch(answer, { registry: query.registry, baseUrl: client.baseUrl });
  }

  function remember(key: string, result: LookupResult): void {
    const [oldest] = remembered.keys();
    if (remembered.size >= rememberedMax && oldest !== undefined) remembered.delete(oldest);
    remembered.set(key, result);
  }

  return {
    async findAll(queries) {
      const results = new Map<string, LookupResult>();
      const missing = new Map<string, ReferenceQuery>();
      for (const query of queries) {
        const known = remembered.get(query.key);
        if (known) results.set(query.key, known);
        else missing.set(query.key, query);
      }
      const queue = missing.values();
      const work = async (): Promise<void> => {
        for (const query of queue) {
          const result = await ask(query);
          results.set(query.key, result);
          remember(query.key, result);
        }
      };
      await Promise.all(Array.from({ length: IMPORT_LOOKUPS_IN_FLIGHT_MAX }, work));
      return results;
    },
  };
}

/** Reads the answer of a search, which is untrusted: the node imported into verifies whatever URL it is given. */
function readSearch(answer: Json, asked: { registry: string; baseUrl: string }): LookupResult {
  const { registry, baseUrl } = asked;
  const records =
    isJsonObject(answer) && Array.isArray(answer.records) ? answer.records.filter(isJsonObject) : undefined;
  if (!records)
    throw new AttestryError(
      "peer_response_invalid",
      `${baseUrl} answered a search of ${registry} with no list of records`,
    );
  const active = records.filter((record) => record.state === undefined || record.state === "active");
  if (active.length === 0) {
    return {
      fault:
        records.length === 0
          ? `no record of ${registry} has this key`
          : `the record of ${registry} with this key is ${records[0]!.state}`,
    };
  }
  if (active.length > 1) return { fault: `several records of ${registry} have this key` };
  const { href } = active[0]!;
  if (typeof href !== "string" || parseRecordUrl(href)?.registry !== registry) {
    throw new AttestryError(
      "peer_response_invalid",
      `${baseUrl} answered a search of ${registry} without the URL of a record of it`,
    );
  }
  return { href };
}
