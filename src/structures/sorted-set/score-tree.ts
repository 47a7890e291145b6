/**
 * A tree of member blocks ordered by score and text: a B+tree that counts, for sorted sets. Finds a rank by member or
 * score, and a member by rank, and walks from anywhere in either direction. The nodes' layout is in score-node.ts.
 *
 *  head, 12 bytes inside a block of the owner's
 *   byte 0      4        8
 *        +------+--------+-------+
 *        | root | height | count |      height = levels of nodes: 1 while the root is a leaf
 *        +------+--------+-------+
 *
 *  Invariants: leaves are all at level 0 and chained; score and ref that an inner node has for a child (but for child
 *  0) are exactly those of the first entry below it, so none of them ever outlives its entry; sizes are exact; a node
 *  that is not at the left or right edge of its level is at least a quarter full; none is empty but a lone root.
 *  Ownership: head and member blocks are the owner's, nodes the tree's. Lock: the shard's.
 *  Grows: a full node splits in halves; at either edge it stays full and the new one takes the new entry alone, so
 *  that entries that come in order leave full nodes behind. What an insert needs is allocated before it changes
 *  anything. Shrinks: a node that is less than a quarter full joins a neighbour or is filled up from it, but at
 *  the edges, where queues take their entries, only an empty one goes.
 *  Cost: O(log n) for everything; 3 or 4 nodes of 1 KiB at a million entries, and the blocks of equal scores met on the way.
 */
import { assert } from '../../base/assert.ts';
import type { Bytes } from '../../base/bytes.ts';
import { free } from '../../memory/allocator.ts';
import type { Shard } from '../../memory/shard.ts';
import {
  addToChildSize,
  childAt,
  childSize,
  countByScore,
  countByText,
  createNode,
  evenOut,
  INNER_BLOCK_BYTES,
  INNER_MAX,
  INNER_MIN,
  innerRef,
  insertChild,
  insertIntoLeaf,
  isBefore,
  LEAF_BLOCK_BYTES,
  LEAF_MAX,
  LEAF_MIN,
  leafRef,
  mergeNodes,
  nextLeaf,
  nodeCount,
  nodeLevel,
  nodeScore,
  prevLeaf,
  removeChild,
  removeFromLeaf,
  searchInner,
  searchLeaf,
  setChildFirst,
  setNodeScore,
  sizeBefore,
  splitInner,
  splitLeaf,
  unlinkLeaf,
} from './score-node.ts';

/** Word offsets in the head. */
const enum Tree {
  Root = 0,
  Height = 1,
  Count = 2,
  Bytes = 12,
}

export const TREE_BYTES = Tree.Bytes;
/** A shard has room for fewer levels of nodes that are a quarter full. */
const HEIGHT_MAX = 16;
/** Neighbours join when they are so full together that inserts do not split them again at once. */
const MERGED_PART = 0.75;

/** The way from the root to a leaf as the last descent took it: nodes by depth, and in each the index of the child. */
const scratchNodes = new Int32Array(HEIGHT_MAX);
const scratchIndexes = new Int32Array(HEIGHT_MAX);
/** Nodes allocated for an insert, the leaf last. */
const scratchFresh = new Int32Array(HEIGHT_MAX);

/** A place in a tree: an entry of a leaf. Valid until the tree changes. */
export class TreePlace {
  leaf = 0;
  index = 0;
}

/** Makes `tree`, TREE_BYTES in a block of the caller's, an empty tree. False: out of memory. */
export function initTree(shard: Shard, tree: number): boolean {
  const root = createNode(shard, 0);
  if (root === 0) return false;
  writeHead(shard, tree, root, 1, 0);
  return true;
}

function writeHead(shard: Shard, tree: number, root: number, height: number, count: number): void {
  const { words } = shard;
  const word = tree >> 2;
  words[word + Tree.Root] = root;
  words[word + Tree.Height] = height;
  words[word + Tree.Count] = count;
}

/** Number of entries. */
export function treeCount(shard: Shard, tree: number): number {
  return shard.words[(tree >> 2) + Tree.Count]!;
}

