// What each step of a migration plan does to the data of a record. Pure; faults name fields, never values.
import { isJsonObject, type Json, type JsonObject } from "../../crypto/json.ts";
import { AttestryError, type ErrorDetail } from "../../errors.ts";

export type MigrationStep =
  | { readonly step: "rename"; readonly from: string; readonly to: string }
  | { readonly step: "remove"; readonly field: string }
  | { readonly step: "set" | "default"; readonly field: string; readonly value: Json }
  | {
      readonly step: "map";
      readonly field: string;
      readonly values: JsonObject;
      readonly others?: "refuse" | "keep" | "remove";
    }
  | {
      readonly step: "convert";
      readonly field: string;
      readonly to: "string" | "integer" | "number" | "boolean" | "list";
    }
  | { readonly step: "split"; readonly field: string; readonly into: readonly string[]; readonly separator: string }
  | { readonly step: "join"; readonly fields: readonly string[]; readonly into: string; readonly separator: string };

/** Changes the data that it is given, and adds what it could not do. */
type Apply = (data: JsonObject, faults: ErrorDetail[]) => void;

const INTEGER = /^-?(0|[1-9]\d{0,15})$/;
// RFC 8259 §6
const NUMBER = /^-?(0|[1-9]\d*)(\.\d+)?([eE][+-]?\d+)?$/;

export function planInvalid(message: string, details: readonly ErrorDetail[]): AttestryError {
  return new AttestryError("migration_plan_invalid", message, { details });
}

/** Throws `migration_plan_invalid` for paths that do not go together; `at` is the step's place in the plan. */
export function compileStep(step: MigrationStep, at: string): Apply {
  switch (step.step) {
    case "rename":
      return eachTogether([step.from, step.to], at, ([from, to], holder, faults) => {
        const value = read(holder, from!);
        if (value === undefined) return;
        if (read(holder, to!) !== undefined) return void faults.push(fault(step.to, "is there already"));
        remove(holder, from!);
        write(holder, to!, value, { field: step.to, faults });
      });
    case "remove":
      return eachTogether([step.field], at, ([path], holder) => remove(holder, path!));
    case "set":
      return eachTogether([step.field], at, ([path], holder, faults) =>
        write(holder, path!, structuredClone(step.value), { field: step.field, faults }),
      );
    case "default":
      return eachTogether([step.field], at, ([path], holder, faults) => {
        if (read(holder, path!) === undefined)
          write(holder, path!, structuredClone(step.value), { field: step.field, faults });
      });
    case "map":
      return exchange(step.field, at, (value) => mapValue(step, value));
    case "convert":
      return exchange(step.field, at, (value) => convertValue(step.to, value));
    case "split":
      return eachTogether([step.field, ...step.into], at, ([path, ...into], holder, faults) => {
        const value = read(holder, path!);
        if (value === undefined) return;
        if (typeof value !== "string") return void faults.push(fault(step.field, "is no text that could be split"));
        remove(holder, path!);
        const parts = splitText(value, step.separator, into.length);
        for (const [number, part] of parts.entries())
          if (part !== "") write(holder, into[number]!, part, { field: step.into[number]!, faults });
      });
    case "join":
      return eachTogether([step.into, ...step.fields], at, ([into, ...paths], holder, faults) => {
        const values = paths.map((path) => read(holder, path)).filter((value) => value !== undefined);
        if (values.length === 0) return;
        if (!values.every((value) => typeof value === "string"))
          return void faults.push(fault(step.fields.join(", "), "are not all texts"));
        for (const path of paths) remove(holder, path);
        write(holder, into!, values.join(step.separator), { field: step.into, faults });
      });
  }
}

function fault(field: string, message: string): ErrorDetail {
  return { field: `/${field.replaceAll(".", "/")}`, message };
}

/**
 * Paths of one step belong to the same object: up to their last `*` they must agree, and what follows is looked up in each
 * object found there.
 */
function eachTogether(
  fields: readonly string[],
  at: string,
  apply: (paths: readonly (readonly string[])[], holder: JsonObject, faults: ErrorDetail[]) => void,
): Apply {
  const split = fields.map((field) => {
    const path = field.split(".");
    const cut = path.lastIndexOf("*") + 1;
    return { list: path.slice(0, cut), own: path.slice(cut) };
  });
  const [first] = split;
  for (const { list, own } of split) {
    if (own.length === 0)
      throw planInvalid("a step names fields of the elements of a list, not the elements themselves", [
        { field: at, message: 'no path may end with "*"; map and convert deal with a list element by element' },
      ]);
    if (list.join(".") !== first!.list.join("."))
      throw planInvalid("a step moves values within one object", [
        { field: at, message: 'what its paths say up to their last "*" must be the same' },
      ]);
  }
  const paths = split.map(({ own }) => own);
  return (data, faults) => {
    for (const holder of holdersAt(data, first!.list)) apply(paths, holder, faults);
  };
}

