// The entry `attestry/verify` as others take it in: bundled for a browser it asks for no Node module, is small, and leaves out what is not used.
import { readFileSync } from "node:fs";
import { gzipSync } from "node:zlib";
import { build } from "esbuild";
import { describe, expect, it } from "vitest";

const ENTRY = new URL("../../src/verification/index.ts", import.meta.url).pathname;

async function bundle(...names: string[]): Promise<{ text: string; gzipBytes: number }> {
  const { outputFiles } = await build({
    stdin: { contents: `export { ${names.join(", ")} } from ${JSON.stringify(ENTRY)};`, resolveDir: "." },
    bundle: true,
    format: "esm",
    minify: true,
    // Refuses every import of a Node module.
    platform: "browser",
    write: false,
    logLevel: "silent",
  });
  const { contents, text } = outputFiles[0]!;
  return { text, gzipBytes: gzipSync(contents).length };
}

describe("attestry/verify", () => {
  it("is bundled for a browser whole, without a Node module, in 60 KB", async () => {
    const { text, gzipBytes } = await bundle("createVerifier", "parseVerifierPolicyText", "verifySignedReport");
    expect(text).not.toMatch(/\b(?:import|require)\s*\(?\s*["']node:/);
    console.info(`attestry/verify: ${gzipBytes} bytes with gzip`);
    expect(gzipBytes).toBeLessThan(60 * 1_024);
  });

  it("leaves out what is not used", async () => {
    expect((await bundle("verifyAttachment")).gzipBytes).toBeLessThan(6 * 1_024);
  });

  it("says in the package where its types are, and that importing it does nothing", () => {
    const manifest = JSON.parse(readFileSync(new URL("../../package.json", import.meta.url), "utf8"));
    expect(manifest.exports["./verify"]).toEqual({
      types: "./dist/verification/index.d.ts",
      default: "./dist/verification/index.js",
    });
    expect(manifest.sideEffects).toBe(false);
  });
});
