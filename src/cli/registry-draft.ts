// `attestry registry draft`: reads a file, proposes a definition and an import map, writes both, and says what was guessed.
import { writeFileSync } from "node:fs";
import { basename, extname } from "node:path";
import { Command } from "commander";
import type { Json } from "../crypto/json.ts";
import { AttestryError } from "../errors.ts";
import { DRAFT_COLUMNS_MAX, DRAFT_VALUES_REMEMBERED_MAX } from "../limits.ts";
import { parseImportMap } from "../records/bulk/import-map.ts";
import { compileDefinition } from "../registries/compiled-definition.ts";
import { isRegistryName } from "../registries/definition.ts";
import { type Draft, type DraftSource, draftDefinition, findPairColumns } from "../registries/definition-draft.ts";
import { createDraftColumn, type DraftColumn, hashText } from "../registries/draft-column.ts";
import { openRows } from "./import/row-reader.ts";
import { createProgress, formatTable, printFailure, printResult } from "./terminal.ts";

interface Flags {
  readonly name?: string;
  readonly type?: string;
  readonly out?: string;
  readonly map?: string;
  readonly json?: true;
}

export interface DraftedFile extends Draft {
  readonly rows: number;
  /** Rows that could not be read, and were passed over. */
  readonly unreadable: number;
}

export function draftCommand(): Command {
  return new Command("draft")
    .description("propose a definition and an import map from a CSV or NDJSON file; nothing is published")
    .argument("<file>", "FILE.csv, FILE.ndjson or FILE.jsonl")
    .option("--name <name>", "name of the registry (default: after the file)")
    .option("--type <type>", "registry type (default: the name)")
    .option("--out <file>", "where the definition is written (default: NAME.definition.json)")
    .option("--map <file>", "where the import map is written (default: NAME.map.json)")
    .option("--json", "print one JSON object")
    .action(runCommand);
}

async function runCommand(file: string, flags: Flags): Promise<void> {
  const json = flags.json === true;
  try {
    const name = flags.name ?? nameAfter(file);
    const type = flags.type ?? name;
    for (const text of [name, type])
      if (!isRegistryName(text))
        throw new AttestryError(
          "definition_invalid",
          `"${text}" must be small letters, digits and "-", beginning with a letter`,
        );
    const drafted = await draftFile(file, { name, type });
    const out = flags.out ?? `${name}.definition.json`;
    const map = flags.map ?? `${name}.map.json`;
    writeNew(out, drafted.definition);
    writeNew(map, drafted.map);
    const { rows, unreadable, notes } = drafted;
    const value = { name, type, rows, unreadable, notes, definition: out, map };
    printResult({ json, value, lines: describeDraft(drafted, { file, out, map, name }) });
  } catch (error) {
    printFailure(error, { json });
  }
}

function nameAfter(file: string): string {
  const words = basename(file, extname(file))
    .toLowerCase()
    .replaceAll(/[^a-z0-9]+/g, "-");
  return words.replaceAll(/^[^a-z]+|-+$/g, "").slice(0, 63) || "records";
}

/** Walks the file once, and once more where no single column tells the records apart. */
export async function draftFile(file: string, names: { name: string; type: string }): Promise<DraftedFile> {
  const { sources, rows, unreadable } = await readColumns(file);
  const candidates = findPairColumns(sources);
  const pairs = candidates.length < 2 ? [] : await findUniquePairs(file, sources, candidates);
  const draft = draftDefinition({ ...names, sources, pairs });
  // What is proposed can be published and imported by: a fault here is one of this program.
  compileDefinition({ entity: "https://draft.example", version: 1, text: JSON.stringify(draft.definition) });
  parseImportMap(JSON.stringify(draft.map));
  return { ...draft, rows, unreadable };
}

