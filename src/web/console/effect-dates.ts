// The dates and the official number of a form, as they are sent, and as two writers' changes of them come together. Pure.
import type { JsonObject } from "../../crypto/json.ts";
import type { RecordView } from "../../records/record-view.ts";
import type { EnvelopeValues } from "./act-fields.tsx";

export function periodOf(view: RecordView): { validFrom: string | undefined; validUntil: string | undefined } {
  return { validFrom: view.valid_from, validUntil: view.valid_until };
}

export function datesIn(view: RecordView): [string, string][] {
  return (["valid_from", "valid_until"] as const).flatMap((name): [string, string][] =>
    view[name] === undefined ? [] : [[`/${name}`, view[name]]],
  );
}

export function datesOf(values: EnvelopeValues): JsonObject {
  return Object.fromEntries(
    ["valid_from", "valid_until"].flatMap((name) => {
      const text = values.get(`/${name}`);
      return text === undefined ? [] : [[name, text] as const];
    }),
  );
}

export function identifierOf(values: EnvelopeValues): JsonObject {
  const identifier = values.get("/identifier");
  return identifier === undefined ? {} : { identifier };
}

/** The dates that differ from those of what was opened; null takes one away. */
export function changedDates(opened: RecordView, values: EnvelopeValues): JsonObject {
  return Object.fromEntries(
    (["valid_from", "valid_until"] as const).flatMap((name) => {
      const text = values.get(`/${name}`);
      return text === opened[name] ? [] : [[name, text ?? null] as const];
    }),
  );
}

/** The writer's dates where the writer changed them, else those that hold now. */
export function mergeDates(values: EnvelopeValues, of: { opened: RecordView; current: RecordView }): EnvelopeValues {
  const merged = new Map(values);
  const changed = changedDates(of.opened, values);
  for (const [pointer, text] of [
    ["/valid_from", of.current.valid_from],
    ["/valid_until", of.current.valid_until],
  ] as const) {
    if (Object.hasOwn(changed, pointer.slice(1))) continue;
    if (text === undefined) merged.delete(pointer);
    else merged.set(pointer, text);
  }
  return merged;
}
