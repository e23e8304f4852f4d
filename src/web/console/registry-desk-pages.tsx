// `/console/registries`: the registries in which somebody works, and the search in each with all that the person may see. Permits nothing itself.
import { type Context, Hono } from "hono";
import type { FC } from "hono/jsx";
import type { JsonObject } from "../../crypto/json.ts";
import { type AttestryError, type ErrorDetail, isAttestryError } from "../../errors.ts";
import { checkPermitted, isPermitted } from "../../identity/permissions.ts";
import type { Session } from "../../identity/session-service.ts";
import { PAGE_ROWS } from "../../limits.ts";
import type { RecordPage, RecordSearchService } from "../../records/search/record-search-service.ts";
import type { CompiledDefinition } from "../../registries/compiled-definition.ts";
import { type FieldView, flattenFields } from "../field-view.ts";
import { Localized, Note, type PageFrame, Section } from "../markup.tsx";
import { formatAddress, readFrame, readValues } from "../page-request.ts";
import { createPageSessions, FORM_TOKEN } from "../page-session.ts";
import { formatSentence } from "../problem-page.tsx";
import { chooseText, listLookupTags } from "../reader-language.ts";
import { RecordTable } from "../record-table.tsx";
import { chooseColumns, createRegistryViews, describeRegistry, type RegistryPageView } from "../registry-page-view.ts";
import { Count } from "../registry-pages.tsx";
import { ACCESS_IN_WORDS, Retired } from "../registry-sections.tsx";
import { SearchForm } from "../search-form.tsx";
import { answerStaffPage, StaffPage } from "../staff-frame.tsx";
import { listOwnReferences, type RecordNames } from "../value.tsx";
import { type DeskDeps, deskFrame, recordPath, registryPath } from "./desk.ts";
import { DESK_STYLE } from "./desk-style.ts";

export interface RegistryDeskPagesDeps extends DeskDeps {
  readonly recordSearches: Pick<RecordSearchService, "find">;
  readonly clock: () => number;
}

const DESK = "Your desk";
const REGISTRIES = "Registries you work in";

const mayRead = ({ caller }: Session, registry: string): boolean =>
  isPermitted({ caller, action: "record.inspect", registry });
const mayWrite = ({ caller }: Session, registry: string): boolean =>
  isPermitted({ caller, action: "record.write", registry });

const ListPage: FC<{ all: readonly CompiledDefinition[]; session: Session; frame: PageFrame }> = (props) => {
  const { all, session, frame } = props;
  const reached = all.filter(({ definition }) => mayRead(session, definition.name));
  return (
    <StaffPage
      title={REGISTRIES}
      lead={`As ${session.role}.`}
      crumbs={[{ href: `${frame.basePath}/console`, text: DESK }]}
      session={session}
      frame={frame}
      styles={[DESK_STYLE]}
    >
      <div class="space">
        {reached.length === 0 ? (
          <Note title="There is none in this role.">
            <p>
              Records are read by registrars, approvers and readers. If you have another role, change to it at{" "}
              <a href={`${frame.basePath}/console`}>your desk</a>; else ask who manages your account.
            </p>
          </Note>
        ) : (
          <ul class="cards">
            {reached.map(({ definition: { name, title, description, access, retired } }) => (
              <li>
                <h2>
                  <a href={registryPath(frame, name)}>
                    <Localized text={title} reader={frame.reader} />
                  </a>
                </h2>
                {description !== undefined && (
                  <p>
                    <Localized text={description} reader={frame.reader} />
                  </p>
                )}
                <p class="soft">{ACCESS_IN_WORDS[access]}</p>
                {mayWrite(session, name) && retired === undefined && (
                  <p class="links">
                    <a href={`${registryPath(frame, name)}/new`}>
                      New record
                      <span class="unseen">
                        {" "}
                        in <Localized text={title} reader={frame.reader} />
                      </span>
                    </a>
                  </p>
                )}
              </li>
            ))}
          </ul>
        )}
      </div>
    </StaffPage>
  );
};

/** The personal fields by whose whole value staff find records: asked for in a body, never in an address. */
function listPersonalFields({ compiled, fields }: RegistryPageView): FieldView[] {
  const { annotations } = compiled;
  const names = new Set([
    ...annotations.searchFields.filter(({ personal }) => personal).map(({ name }) => name),
    ...annotations.uniqueKeys.filter((key) => key.personal && key.fields.length === 1).map(({ name }) => name),
  ]);
  return flattenFields(fields).filter(({ name }) => names.has(name));
}

