// How a registry names its records for people: a template with a running number, or an existing official number. Pure.
import { AttestryError } from "../errors.ts";
import { findFieldSchema } from "./annotations.ts";
import type { Definition } from "./definition.ts";

export type IdentifierTemplate =
  | { readonly kind: "field"; readonly field: string }
  | { readonly kind: "sequence"; readonly text: string; readonly yearly: boolean };

const PLACEHOLDER = /\{([^}]*)\}/g;
const ALLOWED = /^(yyyy|seq|seq:[1-9][0-9]?)$/;

/** Checks `identifier` of a definition; throws `definition_invalid`. */
export function parseIdentifierTemplate(definition: Definition): IdentifierTemplate | undefined {
  const { identifier, schema } = definition;
  if (identifier === undefined) return undefined;
  if (typeof identifier === "object") {
    const property = findFieldSchema(schema, [identifier.field]);
    const isRequired = Array.isArray(schema.required) && schema.required.includes(identifier.field);
    if (property === undefined || property.type !== "string" || property["x-unique"] !== true || !isRequired) {
      throw new AttestryError(
        "definition_invalid",
        `identifier.field "${identifier.field}" must be a top-level text field that is required and has "x-unique": true`,
      );
    }
    if (property["x-personal"] === true || (definition.access === "consent" && property["x-personal"] !== false)) {
      throw new AttestryError(
        "definition_invalid",
        `identifier.field "${identifier.field}" is personal; an identifier stands open in the token`,
      );
    }
    return { kind: "field", field: identifier.field };
  }
  const names = [...identifier.matchAll(PLACEHOLDER)].map((match) => match[1]!);
  for (const name of names) {
    if (!ALLOWED.test(name))
      throw new AttestryError("definition_invalid", `identifier has {${name}}; allowed: {yyyy}, {seq}, {seq:digits}`);
  }
  if (names.filter((name) => name.startsWith("seq")).length !== 1)
    throw new AttestryError("definition_invalid", "identifier must have exactly one {seq}");
  return { kind: "sequence", text: identifier, yearly: names.includes("yyyy") };
}

/** The counter that numbers the records of this year, or of all years. */
export function identifierCounterName(options: {
  registry: string;
  template: { yearly: boolean };
  year: number;
}): string {
  return options.template.yearly ? `identifier/${options.registry}/${options.year}` : `identifier/${options.registry}`;
}

/** Fills in the template, e.g. `BR-{yyyy}-{seq:8}` → `BR-2026-00000042`. */
export function formatIdentifier(options: { text: string; year: number; number: number }): string {
  return options.text.replace(PLACEHOLDER, (_whole, name: string) => {
    if (name === "yyyy") return String(options.year).padStart(4, "0");
    const digits = Number(name.split(":")[1] ?? 1);
    return String(options.number).padStart(digits, "0");
  });
}
