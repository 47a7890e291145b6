/**
 * The nodes of a tree ordered by score (score-tree.ts): what can be said and done about one node, or two neighbours.
 * A node's entries are in columns, so that a binary search reads scores that lie side by side.
 *
 *  leaf
 *   byte 0       4      8      12      16                  16 + 8 L          16 + 12 L
 *        +-------+------+------+-------+-------------------+-----------------+
 *        | count | next | prev | level | scores, f64 x L   | refs, u32 x L   |      level = 0
 *        +-------+------+------+-------+-------------------+-----------------+
 *  inner node
 *   byte 0       4             12      16                  16 + 8 N       16 + 12 N       16 + 16 N      16 + 20 N
 *        +-------+-------------+-------+-------------------+--------------+---------------+--------------+
 *        | count |             | level | scores, f64 x N   | refs x N     | children x N  | sizes x N    |
 *        +-------+-------------+-------+-------------------+--------------+---------------+--------------+
 *   ref = a member block (member-table.ts) whose head is its score, f64; its text stands behind that.
 *   next, prev = the leaves beside it, 0 at the ends.   size = entries below the child.
 *   Score and ref of a child are those of the first entry below it. Those of child 0 are not kept up to date and
 *   never looked at, so that a new first entry changes nothing above its leaf.
 *
 *  Invariants: entries ascend by score, then by the bytes of their texts. Counts are 1 to L and 1 to N.
 *  Ownership: leaves refer to member blocks that the tree's owner allocates and frees. Lock: the shard's.
 *  Cost: L = 62 and N = 50 fill blocks of 760 and 1016 bytes; 12 bytes for an entry, 17 at the fill of random inserts.
 */
import { assert } from '../../base/assert.ts';
import { type Bytes, compareBytes } from '../../base/bytes.ts';
import { allocate, blockBytes } from '../../memory/allocator.ts';
import type { Shard } from '../../memory/shard.ts';
import { memberByteCount, memberTextAt } from '../member-table.ts';

/** Word offsets in a node. */
const enum Node {
  Count = 0,
  Next = 1,
  Prev = 2,
  Level = 3,
  Columns = 4,
}

/** Bytes in front of the text in a member block: its score. */
export const SCORE_BYTES = 8;
/** Entries of a leaf, and children of an inner node. */
export const LEAF_MAX = 62;
export const INNER_MAX = 50;
/** Nodes that are not at either edge of the tree hold at least this many. */
export const LEAF_MIN = LEAF_MAX >> 2;
export const INNER_MIN = INNER_MAX >> 2;

const LEAF_BYTES = Node.Columns * 4 + LEAF_MAX * 12;
const INNER_BYTES = Node.Columns * 4 + INNER_MAX * 20;
const LEAF_REFS = Node.Columns + LEAF_MAX * 2;
const INNER_REFS = Node.Columns + INNER_MAX * 2;
const CHILDREN = INNER_REFS + INNER_MAX;
const SIZES = CHILDREN + INNER_MAX;
/** Double offset of the scores of either. */
const SCORES = Node.Columns >> 1;
assert(Node.Columns % 2 === 0, 'scores are aligned');
assert(
  (SIZES + INNER_MAX) * 4 === INNER_BYTES && (LEAF_REFS + LEAF_MAX) * 4 === LEAF_BYTES,
  'columns add up',
);

/** Bytes of the block of a leaf, and of an inner node. */
export const LEAF_BLOCK_BYTES = blockBytes(LEAF_BYTES);
export const INNER_BLOCK_BYTES = blockBytes(INNER_BYTES);

/** An empty node; its entries are to be written. Returns its offset, or 0: out of memory. */
export function createNode(shard: Shard, level: number): number {
  const node = allocate(shard, level === 0 ? LEAF_BYTES : INNER_BYTES);
  if (node === 0) return 0;
  const words = shard.words;
  const word = node >> 2;
  words[word] = 0;
  words[word + Node.Next] = 0;
  words[word + Node.Prev] = 0;
  words[word + Node.Level] = level;
  return node;
}

