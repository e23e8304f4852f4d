// What the claims of a sign-in issuer's token say: whether they hold here and now, and who the person is in which role. Pure; proves no signature.
import type { SignInIssuer } from "../config.ts";
import { encodeBase64url } from "../crypto/base64.ts";
import { sha256 } from "../crypto/hash.ts";
import { isJsonObject, type Json, type JsonObject } from "../crypto/json.ts";
import { AttestryError } from "../errors.ts";
import {
  CLAIM_CHARS_MAX,
  CLAIM_VALUES_MAX,
  CLOCK_SKEW_SECONDS,
  ISSUER_NAME_CHARS_MAX,
  ISSUER_SUBJECT_CHARS_MAX,
  ISSUER_TOKEN_SECONDS_MAX,
  SIGN_IN_SCOPE_REGISTRIES_MAX,
} from "../limits.ts";
import type { Citizen, Role, Staff } from "./caller.ts";

/** What the access token of a citizen is for. */
export const CITIZEN_SCOPE = "attestry.me";

/** A person as an issuer vouches for one: who, and what each role is limited to (undefined: nothing). */
export interface Person {
  readonly issuer: string;
  readonly subject: string;
  readonly name: string;
  readonly roles: ReadonlyMap<Role, readonly string[] | undefined>;
  readonly claims: Readonly<Record<string, readonly string[]>>;
}

function invalid(claim: string, rule: string): AttestryError {
  return new AttestryError("token_claims_invalid", `${claim} of the token ${rule}`);
}

function seconds(claims: JsonObject, claim: string): number {
  const value = claims[claim];
  if (typeof value !== "number" || !Number.isFinite(value) || value < 0)
    throw invalid(claim, "must be there and be seconds since 1970");
  return value;
}

/** `claims`: signed by the issuer. `audience`: the only one there may be. Throws `token_claims_invalid`, `token_audience_wrong`, `token_not_yet_valid`, `token_expired`. */
export function checkIssuerClaims(
  claims: JsonObject,
  {
    audience,
    now,
    secondsMax = ISSUER_TOKEN_SECONDS_MAX,
  }: { readonly audience: string; readonly now: number; readonly secondsMax?: number | undefined },
): void {
  const { aud, sub } = claims;
  if (typeof sub !== "string" || sub === "" || sub.length > ISSUER_SUBJECT_CHARS_MAX)
    throw invalid("sub", `must be a text of 1 to ${ISSUER_SUBJECT_CHARS_MAX} characters`);
  // Exactly ours: a token for several services could be shown here by any of the others.
  const audiences = Array.isArray(aud) ? aud : [aud];
  if (audiences.length !== 1 || audiences[0] !== audience)
    throw new AttestryError("token_audience_wrong", `aud of the token must be "${audience}" and nothing else`);
  const [issuedAt, expiresAt] = [seconds(claims, "iat"), seconds(claims, "exp")];
  const notBefore = claims.nbf === undefined ? issuedAt : Math.max(issuedAt, seconds(claims, "nbf"));
  if (expiresAt - issuedAt > secondsMax) throw invalid("exp", `must be at most ${secondsMax} s after iat`);
  if (notBefore > now + CLOCK_SKEW_SECONDS)
    throw new AttestryError(
      "token_not_yet_valid",
      `the token holds from ${formatTime(notBefore)} on; here it is ${formatTime(now)}`,
    );
  if (expiresAt <= now - CLOCK_SKEW_SECONDS)
    throw new AttestryError("token_expired", `the token ended at ${formatTime(expiresAt)}; sign in again`);
}

function formatTime(at: number): string {
  const time = new Date(at * 1_000);
  return Number.isNaN(time.getTime()) ? `second ${at}` : time.toISOString();
}

/** A claim by its name or a JSON Pointer (RFC 6901). */
function findClaim(claims: JsonObject, path: string): Json | undefined {
  if (!path.startsWith("/")) return Object.hasOwn(claims, path) ? claims[path] : undefined;
  let value: Json | undefined = claims;
  for (const step of path.slice(1).split("/")) {
    const name = step.replaceAll("~1", "/").replaceAll("~0", "~");
    value = isJsonObject(value) && Object.hasOwn(value, name) ? value[name] : undefined;
  }
  return value;
}

function listTexts(value: Json | undefined): string[] {
  const values = Array.isArray(value) ? value : [value];
  return values.filter((one): one is string => typeof one === "string");
}

/** "*", which in a token of this node is everywhere, is in an issuer's no value: everywhere is not for others to say. */
function readJurisdiction(claims: JsonObject, names: Readonly<Record<string, string>>): Person["claims"] {
  return Object.fromEntries(
    Object.entries(names).map(([name, claim]) => [
      name,
      listTexts(findClaim(claims, claim))
        .filter((value) => value !== "*" && value.length <= CLAIM_CHARS_MAX)
        .slice(0, CLAIM_VALUES_MAX),
    ]),
  );
}

function intersect(one: readonly string[] | undefined, other: readonly string[] | undefined) {
  return one === undefined ? other : other === undefined ? one : one.filter((name) => other.includes(name));
}

