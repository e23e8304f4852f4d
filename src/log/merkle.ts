// The Merkle tree of RFC 6962 §2.1: hashes, growth, proofs and their checks. Knows no entry format, stores nothing.
// Sizes and indices are safe integers up to 2^53-1; a bit operator would cut them to 32 bits, so none is used on them.
import { equalBytes, sha256 } from "../crypto/hash.ts";
import { AttestryError } from "../errors.ts";
import { PROOF_HASHES_MAX } from "../limits.ts";

export const HASH_BYTES = 32;

const LEAF_PREFIX = Uint8Array.of(0x00);
const NODE_PREFIX = 0x01;
const node = Uint8Array.of(NODE_PREFIX, ...new Uint8Array(2 * HASH_BYTES));

/** Root of the tree without leaves: SHA-256 of nothing (RFC 6962 §2.1). */
export const EMPTY_ROOT = sha256();

/** A complete subtree: the `index`-th group of 2^`level` leaves. */
export interface TreeNode {
  readonly level: number;
  readonly index: number;
}

/** Hash of the complete subtree of 2^`level` leaves number `index`: 32 bytes. */
export type ReadNode = (level: number, index: number) => Uint8Array;

/** What is enough to grow a tree: its size and the roots of its perfect subtrees, largest first (see `frontierNodes`). */
export interface Frontier {
  readonly size: number;
  readonly hashes: readonly Uint8Array[];
}

export const EMPTY_FRONTIER: Frontier = { size: 0, hashes: [] };

/** Hash of a leaf: SHA-256(0x00 || entry) (RFC 6962 §2.1). */
export function leafHash(entry: Uint8Array): Uint8Array {
  return sha256(LEAF_PREFIX, entry);
}

/** Hash of an inner node: SHA-256(0x01 || left || right) (RFC 6962 §2.1). */
export function nodeHash(left: Uint8Array, right: Uint8Array): Uint8Array {
  if (left.length !== HASH_BYTES || right.length !== HASH_BYTES) return sha256(Uint8Array.of(NODE_PREFIX), left, right);
  // In place: nothing else runs between here and the digest, and a proof has some twenty of these.
  node.set(left, 1);
  node.set(right, 1 + HASH_BYTES);
  return sha256(node);
}

/** The frontier with one more leaf (a hash made by `leafHash`). The given frontier is not changed. */
export function appendLeaf(frontier: Frontier, leaf: Uint8Array): Frontier {
  const hashes = frontier.hashes.slice();
  let hash = leaf;
  // Each trailing one bit of the size is a perfect subtree as large as the one just completed.
  for (let rest = frontier.size; rest % 2 === 1; rest = (rest - 1) / 2) hash = nodeHash(hashes.pop()!, hash);
  hashes.push(hash);
  return { size: frontier.size + 1, hashes };
}

/** Root hash of the tree that the frontier stands for: 32 bytes. */
export function frontierRoot(frontier: Frontier): Uint8Array {
  if (frontier.size === 0) return EMPTY_ROOT;
  return foldRight(frontier.hashes);
}

/** The perfect subtrees of a tree, largest first: their hashes in this order are the frontier of that size. */
export function frontierNodes(size: number): TreeNode[] {
  assertNumber("size", size);
  return rangeNodes({ start: 0, end: size });
}

/** The complete subtrees that `inclusionProof` will read, so that a store can fetch them first. */
export function inclusionNodes(index: number, size: number): TreeNode[] {
  return inclusionRanges(index, size).flatMap(rangeNodes);
}

/** The complete subtrees that `consistencyProof` will read, so that a store can fetch them first. */
export function consistencyNodes(size1: number, size2: number): TreeNode[] {
  return consistencyRanges(size1, size2).flatMap(rangeNodes);
}

/** Hashes of a tree's incomplete subtrees, which all end at its last leaf, by their first leaf. Good for one size only. */
export type RightEdge = Map<number, Uint8Array>;

/**
 * Audit path of a leaf, its sibling first (RFC 6962 §2.1.1). Who makes many proofs of one tree hands in the same `edge`.
 * Throws `log_proof_invalid` unless 0 <= index < size.
 */
