// The page of one record at its own address, which is what others refer to it by. It shows what anybody may see.
import { type Context, Hono } from "hono";
import type { FC } from "hono/jsx";
import { AttestryError } from "../errors.ts";
import { ANONYMOUS } from "../identity/caller.ts";
import { PAGE_HISTORY_ENTRIES } from "../limits.ts";
import type { HistoryPage, RecordHistoryService } from "../records/record-history-service.ts";
import type { RecordNamesService } from "../records/record-names-service.ts";
import type { RecordReadService } from "../records/record-read-service.ts";
import { parseCoordinates } from "../records/record-timeline.ts";
import type { RecordView } from "../records/record-view.ts";
import type { CompiledDefinition } from "../registries/compiled-definition.ts";
import type { RegistryService } from "../registries/registry-service.ts";
import { listFields } from "./field-view.ts";
import { answerPage, Layout } from "./layout.tsx";
import { Breadcrumb, FOOTER, Localized, type PageFrame } from "./markup.tsx";
import { formatAddress, pageHandler, readValues } from "./page-request.ts";
import { listLookupTags, type Reader } from "./reader-language.ts";
import {
  DataSection,
  OtherTimeNote,
  ProofSection,
  type RecordSectionProps,
  SummarySection,
} from "./record-sections.tsx";
import { listHistoryReferences, TimelineSection } from "./timeline-section.tsx";
import { listOwnReferences } from "./value.tsx";

export interface RecordPagesDeps {
  readonly entity: string;
  readonly basePath: string;
  readonly organizationName: string;
  readonly registries: Pick<RegistryService, "getCurrent" | "getVersion">;
  readonly recordReads: Pick<RecordReadService, "get">;
  readonly recordHistory: RecordHistoryService;
  readonly recordNames: RecordNamesService;
}

/** The definition that a version was made under, by the end of its URL. */
export function definitionVersionOf(view: RecordView): number {
  return Number(view.definition.slice(view.definition.lastIndexOf("/") + 1));
}

/** Throws `query_invalid`. */
export function readVersion(text: string | undefined): number | undefined {
  if (text === undefined) return undefined;
  if (!/^\d{1,15}$/.test(text)) throw new AttestryError("query_invalid", '"version" must be a whole number');
  return Number(text);
}

/** Since when the state of today holds, as its latest change says. */
export function findSince({ entries }: HistoryPage, view: RecordView): string | undefined {
  if (view.as_of !== undefined || view.valid_at !== undefined) return undefined;
  return entries.find(({ state }) => state === view.state && state !== "active")?.effective_from;
}

interface PageProps extends RecordSectionProps {
  readonly compiled: CompiledDefinition;
  readonly history: HistoryPage;
  readonly isOlder: boolean;
}

const Page: FC<PageProps> = (props) => {
  const { view, frame, compiled, history } = props;
  const { title, name } = compiled.definition;
  const base = `${frame.basePath}/registries`;
  const crumbs = [
    { href: base, text: "Registries" },
    { href: `${base}/${name}`, text: <Localized text={title} reader={frame.reader} /> },
  ];
  return (
    <Layout
      title={`${view.display} · ${frame.organizationName}`}
      basePath={frame.basePath}
      header={
        <>
          <Breadcrumb frame={frame} crumbs={crumbs} />
          <h1>
            <span dir="auto">{view.display}</span>
          </h1>
        </>
      }
      footer={FOOTER}
    >
      <OtherTimeNote {...props} />
      <SummarySection {...props} since={findSince(history, view)} />
      <DataSection {...props} />
      <TimelineSection page={history} fields={props.fields} names={props.names} frame={frame} />
      <ProofSection {...props} />
    </Layout>
  );
};

export function createRecordPages(deps: RecordPagesDeps): Hono {
  const { entity, basePath, organizationName, registries, recordReads, recordNames, recordHistory } = deps;
  const pages = new Hono();

  async function answerRecord(context: Context, reader: Reader): Promise<Response> {
    const registry = context.req.param("registry") ?? "";
    const rid = context.req.param("rid") ?? "";
    const { values, hasBlanks } = readValues(context);
    if (hasBlanks) return context.redirect(formatAddress(new URL(context.req.url).pathname, values), 303);
    const version = readVersion(values.version);
    const at = parseCoordinates({ asOf: values.asOf, validAt: values.validAt });
    const languages = listLookupTags(reader);
    const asked = { caller: ANONYMOUS, registry, rid, languages };
    const [compiled, { view }, history] = await Promise.all([
      registries.getCurrent(registry),
      recordReads.get({ ...asked, at, ...(version !== undefined && { version }) }),
      recordHistory.history({ ...asked, cursor: values.before, limit: PAGE_HISTORY_ENTRIES }),
    ]);
    // Labels of the definition that the version was made under: today's may not have its fields any more.
    const fields = listFields(await registries.getVersion(registry, definitionVersionOf(view)));
    const hrefs = [
      ...listOwnReferences(fields, view.data, entity),
      ...(view.replaces ?? []),
      ...(view.replaced_by ?? []),
      ...listHistoryReferences(history, fields),
    ];
    const names = await recordNames.findNames({ caller: ANONYMOUS, hrefs, languages });
    const frame: PageFrame = { basePath, entity, organizationName, reader };
    const isOlder = view.state === "superseded";
    return answerPage(context, <Page {...{ view, fields, names, frame, compiled, history, isOlder }} />);
  }

  pages.get("/registries/:registry/records/:rid", pageHandler(answerRecord));

  return pages;
}
