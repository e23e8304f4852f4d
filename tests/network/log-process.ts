// A process that appends to a log with many concurrent callers and tells each acknowledged index. Started by log-processes.test.ts.
import { createSigner } from "../../src/crypto/signer.ts";
import { createLogWriter } from "../../src/log/writer-service.ts";
import { silentLogger } from "../../src/logger.ts";
import { connectDatabase } from "../../src/storage/database.ts";
import { acceptAll, LOG_NAME, makeEntry, ORIGIN } from "../log-fixture.ts";

const { LOG_TEST_URL, LOG_TEST_SEED, LOG_TEST_CALLERS, LOG_TEST_APPENDS } = process.env;
const database = connectDatabase({ url: LOG_TEST_URL!, poolMax: 2 });
const signer = createSigner(Buffer.from(LOG_TEST_SEED!, "hex"));
const clock = () => Math.floor(Date.now() / 1000);
const writer = createLogWriter({ database, logName: LOG_NAME, origin: ORIGIN, signer, clock, logger: silentLogger });

async function call(): Promise<void> {
  for (let i = 0; i < Number(LOG_TEST_APPENDS); i++) {
    const entry = makeEntry();
    const { logIndex } = await writer.append(acceptAll, undefined, entry);
    process.stdout.write(`${logIndex} ${entry.r}\n`);
  }
}

await Promise.all(Array.from({ length: Number(LOG_TEST_CALLERS) }, call));
await writer.close();
await database.close();
