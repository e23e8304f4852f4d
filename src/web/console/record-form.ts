// A record's data as a form has it: texts by the JSON Pointer of their field. To a form, back from one, and what was changed in it. Pure.
import { canonicalJson, isJsonObject, type Json, type JsonObject, parseJson } from "../../crypto/json.ts";
import { type ErrorDetail, isAttestryError } from "../../errors.ts";
import { RECORD_FORM_ROWS_MAX } from "../../limits.ts";
import type { FieldView } from "../field-view.ts";
import { parseNumber } from "./field-rules.ts";
import { choiceValue, controlOf } from "./form-field.ts";

/** Pointer of the data within what is sent; the envelope's other members stand beside it: `/act/reason`. */
export const DATA = "/data";
/** Name of the parameter that says which rows a list has, one for each: the row's pointer. */
export const ROW = "row";
/** Before a field's name: what the record is called that it refers to, as the form showed it. */
export const LABEL = "label:";

export interface FormState {
  readonly values: ReadonlyMap<string, string>;
  /** By a list's pointer, how many rows it has. */
  readonly rows: ReadonlyMap<string, number>;
  /** By a reference's pointer, what its record is called. */
  readonly labels: ReadonlyMap<string, string>;
}

/** RFC 6901 §3. */
export function pointerTo(parent: string, member: string): string {
  return `${parent}/${member.replaceAll("~", "~0").replaceAll("/", "~1")}`;
}

interface MutableState {
  values: Map<string, string>;
  rows: Map<string, number>;
  labels: Map<string, string>;
}

const createState = (): MutableState => ({ values: new Map(), rows: new Map(), labels: new Map() });

/** The numbers of a list's rows, in the order in which the page has them. */
function rowsOf(parameters: URLSearchParams, list: string): string[] {
  const names = parameters.getAll(ROW).flatMap((row) => {
    const end = row.startsWith(`${list}/`) ? row.slice(list.length + 1) : "";
    return /^\d{1,6}$/.test(end) ? [end] : [];
  });
  return [...new Set(names)].slice(0, RECORD_FORM_ROWS_MAX);
}

function isBlank(parameters: URLSearchParams, field: FieldView, at: string): boolean {
  const control = controlOf(field);
  if (control === "group")
    return field.members.every((member) => isBlank(parameters, member, pointerTo(at, member.member)));
  if (control === "list")
    return rowsOf(parameters, at).every((row) => isBlank(parameters, field.members[0]!, `${at}/${row}`));
  return (parameters.get(at) ?? "").trim() === "";
}

/** `keepsBlanks`: rows in which nothing is written yet stay, as they do until the form is sent. */
export function readFormState(
  fields: readonly FieldView[],
  parameters: URLSearchParams,
  { keepsBlanks }: { keepsBlanks: boolean },
): FormState {
  const state = createState();
  const copy = (field: FieldView, from: string, to: string): void => {
    const control = controlOf(field);
    if (control === "group") {
      for (const member of field.members) copy(member, pointerTo(from, member.member), pointerTo(to, member.member));
      return;
    }
    if (control === "list") {
      const element = field.members[0]!;
      const kept = rowsOf(parameters, from).filter(
        (row) => keepsBlanks || !isBlank(parameters, element, `${from}/${row}`),
      );
      for (const [place, row] of kept.entries()) copy(element, `${from}/${row}`, `${to}/${place}`);
      state.rows.set(to, kept.length);
      return;
    }
    const text = (parameters.get(from) ?? "").replaceAll("\r\n", "\n");
    state.values.set(to, control === "area" ? text : text.trim());
    const label = parameters.get(`${LABEL}${from}`);
    if (label !== null && label !== "") state.labels.set(to, label);
  };
  for (const field of fields) copy(field, pointerTo(DATA, field.member), pointerTo(DATA, field.member));
  return state;
}

function textOf(field: FieldView, value: Json): string {
  const control = controlOf(field);
  if (control === "reference")
    return typeof value === "string" ? value : isJsonObject(value) ? String(value.href ?? "") : "";
  if (control === "json" || control === "attachment" || typeof value === "object") return JSON.stringify(value);
  return String(value);
}

/** The form of a record as it is; `{}` for a new one. */
export function describeData(fields: readonly FieldView[], data: JsonObject): FormState {
  const state = createState();
  const write = (field: FieldView, value: Json | undefined, at: string): void => {
    const control = controlOf(field);
    if (control === "group") {
      for (const member of field.members)
        write(member, isJsonObject(value) ? memberOf(value, member.member) : undefined, pointerTo(at, member.member));
    } else if (control === "list") {
      const elements = Array.isArray(value) ? value.slice(0, RECORD_FORM_ROWS_MAX) : [];
      for (const [place, element] of elements.entries()) write(field.members[0]!, element, `${at}/${place}`);
      state.rows.set(at, elements.length);
    } else if (value !== undefined && value !== null) state.values.set(at, textOf(field, value));
  };
  for (const field of fields) write(field, memberOf(data, field.member), pointerTo(DATA, field.member));
  return state;
}

function memberOf(value: JsonObject, name: string): Json | undefined {
  return Object.hasOwn(value, name) ? value[name] : undefined;
}

