// One proposal as the person sees it who decides on it: what would change, who asks for it, on which ground. Reads nothing, permits nothing.
import type { FC } from "hono/jsx";
import type { ProposalView, ShownPerson } from "../../approval/proposal-view.ts";
import type { Json, JsonObject } from "../../crypto/json.ts";
import type { AttestryError } from "../../errors.ts";
import type { Session } from "../../identity/session-service.ts";
import { PROPOSAL_TEXT_CHARS_MAX } from "../../limits.ts";
import type { CompiledDefinition } from "../../registries/compiled-definition.ts";
import { describeReason } from "../../registries/field-texts.ts";
import type { FieldView } from "../field-view.ts";
import { CardTable, Instant, Localized, Note, type PageFrame, ROLES, Section } from "../markup.tsx";
import { FORM_TOKEN } from "../page-session.ts";
import { formatSentence } from "../problem-page.tsx";
import { chooseText, listLookupTags } from "../reader-language.ts";
import { ActionForm, StaffPage } from "../staff-frame.tsx";
import type { RecordNames } from "../value.tsx";
import { type ComparedSide, Comparison } from "./comparison.tsx";
import { proposalPath, recordPath, registryPath } from "./desk.ts";
import { DESK_STYLE } from "./desk-style.ts";
import { KIND_WORDS, STATE_BADGES, STATE_WORDS } from "./proposal-words.ts";

export interface ProposalModel {
  readonly proposal: ProposalView;
  readonly compiled: CompiledDefinition;
  readonly fields: readonly FieldView[];
  readonly names: RecordNames;
  /** What the record is called, where there is one that the person may see. */
  readonly display: string | undefined;
}

interface Shown {
  readonly data: JsonObject;
  readonly valid_from?: string;
  readonly valid_until?: string;
}

const sideOf = (label: string, { data, valid_from: validFrom, valid_until: validUntil }: Shown): ComparedSide => ({
  label,
  data,
  validFrom,
  validUntil,
});

const RowsTable: FC<{ rows: readonly { row: string; data: JsonObject }[]; model: ProposalModel; frame: PageFrame }> = ({
  rows,
  model,
  frame,
}) => {
  const { fields } = model;
  return (
    <div class="scroll">
      <CardTable
        caption="Rows"
        titles={["Row", ...fields.map(({ title }) => <Localized text={title} reader={frame.reader} />)]}
      >
        {rows.map(({ row, data }) => (
          <tr {...ROLES.row}>
            <th {...ROLES.rowheader} scope="row">
              {row}
            </th>
            {fields.map(({ member, title }) => (
              <td {...ROLES.cell} data-label={chooseText(title, frame.reader).text} dir="auto">
                {typeof data[member] === "object" ? JSON.stringify(data[member]) : String(data[member] ?? "")}
              </td>
            ))}
          </tr>
        ))}
      </CardTable>
    </div>
  );
};

/** Whatever of the request no table shows: `effective`, `identifier`, `replaces`, `by`, `also`; the definition. */
export const Rest: FC<{ proposal: ProposalView }> = ({ proposal: { change, kind } }) => {
  const {
    data: _data,
    act: _act,
    valid_from: _from,
    valid_until: _until,
    ...rest
  } = (change?.request ?? {}) as JsonObject;
  const all = kind === "define" && change?.definition !== undefined ? change.definition : rest;
  if (Object.keys(all as JsonObject).length === 0) return null;
  return (
    <details open={kind !== "define"}>
      <summary>{kind === "define" ? "The definition as it would be" : "What else was asked for"}</summary>
      <pre dir="auto" tabindex={0}>
        {JSON.stringify(all, null, 2)}
      </pre>
    </details>
  );
};

