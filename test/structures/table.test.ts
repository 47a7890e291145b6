/** The hash table of src/structures/table.ts. Long random runs are in test/fuzz. */

import { describe, expect, test } from 'bun:test';
import { AssertionError } from '../../src/base/assert.ts';
import { Prng } from '../support/prng.ts';
import { allocate, free, verifyAllocator } from '../../src/memory/allocator.ts';
import { createShardMemory, Shard } from '../../src/memory/shard.ts';
import {
  collectEntries,
  createTable,
  createTableFor,
  describeTable,
  findSlot,
  freeTable,
  glanceRef,
  glanceSlot,
  insertEntry,
  nextSlot,
  randomSlot,
  removeSlot,
  slotRef,
  tableBytesUsed,
  tableCount,
  tableDepth,
  tableDirectory,
  verifyTable,
} from '../../src/structures/table.ts';
import { TableFuzz } from '../fuzz/table.fuzz.ts';
import { freshSeed } from '../support/seed.ts';

const newShard = (bytes = 32 << 20): Shard => new Shard(0, createShardMemory(bytes));

/** A table of `count` entries with random hashes; the reference of each is 8 times its number, from 1. */
function filledTable(shard: Shard, count: number, seed = 1): { table: number; hashes: number[] } {
  const table = createTable(shard);
  const random = new Prng(seed);
  const hashes: number[] = [];
  for (let i = 0; i < count; i++) {
    hashes.push(random.next32() >>> 1);
    expect(insertEntry(shard, table, hashes[i]!, (i + 1) * 8)).not.toBe(0);
  }
  return { table, hashes };
}

function remove(shard: Shard, table: number, hash: number, ref: number): void {
  let slot = findSlot(shard, table, hash);
  while (slotRef(shard, slot) !== ref) slot = nextSlot(shard, slot, hash);
  removeSlot(shard, table, slot);
}

test('random operations agree with a Map, whatever the hashes and however full the shard', () => {
  const fuzz = new TableFuzz(freshSeed('table'));
  fuzz.run(60_000);
  expect(fuzz.refusedCount).toBeGreaterThan(0);
});

test('100,000 entries are found, take about 10.5 bytes each, and are all gone when removed', () => {
  const shard = newShard();
  const { table, hashes } = filledTable(shard, 100_000);
  expect(verifyTable(shard, table)).toBe(100_000);
  const perEntry = tableBytesUsed(shard, table) / 100_000;
  expect(perEntry).toBeGreaterThan(9);
  expect(perEntry).toBeLessThan(13);
  expect(tableBytesUsed(shard, table)).toBe(shard.usedBytes);
  hashes.forEach((hash, i) => remove(shard, table, hash, (i + 1) * 8));
  expect(tableCount(shard, table)).toBe(0);
  verifyTable(shard, table);
  // The directory and the segments went back to their beginnings, or nearly.
  expect(tableBytesUsed(shard, table)).toBeLessThan(4096);
  freeTable(shard, table);
  expect(verifyAllocator(shard)).toBe(0);
});

test('the directory halves when nothing needs its last bit any more', () => {
  const shard = newShard();
  const { table, hashes } = filledTable(shard, 50_000);
  const depth = tableDepth(shard, table);
  expect(depth).toBeGreaterThan(6);
  hashes.forEach((hash, i) => i >= 500 && remove(shard, table, hash, (i + 1) * 8));
  verifyTable(shard, table);
  expect(tableDepth(shard, table)).toBeLessThan(depth - 3);
  hashes.slice(0, 500).forEach((hash) => expect(findSlot(shard, table, hash)).not.toBe(0));
});

describe('hashes that collide', () => {
  const cases: Record<string, (i: number) => number> = {
    'one hash': () => 0x12345678,
    'the first hash': () => 0,
    'the last hash': () => 0x7fffffff,
    'a narrow range': (i) => 0x31415926 + (i & 63),
    'a range across the middle of a segment': (i) => (5 << 21) + (1 << 20) - 100 + (i % 200),
  };
  for (const [name, hashOf] of Object.entries(cases)) {
    test(`${name}, 10,000 times`, () => {
      const shard = newShard();
      const table = createTable(shard);
      for (let i = 0; i < 10_000; i++) {
        expect(insertEntry(shard, table, hashOf(i), (i + 1) * 8)).not.toBe(0);
        if (i < 300 || i % 500 === 0) verifyTable(shard, table);
      }
      expect(tableBytesUsed(shard, table)).toBeLessThan(10_000 * 60);
      const out: number[] = [];
      expect(collectEntries(shard, table, 0, 20_000, out)).toBe(-1);
      expect(out.length).toBe(20_000);
      for (let i = 0; i < 10_000; i++) remove(shard, table, hashOf(i), (i + 1) * 8);
      verifyTable(shard, table);
      expect(tableBytesUsed(shard, table)).toBeLessThan(20_000);
    });
  }

  test('too many in one place are refused before anything goes wrong', () => {
    const shard = newShard();
    const table = createTable(shard);
    const hashOf = (i: number): number => (5 << 21) + (1 << 20) - 32_768 + ((i * 40_503) & 0xffff);
    let count = 0;
    while (insertEntry(shard, table, hashOf(count), (count + 1) * 8) !== 0) count++;
    expect(count).toBeGreaterThan(50_000);
    expect(verifyTable(shard, table)).toBe(count);
  });

  test('30 of the last hash do not cost a megabyte', () => {
    const shard = newShard();
    const table = createTable(shard);
    for (let i = 0; i < 30; i++) insertEntry(shard, table, 0x7fffffff, (i + 1) * 8);
    expect(verifyTable(shard, table)).toBe(30);
    expect(tableBytesUsed(shard, table)).toBeLessThan(100_000);
  });
});

