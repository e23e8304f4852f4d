// The strict JSON parser and canonical JSON: one meaning for one text, and no input that breaks the process.
import { describe, expect, test } from "vitest";
import { canonicalJson, parseJson } from "../../src/crypto/json.ts";
import type { ErrorCode } from "../../src/errors.ts";

const withCode = (code: ErrorCode) => expect.objectContaining({ name: "AttestryError", code });

describe("parseJson reads what JSON.parse reads", () => {
  const texts = [
    '{"name":"Asha Rao","age":36,"tags":["a","b",[]],"open":true,"shut":false,"none":null,"inner":{"x":{}}}',
    " \t\r\n[ 1 , -2 , 0 , 0.5 , -1.25e-3 , 1E5 , 123456789012345 , 9007199254740991 , -9007199254740991 ] \n",
    '"\\"\\\\\\/\\b\\f\\n\\r\\t\\u0041\\u00e9\\u20ac\\ud83d\\ude00 plain é € 😀 \u2028 \u007f"',
    '""',
    "[]",
    "{}",
    "0",
    "true",
    "null",
    '{"constructor":1,"toString":2,"hasOwnProperty":3,"prototype":4,"":5}',
  ];

  test.each(texts)("%s", (text) => {
    expect(parseJson(text)).toEqual(JSON.parse(text));
  });

  test("objects are ordinary, so that all libraries take them", () => {
    expect(Object.getPrototypeOf(parseJson("{}"))).toBe(Object.prototype);
  });

  test("-0 is read as 0 in each of its forms", () => {
    for (const text of ["-0", "-0.0", "-0e5"]) expect(Object.is(parseJson(text), 0)).toBe(true);
  });

  test("whatever it accepts, it accepts again in canonical form", () => {
    for (const text of texts) expect(parseJson(canonicalJson(parseJson(text)))).toEqual(parseJson(text));
  });
});

