// The public test vectors of transparency logs (vectors/tlog/SOURCE.md). Subtree proofs are left out: a witness that signs
// subtrees is a later C2SP proposal which this log does not serve.
import { existsSync, readdirSync, readFileSync, statSync } from "node:fs";
import { describe, expect, it } from "vitest";
import { decodeBase64, encodeBase64 } from "../../src/crypto/base64.ts";
import { verifyEd25519 } from "../../src/crypto/ed25519.ts";
import { decodeUtf8 } from "../../src/crypto/hash.ts";
import { createSigner, generateSeed } from "../../src/crypto/signer.ts";
import { auditLog } from "../../src/log/audit.ts";
import { parseCheckpoint, verifyCheckpoint } from "../../src/log/checkpoint.ts";
import { findCosignatures, signCosignature } from "../../src/log/cosignature.ts";
import {
  appendLeaf,
  EMPTY_FRONTIER,
  EMPTY_ROOT,
  frontierRoot,
  leafHash,
  nodeHash,
  verifyConsistency,
  verifyInclusion,
} from "../../src/log/merkle.ts";
import {
  formatVerifierKey,
  NOTE_TYPE_COSIGNATURE,
  parseVerifierKey,
  parseWitnessKey,
  signNote,
  verifyNote,
} from "../../src/log/note.ts";
import { formatReceipt, parseReceipt } from "../../src/log/receipt.ts";
import {
  decodeBundle,
  encodeBundle,
  locateNode,
  parseTilePath,
  splitTile,
  tilePath,
  tileWidth,
} from "../../src/log/tiles.ts";
import { findQuorum, parseWitnessPolicy } from "../../src/log/witness-policy.ts";
import { caughtCode } from "../caught-code.ts";

const folder = new URL("../../../shared/vectors/tlog/", import.meta.url).pathname;
const isMissing = !existsSync(folder);
if (isMissing) console.warn("skipped: ../shared/vectors/tlog is not there");

const readBytes = (path: string): Uint8Array => new Uint8Array(readFileSync(folder + path));
const readText = (path: string): string => decodeUtf8(readBytes(path));
const readVector = <T>(path: string): T => JSON.parse(readText(path)) as T;
const hex = (bytes: Uint8Array): string => Buffer.from(bytes).toString("hex");
const fromHex = (text: string): Uint8Array => new Uint8Array(Buffer.from(text, "hex"));

function readVectors<T>(path: string): { file: string; vector: T }[] {
  const files = readdirSync(folder + path, { recursive: true }).map((name) => `${path}/${name}`);
  const found = files.filter((file) => file.endsWith(".json") && statSync(folder + file).isFile());
  return found.sort().map((file) => ({ file, vector: readVector<T>(file) }));
}

// The vectors are Go's JSON: a nil slice is null.
const hashes = (proof: string[] | null): Uint8Array[] => (proof ?? []).map(decodeBase64);

describe.skipIf(isMissing)("RFC 6962 hashes", () => {
  it("are the published constants", () => {
    const vector = readVector<{
      emptyRoot: string;
      leafHash: { leafHex: string; hash: string }[];
      nodeHash_unhashedChildren: { leftHex: string; rightHex: string; hash: string };
    }>("rfc6962-constants.json");
    expect(hex(EMPTY_ROOT)).toBe(vector.emptyRoot);
    for (const { leafHex, hash } of vector.leafHash) expect(hex(leafHash(fromHex(leafHex)))).toBe(hash);
    const { leftHex, rightHex, hash } = vector.nodeHash_unhashedChildren;
    expect(hex(nodeHash(fromHex(leftHex), fromHex(rightHex)))).toBe(hash);
  });
});

