/** Tables of members, as sets, hashes and sorted sets share them. Long random runs are in test/fuzz. */

import { describe, expect, test } from 'bun:test';
import { Bytes } from '../../src/base/bytes.ts';
import { allocate, free, verifyAllocator } from '../../src/memory/allocator.ts';
import { createShardMemory, Shard } from '../../src/memory/shard.ts';
import {
  copyMembers,
  drawMembers,
  fetchMembers,
  findMember,
  freeMembersSlice,
  memberByteCount,
  memberTextAt,
  memberTextBytes,
  pointAtMember,
  randomMemberSlot,
  visitMembers,
  writeMemberText,
} from '../../src/structures/member-table.ts';
import { EntryText } from '../../src/structures/packed-entry.ts';
import {
  createTable,
  findSlot,
  insertEntry,
  nextSlot,
  removeSlot,
  slotRef,
  tableBytesUsed,
  tableCount,
  verifyTable,
} from '../../src/structures/table.ts';
import { MemberTableFuzz } from '../fuzz/member-table.fuzz.ts';
import { Prng } from '../support/prng.ts';
import { freshSeed } from '../support/seed.ts';

const HEAD_BYTES = 8;
const newShard = (bytes = 16 << 20): Shard => new Shard(0, createShardMemory(bytes));

const input = Bytes.allocate(80_000);

/** Adds a member with a head of HEAD_BYTES and no tail. */
function add(shard: Shard, table: number, hash: number, text: string): number {
  const length = input.u8.write(text);
  const block = allocate(shard, HEAD_BYTES + memberTextBytes(length));
  writeMemberText(shard, block + HEAD_BYTES, input, 0, length);
  insertEntry(shard, table, hash, block);
  return block;
}

function find(shard: Shard, table: number, hash: number, text: string): number {
  const slot = findMember(shard, table, HEAD_BYTES, hash, input, 0, input.u8.write(text));
  return slot === 0 ? 0 : slotRef(shard, slot);
}

const blockBytesOf = (shard: Shard, block: number): number =>
  HEAD_BYTES + memberTextBytes(memberByteCount(shard, block + HEAD_BYTES));

function textsOf(shard: Shard, table: number): string[] {
  const texts: string[] = [];
  const text = new EntryText();
  visitMembers(shard, table, (_hash, block) => {
    pointAtMember(shard, block + HEAD_BYTES, text);
    texts.push(text.toString());
  });
  return texts;
}

test('random operations agree with a Map, whatever the hashes and however full the shards', () => {
  const fuzz = new MemberTableFuzz(freshSeed('member-table'));
  fuzz.run(30_000);
  expect(fuzz.refusedCount).toBeGreaterThan(0);
  expect(fuzz.copyCount).toBeGreaterThan(0);
});

test('a text of up to 253 bytes takes one byte more, a longer one five', () => {
  const shard = newShard();
  const table = createTable(shard);
  for (const length of [0, 1, 252, 253, 254, 255, 256, 70_000]) {
    expect(memberTextBytes(length)).toBe(length + (length <= 253 ? 1 : 5));
    const text = 'é'.repeat(length >> 1) + 'x'.repeat(length & 1);
    const block = add(shard, table, length, text);
    expect(memberByteCount(shard, block + HEAD_BYTES)).toBe(length);
    expect(memberTextAt(shard, block + HEAD_BYTES)).toBe(block + HEAD_BYTES + (length <= 253 ? 1 : 5));
    expect(find(shard, table, length, text)).toBe(block);
  }
});

test('a text can be written from the shard itself', () => {
  const shard = newShard();
  const table = createTable(shard);
  const block = add(shard, table, 1, 'from here');
  const copy = allocate(shard, 64);
  const from = memberTextAt(shard, block + HEAD_BYTES);
  expect(writeMemberText(shard, copy, shard.bytes, from, 9)).toBe(copy + 10);
  const text = new EntryText();
  pointAtMember(shard, copy, text);
  expect(text.toString()).toBe('from here');
});

test('members of one hash are told apart by their texts', () => {
  const shard = newShard();
  const table = createTable(shard);
  const texts = ['', 'a', 'b', 'ab', 'ba', 'abc', 'x'.repeat(254), 'x'.repeat(255)];
  const blocks = texts.map((text) => add(shard, table, 77, text));
  expect(texts.map((text) => find(shard, table, 77, text))).toEqual(blocks);
  expect(find(shard, table, 77, 'c')).toBe(0);
  expect(find(shard, table, 78, 'a')).toBe(0);
  expect(find(shard, table, 77, 'x'.repeat(253))).toBe(0);
});

test('a copy has the same members in blocks of its own, is no larger, and outlives the original', () => {
  const shard = newShard();
  const other = new Shard(1, createShardMemory(16 << 20));
  const table = createTable(shard);
  const random = new Prng(1);
  for (let i = 0; i < 20_000; i++) add(shard, table, random.next32() >>> 1, `member ${i}`);
  const texts = textsOf(shard, table);
  for (const to of [shard, other]) {
    const copy = copyMembers(shard, table, to, blockBytesOf);
    expect(textsOf(to, copy)).toEqual(texts);
    verifyTable(to, copy);
    // Filled in the order of the hashes it could be three times as large.
    expect(tableBytesUsed(to, copy)).toBeLessThan(tableBytesUsed(shard, table) * 1.15);
    expect(freeMembersSlice(to, copy, 0, Infinity)).toBe(-1);
  }
  expect(verifyAllocator(other)).toBe(0);
  freeMembersSlice(shard, table, 0, Infinity);
  expect(verifyAllocator(shard)).toBe(0);
});