export function nodeCount(shard: Shard, node: number): number {
  return shard.words[node >> 2]!;
}

export function nodeLevel(shard: Shard, node: number): number {
  return shard.words[(node >> 2) + Node.Level]!;
}

export function nextLeaf(shard: Shard, leaf: number): number {
  return shard.words[(leaf >> 2) + Node.Next]!;
}

export function prevLeaf(shard: Shard, leaf: number): number {
  return shard.words[(leaf >> 2) + Node.Prev]!;
}

/** The score of an entry, or of the first entry below a child that is not child 0. */
export function nodeScore(shard: Shard, node: number, index: number): number {
  return shard.doubles[(node >> 3) + SCORES + index]!;
}

export function setNodeScore(shard: Shard, node: number, index: number, score: number): void {
  shard.doubles[(node >> 3) + SCORES + index] = score;
}

export function leafRef(shard: Shard, leaf: number, index: number): number {
  return shard.words[(leaf >> 2) + LEAF_REFS + index]!;
}

/** Block of the first entry below a child that is not child 0. */
export function innerRef(shard: Shard, node: number, index: number): number {
  return shard.words[(node >> 2) + INNER_REFS + index]!;
}

export function childAt(shard: Shard, node: number, index: number): number {
  return shard.words[(node >> 2) + CHILDREN + index]!;
}

export function childSize(shard: Shard, node: number, index: number): number {
  return shard.words[(node >> 2) + SIZES + index]!;
}

export function addToChildSize(shard: Shard, node: number, index: number, change: number): void {
  shard.words[(node >> 2) + SIZES + index]! += change;
}

/** Tells `node` which the first entry below its child `index` is. */
export function setChildFirst(shard: Shard, node: number, index: number, score: number, ref: number): void {
  shard.doubles[(node >> 3) + SCORES + index] = score;
  shard.words[(node >> 2) + INNER_REFS + index] = ref;
}

/** How the texts of two member blocks compare. */
function compareMembers(shard: Shard, a: number, b: number): number {
  if (a === b) return 0;
  const { bytes } = shard;
  const aLength = a + SCORE_BYTES;
  const bLength = b + SCORE_BYTES;
  return compareBytes(
    bytes,
    memberTextAt(shard, aLength),
    memberByteCount(shard, aLength),
    bytes,
    memberTextAt(shard, bLength),
    memberByteCount(shard, bLength),
  );
}

/** How the text of a member block compares with other bytes. */
export function compareMemberText(
  shard: Shard,
  ref: number,
  source: Bytes,
  at: number,
  byteCount: number,
): number {
  const length = ref + SCORE_BYTES;
  return compareBytes(
    shard.bytes,
    memberTextAt(shard, length),
    memberByteCount(shard, length),
    source,
    at,
    byteCount,
  );
}

/** Whether entry (aScore, a) stands before entry (bScore, b). */
export function isBefore(shard: Shard, aScore: number, a: number, bScore: number, b: number): boolean {
  return aScore < bScore || (aScore === bScore && compareMembers(shard, a, b) < 0);
}

/** Index of the first entry of a leaf that does not stand before (score, ref). Hot. */
export function searchLeaf(shard: Shard, leaf: number, score: number, ref: number): number {
  const { doubles, words } = shard;
  const scores = (leaf >> 3) + SCORES;
  const refs = (leaf >> 2) + LEAF_REFS;
  let low = 0;
  let high = words[leaf >> 2]!;
  while (low < high) {
    const middle = (low + high) >>> 1;
    const other = doubles[scores + middle]!;
    const goesRight =
      other < score || (other === score && compareMembers(shard, words[refs + middle]!, ref) < 0);
    if (goesRight) low = middle + 1;
    else high = middle;
  }
  return low;
}

