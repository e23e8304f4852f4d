// Which addresses a node speaks to: the URL's form, and each address that its name leads to. Pure; resolves nothing.
import { AttestryError } from "../errors.ts";
import { PEER_ADDRESSES_MAX } from "../limits.ts";
import { isLoopbackUrl } from "./entity-identifier.ts";
import { isLoopbackAddress, isPublicAddress } from "./public-address.ts";

/** What may be spoken to; `development` admits http and this machine itself, `allowedPrivateHosts` host names and addresses. */
export interface Reach {
  readonly development: boolean;
  readonly allowedPrivateHosts: readonly string[];
}

function refuse(url: URL, reason: string): AttestryError {
  return new AttestryError("peer_address_refused", `${url.host}: ${reason}`);
}

/** The host of a URL or of a setting, without the brackets of IPv6. */
function bareHost(host: string): string {
  return host.replace(/^\[|\]$/g, "").toLowerCase();
}

/** Whether the operator named this host, so that it may be inside the operator's own network. */
export function isListedHost(url: URL, reach: Reach): boolean {
  return reach.allowedPrivateHosts.some((host) => bareHost(host) === bareHost(url.hostname));
}

function mayConnect(url: URL, address: string, reach: Reach): boolean {
  if (isPublicAddress(address) || isListedHost(url, reach)) return true;
  return reach.development && isLoopbackUrl(url) && isLoopbackAddress(address);
}

/** `text` is a peer's, untrusted. Throws `peer_address_refused`. */
export function parsePeerUrl(text: string, reach: Reach): URL {
  if (!URL.canParse(text)) throw new AttestryError("peer_address_refused", "the address of a peer is not a URL");
  const url = new URL(text);
  const isDevelopmentHttp = reach.development && url.protocol === "http:" && isLoopbackUrl(url);
  if (url.protocol !== "https:" && !isDevelopmentHttp) throw refuse(url, "only https is spoken");
  if (url.username !== "" || url.password !== "") throw refuse(url, "the URL names a user");
  const host = bareHost(url.hostname);
  // A literal address is never looked up, so the guard of the lookup would not see it.
  if (/^[\d.]+$|:/.test(host) && !mayConnect(url, host, reach)) throw refuse(url, "the address is private");
  // RFC 6761 §6.3: such names are this machine's and are asked of no name server.
  const isLocalName = /(^|\.)localhost\.?$/.test(host);
  if (isLocalName && !isListedHost(url, reach) && !(reach.development && isLoopbackUrl(url)))
    throw refuse(url, "the name is this machine's own");
  return url;
}

/** Throws `peer_address_refused` where a name leads nowhere, to too many addresses, or to one that is not spoken to. */
export function checkAddresses(url: URL, addresses: readonly string[], reach: Reach): void {
  if (addresses.length === 0) throw refuse(url, "the name has no address");
  if (addresses.length > PEER_ADDRESSES_MAX)
    throw refuse(url, `the name has ${addresses.length} addresses; at most ${PEER_ADDRESSES_MAX} are looked at`);
  // One private address among others is refused with them: which of them the socket takes would be the peer's to steer.
  if (!addresses.every((address) => mayConnect(url, address, reach)))
    throw refuse(url, "the name leads to a private address");
}
