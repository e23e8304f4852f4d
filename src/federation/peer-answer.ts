// What is asked of every answer of a peer: its status, its media type, its text, how long to wait. Pure.
import { AttestryError, isAttestryError } from "../errors.ts";
import type { PeerResponse } from "./peer-call-client.ts";

/** Milliseconds that a peer asks to wait, by a number of seconds or a date (RFC 9110 §10.2.3); undefined where it asks for none. */
export function readRetryAfterMs(response: PeerResponse, nowMs: number): number | undefined {
  const text = response.headers.get("retry-after");
  if (response.status !== 503 || text === undefined) return undefined;
  const ms = /^\d{1,9}$/.test(text) ? Number(text) * 1_000 : Date.parse(text) - nowMs;
  return Number.isFinite(ms) ? Math.max(0, ms) : undefined;
}

/** Throws `peer_response_invalid` unless the status is 200 and the content type exactly this. */
export function checkMediaType(response: PeerResponse, url: string, expected: string): void {
  const { host } = new URL(url);
  if (response.status !== 200) {
    throw new AttestryError("peer_response_invalid", `${host} answered status ${response.status}`);
  }
  const [mediaType, ...parameters] = (response.headers.get("content-type") ?? "none")
    .split(";")
    .map((part) => part.trim().toLowerCase());
  // RFC 8259 §11 defines no parameter for JSON; a charset other than UTF-8 would mean other text.
  const isExact = mediaType === expected && parameters.every((parameter) => parameter === "charset=utf-8");
  if (!isExact) {
    throw new AttestryError("peer_response_invalid", `${host} answered another content type; ${expected} is expected`);
  }
}

/** What `read` makes of a body; throws `peer_response_invalid` where it refuses, saying that the text is not `what`. */
export function readText<Value>(url: string, what: string, read: () => Value): Value {
  try {
    return read();
  } catch (cause) {
    const code = isAttestryError(cause) ? cause.code : "unknown failure";
    throw new AttestryError(
      "peer_response_invalid",
      `${new URL(url).host} answered text that is not ${what} (${code})`,
      {
        cause,
      },
    );
  }
}
