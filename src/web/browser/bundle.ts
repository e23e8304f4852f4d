// Bundles what the pages run in the visitor's browser into dist/page, with a list of its files. Run by the build and by tests; never by a node.
import { createHash } from "node:crypto";
import { mkdirSync, renameSync, rmSync, writeFileSync } from "node:fs";
import { basename, join } from "node:path";
import { fileURLToPath } from "node:url";
import { brotliCompressSync, constants, gzipSync } from "node:zlib";
import { build, type Plugin } from "esbuild";

const ROOT = fileURLToPath(new URL("../../..", import.meta.url));
const OUTPUT = join(ROOT, "dist/page");

/** A page's program: its name, where it begins, and the list of its files. */
interface Entry {
  readonly name: string;
  readonly source: string;
  readonly list: string;
}

const VERIFY: Entry = { name: "verify", source: "verify-app.tsx", list: "files.json" };
const ELSEWHERE: Entry = { name: "elsewhere", source: "elsewhere-app.tsx", list: "elsewhere.json" };
const FORM: Entry = { name: "form", source: "form-app.ts", list: "form.json" };

/** A record's schema is evaluated without `format` (registries/record-schema.ts leaves it out), so the interpreter's table of formats stays at home. */
const WITHOUT_FORMATS: Plugin = {
  name: "without formats",
  setup(bundler) {
    bundler.onLoad({ filter: /@cfworker\/json-schema\/dist\/esm\/format\.js$/ }, () => ({
      contents: "export const format = {};",
    }));
  },
};

export interface BundleSize {
  readonly file: string;
  readonly bytes: number;
  readonly gzipBytes: number;
  readonly brotliBytes: number;
}

/** The program of the page that verifies. The sizes: the first is what the page loads at once, the others are loaded when they are wanted. */
export const bundlePage = (): Promise<BundleSize[]> => bundleEntry(VERIFY);

/** The program of the forms for records; sizes as above. */
export const bundleForm = (): Promise<BundleSize[]> => bundleEntry(FORM);

/** The program of the page from which a citizen asks other departments; sizes as above. */
export const bundleElsewhere = (): Promise<BundleSize[]> => bundleEntry(ELSEWHERE);

async function bundleEntry({ name, source, list }: Entry): Promise<BundleSize[]> {
  const { outputFiles } = await build({
    entryPoints: { [name]: fileURLToPath(new URL(source, import.meta.url)) },
    bundle: true,
    splitting: true,
    minify: true,
    format: "esm",
    // A module of Node in it would not be found, which fails the build.
    platform: "browser",
    target: ["es2022"],
    // Pages on the server and in the browser are written with the same components.
    jsx: "automatic",
    jsxImportSource: "hono/jsx/dom",
    // The name changes with the content, so that a file may be kept for ever.
    entryNames: "[name]-[hash]",
    chunkNames: "[name]-[hash]",
    legalComments: "none",
    plugins: [WITHOUT_FORMATS],
    charset: "utf8",
    outdir: OUTPUT,
    write: false,
  });
  const isEntry = ({ path }: { path: string }) => basename(path).startsWith(`${name}-`);
  const files = outputFiles.toSorted((a, b) => Number(isEntry(b)) - Number(isEntry(a)));
  mkdirSync(OUTPUT, { recursive: true });
  const sizes = files.map(({ path, contents }) => {
    const brotli = brotliCompressSync(contents, { params: { [constants.BROTLI_PARAM_SIZE_HINT]: contents.length } });
    const gzip = gzipSync(contents, { level: 9 });
    replaceFile(path, contents);
    replaceFile(`${path}.br`, brotli);
    replaceFile(`${path}.gz`, gzip);
    return { file: basename(path), bytes: contents.length, gzipBytes: gzip.length, brotliBytes: brotli.length };
  });
  // Last: whoever reads the list finds the files.
  replaceFile(join(OUTPUT, list), JSON.stringify(sizes.map(({ file }) => file)));
  return sizes;
}

/** Whole or not at all: tests in several processes may bundle at the same time. */
function replaceFile(path: string, contents: Uint8Array | string): void {
  const own = `${path}.${process.pid}.${createHash("sha256").update(contents).digest("hex").slice(0, 8)}`;
  writeFileSync(own, contents);
  renameSync(own, path);
}

if (process.argv[1] === fileURLToPath(import.meta.url)) {
  rmSync(OUTPUT, { recursive: true, force: true });
  const bundles = [await bundlePage(), await bundleForm(), await bundleElsewhere()];
  for (const { file, bytes, gzipBytes, brotliBytes } of bundles.flat())
    console.log(`dist/page/${file}: ${bytes} bytes, ${gzipBytes} as gzip, ${brotliBytes} as brotli`);
}
