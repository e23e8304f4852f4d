// What a node's keys and its trust chain were: historical keys of OpenID Federation 1.0 §8.7, events of keys, archived chains. Everything here is public; computes nothing.
import type { ArchivedChain, ChainArchiveService } from "../federation/chain-archive-service.ts";
import { HISTORICAL_KEYS_TYPE, type KeyHistoryService } from "../federation/key-history-service.ts";
import { CHAIN_ARCHIVE_PAGE, KEY_EVENTS_MAX } from "../limits.ts";
import { declareOperation, jsonAnswer, textAnswer } from "./operation.ts";
import { createOperationRoutes, type OperationRoutes } from "./operation-routes.ts";

// §8.7.2: the media type of the answer.
const HISTORICAL_KEYS_MEDIA_TYPE = `application/${HISTORICAL_KEYS_TYPE}`;
const JWS_EXAMPLE = "eyJ0eXAiOiJqd2stc2V0K2p3dCIsImFsZyI6IkVkMjU1MTkifQ.eyJpc3MiOiIifQ.c2lnbmF0dXJl";
const STATEMENT_EXAMPLE = "eyJ0eXAiOiJlbnRpdHktc3RhdGVtZW50K2p3dCIsImFsZyI6IkVkMjU1MTkifQ.eyJpc3MiOiIifQ.c2lnbmF0dXJl";
const RECEIPT_EXAMPLE =
  "c2sp.org/tlog-proof@v1\nextra AAAA\nindex 41\n\nlgd.example/log/records\n42\nCsUYapGGPo4dkMgIAUqom/Xajj7h2fB2MPA3j2jxq2I=\n\n— lgd.example/log/records AAAA\n";
const DIGEST_EXAMPLE = "47DEQpj8HBSa-_TImW-5JCeuQeRkm5NMpJWZG3hSuFU";

const TIME = { type: "string", format: "date-time" } as const;
const INDEX = { type: "integer", minimum: 0 } as const;
const RECEIPT = {
  type: "string",
  description: "tlog-proof of the entry that commits to it, with a salt of zeros.",
} as const;
const SUMMARY_PROPERTIES = {
  digest: { type: "string", description: "SHA-256 of the chain's keys, types and policy, in base64url." },
  archived_at: TIME,
  log_index: INDEX,
} as const;
const SUMMARY_EXAMPLE = { digest: DIGEST_EXAMPLE, archived_at: "2026-12-24T09:00:00.000Z", log_index: 41 };
const CHAIN_ANSWER = jsonAnswer({
  description: "The chain, as the log commits to it.",
  schema: {
    type: "object",
    required: ["digest", "archived_at", "log_index", "chain", "receipt"],
    additionalProperties: false,
    properties: {
      ...SUMMARY_PROPERTIES,
      chain: { type: "array", items: { type: "string" }, description: "Entity statements, this node's first." },
      receipt: RECEIPT,
    },
  },
  example: { ...SUMMARY_EXAMPLE, chain: [STATEMENT_EXAMPLE], receipt: RECEIPT_EXAMPLE },
});

const getHistoricalKeys = declareOperation({
  id: "getHistoricalKeys",
  method: "get",
  path: "/federation/historical-keys",
  tag: "Federation",
  summary: "The federation keys that sign no more",
  description:
    "A signed JWK set (OpenID Federation 1.0 §8.7). Keys of other roles are not among them; see the events of keys.",
  actions: ["federation.speak"],
  responses: {
    200: textAnswer(HISTORICAL_KEYS_MEDIA_TYPE, { description: "The signed set.", example: JWS_EXAMPLE }),
  },
});

