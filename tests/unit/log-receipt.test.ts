// Receipts and their extra line, read strictly; and a whole receipt made and verified end to end.
import { describe, expect, it } from "vitest";
import { encodeBase64 } from "../../src/crypto/base64.ts";
import { sha256 } from "../../src/crypto/hash.ts";
import { createSigner } from "../../src/crypto/signer.ts";
import { formatCheckpoint, verifyCheckpoint } from "../../src/log/checkpoint.ts";
import { commitment, formatEntry, parseEntry, versionTag } from "../../src/log/entry.ts";
import { inclusionProof, leafHash, nodeHash, verifyInclusion } from "../../src/log/merkle.ts";
import { formatVerifierKey, parseVerifierKey, signNote } from "../../src/log/note.ts";
import { formatExtra, formatReceipt, parseExtra, parseReceipt } from "../../src/log/receipt.ts";
import { caughtCode } from "../caught-code.ts";

const origin = "log.example/records";
const signer = createSigner(new Uint8Array(32).fill(7));
const verifiers = [parseVerifierKey(formatVerifierKey({ name: origin, raw: signer.publicKey.raw }))];
const salt = sha256("salt");
const k = sha256("k");
const token = "header.payload.signature";
const entry = formatEntry({ c: commitment("create", salt, token), e: "create", r: versionTag(k, 1), t: 1, v: 1 });
const leaf = leafHash(entry);
const sibling = sha256("sibling");
const root = nodeHash(sibling, leaf);
const checkpoint = await signNote({ text: formatCheckpoint({ origin, size: 2, root }), name: origin, signer });
const proof = inclusionProof(1, 2, () => sibling);
const text = formatReceipt({ index: 1, proof, extra: formatExtra({ salt, k, entry }), checkpoint });

describe("a receipt", () => {
  it("proves with its extra line that the token is in the log", () => {
    const receipt = parseReceipt(text);
    const extra = parseExtra(receipt.extra!);
    const tree = verifyCheckpoint(receipt.checkpoint, { origin, verifiers });
    verifyInclusion({ ...tree, index: receipt.index, proof: receipt.proof, leaf: leafHash(extra.entry) });
    const logged = parseEntry(extra.entry);
    expect(logged.c).toBe(commitment(logged.e, extra.salt, token));
    expect(logged.r).toBe(versionTag(extra.k!, 1));
  });

  it("fails at some step for every changed character", () => {
    const verify = (changed: string) => {
      const receipt = parseReceipt(changed);
      const extra = parseExtra(receipt.extra ?? new Uint8Array());
      const tree = verifyCheckpoint(receipt.checkpoint, { origin, verifiers });
      verifyInclusion({ ...tree, index: receipt.index, proof: receipt.proof, leaf: leafHash(extra.entry) });
      const logged = parseEntry(extra.entry);
      return logged.c === commitment(logged.e, extra.salt, token) && logged.r === versionTag(extra.k ?? salt, 1);
    };
    expect(verify(text)).toBe(true);
    for (let at = 0; at < text.length; at++) {
      const replacement = text[at] === "A" ? "B" : "A";
      const changed = text.slice(0, at) + replacement + text.slice(at + 1);
      let holds = false;
      const code = caughtCode(() => {
        holds = verify(changed);
      });
      if (code === undefined && holds) expect.fail(`character ${at} may be changed`);
    }
  });

  const hashLine = encodeBase64(sibling);
  it.each([
    ["another header", text.replace("@v1", "@v2")],
    ["an index with a leading zero", text.replace("index 1", "index 01")],
    ["an index beyond 2^53-1", text.replace("index 1", "index 9007199254740992")],
    ["no index", text.replace("index 1\n", "")],
    ["the extra line after the index", text.replace(/(extra .*\n)(index 1\n)/, "$2$1")],
    ["two extra lines", text.replace(/(extra .*\n)/, "$1$1")],
    ["an empty extra line", text.replace(/extra .*\n/, "extra \n")],
    ["an extra line without padding", text.replace(/extra .*\n/, "extra QQ\n")],
    ["a hash in non-canonical base64", text.replace(hashLine, hashLine.replace(/.=$/, "B="))],
    ["64 hashes", text.replace(`${hashLine}\n`, `${hashLine}\n`.repeat(64))],
    ["a carriage return", text.replace("index 1\n", "index 1\r\n")],
    ["no checkpoint", text.slice(0, text.indexOf("\n\n") + 2)],
    ["no blank line", text.replaceAll("\n\n", "\n")],
    ["no newline at the end", text.slice(0, -1)],
    ["more than 160,000 characters", `${text}${"x".repeat(160_000)}\n`],
  ])("is refused with %s", (_, bad) => {
    expect(bad).not.toBe(text);
    expect(caughtCode(() => parseReceipt(bad))).toBe("log_proof_invalid");
  });

  it("may carry 63 hashes and leave extra out", () => {
    const many = { index: 0, proof: new Array<Uint8Array>(63).fill(sibling), checkpoint };
    expect(parseReceipt(formatReceipt(many)).proof).toHaveLength(63);
    expect(parseReceipt(formatReceipt(many))).not.toHaveProperty("extra");
  });

  it("is not written in a form that would be refused", () => {
    const good = { index: 0, proof: [], checkpoint };
    for (const bad of [{ index: -1 }, { proof: [salt.slice(1)] }, { extra: new Uint8Array() }, { checkpoint: "x" }]) {
      expect(caughtCode(() => formatReceipt({ ...good, ...bad }))).toBe("log_proof_invalid");
    }
  });
});

describe("the extra line", () => {
  it("holds salt, key and entry, or zeros for a key that the holder may not have", () => {
    const full = formatExtra({ salt, k, entry });
    expect(full).toHaveLength(64 + entry.length);
    expect(parseExtra(full).k?.every((byte, i) => byte === k[i])).toBe(true);
    const without = parseExtra(formatExtra({ salt, entry }));
    expect(without).not.toHaveProperty("k");
    expect([...without.entry]).toEqual([...entry]);
    expect([...without.salt]).toEqual([...salt]);
  });

  it("is refused without an entry, and with a salt or key of another length", () => {
    expect(caughtCode(() => parseExtra(new Uint8Array(64)))).toBe("log_proof_invalid");
    expect(caughtCode(() => parseExtra(new Uint8Array(3)))).toBe("log_proof_invalid");
    const short = salt.slice(1);
    for (const bad of [{ salt: short }, { k: short }, { entry: new Uint8Array() }]) {
      expect(caughtCode(() => formatExtra({ salt, k, entry, ...bad }))).toBe("log_proof_invalid");
    }
  });
});
