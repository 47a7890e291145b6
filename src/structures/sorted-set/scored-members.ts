/**
 * Members with scores, for sorted sets that have outgrown a packed block: a table that finds a member by its text
 * (member-table.ts), and a tree that keeps them in order (score-tree.ts), over the same member blocks.
 *
 *  root, 16 bytes                         member block
 *   byte 0       4                         byte 0       8                     the text's end
 *        +-------+------------------+           +-------+--------------+------+
 *        | table | tree's head, 12 B|           | score | length, 1 or | text |
 *        +-------+------------------+           | f64   | 5 bytes      |      |
 *                                               +-------+--------------+------+
 *  Invariants: table and tree hold the same blocks; the score in a block is that of its entry in the tree.
 *  Ownership: one reference to the root, in the record; all else is its own. Lock: the shard's.
 *  Cost: 9 bytes and the text, 10.5 in the table, 12 to 17 in the tree: about 60 bytes for a member of 16.
 */
import { assert } from '../../base/assert.ts';
import type { Bytes } from '../../base/bytes.ts';
import { allocate, blockBytes, free } from '../../memory/allocator.ts';
import type { Shard } from '../../memory/shard.ts';
import {
  copyMembers,
  findMember,
  freeMembersSlice,
  memberByteCount,
  memberTextBytes,
  pointAtMember,
  visitMembers,
  writeMemberText,
} from '../member-table.ts';
import type { EntryText } from '../packed-entry.ts';
import { SCORE_BYTES } from './score-node.ts';
import {
  addEntry,
  appendEntry,
  describeTree,
  freeLastLeaf,
  freeTree,
  initTree,
  moveEntry,
  placeRef,
  placeScore,
  rankOfEntry,
  removeEntry,
  removeFromRank,
  seekRank,
  stepForward,
  TREE_BYTES,
  treeBytesUsed,
  treeCount,
  treeGrowthBytes,
  TreePlace,
  verifyTree,
} from './score-tree.ts';
import {
  createTable,
  describeTable,
  findSlot,
  freeTable,
  insertEntry,
  nextSlot,
  removeSlot,
  slotRef,
  tableBytesUsed,
  tableCount,
  tableDepth,
  verifyTable,
} from '../table.ts';

/** Word offsets in the root. */
const enum Root {
  Table = 0,
  Tree = 1,
  HeadBytes = 4,
}

const ROOT_BYTES = Root.HeadBytes + TREE_BYTES;
/** What a segment of the table takes when it splits in two, and the entries it must gain before it does so again. */
const SEGMENT_SPLIT_BYTES = 10_240;
const SEGMENT_ENTRIES = 128;

/** Members with scores but none yet. Returns the root, or 0: out of memory. */
export function createScoredMembers(shard: Shard): number {
  const root = allocate(shard, ROOT_BYTES);
  if (root === 0) return 0;
  const table = createTable(shard);
  if (table !== 0 && initTree(shard, treeOf(root))) {
    shard.words[(root >> 2) + Root.Table] = table;
    return root;
  }
  if (table !== 0) freeTable(shard, table);
  free(shard, root);
  return 0;
}

/** The tree of the members, for what score-tree.ts can tell about it. */
export function treeOf(root: number): number {
  return root + Root.HeadBytes;
}

/** The table of the members. Its blocks are for the functions of this file. */
export function tableOf(shard: Shard, root: number): number {
  return shard.words[(root >> 2) + Root.Table]!;
}

export function scoredCount(shard: Shard, root: number): number {
  return treeCount(shard, treeOf(root));
}

/** The block of the member with this text, whose hash is `hash`, or 0. */
export function findScored(
  shard: Shard,
  root: number,
  hash: number,
  source: Bytes,
  at: number,
  byteCount: number,
): number {
  const slot = findMember(shard, tableOf(shard, root), SCORE_BYTES, hash, source, at, byteCount);
  return slot === 0 ? 0 : slotRef(shard, slot);
}

export function blockScore(shard: Shard, block: number): number {
  return shard.doubles[block >> 3]!;
}

/** Points `text` at the text of a member block. */
export function pointAtBlock(shard: Shard, block: number, text: EntryText): void {
  pointAtMember(shard, block + SCORE_BYTES, text);
}

/** A member block in neither table nor tree. 0: out of memory. */
export function createBlock(
  shard: Shard,
  score: number,
  source: Bytes,
  at: number,
  byteCount: number,
): number {
  const block = allocate(shard, SCORE_BYTES + memberTextBytes(byteCount));
  if (block === 0) return 0;
  shard.doubles[block >> 3] = score;
  writeMemberText(shard, block + SCORE_BYTES, source, at, byteCount);
  return block;
}

