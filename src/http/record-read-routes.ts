// The JSON API that reads single records and their history: call one service, answer.
import type { Context } from "hono";
import type { Caller } from "../identity/caller.ts";
import type { IdentityService } from "../identity/identity-service.ts";
import type { EvidenceService } from "../records/evidence-service.ts";
import type { RecordHistoryService } from "../records/record-history-service.ts";
import type { RecordReadService } from "../records/record-read-service.ts";
import { parseCoordinates } from "../records/record-timeline.ts";
import type { RegistryService } from "../registries/registry-service.ts";
import { declareOperation, jsonAnswer, type Parameter, textAnswer } from "./operation.ts";
import { createOperationRoutes, type OperationRoutes } from "./operation-routes.ts";
import { ACCEPT_LANGUAGE, AS_OF, CURSOR, IF_NONE_MATCH, LIMIT, VALID_AT, VERSION } from "./parameters.ts";
import { ETAG, RECORD } from "./record-answer.ts";
import { readLanguages } from "./request.ts";

const EVIDENCE_TYPE = "application/vnd.attestry.evidence+json";
const TOKEN_TYPE = "application/dc+sd-jwt";
const RECEIPT_TYPE = "text/plain; charset=utf-8";
const EVIDENCE = { $ref: "evidence.schema.json" };

const getRecord = declareOperation({
  id: "getRecord",
  method: "get",
  path: "/registries/{registry}/records/{rid}",
  tag: "Records",
  summary: "Read a record",
  description:
    "As JSON, as the signed token alone, or as the file with which anyone verifies it offline, by Accept. `asOf` asks what was recorded then, `validAt` what was in effect then; both may be given, but not with `version`.",
  actions: ["record.read", "record.inspect"],
  nodes: true,
  query: { version: VERSION, asOf: AS_OF, validAt: VALID_AT },
  headers: { "if-none-match": IF_NONE_MATCH, "accept-language": ACCEPT_LANGUAGE },
  responses: {
    200: {
      description: "The record.",
      content: {
        "application/json": { schema: RECORD },
        [TOKEN_TYPE]: { schema: { type: "string" } },
        [EVIDENCE_TYPE]: { schema: EVIDENCE },
      },
      headers: ETAG,
    },
    304: { description: "It is what you have: the ETag sent as If-None-Match still holds.", content: {} },
  },
  errors: ["version_unknown", "version_erased", "not_in_effect", "record_erased", "not_available_yet"],
});

const listVersions = declareOperation({
  id: "listRecordVersions",
  method: "get",
  path: "/registries/{registry}/records/{rid}/versions",
  tag: "Records",
  summary: "Every version of a record with its token, and every statement of its state",
  actions: ["record.read", "record.inspect"],
  nodes: true,
  query: { cursor: CURSOR, limit: LIMIT },
  responses: {
    200: jsonAnswer({ description: "Oldest first.", schema: { $ref: "record-versions.schema.json" } }),
  },
  errors: ["record_erased"],
});

const getHistory = declareOperation({
  id: "getRecordHistory",
  method: "get",
  path: "/registries/{registry}/records/{rid}/history",
  tag: "Records",
  summary: "What happened to a record: what changed, when, by whom and why",
  actions: ["record.read", "record.inspect"],
  nodes: true,
  query: { cursor: CURSOR, limit: LIMIT },
  headers: { "accept-language": ACCEPT_LANGUAGE },
  responses: { 200: jsonAnswer({ description: "Newest first.", schema: { $ref: "record-history.schema.json" } }) },
  errors: ["record_erased"],
});

const getEvidence = declareOperation({
  id: "getRecordEvidence",
  method: "get",
  path: "/registries/{registry}/records/{rid}/evidence",
  tag: "Proofs",
  summary: "Everything that is needed to verify a record offline",
  description:
    "One JSON file. Verify it with `attestry verify`, or with the library attestry/verify, and the anchor's key.",
  actions: ["record.read"],
  nodes: true,
  query: { version: VERSION },
  responses: { 200: textAnswer(EVIDENCE_TYPE, { description: "The evidence file.", schema: EVIDENCE }) },
  errors: ["version_unknown", "version_erased", "record_erased", "not_available_yet"],
});

