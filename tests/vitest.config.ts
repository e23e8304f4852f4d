import { relative } from "node:path";
import { defineConfig } from "vitest/config";
import { BaseSequencer, type TestSpecification } from "vitest/node";

const root = new URL(".", import.meta.url).pathname;

/** The files that take longest, and then folders, in the order in which they start: what is short comes last, so that no worker waits long for the other. */
const FIRST = [
  "network/demo",
  "network/keys-command",
  "storage/cluster",
  "pages/verify-page",
  "network/import-crash",
  "network/enrolment.",
  "pages/",
  "storage/",
  "network/",
  "api/",
];

function rank({ moduleId }: TestSpecification): number {
  const place = FIRST.findIndex((start) => relative(root, moduleId).startsWith(start));
  return place === -1 ? FIRST.length : place;
}

class LongestFirst extends BaseSequencer {
  override async sort(files: TestSpecification[]): Promise<TestSpecification[]> {
    return (await super.sort(files)).sort((one, other) => rank(one) - rank(other));
  }
}

export default defineConfig({
  test: {
    root,
    include: ["**/*.test.{ts,tsx}"],
    testTimeout: 30_000,
    hookTimeout: 60_000,
    expect: { requireAssertions: true },
    maxWorkers: 2,
    // Loading the modules anew for each file took a fifth of the run. So a file puts back what it changes of its process.
    isolate: false,
    sequence: { sequencer: LongestFirst },
    globalSetup: ["./global-setup.ts"],
  },
});
