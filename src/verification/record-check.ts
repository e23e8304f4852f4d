// The `schema` and `validity` checks: does the record follow the definition that the issuer signed, and is it in effect. Proves no signature.
import { AttestryError } from "../errors.ts";
import { CLOCK_SKEW_SECONDS } from "../limits.ts";
import type { RecordSchema } from "../registries/record-schema.ts";
import { createDefinitionMemory, type RememberedDefinition } from "./definition-memory.ts";
import { type CheckOutcome, failed, notChecked, passed } from "./report.ts";
import type { ParsedToken } from "./token-check.ts";
import type { RecordClaims } from "./token-claims.ts";

/** `schema`: of the definition, where it is the one that the issuer signed and of this registry. */
export interface SchemaAnswer {
  readonly outcome: CheckOutcome;
  readonly schema?: RecordSchema;
}

function checkSchema({ record, undisclosedCount }: ParsedToken, definition: RememberedDefinition): SchemaAnswer {
  if (definition.hash !== record.definitionHash) return { outcome: failed("schema", "definition_mismatch") };
  try {
    const schema = definition.compile();
    if (schema.type !== record.registryType || schema.name !== record.registryName) {
      return { outcome: failed("schema", "definition_foreign") };
    }
    const violation = schema.findViolation(record.data, undisclosedCount > 0);
    return {
      outcome: violation === undefined ? passed("schema") : failed("schema", "data_invalid", violation),
      schema,
    };
  } catch (error) {
    if (!(error instanceof AttestryError)) throw error;
    const code = error.code === "definition_unsupported" ? "definition_unsupported" : "definition_invalid";
    return { outcome: failed("schema", code, error.message) };
  }
}

/** Creates the `schema` check with its memory of compiled definitions. `definition`: an untrusted text. */
export function createSchemaCheck(): (token: ParsedToken, definition: string | undefined) => SchemaAnswer {
  const findDefinition = createDefinitionMemory();
  return (token, definition) =>
    definition === undefined
      ? { outcome: notChecked("schema", "definition_missing") }
      : checkSchema(token, findDefinition(definition));
}

/** The `validity` check. `now` in Unix seconds. */
export function checkValidity(record: RecordClaims, now: number): CheckOutcome {
  const { issuedAt, notBefore, expiresAt, effectiveFrom, effectiveUntil } = record;
  if (issuedAt > now + CLOCK_SKEW_SECONDS) return failed("validity", "issued_in_future");
  if (notBefore !== undefined && notBefore > now + CLOCK_SKEW_SECONDS) return failed("validity", "token_not_yet_valid");
  if (expiresAt !== undefined && expiresAt <= now) return failed("validity", "token_expired");
  if (effectiveFrom !== undefined && now < effectiveFrom) return failed("validity", "not_yet_effective");
  if (effectiveUntil !== undefined && effectiveUntil <= now) return failed("validity", "no_longer_effective");
  return passed("validity");
}
