// The audit of logs built here, honest and tampered with in every way that a log's operator could.
import { describe, expect, it } from "vitest";
import { concatBytes, encodeUtf8 } from "../../src/crypto/hash.ts";
import { createSigner } from "../../src/crypto/signer.ts";
import { AttestryError } from "../../src/errors.ts";
import { type AuditOptions, auditLog, type LogSource } from "../../src/log/audit.ts";
import { formatCheckpoint } from "../../src/log/checkpoint.ts";
import { commitment, formatEntry, randomTag, stateTag, versionTag, ZERO_SALT } from "../../src/log/entry.ts";
import { appendLeaf, EMPTY_FRONTIER, type Frontier, frontierRoot, leafHash } from "../../src/log/merkle.ts";
import { formatVerifierKey, parseVerifierKey, signNote } from "../../src/log/note.ts";
import { createTagIndex } from "../../src/log/tag-index.ts";
import { encodeBundle, tilePath } from "../../src/log/tiles.ts";

const origin = "log.example/records";
const signer = createSigner(new Uint8Array(32).fill(7));
const verifiers = [parseVerifierKey(formatVerifierKey({ name: origin, raw: signer.publicKey.raw }))];
const options: AuditOptions = { origin, verifiers };
const k = new Uint8Array(32).fill(3);

function entryAt(index: number, tag = versionTag(k, index + 1)): Uint8Array {
  return formatEntry({
    c: commitment("create", ZERO_SALT, `${index}`),
    e: "create",
    r: tag,
    t: 1_790_000_000 + index,
    v: 1,
  });
}

const entriesOf = (size: number) => Array.from({ length: size }, (_, index) => entryAt(index));

const frontierOf = (leaves: readonly Uint8Array[]): Frontier => leaves.reduce(appendLeaf, EMPTY_FRONTIER);

const signCheckpoint = (size: number, root: Uint8Array, name = origin) =>
  signNote({ text: formatCheckpoint({ origin: name, size, root }), name: origin, signer });

const checkpointOf = (entries: readonly Uint8Array[], leaves = entries.map(leafHash)) =>
  signCheckpoint(entries.length, frontierRoot(frontierOf(leaves)));

/** The files of a log, by path; each tile of each level from the definition: the roots of the full tiles below it. */
function filesOf(entries: readonly Uint8Array[], leaves = entries.map(leafHash)): Map<string, Uint8Array> {
  const files = new Map<string, Uint8Array>();
  for (let i = 0; i * 256 < entries.length; i++) {
    const part = entries.slice(i * 256, (i + 1) * 256);
    files.set(tilePath("entries", i, part.length), encodeBundle(part));
  }
  let hashes = leaves;
  for (let level = 0; hashes.length > 0; level++) {
    const above: Uint8Array[] = [];
    for (let i = 0; i * 256 < hashes.length; i++) {
      const part = hashes.slice(i * 256, (i + 1) * 256);
      files.set(tilePath(level, i, part.length), concatBytes(...part));
      if (part.length === 256) above.push(frontierRoot(frontierOf(part)));
    }
    hashes = above;
  }
  return files;
}

function sourceOf(checkpoint: string, files: Map<string, Uint8Array>): LogSource {
  return {
    checkpoint: async () => checkpoint,
    tile: async (path) => files.get(path),
    bundle: async (path) => files.get(path),
  };
}

const SIZE = 600;
const entries = entriesOf(SIZE);
const checkpoint = await checkpointOf(entries);
const files = filesOf(entries);

async function auditChanged(change: (files: Map<string, Uint8Array>) => void, more: Partial<AuditOptions> = {}) {
  const changed = new Map(files);
  change(changed);
  return await auditLog(sourceOf(checkpoint, changed), { ...options, ...more });
}

function flipped(bytes: Uint8Array, at: number): Uint8Array {
  const copy = bytes.slice();
  copy[at]! ^= 1;
  return copy;
}

