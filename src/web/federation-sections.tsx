// The parts of the page of the federation, each from the view alone. Names and texts of members are theirs: shown as text, never as markup.
import type { Child, FC } from "hono/jsx";
import type { DirectoryMember, MemberState } from "../federation/directory-view-store.ts";
import { type FederationQuery, type FederationView, MEMBER_STATES, type MemberNode } from "./federation-view.ts";
import { Instant, Note, type PageFrame } from "./markup.tsx";
import { formatAddress } from "./page-request.ts";
import { formatNumber } from "./reader-language.ts";

interface StateWords {
  readonly name: string;
  /** Stands before the time since which it is so. */
  readonly since: string;
  readonly tone: "good" | "careful" | "over";
}

export const MEMBER_STATES_IN_WORDS: Readonly<Record<MemberState, StateWords>> = {
  valid: { name: "Valid", since: "Valid until", tone: "good" },
  expired: { name: "Expired", since: "Its proof ended, and was not renewed, on", tone: "careful" },
  unreachable: { name: "Unreachable", since: "It has not answered since", tone: "careful" },
  refused: { name: "Refused", since: "Its chain of trust does not hold since", tone: "over" },
  suspended: { name: "Suspended", since: "Its superior has suspended it since", tone: "careful" },
  removed: { name: "Removed", since: "Nobody vouches for it since", tone: "over" },
};

const CODES_IN_WORDS: Readonly<Record<string, string>> = {
  chain_not_found: "a superior of it is no longer vouched for",
  peer_unreachable: "no connection",
  peer_timeout: "no answer in time",
  statement_signature_invalid: "a signature does not hold",
  statement_key_unknown: "signed by a key that is not known to be its own",
  statement_hint_missing: "it does not name its superior",
  statement_expired: "a statement has expired",
  path_length_exceeded: "more levels than a superior allows",
  too_many_items: "its list is longer than is read",
};

function at(seconds: number): string {
  return new Date(seconds * 1_000).toISOString();
}

/** Addresses of this page. */
export function federationAddress(frame: PageFrame, query: Partial<FederationQuery> = {}): string {
  const given = Object.entries(query).flatMap(([name, value]) => (value === undefined ? [] : [[name, value]]));
  return formatAddress(`${frame.basePath}/federation`, Object.fromEntries(given));
}

const State: FC<{ member: DirectoryMember; frame: PageFrame }> = ({ member, frame }) => {
  const { state, stateSince, validUntil, code } = member;
  const { since } = MEMBER_STATES_IN_WORDS[state];
  const time = state === "valid" && validUntil !== null ? validUntil : stateSince;
  return (
    <>
      {since} <Instant at={at(time)} reader={frame.reader} />
      {code !== null && (
        <>
          : {CODES_IN_WORDS[code] ?? ""} <code>{code}</code>
        </>
      )}
    </>
  );
};

export const Badge: FC<{ state: MemberState }> = ({ state }) => {
  const { name, tone } = MEMBER_STATES_IN_WORDS[state];
  return <span class={tone === "good" ? "badge" : `badge ${tone}`}>{name}</span>;
};

const Types: FC<{ member: DirectoryMember; frame: PageFrame }> = ({ member, frame }) => {
  const { registryTypes } = member;
  if (registryTypes.length === 0)
    return <>{member.isSuperior ? "Vouches for others; signs no records" : "May sign no records"}</>;
  return (
    <>
      May sign{" "}
      {registryTypes.map((type, j) => (
        <>
          {j > 0 && ", "}
          <a href={federationAddress(frame, { type })}>
            <code>{type}</code>
          </a>
        </>
      ))}
    </>
  );
};

const Member: FC<{ member: DirectoryMember; frame: PageFrame; isPathShown: boolean }> = (props) => {
  const { member, frame, isPathShown } = props;
  return (
    <div class="member">
      <p class="name">
        <strong dir="auto">{member.organizationName ?? "An entity that has told no name"}</strong>{" "}
        <Badge state={member.state} />
      </p>
      <p>
        <a href={member.entity}>{member.entity}</a>
      </p>
      <p class="soft">
        <Types member={member} frame={frame} />
      </p>
      <p class="soft">
        <State member={member} frame={frame} />
      </p>
      {isPathShown && member.superior !== null && (
        <p class="soft">
          Below <a href={federationAddress(frame, { below: member.superior })}>{member.superior}</a>
        </p>
      )}
    </div>
  );
};