/** Index of the child of an inner node below which (score, ref) stands or belongs. Hot. */
export function searchInner(shard: Shard, node: number, score: number, ref: number): number {
  const { doubles, words } = shard;
  const scores = (node >> 3) + SCORES;
  const refs = (node >> 2) + INNER_REFS;
  let low = 1;
  let high = words[node >> 2]!;
  while (low < high) {
    const middle = (low + high) >>> 1;
    const other = doubles[scores + middle]!;
    const goesRight =
      other < score || (other === score && compareMembers(shard, words[refs + middle]!, ref) <= 0);
    if (goesRight) low = middle + 1;
    else high = middle;
  }
  return low - 1;
}

/** How many entries of a node, from index `from` on, have a lower score, or with `inclusive` at most that score; plus `from`. */
export function countByScore(
  shard: Shard,
  node: number,
  from: number,
  score: number,
  inclusive: boolean,
): number {
  const { doubles } = shard;
  const scores = (node >> 3) + SCORES;
  let low = from;
  let high = shard.words[node >> 2]!;
  while (low < high) {
    const middle = (low + high) >>> 1;
    const other = doubles[scores + middle]!;
    if (other < score || (inclusive && other === score)) low = middle + 1;
    else high = middle;
  }
  return low;
}

/** `countByScore` by the text of the members, whatever their scores. */
export function countByText(
  shard: Shard,
  node: number,
  from: number,
  source: Bytes,
  at: number,
  byteCount: number,
  inclusive: boolean,
): number {
  const { words } = shard;
  const refs = (node >> 2) + (words[(node >> 2) + Node.Level] === 0 ? LEAF_REFS : INNER_REFS);
  let low = from;
  let high = words[node >> 2]!;
  while (low < high) {
    const middle = (low + high) >>> 1;
    const order = compareMemberText(shard, words[refs + middle]!, source, at, byteCount);
    if (order < 0 || (inclusive && order === 0)) low = middle + 1;
    else high = middle;
  }
  return low;
}

/** Entries below the children of an inner node that stand in front of child `index`. */
export function sizeBefore(shard: Shard, node: number, index: number): number {
  const { words } = shard;
  const sizes = (node >> 2) + SIZES;
  let sum = 0;
  for (let i = 0; i < index; i++) sum += words[sizes + i]!;
  return sum;
}

/** Puts an entry at `index` of a leaf that has room. */
export function insertIntoLeaf(shard: Shard, leaf: number, index: number, score: number, ref: number): void {
  const { words } = shard;
  const count = words[leaf >> 2]!;
  openColumns(shard, leaf, LEAF_REFS, index, count);
  shard.doubles[(leaf >> 3) + SCORES + index] = score;
  words[(leaf >> 2) + LEAF_REFS + index] = ref;
  words[leaf >> 2] = count + 1;
}

/** Takes `removed` entries from `index` on out of a leaf. */
export function removeFromLeaf(shard: Shard, leaf: number, index: number, removed: number): void {
  const { words, doubles } = shard;
  const count = words[leaf >> 2]!;
  const scores = (leaf >> 3) + SCORES;
  const refs = (leaf >> 2) + LEAF_REFS;
  if (index + removed < count) {
    doubles.copyWithin(scores + index, scores + index + removed, scores + count);
    words.copyWithin(refs + index, refs + index + removed, refs + count);
  }
  words[leaf >> 2] = count - removed;
}

/** Makes place for one entry in the columns of scores and of refs. */
function openColumns(shard: Shard, node: number, refsColumn: number, index: number, count: number): void {
  if (index >= count) return;
  const scores = (node >> 3) + SCORES;
  const refs = (node >> 2) + refsColumn;
  shard.doubles.copyWithin(scores + index + 1, scores + index, scores + count);
  shard.words.copyWithin(refs + index + 1, refs + index, refs + count);
}

