// One file of the evidence corpus: how it is made and, written by hand, what every verifier must say of it. Computes no verdict.
import { encodeBase64url, encodeBase64urlText } from "../../src/crypto/base64.ts";
import { encodeUtf8, sha256 } from "../../src/crypto/hash.ts";
import type { Json, JsonObject } from "../../src/crypto/json.ts";
import type { Signer } from "../../src/crypto/signer.ts";
import type { Evidence } from "../../src/verification/evidence.ts";
import type { CheckName } from "../../src/verification/policy.ts";
import type { Verdict, VerificationCode } from "../../src/verification/report.ts";
import { createSample, type LoggedVersion, NOW, type RecordWorld, type VersionDraft } from "../record-fixture.ts";

/**
 * Of an invalid or undecided file the first required check that did not pass, and its code; of a valid one the check that passed in a
 * way worth telling, if any.
 */
export interface ExpectedReport {
  readonly verdict: Verdict;
  readonly valid: boolean;
  readonly check?: CheckName;
  readonly code?: VerificationCode;
}

export interface CorpusCase {
  /** `valid.<what>` or `<code>.<what>`; may be a file's name. */
  readonly name: string;
  readonly now: number;
  readonly expected: ExpectedReport;
  /** The file's text. */
  readonly make: () => Promise<string>;
}

export interface Sample {
  readonly world: RecordWorld;
  readonly logged: LoggedVersion;
  readonly evidence: Evidence;
}

type Make = () => Promise<unknown> | unknown;

const seedsOf = (name: string) => (label: string) => sha256(`corpus\n${name}\n${label}`);

/** Keys of the world that the policy pins; `impostorSeeds`: the same names with other keys. */
export const corpusSeeds = seedsOf("true");
export const impostorSeeds = seedsOf("impostor");

export function sample(draft: VersionDraft = {}, granted?: readonly string[]): Promise<Sample> {
  return createSample(draft, granted, corpusSeeds);
}

/** A file made by a change to a sample's evidence. */
export function changed(change: (made: Sample) => unknown, draft: VersionDraft = {}): Make {
  return async () => {
    const made = await sample(draft);
    return change(made);
  };
}

/** A value becomes JSON; a text is the file as it is. */
async function textOf(make: Make): Promise<string> {
  const made = await make();
  return typeof made === "string" ? made : JSON.stringify(made);
}

export function valid(
  label: string,
  make: Make,
  { now = NOW, check, code }: { now?: number; check?: CheckName; code?: VerificationCode } = {},
): CorpusCase {
  const expected = { verdict: "valid", valid: true, ...(check && { check }), ...(code && { code }) } as const;
  return { name: `valid.${label}`, now, expected, make: () => textOf(make) };
}

export function invalid(check: CheckName, code: VerificationCode, label: string, make: Make, now = NOW): CorpusCase {
  const expected = { verdict: "invalid", valid: false, check, code } as const;
  return { name: `${code}.${label}`, now, expected, make: () => textOf(make) };
}

export function undecided(check: CheckName, code: VerificationCode, label: string, make: Make, now = NOW): CorpusCase {
  const expected = { verdict: "undecided", valid: false, check, code } as const;
  return { name: `${code}.${label}`, now, expected, make: () => textOf(make) };
}

export function part(value: Json | string): string {
  return encodeBase64urlText(typeof value === "string" ? value : JSON.stringify(value));
}

/** A compact JWS over whatever header and payload; texts are taken as they are. */
export async function signRaw(
  signer: Signer,
  { header, payload }: { header: JsonObject | string; payload: JsonObject | string },
): Promise<string> {
  const input = `${part(header)}.${part(payload)}`;
  return `${input}.${encodeBase64url(await signer.sign(encodeUtf8(input)))}`;
}
