// The JSON API of registries and records: parse, call one service, answer.
import { Hono } from "hono";
import { isJsonObject, type Json } from "../crypto/json.ts";
import { AttestryError } from "../errors.ts";
import type { Caller } from "../identity/caller.ts";
import type { IdentityService } from "../identity/identity-service.ts";
import type { EvidenceService } from "../records/evidence-service.ts";
import type { RecordService } from "../records/record-service.ts";
import { readIdempotencyKey, readIfMatch, readJson, readNumber, readOptionalJson, readQuery } from "./request.ts";

const EVIDENCE_TYPE = "application/vnd.attestry.evidence+json";
const TOKEN_TYPE = "application/dc+sd-jwt";
const RECEIPT_TYPE = "text/plain; charset=utf-8";

export function createRecordRoutes(deps: {
  identity: IdentityService;
  records: RecordService;
  evidence: EvidenceService;
}): Hono {
  const { identity, records, evidence } = deps;
  const routes = new Hono();
  const callerOf = (authorization: string | undefined): Promise<Caller> => identity.authenticate(authorization);

  routes.post("/registries/:registry/records", async (context) => {
    const caller = await callerOf(context.req.header("authorization"));
    const idempotencyKey = readIdempotencyKey(context);
    const body = await readJson(context);
    const { view, etag } = await records.create({
      caller,
      registry: context.req.param("registry"),
      body,
      idempotencyKey,
    });
    context.header("location", view.href);
    context.header("etag", `"${etag}"`);
    return context.json(view, 201);
  });

  routes.get("/registries/:registry/records", async (context) => {
    const caller = await callerOf(context.req.header("authorization"));
    const { cursor, limit, ...fields } = readQuery(context);
    const page = await records.find({
      caller,
      registry: context.req.param("registry"),
      fields,
      cursor,
      limit: readNumber(limit, "limit"),
      inAddress: true,
    });
    return context.json(page);
  });

  routes.post("/registries/:registry/records:search", async (context) => {
    const caller = await callerOf(context.req.header("authorization"));
    const body = await readJson(context);
    const fields = isJsonObject(body) && isJsonObject(body.fields) ? body.fields : undefined;
    if (fields === undefined || Object.keys(body as object).length !== 1) {
      throw new AttestryError("request_invalid", 'the body must be {"fields": {"name": value}}');
    }
    const page = await records.find({
      caller,
      registry: context.req.param("registry"),
      fields,
      cursor: undefined,
      limit: undefined,
      inAddress: false,
    });
    return context.json(page);
  });

  routes.get("/registries/:registry/records/:rid", async (context) => {
    const caller = await callerOf(context.req.header("authorization"));
    const { registry, rid } = context.req.param();
    const version = readNumber(context.req.query("version"), "version");
    const accept = context.req.header("accept") ?? "";
    if (accept.includes(EVIDENCE_TYPE))
      return context.json(await evidence.evidence({ caller, registry, rid, version }), 200, {
        "content-type": EVIDENCE_TYPE,
      });
    const { view, etag } = await records.get({ caller, registry, rid, ...(version !== undefined && { version }) });
    context.header("etag", `"${etag}"`);
    context.header("vary", "accept, authorization");
    context.header("cache-control", caller.kind === "anonymous" ? "public, max-age=5" : "private, no-store");
    if (context.req.header("if-none-match") === `"${etag}"`) return context.body(null, 304);
    if (accept.includes(TOKEN_TYPE)) return context.body(view.token, 200, { "content-type": TOKEN_TYPE });
    return context.json(view);
  });

  routes.patch("/registries/:registry/records/:rid", async (context) => {
    const caller = await callerOf(context.req.header("authorization"));
    const { registry, rid } = context.req.param();
    const expected = readIfMatch(context);
    if (expected === undefined) {
      throw new AttestryError(
        "precondition_required",
        "amending needs If-Match with the ETag of the version you read, so that nobody's change is lost",
      );
    }
    const idempotencyKey = readIdempotencyKey(context);
    const body = await readJson(context, ["application/merge-patch+json", "application/json"]);
    const { view, etag } = await records.amend({ caller, registry, rid, body, idempotencyKey, expected });
    context.header("etag", `"${etag}"`);
    return context.json(view);
  });

  routes.post("/registries/:registry/records/:rid/revoke", async (context) => {
    const caller = await callerOf(context.req.header("authorization"));
    const { registry, rid } = context.req.param();
    const expected = readIfMatch(context);
    const idempotencyKey = readIdempotencyKey(context);
    const body: Json | undefined = await readOptionalJson(context);
    const { view, etag } = await records.revoke({ caller, registry, rid, body, idempotencyKey, expected });
    context.header("etag", `"${etag}"`);
    return context.json(view);
  });

  routes.get("/registries/:registry/records/:rid/versions", async (context) => {
    const caller = await callerOf(context.req.header("authorization"));
    const { registry, rid } = context.req.param();
    return context.json(await records.history({ caller, registry, rid }));
  });

  routes.get("/registries/:registry/records/:rid/evidence", async (context) => {
    const caller = await callerOf(context.req.header("authorization"));
    const { registry, rid } = context.req.param();
    const version = readNumber(context.req.query("version"), "version");
    return context.json(await evidence.evidence({ caller, registry, rid, version }), 200, {
      "content-type": EVIDENCE_TYPE,
    });
  });

  routes.get("/registries/:registry/records/:rid/receipt", async (context) => {
    const caller = await callerOf(context.req.header("authorization"));
    const { registry, rid } = context.req.param();
    const version = readNumber(context.req.query("version"), "version");
    return context.body(await evidence.receipt({ caller, registry, rid, version }), 200, {
      "content-type": RECEIPT_TYPE,
    });
  });

  return routes;
}