/** What would change by it, as a table that fits what it is. */
export const Change: FC<{ model: ProposalModel; frame: PageFrame }> = ({ model, frame }) => {
  const { change, kind } = model.proposal;
  if (change === undefined)
    return (
      <p class="soft">
        {model.proposal.state === "done"
          ? "It is carried out: what was proposed is recorded, and not kept here any more."
          : "What was proposed is not kept any more."}
      </p>
    );
  if (change.conflict !== undefined && (kind === "migrate" || kind === "define"))
    return <p>{formatSentence(String(change.conflict))}</p>;
  if (kind === "import") {
    const { rows, count, mode } = change as unknown as {
      rows: { row: string; data: JsonObject }[];
      count: number;
      mode: string;
    };
    return (
      <>
        <p>
          {count} {count === 1 ? "row" : "rows"},{" "}
          {mode === "create" ? "each a new record" : "each a new record or an amendment of the one it names"}.
        </p>
        <RowsTable rows={rows} model={model} frame={frame} />
      </>
    );
  }
  if (kind === "migrate") {
    const { count, examples } = change as unknown as {
      count: number;
      examples: { href: string; changes: { field: string; label?: string; before?: Json; after?: Json }[] }[];
    };
    const show = (value: Json | undefined) => (value === undefined ? "(nothing)" : JSON.stringify(value));
    return (
      <>
        <p>
          {count} {count === 1 ? "record" : "records"} when it was proposed. What would become of some that are left:
        </p>
        <ul>
          {examples.map(({ href, changes }) => (
            <li>
              <code class="long">{href}</code>
              <ul>
                {changes.map(({ field, label, before, after }) => (
                  <li dir="auto">
                    {label ?? field}: {show(before)} → {show(after)}
                  </li>
                ))}
              </ul>
            </li>
          ))}
        </ul>
      </>
    );
  }
  if (kind === "define") {
    const { changes } = change as unknown as { changes: { kind: string; field: string; message: string }[] };
    return (
      <ul>
        {changes.map(({ kind: weight, field, message }) => (
          <li>
            <code>{field}</code> {message} {weight === "breaking" && <span class="badge over">breaking</span>}
          </li>
        ))}
      </ul>
    );
  }
  const { before, after } = change as { before?: Shown; after?: Shown };
  if (after === undefined) return <p class="soft">The record is no longer there.</p>;
  const shown = { fields: model.fields, names: model.names, frame };
  if (kind === "create") return <Comparison right={sideOf("Proposed", after)} {...shown} />;
  if (kind !== "amend") return <Comparison right={sideOf("The record now", after)} {...shown} />;
  return <Comparison left={before && sideOf("Now", before)} right={sideOf("Proposed", after)} {...shown} />;
};

const Person: FC<{ person: ShownPerson }> = ({ person }) => (
  <>
    <strong dir="auto">{person.name}</strong> ({person.role})
  </>
);

export const Ground: FC<{ model: ProposalModel; frame: PageFrame }> = ({ model, frame }) => {
  const act = model.proposal.change?.act as Readonly<Record<string, string>> | undefined;
  const { reason } = act ?? {};
  const { definition } = model.compiled;
  const reasonText =
    reason === undefined
      ? undefined
      : (describeReason(definition, { code: reason, languages: listLookupTags(frame.reader) }) ?? reason);
  const lines: readonly (readonly [string, string | undefined])[] = [
    ["Reason", reasonText],
    ["Law, order or file", act?.instrument],
    ["Note", act?.note],
    ["Not a duplicate, because", act?.distinct],
  ];
  const said = lines.filter((line): line is readonly [string, string] => line[1] !== undefined);
  if (said.length === 0) return <p class="soft">No reason was given.</p>;
  return (
    <dl class="facts">
      {said.map(([title, text]) => (
        <>
          <dt>{title}</dt>
          <dd dir="auto">{text}</dd>
        </>
      ))}
    </dl>
  );
};

