// What Accept-Language makes of texts and numbers.
import { describe, expect, test } from "vitest";
import { parseReader } from "../../src/web/accept-language.ts";
import { chooseText, formatBytes, formatNumber, formatTime } from "../../src/web/reader-language.ts";

const TITLE = { en: "Districts", hi: "ज़िले", "pt-BR": "Distritos" };

describe("a text per language", () => {
  test.each([
    ["hi-IN,hi;q=0.9,en;q=0.8", "hi"],
    ["fr, hi;q=0.5, en;q=0.7", "en"],
    ["pt-br", "pt-BR"],
    ["de", "en"],
    ["hi;q=0, en", "en"],
    ["*", "en"],
    [undefined, "en"],
  ])("is chosen for %s in %s", (header, language) => {
    expect(chooseText(TITLE, parseReader(header)).language).toBe(language);
  });

  test("is any there is where neither the wanted languages nor English exist", () => {
    expect(chooseText({ or: "ଜିଲ୍ଲା" }, parseReader("fr"))).toEqual({ text: "ଜିଲ୍ଲା", language: "or" });
  });

  test("that stands alone is given without a language", () => {
    expect(chooseText("Districts", parseReader("fr"))).toEqual({ text: "Districts", language: undefined });
  });
});

describe("numbers and times", () => {
  test.each([
    [125, "125 bytes"],
    [15_300, "15 kB"],
    [2_450_000, "2.5 MB"],
  ])("of %d bytes are %s", (bytes, text) => {
    expect(formatBytes(bytes, parseReader("en"))).toBe(text);
  });

  test("are grouped as the reader's country groups them", () => {
    const numbers = ["en", "de", "hi-IN"].map((header) => formatNumber(1_234_567, parseReader(header)));
    expect(numbers).toEqual(["1,234,567", "1.234.567", "12,34,567"]);
  });

  test("are in UTC and say so", () => {
    expect(formatTime(1_767_225_600, parseReader("en-GB"))).toMatch(/1 January 2026.*UTC/);
  });
});

test("a header that is no list of languages is passed over", () => {
  for (const header of ["", ";;;", "en-", "x".repeat(5_000), "a,".repeat(9_000), "<script>", "en_US"]) {
    expect(formatNumber(1_000, parseReader(header))).toBe("1,000");
  }
});
