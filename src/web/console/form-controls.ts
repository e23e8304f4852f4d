// The inputs of a form with their places: pointer, id, label, rules; and where a fault that a service names belongs. Pure.
import type { AttestryError } from "../../errors.ts";
import type { LocalizedText } from "../../registries/localized-text.ts";
import type { FieldView } from "../field-view.ts";
import { formatSentence } from "../problem-page.tsx";
import { type FieldRules, findFieldFault } from "./field-rules.ts";
import { controlOf, rulesOf } from "./form-field.ts";
import { DATA, type FormState, pointerTo } from "./record-form.ts";

/** Stands for the number of a row in what rows are made of; one for each depth. No pointer has it (RFC 6901 §3). */
export function rowMark(depth: number): string {
  return `~r${depth}`;
}

export function inputId(pointer: string): string {
  return `field${pointer.replaceAll(/[^A-Za-z0-9~]+/g, "-")}`;
}

export interface PlacedControl {
  readonly pointer: string;
  readonly field: FieldView;
  readonly rules: FieldRules;
}

/** How a field is required in its place: of a row, or of a group that need not be, only once something of it is stated. */
export function requiredIn(field: FieldView, isAlways: boolean): FieldRules["required"] {
  return field.required ? (isAlways ? "always" : "with-group") : undefined;
}

/** Every input, group and list of a form as it is, outer ones first. */
export function listControls(fields: readonly FieldView[], state: FormState): PlacedControl[] {
  const place = (field: FieldView, pointer: string, isAlways: boolean): PlacedControl[] => {
    const own = { pointer, field, rules: rulesOf(field, requiredIn(field, isAlways)) };
    const control = controlOf(field);
    if (control === "group") {
      const isInner = isAlways && field.required;
      return [own, ...field.members.flatMap((one) => place(one, pointerTo(pointer, one.member), isInner))];
    }
    if (control !== "list") return [own];
    const rows = Array.from({ length: state.rows.get(pointer) ?? 0 }, (_, row) => `${pointer}/${row}`);
    return [own, ...rows.flatMap((row) => place(field.members[0]!, row, false))];
  };
  return fields.flatMap((field) => place(field, pointerTo(DATA, field.member), true));
}

export interface FormFault {
  /** Of the input; undefined where it is about the whole. */
  readonly pointer: string | undefined;
  readonly title: LocalizedText | undefined;
  readonly message: string;
}

const ENVELOPE: Readonly<Record<string, string>> = {
  "/valid_from": "In effect from",
  "/valid_until": "In effect until",
  "/identifier": "Official number",
  "/effective": "Since when",
  "/case": "Case",
  "/until": "Keep until",
  "/act/reason": "Reason",
  "/act/instrument": "Law, order or file",
  "/act/note": "Note",
  "/act/distinct": "Why it is another",
};

/** Codes whose details name members of the envelope; those of all others name fields of the data. */
const OF_ENVELOPE = ["request_invalid", "act_incomplete"];

function envelopeFault(field: string, message: string): FormFault {
  const words = /^is required to [a-z]+; one of/.test(message) ? "Choose one." : inWords(message);
  return { pointer: field, title: ENVELOPE[field], message: words };
}

function inWords(message: string): string {
  return message.startsWith("is required") ? "Fill this in." : formatSentence(message);
}

/** The nearest input: a fault of a member that has none is told at what it stands in, one of "every element" at the list. */
function findControl(controls: ReadonlyMap<string, PlacedControl>, field: string): PlacedControl | undefined {
  for (let at = `${DATA}${field}`; at.length > DATA.length; at = at.slice(0, at.lastIndexOf("/"))) {
    const found = controls.get(at);
    if (found) return found;
  }
  return undefined;
}

/** What is to be mended where, each place once: in the words of the inputs' own rules where they find the same fault. */
export function placeFaults(
  error: AttestryError,
  form: { fields: readonly FieldView[]; state: FormState },
): readonly FormFault[] {
  const controls = new Map(listControls(form.fields, form.state).map((control) => [control.pointer, control]));
  const isOfEnvelope = OF_ENVELOPE.includes(error.code);
  const faults = new Map<string, FormFault>();
  for (const { field, message } of error.details) {
    const control = isOfEnvelope ? undefined : findControl(controls, field);
    if (control === undefined) {
      const isKnown = ENVELOPE[field] !== undefined;
      const fault = isKnown
        ? envelopeFault(field, message)
        : { pointer: undefined, title: undefined, message: formatSentence(`${field} ${message}`) };
      if (!faults.has(field)) faults.set(field, fault);
      continue;
    }
    const { pointer } = control;
    const own = findFieldFault(control.rules, form.state.values.get(pointer) ?? "");
    const words = own ?? inWords(message);
    if (!faults.has(pointer)) faults.set(pointer, { pointer, title: control.field.fullTitle, message: words });
  }
  // In the order of the form.
  const order = [...controls.keys()];
  const placeOf = ({ pointer }: FormFault): number => {
    const at = order.indexOf(pointer ?? "");
    return at < 0 ? order.length : at;
  };
  return [...faults.values()].toSorted((a, b) => placeOf(a) - placeOf(b));
}
