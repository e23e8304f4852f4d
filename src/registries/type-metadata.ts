// The published text of a definition, which is SD-JWT VC type metadata too: one text, one hash (`vct#integrity`). Pure; portable.
// Norm: draft-ietf-oauth-sd-jwt-vc, "Type Metadata Format". It lets a document have members of its own, and fixes what these four say:
// `vct`, `name` (as ours), `description` (one text), `display` (names of the type by language, where ours is how a record is called).
import { canonicalJson, isJsonObject, type Json, type JsonObject, parseJson } from "../crypto/json.ts";
import type { Definition } from "./definition.ts";
import { type LocalizedText, localize } from "./localized-text.ts";

/** Of a text that is not said to be in any language (RFC 5646 §4.1). */
const ANY_LANGUAGE = "und";

function describeDisplay(definition: Definition): Json {
  const { title, description } = definition;
  const titles: Readonly<Record<string, string>> = typeof title === "string" ? { [ANY_LANGUAGE]: title } : title;
  const descriptionIn = (language: string): string | undefined =>
    typeof description === "string" ? description : description?.[language];
  return Object.entries(titles).map(([locale, name]): JsonObject => {
    const text = descriptionIn(locale);
    return { locale, name, ...(text !== undefined && { description: text }) };
  });
}

/** The text of a definition's version, whose URL is `vct`. */
export function formatDefinitionText(definition: Definition, vct: string): string {
  const { display, description, ...others } = definition;
  return canonicalJson({
    ...(others as unknown as JsonObject),
    vct,
    display: describeDisplay(definition),
    ...(display !== undefined && { record_display: display as Json }),
    ...(description !== undefined && { description: localize(description) }),
    ...(typeof description === "object" && { descriptions: description as Json }),
  });
}

/** The definition in a published text, as it was written: to be parsed. Texts of before this form hold nothing else. Throws `json_*`. */
export function readDefinitionText(text: string): Json {
  const published = parseJson(text);
  if (!isJsonObject(published) || published.vct === undefined) return published;
  const {
    vct: _vct,
    display: _display,
    record_display: display,
    description: one,
    descriptions,
    ...others
  } = published;
  const description = (descriptions ?? one) as LocalizedText | undefined;
  return {
    ...others,
    ...(display !== undefined && { display }),
    ...(description !== undefined && { description: description as Json }),
  };
}
