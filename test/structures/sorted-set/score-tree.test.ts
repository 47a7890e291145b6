/** The tree ordered by score: its shape under inserts that come in order, ranks, walks, and what a full shard refuses. */
import { describe, expect, test } from 'bun:test';
import { Bytes } from '../../../src/base/bytes.ts';
import { allocate, free, verifyAllocator } from '../../../src/memory/allocator.ts';
import { createShardMemory, Shard } from '../../../src/memory/shard.ts';
import { INNER_MAX, LEAF_BLOCK_BYTES, LEAF_MAX } from '../../../src/structures/sorted-set/score-node.ts';
import {
  addEntry,
  appendEntry,
  countBelowScore,
  countBelowText,
  freeTree,
  initTree,
  moveEntry,
  placeRef,
  placeScore,
  rankOfEntry,
  removeEntry,
  removeExtreme,
  removeFromRank,
  seekExtreme,
  seekRank,
  stepBack,
  stepForward,
  TREE_BYTES,
  treeCount,
  treeGrowthBytes,
  treeHeight,
  TreePlace,
} from '../../../src/structures/sorted-set/score-tree.ts';
import { treeBytesUsed, verifyTree } from '../../../src/structures/sorted-set/score-tree-check.ts';
import { createBlock } from '../../../src/structures/sorted-set/scored-members.ts';

class Tree {
  readonly shard: Shard;
  readonly head: number;
  readonly place = new TreePlace();

  constructor(shardBytes = 64 << 20) {
    this.shard = new Shard(0, createShardMemory(shardBytes));
    this.head = allocate(this.shard, TREE_BYTES);
    expect(initTree(this.shard, this.head)).toBe(true);
  }

  block(score: number, text = ''): number {
    const bytes = Bytes.fromText(text);
    return createBlock(this.shard, score, bytes, 0, bytes.u8.length);
  }

  add(score: number, text = ''): number {
    const block = this.block(score, text);
    expect(addEntry(this.shard, this.head, score, block)).toBe(true);
    return block;
  }

  scores(): number[] {
    const scores: number[] = [];
    verifyTree(this.shard, this.head, (score) => scores.push(score));
    return scores;
  }
}

const upTo = (count: number): number[] => Array.from({ length: count }, (_, i) => i);

describe('entries that come in order', () => {
  test.each([1, -1])('leave full leaves behind them (step %d)', (step) => {
    const tree = new Tree();
    const count = LEAF_MAX * 100;
    for (let i = 0; i < count; i++) tree.add(step > 0 ? i : count - 1 - i);
    expect(tree.scores()).toEqual(upTo(count));
    const leafBytes = 100 * LEAF_BLOCK_BYTES;
    expect(treeBytesUsed(tree.shard, tree.head)).toBeLessThan(leafBytes * 1.1);
  });

  test('are appended without being compared', () => {
    const tree = new Tree();
    const count = LEAF_MAX * INNER_MAX + 5;
    for (let i = 0; i < count; i++) expect(appendEntry(tree.shard, tree.head, i, 8)).toBe(true);
    expect(treeHeight(tree.shard, tree.head)).toBe(3);
    expect(treeCount(tree.shard, tree.head)).toBe(count);
  });
});

test('equal scores are ordered by the bytes of the texts, a prefix first', () => {
  const tree = new Tree();
  const texts = ['b', 'a', 'aa', '', 'ab', 'a\0', '\xff', 'aaaaaaaab', 'aaaaaaaaa', 'B'];
  for (const text of texts) {
    const bytes = Bytes.allocate(text.length);
    bytes.u8.write(text, 'latin1');
    const block = createBlock(tree.shard, 1, bytes, 0, text.length);
    addEntry(tree.shard, tree.head, 1, block);
  }
  expect(verifyTree(tree.shard, tree.head)).toBe(texts.length);
  const probe = Bytes.fromText('ab');
  expect(countBelowText(tree.shard, tree.head, probe, 0, 2, false)).toBe(7);
  expect(countBelowText(tree.shard, tree.head, probe, 0, 2, true)).toBe(8);
  expect(countBelowText(tree.shard, tree.head, probe, 0, 0, false)).toBe(0);
});

