// The commands of those who run a node, in the order in which help shows them. Loads the whole server.
import type { Command } from "commander";
import { demoCommand } from "./demo.ts";
import { exportCommand } from "./export.ts";
import { federationCommand } from "./federation.ts";
import { importCommand } from "./import.ts";
import { initCommand } from "./init.ts";
import { keysCommand } from "./keys.ts";
import { logCommand } from "./log.ts";
import { recordCommand } from "./record.ts";
import { registryCommand } from "./registry.ts";
import { resolveCommand } from "./resolve.ts";
import { serveCommand } from "./serve.ts";
import { sessionCommand } from "./session.ts";
import { tokenCommand } from "./token.ts";

export function operatingCommands(): Command[] {
  return [
    initCommand(),
    serveCommand(),
    tokenCommand(),
    sessionCommand(),
    registryCommand(),
    recordCommand(),
    federationCommand(),
    keysCommand(),
    importCommand(),
    exportCommand(),
    resolveCommand(),
    logCommand(),
    demoCommand(),
  ];
}
