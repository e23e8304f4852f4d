// The evidence corpus through the built command: its reports are those of the function in Node, to the letter.
import { execFile } from "node:child_process";
import { mkdirSync, mkdtempSync, rmSync, writeFileSync } from "node:fs";
import { tmpdir } from "node:os";
import { join } from "node:path";
import { afterAll, beforeAll, expect, it } from "vitest";
import { parseVerifierPolicyText } from "../../src/verification/policy-file.ts";
import type { VerificationReport } from "../../src/verification/report.ts";
import { createVerifier } from "../../src/verification/verifier.ts";
import { ensureBuilt } from "../built-program.ts";
import { buildEvidenceCorpus } from "../evidence-corpus.ts";

const COMMANDS_MS = 300_000;
const MAIN = new URL("../../dist/main.js", import.meta.url).pathname;

let directory: string;

beforeAll(async () => {
  await ensureBuilt();
  directory = mkdtempSync(join(tmpdir(), "attestry-corpus-"));
}, 120_000);

afterAll(() => rmSync(directory, { recursive: true, force: true }));

function runBatch(batch: string, policy: string, at: number): Promise<{ code: number; stdout: string }> {
  const time = new Date(at * 1_000).toISOString();
  const args = ["verify", "--batch", batch, "--policy", policy, "--at", time, "--json"];
  return new Promise((resolve) =>
    execFile(process.execPath, [MAIN, ...args], { maxBuffer: 64 * 1_048_576 }, (error, stdout) =>
      resolve({ code: error === null ? 0 : Number(error.code), stdout }),
    ),
  );
}

it(
  "200 evidence files have the same reports from the command as from the function",
  async () => {
    const corpus = await buildEvidenceCorpus();
    const policyText = JSON.stringify(corpus.policy);
    const policy = join(directory, "policy.json");
    writeFileSync(policy, policyText);
    const verifier = createVerifier(parseVerifierPolicyText(policyText));
    const moments = [...new Set(corpus.files.map(({ now }) => now))].sort((a, b) => a - b);
    let compared = 0;
    for (const now of moments) {
      const files = corpus.files.filter((file) => file.now === now);
      const batch = join(directory, String(now));
      mkdirSync(batch);
      for (const { name, text } of files) writeFileSync(join(batch, `${name}.json`), text);
      const { code, stdout } = await runBatch(batch, policy, now);
      const lines = stdout.trim().split("\n");
      const found = new Map(
        lines.map((line) => {
          const { input, verdict, report } = JSON.parse(line) as {
            input: string;
            verdict: string;
            report: VerificationReport;
          };
          expect(verdict, input).toBe(report.verdict);
          return [input.replace(/\.json$/, ""), report];
        }),
      );
      for (const { name, text, expected } of files) {
        const inNode = await verifier.verifyText(text, { now });
        expect(found.get(name), name).toEqual(JSON.parse(JSON.stringify(inNode)));
        expect(found.get(name)!.verdict, name).toBe(expected.verdict);
        compared++;
      }
      const verdicts = files.map(({ expected }) => expected.verdict);
      expect(code).toBe(verdicts.includes("invalid") ? 1 : verdicts.includes("undecided") ? 2 : 0);
    }
    expect(compared).toBe(200);
  },
  COMMANDS_MS,
);