describe('ranks', () => {
  test('are found by entry and by score, and lead back to entries', () => {
    const tree = new Tree();
    const blocks = upTo(10_000).map((i) => tree.add(Math.floor(i / 2), String(i % 2)));
    for (let rank = 0; rank < blocks.length; rank += 37) {
      expect(rankOfEntry(tree.shard, tree.head, Math.floor(rank / 2), blocks[rank]!)).toBe(rank);
      seekRank(tree.shard, tree.head, rank, tree.place);
      expect(placeRef(tree.shard, tree.place)).toBe(blocks[rank]!);
    }
    expect(countBelowScore(tree.shard, tree.head, 100, false)).toBe(200);
    expect(countBelowScore(tree.shard, tree.head, 100, true)).toBe(202);
    expect(countBelowScore(tree.shard, tree.head, 100.5, true)).toBe(202);
    expect(countBelowScore(tree.shard, tree.head, -Infinity, true)).toBe(0);
    expect(countBelowScore(tree.shard, tree.head, Infinity, false)).toBe(10_000);
  });

  test('beyond the end are refused', () => {
    const tree = new Tree();
    tree.add(1);
    expect(() => seekRank(tree.shard, tree.head, 1, tree.place)).toThrow('rank');
    expect(() => seekRank(tree.shard, tree.head, -1, tree.place)).toThrow('rank');
  });
});

test('a walk goes from leaf to leaf in both directions and ends at the ends', () => {
  const tree = new Tree();
  const count = LEAF_MAX * 3 + 7;
  for (const i of upTo(count)) tree.add(i);
  seekRank(tree.shard, tree.head, 0, tree.place);
  for (let i = 0; i < count; i++) {
    expect(placeScore(tree.shard, tree.place)).toBe(i);
    expect(stepForward(tree.shard, tree.place)).toBe(i < count - 1);
  }
  seekExtreme(tree.shard, tree.head, true, tree.place);
  for (let i = count - 1; i >= 0; i--) {
    expect(placeScore(tree.shard, tree.place)).toBe(i);
    expect(stepBack(tree.shard, tree.place)).toBe(i > 0);
  }
});

describe('removals', () => {
  test('of the entry that other nodes know a child by leave no trace of it', () => {
    const tree = new Tree();
    const count = LEAF_MAX * INNER_MAX * 2;
    const blocks = upTo(count).map((i) => tree.add(i));
    // Whichever entries stand at the front of a leaf, all of them go sooner or later.
    for (const start of [0, 1, 2]) {
      for (let i = start; i < count; i += 3) {
        removeEntry(tree.shard, tree.head, i, blocks[i]!);
        if (i % 500 < 3) verifyTree(tree.shard, tree.head);
      }
      expect(verifyTree(tree.shard, tree.head)).toBe(count - Math.ceil(((start + 1) * count) / 3));
    }
    expect(treeHeight(tree.shard, tree.head)).toBe(1);
  });

  test('of an entry that is not there are refused', () => {
    const tree = new Tree();
    tree.add(1, 'a');
    expect(() => removeEntry(tree.shard, tree.head, 2, tree.block(2, 'a'))).toThrow('entry to remove');
  });

  test('at the ends take one entry after the other', () => {
    const tree = new Tree();
    const count = LEAF_MAX * INNER_MAX + 1000;
    const blocks = upTo(count).map((i) => tree.add(i));
    let first = 0;
    let last = count - 1;
    while (first < last) {
      expect(removeExtreme(tree.shard, tree.head, false)).toBe(blocks[first++]!);
      expect(removeExtreme(tree.shard, tree.head, true)).toBe(blocks[last--]!);
      if (first % 400 === 0) verifyTree(tree.shard, tree.head);
    }
    expect(treeCount(tree.shard, tree.head)).toBe(count - 2 * first);
  });

  test('of a range go leaf by leaf', () => {
    const tree = new Tree();
    const count = LEAF_MAX * INNER_MAX * 2;
    const blocks = upTo(count).map((i) => tree.add(i));
    const removed: number[] = [];
    for (let rest = count - 20; rest > 0;) {
      rest -= removeFromRank(tree.shard, tree.head, 10, rest, removed);
      verifyTree(tree.shard, tree.head);
    }
    expect(removed).toEqual(blocks.slice(10, -10));
    expect(tree.scores()).toEqual([...upTo(10), ...upTo(10).map((i) => count - 10 + i)]);
  });
});