test('a walk returns hashes in order, those of one hash together', () => {
  const shard = newShard();
  const { table } = filledTable(shard, 5000);
  for (let i = 0; i < 50; i++) insertEntry(shard, table, 0x40000000, 80_000 + i * 8);
  const out: number[] = [];
  for (let cursor = 0; cursor >= 0;) {
    const start = out.length;
    cursor = collectEntries(shard, table, cursor, 7, out);
    if (cursor >= 0) expect(out.length - start).toBeGreaterThanOrEqual(14);
    expect(out.length - start).toBeLessThan(14 + 120);
  }
  expect(out.length).toBe(5050 * 2);
  for (let i = 2; i < out.length; i += 2) expect(out[i]!).toBeGreaterThanOrEqual(out[i - 2]!);
});

test('randomSlot draws every entry equally often, however unequally segments are filled', () => {
  const shard = newShard();
  const { table, hashes } = filledTable(shard, 3000);
  // Of one quarter of the hashes little is left, so that segments there are small and merged.
  const kept = hashes.flatMap((hash, i) => (hash >>> 29 !== 1 || i % 20 === 0 ? [(i + 1) * 8] : []));
  hashes.forEach((hash, i) => {
    if (hash >>> 29 === 1 && i % 20 !== 0) remove(shard, table, hash, (i + 1) * 8);
  });
  const random = new Prng(3);
  const counts = new Map(kept.map((ref) => [ref, 0]));
  let drawn = 0;
  for (let i = 0; i < 400_000; i++) {
    const slot = randomSlot(shard, table, random.next32() + random.next32() / 2 ** 32);
    if (slot === 0) continue;
    drawn++;
    counts.set(slotRef(shard, slot), counts.get(slotRef(shard, slot))! + 1);
  }
  expect(drawn).toBeGreaterThan(50_000);
  expect(counts.size).toBe(kept.length);
  const mean = drawn / kept.length;
  let statistic = 0;
  for (const count of counts.values()) statistic += (count - mean) ** 2 / mean;
  expect(Math.abs(statistic - kept.length) / Math.sqrt(2 * kept.length)).toBeLessThan(6);
});

test('a table made for so many entries is no larger when they come in the order of their hashes', () => {
  const shard = newShard();
  const { table, hashes } = filledTable(shard, 100_000);
  const inOrder = createTableFor(shard, 100_000);
  hashes.toSorted((a, b) => a - b).forEach((hash, i) => insertEntry(shard, inOrder, hash, (i + 1) * 8));
  expect(verifyTable(shard, inOrder)).toBe(100_000);
  expect(tableBytesUsed(shard, inOrder)).toBeLessThan(tableBytesUsed(shard, table) * 1.2);
  for (const count of [0, 1, 300, 400, 1000])
    expect(verifyTable(shard, createTableFor(shard, count))).toBe(0);
});

test('a table for many entries that cannot be made leaves nothing behind', () => {
  const shard = newShard(1 << 20);
  for (let i = 0; i < 40; i++) allocate(shard, 16_000);
  const used = verifyAllocator(shard);
  expect(createTableFor(shard, 2_000_000)).toBe(0);
  expect(verifyAllocator(shard)).toBe(used);
});

test('an insert that finds no room at any of its steps leaves every entry where it was', () => {
  const shard = newShard(1 << 20);
  const { table, hashes } = filledTable(shard, 3000);
  const junk: number[] = [];
  for (let bytes = 1 << 19; bytes >= 8; bytes >>= 1) {
    for (let at = allocate(shard, bytes); at !== 0; at = allocate(shard, bytes)) junk.push(at);
  }
  const random = new Prng(5);
  let refused = 0;
  let taken = 0;
  while (junk.length > 0) {
    // One more block free each time: the first allocation succeeds, then the second …
    free(shard, junk.splice(random.below(junk.length), 1)[0]!);
    for (let i = 0; i < 20; i++) {
      const hash = random.next32() >>> 1;
      if (insertEntry(shard, table, hash, (hashes.length + 1) * 8) === 0) refused++;
      else {
        hashes.push(hash);
        taken++;
      }
    }
    expect(verifyTable(shard, table)).toBe(hashes.length);
    verifyAllocator(shard);
  }
  expect(refused).toBeGreaterThan(100);
  expect(taken).toBeGreaterThan(100);
  hashes.forEach((hash, i) => remove(shard, table, hash, (i + 1) * 8));
  expect(verifyTable(shard, table)).toBe(0);
});

