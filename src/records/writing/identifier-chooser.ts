// Chooses a new record's identifier: the field that carries it, an official number that it has already, or the next of the template.

import type { JsonObject } from "../../crypto/json.ts";
import { AttestryError } from "../../errors.ts";
import { IDENTIFIER_ATTEMPTS_MAX } from "../../limits.ts";
import type { CompiledDefinition } from "../../registries/compiled-definition.ts";
import { formatIdentifier, identifierCounterName, readIdentifierNumber } from "../../registries/identifier-template.ts";
import { TAKEN_IDENTIFIER_FIELD } from "../search/record-keys.ts";
import type { Counter, CounterAdvance } from "./counter-store.ts";

export interface ChosenIdentifier {
  readonly identifier: string | undefined;
  /** A counter that would come to this number itself; to be moved beyond it in the transaction that stores the record. */
  readonly advance?: CounterAdvance;
}

/** @param options.official the identifier that the request brings. Throws `record_invalid`. */
export type ChooseIdentifier = (options: {
  compiled: CompiledDefinition;
  data: JsonObject;
  official: string | undefined;
  /** Unix seconds, as the token says. */
  at: number;
}) => Promise<ChosenIdentifier>;

const NOT_PRINTABLE = /\p{C}|^\s|\s$|\s\s/u;

function refuse(field: string, message: string): AttestryError {
  return new AttestryError("record_invalid", "an identifier is a text that people read and print", {
    details: [{ field, message }],
  });
}

export function createIdentifierChooser(counter: (name: string) => Counter): ChooseIdentifier {
  return async ({ compiled, data, official, at }) => {
    const template = compiled.identifier;
    if (template?.kind !== "sequence" && official !== undefined) {
      const field = template === undefined ? "" : `; write it into the field "${template.field}"`;
      throw refuse("/identifier", `is not taken in this registry, which gives no numbers of its own${field}`);
    }
    if (template === undefined) return { identifier: undefined };
    if (template.kind === "field") {
      const value = data[template.field];
      if (typeof value !== "string") return { identifier: undefined };
      if (/\p{Cc}/u.test(value)) throw refuse(`/${template.field}`, "must not hold control characters");
      return { identifier: value };
    }
    const registry = compiled.definition.name;
    if (official !== undefined) {
      if (NOT_PRINTABLE.test(official))
        throw refuse("/identifier", "must be printable, without spaces around it or two in a row");
      const found = readIdentifierNumber(official, { template, data });
      if (found === undefined) return { identifier: official };
      const name = identifierCounterName({ registry, template, data, at: found.at });
      return { identifier: official, advance: { name, beyond: found.number } };
    }
    const name = identifierCounterName({ registry, template, data, at });
    const number = (await counter(name).next()) + 1;
    return { identifier: formatIdentifier({ template, data, at, number }) };
  };
}

/** Repeats a write as long as the number that was drawn for it turns out to be one that a record has already: the next may be free. */
export async function writeNumbered<Result>(
  request: { readonly identifier?: string | undefined },
  write: () => Promise<Result>,
): Promise<Result> {
  for (let attempt = 1; ; attempt++) {
    try {
      return await write();
    } catch (error) {
      if (attempt >= IDENTIFIER_ATTEMPTS_MAX || !isDrawnNumberTaken(error, request)) throw error;
    }
  }
}

/** Whether a write was refused for that. */
export function isDrawnNumberTaken(error: unknown, request: { readonly identifier?: string | undefined }): boolean {
  return (
    request.identifier === undefined &&
    error instanceof AttestryError &&
    error.code === "value_not_unique" &&
    error.details.length > 0 &&
    error.details.every(({ field }) => field === TAKEN_IDENTIFIER_FIELD)
  );
}