/** Who the claims speak of. Groups that the configuration does not name mean nothing. */
export function readPerson(claims: JsonObject, issuer: SignInIssuer): Person {
  const { registriesClaim, rolesClaim } = issuer;
  const groups = new Set(rolesClaim === undefined ? [] : listTexts(findClaim(claims, rolesClaim)));
  const named =
    registriesClaim === undefined
      ? undefined
      : listTexts(findClaim(claims, registriesClaim)).slice(0, SIGN_IN_SCOPE_REGISTRIES_MAX);
  const roles = new Map<Role, readonly string[] | undefined>();
  for (const { value, role, registries } of issuer.roles) {
    if (!groups.has(value)) continue;
    const scope = intersect(registries, named);
    const before = roles.get(role);
    const isUnlimited = scope === undefined || (roles.has(role) && before === undefined);
    roles.set(role, isUnlimited ? undefined : [...new Set([...(before ?? []), ...scope])]);
  }
  return {
    ...readNamed(claims, issuer),
    roles,
    claims: readJurisdiction(claims, issuer.jurisdictionClaims),
  };
}

function readNamed(
  claims: JsonObject,
  { issuer, nameClaim }: SignInIssuer,
): Pick<Person, "issuer" | "subject" | "name"> {
  const name = findClaim(claims, nameClaim);
  const subject = claims.sub as string;
  const named = typeof name === "string" && name.trim() !== "" ? name : subject;
  return { issuer, subject, name: named.slice(0, ISSUER_NAME_CHARS_MAX) };
}

/** A claim that says who a citizen is counts only where it is one text: of several, nobody knows which is the person's. */
function isOnePerson(value: Json | undefined): value is string {
  return typeof value === "string" && value.trim() !== "" && value.length <= CLAIM_CHARS_MAX && !/\p{C}/u.test(value);
}

/** The citizen of whom the claims speak; undefined where the issuer vouches for none. */
export function readCitizen(claims: JsonObject, issuer: SignInIssuer): Citizen | undefined {
  if (issuer.citizenClaims === undefined) return undefined;
  const said = Object.entries(issuer.citizenClaims).flatMap(([name, claim]): [string, string][] => {
    const value = findClaim(claims, claim);
    return isOnePerson(value) ? [[name, value]] : [];
  });
  return { kind: "citizen", ...readNamed(claims, issuer), claims: Object.fromEntries(said) };
}

/** Whether a token is for a citizen's own data (RFC 9068 §2.2.3). One that is opens nothing else, and no other opens that. */
export function hasCitizenScope({ scope }: JsonObject): boolean {
  return typeof scope === "string" && scope.split(" ").includes(CITIZEN_SCOPE);
}

/** As `readCitizen`, but only where the claims say who it is. Throws `token_issuer_unknown`, `subject_unknown`, `subject_ambiguous`. */
export function getCitizen(claims: JsonObject, issuer: SignInIssuer): Citizen {
  const citizen = readCitizen(claims, issuer);
  if (!citizen)
    throw new AttestryError("token_issuer_unknown", "the token is of an issuer by whom no citizen signs in here");
  if (Object.keys(citizen.claims).length > 0) return citizen;
  const said = Object.values(issuer.citizenClaims ?? {});
  const isSaid = said.some((claim) => (findClaim(claims, claim) ?? null) !== null);
  throw new AttestryError(
    isSaid ? "subject_ambiguous" : "subject_unknown",
    `the token must say by one text in ${said.join(" or ")} who the person is`,
  );
}

/** The role that was asked for, or the only one there is. Throws `role_not_granted`, `role_choice_required`. */
export function chooseRole({ roles, issuer }: Person, wanted: string | undefined): Role {
  const granted = [...roles.keys()];
  if (granted.length === 0)
    throw new AttestryError("role_not_granted", `${issuer} names no group of yours that means a role at this node`);
  const chosen = wanted === undefined ? granted : granted.filter((role) => role === wanted);
  if (chosen.length === 0)
    throw new AttestryError(
      "role_not_granted",
      `the role asked for is none of yours, which are: ${granted.join(", ")}`,
    );
  if (chosen.length === 1) return chosen[0]!;
  throw new AttestryError(
    "role_choice_required",
    `you have the roles ${granted.join(", ")}; say in the header Attestry-Role in which you act`,
  );
}

/** The same person whatever the token and however often named anew. Neither part can hold a line break of its own: one is a URL, the other is last. */
export function personOf({ issuer, subject }: Pick<Person, "issuer" | "subject">): string {
  return `sign-in\n${issuer}\n${subject}`;
}

/** The person as a caller in one role. */
export function toStaff(person: Person, role: Role): Staff {
  const identity = personOf(person);
  return {
    kind: "staff",
    tokenId: `person-${encodeBase64url(sha256(identity))}`,
    name: person.name,
    person: identity,
    issuer: person.issuer,
    role,
    registries: person.roles.get(role),
    claims: person.claims,
  };
}
