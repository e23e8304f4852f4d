// What a registry of another node may be asked consent for, read from its public definition. Pure. Untrusted and for people: whether a request is allowed, its home node decides.
import { isJsonObject, type Json, type JsonObject } from "../crypto/json.ts";
import { CONSENT_DAYS_MAX, CONSENT_FIELDS_MAX, CONSENT_OFFERS_MAX, CONSENT_TEXT_CHARS_MAX } from "../limits.ts";
import { findFieldSchema } from "../registries/annotations.ts";
import { isRegistryName } from "../registries/definition.ts";
import { listFieldNames } from "../registries/disclosure-rules.ts";
import type { LocalizedText } from "../registries/localized-text.ts";

export interface OfferedField {
  readonly name: string;
  readonly title: LocalizedText;
}

/** One purpose of one registry. */
export interface ConsentOffer {
  readonly registry: string;
  readonly registryTitle: LocalizedText;
  /** By what claim the registry knows people, and the title of the field that holds it. */
  readonly claim: string;
  readonly claimTitle: LocalizedText;
  readonly purpose: string;
  readonly title: LocalizedText;
  /** What the person is told. */
  readonly notice: LocalizedText | undefined;
  readonly fields: readonly OfferedField[];
  readonly daysMax: number;
}

const LANGUAGES_MAX = 50;
const NAME_CHARS_MAX = 200;

/** A text that is shown, on one line. */
function readLine(value: Json | undefined): string | undefined {
  if (typeof value !== "string") return undefined;
  const line = value.replaceAll(/[\s\p{Cc}\u202a-\u202e\u2066-\u2069]+/gu, " ").trim();
  return line === "" ? undefined : line.slice(0, CONSENT_TEXT_CHARS_MAX);
}

function readText(value: Json | undefined): LocalizedText | undefined {
  if (!isJsonObject(value)) return readLine(value);
  const texts = Object.entries(value)
    .slice(0, LANGUAGES_MAX)
    .flatMap(([language, text]) => {
      const line = /^[A-Za-z0-9-]{2,35}$/.test(language) ? readLine(text) : undefined;
      return line === undefined ? [] : [[language, line] as const];
    });
  return texts.length === 0 ? undefined : Object.fromEntries(texts);
}

const isName = (value: Json | undefined): value is string =>
  typeof value === "string" && value.length <= NAME_CHARS_MAX && /^[\x21-\x7e]+$/.test(value);

function readFields(schema: JsonObject, names: Json | undefined): OfferedField[] {
  const all = Array.isArray(names) ? names.filter((one) => typeof one === "string") : listFieldNames(schema);
  return all.slice(0, CONSENT_FIELDS_MAX).flatMap((name) => {
    const field = findFieldSchema(schema, name.split("."));
    return field === undefined ? [] : [{ name, title: readText(field["x-title"]) ?? name }];
  });
}

/** None of a registry that says of nobody what it keeps, or names no purpose. */
export function readConsentOffers(value: Json): ConsentOffer[] {
  if (!isJsonObject(value)) return [];
  const { name, title, schema, subject, purposes } = value;
  if (typeof name !== "string" || !isRegistryName(name) || !isJsonObject(schema)) return [];
  if (!isJsonObject(subject) || !isName(subject.claim) || typeof subject.field !== "string") return [];
  if (!Array.isArray(purposes)) return [];
  const { claim, field } = subject;
  const held = findFieldSchema(schema, field.split("."));
  return purposes.slice(0, CONSENT_OFFERS_MAX).flatMap((one): ConsentOffer[] => {
    const given: JsonObject = isJsonObject(one) ? one : { code: one };
    const { code, days_max } = given;
    if (!isName(code)) return [];
    return [
      {
        registry: name,
        registryTitle: readText(title) ?? name,
        claim,
        claimTitle: readText(held?.["x-title"]) ?? claim,
        purpose: code,
        title: readText(given.title) ?? code,
        notice: readText(given.notice),
        fields: readFields(schema, given.fields),
        daysMax: Number.isSafeInteger(days_max) && Number(days_max) > 0 ? Number(days_max) : CONSENT_DAYS_MAX,
      },
    ];
  });
}
