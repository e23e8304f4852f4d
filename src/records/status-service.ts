// Signs the node's status lists. A list is rebuilt when its copy is older than its ttl; it tells values, never whose they are.
import type { JsonObject } from "../crypto/json.ts";
import { signJws } from "../crypto/jws.ts";
import type { Signer } from "../crypto/signer.ts";
import { AttestryError } from "../errors.ts";
import { STATUS_LIST_ENTRIES, STATUS_LIST_SECONDS, STATUS_LIST_TTL_SECONDS } from "../limits.ts";
import type { Database } from "../storage/database.ts";
import { hasStatusList, listStatusValues } from "./record-store.ts";
import { statusListUrl } from "./record-token.ts";
import { packStatusList, STATUS_TOKEN_TYPE } from "./status-list.ts";

export interface StatusService {
  /** The signed list (`statuslist+jwt`), at most STATUS_LIST_TTL_SECONDS old. Throws `not_found`. */
  getToken(list: number): Promise<string>;
}

export function createStatusService(deps: {
  entity: string;
  database: Database;
  signer: Signer;
  clock: () => number;
}): StatusService {
  const { entity, database, signer, clock } = deps;
  const signed = new Map<number, { token: Promise<string>; until: number }>();

  async function sign(list: number): Promise<string> {
    if (!(await hasStatusList(database, list)))
      throw new AttestryError("not_found", `this node has no status list ${list}`);
    const values = new Uint8Array(STATUS_LIST_ENTRIES);
    for (const { index, value } of await listStatusValues(database, list)) values[index] = value;
    const now = clock();
    const payload: JsonObject = {
      iss: entity,
      sub: statusListUrl(entity, list),
      iat: now,
      exp: now + STATUS_LIST_SECONDS,
      ttl: STATUS_LIST_TTL_SECONDS,
      status_list: { bits: 2, lst: await packStatusList(values) },
    };
    return signJws({ signer, typ: STATUS_TOKEN_TYPE, payload });
  }

  return {
    getToken(list) {
      const known = signed.get(list);
      if (known && known.until > clock()) return known.token;
      const token = sign(list);
      signed.set(list, { token, until: clock() + STATUS_LIST_TTL_SECONDS });
      token.catch(() => signed.delete(list));
      return token;
    },
  };
}
