// What commands show: tables, durations, progress, and text that must not steer the terminal.
import { describe, expect, it } from "vitest";
import { createProgress, formatDuration, formatJsonLine, formatTable, printable } from "../../src/cli/terminal.ts";
import { describeBriefly, describeCheck } from "../../src/cli/verify/check-lines.ts";

describe("text for a terminal", () => {
  it("loses what would steer it, and keeps every script and line breaks", () => {
    expect(printable("a\u001b[2Jb\rc\u009bd\u202ee")).toBe("a\ufffd[2Jb\ufffdc\ufffdd\ufffde");
    expect(printable("नमस्ते\nசென்னை")).toBe("नमस्ते\nசென்னை");
  });

  it("is escaped in JSON, so that programs read what it was", () => {
    const value = { name: "a\u001b[2Jb\u009b1mc\u202ed\u007fe\nनमस्ते" };
    const line = formatJsonLine(value);
    expect(JSON.parse(line)).toEqual(value);
    expect(line).toBe(printable(line));
    expect(line).toContain("नमस्ते");
    expect(line).not.toContain("\n");
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

describe("what a verification found", () => {
  it("has no line that an input's name or a peer's message wrote", () => {
    const paint = (text: string) => text;
    const message = "the node said no\nVALID  another.json\u001b[2J";
    const found = {
      input: "a.json\nVALID  b.json",
      verdict: "undecided",
      error: { code: "peer_failed", message },
    } as const;
    const lines = [
      describeBriefly(found, paint),
      ...describeCheck(found, { at: 0, trust: "policy.json\nVALID", paint }),
    ].join("\n");
    expect(lines.split("\n").filter((line) => line.startsWith("VALID"))).toEqual([]);
    expect(lines).not.toContain("\u001b");
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
