// The fields of a definition that came with evidence, for showing a record whose `schema` check passed. Runs no rule of it.
import { isJsonObject, type JsonObject } from "../../crypto/json.ts";
import { collectAnnotations } from "../../registries/annotations.ts";
import type { Definition } from "../../registries/definition.ts";
import { formatDisplay } from "../../registries/display-template.ts";
import { checkFieldTexts } from "../../registries/field-texts.ts";
import type { LocalizedText } from "../../registries/localized-text.ts";
import { readDefinitionText } from "../../registries/type-metadata.ts";
import { type FieldView, listFields } from "../field-view.ts";

export interface DefinitionFields {
  readonly title: LocalizedText;
  readonly fields: readonly FieldView[];
  /** What people call the record. */
  display(record: {
    data: JsonObject;
    identifier: string | undefined;
    rid: string;
    languages: readonly string[];
  }): string;
}

function isText(value: unknown): value is LocalizedText {
  return (
    typeof value === "string" || (isJsonObject(value) && Object.values(value).every((one) => typeof one === "string"))
  );
}

/** `text` is the definition whose hash the issuer signed. Undefined where its texts are of no form that pages know: the data has names all the same. */
export function readDefinitionFields(text: string): DefinitionFields | undefined {
  try {
    const definition = readDefinitionText(text);
    if (!isJsonObject(definition) || !isJsonObject(definition.schema)) return undefined;
    const { title, display } = definition;
    if (!isText(title) || (display !== undefined && !isText(display))) return undefined;
    const known = definition as unknown as Definition;
    checkFieldTexts(known.schema);
    const annotations = collectAnnotations(known.schema, known.access);
    const fields = listFields({ annotations, definition: known });
    return { title, fields, display: (record) => formatDisplay({ definition: known, ...record }) };
  } catch {
    // A department of another release may annotate what this one does not know. How a field is called decides nothing, so
    // whatever is wrong with that must not keep the verdict from being shown.
    return undefined;
  }
}