/** Puts a child at `index` of an inner node that has room. */
export function insertChild(
  shard: Shard,
  node: number,
  index: number,
  score: number,
  ref: number,
  child: number,
  size: number,
): void {
  const { words } = shard;
  const word = node >> 2;
  const count = words[word]!;
  openColumns(shard, node, INNER_REFS, index, count);
  const children = word + CHILDREN;
  const sizes = word + SIZES;
  words.copyWithin(children + index + 1, children + index, children + count);
  words.copyWithin(sizes + index + 1, sizes + index, sizes + count);
  setChildFirst(shard, node, index, score, ref);
  words[children + index] = child;
  words[sizes + index] = size;
  words[word] = count + 1;
}

/** Takes the child at `index` out of an inner node. What comes after it keeps its score and ref, even as child 0. */
export function removeChild(shard: Shard, node: number, index: number): void {
  const { words } = shard;
  const word = node >> 2;
  const count = words[word]!;
  const scores = (node >> 3) + SCORES;
  shard.doubles.copyWithin(scores + index, scores + index + 1, scores + count);
  for (let column = word + INNER_REFS; column <= word + SIZES; column += INNER_MAX) {
    words.copyWithin(column + index, column + index + 1, column + count);
  }
  words[word] = count - 1;
}

/** Moves the entries of `from` from index `first` on to the end of leaf `to`, which has room. */
function appendEntries(shard: Shard, from: number, first: number, moved: number, to: number): void {
  const { words, doubles } = shard;
  const toCount = words[to >> 2]!;
  const scores = (from >> 3) + SCORES + first;
  const refs = (from >> 2) + LEAF_REFS + first;
  doubles.copyWithin((to >> 3) + SCORES + toCount, scores, scores + moved);
  words.copyWithin((to >> 2) + LEAF_REFS + toCount, refs, refs + moved);
  words[to >> 2] = toCount + moved;
}

/** The same for children. Returns the entries below them. */
function appendChildren(shard: Shard, from: number, first: number, moved: number, to: number): number {
  const { words, doubles } = shard;
  const toCount = words[to >> 2]!;
  const scores = (from >> 3) + SCORES + first;
  doubles.copyWithin((to >> 3) + SCORES + toCount, scores, scores + moved);
  for (let column = INNER_REFS; column <= SIZES; column += INNER_MAX) {
    const source = (from >> 2) + column + first;
    words.copyWithin((to >> 2) + column + toCount, source, source + moved);
  }
  words[to >> 2] = toCount + moved;
  let size = 0;
  for (let i = 0; i < moved; i++) size += words[(to >> 2) + SIZES + toCount + i]!;
  return size;
}

/** Moves all from index `first` on to the empty leaf `right`, and links that behind `leaf`. */
export function splitLeaf(shard: Shard, leaf: number, first: number, right: number): void {
  const { words } = shard;
  appendEntries(shard, leaf, first, words[leaf >> 2]! - first, right);
  words[leaf >> 2] = first;
  const next = words[(leaf >> 2) + Node.Next]!;
  words[(leaf >> 2) + Node.Next] = right;
  words[(right >> 2) + Node.Prev] = leaf;
  words[(right >> 2) + Node.Next] = next;
  if (next !== 0) words[(next >> 2) + Node.Prev] = right;
}

/** Moves all children from index `first` on to the empty node `right`. Returns the entries below them. */
export function splitInner(shard: Shard, node: number, first: number, right: number): number {
  const { words } = shard;
  const size = appendChildren(shard, node, first, words[node >> 2]! - first, right);
  words[node >> 2] = first;
  return size;
}

/** Takes a leaf out of the chain of leaves. */
export function unlinkLeaf(shard: Shard, leaf: number): void {
  const { words } = shard;
  const next = words[(leaf >> 2) + Node.Next]!;
  const prev = words[(leaf >> 2) + Node.Prev]!;
  if (next !== 0) words[(next >> 2) + Node.Prev] = prev;
  if (prev !== 0) words[(prev >> 2) + Node.Next] = next;
}

