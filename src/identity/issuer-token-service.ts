// Proves tokens of sign-in issuers: access tokens for the API, ID tokens for the pages. Every rule is fixed before a token is read.
import type { JwtAlgorithm, SignInIssuer } from "../config.ts";
import type { JsonObject } from "../crypto/json.ts";
import { decodeJws } from "../crypto/jws.ts";
import { checkJwtAlgorithm, isJwtSignedBy } from "../crypto/jwt.ts";
import { AttestryError } from "../errors.ts";
import { CITIZEN_TOKEN_SECONDS_MAX, ISSUER_TOKEN_CHARS_MAX } from "../limits.ts";
import type { Citizen } from "./caller.ts";
import {
  CITIZEN_SCOPE,
  checkIssuerClaims,
  getCitizen,
  hasCitizenScope,
  type Person,
  readPerson,
} from "./issuer-claims.ts";
import type { IssuerStates } from "./issuer-state-service.ts";

export interface IssuerTokenService {
  /** Whom an access token for staff speaks of; throws `token_*`, `sign_in_unavailable`. */
  verifyAccessToken(text: string): Promise<Person>;
  /** Of whose own data an access token is. Throws `token_*`, `sign_in_unavailable`, `subject_unknown`, `subject_ambiguous`. */
  verifyCitizenToken(text: string): Promise<Citizen>;
}

export interface TokenRules {
  readonly issuer: string;
  readonly audience: string;
  readonly algorithms: readonly JwtAlgorithm[];
  /** Allowed `typ`, in lower case and without "application/"; undefined is none. */
  readonly types: readonly (string | undefined)[];
  /** How long it may hold; as long as any token may, if this is left out. */
  readonly secondsMax?: number;
}

interface TokenDeps {
  readonly states: Pick<IssuerStates, "getKey">;
  readonly clock: () => number;
}

function decode(text: string): ReturnType<typeof decodeJws> {
  if (text.length > ISSUER_TOKEN_CHARS_MAX)
    throw new AttestryError(
      "token_invalid",
      `the token has ${text.length} characters; ${ISSUER_TOKEN_CHARS_MAX} are allowed`,
    );
  try {
    return decodeJws(text);
  } catch (cause) {
    const reason = cause instanceof AttestryError ? cause.message : "it cannot be read";
    throw new AttestryError("token_invalid", `the token is no JWT: ${reason}`, { cause });
  }
}

/** RFC 7515 §4.1.9: the prefix may be left out; RFC 2045 §5.1: case says nothing. */
function shortType(typ: unknown): string | undefined {
  return typeof typ === "string" ? typ.toLowerCase().replace(/^application\//, "") : undefined;
}

/** The claims that an issuer signed, for us and now. Nothing in the header but `alg`, `kid` and `typ` is looked at: keys and addresses in it are the sender's. */
export async function verifyIssuerToken(text: string, rules: TokenRules, deps: TokenDeps): Promise<JsonObject> {
  const { header, payload } = decode(text);
  if (payload.iss !== rules.issuer)
    throw new AttestryError("token_issuer_unknown", `the token is not of ${rules.issuer}`);
  const algorithm = checkJwtAlgorithm(header, rules.algorithms);
  // RFC 8725 §3.11: an ID token never passes for an access token, nor the other way round.
  if (!rules.types.includes(shortType(header.typ)))
    throw new AttestryError("token_type_refused", `typ of the token must be ${rules.types.join(" or ")}`);
  if (typeof header.kid !== "string" || header.kid === "")
    throw new AttestryError("token_key_unknown", "the token names no key; its header needs a kid");
  const key = await deps.states.getKey(rules.issuer, header.kid);
  if (!(await isJwtSignedBy(text, key, algorithm)))
    throw new AttestryError("token_signature_invalid", "the signature of the token does not hold under the named key");
  const { audience, secondsMax } = rules;
  checkIssuerClaims(payload, { audience, secondsMax, now: deps.clock() });
  return payload;
}

/** `entity`: the node's own, which alone tokens of citizens are for. */
export function createIssuerTokenService(
  deps: TokenDeps & { readonly entity: string; readonly issuers: readonly SignInIssuer[] },
): IssuerTokenService {
  /** Compared exactly, before anybody is asked: who is not configured causes no request. */
  function getIssuer(text: string): SignInIssuer {
    const { iss } = decode(text).payload;
    const issuer = deps.issuers.find((one) => one.issuer === iss);
    if (issuer) return issuer;
    throw new AttestryError("token_issuer_unknown", "the token is of an issuer by whom nobody signs in at this node");
  }

  return {
    async verifyAccessToken(text) {
      const issuer = getIssuer(text);
      const { audience, algorithms, tokenType } = issuer;
      const rules = { issuer: issuer.issuer, audience, algorithms, types: [tokenType.toLowerCase()] };
      const claims = await verifyIssuerToken(text, rules, deps);
      if (hasCitizenScope(claims))
        throw new AttestryError(
          "token_scope_wrong",
          `a token of scope "${CITIZEN_SCOPE}" opens the citizen's own data and nothing else`,
        );
      return readPerson(claims, issuer);
    },

    async verifyCitizenToken(text) {
      const issuer = getIssuer(text);
      if (issuer.citizenClaims === undefined)
        throw new AttestryError("token_issuer_unknown", "the token is of an issuer by whom no citizen signs in here");
      const rules = {
        issuer: issuer.issuer,
        // Whatever staff's tokens are for: of what is one node's alone no other can be shown anything.
        audience: deps.entity,
        algorithms: issuer.algorithms,
        // RFC 9068 §4, also where an issuer's tokens for staff cannot say so.
        types: ["at+jwt"],
        secondsMax: CITIZEN_TOKEN_SECONDS_MAX,
      };
      const claims = await verifyIssuerToken(text, rules, deps);
      if (!hasCitizenScope(claims))
        throw new AttestryError(
          "token_scope_wrong",
          `a citizen's own data take a token of scope "${CITIZEN_SCOPE}"; this one is for something else`,
        );
      return getCitizen(claims, issuer);
    },
  };
}
