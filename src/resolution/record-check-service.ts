// Checks records for somebody who has to decide by them: resolves, verifies, signs a report of each, and shows nothing before these are kept.
import { decodeJws, signJws } from "../crypto/jws.ts";
import type { Signer } from "../crypto/signer.ts";
import { AttestryError } from "../errors.ts";
import type { Staff } from "../identity/caller.ts";
import { isPermitted } from "../identity/permissions.ts";
import { CHECK_HREF_CHARS_MAX, CHECK_RECORDS_MAX } from "../limits.ts";
import { parseRecordUrl, type Reference } from "../records/record-url.ts";
import type { Evidence } from "../verification/evidence.ts";
import { requiredBy, type VerifierPolicy } from "../verification/policy.ts";
import type { VerificationReport } from "../verification/report.ts";
import { buildReportPayload, SIGNED_REPORT_TYPE } from "../verification/signed-report.ts";
import { describeFinding, formatJudgedText } from "./check-report.ts";
import type { FollowPath } from "./follow-paths.ts";
import type { KeptReportService } from "./kept-report-service.ts";
import {
  type JudgedRecord,
  type ResolutionService,
  type ResolveAccess,
  type ResolvedRecord,
  referenceKey,
} from "./resolution-service.ts";

export interface CheckRequest {
  readonly caller: Staff;
  readonly references: readonly Reference[];
  readonly follow: readonly FollowPath[];
  readonly caseNumber: string | undefined;
  readonly purpose: string | undefined;
  /** For what personal records are read; without it none is. */
  readonly access?: ResolveAccess | undefined;
}

export interface CheckedRecord {
  /** What was asked for: a version where one was named. */
  readonly reference: Reference;
  readonly record: ResolvedRecord;
  readonly report: VerificationReport;
  readonly evidence: Evidence | undefined;
  /** Of a record that is not in force: since when, as a date or a time. */
  readonly since: string | undefined;
  /** Of the kept report; undefined where there was nothing with an address to report on. */
  readonly reportId: string | undefined;
}

export interface RecordCheck {
  /** Unix seconds. */
  readonly checkedAt: number;
  /** Keys of `records`, in the order in which they were asked for, each once. */
  readonly asked: readonly string[];
  readonly records: ReadonlyMap<string, CheckedRecord>;
}

export interface RecordCheckService {
  /** Throws `permission_denied`, and `budget_exceeded` where too much is followed. What is wrong with one record is said of that one. */
  check(request: CheckRequest): Promise<RecordCheck>;
}

/** Throws `permission_denied`. */
export function checkMayCheck(caller: Staff): void {
  if (isPermitted({ caller, action: "reference.check" })) return;
  throw new AttestryError(
    "permission_denied",
    `checking records needs role registrar, approver or reader in all registries; you act as ${caller.role}`,
  );
}

/** Whether there is an address that can be reported on. Another node's data may hold anything in place of one. */
function isReportable({ href }: Reference): boolean {
  return href.length <= CHECK_HREF_CHARS_MAX && !/\p{Cc}/u.test(href) && parseRecordUrl(href) !== undefined;
}

/** `statement` was verified when the record was judged. */
function findSince({ state }: ResolvedRecord): string | undefined {
  if (state === undefined) return undefined;
  const { iat } = decodeJws(state.statement).payload;
  return state.effective ?? new Date(Number(iat) * 1_000).toISOString().slice(0, 10);
}

export function createRecordCheckService(deps: {
  readonly resolution: Pick<ResolutionService, "resolve">;
  /** By which the resolution judges. */
  readonly policy: VerifierPolicy;
  readonly entity: string;
  readonly signer: Signer;
  readonly keep: KeptReportService["keep"];
  readonly clock: () => number;
  readonly random: (length: number) => Uint8Array;
}): RecordCheckService {
  const { policy, entity, signer, clock } = deps;

  function signReport(
    { reference, record, report }: Pick<CheckedRecord, "reference" | "record" | "report">,
    judged: JudgedRecord | undefined,
    checkedAt: number,
  ): Promise<string> {
    const payload = buildReportPayload({
      report,
      policy,
      evidenceText: formatJudgedText(judged),
      verifier: entity,
      judgedAt: checkedAt,
      signedAt: clock(),
      asked: { reference, outcome: record.outcome },
    });
    return signJws({ signer, typ: SIGNED_REPORT_TYPE, payload });
  }

  return {
    async check({ caller, references, follow, caseNumber, purpose, access }) {
      checkMayCheck(caller);
      const judgedByKey = new Map<string, JudgedRecord>();
      const resolution = await deps.resolution.resolve({
        references,
        follow,
        outgoing: true,
        caller,
        access,
        recordsMax: CHECK_RECORDS_MAX,
        onJudged: (judged) => judgedByKey.set(judged.key, judged),
      });
      // Afterwards: no proof that came along is from after this.
      const checkedAt = clock();
      const found = new Map(Object.entries(resolution.records));
      const askedFor = new Map(references.map((reference) => [referenceKey(reference), reference]));
      const required = requiredBy(policy);
      const check = Buffer.from(deps.random(8)).toString("hex");
      const records = new Map<string, CheckedRecord>();
      const rows: Parameters<KeptReportService["keep"]>[0][number][] = [];
      // In the order in which they were asked for, not in which their homes answered.
      for (const key of new Set([...askedFor.keys(), ...found.keys()])) {
        const record = found.get(key)!;
        const judged = judgedByKey.get(key);
        const reference = askedFor.get(key) ?? readKey(key, record);
        const report = describeFinding(record, judged, required);
        const id = isReportable(reference) ? `${check}-${String(rows.length + 1).padStart(3, "0")}` : undefined;
        records.set(key, {
          reference,
          record,
          report,
          evidence: judged?.evidence,
          since: findSince(record),
          reportId: id,
        });
        if (id === undefined) continue;
        rows.push({
          id,
          caller,
          caseNumber: caseNumber ?? null,
          purpose: purpose ?? null,
          href: reference.href,
          version: reference.version ?? null,
          verdict: report.verdict,
          outcome: record.outcome,
          checkedAt,
          report: await signReport({ reference, record, report }, judged, checkedAt),
        });
      }
      // Before anybody sees an answer: what is shown was kept.
      await deps.keep(rows);
      return { checkedAt, asked: [...askedFor.keys()], records };
    },
  };
}

/** What a key of the resolution stands for: a reference that was followed, which may be pinned (`referenceKey`). */
function readKey(key: string, { href }: ResolvedRecord): Reference {
  const pin = key.startsWith(`${href}#`) ? /^([1-9]\d{0,14})\.([\w-]{43})$/.exec(key.slice(href.length + 1)) : null;
  return pin ? { href, version: Number(pin[1]), digest: pin[2]! } : { href };
}
