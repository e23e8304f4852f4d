// An agency without a node: it has the anchor's pin and attestry's verifier, asks over HTTP like anybody, and believes nothing else.
import { type Json, parseJson } from "../../crypto/json.ts";
import { AttestryError } from "../../errors.ts";
import { createChainService } from "../../federation/chain-service.ts";
import { createHttpClient, type HttpClient } from "../../federation/http-client.ts";
import type { AnchorPin, VerifiedChain } from "../../federation/trust-chain.ts";
import { STATUS_LIST_SECONDS } from "../../limits.ts";
import { currentSeconds } from "../../node.ts";
import {
  type CheckName,
  createVerifier,
  type Evidence,
  type Expectation,
  parseEvidenceText,
  type VerificationCode,
  type VerificationReport,
  type VerifiedRecord,
} from "../../verification/index.ts";
import { createNodeClient } from "../node-client.ts";

export interface Agency {
  readonly http: HttpClient;
  /** The proven chain, found anew each time. Throws what the chain service throws. */
  getChain(entity: string): Promise<VerifiedChain>;
  /** Evidence of a record's version (default: the current one), as anybody gets it. */
  fetchEvidence(href: string, version?: number): Promise<Evidence>;
  verify(evidence: Evidence, expected?: Expectation): Promise<VerificationReport>;
  close(): void;
}

export function createAgency(pins: readonly AnchorPin[]): Agency {
  const http = createHttpClient({ development: true, allowedPrivateHosts: [] });
  const verifier = createVerifier({ anchors: pins, statusMaxAgeSeconds: STATUS_LIST_SECONDS });
  return {
    http,
    getChain(entity) {
      const deps = { anchors: pins, httpClient: http, clock: currentSeconds, allowLoopbackHttp: true };
      return createChainService(deps).getChain(entity);
    },
    async fetchEvidence(href, version) {
      const text = await createNodeClient({ baseUrl: href }).send({
        path: "/evidence",
        ...(version !== undefined && { query: { version: String(version) } }),
      });
      // Untrusted; the verifier reads it from an unknown value all the same.
      return parseEvidenceText(text) as Evidence;
    },
    verify: (evidence, expected) =>
      verifier.verify(evidence, { now: currentSeconds(), ...(expected !== undefined && { expected }) }),
    close: () => http.close(),
  };
}

/** What a step of the demo found not to hold. */
export function disproved(sentence: string): AttestryError {
  return new AttestryError("demo_failed", sentence);
}

/** Throws `demo_failed` with `sentence` unless it holds. */
export function demand(holds: boolean, sentence: string): asserts holds {
  if (!holds) throw disproved(sentence);
}

function describeFailures({ checks, required }: VerificationReport): string {
  return checks
    .filter(({ check, result }) => result === "fail" || (result === "not_checked" && required.includes(check)))
    .map(({ check, code, message }) => `${check}: ${code} (${message})`)
    .join("; ");
}

/** The record of a report that must be valid; throws `demo_failed` naming each check that failed. */
export function demandValid(report: VerificationReport, what: string): VerifiedRecord {
  if (report.valid && report.record) return report.record;
  throw disproved(`${what} does not verify: ${describeFailures(report)}`);
}

/** Throws `demo_failed` unless the report is invalid because exactly this check failed with exactly this code. */
export function demandFailure(
  report: VerificationReport,
  expected: { check: CheckName; code: VerificationCode },
  what: string,
): void {
  const failed = report.checks.filter(({ result }) => result === "fail");
  const isNamed = failed.length === 1 && failed[0]!.check === expected.check && failed[0]!.code === expected.code;
  if (!report.valid && isNamed) return;
  const found = report.valid ? "it passes for valid" : describeFailures(report);
  throw disproved(`${what} must fail "${expected.check}" with ${expected.code}; found: ${found}`);
}

/** Throws `demo_failed` unless the node refuses with exactly this code. */
export async function demandRefusal(code: string, attempt: () => Promise<unknown>, what: string): Promise<void> {
  try {
    await attempt();
  } catch (error) {
    if (error instanceof AttestryError && error.code === code) return;
    const found = error instanceof AttestryError ? `${error.code}: ${error.message}` : String(error);
    throw disproved(`${what} must be refused with ${code}; the answer was ${found}`);
  }
  throw disproved(`${what} must be refused with ${code}; it was accepted`);
}

/** JSON of a POST answer. */
export function parseAnswer<Answer>(text: string): Answer {
  const value: Json = parseJson(text);
  return value as unknown as Answer;
}