/** The most bytes of nodes that `count` inserts may take. */
export function treeGrowthBytes(shard: Shard, tree: number, count: number): number {
  const height = shard.words[(tree >> 2) + Tree.Height]!;
  const leaves = Math.min(count, treeCount(shard, tree) / LEAF_MIN + count / (LEAF_MAX >> 1) + 2);
  return leaves * LEAF_BLOCK_BYTES + (leaves / (INNER_MAX >> 1) + height * 2 + 1) * INNER_BLOCK_BYTES;
}

/** Adds an entry that is not there. False, nothing changed: out of memory. */
export function addEntry(shard: Shard, tree: number, score: number, ref: number): boolean {
  const leaf = descendTo(shard, tree, score, ref);
  return insertAt(shard, tree, leaf, searchLeaf(shard, leaf, score, ref), score, ref);
}

/** `addEntry` for an entry that stands behind all others: without a comparison. */
export function appendEntry(shard: Shard, tree: number, score: number, ref: number): boolean {
  const { words } = shard;
  let node = words[(tree >> 2) + Tree.Root]!;
  const last = words[(tree >> 2) + Tree.Height]! - 1;
  for (let depth = 0; depth < last; depth++) {
    const index = nodeCount(shard, node) - 1;
    scratchNodes[depth] = node;
    scratchIndexes[depth] = index;
    node = childAt(shard, node, index);
  }
  return insertAt(shard, tree, node, nodeCount(shard, node), score, ref);
}

/** Goes down to the leaf where (score, ref) stands or belongs. Leaves the way in the scratch path. */
function descendTo(shard: Shard, tree: number, score: number, ref: number): number {
  const { words } = shard;
  let node = words[(tree >> 2) + Tree.Root]!;
  const last = words[(tree >> 2) + Tree.Height]! - 1;
  for (let depth = 0; depth < last; depth++) {
    const index = searchInner(shard, node, score, ref);
    scratchNodes[depth] = node;
    scratchIndexes[depth] = index;
    node = childAt(shard, node, index);
  }
  return node;
}

/** Goes down to the leaf of the entry with this rank and puts `place` there. Leaves the way in the scratch path. */
function descendToRank(shard: Shard, tree: number, rank: number, place: TreePlace): void {
  const { words } = shard;
  assert(rank >= 0 && rank < words[(tree >> 2) + Tree.Count]!, 'score tree: rank');
  let node = words[(tree >> 2) + Tree.Root]!;
  const last = words[(tree >> 2) + Tree.Height]! - 1;
  let rest = rank;
  for (let depth = 0; depth < last; depth++) {
    let index = 0;
    for (let size = childSize(shard, node, 0); rest >= size; size = childSize(shard, node, index)) {
      rest -= size;
      index++;
    }
    scratchNodes[depth] = node;
    scratchIndexes[depth] = index;
    node = childAt(shard, node, index);
  }
  place.leaf = node;
  place.index = rest;
}

/** Adds `change` to the count of entries, and to the sizes all along the scratch path. */
function resizePath(shard: Shard, tree: number, change: number): void {
  const { words } = shard;
  words[(tree >> 2) + Tree.Count]! += change;
  const last = words[(tree >> 2) + Tree.Height]! - 1;
  for (let depth = 0; depth < last; depth++) {
    addToChildSize(shard, scratchNodes[depth]!, scratchIndexes[depth]!, change);
  }
}

/** Puts an entry at `index` of the leaf that the scratch path leads to. */
function insertAt(
  shard: Shard,
  tree: number,
  leaf: number,
  index: number,
  score: number,
  ref: number,
): boolean {
  if (nodeCount(shard, leaf) === LEAF_MAX) return insertIntoFull(shard, tree, leaf, index, score, ref);
  insertIntoLeaf(shard, leaf, index, score, ref);
  resizePath(shard, tree, 1);
  return true;
}