describe("the audit of an honest log", () => {
  it.each([0, 1, 255, 256, 257, 512, 600])("of %i entries finds nothing and counts everything", async (size) => {
    const part = entries.slice(0, size);
    const report = await auditLog(sourceOf(await checkpointOf(part), filesOf(part)), options);
    expect(report.problems).toEqual([]);
    expect(report).toMatchObject({ ok: true, complete: true, tree: { size } });
    const bundles = Math.ceil(size / 256);
    expect(report.counts).toEqual({ entries: size, bundles, tiles: bundles + (size >= 256 ? 1 : 0) });
    expect(report.operations).toEqual(size === 0 ? {} : { create: size });
  });

  it("reaches the second level of tiles above the leaves, and names what is changed there and nothing else", async () => {
    const tag = new Uint8Array(32);
    const many = Array.from({ length: 256 * 256 + 257 }, (_, index) => {
      new DataView(tag.buffer).setUint32(0, index);
      return formatEntry({ c: randomTag(ZERO_SALT), e: "create", r: randomTag(tag), t: 0, v: 1 });
    });
    const leaves = many.map(leafHash);
    const manyFiles = filesOf(many, leaves);
    const paths = ["tile/1/000", "tile/1/001.p/1", "tile/2/000.p/1"];
    for (const path of paths) manyFiles.set(path, flipped(manyFiles.get(path)!, 5));
    const report = await auditLog(sourceOf(await checkpointOf(many, leaves), manyFiles), options);
    expect(report).toMatchObject({
      complete: true,
      counts: { entries: many.length, bundles: 258, tiles: 258 + 2 + 1 },
    });
    expect(report.problems.map(({ code, path }) => [code, path])).toEqual(
      paths.map((path) => ["log_inconsistent", path]),
    );
  }, 120_000);

  it.each([0, 1, 255, 256, 300, 512, 600])("contains the earlier checkpoint of size %i", async (size) => {
    const previous = await checkpointOf(entries.slice(0, size));
    expect(await auditChanged(() => {}, { previous })).toMatchObject({ ok: true });
  });

  it("takes the full tile where the partial one was deleted after the log had grown", async () => {
    const grown = filesOf(entriesOf(900));
    expect(grown.has("tile/0/002.p/88")).toBe(false);
    expect(await auditLog(sourceOf(checkpoint, grown), options)).toMatchObject({
      ok: false,
      problems: [{ path: "tile/1/000.p/2" }],
    });
    grown.set("tile/1/000.p/2", files.get("tile/1/000.p/2")!);
    expect(await auditLog(sourceOf(checkpoint, grown), options)).toMatchObject({ ok: true });
  });

  it("reports its progress up to the last entry", async () => {
    const seen: number[] = [];
    await auditChanged(() => {}, { onProgress: ({ entries: done }) => seen.push(done) });
    expect(seen).toEqual([256, 512, 600]);
  });
});

