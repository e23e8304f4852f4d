// A statistic of a public registry as a table, at the address of the API. Shows no more than the service gives.
import { Hono } from "hono";
import type { FC } from "hono/jsx";
import { ANONYMOUS } from "../identity/caller.ts";
import type { RecordNamesService } from "../records/record-names-service.ts";
import type { StatisticService, StatisticView } from "../records/search/statistic-service.ts";
import type { CompiledDefinition } from "../registries/compiled-definition.ts";
import { spellOut } from "../registries/field-texts.ts";
import type { RegistryService } from "../registries/registry-service.ts";
import { type FieldView, flattenFields, listFields } from "./field-view.ts";
import { answerPage, Layout } from "./layout.tsx";
import { Breadcrumb, FOOTER, Localized, Note, type PageFrame, ROLES } from "./markup.tsx";
import { pageHandler } from "./page-request.ts";
import { chooseText, formatNumber, listLookupTags } from "./reader-language.ts";
import { Missing, type RecordNames, Value } from "./value.tsx";

export interface StatisticPagesDeps {
  readonly entity: string;
  readonly basePath: string;
  readonly organizationName: string;
  readonly registries: Pick<RegistryService, "getCurrent">;
  readonly statistics: Pick<StatisticService, "get">;
  readonly recordNames: RecordNamesService;
}

interface PageProps {
  readonly compiled: CompiledDefinition;
  readonly statistic: StatisticView;
  readonly fields: readonly FieldView[];
  readonly names: RecordNames;
  readonly frame: PageFrame;
}

const CountTable: FC<PageProps> = ({ statistic, fields, names, frame }) => {
  const { reader } = frame;
  const columns = statistic.fields.map((name) => ({ name, field: fields.find((field) => field.name === name) }));
  return (
    <div class="scroll">
      <table {...ROLES.table} class="records">
        <caption class="unseen">Number of records</caption>
        <thead {...ROLES.rowgroup}>
          <tr {...ROLES.row}>
            {columns.map(({ name, field }) => (
              <th {...ROLES.columnheader} scope="col">
                <Localized text={field?.fullTitle ?? spellOut(name)} reader={reader} />
              </th>
            ))}
            <th {...ROLES.columnheader} scope="col">
              Records
            </th>
          </tr>
        </thead>
        <tbody {...ROLES.rowgroup}>
          {statistic.counts.map(({ values, count }) => (
            <tr {...ROLES.row}>
              {columns.map(({ name, field }) => {
                const value = values[name] ?? null;
                const title = chooseText(field?.fullTitle ?? spellOut(name), reader).text;
                return (
                  <td {...ROLES.cell} data-label={title}>
                    <div>
                      {field === undefined || value === null ? (
                        <Missing />
                      ) : (
                        <Value field={field} value={value} frame={frame} names={names} />
                      )}
                    </div>
                  </td>
                );
              })}
              <td {...ROLES.cell} data-label="Records">
                <div class="number">{formatNumber(count, reader)}</div>
              </td>
            </tr>
          ))}
        </tbody>
      </table>
    </div>
  );
};

const StatisticPage: FC<PageProps> = (props) => {
  const { compiled, statistic, frame } = props;
  const { title, name } = compiled.definition;
  const base = `${frame.basePath}/registries`;
  const heading = spellOut(statistic.name);
  const crumbs = [
    { href: base, text: "Registries" },
    { href: `${base}/${name}`, text: <Localized text={title} reader={frame.reader} /> },
  ];
  return (
    <Layout
      title={`${heading} · ${chooseText(title, frame.reader).text} · ${frame.organizationName}`}
      basePath={frame.basePath}
      header={
        <>
          <Breadcrumb frame={frame} crumbs={crumbs} />
          <h1>{heading}</h1>
          <p class="lead">How many records are in force, counted by what they say.</p>
        </>
      }
      footer={FOOTER}
    >
      <div class="space">
        {statistic.withheld && (
          <p>
            Counts below {formatNumber(statistic.smallest, frame.reader)} are not shown, nor those from which one could
            be worked out: they might tell of single cases.
          </p>
        )}
        {statistic.index !== undefined && (
          <Note>
            <p>Older records are still being counted; the numbers are too small as yet.</p>
          </Note>
        )}
        {statistic.counts.length > 0 ? (
          <CountTable {...props} />
        ) : (
          <Note title="Nothing to show.">
            <p>There are no records in force yet, or too few to be counted without telling of single cases.</p>
          </Note>
        )}
      </div>
    </Layout>
  );
};

export function createStatisticPages(deps: StatisticPagesDeps): Hono {
  const { entity, basePath, organizationName, registries, statistics, recordNames } = deps;
  const pages = new Hono();
  pages.get(
    "/registries/:registry/statistics/:name",
    pageHandler(async (context, reader) => {
      const { registry = "", name = "" } = context.req.param() as Record<string, string>;
      const [compiled, statistic] = await Promise.all([
        registries.getCurrent(registry),
        statistics.get({ caller: ANONYMOUS, registry, name }),
      ]);
      const fields = flattenFields(listFields(compiled));
      const hrefs = statistic.counts.flatMap(({ values }) =>
        Object.values(values).filter((value) => typeof value === "string"),
      );
      const names = await recordNames.findNames({ caller: ANONYMOUS, hrefs, languages: listLookupTags(reader) });
      const frame: PageFrame = { basePath, entity, organizationName, reader };
      return answerPage(context, <StatisticPage {...{ compiled, statistic, fields, names, frame }} />);
    }),
  );
  return pages;
}