export function inclusionProof(
  index: number,
  size: number,
  readNode: ReadNode,
  edge: RightEdge = new Map(),
): Uint8Array[] {
  return inclusionRanges(index, size).map((range) => {
    const nodes = rangeNodes(range);
    if (nodes.length === 1) return readNode(nodes[0]!.level, nodes[0]!.index);
    const known = edge.get(range.start);
    if (known) return known;
    const hash = foldRight(nodes.map((node) => readNode(node.level, node.index)));
    edge.set(range.start, hash);
    return hash;
  });
}

/**
 * Proof that the tree of `size1` leaves is a prefix of the one of `size2` (RFC 6962 §2.1.2); empty for equal sizes.
 * Throws `log_proof_invalid` unless 0 < size1 <= size2: that every tree extends the empty one needs no proof.
 */
export function consistencyProof(size1: number, size2: number, readNode: ReadNode): Uint8Array[] {
  return consistencyRanges(size1, size2).map((range) => rangeHash(range, readNode));
}

/**
 * Proves that `leaf` (a leaf hash) is number `index` in the tree of `size` leaves with that root (RFC 9162 §2.1.3.2).
 * Every input may be an attacker's. Throws `log_proof_invalid`.
 */
export function verifyInclusion(claim: {
  readonly index: number;
  readonly size: number;
  readonly leaf: Uint8Array;
  readonly proof: readonly Uint8Array[];
  readonly root: Uint8Array;
}): void {
  const { index, size, leaf, proof, root } = claim;
  assertInTree(index, size);
  assertHashes([leaf, root], proof);
  let node = index;
  let last = size - 1;
  let hash = leaf;
  for (const sibling of proof) {
    if (last === 0) throw invalid("inclusion proof is longer than the path to the root");
    if (node % 2 === 1 || node === last) {
      hash = nodeHash(sibling, hash);
      while (node % 2 === 0 && node !== 0) {
        node = half(node);
        last = half(last);
      }
    } else {
      hash = nodeHash(hash, sibling);
    }
    node = half(node);
    last = half(last);
  }
  if (last !== 0) throw invalid("inclusion proof is shorter than the path to the root");
  if (!equalBytes(hash, root)) throw invalid(`inclusion proof of leaf ${index} does not lead to the root`);
}

/**
 * Proves that the tree (size2, root2) extends the tree (size1, root1) without changing it (RFC 9162 §2.1.4.2).
 * Every input may be an attacker's. `size1` 0 is refused, as the public test vectors ask: whoever may start from
 * nothing (a witness) says so before calling this. Throws `log_proof_invalid`.
 */
export function verifyConsistency(claim: {
  readonly size1: number;
  readonly root1: Uint8Array;
  readonly size2: number;
  readonly root2: Uint8Array;
  readonly proof: readonly Uint8Array[];
}): void {
  const { size1, root1, size2, root2, proof } = claim;
  assertOrdered(size1, size2);
  assertHashes([root1, root2], proof);
  if (size1 === size2) {
    if (proof.length !== 0) throw invalid("consistency proof between equal sizes is not empty");
    if (!equalBytes(root1, root2)) throw invalid(`two trees of size ${size1} have different roots`);
    return;
  }
  if (proof.length === 0) throw invalid("consistency proof is empty");
  // The proof leaves out the first tree's root where that root is itself a node of the second tree.
  const path = isPowerOfTwo(size1) ? [root1, ...proof] : proof;
  let node = size1 - 1;
  let last = size2 - 1;
  while (node % 2 === 1) {
    node = half(node);
    last = half(last);
  }
  let hash1 = path[0]!;
  let hash2 = hash1;
  for (const sibling of path.slice(1)) {
    if (last === 0) throw invalid("consistency proof is longer than the path to the root");
    if (node % 2 === 1 || node === last) {
      hash1 = nodeHash(sibling, hash1);
      hash2 = nodeHash(sibling, hash2);
      while (node % 2 === 0 && node !== 0) {
        node = half(node);
        last = half(last);
      }
    } else {
      hash2 = nodeHash(hash2, sibling);
    }
    node = half(node);
    last = half(last);
  }
  if (last !== 0) throw invalid("consistency proof is shorter than the path to the root");
  if (!equalBytes(hash1, root1)) throw invalid(`consistency proof does not lead to the root of size ${size1}`);
  if (!equalBytes(hash2, root2)) throw invalid(`consistency proof does not lead to the root of size ${size2}`);
}

