// The threads of a batch: answers in the order of their inputs, and what becomes of the rest when one of them dies.
import { describe, expect, it } from "vitest";
import { createBatchPool } from "../../src/cli/verify/batch-pool.ts";

const DATA = { policy: { anchors: [], statusMaxAgeSeconds: 300 }, at: 0, reach: undefined };

// Stands in for the verifying program: dies of an input named "kill", as a thread does that runs out of memory.
const PROGRAM = new URL(
  `data:text/javascript,${encodeURIComponent(`
    import { parentPort } from "node:worker_threads";
    parentPort.on("message", ({ id, items }) => {
      if (items.some(({ name }) => name === "kill")) process.exit(7);
      if (items.some(({ name }) => name === "throw")) throw new Error("unforeseen");
      parentPort.postMessage({ id, found: items.map(({ name }) => ({ input: name, verdict: "valid" })) });
    });`)}`,
);

const named = (...names: string[]) => names.map((name) => ({ name, text: "" }));

describe("the threads of a batch", () => {
  it.each(["kill", "throw"])("lose only the input that a thread dies of (%s), and go on", async (fatal) => {
    const pool = createBatchPool(DATA, 2, PROGRAM);
    try {
      const chunks = await Promise.all([
        pool.run(named("a", "b")),
        pool.run(named("c", fatal, "d")),
        pool.run(named("e")),
        pool.run(named("f", "g")),
      ]);
      const found = chunks.flat();
      expect(found.map(({ input }) => input)).toEqual(["a", "b", "c", fatal, "d", "e", "f", "g"]);
      expect(found.filter(({ verdict }) => verdict !== "valid")).toEqual([
        { input: fatal, verdict: "undecided", error: { code: "internal_error", message: expect.any(String) } },
      ]);
      expect((await pool.run(named("h")))[0]!.verdict).toBe("valid");
    } finally {
      await pool.close();
    }
  });
});
