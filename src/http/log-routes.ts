// A log as anyone may read it (C2SP tlog-tiles), and consistency proofs. Parses, calls a reader, answers; computes nothing.
import { Hono } from "hono";
import { encodeBase64 } from "../crypto/base64.ts";
import { AttestryError } from "../errors.ts";
import type { LogReader } from "../log/reader-service.ts";
import { parseTilePath, tilePath } from "../log/tiles.ts";

// C2SP tlog-tiles: content types; tiles never change, a checkpoint is asked for anew each time.
const TEXT = "text/plain; charset=utf-8";
const BYTES = "application/octet-stream";
const IMMUTABLE = "public, max-age=604800, immutable";
const NOT_CACHED = "no-cache";

const DECIMAL = /^(?:0|[1-9][0-9]{0,15})$/;

/**
 * Routes below `/log/{name}` for the readers by log name: `checkpoint`, `tile/...`, and `consistency?from=N&to=M`, which is ours:
 * one base64 hash a line (RFC 6962 §2.1.2), nothing for equal sizes or from 0. Unknown paths and what no stored checkpoint
 * covers throw `not_found`.
 */
export function createLogRoutes(deps: { readonly readers: ReadonlyMap<string, LogReader> }): Hono {
  const routes = new Hono();

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

  routes.get("/log/:name/checkpoint", async (context) => {
    const checkpoint = await getReader(context.req.param("name")).checkpoint();
    return context.body(checkpoint, 200, { "Content-Type": TEXT, "Cache-Control": NOT_CACHED });
  });

  routes.get("/log/:name/tile/:path{.+}", async (context) => {
    const reader = getReader(context.req.param("name"));
    const { level, index, width } = parseTilePath(`tile/${context.req.param("path")}`);
    const bytes = level === "entries" ? await reader.bundle(index, width) : await reader.tile(level, index, width);
    if (!bytes) throw new AttestryError("not_found", `the log has no ${tilePath(level, index, width)} yet`);
    return context.body(new Uint8Array(bytes), 200, { "Content-Type": BYTES, "Cache-Control": IMMUTABLE });
  });

  routes.get("/log/:name/consistency", async (context) => {
    const reader = getReader(context.req.param("name"));
    const from = parseSize("from", context.req.query("from"));
    const to = parseSize("to", context.req.query("to"));
    const proof = await reader.consistency(from, to);
    const text = proof.map((hash) => `${encodeBase64(hash)}\n`).join("");
    return context.body(text, 200, { "Content-Type": TEXT, "Cache-Control": IMMUTABLE });
  });

  return routes;
}

function parseSize(name: string, text: string | undefined): number {
  const size = text !== undefined && DECIMAL.test(text) ? Number(text) : Number.NaN;
  if (Number.isSafeInteger(size)) return size;
  throw new AttestryError("query_invalid", `query parameter ${name} must be a decimal number from 0 to 2^53-1`);
}