describe("the audit names", () => {
  it("a changed entry by its index, and the root that no longer follows", async () => {
    const report = await auditChanged((changed) => {
      const part = entries.slice(256, 512);
      part[44] = formatEntry({
        c: commitment("create", ZERO_SALT, "forged"),
        e: "create",
        r: versionTag(k, 301),
        t: 1,
        v: 1,
      });
      changed.set("tile/entries/001", encodeBundle(part));
    });
    expect(report.ok).toBe(false);
    expect(report.problems[0]).toEqual({
      code: "log_inconsistent",
      index: 300,
      path: "tile/0/001",
      message: "entry 300 does not hash to its place in tile/0/001",
    });
    expect(report.problems.at(-1)!.message).toBe(
      "the root of the first 600 entries is not the one signed in the log's checkpoint",
    );
  });

  it("a changed leaf tile by the index of the entry that it denies, and nothing else", async () => {
    const report = await auditChanged((changed) => {
      changed.set("tile/0/002.p/88", flipped(files.get("tile/0/002.p/88")!, 87 * 32));
    });
    expect(report.problems).toEqual([expect.objectContaining({ code: "log_inconsistent", index: 599 })]);
  });

  it("a changed upper tile by its path", async () => {
    const report = await auditChanged((changed) => {
      changed.set("tile/1/000.p/2", flipped(files.get("tile/1/000.p/2")!, 32));
    });
    expect(report.problems).toEqual([
      {
        code: "log_inconsistent",
        path: "tile/1/000.p/2",
        message: "hash 1 of tile/1/000.p/2 is not the root of the tile below it",
      },
    ]);
  });

  it("two entries with one tag, with both indices, also far apart", async () => {
    const twice = entries.slice();
    twice[599] = entryAt(599, versionTag(k, 3));
    const report = await auditLog(sourceOf(await checkpointOf(twice), filesOf(twice)), options);
    expect(report).toMatchObject({ ok: false, complete: true });
    expect(report.problems).toEqual([
      { code: "log_tag_duplicate", index: 599, otherIndex: 2, message: "entries 2 and 599 have the same tag" },
    ]);
  });

  it("an entry that is not canonical, though its tree is right", async () => {
    const loose = entries.slice();
    loose[7] = encodeUtf8(new TextDecoder().decode(entries[7]).replace(",", ", "));
    const report = await auditLog(sourceOf(await checkpointOf(loose), filesOf(loose)), options);
    expect(report.problems).toEqual([expect.objectContaining({ code: "log_entry_invalid", index: 7 })]);
  });

  it.each(["tile/entries/001", "tile/0/001", "tile/1/000.p/2", "tile/entries/002.p/88"])(
    "a missing %s, and still audits the rest",
    async (path) => {
      const report = await auditChanged((changed) => changed.delete(path));
      expect(report).toMatchObject({ ok: false, complete: true });
      expect(report.problems).toEqual([{ code: "log_inconsistent", path, message: `${path} is missing` }]);
    },
  );

  it.each([
    ["tile/entries/001", "log_entry_invalid"],
    ["tile/0/002.p/88", "log_inconsistent"],
    ["tile/1/000.p/2", "log_inconsistent"],
  ])("a cut %s", async (path, code) => {
    const report = await auditChanged((changed) => changed.set(path, files.get(path)!.slice(0, -1)));
    expect(report.problems).toEqual([expect.objectContaining({ code, path })]);
  });

  it("a bundle and a tile of another width than the size asks for", async () => {
    const report = await auditChanged((changed) => {
      changed.set("tile/entries/002.p/88", encodeBundle(entries.slice(512, 599)));
      changed.set("tile/1/000.p/2", files.get("tile/1/000.p/2")!.slice(0, 32));
    });
    expect(report.problems.map(({ path, message }) => [path, message])).toEqual([
      ["tile/entries/002.p/88", "tile/entries/002.p/88: it holds 87, expected 88"],
      ["tile/1/000.p/2", "tile/1/000.p/2: it holds 1, expected 2"],
    ]);
  });

  it("the place where it had to stop, when neither entries nor hashes are there", async () => {
    const report = await auditChanged((changed) => {
      changed.delete("tile/entries/001");
      changed.delete("tile/0/001");
    });
    expect(report).toMatchObject({ ok: false, complete: false, counts: { entries: 256 } });
    expect(report.problems.map(({ path }) => path).sort()).toEqual(["tile/0/001", "tile/entries/001"]);
  });

  it("a signed root that is not the entries'", async () => {
    const other = await signCheckpoint(SIZE, leafHash(encodeUtf8("other")));
    const report = await auditLog(sourceOf(other, files), options);
    expect(report.problems).toEqual([expect.objectContaining({ code: "log_inconsistent" })]);
  });

  it("a checkpoint by another key, of another origin, or malformed, and then trusts nothing of the log", async () => {
    const otherKey = createSigner(new Uint8Array(32).fill(9));
    const text = formatCheckpoint({ origin, size: SIZE, root: frontierRoot(frontierOf(entries.map(leafHash))) });
    const cases = [
      [await signNote({ text, name: origin, signer: otherKey }), "signature_invalid"],
      [checkpoint.replace("600", "601"), "signature_invalid"],
      [await signCheckpoint(SIZE, leafHash(encodeUtf8("x")), "log.example/access"), "log_checkpoint_invalid"],
      ["not a note", "log_note_invalid"],
    ] as const;
    for (const [note, code] of cases) {
      const report = await auditLog(sourceOf(note, files), options);
      expect(report).toMatchObject({ ok: false, complete: false, counts: { entries: 0 }, problems: [{ code }] });
      expect(report).not.toHaveProperty("tree");
    }
  });
});

