// What every field of a form has: label, help, fault, and where it stands. Decides nothing.
import type { Child, FC } from "hono/jsx";
import type { FieldView } from "../field-view.ts";
import { Localized, type PageFrame } from "../markup.tsx";
import type { RecordNames } from "../value.tsx";
import { describeRules, type FieldRules } from "./field-rules.ts";
import type { FormState } from "./record-form.ts";

export interface FieldsContext {
  readonly frame: PageFrame;
  readonly state: FormState;
  /** Faults by pointer. */
  readonly faults: ReadonlyMap<string, string>;
  /** What own records are called. */
  readonly names: RecordNames;
  /** Pointer of the input that is to have the focus. */
  readonly focus: string | undefined;
}

export interface Place {
  readonly field: FieldView;
  readonly pointer: string;
  /** As the definition's references are named: of the data, with "*" for every row. */
  readonly path: string;
  /** Whether all that it stands in must be stated. */
  readonly isAlways: boolean;
  /** How many lists it stands in. */
  readonly depth: number;
}

/** A field's fault: always there, so that it is told when it comes. */
export const FieldFault: FC<{ id: string; message: string | undefined }> = ({ id, message }) => (
  <p class="fault" id={`${id}-fault`} aria-live="polite">
    {message}
  </p>
);

export const Needed: FC = () => <span class="needed">required</span>;

/** A label, its input, what helps, and what is wrong. */
export const LabelledField: FC<{
  id: string;
  label: Child;
  needed: boolean;
  help: Child | undefined;
  fault: string | undefined;
  children?: Child;
}> = ({ id, label, needed, help, fault, children }) => (
  <div class="field">
    <label for={id}>
      {label} {needed && <Needed />}
    </label>
    {help !== undefined && (
      <p class="soft help" id={`${id}-help`}>
        {help}
      </p>
    )}
    {children}
    <FieldFault id={id} message={fault} />
  </div>
);

/** The attributes that tie an input to its help and its fault. */
export function describedBy(id: string, options: { help: boolean; fault: string | undefined }) {
  return {
    "aria-describedby": `${options.help ? `${id}-help ` : ""}${id}-fault`,
    ...(options.fault !== undefined && { "aria-invalid": "true" as const }),
  };
}

export const Help: FC<{ field: FieldView; rules: FieldRules; frame: PageFrame }> = ({ field, rules, frame }) => {
  const asked = describeRules(rules);
  return (
    <>
      {field.description !== undefined && <Localized text={field.description} reader={frame.reader} />}
      {field.description !== undefined && asked !== undefined && " "}
      {asked !== undefined && <span dir="auto">{asked}</span>}
    </>
  );
};

export function hasHelp(field: FieldView, rules: FieldRules): boolean {
  return field.description !== undefined || describeRules(rules) !== undefined;
}

export const ChoiceText: FC<{ field: FieldView; value: string; frame: PageFrame }> = ({ field, value, frame }) => {
  const label = field.labels.get(value);
  if (label !== undefined) return <Localized text={label} reader={frame.reader} />;
  if (value === "true" || value === "false") return <>{value === "true" ? "Yes" : "No"}</>;
  return <span dir="auto">{value}</span>;
};