const STATE_NUMBER = {
  description: "Number of a change of the record's state, from 1, as its history gives it; in place of `version`.",
  schema: { type: "integer", minimum: 1 },
  example: 1,
} as const satisfies Parameter;

const getReceipt = declareOperation({
  id: "getRecordReceipt",
  method: "get",
  path: "/registries/{registry}/records/{rid}/receipt",
  tag: "Proofs",
  summary: "The proof that a version, or a change of state, is in the node's log",
  actions: ["record.read"],
  nodes: true,
  query: { version: VERSION, state: STATE_NUMBER },
  responses: {
    200: textAnswer("text/plain", {
      description: "A C2SP tlog-proof, with what opens the entry in its extra line.",
      example: "c2sp.org/tlog-proof@v1\nextra …\nindex 41\n…\n",
    }),
  },
  errors: ["version_unknown", "version_erased", "record_erased", "not_available_yet"],
});

/** What anyone may read may be kept a little; what a token shows is nobody else's. */
function describeCaching(context: Context, caller: Caller): void {
  context.header("vary", "accept, accept-language, authorization, signature");
  context.header("cache-control", caller.kind === "anonymous" ? "public, max-age=5" : "private, no-store");
}

export function createRecordReadRoutes(deps: {
  identity: IdentityService;
  recordReads: RecordReadService;
  recordHistory: RecordHistoryService;
  evidence: EvidenceService;
  registries: Pick<RegistryService, "getCurrent">;
}): OperationRoutes {
  const { recordReads: records, recordHistory, evidence } = deps;
  const routes = createOperationRoutes(deps);

  /**
   * Any page may verify what anybody may read, also learn that it is gone. Never with credentials: a request that carries a token is
   * answered to who holds it, and an intranet's member registry is not for pages from elsewhere that a visitor has open.
   */
  async function openToPages(context: Context, caller: Caller, registry: string): Promise<void> {
    if (caller.kind !== "anonymous") return;
    const { definition } = await deps.registries.getCurrent(registry);
    if (definition.access === "public") context.header("access-control-allow-origin", "*");
  }

  routes.handle(getRecord, async ({ context, caller, path, query, headers }) => {
    const { version, asOf, validAt } = query;
    const accept = context.req.header("accept") ?? "";
    const asked = { caller, ...path };
    const { view, etag } = await records.get({
      ...asked,
      at: parseCoordinates({ asOf, validAt }),
      languages: readLanguages(context),
      ...(version !== undefined && { version }),
    });
    // The evidence is of the version that the times asked for lead to.
    if (accept.includes(EVIDENCE_TYPE))
      return context.json(await evidence.evidence({ ...asked, version: view.version }), 200, {
        "content-type": EVIDENCE_TYPE,
      });
    context.header("etag", `"${etag}"`);
    describeCaching(context, caller);
    // A hold comes and goes without another version or state.
    if (headers["if-none-match"] === `"${etag}"` && view.holds === undefined) return context.body(null, 304);
    if (accept.includes(TOKEN_TYPE)) return context.body(view.token, 200, { "content-type": TOKEN_TYPE });
    return context.json(view);
  });

  routes.handle(listVersions, async ({ context, caller, path, query }) =>
    context.json(await recordHistory.versions({ caller, ...path, ...query })),
  );

  routes.handle(getHistory, async ({ context, caller, path, query }) => {
    const page = await recordHistory.history({ caller, ...path, ...query, languages: readLanguages(context) });
    describeCaching(context, caller);
    return context.json(page);
  });

  routes.handle(getEvidence, async ({ context, caller, path, query }) => {
    await openToPages(context, caller, path.registry);
    return context.json(await evidence.evidence({ caller, ...path, version: query.version }), 200, {
      "content-type": EVIDENCE_TYPE,
    });
  });

  routes.handle(getReceipt, async ({ context, caller, path, query }) => {
    await openToPages(context, caller, path.registry);
    const receipt = await evidence.receipt({ caller, ...path, version: query.version, state: query.state });
    return context.body(receipt, 200, { "content-type": RECEIPT_TYPE });
  });

  return routes;
}
