// `/federation`: who belongs to the federation, as a tree, with the state of each member. Reads the directory; asks nobody.
import { Hono } from "hono";
import type { FC } from "hono/jsx";
import type { DirectoryService } from "../federation/directory-service.ts";
import { Counts, Empty, FilterForm, federationAddress, MemberList, Tree } from "./federation-sections.tsx";
import { type FederationView, loadFederationView, readFederationQuery } from "./federation-view.ts";
import { answerPage, Layout } from "./layout.tsx";
import { Breadcrumb, type Crumb, FOOTER, type PageFrame } from "./markup.tsx";
import { readFrame, readValues } from "./page-request.ts";

const TITLE = "The federation";

function listCrumbs({ top, query, isList }: FederationView, frame: PageFrame): Crumb[] {
  if (!isList && query.below === undefined) return [];
  const above = (top?.path ?? []).map((entity) => ({
    href: federationAddress(frame, { below: entity }),
    text: entity,
  }));
  return [{ href: federationAddress(frame), text: TITLE }, ...(isList ? [] : above)];
}

const FederationPage: FC<{ view: FederationView; frame: PageFrame }> = ({ view, frame }) => {
  const { top, query, nodes, next } = view;
  const heading = query.below === undefined ? TITLE : `Below ${top?.organizationName ?? query.below}`;
  return (
    <Layout
      title={`${heading} · ${frame.organizationName}`}
      basePath={frame.basePath}
      header={
        <>
          <Breadcrumb frame={frame} crumbs={listCrumbs(view, frame)} />
          <h1 dir="auto">{heading}</h1>
          <p class="lead">Which departments belong to it, who vouches for each, and which records each may sign.</p>
        </>
      }
      footer={FOOTER}
    >
      <div class="space">
        <Counts view={view} frame={frame} />
        <FilterForm query={query} frame={frame} />
        {nodes.length === 0 ? (
          <Empty view={view} />
        ) : view.isList ? (
          <MemberList nodes={nodes} frame={frame} />
        ) : (
          <Tree nodes={nodes} frame={frame} />
        )}
        {next !== undefined && (
          <p class="pages">
            <a href={federationAddress(frame, { ...query, cursor: next })} rel="next">
              Next page
            </a>
          </p>
        )}
      </div>
    </Layout>
  );
};

export function createFederationPages(deps: {
  readonly entity: string;
  readonly basePath: string;
  readonly organizationName: string;
  readonly directory: DirectoryService;
}): Hono {
  const { directory } = deps;
  const pages = new Hono();
  pages.get("/federation", async (context) => {
    const view = await loadFederationView(directory, readFederationQuery(readValues(context).values));
    context.header("vary", "accept-language");
    const frame = readFrame(context, deps);
    return answerPage(context, <FederationPage view={view} frame={frame} />);
  });
  return pages;
}
