// How large and how robust a printed code is drawn, up to the texts that none holds.
import { decodeQR } from "qr/decode.js";
import { describe, expect, it } from "vitest";
import { PRINTED_CODE_MM_MAX } from "../../src/limits.ts";
import { drawPrintedCode } from "../../src/web/qr-code.tsx";

const LETTERS = "0123456789ABCDEFGHIJKLMNOPQRSTUVWXYZ $%*+-./:";

/** Letters of a QR code's densest mode, without a pattern. */
function textOf(length: number): string {
  return Array.from({ length }, (_, i) => LETTERS[(i * i * 7 + i * 13) % 45]).join("");
}

describe("a printed code", () => {
  it.each([
    [10, "medium", 30],
    [900, "medium", 30],
    [1_120, "medium", 30],
    [1_464, "medium", 33.88],
    [2_300, "medium", 41.72],
    [3_000, "low", 37.25],
    [4_296, "low", 44.25],
  ])("of %i letters has %s correction and %d millimetres", (length, correction, millimetres) => {
    const code = drawPrintedCode(textOf(length), 30)!;
    expect([code.correction, Number(code.millimetres.toFixed(2))]).toEqual([correction, millimetres]);
    expect(code.millimetres / code.rows.length).toBeGreaterThanOrEqual(correction === "medium" ? 0.28 : 0.25);
    expect(code.millimetres).toBeLessThanOrEqual(PRINTED_CODE_MM_MAX);
  });

  it("is not drawn of more than the largest holds", () => {
    expect(drawPrintedCode(textOf(4_297), 30)).toBeUndefined();
    expect(drawPrintedCode("a".repeat(2_954), 30)).toBeUndefined();
  });

  it("says what it was drawn of, also in other letters", () => {
    for (const text of [textOf(700), "https://punjab.example/verify?of=ज़िला&version=2"]) {
      const { rows } = drawPrintedCode(text, 20)!;
      const [scale, quiet] = [4, 4];
      const side = (rows.length + 2 * quiet) * scale;
      const data = new Uint8ClampedArray(side * side * 4).fill(255);
      for (let y = 0; y < side; y++)
        for (let x = 0; x < side; x++)
          if (rows[Math.floor(y / scale) - quiet]?.[Math.floor(x / scale) - quiet])
            data.fill(0, (y * side + x) * 4, (y * side + x) * 4 + 3);
      expect(decodeQR({ width: side, height: side, data })).toBe(text);
    }
  });
});
