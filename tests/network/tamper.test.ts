// A changed byte anywhere in a real node's evidence is caught by the check that it concerns; so is a record nobody may sign,
// and a second version 2. What each check refuses in all its forms: tests/unit/verification.test.ts.
import { afterAll, beforeAll, describe, expect, it } from "vitest";
import { encodeBase64 } from "../../src/crypto/base64.ts";
import { isAttestryError } from "../../src/errors.ts";
import { type AuditReport, auditLog } from "../../src/log/audit.ts";
import { commitment, parseEntry, randomTag, versionTag } from "../../src/log/entry.ts";
import { parseVerifierKey } from "../../src/log/note.ts";
import { parseExtra, parseReceipt } from "../../src/log/receipt.ts";
import type { WriteKind } from "../../src/log/writer-service.ts";
import { currentSeconds } from "../../src/node.ts";
import type { VerificationReport } from "../../src/verification/report.ts";
import { createVerifier } from "../../src/verification/verifier.ts";
import { definition, startTestNode, type TestNode } from "../node-fixture.ts";
import { createRecordCalls, type RecordCalls } from "../record-calls.ts";

interface EvidenceFile {
  token: string;
  receipts: { recent: string };
  status: { token: string };
  chain: string[];
  definition: string;
}

const TYPES = ["states", "people"];
let anchor: TestNode;
let state: TestNode;
let local: TestNode;
let calls: RecordCalls;
let evidence: EvidenceFile;

async function evidenceOf(node: TestNode, path: string): Promise<EvidenceFile> {
  const answer = await node.request("GET", `${path}/evidence`);
  expect(answer.status, answer.text).toBe(200);
  return JSON.parse(answer.text) as EvidenceFile;
}

beforeAll(async () => {
  anchor = await startTestNode();
  const anchors = [anchor.pin(TYPES)];
  state = await startTestNode({ superiors: [anchor.entity], anchors });
  local = await startTestNode({ superiors: [state.entity], anchors });
  await anchor.node.federation.acceptSubordinate({ entity: state.entity, registryTypes: TYPES });
  await state.node.federation.acceptSubordinate({ entity: local.entity, registryTypes: TYPES });
  const properties = { tax: { type: "string", "x-personal": true }, born: { type: "string", "x-personal": true } };
  expect((await local.publish(definition("people", { properties }))).status).toBe(201);
  calls = await createRecordCalls(local, "people");
  const view = await calls.create({ code: "1", name: "Ada", tax: "T-1", born: "1815" });
  // Something after it, so that its inclusion proof has hashes.
  for (let i = 0; i < 5; i++) await calls.create({ code: `after-${i}`, name: "x" });
  evidence = await evidenceOf(local, calls.path(view.rid));
  evidence.token = view.token as string;
});

afterAll(async () => {
  for (const node of [local, state, anchor]) await node?.close();
});

function verify(value: unknown): Promise<VerificationReport> {
  // A new verifier each time: one that remembers a chain or a checkpoint would not look at a changed one.
  const verifier = createVerifier({ anchors: [anchor.pin(TYPES)], statusMaxAgeSeconds: 300 });
  return verifier.verify(value, { now: currentSeconds() });
}

/** The checks that failed themselves, as "check: code". */
function faultsOf(report: VerificationReport): string[] {
  return report.checks
    .filter(({ result, code }) => result === "fail" && code !== "prerequisite_failed")
    .map(({ check, code }) => `${check}: ${code}`);
}

/** The text with one character replaced by another of the same alphabet. */
function change(text: string, at: number): string {
  const old = text[at]!;
  const replacement = old === "A" ? "B" : /[0-9]/.test(old) ? String((Number(old) + 1) % 10) : "A";
  return text.slice(0, at) + replacement + text.slice(at + 1);
}

const middle = (text: string): string => change(text, Math.floor(text.length / 2));

function changePart(text: string, separator: string, part: number, how: (part: string) => string = middle): string {
  const parts = text.split(separator);
  parts[part] = how(parts[part]!);
  return parts.join(separator);
}

/** Changes the bytes of the receipt's `extra` line at one place: salt32, K32, entry. */
function changeExtra(receipt: string, at: number): string {
  return receipt.replace(/^extra (.+)$/m, (_line, base64: string) => {
    const bytes = Buffer.from(base64, "base64");
    bytes[at] = bytes[at]! ^ 1;
    return `extra ${bytes.toString("base64")}`;
  });
}

const changeLine = (receipt: string, pattern: RegExp): string => receipt.replace(pattern, (line) => middle(line));

const ENTRY_AT = 64;
const entryText = () => Buffer.from(parseExtra(parseReceipt(evidence.receipts.recent).extra!).entry).toString("utf8");

type Change = (file: EvidenceFile) => void;

