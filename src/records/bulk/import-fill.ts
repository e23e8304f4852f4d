// What becomes of a record that a row is about where the row fills only some of its fields. Pure.
import { isJsonObject, type Json, type JsonObject } from "../../crypto/json.ts";
import { AttestryError } from "../../errors.ts";
import { IMPORT_FILLS_MAX } from "../../limits.ts";
import type { RecordRequest } from "../writing/record-request.ts";

/** The fields that the rows of an import fill: paths into the data, and the dates. All others of a record stay as they are. */
export interface ImportFills {
  readonly paths: readonly (readonly string[])[];
  readonly validFrom: boolean;
  readonly validUntil: boolean;
}

/** Reads dotted paths into a row, comma separated: `data.code`, `data.address.city`, `valid_from`. Throws `query_invalid`. */
export function parseImportFills(text: string): ImportFills {
  const names = text.split(",");
  const isForm = names.every((name) => /^(data(\.[^.]+)+|valid_from|valid_until)$/.test(name));
  if (!isForm || names.length > IMPORT_FILLS_MAX || new Set(names).size !== names.length) {
    throw new AttestryError(
      "query_invalid",
      `"fills" must name 1 to ${IMPORT_FILLS_MAX} places in a row, each once, comma separated: data.code,data.address.city,valid_from`,
    );
  }
  return {
    paths: names.filter((name) => name.startsWith("data.")).map((name) => name.split(".").slice(1)),
    validFrom: names.includes("valid_from"),
    validUntil: names.includes("valid_until"),
  };
}

/** What a row that fills these fields makes of a record: what it leaves empty is taken away, what it does not fill is kept. */
export function fillRecord(
  before: {
    readonly data: JsonObject;
    readonly validFrom: string | undefined;
    readonly validUntil: string | undefined;
  },
  row: RecordRequest,
  fills: ImportFills,
): RecordRequest {
  const data = fills.paths.reduce((kept, path) => withoutPath(kept, path), before.data);
  return {
    ...row,
    data: joinObjects(data, row.data),
    validFrom: fills.validFrom ? row.validFrom : before.validFrom,
    validUntil: fills.validUntil ? row.validUntil : before.validUntil,
  };
}

function withoutPath(object: JsonObject, [name, ...rest]: readonly string[]): JsonObject {
  if (name === undefined || !Object.hasOwn(object, name)) return object;
  const { [name]: value, ...others } = object;
  if (rest.length === 0 || !isJsonObject(value)) return others;
  const left = withoutPath(value, rest);
  // An object of which nothing is left was there for what is gone.
  return Object.keys(left).length === 0 ? others : { ...others, [name]: left };
}

function joinObjects(kept: JsonObject, filled: JsonObject): JsonObject {
  const joined: JsonObject = { ...kept };
  for (const [name, value] of Object.entries(filled)) {
    const own: Json | undefined = Object.hasOwn(kept, name) ? kept[name] : undefined;
    joined[name] = isJsonObject(own) && isJsonObject(value) ? joinObjects(own, value) : value;
  }
  return joined;
}
