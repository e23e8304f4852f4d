// What other nodes and verifiers fetch: status lists and batches of records with their proofs.
import { Hono } from "hono";
import { isJsonObject, type Json } from "../crypto/json.ts";
import { AttestryError } from "../errors.ts";
import { RECORDS_READ_MAX, STATUS_LIST_TTL_SECONDS } from "../limits.ts";
import type { EvidenceService, ReadReference } from "../records/evidence-service.ts";
import type { StatusService } from "../records/status-service.ts";
import { readJson, readNumber } from "./request.ts";

function parseReadReference(value: Json, at: number): ReadReference {
  const fail = (message: string) =>
    new AttestryError("request_invalid", "the references cannot be read", {
      details: [{ field: `/references/${at}`, message }],
    });
  if (!isJsonObject(value) || typeof value.href !== "string" || value.href.length > 2_048)
    throw fail('must be {"href": URL, "version"?: number}');
  const { href, version, ...rest } = value;
  if (Object.keys(rest).length > 0) throw fail(`has the unknown member "${Object.keys(rest)[0]!.slice(0, 80)}"`);
  if (version === undefined) return { href };
  if (typeof version !== "number" || !Number.isSafeInteger(version) || version < 1)
    throw fail("version must be a number from 1");
  return { href, version };
}

function parseReadRequest(body: Json): ReadReference[] {
  if (!isJsonObject(body) || !Array.isArray(body.references) || Object.keys(body).length !== 1) {
    throw new AttestryError("request_invalid", 'the body must be {"references": [{"href": URL, "version"?: number}]}');
  }
  if (body.references.length > RECORDS_READ_MAX) {
    throw new AttestryError(
      "too_many_items",
      `${body.references.length} references in one request; at most ${RECORDS_READ_MAX} are allowed`,
    );
  }
  return body.references.map(parseReadReference);
}

export function createExchangeRoutes(deps: { statuses: StatusService; evidence: EvidenceService }): Hono {
  const routes = new Hono();

  routes.get("/status/:list", async (context) => {
    const list = readNumber(context.req.param("list"), "list");
    if (list === undefined) throw new AttestryError("not_found", "a status list has a number");
    return context.body(await deps.statuses.getToken(list), 200, {
      "content-type": "application/statuslist+jwt",
      "cache-control": `public, max-age=${STATUS_LIST_TTL_SECONDS}`,
      "access-control-allow-origin": "*",
    });
  });

  routes.post("/records:read", async (context) =>
    context.json(await deps.evidence.read(parseReadRequest(await readJson(context)))),
  );

  return routes;
}
