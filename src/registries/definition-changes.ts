// Says what a changed definition breaks for those who read or write under the old one. Pure; conservative: what it cannot judge is breaking.
import { canonicalJson, type Json, type JsonObject } from "../crypto/json.ts";
import type { ErrorDetail } from "../errors.ts";
import type { Definition } from "./definition.ts";

const ACCESS_RANK = { consent: 0, members: 1, public: 2 } as const;
const TEXT_KEYWORDS = new Set(["title", "description", "examples", "default"]);

function asObject(value: Json | undefined): JsonObject {
  return typeof value === "object" && value !== null && !Array.isArray(value) ? value : {};
}

function differs(a: Json | undefined, b: Json | undefined): boolean {
  if (a === undefined || b === undefined) return a !== b;
  return canonicalJson(a) !== canonicalJson(b);
}

/** The breaking changes from `before` to `after`, field by field; empty when every old record and client still fits. */
export function findBreakingChanges(before: Definition, after: Definition): ErrorDetail[] {
  const changes: ErrorDetail[] = [];
  if (before.type !== after.type) changes.push({ field: "/type", message: `was "${before.type}", is "${after.type}"` });
  if (ACCESS_RANK[after.access] > ACCESS_RANK[before.access]) {
    changes.push({ field: "/access", message: `was "${before.access}", is wider: "${after.access}"` });
  }
  if (differs(before.identifier as Json, after.identifier as Json))
    changes.push({ field: "/identifier", message: "is another" });
  compareSchemas(before.schema, after.schema, "/schema", changes);
  return changes;
}

function compareSchemas(before: JsonObject, after: JsonObject, at: string, changes: ErrorDetail[]): void {
  const oldProperties = asObject(before.properties);
  const newProperties = asObject(after.properties);
  const oldRequired = new Set(Array.isArray(before.required) ? before.required : []);
  for (const name of Array.isArray(after.required) ? after.required : []) {
    if (!oldRequired.has(name)) changes.push({ field: `${at}/required`, message: `"${String(name)}" is now required` });
  }
  for (const [name, child] of Object.entries(oldProperties)) {
    const next = newProperties[name];
    if (next === undefined) changes.push({ field: `${at}/properties/${name}`, message: "is removed" });
    else compareSchemas(asObject(child), asObject(next), `${at}/properties/${name}`, changes);
  }
  const keywords = new Set([...Object.keys(before), ...Object.keys(after)]);
  for (const keyword of keywords) {
    if (TEXT_KEYWORDS.has(keyword) || keyword === "properties" || keyword === "required") continue;
    if (keyword === "items") compareSchemas(asObject(before.items), asObject(after.items), `${at}/items`, changes);
    else if (differs(before[keyword], after[keyword]))
      changes.push({ field: `${at}/${keyword}`, message: "is another" });
  }
}
