// Gives records out in bulk: parse, call one service, stream what it gives as fast as it is taken.
import type { IdentityService } from "../identity/identity-service.ts";
import { EXPORT_FORMATS, EXPORT_STATES, type ExportChunk, type ExportService } from "../records/bulk/export-service.ts";
import { parseCoordinates } from "../records/record-timeline.ts";
import { declareOperation } from "./operation.ts";
import { createOperationRoutes, type OperationRoutes } from "./operation-routes.ts";

const NDJSON = "application/x-ndjson";
const CSV = "text/csv";
const TYPES = { ndjson: NDJSON, csv: `${CSV}; charset=utf-8; header=present` } as const;

const exportRecords = declareOperation({
  id: "exportRecords",
  method: "get",
  path: "/registries/{registry}/records:export",
  tag: "Records",
  summary: "Export a registry's records",
  description:
    "All of them, as of the log's size when the export began, in the order of creation; what an import into another node takes. Staff gets every field, anyone the open fields of a public registry. With `limit` in parts: `Attestry-Next` and `Attestry-Log-Size` of one part are `after` and `size` of the next.",
  actions: ["record.read", "record.inspect"],
  query: {
    format: { description: "NDJSON, or CSV (docs/export.md).", schema: { enum: EXPORT_FORMATS }, example: "csv" },
    fields: {
      description: "Only these fields, dotted paths.",
      schema: { type: "array" },
      example: "name,address.city",
    },
    states: {
      description: `Records in these states; active ones unless given. ${EXPORT_STATES.join(", ")}.`,
      schema: { type: "array" },
      example: "active,suspended",
    },
    asOf: { description: "As recorded then: a date or a date with time and zone.", schema: { type: "string" } },
    validAt: { description: "As in effect then.", schema: { type: "string" } },
    history: { description: "Every version and statement, as NDJSON.", schema: { type: "boolean" } },
    after: { description: "`Attestry-Next` of the part before.", schema: { type: "integer", minimum: 0 } },
    size: { description: "`Attestry-Log-Size` of the part before.", schema: { type: "integer", minimum: 0 } },
    limit: { description: "Records looked at in this part.", schema: { type: "integer", minimum: 1 }, example: 5_000 },
  },
  responses: {
    200: {
      description: "The records, one a line.",
      content: { [NDJSON]: { schema: { type: "string" } }, [CSV]: { schema: { type: "string" } } },
      headers: {
        "Attestry-Log-Size": { description: "Entries of the log that it is as of.", schema: { type: "integer" } },
        "Attestry-Next": { description: "Where the next part begins, if there is one.", schema: { type: "integer" } },
      },
    },
  },
  errors: ["registry_unknown", "query_invalid"],
});

export function createExportRoutes(deps: { identity: IdentityService; exports: ExportService }): OperationRoutes {
  const routes = createOperationRoutes(deps);

  routes.handle(exportRecords, async ({ context, caller, path, query }) => {
    const { registry } = path;
    const { format = "ndjson", fields, states, after, size, limit, history } = query;
    const at = parseCoordinates({ asOf: query.asOf, validAt: query.validAt });
    const common = { caller, registry, at, after, size, limit };
    const opened = history
      ? await deps.exports.openHistory(common)
      : await deps.exports.open({ ...common, format, fields, states });
    return context.body(await streamText(opened.chunks), 200, {
      "content-type": history ? NDJSON : TYPES[format],
      "content-disposition": `attachment; filename="${registry}.${history ? "ndjson" : format}"`,
      "cache-control": caller.kind === "anonymous" ? "public, max-age=5" : "private, no-store",
      vary: "authorization",
      "attestry-log-size": String(opened.size),
      ...(opened.next !== undefined && { "attestry-next": String(opened.next) }),
    });
  });

  return routes;
}

/** A body that asks for the next chunk when the client took the last one. The first is made before, so that its failure is an error answer. */
export async function streamText(chunks: AsyncGenerator<ExportChunk>): Promise<ReadableStream<Uint8Array>> {
  const encoder = new TextEncoder();
  let next = await chunks.next();
  return new ReadableStream<Uint8Array>({
    async pull(controller) {
      // A page may have no row that was asked for.
      while (!next.done && next.value.text === "") next = await chunks.next();
      if (next.done) return controller.close();
      controller.enqueue(encoder.encode(next.value.text));
      next = await chunks.next();
    },
    async cancel() {
      await chunks.return(undefined);
    },
  });
}
