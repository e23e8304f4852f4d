// The search form of a registry: a plain GET form, so that a search has an address. Decides nothing.
import type { FC } from "hono/jsx";
import type { ErrorDetail } from "../errors.ts";
import type { LocalizedText } from "../registries/localized-text.ts";
import { Localized, type PageFrame } from "./markup.tsx";
import { chooseText } from "./reader-language.ts";
import { type Choice, listAsked, type SearchGroup, type SearchInput, STATE_CHOICES } from "./search-parameters.ts";

export interface SearchFormProps {
  readonly frame: PageFrame;
  readonly action: string;
  readonly groups: readonly SearchGroup[];
  readonly sorts: readonly Choice[];
  /** What was asked for, by parameter. */
  readonly values: Readonly<Record<string, string>>;
  readonly faults: readonly ErrorDetail[];
}

/** The parameters that the part "More" holds; it stands open where one of them is given. */
const MORE_PARAMETERS = ["recordState", "asOf", "validAt"];

/** More conditions than these are folded away: on a phone the form would hide the rest of the page. */
const GROUPS_SHOWN = 6;

const NOT_IN_IDS = /[^A-Za-z0-9]+/g;

function inputId(parameter: string): string {
  return `search-${parameter.replaceAll(NOT_IN_IDS, "-").replace(/-$/, "")}`;
}

function faultOf(faults: readonly ErrorDetail[], parameter: string): ErrorDetail | undefined {
  const field = parameter.replace(/\[\w+\]$/, "");
  return faults.find((fault) => fault.field === parameter || fault.field === field);
}

const Options: FC<{ choices: readonly Choice[]; chosen: string; any: string | undefined; frame: PageFrame }> = (
  props,
) => (
  <>
    {props.any !== undefined && <option value="">{props.any}</option>}
    {props.choices.map(({ value, text }) => {
      const chosen = chooseText(text as LocalizedText, props.frame.reader);
      return (
        <option
          value={value}
          selected={value === props.chosen}
          {...(chosen.language !== undefined && { lang: chosen.language })}
        >
          {chosen.text}
        </option>
      );
    })}
  </>
);

const Control: FC<{ input: SearchInput; form: SearchFormProps; describedBy: string | undefined }> = (props) => {
  const { input, form, describedBy } = props;
  const value = form.values[input.parameter] ?? "";
  const common = {
    id: inputId(input.parameter),
    name: input.parameter,
    ...(describedBy !== undefined && { "aria-describedby": describedBy }),
    ...(faultOf(form.faults, input.parameter) !== undefined && { "aria-invalid": "true" as const }),
  };
  if (input.type === "choice") {
    return (
      <select {...common}>
        <Options choices={input.choices} chosen={value} any="Any" frame={form.frame} />
      </select>
    );
  }
  // A number is a text to the browser: what is typed wrong comes back with what to mend, rather than being dropped.
  if (input.type === "number") return <input {...common} type="text" inputmode="decimal" value={value} />;
  if (input.type === "date") return <input {...common} type="date" value={value} />;
  return (
    <input {...common} type={input.type === "url" ? "url" : "search"} value={value} dir="auto" autocomplete="off" />
  );
};

const Fault: FC<{ id: string; fault: ErrorDetail | undefined }> = ({ id, fault }) =>
  fault === undefined ? null : (
    <p class="fault" id={id}>
      {fault.message}
    </p>
  );

const Group: FC<{ group: SearchGroup; form: SearchFormProps }> = ({ group, form }) => {
  const [first] = group.inputs;
  if (first === undefined) return null;
  const fault = group.inputs.map(({ parameter }) => faultOf(form.faults, parameter)).find((one) => one !== undefined);
  const faultId = `${inputId(first.parameter)}-fault`;
  const title = <Localized text={group.title} reader={form.frame.reader} />;
  const describedBy = fault === undefined ? undefined : faultId;
  if (group.inputs.length === 1) {
    return (
      <div class="field">
        <label for={inputId(first.parameter)}>
          {title}
          {group.hint !== undefined && <span class="soft"> ({group.hint})</span>}
        </label>
        <Control input={first} form={form} describedBy={describedBy} />
        <Fault id={faultId} fault={fault} />
      </div>
    );
  }
  return (
    <fieldset class="field">
      <legend>{title}</legend>
      <div class={first.type === "date" ? "range days" : "range"}>
        {group.inputs.map((input) => (
          <div>
            <label for={inputId(input.parameter)}>{input.end}</label>
            <Control input={input} form={form} describedBy={describedBy} />
          </div>
        ))}
      </div>
      <Fault id={faultId} fault={fault} />
    </fieldset>
  );
};