test('an entry that moves stays in its place where it can', () => {
  const tree = new Tree();
  const blocks = upTo(1000).map((i) => tree.add(i * 10));
  const before = tree.shard.usedBytes;
  expect(moveEntry(tree.shard, tree.head, 5000, blocks[500]!, 5001)).toBe(true);
  expect(moveEntry(tree.shard, tree.head, 0, blocks[0]!, -Infinity)).toBe(true);
  expect(moveEntry(tree.shard, tree.head, 9990, blocks[999]!, Infinity)).toBe(true);
  expect(tree.shard.usedBytes).toBe(before);
  expect(moveEntry(tree.shard, tree.head, 10, blocks[1]!, 7777)).toBe(true);
  expect(rankOfEntry(tree.shard, tree.head, 7777, blocks[1]!)).toBe(777);
  expect(verifyTree(tree.shard, tree.head)).toBe(1000);
});

describe('in a full shard', () => {
  /** Fills what is left of the shard with blocks of the sizes of nodes. Returns them. */
  function fillShard(shard: Shard): number[] {
    const junk: number[] = [];
    for (const bytes of [65_536, 1016, 760, 24, 8]) {
      for (let at = allocate(shard, bytes); at !== 0; at = allocate(shard, bytes)) junk.push(at);
    }
    return junk;
  }

  test('an insert that must split fails at every allocation and changes nothing', () => {
    const tree = new Tree(8 << 20);
    const { shard, head } = tree;
    // Ascending entries fill every node: the next one splits leaf, inner nodes and root.
    const count = LEAF_MAX * INNER_MAX;
    for (let i = 0; i < count; i++) tree.add(i);
    expect(treeHeight(shard, head)).toBe(2);
    const middle = tree.block(count / 2 + 0.5);
    const junk = fillShard(shard);
    // Leaf, inner node, root: each time one more of them can be had.
    for (let spare = 0; ; spare++) {
      const used = shard.usedBytes;
      const isDone = addEntry(shard, head, count / 2 + 0.5, middle);
      expect(verifyTree(shard, head)).toBe(isDone ? count + 1 : count);
      if (isDone) break;
      expect(shard.usedBytes).toBe(used);
      expect(spare).toBeLessThan(2000);
      free(shard, junk.pop()!);
    }
    expect(treeHeight(shard, head)).toBe(3);
  });

  test('a move that must split changes nothing', () => {
    const tree = new Tree(4 << 20);
    const { shard, head } = tree;
    const blocks = upTo(LEAF_MAX * 3).map((i) => tree.add(i));
    fillShard(shard);
    expect(moveEntry(shard, head, 0, blocks[0]!, LEAF_MAX * 1.5)).toBe(false);
    expect(rankOfEntry(shard, head, 0, blocks[0]!)).toBe(0);
    expect(verifyTree(shard, head)).toBe(LEAF_MAX * 3);
  });
});

test('growth is never more than what was said before', () => {
  const tree = new Tree();
  let score = 0;
  for (const count of [1, 10, 100, 1000, 10_000]) {
    const before = treeBytesUsed(tree.shard, tree.head);
    const most = treeGrowthBytes(tree.shard, tree.head, count);
    for (let i = 0; i < count; i++) tree.add((score = (score * 7919 + 13) % 1_000_003), String(i + count));
    expect(treeBytesUsed(tree.shard, tree.head) - before).toBeLessThanOrEqual(most);
  }
});

test('freeing a tree leaves the blocks to their owner', () => {
  const tree = new Tree();
  const { shard, head } = tree;
  const blocks = upTo(10_000).map((i) => tree.add(i));
  freeTree(shard, head);
  for (const block of blocks) free(shard, block);
  free(shard, head);
  expect(verifyAllocator(shard)).toBe(0);
});
