// Asks a superior whom it vouches for: by its extended list where it has one, else by the standard's plain list. Believes nothing of it.
import { decodeUtf8 } from "../crypto/hash.ts";
import { isJsonObject, type Json, parseJson } from "../crypto/json.ts";
import { AttestryError } from "../errors.ts";
import { DIRECTORY_LIST_PAGES_MAX, DIRECTORY_PAGE_ENTITIES, DIRECTORY_SUBORDINATES_MAX } from "../limits.ts";
import { parseEntityIdentifier } from "./entity-identifier.ts";
import type { EntityStatement } from "./entity-statement.ts";
import type { HttpClient } from "./http-client.ts";

/** One line of a list. A superior's claim. */
export interface ListedEntity {
  readonly entity: string;
  readonly state: "active" | "suspended" | "removed";
  readonly statement: string | undefined;
  /** By the superior's clock, Unix seconds. */
  readonly updated: number | undefined;
}

export interface DirectoryListClient {
  /**
   * The subordinates of `superior` (its proven configuration), page by page. With `changedSince` only those that changed then or
   * later, where the superior can tell; `isComplete` of the last page says which of the two it was.
   * Throws `peer_*`, `statement_invalid` where it publishes no list, `too_many_items`.
   */
  readPages(
    superior: EntityStatement,
    changedSince: number | undefined,
  ): AsyncGenerator<{ readonly entities: readonly ListedEntity[]; readonly isComplete: boolean }>;
}

function endpointOf(superior: EntityStatement, name: string): URL | undefined {
  const endpoint = superior.metadata.get("federation_entity")?.[name];
  if (typeof endpoint !== "string" || !URL.canParse(endpoint)) return undefined;
  const url = new URL(endpoint);
  // A list elsewhere would let a superior aim our requests, which come again and again, at a third party.
  return url.origin === new URL(superior.subject).origin ? url : undefined;
}

/** Whether an entity publishes a list of subordinates, so that the walk goes on below it. */
export function hasSubordinateList(configuration: EntityStatement): boolean {
  return ["federation_extended_list_endpoint", "federation_list_endpoint"].some(
    (name) => endpointOf(configuration, name) !== undefined,
  );
}

function invalid(superior: EntityStatement, reason: string): AttestryError {
  return new AttestryError("peer_response_invalid", `the list of ${superior.subject} ${reason}`);
}

/** A name that is none is no reason to lose the others. */
function parseListed(value: Json | undefined, allowLoopbackHttp: boolean): string | undefined {
  try {
    return parseEntityIdentifier(value, { allowLoopbackHttp });
  } catch {
    return undefined;
  }
}

function parseEntry(value: Json, allowLoopbackHttp: boolean): ListedEntity | undefined {
  if (!isJsonObject(value)) return undefined;
  const entity = parseListed(value.id, allowLoopbackHttp);
  if (entity === undefined) return undefined;
  const { status, subordinate_statement: statement, updated, registered } = value;
  // Our own form of the list: one that is still registered and yet not vouched for is suspended.
  const gone = status === "suspended" || registered !== undefined ? "suspended" : "removed";
  return {
    entity,
    state: status === "removed" || status === "suspended" ? gone : "active",
    statement: typeof statement === "string" ? statement : undefined,
    updated: Number.isSafeInteger(updated) ? (updated as number) : undefined,
  };
}

/** `allowLoopbackHttp`: development. */
export function createDirectoryListClient(deps: {
  readonly httpClient: HttpClient;
  readonly allowLoopbackHttp: boolean;
}): DirectoryListClient {
  const { httpClient, allowLoopbackHttp } = deps;

  async function getJson(url: URL): Promise<Json> {
    const response = await httpClient.send({ method: "GET", url: url.href, headers: { accept: "application/json" } });
    const [mediaType] = (response.headers.get("content-type") ?? "").split(";");
    if (response.status !== 200 || mediaType?.trim().toLowerCase() !== "application/json")
      throw new AttestryError("peer_response_invalid", `${url.host} answered no JSON list (status ${response.status})`);
    try {
      return parseJson(decodeUtf8(response.body));
    } catch (cause) {
      throw new AttestryError("peer_response_invalid", `${url.host} answered text that is not strict JSON`, { cause });
    }
  }

  async function* readExtended(superior: EntityStatement, endpoint: URL, changedSince: number | undefined) {
    let from: string | undefined;
    let count = 0;
    const seen = new Set<string>();
    for (let page = 0; page < DIRECTORY_LIST_PAGES_MAX; page++) {
      const url = new URL(endpoint);
      url.searchParams.set("limit", String(DIRECTORY_PAGE_ENTITIES));
      url.searchParams.set("audit_timestamps", "true");
      if (changedSince !== undefined) url.searchParams.set("updated_after", String(changedSince));
      if (from !== undefined) url.searchParams.set("from_entity_id", from);
      const answer = await getJson(url);
      if (!isJsonObject(answer) || !Array.isArray(answer.immediate_subordinate_entities))
        throw invalid(superior, "has not the form of an extended list");
      const { immediate_subordinate_entities: lines, next_entity_id: next } = answer;
      count += lines.length;
      if (count > DIRECTORY_SUBORDINATES_MAX) throw tooMany(superior);
      const entities = lines.flatMap((line) => parseEntry(line, allowLoopbackHttp) ?? []);
      if (typeof next !== "string" || next === "") {
        yield { entities, isComplete: changedSince === undefined };
        return;
      }
      // A list that names a page twice never ends.
      if (seen.has(next) || lines.length === 0) throw invalid(superior, "leads in a circle");
      seen.add(next);
      yield { entities, isComplete: false };
      from = next;
    }
    throw tooMany(superior);
  }

  function tooMany(superior: EntityStatement): AttestryError {
    return new AttestryError(
      "too_many_items",
      `${superior.subject} lists more than ${DIRECTORY_SUBORDINATES_MAX} subordinates`,
    );
  }

  return {
    async *readPages(superior, changedSince) {
      const extended = endpointOf(superior, "federation_extended_list_endpoint");
      if (extended !== undefined) {
        yield* readExtended(superior, extended, changedSince);
        return;
      }
      const plain = endpointOf(superior, "federation_list_endpoint");
      if (plain === undefined)
        throw new AttestryError("statement_invalid", `${superior.subject} publishes no list of subordinates`);
      // OpenID Federation 1.0 §8.2.2: an array of entity identifiers.
      const answer = await getJson(plain);
      if (!Array.isArray(answer)) throw invalid(superior, "is not an array of entity identifiers");
      if (answer.length > DIRECTORY_SUBORDINATES_MAX) throw tooMany(superior);
      const names = new Set(answer.flatMap((name) => parseListed(name, allowLoopbackHttp) ?? []));
      const entities = [...names].map(
        (entity): ListedEntity => ({ entity, state: "active", statement: undefined, updated: undefined }),
      );
      yield { entities, isComplete: true };
    },
  };
}