/**
 * Moves everything of a node to the end of its left neighbour, which has room; their parent's `index` is that of the
 * node. The caller takes the node out of the parent and frees it.
 */
export function mergeNodes(shard: Shard, parent: number, index: number, left: number, right: number): void {
  const { words } = shard;
  const count = words[right >> 2]!;
  if (words[(right >> 2) + Node.Level] === 0) appendEntries(shard, right, 0, count, left);
  else {
    bringFirst(shard, parent, index, right);
    appendChildren(shard, right, 0, count, left);
  }
}

/** Shares what two neighbours have evenly between them; their parent's `index` is that of the right one. */
export function evenOut(shard: Shard, parent: number, index: number, left: number, right: number): void {
  const { words } = shard;
  const leftCount = words[left >> 2]!;
  const moved = ((leftCount + words[right >> 2]!) >> 1) - leftCount;
  const isLeaf = words[(left >> 2) + Node.Level] === 0;
  if (!isLeaf) bringFirst(shard, parent, index, right);
  const size = isLeaf ? shiftEntries(shard, left, right, moved) : shiftChildren(shard, left, right, moved);
  addToChildSize(shard, parent, index - 1, size);
  addToChildSize(shard, parent, index, -size);
  const ref = isLeaf ? leafRef(shard, right, 0) : innerRef(shard, right, 0);
  setChildFirst(shard, parent, index, nodeScore(shard, right, 0), ref);
}

/** Before child 0 of `node` becomes another: tells it which its first entry is, as their parent knows it. */
function bringFirst(shard: Shard, parent: number, index: number, node: number): void {
  setChildFirst(shard, node, 0, nodeScore(shard, parent, index), innerRef(shard, parent, index));
}

/** Moves `moved` entries from the front of `right` to the end of `left`, or, negative, the other way. Returns `moved`. */
function shiftEntries(shard: Shard, left: number, right: number, moved: number): number {
  const { words, doubles } = shard;
  if (moved >= 0) {
    appendEntries(shard, right, 0, moved, left);
    removeFromLeaf(shard, right, 0, moved);
    return moved;
  }
  const count = words[right >> 2]!;
  const first = words[left >> 2]! + moved;
  const scores = (right >> 3) + SCORES;
  const refs = (right >> 2) + LEAF_REFS;
  doubles.copyWithin(scores - moved, scores, scores + count);
  words.copyWithin(refs - moved, refs, refs + count);
  words[right >> 2] = 0;
  appendEntries(shard, left, first, -moved, right);
  words[right >> 2] = count - moved;
  words[left >> 2] = first;
  return moved;
}

/** The same for children. Returns by how many entries `left` has grown. */
function shiftChildren(shard: Shard, left: number, right: number, moved: number): number {
  const { words, doubles } = shard;
  const count = words[right >> 2]!;
  const scores = (right >> 3) + SCORES;
  if (moved >= 0) {
    const size = appendChildren(shard, right, 0, moved, left);
    doubles.copyWithin(scores, scores + moved, scores + count);
    for (let column = INNER_REFS; column <= SIZES; column += INNER_MAX) {
      const start = (right >> 2) + column;
      words.copyWithin(start, start + moved, start + count);
    }
    words[right >> 2] = count - moved;
    return size;
  }
  doubles.copyWithin(scores - moved, scores, scores + count);
  for (let column = INNER_REFS; column <= SIZES; column += INNER_MAX) {
    const start = (right >> 2) + column;
    words.copyWithin(start - moved, start, start + count);
  }
  const first = words[left >> 2]! + moved;
  words[right >> 2] = 0;
  const size = appendChildren(shard, left, first, -moved, right);
  words[right >> 2] = count - moved;
  words[left >> 2] = first;
  return -size;
}
