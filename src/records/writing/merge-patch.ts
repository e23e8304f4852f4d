// JSON Merge Patch (RFC 7396). Pure: the target is not changed.
import { isJsonObject, type Json, type JsonObject } from "../../crypto/json.ts";

// RFC 7396 §2; parseJson refuses `__proto__`, so plain assignment is safe.
export function applyMergePatch(target: Json | undefined, patch: Json): Json {
  if (!isJsonObject(patch)) return patch;
  const result: JsonObject = isJsonObject(target) ? { ...target } : {};
  for (const [name, value] of Object.entries(patch)) {
    if (value === null) delete result[name];
    else result[name] = applyMergePatch(result[name], value);
  }
  return result;
}
