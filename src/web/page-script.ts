// What pages run in the visitor's browser, as the build bundled it into dist/page: found from src/ and from dist/ alike. Knows no page.
import { existsSync, readFileSync } from "node:fs";
import type { Context } from "hono";

const DIRECTORY = new URL("../../dist/page/", import.meta.url);
const SCRIPT_TYPE = "text/javascript; charset=utf-8";
const IMMUTABLE = "public, max-age=31536000, immutable";
/** As the build names them: by their content. */
const FILE = /^[a-z-]+-[A-Z0-9]{8}\.js$/;
/** The encodings that the build stored, the smallest first. */
const ENCODINGS = [
  { name: "br", suffix: ".br" },
  { name: "gzip", suffix: ".gz" },
] as const;

/** The lists of files, by the page that they are of. */
const LISTS = { verify: "files.json", form: "form.json", elsewhere: "elsewhere.json" } as const;

/** Paths below the node's base path: what a page loads at first. Undefined in a program that was built without them. */
export function findPageScript(page: keyof typeof LISTS): string | undefined {
  const list = new URL(LISTS[page], DIRECTORY);
  if (!existsSync(list)) return undefined;
  const [first] = JSON.parse(readFileSync(list, "utf8")) as string[];
  return first === undefined ? undefined : `/assets/${first}`;
}

function accepts(context: Context, encoding: string): boolean {
  const header = context.req.header("accept-encoding") ?? "";
  return header.split(",").some((part) => {
    const [name, ...parameters] = part
      .trim()
      .toLowerCase()
      .split(/\s*;\s*/);
    return name === encoding && !parameters.some((parameter) => /^q=0(\.0*)?$/.test(parameter));
  });
}

/** Answers `GET /assets/{file}` for a bundled file, compressed as it was stored; undefined where there is none of that name. */
export function answerPageScript(context: Context, file: string): Response | undefined {
  // The name comes from a stranger and becomes a path.
  if (!FILE.test(file)) return undefined;
  const path = new URL(file, DIRECTORY);
  if (!existsSync(path)) return undefined;
  const encoding = ENCODINGS.find(
    ({ name, suffix }) => accepts(context, name) && existsSync(new URL(`${file}${suffix}`, DIRECTORY)),
  );
  const contents = readFileSync(encoding ? new URL(`${file}${encoding.suffix}`, DIRECTORY) : path);
  return context.body(new Uint8Array(contents), 200, {
    "content-type": SCRIPT_TYPE,
    "cache-control": IMMUTABLE,
    vary: "accept-encoding",
    ...(encoding && { "content-encoding": encoding.name }),
  });
}