describe.skipIf(isMissing)("transparency-dev Merkle vectors", () => {
  it("agree on all 98 inclusion probes", () => {
    interface Probe {
      leafIdx: number;
      treeSize: number;
      root: string;
      leafHash: string;
      proof: string[] | null;
      wantErr: boolean;
    }
    const probes = readVectors<Probe>("merkle/testdata/inclusion");
    expect(probes).toHaveLength(98);
    const wrong = probes.filter(({ vector }) => {
      const code = caughtCode(() =>
        verifyInclusion({
          index: vector.leafIdx,
          size: vector.treeSize,
          leaf: decodeBase64(vector.leafHash),
          proof: hashes(vector.proof),
          root: decodeBase64(vector.root),
        }),
      );
      return code !== (vector.wantErr ? "log_proof_invalid" : undefined);
    });
    expect(wrong.map(({ file }) => file)).toEqual([]);
    expect(probes.filter(({ vector }) => !vector.wantErr).length).toBeGreaterThan(3);
  });

  it("agree on all 98 consistency probes, the three that start from size 0 included", () => {
    interface Probe {
      size1: number;
      size2: number;
      root1: string;
      root2: string;
      proof: string[] | null;
      wantErr: boolean;
    }
    const probes = readVectors<Probe>("merkle/testdata/consistency");
    expect(probes).toHaveLength(98);
    const accepts = (vector: Probe, root1: Uint8Array, root2: Uint8Array) =>
      caughtCode(() =>
        verifyConsistency({ size1: vector.size1, root1, size2: vector.size2, root2, proof: hashes(vector.proof) }),
      ) !== "log_proof_invalid";
    const wrong = probes.filter(
      ({ vector }) => accepts(vector, decodeBase64(vector.root1), decodeBase64(vector.root2)) === vector.wantErr,
    );
    // Its roots are "don't care 2": twelve bytes are no hash here. With a hash it is accepted as published.
    expect(wrong.map(({ file }) => file.split("/").at(-1))).toEqual(["sizes-are-equal-one-and-proof-is-empty.json"]);
    expect(accepts(wrong[0]!.vector, EMPTY_ROOT, EMPTY_ROOT)).toBe(true);
    const fromZero = probes.filter(({ vector }) => vector.size1 === 0 && vector.wantErr);
    expect(fromZero.length).toBeGreaterThanOrEqual(3);
    expect(probes.filter(({ vector }) => !vector.wantErr).length).toBeGreaterThan(3);
  });
});

describe.skipIf(isMissing)("the Tessera log", () => {
  const log = "tessera/testdata/log/";
  const origin = "example.com/log/testdata";
  const vkey = "example.com/log/testdata+33d7b496+AeHTu4Q3hEIMHNqc6fASMsq3rKNx280NI+oO5xCFkkSx";
  const words = "one two three four five six seven eit nain ten ileven twelf threeten fourten fivten".split(" ");

  it("verifies at each of its 16 checkpoints, and each bundle hashes to its tile and root", () => {
    const verifiers = [parseVerifierKey(vkey)];
    let frontier = EMPTY_FRONTIER;
    for (let size = 0; size <= 15; size++) {
      const checkpoint = verifyCheckpoint(readText(`${log}checkpoint.${size}`), { origin, verifiers });
      expect(checkpoint.size).toBe(size);
      if (size > 0) {
        const entries = decodeBundle(readBytes(log + tilePath("entries", 0, size)));
        expect(entries.map(decodeUtf8)).toEqual(words.slice(0, size));
        expect(encodeBundle(entries)).toEqual(readBytes(log + tilePath("entries", 0, size)));
        expect(splitTile(readBytes(log + tilePath(0, 0, size))).map(hex)).toEqual(entries.map(leafHash).map(hex));
        frontier = appendLeaf(frontier, leafHash(entries.at(-1)!));
      }
      expect(hex(frontierRoot(frontier))).toBe(hex(checkpoint.root));
    }
  });

  it("passes the audit's tree checks and fails only where its entries are not ours", async () => {
    const report = await auditLog(
      {
        checkpoint: async () => readText(`${log}checkpoint`),
        tile: async (path) => readBytes(log + path),
        bundle: async (path) => readBytes(log + path),
      },
      { origin, verifiers: [parseVerifierKey(vkey)], previous: readText(`${log}checkpoint.9`) },
    );
    expect(report.complete).toBe(true);
    expect(report.counts).toEqual({ entries: 15, bundles: 1, tiles: 1 });
    expect(report.problems.map(({ code, index }) => `${code} ${index}`)).toEqual(
      words.map((_, index) => `log_entry_invalid ${index}`),
    );
  });
});

