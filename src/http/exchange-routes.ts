// What other nodes and verifiers fetch: status lists and batches of records with their proofs.
import { gzipSync } from "node:zlib";
import { createBoundedCache } from "../bounded-cache.ts";
import { sha256Base64url } from "../crypto/hash.ts";
import type { IdentityService } from "../identity/identity-service.ts";
import {
  RECORDS_READ_MAX,
  STATUS_LIST_CACHE_SECONDS,
  STATUS_LIST_TTL_SECONDS,
  STATUS_LISTS_REMEMBERED_MAX,
} from "../limits.ts";
import type { EvidenceService } from "../records/evidence-service.ts";
import type { ReadReference } from "../records/record-batch-service.ts";
import type { ReadAccess } from "../records/record-disclosure.ts";
import type { SignedStatusList, StatusService } from "../records/status-service.ts";
import { declareOperation, jsonAnswer, jsonBody, textAnswer } from "./operation.ts";
import { createOperationRoutes, type OperationRoutes } from "./operation-routes.ts";
import { IF_NONE_MATCH, readNumber } from "./parameters.ts";
import { acceptsGzip } from "./request.ts";

const STATUS_LIST_TYPE = "application/statuslist+jwt";

const getStatusList = declareOperation({
  id: "getStatusList",
  method: "get",
  path: "/status/{list}",
  tag: "Proofs",
  summary: "A signed status list",
  description: `IETF Token Status List, 2 bits a version: 0 valid, 1 invalid, 2 suspended, 3 superseded. A change is in it within ${STATUS_LIST_TTL_SECONDS} seconds. Compressed by gzip where that is accepted.`,
  actions: ["proof.check"],
  headers: { "if-none-match": IF_NONE_MATCH },
  responses: {
    200: textAnswer(STATUS_LIST_TYPE, {
      description: "The status list token.",
      example: "eyJ0eXAiOiJzdGF0dXNsaXN0K2p3dCIsImFsZyI6IkVkMjU1MTkifQ.eyJzdWIiOiIifQ.c2lnbmF0dXJl",
    }),
    304: { description: "It is the one you have.", content: {} },
  },
  errors: ["not_found", "query_invalid"],
});

const readRecords = declareOperation({
  id: "readRecords",
  method: "post",
  path: "/records:read",
  tag: "Proofs",
  summary: "Read records of this node with their proofs",
  description: `What another node needs to verify up to ${RECORDS_READ_MAX} references. This node answers only for its own records, and never asks further. Records of registries with access "members" are given to nodes of the federation, by signed requests; those with access "consent" for a stated purpose (\`access\`) with a basis, field by field, and each such reading is in the access log before it is answered.`,
  actions: ["record.read"],
  nodes: true,
  body: jsonBody<{ references: ReadReference[]; access?: ReadAccess }>({
    schema: { $ref: "record-read-request.schema.json" },
  }),
  responses: {
    200: jsonAnswer({ description: "One outcome per reference.", schema: { $ref: "record-read-answer.schema.json" } }),
  },
});

/** Compresses each signed list once. */
function createListZipper(): (list: number, signed: SignedStatusList) => Uint8Array<ArrayBuffer> {
  const zipped = createBoundedCache<{ logIndex: number; bytes: Uint8Array<ArrayBuffer> }>(STATUS_LISTS_REMEMBERED_MAX);
  return (list, { token, logIndex }) => {
    const known = zipped.get(String(list));
    if (known?.logIndex === logIndex) return known.bytes;
    const bytes = new Uint8Array(gzipSync(token));
    zipped.set(String(list), { logIndex, bytes });
    return bytes;
  };
}

export function createExchangeRoutes(deps: {
  identity: IdentityService;
  statuses: StatusService;
  evidence: EvidenceService;
}): OperationRoutes {
  const routes = createOperationRoutes(deps);
  const zip = createListZipper();

  routes.handle(getStatusList, async ({ context, path, headers }) => {
    const list = readNumber(path.list, "list");
    const signed = await deps.statuses.getSigned(list);
    // Weak: the compressed and the plain form are one list.
    const etag = `W/"${sha256Base64url(signed.token).slice(0, 22)}"`;
    const caching = {
      etag,
      vary: "accept-encoding",
      "cache-control": `public, max-age=${STATUS_LIST_CACHE_SECONDS}`,
      "access-control-allow-origin": "*",
    };
    if (headers["if-none-match"] === etag) return context.body(null, 304, caching);
    const answer = { ...caching, "content-type": STATUS_LIST_TYPE };
    if (!acceptsGzip(context)) return context.body(signed.token, 200, answer);
    return context.body(zip(list, signed), 200, { ...answer, "content-encoding": "gzip" });
  });

  routes.handle(readRecords, async ({ context, caller, body }) =>
    context.json(await deps.evidence.read(body.references, caller, body.access)),
  );

  return routes;
}