/** The data that a form states. `faults`: texts that are no JSON where that is asked for; what else is wrong the schema finds. */
export function readData(
  fields: readonly FieldView[],
  state: FormState,
): { data: JsonObject; faults: readonly ErrorDetail[] } {
  const faults: ErrorDetail[] = [];

  function readJson(text: string, at: string): Json | undefined {
    try {
      return parseJson(text);
    } catch (error) {
      if (!isAttestryError(error)) throw error;
      faults.push({ field: at, message: `This is no JSON: ${error.message}` });
      return undefined;
    }
  }

  function read(field: FieldView, at: string): Json | undefined {
    const control = controlOf(field);
    if (control === "group") {
      const members = readMembers(field.members, at);
      return Object.keys(members).length > 0 || field.required ? members : undefined;
    }
    if (control === "list") {
      const count = state.rows.get(at) ?? 0;
      const elements = Array.from({ length: count }, (_, place) => read(field.members[0]!, `${at}/${place}`));
      const stated = elements.filter((element) => element !== undefined);
      return stated.length > 0 || field.required ? stated : undefined;
    }
    const text = state.values.get(at) ?? "";
    if (text.trim() === "") return undefined;
    if (control === "json" || control === "attachment") return readJson(text, at);
    // What is none is left as it is, for the schema to refuse.
    if (control === "number") return parseNumber(text) ?? text;
    if (control === "choice") return choiceValue(field, text) ?? text;
    if (control === "reference" && field.schema.type === "object") return { href: text };
    return text;
  }

  function readMembers(members: readonly FieldView[], at: string): JsonObject {
    const found = members.flatMap((member) => {
      const value = read(member, pointerTo(at, member.member));
      return value === undefined ? [] : [[member.member, value] as const];
    });
    return Object.fromEntries(found);
  }

  return { data: readMembers(fields, DATA), faults };
}

/** The merge patch (RFC 7396) that leads from one to the other; undefined where they are the same. */
export function createMergePatch(before: JsonObject, after: JsonObject): JsonObject | undefined {
  const names = new Set([...Object.keys(before), ...Object.keys(after)]);
  const changes = [...names].flatMap((name): [string, Json][] => {
    const [old, next] = [memberOf(before, name), memberOf(after, name)];
    if (next === undefined) return [[name, null]];
    if (isJsonObject(old) && isJsonObject(next)) {
      const inner = createMergePatch(old, next);
      return inner === undefined ? [] : [[name, inner]];
    }
    return old !== undefined && canonicalJson(old) === canonicalJson(next) ? [] : [[name, next]];
  });
  return changes.length === 0 ? undefined : Object.fromEntries(changes);
}

/** Whether a list of the data has more elements than a form has rows. */
export function hasLongList(fields: readonly FieldView[], data: Json | undefined): boolean {
  if (!isJsonObject(data)) return false;
  return fields.some((field) => {
    const value = memberOf(data, field.member);
    const control = controlOf(field);
    if (control === "group") return hasLongList(field.members, value);
    if (control !== "list" || !Array.isArray(value)) return false;
    return value.length > RECORD_FORM_ROWS_MAX || value.some((one) => hasLongList(field.members[0]!.members, one));
  });
}

/** The merge patch that takes away what no field of a form is for, with the names of what goes; undefined where there is nothing. */
export function createTrim(
  fields: readonly FieldView[],
  data: JsonObject,
): { readonly patch: JsonObject; readonly names: readonly string[] } | undefined {
  const parts = Object.entries(data).flatMap(([name, value]): { patch: JsonObject; names: readonly string[] }[] => {
    const field = fields.find(({ member }) => member === name);
    if (field === undefined) return [{ patch: { [name]: null }, names: [name] }];
    if (controlOf(field) !== "group" || !isJsonObject(value)) return [];
    const inner = createTrim(field.members, value);
    return inner === undefined ? [] : [{ patch: { [name]: inner.patch }, names: inner.names }];
  });
  if (parts.length === 0) return undefined;
  return {
    patch: Object.fromEntries(parts.flatMap(({ patch }) => Object.entries(patch))),
    names: parts.flatMap(({ names }) => names),
  };
}

/** One patch that does what both do; where they differ the second holds. */
export function joinPatches(first: JsonObject | undefined, second: JsonObject | undefined): JsonObject | undefined {
  if (first === undefined || second === undefined) return first ?? second;
  const joined: JsonObject = { ...first };
  for (const [name, value] of Object.entries(second)) {
    const old = memberOf(joined, name);
    joined[name] = isJsonObject(old) && isJsonObject(value) ? joinPatches(old, value)! : value;
  }
  return joined;
}

/** A form with one row more in a list, or without one. `action`: `add:/data/names`, `remove:/data/names/2`; anything else changes nothing. */
export function changeRows(parameters: URLSearchParams, action: string): URLSearchParams {
  const changed = new URLSearchParams(parameters);
  const [kind, at] = [action.slice(0, action.indexOf(":")), action.slice(action.indexOf(":") + 1)];
  if (kind === "add") {
    const numbers = rowsOf(parameters, at).map(Number);
    if (numbers.length < RECORD_FORM_ROWS_MAX) changed.append(ROW, `${at}/${Math.max(-1, ...numbers) + 1}`);
  }
  if (kind === "remove") {
    const kept = changed.getAll(ROW).filter((row) => row !== at);
    changed.delete(ROW);
    for (const row of kept) changed.append(ROW, row);
  }
  return changed;
}
