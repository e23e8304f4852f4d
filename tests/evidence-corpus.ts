// The evidence corpus: 200 files, valid and not, under one policy, each with what every verifier must say of it. Node, the command and the browser are held to it.
import type { VerifierPolicy } from "../src/verification/policy.ts";
import { type CorpusCase, corpusSeeds, type ExpectedReport } from "./corpus/corpus-case.ts";
import { FORMAT_CASES } from "./corpus/format-cases.ts";
import { LOG_CASES } from "./corpus/log-cases.ts";
import { TRUST_CASES } from "./corpus/trust-cases.ts";
import { VALID_CASES } from "./corpus/valid-cases.ts";
import { createRecordWorld } from "./record-fixture.ts";

export interface CorpusFile {
  /** `valid.<what>` or `<code>.<what>`: unique, and good as a file's name. */
  readonly name: string;
  /** The file: not always JSON. Read it with `Verifier.verifyText`. */
  readonly text: string;
  /** Unix seconds: when it is judged. */
  readonly now: number;
  readonly expected: ExpectedReport;
}

export interface EvidenceCorpus {
  /** In the form of a policy file (schemas/verifier-policy.schema.json). */
  readonly policy: VerifierPolicy;
  readonly files: readonly CorpusFile[];
}

export const CORPUS_CASES: readonly CorpusCase[] = [...VALID_CASES, ...FORMAT_CASES, ...TRUST_CASES, ...LOG_CASES];

/** One policy for all files. */
export function corpusPolicy(): VerifierPolicy {
  const { anchors } = createRecordWorld(undefined, corpusSeeds).chain;
  return { anchors, statusMaxAgeSeconds: 300, allowArchivedChain: true };
}

/** The same keys, texts and times at every run; about 4 MB. */
export async function buildEvidenceCorpus(): Promise<EvidenceCorpus> {
  const files: CorpusFile[] = [];
  for (const { name, now, expected, make } of CORPUS_CASES) files.push({ name, text: await make(), now, expected });
  return { policy: corpusPolicy(), files };
}