interface Outcome {
  readonly page: RecordPage | undefined;
  readonly names: RecordNames;
  readonly fault: AttestryError | undefined;
}

interface FindPageProps {
  readonly view: RegistryPageView;
  readonly session: Session;
  readonly frame: PageFrame;
  /** What was asked for in the address, and of personal fields in the form. */
  readonly values: Readonly<Record<string, string>>;
  readonly personal: Readonly<Record<string, string>>;
  readonly outcome: Outcome;
}

const PersonalSearch: FC<FindPageProps> = ({ view, session, frame, personal }) => {
  const fields = listPersonalFields(view);
  if (fields.length === 0) return null;
  return (
    <details open={Object.keys(personal).length > 0}>
      <summary>Find by personal values</summary>
      <form
        method="post"
        action={`${registryPath(frame, view.compiled.definition.name)}/search`}
        class="search"
        aria-label="Find by personal values"
      >
        <input type="hidden" name={FORM_TOKEN} value={session.formToken} />
        <p class="soft">By the whole value. It stands in no address and in no log.</p>
        <div class="fields">
          {fields.map((field, number) => (
            <div class="field">
              <label for={`personal-${number}`}>
                <Localized text={field.fullTitle} reader={frame.reader} />
              </label>
              <input
                id={`personal-${number}`}
                name={field.name}
                type={field.kind === "day" ? "date" : "search"}
                value={personal[field.name] ?? ""}
                dir="auto"
                autocomplete="off"
              />
            </div>
          ))}
        </div>
        <p class="buttons">
          <button type="submit">Find</button>
        </p>
      </form>
    </details>
  );
};

const Results: FC<FindPageProps> = ({ view, session, frame, values, outcome }) => {
  const { page, names } = outcome;
  if (page === undefined) return null;
  const { name } = view.compiled.definition;
  if (page.records.length === 0)
    return (
      <Note title="No record was found.">
        <p>
          Leave some of the conditions empty, or search by the beginning of a name where the form says so.{" "}
          {session.caller.claims !== undefined && "Records outside your jurisdiction are not among them."}
        </p>
      </Note>
    );
  const { columns, hasIdentifier } = chooseColumns(view, frame.reader);
  const { cursor, ...first } = values;
  const path = registryPath(frame, name);
  return (
    <>
      <Count page={page} frame={frame} />
      <RecordTable
        caption="Records"
        records={page.records}
        columns={columns}
        hasIdentifier={hasIdentifier}
        names={names}
        frame={frame}
        suffix=""
        hrefOf={({ rid }) => recordPath(frame, { registry: name, rid })}
      />
      {(cursor !== undefined || page.next !== undefined) && (
        <nav aria-label="Pages of the result" class="links pages">
          {cursor !== undefined && <a href={formatAddress(path, first)}>First page</a>}
          {page.next !== undefined && (
            <a rel="next" href={formatAddress(path, { ...values, cursor: page.next })}>
              Next page
            </a>
          )}
        </nav>
      )}
    </>
  );
};

function listFaults(fault: AttestryError | undefined): readonly ErrorDetail[] {
  if (fault === undefined || fault.details.length > 0) return fault?.details ?? [];
  const field = /^"([^"]+)"/.exec(fault.message)?.[1];
  return field === undefined ? [] : [{ field, message: fault.message }];
}

const FindPage: FC<FindPageProps> = (props) => {
  const { view, session, frame, values, outcome } = props;
  const { name, title, retired } = view.compiled.definition;
  return (
    <StaffPage
      title={chooseText(title, frame.reader).text}
      lead="Its records, as far as they are yours to see."
      crumbs={[
        { href: `${frame.basePath}/console`, text: DESK },
        { href: `${frame.basePath}/console/registries`, text: REGISTRIES },
      ]}
      session={session}
      frame={frame}
      styles={[DESK_STYLE]}
    >
      <Retired compiled={view.compiled} frame={frame} />
      {mayWrite(session, name) && retired === undefined && (
        <p class="tasks space">
          <a class="button" href={`${registryPath(frame, name)}/new`}>
            New record
          </a>
        </p>
      )}
      <Section id="search" title="Search">
        {outcome.fault !== undefined && (
          <div role="alert">
            <Note kind="warning" title="This could not be searched for.">
              <p>{formatSentence(outcome.fault.message)}</p>
            </Note>
          </div>
        )}
        <SearchForm
          frame={frame}
          action={registryPath(frame, name)}
          groups={view.groups}
          sorts={view.sorts}
          values={values}
          faults={listFaults(outcome.fault)}
        />
        <PersonalSearch {...props} />
      </Section>
      {outcome.page !== undefined && (
        <Section id="records" title="Records found">
          <Results {...props} />
        </Section>
      )}
    </StaffPage>
  );
};