const People: FC<{ proposal: ProposalView; frame: PageFrame }> = ({ proposal, frame }) => {
  const { roles, step, approvals, state } = proposal;
  const waiting = state === "waiting" ? roles.slice(step) : [];
  return (
    <ol>
      <li>
        Proposed{" "}
        {proposal.proposed_by && (
          <>
            by <Person person={proposal.proposed_by} />
          </>
        )}{" "}
        on <Instant at={proposal.proposed_at} reader={frame.reader} />
      </li>
      {approvals.map((one) => (
        <li>
          Approved by <Person person={one} /> on <Instant at={one.at} reader={frame.reader} />
          {one.note !== undefined && (
            <>
              : <q dir="auto">{one.note}</q>
            </>
          )}
        </li>
      ))}
      {waiting.map((role, at) => (
        <li class="soft">
          {at === 0 ? "Waits for" : "then for"} the approval of a person in role {role}
          {at === 0 && (
            <>
              , until <Instant at={proposal.expires_at} reader={frame.reader} />
            </>
          )}
        </li>
      ))}
      {proposal.returned_by && (
        <li>
          Returned by <Person person={proposal.returned_by} />
          {proposal.reason !== undefined && (
            <>
              : <q dir="auto">{proposal.reason}</q>
            </>
          )}
        </li>
      )}
    </ol>
  );
};

const Decide: FC<{ proposal: ProposalView; session: Session; frame: PageFrame; reason: string }> = (props) => {
  const { proposal, session, frame, reason } = props;
  const path = proposalPath(frame, proposal);
  const isFinal = proposal.kind === "erase" || proposal.kind === "erase_version" || proposal.kind === "revoke";
  return (
    <Section id="decide" title="Your decision">
      {isFinal && proposal.step + 1 === proposal.roles.length && (
        <Note kind="warning" title="It cannot be undone.">
          <p>With your approval it is done at once.</p>
        </Note>
      )}
      <div class="pair">
        <form method="post" action={`${path}/approve`} class="record">
          <input type="hidden" name={FORM_TOKEN} value={session.formToken} />
          <div class="field">
            <label for="note">Note</label>
            <p class="help" id="note-help">
              What you compared it with, if colleagues should know. It may stay empty.
            </p>
            <textarea id="note" name="note" rows={3} maxlength={PROPOSAL_TEXT_CHARS_MAX} aria-describedby="note-help" />
          </div>
          <button type="submit">Approve</button>
        </form>
        <form method="post" action={`${path}/return`} class="record">
          <input type="hidden" name={FORM_TOKEN} value={session.formToken} />
          <div class="field">
            <label for="reason">
              Reason <span class="needed">needed</span>
            </label>
            <p class="help" id="reason-help">
              What is to be mended, for who proposed it.
            </p>
            <textarea
              id="reason"
              name="reason"
              rows={3}
              maxlength={PROPOSAL_TEXT_CHARS_MAX}
              required
              aria-describedby="reason-help"
            >
              {reason}
            </textarea>
          </div>
          <button type="submit" class="quiet">
            Return with this reason
          </button>
        </form>
      </div>
    </Section>
  );
};

const DONE: Readonly<Record<string, string>> = {
  proposed: "Proposed: nothing changes until others approve it.",
  approve: "Approved.",
  return: "Returned: who proposed it reads your reason.",
  withdraw: "Withdrawn.",
};

const Outcome: FC<{
  model: ProposalModel;
  done: string | undefined;
  error: AttestryError | undefined;
  frame: PageFrame;
}> = ({ model, done, error, frame }) => {
  const { proposal } = model;
  const { state, result, code, message } = proposal;
  // An address may say anything: only what came true is said.
  const isTrue =
    done === "approve"
      ? proposal.approvals.length > 0
      : done === "return"
        ? state === "returned"
        : done !== "withdraw" || state === "withdrawn";
  const said = isTrue && done !== undefined && Object.hasOwn(DONE, done) ? DONE[done] : undefined;
  const isOpen = state === "carrying_out" || error?.code === "log_outcome_unknown";
  const rid = result?.rid;
  const isRecorded = state === "done" && typeof rid === "string" && proposal.kind !== "erase";
  return (
    <div role={error ? "alert" : "status"} class="summary">
      {error && (
        <Note
          kind="warning"
          title={isOpen ? "It is not certain yet what became of it; look again in a while." : "That was not done."}
        >
          <p>{formatSentence(error.message)}</p>
        </Note>
      )}
      {!error && said !== undefined && (
        <Note title={said}>
          {isRecorded && (
            <p>
              <a href={recordPath(frame, { registry: proposal.registry, rid })}>The record as it is now</a>
            </p>
          )}
          {(done === "approve" || done === "return") && (
            <p>
              <a href={`${frame.basePath}/console/proposals`}>What else waits for you</a>
            </p>
          )}
        </Note>
      )}
      {state === "failed" && code !== undefined && !error && (
        <Note kind="warning" title="It was approved, but could not be carried out.">
          <p>{formatSentence(message ?? code)}</p>
        </Note>
      )}
      {proposal.change?.conflict !== undefined && state === "waiting" && (
        <Note kind="warning" title="What it is about was changed after this was proposed.">
          <p>It cannot be carried out any more: return it, so that it is proposed anew.</p>
        </Note>
      )}
    </div>
  );
};