const CHANGES: [string, Change, string[]][] = [
  [
    "the token's header",
    (e) => (e.token = changePart(e.token, ".", 0)),
    ["format: token_malformed", "signature: signing_key_unknown", "signature: signature_invalid"],
  ],
  [
    "the token's payload",
    (e) => (e.token = changePart(e.token, ".", 1)),
    ["format: token_malformed", "signature: signature_invalid"],
  ],
  [
    "the token's signature",
    (e) => (e.token = changePart(e.token, "~", 0, (jwt) => changePart(jwt, ".", 2))),
    ["signature: signature_invalid"],
  ],
  ["a disclosure", (e) => (e.token = changePart(e.token, "~", 1)), ["format: disclosure_invalid"]],
  ["the other disclosure", (e) => (e.token = changePart(e.token, "~", 2)), ["format: disclosure_invalid"]],
  [
    "the receipt's index",
    (e) => (e.receipts.recent = e.receipts.recent.replace(/^index (\d+)$/m, "index 3")),
    ["inclusion: inclusion_failed"],
  ],
  [
    "a hash of the receipt's proof",
    (e) => (e.receipts.recent = changeLine(e.receipts.recent, /^[A-Za-z0-9+/]{43}=$/m)),
    ["inclusion: inclusion_failed"],
  ],
  [
    "the extra line's salt",
    (e) => (e.receipts.recent = changeExtra(e.receipts.recent, 5)),
    ["inclusion: commitment_mismatch"],
  ],
  ["the extra line's K", (e) => (e.receipts.recent = changeExtra(e.receipts.recent, 40)), ["inclusion: rid_mismatch"]],
  [
    "the entry's commitment",
    (e) => (e.receipts.recent = changeExtra(e.receipts.recent, ENTRY_AT + entryText().indexOf('"c":"') + 6)),
    ["inclusion: commitment_mismatch", "inclusion: entry_malformed"],
  ],
  [
    "the entry's operation",
    (e) => (e.receipts.recent = changeExtra(e.receipts.recent, ENTRY_AT + entryText().indexOf("create"))),
    ["inclusion: entry_malformed"],
  ],
  [
    "the entry's tag",
    (e) => (e.receipts.recent = changeExtra(e.receipts.recent, ENTRY_AT + entryText().indexOf('"r":"') + 6)),
    ["inclusion: tag_mismatch", "inclusion: entry_malformed"],
  ],
  [
    "the entry's time",
    (e) => (e.receipts.recent = changeExtra(e.receipts.recent, ENTRY_AT + entryText().indexOf('"t":') + 8)),
    ["inclusion: inclusion_failed"],
  ],
  [
    "the checkpoint's origin",
    (e) => (e.receipts.recent = e.receipts.recent.replace(/log\/records$/m, "log/recordz")),
    ["inclusion: checkpoint_origin_wrong"],
  ],
  [
    "the checkpoint's size",
    (e) =>
      (e.receipts.recent = changePart(e.receipts.recent, "\n\n", 1, (text) =>
        changePart(text, "\n", 1, (size) => String(Number(size) + 1)),
      )),
    ["inclusion: checkpoint_signature_invalid"],
  ],
  [
    "the checkpoint's root",
    (e) => (e.receipts.recent = changePart(e.receipts.recent, "\n\n", 1, (text) => changePart(text, "\n", 2))),
    ["inclusion: checkpoint_signature_invalid"],
  ],
  [
    "the checkpoint's signature",
    (e) => (e.receipts.recent = changeLine(e.receipts.recent, /^— .+$/m)),
    ["inclusion: checkpoint_signature_invalid"],
  ],
  [
    "the status list",
    (e) => (e.status.token = changePart(e.status.token, ".", 1)),
    ["status: status_list_invalid", "status: status_signature_invalid"],
  ],
  [
    "the status list's signature",
    (e) => (e.status.token = changePart(e.status.token, ".", 2)),
    ["status: status_signature_invalid"],
  ],
  ["the definition", (e) => (e.definition = e.definition.replace("people", "poeple")), ["schema: definition_mismatch"]],
  ...[0, 1, 2, 3].flatMap((i): [string, Change, string[]][] => [
    [
      `the payload of statement ${i}`,
      (e) => (e.chain[i] = changePart(e.chain[i]!, ".", 1)),
      ["issuer: chain_invalid", "issuer: chain_signature_invalid"],
    ],
    [
      `the signature of statement ${i}`,
      (e) => (e.chain[i] = changePart(e.chain[i]!, ".", 2)),
      ["issuer: chain_signature_invalid"],
    ],
  ]),
];

