// The JSON API that writes single records: parse, call one service, answer.
import { type Context, Hono } from "hono";
import type { Json } from "../crypto/json.ts";
import { AttestryError } from "../errors.ts";
import type { Caller } from "../identity/caller.ts";
import type { IdentityService } from "../identity/identity-service.ts";
import type { RecordStateService, StateOptions } from "../records/record-state-service.ts";
import type { RecordWriteService } from "../records/record-write-service.ts";
import { readIdempotencyKey, readIfMatch, readJson, readOptionalJson } from "./request.ts";

export function createRecordWriteRoutes(deps: {
  identity: IdentityService;
  recordWrites: RecordWriteService;
  recordStates: RecordStateService;
}): Hono {
  const { identity, recordWrites: records, recordStates: states } = deps;
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

  async function readState(context: Context): Promise<StateOptions> {
    const caller = await callerOf(context.req.header("authorization"));
    const { registry = "", rid = "" } = context.req.param();
    const expected = readIfMatch(context);
    const idempotencyKey = readIdempotencyKey(context);
    const body: Json | undefined = await readOptionalJson(context);
    return { caller, registry, rid, body, idempotencyKey, expected };
  }

  for (const operation of ["suspend", "reinstate", "revoke", "end"] as const) {
    routes.post(`/registries/:registry/records/:rid/${operation}`, async (context) => {
      const { view, etag } = await states.change({ ...(await readState(context)), operation });
      context.header("etag", `"${etag}"`);
      return context.json(view);
    });
  }

  routes.post("/registries/:registry/records/:rid/replace", async (context) => {
    const { view, etag } = await states.replace(await readState(context));
    context.header("etag", `"${etag}"`);
    return context.json(view);
  });

  routes.post("/registries/:registry/records/:rid/erase", async (context) =>
    context.json(await states.erase(await readState(context))),
  );

  return routes;
}
