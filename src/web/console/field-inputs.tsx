// The inputs for texts, numbers, days, references and files. What the script needs stands in data- attributes. Decides nothing.
import type { FC } from "hono/jsx";
import { isJsonObject, type Json } from "../../crypto/json.ts";
import { parseRecordUrl } from "../../records/record-url.ts";
import { fileExtension } from "../../registries/attachment-types.ts";
import type { FieldView } from "../field-view.ts";
import { chooseText, formatBytes } from "../reader-language.ts";
import type { FieldsContext, Place } from "./field-parts.tsx";
import type { Control } from "./form-field.ts";
import { LABEL } from "./record-form.ts";

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
export const AttachmentInput: FC<{ place: Place; common: { id: string; name: string }; context: FieldsContext }> = (
  props,
) => {
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

export const ReferenceInput: FC<{ place: Place; common: object; context: FieldsContext }> = ({
  place,
  common,
  context,
}) => {
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

export const SimpleInput: FC<{ control: Control; place: Place; common: object; context: FieldsContext }> = (props) => {
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