describe("a real node's evidence", () => {
  it("is valid as it came, with every disclosure", async () => {
    const report = await verify(evidence);
    expect(faultsOf(report)).toEqual([]);
    expect(report).toMatchObject({
      valid: true,
      record: { issuer: local.entity, anchor: anchor.entity, data: { tax: "T-1", born: "1815" } },
    });
    expect(evidence.chain).toHaveLength(4);
  });

  it.each(CHANGES)(
    "is refused with a byte changed in %s, by the check that it concerns and a code",
    async (_name, apply, named) => {
      const changed = structuredClone(evidence);
      apply(changed);
      expect(changed).not.toEqual(evidence);
      const report = await verify(changed);
      expect(report.valid).toBe(false);
      expect(report).not.toHaveProperty("record");
      // Where the byte falls decides whether a part cannot be read or is not what was signed.
      expect(named).toContain(faultsOf(report)[0]);
    },
  );

  it("is refused with another record's token, receipt, status list or definition in its place", async () => {
    const other = await calls.create({ code: "other", name: "Other", tax: "T-2" });
    const theirs = await evidenceOf(local, calls.path(other.rid));
    expect(faultsOf(await verify({ ...evidence, token: theirs.token }))).toEqual(["inclusion: commitment_mismatch"]);
    expect(faultsOf(await verify({ ...evidence, receipts: theirs.receipts }))).toEqual([
      "inclusion: commitment_mismatch",
    ]);
    expect(faultsOf(await verify({ ...evidence, status: { token: evidence.chain[0]! } }))).toEqual([
      "status: status_list_invalid",
    ]);
    const definitionOfOthers = JSON.stringify(definition("others"));
    expect(faultsOf(await verify({ ...evidence, definition: definitionOfOthers }))).toEqual([
      "schema: definition_mismatch",
    ]);
  });
});

describe("a record that nobody may sign", () => {
  it.each([
    ["grants no type", []],
    ["grants another type", ["people"]],
  ])("is refused where the superior %s", async (_name, registryTypes) => {
    const member = await startTestNode({ superiors: [anchor.entity], anchors: [anchor.pin(TYPES)] });
    try {
      await anchor.node.federation.acceptSubordinate({ entity: member.entity, registryTypes });
      expect((await member.publish(definition("states"))).status).toBe(201);
      const { rid } = await (await createRecordCalls(member, "states")).create({ code: "1", name: "Own" });
      const report = await verify(await evidenceOf(member, `/registries/states/records/${String(rid)}`));
      expect([report.valid, faultsOf(report)]).toEqual([false, ["authority: authority_not_granted"]]);
    } finally {
      await member.close();
    }
  });

  it("is refused where a superior grants more than was granted to it", async () => {
    const member = await startTestNode({ superiors: [state.entity], anchors: [anchor.pin([...TYPES, "crowns"])] });
    try {
      await state.node.federation.acceptSubordinate({ entity: member.entity, registryTypes: ["crowns"] });
      expect((await member.publish(definition("crowns"))).status).toBe(201);
      const { rid } = await (await createRecordCalls(member, "crowns")).create({ code: "1", name: "Own" });
      const report = await verify(await evidenceOf(member, `/registries/crowns/records/${String(rid)}`));
      expect(report.valid).toBe(false);
      expect(faultsOf(report)[0]).toMatch(/^(issuer|authority): /);
    } finally {
      await member.close();
    }
  });
});

describe("a second version 2 of one record", () => {
  const acceptAll: WriteKind<null> = {
    name: "forged",
    check: async (_tx, inputs) => inputs.map(() => undefined),
    store: async () => {},
  };

  async function audit(): Promise<AuditReport> {
    const get = (path: string) => fetch(`${local.entity}/log/records/${path}`);
    const bytes = async (path: string) => {
      const response = await get(path);
      return response.ok ? new Uint8Array(await response.arrayBuffer()) : undefined;
    };
    const origin = `${local.entity.replace("http://", "")}/log/records`;
    const { federation } = local.node;
    const claims = JSON.parse(
      Buffer.from((await federation.getConfiguration()).split(".")[1]!, "base64url").toString("utf8"),
    );
    const [vkey] = claims.metadata.registry_node.logs.records.vkeys as [string];
    const source = { checkpoint: async () => (await get("checkpoint")).text(), tile: bytes, bundle: bytes };
    return auditLog(source, { origin, verifiers: [parseVerifierKey(vkey)] });
  }

  it("is refused by the database, whoever writes it; and where the database was made to take it, the audit names both", async () => {
    const { rid } = await calls.create({ code: "twice", name: "First" });
    const second = await calls.amend(rid, "1.0", { data: { name: "Second" } });
    const { k } = parseExtra(parseReceipt((await calls.get(rid, "/receipt")).text).extra!);
    const rival = { c: commitment("amend", k!, "another text"), e: "amend", r: versionTag(k!, 2), t: 1, v: 1 } as const;
    await expect(local.node.writer.append(acceptAll, null, rival)).rejects.toSatisfy((error) =>
      isAttestryError(error, "log_tag_duplicate"),
    );
    expect((await audit()).problems).toEqual([]);
    const neighbour = { ...rival, r: randomTag(new Uint8Array(32).fill(7)) };
    expect((await local.node.writer.append(acceptAll, null, neighbour)).logIndex).toBeGreaterThan(0);

    await local.database.database.sql`alter table log_entry drop constraint log_entry_tag_unique`;
    const { logIndex } = await local.node.writer.append(acceptAll, null, rival);
    const report = await audit();
    expect(report.ok).toBe(false);
    expect(report.problems).toMatchObject([
      { code: "log_tag_duplicate", index: logIndex, otherIndex: second.log_index as number },
    ]);
    const [stored] = await local.database.database.sql<{ entry: Uint8Array }[]>`
      select entry from log_entry where index = ${logIndex}`;
    expect(encodeBase64(Buffer.from(parseEntry(stored!.entry).r))).toBe(encodeBase64(Buffer.from(rival.r)));
  });
});
