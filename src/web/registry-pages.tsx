// Pages of registries at the addresses of the API: the list, one registry, and the search in it. They show what anybody may see.
import { Hono } from "hono";
import type { FC } from "hono/jsx";
import { type AttestryError, type ErrorDetail, isAttestryError } from "../errors.ts";
import { ANONYMOUS } from "../identity/caller.ts";
import { PAGE_ROWS } from "../limits.ts";
import type { RecordNamesService } from "../records/record-names-service.ts";
import type { RecordPage } from "../records/search/record-search-service.ts";
import { answerPage, Layout } from "./layout.tsx";
import { Breadcrumb, DayOrInstant, FOOTER, Localized, Note, type PageFrame, Section } from "./markup.tsx";
import { formatAddress, pageHandler, readValues } from "./page-request.ts";
import { formatSentence } from "./problem-page.tsx";
import { chooseText, formatNumber, listLookupTags, type Reader } from "./reader-language.ts";
import { RecordTable } from "./record-table.tsx";
import {
  chooseColumns,
  createRegistryViews,
  describeRegistry,
  type RegistryPageDeps,
  type RegistryPageView,
} from "./registry-page-view.ts";
import {
  AnswersSection,
  FieldsSection,
  NotPublic,
  RegistryList,
  Retired,
  StatisticsSection,
  VersionsSection,
} from "./registry-sections.tsx";
import { FoldedSearchForm, SearchForm } from "./search-form.tsx";
import { listOwnReferences, type RecordNames } from "./value.tsx";

export type RegistryPagesDeps = RegistryPageDeps & {
  readonly entity: string;
  readonly basePath: string;
  readonly organizationName: string;
  readonly recordNames: RecordNamesService;
  /** By registry name. */
  readonly countRecords: () => Promise<ReadonlyMap<string, number>>;
};

const REGISTRIES = "Registries";

function titleOf(view: RegistryPageView, reader: Reader): string {
  return chooseText(view.compiled.definition.title, reader).text;
}

const RegistryHeader: FC<{ view: RegistryPageView; frame: PageFrame; isSearch: boolean }> = ({
  view,
  frame,
  isSearch,
}) => {
  const { definition } = view.compiled;
  const base = `${frame.basePath}/registries`;
  const crumbs = [{ href: base, text: REGISTRIES }];
  const own = { href: `${base}/${definition.name}`, text: <Localized text={definition.title} reader={frame.reader} /> };
  return (
    <>
      <Breadcrumb frame={frame} crumbs={isSearch ? [...crumbs, own] : crumbs} />
      <h1>
        <Localized text={definition.title} reader={frame.reader} />
      </h1>
      {definition.description !== undefined && (
        <p class="lead">
          <Localized text={definition.description} reader={frame.reader} />
        </p>
      )}
    </>
  );
};

/** What a search found, or why it could not be asked. */
interface SearchOutcome {
  readonly page: RecordPage | undefined;
  readonly names: RecordNames;
  readonly fault: AttestryError | undefined;
}

interface SearchPageProps {
  readonly view: RegistryPageView;
  readonly frame: PageFrame;
  readonly values: Readonly<Record<string, string>>;
  readonly outcome: SearchOutcome;
}

function pathOf(view: RegistryPageView, frame: PageFrame): string {
  return `${frame.basePath}/registries/${view.compiled.definition.name}/records`;
}

/** The part of a query that says which days are meant. */
function daysOf(values: Readonly<Record<string, string>>): Record<string, string> {
  return Object.fromEntries(Object.entries(values).filter(([name]) => name === "asOf" || name === "validAt"));
}

const OtherDay: FC<SearchPageProps> = ({ view, frame, values }) => {
  const { asOf, validAt } = values;
  if (asOf === undefined && validAt === undefined) return null;
  const { asOf: _asOf, validAt: _validAt, cursor: _cursor, ...today } = values;
  return (
    <Note kind="warning">
      <p>
        {validAt !== undefined && (
          <>
            As in effect on <DayOrInstant at={validAt} reader={frame.reader} />.{" "}
          </>
        )}
        {asOf !== undefined && (
          <>
            As recorded on <DayOrInstant at={asOf} reader={frame.reader} />.{" "}
          </>
        )}
        <a href={formatAddress(pathOf(view, frame), today)}>See today</a>
      </p>
    </Note>
  );
};

