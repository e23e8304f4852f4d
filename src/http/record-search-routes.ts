// The JSON API that lists and finds records: parse, call one service, answer.
import { Hono } from "hono";
import { isJsonObject } from "../crypto/json.ts";
import { AttestryError } from "../errors.ts";
import type { Caller } from "../identity/caller.ts";
import type { IdentityService } from "../identity/identity-service.ts";
import type { RecordSearchService } from "../records/record-search-service.ts";
import { readJson, readNumber, readQuery } from "./request.ts";

export function createRecordSearchRoutes(deps: {
  identity: IdentityService;
  recordSearches: RecordSearchService;
}): Hono {
  const { identity, recordSearches: records } = deps;
  const routes = new Hono();
  const callerOf = (authorization: string | undefined): Promise<Caller> => identity.authenticate(authorization);

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

  return routes;
}
