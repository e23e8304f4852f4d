// A choice of few values side by side, or of many in a list that opens. Decides nothing.
import type { FC } from "hono/jsx";
import { Localized } from "../markup.tsx";
import { chooseText } from "../reader-language.ts";
import {
  ChoiceText,
  describedBy,
  FieldFault,
  type FieldsContext,
  Help,
  hasHelp,
  Needed,
  type Place,
} from "./field-parts.tsx";
import type { FieldRules } from "./field-rules.ts";
import { inputId } from "./form-controls.ts";
import { choicesOf } from "./form-field.ts";

export const Radios: FC<{ place: Place; rules: FieldRules; context: FieldsContext }> = ({ place, rules, context }) => {
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

export const Select: FC<{ place: Place; common: object; context: FieldsContext }> = ({ place, common, context }) => {
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
