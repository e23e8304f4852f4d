// A real Chromium for page tests: the small one that comes with the development packages, else one that is installed. Tests skip with a printed reason where there is none.
import { accessSync, constants } from "node:fs";
import { type Browser, chromium } from "playwright-core";
import { bundledChromium } from "./bundled-chromium.ts";

const PROGRAMS = [
  process.env.CHROMIUM_PATH ?? "",
  bundledChromium,
  "/usr/bin/chromium-headless-shell",
  "/usr/bin/chromium",
  "/usr/bin/chromium-browser",
  "/usr/bin/google-chrome",
];

function isProgram(path: string): boolean {
  try {
    accessSync(path, constants.X_OK);
    return path !== "";
  } catch {
    return false;
  }
}

export const chromiumPath: string | undefined = PROGRAMS.find(isProgram);
if (chromiumPath === undefined) {
  console.warn(
    "page tests are skipped: no Chromium found; install one (apt-get install chromium) or set CHROMIUM_PATH",
  );
}

/** A headless browser that speaks to nobody but the pages it is sent to. */
export function launchChromium(): Promise<Browser> {
  return chromium.launch({
    executablePath: chromiumPath!,
    args: [
      "--no-sandbox",
      "--disable-gpu",
      "--disable-quic",
      "--no-first-run",
      "--disable-background-networking",
      "--disable-component-update",
      "--disable-sync",
    ],
  });
}
