// The evidence file's form: everything an offline verifier needs for one record. Proves nothing; reads no anchor or policy.
import { isJsonObject, parseJson } from "../crypto/json.ts";
import { AttestryError } from "../errors.ts";
import { CHAIN_DEPTH_MAX, EVIDENCE_CHARS_MAX } from "../limits.ts";
import type { Presentation } from "./presentation.ts";

export interface Evidence {
  /** The SD-JWT: issuer JWT and disclosures. */
  readonly token: string;
  /** tlog-proofs: `first` of when the version was logged, `recent` of the log's newest checkpoint. */
  readonly receipts: { readonly first?: string; readonly recent: string };
  /** A `statuslist+jwt`, and the tlog-proof of its `status` entry. */
  readonly status: { readonly token: string; readonly receipt?: string };
  /** Entity statements: the issuer's configuration first, the anchor's last. */
  readonly chain: readonly string[];
  /** The chain that was in force when the version was logged, and the tlog-proof of its `chain` entry. */
  readonly archive?: { readonly chain: readonly string[]; readonly receipt: string };
  /** The exact text whose hash the token names. */
  readonly definition: string;
  /** Of a record that is read for a purpose with a basis: to whom it was given. */
  readonly presentation?: Presentation;
}

/** Evidence as it came: of the right form, with whatever was left out undefined. */
export interface EvidenceParts {
  readonly token: string;
  readonly firstReceipt: string | undefined;
  readonly recentReceipt: string | undefined;
  readonly statusToken: string | undefined;
  readonly statusReceipt: string | undefined;
  readonly chain: readonly string[] | undefined;
  readonly archive: { readonly chain: readonly string[]; readonly receipt: string } | undefined;
  readonly definition: string | undefined;
  readonly presentation: Presentation | undefined;
}

const MEMBERS = ["token", "receipts", "status", "chain", "archive", "definition", "presentation"];

function invalid(reason: string): AttestryError {
  return new AttestryError("evidence_invalid", `evidence: ${reason}`);
}

function readObject(value: unknown, name: string, members: readonly string[]): Record<string, unknown> {
  if (!isJsonObject(value)) throw invalid(`${name} is not an object`);
  // An unknown member could look as if it had been checked; evidence that brings its own anchor is one such case.
  const unknown = Object.keys(value).find((member) => !members.includes(member));
  if (unknown !== undefined) throw invalid(`${name} has an unknown member`);
  return value;
}

function optionalText(value: unknown, name: string): string | undefined {
  if (value !== undefined && typeof value !== "string") throw invalid(`${name} is not a text`);
  return value;
}

function optionalChain(chain: unknown, name: string): readonly string[] | undefined {
  if (chain === undefined) return undefined;
  if (!Array.isArray(chain) || chain.length > CHAIN_DEPTH_MAX + 1) {
    throw invalid(`${name} is not a list of at most ${CHAIN_DEPTH_MAX + 1} statements`);
  }
  if (!chain.every((statement) => typeof statement === "string")) throw invalid(`a statement of ${name} is not a text`);
  return chain;
}

function optionalArchive(value: unknown): EvidenceParts["archive"] {
  if (value === undefined) return undefined;
  const archive = readObject(value, "archive", ["chain", "receipt"]);
  const chain = optionalChain(archive.chain, "archive.chain");
  const receipt = optionalText(archive.receipt, "archive.receipt");
  if (chain === undefined || receipt === undefined) throw invalid("archive lacks its chain or its receipt");
  return { chain, receipt };
}

function optionalPresentation(value: unknown): Presentation | undefined {
  if (value === undefined) return undefined;
  const presentation = readObject(value, "presentation", ["token", "receipt"]);
  const token = optionalText(presentation.token, "presentation.token");
  const receipt = optionalText(presentation.receipt, "presentation.receipt");
  if (token === undefined || receipt === undefined) throw invalid("presentation lacks its token or its receipt");
  return { token, receipt };
}

/** Reads evidence from an untrusted value. Only the token must be there; throws `evidence_invalid`. */
export function parseEvidence(value: unknown): EvidenceParts {
  const evidence = readObject(value, "the file", MEMBERS);
  const receipts = readObject(evidence.receipts ?? {}, "receipts", ["first", "recent"]);
  const status = readObject(evidence.status ?? {}, "status", ["token", "receipt"]);
  const token = optionalText(evidence.token, "token");
  if (token === undefined) throw invalid("there is no token");
  return {
    token,
    firstReceipt: optionalText(receipts.first, "receipts.first"),
    recentReceipt: optionalText(receipts.recent, "receipts.recent"),
    statusToken: optionalText(status.token, "status.token"),
    statusReceipt: optionalText(status.receipt, "status.receipt"),
    chain: optionalChain(evidence.chain, "chain"),
    archive: optionalArchive(evidence.archive),
    definition: optionalText(evidence.definition, "definition"),
    presentation: optionalPresentation(evidence.presentation),
  };
}

/** The value in an evidence file's text, for `verify`. Throws `evidence_invalid` or `json_*`. */
export function parseEvidenceText(text: string): unknown {
  if (text.length > EVIDENCE_CHARS_MAX) throw invalid(`longer than ${EVIDENCE_CHARS_MAX} characters`);
  return parseJson(text);
}