describe.skipIf(isMissing)("tile layout", () => {
  const layout = () =>
    readVector<{
      entriesPathForLogIndex: { seq: string; logSize: string; path: string }[];
      tilePath: { level: number; index: string; partial: number; path: string }[];
      parse: { level: string; path: string; index?: string; partial?: number; error?: boolean }[];
      nodeToTile: Record<"treeLevel" | "treeIndex" | "tileLevel" | "tileIndex" | "nodeLevel" | "nodeIndex", number>[];
    }>("tile-layout.json");

  it("names entry bundles and tiles as Tessera does", () => {
    for (const { seq, logSize, path } of layout().entriesPathForLogIndex) {
      const index = Math.floor(Number(seq) / 256);
      expect(tilePath("entries", index, tileWidth("entries", index, Number(logSize)))).toBe(path);
    }
    for (const { level, index, partial, path } of layout().tilePath) {
      expect(tilePath(level, Number(index), partial || 256)).toBe(path);
      expect(parseTilePath(path)).toEqual({ level, index: Number(index), width: partial || 256 });
    }
  });

  it("reads and refuses the published paths, and refuses indices beyond 2^53-1 as well", () => {
    for (const { level, path, index, partial, error } of layout().parse) {
      const text = `tile/${level}/${path}`;
      if (error || !Number.isSafeInteger(Number(index))) {
        expect(
          caughtCode(() => parseTilePath(text)),
          text,
        ).toBe("not_found");
      } else {
        expect(parseTilePath(text)).toEqual({ level: Number(level), index: Number(index), width: partial || 256 });
      }
    }
  });

  it("finds tree nodes in the published tiles", () => {
    for (const vector of layout().nodeToTile) {
      expect(locateNode({ level: vector.treeLevel, index: vector.treeIndex })).toEqual({
        tile: { level: vector.tileLevel, index: vector.tileIndex },
        level: vector.nodeLevel,
        index: vector.nodeIndex,
      });
    }
  });

  it("has the paths and widths of the C2SP specification", () => {
    const { tilePaths, tileGeometry } = readVector<{
      tilePaths: { index: number; path: string }[];
      tileGeometry: { size: number; full: Record<string, number>; partialWidth: Record<string, number> }[];
    }>("c2sp-examples.json");
    for (const { index, path } of tilePaths) expect(tilePath(0, index)).toBe(`tile/0/${path}`);
    for (const { size, full, partialWidth } of tileGeometry) {
      for (let level = 0; level < 5; level++) {
        const fullCount = full[level] ?? 0;
        if (fullCount > 0) expect(tileWidth(level, fullCount - 1, size)).toBe(256);
        expect(tileWidth(level, fullCount, size)).toBe(partialWidth[level] ?? 0);
        expect(tileWidth(level, fullCount + 1, size)).toBe(0);
      }
    }
  });
});

describe.skipIf(isMissing)("tlog-proof vectors", () => {
  it("are written and read to the byte", () => {
    const { marshal } = readVector<{
      marshal: { index: string; hashes: string[]; extra?: string; checkpoint: string; text: string }[];
    }>("tlog-proof.json");
    for (const { index, hashes: proof, extra, checkpoint, text } of marshal) {
      const receipt = {
        index: Number(index),
        proof: proof.map(decodeBase64),
        checkpoint,
        ...(extra === undefined ? {} : { extra: decodeBase64(extra) }),
      };
      expect(formatReceipt(receipt)).toBe(text);
      expect(parseReceipt(text)).toEqual(receipt);
    }
  });

  it("that are malformed are refused", () => {
    const { unmarshalErrors } = readVector<{ unmarshalErrors: { name: string; text: string }[] }>("tlog-proof.json");
    for (const { name, text } of unmarshalErrors) {
      expect(
        caughtCode(() => parseReceipt(text)),
        name,
      ).toBe("log_proof_invalid");
    }
    expect(unmarshalErrors).toHaveLength(7);
  });
});