describe("the audit against an earlier checkpoint names", () => {
  it("a history that was rewritten, though the log agrees with itself", async () => {
    const rewritten = entries.slice();
    rewritten[100] = formatEntry({
      c: commitment("create", ZERO_SALT, "new"),
      e: "create",
      r: stateTag(k, 1),
      t: 1,
      v: 1,
    });
    const source = sourceOf(await checkpointOf(rewritten), filesOf(rewritten));
    expect(await auditLog(source, options)).toMatchObject({ ok: true });
    for (const size of [101, 256, 600]) {
      const previous = await checkpointOf(entries.slice(0, size));
      const report = await auditLog(source, { ...options, previous });
      expect(report.problems).toEqual([
        {
          code: "log_inconsistent",
          message: `the root of the first ${size} entries is not the one signed in the earlier checkpoint`,
        },
      ]);
    }
    const before = await checkpointOf(entries.slice(0, 100));
    expect(await auditLog(source, { ...options, previous: before })).toMatchObject({ ok: true });
  });

  it("a log that has shrunk", async () => {
    const previous = await checkpointOf(entriesOf(SIZE + 1));
    expect((await auditChanged(() => {}, { previous })).problems).toEqual([
      { code: "log_inconsistent", message: "the log has shrunk: 601 entries at the earlier checkpoint, now 600" },
    ]);
  });

  it("an earlier checkpoint that is itself not signed by the log", async () => {
    const report = await auditChanged(() => {}, { previous: checkpoint.replace("600", "599") });
    expect(report.problems).toEqual([expect.objectContaining({ code: "signature_invalid" })]);
    expect(report).toMatchObject({ ok: false, complete: true });
  });
});

describe("the audit", () => {
  it("stops at 1,000 problems, so that a hostile log cannot fill the auditor's memory", async () => {
    const junk = Array.from({ length: 2_000 }, (_, i) => encodeUtf8(`junk ${i}`));
    const report = await auditLog(sourceOf(await checkpointOf(junk), filesOf(junk)), options);
    expect(report).toMatchObject({ ok: false, complete: false });
    expect(report.problems).toHaveLength(1_000);
  });

  it("passes on what its source throws: a network failure says nothing about the log", async () => {
    const failing = {
      ...sourceOf(checkpoint, files),
      tile: () => Promise.reject(new AttestryError("peer_unreachable", "no answer")),
    };
    await expect(auditLog(failing, options)).rejects.toMatchObject({ code: "peer_unreachable" });
  });
});

describe("the index of tags", () => {
  it("finds each repeated tag among 20,000, and no other", () => {
    const tags = createTagIndex();
    const count = 20_000;
    const first = Array.from({ length: count }, (_, i) => tags.add(stateTag(k, i + 1), i));
    expect(first.filter((found) => found !== undefined)).toEqual([]);
    const again = Array.from({ length: count }, (_, i) => tags.add(stateTag(k, i + 1), count + i));
    expect(again).toEqual(Array.from({ length: count }, (_, i) => i));
  });
});
