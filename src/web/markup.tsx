// Small pieces that every page is made of: sections, texts of definitions, times, the way back. Reads nothing, decides nothing.
import type { Child, FC } from "hono/jsx";
import type { LocalizedText } from "../registries/localized-text.ts";
import { chooseText, formatDay, formatInstant, type Reader } from "./reader-language.ts";
import type { ValueWords } from "./value-words.ts";

/** What every page is written with. */
export interface PageFrame {
  readonly basePath: string;
  readonly entity: string;
  readonly organizationName: string;
  readonly reader: Reader;
  /** Where the reader opens an own file; at its address, if this is left out. */
  readonly fileHref?: ((href: string) => string) | undefined;
  /** What stands beside values; English, if this is left out. */
  readonly valueWords?: ValueWords | undefined;
}

export const Section: FC<{ id: string; title: Child; children?: Child }> = ({ id, title, children }) => (
  <section aria-labelledby={id}>
    <h2 id={id}>{title}</h2>
    {children}
  </section>
);

/** `dir="auto"`: the page is written left to right, but a definition may be in Arabic or Urdu. */
export const Localized: FC<{ text: LocalizedText; reader: Reader }> = ({ text, reader }) => {
  const chosen = chooseText(text, reader);
  return (
    <span dir="auto" {...(chosen.language !== undefined && { lang: chosen.language })}>
      {chosen.text}
    </span>
  );
};

/** An instant as RFC 3339 has it, in the reader's form. */
export const Instant: FC<{ at: string; reader: Reader }> = ({ at, reader }) => (
  <time lang={reader.locale} datetime={at}>
    {formatInstant(at, reader)}
  </time>
);

/** A day or an instant, whichever the text is; a text that is neither stands as it is. */
export const DayOrInstant: FC<{ at: string; reader: Reader }> = ({ at, reader }) =>
  at.length > 10 ? (
    <Instant at={at} reader={reader} />
  ) : (
    <time lang={reader.locale} datetime={at}>
      {formatDay(at, reader)}
    </time>
  );

/** A time of effect: stated as a day, it is kept as the day's first instant. */
export const MidnightOrInstant: FC<{ at: string; reader: Reader }> = ({ at, reader }) => (
  <DayOrInstant at={at.replace(/T00:00:00(\.0+)?Z$/, "")} reader={reader} />
);

export interface Crumb {
  readonly href: string;
  readonly text: Child;
}

/** The way back to the node's first page. */
export const Breadcrumb: FC<{ frame: PageFrame; crumbs: readonly Crumb[]; label?: string }> = ({
  frame,
  crumbs,
  label = "You are here",
}) => (
  <nav aria-label={label} class="crumbs">
    <ol>
      <li>
        <a href={frame.basePath === "" ? "/" : frame.basePath} dir="auto">
          {frame.organizationName}
        </a>
      </li>
      {crumbs.map(({ href, text }) => (
        <li>
          <a href={href}>{text}</a>
        </li>
      ))}
    </ol>
  </nav>
);

export const Note: FC<{ title?: Child; children?: Child; kind?: "warning" }> = ({ title, children, kind }) => (
  <div class={kind === "warning" ? "note warning" : "note"}>
    {title !== undefined && (
      <p>
        <strong>{title}</strong>
      </p>
    )}
    {children}
  </div>
);

export const FOOTER =
  "Served by Attestry, a federated registry: each department keeps its own records, and no node holds all the data.";

/** Said of tables that become cards on a narrow screen: some browsers forget what a table is when its look is taken from it. */
export const ROLES = {
  table: { role: "table" },
  rowgroup: { role: "rowgroup" },
  row: { role: "row" },
  columnheader: { role: "columnheader" },
  rowheader: { role: "rowheader" },
  cell: { role: "cell" },
} as const;

/** A table that becomes cards on a narrow screen; its cells say in `data-label` what they are. */
export const CardTable: FC<{ caption: string; titles: readonly Child[]; children?: Child }> = ({
  caption,
  titles,
  children,
}) => (
  <table {...ROLES.table} class="records">
    <caption class="unseen">{caption}</caption>
    <thead {...ROLES.rowgroup}>
      <tr {...ROLES.row}>
        {titles.map((title) => (
          <th {...ROLES.columnheader} scope="col">
            {title}
          </th>
        ))}
      </tr>
    </thead>
    <tbody {...ROLES.rowgroup}>{children}</tbody>
  </table>
);
