// Records as rows of CSV and back: whatever the data, nothing is lost, and no cell can be run.
import { parse } from "csv-parse/sync";
import { describe, expect, it } from "vitest";
import type { Json, JsonObject } from "../../src/crypto/json.ts";
import {
  createCsvDecoder,
  formatCsvHeader,
  formatCsvRecord,
  listCsvColumns,
} from "../../src/records/bulk/export-csv.ts";

const object = (properties: JsonObject): JsonObject => ({ type: "object", additionalProperties: false, properties });
const schema = object({
  name: { type: "string" },
  count: { type: ["integer", "null"] },
  either: { type: ["string", "integer"] },
  list: { type: "array" },
  address: object({ city: { type: "string" }, geo: object({ lat: { type: "number" } }) }),
  "a.b": { type: "string" },
  "record:rest": { type: "string" },
  "=x": { type: "string" },
});
const columns = listCsvColumns(schema);
const record = { href: "https://node.example/registries/things/records/1", version: 1, state: "active" };

function roundTrip(data: JsonObject): JsonObject {
  const csv = formatCsvHeader(columns, true) + formatCsvRecord(columns, { record, data }, true);
  const [header, row] = parse(csv, { record_delimiter: ["\r\n", "\n"] }) as [string[], string[]];
  return createCsvDecoder(header, schema)!.decode(row).data as JsonObject;
}

describe("a record as a row of CSV", () => {
  it("has a column for each field, lists and unions as JSON, odd names as pointers", () => {
    expect(columns.map(({ header }) => header)).toEqual([
      "name",
      "count",
      "either:json",
      "list:json",
      "address.city",
      "address.geo.lat",
      "/a.b",
      "/record:rest",
      "/=x",
    ]);
  });

  it.each<[string, JsonObject]>([
    ["nothing", {}],
    ["an empty text", { name: "" }],
    ["a null where a number stands", { count: null }],
    ["a number as a text", { either: "5" }],
    ["a number as a number", { either: 5 }],
    ["an object without members", { address: {} }],
    ["an object with an empty one", { address: { geo: {} } }],
    ["a nested number", { address: { city: "x", geo: { lat: -1.5 } } }],
    ["a list of anything", { list: ["", null, { a: [1] }, "=1"] }],
    ["a control character", { name: "\u0000\ufffd\ufeff" }],
    ["fields of an earlier definition", { gone: { x: "=1" }, name: "n" }],
    ["a value of another type than the field's", { name: 7, address: "a text" }],
    ["names with signs", { "a.b": "1", "record:rest": "2", "=x": "3" }],
    ["line breaks and quotes", { name: 'a\r\n"b",\n;c\t ' }],
  ])("is read back with %s", (_what, data) => {
    expect(roundTrip(data)).toEqual(data);
  });

  it.each(["=1+1", "+1", "-1+2", "@SUM(A1)", "\t=1", "\r=1", " =1", "＝1", "'=1", "''", "'"])(
    "is read back and not run with the text %j",
    (name) => {
      expect(roundTrip({ name })).toEqual({ name });
      const [row] = parse(formatCsvRecord(columns, { record, data: { name } }, true)) as string[][];
      expect(row![7]).toBe(`'${name}`);
    },
  );

  it("is refused by the column's name, and never by its cell, where its JSON is none", () => {
    const decoder = createCsvDecoder(["record:href", "list:json"], schema)!;
    const decode = (cell: Json) => () => decoder.decode(["", String(cell)]);
    expect(decode("[1,secret")).toThrow(/column "list:json"/);
    expect(decode("[1,secret")).not.toThrow(/secret/);
  });

  it("is no export's where no column says so", () => {
    expect(createCsvDecoder(["code", "name"], schema)).toBeUndefined();
  });
});
