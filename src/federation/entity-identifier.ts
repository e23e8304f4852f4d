// What counts as an entity identifier, and the addresses derived from one. Pure text rules: resolves and fetches nothing.
import { AttestryError } from "../errors.ts";
import { ENTITY_IDENTIFIER_CHARS_MAX } from "../limits.ts";

const LOOPBACK_HOSTS: ReadonlySet<string> = new Set(["127.0.0.1", "[::1]", "localhost"]);

function refuse(reason: string): never {
  throw new AttestryError("entity_identifier_invalid", `an entity identifier ${reason}`);
}

/** Whether a URL's host names this machine itself. */
export function isLoopbackUrl(url: URL): boolean {
  return LOOPBACK_HOSTS.has(url.hostname);
}

/**
 * An entity identifier: an https URL in its one canonical spelling, with host and optional port and path, without query,
 * fragment, user or closing slash; http for a loopback host where `allowLoopbackHttp` (development).
 * Identifiers are compared code point by code point, so a second spelling of the same URL is refused, not normalised.
 * Throws `entity_identifier_invalid`.
 */
export function parseEntityIdentifier(text: unknown, { allowLoopbackHttp }: { allowLoopbackHttp: boolean }): string {
  if (typeof text !== "string") refuse("is a string");
  if (text.length > ENTITY_IDENTIFIER_CHARS_MAX) refuse(`has at most ${ENTITY_IDENTIFIER_CHARS_MAX} characters`);
  if (!URL.canParse(text)) refuse("is an absolute URL");
  const url = new URL(text);
  // OpenID Federation 1.0 §1.2: "a URL that uses the https scheme, has a host, and optionally a port and path".
  if (url.protocol !== "https:" && !(allowLoopbackHttp && url.protocol === "http:" && isLoopbackUrl(url))) {
    refuse(allowLoopbackHttp ? "uses https, or http on a loopback host" : "uses https");
  }
  if (url.username !== "" || url.password !== "") refuse("names no user");
  if (text.includes("?") || text.includes("#")) refuse("has no query and no fragment");
  // Every address of a node is this text plus a path, so a closing slash would give one node two names.
  if (text.endsWith("/")) refuse("does not end with a slash");
  if (url.href !== text && url.href !== `${text}/`) refuse("is written in its canonical form");
  return text;
}

/** Where an entity publishes its configuration (OpenID Federation 1.0 §9). */
export function entityConfigurationUrl(entity: string): string {
  return `${entity}/.well-known/openid-federation`;
}

/** An entity identifier without its scheme: the prefix of the origins of its logs (C2SP tlog-checkpoint). */
export function entityWithoutScheme(entity: string): string {
  return entity.slice(entity.indexOf("://") + 3);
}
