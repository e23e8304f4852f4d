// Normal forms and the texts of the search index, against orders and folds worked out otherwise.
import { describe, expect, it } from "vitest";
import { encodeInstant, encodeNumber, encodeOpenValue } from "../../src/records/search/search-value.ts";
import { nextPrefix } from "../../src/records/search/value-test.ts";
import { normalizeText } from "../../src/registries/normal-form.ts";

const compareBytes = (a: string, b: string) => Math.sign(Buffer.compare(Buffer.from(a), Buffer.from(b)));

describe("a normal form", () => {
  it.each([
    ["text", "  JAIPUR\t Rural ", "jaipur rural"],
    ["text", "Straße", "strasse"],
    ["text", "ΟΔΥΣΣΕΥΣ", "οδυσσευσ"],
    ["text", "ﬁnal", "final"],
    ["text", "José", "josé"],
    ["text", "Ｊａｉｐｕｒ", "jaipur"],
    ["text", "क्‍ष", "क्ष"],
    ["name", "José Ñandú", "jose nandu"],
    ["name", "K.R. Narayanan", "k r narayanan"],
    ["name", "K. R.  Narayanan", "k r narayanan"],
    ["name", "O’Neil", "oneil"],
    ["name", "Jean-Luc", "jean luc"],
    ["name", "Ёлкин", "елкин"],
    ["name", "Σωκράτης", "σωκρατησ"],
    ["name", "राहुल गांधी", "राहुल गांधी"],
    ["name", "தமிழ்", "தமிழ்"],
    ["name", "বাংলা", "বাংলা"],
    ["digits", "+91 98-7654-3210", "919876543210"],
    ["digits", "१२३", "123"],
    ["digits", "٤٢ and 𑛞", "424"],
    ["exact", " As It Is ", " As It Is "],
  ] as const)("%s of %s is %s", (form, text, expected) => {
    expect(normalizeText(text, form)).toBe(expected);
  });

  it("keeps the vowel signs of Indic scripts, which are the word", () => {
    expect(normalizeText("कि", "name")).not.toBe(normalizeText("की", "name"));
    expect(normalizeText("മല", "name")).not.toBe(normalizeText("മാല", "name"));
  });

  it("is itself in normal form, for every character there is", () => {
    const unstable: string[] = [];
    for (let code = 0; code <= 0x10ffff; code++) {
      const character = String.fromCodePoint(code);
      // Ideographs and syllables have no case, no marks and no digits.
      if (!/\p{Assigned}/u.test(character) || /[\p{Script=Han}\p{Script=Hangul}\p{Co}\p{Cs}]/u.test(character))
        continue;
      for (const form of ["text", "name", "digits"] as const) {
        for (const text of [character, `a${character}b`]) {
          const once = normalizeText(text, form);
          if (normalizeText(once, form) !== once) unstable.push(`${form} U+${code.toString(16)}`);
        }
      }
    }
    expect(unstable).toEqual([]);
  }, 60_000);
});

describe("a value in the index", () => {
  const numbers = [
    0,
    -0,
    1,
    -1,
    0.1,
    -0.1,
    1e-7,
    -1e-7,
    2,
    10,
    9,
    -9,
    -10,
    1.5,
    1.25,
    -1.25,
    2 ** 53 - 1,
    -(2 ** 53 - 1),
    5e-324,
    999.999,
    ...Array.from({ length: 300 }, (_, i) => (i % 2 ? 1 : -1) * ((i * 7_919) % 1_000) * 10 ** ((i % 13) - 6)),
  ];

  it("sorts as numbers do, of any sign and fraction", () => {
    for (const a of numbers)
      for (const b of numbers)
        expect(compareBytes(encodeNumber(a), encodeNumber(b)), `${a} and ${b}`).toBe(Math.sign(a - b) + 0);
  });

  it("sorts times as instants, whatever their zones and fractions", () => {
    const ordered = [
      "0000-01-01T00:00:00+01:00",
      "0001-01-01T00:00:00Z",
      "1969-12-31T23:59:59.25Z",
      "1969-12-31T23:59:59.5Z",
      "1970-01-01T00:00:00Z",
      "2026-03-31T23:30:00+05:30",
      "2026-03-31T18:00:00.001Z",
      "2026-03-31T18:00:00.0011Z",
      "2026-03-31T18:00:01Z",
      "9999-12-31T23:59:59-11:00",
    ];
    for (const [i, a] of ordered.entries())
      for (const [j, b] of ordered.entries())
        expect(compareBytes(encodeInstant(a)!, encodeInstant(b)!), `${a} and ${b}`).toBe(Math.sign(i - j) + 0);
    expect(encodeInstant("2026-03-31t18:00:00.10z")).toBe(encodeInstant("2026-03-31T23:30:00.1+05:30"));
    expect(encodeInstant("2016-12-31T23:59:60Z")).toBe(encodeInstant("2017-01-01T00:00:00Z"));
    expect(encodeInstant("2026-03-31")).toBeUndefined();
  });

  it("stands cut where it is long or holds a NUL, and stays different from all others", () => {
    const field = { normal: "exact", format: undefined } as const;
    const long = "x".repeat(5_000);
    const texts = [
      "a",
      "a\0",
      "a\0b",
      "a\u0001",
      long,
      `${long}y`,
      `${"x".repeat(199)}😀tail`,
      `${"x".repeat(199)}😀tale`,
    ];
    const values = texts.map((text) => encodeOpenValue(field, text)!);
    expect(new Set(values).size).toBe(texts.length);
    for (const value of values) {
      expect(Buffer.byteLength(value)).toBeLessThan(1_000);
      expect(value).not.toContain("\0");
      expect(Buffer.from(value).toString()).toBe(value);
    }
    // Against a text that stands whole the order is right.
    expect(compareBytes(encodeOpenValue(field, long)!, "x".repeat(200))).toBe(1);
    expect(compareBytes(encodeOpenValue(field, long)!, "xy")).toBe(-1);
    expect(compareBytes(encodeOpenValue(field, "a\0b")!, "a")).toBe(1);
    expect(compareBytes(encodeOpenValue(field, "a\0b")!, "a!")).toBe(-1);
  });

  it("has an end of its beginnings: the least text after all that begin so", () => {
    expect(nextPrefix("jai")).toBe("jaj");
    expect(nextPrefix("a\u{d7ff}")).toBe("a\u{e000}");
    expect(nextPrefix("a\u{10ffff}")).toBe("b");
    expect(nextPrefix("\u{10ffff}")).toBeUndefined();
    expect(compareBytes("jai\u{10ffff}\u{10ffff}", nextPrefix("jai")!)).toBe(-1);
  });
});
