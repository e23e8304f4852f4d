// POST /resolve: references in, verified records out, each with its own outcome.
import { Hono } from "hono";
import { isJsonObject, type Json } from "../crypto/json.ts";
import { AttestryError, type ErrorDetail } from "../errors.ts";
import type { IdentityService } from "../identity/identity-service.ts";
import { RESOLVE_REFERENCES_MAX } from "../limits.ts";
import { parseReference, type Reference } from "../records/record-url.ts";
import { parseFollowPaths } from "../resolution/follow-paths.ts";
import type { ResolutionService } from "../resolution/resolution-service.ts";
import { readJson } from "./request.ts";

const MEMBERS = ["references", "follow"];

function parseReferences(value: Json | undefined): Reference[] {
  if (!Array.isArray(value) || value.length === 0) {
    throw new AttestryError(
      "request_invalid",
      'the body must be {"references": [URL or {"href", "version", "digest"}, …], "follow"?: [["field", …], …]}',
    );
  }
  if (value.length > RESOLVE_REFERENCES_MAX) {
    throw new AttestryError(
      "too_many_items",
      `${value.length} references in one request; at most ${RESOLVE_REFERENCES_MAX} are allowed`,
    );
  }
  const details: ErrorDetail[] = [];
  const references = value.flatMap((item, at) => {
    const reference = parseReference(item);
    if (!reference) details.push({ field: `/references/${at}`, message: "is not the URL of a record" });
    return reference ?? [];
  });
  if (details.length > 0)
    throw new AttestryError("request_invalid", "some references are not addresses of records", {
      details: details.slice(0, 50),
    });
  return references;
}

export function createResolveRoutes(deps: { identity: IdentityService; resolution: ResolutionService }): Hono {
  const routes = new Hono();

  routes.post("/resolve", async (context) => {
    const caller = await deps.identity.authenticate(context.req.header("authorization"));
    const body = await readJson(context);
    const unknown = isJsonObject(body) ? Object.keys(body).find((name) => !MEMBERS.includes(name)) : undefined;
    if (!isJsonObject(body) || unknown !== undefined) {
      throw new AttestryError(
        "request_invalid",
        `the body must be an object with the members ${MEMBERS.join(", ")}${unknown === undefined ? "" : `; "${unknown.slice(0, 80)}" is unknown`}`,
      );
    }
    const references = parseReferences(body.references);
    const follow = parseFollowPaths(body.follow);
    return context.json(await deps.resolution.resolve({ references, follow, outgoing: caller.kind === "staff" }));
  });

  return routes;
}
