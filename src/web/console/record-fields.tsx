// The inputs for a record's data, as its definition describes them. Works without a script; what the script needs stands in data- attributes. Decides nothing.
import type { Child, FC } from "hono/jsx";
import { isJsonObject, type Json } from "../../crypto/json.ts";
import { parseRecordUrl } from "../../records/record-url.ts";
import { fileExtension } from "../../registries/attachment-types.ts";
import type { FieldView } from "../field-view.ts";
import { Localized, type PageFrame } from "../markup.tsx";
import { chooseText, formatBytes } from "../reader-language.ts";
import type { RecordNames } from "../value.tsx";
import { describeRules, type FieldRules } from "./field-rules.ts";
import { inputId, requiredIn, rowMark } from "./form-controls.ts";
import { type Control, choicesOf, controlOf, rulesOf } from "./form-field.ts";
import { DATA, type FormState, LABEL, pointerTo, ROW } from "./record-form.ts";

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

interface Place {
  readonly field: FieldView;
  readonly pointer: string;
  /** As the definition's references are named: of the data, with "*" for every row. */
  readonly path: string;
  /** Whether all that it stands in must be stated. */
  readonly isAlways: boolean;
  /** How many lists it stands in. */
  readonly depth: number;
}

/** Up to so many values are shown side by side rather than in a list that opens. */
const SIDE_BY_SIDE_MAX = 4;

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

const Help: FC<{ field: FieldView; rules: FieldRules; frame: PageFrame }> = ({ field, rules, frame }) => {
  const asked = describeRules(rules);
  return (
    <>
      {field.description !== undefined && <Localized text={field.description} reader={frame.reader} />}
      {field.description !== undefined && asked !== undefined && " "}
      {asked !== undefined && <span dir="auto">{asked}</span>}
    </>
  );
};

function hasHelp(field: FieldView, rules: FieldRules): boolean {
  return field.description !== undefined || describeRules(rules) !== undefined;
}

const ChoiceText: FC<{ field: FieldView; value: string; frame: PageFrame }> = ({ field, value, frame }) => {
  const label = field.labels.get(value);
  if (label !== undefined) return <Localized text={label} reader={frame.reader} />;
  if (value === "true" || value === "false") return <>{value === "true" ? "Yes" : "No"}</>;
  return <span dir="auto">{value}</span>;
};

const Radios: FC<{ place: Place; rules: FieldRules; context: FieldsContext }> = ({ place, rules, context }) => {
  const { field, pointer } = place;
  const { frame, state, faults } = context;
  const id = inputId(pointer);
  const chosen = state.values.get(pointer) ?? "";
  const fault = faults.get(pointer);
  const values = field.required ? choicesOf(field) : [...choicesOf(field), ""];
  const { "aria-describedby": described } = describedBy(id, { help: hasHelp(field, rules), fault });
  return (
    <fieldset
      class={fault === undefined ? "field" : "field faulty"}
      id={id}
      data-pointer={pointer}
      data-rules={JSON.stringify(rules)}
      aria-describedby={described}
    >
      <legend>
        <Localized text={field.title} reader={frame.reader} /> {field.required && <Needed />}
      </legend>
      {hasHelp(field, rules) && (
        <p class="soft help" id={`${id}-help`}>
          <Help field={field} rules={rules} frame={frame} />
        </p>
      )}
      <div class="choices">
        {values.map((value, number) => (
          <label>
            <input
              type="radio"
              id={`${id}-${number}`}
              name={pointer}
              value={value}
              checked={chosen === value}
              required={rules.required === "always"}
              autofocus={context.focus === pointer && number === 0}
            />{" "}
            {value === "" ? "Not stated" : <ChoiceText field={field} value={value} frame={frame} />}
          </label>
        ))}
      </div>
      <FieldFault id={id} message={fault} />
    </fieldset>
  );
};

const Select: FC<{ place: Place; common: object; context: FieldsContext }> = ({ place, common, context }) => {
  const { field, pointer } = place;
  const chosen = context.state.values.get(pointer) ?? "";
  return (
    <select {...common}>
      <option value="">{field.required ? "Choose one" : "Not stated"}</option>
      {choicesOf(field).map((value) => {
        const text = chooseText(field.labels.get(value) ?? value, context.frame.reader);
        return (
          <option
            value={value}
            selected={value === chosen}
            {...(text.language !== undefined && { lang: text.language })}
          >
            {text.text === "true" ? "Yes" : text.text === "false" ? "No" : text.text}
          </option>
        );
      })}
    </select>
  );
};

function attachmentOf(text: string): { mediaType: string; bytes: number; href: string } | undefined {
  try {
    const value = JSON.parse(text) as Json;
    if (!isJsonObject(value)) return undefined;
    const { mediaType, bytes, href } = value;
    const isWhole = typeof mediaType === "string" && typeof bytes === "number" && typeof href === "string";
    return isWhole && /^https?:\/\//.test(href) ? { mediaType, bytes, href } : undefined;
  } catch {
    return undefined;
  }
}

