import { expect, test } from 'bun:test';
import { verifyAllocator } from '../../../src/memory/allocator.ts';
import { createShardMemory, Head, Header, Shard } from '../../../src/memory/shard.ts';
import {
  forgetGhosts,
  ghostBytes,
  makeGhostPlaces,
  recallGhost,
  rememberGhost,
} from '../../../src/store/eviction/ghosts.ts';
import { createTable, insertEntry } from '../../../src/structures/table.ts';

function shardWith(entryCount: number): Shard {
  const shard = new Shard(0, createShardMemory(16 << 20));
  const table = createTable(shard);
  shard.heads[shard.head + Head.Table] = table;
  for (let i = 0; i < entryCount; i++) insertEntry(shard, table, Math.imul(i, 0x9e3779b1) >>> 1, 8);
  return shard;
}

test('a count is recalled once, and nothing where nothing was remembered', () => {
  const shard = shardWith(100);
  expect(recallGhost(shard, 12345)).toBe(-1);
  rememberGhost(shard, 12345, 7);
  expect(recallGhost(shard, 12345)).toBe(-1);
  makeGhostPlaces(shard);
  rememberGhost(shard, 12345, 7);
  rememberGhost(shard, 0x7fffffff, 255);
  expect([recallGhost(shard, 12345), recallGhost(shard, 12345)]).toEqual([7, -1]);
  expect(recallGhost(shard, 0x7fffffff)).toBe(255);
});

test('there are places for most of as many keys as there are, and few are taken for others', () => {
  const count = 20_000;
  const shard = shardWith(count);
  makeGhostPlaces(shard);
  const hashOf = (i: number): number => Math.imul(i + 1, 0x85ebca6b) >>> 1;
  for (let i = 0; i < count; i++) rememberGhost(shard, hashOf(i), i & 255);
  let recalled = 0;
  for (let i = 0; i < count; i++) if (recallGhost(shard, hashOf(i)) === (i & 255)) recalled++;
  expect(recalled).toBeGreaterThan(count * 0.6);
  for (let i = 0; i < count; i++) rememberGhost(shard, hashOf(i), 1);
  let mistaken = 0;
  for (let i = count; i < 2 * count; i++) if (recallGhost(shard, hashOf(i)) !== -1) mistaken++;
  expect(mistaken).toBeLessThan(count / 60);
});

test('the block grows with the keys, counts as used, and goes', () => {
  const shard = shardWith(100);
  const before = shard.usedBytes;
  makeGhostPlaces(shard);
  expect(shard.usedBytes - before).toBe(ghostBytes(shard));
  const table = shard.heads[shard.head + Head.Table]!;
  const small = ghostBytes(shard);
  for (let i = 100; i < 5000; i++) insertEntry(shard, table, Math.imul(i, 0x9e3779b1) >>> 1, 8);
  makeGhostPlaces(shard);
  expect(ghostBytes(shard)).toBeGreaterThan(small);
  expect(shard.words[Header.GhostCount]).toBeGreaterThanOrEqual(10_000);
  const used = shard.usedBytes;
  const grown = ghostBytes(shard);
  forgetGhosts(shard);
  expect([ghostBytes(shard), shard.usedBytes]).toEqual([0, used - grown]);
  forgetGhosts(shard);
  expect(verifyAllocator(shard)).toBe(shard.usedBytes);
});

test('without memory for it nothing is remembered', () => {
  const shard = shardWith(100);
  const full = new Shard(0, createShardMemory(1 << 20));
  full.heads[full.head + Head.Table] = createTable(full);
  full.words[Header.TopPage] = full.words[Header.PageCount]!;
  for (let i = 0; i < 20; i++) makeGhostPlaces(full);
  rememberGhost(full, 1, 1);
  expect(recallGhost(full, 1)).toBe(-1);
  expect(ghostBytes(shard)).toBe(0);
});
