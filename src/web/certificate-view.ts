// Which fields of a record a certificate shows, and what of its token goes into the code. Pure.
import { isJsonObject, type Json, type JsonObject } from "../crypto/json.ts";
import { formatSdJwt, parseSdJwt } from "../crypto/sd-jwt.ts";
import { selectDisclosures } from "../crypto/sd-jwt-selection.ts";
import { AttestryError } from "../errors.ts";
import { type RecordView, readOwnPayload } from "../records/record-view.ts";
import type { LocalizedText } from "../registries/localized-text.ts";
import { type FieldView, flattenFields } from "./field-view.ts";

/** A value that is shown or left out as a whole: of a group each of its members. */
export interface FieldChoice {
  /** `address.city` */
  readonly name: string;
  readonly title: LocalizedText;
  /** Whether it is personal, or holds what is. */
  readonly isPersonal: boolean;
}

function isPersonalWithin(field: FieldView): boolean {
  return field.personal || field.members.some(isPersonalWithin);
}

/** What the data states, the most telling first; members that the definition does not name come last. */
export function listFieldChoices(fields: readonly FieldView[], data: JsonObject, group = ""): FieldChoice[] {
  const known = new Set(fields.map(({ member }) => member));
  const stated = fields.filter(({ member }) => Object.hasOwn(data, member));
  const unknown = Object.keys(data).filter((member) => !known.has(member));
  return [
    ...stated.flatMap((field) => {
      const value = data[field.member]!;
      if (field.kind === "group" && isJsonObject(value))
        return listFieldChoices(field.members, value, `${field.name}.`);
      return [{ name: field.name, title: field.fullTitle, isPersonal: isPersonalWithin(field) }];
    }),
    ...unknown.map((member) => ({ name: `${group}${member}`, title: member, isPersonal: false })),
  ];
}

/** Whether a chosen name is this one or of a group that it is in. */
function isWithin(name: string, chosen: ReadonlySet<string>): boolean {
  const parts = name.split(".");
  return parts.some((_, index) => chosen.has(parts.slice(0, index + 1).join(".")));
}

/**
 * The names of the choices that are shown. `asked`: names of fields or of groups of them; undefined where nothing was chosen, which means
 * all that is not personal. Throws `query_invalid` for a name that is no field.
 */
export function chooseFields(options: {
  fields: readonly FieldView[];
  choices: readonly FieldChoice[];
  asked: readonly string[] | undefined;
}): ReadonlySet<string> {
  const { fields, choices, asked } = options;
  if (asked === undefined) return new Set(choices.flatMap(({ name, isPersonal }) => (isPersonal ? [] : [name])));
  const known = new Set([...flattenFields(fields), ...choices].map(({ name }) => name));
  const unknown = asked.find((name) => !known.has(name));
  if (unknown !== undefined) {
    throw new AttestryError(
      "query_invalid",
      `"fields" names "${unknown.slice(0, 100)}", which is no field of this record; it has ${[...known].join(", ")}`,
    );
  }
  const chosen = new Set(asked);
  return new Set(choices.flatMap(({ name }) => (isWithin(name, chosen) ? [name] : [])));
}

/** The data with what is shown of it, and the fields that this has. */
export function pickFields(
  fields: readonly FieldView[],
  data: JsonObject,
  shown: ReadonlySet<string>,
  group = "",
): { fields: FieldView[]; data: JsonObject } {
  const byMember = new Map(fields.map((field) => [field.member, field]));
  const picked = Object.entries(data).flatMap(([member, value]): [string, Json, FieldView | undefined][] => {
    const field = byMember.get(member);
    if (field?.kind !== "group" || !isJsonObject(value))
      return shown.has(`${group}${member}`) ? [[member, value, field]] : [];
    const inner = pickFields(field.members, value, shown, `${group}${member}.`);
    return Object.keys(inner.data).length > 0 ? [[member, inner.data, { ...field, members: inner.fields }]] : [];
  });
  const pickedFields = new Map(picked.map(([member, , field]) => [member, field]));
  return {
    fields: fields.flatMap(({ member }) => pickedFields.get(member) ?? []),
    data: Object.fromEntries(picked),
  };
}

/** The token as the code holds it: what is personal only where it is shown. What is not personal every token has. */
export function pickToken(view: RecordView, shown: ReadonlySet<string>): string {
  const { jwt, disclosures } = parseSdJwt(view.token);
  const isChosen = ([root, ...path]: readonly string[]): boolean => root === "data" && isWithin(path.join("."), shown);
  return formatSdJwt(jwt, selectDisclosures({ payload: readOwnPayload(jwt), disclosures, isChosen }));
}
