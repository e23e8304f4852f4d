// The choice of two versions of a record, and both side by side. Reads nothing.
import type { Child, FC } from "hono/jsx";
import type { RecordView } from "../../records/record-view.ts";
import type { FieldView } from "../field-view.ts";
import { Instant, type PageFrame, Section } from "../markup.tsx";
import type { RecordNames } from "../value.tsx";
import { type ComparedSide, Comparison, LineRow } from "./comparison.tsx";

interface Pair {
  readonly left: RecordView;
  readonly right: RecordView;
}

/** The form that chooses them, and below it what it leads to. */
export const VersionChoice: FC<{
  path: string;
  /** Those that have something to compare, in their order; the last is the current one. */
  numbers: readonly number[];
  compared: Pair | undefined;
  frame: PageFrame;
  children?: Child;
}> = ({ path, numbers, compared, children }) => {
  const [before = 0, last = 0] = numbers.slice(-2);
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
            {options(compared?.left.version ?? before)}
          </select>
        </div>
        <div class="field">
          <label for="right">On the right</label>
          <select id="right" name="right">
            {options(compared?.right.version ?? last)}
          </select>
        </div>
        <button type="submit">Compare</button>
      </form>
      {children}
    </Section>
  );
};

const sideOf = ({ version, data, valid_from: validFrom, valid_until: validUntil }: RecordView): ComparedSide => ({
  label: `Version ${version}`,
  data,
  validFrom,
  validUntil,
});

export const VersionComparison: FC<Pair & { fields: readonly FieldView[]; names: RecordNames; frame: PageFrame }> = ({
  left,
  right,
  ...shown
}) => {
  const sides = { left: sideOf(left), right: sideOf(right) };
  return (
    <Comparison {...sides} {...shown}>
      <LineRow
        title="Recorded"
        isChanged={false}
        labels={[sides.left.label, sides.right.label]}
        cells={[left, right].map(({ recorded_at: at }) => <Instant at={at} reader={shown.frame.reader} />)}
      />
    </Comparison>
  );
};