const More: FC<{ node: MemberNode; frame: PageFrame }> = ({ node, frame }) => {
  const { member, count, below } = node;
  const number = formatNumber(count, frame.reader);
  const text = below.length === 0 ? `Show the ${number} below it` : `Show all ${number}`;
  return (
    <p class="more">
      <a href={federationAddress(frame, { below: member.entity })}>
        {text} <span class="unseen">({member.organizationName ?? member.entity})</span>
      </a>
    </p>
  );
};

const Branch: FC<{ node: MemberNode; frame: PageFrame }> = ({ node, frame }) => (
  <li>
    <Member member={node.member} frame={frame} isPathShown={false} />
    {node.below.length > 0 && (
      <details open>
        <summary>
          {formatNumber(node.count, frame.reader)} below it
          <span class="unseen">: {node.member.organizationName ?? node.member.entity}</span>
        </summary>
        <Tree nodes={node.below} frame={frame} />
      </details>
    )}
    {node.count > node.below.length && <More node={node} frame={frame} />}
  </li>
);

export const Tree: FC<{ nodes: readonly MemberNode[]; frame: PageFrame }> = ({ nodes, frame }) => (
  <ul class="tree">
    {nodes.map((node) => (
      <Branch node={node} frame={frame} />
    ))}
  </ul>
);

export const MemberList: FC<{ nodes: readonly MemberNode[]; frame: PageFrame }> = ({ nodes, frame }) => (
  <ul class="cards">
    {nodes.map(({ member }) => (
      <li>
        <Member member={member} frame={frame} isPathShown={true} />
      </li>
    ))}
  </ul>
);

/** How many are in each state, each a way to them. */
export const Counts: FC<{ view: FederationView; frame: PageFrame }> = ({ view, frame }) => {
  const { byState, refreshedAt } = view.summary;
  return (
    <>
      <ul class="asked">
        {MEMBER_STATES.filter((state) => (byState[state] ?? 0) > 0).map((state) => (
          <li>
            <a href={federationAddress(frame, { state })}>
              {formatNumber(byState[state]!, frame.reader)} {MEMBER_STATES_IN_WORDS[state].name.toLowerCase()}
            </a>
          </li>
        ))}
      </ul>
      <p class="found">
        {refreshedAt === undefined ? (
          "The federation has not been asked yet."
        ) : (
          <>
            As this node found it on <Instant at={at(refreshedAt)} reader={frame.reader} />. Each line rests on signed
            statements that lead to an anchor whose key this node holds.
          </>
        )}
      </p>
    </>
  );
};

export const FilterForm: FC<{ query: FederationQuery; frame: PageFrame }> = ({ query, frame }) => (
  <details class="folded" open={query.type !== undefined || query.state !== undefined}>
    <summary>Find by registry type or state</summary>
    <search>
      <form method="get" action={federationAddress(frame)} class="search" aria-label="Find members">
        <div class="fields">
          <div class="field">
            <label for="find-type">Registry type</label>
            <input id="find-type" name="type" value={query.type ?? ""} autocomplete="off" spellcheck={false} />
          </div>
          <div class="field">
            <label for="find-state">State</label>
            <select id="find-state" name="state">
              <option value="">Any</option>
              {MEMBER_STATES.map((state) => (
                <option value={state} selected={query.state === state}>
                  {MEMBER_STATES_IN_WORDS[state].name}
                </option>
              ))}
            </select>
          </div>
        </div>
        <p class="buttons">
          <button type="submit">Find</button>
          <a href={federationAddress(frame)}>The whole federation</a>
        </p>
      </form>
    </search>
  </details>
);

export const Empty: FC<{ view: FederationView }> = ({ view }) => {
  let text: Child;
  if (view.isList) text = "Nobody in the federation, as this node knows it, is so.";
  else if (view.query.below !== undefined) text = "This node knows of nobody below that entity.";
  else
    text = (
      <>
        Nobody is known to this node yet. An operator asks the federation with{" "}
        <code>attestry federation tree --refresh</code>, or sets <code>"directory": true</code> in the node's
        configuration to have it asked every few minutes. It begins at the anchors that the node pins.
      </>
    );
  return (
    <Note title={view.isList ? "No such member." : "An empty directory."}>
      <p>{text}</p>
    </Note>
  );
};
