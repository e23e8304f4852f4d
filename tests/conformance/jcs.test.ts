// RFC 8785 against the vectors of its author's repository, byte for byte.
import { existsSync, readdirSync, readFileSync } from "node:fs";
import { describe, expect, test } from "vitest";
import { encodeUtf8 } from "../../src/crypto/hash.ts";
import { canonicalJson, parseJson } from "../../src/crypto/json.ts";

const vectors = new URL("../../../shared/vectors/jcs/testdata/", import.meta.url);
const isMissing = !existsSync(vectors);
if (isMissing) console.log("jcs.test.ts: skipped, ../shared/vectors/jcs is absent");
const names = isMissing ? [] : readdirSync(new URL("input/", vectors));

describe.skipIf(isMissing)("canonical JSON of the RFC 8785 vectors", () => {
  test("there are six", () => {
    expect(names).toHaveLength(6);
  });

  test.each(names)("%s has exactly the expected bytes", (name) => {
    // JSON.parse, because the vectors hold 1E30, which the strict parser refuses for being beyond 2^53.
    const value: unknown = JSON.parse(readFileSync(new URL(`input/${name}`, vectors), "utf8"));
    const expected = readFileSync(new URL(`output/${name}`, vectors));
    expect(Buffer.from(encodeUtf8(canonicalJson(value))).toString("hex")).toBe(expected.toString("hex"));
  });

  test.each(names.filter((name) => !["arrays.json", "values.json"].includes(name)))(
    "%s read by the strict parser has the same canonical form",
    (name) => {
      const text = readFileSync(new URL(`input/${name}`, vectors), "utf8");
      const expected = readFileSync(new URL(`output/${name}`, vectors), "utf8");
      expect(canonicalJson(parseJson(text))).toBe(expected);
      expect(canonicalJson(parseJson(expected))).toBe(expected);
    },
  );
});
