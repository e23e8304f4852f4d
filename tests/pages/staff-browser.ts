// A real browser for pages of staff: signed in and used by the keyboard alone, looked at by axe and as pictures. Test code only.
import { readFileSync } from "node:fs";
import { createRequire } from "node:module";
import type { Browser, BrowserContextOptions, Page } from "playwright-core";
import { expect } from "vitest";
import { collectComplaints, findFaintTexts, findUnnamed } from "./page-checks.ts";

/** The program of axe, as a text to run in a page. */
const AXE = readFileSync(createRequire(import.meta.url).resolve("axe-core/axe.min.js"), "utf8");
const pictures = process.env.ATTESTRY_PICTURES;
const TABS_MAX = 120;

/** A page in a browser of its own, under its own policy. */
export async function openPage(
  browser: Browser,
  options: BrowserContextOptions = {},
): Promise<{ page: Page; complaints: string[] }> {
  const context = await browser.newContext(options);
  const page = await context.newPage();
  return { page, complaints: collectComplaints(page) };
}

export type Wanted = { readonly text: string } | { readonly id: string } | { readonly button: string };

/** Goes on by Tab until the focus is on what has this text, this id, or is the button of this name. */
export async function tabTo(page: Page, wanted: Wanted): Promise<void> {
  for (let turn = 0; turn < TABS_MAX; turn++) {
    await page.keyboard.press("Tab");
    const focused = await page.evaluate(() => {
      const { textContent, id, tagName } = document.activeElement ?? document.body;
      return { text: textContent ?? "", id, tagName };
    });
    // Between the last and the first control it is on the page as a whole.
    if (focused.tagName === "BODY") continue;
    if ("id" in wanted && focused.id === wanted.id) return;
    if ("text" in wanted && focused.text.includes(wanted.text)) return;
    if ("button" in wanted && focused.tagName === "BUTTON" && focused.text === wanted.button) return;
  }
  throw new Error(`no Tab leads to ${JSON.stringify(wanted)}`);
}

/** Follows the link, or presses the button, that the keyboard leads to. */
export async function pressOn(page: Page, wanted: string | { readonly button: string }): Promise<void> {
  await tabTo(page, typeof wanted === "string" ? { text: wanted } : wanted);
  await Promise.all([page.waitForNavigation(), page.keyboard.press("Enter")]);
}

/** `path`: of a staff page of the node at `base`, which leads to signing in. */
export async function signInTo(page: Page, base: string, who: { name: string; path?: string }): Promise<void> {
  const { name, path = "/console" } = who;
  await page.goto(`${base}${path}`);
  await pressOn(page, "Sign in with Department account");
  await pressOn(page, name);
  await page.waitForURL(`${base}${path}`);
}

/** Nothing that axe finds, no faint text, no control without a name, nothing wider than the screen; a picture where one is asked for. */
export async function checkLook(page: Page, told: string): Promise<void> {
  // Put in here alone: it is half a megabyte to parse, which no page needs that a test only goes through.
  await page.evaluate(AXE);
  const violations = await page.evaluate(async () => {
    const { axe } = globalThis as unknown as {
      axe: { run(): Promise<{ violations: { id: string; nodes: { html: string }[] }[] }> };
    };
    return (await axe.run()).violations.map(({ id, nodes }) => `${id}: ${nodes.map(({ html }) => html).join(" ")}`);
  });
  expect([told, violations]).toEqual([told, []]);
  expect([told, await page.evaluate(findFaintTexts)]).toEqual([told, []]);
  expect([told, await page.evaluate(findUnnamed)]).toEqual([told, []]);
  const overflow = await page.evaluate(() => document.documentElement.scrollWidth - window.innerWidth);
  expect([told, overflow <= 0]).toEqual([told, true]);
  if (pictures) await page.screenshot({ fullPage: true, path: `${pictures}/${told}.png` });
}
