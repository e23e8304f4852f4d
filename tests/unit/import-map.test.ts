// The map of an import: what it accepts, how it converts rows, and that every fault is named.
import { describe, expect, it } from "vitest";
import type { Json, JsonObject } from "../../src/crypto/json.ts";
import { createHeaderColumns, createMemberColumns, type FindColumn } from "../../src/records/bulk/import-columns.ts";
import { checkMapTargets, isGrouping, parseImportMap } from "../../src/records/bulk/import-map.ts";
import { bindMap, combineRows, type RowValues, readKey, readRow } from "../../src/records/bulk/import-row.ts";
import { caughtError } from "../caught-error.ts";

const parse = (map: object) => parseImportMap(JSON.stringify(map));
const header = createHeaderColumns(["Code", " Name ", "Block Name ", "Block Name"]);

/** Converts one row of cells under columns A, B, C by a map of these fields, and gives the line that would be sent. */
function convert(map: JsonObject, cells: Json, findColumn: FindColumn = createHeaderColumns(["A", "B", "C"])) {
  const bound = bindMap(parse(map), findColumn);
  const row = readRow(bound, { line: 2, cells });
  return "values" in row ? combineRows(bound, [row], new Map()) : row;
}

const convertCell = (rule: JsonObject, cell: Json) =>
  convert({ fields: [{ field: "x", column: "A", ...rule }] }, [cell]);
const dataOf = (x: Json) => ({ data: { x } });
const faultOf = (reason: string) => ({
  line: 2,
  field: "x",
  code: "record_invalid",
  reason: expect.stringContaining(reason),
});

describe("parsing a map", () => {
  it("names every unknown member and every wrong value at once", () => {
    const error = caughtError(() =>
      parse({
        fields: [
          { field: "a", column: "A", tpye: "integer" },
          { field: "b", column: "B", type: "text" },
        ],
        keys: [],
      }),
    );
    expect(error.code).toBe("import_map_invalid");
    expect(error.details).toEqual([
      { field: "/", message: 'must NOT have additional properties: "keys"' },
      { field: "/fields/0", message: 'must NOT have additional properties: "tpye"' },
      { field: "/fields/1/type", message: expect.stringContaining("string, integer, number, boolean, date, json") },
    ]);
  });

  it("refuses a member that stands twice, as every JSON here", () => {
    expect(caughtError(() => parseImportMap('{"fields":[],"fields":[]}')).code).toBe("json_duplicate_key");
  });

  it.each([
    ["no source", { fields: [{ field: "a" }] }, "exactly one of"],
    ["two sources", { fields: [{ field: "a", column: "A", value: 1 }] }, "exactly one of"],
    [
      "options of a column without one",
      { fields: [{ field: "a", value: 1, trim: false }] },
      "has trim without a column",
    ],
    [
      "a format of something else than a date",
      { fields: [{ field: "a", column: "A", format: "DD.MM.YYYY" }] },
      "for the type date",
    ],
    [
      "a format without a day",
      { fields: [{ field: "a", column: "A", type: "date", format: "MM/YYYY" }] },
      "must have YYYY",
    ],
    ["collecting without a key", { fields: [{ field: "a", column: "A", collect: true }] }, 'has no "key"'],
    [
      "one field filled twice",
      {
        fields: [
          { field: "a", column: "A" },
          { field: "a", column: "B" },
        ],
      },
      "fill the same field",
    ],
    [
      "a field within a filled one",
      {
        fields: [
          { field: "a", column: "A" },
          { field: "a.b", column: "B" },
        ],
      },
      "fill the same field",
    ],
    ["a type beside values", { fields: [{ field: "a", column: "A", type: "integer", values: { x: 1 } }] }, "both"],
    [
      "an empty text of a number",
      { fields: [{ field: "a", column: "A", type: "integer", empty: "keep" }] },
      "for the type string",
    ],
  ])("refuses %s", (_what, map, message) => {
    const error = caughtError(() => parse(map));
    expect(error.code).toBe("import_map_invalid");
    expect(error.details).toEqual([expect.objectContaining({ message: expect.stringContaining(message) })]);
  });
});

