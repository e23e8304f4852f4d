// Like proposals approved together: the sample to look at, and what became of each. Reads nothing, permits nothing.
import type { FC } from "hono/jsx";
import type { ProposalView } from "../../approval/proposal-view.ts";
import type { AttestryError } from "../../errors.ts";
import type { Session } from "../../identity/session-service.ts";
import { Note, type PageFrame, Section } from "../markup.tsx";
import { FORM_TOKEN } from "../page-session.ts";
import { formatSentence } from "../problem-page.tsx";
import { StaffPage } from "../staff-frame.tsx";
import { proposalPath } from "./desk.ts";
import { DESK_STYLE } from "./desk-style.ts";
import { Change, Ground, type ProposalModel, Rest } from "./proposal-page.tsx";
import { KIND_WORDS, STATE_WORDS } from "./proposal-words.ts";

const CRUMBS = ({ basePath }: PageFrame) => [
  { href: `${basePath}/console`, text: "Your desk" },
  { href: `${basePath}/console/proposals`, text: "Proposals" },
];

export const BulkPage: FC<{
  chosen: readonly ProposalView[];
  sample: readonly ProposalModel[];
  session: Session;
  frame: PageFrame;
  missed: ReadonlySet<string> | undefined;
}> = ({ chosen, sample, session, frame, missed }) => {
  const [first] = chosen as readonly [ProposalView];
  return (
    <StaffPage
      title={`Approve ${chosen.length} together: ${KIND_WORDS[first.kind]}`}
      lead={`${sample.length === chosen.length ? "Look at each" : `This node drew ${sample.length} of them. Look at each`}; if one is not right, go back and open it by itself.`}
      crumbs={CRUMBS(frame)}
      session={session}
      frame={frame}
      styles={[DESK_STYLE]}
    >
      {missed && (
        <div role="alert" class="summary">
          <Note kind="warning" title="Nothing was approved yet.">
            <p>Say of each one below that you have looked at it.</p>
          </Note>
        </div>
      )}
      <form method="post" action={`${frame.basePath}/console/approve-together/done`}>
        <input type="hidden" name={FORM_TOKEN} value={session.formToken} />
        {chosen.map(({ id }) => (
          <input type="hidden" name="id" value={id} />
        ))}
        {sample.map((model, at) => {
          const { proposal, display } = model;
          const name = display ?? proposal.title ?? KIND_WORDS[proposal.kind];
          return (
            <Section id={`sample-${at}`} title={<span dir="auto">{name}</span>}>
              <Change model={model} frame={frame} />
              <Rest proposal={proposal} />
              <Ground model={model} frame={frame} />
              {proposal.proposed_by && (
                <p class="soft">
                  Proposed by <span dir="auto">{proposal.proposed_by.name}</span>
                </p>
              )}
              <p>
                <a href={proposalPath(frame, proposal)}>
                  Open it by itself<span class="unseen">: {name}</span>
                </a>
              </p>
              <div class="choices">
                <label>
                  <input type="checkbox" name="looked" value={proposal.id} required />I have looked at this one
                  <span class="unseen">: {name}</span>
                </label>
              </div>
            </Section>
          );
        })}
        <p class="buttons space">
          <button type="submit">Approve all {chosen.length}</button>
          <a href={`${frame.basePath}/console/proposals`}>Back without approving</a>
        </p>
      </form>
    </StaffPage>
  );
};

export interface BulkResult {
  readonly proposal: ProposalView;
  readonly error?: AttestryError;
  /** What the record is called. */
  readonly display?: string | undefined;
}

export const BulkResultPage: FC<{ results: readonly BulkResult[]; session: Session; frame: PageFrame }> = ({
  results,
  session,
  frame,
}) => {
  const failed = results.filter(({ error }) => error !== undefined);
  const approved = results.length - failed.length;
  return (
    <StaffPage
      title={`${approved} approved${failed.length > 0 ? `, ${failed.length} not` : ""}`}
      lead="What became of each."
      crumbs={CRUMBS(frame)}
      session={session}
      frame={frame}
      styles={[DESK_STYLE]}
    >
      <div class="space" role="status">
        <ul>
          {results.map(({ proposal, error, display }) => (
            <li>
              <a href={proposalPath(frame, proposal)} dir="auto">
                {`${KIND_WORDS[proposal.kind]}: ${display ?? proposal.title ?? proposal.id}`}
              </a>
              : {error ? formatSentence(error.message) : STATE_WORDS[proposal.state]}
            </li>
          ))}
        </ul>
        <p>
          <a href={`${frame.basePath}/console/proposals`}>What else waits for you</a>
        </p>
      </div>
    </StaffPage>
  );
};
