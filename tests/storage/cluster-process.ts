// A process that opens a cluster, tells its port, and releases it when its standard input ends. Started by cluster.test.ts.
import { silentLogger } from "../../src/logger.ts";
import { openCluster } from "../../src/storage/cluster.ts";
import type { RootStrategy } from "../../src/storage/server-account.ts";

const [directory, rootStrategy] = process.argv.slice(2);
try {
  const cluster = await openCluster({
    directory: directory!,
    logger: silentLogger,
    rootStrategy: rootStrategy as RootStrategy | undefined,
  });
  console.log(JSON.stringify({ port: cluster.port, url: cluster.url("postgres") }));
  process.stdin.resume().on("end", () => {
    void cluster.release().then(() => process.exit(0));
  });
} catch (error) {
  console.log(JSON.stringify({ code: (error as { code?: string }).code, message: (error as Error).message }));
}
