// Reading the rows of a file and gathering those of one key, in memory and through temporary files.
import { mkdtempSync, readdirSync, readFileSync, rmSync, statSync, writeFileSync } from "node:fs";
import { tmpdir } from "node:os";
import { join } from "node:path";
import { afterAll, afterEach, beforeAll, describe, expect, it } from "vitest";
import { groupRows, type RowKey } from "../../src/cli/import/row-groups.ts";
import { openRows, type ReadRow } from "../../src/cli/import/row-reader.ts";
import { isAttestryError } from "../../src/errors.ts";
import { IMPORT_LINE_BYTES_MAX } from "../../src/limits.ts";
import { parseImportMap } from "../../src/records/bulk/import-map.ts";
import { type BoundMap, bindMap, type Refusal, readKey } from "../../src/records/bulk/import-row.ts";

const directory = mkdtempSync(join(tmpdir(), "attestry-reading-"));
afterAll(() => rmSync(directory, { recursive: true, force: true }));

function write(name: string, content: string | Uint8Array): string {
  const path = join(directory, name);
  writeFileSync(path, content);
  return path;
}

async function collect<Item>(items: AsyncIterable<Item>): Promise<Item[]> {
  const all: Item[] = [];
  for await (const item of items) all.push(item);
  return all;
}

async function readAll(path: string): Promise<ReadRow[]> {
  const { rows } = await openRows(path);
  return collect(rows);
}

async function failure(run: () => Promise<unknown>): Promise<{ code: string; message: string }> {
  try {
    await run();
  } catch (error) {
    if (!isAttestryError(error)) throw error;
    return { code: error.code, message: error.message };
  }
  throw new Error("nothing was refused");
}

describe("a CSV file", () => {
  it("is read with byte order mark, either line ending, empty lines and breaks in cells, each row with its first line", async () => {
    const path = write("rows.csv", '\ufeffA,B\r\n1,"x\ny\n"\r\n\r\n2,"say ""hi"""\n3,z');
    const reader = await openRows(path);
    expect(reader.findColumn("A")).toEqual({ label: "A", path: [0] });
    expect(await collect(reader.rows)).toEqual([
      { line: 2, cells: ["1", "x\ny\n"] },
      { line: 6, cells: ["2", 'say "hi"'] },
      { line: 7, cells: ["3", "z"] },
    ]);
    expect(reader.position).toMatchObject({ rowsRead: 3, isAtEnd: true, bytesRead: statSync(path).size });
  });

  it("names rows with too few or too many cells and rows that are not UTF-8, and reads on", async () => {
    const bytes = Buffer.concat([
      Buffer.from("A,B\n1\n1,2,3\n"),
      Buffer.from("caf\xe9,2\n", "latin1"),
      Buffer.from("5,6\n"),
    ]);
    expect(await readAll(write("odd.csv", bytes))).toEqual([
      { line: 2, field: "", code: "import_file_invalid", reason: "the row has 1 cells and the header 2" },
      { line: 3, field: "", code: "import_file_invalid", reason: "the row has 3 cells and the header 2" },
      { line: 4, field: "", code: "encoding_invalid", reason: expect.stringContaining("not UTF-8") },
      { line: 5, cells: ["5", "6"] },
    ]);
  });

  it.each([
    ["a quote that is never closed", 'A,B\n1,2\n"3,4\n5,6\n', "after line 2: a quote is opened and never closed"],
    ["a cell that goes on after its quote", 'A,B\n1,"2"x\n', "after line 1: a quoted cell goes on"],
    ["a quote in the middle of a cell", 'A,B\n1,2"x\n', "after line 1: a quote stands in the middle"],
    ["a row without end", `A,B\n1,2\n${"x".repeat(IMPORT_LINE_BYTES_MAX + 10)},2\n`, "after line 2: the row is longer"],
  ])("ends at %s, naming the place and not the cell", async (_what, content, message) => {
    const error = await failure(() => readAll(write("broken.csv", content)));
    expect(error).toEqual({ code: "import_file_invalid", message: expect.stringContaining(message) });
    expect(error.message.length).toBeLessThan(200);
  });

  it("needs a header, a known ending and a file that is there", async () => {
    expect((await failure(() => openRows(write("empty.csv", "")))).message).toContain("must be the header");
    expect((await failure(() => openRows(write("rows.xlsx", "")))).message).toContain("allowed: .csv, .ndjson, .jsonl");
    expect((await failure(() => openRows(join(directory, "none.csv")))).code).toBe("import_file_invalid");
    expect((await failure(() => openRows(directory))).message).toContain("is not a file");
  });
});

describe("an NDJSON file", () => {
  it("is read line by line, naming each line that is no JSON object, and reads on", async () => {
    const long = `{"a":"${"x".repeat(IMPORT_LINE_BYTES_MAX)}"}`;
    const path = write("rows.ndjson", `\ufeff{"a":1}\r\n\n{"a":1,"a":2}\n[1]\n${long}\n  {"a":{"b":2}}`);
    expect(await readAll(path)).toEqual([
      { line: 1, cells: { a: 1 } },
      { line: 3, field: "", code: "json_duplicate_key", reason: expect.any(String) },
      { line: 4, field: "", code: "import_file_invalid", reason: "the line is no JSON object" },
      { line: 5, field: "", code: "record_too_large", reason: expect.any(String) },
      { line: 6, cells: { a: { b: 2 } } },
    ]);
  });

  it("keeps characters whole that stand across two blocks of the file", async () => {
    const text = "ä".repeat(40_000);
    expect(await readAll(write("wide.ndjson", `{"x":"${text}"}\n{"y":"a${text}"}\n`))).toEqual([
      { line: 1, cells: { x: text } },
      { line: 2, cells: { y: `a${text}` } },
    ]);
  });
});