/** `insertAt` where the leaf, and perhaps nodes above it, must split. */
function insertIntoFull(
  shard: Shard,
  tree: number,
  leaf: number,
  index: number,
  score: number,
  ref: number,
): boolean {
  if (!allocateFresh(shard, tree)) return false;
  resizePath(shard, tree, 1);
  // Entries that come in order leave full nodes behind them.
  const isAppend = index === LEAF_MAX && nextLeaf(shard, leaf) === 0;
  const isPrepend = index === 0 && prevLeaf(shard, leaf) === 0;
  const leftCount = isAppend ? LEAF_MAX : isPrepend ? 1 : (LEAF_MAX + 1) >> 1;
  const goesLeft = index < leftCount;
  const right = scratchFresh[0]!;
  splitLeaf(shard, leaf, goesLeft ? leftCount - 1 : leftCount, right);
  if (goesLeft) insertIntoLeaf(shard, leaf, index, score, ref);
  else insertIntoLeaf(shard, right, index - leftCount, score, ref);
  enterRight(shard, tree, leaf, right, isAppend, isPrepend);
  return true;
}

/** Allocates what the splits along the scratch path need, from the leaf up, into `scratchFresh`. */
function allocateFresh(shard: Shard, tree: number): boolean {
  const height = shard.words[(tree >> 2) + Tree.Height]!;
  let wanted = 1;
  while (wanted < height && nodeCount(shard, scratchNodes[height - 1 - wanted]!) === INNER_MAX) wanted++;
  // All are full: there will be a new root too.
  if (wanted === height) wanted++;
  assert(wanted <= HEIGHT_MAX, 'score tree: height');
  for (let level = 0; level < wanted; level++) {
    const node = createNode(shard, level);
    if (node === 0) {
      while (--level >= 0) free(shard, scratchFresh[level]!);
      return false;
    }
    scratchFresh[level] = node;
  }
  return true;
}

/** Enters the right halves of the nodes that split into the nodes above them, splitting these where they are full. */
function enterRight(
  shard: Shard,
  tree: number,
  splitNode: number,
  newNode: number,
  isAppend: boolean,
  isPrepend: boolean,
): void {
  const height = shard.words[(tree >> 2) + Tree.Height]!;
  let left = splitNode;
  let right = newNode;
  let size = nodeCount(shard, right);
  let score = nodeScore(shard, right, 0);
  let ref = leafRef(shard, right, 0);
  for (let level = 1; level < height; level++) {
    const node = scratchNodes[height - 1 - level]!;
    const index = scratchIndexes[height - 1 - level]! + 1;
    addToChildSize(shard, node, index - 1, -size);
    if (nodeCount(shard, node) < INNER_MAX) return insertChild(shard, node, index, score, ref, right, size);
    const leftCount = isAppend ? INNER_MAX : isPrepend ? 1 : (INNER_MAX + 1) >> 1;
    const goesLeft = index < leftCount;
    const fresh = scratchFresh[level]!;
    const moved = splitInner(shard, node, goesLeft ? leftCount - 1 : leftCount, fresh);
    if (goesLeft) insertChild(shard, node, index, score, ref, right, size);
    else insertChild(shard, fresh, index - leftCount, score, ref, right, size);
    size = goesLeft ? moved : moved + size;
    left = node;
    right = fresh;
    score = nodeScore(shard, right, 0);
    ref = innerRef(shard, right, 0);
  }
  growRoot(shard, tree, left, right, score, ref, size);
}

function growRoot(
  shard: Shard,
  tree: number,
  left: number,
  right: number,
  score: number,
  ref: number,
  rightSize: number,
): void {
  const height = shard.words[(tree >> 2) + Tree.Height]!;
  const count = treeCount(shard, tree);
  const root = scratchFresh[height]!;
  insertChild(shard, root, 0, 0, 0, left, count - rightSize);
  insertChild(shard, root, 1, score, ref, right, rightSize);
  writeHead(shard, tree, root, height + 1, count);
}

/** Removes an entry that is there. */
export function removeEntry(shard: Shard, tree: number, score: number, ref: number): void {
  const leaf = descendTo(shard, tree, score, ref);
  const index = searchLeaf(shard, leaf, score, ref);
  assert(
    index < nodeCount(shard, leaf) && leafRef(shard, leaf, index) === ref,
    'score tree: entry to remove',
  );
  removeAt(shard, tree, leaf, index, 1);
}

