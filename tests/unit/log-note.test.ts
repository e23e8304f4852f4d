// Signed notes and checkpoints as an attacker would send them (C2SP signed-note, tlog-checkpoint).
import { describe, expect, it } from "vitest";
import { encodeBase64 } from "../../src/crypto/base64.ts";
import { concatBytes, sha256 } from "../../src/crypto/hash.ts";
import { createSigner } from "../../src/crypto/signer.ts";
import { formatCheckpoint, parseCheckpoint, verifyCheckpoint } from "../../src/log/checkpoint.ts";
import { EMPTY_ROOT } from "../../src/log/merkle.ts";
import { formatVerifierKey, parseVerifierKey, signNote, verifyNote } from "../../src/log/note.ts";
import { caughtCode } from "../caught-code.ts";

const name = "log.example/records";
const signer = createSigner(new Uint8Array(32).fill(7));
const vkey = formatVerifierKey({ name, raw: signer.publicKey.raw });
const verifier = parseVerifierKey(vkey);
const text = "line\n\nafter a blank line\n";
const note = await signNote({ text, name, signer });
const line = note.slice(text.length + 1);
const base64 = line.split(" ")[2]!.trimEnd();

const otherSigner = createSigner(new Uint8Array(32).fill(8));
const otherVerifier = parseVerifierKey(formatVerifierKey({ name, raw: otherSigner.publicKey.raw }));

describe("a signed note", () => {
  it("gives back its text, split from the signatures at the last blank line", () => {
    expect(verifyNote(note, [verifier])).toEqual({ text, verified: [verifier] });
  });

  it("verifies with each of several keys of one name, as a rollover leaves them", async () => {
    const both = note + (await signNote({ text, name, signer: otherSigner })).slice(text.length + 1);
    expect(verifyNote(both, [verifier, otherVerifier]).verified).toEqual([verifier, otherVerifier]);
    expect(verifyNote(both, [otherVerifier]).verified).toEqual([otherVerifier]);
    expect(verifyNote(note, [otherVerifier, verifier]).verified).toEqual([verifier]);
  });

  it("fails as a whole when one known key's signature is wrong, though another holds", async () => {
    const wrong = (await signNote({ text: "other\n", name, signer: otherSigner })).slice("other\n\n".length);
    expect(verifyNote(note + wrong, [verifier]).verified).toEqual([verifier]);
    expect(caughtCode(() => verifyNote(note + wrong, [verifier, otherVerifier]))).toBe("signature_invalid");
  });

  it("is worth nothing without a signature by a known key", () => {
    expect(caughtCode(() => verifyNote(note, [otherVerifier]))).toBe("signature_invalid");
    expect(caughtCode(() => verifyNote(note, []))).toBe("signature_invalid");
    expect(caughtCode(() => verifyNote(note, [{ ...verifier, name: "log.example/access" }]))).toBe("signature_invalid");
  });

  it("counts a repeated signature once", () => {
    expect(verifyNote(note + line, [verifier]).verified).toHaveLength(1);
  });

  const keyIdOnly = encodeBase64(Uint8Array.of(1, 2, 3, 4));
  const malformed: [string, string][] = [
    ["no signatures", `${text}\n`],
    ["no blank line", `line\n${line}`],
    ["no newline at the end", note.slice(0, -1)],
    ["a carriage return", note.replace("line\n", "line\r\n")],
    ["a tab in the text", note.replace("after", "af\tter")],
    ["a lone surrogate", note.replace("after", "af\ud800ter")],
    ["a hyphen for the em dash", note.replace("— ", "- ")],
    ["two spaces after the dash", note.replace("— ", "—  ")],
    ["a third part in a signature line", note.replace(base64, `${base64} x`)],
    ["no signature after the name", note.replace(` ${base64}`, "")],
    ["base64 without padding", note.replace(base64, base64.replace(/=+$/, ""))],
    ["base64url", note.replace(base64, base64.replaceAll("+", "-").replaceAll("/", "_").replace(/^./, "_"))],
    [
      "slack bits in base64",
      note.replace(
        base64,
        base64.replace(/.=$/, (end) => (end === "B=" ? "C=" : "B=")),
      ),
    ],
    ["a signature that is only a key id", `${note}— ${name} ${keyIdOnly}\n`],
    ["a plus in the name", note.replace(`— ${name}`, "— a+b")],
    ["a Unicode space in the name", note.replace(`— ${name}`, "— a\u3000b")],
    ["U+0085 in the name, which \\s does not match", note.replace(`— ${name}`, "— a\u0085b")],
    ["an empty name", note.replace(`— ${name}`, "— ")],
    ["65 signatures", `${text}\n${line.repeat(65)}`],
    ["more than 65,536 bytes", `${"ä".repeat(32_768)}\n\n${line}`],
  ];
  it.each(malformed)("is malformed with %s", (_, bad) => {
    expect(bad).not.toBe(note);
    expect(caughtCode(() => verifyNote(bad, [verifier]))).toBe("log_note_invalid");
  });

  it("may carry 64 signatures", () => {
    expect(verifyNote(`${text}\n${line.repeat(64)}`, [verifier]).verified).toHaveLength(1);
  });

  it("of a known key with a signature of another length fails", () => {
    const short = encodeBase64(
      concatBytes(sha256(name, "\n", Uint8Array.of(1), verifier.raw).slice(0, 4), new Uint8Array(63)),
    );
    expect(caughtCode(() => verifyNote(note.replace(base64, short), [verifier]))).toBe("signature_invalid");
  });

  it("is not made of a text or name that no verifier would read", async () => {
    for (const input of [
      { text: "no newline", name },
      { text: "a\ttab\n", name },
      { text: "\ud800\n", name },
      { text: "ok\n", name: "with space" },
      { text: "ok\n", name: "a+b" },
      { text: "ok\n", name: "" },
      { text: `${"x".repeat(65_536)}\n`, name },
    ]) {
      await expect(signNote({ ...input, signer })).rejects.toMatchObject({ code: "log_note_invalid" });
    }
  });
});