test('a copy that finds no room at any of its steps leaves nothing behind', () => {
  const shard = newShard();
  const table = createTable(shard);
  for (let i = 0; i < 2000; i++) add(shard, table, i * 1_000_003, `member ${i}`);
  const to = new Shard(1, createShardMemory(1 << 20));
  const junk: number[] = [];
  for (let bytes = 32768; bytes >= 8; bytes >>= 1) {
    for (let at = allocate(to, bytes); at !== 0; at = allocate(to, bytes)) junk.push(at);
  }
  const random = new Prng(3);
  let failures = 0;
  let copy = 0;
  for (; copy === 0; failures++) {
    const used = to.usedBytes;
    copy = copyMembers(shard, table, to, blockBytesOf);
    if (copy !== 0) break;
    expect(verifyAllocator(to)).toBe(used);
    free(to, junk.splice(random.below(junk.length), 1)[0]!);
  }
  expect(tableCount(to, copy)).toBe(2000);
  expect(failures).toBeGreaterThan(10);
});

test('members are freed a slice at a time, each once', () => {
  const shard = newShard();
  const table = createTable(shard);
  const random = new Prng(2);
  for (let i = 0; i < 10_000; i++) add(shard, table, random.next32() >>> 1, `member ${i}`);
  let slices = 0;
  let cursor = 0;
  for (; cursor >= 0; slices++) {
    const before = shard.usedBytes;
    cursor = freeMembersSlice(shard, table, cursor, 100);
    expect(shard.usedBytes).toBeLessThan(before);
    if (cursor >= 0) expect(before - shard.usedBytes).toBeLessThan(400 * 32);
  }
  expect(slices).toBeGreaterThan(30);
  expect(verifyAllocator(shard)).toBe(0);
});

describe('members drawn at random', () => {
  /** Pearson's statistic as a deviation from its mean: within 5 of 0 but for one run in a million. */
  function deviation(counts: readonly number[]): number {
    const mean = counts.reduce((sum, count) => sum + count, 0) / counts.length;
    const statistic = counts.reduce((sum, count) => sum + (count - mean) ** 2 / mean, 0);
    return (statistic - (counts.length - 1)) / Math.sqrt(2 * (counts.length - 1));
  }

  function filled(shard: Shard, count: number, kept: number): { table: number; blocks: Map<number, number> } {
    const table = createTable(shard);
    const random = new Prng(count);
    const blocks = new Map<number, number>();
    for (let i = 0; i < count; i++) {
      const hash = random.next32() >>> 1;
      const block = add(shard, table, hash, `m${i}`);
      if (i < kept) blocks.set(block, 0);
    }
    const strangers: [hash: number, block: number][] = [];
    visitMembers(shard, table, (hash, block) => blocks.has(block) || strangers.push([hash, block]));
    for (const [hash, block] of strangers) {
      let slot = findSlot(shard, table, hash);
      while (slotRef(shard, slot) !== block) slot = nextSlot(shard, slot, hash);
      removeSlot(shard, table, slot);
      free(shard, block);
    }
    return { table, blocks };
  }

  const cases = {
    one: [1, 1],
    few: [100, 100],
    many: [20_000, 20_000],
    'what is left of many': [60_000, 300],
  };
  for (const [name, [count, kept]] of Object.entries(cases)) {
    test(`are equally likely: ${name}`, () => {
      const shard = newShard();
      const { table, blocks } = filled(shard, count!, kept!);
      for (let i = 0; i < blocks.size * 20; i++) {
        const block = slotRef(shard, randomMemberSlot(shard, table));
        blocks.set(block, blocks.get(block)! + 1);
      }
      expect(blocks.size).toBe(kept!);
      if (kept! > 1) expect(Math.abs(deviation([...blocks.values()]))).toBeLessThan(6);
    });
  }

  test('are drawn even where hashes are as bad as can be', () => {
    const shard = newShard();
    const table = createTable(shard);
    for (let i = 0; i < 3000; i++) add(shard, table, 5, `m${i}`);
    const seen = new Set<number>();
    for (let i = 0; i < 3000; i++) seen.add(slotRef(shard, randomMemberSlot(shard, table)));
    expect(seen.size).toBeGreaterThan(1000);
  });

  test('several are different, and every one is as likely to be among them', () => {
    const shard = newShard();
    const { table, blocks } = filled(shard, 3000, 1000);
    for (let round = 0; round < 200; round++) {
      const out: number[] = [];
      drawMembers(shard, table, 100, out);
      expect(out.length).toBe(200);
      expect(new Set(out.filter((_, index) => index % 2 === 1)).size).toBe(100);
      for (let i = 0; i < out.length; i += 2) {
        let slot = findSlot(shard, table, out[i]!);
        while (slotRef(shard, slot) !== out[i + 1]) slot = nextSlot(shard, slot, out[i]!);
        blocks.set(out[i + 1]!, blocks.get(out[i + 1]!)! + 1);
      }
    }
    // Draws without repetition vary less than the statistic takes for granted.
    expect(deviation([...blocks.values()])).toBeLessThan(6);
  });
});

test('fetching members ahead reads inside the shard, whether they are there or not', () => {
  const shard = newShard(1 << 20);
  const table = createTable(shard);
  for (let i = 0; i < 500; i++) add(shard, table, i * 4_000_037, `m${i}`);
  const random = new Prng(4);
  for (let round = 0; round < 200; round++) {
    const hashes = Int32Array.from({ length: 32 }, (_, i) => (i & 1 ? random.next32() >>> 1 : i * 4_000_037));
    expect(() => fetchMembers(shard, table, hashes, 32)).not.toThrow();
  }
});