/**
 * Removes up to `countMax` entries from the one with this rank on, as many as lie in its leaf, and appends their blocks
 * to `out`. Looks at no block. Returns how many it has removed.
 */
export function removeFromRank(
  shard: Shard,
  tree: number,
  rank: number,
  countMax: number,
  out: number[],
): number {
  const place = scratchPlace;
  descendToRank(shard, tree, rank, place);
  const { leaf, index } = place;
  const removed = Math.min(countMax, nodeCount(shard, leaf) - index);
  for (let i = 0; i < removed; i++) out.push(leafRef(shard, leaf, index + i));
  removeAt(shard, tree, leaf, index, removed);
  return removed;
}

const scratchPlace = new TreePlace();

/** Removes entries from `index` on out of the leaf that the scratch path leads to. */
function removeAt(shard: Shard, tree: number, leaf: number, index: number, removed: number): void {
  resizePath(shard, tree, -removed);
  removeFromLeaf(shard, leaf, index, removed);
  const height = shard.words[(tree >> 2) + Tree.Height]!;
  const count = nodeCount(shard, leaf);
  if (count === 0) {
    if (height > 1) dropLeaf(shard, tree, leaf, height);
    return;
  }
  if (index === 0) firstChanged(shard, height - 2, nodeScore(shard, leaf, 0), leafRef(shard, leaf, 0));
  if (count < LEAF_MIN && prevLeaf(shard, leaf) !== 0 && nextLeaf(shard, leaf) !== 0) {
    const depth = height - 2;
    const lost = fillUp(shard, scratchNodes[depth]!, scratchIndexes[depth]!, LEAF_MAX);
    if (lost >= 0) shrinkUpwards(shard, tree, depth, lost);
  }
}

/** The first entry below the node that the scratch path leaves at `depth` is another now: tells whoever keeps it. */
function firstChanged(shard: Shard, depth: number, score: number, ref: number): void {
  while (depth >= 0 && scratchIndexes[depth] === 0) depth--;
  if (depth >= 0) setChildFirst(shard, scratchNodes[depth]!, scratchIndexes[depth]!, score, ref);
}

function dropLeaf(shard: Shard, tree: number, leaf: number, height: number): void {
  unlinkLeaf(shard, leaf);
  free(shard, leaf);
  const depth = height - 2;
  const index = scratchIndexes[depth]!;
  removeChild(shard, scratchNodes[depth]!, index);
  shrinkUpwards(shard, tree, depth, index);
}

/** The node at `depth` of the scratch path has lost its child `lostIndex`: puts that node right, and those above it. */
function shrinkUpwards(shard: Shard, tree: number, depth: number, lostIndex: number): void {
  let lost = lostIndex;
  for (; depth > 0; depth--) {
    const node = scratchNodes[depth]!;
    const parent = scratchNodes[depth - 1]!;
    const index = scratchIndexes[depth - 1]!;
    const count = nodeCount(shard, node);
    if (count === 0) {
      free(shard, node);
      removeChild(shard, parent, index);
      lost = index;
      continue;
    }
    if (lost === 0) firstChanged(shard, depth - 1, nodeScore(shard, node, 0), innerRef(shard, node, 0));
    if (count >= INNER_MIN || isAtEdge(shard, depth)) return;
    lost = fillUp(shard, parent, index, INNER_MAX);
    if (lost < 0) return;
  }
  collapseRoot(shard, tree);
}

/** Whether the node at `depth` of the scratch path is the first or the last of its level. */
function isAtEdge(shard: Shard, depth: number): boolean {
  let isFirst = true;
  let isLast = true;
  for (let above = 0; above < depth; above++) {
    const index = scratchIndexes[above]!;
    if (index !== 0) isFirst = false;
    if (index !== nodeCount(shard, scratchNodes[above]!) - 1) isLast = false;
  }
  return isFirst || isLast;
}