describe.skipIf(isMissing)("checkpoint vectors", () => {
  it("are refused where published so, and where their root is not 32 bytes, which that parser does not check", () => {
    const { unmarshal } = readVector<{
      unmarshal: { desc: string; text: string; error?: boolean; origin?: string; size?: string }[];
    }>("checkpoint-parse.json");
    expect(unmarshal).toHaveLength(9);
    for (const { desc, text, error, origin, size } of unmarshal) {
      expect(
        caughtCode(() => parseCheckpoint(text)),
        desc,
      ).toBe("log_checkpoint_invalid");
      if (error) continue;
      // The same text with a root of the right length is accepted.
      const lines = text.split("\n");
      lines[2] = encodeBase64(EMPTY_ROOT);
      const extensions = lines.slice(3, -1);
      const parsed = parseCheckpoint(lines.join("\n"));
      expect({ ...parsed, root: hex(parsed.root) }).toEqual({
        origin,
        size: Number(size),
        root: hex(EMPTY_ROOT),
        extensions,
      });
    }
  });

  it("of the C2SP specification read as printed", () => {
    const { checkpointFormatOnly } = readVector<{ checkpointFormatOnly: string }>("c2sp-examples.json");
    const text = checkpointFormatOnly.slice(0, checkpointFormatOnly.lastIndexOf("\n\n") + 1);
    const { origin, size } = parseCheckpoint(text);
    expect([origin, size]).toEqual(["example.com/behind-the-sofa", 20852163]);
  });
});

describe.skipIf(isMissing)("signed notes", () => {
  it("of the C2SP specification verify with their key, and with no byte changed", () => {
    const { signedNote } = readVector<{ signedNote: { vkey: string; note: string } }>("c2sp-examples.json");
    const verifier = parseVerifierKey(signedNote.vkey);
    expect(formatVerifierKey(verifier)).toBe(signedNote.vkey);
    expect(verifyNote(signedNote.note, [verifier])).toEqual({
      text: "This is an example message.\n",
      verified: [verifier],
    });
    for (let at = 0; at < signedNote.note.length; at++) {
      const changed = `${signedNote.note.slice(0, at)}~${signedNote.note.slice(at + 1)}`;
      const code = caughtCode(() => verifyNote(changed, [verifier]));
      expect(["log_note_invalid", "signature_invalid"], `byte ${at}`).toContain(code);
    }
  });

  it("of Sunlight carry signature types unknown here, which are ignored beside a known one and never suffice", async () => {
    const rome = "sunlight/witness/000de184301123b9278c086a7d9f68c9577e83872224c197058fd90784ea9706/checkpoint";
    const note = readText(rome);
    expect(caughtCode(() => verifyNote(note, []))).toBe("signature_invalid");

    const signer = createSigner(generateSeed());
    const name = "log.example/records";
    const verifier = parseVerifierKey(formatVerifierKey({ name, raw: signer.publicKey.raw }));
    const text = note.slice(0, note.lastIndexOf("\n\n") + 1);
    const ownLine = (await signNote({ text, name, signer })).slice(text.length + 1);
    expect(verifyNote(note + ownLine, [verifier])).toEqual({ text, verified: [verifier] });
    expect(caughtCode(() => verifyNote(note, [verifier]))).toBe("signature_invalid");
  });

  it("cannot be verified by a cosigner's key, whose type is refused rather than taken for an Ed25519 note key", () => {
    const { verifier_keys } = readVector<{ verifier_keys: string[] }>("sunlight/witness/witness.v0.json");
    for (const vkey of verifier_keys) expect(caughtCode(() => parseVerifierKey(vkey))).toBe("log_note_invalid");
    expect(verifier_keys).toHaveLength(1);
  });
});

