// Reads a verifier's policy as data (schemas/verifier-policy.schema.json), before any evidence is parsed. Takes nothing out of evidence.
import { isJsonObject, type Json, type JsonObject, parseJson } from "../crypto/json.ts";
import { AttestryError } from "../errors.ts";
import { parseAnchorPins } from "../federation/anchor-pins.ts";
import { VERIFIER_AGE_SECONDS_MAX, VERIFIER_POLICY_CHARS_MAX } from "../limits.ts";
import { parseWitnessPolicy } from "../log/witness-policy.ts";
import { parseRecordUrl } from "../records/record-url.ts";
import { CHECK_NAMES, type CheckName, type Expectation, REQUIRED_ALWAYS, type VerifierPolicy } from "./policy.ts";

const MEMBERS = [
  "anchors",
  "required",
  "statusMaxAgeSeconds",
  "checkpointMaxAgeSeconds",
  "witnessPolicy",
  "requireStatusReceipt",
  "allowSuperseded",
  "allowArchivedChain",
  "expected",
];
const EXPECTED_MEMBERS = ["href", "version", "digest", "registryType"];
const DIGEST = /^[A-Za-z0-9_-]{43}$/;
const REGISTRY_TYPE = /^[a-z][a-z0-9-]{0,62}$/;

function invalid(reason: string, cause?: unknown): AttestryError {
  return new AttestryError("verifier_policy_invalid", `verifier policy: ${reason}`, { cause });
}

function checkMembers(value: JsonObject, name: string, allowed: readonly string[]): void {
  // A misspelt member would leave out what its author demands.
  const unknown = Object.keys(value).find((member) => !allowed.includes(member));
  if (unknown !== undefined)
    throw invalid(`${name} has the unknown member "${unknown}"; allowed: ${allowed.join(", ")}`);
}

function readAnchors(value: Json | undefined): VerifierPolicy["anchors"] {
  try {
    const anchors = parseAnchorPins(value ?? null);
    if (anchors.length === 0) throw invalid("anchors is empty; without one nothing can be trusted");
    return anchors;
  } catch (error) {
    if (!(error instanceof AttestryError) || error.code === "verifier_policy_invalid") throw error;
    throw invalid(error.message, error);
  }
}

function readRequired(value: Json): readonly CheckName[] {
  if (!Array.isArray(value)) throw invalid("required must be a list of checks");
  const unknown = value.find((check) => !CHECK_NAMES.some((name) => name === check));
  if (unknown !== undefined)
    throw invalid(`required names the unknown check ${JSON.stringify(unknown)}; allowed: ${CHECK_NAMES.join(", ")}`);
  if (new Set(value).size !== value.length) throw invalid("required names a check twice");
  const lacking = REQUIRED_ALWAYS.find((check) => !value.includes(check));
  if (lacking !== undefined)
    throw invalid(`required lacks "${lacking}"; without ${REQUIRED_ALWAYS.join(", ")} nothing is proved`);
  return value as unknown as readonly CheckName[];
}

function readSeconds(value: Json | undefined, member: string): number {
  const isInRange =
    typeof value === "number" && Number.isSafeInteger(value) && value >= 1 && value <= VERIFIER_AGE_SECONDS_MAX;
  if (!isInRange) throw invalid(`${member} must be a whole number of seconds from 1 to ${VERIFIER_AGE_SECONDS_MAX}`);
  return value;
}

function readFlag(value: Json, member: string): boolean {
  if (typeof value !== "boolean") throw invalid(`${member} must be true or false`);
  return value;
}

function readWitnessPolicy(value: Json): string {
  if (typeof value !== "string") throw invalid("witnessPolicy must be a text in the form of C2SP tlog-policy");
  try {
    parseWitnessPolicy(value);
    return value;
  } catch (error) {
    if (!(error instanceof AttestryError)) throw error;
    throw invalid(error.message, error);
  }
}

function readExpected(value: Json): Expectation {
  if (!isJsonObject(value)) throw invalid("expected must be an object");
  checkMembers(value, "expected", EXPECTED_MEMBERS);
  const { href, version, digest, registryType } = value;
  if (href !== undefined && (typeof href !== "string" || parseRecordUrl(href) === undefined))
    throw invalid("expected.href must be the URL of a record");
  if (version !== undefined && (typeof version !== "number" || !Number.isSafeInteger(version) || version < 1))
    throw invalid("expected.version must be a whole number from 1");
  if (digest !== undefined && (typeof digest !== "string" || !DIGEST.test(digest)))
    throw invalid("expected.digest must be a base64url SHA-256 of 43 characters");
  if (registryType !== undefined && (typeof registryType !== "string" || !REGISTRY_TYPE.test(registryType)))
    throw invalid("expected.registryType must be the name of a registry type");
  return value as Expectation;
}

/**
 * Checks a policy's content: the members of `VerifierPolicy`, with `anchors` in the form of the file that pins anchors. An unknown member
 * is refused. Throws `verifier_policy_invalid`, saying which member and what is allowed there.
 */
export function parseVerifierPolicy(value: unknown): VerifierPolicy {
  if (!isJsonObject(value)) throw invalid("it must be an object");
  checkMembers(value, "it", MEMBERS);
  const { required, checkpointMaxAgeSeconds: checkpointAge, expected } = value;
  const { witnessPolicy, requireStatusReceipt, allowSuperseded, allowArchivedChain } = value;
  return {
    anchors: readAnchors(value.anchors),
    statusMaxAgeSeconds: readSeconds(value.statusMaxAgeSeconds, "statusMaxAgeSeconds"),
    ...(required !== undefined && { required: readRequired(required) }),
    ...(checkpointAge !== undefined && {
      checkpointMaxAgeSeconds: readSeconds(checkpointAge, "checkpointMaxAgeSeconds"),
    }),
    ...(witnessPolicy !== undefined && { witnessPolicy: readWitnessPolicy(witnessPolicy) }),
    ...(requireStatusReceipt !== undefined && {
      requireStatusReceipt: readFlag(requireStatusReceipt, "requireStatusReceipt"),
    }),
    ...(allowSuperseded !== undefined && { allowSuperseded: readFlag(allowSuperseded, "allowSuperseded") }),
    ...(allowArchivedChain !== undefined && {
      allowArchivedChain: readFlag(allowArchivedChain, "allowArchivedChain"),
    }),
    ...(expected !== undefined && { expected: readExpected(expected) }),
  };
}

/** The same from a file's text, read strictly. Throws `verifier_policy_invalid` or `json_*`. */
export function parseVerifierPolicyText(text: string): VerifierPolicy {
  if (text.length > VERIFIER_POLICY_CHARS_MAX) throw invalid(`longer than ${VERIFIER_POLICY_CHARS_MAX} characters`);
  return parseVerifierPolicy(parseJson(text));
}