/** Leaves `start` to `end` - 1, a subtree of RFC 6962's recursion: `start` is a multiple of a power of two >= the length. */
interface LeafRange {
  readonly start: number;
  readonly end: number;
}

// RFC 6962 §2.1.1 PATH(m, D[n]) without recursion: the sibling at every split, lowest first.
function inclusionRanges(index: number, size: number): LeafRange[] {
  assertInTree(index, size);
  const siblings: LeafRange[] = [];
  let start = 0;
  let end = size;
  while (end - start > 1) {
    const middle = start + splitPoint(end - start);
    if (index < middle) {
      siblings.push({ start: middle, end });
      end = middle;
    } else {
      siblings.push({ start, end: middle });
      start = middle;
    }
  }
  return siblings.reverse();
}

// RFC 6962 §2.1.2 SUBPROOF(m, D[n], b) without recursion, lowest first.
function consistencyRanges(size1: number, size2: number): LeafRange[] {
  assertOrdered(size1, size2);
  const ranges: LeafRange[] = [];
  let start = 0;
  let end = size2;
  while (end !== size1) {
    const middle = start + splitPoint(end - start);
    if (size1 <= middle) {
      ranges.push({ start: middle, end });
      end = middle;
    } else {
      ranges.push({ start, end: middle });
      start = middle;
    }
  }
  // b of the RFC: what remains is the whole first tree, whose root the verifier has, exactly if no step went right.
  if (start !== 0) ranges.push({ start, end });
  return ranges.reverse();
}

function rangeNodes(range: LeafRange): TreeNode[] {
  const nodes: TreeNode[] = [];
  let start = range.start;
  while (start < range.end) {
    let level = 0;
    let width = 1;
    while (start + width * 2 <= range.end) {
      level += 1;
      width *= 2;
    }
    nodes.push({ level, index: start / width });
    start += width;
  }
  return nodes;
}

function rangeHash(range: LeafRange, readNode: ReadNode): Uint8Array {
  return foldRight(rangeNodes(range).map((node) => readNode(node.level, node.index)));
}

function foldRight(hashes: readonly Uint8Array[]): Uint8Array {
  return hashes.reduceRight((right, left) => nodeHash(left, right));
}

/** The largest power of two strictly smaller than `length` (RFC 6962 §2.1). */
function splitPoint(length: number): number {
  let power = 1;
  while (power * 2 < length) power *= 2;
  return power;
}

function isPowerOfTwo(size: number): boolean {
  let rest = size;
  while (rest % 2 === 0) rest /= 2;
  return rest === 1;
}

function half(value: number): number {
  return Math.floor(value / 2);
}

function assertNumber(name: string, value: number): void {
  if (!Number.isSafeInteger(value) || value < 0) throw invalid(`${name} ${value} is not a number from 0 to 2^53-1`);
}

function assertInTree(index: number, size: number): void {
  assertNumber("index", index);
  assertNumber("size", size);
  if (index >= size) throw invalid(`leaf ${index} is not in a tree of size ${size}`);
}

function assertOrdered(size1: number, size2: number): void {
  assertNumber("size", size1);
  assertNumber("size", size2);
  if (size1 === 0) throw invalid("consistency with the empty tree proves nothing");
  if (size1 > size2) throw invalid(`size ${size1} is larger than size ${size2}`);
}

function assertHashes(single: readonly Uint8Array[], proof: readonly Uint8Array[]): void {
  if (proof.length > PROOF_HASHES_MAX) {
    throw invalid(`proof has ${proof.length} hashes, allowed are ${PROOF_HASHES_MAX}`);
  }
  for (const hash of [...single, ...proof]) {
    if (hash.length !== HASH_BYTES) throw invalid(`a hash of ${hash.length} bytes, expected ${HASH_BYTES}`);
  }
}

function invalid(message: string): AttestryError {
  return new AttestryError("log_proof_invalid", message);
}
