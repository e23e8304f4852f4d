// The form and the sheet of a printed certificate, from the view alone. Reads nothing, decides nothing.
import type { FC } from "hono/jsx";
import type { RecordView } from "../records/record-view.ts";
import type { Definition } from "../registries/definition.ts";
import type { FieldChoice } from "./certificate-view.ts";
import type { FieldView } from "./field-view.ts";
import { Instant, Localized, type PageFrame, Section } from "./markup.tsx";
import { type PrintedCode, QrCode } from "./qr-code.tsx";
import { formatNumber } from "./reader-language.ts";
import { InEffect } from "./record-sections.tsx";
import { describeState, type StateWords } from "./state-words.ts";
import { DataList, type RecordNames, recordHref } from "./value.tsx";

export interface CertificateProps {
  readonly view: RecordView;
  readonly definition: Definition;
  readonly choices: readonly FieldChoice[];
  readonly shown: ReadonlySet<string>;
  /** What is shown of the record. */
  readonly fields: readonly FieldView[];
  readonly data: RecordView["data"];
  readonly names: RecordNames;
  readonly frame: PageFrame;
  /** Where this node is reached today; its records may have the name that it had first. */
  readonly nodeUrl: string;
  readonly printedAt: string;
  readonly effect: "now" | "not yet" | "over";
  /** undefined where no code that can be read holds the token. */
  readonly tokenCode: PrintedCode | undefined;
  readonly checkCode: PrintedCode | undefined;
  /** The version that was asked for. */
  readonly asked: number | undefined;
}

const NOT_IN_EFFECT: Readonly<Record<"not yet" | "over", StateWords>> = {
  "not yet": { name: "Not in effect yet", meaning: "What it records begins later, as stated below.", tone: "careful" },
  over: { name: "No longer in effect", meaning: "What it records has ended, as stated below.", tone: "over" },
};

export const ChoiceForm: FC<CertificateProps> = ({ view, choices, shown, frame, asked }) => {
  const hasPersonal = choices.some(({ isPersonal }) => isPersonal);
  return (
    <div class="on-screen">
      <Section id="choose" title="Choose what is printed">
        <form class="choice" method="get" action={`${recordHref(view.href, frame)}/certificate`}>
          {asked !== undefined && <input type="hidden" name="version" value={String(asked)} />}
          {/* A form that sends no box at all would ask for everything. */}
          <input type="hidden" name="fields" value="" />
          <fieldset>
            <legend>Shown on the paper</legend>
            <ul>
              {choices.map(({ name, title, isPersonal }) => (
                <li>
                  <label>
                    <input type="checkbox" name="fields" value={name} checked={shown.has(name)} />
                    <span>
                      <Localized text={title} reader={frame.reader} />
                      {isPersonal && <span class="soft"> (personal)</span>}
                    </span>
                  </label>
                </li>
              ))}
            </ul>
          </fieldset>
          <p class="soft">
            What is left out is not printed, but the code holds the whole signed record
            {hasPersonal ? ", of the personal fields those that are chosen." : ", which is open to everybody."}
          </p>
          <div class="buttons">
            <button type="submit">Show the certificate</button>
            <a href={recordHref(view.href, frame)}>Back to the record</a>
          </div>
        </form>
        <p>
          To print the sheet below, or to save it as a PDF, use your browser's own command (Ctrl+P, or Share and Print),
          at 100 % of its size.
        </p>
      </Section>
    </div>
  );
};

/** In large letters: a paper that is not to be relied on must say so to who only glances at it. */
const Verdict: FC<{ words: StateWords }> = ({ words }) => (
  <div class="verdict">
    <strong>{words.name}</strong>
    <p>{words.meaning} It was so when this was printed; do not rely on this paper.</p>
  </div>
);

/** What to say in large letters; undefined of a version in force. */
function findVerdict({ view, effect }: CertificateProps): StateWords | undefined {
  if (view.state !== "active") return describeState(view.state);
  return effect === "now" ? undefined : NOT_IN_EFFECT[effect];
}

