// Bulk writing: NDJSON in, one outcome per line out, in the same order.
import { Hono } from "hono";
import { decodeUtf8 } from "../crypto/hash.ts";
import { parseJson } from "../crypto/json.ts";
import { AttestryError } from "../errors.ts";
import type { IdentityService } from "../identity/identity-service.ts";
import { IMPORT_BODY_BYTES_MAX, IMPORT_LINE_BYTES_MAX, IMPORT_ROWS_MAX } from "../limits.ts";
import { IMPORT_MODES, type ImportMode, type ImportRow, type ImportService } from "../records/import-service.ts";
import { checkContentType, readBody, readIdempotencyKey } from "./request.ts";

const NDJSON = "application/x-ndjson";

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

function parseMode(text: string | undefined): ImportMode {
  const mode = text ?? "create";
  if ((IMPORT_MODES as readonly string[]).includes(mode)) return mode as ImportMode;
  throw new AttestryError("query_invalid", `mode is "${mode.slice(0, 40)}"; allowed: ${IMPORT_MODES.join(", ")}`);
}

export function createImportRoutes(deps: { identity: IdentityService; imports: ImportService }): Hono {
  const routes = new Hono();

  routes.post("/registries/:registry/records:import", async (context) => {
    const caller = await deps.identity.authenticate(context.req.header("authorization"));
    const mode = parseMode(context.req.query("mode"));
    const dryRun = context.req.query("dryRun") === "true";
    checkContentType(context, [NDJSON, "application/ndjson", "application/jsonl"]);
    const text = decodeUtf8(await readBody(context, IMPORT_BODY_BYTES_MAX));
    const lines = text.split("\n").filter((line) => line.trim() !== "");
    if (lines.length > IMPORT_ROWS_MAX)
      throw new AttestryError(
        "too_many_items",
        `${lines.length} rows in one request; at most ${IMPORT_ROWS_MAX} are allowed`,
      );
    const outcomes = await deps.imports.importRows({
      caller,
      registry: context.req.param("registry"),
      mode,
      dryRun,
      idempotencyKey: readIdempotencyKey(context),
      rows: lines.map(parseRow),
    });
    return context.body(outcomes.map((outcome) => `${JSON.stringify(outcome)}\n`).join(""), 200, {
      "content-type": NDJSON,
    });
  });

  return routes;
}
