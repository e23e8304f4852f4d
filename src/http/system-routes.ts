// Whether the process lives and whether it can serve. Tells nothing of records.
import { Hono } from "hono";
import type { LogReader } from "../log/reader-service.ts";

export function createSystemRoutes(deps: { reader: LogReader }): Hono {
  const routes = new Hono();
  routes.get("/healthz", (context) => context.json({ status: "ok" }));
  routes.get("/readyz", async (context) => {
    try {
      await deps.reader.checkpoint();
      return context.json({ status: "ready" });
    } catch {
      return context.json({ status: "not ready", reason: "the database does not answer" }, 503);
    }
  });
  return routes;
}
