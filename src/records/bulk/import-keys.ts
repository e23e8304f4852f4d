// What tells which record a row is about, read from an envelope as it is sent. Pure; hashes nothing.
import { canonicalJson, isJsonObject, type Json, type JsonObject } from "../../crypto/json.ts";
import { type UniqueKey, valuesAt } from "../../registries/annotations.ts";

/** A unique value of a record: its fields and what stands in them. */
export interface KeyValue {
  /** `field` or `field+field`. */
  readonly name: string;
  readonly values: JsonObject;
  /** Equal for equal values of the same key. */
  readonly text: string;
}

/** How records of a registry are told apart: by their identifier where the node gives it, and by each of the unique keys. */
export interface KeyRules {
  readonly hasIdentifier: boolean;
  readonly uniqueKeys: readonly UniqueKey[];
}

const IDENTIFIER = "identifier";

/** Every unique value of an envelope that is there; a key of which a field is missing does not count. */
export function readKeyValues(rules: KeyRules, envelope: JsonObject): KeyValue[] {
  const found: KeyValue[] = [];
  const add = (name: string, values: JsonObject) =>
    found.push({ name, values, text: canonicalJson([name, ...Object.values(values)]) });
  if (rules.hasIdentifier && typeof envelope.identifier === "string") {
    add(IDENTIFIER, { identifier: envelope.identifier });
  }
  if (!isJsonObject(envelope.data)) return found;
  for (const { name, fields } of rules.uniqueKeys) {
    const values = fields.map((path) => [path.join("."), valuesAt(envelope.data, path)[0]] as const);
    if (values.every((pair): pair is readonly [string, Json] => pair[1] !== undefined)) {
      add(name, Object.fromEntries(values));
    }
  }
  return found;
}
