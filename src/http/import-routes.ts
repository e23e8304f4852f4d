// Bulk writing: NDJSON in, one outcome per line out, in the same order.
import { decodeUtf8 } from "../crypto/hash.ts";
import { parseJson } from "../crypto/json.ts";
import { AttestryError } from "../errors.ts";
import type { IdentityService } from "../identity/identity-service.ts";
import { IMPORT_BODY_BYTES_MAX, IMPORT_LINE_BYTES_MAX, IMPORT_ROWS_MAX } from "../limits.ts";
import { parseImportFills } from "../records/bulk/import-fill.ts";
import { IMPORT_MODES, type ImportRow, type ImportService } from "../records/bulk/import-service.ts";
import { bytesBody, declareOperation, textAnswer } from "./operation.ts";
import { createOperationRoutes, type OperationRoutes } from "./operation-routes.ts";
import { IDEMPOTENCY_KEY } from "./parameters.ts";

const NDJSON = "application/x-ndjson";

const importRecords = declareOperation({
  id: "importRecords",
  method: "post",
  path: "/registries/{registry}/records:import",
  tag: "Records",
  summary: "Create or amend many records",
  description:
    'One envelope of a creation a line. Each row is answered for itself, in order: created, amended, unchanged or refused by name; one that is refused holds up no other. With an Idempotency-Key a row that was written before is answered as it was then, in whatever batch it comes again; `"row"` in a line names it within the import, its place in the request where it has none. What an export told in `record` is not imported.',
  actions: ["record.import"],
  writes: true,
  query: {
    mode: {
      description: "What becomes of a record with the same unique value that says something else.",
      schema: { enum: IMPORT_MODES, default: "create" },
      example: "upsert",
    },
    dryRun: { description: "Foretell only.", schema: { type: "boolean" } },
    fills: {
      description:
        "The places in a row that the rows fill, dotted, comma separated: of a record that is there, all others stay as they are. Without it a row says all that its record is to say.",
      schema: { type: "string", minLength: 1, maxLength: 20_000 },
      example: "data.code,data.address.city,valid_from",
    },
  },
  headers: { "idempotency-key": IDEMPOTENCY_KEY },
  body: bytesBody({
    mediaTypes: [NDJSON, "application/ndjson", "application/jsonl"],
    bytesMax: IMPORT_BODY_BYTES_MAX,
    schema: { type: "string" },
    examples: { rows: '{"data":{"code":"603","name":"Nicobars"},"row":2}\n' },
  }),
  responses: {
    200: textAnswer(NDJSON, {
      description: "One outcome a line.",
      example: '{"outcome":"created","rid":"4f0c2a4e-6d1b-8c57-9f3e-2b7a1c9d8e60","log_index":1207}\n',
    }),
  },
  errors: ["registry_unknown", "query_invalid", "too_many_items", "encoding_invalid"],
});

function parseRow(line: string): ImportRow {
  try {
    if (line.length > IMPORT_LINE_BYTES_MAX)
      throw new AttestryError("record_too_large", `a line has more than ${IMPORT_LINE_BYTES_MAX} characters`);
    return parseJson(line);
  } catch (error) {
    if (error instanceof AttestryError) return error;
    throw error;
  }
}

export function createImportRoutes(deps: { identity: IdentityService; imports: ImportService }): OperationRoutes {
  const routes = createOperationRoutes(deps);

  routes.handle(importRecords, async ({ context, caller, path, query, headers, body }) => {
    const lines = decodeUtf8(body)
      .split("\n")
      .filter((line) => line.trim() !== "");
    if (lines.length > IMPORT_ROWS_MAX)
      throw new AttestryError(
        "too_many_items",
        `${lines.length} rows in one request; at most ${IMPORT_ROWS_MAX} are allowed`,
      );
    const outcomes = await deps.imports.importRows({
      caller,
      registry: path.registry,
      mode: query.mode ?? "create",
      dryRun: query.dryRun === true,
      ...(query.fills !== undefined && { fills: parseImportFills(query.fills) }),
      idempotencyKey: headers["idempotency-key"],
      rows: lines.map(parseRow),
    });
    return context.body(outcomes.map((outcome) => `${JSON.stringify(outcome)}\n`).join(""), 200, {
      "content-type": NDJSON,
    });
  });

  return routes;
}