describe.skipIf(isMissing)("cosignatures", () => {
  it("of Sunlight's witness verify with its key, and with no byte of their checkpoint changed", () => {
    const { verifier_keys } = readVector<{ verifier_keys: string[] }>("sunlight/witness/witness.v0.json");
    const witness = parseWitnessKey(verifier_keys[0]!);
    const note = readText(
      "sunlight/witness/000de184301123b9278c086a7d9f68c9577e83872224c197058fd90784ea9706/checkpoint",
    );
    const [cosignature, ...rest] = findCosignatures(note, [witness]);
    expect(rest).toEqual([]);
    expect(cosignature!.witness).toBe(witness);
    const line = note.split("\n").find((one) => one.startsWith(`— ${witness.name} `))!;
    const time = Number(Buffer.from(line.split(" ")[2]!, "base64").readBigUInt64BE(4));
    expect(cosignature!.time).toBe(time);
    const textLength = note.lastIndexOf("\n\n");
    for (let at = 0; at < textLength; at++) {
      const changed = `${note.slice(0, at)}~${note.slice(at + 1)}`;
      expect(
        caughtCode(() => findCosignatures(changed, [witness])),
        `byte ${at}`,
      ).toBe("signature_invalid");
    }
  });

  it("cannot be verified by a log's key", () => {
    const { signedNote } = readVector<{ signedNote: { vkey: string } }>("c2sp-examples.json");
    expect(caughtCode(() => parseWitnessKey(signedNote.vkey))).toBe("log_note_invalid");
  });

  it("are made over the message that the C2SP specification prints", async () => {
    const { checkpointFormatOnly, cosignatureSignedMessage, cosignatureTimestamp } = readVector<{
      checkpointFormatOnly: string;
      cosignatureSignedMessage: string;
      cosignatureTimestamp: number;
    }>("c2sp-examples.json");
    const text = checkpointFormatOnly.slice(0, checkpointFormatOnly.lastIndexOf("\n\n") + 1);
    const signer = createSigner(generateSeed());
    const signed = await signCosignature(text, { signer, time: cosignatureTimestamp });
    expect(hex(signed.slice(0, 8))).toBe(cosignatureTimestamp.toString(16).padStart(16, "0"));
    const message = new TextEncoder().encode(cosignatureSignedMessage);
    expect(verifyEd25519(signer.publicKey.raw, message, signed.slice(8))).toBe(true);
  });
});

describe.skipIf(isMissing)("witness policies", () => {
  interface PolicyVectors {
    valid: { policy: string; k: number; n: number }[];
    invalid: { desc: string; policy: string }[];
  }
  // Upstream writes some witnesses' keys with the type of a log's key, which is refused here: the same keys, as cosigners'.
  const asCosigners = (policy: string): string =>
    policy.replaceAll(/^(witness \S+) (\S+)/gm, (_, start: string, vkey: string) => {
      const [name, , base64] = vkey.split(/\+(.{8})\+/) as [string, string, string];
      return `${start} ${formatVerifierKey({ name, raw: decodeBase64(base64).slice(1) }, NOTE_TYPE_COSIGNATURE)}`;
    });

  it("read as published, with keys of cosigners", () => {
    const { valid, invalid } = readVector<PolicyVectors>("policy.json");
    for (const { policy, n } of valid) expect(parseWitnessPolicy(asCosigners(policy)).witnesses.size, policy).toBe(n);
    for (const { desc, policy } of invalid)
      expect([desc, caughtCode(() => parseWitnessPolicy(asCosigners(policy)))]).toEqual([
        desc,
        "witness_policy_invalid",
      ]);
    expect([valid.length, invalid.length]).toEqual([4, 5]);
  });

  it("are met by exactly as many witnesses as published", () => {
    for (const { policy, k } of readVector<PolicyVectors>("policy.json").valid) {
      const read = parseWitnessPolicy(asCosigners(policy));
      const names = [...read.witnesses.keys()];
      const metBy = (count: number) => findQuorum(read, new Map(names.slice(0, count).map((name) => [name, 1])));
      if (k > 0) expect([metBy(k - 1), metBy(k)]).toEqual([undefined, { since: 1, last: 1 }]);
    }
  });
});
