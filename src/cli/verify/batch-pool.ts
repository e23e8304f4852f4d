// Threads that verify chunks of a batch. A thread that dies takes no more with it than the one input that killed it. Orders nothing.
import { availableParallelism } from "node:os";
import { Worker } from "node:worker_threads";
import { VERIFY_WORKER_HEAP_MB_MAX } from "../../limits.ts";
import type { BatchWorkerData } from "./batch-worker.ts";
import { type InputCheck, type TextInput, undecided } from "./input-check.ts";

// The worker stands beside this file, in the same language: TypeScript in development, JavaScript once built.
const WORKER = new URL(import.meta.url.endsWith(".ts") ? "./batch-worker.ts" : "./batch-worker.js", import.meta.url);

export interface BatchPool {
  readonly size: number;
  /** In the order of the items. */
  run(items: readonly TextInput[]): Promise<readonly InputCheck[]>;
  close(): Promise<void>;
}

interface Thread {
  readonly waiting: Map<number, { resolve: (found: InputCheck[]) => void; reject: (error: Error) => void }>;
  run(items: readonly TextInput[]): Promise<InputCheck[]>;
  close(): Promise<unknown>;
}

/** What threads are given and run. */
interface ThreadPlan {
  readonly data: BatchWorkerData;
  readonly program: URL;
}

function startThread({ data, program }: ThreadPlan, onGone: (thread: Thread) => void): Thread {
  const worker = new Worker(program, {
    workerData: data,
    resourceLimits: { maxOldGenerationSizeMb: VERIFY_WORKER_HEAP_MB_MAX },
  });
  let ids = 0;
  const waiting: Thread["waiting"] = new Map();
  const thread: Thread = {
    waiting,
    run: (items) =>
      new Promise((resolve, reject) => {
        const id = ids++;
        waiting.set(id, { resolve, reject });
        worker.postMessage({ id, items });
      }),
    close: () => worker.terminate(),
  };
  const giveUp = (error: Error): void => {
    onGone(thread);
    for (const { reject } of waiting.values()) reject(error);
    waiting.clear();
  };
  worker.on("message", ({ id, found }: { id: number; found: InputCheck[] }) => {
    waiting.get(id)!.resolve(found);
    waiting.delete(id);
  });
  worker.on("error", giveUp);
  worker.on("exit", (code) => giveUp(new Error(`a verifying thread ended with ${code}`)));
  return thread;
}

/** One input in a thread of its own, after others died with it: whoever dies here is the one. */
async function runAlone(plan: ThreadPlan, item: TextInput): Promise<InputCheck> {
  const thread = startThread(plan, () => {});
  try {
    return (await thread.run([item]))[0]!;
  } catch (error) {
    return undecided(item.name, {
      code: "internal_error",
      message: `verifying it failed: ${(error as Error).message}`,
    });
  } finally {
    await thread.close();
  }
}

/** `program`: what the threads run; another one is for tests. */
export function createBatchPool(
  data: BatchWorkerData,
  size: number = availableParallelism(),
  program: URL = WORKER,
): BatchPool {
  const plan: ThreadPlan = { data, program };
  const threads = new Set<Thread>();
  const start = (): void => void threads.add(startThread(plan, (gone) => threads.delete(gone)));
  for (let count = 0; count < size; count++) start();
  return {
    size,
    async run(items) {
      while (threads.size < size) start();
      const [idlest] = [...threads].sort((a, b) => a.waiting.size - b.waiting.size);
      try {
        return await idlest!.run(items);
      } catch {
        const found: InputCheck[] = [];
        for (const item of items) found.push(await runAlone(plan, item));
        return found;
      }
    },
    async close() {
      await Promise.all([...threads].map((thread) => thread.close()));
    },
  };
}