export const ProposalPage: FC<{
  model: ProposalModel;
  session: Session;
  frame: PageFrame;
  done: string | undefined;
  error?: AttestryError | undefined;
  reason?: string;
}> = ({ model, session, frame, done, error, reason = "" }) => {
  const { proposal, compiled, display } = model;
  const { kind, state, registry, rid, result } = proposal;
  const { title } = compiled.definition;
  const name = display ?? proposal.title;
  const decides = proposal.may.includes("approve");
  const isMendable = proposal.may.includes("withdraw") && (state === "returned" || state === "failed");
  return (
    <StaffPage
      title={name === undefined ? KIND_WORDS[kind] : `${KIND_WORDS[kind]}: ${name}`}
      lead={
        <>
          Proposal in <Localized text={title} reader={frame.reader} />{" "}
          <span class={`badge ${STATE_BADGES[state]}`}>{STATE_WORDS[state]}</span>
        </>
      }
      crumbs={[
        { href: `${frame.basePath}/console`, text: "Your desk" },
        { href: `${frame.basePath}/console/proposals`, text: "Proposals" },
      ]}
      session={session}
      frame={frame}
      styles={[DESK_STYLE]}
    >
      <Outcome model={model} done={done} error={error} frame={frame} />
      <Section id="change" title={kind === "amend" ? "What would change" : "What it is about"}>
        <Change model={model} frame={frame} />
        <Rest proposal={proposal} />
        {rid !== undefined && display !== undefined && (
          <p>
            <a href={recordPath(frame, { registry, rid })}>The whole record and its history</a>
          </p>
        )}
      </Section>
      {!["define", "import", "migrate"].includes(kind) && proposal.change !== undefined && (
        <Section id="ground" title="On which ground">
          <Ground model={model} frame={frame} />
        </Section>
      )}
      {decides && <Decide proposal={proposal} session={session} frame={frame} reason={reason} />}
      <Section id="people" title="Who">
        <People proposal={proposal} frame={frame} />
        {result !== undefined && kind === "migrate" && (
          <p>
            Carried over {Number(result.migrated)}, refused {Number(result.refused)}.
          </p>
        )}
        {result !== undefined && kind === "import" && (
          <p>
            Created {Number(result.created)}, amended {Number(result.amended)}, refused {Number(result.refused)}.
          </p>
        )}
      </Section>
      {proposal.may.includes("withdraw") && (
        <Section id="own" title="Your proposal">
          {isMendable && kind === "amend" && rid !== undefined && (
            <p>
              <a class="button" href={`${recordPath(frame, { registry, rid })}/amend?proposal=${proposal.id}`}>
                Propose it anew
              </a>
            </p>
          )}
          {isMendable &&
            kind === "create" &&
            (proposal.change?.request as JsonObject | undefined)?.replaces === undefined && (
              <p>
                <a class="button" href={`${registryPath(frame, registry)}/new?proposal=${proposal.id}`}>
                  Propose it anew
                </a>
              </p>
            )}
          <ActionForm action={`${proposalPath(frame, proposal)}/withdraw`} session={session}>
            <button type="submit" class="quiet">
              Withdraw it
            </button>
          </ActionForm>
        </Section>
      )}
    </StaffPage>
  );
};
