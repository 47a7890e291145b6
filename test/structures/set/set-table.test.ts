/** Tables of sets. What they share with other tables is tested in member-table.test.ts. */

import { describe, expect, test } from 'bun:test';
import { AssertionError } from '../../../src/base/assert.ts';
import { Bytes } from '../../../src/base/bytes.ts';
import { allocate, verifyAllocator } from '../../../src/memory/allocator.ts';
import { createShardMemory, Shard } from '../../../src/memory/shard.ts';
import {
  addSetMember,
  createSetMember,
  findSetMember,
  removeSetMember,
  setTableKind,
} from '../../../src/structures/set/set-table.ts';
import { createTable, insertEntry, slotRef, tableCount } from '../../../src/structures/table.ts';

const newShard = (bytes = 4 << 20): Shard => new Shard(0, createShardMemory(bytes));
const input = Bytes.allocate(8192);
const add = (shard: Shard, table: number, hash: number, text: string): boolean =>
  addSetMember(shard, table, hash, input, 0, input.u8.write(text));
const find = (shard: Shard, table: number, hash: number, text: string): number =>
  findSetMember(shard, table, hash, input, 0, input.u8.write(text));

function filled(shard: Shard, count: number): number {
  const table = createTable(shard);
  for (let i = 0; i < count; i++) add(shard, table, i * 1_000_003, `member ${i}`);
  return table;
}

test('members come, are found, and go, and so does their memory', () => {
  const shard = newShard();
  const table = filled(shard, 1000);
  expect(setTableKind.verify(shard, table)).toBe(shard.usedBytes);
  expect(setTableKind.bytesUsed(shard, table)).toBe(shard.usedBytes);
  expect(setTableKind.describe(shard, table)).toContain('1000 entries');
  for (let i = 0; i < 999; i++) {
    removeSetMember(shard, table, find(shard, table, i * 1_000_003, `member ${i}`));
    expect(find(shard, table, i * 1_000_003, `member ${i}`)).toBe(0);
  }
  expect(setTableKind.verify(shard, table)).toBe(shard.usedBytes);
  expect(setTableKind.freeSlice(shard, table, 0, 10)).toBe(-1);
  expect(verifyAllocator(shard)).toBe(0);
});

test('an addition that finds no room changes nothing', () => {
  const shard = newShard(1 << 20);
  const table = filled(shard, 100);
  for (let bytes = 1 << 19; bytes >= 8; bytes >>= 1) while (allocate(shard, bytes) !== 0) continue;
  const used = verifyAllocator(shard);
  let refused = 0;
  for (let i = 0; i < 500; i++) if (!add(shard, table, i, 'x'.repeat(40))) refused++;
  expect(refused).toBe(500);
  expect(verifyAllocator(shard)).toBe(used);
  expect(tableCount(shard, table)).toBe(100);
});

describe('verify notices', () => {
  test('a member twice', () => {
    const shard = newShard();
    const table = filled(shard, 10);
    add(shard, table, 3_000_009, 'member 3');
    expect(() => setTableKind.verify(shard, table)).toThrow(AssertionError);
  });

  test('a length that does not fit its block', () => {
    const shard = newShard();
    const table = filled(shard, 10);
    shard.bytes.u8[slotRef(shard, find(shard, table, 0, 'member 0'))] = 200;
    expect(() => setTableKind.verify(shard, table)).toThrow(AssertionError);
  });

  test('a set without members', () => {
    const shard = newShard();
    expect(() => setTableKind.verify(shard, createTable(shard))).toThrow(AssertionError);
  });

  test('an entry that leads to no block', () => {
    const shard = newShard();
    const table = filled(shard, 10);
    const block = createSetMember(shard, input, 0, 5);
    insertEntry(shard, table, 99, block + 4096 * 64);
    expect(() => setTableKind.verify(shard, table)).toThrow(AssertionError);
  });
});
