/** Table and tree over the same member blocks: what goes wrong in one must not stay in the other. */
import { describe, expect, test } from 'bun:test';
import { Bytes } from '../../../src/base/bytes.ts';
import { hashBytes } from '../../../src/base/hash.ts';
import { allocate, free, verifyAllocator } from '../../../src/memory/allocator.ts';
import { createShardMemory, Shard } from '../../../src/memory/shard.ts';
import { EntryText } from '../../../src/structures/packed-entry.ts';
import {
  addScored,
  addUnordered,
  blockScore,
  copyScoredMembers,
  createScoredMembers,
  describeScoredMembers,
  findScored,
  freeScoredMembers,
  freeScoredSlice,
  freeUnordered,
  orderMembers,
  pointAtBlock,
  rankOfBlock,
  removeRanks,
  scoredBytesUsed,
  scoredCount,
  scoredGrowthBytes,
  setUnorderedScore,
  treeOf,
  verifyScoredMembers,
} from '../../../src/structures/sorted-set/scored-members.ts';
import { verifyTree } from '../../../src/structures/sorted-set/score-tree-check.ts';

const HASH_KEY = { k0: 1, k1: 2 };
const text = new EntryText();

class Members {
  readonly shard: Shard;
  readonly root: number;

  constructor(count: number, shardBytes = 64 << 20) {
    this.shard = new Shard(0, createShardMemory(shardBytes));
    this.root = createScoredMembers(this.shard);
    for (let i = 0; i < count; i++) expect(this.add(i)).toBe(true);
  }

  static hashOf(bytes: Bytes, at: number, byteCount: number): number {
    return hashBytes(bytes.view, at, byteCount, HASH_KEY, 0);
  }

  add(number: number): boolean {
    const name = Bytes.fromText(`m${number}`);
    const byteCount = name.u8.length;
    const hash = Members.hashOf(name, 0, byteCount);
    return addScored(this.shard, this.root, hash, (number * 7919) % 1009, name, 0, byteCount);
  }

  block(number: number, shard = this.shard, root = this.root): number {
    const name = Bytes.fromText(`m${number}`);
    const byteCount = name.u8.length;
    return findScored(shard, root, Members.hashOf(name, 0, byteCount), name, 0, byteCount);
  }

  order(shard = this.shard, root = this.root): string[] {
    const names: string[] = [];
    verifyTree(shard, treeOf(root), (score, block) => {
      pointAtBlock(shard, block, text);
      names.push(`${text} ${score}`);
    });
    return names;
  }
}

/** Leaves so many blocks of a few sizes free, and no more. */
function fillBut(shard: Shard, spareCount: number): void {
  const junk: number[] = [];
  for (const bytes of [65_536, 4312, 1016, 760, 160, 32, 16, 8]) {
    for (let at = allocate(shard, bytes); at !== 0; at = allocate(shard, bytes)) junk.push(at);
  }
  for (let i = 0; i < spareCount; i++) free(shard, junk.pop()!);
}

test('a copy in another shard has the same members in the same order', () => {
  const { shard, root, order, block } = new Members(5000);
  const members = { shard, root, order, block };
  const before = members.order();
  const other = new Shard(1, createShardMemory(64 << 20));
  const copy = copyScoredMembers(shard, root, other);
  expect(verifyScoredMembers(other, copy)).toBe(verifyAllocator(other));
  expect(members.order(other, copy)).toEqual(before);
  expect(members.order()).toEqual(before);
  verifyScoredMembers(shard, root);
  expect(blockScore(other, members.block(77, other, copy))).toBe((77 * 7919) % 1009);
});

test('a copy of nothing is empty', () => {
  const { shard, root } = new Members(0);
  const copy = copyScoredMembers(shard, root, shard);
  expect(scoredCount(shard, copy)).toBe(0);
  verifyScoredMembers(shard, copy);
});