/** Bytes of the block of a member of `byteCount` bytes. */
export function scoredBlockBytes(byteCount: number): number {
  return blockBytes(SCORE_BYTES + memberTextBytes(byteCount));
}

/** Adds a member that is not there. False, nothing changed: out of memory. */
export function addScored(
  shard: Shard,
  root: number,
  hash: number,
  score: number,
  source: Bytes,
  at: number,
  byteCount: number,
): boolean {
  const block = createBlock(shard, score, source, at, byteCount);
  if (block === 0) return false;
  const slot = insertEntry(shard, tableOf(shard, root), hash, block);
  if (slot !== 0) {
    if (addEntry(shard, treeOf(root), score, block)) return true;
    removeSlot(shard, tableOf(shard, root), slot);
  }
  free(shard, block);
  return false;
}

/** `addScored` for a member that stands behind all others. */
export function appendScored(
  shard: Shard,
  root: number,
  hash: number,
  score: number,
  source: Bytes,
  at: number,
  byteCount: number,
): boolean {
  const block = addUnordered(shard, root, hash, score, source, at, byteCount);
  if (block === 0) return false;
  if (appendEntry(shard, treeOf(root), score, block)) return true;
  removeSlot(shard, tableOf(shard, root), slotOfBlock(shard, root, hash, block));
  free(shard, block);
  return false;
}

/**
 * Adds a member to the table only, where its score may still change (`setUnorderedScore`), until `orderMembers` is
 * called for all of them. Returns its block, or 0, nothing changed: out of memory.
 */
export function addUnordered(
  shard: Shard,
  root: number,
  hash: number,
  score: number,
  source: Bytes,
  at: number,
  byteCount: number,
): number {
  const block = createBlock(shard, score, source, at, byteCount);
  if (block === 0) return 0;
  if (insertEntry(shard, tableOf(shard, root), hash, block) !== 0) return block;
  free(shard, block);
  return 0;
}

export function setUnorderedScore(shard: Shard, block: number, score: number): void {
  shard.doubles[block >> 3] = score;
}

/** Puts every member of the table into the tree, which is empty. False: out of memory, and only good for freeing. */
export function orderMembers(shard: Shard, root: number): boolean {
  const tree = treeOf(root);
  let isDone = true;
  visitMembers(shard, tableOf(shard, root), (_, block) => {
    isDone &&= addEntry(shard, tree, blockScore(shard, block), block);
  });
  return isDone;
}

/** Gives the member in `block` another score. False, nothing changed: out of memory. */
export function setBlockScore(shard: Shard, root: number, block: number, score: number): boolean {
  if (!moveEntry(shard, treeOf(root), blockScore(shard, block), block, score)) return false;
  shard.doubles[block >> 3] = score;
  return true;
}

/** Removes the member in `block`. */
export function removeScored(shard: Shard, root: number, hash: number, block: number): void {
  removeEntry(shard, treeOf(root), blockScore(shard, block), block);
  removeSlot(shard, tableOf(shard, root), slotOfBlock(shard, root, hash, block));
  free(shard, block);
}

/** The rank of the member in `block`, from the lowest. */
export function rankOfBlock(shard: Shard, root: number, block: number): number {
  return rankOfEntry(shard, treeOf(root), blockScore(shard, block), block);
}

/** Removes `count` members from the one with this rank on; `hashOf` tells the hash of the text it is pointed at. */
export function removeRanks(
  shard: Shard,
  root: number,
  rank: number,
  count: number,
  text: EntryText,
  hashOf: (text: EntryText) => number,
): void {
  const blocks: number[] = [];
  for (let rest = count; rest > 0; rest -= blocks.length) {
    blocks.length = 0;
    removeFromRank(shard, treeOf(root), rank, rest, blocks);
    for (const block of blocks) {
      pointAtBlock(shard, block, text);
      removeSlot(shard, tableOf(shard, root), slotOfBlock(shard, root, hashOf(text), block));
      free(shard, block);
    }
  }
}

function slotOfBlock(shard: Shard, root: number, hash: number, block: number): number {
  let slot = findSlot(shard, tableOf(shard, root), hash);
  while (slot !== 0 && slotRef(shard, slot) !== block) slot = nextSlot(shard, slot, hash);
  assert(slot !== 0, 'scored members: block not in the table');
  return slot;
}

/** The most bytes that adding `count` members may take beside their blocks. */
export function scoredGrowthBytes(shard: Shard, root: number, count: number): number {
  const table = tableOf(shard, root);
  const splits = Math.min(count, (tableCount(shard, table) + count) / SEGMENT_ENTRIES + 2);
  const directoryBytes = 2 ** (tableDepth(shard, table) + 5);
  return splits * SEGMENT_SPLIT_BYTES + directoryBytes + treeGrowthBytes(shard, treeOf(root), count);
}