async function readColumns(file: string) {
  const reader = await openRows(file);
  const memory = { valuesLeft: DRAFT_VALUES_REMEMBERED_MAX };
  const columns = new Map<string | number, DraftColumn>();
  let [rows, unreadable] = [0, 0];
  for (const [at] of (reader.header ?? []).entries()) columns.set(at, createDraftColumn(memory));
  checkColumns(columns.size);
  const progress = createProgress({ label: "reading", unit: "rows", stream: process.stderr });
  for await (const row of reader.rows) {
    if (!("cells" in row)) {
      unreadable++;
      continue;
    }
    if (!Array.isArray(row.cells)) {
      for (const name of Object.keys(row.cells as object)) {
        if (columns.has(name)) continue;
        checkColumns(columns.size + 1);
        const column = createDraftColumn(memory);
        // The rows before it had nothing there.
        for (let before = 0; before < rows; before++) column.add(undefined);
        columns.set(name, column);
      }
    }
    for (const [at, column] of columns) column.add(cellOf(row.cells, at));
    rows++;
    progress.update(reader.position.bytesRead, reader.position.bytesTotal);
  }
  progress.end();
  if (rows === 0) throw new AttestryError("import_file_invalid", `${file} has no row that can be read`);
  const sources = [...columns].map(
    ([at, column]): DraftSource => ({ ...nameColumn(at, reader.header), facts: column.facts() }),
  );
  return { sources, rows, unreadable };
}

function checkColumns(count: number): void {
  if (count > DRAFT_COLUMNS_MAX)
    throw new AttestryError(
      "import_file_invalid",
      `the file has more than the ${DRAFT_COLUMNS_MAX} columns that can be looked at`,
    );
}

function cellOf(cells: Json, at: string | number): Json | undefined {
  if (Array.isArray(cells)) return cells[at as number];
  const object = cells as { readonly [name: string]: Json };
  return Object.hasOwn(object, at) ? object[at] : undefined;
}

/** A header that stands twice is named by its position, and so is one that would be read as a position. */
function nameColumn(
  at: string | number,
  header: readonly string[] | undefined,
): Pick<DraftSource, "header" | "selector"> {
  if (typeof at === "string")
    return { header: at, selector: at.startsWith("/") || at.startsWith("#") ? pointerOf(at) : at };
  const names = (header ?? []).map((name) => name.trim());
  const name = names[at]!;
  const isClear = name !== "" && !name.startsWith("#") && names.indexOf(name) === at && names.lastIndexOf(name) === at;
  return { header: name === "" ? `column ${at + 1}` : name, selector: isClear ? name : at + 1 };
}

// RFC 6901 §3
function pointerOf(name: string): string {
  return `/${name.replaceAll("~", "~0").replaceAll("/", "~1")}`;
}

async function findUniquePairs(
  file: string,
  sources: readonly DraftSource[],
  candidates: readonly number[],
): Promise<[number, number][]> {
  let open = candidates.flatMap((a, at) =>
    candidates.slice(at + 1).map((b) => ({ pair: [a, b] as [number, number], seen: new Set<number>() })),
  );
  const reader = await openRows(file);
  const places = [...sources.keys()].map((at) => (reader.header ? at : sources[at]!.header));
  let remembered = 0;
  for await (const row of reader.rows) {
    if (!("cells" in row)) continue;
    const texts = places.map((place) => String(cellOf(row.cells, place) ?? "").trim());
    open = open.filter(({ pair: [a, b], seen }) => {
      const hash = hashText(`${texts[a]}\u0000${texts[b]}`);
      if (seen.has(hash) || remembered >= DRAFT_VALUES_REMEMBERED_MAX) {
        remembered -= seen.size;
        return false;
      }
      seen.add(hash);
      remembered++;
      return true;
    });
    if (open.length === 0) break;
  }
  reader.close();
  return open.map(({ pair }) => pair);
}

function writeNew(path: string, content: Json): void {
  try {
    writeFileSync(path, `${JSON.stringify(content, undefined, 2)}\n`, { flag: "wx" });
  } catch (cause) {
    throw new AttestryError(
      "import_file_invalid",
      `${path} exists already, or cannot be written; choose another by --out and --map`,
      { cause },
    );
  }
}

function describeDraft(
  drafted: DraftedFile,
  paths: { file: string; out: string; map: string; name: string },
): string[] {
  const { rows, unreadable, notes } = drafted;
  const { file, out, map, name } = paths;
  const table = formatTable([
    ["FIELD OR COLUMN", "HOW SURE", "WHAT WAS GUESSED"],
    ...notes.map((note) => [note.about, note.sure, note.text]),
  ]);
  return [
    `${out} and ${map} were written, from ${rows} rows of ${file}`,
    ...(unreadable > 0 ? [`${unreadable} rows could not be read and were passed over; import names each`] : []),
    ...table
      .trimEnd()
      .split("\n")
      .map((line) => `  ${line}`),
    "look both over: what is personal, what is required, what may be missing next year; then",
    `  attestry registry publish ${out} --url NODE_BASE_URL`,
    `  attestry import ${name} ${file} --url NODE_BASE_URL --map ${map}`,
  ];
}
