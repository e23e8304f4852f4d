// The story that `--check` walks: every promise of the first cut, proved over HTTP, or the first one that does not hold. Prints nothing.
import { AttestryError } from "../../errors.ts";
import { currentSeconds } from "../../node.ts";
import { createAgency } from "./agency.ts";
import { proveApproval } from "./approval-steps.ts";
import { proveMove, proveRotation } from "./change-steps.ts";
import { proveConsent, proveDeath } from "./consent-steps.ts";
import { BLOCKS, DISTRICTS } from "./country.ts";
import { proveElsewhere } from "./elsewhere-steps.ts";
import { proveEnrolment, proveSuspension, proveWithdrawal } from "./federation-steps.ts";
import { proveAudit, proveRevocation, proveSupersession } from "./life-steps.ts";
import {
  getSeeded,
  proveCreation,
  proveLogging,
  proveReferenceCheck,
  proveResolution,
  proveTampering,
  proveVerification,
  readCheckpoint,
} from "./record-steps.ts";
import { proveSharing } from "./share-steps.ts";
import { proveSignIn } from "./sign-in-steps.ts";
import { type DemoFederation, getParty } from "./start-federation.ts";
import { proveAnchor, proveAuthority, proveGrants, provePages } from "./trust-steps.ts";
import { proveHistory, proveSplit, proveTime } from "./years-steps.ts";

export interface StepReport {
  readonly step: string;
  readonly number: number;
  readonly ok: boolean;
  readonly proved: readonly string[];
  /** Why it does not hold, where `ok` is false. */
  readonly error?: { readonly code: string; readonly message: string };
  readonly milliseconds: number;
}

/** Walks the story; throws what the first step that does not hold threw, after reporting it. */
export async function tellStory(federation: DemoFederation, onStep: (report: StepReport) => void): Promise<number> {
  const local = getParty(federation, "local-government");
  const rural = getParty(federation, "rural-development");
  const agency = createAgency(federation.pins);
  // Codes of their own, so that the story can be told again over the same data.
  const code = `AL-${currentSeconds()}`;
  let number = 0;

  async function step<Result extends { proved: string[] }>(
    name: string,
    prove: () => Promise<Result>,
  ): Promise<Result> {
    number += 1;
    const startedAt = performance.now();
    const report = (outcome: Pick<StepReport, "ok" | "proved" | "error">): void =>
      onStep({ step: name, number, ...outcome, milliseconds: Math.round(performance.now() - startedAt) });
    try {
      const result = await prove();
      report({ ok: true, proved: result.proved });
      return result;
    } catch (error) {
      const message = error instanceof Error ? error.message : String(error);
      report({
        ok: false,
        proved: [],
        error: { code: error instanceof AttestryError ? error.code : "internal_error", message },
      });
      throw error;
    }
  }
  const plain = (name: string, prove: () => Promise<string[]>) => step(name, async () => ({ proved: await prove() }));

  try {
    const state = (await getSeeded(local, "states", "AL")).href;
    const block = (await getSeeded(rural, "blocks", BLOCKS[0]!.code)).href;
    const seededDistrict = (await getSeeded(local, "districts", DISTRICTS[0]!.code)).href;
    const before = await readCheckpoint(agency, local.entity);
    await plain("federation", () => proveGrants(federation, agency));
    await plain("pages", () => provePages(federation, agency));
    if (federation.issuer !== undefined) await plain("sign-in", () => proveSignIn(federation));
    await plain("approval", () => proveApproval(federation, code));
    const { district } = await step("create", () => proveCreation(local, { code, state }));
    await plain("log", () => proveLogging(agency, local.entity, { before, record: district }));
    await plain("verify", () => proveVerification(agency, district));
    await step("reference", () => proveReferenceCheck(rural, { code, district: district.href, state }));
    await plain("resolve", () => proveResolution(federation));
    await plain("tamper", () => proveTampering(agency, district.href));
    await plain("anchor", () => proveAnchor(federation, agency, district.href));
    await plain("authority", () => proveAuthority(federation, agency));
    await plain("enrolment", () => proveEnrolment(federation, agency));
    await plain("withdrawn", () => proveWithdrawal(federation, agency, block));
    await plain("suspended", () => proveSuspension(federation, agency));
    await plain("rotation", () => proveRotation(federation, agency, { href: block, code, district: seededDistrict }));
    await plain("move", () => proveMove(federation, block));
    await plain("superseded", () => proveSupersession(local, agency, district));
    await plain("revoked", () => proveRevocation(federation, agency, { code, state }));
    const { district: renamed } = await step("time", () => proveTime(federation, { code, state }));
    await plain("split", () => proveSplit(federation, { code, state, district: renamed }));
    await plain("history", () => proveHistory(federation, renamed));
    if (federation.issuer !== undefined) await plain("consent", () => proveConsent(federation, federation.issuer!));
    if (federation.issuer !== undefined) await plain("elsewhere", () => proveElsewhere(federation, federation.issuer!));
    if (federation.issuer !== undefined)
      await plain("share", () => proveSharing(federation, agency, federation.issuer!));
    await plain("death", () => proveDeath(federation, currentSeconds()));
    await plain("audit", () => proveAudit(federation, agency));
    return number;
  } finally {
    agency.close();
  }
}