/**
 * Joins child `index` of `parent` with a neighbour, or fills it up from there. `countMax`: of nodes of that level. Returns
 * the index of the child that is gone, or -1.
 */
function fillUp(shard: Shard, parent: number, index: number, countMax: number): number {
  assert(nodeCount(shard, parent) > 1, 'score tree: no neighbour');
  const rightIndex = index + 1 < nodeCount(shard, parent) ? index + 1 : index;
  const left = childAt(shard, parent, rightIndex - 1);
  const right = childAt(shard, parent, rightIndex);
  if (nodeCount(shard, left) + nodeCount(shard, right) > countMax * MERGED_PART) {
    evenOut(shard, parent, rightIndex, left, right);
    return -1;
  }
  mergeNodes(shard, parent, rightIndex, left, right);
  addToChildSize(shard, parent, rightIndex - 1, childSize(shard, parent, rightIndex));
  if (nodeLevel(shard, right) === 0) unlinkLeaf(shard, right);
  free(shard, right);
  removeChild(shard, parent, rightIndex);
  return rightIndex;
}

/** A root with a single child gives way to it. */
function collapseRoot(shard: Shard, tree: number): void {
  const { words } = shard;
  const word = tree >> 2;
  while (words[word + Tree.Height]! > 1 && nodeCount(shard, words[word + Tree.Root]!) === 1) {
    const root = words[word + Tree.Root]!;
    words[word + Tree.Root] = childAt(shard, root, 0);
    words[word + Tree.Height]!--;
    free(shard, root);
  }
}

/** Gives an entry another score. False, nothing changed: out of memory. */
export function moveEntry(
  shard: Shard,
  tree: number,
  oldScore: number,
  ref: number,
  newScore: number,
): boolean {
  const leaf = descendTo(shard, tree, oldScore, ref);
  const index = searchLeaf(shard, leaf, oldScore, ref);
  assert(index < nodeCount(shard, leaf) && leafRef(shard, leaf, index) === ref, 'score tree: entry to move');
  if (staysAt(shard, leaf, index, newScore, ref)) {
    setNodeScore(shard, leaf, index, newScore);
    return true;
  }
  // In this order, so that nothing has changed when there is no memory; for a moment it is there twice.
  if (!addEntry(shard, tree, newScore, ref)) return false;
  removeEntry(shard, tree, oldScore, ref);
  return true;
}

/** Whether an entry keeps its place with another score, as far as its leaf can tell. */
function staysAt(shard: Shard, leaf: number, index: number, score: number, ref: number): boolean {
  if (index > 0) {
    const before = index - 1;
    if (!isBefore(shard, nodeScore(shard, leaf, before), leafRef(shard, leaf, before), score, ref))
      return false;
  } else if (prevLeaf(shard, leaf) !== 0) return false;
  const after = index + 1;
  if (after === nodeCount(shard, leaf)) return nextLeaf(shard, leaf) === 0;
  return isBefore(shard, score, ref, nodeScore(shard, leaf, after), leafRef(shard, leaf, after));
}

/** The rank of an entry that is there. */
export function rankOfEntry(shard: Shard, tree: number, score: number, ref: number): number {
  const { words } = shard;
  let node = words[(tree >> 2) + Tree.Root]!;
  const last = words[(tree >> 2) + Tree.Height]! - 1;
  let rank = 0;
  for (let depth = 0; depth < last; depth++) {
    const index = searchInner(shard, node, score, ref);
    rank += sizeBefore(shard, node, index);
    node = childAt(shard, node, index);
  }
  const index = searchLeaf(shard, node, score, ref);
  assert(index < nodeCount(shard, node) && leafRef(shard, node, index) === ref, 'score tree: entry to rank');
  return rank + index;
}

/** How many entries have a score below this one, or with `inclusive` at most this one. */
export function countBelowScore(shard: Shard, tree: number, score: number, inclusive: boolean): number {
  const { words } = shard;
  let node = words[(tree >> 2) + Tree.Root]!;
  const last = words[(tree >> 2) + Tree.Height]! - 1;
  let rank = 0;
  for (let depth = 0; depth < last; depth++) {
    const index = countByScore(shard, node, 1, score, inclusive) - 1;
    rank += sizeBefore(shard, node, index);
    node = childAt(shard, node, index);
  }
  return rank + countByScore(shard, node, 0, score, inclusive);
}

