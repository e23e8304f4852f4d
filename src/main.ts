#!/usr/bin/env node
// The program `attestry`: hands over to one command. Holds no logic of its own.
import { readFileSync } from "node:fs";
import { Command } from "commander";
import { initCommand } from "./cli/init.ts";
import { printError } from "./cli/output.ts";
import { serveCommand } from "./cli/serve.ts";
import { tokenCommand } from "./cli/token.ts";

const { version } = JSON.parse(readFileSync(new URL("../package.json", import.meta.url), "utf8")) as {
  version: string;
};

const program = new Command("attestry")
  .description(
    "A federated shared-registry server: signed records on the node of the department that is responsible for them.",
  )
  .version(version)
  .showHelpAfterError()
  .addCommand(initCommand())
  .addCommand(serveCommand())
  .addCommand(tokenCommand());

try {
  await program.parseAsync();
} catch (error) {
  process.exitCode = printError(error, process.argv.includes("--json"));
}
