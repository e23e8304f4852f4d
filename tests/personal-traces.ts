// Looks for personal values wherever a node leaves something: every table, its files, its log; in clear and in the forms that programs write texts in. Test code only.
import { readdirSync, readFileSync, statSync } from "node:fs";
import { join } from "node:path";
import type { Database } from "../src/storage/database.ts";

/** The forms of a value that anybody reads back: as it is, in other cases, escaped, hexadecimal, percent-encoded, base64 of both alphabets. */
export function formsOf(value: string): string[] {
  const bytes = Buffer.from(value, "utf8");
  // Base64 writes a text in one of three ways, by where it stands; its first and last characters depend on what is around it.
  const base64 = [0, 1, 2].map((before) => {
    const text = Buffer.concat([Buffer.alloc(before), bytes])
      .toString("base64")
      .replace(/=+$/, "");
    return text.slice(before === 0 ? 0 : before + 1, bytes.length % 3 === (3 - before) % 3 ? undefined : -1);
  });
  const escaped = [...value]
    .map((c) => (c < "\u0080" ? c : `\\u${c.charCodeAt(0).toString(16).padStart(4, "0")}`))
    .join("");
  const forms = [
    value,
    escaped,
    encodeURIComponent(value),
    bytes.toString("hex"),
    ...base64,
    ...base64.map((text) => text.replaceAll("+", "-").replaceAll("/", "_")),
  ];
  return [...new Set(forms.flatMap((form) => [form, form.toLowerCase(), form.toUpperCase()]))];
}

/** Every row of every table as texts by the table's name: as JSON, and what its bytes say. */
export async function dumpTables({ sql }: Database): Promise<Map<string, string>> {
  const tables = await sql<{ schema: string; name: string }[]>`
    select table_schema as schema, table_name as name from information_schema.tables
    where table_schema not in ('pg_catalog', 'information_schema') and table_type = 'BASE TABLE'`;
  const dumped = new Map<string, string>();
  for (const { schema, name } of tables) {
    const rows = await sql<{ text: string }[]>`select row_to_json(t)::text as text from ${sql(schema)}.${sql(name)} t`;
    const text = rows.map((row) => row.text).join("\n");
    const bytes = [...text.matchAll(/"\\\\x([0-9a-f]+)"/g)].map(([, hex]) =>
      Buffer.from(hex!, "hex").toString("latin1"),
    );
    const decoded = [...text.matchAll(/[A-Za-z0-9+/_-]{16,}/g)].map(([part]) =>
      Buffer.from(part, "base64").toString("latin1"),
    );
    dumped.set(`table ${name}`, [text, ...bytes, ...decoded].join("\n"));
  }
  return dumped;
}

function listFiles(directory: string): string[] {
  return readdirSync(directory, { recursive: true, withFileTypes: true })
    .filter((entry) => entry.isFile())
    .map((entry) => join(entry.parentPath, entry.name));
}

/** Which files below a directory have one of these values as it is: for much that is kept as bytes, such as what a database server writes. */
export function findInFiles(directory: string, values: readonly string[]): string[] {
  const needles = values.map((value) => Buffer.from(value, "utf8"));
  return listFiles(directory).flatMap((path) => {
    const bytes = readFileSync(path);
    return values.filter((_, at) => bytes.includes(needles[at]!)).map((value) => `${value} in ${path}`);
  });
}

/** Every file below a directory as text, by its path. */
export function dumpFiles(directory: string, isMeant: (path: string) => boolean = () => true): Map<string, string> {
  const paths = listFiles(directory).filter(isMeant);
  return new Map(
    paths.flatMap((path) => (statSync(path).size > 0 ? [[path, readFileSync(path, "latin1")] as const] : [])),
  );
}

/** Where which value is found, in which form. */
export function findTraces(dumps: ReadonlyMap<string, string>, values: readonly string[]): string[] {
  return values.flatMap((value) =>
    formsOf(value).flatMap((form) => {
      const latin = Buffer.from(form, "utf8").toString("latin1");
      return [...dumps].flatMap(([place, text]) =>
        text.includes(form) || text.includes(latin) ? [`${value} in ${place} as ${form}`] : [],
      );
    }),
  );
}
