// The forms that place a hold on a record and lift one, and the holds of a record as its page lists them. From their models alone; decides nothing.
import type { FC } from "hono/jsx";
import type { AttestryError } from "../../errors.ts";
import type { Session } from "../../identity/session-service.ts";
import type { HoldView } from "../../records/record-hold.ts";
import type { CompiledDefinition } from "../../registries/compiled-definition.ts";
import { DayOrInstant, Note, type PageFrame, Section } from "../markup.tsx";
import { formatAddress } from "../page-request.ts";
import { FORM_TOKEN } from "../page-session.ts";
import { ActFields, DayField, type EnvelopeContext, type EnvelopeValues, TextField } from "./act-fields.tsx";
import type { FormFault } from "./form-controls.ts";
import { RecordActPage } from "./record-act-page.tsx";

const Ends: FC<{ hold: HoldView; frame: PageFrame }> = ({ hold, frame }) =>
  hold.until === undefined ? (
    <>until it is lifted</>
  ) : (
    <>
      until <DayOrInstant at={hold.until} reader={frame.reader} />
    </>
  );

/** What stands, with the ground as far as its reader may know. */
const HoldLine: FC<{ hold: HoldView; frame: PageFrame }> = ({ hold, frame }) => (
  <p>
    {hold.case === undefined ? (
      "A hold whose case is confidential."
    ) : (
      <>
        <strong dir="auto">{hold.case}</strong>: <Ends hold={hold} frame={frame} />
        {[hold.reason_text ?? hold.reason, hold.instrument].map((text) =>
          text === undefined ? null : (
            <>
              , <span dir="auto">{text}</span>
            </>
          ),
        )}
        {hold.confidential && <span class="soft"> (confidential)</span>}
      </>
    )}
  </p>
);

export const HoldsSection: FC<{
  holds: readonly HoldView[];
  path: string;
  mayRelease: boolean;
  frame: PageFrame;
}> = ({ holds, path, mayRelease, frame }) => {
  const standing = holds.filter(({ in_force }) => in_force);
  const over = holds.length - standing.length;
  if (standing.length === 0) return over === 0 ? null : <p class="soft">{countOver(over)}</p>;
  return (
    <Section id="holds" title="Must be kept">
      <Note kind="warning" title="Neither this record nor one of its versions can be erased now.">
        <ul>
          {standing.map((hold) => (
            <li>
              <HoldLine hold={hold} frame={frame} />
              {mayRelease && hold.case !== undefined && (
                <p>
                  <a href={formatAddress(`${path}/release`, { hold: hold.id })}>
                    Lift this hold<span class="unseen">: {hold.case}</span>
                  </a>
                </p>
              )}
            </li>
          ))}
        </ul>
        {over > 0 && <p class="soft">{countOver(over)}</p>}
      </Note>
    </Section>
  );
};

function countOver(count: number): string {
  return count === 1 ? "One hold stood on it and is over." : `${count} holds stood on it and are over.`;
}

export interface HoldPageModel {
  readonly compiled: CompiledDefinition;
  readonly display: string;
  /** The hold to lift; undefined: one is placed. */
  readonly lifted: HoldView | undefined;
  readonly envelope: EnvelopeValues;
  readonly isConfidential: boolean;
  readonly error: AttestryError | undefined;
  readonly faults: readonly FormFault[];
}

const PlaceFields: FC<{ model: HoldPageModel; context: EnvelopeContext }> = ({ model, context }) => (
  <>
    <TextField
      pointer="/case"
      label="Case"
      help="Number or name of the case. By it the hold is lifted again; other cases hold the record by themselves."
      needed={true}
      context={context}
    />
    <DayField
      pointer="/until"
      label="Keep until"
      help="The last day that it must be kept. Leave it empty if it must be kept until the hold is lifted."
      context={context}
    />
    <ActFields operation="hold" context={context} />
    <div class="choices">
      <label>
        <input type="checkbox" name="confidential" value="yes" checked={model.isConfidential} />
        Confidential: tell neither the person whom the record is about nor other staff why
      </label>
    </div>
  </>
);

export const HoldPage: FC<{
  model: HoldPageModel;
  session: Session;
  frame: PageFrame;
  action: string;
  back: string;
}> = ({ model, session, frame, action, back }) => {
  const { compiled, lifted } = model;
  const faults = new Map(
    model.faults.flatMap((one) => (one.pointer === undefined ? [] : [[one.pointer, one.message]])),
  );
  const context: EnvelopeContext = { compiled, frame, values: model.envelope, faults };
  const name = lifted === undefined ? "Hold" : "Lift a hold on";
  return (
    <RecordActPage model={model} name={name} back={back} session={session} frame={frame}>
      <Section id="confirm" title="What this does">
        {lifted === undefined ? (
          <p>
            While a hold stands, neither the record nor one of its versions can be erased. It can still be amended, and
            what it says stays in force. Say a case, and the reason or the order.
          </p>
        ) : (
          <>
            <p>This hold is lifted; holds of other cases stand on. Say the reason or the order.</p>
            <HoldLine hold={lifted} frame={frame} />
          </>
        )}
        <form method="post" action={action} class="record">
          <input type="hidden" name={FORM_TOKEN} value={session.formToken} />
          {lifted === undefined ? (
            <PlaceFields model={model} context={context} />
          ) : (
            <>
              <input type="hidden" name="hold" value={lifted.id} />
              <ActFields operation="release" context={context} />
            </>
          )}
          <p class="buttons">
            <button type="submit">{lifted === undefined ? "Hold this record" : "Lift this hold"}</button>
            <a href={back}>Back without changing anything</a>
          </p>
        </form>
      </Section>
    </RecordActPage>
  );
};
