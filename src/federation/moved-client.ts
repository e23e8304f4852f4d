// Asks the pinned anchors where a member went that does not answer under its name. What they say is a hint, and believed by nobody without a chain.
import { createBoundedCache } from "../bounded-cache.ts";
import { decodeUtf8 } from "../crypto/hash.ts";
import { isJsonObject, type Json, parseJson } from "../crypto/json.ts";
import { isAttestryError } from "../errors.ts";
import { MOVED_ANSWER_BYTES_MAX, MOVED_REMEMBERED_MAX, MOVED_SECONDS } from "../limits.ts";
import { parseEntityIdentifier } from "./entity-identifier.ts";
import type { HttpClient } from "./http-client.ts";

/** The entity that one of `anchors` says `name` became, undefined where none does. */
export type FindMoved = (name: string) => Promise<string | undefined>;

/** `anchors`: entity identifiers. `clock`: Unix seconds. */
export function createMovedClient(deps: {
  readonly httpClient: HttpClient;
  readonly anchors: readonly string[];
  readonly clock: () => number;
  /** Development. */
  readonly allowLoopbackHttp: boolean;
}): FindMoved {
  const remembered = createBoundedCache<{ moved: string | undefined; until: number }>(MOVED_REMEMBERED_MAX);

  async function ask(anchor: string, name: string): Promise<string | undefined> {
    try {
      const { status, body } = await deps.httpClient.send({
        method: "GET",
        url: `${anchor}/federation/directory?formerly=${encodeURIComponent(name)}`,
        headers: { accept: "application/json" },
        bytesMax: MOVED_ANSWER_BYTES_MAX,
      });
      if (status !== 200) return undefined;
      const answer = parseJson(decodeUtf8(body));
      const members: readonly Json[] = isJsonObject(answer) && Array.isArray(answer.members) ? answer.members : [];
      const [member] = members;
      if (!isJsonObject(member)) return undefined;
      return parseEntityIdentifier(member.entity, { allowLoopbackHttp: deps.allowLoopbackHttp });
    } catch (error) {
      if (!isAttestryError(error)) throw error;
      return undefined;
    }
  }

  return async (name) => {
    const known = remembered.get(name);
    if (known !== undefined && known.until > deps.clock()) return known.moved;
    const answers = await Promise.all(deps.anchors.map((anchor) => ask(anchor, name)));
    const told = new Set(answers.filter((answer) => answer !== undefined));
    // Anchors that contradict each other lead nobody anywhere.
    const moved = told.size === 1 ? [...told][0] : undefined;
    remembered.set(name, { moved, until: deps.clock() + MOVED_SECONDS });
    return moved;
  };
}
