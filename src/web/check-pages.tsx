// `/console/check`: staff check records of any department, with a report kept of each. A GET asks nobody; only the form does.
import { type Context, Hono } from "hono";
import type { FC } from "hono/jsx";
import { type ErrorDetail, isAttestryError } from "../errors.ts";
import type { Session, SessionService } from "../identity/session-service.ts";
import { CHECK_HREF_CHARS_MAX } from "../limits.ts";
import { checkMayCheck, type RecordCheck, type RecordCheckService } from "../resolution/record-check-service.ts";
import type { VerifierPolicy } from "../verification/policy.ts";
import { CheckAnswer } from "./check-answer.tsx";
import { CheckForm } from "./check-form.tsx";
import { type CheckFields, EMPTY_CHECK, parseCheckForm } from "./check-request.ts";
import { countVerdicts, describeCheck, type FindingView } from "./check-view.ts";
import { Note, type PageFrame } from "./markup.tsx";
import { readFrame } from "./page-request.ts";
import { createPageSessions } from "./page-session.ts";
import { formatSentence } from "./problem-page.tsx";
import { answerStaffPage, StaffPage } from "./staff-frame.tsx";

interface CheckPageProps {
  readonly session: Session;
  readonly frame: PageFrame;
  readonly fields: CheckFields;
  readonly faults: readonly ErrorDetail[];
  readonly hasAnchors: boolean;
  readonly answer?: { readonly findings: readonly FindingView[]; readonly checkedAt: number };
}

const TITLE = "Check a record";

function titleOf({ answer, faults }: CheckPageProps): string {
  if (faults.length > 0) return `To mend: ${TITLE}`;
  if (!answer) return TITLE;
  const [first, ...more] = answer.findings;
  return first && more.length === 0 ? `${first.headline}: ${first.name}` : `Checked: ${countVerdicts(answer.findings)}`;
}

const CheckPage: FC<CheckPageProps> = (props) => {
  const { session, frame, fields, faults, hasAnchors, answer } = props;
  const base = `${frame.basePath}/console`;
  return (
    <StaffPage
      title={titleOf(props)}
      lead="Whether a record of any department is genuine and in force. A signed report of each check is kept here, without what the record says."
      crumbs={[{ href: base, text: "Your desk" }]}
      session={session}
      frame={frame}
    >
      {answer && <CheckAnswer {...answer} frame={frame} />}
      {!hasAnchors && (
        <Note kind="warning" title="This node pins no trust anchor, so it believes no other department.">
          <p>
            Its operator gets the anchor's pin, saves it beside the node's configuration and names it there under{" "}
            <code>anchors</code>.
          </p>
        </Note>
      )}
      {faults.length > 0 && <Note kind="warning" title="Nothing was checked yet: the form has something to mend." />}
      <CheckForm
        title={answer ? "Check another record" : "What do you want to check?"}
        action={`${base}/check`}
        session={session}
        fields={fields}
        faults={faults}
      />
      <p class="soft">
        Personal records are read by a <a href={`${base}/consents`}>person's consent</a>, which you ask for first. For a
        file, a photograph or a printed code there is{" "}
        <a href={`${frame.basePath}/verify`}>the page that checks without asking this node</a>; it keeps no report.{" "}
        <a href={`${base}/reports`}>Kept reports</a>
      </p>
    </StaffPage>
  );
};

export interface CheckPagesDeps {
  readonly entity: string;
  readonly basePath: string;
  readonly organizationName: string;
  readonly sessions: SessionService;
  readonly recordChecks: RecordCheckService;
  /** By which records are judged here. */
  readonly pinnedPolicy: VerifierPolicy;
}

export function createCheckPages(deps: CheckPagesDeps): Hono {
  const { recordChecks, pinnedPolicy } = deps;
  const browser = createPageSessions(deps);
  const hasAnchors = pinnedPolicy.anchors.length > 0;
  const frameOf = (context: Context): PageFrame => readFrame(context, deps);
  const pages = new Hono();

  /** Somebody who is signed in and may check. Throws `permission_denied`. */
  async function requireChecker(context: Context): Promise<Session | Response> {
    const session = await browser.require(context);
    if (!(session instanceof Response)) checkMayCheck(session.caller);
    return session;
  }

  pages.get("/console/check", async (context) => {
    const session = await requireChecker(context);
    if (session instanceof Response) return session;
    const references = (context.req.query("of") ?? "").slice(0, CHECK_HREF_CHARS_MAX);
    const fields = { ...EMPTY_CHECK, references };
    const page = (
      <CheckPage session={session} frame={frameOf(context)} fields={fields} faults={[]} hasAnchors={hasAnchors} />
    );
    return answerStaffPage(context, page);
  });

  pages.post("/console/check", async (context) => {
    const session = await requireChecker(context);
    if (session instanceof Response) return session;
    const frame = frameOf(context);
    const common = { session, frame, hasAnchors };
    const { fields, faults, input } = parseCheckForm(await browser.readForm(context, session));
    if (faults.length > 0)
      return answerStaffPage(context, <CheckPage {...common} fields={fields} faults={faults} />, 422);
    let check: RecordCheck;
    try {
      check = await recordChecks.check({ caller: session.caller, ...input });
    } catch (error) {
      if (!isAttestryError(error, "budget_exceeded")) throw error;
      const tooMuch = [{ field: "follow", message: formatSentence(error.message) }];
      return answerStaffPage(context, <CheckPage {...common} fields={fields} faults={tooMuch} />, 422);
    }
    const findings = await describeCheck(check, { policy: pinnedPolicy, reader: frame.reader });
    const answer = { findings, checkedAt: check.checkedAt };
    // The next record is often of the same case.
    const next = { ...fields, references: "" };
    return answerStaffPage(context, <CheckPage {...common} fields={next} faults={[]} answer={answer} />);
  });

  return pages;
}