function acceptedTypes(field: FieldView): string[] {
  const annotation = field.schema["x-attachment"];
  const types = isJsonObject(annotation) && Array.isArray(annotation.mediaTypes) ? annotation.mediaTypes : [];
  const named = types.filter((type) => typeof type === "string");
  return named.length > 0 ? named : ["application/pdf", "image/jpeg", "image/png"];
}

/** The file is sent by the script as soon as it is chosen; the form brings what names it. */
const AttachmentInput: FC<{ place: Place; common: { id: string; name: string }; context: FieldsContext }> = (props) => {
  const { place, common, context } = props;
  const { name, ...input } = common;
  const value = context.state.values.get(place.pointer) ?? "";
  const held = attachmentOf(value);
  const types = acceptedTypes(place.field);
  return (
    <div class="upload" data-upload={name} data-types={types.join(",")}>
      <input type="hidden" name={name} value={value} data-held="" />
      <input {...input} type="file" accept={types.map((type) => `${type},.${fileExtension(type)}`).join(",")} />
      <p class="held" data-held-text="">
        {held !== undefined && (
          <a href={context.frame.fileHref?.(held.href) ?? held.href}>
            The file that is attached ({held.mediaType}, {formatBytes(held.bytes, context.frame.reader)})
          </a>
        )}
      </p>
      <noscript>
        <p class="soft">
          Attaching or exchanging a file needs JavaScript. Without it, the rest of the form works, and a file that is
          attached stays.
        </p>
      </noscript>
    </div>
  );
};

const ReferenceInput: FC<{ place: Place; common: object; context: FieldsContext }> = ({ place, common, context }) => {
  const { field, pointer } = place;
  const { state, names } = context;
  const value = state.values.get(pointer) ?? "";
  const address = parseRecordUrl(value);
  const elsewhere =
    address === undefined ? "" : `Record in ${address.registry}, kept at ${address.entity.replace(/^https?:\/\//, "")}`;
  const label = value === "" ? "" : (names.get(value) ?? state.labels.get(pointer) ?? elsewhere);
  return (
    <div
      class="picker"
      data-pick={place.path}
      data-label={label}
      data-title={chooseText(field.title, context.frame.reader).text}
    >
      <input {...common} type="url" inputmode="url" value={value} dir="ltr" autocomplete="off" />
      <input type="hidden" name={`${LABEL}${pointer}`} value={label} data-chosen="" />
      {label !== "" && (
        <p class="chosen" dir="auto" data-chosen-text="">
          {label}
        </p>
      )}
      <noscript>
        <p class="soft">Write the address of the record, as its page has it.</p>
      </noscript>
    </div>
  );
};

const INPUT_MODES: Partial<Record<Control, "numeric" | "decimal">> = { number: "decimal" };

const SimpleInput: FC<{ control: Control; place: Place; common: object; context: FieldsContext }> = (props) => {
  const { control, place, common, context } = props;
  const value = context.state.values.get(place.pointer) ?? "";
  if (control === "json")
    return (
      <textarea {...common} rows={4} spellcheck={false} class="code" dir="ltr">
        {value}
      </textarea>
    );
  if (control === "area" || value.includes("\n"))
    return (
      <textarea {...common} rows={3} dir="auto">
        {value}
      </textarea>
    );
  if (control === "date") return <input {...common} type="date" value={value} />;
  // A number is a text to the browser: what is typed wrong is told, rather than dropped.
  const mode = place.field.schema.type === "integer" ? "numeric" : INPUT_MODES[control];
  const type = control === "url" ? "url" : "text";
  return (
    <input
      {...common}
      type={type}
      value={value}
      dir="auto"
      autocomplete="off"
      {...(mode !== undefined && { inputmode: mode })}
    />
  );
};

const Leaf: FC<{ place: Place; control: Control; context: FieldsContext; label?: Child }> = (props) => {
  const { place, control, context, label } = props;
  const { field, pointer } = place;
  const rules = rulesOf(field, requiredIn(field, place.isAlways));
  const isSelect = place.depth > 0 || choicesOf(field).length > SIDE_BY_SIDE_MAX;
  if (control === "choice" && !isSelect) return <Radios place={place} rules={rules} context={context} />;
  const id = inputId(pointer);
  const fault = context.faults.get(pointer);
  const help = hasHelp(field, rules);
  const common = {
    id,
    name: pointer,
    "data-pointer": pointer,
    "data-rules": JSON.stringify(rules),
    required: rules.required === "always" && control !== "attachment",
    autofocus: context.focus === pointer,
    ...describedBy(id, { help, fault }),
  };
  return (
    <LabelledField
      id={id}
      label={label ?? <Localized text={field.title} reader={context.frame.reader} />}
      needed={field.required}
      help={help ? <Help field={field} rules={rules} frame={context.frame} /> : undefined}
      fault={fault}
    >
      {control === "choice" ? (
        <Select place={place} common={common} context={context} />
      ) : control === "attachment" ? (
        <AttachmentInput place={place} common={common} context={context} />
      ) : control === "reference" ? (
        <ReferenceInput place={place} common={common} context={context} />
      ) : (
        <SimpleInput control={control} place={place} common={common} context={context} />
      )}
    </LabelledField>
  );
};

