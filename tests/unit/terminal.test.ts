// What commands show: tables, durations, progress, and text that must not steer the terminal.
import { describe, expect, it } from "vitest";
import { createProgress, formatDuration, formatTable, printable } from "../../src/cli/terminal.ts";

describe("text for a terminal", () => {
  it("loses what would steer it, and keeps every script and line breaks", () => {
    expect(printable("a\u001b[2Jb\rc\u009bd\u202ee")).toBe("a\ufffd[2Jb\ufffdc\ufffdd\ufffde");
    expect(printable("नमस्ते\nசென்னை")).toBe("नमस्ते\nசென்னை");
  });

  it("is aligned in tables, numbers to the right", () => {
    expect(
      formatTable([
        ["records", 7_223],
        ["rows refused", 10],
      ]),
    ).toBe("records       7,223\nrows refused     10\n");
  });

  it.each([
    [850, "850 ms"],
    [4_210, "4.2 s"],
    [185_000, "3 min 05 s"],
    [7_800_000, "2 h 10 min"],
  ])("says %i ms as %s", (milliseconds, text) => {
    expect(formatDuration(milliseconds)).toBe(text);
  });
});

describe("progress", () => {
  function watch(isTTY: boolean) {
    let time = 1_000_000;
    const written: string[] = [];
    const stream = { isTTY, write: (text: string) => written.push(text) > 0 };
    const progress = createProgress({ label: "importing", unit: "rows", stream, now: () => time });
    return { progress, written, wait: (milliseconds: number) => (time += milliseconds) };
  }

  it("is a bar with share, rate and remaining time on a terminal, and leaves a clean line", () => {
    const { progress, written, wait } = watch(true);
    wait(2_000);
    progress.update(500, 2_000);
    wait(10);
    progress.update(501, 2_000);
    progress.end();
    expect(written).toEqual([
      `\r\u001b[Kimporting [${"#".repeat(8)}${".".repeat(22)}] 25 %, 500 rows, 250 rows/s, 6.0 s left`,
      "\r\u001b[K",
    ]);
  });

  it("is a plain line every few seconds elsewhere, without a share where the total is unknown", () => {
    const { progress, written, wait } = watch(false);
    for (let second = 1; second <= 11; second++) {
      wait(1_000);
      progress.update(second * 100, second < 8 ? undefined : 2_000);
    }
    progress.end();
    expect(written).toEqual([
      "importing 500 rows, 100 rows/s\n",
      "importing 50 %, 1,000 rows, 100 rows/s, 10.0 s left\n",
    ]);
  });
});
