// What an amendment may change of a record's dates and identifier. Pure.
import type { Json, JsonObject } from "../../crypto/json.ts";
import { AttestryError } from "../../errors.ts";
import type { CompiledDefinition } from "../../registries/compiled-definition.ts";
import { parseEffectiveTime } from "../effective-time.ts";
import { isDateOrder } from "./record-request.ts";

/** The date of the next version: undefined keeps what is, null takes it away. */
export function changedDate(before: Json | undefined, change: string | null | undefined): string | undefined {
  if (change === undefined) return typeof before === "string" ? before : undefined;
  return change ?? undefined;
}

/** Whether a time that ends with `until` is over when one that begins with `from` begins. */
export function isBefore(until: string | undefined, from: string | undefined): boolean {
  if (until === undefined || from === undefined) return false;
  return parseEffectiveTime(until, "end")! <= parseEffectiveTime(from, "start")!;
}

/** Throws `record_invalid` for a period that no version may have. */
export function checkPeriod(period: {
  was: { validFrom: string | undefined };
  validFrom: string | undefined;
  validUntil: string | undefined;
  now: number;
}): void {
  const { was, validFrom, validUntil, now } = period;
  if (!isDateOrder(validFrom, validUntil)) {
    throw new AttestryError("record_invalid", "the record would end before it begins", {
      details: [{ field: "/valid_until", message: "must not be before valid_from" }],
    });
  }
  const isAhead = (date: string | undefined) => date !== undefined && parseEffectiveTime(date, "start")! > now;
  if (isAhead(validFrom) && !isAhead(was.validFrom)) {
    throw new AttestryError(
      "record_invalid",
      "the current version is superseded as soon as the change is made, so no version would be in effect until the change begins",
      {
        details: [{ field: "/valid_from", message: "must not be in the future; make the change on the day it begins" }],
      },
    );
  }
}

/** Throws `record_invalid`. */
export function checkIdentifierKept(
  compiled: CompiledDefinition,
  data: JsonObject,
  identifier: string | undefined,
): void {
  if (compiled.identifier?.kind !== "field" || data[compiled.identifier.field] === identifier) return;
  throw new AttestryError("record_invalid", "the identifier of a record never changes", {
    details: [
      {
        field: `/${compiled.identifier.field}`,
        message: "is the record's identifier and cannot change; revoke the record and create another",
      },
    ],
  });
}