describe("parseJson refuses", () => {
  const refused: [what: string, text: string, code: ErrorCode][] = [
    ["nothing", "", "json_invalid"],
    ["space only", "  ", "json_invalid"],
    ["a byte order mark", "\ufeff{}", "json_invalid"],
    ["another kind of space", "\u00a0{}", "json_invalid"],
    ["two values", "{} {}", "json_invalid"],
    ["text after the value", "nullx", "json_invalid"],
    ["half a word", "tru", "json_invalid"],
    ["NaN", "NaN", "json_invalid"],
    ["Infinity", "[Infinity]", "json_invalid"],
    ["-Infinity", "[-Infinity]", "json_invalid"],
    ["undefined", "undefined", "json_invalid"],
    ["a comment", "{/* */}", "json_invalid"],
    ["single quotes", "{'a':1}", "json_invalid"],
    ["a name without quotes", "{a:1}", "json_invalid"],
    ["a trailing comma in an array", "[1,]", "json_invalid"],
    ["a trailing comma in an object", '{"a":1,}', "json_invalid"],
    ["a leading comma", "[,1]", "json_invalid"],
    ["two commas", "[1,,2]", "json_invalid"],
    ["no colon", '{"a" 1}', "json_invalid"],
    ["no value", '{"a":}', "json_invalid"],
    ["no comma", "[1 2]", "json_invalid"],
    ["an open object", '{"a":1', "json_invalid"],
    ["an open array", "[1", "json_invalid"],
    ["the wrong bracket", "[1}", "json_invalid"],
    ["an open string", '"abc', "json_invalid"],
    ["an escape at the end", '"abc\\', "json_invalid"],
    ["a control character in a string", '"a\u0001b"', "json_invalid"],
    ["a raw line break in a string", '"a\nb"', "json_invalid"],
    ["an unknown escape", '"\\x41"', "json_invalid"],
    ["an escape that Object.prototype would know", '"\\constructor"', "json_invalid"],
    ["a short \\u escape", '"\\u12"', "json_invalid"],
    ["a \\u escape that is no hex", '"\\u12g4"', "json_invalid"],
    ["a \\u escape with a sign", '"\\u+123"', "json_invalid"],
    ["a leading zero", "01", "json_invalid"],
    ["a negative leading zero", "-01", "json_invalid"],
    ["a plus sign", "+1", "json_invalid"],
    ["a lone minus", "-", "json_invalid"],
    ["a point without digits after it", "1.", "json_invalid"],
    ["a point without digits before it", ".5", "json_invalid"],
    ["an exponent without digits", "1e", "json_invalid"],
    ["a hexadecimal number", "0x10", "json_invalid"],
    ["a big integer", "1n", "json_invalid"],
    ["2^53", "9007199254740992", "json_number_unsafe"],
    ["2^53 + 1", '{"n":9007199254740993}', "json_number_unsafe"],
    ["-2^53", "-9007199254740992", "json_number_unsafe"],
    ["an integer beyond 2^53 with an exponent", "1e20", "json_number_unsafe"],
    ["an integer beyond 2^53 with a point", "9007199254740993.0", "json_number_unsafe"],
    ["overflow", "1e400", "json_number_unsafe"],
    ["negative overflow", "-1e400", "json_number_unsafe"],
    ["underflow", "1e-400", "json_number_unsafe"],
    ["a name twice", '{"a":1,"b":2,"a":1}', "json_duplicate_key"],
    ["a name twice, once escaped", '{"a":1,"\\u0061":2}', "json_duplicate_key"],
    ["a name twice where the first is null", '{"a":null,"a":1}', "json_duplicate_key"],
    ["constructor twice", '{"constructor":1,"constructor":2}', "json_duplicate_key"],
    ["a name twice, deep inside", '[{"x":{"a":1,"a":2}}]', "json_duplicate_key"],
    ["__proto__", '{"__proto__":{"admin":true}}', "json_forbidden_key"],
    ["__proto__, escaped and deep inside", '[{"x":{"\\u005f_proto__":1}}]', "json_forbidden_key"],
    ["an escaped high surrogate alone", '"\\ud800"', "json_lone_surrogate"],
    ["an escaped low surrogate alone", '"\\udc00"', "json_lone_surrogate"],
    ["escaped surrogates in the wrong order", '"\\udc00\\ud800"', "json_lone_surrogate"],
    ["two escaped high surrogates", '"\\ud800\\ud800"', "json_lone_surrogate"],
    ["a raw high surrogate alone", '"\ud800"', "json_lone_surrogate"],
    ["a raw low surrogate alone", '"\udc00x"', "json_lone_surrogate"],
    ["a pair that is half raw and half escaped", '"\ud83d\\ude00"', "json_lone_surrogate"],
    ["a lone surrogate in a name", '{"\\ud800":1}', "json_lone_surrogate"],
    ["10,000 arrays in each other", "[".repeat(10_000), "json_too_deep"],
    ["10,000 closed arrays in each other", "[".repeat(10_000) + "]".repeat(10_000), "json_too_deep"],
    ["10,000 objects in each other", '{"a":'.repeat(10_000), "json_too_deep"],
  ];

  test.each(refused)("%s", (_what, text, code) => {
    expect(() => parseJson(text)).toThrow(withCode(code));
  });

  test("one level more than allowed, and not one less", () => {
    const nested = (depth: number) => "[".repeat(depth) + "]".repeat(depth);
    expect(parseJson(nested(64))).toBeInstanceOf(Array);
    expect(() => parseJson(nested(65))).toThrow(withCode("json_too_deep"));
    expect(parseJson(nested(3), { depthMax: 3 })).toEqual([[[]]]);
    expect(() => parseJson(nested(4), { depthMax: 3 })).toThrow(withCode("json_too_deep"));
  });

  test("and says where, without repeating any of the content", () => {
    expect(() => parseJson('{"secret":"Asha","secret":1}')).toThrow(/^(?!.*(secret|Asha)).*character 25 of 28$/);
  });

  test("exactly what JSON.parse refuses, beside its own restrictions (a thousand broken texts)", () => {
    const whole = '{"a":[1,-2.5e1,"x\\n\\u00e9",true,null],"b":{"c":"d"}}';
    const characters = '{}[]:,"\\0-+.eEtn \n\u0001';
    let compared = 0;
    for (let at = 0; at < whole.length; at++) {
      for (const character of characters) {
        const text = whole.slice(0, at) + character + whole.slice(at + 1);
        let expected: unknown;
        try {
          expected = JSON.parse(text);
        } catch {
          expect(() => parseJson(text)).toThrow(withCode("json_invalid"));
          compared++;
          continue;
        }
        expect(parseJson(text)).toEqual(expected);
        compared++;
      }
    }
    expect(compared).toBe(whole.length * characters.length);
  });
});

describe("canonicalJson", () => {
  test("sorts names by UTF-16 code units at every level", () => {
    expect(canonicalJson({ b: { z: 1, "\ud83d\ude00": 2, "\ufb33": 3 }, a: [true, null], "": 0 })).toBe(
      '{"":0,"a":[true,null],"b":{"z":1,"\ud83d\ude00":2,"\ufb33":3}}',
    );
  });

  test("escapes like ECMAScript and writes numbers like it", () => {
    expect(canonicalJson(['"\\\n\u0001\u007f€', -0, 1e21, 0.1])).toBe('["\\"\\\\\\n\\u0001\u007f€",0,1e+21,0.1]');
  });

  const cyclic: Record<string, unknown> = {};
  cyclic.self = cyclic;
  const refused: [what: string, value: unknown, code: ErrorCode][] = [
    ["a lone surrogate", { a: "\ud800" }, "json_lone_surrogate"],
    ["a lone surrogate in a name", { "\udfff": 1 }, "json_lone_surrogate"],
    ["NaN", [Number.NaN], "json_number_unsafe"],
    ["Infinity", Number.POSITIVE_INFINITY, "json_number_unsafe"],
    ["an undefined member", { a: undefined }, "json_invalid"],
    ["a hole in an array", new Array(1), "json_invalid"],
    ["undefined", undefined, "json_invalid"],
    ["a big integer", 1n, "json_invalid"],
    ["a date", new Date(0), "json_invalid"],
    ["a function", () => 1, "json_invalid"],
    ["a cycle", cyclic, "json_too_deep"],
  ];

  test.each(refused)("refuses %s", (_what, value, code) => {
    expect(() => canonicalJson(value)).toThrow(withCode(code));
  });
});