const DateField: FC<{ parameter: string; label: string; hint: string; form: SearchFormProps }> = (props) => {
  const { parameter, form } = props;
  const id = inputId(parameter);
  const fault = faultOf(form.faults, parameter);
  return (
    <div class="field">
      <label for={id}>{props.label}</label>
      <input
        id={id}
        type="date"
        name={parameter}
        value={(form.values[parameter] ?? "").slice(0, 10)}
        aria-describedby={`${id}-hint${fault === undefined ? "" : ` ${id}-fault`}`}
        {...(fault !== undefined && { "aria-invalid": "true" as const })}
      />
      <p class="soft" id={`${id}-hint`}>
        {props.hint}
      </p>
      <Fault id={`${id}-fault`} fault={fault} />
    </div>
  );
};

/** The conditions after the first ones, folded away unless one of them is given. */
const FurtherGroups: FC<{ form: SearchFormProps }> = ({ form }) => {
  const further = form.groups.slice(GROUPS_SHOWN);
  if (further.length === 0) return null;
  const isOpen = further.some(({ inputs }) => inputs.some(({ parameter }) => (form.values[parameter] ?? "") !== ""));
  return (
    <details open={isOpen}>
      <summary>More conditions</summary>
      <div class="fields">
        {further.map((group) => (
          <Group group={group} form={form} />
        ))}
      </div>
    </details>
  );
};

const MoreFields: FC<{ form: SearchFormProps }> = ({ form }) => {
  const isOpen = MORE_PARAMETERS.some((parameter) => (form.values[parameter] ?? "") !== "");
  return (
    <details open={isOpen}>
      <summary>Status, and other days than today</summary>
      <div class="fields">
        <div class="field">
          <label for="search-recordState">Status</label>
          <select id="search-recordState" name="recordState">
            <Options choices={STATE_CHOICES} chosen={form.values.recordState ?? ""} any="Any" frame={form.frame} />
          </select>
        </div>
        <DateField
          parameter="validAt"
          label="As it was in effect on"
          hint="What held in the world on that day, by what is known now."
          form={form}
        />
        <DateField
          parameter="asOf"
          label="As it was recorded on"
          hint="What this register said at the end of that day."
          form={form}
        />
      </div>
    </details>
  );
};

/** What was asked for, in words, and the form behind it: whoever has found something looks at that first. */
export const FoldedSearchForm: FC<SearchFormProps> = (form) => {
  const { frame, groups, values } = form;
  const state = STATE_CHOICES.find(({ value }) => value === values.recordState);
  const sort = form.sorts.find(({ value }) => value === values.sort);
  return (
    <>
      <ul class="asked">
        {listAsked(groups, values).map(({ title, relation, value }) => (
          <li>
            <Localized text={title} reader={frame.reader} /> {relation}{" "}
            <strong>
              <Localized text={value} reader={frame.reader} />
            </strong>
          </li>
        ))}
        {state !== undefined && (
          <li>
            Status is{" "}
            <strong>
              <Localized text={state.text} reader={frame.reader} />
            </strong>
          </li>
        )}
        {sort !== undefined && (
          <li>
            Sorted: <Localized text={sort.text} reader={frame.reader} />
          </li>
        )}
      </ul>
      <details class="folded">
        <summary>Change the search</summary>
        <SearchForm {...form} />
      </details>
    </>
  );
};

export const SearchForm: FC<SearchFormProps> = (form) => (
  <search>
    <form method="get" action={form.action} class="search" aria-label="Search this registry">
      <div class="fields">
        {form.groups.slice(0, GROUPS_SHOWN).map((group) => (
          <Group group={group} form={form} />
        ))}
        {form.sorts.length > 1 && (
          <div class="field">
            <label for="search-sort">Sorted by</label>
            <select id="search-sort" name="sort">
              <Options choices={form.sorts} chosen={form.values.sort ?? ""} any={undefined} frame={form.frame} />
            </select>
          </div>
        )}
      </div>
      <FurtherGroups form={form} />
      <MoreFields form={form} />
      <p class="buttons">
        <button type="submit">{form.groups.length > 0 ? "Search" : "Show records"}</button>
        <a href={form.action}>All records</a>
      </p>
    </form>
  </search>
);
