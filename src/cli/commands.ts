// The commands in the order in which help shows them. Each loads only what it needs, so that whoever verifies waits for no server to load.
import type { Command } from "commander";

const COMMANDS: Readonly<Record<string, () => Promise<Command>>> = {
  init: async () => (await import("./init.ts")).initCommand(),
  serve: async () => (await import("./serve.ts")).serveCommand(),
  token: async () => (await import("./token.ts")).tokenCommand(),
  session: async () => (await import("./session.ts")).sessionCommand(),
  registry: async () => (await import("./registry.ts")).registryCommand(),
  record: async () => (await import("./record.ts")).recordCommand(),
  federation: async () => (await import("./federation.ts")).federationCommand(),
  keys: async () => (await import("./keys.ts")).keysCommand(),
  import: async () => (await import("./import.ts")).importCommand(),
  export: async () => (await import("./export.ts")).exportCommand(),
  consent: async () => (await import("./consent.ts")).consentCommand(),
  ask: async () => (await import("./ask.ts")).askCommand(),
  resolve: async () => (await import("./resolve.ts")).resolveCommand(),
  log: async () => (await import("./log.ts")).logCommand(),
  demo: async () => (await import("./demo.ts")).demoCommand(),
  evidence: async () => (await import("./evidence.ts")).evidenceCommand(),
  verify: async () => (await import("./verify.ts")).verifyCommand(),
};

/** The one command of that name; all of them for any other word, as help and a complaint about an unknown word need them. */
export async function loadCommands(name: string | undefined): Promise<Command[]> {
  const load = name !== undefined && Object.hasOwn(COMMANDS, name) ? COMMANDS[name] : undefined;
  return Promise.all(load ? [load()] : Object.values(COMMANDS).map((each) => each()));
}
