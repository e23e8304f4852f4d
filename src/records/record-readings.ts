// What somebody was shown of personal records here, as it is handed to the access log before it is shown. Knows no log.
import { isJsonObject, type Json, type JsonObject } from "../crypto/json.ts";
import { parseSdJwt } from "../crypto/sd-jwt.ts";
import type { Caller } from "../identity/caller.ts";
import type { Annotations } from "../registries/annotations.ts";
import type { CompiledDefinition } from "../registries/compiled-definition.ts";
import { displayFields } from "../registries/display-template.ts";
import { disclosedFields } from "./disclosed-fields.ts";
import { readFullData, readOwnPayload } from "./record-view.ts";
import { type Subject, subjectOfRecord } from "./subject.ts";

/** One record that was shown, with the names of its personal fields that were. */
export interface ShownRecord {
  readonly registry: string;
  /** Undefined of what is proposed as a new record. */
  readonly rid: string | undefined;
  readonly version?: number;
  readonly fields: readonly string[];
  readonly subject: Subject;
}

/**
 * What was done: looked at a record, at its past, at its name where something refers to it; found it by a search, by its key, or as one that
 * may be the same as another; changed it; took it in an export, or with what proves it; opened its file; looked at what is proposed; compared it with rows of an
 * import or with a migration.
 */
export type ReadingAction =
  | "read"
  | "history"
  | "name"
  | "search"
  | "lookup"
  | "compare"
  | "write"
  | "export"
  | "evidence"
  | "attachment"
  | "proposal"
  | "import"
  | "migrate";

/** The event that a reading is: what its entry of the access log commits to, and its place there. */
export interface NotedReading {
  readonly commitment: string;
  readonly logIndex: number;
}

/**
 * Notes that this was shown to that caller, and gives the event of each, in their order. Whoever shows waits for it: what is not noted is not
 * shown. One event a person, whatever the number of records. Throws what the access log throws.
 */
export type LogReadings = (
  shown: readonly ShownRecord[],
  caller: Caller,
  action: ReadingAction,
) => Promise<readonly NotedReading[]>;

/** As much of a view as tells what it shows. */
interface ShownView {
  readonly registry: string;
  readonly rid: string;
  readonly version: number;
  readonly token: string;
}

/** A version with all that it keeps sealed. */
interface OpenedVersion {
  readonly registry: string;
  readonly rid: string;
  readonly version: number;
  readonly jwt: string;
  readonly disclosures: readonly string[];
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
  const shown = findOpened({ registry, rid, version, jwt, disclosures }, compiled, only);
  return shown === undefined || shown.fields.length === 0 ? undefined : shown;
}

/** As `findShown`; where something of the record is sealed, but none of those fields, without any. */
export function findOpened(
  { registry, rid, version, jwt, disclosures }: OpenedVersion,
  compiled: CompiledDefinition,
  only?: readonly string[],
): ShownRecord | undefined {
  if (disclosures.length === 0) return undefined;
  const all = disclosedFields(readOwnPayload(jwt), disclosures);
  return {
    registry,
    rid,
    version,
    fields: only === undefined ? all : keepFields(all, only),
    subject: subjectOfRecord(compiled, { rid, data: readFullData(jwt, disclosures) }),
  };
}

/** What data show that are in no token yet: such as those of a proposal. Undefined where they name no person and are of no record. */
export function findProposed(
  { registry, rid, data }: { registry: string; rid: string | undefined; data: JsonObject },
  compiled: CompiledDefinition,
  only?: readonly string[],
): ShownRecord | undefined {
  const all = listPersonal(data, compiled.annotations);
  const fields = only === undefined ? all : keepFields(all, only);
  const subject = subjectOfRecord(compiled, { rid: rid ?? "", data });
  if (fields.length === 0 || subject.value === "") return undefined;
  return { registry, rid, fields, subject };
}

/** The fields by which people name a record, in whatever language. */
export function namedFields({ definition: { display } }: CompiledDefinition): readonly string[] {
  const templates = typeof display === "object" ? Object.values(display) : [display ?? ""];
  return [...new Set(templates.flatMap(displayFields))];
}

/** Of a field that holds others, those of them that are meant. */
function keepFields(all: readonly string[], only: readonly string[]): string[] {
  return all.flatMap((field) =>
    only.some((name) => field === name || field.startsWith(`${name}.`))
      ? [field]
      : only.filter((name) => name.startsWith(`${field}.`)),
  );
}

/** The personal fields that stand in data, as `disclosedFields` names them: an array is one field. */
function listPersonal(data: JsonObject, annotations: Annotations, path: readonly (string | number)[] = []): string[] {
  const isPersonal = (value: Json, at: readonly (string | number)[]): boolean =>
    annotations.isPersonal(at) ||
    (Array.isArray(value) && value.some((element, index) => isPersonal(element, [...at, index]))) ||
    (isJsonObject(value) && Object.entries(value).some(([name, member]) => isPersonal(member, [...at, name])));
  return Object.entries(data).flatMap(([name, value]) => {
    const own = [...path, name];
    const inner = isJsonObject(value) ? listPersonal(value, annotations, own) : [];
    if (inner.length > 0) return inner;
    return isPersonal(value, own) ? [own.join(".")] : [];
  });
}
