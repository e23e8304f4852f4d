// Loads that those who ask at once share: one load a turn, each gets what it asked for, and a failure is not kept.
import { expect, it } from "vitest";
import { createGatherer } from "../../src/gatherer.ts";

it("asks once for all that is wanted in one turn, and gives each what it asked for", async () => {
  const asked: number[][] = [];
  const find = createGatherer(async (keys: readonly number[]) => {
    asked.push([...keys]);
    return new Map(keys.filter((key) => key < 10).map((key) => [key, `v${key}`]));
  });
  const [first, second, none] = await Promise.all([find([1, 2]), find([2, 3, 99]), find([])]);
  expect([...first!]).toEqual([
    [1, "v1"],
    [2, "v2"],
  ]);
  expect([...second!.keys()]).toEqual([2, 3]);
  expect([...none!]).toEqual([]);
  expect(asked).toEqual([[1, 2, 3, 99]]);
  // What was found is not kept: the next turn asks again.
  await find([1]);
  expect(asked).toEqual([[1, 2, 3, 99], [1]]);
});

it("fails for all who asked in that turn, and for nobody after it", async () => {
  let isDown = true;
  const find = createGatherer(async (keys: readonly string[]) => {
    if (isDown) throw new Error("down");
    return new Map(keys.map((key) => [key, key]));
  });
  const outcomes = await Promise.allSettled([find(["a"]), find(["b"])]);
  expect(outcomes.map(({ status }) => status)).toEqual(["rejected", "rejected"]);
  isDown = false;
  expect([...(await find(["a"]))]).toEqual([["a", "a"]]);
});