describe("a verifier key", () => {
  it("is written and read without change", () => {
    expect(parseVerifierKey(vkey)).toEqual({ name, keyId: vkey.split("+")[1], type: 1, raw: signer.publicKey.raw });
  });

  const [, keyId, key] = [name, ...vkey.slice(name.length + 1).split(/\+(.*)/)];
  const typed = (type: number, raw: Uint8Array) => encodeBase64(concatBytes(Uint8Array.of(type), raw));
  const idOf = (raw: Uint8Array) =>
    Buffer.from(sha256(name, "\n", Uint8Array.of(1), raw).subarray(0, 4)).toString("hex");
  const short = verifier.raw.slice(1);
  it.each([
    ["another key id", `${name}+00000000+${key}`],
    ["an upper-case key id", `${name}+${keyId!.toUpperCase()}+${key}`],
    ["a name with a space", `a b+${keyId}+${key}`],
    ["no name", `+${keyId}+${key}`],
    ["no key", `${name}+${keyId}+`],
    ["another name for the same key id", `other+${keyId}+${key}`],
    ["base64 without padding", `${name}+${keyId}+${key!.replace(/=+$/, "")}x`],
    ["a type that cannot be checked here", `${name}+${keyId}+${typed(4, verifier.raw)}`],
    ["a short key", `${name}+${idOf(short)}+${typed(1, short)}`],
  ])("is refused with %s", (_, bad) => {
    expect(caughtCode(() => parseVerifierKey(bad))).toBe("log_note_invalid");
  });

  it("of small order is refused even with the right key id", () => {
    const weak = new Uint8Array(32);
    weak[0] = 1;
    expect(caughtCode(() => parseVerifierKey(`${name}+${idOf(weak)}+${typed(1, weak)}`))).toBe("key_invalid");
  });
});

describe("a checkpoint", () => {
  const root = sha256("root");
  const checkpoint = { origin: name, size: 42, root };
  const sign = (body: string) => signNote({ text: body, name, signer });

  it("is written, signed, verified and read without change", async () => {
    const signed = await sign(formatCheckpoint(checkpoint));
    const read = verifyCheckpoint(signed, { origin: name, verifiers: [verifier] });
    expect({ ...read, root: encodeBase64(read.root) }).toEqual({ ...checkpoint, root: encodeBase64(root) });
  });

  it("of another log is refused though the same key signed it", async () => {
    const signed = await sign(formatCheckpoint({ ...checkpoint, origin: "log.example/access" }));
    expect(caughtCode(() => verifyCheckpoint(signed, { origin: name, verifiers: [verifier] }))).toBe(
      "log_checkpoint_invalid",
    );
  });

  it("of the empty tree must have the root of the empty tree", async () => {
    const wrong = await sign(formatCheckpoint({ ...checkpoint, size: 0 }));
    const right = await sign(formatCheckpoint({ ...checkpoint, size: 0, root: EMPTY_ROOT }));
    const expected = { origin: name, verifiers: [verifier] };
    expect(caughtCode(() => verifyCheckpoint(wrong, expected))).toBe("log_checkpoint_invalid");
    expect(verifyCheckpoint(right, expected).size).toBe(0);
  });

  const good = formatCheckpoint(checkpoint);
  it.each([
    ["a size with a leading zero", good.replace("42", "042")],
    ["a size with a sign", good.replace("42", "+42")],
    ["a size beyond 2^53-1", good.replace("42", "9007199254740992")],
    ["a size in hexadecimal", good.replace("42", "0x2a")],
    ["a fractional size", good.replace("42", "4.2")],
    ["an empty size", good.replace("42", "")],
    ["a carriage return", good.replace("42\n", "42\r\n")],
    ["an empty extension line", `${good}\n`],
    ["no newline at the end", good.slice(0, -1)],
    ["an extension line without its newline", `${good}extension`],
    ["no origin", good.slice(name.length)],
    ["a root of 31 bytes", good.replace(encodeBase64(root), encodeBase64(root.subarray(1)))],
    ["a root without padding", good.replace("=\n", "\n")],
  ])("is refused with %s", (_, bad) => {
    expect(bad).not.toBe(good);
    expect(caughtCode(() => parseCheckpoint(bad))).toBe("log_checkpoint_invalid");
  });

  it("may say 2^53-1 entries, and no more is written", () => {
    expect(parseCheckpoint(formatCheckpoint({ ...checkpoint, size: 2 ** 53 - 1 })).size).toBe(2 ** 53 - 1);
    for (const bad of [{ size: 2 ** 53 }, { size: -1 }, { size: 0.5 }, { origin: "" }, { origin: "a\nb" }]) {
      expect(caughtCode(() => formatCheckpoint({ ...checkpoint, ...bad }))).toBe("log_checkpoint_invalid");
    }
    expect(caughtCode(() => formatCheckpoint({ ...checkpoint, root: root.slice(1) }))).toBe("log_checkpoint_invalid");
  });
});
