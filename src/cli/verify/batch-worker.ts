// One core of a batch: a thread that verifies the chunks it is sent, one after the other. Writes nothing and decides no exit code.
import { parentPort, workerData } from "node:worker_threads";
import { currentSeconds } from "../../clock.ts";
import type { Reach } from "../../federation/peer-address.ts";
import { VERIFY_BATCH_ONLINE_MAX } from "../../limits.ts";
import type { VerifierPolicy } from "../../verification/policy.ts";
import { createVerifier } from "../../verification/verifier.ts";
import { createTrustedHomes } from "../trusted-homes.ts";
import { checkTextInput, type InputCheck, type TextInput } from "./input-check.ts";
import { createRecordCheck } from "./record-check.ts";

export interface BatchWorkerData {
  readonly policy: VerifierPolicy;
  readonly at: number | undefined;
  /** Undefined: asks nobody. */
  readonly reach: Reach | undefined;
  readonly reader?: string | undefined;
}

const { policy, at, reach, reader } = workerData as BatchWorkerData;
const check = createRecordCheck({
  verifier: createVerifier(policy),
  now: at === undefined ? currentSeconds : () => at,
  homes: reach && createTrustedHomes(policy.anchors, reach),
  reader,
});
// Without the network there is nothing to wait for but the disk; with it, waiting is most of the work.
const parallel = reach === undefined ? 2 : VERIFY_BATCH_ONLINE_MAX;

async function checkAll(items: readonly TextInput[]): Promise<InputCheck[]> {
  const found: InputCheck[] = [];
  let next = 0;
  const work = async (): Promise<void> => {
    for (let own = next++; own < items.length; own = next++) {
      const one = await checkTextInput(items[own]!, check);
      // Copied from thread to thread for nobody: what a file says, its reader has.
      found[own] = "error" in one ? one : { ...one, judgedText: "" };
    }
  };
  await Promise.all(Array.from({ length: Math.min(parallel, items.length) }, work));
  return found;
}

let before: Promise<unknown> = Promise.resolve();
parentPort!.on("message", ({ id, items }: { id: number; items: TextInput[] }) => {
  before = before.then(async () => parentPort!.postMessage({ id, found: await checkAll(items) }));
});