export function createRegistryDeskPages(deps: RegistryDeskPagesDeps): Hono {
  const { names, registries, recordSearches, recordNames } = deps;
  const browser = createPageSessions(deps);
  const views = createRegistryViews(deps);
  const pages = new Hono();
  const frameOf = (context: Context): PageFrame => deskFrame(readFrame(context, deps), names);

  pages.get(DESK_STYLE.path, (context) =>
    context.body(DESK_STYLE.text, 200, {
      "content-type": DESK_STYLE.mediaType,
      "cache-control": "public, max-age=31536000, immutable",
    }),
  );

  pages.get("/console/registries", async (context) => {
    const session = await browser.require(context);
    if (session instanceof Response) return session;
    const page = <ListPage all={await registries.list()} session={session} frame={frameOf(context)} />;
    return answerStaffPage(context, page);
  });

  /** What is asked in an address has texts only; what is asked in a form may be personal. */
  async function search(
    session: Session,
    view: RegistryPageView,
    asked: { fields: JsonObject; inAddress: boolean; cursor?: string | undefined; frame: PageFrame },
  ): Promise<Outcome> {
    const { caller } = session;
    const languages = listLookupTags(asked.frame.reader);
    try {
      const page = await recordSearches.find({
        caller,
        registry: view.compiled.definition.name,
        fields: asked.fields,
        inAddress: asked.inAddress,
        ...(!asked.inAddress && { count: true }),
        cursor: asked.cursor,
        limit: PAGE_ROWS,
        languages,
      });
      const hrefs = page.records.flatMap(({ data }) => listOwnReferences(view.fields, data, names));
      return { page, names: await recordNames.findNames({ caller, hrefs, languages }), fault: undefined };
    } catch (error) {
      if (!isAttestryError(error, "query_invalid") && !isAttestryError(error, "search_too_broad")) throw error;
      return { page: undefined, names: new Map(), fault: error };
    }
  }

  /** Public registries offer the records that a reference may be to; of others the form asks for their address. */
  async function loadView(context: Context, session: Session, registry: string): Promise<RegistryPageView> {
    checkPermitted({ caller: session.caller, action: "record.inspect", registry });
    const { definition } = await registries.getCurrent(registry);
    return definition.access === "public"
      ? views.load(registry, frameOf(context).reader)
      : describeRegistry(await registries.getCurrent(registry));
  }

  pages.get("/console/registries/:registry", async (context) => {
    const session = await browser.require(context);
    if (session instanceof Response) return session;
    const { registry } = context.req.param();
    const view = await loadView(context, session, registry);
    const frame = frameOf(context);
    const { values, hasBlanks } = readValues(context);
    if (hasBlanks) return context.redirect(formatAddress(registryPath(frame, registry), values), 303);
    const { cursor, ...fields } = values;
    const outcome = await search(session, view, {
      fields: { ...fields, count: "true" },
      inAddress: true,
      cursor,
      frame,
    });
    const page = <FindPage {...{ view, session, frame, values, outcome }} personal={{}} />;
    return answerStaffPage(context, page, outcome.fault === undefined ? 200 : 400);
  });

  pages.post("/console/registries/:registry/search", async (context) => {
    const session = await browser.require(context);
    if (session instanceof Response) return session;
    const form = await browser.readForm(context, session);
    const { registry } = context.req.param();
    const view = await loadView(context, session, registry);
    const frame = frameOf(context);
    const personal = Object.fromEntries(
      listPersonalFields(view).flatMap(({ name }) => {
        const text = (form.get(name) ?? "").trim();
        return text === "" ? [] : [[name, text] as const];
      }),
    );
    const outcome = await search(session, view, { fields: personal, inAddress: false, frame });
    const page = <FindPage {...{ view, session, frame, outcome, personal }} values={{}} />;
    return answerStaffPage(context, page, outcome.fault === undefined ? 200 : 400);
  });

  return pages;
}
