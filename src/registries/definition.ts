// What a registry definition says, as parsed from JSON. Pure: no I/O, compiles nothing.

import type { ApprovingRole } from "../approval/proposal.ts";
import { canonicalJson, type Json, type JsonObject } from "../crypto/json.ts";
import { AttestryError, type ErrorDetail } from "../errors.ts";
import type { JurisdictionRule } from "../identity/jurisdiction.ts";
import type { Access } from "../identity/permissions.ts";
import { DEFINITION_BYTES_MAX } from "../limits.ts";
import { createSchemaValidator } from "../schema-validator.ts";
import type { LocalizedText } from "./localized-text.ts";

/** How two values are compared: as they are; but for case and spaces; nor for accents and punctuation; by their digits only. */
export type NormalForm = "exact" | "text" | "name" | "digits";

/** What the definition asks of an `act`, by operation. */
export interface ActRules {
  readonly reasons?: Readonly<Record<string, LocalizedText>>;
  readonly required?: Readonly<Record<string, readonly ("reason" | "instrument" | "note")[]>>;
}

export interface DuplicateRule {
  readonly name: string;
  readonly fields: readonly (string | { readonly field: string; readonly normal: NormalForm })[];
}

export interface StatisticRule {
  readonly name: string;
  readonly fields: readonly string[];
  readonly smallest?: number;
}

/** Which questions are answered by a signed yes or no. */
export interface AnswerRules {
  readonly exists?: true;
  readonly matches?: readonly string[];
  /** Dates since which so many years may be asked about. */
  readonly ages?: readonly { readonly field: string; readonly years: readonly number[] }[];
}

/** Which field says whom a record is about, and which claim of a sign-in it is compared with. */
export interface SubjectRule {
  readonly field: string;
  readonly claim: string;
  /** There is one record a person: where several match, none is shown. */
  readonly one?: true;
}

/** A purpose for which a consumer may ask consent; a text is its code alone. */
export interface PurposeRule {
  readonly code: string;
  readonly title?: LocalizedText;
  /** What the person is told before deciding. */
  readonly notice?: LocalizedText;
  /** Fields that may be asked for; all unless given. */
  readonly fields?: readonly string[];
  /** How long a consent may last. */
  readonly days_max?: number;
}

/** A law by which a consumer reads without consent. */
export interface BasisRule {
  readonly purpose: string;
  readonly law: LocalizedText;
  /** An entity identifier or the type of a trust mark; any node of the federation unless given. */
  readonly consumer?: string;
  readonly fields: readonly string[];
  /** For so many days the law keeps a reading from the person: it is counted and not shown. */
  readonly delay_days?: number;
}

/** Says that a record of this registry proves who acts for a child until it is of age. */
export interface GuardianshipRule {
  readonly child: string;
  readonly guardians: readonly string[];
  readonly born: string;
  readonly years?: number;
  readonly claim: string;
}

/** A registry definition, DESIGN section 4. */
export interface Definition {
  readonly name: string;
  readonly type: string;
  readonly title: LocalizedText;
  readonly description?: LocalizedText;
  readonly display?: LocalizedText;
  readonly access: Access;
  readonly schema: JsonObject;
  readonly identifier?: string | { readonly field: string };
  readonly acts?: ActRules;
  readonly duplicates?: readonly DuplicateRule[];
  readonly statistics?: readonly StatisticRule[];
  readonly answers?: AnswerRules;
  /** The roles of those who must approve a change, one person each, in this order; who proposes it is none of them. */
  readonly approval?: readonly ApprovingRole[];
  /** By which fields staff are bound to a part of the records. */
  readonly jurisdiction?: readonly JurisdictionRule[];
  readonly subject?: SubjectRule;
  readonly guardianship?: GuardianshipRule;
  readonly bases?: readonly BasisRule[];
  readonly purposes?: readonly (string | PurposeRule)[];
  readonly retired?: { readonly reason?: LocalizedText; readonly successor?: string };
}

const validator = createSchemaValidator<Definition>("definition");

const REGISTRY_NAME = /^[a-z][a-z0-9-]{0,62}$/;

/** Whether a text could be a registry's name, as schemas/definition.schema.json has it. */
export function isRegistryName(text: string): boolean {
  return REGISTRY_NAME.test(text);
}

/** Turns unknown JSON into a Definition; throws `definition_invalid` with a detail per fault. */
export function parseDefinition(value: Json): { definition: Definition; text: string } {
  const validate = validator();
  if (!validate(value)) {
    const details: ErrorDetail[] = (validate.errors ?? []).map((error) => ({
      field: error.instancePath || "/",
      message: `${error.message}${error.params.additionalProperty ? `: "${error.params.additionalProperty}"` : ""}`,
    }));
    throw new AttestryError("definition_invalid", "the definition does not follow schemas/definition.schema.json", {
      details,
    });
  }
  const text = canonicalJson(value as unknown as JsonObject);
  if (text.length > DEFINITION_BYTES_MAX) {
    throw new AttestryError(
      "definition_invalid",
      `the definition has ${text.length} characters; at most ${DEFINITION_BYTES_MAX} are allowed`,
    );
  }
  return { definition: value as unknown as Definition, text };
}
