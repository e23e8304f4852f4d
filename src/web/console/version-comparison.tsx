// Two versions of a record side by side, what differs marked by a word, a line and a ground. Reads nothing.
import type { Child, FC } from "hono/jsx";
import { isJsonObject, type Json, type JsonObject } from "../../crypto/json.ts";
import { findChanges } from "../../records/record-changes.ts";
import type { RecordView } from "../../records/record-view.ts";
import type { FieldView } from "../field-view.ts";
import { DayOrInstant, Instant, Localized, type PageFrame, ROLES, Section } from "../markup.tsx";
import { Missing, type RecordNames, Value } from "../value.tsx";
import { pointerTo } from "./record-form.ts";

interface Pair {
  readonly left: RecordView;
  readonly right: RecordView;
}

/** The form that chooses them, and below it what it leads to. */
export const VersionChoice: FC<{
  path: string;
  versionsMax: number;
  compared: Pair | undefined;
  frame: PageFrame;
  children?: Child;
}> = ({ path, versionsMax, compared, children }) => {
  const numbers = Array.from({ length: versionsMax }, (_, at) => at + 1);
  const options = (chosen: number) =>
    numbers.map((number) => (
      <option value={String(number)} selected={number === chosen}>
        Version {number}
      </option>
    ));
  return (
    <Section id="compare" title="Versions side by side">
      <form method="get" action={`${path}#compare`} class="versions">
        <div class="field">
          <label for="left">On the left</label>
          <select id="left" name="left">
            {options(compared?.left.version ?? versionsMax - 1)}
          </select>
        </div>
        <div class="field">
          <label for="right">On the right</label>
          <select id="right" name="right">
            {options(compared?.right.version ?? versionsMax)}
          </select>
        </div>
        <button type="submit">Compare</button>
      </form>
      {children}
    </Section>
  );
};

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

const Cell: FC<{ label: string; isChanged: boolean; children?: Child }> = ({ label, children }) => (
  <td {...ROLES.cell} data-label={label}>
    <div>{children}</div>
  </td>
);

const LineRow: FC<{
  title: Child;
  isChanged: boolean;
  labels: readonly [string, string];
  cells: readonly [Child, Child];
}> = ({ title, isChanged, labels, cells }) => (
  <tr {...ROLES.row} class={isChanged ? "changed" : ""}>
    <th {...ROLES.rowheader} scope="row">
      {title} {isChanged && <span class="badge careful">changed</span>}
    </th>
    {labels.map((label, at) => (
      <Cell label={label} isChanged={isChanged}>
        {cells[at]}
      </Cell>
    ))}
  </tr>
);

const PERIOD = [
  ["valid_from", "In effect from"],
  ["valid_until", "In effect until"],
] as const;

export const VersionComparison: FC<Pair & { fields: readonly FieldView[]; names: RecordNames; frame: PageFrame }> = (
  props,
) => {
  const { left, right, fields, names, frame } = props;
  const labels = [`Version ${left.version}`, `Version ${right.version}`] as const;
  const compared = ({ data, valid_from: validFrom, valid_until: validUntil }: RecordView) => ({
    data,
    validFrom,
    validUntil,
  });
  const changed = new Set(findChanges(compared(left), compared(right), () => undefined).map(({ field }) => field));
  const isWithin = (pointer: string) =>
    [...changed].some(
      (field) => field === pointer || field.startsWith(`${pointer}/`) || pointer.startsWith(`${field}/`),
    );
  const lines = listLines(fields, { left: left.data, right: right.data });
  const show = (field: FieldView, value: Json | undefined) =>
    value === undefined ? <Missing /> : <Value field={field} value={value} names={names} frame={frame} />;
  return (
    <>
      <p role="status">
        {changed.size === 0
          ? "They say the same."
          : `${changed.size} ${changed.size === 1 ? "thing differs" : "things differ"}, marked “changed”.`}
      </p>
      <div class="scroll">
        <table {...ROLES.table} class="records">
          <caption class="unseen">
            {labels[0]} and {labels[1]}
          </caption>
          <thead {...ROLES.rowgroup}>
            <tr {...ROLES.row}>
              {["Field", ...labels].map((title) => (
                <th {...ROLES.columnheader} scope="col">
                  {title}
                </th>
              ))}
            </tr>
          </thead>
          <tbody {...ROLES.rowgroup}>
            {lines.map(({ pointer, field, left: old, right: next }) => (
              <LineRow
                title={<Localized text={field.fullTitle} reader={frame.reader} />}
                isChanged={isWithin(pointer)}
                labels={labels}
                cells={[show(field, old), show(field, next)]}
              />
            ))}
            {PERIOD.filter(([name]) => left[name] !== undefined || right[name] !== undefined).map(([name, title]) => (
              <LineRow
                title={title}
                isChanged={changed.has(`/${name}`)}
                labels={labels}
                cells={
                  [left, right].map((one) =>
                    one[name] === undefined ? <Missing /> : <DayOrInstant at={one[name]} reader={frame.reader} />,
                  ) as unknown as readonly [Child, Child]
                }
              />
            ))}
            <LineRow
              title="Recorded"
              isChanged={false}
              labels={labels}
              cells={[
                <Instant at={left.recorded_at} reader={frame.reader} />,
                <Instant at={right.recorded_at} reader={frame.reader} />,
              ]}
            />
          </tbody>
        </table>
      </div>
    </>
  );
};
