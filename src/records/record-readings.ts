// What somebody was shown of personal records here, as it is handed to the access log before it is shown. Knows no log.
import { parseSdJwt } from "../crypto/sd-jwt.ts";
import type { Caller } from "../identity/caller.ts";
import type { CompiledDefinition } from "../registries/compiled-definition.ts";
import { disclosedFields } from "./disclosed-fields.ts";
import { readFullData, readOwnPayload } from "./record-view.ts";
import { type Subject, subjectOfRecord } from "./subject.ts";

/** One record that was shown, with the names of its personal fields that were. */
export interface ShownRecord {
  readonly registry: string;
  readonly rid: string;
  readonly version: number;
  readonly fields: readonly string[];
  readonly subject: Subject;
}

/**
 * Notes that this was shown to that caller; `action`: read, search, export … Whoever shows waits for it: what is not noted is not shown.
 * Throws what the access log throws.
 */
export type LogReadings = (shown: readonly ShownRecord[], caller: Caller, action: string) => Promise<void>;

/** As much of a view as tells what it shows. */
interface ShownView {
  readonly registry: string;
  readonly rid: string;
  readonly version: number;
  readonly token: string;
}

/**
 * What a view shows of personal fields; undefined where that is nothing. `only`: the fields that the reader gets of it, where those are not
 * all, such as those of a name.
 */
export function findShown(
  { registry, rid, version, token }: ShownView,
  compiled: CompiledDefinition,
  only?: readonly string[],
): ShownRecord | undefined {
  const { jwt, disclosures } = parseSdJwt(token);
  if (disclosures.length === 0) return undefined;
  const all = disclosedFields(readOwnPayload(jwt), disclosures);
  const fields = only === undefined ? all : all.filter((field) => only.includes(field));
  if (fields.length === 0) return undefined;
  return {
    registry,
    rid,
    version,
    fields,
    subject: subjectOfRecord(compiled, { rid, data: readFullData(jwt, disclosures) }),
  };
}