const listKeyEvents = declareOperation({
  id: "listKeyEvents",
  method: "get",
  path: "/federation/key-events",
  tag: "Federation",
  summary: "What happened to this node's keys",
  description: `Which key took whose place, and which was reported, each with its place in the log; the newest ${KEY_EVENTS_MAX}.`,
  actions: ["federation.speak"],
  responses: {
    200: jsonAnswer({
      description: "The events, oldest first.",
      schema: {
        type: "object",
        required: ["events"],
        additionalProperties: false,
        properties: {
          events: {
            type: "array",
            items: {
              type: "object",
              required: ["event", "text", "log_index", "receipt"],
              additionalProperties: false,
              properties: {
                event: { type: "object" },
                text: { type: "string", description: "The event as the log commits to it." },
                log_index: INDEX,
                receipt: RECEIPT,
              },
            },
          },
        },
      },
      example: {
        events: [
          {
            event: { event: "report", role: "status", kid: DIGEST_EXAMPLE, since: 1798102800, reported: 1798102900 },
            text: `{"event":"report","kid":"${DIGEST_EXAMPLE}","reported":1798102900,"role":"status","since":1798102800}`,
            log_index: 42,
            receipt: RECEIPT_EXAMPLE,
          },
        ],
      },
    }),
  },
});

const listChains = declareOperation({
  id: "listArchivedChains",
  method: "get",
  path: "/federation/chains",
  tag: "Federation",
  summary: "The trust chains that were in force",
  description: `Newest first, ${CHAIN_ARCHIVE_PAGE} at most; go on with \`before\`, the last \`log_index\`.`,
  actions: ["federation.speak"],
  query: {
    before: {
      description: "Only those whose entry stands before this index of the log.",
      schema: { type: "integer", minimum: 0, maximum: Number.MAX_SAFE_INTEGER },
      example: 42,
    },
    at: {
      description: "Only the one in force at this time, in Unix seconds.",
      schema: { type: "integer", minimum: 0, maximum: Number.MAX_SAFE_INTEGER },
      example: 1_798_102_800,
    },
  },
  responses: {
    200: jsonAnswer({
      description: "The archived chains, without their statements.",
      schema: {
        type: "object",
        required: ["chains"],
        additionalProperties: false,
        properties: {
          chains: {
            type: "array",
            items: {
              type: "object",
              required: ["digest", "archived_at", "log_index"],
              additionalProperties: false,
              properties: SUMMARY_PROPERTIES,
            },
          },
        },
      },
      example: { chains: [SUMMARY_EXAMPLE] },
    }),
  },
});

const getChain = declareOperation({
  id: "getArchivedChain",
  method: "get",
  path: "/federation/chains/{digest}",
  tag: "Federation",
  summary: "A trust chain that was in force",
  description: "The newest archived one of this digest, with the receipt of its `chain` entry.",
  actions: ["federation.speak"],
  responses: { 200: CHAIN_ANSWER },
  errors: ["not_found"],
});

function describeTime(seconds: number): string {
  return new Date(seconds * 1_000).toISOString();
}

function summarize({ digest, archivedAt, logIndex }: Pick<ArchivedChain, "digest" | "archivedAt" | "logIndex">) {
  return { digest, archived_at: describeTime(archivedAt), log_index: logIndex };
}

/** To be mounted at the entity's path. */
export function createKeyHistoryRoutes(deps: {
  keyHistory: KeyHistoryService;
  chainArchive: ChainArchiveService;
}): OperationRoutes {
  const { keyHistory, chainArchive } = deps;
  const routes = createOperationRoutes();

  routes.handle(getHistoricalKeys, async ({ context }) =>
    context.body(await keyHistory.getHistoricalKeys(), 200, {
      "content-type": HISTORICAL_KEYS_MEDIA_TYPE,
      "access-control-allow-origin": "*",
    }),
  );

  routes.handle(listKeyEvents, async ({ context }) => {
    const events = await keyHistory.listEvents();
    return context.json({
      events: events.map(({ event, text, logIndex, receipt }) => ({ event, text, log_index: logIndex, receipt })),
    });
  });

  routes.handle(listChains, async ({ context, query: { before, at } }) => {
    const found = at === undefined ? await chainArchive.list(before) : await chainArchive.listAt(at);
    return context.json({ chains: found.map(summarize) });
  });

  routes.handle(getChain, async ({ context, path }) => {
    const archived = await chainArchive.getByDigest(path.digest);
    return context.json({ ...summarize(archived), chain: archived.statements, receipt: archived.receipt });
  });

  return routes;
}