describe("checking a map against the definition", () => {
  const schema: JsonObject = {
    type: "object",
    required: ["code", "state"],
    properties: {
      code: { type: "string" },
      state: { type: "string" },
      districts: { type: "array", items: { type: "string" } },
      address: { $ref: "#/$defs/address" },
    },
    $defs: {
      address: { allOf: [{ type: "object", properties: { city: { type: "string" } } }, { $ref: "#/$defs/address" }] },
    },
  };

  it("accepts fields, arrays that collect, and fields behind references, even circular ones", () => {
    const fields = [
      { field: "code", column: "A" },
      { field: "state", column: "B" },
      { field: "districts", collect: true, column: "C" },
      { field: "address.city", column: "D" },
    ];
    expect(() => checkMapTargets(parse({ key: ["A"], fields }), schema)).not.toThrow();
  });

  it("names every field that is not there, every array that is none and every required field left out", () => {
    const fields = [
      { field: "code", collect: true, column: "A" },
      { field: "address.street", column: "B" },
      { field: "__proto__", column: "C" },
    ];
    const error = caughtError(() => checkMapTargets(parse({ key: ["A"], fields }), schema));
    expect(error.code).toBe("import_map_invalid");
    expect(error.details.map(({ message }) => message)).toEqual([
      '"code" is no array in the registry\'s definition',
      '"address.street" is no field of the registry\'s definition',
      '"__proto__" is no field of the registry\'s definition',
      'nothing fills the required field "state"',
    ]);
  });
});

describe("finding columns", () => {
  const bind = (columns: (string | number)[], find: FindColumn = header) =>
    bindMap(parse({ fields: columns.map((column, at) => ({ field: `f${at}`, column })) }), find);

  it("trims headers before they are compared", () => {
    const bound = bind([" Code", "Name"]);
    expect(readRow(bound, { line: 2, cells: ["1", "x", "", ""] })).toMatchObject({
      values: [{ value: "1" }, { value: "x" }],
    });
  });

  it("addresses headers that stand twice by position, as a number or with #", () => {
    const bound = bind([3, "#4"]);
    expect(readRow(bound, { line: 2, cells: ["", "", "three", "four"] })).toMatchObject({
      values: [{ value: "three" }, { value: "four" }],
    });
  });

  it("names every column that is not there or stands twice", () => {
    const error = caughtError(() => bind(["Block Name", "Nome", "#9"]));
    expect(error.code).toBe("import_map_invalid");
    expect(error.details).toEqual([
      {
        field: "/fields/0/column",
        message: '"Block Name" is the header of #3 and #4; choose one of them by its position',
      },
      {
        field: "/fields/1/column",
        message: expect.stringContaining('there is no column "Nome"; the file has: Code, Name'),
      },
      { field: "/fields/2/column", message: "there is no column 9; the file has 4" },
    ]);
  });

  it("finds members of JSON rows by name and by pointer, and names those that no row has", () => {
    const rows = [{ code: 7 }, { code: 8, "a/b": { c: [1, 2] } }];
    const find = createMemberColumns(rows);
    const map = { fields: [{ field: "x", column: "/a~1b/c", type: "json" }] };
    expect(convert(map, rows[1]!, find)).toEqual(dataOf([1, 2]));
    expect(caughtError(() => bind(["kode", 1], find)).details.map(({ message }) => message)).toEqual([
      'none of the first 2 rows has "kode"',
      "is a position, and the rows of this file have names",
    ]);
  });
});

describe("converting cells", () => {
  it.each([
    ["a text, trimmed", {}, "  Aali ", "Aali"],
    ["a text, untrimmed", { trim: false }, " Aali ", " Aali "],
    ["a code with leading zeros as the text it is", {}, "00721", "00721"],
    ["a number of an NDJSON row as text", {}, 35, "35"],
    ["an integer", { type: "integer" }, "0042", 42],
    ["a negative zero as zero", { type: "integer" }, "-0", 0],
    ["a number", { type: "number" }, "-12.50", -12.5],
    ["a boolean", { type: "boolean" }, "TRUE", true],
    ["a date", { type: "date" }, "2024-02-29", "2024-02-29"],
    ["a date of another form", { type: "date", format: "D.M.YYYY" }, "1.12.2022", "2022-12-01"],
    ["a text that stands for a value", { values: { U: "union territory", S: "state" } }, "U", "union territory"],
    ["a text that stands for false", { values: { N: false } }, "N", false],
    ["a list in a cell", { type: "json" }, "[1,2]", [1, 2]],
    ["an empty cell kept", { empty: "keep" }, "  ", ""],
    ["an empty cell as null", { empty: "null" }, "", null],
  ])("reads %s", (_what, rule, cell, value) => {
    expect(convertCell(rule as JsonObject, cell as Json)).toStrictEqual(dataOf(value as Json));
  });

  it.each([
    ["a fraction as an integer", { type: "integer" }, "1.5", "whole number"],
    ["an integer that a double cannot hold", { type: "integer" }, "9007199254740993", "whole number"],
    ["a number with a thousands separator", { type: "number" }, "1,000", "is not a number"],
    ["a number too large", { type: "number" }, "1e17", "is not a number"],
    ["another word as a boolean", { type: "boolean" }, "yes", "neither"],
    ["a day that no month has", { type: "date" }, "2023-02-29", "is not a date of the form YYYY-MM-DD"],
    ["a date of another form", { type: "date", format: "DD/MM/YYYY" }, "2022-01-02", "DD/MM/YYYY"],
    ["a text that is not listed", { values: { U: 1 } }, "toString", "none of the texts"],
    ["broken JSON", { type: "json" }, "{", "is not JSON"],
    ["an object where a text is wanted", {}, { a: 1 }, "object or a list"],
    ["an empty cell where the map says so", { empty: "refuse" }, "", "is empty"],
  ])("refuses %s, naming field and column and never the cell", (_what, rule, cell, reason) => {
    const result = convertCell(rule as JsonObject, cell as Json);
    expect(result).toEqual(faultOf(reason));
    expect(result).toMatchObject({ reason: expect.stringContaining('column "A"') });
  });

  it("leaves empty cells out and puts dotted fields into objects", () => {
    const fields = [
      { field: "name.local", column: "A" },
      { field: "name.english", column: "B" },
      { field: "x", column: "C" },
    ];
    expect(convert({ fields }, ["", "Aali", " "])).toEqual({ data: { name: { english: "Aali" } } });
  });

  it("adds constants, dates of effect and the legal ground", () => {
    const map = {
      fields: [{ field: "x", value: { from: "LGD" } }],
      valid_from: { column: "A", format: "DD/MM/YYYY" },
      valid_until: { value: "2030-12-31" },
      act: { instrument: "Notification 7" },
    };
    expect(convert(map, ["11/03/2022"])).toEqual({
      data: { x: { from: "LGD" } },
      valid_from: "2022-03-11",
      valid_until: "2030-12-31",
      act: { instrument: "Notification 7" },
    });
  });

  it("names every column of a row that does not convert", () => {
    const fields = [
      { field: "x", column: "A", type: "integer" },
      { field: "y", column: "B", type: "boolean" },
    ];
    expect(convert({ fields }, ["one", "maybe"])).toMatchObject({
      field: "x",
      reason: expect.stringMatching(/^x: column "A" .*; y: column "B" /),
    });
  });
});