/** `countBelowScore` for a text, in a tree whose scores are all equal (else any answer may come). */
export function countBelowText(
  shard: Shard,
  tree: number,
  source: Bytes,
  at: number,
  byteCount: number,
  inclusive: boolean,
): number {
  const { words } = shard;
  let node = words[(tree >> 2) + Tree.Root]!;
  const last = words[(tree >> 2) + Tree.Height]! - 1;
  let rank = 0;
  for (let depth = 0; depth < last; depth++) {
    const index = countByText(shard, node, 1, source, at, byteCount, inclusive) - 1;
    rank += sizeBefore(shard, node, index);
    node = childAt(shard, node, index);
  }
  return rank + countByText(shard, node, 0, source, at, byteCount, inclusive);
}

/** Puts `place` at the entry with this rank, which there must be. */
export function seekRank(shard: Shard, tree: number, rank: number, place: TreePlace): void {
  descendToRank(shard, tree, rank, place);
}

export function placeScore(shard: Shard, place: TreePlace): number {
  return nodeScore(shard, place.leaf, place.index);
}

/** The member block at a place. */
export function placeRef(shard: Shard, place: TreePlace): number {
  return leafRef(shard, place.leaf, place.index);
}

/** Moves to the next entry. False: that was the last. */
export function stepForward(shard: Shard, place: TreePlace): boolean {
  if (++place.index < nodeCount(shard, place.leaf)) return true;
  place.leaf = nextLeaf(shard, place.leaf);
  place.index = 0;
  return place.leaf !== 0;
}

/** Moves to the entry before. False: that was the first. */
export function stepBack(shard: Shard, place: TreePlace): boolean {
  if (--place.index >= 0) return true;
  place.leaf = prevLeaf(shard, place.leaf);
  if (place.leaf === 0) return false;
  place.index = nodeCount(shard, place.leaf) - 1;
  return true;
}

/**
 * Frees the last leaf, and what is above it and then empty; the blocks that it referred to are appended to `out`. False:
 * that was the last. After the first call the tree is good for nothing else.
 */
export function freeLastLeaf(shard: Shard, tree: number, out: number[]): boolean {
  const { words } = shard;
  const last = words[(tree >> 2) + Tree.Height]! - 1;
  let node = words[(tree >> 2) + Tree.Root]!;
  for (let depth = 0; depth < last; depth++) {
    scratchNodes[depth] = node;
    node = childAt(shard, node, nodeCount(shard, node) - 1);
  }
  const count = nodeCount(shard, node);
  for (let index = 0; index < count; index++) out.push(leafRef(shard, node, index));
  free(shard, node);
  for (let depth = last - 1; depth >= 0; depth--) {
    const above = scratchNodes[depth]!;
    removeChild(shard, above, nodeCount(shard, above) - 1);
    if (nodeCount(shard, above) > 0) return true;
    free(shard, above);
  }
  return false;
}

/** Frees the nodes of a tree; the member blocks are the owner's. */
export function freeTree(shard: Shard, tree: number): void {
  const refs: number[] = [];
  while (freeLastLeaf(shard, tree, refs)) refs.length = 0;
}

/** Bytes of the tree's nodes. Walks the leaves' parents. */
export function treeBytesUsed(shard: Shard, tree: number): number {
  const levels = collectLevels(shard, tree);
  const leafCount = levels.at(-1)!.length;
  const innerCount = levels.reduce((sum, nodes) => sum + nodes.length, -leafCount);
  return leafCount * LEAF_BLOCK_BYTES + innerCount * INNER_BLOCK_BYTES;
}

