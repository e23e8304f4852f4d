// Finds the addresses of a peer's name, and hands a socket none that has not been checked. Connects to nothing itself.
import { lookup } from "node:dns";
import { Resolver } from "node:dns/promises";
import { isIPv4, type LookupFunction } from "node:net";
import { setTimeout as sleep } from "node:timers/promises";
import { promisify } from "node:util";
import { PEER_LOOKUP_MS, PEER_LOOKUP_SECOND_MS } from "../limits.ts";
import { isLoopbackUrl } from "./entity-identifier.ts";
import { checkAddresses, isListedHost, type Reach } from "./peer-address.ts";

/** All addresses of a host name, as texts. */
export type ResolveName = (hostname: string) => Promise<readonly string[]>;

/** As the machine's own settings say, its hosts file too; for names that the operator gave. */
const resolveAsMachine: ResolveName = async (hostname) =>
  (await promisify(lookup)(hostname, { all: true })).map(({ address }) => address);

/**
 * Asks the name servers without `getaddrinfo`, which would block one of the process's few threads for as long as a peer's
 * name server keeps silent. `servers` (default: the machine's) are addresses with ports.
 */
export function createNameServerLookup(servers?: readonly string[]): ResolveName {
  const resolver = new Resolver({ timeout: PEER_LOOKUP_MS, tries: 2 });
  if (servers) resolver.setServers(servers);
  return async (hostname) => {
    const families = [resolver.resolve4(hostname), resolver.resolve6(hostname)];
    const answers: string[] = [];
    const failures: unknown[] = [];
    const settled = families.map((family) =>
      family.then(
        (addresses) => void answers.push(...addresses),
        (error: unknown) => void failures.push(error),
      ),
    );
    await Promise.race(settled);
    // RFC 8305 §3: who has the addresses of one family does not wait long for the other's.
    await Promise.race([Promise.all(settled), ...(answers.length > 0 ? [sleep(PEER_LOOKUP_SECOND_MS)] : [])]);
    if (answers.length === 0 && failures.length > 0) throw failures[0];
    return [...answers];
  };
}

/**
 * The lookup of a client's sockets. Checking here, and not in a lookup beforehand, leaves no second resolution for a hostile
 * name server to answer differently (DNS rebinding): a connection is made to the addresses that were checked, and kept to them.
 * `resolve` takes the place of every resolution.
 */
export function createGuardedLookup(reach: Reach, resolve?: ResolveName): (url: URL) => LookupFunction {
  const askNameServers = resolve ?? createNameServerLookup();
  const askMachine = resolve ?? resolveAsMachine;
  return (url) => (hostname, options, callback) => {
    const isOwn = isListedHost(url, reach) || isLoopbackUrl(url);
    (isOwn ? askMachine : askNameServers)(hostname)
      .then((addresses) => {
        checkAddresses(url, addresses, reach);
        return addresses.map((address) => ({ address, family: isIPv4(address) ? 4 : 6 }));
      })
      .then(
        (found) => {
          if (options.all) callback(null, found);
          else callback(null, found[0]!.address, found[0]!.family);
        },
        (error: NodeJS.ErrnoException) => callback(error, ""),
      );
  };
}