describe("references", () => {
  const reference = {
    registry: "states",
    node: "https://lgd.example",
    by: { code: { column: "A" }, part: { column: "B" } },
  };
  const bound = bindMap(parse({ fields: [{ field: "state", reference }] }), createHeaderColumns(["A", "B"]));
  const read = (cells: string[]) => readRow(bound, { line: 2, cells });

  it("ask by the row's trimmed values, and equal rows ask the same", () => {
    const first = read([" 35", "x"]) as RowValues;
    expect(first.values[0]!.query).toMatchObject({
      registry: "states",
      node: "https://lgd.example",
      by: { code: "35", part: "x" },
    });
    expect((read(["35", "x "]) as RowValues).values[0]!.query!.key).toBe(first.values[0]!.query!.key);
    expect((read(["3", "5x"]) as RowValues).values[0]!.query!.key).not.toBe(first.values[0]!.query!.key);
  });

  it("are left out where the whole key is empty, and refused where a part of it is", () => {
    expect(combineRows(bound, [read(["", ""]) as RowValues], new Map())).toEqual({ data: {} });
    expect(read(["35", ""])).toMatchObject({ field: "state", reason: "a part of the key of states is empty" });
  });
});

describe("rows of one key", () => {
  const map = parse({
    key: ["A"],
    fields: [
      { field: "code", column: "A" },
      { field: "name", column: "B" },
      { field: "districts", collect: true, column: "C" },
    ],
  });
  const bound = bindMap(map, createHeaderColumns(["A", "B", "C"]));
  const combine = (rows: string[][]) =>
    combineRows(
      bound,
      rows.map((cells, at) => readRow(bound, { line: at + 2, cells }) as RowValues),
      new Map(),
    );

  it("become one record whose collected field holds each value once, in the order of the rows", () => {
    expect(isGrouping(map)).toBe(true);
    expect(
      combine([
        ["7", "Aali", "b"],
        ["7", "Aali", "a"],
        ["7", "Aali", "b"],
        ["7", "Aali", ""],
      ]),
    ).toEqual({
      data: { code: "7", name: "Aali", districts: ["b", "a"] },
    });
  });

  it("are refused where they differ in a field that is not collected, naming the line that differs", () => {
    expect(
      combine([
        ["7", "Aali", "a"],
        ["7", "Aali", "b"],
        ["7", "Ali", "c"],
      ]),
    ).toEqual({
      line: 4,
      field: "name",
      code: "record_invalid",
      reason: "differs from line 2, which has the same key",
    });
  });

  it("have equal keys whatever stands around the text, and none where it is empty", () => {
    expect(readKey(bound, [" 7 ", "x", ""])).toBe(readKey(bound, ["7", "", ""]));
    expect(readKey(bound, ["07", "", ""])).not.toBe(readKey(bound, ["7", "", ""]));
    expect(readKey(bound, [" ", "x", ""])).toBeUndefined();
  });
});
