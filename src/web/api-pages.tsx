// `/docs`: the API for people, written out of the node's own OpenAPI document. No script and no library: what it shows, it has.
import { Hono } from "hono";
import type { JsonObject } from "../crypto/json.ts";
import type { RegistryService } from "../registries/registry-service.ts";
import { Contents, OperationSections, ProblemSection, SchemaSection, Words } from "./api-sections.tsx";
import { readDocument } from "./api-view.ts";
import { answerPage, Layout } from "./layout.tsx";
import { Breadcrumb, FOOTER, Localized, type PageFrame, Section } from "./markup.tsx";
import { readReader, readValues } from "./page-request.ts";
import { listLookupTags } from "./reader-language.ts";

export interface ApiPagesDeps {
  readonly entity: string;
  readonly basePath: string;
  readonly organizationName: string;
  readonly registries: Pick<RegistryService, "list">;
  readonly getApiDocument: (options: {
    readonly registry: string | undefined;
    readonly languages: readonly string[];
  }) => Promise<{ readonly text: string }>;
}

/** Of the whole document the operations of no registry in particular: each registry has a page of its own. */
function isGeneral(path: string): boolean {
  return !/^\/registries\/[a-z]/.test(path);
}

export function createApiPages(deps: ApiPagesDeps): Hono {
  const { entity, basePath, organizationName, registries, getApiDocument } = deps;
  const pages = new Hono();

  pages.get("/docs", async (context) => {
    const reader = readReader(context);
    const { registry } = readValues(context).values;
    const [{ text }, compiled] = await Promise.all([
      getApiDocument({ registry, languages: listLookupTags(reader) }),
      registries.list(),
    ]);
    const view = readDocument(JSON.parse(text) as JsonObject, registry === undefined ? isGeneral : () => true);
    const frame: PageFrame = { basePath, entity, organizationName, reader };
    const crumbs = registry === undefined ? [] : [{ href: `${basePath}/docs`, text: "API" }];
    const file = `${basePath}/openapi.json${registry === undefined ? "" : `?registry=${encodeURIComponent(registry)}`}`;
    context.header("vary", "accept-language");
    return answerPage(
      context,
      <Layout
        title={view.title}
        basePath={basePath}
        header={
          <>
            <Breadcrumb frame={frame} crumbs={crumbs} />
            <h1 dir="auto">{view.title}</h1>
            <p class="lead">
              <Words text={view.description} />
            </p>
          </>
        }
        footer={FOOTER}
      >
        <Section id="use" title="How to use it">
          <p>
            The same as an OpenAPI 3.1 document, of which clients are generated: <a href={file}>openapi.json</a>. All
            addresses begin with <code>{entity}</code>. Who works here brings a token in the header{" "}
            <code>Authorization: Bearer …</code>; the node's operator makes one by <code>attestry token</code>.
          </p>
          {registry === undefined && compiled.length > 0 && (
            <>
              <p>What there is for the data of one registry, with its fields:</p>
              <ul class="plain">
                {compiled.map(({ definition }) => (
                  <li>
                    <a href={`${basePath}/docs?registry=${definition.name}`}>
                      <Localized text={definition.title} reader={reader} />
                    </a>
                  </li>
                ))}
              </ul>
            </>
          )}
          <Contents view={view} />
        </Section>
        <OperationSections view={view} />
        <SchemaSection view={view} />
        <ProblemSection view={view} />
      </Layout>,
    );
  });

  return pages;
}
