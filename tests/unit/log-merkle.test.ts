// The Merkle tree against a naive recursive reading of RFC 6962 §2.1. Small sizes exhaustively, large ones by sample.
import { describe, expect, it } from "vitest";
import { equalBytes } from "../../src/crypto/hash.ts";
import {
  appendLeaf,
  consistencyNodes,
  consistencyProof,
  EMPTY_FRONTIER,
  EMPTY_ROOT,
  type Frontier,
  frontierNodes,
  frontierRoot,
  inclusionNodes,
  inclusionProof,
  leafHash,
  nodeHash,
  verifyConsistency,
  verifyInclusion,
} from "../../src/log/merkle.ts";
import { caughtCode } from "../caught-code.ts";

const LEAVES_MAX = 600;
const PROOFS_MAX = 130;
const SIZE_MAX = Number.MAX_SAFE_INTEGER;

const leaves = Array.from({ length: LEAVES_MAX }, (_, i) => leafHash(new TextEncoder().encode(`leaf ${i}`)));

/** MTH(D[start:end]) word for word (RFC 6962 §2.1). */
function naiveRoot(start: number, end: number): Uint8Array {
  if (end === start) return EMPTY_ROOT;
  if (end - start === 1) return leaves[start]!;
  let k = 1;
  while (k * 2 < end - start) k *= 2;
  return nodeHash(naiveRoot(start, start + k), naiveRoot(start + k, end));
}

const nodes = new Map<string, Uint8Array>();
function readNode(level: number, index: number): Uint8Array {
  const name = `${level}/${index}`;
  const hash = nodes.get(name) ?? naiveRoot(index * 2 ** level, (index + 1) * 2 ** level);
  nodes.set(name, hash);
  return hash;
}
const roots = Array.from({ length: LEAVES_MAX + 1 }, (_, size) => naiveRoot(0, size));

describe("the frontier", () => {
  it("has the root of the recursive definition at every size from 0 to 600", () => {
    let frontier = EMPTY_FRONTIER;
    for (let size = 0; size <= LEAVES_MAX; size++) {
      expect(equalBytes(frontierRoot(frontier), roots[size]!), `size ${size}`).toBe(true);
      expect(frontier.size).toBe(size);
      if (size < LEAVES_MAX) frontier = appendLeaf(frontier, leaves[size]!);
    }
  });

  it("holds the hashes of the perfect subtrees that frontierNodes names, largest first", () => {
    let frontier = EMPTY_FRONTIER;
    for (const leaf of leaves.slice(0, PROOFS_MAX)) {
      frontier = appendLeaf(frontier, leaf);
      expect(frontier.hashes).toEqual(frontierNodes(frontier.size).map((node) => readNode(node.level, node.index)));
    }
  });

  it("is not changed by appending to it, so a failed batch can be tried again", () => {
    const before = appendLeaf(EMPTY_FRONTIER, leaves[0]!);
    appendLeaf(before, leaves[1]!);
    expect(before).toEqual({ size: 1, hashes: [leaves[0]] });
  });

  it("names 53 subtrees of a tree of 2^53-1 leaves, without 32-bit arithmetic", () => {
    const nodes = frontierNodes(SIZE_MAX);
    expect(nodes).toHaveLength(53);
    expect(nodes[0]).toEqual({ level: 52, index: 0 });
    expect(nodes[52]).toEqual({ level: 0, index: SIZE_MAX - 1 });
  });

  it("grows beyond 2^32 leaves: 2^33 - 1 subtrees become one", () => {
    const full: Frontier = { size: 2 ** 33 - 1, hashes: leaves.slice(0, 33) };
    const grown = appendLeaf(full, leaves[33]!);
    expect(grown).toEqual({
      size: 2 ** 33,
      hashes: [leaves.slice(0, 34).reduceRight((right, left) => nodeHash(left, right))],
    });
  });
});

