// The inputs for when something holds and on which ground it is done, as the definition asks for them; and what of them is sent. Decides nothing.
import type { FC } from "hono/jsx";
import type { JsonObject } from "../../crypto/json.ts";
import type { ActOperation } from "../../records/record-act.ts";
import type { CompiledDefinition } from "../../registries/compiled-definition.ts";
import { Localized, type PageFrame } from "../markup.tsx";
import { chooseText } from "../reader-language.ts";
import { describedBy, LabelledField } from "./field-parts.tsx";
import { inputId } from "./form-controls.ts";

/** Texts of the envelope, by pointer: `/act/reason`, `/valid_from`. */
export type EnvelopeValues = ReadonlyMap<string, string>;

export const ENVELOPE_POINTERS = [
  "/valid_from",
  "/valid_until",
  "/effective",
  "/identifier",
  "/case",
  "/until",
  "/act/reason",
  "/act/instrument",
  "/act/note",
  "/act/distinct",
] as const;
export type EnvelopePointer = (typeof ENVELOPE_POINTERS)[number];

export interface EnvelopeContext {
  readonly compiled: CompiledDefinition;
  readonly frame: PageFrame;
  readonly values: EnvelopeValues;
  readonly faults: ReadonlyMap<string, string>;
}

export function readEnvelopeValues(parameters: URLSearchParams): EnvelopeValues {
  const stated = ENVELOPE_POINTERS.map((pointer) => [pointer, (parameters.get(pointer) ?? "").trim()] as const);
  return new Map(stated.filter(([, text]) => text !== ""));
}

/** The `act` of a request: what was stated of it. */
export function actOf(values: EnvelopeValues): JsonObject {
  const members = ["reason", "instrument", "note", "distinct"].flatMap((name) => {
    const text = values.get(`/act/${name}`)?.replaceAll("\r\n", "\n");
    return text === undefined ? [] : [[name, text] as const];
  });
  return Object.fromEntries(members);
}

/** A day, or a time where it has one already. */
export const DayField: FC<{
  pointer: EnvelopePointer;
  label: string;
  help: string;
  context: EnvelopeContext;
}> = ({ pointer, label, help, context }) => {
  const id = inputId(pointer);
  const value = context.values.get(pointer) ?? "";
  const fault = context.faults.get(pointer);
  return (
    <LabelledField id={id} label={label} needed={false} help={help} fault={fault}>
      <input
        id={id}
        name={pointer}
        type={value.length > 10 ? "text" : "date"}
        value={value}
        {...describedBy(id, { help: true, fault })}
      />
    </LabelledField>
  );
};

export const TextField: FC<{
  pointer: EnvelopePointer;
  label: string;
  help: string;
  needed: boolean;
  isLong?: boolean;
  context: EnvelopeContext;
}> = ({ pointer, label, help, needed, isLong = false, context }) => {
  const id = inputId(pointer);
  const fault = context.faults.get(pointer);
  const common = {
    id,
    name: pointer,
    required: needed,
    "data-rules": JSON.stringify({ kind: "text", charsMax: 500, ...(needed && { required: "always" }) }),
    ...describedBy(id, { help: true, fault }),
  };
  const value = context.values.get(pointer) ?? "";
  return (
    <LabelledField id={id} label={label} needed={needed} help={help} fault={fault}>
      {isLong ? (
        <textarea {...common} rows={3} dir="auto">
          {value}
        </textarea>
      ) : (
        <input {...common} type="text" value={value} dir="auto" autocomplete="off" />
      )}
    </LabelledField>
  );
};

export const DistinctField: FC<{ context: EnvelopeContext }> = ({ context }) => (
  <TextField
    pointer="/act/distinct"
    label="If it is another: how do you know?"
    help="Such as: another date of birth, confirmed by the hospital. It is kept with the record."
    needed={false}
    isLong={true}
    context={context}
  />
);

const ReasonField: FC<{ needed: boolean; context: EnvelopeContext }> = ({ needed, context }) => {
  const { compiled, frame, values, faults } = context;
  const reasons = Object.entries(compiled.definition.acts?.reasons ?? {});
  const pointer = "/act/reason";
  if (reasons.length === 0)
    return <TextField pointer={pointer} label="Reason" help="Why this is done." needed={needed} context={context} />;
  const id = inputId(pointer);
  const fault = faults.get(pointer);
  return (
    <LabelledField id={id} label="Reason" needed={needed} help="Why this is done." fault={fault}>
      <select
        id={id}
        name={pointer}
        required={needed}
        data-rules={JSON.stringify({ kind: "choice", ...(needed && { required: "always" }) })}
        {...describedBy(id, { help: true, fault })}
      >
        <option value="">{needed ? "Choose one" : "Not stated"}</option>
        {reasons.map(([code, text]) => {
          const chosen = chooseText(text, frame.reader);
          return (
            <option
              value={code}
              selected={values.get(pointer) === code}
              {...(chosen.language !== undefined && { lang: chosen.language })}
            >
              {chosen.text}
            </option>
          );
        })}
      </select>
    </LabelledField>
  );
};

const isErasure = (operation: ActOperation): boolean => operation === "erase" || operation === "erase_version";

const NOTELESS: readonly ActOperation[] = ["erase", "erase_version", "hold", "release"];

/** What must be said, by the definition and always. */
function isNeeded(compiled: CompiledDefinition, operation: ActOperation, member: "reason" | "instrument" | "note") {
  if (isErasure(operation)) return member !== "note";
  return compiled.definition.acts?.required?.[operation]?.includes(member) ?? false;
}

export const ActFields: FC<{ operation: ActOperation; context: EnvelopeContext }> = ({ operation, context }) => {
  const needs = (member: "reason" | "instrument" | "note") => isNeeded(context.compiled, operation, member);
  return (
    <>
      <ReasonField needed={needs("reason")} context={context} />
      <TextField
        pointer="/act/instrument"
        label="Law, order or file"
        help="On the ground of what, as others would look it up: the number of an order, a notification, a case."
        needed={needs("instrument")}
        context={context}
      />
      {!NOTELESS.includes(operation) && (
        <TextField
          pointer="/act/note"
          label="Note"
          help="What else who reads the history should know."
          needed={needs("note")}
          isLong={true}
          context={context}
        />
      )}
    </>
  );
};

/** The registry's title as part of a sentence. */
export const RegistryTitle: FC<{ context: Pick<EnvelopeContext, "compiled" | "frame"> }> = ({ context }) => (
  <Localized text={context.compiled.definition.title} reader={context.frame.reader} />
);
