// A process that takes a lock again and again and notes in a journal when it holds it. Started by file-lock.test.ts.
import { appendFileSync } from "node:fs";
import { setTimeout as sleep } from "node:timers/promises";
import { withFileLock } from "../../src/storage/file-lock.ts";

const [path, journal, rounds] = process.argv.slice(2);
for (let round = 0; round < Number(rounds); round++) {
  await withFileLock({ path: path!, timeoutMs: 60_000 }, async () => {
    appendFileSync(journal!, `enter ${process.pid}\n`);
    await sleep(Math.random() * 3);
    appendFileSync(journal!, `leave ${process.pid}\n`);
  });
}
