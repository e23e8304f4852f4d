// Two states of a record's data side by side, what differs marked by a word, a line and a ground. Reads nothing.
import type { Child, FC } from "hono/jsx";
import { isJsonObject, type Json, type JsonObject } from "../../crypto/json.ts";
import { findChanges } from "../../records/record-changes.ts";
import type { FieldView } from "../field-view.ts";
import { CardTable, DayOrInstant, Localized, type PageFrame, ROLES } from "../markup.tsx";
import { Missing, type RecordNames, Value } from "../value.tsx";
import { pointerTo } from "./record-form.ts";

/** What one side says, and what the side is called. */
export interface ComparedSide {
  readonly label: string;
  readonly data: JsonObject;
  readonly validFrom: string | undefined;
  readonly validUntil: string | undefined;
}

interface Line {
  readonly pointer: string;
  readonly field: FieldView;
  readonly left: Json | undefined;
  readonly right: Json | undefined;
}

function memberOf(value: Json | undefined, name: string): Json | undefined {
  return isJsonObject(value) && Object.hasOwn(value, name) ? value[name] : undefined;
}

/** A line for each field that one of them states; groups member by member, as changes are told. */
function listLines(fields: readonly FieldView[], pair: { left: JsonObject; right: JsonObject }): Line[] {
  const lineUp = (field: FieldView, at: string, left: Json | undefined, right: Json | undefined): Line[] => {
    if (left === undefined && right === undefined) return [];
    const pointer = pointerTo(at, field.member);
    if (field.kind !== "group" || field.members.length === 0) return [{ pointer, field, left, right }];
    return field.members.flatMap((member) =>
      lineUp(member, pointer, memberOf(left, member.member), memberOf(right, member.member)),
    );
  };
  return fields.flatMap((field) =>
    lineUp(field, "/data", memberOf(pair.left, field.member), memberOf(pair.right, field.member)),
  );
}

const Cell: FC<{ label: string; children?: Child }> = ({ label, children }) => (
  <td {...ROLES.cell} data-label={label}>
    <div>{children}</div>
  </td>
);

/** A line of the table; further ones may be given to it as children. */
export const LineRow: FC<{
  title: Child;
  isChanged: boolean;
  labels: readonly string[];
  cells: readonly Child[];
}> = ({ title, isChanged, labels, cells }) => (
  <tr {...ROLES.row} class={isChanged ? "changed" : ""}>
    <th {...ROLES.rowheader} scope="row">
      {title} {isChanged && <span class="badge careful">changed</span>}
    </th>
    {labels.map((label, at) => (
      <Cell label={label}>{cells[at]}</Cell>
    ))}
  </tr>
);

const PERIOD = [
  ["/valid_from", "In effect from", (side: ComparedSide) => side.validFrom],
  ["/valid_until", "In effect until", (side: ComparedSide) => side.validUntil],
] as const;

/** `left` is left out of what is new. */
export const Comparison: FC<{
  left?: ComparedSide | undefined;
  right: ComparedSide;
  fields: readonly FieldView[];
  names: RecordNames;
  frame: PageFrame;
  children?: Child;
}> = ({ left, right, fields, names, frame, children }) => {
  const sides = left ? [left, right] : [right];
  const labels = sides.map(({ label }) => label);
  const changed = new Set(left ? findChanges(left, right, () => undefined).map(({ field }) => field) : []);
  const isWithin = (pointer: string) =>
    [...changed].some(
      (field) => field === pointer || field.startsWith(`${pointer}/`) || pointer.startsWith(`${field}/`),
    );
  const lines = listLines(fields, { left: left?.data ?? {}, right: right.data });
  const show = (field: FieldView, value: Json | undefined) =>
    value === undefined ? <Missing /> : <Value field={field} value={value} names={names} frame={frame} />;
  return (
    <>
      {left && (
        <p role="status">
          {changed.size === 0
            ? "They say the same."
            : `${changed.size} ${changed.size === 1 ? "thing differs" : "things differ"}, marked “changed”.`}
        </p>
      )}
      <div class="scroll">
        <CardTable caption={labels.join(" and ")} titles={["Field", ...labels]}>
          {lines.map(({ pointer, field, left: old, right: next }) => (
            <LineRow
              title={<Localized text={field.fullTitle} reader={frame.reader} />}
              isChanged={isWithin(pointer)}
              labels={labels}
              cells={left ? [show(field, old), show(field, next)] : [show(field, next)]}
            />
          ))}
          {PERIOD.filter(([, , read]) => sides.some((side) => read(side) !== undefined)).map(([name, title, read]) => (
            <LineRow
              title={title}
              isChanged={changed.has(name)}
              labels={labels}
              cells={sides
                .map(read)
                .map((at) => (at === undefined ? <Missing /> : <DayOrInstant at={at} reader={frame.reader} />))}
            />
          ))}
          {children}
        </CardTable>
      </div>
    </>
  );
};