/** Every node, level by level, the root's first. */
function collectLevels(shard: Shard, tree: number): number[][] {
  const { words } = shard;
  const levels = [[words[(tree >> 2) + Tree.Root]!]];
  for (let depth = 1; depth < words[(tree >> 2) + Tree.Height]!; depth++) {
    const below: number[] = [];
    for (const node of levels[depth - 1]!) {
      for (let index = 0; index < nodeCount(shard, node); index++) below.push(childAt(shard, node, index));
    }
    levels.push(below);
  }
  return levels;
}

/** Walks the tree and asserts every invariant; runs `visit` for every entry in order. Returns the number of entries. */
export function verifyTree(
  shard: Shard,
  tree: number,
  visit: (score: number, ref: number) => void = () => {},
): number {
  const levels = collectLevels(shard, tree).reverse();
  levels.forEach((nodes, level) => verifyLevel(shard, nodes, level, levels.length));
  const leaves = levels[0]!;
  let lastScore = 0;
  let lastRef = 0;
  leaves.forEach((leaf, order) => {
    assert(prevLeaf(shard, leaf) === (leaves[order - 1] ?? 0), 'score tree: leaf chain back');
    assert(nextLeaf(shard, leaf) === (leaves[order + 1] ?? 0), 'score tree: leaf chain');
    for (let index = 0; index < nodeCount(shard, leaf); index++) {
      const score = nodeScore(shard, leaf, index);
      const ref = leafRef(shard, leaf, index);
      assert(score === score, 'score tree: a score that is not a number');
      assert(lastRef === 0 || isBefore(shard, lastScore, lastRef, score, ref), 'score tree: order');
      visit(score, ref);
      lastScore = score;
      lastRef = ref;
    }
  });
  return verifySizes(shard, tree, levels);
}

/** Counts and levels of the nodes of one level, which stand in order. */
function verifyLevel(shard: Shard, nodes: readonly number[], level: number, height: number): void {
  const min = level === 0 ? LEAF_MIN : INNER_MIN;
  const max = level === 0 ? LEAF_MAX : INNER_MAX;
  nodes.forEach((node, order) => {
    const count = nodeCount(shard, node);
    const isAtEnd = order === 0 || order === nodes.length - 1;
    assert(nodeLevel(shard, node) === level, 'score tree: level');
    assert(count <= max, 'score tree: node too full');
    assert(count >= min || isAtEnd, 'score tree: node too empty');
    assert(count > 0 || height === 1, 'score tree: empty node');
  });
  assert(
    level < height - 1 || level === 0 || nodeCount(shard, nodes[0]!) > 1,
    'score tree: root of one child',
  );
}

/** Sizes and first entries that inner nodes keep of their children. `levels`: the leaves first. */
function verifySizes(shard: Shard, tree: number, levels: readonly (readonly number[])[]): number {
  const sizes = new Map<number, number>();
  const firstLeaves = new Map<number, number>();
  for (const leaf of levels[0]!) {
    sizes.set(leaf, nodeCount(shard, leaf));
    firstLeaves.set(leaf, leaf);
  }
  for (const node of levels.slice(1).flat()) {
    let size = 0;
    for (let index = 0; index < nodeCount(shard, node); index++) {
      const child = childAt(shard, node, index);
      const leaf = firstLeaves.get(child)!;
      assert(childSize(shard, node, index) === sizes.get(child), 'score tree: size');
      size += sizes.get(child)!;
      if (index === 0) firstLeaves.set(node, leaf);
      else {
        assert(innerRef(shard, node, index) === leafRef(shard, leaf, 0), 'score tree: first entry');
        assert(nodeScore(shard, node, index) === nodeScore(shard, leaf, 0), 'score tree: first score');
      }
    }
    sizes.set(node, size);
  }
  const count = treeCount(shard, tree);
  assert(sizes.get(levels.at(-1)![0]!) === count, 'score tree: count');
  return count;
}

/** A few words for DEBUG and test failures. */
export function describeTree(shard: Shard, tree: number): string {
  const { words } = shard;
  const word = tree >> 2;
  return `tree of ${words[word + Tree.Count]} entries, ${words[word + Tree.Height]} levels, root at ${words[word + Tree.Root]}`;
}
