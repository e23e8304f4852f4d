// The corpus of evidence files in a real browser: the same reports as in Node, word for word.
import type { Browser } from "playwright-core";
import { afterAll, beforeAll, describe, expect, test } from "vitest";
import { createVerifier } from "../../src/verification/verifier.ts";
import { buildEvidenceCorpus } from "../evidence-corpus.ts";
import { startTestNode, type TestNode } from "../node-fixture.ts";
import { ensurePageBundled } from "../page-bundle.ts";
import { chromiumPath, launchChromium } from "./chromium.ts";

type VerifyModule = typeof import("../../src/web/browser/verify-app.tsx");

describe.skipIf(chromiumPath === undefined)("the corpus of evidence in a browser", () => {
  let node: TestNode;
  let browser: Browser;

  beforeAll(async () => {
    await ensurePageBundled();
    node = await startTestNode();
    browser = await launchChromium();
  }, 120_000);

  afterAll(async () => {
    await browser?.close();
    await node?.close();
  });

  test("has for each of the 200 files the report that Node gives", async () => {
    const { policy, files } = await buildEvidenceCorpus();
    const page = await browser.newPage();
    await page.goto(`${node.entity}/verify`);
    const script = await page.locator("script[type=module]").getAttribute("src");
    // The script that the page itself judges with. As text: the test's own compiler would put something else in place of an import.
    const loaded = await page.evaluateHandle<VerifyModule>(`import(${JSON.stringify(script)})`);
    const inBrowser = await loaded.evaluate(
      async ({ createVerifier, parseVerifierPolicy }, { policy, files }) => {
        const verifier = createVerifier(parseVerifierPolicy(policy));
        const reports: string[] = [];
        for (const { text, now } of files) reports.push(JSON.stringify(await verifier.verifyText(text, { now })));
        return reports;
      },
      { policy, files: files.map(({ text, now }) => ({ text, now })) },
    );
    const verifier = createVerifier(policy);
    expect(files.length).toBe(200);
    for (const [at, { name, text, now, expected }] of files.entries()) {
      const report = JSON.parse(inBrowser[at]!) as Awaited<ReturnType<typeof verifier.verifyText>>;
      expect(report, name).toEqual(JSON.parse(JSON.stringify(await verifier.verifyText(text, { now }))));
      expect(report.valid, name).toBe(expected.valid);
    }
    await page.close();
  }, 180_000);
});