test('a table that cannot be made takes nothing', () => {
  const shard = newShard(1 << 20);
  const junk: number[] = [];
  for (let at = allocate(shard, 24); at !== 0; at = allocate(shard, 24)) junk.push(at);
  let used = verifyAllocator(shard);
  expect(createTable(shard)).toBe(0);
  // Room for the root alone, then for the directory too.
  for (let i = 0; i < 2; i++) {
    free(shard, junk[i]!);
    used -= 24;
    expect(createTable(shard)).toBe(0);
    expect(verifyAllocator(shard)).toBe(used);
  }
});

test('a glance without the lock finds what is there, and stays inside the shard whatever it meets', () => {
  const shard = newShard();
  const { table, hashes } = filledTable(shard, 20_000);
  const { words } = shard;
  const directory = tableDirectory(shard, table);
  const depth = tableDepth(shard, table);
  let right = 0;
  hashes.forEach((hash, i) => {
    const slot = glanceSlot(words, directory, depth, hash);
    if (glanceRef(words, slot, hash) === (i + 1) * 8) right++;
  });
  expect(right).toBeGreaterThan(19_000);
  const random = new Prng(9);
  const noise = new Int32Array(1 << 16).map(() => random.next32() >> random.below(28));
  for (let i = 0; i < 100_000; i++) {
    const hash = random.next32() >>> 1;
    const slot = glanceSlot(
      noise,
      random.next32() >> random.below(28),
      random.next32() >> random.below(32),
      hash,
    );
    const ref = glanceRef(noise, slot, hash);
    if (noise[slot] === undefined || noise[(ref >>> 2) + 12] === undefined)
      throw new Error(`word ${slot}, ${ref}`);
  }
});

/** The checker must find what is broken, else every test above proves nothing. Words as drawn in table.ts. */
describe('verifyTable notices', () => {
  const root = (shard: Shard, table: number): Int32Array =>
    shard.words.subarray(table >> 2, (table >> 2) + 5);
  const directoryWord = (shard: Shard, table: number): number => tableDirectory(shard, table) >> 2;
  const segmentWord = (shard: Shard, table: number): number =>
    shard.words[directoryWord(shard, table) + 4]! >> 2;
  /** A used slot that is not the first of its segment. */
  const usedSlot = (shard: Shard, table: number): number => {
    const first = segmentWord(shard, table) + 4;
    for (let slot = first + 20; ; slot += 2) if (shard.words[slot + 1] !== 0) return slot;
  };
  const emptySlot = (shard: Shard, table: number): number => {
    const first = segmentWord(shard, table) + 4;
    for (let slot = first + 20; ; slot += 2) if (shard.words[slot + 1] === 0) return slot;
  };
  const endSlot = (shard: Shard, table: number): number =>
    segmentWord(shard, table) + 4 + shard.words[segmentWord(shard, table) + 2]! * 2;

  const places: Record<string, [(shard: Shard, table: number) => number, (old: number) => number]> = {
    'a wrong count': [(_shard, table) => (table >> 2) + 2, (old) => old + 1],
    'a wrong number of segments': [(_shard, table) => (table >> 2) + 3, (old) => old - 1],
    'a wrong number of deep segments': [(_shard, table) => (table >> 2) + 4, (old) => old + 1],
    'a directory one level too shallow': [(_shard, table) => table >> 2, (old) => old - 1],
    'a directory place that points elsewhere': [directoryWord, (old) => old + 8],
    'a shape with another depth': [(shard, table) => directoryWord(shard, table) + 1, (old) => old ^ 1],
    'a shape with other homes': [(shard, table) => directoryWord(shard, table) + 1, (old) => old + 32],
    'a segment of another depth': [segmentWord, (old) => old - 1],
    'a segment of other homes': [(shard, table) => segmentWord(shard, table) + 1, (old) => old + 1],
    'a segment of other slots': [(shard, table) => segmentWord(shard, table) + 2, (old) => old - 1],
    'a segment of another count': [(shard, table) => segmentWord(shard, table) + 3, (old) => old + 1],
    'a hash out of order': [usedSlot, (old) => old ^ 0x7fff0000],
    'an entry lost': [(shard, table) => usedSlot(shard, table) + 1, () => 0],
    'an entry from nowhere': [(shard, table) => emptySlot(shard, table) + 1, () => 8],
    'an entry behind the last slot': [(shard, table) => endSlot(shard, table) + 1, () => 8],
  };
  for (const [name, [place, change]] of Object.entries(places)) {
    test(name, () => {
      const shard = newShard();
      const { table } = filledTable(shard, 3000);
      const word = place(shard, table);
      shard.words[word] = change(shard.words[word]!);
      expect(() => verifyTable(shard, table)).toThrow(AssertionError);
    });
  }

  test('nothing in a sound table', () => {
    const shard = newShard();
    const { table } = filledTable(shard, 3000);
    expect(verifyTable(shard, table)).toBe(3000);
    expect(root(shard, table)[2]).toBe(3000);
    expect(describeTable(shard, table)).toContain('3000 entries');
  });
});
