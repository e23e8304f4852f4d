// Opens the nodes of a data directory with their databases, and closes them in the right order. Used by every command that works on a node's own files.
import { databaseUrlFor, listNodeNames, type NodeConfig, type ProcessConfig, readNodeConfig } from "../config.ts";
import { AttestryError } from "../errors.ts";
import { createLogger, type Logger } from "../logger.ts";
import { createNode, initializeNode, type Node, readSecrets } from "../node.ts";
import { checkSealingKeys } from "../records/sealing/sealing-guard-service.ts";
import type { Secrets } from "../secrets.ts";
import { type Cluster, openCluster } from "../storage/cluster.ts";
import { connectDatabase, createDatabaseIfMissing, type Database } from "../storage/database.ts";
import { applyMigrations, checkMigrations } from "../storage/migrations.ts";

export interface DatabaseServer {
  url(config: NodeConfig, nodeCount: number): string;
  release(): Promise<void>;
}

/** The server that DATABASE_URL selects, or the embedded one of the data directory, started if nobody did. */
export async function openDatabaseServer(process: ProcessConfig, logger: Logger): Promise<DatabaseServer> {
  const { databaseUrl } = process;
  if (databaseUrl !== undefined) {
    return {
      url: (config, nodeCount) => databaseUrlFor(databaseUrl, { database: config.database, nodeCount }),
      release: async () => {},
    };
  }
  const cluster: Cluster = await openCluster({
    directory: process.dataDirectory,
    ...(process.databasePort !== undefined && { port: process.databasePort }),
    logger,
  });
  return { url: (config) => cluster.url(config.database), release: () => cluster.release() };
}

export interface OpenNode {
  readonly node: Node;
  readonly database: Database;
}

export interface NodeProcess {
  readonly nodes: readonly OpenNode[];
  close(): Promise<void>;
}

/** Opens the named nodes of the data directory, all of them where none is named. Refuses pending migrations. */
export async function openNodes(options: {
  process: ProcessConfig;
  names: readonly string[];
  /** See createNode. */
  isServed?: boolean;
}): Promise<NodeProcess> {
  const { process, names, isServed = false } = options;
  const logger = createLogger({ name: "attestry", level: process.logLevel });
  const chosen = names.length > 0 ? names : listNodeNames(process.dataDirectory);
  if (chosen.length === 0) {
    throw new AttestryError(
      "node_unknown",
      `${process.dataDirectory} holds no node; make one with: attestry init --data ${process.dataDirectory} --entity URL --organization NAME`,
    );
  }
  const configs = chosen.map((name) => readNodeConfig(process.dataDirectory, name));
  const server = await openDatabaseServer(process, logger);
  const opened: OpenNode[] = [];
  const close = async () => {
    for (const { node, database } of opened) {
      await node.close();
      await database.close();
    }
    await server.release();
  };
  try {
    for (const config of configs) {
      const secrets = await readSecrets(config);
      const database = connectDatabase({ url: server.url(config, configs.length) });
      try {
        await checkMigrations(database);
        await checkSealingKeys(database, secrets.sealing);
        const nodeLogger = createLogger({ name: config.name, level: process.logLevel });
        opened.push({ node: createNode({ config, secrets, database, logger: nodeLogger, isServed }), database });
      } catch (error) {
        await database.close();
        throw error;
      }
    }
    // Nobody is shown what a restored backup still holds and the ledger names as erased.
    if (isServed) await Promise.all(opened.map(({ node }) => node.ready));
    return { nodes: opened, close };
  } catch (error) {
    await close();
    throw error;
  }
}

/** Makes a node's database, brings its tables up to date and starts its log. Safe to repeat. */
export async function prepareDatabase(options: {
  process: ProcessConfig;
  config: NodeConfig;
  secrets: Secrets;
}): Promise<string[]> {
  const logger = createLogger({ name: options.config.name, level: options.process.logLevel });
  const server = await openDatabaseServer(options.process, logger);
  try {
    const url = server.url(options.config, 1);
    await createDatabaseIfMissing({ url });
    const database = connectDatabase({ url, poolMax: 2 });
    try {
      const applied = await applyMigrations(database);
      await initializeNode({ config: options.config, secrets: options.secrets, database, logger });
      return applied;
    } finally {
      await database.close();
    }
  } finally {
    await server.release();
  }
}
