/** The allocator and the page runs below it. Long random runs are in test/fuzz. */

import { describe, expect, test } from 'bun:test';
import { AssertionError } from '../../src/base/assert.ts';
import {
  allocate,
  blockBytes,
  free,
  hasRoomFor,
  resetAllocator,
  usableBytes,
  verifyAllocator,
} from '../../src/memory/allocator.ts';
import { PageEntry, pageEntryWord, PageKind, pageKind } from '../../src/memory/pages.ts';
import { createShardMemory, Head, Header, PAGE_BYTES, PAGE_SHIFT, Shard } from '../../src/memory/shard.ts';
import { AllocatorFuzz } from '../fuzz/allocator.fuzz.ts';
import { freshSeed } from '../support/seed.ts';

const newShard = (bytes = 4 << 20): Shard => new Shard(0, createShardMemory(bytes));

test('random blocks of all sizes keep what was written into them, and are all given back', () => {
  const fuzz = new AllocatorFuzz(freshSeed('allocator'));
  fuzz.run(30_000);
  expect(fuzz.refusedCount).toBeGreaterThan(0);
});

test('a block has at least the bytes asked for, at most an eighth or a page more', () => {
  const shard = newShard();
  for (let bytes = 0; bytes < 70_000; bytes = Math.max(bytes + 1, Math.floor(bytes * 1.01))) {
    const at = allocate(shard, bytes);
    const room = usableBytes(shard, at);
    expect(room).toBe(blockBytes(bytes));
    expect(room).toBeGreaterThanOrEqual(bytes);
    expect(room).toBeLessThanOrEqual(
      Math.max(bytes + 8, bytes * 1.126, bytes > 32768 ? bytes + PAGE_BYTES : 0),
    );
    free(shard, at);
  }
  expect(verifyAllocator(shard)).toBe(0);
});

test('a full shard answers 0 and serves again when something is freed', () => {
  const shard = newShard();
  const blocks: number[] = [];
  for (let at = allocate(shard, 100_000); at !== 0; at = allocate(shard, 100_000)) blocks.push(at);
  const used = verifyAllocator(shard);
  expect(allocate(shard, 100_000)).toBe(0);
  expect(allocate(shard, 2 ** 31)).toBe(0);
  expect(verifyAllocator(shard)).toBe(used);
  free(shard, blocks[3]!);
  expect(allocate(shard, 100_000)).toBe(blocks[3]!);
  expect(shard.usedBytes).toBe(used);
});

test('reset drops every block at once', () => {
  const shard = newShard();
  for (let i = 0; i < 1000; i++) allocate(shard, i * 10);
  resetAllocator(shard);
  expect(verifyAllocator(shard)).toBe(0);
  expect(allocate(shard, 3 << 20)).not.toBe(0);
  verifyAllocator(shard);
});

test('where there is said to be room there is, also for blocks of many sizes', () => {
  // The sum of the sizes is small, but each opens a slab.
  for (const sizeMax of [8000, 32_000]) {
    const sizes: number[] = [];
    for (let size = 130; size < sizeMax; size = Math.ceil(size * 1.12)) sizes.push(size);
    const byteCount = sizes.reduce((sum, size) => sum + size);
    let answers = '';
    for (let freeBytes = 1 << 20; freeBytes < 10 << 20; freeBytes += 256 << 10) {
      const shard = newShard(12 << 20);
      allocate(shard, freeBytes);
      // All the rest, and then the first block is free again.
      for (let rest = shard.untouchedBytes; rest > 32_768; rest = shard.untouchedBytes) allocate(shard, rest);
      free(shard, shard.words[Header.FirstPage]! << PAGE_SHIFT);
      const hasRoom = hasRoomFor(shard, byteCount);
      const isDone = sizes.every((size) => allocate(shard, size) !== 0);
      answers += hasRoom ? (isDone ? 'Y' : '!') : '.';
    }
    expect(answers).toMatch(/^\.+Y+$/);
  }
});

describe('free refuses', () => {
  const shard = newShard();
  const small = allocate(shard, 64);
  const other = allocate(shard, 64);
  const large = allocate(shard, 100_000);
  const refused = (at: number): void => expect(() => free(shard, at)).toThrow(AssertionError);

  test('the middle of a small block', () => refused(small + 8));
  test('the middle of a large block', () => refused(large + PAGE_BYTES));
  test('a block never handed out', () => refused(other + 64));
  test('the header of the shard', () => refused(64));
  test('a large block twice', () => {
    free(shard, large);
    refused(large);
  });
});

