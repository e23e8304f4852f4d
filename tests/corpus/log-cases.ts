// Corpus: receipts that are damaged, for another entry, or of another log.
import { encodeBase64url } from "../../src/crypto/base64.ts";
import { decodeUtf8, encodeUtf8, sha256 } from "../../src/crypto/hash.ts";
import { signNote } from "../../src/log/note.ts";
import { formatExtra, formatReceipt, parseExtra, parseReceipt } from "../../src/log/receipt.ts";
import type { VerificationCode } from "../../src/verification/report.ts";
import {
  createRecordWorld,
  evidenceOf,
  fillLog,
  logVersion,
  NOW,
  receiptOf,
  signCheckpoint,
  type VersionDraft,
} from "../record-fixture.ts";
import { type CorpusCase, changed, corpusSeeds, impostorSeeds, invalid, type Sample } from "./corpus-case.ts";

/** The sample with another recent receipt. */
const received = (
  code: VerificationCode,
  label: string,
  change: (made: Sample) => string | Promise<string>,
): CorpusCase =>
  invalid(
    "inclusion",
    code,
    label,
    changed(async (made) => ({ ...made.evidence, receipts: { recent: await change(made) } })),
  );

const logged = (code: VerificationCode, label: string, draft: VersionDraft): CorpusCase =>
  invalid(
    "inclusion",
    code,
    label,
    changed(({ evidence }) => evidence, draft),
  );

const text = (code: VerificationCode, label: string, from: string | RegExp, to: string): CorpusCase =>
  received(code, label, ({ evidence }) => evidence.receipts.recent.replace(from, to));

/** The sample's receipt with its log entry changed. */
const entry = (code: VerificationCode, label: string, from: string, to: string): CorpusCase =>
  received(code, label, ({ evidence }) => {
    const receipt = parseReceipt(evidence.receipts.recent);
    const parts = parseExtra(receipt.extra!);
    const changedEntry = encodeUtf8(decodeUtf8(parts.entry).replace(from, to));
    return formatReceipt({ ...receipt, extra: formatExtra({ ...parts, entry: changedEntry }) });
  });

const checkpoint = (
  code: VerificationCode,
  label: string,
  make: (made: Sample) => string | Promise<string>,
): CorpusCase =>
  received(code, label, async (made) => receiptOf(made.world, made.logged, { checkpoint: await make(made) }));

export const LOG_CASES: readonly CorpusCase[] = [
  text("receipt_malformed", "no-extra-line", /^extra .*\n/m, ""),
  text("receipt_malformed", "another-header", "tlog-proof@v1", "tlog-proof@v2"),
  received("receipt_malformed", "empty", () => ""),
  // The same leaf twice in the log, and a receipt of each place.
  invalid("inclusion", "receipts_differ", "first-of-another-place", async () => {
    const world = createRecordWorld(undefined, corpusSeeds);
    const once = await logVersion(world);
    world.leaves.push(world.leaves[0]!);
    fillLog(world, 5);
    const { receipts, ...evidence } = await evidenceOf(world, once);
    return { ...evidence, receipts: { ...receipts, first: await receiptOf(world, { ...once, index: 1 }) } };
  }),
  entry("entry_malformed", "a-space-in-it", '"v":1', '"v": 1'),
  logged("entry_operation_wrong", "revoke", { operation: "revoke" }),
  logged("entry_operation_wrong", "amend-for-version-1", { operation: "amend" }),
  logged("entry_operation_wrong", "create-for-version-2", { version: 2, operation: "create" }),
  received("commitment_mismatch", "of-another-record", async ({ world }) =>
    receiptOf(world, await logVersion(world, { label: "other" })),
  ),
  received("commitment_mismatch", "another-salt", ({ world, logged: version }) =>
    receiptOf(world, { ...version, salt: sha256("another salt") }),
  ),
  logged("rid_mismatch", "not-drawn-from-its-key", { payload: { rid: "d8989cce-a4e3-8a7a-b4cc-df2f5e151569" } }),
  received("record_key_missing", "held-back", ({ world, logged: version }) =>
    receiptOf(world, version, { hasKey: false }),
  ),
  logged("tag_mismatch", "rival-under-another-tag", { tag: encodeBase64url(sha256("rival")) }),
  checkpoint("checkpoint_origin_wrong", "access-log", ({ world }) =>
    signCheckpoint(world, { origin: "local.example/node/log/access" }),
  ),
  checkpoint("checkpoint_malformed", "size-with-a-zero", async ({ world }) => {
    const { origin, node } = world;
    const note = (await signCheckpoint(world)).split("\n\n")[0]!;
    return signNote({ text: `${note.replace("\n70\n", "\n070\n")}\n`, name: origin, signer: node.log });
  }),
  checkpoint("checkpoint_signature_invalid", "by-the-record-key", ({ world }) =>
    signCheckpoint(world, { signer: world.node.record }),
  ),
  checkpoint("checkpoint_signature_invalid", "of-an-impostor", ({ world }) =>
    signCheckpoint(world, { signer: createRecordWorld(undefined, impostorSeeds).node.log }),
  ),
  checkpoint("inclusion_failed", "of-an-older-tree", ({ world }) => signCheckpoint(world, { size: 60 })),
  checkpoint("inclusion_failed", "from-before-it", ({ world }) => signCheckpoint(world, { size: 41 })),
  entry("inclusion_failed", "another-time-in-the-entry", `"t":${NOW - 90}`, `"t":${NOW - 91}`),
  text("inclusion_failed", "index-changed", "\nindex 41\n", "\nindex 40\n"),
];
