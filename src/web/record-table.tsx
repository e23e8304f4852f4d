// Records as a table, which becomes a list of cards on a narrow screen. Reads nothing.
import type { FC } from "hono/jsx";
import type { Json } from "../crypto/json.ts";
import type { RecordView } from "../records/record-view.ts";
import type { FieldView } from "./field-view.ts";
import { Localized, type PageFrame, ROLES } from "./markup.tsx";
import { chooseText } from "./reader-language.ts";
import { describeState } from "./state-words.ts";
import { type RecordNames, recordHref, Value } from "./value.tsx";

export const StateBadge: FC<{ state: string }> = ({ state }) => {
  const { name, tone } = describeState(state);
  return <span class={`badge ${tone}`}>{name}</span>;
};

const EmptyCell: FC = () => (
  <span class="soft">
    <span aria-hidden="true">–</span>
    <span class="unseen">not stated</span>
  </span>
);

interface TableProps {
  readonly caption: string;
  readonly records: readonly RecordView[];
  readonly columns: readonly FieldView[];
  readonly hasIdentifier: boolean;
  readonly names: RecordNames;
  readonly frame: PageFrame;
  /** What the addresses of the records keep of the query: the days it is about. */
  readonly suffix: string;
  /** The page of a record, where that is another than the one that everybody sees. */
  readonly hrefOf?: ((view: RecordView) => string) | undefined;
}

function isEmpty(value: Json | undefined): value is undefined | null | "" {
  return value === undefined || value === null || value === "";
}

const Row: FC<{ view: RecordView; table: TableProps }> = ({ view, table }) => {
  const { columns, frame, names } = table;
  return (
    <tr {...ROLES.row}>
      <th {...ROLES.rowheader} scope="row">
        <a href={`${table.hrefOf?.(view) ?? recordHref(view.href, frame)}${table.suffix}`} dir="auto">
          {view.display}
        </a>
      </th>
      {table.hasIdentifier && (
        <td {...ROLES.cell} data-label="Identifier">
          <div>{view.identifier === undefined ? <EmptyCell /> : <span dir="auto">{view.identifier}</span>}</div>
        </td>
      )}
      {columns.map((field) => {
        const value = view.data[field.member];
        return (
          <td
            {...ROLES.cell}
            data-label={chooseText(field.title, frame.reader).text}
            {...(isEmpty(value) && { class: "empty" })}
          >
            <div>
              {isEmpty(value) ? <EmptyCell /> : <Value field={field} value={value} frame={frame} names={names} />}
            </div>
          </td>
        );
      })}
      <td {...ROLES.cell} data-label="Status">
        <div>
          <StateBadge state={view.state} />
        </div>
      </td>
    </tr>
  );
};

export const RecordTable: FC<TableProps> = (table) => (
  <div class="scroll">
    <table {...ROLES.table} class="records">
      <caption class="unseen">{table.caption}</caption>
      <thead {...ROLES.rowgroup}>
        <tr {...ROLES.row}>
          <th {...ROLES.columnheader} scope="col">
            Record
          </th>
          {table.hasIdentifier && (
            <th {...ROLES.columnheader} scope="col">
              Identifier
            </th>
          )}
          {table.columns.map((field) => (
            <th {...ROLES.columnheader} scope="col">
              <Localized text={field.title} reader={table.frame.reader} />
            </th>
          ))}
          <th {...ROLES.columnheader} scope="col">
            Status
          </th>
        </tr>
      </thead>
      <tbody {...ROLES.rowgroup}>
        {table.records.map((view) => (
          <Row view={view} table={table} />
        ))}
      </tbody>
    </table>
  </div>
);