describe('when memory runs out', () => {
  test('a copy leaves nothing behind and the original as it was', () => {
    const members = new Members(3000);
    const before = members.order();
    for (let shardBytes = 128 << 10; ; shardBytes += 32 << 10) {
      const other = new Shard(1, createShardMemory(shardBytes));
      const copy = copyScoredMembers(members.shard, members.root, other);
      expect(members.order()).toEqual(before);
      verifyScoredMembers(members.shard, members.root);
      if (copy !== 0) break;
      expect(verifyAllocator(other)).toBe(0);
    }
  });

  test('a member is added to both or to neither', () => {
    let refusedCount = 0;
    for (let spareCount = 0; spareCount < 200; spareCount += 3) {
      const members = new Members(500, 1 << 20);
      fillBut(members.shard, spareCount);
      for (let number = 500; number < 600; number++) {
        if (members.add(number)) continue;
        refusedCount++;
        expect(members.block(number)).toBe(0);
        verifyScoredMembers(members.shard, members.root);
        break;
      }
    }
    expect(refusedCount).toBeGreaterThan(10);
  });

  test('members that wait for their order can be freed without it', () => {
    const shard = new Shard(0, createShardMemory(1 << 20));
    const root = createScoredMembers(shard);
    let count = 0;
    for (; ; count++) {
      const name = Bytes.fromText(`m${count}`);
      const hash = Members.hashOf(name, 0, name.u8.length);
      if (addUnordered(shard, root, hash, count, name, 0, name.u8.length) === 0) break;
    }
    expect(orderMembers(shard, root)).toBe(false);
    freeUnordered(shard, root);
    expect(verifyAllocator(shard)).toBe(0);
  });
});

test('scores may change before the members are brought into order', () => {
  const shard = new Shard(0, createShardMemory(16 << 20));
  const root = createScoredMembers(shard);
  const blocks: number[] = [];
  for (let i = 0; i < 1000; i++) {
    const name = Bytes.fromText(`m${i}`);
    blocks.push(
      addUnordered(shard, root, Members.hashOf(name, 0, name.u8.length), i, name, 0, name.u8.length),
    );
  }
  blocks.forEach((block, i) => setUnorderedScore(shard, block, -i));
  expect(orderMembers(shard, root)).toBe(true);
  verifyScoredMembers(shard, root);
  expect(rankOfBlock(shard, root, blocks[999]!)).toBe(0);
  expect(rankOfBlock(shard, root, blocks[0]!)).toBe(999);
});

test('a span of ranks is removed from table and tree', () => {
  const members = new Members(4000);
  const { shard, root } = members;
  const before = members.order();
  const hashOf = ({ bytes, at, byteCount }: EntryText): number => Members.hashOf(bytes, at, byteCount);
  removeRanks(shard, root, 1000, 2500, text, hashOf);
  expect(members.order()).toEqual([...before.slice(0, 1000), ...before.slice(3500)]);
  verifyScoredMembers(shard, root);
});

test('growth is never more than what was said before', () => {
  const members = new Members(0);
  let number = 0;
  for (const count of [1, 30, 500, 5000, 20_000]) {
    const before = scoredBytesUsed(members.shard, members.root);
    const most = scoredGrowthBytes(members.shard, members.root, count) + count * 24;
    for (let i = 0; i < count; i++) members.add(number++);
    expect(scoredBytesUsed(members.shard, members.root) - before).toBeLessThanOrEqual(most);
  }
});

test('freeing goes part by part and leaves nothing', () => {
  const { shard, root } = new Members(3000);
  let slices = 0;
  for (let cursor = 0; cursor >= 0; slices++) {
    const before = shard.usedBytes;
    cursor = freeScoredSlice(shard, root, cursor, 256);
    expect(before - shard.usedBytes).toBeGreaterThan(0);
  }
  expect(slices).toBeGreaterThan(8);
  expect(verifyAllocator(shard)).toBe(0);
  const empty = new Members(0);
  freeScoredMembers(empty.shard, empty.root);
  expect(verifyAllocator(empty.shard)).toBe(0);
});

test('tells about itself in one line', () => {
  const { shard, root } = new Members(10);
  expect(describeScoredMembers(shard, root)).toContain('10 entries');
});