function holdersAt(data: JsonObject, list: readonly string[]): JsonObject[] {
  let found: Json[] = [data];
  for (const step of list) {
    found = found.flatMap((value) => {
      if (step === "*") return Array.isArray(value) ? value : [];
      const child = isJsonObject(value) && Object.hasOwn(value, step) ? value[step] : undefined;
      return child === undefined ? [] : [child];
    });
  }
  return found.filter(isJsonObject);
}

/** Exchanges each value at a path, of a list each element's; undefined takes it away. */
function exchange(
  field: string,
  at: string,
  change: (value: Json) => { value: Json | undefined } | { fault: string },
): Apply {
  return eachTogether([field], at, ([path], holder, faults) => {
    const value = read(holder, path!);
    if (value === undefined) return;
    const result = change(value);
    if ("fault" in result) return void faults.push(fault(field, result.fault));
    if (result.value === undefined) remove(holder, path!);
    else write(holder, path!, result.value, { field, faults });
  });
}

function mapValue(step: MigrationStep & { step: "map" }, value: Json): { value: Json | undefined } | { fault: string } {
  if (Array.isArray(value)) {
    const mapped = value.map((item) => mapValue(step, item));
    const wrong = mapped.find((result) => "fault" in result);
    if (wrong) return wrong;
    return {
      value: mapped.flatMap((result) => ("value" in result && result.value !== undefined ? [result.value] : [])),
    };
  }
  if (!isJsonObject(value)) {
    const text = String(value);
    if (Object.hasOwn(step.values, text)) return { value: step.values[text] };
  }
  if (step.others === "keep") return { value };
  return step.others === "remove" ? { value: undefined } : { fault: "has a value that the plan does not list" };
}

function convertValue(
  to: (MigrationStep & { step: "convert" })["to"],
  value: Json,
): { value: Json } | { fault: string } {
  if (to === "list") return { value: Array.isArray(value) ? value : [value] };
  if (Array.isArray(value)) {
    const items = value.map((item) => convertValue(to, item));
    const wrong = items.find((item) => "fault" in item);
    return wrong ?? { value: items.map((item) => (item as { value: Json }).value) };
  }
  if (typeof value === "object") return { fault: `cannot become ${to}` };
  const converted = convertSimple(to, value);
  return converted === undefined ? { fault: `cannot become ${to} without loss` } : { value: converted };
}

function convertSimple(
  to: "string" | "integer" | "number" | "boolean",
  value: string | number | boolean,
): Json | undefined {
  if (to === "string") return String(value);
  if (to === "boolean") {
    const text = String(value).trim().toLowerCase();
    return text === "true" ? true : text === "false" ? false : undefined;
  }
  const text = String(value).trim();
  if (typeof value === "boolean" || !NUMBER.test(text)) return undefined;
  const number = Number(text);
  if (Math.abs(number) > Number.MAX_SAFE_INTEGER) return undefined;
  if (to === "number") return number + 0;
  // "007" is a name, not the number 7; 3.0 is written 3.
  const isWhole = typeof value === "number" ? Number.isInteger(value) : INTEGER.test(text);
  return isWhole ? number + 0 : undefined;
}

function splitText(text: string, separator: string, count: number): string[] {
  const parts = text.split(separator);
  const first = parts.slice(0, count - 1);
  const rest = parts.slice(count - 1).join(separator);
  return [...first, rest].map((part) => part.trim());
}

function read(holder: JsonObject, path: readonly string[]): Json | undefined {
  let value: Json | undefined = holder;
  for (const name of path) value = isJsonObject(value) && Object.hasOwn(value, name) ? value[name] : undefined;
  return value;
}

function write(
  holder: JsonObject,
  path: readonly string[],
  value: Json,
  place: { readonly field: string; readonly faults: ErrorDetail[] },
): void {
  let parent: JsonObject = holder;
  for (const name of path.slice(0, -1)) {
    if (!Object.hasOwn(parent, name)) define(parent, name, {});
    const child: Json | undefined = parent[name];
    if (child === undefined || !isJsonObject(child))
      return void place.faults.push(fault(place.field, "lies in something that is no object"));
    parent = child;
  }
  define(parent, path.at(-1)!, value);
}

// Unlike assignment, this makes a member of its own even of "__proto__".
function define(parent: JsonObject, name: string, value: Json): void {
  Object.defineProperty(parent, name, { value, enumerable: true, configurable: true, writable: true });
}

/** Takes the value away, and the objects that have nothing left by it. */
function remove(holder: JsonObject, path: readonly string[]): void {
  const parent = read(holder, path.slice(0, -1));
  if (parent === undefined || !isJsonObject(parent)) return;
  const had = Object.hasOwn(parent, path.at(-1)!);
  delete parent[path.at(-1)!];
  if (had && path.length > 1 && Object.keys(parent).length === 0) remove(holder, path.slice(0, -1));
}