/** Frees everything at once. */
export function freeScoredMembers(shard: Shard, root: number): void {
  freeScoredSlice(shard, root, 0, Infinity);
}

/** See StructureKind: leaf after leaf from the end, each with the blocks it refers to, and at last the table. */
export function freeScoredSlice(shard: Shard, root: number, _cursor: number, count: number): number {
  const blocks: number[] = [];
  let isMore = true;
  for (let freed = 0; freed < count && isMore; freed += blocks.length) {
    blocks.length = 0;
    isMore = freeLastLeaf(shard, treeOf(root), blocks);
    for (const block of blocks) free(shard, block);
  }
  if (isMore) return 0;
  freeTable(shard, tableOf(shard, root));
  free(shard, root);
  return -1;
}

/** Frees members that have not been ordered yet. */
export function freeUnordered(shard: Shard, root: number): void {
  freeMembersSlice(shard, tableOf(shard, root), 0, Infinity);
  freeTree(shard, treeOf(root));
  free(shard, root);
}

/**
 * See StructureKind. The tree of the copy is made in the order of the original's, without comparing: to that end each
 * block of the original holds, for a while, the place of its copy instead of its score, which the tree knows too.
 */
export function copyScoredMembers(from: Shard, root: number, to: Shard): number {
  const copy = allocate(to, ROOT_BYTES);
  if (copy === 0) return 0;
  const table = copyMembers(from, tableOf(from, root), to, blockBytesAt);
  if (table === 0 || !initTree(to, treeOf(copy))) {
    if (table !== 0) freeMembersSlice(to, table, 0, Infinity);
    free(to, copy);
    return 0;
  }
  to.words[(copy >> 2) + Root.Table] = table;
  if (copyOrder(from, root, to, copy)) return copy;
  freeUnordered(to, copy);
  return 0;
}

function blockBytesAt(shard: Shard, block: number): number {
  return SCORE_BYTES + memberTextBytes(memberByteCount(shard, block + SCORE_BYTES));
}

/** Fills the tree of the copy. False: out of memory, and the original is as it was. */
function copyOrder(from: Shard, root: number, to: Shard, copy: number): boolean {
  const copies: number[] = [];
  visitMembers(to, tableOf(to, copy), (_, block) => copies.push(block));
  let next = 0;
  visitMembers(from, tableOf(from, root), (_, block) => {
    from.words[block >> 2] = copies[next++]!;
  });
  const place = new TreePlace();
  let isDone = true;
  if (scoredCount(from, root) === 0) return true;
  seekRank(from, treeOf(root), 0, place);
  do {
    const block = placeRef(from, place);
    const score = placeScore(from, place);
    const twin = from.words[block >> 2]!;
    from.doubles[block >> 3] = score;
    isDone &&= appendEntry(to, treeOf(copy), score, twin);
  } while (stepForward(from, place));
  return isDone;
}

/** See StructureKind. */
export function verifyScoredMembers(shard: Shard, root: number): number {
  const table = tableOf(shard, root);
  const blocks = new Set<number>();
  verifyTable(shard, table);
  let bytes = blockBytes(ROOT_BYTES);
  visitMembers(shard, table, (_, block) => {
    assert(!blocks.has(block), 'scored members: block twice in the table');
    blocks.add(block);
    bytes += blockBytes(blockBytesAt(shard, block));
  });
  const count = verifyTree(shard, treeOf(root), (score, block) => {
    assert(blocks.delete(block), 'scored members: entry of the tree not in the table');
    assert(Object.is(blockScore(shard, block), score), 'scored members: score');
  });
  assert(blocks.size === 0, 'scored members: members not in the tree');
  assert(count === tableCount(shard, table), 'scored members: count');
  return bytes + tableBytesUsed(shard, table) + treeBytesUsed(shard, treeOf(root));
}

/** See StructureKind. */
export function scoredBytesUsed(shard: Shard, root: number): number {
  let bytes = blockBytes(ROOT_BYTES);
  visitMembers(shard, tableOf(shard, root), (_, block) => {
    bytes += blockBytes(blockBytesAt(shard, block));
  });
  return bytes + tableBytesUsed(shard, tableOf(shard, root)) + treeBytesUsed(shard, treeOf(root));
}

/** See StructureKind. */
export function describeScoredMembers(shard: Shard, root: number): string {
  return `scored members at ${root}: ${describeTable(shard, tableOf(shard, root))}; ${describeTree(shard, treeOf(root))}`;
}

/** For structure-kinds.ts. */
export const scoredMembersKind = {
  freeSlice: freeScoredSlice,
  copy: copyScoredMembers,
  verify: verifyScoredMembers,
  bytesUsed: scoredBytesUsed,
  describe: describeScoredMembers,
};
