// What is known of each sign-in issuer, asked for seldom: tokens that nobody proved cannot make this node ask more often than it would anyway.
import type { IssuerKey } from "../crypto/jwt.ts";
import { AttestryError } from "../errors.ts";
import type { HttpClient } from "../federation/http-client.ts";
import { ISSUER_KEYS_HELD_SECONDS, ISSUER_KEYS_REFRESH_SECONDS, ISSUER_KEYS_SECONDS } from "../limits.ts";
import { askIssuer, type IssuerState } from "./issuer-client.ts";

export interface IssuerStates {
  /** Throws `sign_in_unavailable`. */
  getState(issuer: string): Promise<IssuerState>;
  /** The key of a `kid`; one that is not known is asked for, unless that was done a moment ago. Throws `sign_in_unavailable`, `token_key_unknown`. */
  getKey(issuer: string, kid: string): Promise<IssuerKey>;
}

interface Held {
  state: IssuerState | undefined;
  /** Unix seconds; of `state`, and of the last asking, whatever it brought. */
  readAt: number;
  askedAt: number;
  failure: unknown;
  asking: Promise<void> | undefined;
}

/** `issuers`: the configured ones; no other is ever asked. `clock`: Unix seconds. */
export function createIssuerStates(deps: {
  readonly httpClient: Pick<HttpClient, "send">;
  readonly issuers: readonly string[];
  readonly clock: () => number;
}): IssuerStates {
  const { httpClient, clock } = deps;
  const held = new Map<string, Held>(
    deps.issuers.map((issuer) => [
      issuer,
      { state: undefined, readAt: 0, askedAt: Number.NEGATIVE_INFINITY, failure: undefined, asking: undefined },
    ]),
  );

  /** Asks at most once in ISSUER_KEYS_REFRESH_SECONDS; whoever comes meanwhile waits for the same answer. */
  async function refresh(issuer: string, one: Held): Promise<void> {
    if (one.asking) return one.asking;
    if (clock() - one.askedAt < ISSUER_KEYS_REFRESH_SECONDS) return;
    one.askedAt = clock();
    one.asking = askIssuer(httpClient, issuer).then(
      (state) => {
        one.state = state;
        one.readAt = clock();
        one.failure = undefined;
      },
      (error: unknown) => {
        one.failure = error;
      },
    );
    await one.asking;
    one.asking = undefined;
  }

  async function getState(issuer: string): Promise<IssuerState> {
    const one = held.get(issuer);
    if (!one) throw new AttestryError("token_issuer_unknown", "nobody signs in here by that issuer");
    if (one.state === undefined || clock() - one.readAt >= ISSUER_KEYS_SECONDS) await refresh(issuer, one);
    if (one.state !== undefined && clock() - one.readAt < ISSUER_KEYS_HELD_SECONDS) return one.state;
    const { failure } = one;
    const reason = failure instanceof AttestryError ? `${failure.code}: ${failure.message}` : "it was not reached";
    throw new AttestryError("sign_in_unavailable", `${issuer} cannot be asked for its keys (${reason})`, {
      cause: failure,
      retryAfterSeconds: ISSUER_KEYS_REFRESH_SECONDS,
    });
  }

  return {
    getState,
    async getKey(issuer, kid) {
      const find = async () => (await getState(issuer)).keys.find((key) => key.kid === kid);
      const known = await find();
      if (known) return known;
      await refresh(issuer, held.get(issuer)!);
      const found = await find();
      if (found) return found;
      throw new AttestryError(
        "token_key_unknown",
        `the token names a key that ${issuer} does not publish; new keys are asked for every ${ISSUER_KEYS_REFRESH_SECONDS} s`,
      );
    },
  };
}
