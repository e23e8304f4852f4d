// A visitor at the page that verifies: what a test does there, and what it measures. Test code only.
import { readFileSync } from "node:fs";
import { createRequire } from "node:module";
import type { Browser, BrowserContext, BrowserContextOptions, Page } from "playwright-core";
import type { JsonObject } from "../../src/crypto/json.ts";
import { collectComplaints } from "./page-checks.ts";

const AXE = readFileSync(createRequire(import.meta.url).resolve("axe-core/axe.min.js"), "utf8");

export interface Visit {
  readonly context: BrowserContext;
  readonly page: Page;
  /** Console messages, failed requests, and what the page's security policy stopped. */
  readonly complaints: string[];
  /** Addresses asked for since the page was ready. */
  readonly requests: string[];
  paste(text: string): Promise<void>;
  choose(name: string, contents: string | Buffer, mimeType?: string): Promise<void>;
  usePolicy(policy: JsonObject): Promise<void>;
  /** The verdict, once there is one and nothing is under way. */
  verdict(): Promise<string>;
  answer(): Promise<string>;
  /** What axe finds against WCAG 2.2 AA and its own best practices. */
  findAxeFaults(): Promise<string[]>;
  close(): Promise<void>;
}

export async function visitVerify(
  browser: Browser,
  address: string,
  options: BrowserContextOptions & { policy?: JsonObject } = {},
): Promise<Visit> {
  const { policy, ...contextOptions } = options;
  const context = await browser.newContext({ locale: "en-GB", ...contextOptions });
  const page = await context.newPage();
  const complaints = collectComplaints(page);
  const requests: string[] = [];
  await page.goto(address);
  await page.locator("#give-form").waitFor({ state: "visible" });
  await page.waitForLoadState("networkidle");
  page.on("request", (request) => requests.push(request.url()));

  const settle = async (): Promise<void> => {
    await page.locator("#verdict").waitFor();
    await page.waitForFunction(() => document.getElementById("progress")!.textContent === "");
  };
  const choose: Visit["choose"] = async (name, contents, mimeType = "application/json") =>
    page.setInputFiles("#file", { name, mimeType, buffer: Buffer.from(contents) });
  const visit: Visit = {
    context,
    page,
    complaints,
    requests,
    async paste(text) {
      await page.locator("#pasted").fill(text);
      await page.getByRole("button", { name: "Check", exact: true }).click();
      await settle();
    },
    async choose(...file) {
      await page.evaluate(() => document.getElementById("answer")!.replaceChildren());
      await choose(...file);
      await settle();
    },
    async usePolicy(own) {
      const file = { name: "policy.json", mimeType: "application/json", buffer: Buffer.from(JSON.stringify(own)) };
      await page.setInputFiles("#policy-file", file);
      await page.locator("#trusted").getByText("policy.json").waitFor();
    },
    async verdict() {
      await settle();
      return (await page.locator("#verdict").textContent()) ?? "";
    },
    async answer() {
      await settle();
      return (await page.locator("#answer").innerText()) ?? "";
    },
    async findAxeFaults() {
      await page.evaluate(AXE);
      return page.evaluate(async () => {
        const { axe } = globalThis as unknown as { axe: { run(): Promise<{ violations: AxeViolation[] }> } };
        interface AxeViolation {
          readonly id: string;
          readonly nodes: readonly { readonly html: string }[];
        }
        const { violations } = await axe.run();
        return violations.map(({ id, nodes }) => `${id}: ${nodes.map(({ html }) => html).join(" | ")}`);
      });
    },
    close: () => context.close(),
  };
  if (policy) await visit.usePolicy(policy);
  return visit;
}