const keyOf = (bound: BoundMap): RowKey => ({
  label: bound.key.map(({ label }) => label).join(", "),
  isRequired: true,
  read: ({ cells }) => readKey(bound, cells),
});

describe("rows of one key", () => {
  const temporary = mkdtempSync(join(tmpdir(), "attestry-grouping-"));
  const usual = process.env.TMPDIR;
  beforeAll(() => {
    process.env.TMPDIR = temporary;
  });
  afterAll(() => {
    if (usual === undefined) delete process.env.TMPDIR;
    else process.env.TMPDIR = usual;
    rmSync(temporary, { recursive: true, force: true });
  });
  afterEach(() => expect(readdirSync(temporary)).toEqual([]));

  // Each key stands twice, as far apart as the file allows; one line is broken, one key empty.
  const KEYS = 500;
  const codes = Array.from({ length: 2 * KEYS }, (_, at) => at % KEYS);
  const path = write("twice.csv", `code,name\n${codes.map((code, at) => `${code},n${at}\n`).join("")}broken\n,x\n`);

  async function group(options: { isGrouping: boolean; key?: string[]; memoryBytesMax?: number }) {
    const { rows, findColumn, position } = await openRows(path);
    const fields = [{ field: "name", column: "name" }];
    const bound = bindMap(parseImportMap(JSON.stringify({ key: options.key ?? ["code"], fields })), findColumn);
    const key = keyOf(bound);
    const refusals: Refusal[] = [];
    const { isGrouping, memoryBytesMax = 1e6 } = options;
    const onRefusal = (refusal: Refusal) => void refusals.push(refusal);
    const groups = await collect(
      groupRows({ rows, key, isGrouping, fileBytes: position.bytesTotal, memoryBytesMax, onRefusal }),
    );
    return { lines: groups.map((rows) => rows.map(({ line }) => line)), refusals };
  }

  const pairs = Array.from({ length: KEYS }, (_, at) => [at + 2, at + 2 + KEYS]);
  const byFirstLine = (lines: number[][]) => lines.toSorted((a, b) => a[0]! - b[0]!);
  const odd = [
    expect.objectContaining({ line: 2 * KEYS + 2, code: "import_file_invalid" }),
    expect.objectContaining({ line: 2 * KEYS + 3, code: "record_invalid", reason: "the key is empty (code)" }),
  ];

  it("are gathered in the order of the file where it fits into memory", async () => {
    const { lines, refusals } = await group({ isGrouping: true });
    expect(lines).toEqual(pairs);
    expect(refusals).toEqual(odd);
  });

  it("are gathered through temporary files where it does not, and none of those is left", async () => {
    const { lines, refusals } = await group({ isGrouping: true, memoryBytesMax: 1_000 });
    expect(lines).not.toEqual(pairs);
    expect(byFirstLine(lines)).toEqual(pairs);
    expect(refusals).toEqual(odd);
  });

  it.each([1_000, 1e6])(
    "are refused but for the first where the map does not group, naming its line (%i bytes)",
    async (memoryBytesMax) => {
      const { lines, refusals } = await group({ isGrouping: false, memoryBytesMax });
      expect(byFirstLine(lines)).toEqual(pairs.map(([first]) => [first]));
      const repeated = refusals.filter(({ code }) => code === "value_not_unique").toSorted((a, b) => a.line - b.line);
      expect(repeated).toEqual(
        pairs.map(([first, second]) => ({
          line: second,
          field: "",
          code: "value_not_unique",
          reason: `line ${first} has the same key (code)`,
        })),
      );
    },
  );

  it("leave no temporary file where the reading stops half-way", async () => {
    const { rows, findColumn, position } = await openRows(path);
    const map = { key: ["code"], fields: [{ field: "name", column: "name" }] };
    const key = keyOf(bindMap(parseImportMap(JSON.stringify(map)), findColumn));
    const onRefusal = () => undefined;
    const options = { rows, key, isGrouping: true, fileBytes: position.bytesTotal, memoryBytesMax: 1_000, onRefusal };
    for await (const rowsOfOneKey of groupRows(options)) {
      expect(readdirSync(temporary)).toHaveLength(1);
      expect(statSync(join(temporary, readdirSync(temporary)[0]!)).mode & 0o777).toBe(0o700);
      const directory = join(temporary, readdirSync(temporary)[0]!);
      const texts = readdirSync(directory).map((name) => readFileSync(join(directory, name), "utf8"));
      expect(texts.join("").length).toBeGreaterThan(1_000);
      // Whoever finds them after a crash reads no row.
      expect(texts.filter((text) => /name|code|n\d+"/.test(text))).toEqual([]);
      expect(rowsOfOneKey).toHaveLength(2);
      break;
    }
  });
});
