// `/`: tells a person in the browser what this node is and what it holds.
import { Hono } from "hono";
import type { LogReader } from "../log/reader-service.ts";
import type { RegistryService } from "../registries/registry-service.ts";

export interface HomeDeps {
  readonly entity: string;
  readonly organizationName: string;
  readonly superiors: readonly string[];
  readonly registries: RegistryService;
  readonly reader: LogReader;
  readonly countRecords: () => Promise<ReadonlyMap<string, number>>;
}

export function createHomePages(deps: HomeDeps): Hono {
  const pages = new Hono();
  pages.get("/", (context) => context.text(`${deps.organizationName}: registry node ${deps.entity}\n`));
  return pages;
}