const Facts: FC<CertificateProps> = (props) => {
  const { view, definition, frame, nodeUrl } = props;
  const verdict = findVerdict(props);
  return (
    <dl class="facts">
      <dt>Issued by</dt>
      <dd>
        <span dir="auto">{frame.organizationName}</span>, {nodeUrl}
      </dd>
      <dt>Registry</dt>
      <dd>
        <Localized text={definition.title} reader={frame.reader} /> ({definition.name})
      </dd>
      {view.identifier !== undefined && (
        <>
          <dt>Identifier</dt>
          <dd dir="auto">{view.identifier}</dd>
        </>
      )}
      <dt>Version</dt>
      <dd>
        {formatNumber(view.version, frame.reader)}, recorded <Instant at={view.recorded_at} reader={frame.reader} />
      </dd>
      <dt>In effect</dt>
      <dd>
        <InEffect from={view.valid_from} until={view.valid_until} frame={frame} />
      </dd>
      <dt>Status</dt>
      <dd>{verdict?.name ?? "In force"} when printed</dd>
      <dt>Address</dt>
      <dd>{view.href}</dd>
    </dl>
  );
};

const Codes: FC<CertificateProps> = ({ view, tokenCode, checkCode, nodeUrl }) => (
  <div class="codes-printed">
    {tokenCode !== undefined ? (
      <figure>
        <QrCode code={tokenCode} label={`QR code of the signed record, version ${view.version}`} />
        <figcaption>
          <strong>A. The signed record.</strong> For the page /verify of any department and for{" "}
          <code>attestry verify</code>, not for a phone's camera app.
        </figcaption>
      </figure>
    ) : (
      <p>
        <strong>A. The signed record</strong> is too long for a code that could be read from paper. Check it by code B,
        or by its evidence file, which the address above offers.
      </p>
    )}
    {checkCode !== undefined && (
      <figure>
        <QrCode code={checkCode} label="QR code of the link to check this record today" />
        <figcaption>
          <strong>B. Its status today.</strong> A link to {nodeUrl}/verify, which asks for the address above.
        </figcaption>
      </figure>
    )}
  </div>
);

const HowToCheck: FC<CertificateProps> = ({ nodeUrl, tokenCode, definition }) => (
  <ol>
    <li>
      Whether it still holds: scan code B{definition.access === "public" ? "" : " as a member of the federation"}, and
      see that the address begins with {nodeUrl}. A forged paper may lead to a page that says yes to anything.
    </li>
    {tokenCode !== undefined && (
      <li>
        Without relying on a link from paper: read code A on the /verify page of a department that you know yourself, or
        give its text to <code>attestry verify -</code>. It holds the record as it was signed; who vouches for the
        signer comes from the network, or from the record's evidence file where you have kept it.
      </li>
    )}
    <li>
      Compare what the check shows with what is printed: the check counts, not the paper. Only a check that asks the
      network can tell whether the record was suspended, revoked or changed after this was printed.
    </li>
  </ol>
);

export const Sheet: FC<CertificateProps> = (props) => {
  const { view, definition, choices, shown, fields, data, names, frame, printedAt, nodeUrl } = props;
  const verdict = findVerdict(props);
  const leftOut = choices.length - shown.size;
  return (
    <article class="sheet" aria-labelledby="sheet">
      <p class="issuer" dir="auto">
        {frame.organizationName}
      </p>
      <p>
        Entry in the register <Localized text={definition.title} reader={frame.reader} />
      </p>
      <h2 id="sheet">
        <span dir="auto">{view.display}</span>
      </h2>
      {verdict !== undefined && <Verdict words={verdict} />}
      <h3>What is recorded</h3>
      {shown.size > 0 ? (
        <DataList fields={fields} data={data} frame={frame} names={names} />
      ) : (
        <p>Nothing was chosen to be shown.</p>
      )}
      {leftOut > 0 && (
        <p>
          {leftOut === 1 ? "One more field is" : `${formatNumber(leftOut, frame.reader)} more fields are`} recorded and
          not shown here.
        </p>
      )}
      <h3>The record</h3>
      <Facts {...props} />
      <h3>How to check it</h3>
      <HowToCheck {...props} />
      <Codes {...props} />
      <p class="carrier">
        This paper does not prove who carries it. Where that matters, ask for a document that shows who the person is.
      </p>
      <p class="printed">
        Printed <Instant at={printedAt} reader={frame.reader} /> from {nodeUrl}
      </p>
    </article>
  );
};