const NothingFound: FC<SearchPageProps> = ({ view, frame, values }) => {
  const isAsked = Object.keys(values).some((name) => name !== "sort");
  if (!isAsked) {
    return (
      <Note title="No records yet.">
        <p>This department has published what it will record here, and recorded nothing so far.</p>
      </Note>
    );
  }
  return (
    <Note title="No record was found.">
      <ul>
        <li>Check the spelling, or search by the beginning of a name where the form says so.</li>
        <li>Leave some of the conditions empty: a record must meet all of them.</li>
        {(values.asOf !== undefined || values.validAt !== undefined) && (
          <li>Look at another day: it may not have been recorded, or not have been in effect.</li>
        )}
      </ul>
      <p>
        <a href={pathOf(view, frame)}>Show all records</a>
      </p>
    </Note>
  );
};

export const Count: FC<{ page: RecordPage; frame: PageFrame }> = ({ page, frame }) => {
  const { count, index, records } = page;
  const { reader } = frame;
  return (
    <>
      {count !== undefined && (
        <p class="soft" role="status">
          {count.relation === "more_than" && "More than "}
          {formatNumber(count.value, reader)} {count.value === 1 ? "record" : "records"}
          {count.value > records.length && `, ${formatNumber(records.length, reader)} of them on this page`}
        </p>
      )}
      {index !== undefined && (
        <Note>
          <p>
            Older records are still being made ready for this search: {formatNumber(index.done, reader)} of{" "}
            {formatNumber(index.of, reader)} are done. Some may be missing here.
          </p>
        </Note>
      )}
    </>
  );
};

const Results: FC<SearchPageProps> = (props) => {
  const { view, frame, values, outcome } = props;
  const { page, names } = outcome;
  if (page === undefined) return null;
  if (page.records.length === 0) return <NothingFound {...props} />;
  const { columns, hasIdentifier } = chooseColumns(view, frame.reader);
  const { cursor, ...first } = values;
  return (
    <>
      <Count page={page} frame={frame} />
      <RecordTable
        caption={`Records of ${titleOf(view, frame.reader)}`}
        records={page.records}
        columns={columns}
        hasIdentifier={hasIdentifier}
        names={names}
        frame={frame}
        suffix={formatAddress("", daysOf(values))}
      />
      {(cursor !== undefined || page.next !== undefined) && (
        <nav aria-label="Pages of the result" class="links pages">
          {cursor !== undefined && <a href={formatAddress(pathOf(view, frame), first)}>First page</a>}
          {page.next !== undefined && (
            <a rel="next" href={formatAddress(pathOf(view, frame), { ...values, cursor: page.next })}>
              Next page
            </a>
          )}
        </nav>
      )}
    </>
  );
};

const SearchFault: FC<{ fault: AttestryError | undefined }> = ({ fault }) =>
  fault === undefined ? null : (
    <div role="alert">
      <Note kind="warning" title="This could not be searched for.">
        <p>{formatSentence(fault.message)}</p>
      </Note>
    </div>
  );

/** What is to be mended where; a message about one parameter begins with its name. */
function listFaults(fault: AttestryError): readonly ErrorDetail[] {
  if (fault.details.length > 0) return fault.details;
  const field = /^"([^"]+)"/.exec(fault.message)?.[1];
  return field === undefined ? [] : [{ field, message: fault.message }];
}

const SearchPage: FC<SearchPageProps> = (props) => {
  const { view, frame, values, outcome } = props;
  const title = titleOf(view, frame.reader);
  // Once something is found, the form stands back; where nothing is, it is what is needed.
  const isFound = (outcome.page?.records.length ?? 0) > 0;
  const Form = isFound && Object.keys(values).length > 0 ? FoldedSearchForm : SearchForm;
  return (
    <Layout
      title={`${title} · search · ${frame.organizationName}`}
      basePath={frame.basePath}
      header={<RegistryHeader view={view} frame={frame} isSearch={true} />}
      footer={FOOTER}
    >
      <Retired compiled={view.compiled} frame={frame} />
      <Section id="search" title="Search">
        <SearchFault fault={outcome.fault} />
        <Form
          frame={frame}
          action={pathOf(view, frame)}
          groups={view.groups}
          sorts={view.sorts}
          values={values}
          faults={outcome.fault === undefined ? [] : listFaults(outcome.fault)}
        />
      </Section>
      {outcome.page !== undefined && (
        <Section id="records" title="Records">
          <OtherDay {...props} />
          <Results {...props} />
        </Section>
      )}
    </Layout>
  );
};

const ClosedPage: FC<{ view: RegistryPageView; frame: PageFrame }> = ({ view, frame }) => {
  const { access } = view.compiled.definition;
  return (
    <Layout
      title={`${titleOf(view, frame.reader)} · ${frame.organizationName}`}
      basePath={frame.basePath}
      header={<RegistryHeader view={view} frame={frame} isSearch={true} />}
      footer={FOOTER}
    >
      {access !== "public" && <NotPublic access={access} />}
    </Layout>
  );
};

