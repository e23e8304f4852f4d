// The file that pins trust anchors: who is believed for which registry types, with keys obtained out of band. Pure.
import { isJsonObject, type Json } from "../crypto/json.ts";
import { parseKeySet } from "../crypto/keys.ts";
import { AttestryError } from "../errors.ts";
import { ANCHOR_PINS_MAX, TIME_SECONDS_MAX } from "../limits.ts";
import type { AnchorPin } from "./trust-chain.ts";

const MEMBERS = ["entity", "jwks", "registry_types", "nbf", "exp"];

function invalid(message: string): AttestryError {
  return new AttestryError("config_invalid", `anchors file: ${message}`);
}

function isUnixSeconds(value: Json): boolean {
  // What is later is no date, and could be shown to nobody.
  return typeof value === "number" && Number.isSafeInteger(value) && Math.abs(value) <= TIME_SECONDS_MAX;
}

function parsePin(value: Json, at: number): AnchorPin {
  const name = `pin ${at + 1}`;
  if (!isJsonObject(value)) throw invalid(`${name} is not an object`);
  const unknown = Object.keys(value).find((member) => !MEMBERS.includes(member));
  if (unknown !== undefined)
    throw invalid(`${name} has the unknown member "${unknown}"; allowed: ${MEMBERS.join(", ")}`);
  const { entity, jwks, registry_types: types } = value;
  if (typeof entity !== "string" || !URL.canParse(entity)) throw invalid(`${name} has no entity identifier`);
  // A pin without types would trust its anchor for everything; silence grants nothing (DESIGN section 7).
  if (!Array.isArray(types) || !types.every((type) => typeof type === "string")) {
    throw invalid(`${name} must list in "registry_types" what ${entity} is believed for`);
  }
  for (const time of ["nbf", "exp"] as const) {
    if (value[time] !== undefined && !isUnixSeconds(value[time]))
      throw invalid(`${name}: "${time}" must be Unix seconds`);
  }
  parseKeySet(jwks);
  return value as unknown as AnchorPin;
}

/** Checks the content of an anchors file: a list of `{entity, jwks, registry_types, nbf?, exp?}`. Throws `config_invalid`, `key_invalid`. */
export function parseAnchorPins(value: Json): AnchorPin[] {
  if (!Array.isArray(value)) throw invalid("it must be a list of pins");
  if (value.length > ANCHOR_PINS_MAX) throw invalid(`${value.length} pins; at most ${ANCHOR_PINS_MAX} are allowed`);
  return value.map(parsePin);
}
