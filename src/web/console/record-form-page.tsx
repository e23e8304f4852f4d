// The page on which a record is created or amended. From its model alone; decides nothing.
import type { Child, FC } from "hono/jsx";
import type { AttestryError } from "../../errors.ts";
import type { Session } from "../../identity/session-service.ts";
import type { FieldChange } from "../../records/record-changes.ts";
import type { CompiledDefinition } from "../../registries/compiled-definition.ts";
import type { FieldView } from "../field-view.ts";
import { Localized, Note, type PageFrame, Section } from "../markup.tsx";
import { FORM_TOKEN } from "../page-session.ts";
import { StaffPage } from "../staff-frame.tsx";
import type { RecordNames } from "../value.tsx";
import { ActFields, DayField, DistinctField, type EnvelopeContext, type EnvelopeValues } from "./act-fields.tsx";
import { needsApproval } from "./desk.ts";
import { DESK_STYLE } from "./desk-style.ts";
import { describedBy, LabelledField } from "./field-parts.tsx";
import { type FormFault, inputId } from "./form-controls.ts";
import { ConflictNote, DuplicateNote, FaultSummary } from "./form-summary.tsx";
import { RecordFields } from "./record-fields.tsx";
import type { FormState } from "./record-form.ts";

/** What somebody else changed since the form was opened. */
export interface FormConflict {
  readonly theirs: readonly FieldChange[];
  readonly both: ReadonlySet<string>;
}

export interface RecordFormModel {
  readonly compiled: CompiledDefinition;
  readonly operation: "create" | "amend";
  readonly fields: readonly FieldView[];
  readonly state: FormState;
  readonly envelope: EnvelopeValues;
  /** By which a form that is sent twice is known to be one. */
  readonly key: string;
  /** The ETag's value of what the form sets out from; of an amendment. */
  readonly expected: string | undefined;
  /** What the record is called; of an amendment. */
  readonly display: string | undefined;
  readonly error: AttestryError | undefined;
  readonly faults: readonly FormFault[];
  readonly conflict: FormConflict | undefined;
  /** Pointer of the input that is to have the focus. */
  readonly focus: string | undefined;
  /** Said above the form, in place of a fault. */
  readonly note: string | undefined;
}

interface PageProps {
  readonly model: RecordFormModel;
  readonly session: Session;
  readonly frame: PageFrame;
  readonly names: RecordNames;
  /** Where the form is sent, and where to go back to. */
  readonly action: string;
  readonly back: { readonly href: string; readonly text: Child };
  readonly script: string | undefined;
}

const Above: FC<PageProps> = ({ model, frame, names }) => {
  const { error, conflict, fields, faults, note } = model;
  if (conflict !== undefined) return <ConflictNote {...conflict} fields={fields} names={names} frame={frame} />;
  if (error?.code === "possible_duplicate") return <DuplicateNote error={error} frame={frame} />;
  if (error !== undefined) return <FaultSummary error={error} faults={faults} frame={frame} />;
  return note === undefined ? null : (
    <div role="status" class="summary">
      <Note title={note} />
    </div>
  );
};

const OfficialNumber: FC<{ context: EnvelopeContext }> = ({ context }) => {
  const id = inputId("/identifier");
  const fault = context.faults.get("/identifier");
  const value = context.values.get("/identifier") ?? "";
  return (
    <details open={value !== "" || fault !== undefined}>
      <summary>It has an official number already</summary>
      <LabelledField
        id={id}
        label="Official number"
        needed={false}
        help="As it was given on paper. Leave it empty, and the registry gives the next number."
        fault={fault}
      >
        <input
          id={id}
          name="/identifier"
          type="text"
          value={value}
          dir="auto"
          autocomplete="off"
          {...describedBy(id, { help: true, fault })}
        />
      </LabelledField>
    </details>
  );
};

const EffectSection: FC<{ model: RecordFormModel; context: EnvelopeContext }> = ({ model, context }) => (
  <Section id="effect" title="When and why">
    <div class="pair">
      <DayField
        pointer="/valid_from"
        label="In effect from"
        help="The first day on which it holds in the world. Leave it empty if it always did."
        context={context}
      />
      <DayField
        pointer="/valid_until"
        label="In effect until"
        help="The last day on which it holds. Leave it empty if no end is known."
        context={context}
      />
    </div>
    <ActFields operation={model.operation} context={context} />
    {(model.error?.code === "possible_duplicate" || context.values.has("/act/distinct")) && (
      <DistinctField context={context} />
    )}
  </Section>
);

const SENDING = {
  create: "Sign and record",
  amend: "Sign and save the next version",
  propose: "Propose it for approval",
} as const;

const CONSEQUENCES = {
  create:
    "The record is signed by this department and entered in its log, for good: mistakes are mended by amending it, and stay in its history.",
  amend: "The version before stays readable, and proves what was said then.",
  propose: "In this registry others approve first. Until then nothing is signed and nothing is changed.",
} as const;

export const RecordFormPage: FC<PageProps> = (props) => {
  const { model, session, frame, names, action, back, script } = props;
  const { compiled, operation, state } = model;
  const { title, name, identifier } = compiled.definition;
  const faults = new Map(
    model.faults.flatMap((one) => (one.pointer === undefined ? [] : [[one.pointer, one.message]])),
  );
  const envelope: EnvelopeContext = { compiled, frame, values: model.envelope, faults };
  const isNew = operation === "create";
  const isFaulty = model.error !== undefined || model.conflict !== undefined;
  const base = `${frame.basePath}/console`;
  return (
    <StaffPage
      title={`${isFaulty ? "Not saved yet: " : ""}${isNew ? "New record" : `Amend ${model.display}`}`}
      lead={
        <>
          In <Localized text={title} reader={frame.reader} />. What is marked “required” must be stated.
        </>
      }
      crumbs={[
        { href: base, text: "Your desk" },
        { href: `${base}/registries/${name}`, text: <Localized text={title} reader={frame.reader} /> },
      ]}
      session={session}
      frame={frame}
      styles={[DESK_STYLE]}
      script={script}
    >
      <Above {...props} />
      <form
        method="post"
        action={action}
        class="record"
        id="record-form"
        data-registry={name}
        data-base-path={frame.basePath}
      >
        <input type="hidden" name={FORM_TOKEN} value={session.formToken} />
        <input type="hidden" name="key" value={model.key} />
        {model.expected !== undefined && <input type="hidden" name="expected" value={model.expected} />}
        {/* Pressing Enter sends the form, and does not press the first button of a list. */}
        <button type="submit" class="unseen" tabindex={-1}>
          Save
        </button>
        <Section id="data" title={isNew ? "What is to be recorded" : "What is recorded"}>
          <RecordFields
            fields={model.fields}
            context={{ frame, state, faults, names, focus: isFaulty ? undefined : model.focus }}
          />
          {isNew && typeof identifier === "string" && <OfficialNumber context={envelope} />}
        </Section>
        <EffectSection model={model} context={envelope} />
        <p class="buttons">
          <button type="submit">{SENDING[needsApproval(compiled) ? "propose" : operation]}</button>
          <a href={back.href}>{back.text}</a>
        </p>
        <p class="soft">{CONSEQUENCES[needsApproval(compiled) ? "propose" : operation]}</p>
        <p role="status" class="unseen" id="form-status" />
      </form>
    </StaffPage>
  );
};
