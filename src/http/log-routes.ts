// A log as anyone may read it (C2SP tlog-tiles), and consistency proofs. Parses, calls a reader, answers; computes nothing.
import { encodeBase64 } from "../crypto/base64.ts";
import { AttestryError } from "../errors.ts";
import type { LogReader } from "../log/reader-service.ts";
import { parseTilePath, tilePath } from "../log/tiles.ts";
import { declareOperation, textAnswer } from "./operation.ts";
import { createOperationRoutes, type OperationRoutes } from "./operation-routes.ts";

// C2SP tlog-tiles: content types; tiles never change, a checkpoint is asked for anew each time.
const TEXT = "text/plain; charset=utf-8";
const BYTES = "application/octet-stream";
const IMMUTABLE = "public, max-age=604800, immutable";
const NOT_CACHED = "no-cache";

const getCheckpoint = declareOperation({
  id: "getLogCheckpoint",
  method: "get",
  path: "/log/{log}/checkpoint",
  tag: "Log",
  summary: "The signed head of a log",
  description: "A signed note (C2SP tlog-checkpoint): origin, size and root of the tree, and signatures.",
  actions: ["log.read"],
  responses: {
    200: textAnswer("text/plain", {
      description: "The checkpoint.",
      example:
        "lgd.example/log/records\n42\nCsUYapGGPo4dkMgIAUqom/Xajj7h2fB2MPA3j2jxq2I=\n\n— lgd.example/log/records Az3grl…\n",
    }),
  },
  errors: ["not_found"],
});

const getTile = declareOperation({
  id: "getLogTile",
  method: "get",
  path: "/log/{log}/tile/{tile}",
  tag: "Log",
  summary: "A tile of a log's tree, or a bundle of its entries",
  description: "C2SP tlog-tiles: `0/000` is the first tile of level 0, `entries/000.p/17` the first 17 entries.",
  actions: ["log.read"],
  responses: {
    200: textAnswer(BYTES, {
      description: "Hashes of 32 bytes each, or entries, each with its length before it.",
      schema: { type: "string", contentMediaType: BYTES },
    }),
  },
  errors: ["not_found"],
});

const getConsistency = declareOperation({
  id: "getLogConsistency",
  method: "get",
  path: "/log/{log}/consistency",
  tag: "Log",
  summary: "The proof that a log only grew from one size to another",
  actions: ["log.read"],
  query: {
    from: {
      description: "The smaller size.",
      schema: { type: "string", pattern: "^(0|[1-9][0-9]{0,15})$" },
      required: true,
      example: "41",
    },
    to: {
      description: "The larger size.",
      schema: { type: "string", pattern: "^(0|[1-9][0-9]{0,15})$" },
      required: true,
      example: "42",
    },
  },
  responses: {
    200: textAnswer("text/plain", {
      description: "One base64 hash a line (RFC 6962 §2.1.2), nothing for equal sizes or from 0.",
      example: "CsUYapGGPo4dkMgIAUqom/Xajj7h2fB2MPA3j2jxq2I=\n",
    }),
  },
  errors: ["not_found"],
});

/** The logs of `readers` by name. Unknown paths and what no stored checkpoint covers throw `not_found`. */
export function createLogRoutes(deps: { readonly readers: ReadonlyMap<string, LogReader> }): OperationRoutes {
  const routes = createOperationRoutes();

  function getReader(name: string): LogReader {
    const reader = deps.readers.get(name);
    if (!reader) throw new AttestryError("not_found", "this node has no log of that name");
    return reader;
  }

  // Everything here is public and asked for without credentials: any page may verify it.
  routes.use("/log/*", async (context, next) => {
    await next();
    context.header("Access-Control-Allow-Origin", "*");
  });

  routes.handle(getCheckpoint, async ({ context, path }) => {
    const checkpoint = await getReader(path.log).checkpoint();
    return context.body(checkpoint, 200, { "Content-Type": TEXT, "Cache-Control": NOT_CACHED });
  });

  routes.handle(getTile, async ({ context, path }) => {
    const reader = getReader(path.log);
    const { level, index, width } = parseTilePath(`tile/${path.tile}`);
    const bytes = level === "entries" ? await reader.bundle(index, width) : await reader.tile(level, index, width);
    if (!bytes) throw new AttestryError("not_found", `the log has no ${tilePath(level, index, width)} yet`);
    return context.body(new Uint8Array(bytes), 200, { "Content-Type": BYTES, "Cache-Control": IMMUTABLE });
  });

  routes.handle(getConsistency, async ({ context, path, query }) => {
    const reader = getReader(path.log);
    const proof = await reader.consistency(readSize("from", query.from), readSize("to", query.to));
    const text = proof.map((hash) => `${encodeBase64(hash)}\n`).join("");
    return context.body(text, 200, { "Content-Type": TEXT, "Cache-Control": IMMUTABLE });
  });

  return routes;
}

function readSize(name: string, digits: string): number {
  const size = Number(digits);
  if (Number.isSafeInteger(size)) return size;
  throw new AttestryError("query_invalid", `query parameter ${name} must be a decimal number from 0 to 2^53-1`);
}
