// `attestry serve`: runs nodes until it is told to stop.
import { Command } from "commander";
import { chooseNodeName, readProcessConfig } from "../config.ts";
import { listenAll } from "../http/listener.ts";
import { openNodes } from "./node-process.ts";

interface ServeOptions {
  readonly data?: string;
  readonly node?: string[];
  readonly logLevel?: string;
  readonly json?: boolean;
}

/** Resolves at SIGINT, SIGTERM, or when the parent that asked for it by an IPC channel goes away. */
function waitForStop(): Promise<void> {
  return new Promise((resolve) => {
    const stop = (): void => {
      // A listener holds the channel open, and the channel the process.
      process.off("disconnect", stop);
      resolve();
    };
    process.once("SIGINT", stop);
    process.once("SIGTERM", stop);
    if (process.channel) process.once("disconnect", stop);
  });
}

async function serve(options: ServeOptions): Promise<void> {
  const config = readProcessConfig({ data: options.data, logLevel: options.logLevel, logLevelDefault: "info" });
  const stopped = waitForStop();
  const names = (options.node ?? []).map((name) => chooseNodeName(config.dataDirectory, name));
  const opened = await openNodes({ process: config, names, isServed: true });
  try {
    const nodes = opened.nodes.map(({ node }) => node);
    const listeners = await listenAll(nodes);
    for (const node of nodes) {
      const { host, port } = node.listen;
      const line = options.json
        ? JSON.stringify({ event: "listening", node: node.config.name, entity: node.entity, host, port })
        : `${node.config.name}: ${node.entity} (listening on ${host}:${port})`;
      process.stdout.write(`${line}\n`);
    }
    process.send?.("listening");
    await stopped;
    await Promise.all(listeners.map((listener) => listener.close()));
  } finally {
    await opened.close();
  }
}

export function serveCommand(): Command {
  return new Command("serve")
    .description("run the nodes of a data directory")
    .option("--data <directory>", "data directory (default: $ATTESTRY_DATA or .attestry)")
    .option("--node <name...>", "serve only these nodes (default: all of the data directory)")
    .option("--log-level <level>", "debug, info, warn, error or silent (default: $ATTESTRY_LOG_LEVEL or info)")
    .option("--json", "print one JSON object per line")
    .action((options: ServeOptions) => serve(options));
}