export function createRegistryPages(deps: RegistryPagesDeps): Hono {
  const { entity, basePath, organizationName, registries, recordSearches, recordNames } = deps;
  const views = createRegistryViews(deps);
  const pages = new Hono();
  const frameOf = (reader: Reader): PageFrame => ({ basePath, entity, organizationName, reader });

  pages.get(
    "/registries",
    pageHandler(async (context, reader) => {
      const [all, counts] = await Promise.all([registries.list(), deps.countRecords()]);
      const frame = frameOf(reader);
      const listed = all.map((compiled) => ({
        ...describeRegistry(compiled),
        recordCount: compiled.definition.access === "public" ? (counts.get(compiled.definition.name) ?? 0) : undefined,
      }));
      return answerPage(
        context,
        <Layout
          title={`${REGISTRIES} · ${organizationName}`}
          basePath={basePath}
          header={
            <>
              <Breadcrumb frame={frame} crumbs={[]} />
              <h1>{REGISTRIES}</h1>
              <p class="lead">What this department records, and who may read it.</p>
            </>
          }
          footer={FOOTER}
        >
          <div class="space">
            {listed.length > 0 ? (
              <RegistryList registries={listed} frame={frame} />
            ) : (
              <Note title="No registries yet.">
                <p>This department has not published any registry on this node.</p>
              </Note>
            )}
          </div>
        </Layout>,
      );
    }),
  );

  pages.get(
    "/registries/:registry",
    pageHandler(async (context, reader) => {
      const frame = frameOf(reader);
      const name = context.req.param("registry") ?? "";
      const [view, versions, counts] = await Promise.all([
        views.load(name, reader),
        registries.listVersions(name),
        deps.countRecords(),
      ]);
      const { access, type } = view.compiled.definition;
      const count = counts.get(name) ?? 0;
      return answerPage(
        context,
        <Layout
          title={`${titleOf(view, reader)} · ${organizationName}`}
          basePath={basePath}
          header={<RegistryHeader view={view} frame={frame} isSearch={false} />}
          footer={FOOTER}
        >
          <Retired compiled={view.compiled} frame={frame} />
          {access === "public" ? (
            <Section id="search" title="Search">
              <SearchForm
                frame={frame}
                action={pathOf(view, frame)}
                groups={view.groups}
                sorts={view.sorts}
                values={{}}
                faults={[]}
              />
              <p>
                <a href={pathOf(view, frame)}>
                  {count === 1 ? "The one record" : `All ${formatNumber(count, reader)} records`}
                </a>{" "}
                <span class="soft">Open to anyone, without signing in.</span>
              </p>
            </Section>
          ) : (
            <NotPublic access={access} />
          )}
          {access === "public" && <StatisticsSection compiled={view.compiled} frame={frame} />}
          <AnswersSection compiled={view.compiled} fields={view.fields} frame={frame} />
          <FieldsSection fields={view.fields} frame={frame} />
          <VersionsSection name={name} type={type} versions={versions} frame={frame} />
        </Layout>,
      );
    }),
  );

  pages.get(
    "/registries/:registry/records",
    pageHandler(async (context, reader) => {
      const frame = frameOf(reader);
      const view = await views.load(context.req.param("registry") ?? "", reader);
      if (view.compiled.definition.access !== "public")
        return answerPage(context, <ClosedPage view={view} frame={frame} />, 401);
      const { values, hasBlanks } = readValues(context);
      // The address that is shown, kept and passed on says only what was asked for.
      if (hasBlanks) return context.redirect(formatAddress(pathOf(view, frame), values), 303);
      const outcome = await search(view, values, reader);
      const status = outcome.fault === undefined ? 200 : 400;
      return answerPage(context, <SearchPage view={view} frame={frame} values={values} outcome={outcome} />, status);
    }),
  );

  async function search(
    view: RegistryPageView,
    values: Readonly<Record<string, string>>,
    reader: Reader,
  ): Promise<SearchOutcome> {
    const { cursor, ...asked } = values;
    const languages = listLookupTags(reader);
    try {
      const page = await recordSearches.find({
        caller: ANONYMOUS,
        registry: view.compiled.definition.name,
        fields: { ...asked, count: "true" },
        inAddress: true,
        cursor,
        limit: PAGE_ROWS,
        languages,
      });
      const hrefs = page.records.flatMap(({ data }) => listOwnReferences(view.fields, data, entity));
      return {
        page,
        names: await recordNames.findNames({ caller: ANONYMOUS, hrefs, languages }),
        fault: undefined,
      };
    } catch (error) {
      if (!isAttestryError(error, "query_invalid") && !isAttestryError(error, "search_too_broad")) throw error;
      return { page: undefined, names: new Map(), fault: error };
    }
  }

  return pages;
}
