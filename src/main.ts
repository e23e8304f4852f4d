#!/usr/bin/env node
// The program `attestry`: hands over to one command. Holds no logic of its own.
import { readFileSync } from "node:fs";
import { Command } from "commander";
import { loadCommands } from "./cli/commands.ts";
import { printFailure } from "./cli/terminal.ts";

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
  .enablePositionalOptions();
for (const command of await loadCommands(process.argv[2])) program.addCommand(command);

try {
  await program.parseAsync();
} catch (error) {
  printFailure(error, { json: process.argv.includes("--json") });
}
