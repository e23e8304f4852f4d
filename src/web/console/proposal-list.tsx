// The inbox: proposals as a list, with its filters, and like ones to be approved together. Reads nothing, permits nothing.
import type { FC } from "hono/jsx";
import { PROPOSAL_KINDS, PROPOSAL_STATES } from "../../approval/proposal.ts";
import type { ProposalView } from "../../approval/proposal-view.ts";
import type { Session } from "../../identity/session-service.ts";
import type { CompiledDefinition } from "../../registries/compiled-definition.ts";
import { CardTable, Instant, Localized, Note, type PageFrame, ROLES } from "../markup.tsx";
import { formatAddress } from "../page-request.ts";
import { FORM_TOKEN } from "../page-session.ts";
import { chooseText } from "../reader-language.ts";
import { StaffPage } from "../staff-frame.tsx";
import type { RecordNames } from "../value.tsx";
import { proposalPath } from "./desk.ts";
import { DESK_STYLE } from "./desk-style.ts";
import { KIND_WORDS, STATE_BADGES, STATE_WORDS } from "./proposal-words.ts";

export interface ProposalListModel {
  readonly values: Readonly<Record<string, string>>;
  readonly proposals: readonly ProposalView[];
  readonly next: string | null;
  readonly registries: readonly CompiledDefinition[];
  /** By the URL of the record. */
  readonly names: RecordNames;
  readonly hrefOf: (proposal: ProposalView) => string | undefined;
}

const WHOSE = [
  ["me", "Waiting for me"],
  ["mine", "Proposed by me"],
  ["all", "All that I may see"],
] as const;

const Choice: FC<{
  name: string;
  label: string;
  options: readonly (readonly [string, string])[];
  value: string | undefined;
}> = ({ name, label, options, value }) => (
  <div class="field">
    <label for={name}>{label}</label>
    <select id={name} name={name}>
      {options.map(([option, text]) => (
        <option value={option} selected={option === (value ?? "")}>
          {text}
        </option>
      ))}
    </select>
  </div>
);

const Filters: FC<{ model: ProposalListModel; frame: PageFrame }> = ({ model, frame }) => {
  const { values, registries } = model;
  const any = ["", "Any"] as const;
  return (
    <form method="get" action={`${frame.basePath}/console/proposals`} class="versions" aria-label="Which proposals">
      <Choice name="for" label="Show" value={values.for ?? "me"} options={WHOSE} />
      <Choice
        name="registry"
        label="Registry"
        value={values.registry}
        options={[
          any,
          ...registries.map(({ definition: { name, title } }) => [name, chooseText(title, frame.reader).text] as const),
        ]}
      />
      <Choice
        name="kind"
        label="Kind"
        value={values.kind}
        options={[any, ...PROPOSAL_KINDS.map((kind) => [kind, KIND_WORDS[kind]] as const)]}
      />
      {(values.for ?? "me") !== "me" && (
        <Choice
          name="state"
          label="State"
          value={values.state}
          options={[any, ...PROPOSAL_STATES.map((state) => [state, STATE_WORDS[state]] as const)]}
        />
      )}
      <button type="submit">Show</button>
    </form>
  );
};

const Row: FC<{ proposal: ProposalView; model: ProposalListModel; frame: PageFrame; isChosen: boolean }> = ({
  proposal,
  model,
  frame,
  isChosen,
}) => {
  const { id, kind, registry, state, proposed_by: by } = proposal;
  const href = model.hrefOf(proposal);
  const name = (href !== undefined && model.names.get(href)) || proposal.title;
  const title = model.registries.find(({ definition }) => definition.name === registry)?.definition.title;
  const label = `${KIND_WORDS[kind]}${name === undefined || name === "" ? "" : `: ${name}`}`;
  return (
    <tr {...ROLES.row}>
      <th {...ROLES.rowheader} scope="row">
        <span class="choices">
          {proposal.may.includes("approve") && (
            <label>
              <input type="checkbox" name="id" value={id} checked={isChosen} />
              <span class="unseen">Choose {label}</span>
            </label>
          )}
          <a href={proposalPath(frame, proposal)} dir="auto">
            {label}
          </a>
        </span>
      </th>
      <td {...ROLES.cell} data-label="Registry">
        {title === undefined ? registry : <Localized text={title} reader={frame.reader} />}
      </td>
      <td {...ROLES.cell} data-label="Proposed by" dir="auto">
        {by?.name ?? "not known any more"}
      </td>
      <td {...ROLES.cell} data-label="On">
        <Instant at={proposal.proposed_at} reader={frame.reader} />
      </td>
      <td {...ROLES.cell} data-label="State">
        <div>
          <span class={`badge ${STATE_BADGES[state]}`}>{STATE_WORDS[state]}</span>
          {proposal.waits_for !== undefined && <span class="soft"> for {proposal.waits_for}</span>}
        </div>
      </td>
    </tr>
  );
};

const EMPTY: Readonly<Record<string, string>> = {
  me: "Nothing waits for you.",
  mine: "You have proposed nothing that fits.",
  all: "There is none that fits and that you may see.",
};

export const ProposalListPage: FC<{
  model: ProposalListModel;
  session: Session;
  frame: PageFrame;
  /** Why what was chosen cannot be approved together. */
  fault?: string;
  chosen?: readonly string[];
}> = ({ model, session, frame, fault, chosen = [] }) => {
  const { proposals, values, next } = model;
  const path = `${frame.basePath}/console/proposals`;
  const whose = values.for ?? "me";
  const isBulk = proposals.some(({ may }) => may.includes("approve"));
  const table = (
    <CardTable caption="Proposals" titles={["What", "Registry", "Proposed by", "On", "State"]}>
      {proposals.map((proposal) => (
        <Row proposal={proposal} model={model} frame={frame} isChosen={chosen.includes(proposal.id)} />
      ))}
    </CardTable>
  );
  return (
    <StaffPage
      title="Proposals"
      lead="Changes that others must approve before they are made."
      crumbs={[{ href: `${frame.basePath}/console`, text: "Your desk" }]}
      session={session}
      frame={frame}
      styles={[DESK_STYLE]}
    >
      {fault !== undefined && (
        <div role="alert" class="summary">
          <Note kind="warning" title="They were not approved.">
            <p>{fault}</p>
          </Note>
        </div>
      )}
      <div class="space">
        <Filters model={model} frame={frame} />
        {proposals.length === 0 && next !== null ? (
          <Note title="There is none among the first that were looked at; go on with “More”." />
        ) : proposals.length === 0 ? (
          <Note title={EMPTY[whose] ?? EMPTY.all!}>
            {whose === "me" && (
              <p>
                <a href={formatAddress(path, { for: "mine" })}>What you proposed, and what became of it</a>
              </p>
            )}
            {whose === "me" && (
              <p>You act as {session.role}; what waits for another role of yours shows when you change to it.</p>
            )}
          </Note>
        ) : isBulk ? (
          <form method="post" action={`${frame.basePath}/console/approve-together`}>
            <input type="hidden" name={FORM_TOKEN} value={session.formToken} />
            {table}
            <p>
              <button type="submit" class="quiet">
                Approve the chosen ones together…
              </button>
            </p>
            <p class="soft">
              Like cases only: of one kind, in one registry. You look at a sample that this node draws, then approve
              all.
            </p>
          </form>
        ) : (
          table
        )}
        {next !== null && (
          <p>
            <a href={formatAddress(path, { ...values, cursor: next })}>More</a>
          </p>
        )}
      </div>
    </StaffPage>
  );
};
