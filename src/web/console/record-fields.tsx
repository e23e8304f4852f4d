// The inputs for a record's data, as its definition describes them. Works without a script; what the script needs stands in data- attributes. Decides nothing.
import type { Child, FC } from "hono/jsx";
import type { FieldView } from "../field-view.ts";
import { Localized } from "../markup.tsx";
import { Radios, Select } from "./field-choices.tsx";
import { AttachmentInput, ReferenceInput, SimpleInput } from "./field-inputs.tsx";
import {
  describedBy,
  FieldFault,
  type FieldsContext,
  Help,
  hasHelp,
  LabelledField,
  Needed,
  type Place,
} from "./field-parts.tsx";
import { inputId, requiredIn, rowMark } from "./form-controls.ts";
import { type Control, choicesOf, controlOf, rulesOf } from "./form-field.ts";
import { DATA, pointerTo, ROW } from "./record-form.ts";

/** Up to so many values are shown side by side rather than in a list that opens. */
const SIDE_BY_SIDE_MAX = 4;

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