describe("inclusion proofs", () => {
  it("verify for every index and size up to 130, and read only the nodes announced", () => {
    let proofs = 0;
    for (let size = 1; size <= PROOFS_MAX; size++) {
      for (let index = 0; index < size; index++) {
        const announced = inclusionNodes(index, size).map(({ level, index: at }) => `${level}/${at}`);
        const read: string[] = [];
        const proof = inclusionProof(index, size, (level, at) => {
          read.push(`${level}/${at}`);
          return readNode(level, at);
        });
        verifyInclusion({ index, size, leaf: leaves[index]!, proof, root: roots[size]! });
        if (read.join() !== announced.join()) expect(read).toEqual(announced);
        proofs += 1;
      }
    }
    expect(proofs).toBe((PROOFS_MAX * (PROOFS_MAX + 1)) / 2);
  });

  it("of one leaf verify at no other index, and for no other leaf, size or root", () => {
    const size = 21;
    const proof = inclusionProof(13, size, readNode);
    const claim = { index: 13, size, leaf: leaves[13]!, proof, root: roots[size]! };
    verifyInclusion(claim);
    for (let index = 0; index < size; index++) {
      if (index !== 13) expect(caughtCode(() => verifyInclusion({ ...claim, index }))).toBe("log_proof_invalid");
    }
    const changes = [
      { leaf: leaves[12]! },
      { root: roots[20]! },
      { size: 13 },
      { size: 40 },
      { proof: proof.slice(1) },
      { proof: proof.slice(0, -1) },
      { proof: [...proof, leaves[0]!] },
      { proof: [leaves[0]!, ...proof] },
      { proof: proof.map((hash, i) => (i === 2 ? hash.slice(1) : hash)) },
      { index: -1 },
      { index: 1.5 },
      { index: 2 ** 53, size: 2 ** 53 + 2 },
      { proof: new Array<Uint8Array>(64).fill(leaves[0]!) },
    ];
    for (const change of changes) {
      expect(
        caughtCode(() => verifyInclusion({ ...claim, ...change })),
        JSON.stringify(Object.keys(change)),
      ).toBe("log_proof_invalid");
    }
  });

  it("work at 2^53-1 leaves, beyond 32-bit numbers", () => {
    const fakeNode = (level: number, index: number) => leafHash(new TextEncoder().encode(`${level} ${index}`));
    for (const index of [0, 2 ** 32, 2 ** 52 - 1, 2 ** 52, SIZE_MAX - 1]) {
      const proof = inclusionProof(index, SIZE_MAX, fakeNode);
      expect(proof.length).toBeLessThanOrEqual(53);
      // The root that this proof leads to, folded by hand: left or right by the bits of the path from the top.
      let [start, end] = [0n, BigInt(SIZE_MAX)];
      const isRight: boolean[] = [];
      while (end - start > 1n) {
        const k = 2n ** BigInt((end - start - 1n).toString(2).length - 1);
        isRight.push(BigInt(index) >= start + k);
        if (BigInt(index) >= start + k) start += k;
        else end = start + k;
      }
      const leaf = leaves[0]!;
      const root = proof.reduce(
        (hash, sibling, i) => (isRight.at(-1 - i) ? nodeHash(sibling, hash) : nodeHash(hash, sibling)),
        leaf,
      );
      verifyInclusion({ index, size: SIZE_MAX, leaf, proof, root });
      expect(
        caughtCode(() => verifyInclusion({ index: index === 0 ? 1 : index - 1, size: SIZE_MAX, leaf, proof, root })),
      ).toBe("log_proof_invalid");
    }
  });

  it("are refused when longer than the path, even if the surplus leads to the root", () => {
    const [leaf, surplus] = [leaves[0]!, leaves[1]!];
    const claim = { index: 0, size: 1, leaf, proof: [surplus], root: nodeHash(surplus, leaf) };
    expect(caughtCode(() => verifyInclusion(claim))).toBe("log_proof_invalid");
    const endless = { ...claim, proof: new Array<Uint8Array>(64).fill(surplus) };
    expect(() => verifyInclusion(endless)).toThrow("proof has 64 hashes, allowed are 63");
  });

  it("are not made for a leaf beyond the tree", () => {
    expect(caughtCode(() => inclusionProof(5, 5, readNode))).toBe("log_proof_invalid");
    expect(caughtCode(() => inclusionProof(0, 0, readNode))).toBe("log_proof_invalid");
  });
});

describe("consistency proofs", () => {
  it("verify for every pair of sizes up to 130, and read only the nodes announced", () => {
    let proofs = 0;
    for (let size2 = 1; size2 <= PROOFS_MAX; size2++) {
      for (let size1 = 1; size1 <= size2; size1++) {
        const announced = consistencyNodes(size1, size2).map(({ level, index }) => `${level}/${index}`);
        const read: string[] = [];
        const proof = consistencyProof(size1, size2, (level, index) => {
          read.push(`${level}/${index}`);
          return readNode(level, index);
        });
        verifyConsistency({ size1, root1: roots[size1]!, size2, root2: roots[size2]!, proof });
        if (read.join() !== announced.join()) expect(read).toEqual(announced);
        proofs += 1;
      }
    }
    expect(proofs).toBe((PROOFS_MAX * (PROOFS_MAX + 1)) / 2);
  });

  it("verify with no other size or root, and with no hash missing, added or moved", () => {
    const [size1, size2] = [11, 21];
    const proof = consistencyProof(size1, size2, readNode);
    const claim = { size1, root1: roots[size1]!, size2, root2: roots[size2]!, proof };
    verifyConsistency(claim);
    const changes = [
      { root1: roots[10]! },
      { root2: roots[20]! },
      { size1: 10 },
      { size1: 0 },
      { size1: 22 },
      { size2: 11 },
      { size2: 64 },
      { proof: [] },
      { proof: proof.slice(1) },
      { proof: proof.slice(0, -1) },
      { proof: [...proof, leaves[0]!] },
      { proof: proof.toReversed() },
      { size1: 0.5 },
    ];
    for (const change of changes) {
      expect(
        caughtCode(() => verifyConsistency({ ...claim, ...change })),
        JSON.stringify(Object.keys(change)),
      ).toBe("log_proof_invalid");
    }
  });

  it("are refused when longer than the path, even if the surplus leads to both roots", () => {
    const surplus = leaves[9]!;
    const claim = { size1: 3, root1: roots[3]!, size2: 4, root2: roots[4]!, proof: consistencyProof(3, 4, readNode) };
    verifyConsistency(claim);
    const longer = {
      ...claim,
      root1: nodeHash(surplus, claim.root1),
      root2: nodeHash(surplus, claim.root2),
      proof: [...claim.proof, surplus],
    };
    expect(caughtCode(() => verifyConsistency(longer))).toBe("log_proof_invalid");
  });

  it("are not made from the empty tree nor from a larger one", () => {
    expect(caughtCode(() => consistencyProof(0, 5, readNode))).toBe("log_proof_invalid");
    expect(caughtCode(() => consistencyProof(6, 5, readNode))).toBe("log_proof_invalid");
  });
});
