// The JSON API that reads single records, their history and their proofs: parse, call one service, answer.
import { Hono } from "hono";
import type { Caller } from "../identity/caller.ts";
import type { IdentityService } from "../identity/identity-service.ts";
import type { EvidenceService } from "../records/evidence-service.ts";
import type { RecordHistoryService } from "../records/record-history-service.ts";
import type { RecordReadService } from "../records/record-read-service.ts";
import { parseCoordinates } from "../records/record-timeline.ts";
import { readLanguages, readNumber } from "./request.ts";

const EVIDENCE_TYPE = "application/vnd.attestry.evidence+json";
const TOKEN_TYPE = "application/dc+sd-jwt";
const RECEIPT_TYPE = "text/plain; charset=utf-8";

export function createRecordReadRoutes(deps: {
  identity: IdentityService;
  recordReads: RecordReadService;
  recordHistory: RecordHistoryService;
  evidence: EvidenceService;
}): Hono {
  const { identity, recordReads: records, evidence } = deps;
  const routes = new Hono();
  const callerOf = (authorization: string | undefined): Promise<Caller> => identity.authenticate(authorization);

  routes.get("/registries/:registry/records/:rid", async (context) => {
    const caller = await callerOf(context.req.header("authorization"));
    const { registry, rid } = context.req.param();
    const version = readNumber(context.req.query("version"), "version");
    const accept = context.req.header("accept") ?? "";
    if (accept.includes(EVIDENCE_TYPE))
      return context.json(await evidence.evidence({ caller, registry, rid, version }), 200, {
        "content-type": EVIDENCE_TYPE,
      });
    const at = parseCoordinates({ asOf: context.req.query("asOf"), validAt: context.req.query("validAt") });
    const languages = readLanguages(context);
    const { view, etag } = await records.get({
      caller,
      registry,
      rid,
      at,
      languages,
      ...(version !== undefined && { version }),
    });
    context.header("etag", `"${etag}"`);
    context.header("vary", "accept, accept-language, authorization");
    context.header("cache-control", caller.kind === "anonymous" ? "public, max-age=5" : "private, no-store");
    if (context.req.header("if-none-match") === `"${etag}"`) return context.body(null, 304);
    if (accept.includes(TOKEN_TYPE)) return context.body(view.token, 200, { "content-type": TOKEN_TYPE });
    return context.json(view);
  });

  routes.get("/registries/:registry/records/:rid/versions", async (context) => {
    const caller = await callerOf(context.req.header("authorization"));
    const { registry, rid } = context.req.param();
    return context.json(await records.versions({ caller, registry, rid }));
  });

  routes.get("/registries/:registry/records/:rid/history", async (context) => {
    const caller = await callerOf(context.req.header("authorization"));
    const { registry, rid } = context.req.param();
    const cursor = context.req.query("cursor");
    const limit = readNumber(context.req.query("limit"), "limit");
    const page = await deps.recordHistory.history({
      caller,
      registry,
      rid,
      cursor,
      limit,
      languages: readLanguages(context),
    });
    return context.json(page, 200, {
      vary: "accept, accept-language, authorization",
      "cache-control": caller.kind === "anonymous" ? "public, max-age=5" : "private, no-store",
    });
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
