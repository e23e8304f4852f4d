// Which keys the served node publishes now, so that an operator sees whether it was restarted since. Asks only the node's own address.
import { encodeBase64url } from "../crypto/base64.ts";
import { isAttestryError } from "../errors.ts";
import { entityConfigurationUrl } from "../federation/entity-identifier.ts";
import { parseEntityStatement } from "../federation/entity-statement.ts";
import { createHttpClient } from "../federation/http-client.ts";
import { parseNodeMetadata, REGISTRY_NODE } from "../federation/node-metadata.ts";

/** The x of every key in the configuration that `entity` serves; undefined where nobody answers with one. */
export async function fetchServedKeys(entity: string): Promise<ReadonlySet<string> | undefined> {
  // The node's own address, so a private one is meant.
  const http = createHttpClient({ development: true, allowedPrivateHosts: [new URL(entity).hostname] });
  try {
    const statement = parseEntityStatement(await http.getStatement(entityConfigurationUrl(entity)));
    const { keys } = parseNodeMetadata(entity, statement.metadata.get(REGISTRY_NODE));
    const known = [...statement.keys, ...keys.record, ...keys.status, ...keys.request].map(({ raw }) => raw);
    return new Set([...known, ...keys.log].map((raw) => encodeBase64url(raw)));
  } catch (error) {
    if (isAttestryError(error)) return undefined;
    throw error;
  } finally {
    http.close();
  }
}