const Row: FC<{ list: Place; row: string; number: string; context: FieldsContext }> = (props) => {
  const { list, row, number, context } = props;
  const element = list.field.members[0]!;
  const title = <Localized text={list.field.title} reader={context.frame.reader} />;
  const control = controlOf(element);
  const place = { field: element, pointer: row, path: `${list.path}/*`, isAlways: false, depth: list.depth + 1 };
  return (
    <li class="row" data-row="">
      <input type="hidden" name={ROW} value={row} />
      {control === "group" ? (
        <fieldset class="group" id={inputId(row)} tabindex={-1} data-group="" autofocus={context.focus === row}>
          <legend>
            {title} <span data-number="">{number}</span>
          </legend>
          <FieldList fields={element.members} parent={place} context={context} />
        </fieldset>
      ) : (
        <Leaf
          place={place}
          control={control}
          context={context}
          label={
            <>
              {title} <span data-number="">{number}</span>
            </>
          }
        />
      )}
      <button type="submit" class="quiet" name="do" value={`remove:${row}`} formnovalidate data-remove="">
        Remove {title} <span data-number="">{number}</span>
      </button>
    </li>
  );
};

const List: FC<{ place: Place; context: FieldsContext }> = ({ place, context }) => {
  const { field, pointer, depth } = place;
  const { frame, state, faults } = context;
  const id = inputId(pointer);
  const count = state.rows.get(pointer) ?? 0;
  const mark = `${pointer}/${rowMark(depth)}`;
  const fault = faults.get(pointer);
  return (
    <fieldset
      class="group list"
      id={id}
      tabindex={-1}
      data-list={pointer}
      data-depth={depth}
      aria-describedby={`${id}-fault`}
      autofocus={context.focus === pointer}
    >
      <legend>
        <Localized text={field.title} reader={frame.reader} /> {field.required && <Needed />}
      </legend>
      {field.description !== undefined && (
        <p class="soft help">
          <Localized text={field.description} reader={frame.reader} />
        </p>
      )}
      <FieldFault id={id} message={fault} />
      <ol class="rows" data-rows="">
        {Array.from({ length: count }, (_, row) => (
          <Row list={place} row={`${pointer}/${row}`} number={String(row + 1)} context={context} />
        ))}
      </ol>
      <template>
        <Row list={place} row={mark} number={rowMark(depth)} context={context} />
      </template>
      <button type="submit" class="quiet" name="do" value={`add:${pointer}`} formnovalidate data-add="">
        {count === 0 ? "Add to " : "Add another to "}
        <Localized text={field.title} reader={frame.reader} />
      </button>
    </fieldset>
  );
};

const Group: FC<{ place: Place; context: FieldsContext }> = ({ place, context }) => {
  const { field, pointer } = place;
  return (
    <fieldset class="group" id={inputId(pointer)} tabindex={-1} data-group="">
      <legend>
        <Localized text={field.title} reader={context.frame.reader} /> {field.required && <Needed />}
      </legend>
      {field.description !== undefined && (
        <p class="soft help">
          <Localized text={field.description} reader={context.frame.reader} />
        </p>
      )}
      <FieldFault id={inputId(pointer)} message={context.faults.get(pointer)} />
      <FieldList
        fields={field.members}
        parent={{ ...place, isAlways: place.isAlways && field.required }}
        context={context}
      />
    </fieldset>
  );
};

/** `parent`: what the fields are members of. */
const FieldList: FC<{ fields: readonly FieldView[]; parent: Place | undefined; context: FieldsContext }> = (props) => {
  const { fields, parent, context } = props;
  return (
    <>
      {fields.map((field) => {
        const place = {
          field,
          pointer: pointerTo(parent?.pointer ?? DATA, field.member),
          path: `${parent?.path ?? ""}/${field.member}`,
          isAlways: parent?.isAlways ?? true,
          depth: parent?.depth ?? 0,
        };
        const control = controlOf(field);
        if (control === "group") return <Group place={place} context={context} />;
        if (control === "list") return <List place={place} context={context} />;
        return <Leaf place={place} control={control} context={context} />;
      })}
    </>
  );
};

/** All fields of a record. */
export const RecordFields: FC<{ fields: readonly FieldView[]; context: FieldsContext }> = ({ fields, context }) => (
  <FieldList fields={fields} parent={undefined} context={context} />
);
