// Where the Chromium of the development packages is unpacked: beside them, so that every user of a machine has one of their own. Test code only.
import { execFileSync } from "node:child_process";
import { mkdirSync, rmSync } from "node:fs";
import { fileURLToPath } from "node:url";

const directory = fileURLToPath(new URL("../../node_modules/.cache/chromium/", import.meta.url));

/** The program, whether or not it is there yet. */
export const bundledChromium = `${directory}chromium`;

/** Unpacks it, once, before any test asks for it. It is taken away again where it does not run, for want of a library of the system. */
export async function unpackChromium(): Promise<void> {
  if (process.platform !== "linux" || process.arch !== "x64") return;
  const { TMPDIR } = process.env;
  try {
    mkdirSync(directory, { recursive: true });
    process.env.TMPDIR = directory;
    const { default: chromium } = await import("@sparticuz/chromium");
    await chromium.executablePath();
    execFileSync(bundledChromium, ["--version"], { stdio: "ignore" });
  } catch (error) {
    rmSync(bundledChromium, { force: true });
    console.warn(`the Chromium of the development packages does not run here: ${(error as Error).message}`);
  } finally {
    if (TMPDIR === undefined) delete process.env.TMPDIR;
    else process.env.TMPDIR = TMPDIR;
  }
}