/** The checker must find what is broken, else every test above proves nothing. */
describe('verifyAllocator notices', () => {
  /** A shard with slabs full and half full, of several classes, large blocks, and free runs between them. */
  function furnished(): Shard {
    const shard = newShard();
    const blocks: number[] = [];
    for (let i = 0; i < 3000; i++) blocks.push(allocate(shard, 40 + (i % 3) * 200));
    for (let i = 0; i < 8; i++) blocks.push(allocate(shard, 40_000 + i * 5000));
    for (let i = 0; i < blocks.length; i++) if (i % 7 === 0 || i % 11 === 3) free(shard, blocks[i]!);
    for (let i = 1; i < 8; i += 3)
      if ((3000 + i) % 7 !== 0 && (3000 + i) % 11 !== 3) free(shard, blocks[3000 + i]!);
    verifyAllocator(shard);
    return shard;
  }

  const firstPage = (shard: Shard, kind: PageKind): number => {
    for (let page = shard.words[Header.FirstPage]!; ; page++) {
      if (pageKind(shard.words[pageEntryWord(page)]!) === kind) return page;
    }
  };
  /** A slab with blocks that were freed. */
  const slabWithFree = (shard: Shard): number => {
    for (let page = shard.words[Header.FirstPage]!; ; page++) {
      const entry = pageEntryWord(page);
      if (pageKind(shard.words[entry]!) === PageKind.Slab && shard.words[entry + 1] !== 0) return page;
    }
  };
  const classHead = (shard: Shard): number =>
    shard.words.findIndex((word, index) => index >= Header.ClassHeads && word !== 0);
  const runBin = (shard: Shard): number =>
    shard.words.findIndex((word, index) => index >= Header.RunBins && word !== 0);

  const places: Record<string, (shard: Shard) => number> = {
    'the top page': () => Header.TopPage,
    'the held pages': () => Header.HeldPages,
    'the dirty pages': () => Header.DirtyPages,
    'the head of a class': classHead,
    'the map of run bins': () => Header.RunBinMap,
    'the head of a run bin': runBin,
    'the tag of a slab': (shard) => pageEntryWord(firstPage(shard, PageKind.Slab)),
    'the free list of a slab': (shard) => pageEntryWord(slabWithFree(shard)) + 1,
    'the live blocks of a slab': (shard) => pageEntryWord(slabWithFree(shard)) + 2,
    'the carved blocks of a slab': (shard) => pageEntryWord(slabWithFree(shard)) + 3,
    'the next slab of a class': (shard) => pageEntryWord(slabWithFree(shard)) + 5,
    'the slab before in a class': (shard) => pageEntryWord(slabWithFree(shard)) + 6,
    'the tag of a tail of a slab': (shard) => pageEntryWord(firstPage(shard, PageKind.SlabTail)),
    'the tag of a large block': (shard) => pageEntryWord(firstPage(shard, PageKind.Large)),
    'the tag of a free run': (shard) => pageEntryWord(firstPage(shard, PageKind.Free)),
    'the end tag of a free run': (shard) => pageEntryWord(firstPage(shard, PageKind.FreeEnd)),
    'the next free run': (shard) => pageEntryWord(firstPage(shard, PageKind.Free)) + PageEntry.Next,
    'the free run before': (shard) => pageEntryWord(firstPage(shard, PageKind.Free)) + PageEntry.Prev,
    'whether a free run was touched': (shard) =>
      pageEntryWord(firstPage(shard, PageKind.Free)) + PageEntry.Touched,
    'a link inside a free block': (shard) => shard.words[pageEntryWord(slabWithFree(shard)) + 1]! >> 2,
  };

  for (const [name, place] of Object.entries(places)) {
    test(name, () => {
      const reference = furnished();
      const word = place(reference);
      // Off by one, cleared, gone astray to another valid page, nonsense.
      for (const value of [reference.words[word]! + 1, reference.words[word]! ^ (1 << PAGE_SHIFT), 8, -1]) {
        const shard = furnished();
        if (shard.words[word] === value) continue;
        shard.words[word] = value;
        expect(() => verifyAllocator(shard)).toThrow(AssertionError);
      }
    });
  }

  test('bytes in use that do not add up', () => {
    const shard = furnished();
    shard.headDoubles[shard.headDouble + (Head.UsedBytes >> 1)]! += 8;
    expect(() => verifyAllocator(shard)).toThrow(AssertionError);
  });

  test('a slab with room that is in no list', () => {
    const shard = furnished();
    shard.words[classHead(shard)] = 0;
    expect(() => verifyAllocator(shard)).toThrow(AssertionError);
  });
});
