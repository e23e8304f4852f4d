#!/usr/bin/env node
// The program `attestry`: hands over to one command. Holds no logic of its own.
import { readFileSync } from "node:fs";
import { Command } from "commander";
import { demoCommand } from "./cli/demo.ts";
import { evidenceCommand } from "./cli/evidence.ts";
import { exportCommand } from "./cli/export.ts";
import { federationCommand } from "./cli/federation.ts";
import { importCommand } from "./cli/import.ts";
import { initCommand } from "./cli/init.ts";
import { keysCommand } from "./cli/keys.ts";
import { logCommand } from "./cli/log.ts";
import { recordCommand } from "./cli/record.ts";
import { registryCommand } from "./cli/registry.ts";
import { resolveCommand } from "./cli/resolve.ts";
import { serveCommand } from "./cli/serve.ts";
import { printFailure } from "./cli/terminal.ts";
import { tokenCommand } from "./cli/token.ts";
import { verifyCommand } from "./cli/verify.ts";

const { version } = JSON.parse(readFileSync(new URL("../package.json", import.meta.url), "utf8")) as {
  version: string;
};

const program = new Command("attestry")
  .description(
    "A federated shared-registry server: signed records on the node of the department that is responsible for them.",
  )
  .version(version)
  .showHelpAfterError()
  // So that a command may have a --version of its own: a record's.
  .enablePositionalOptions()
  .addCommand(initCommand())
  .addCommand(serveCommand())
  .addCommand(tokenCommand())
  .addCommand(registryCommand())
  .addCommand(recordCommand())
  .addCommand(federationCommand())
  .addCommand(keysCommand())
  .addCommand(importCommand())
  .addCommand(exportCommand())
  .addCommand(resolveCommand())
  .addCommand(evidenceCommand())
  .addCommand(verifyCommand())
  .addCommand(logCommand())
  .addCommand(demoCommand());

try {
  await program.parseAsync();
} catch (error) {
  printFailure(error, { json: process.argv.includes("--json") });
}
