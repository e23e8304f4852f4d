// A real Chromium for page tests, where one is installed. Tests skip with a printed reason where none is.
import { existsSync } from "node:fs";
import { type Browser, chromium } from "playwright-core";

const PROGRAMS = [
  process.env.CHROMIUM_PATH ?? "",
  "/usr/bin/chromium",
  "/usr/bin/chromium-browser",
  "/usr/bin/google-chrome",
];

export const chromiumPath: string | undefined = PROGRAMS.find((path) => path !== "" && existsSync(path));

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
