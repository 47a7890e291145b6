/**
 * Blocks inside a shard: size classes cut from slabs, larger blocks as runs of pages.
 *
 *  slab = 16 pages (64 KiB), or 64 pages for blocks over 8 KiB; its state is in the entries of its first two pages
 *   word  0     1        2      3        4     5      6      7
 *         +-----+--------+------+--------+-----+------+------+---+
 *         | tag | free   | live | carved | tag | next | prev |   |
 *         +-----+--------+------+--------+-----+------+------+---+
 *   free = offset of the first free block (each free block's first word links to the next, 0 ends),
 *   live = blocks in use, carved = blocks ever handed out (those behind it were never touched),
 *   next, prev = the list of slabs of this class that have room, by first page.
 *
 *  Size classes: steps of 8 bytes to 128, then eight per doubling to 32 KiB (mean waste about 4 %).
 *  Above that whole pages (mean waste 6 % at 32 KiB, less above).
 *  Exact: UsedBytes returns to where it was after a free. A slab that becomes empty is given back at once.
 *  Lock: under the shard's lock. Cost: O(1), two or three cache lines.
 */
import { assert } from '../base/assert.ts';
import {
  hasFreeRun,
  makeTag,
  pageArgument,
  pageAt,
  PageEntry,
  pageEntryWord,
  pageKind,
  PageKind,
  pagesFor,
  releaseRun,
  resetPages,
  runPagesAt,
  takeRun,
  verifyPages,
} from './pages.ts';
import { Head, Header, PAGE_BYTES, PAGE_SHIFT, type Shard } from './shard.ts';

/** Word offsets inside the two page table entries that hold a slab's state. */
const enum Slab {
  Tag = 0,
  Free = 1,
  Live = 2,
  Carved = 3,
  Next = 5,
  Prev = 6,
}

const SMALL_CLASSES = 16;
const CLASS_BYTES_MAX = 32768;
const SLAB_PAGES = 16;
const LARGE_SLAB_PAGES = 64;
const LARGE_SLAB_FROM_BYTES = 8192;
const POISON = 0xdd;

export const CLASS_COUNT = SMALL_CLASSES + 8 * 8;
const classBytes = new Int32Array(CLASS_COUNT);
const classCapacity = new Int32Array(CLASS_COUNT);
const classPages = new Int32Array(CLASS_COUNT);
for (let index = 0; index < CLASS_COUNT; index++) {
  const step = (index - SMALL_CLASSES) & 7;
  const base = 128 << ((index - SMALL_CLASSES) >> 3);
  const bytes = index < SMALL_CLASSES ? (index + 1) * 8 : base + ((step + 1) * base) / 8;
  const pages = bytes > LARGE_SLAB_FROM_BYTES ? LARGE_SLAB_PAGES : SLAB_PAGES;
  classBytes[index] = bytes;
  classPages[index] = pages;
  classCapacity[index] = Math.floor((pages * PAGE_BYTES) / bytes);
}
assert(classBytes[CLASS_COUNT - 1] === CLASS_BYTES_MAX, 'size classes end at 32 KiB');
assert(Header.ClassHeads + CLASS_COUNT <= Header.RunBinMap, 'class heads fit');

function classOf(byteCount: number): number {
  if (byteCount <= 128) return (byteCount + 7) >> 3 ? ((byteCount + 7) >> 3) - 1 : 0;
  const power = 31 - Math.clz32(byteCount - 1);
  return SMALL_CLASSES + (power - 7) * 8 + (((byteCount - 1) >> (power - 3)) & 7);
}

/** The bytes a block for `byteCount` bytes takes: its size class, or whole pages. */
export function blockBytes(byteCount: number): number {
  if (byteCount <= CLASS_BYTES_MAX) return classBytes[classOf(byteCount)]!;
  return pagesFor(byteCount) * PAGE_BYTES;
}

/** A block of at least `byteCount` bytes, 8-aligned, content undefined. Returns its offset, or 0: the shard is full. */
export function allocate(shard: Shard, byteCount: number): number {
  const words = shard.words;
  if (byteCount > CLASS_BYTES_MAX) return allocateLarge(shard, byteCount);
  const index = classOf(byteCount);
  let page = words[Header.ClassHeads + index]!;
  if (page === 0) {
    page = createSlab(words, index);
    if (page === 0) return 0;
  }
  const slab = pageEntryWord(page);
  let at = words[slab + Slab.Free]!;
  if (at !== 0) words[slab + Slab.Free] = words[at >> 2]!;
  else {
    const carved = words[slab + Slab.Carved]!;
    at = pageAt(page) + carved * classBytes[index]!;
    words[slab + Slab.Carved] = carved + 1;
  }
  const live = words[slab + Slab.Live]! + 1;
  words[slab + Slab.Live] = live;
  if (live === classCapacity[index]) unlinkSlab(words, page, index);
  shard.headDoubles[shard.headDouble + (Head.UsedBytes >> 1)]! += classBytes[index]!;
  return at;
}

/** A slab with more of its blocks in use than this is not worth emptying. */
const DENSE_SHARE = 15 / 16;
/** Slabs looked at for the fullest: those that were full lately come first. */
const FULLER_TRIES = 16;

/**
 * A block of `byteCount` bytes, the size of the one at `at`, in a fuller slab than that one's, so that it can be moved there
 * and its own slab become empty. 0: it lies well where it is.
 */
export function allocateFuller(shard: Shard, at: number, byteCount: number): number {
  if (byteCount > CLASS_BYTES_MAX) return 0;
  const { words } = shard;
  const index = classOf(byteCount);
  let own = at >>> PAGE_SHIFT;
  const tag = words[pageEntryWord(own)]!;
  if (pageKind(tag) === PageKind.SlabTail) own -= pageArgument(tag);
  let live = words[pageEntryWord(own) + Slab.Live]!;
  if (live > classCapacity[index]! * DENSE_SHARE) return 0;
  let fullest = 0;
  let page = words[Header.ClassHeads + index]!;
  for (let tries = 0; tries < FULLER_TRIES && page !== 0; tries++) {
    const slab = pageEntryWord(page);
    if (page !== own && words[slab + Slab.Live]! >= live) {
      live = words[slab + Slab.Live]!;
      fullest = page;
    }
    page = words[slab + Slab.Next]!;
  }
  if (fullest === 0) return 0;
  // First in the list it is the one that allocations fill.
  unlinkSlab(words, fullest, index);
  linkSlab(words, fullest, index);
  return allocate(shard, byteCount);
}

/** Frees a block. Offsets not handed out by `allocate`, and blocks freed twice as far as that shows, are refused. */
export function free(shard: Shard, at: number): void {
  const words = shard.words;
  let page = at >>> PAGE_SHIFT;
  let slab = pageEntryWord(page);
  let tag = words[slab]!;
  if (pageKind(tag) === PageKind.SlabTail) {
    page -= pageArgument(tag);
    slab = pageEntryWord(page);
    tag = words[slab]!;
  } else if (pageKind(tag) === PageKind.Large) return freeLarge(shard, at, page, pageArgument(tag));
  assert(pageKind(tag) === PageKind.Slab, 'free: not a block');
  const index = pageArgument(tag);
  const live = words[slab + Slab.Live]!;
  assert(live > 0, 'free: slab has no live block');
  if (CHECKS) poisonBlock(shard, at, page, index);
  words[at >> 2] = words[slab + Slab.Free]!;
  words[slab + Slab.Free] = at;
  words[slab + Slab.Live] = live - 1;
  shard.headDoubles[shard.headDouble + (Head.UsedBytes >> 1)]! -= classBytes[index]!;
  if (live === classCapacity[index]) linkSlab(words, page, index);
  if (live === 1) releaseSlab(words, page, index);
}

/** Bytes the block at `at` really has, at least what was asked for. */
export function usableBytes(shard: Shard, at: number): number {
  const words = shard.words;
  const page = at >>> PAGE_SHIFT;
  let tag = words[pageEntryWord(page)]!;
  if (pageKind(tag) === PageKind.Large) return pageArgument(tag) * PAGE_BYTES;
  if (pageKind(tag) === PageKind.SlabTail) tag = words[pageEntryWord(page - pageArgument(tag))]!;
  assert(pageKind(tag) === PageKind.Slab, 'usableBytes: not a block');
  return classBytes[pageArgument(tag)]!;
}

/** What rounding to size classes and to pages may add to the bytes asked for. */
const ROOM_ROUNDING = 1.25;
/** Room for what callers do not count one by one. */
const ROOM_MARGIN_BYTES = 1 << 20;

/**
 * Whether blocks that add up to `byteCount` can surely be had one after the other, whatever their sizes: for commands
 * that must change all or nothing. False where it is not sure, some megabytes too early.
 */
export function hasRoomFor(shard: Shard, byteCount: number): boolean {
  const needed = byteCount * ROOM_ROUNDING + Math.max(slabMarginBytes(byteCount), ROOM_MARGIN_BYTES);
  return shard.untouchedBytes >= needed || hasFreeRun(shard.words, pagesFor(needed));
}

/** The most bytes of slabs that such blocks may open and hardly use: one of each class, as far as the bytes reach. */
function slabMarginBytes(byteCount: number): number {
  let pageCount = 0;
  let rest = byteCount;
  for (let index = 0; index < CLASS_COUNT && rest > 0; index++) {
    rest -= index === 0 ? 1 : classBytes[index - 1]! + 1;
    pageCount += classPages[index]!;
  }
  return pageCount * PAGE_BYTES;
}

function allocateLarge(shard: Shard, byteCount: number): number {
  const pageCount = pagesFor(byteCount);
  const page = takeRun(shard.words, pageCount);
  if (page === 0) return 0;
  shard.words[pageEntryWord(page)] = makeTag(PageKind.Large, pageCount);
  shard.headDoubles[shard.headDouble + (Head.UsedBytes >> 1)]! += pageCount * PAGE_BYTES;
  return pageAt(page);
}

function freeLarge(shard: Shard, at: number, page: number, pageCount: number): void {
  assert(at === pageAt(page), 'free: inside a large block');
  if (CHECKS) shard.bytes.u8.fill(POISON, at, at + PAGE_BYTES);
  releaseRun(shard.words, page, pageCount);
  shard.headDoubles[shard.headDouble + (Head.UsedBytes >> 1)]! -= pageCount * PAGE_BYTES;
}

function poisonBlock(shard: Shard, at: number, page: number, index: number): void {
  const inside = at - pageAt(page);
  assert(inside % classBytes[index]! === 0, 'free: inside a block');
  assert(
    inside / classBytes[index]! < shard.words[pageEntryWord(page) + Slab.Carved]!,
    'free: never allocated',
  );
  shard.bytes.u8.fill(POISON, at, at + classBytes[index]!);
}

function createSlab(words: Int32Array, index: number): number {
  const pageCount = classPages[index]!;
  const page = takeRun(words, pageCount);
  if (page === 0) return 0;
  const slab = pageEntryWord(page);
  words[slab] = makeTag(PageKind.Slab, index);
  for (let tail = 1; tail < pageCount; tail++) {
    words[slab + tail * PageEntry.Words] = makeTag(PageKind.SlabTail, tail);
  }
  words[slab + Slab.Free] = 0;
  words[slab + Slab.Live] = 0;
  words[slab + Slab.Carved] = 0;
  linkSlab(words, page, index);
  return page;
}

function releaseSlab(words: Int32Array, page: number, index: number): void {
  unlinkSlab(words, page, index);
  const pageCount = classPages[index]!;
  const slab = pageEntryWord(page);
  for (let tail = 0; tail < pageCount; tail++) words[slab + tail * PageEntry.Words] = PageKind.None;
  releaseRun(words, page, pageCount);
}

function linkSlab(words: Int32Array, page: number, index: number): void {
  const slab = pageEntryWord(page);
  const head = words[Header.ClassHeads + index]!;
  words[slab + Slab.Next] = head;
  words[slab + Slab.Prev] = 0;
  if (head !== 0) words[pageEntryWord(head) + Slab.Prev] = page;
  words[Header.ClassHeads + index] = page;
}

function unlinkSlab(words: Int32Array, page: number, index: number): void {
  const slab = pageEntryWord(page);
  const next = words[slab + Slab.Next]!;
  const prev = words[slab + Slab.Prev]!;
  if (next !== 0) words[pageEntryWord(next) + Slab.Prev] = prev;
  if (prev !== 0) words[pageEntryWord(prev) + Slab.Next] = next;
  else words[Header.ClassHeads + index] = next;
}

/** Drops every block of the shard at once (see resetPages). */
export function resetAllocator(shard: Shard): void {
  resetPages(shard.words);
  shard.headDoubles[shard.headDouble + (Head.UsedBytes >> 1)] = 0;
}

/** Walks pages, slabs and free lists and asserts every invariant; returns the bytes of live blocks. */
export function verifyAllocator(shard: Shard): number {
  const words = shard.words;
  verifyPages(words);
  let used = 0;
  let slabsWithRoom = 0;
  const top = words[Header.TopPage]!;
  for (let page = words[Header.FirstPage]!; page < top; page += runPagesAt(words, page)) {
    const tag = words[pageEntryWord(page)]!;
    if (pageKind(tag) === PageKind.Large) used += pageArgument(tag) * PAGE_BYTES;
    if (pageKind(tag) === PageKind.Slab) {
      used += verifySlab(words, page, pageArgument(tag));
      if (words[pageEntryWord(page) + Slab.Live]! < classCapacity[pageArgument(tag)]!) slabsWithRoom++;
    }
  }
  assert(verifyClassLists(words) === slabsWithRoom, 'allocator: slab with room in no list');
  assert(used === shard.usedBytes, 'allocator: used bytes');
  return used;
}

function verifySlab(words: Int32Array, page: number, index: number): number {
  const slab = pageEntryWord(page);
  const live = words[slab + Slab.Live]!;
  const carved = words[slab + Slab.Carved]!;
  assert(runPagesAt(words, page) === classPages[index], 'allocator: slab pages');
  assert(live > 0 && live <= carved && carved <= classCapacity[index]!, 'allocator: slab counts');
  const seen = new Set<number>();
  for (let at = words[slab + Slab.Free]!; at !== 0; at = words[at >> 2]!) {
    const inside = at - pageAt(page);
    assert(inside >= 0 && inside % classBytes[index]! === 0, 'allocator: free list leaves the slab');
    assert(inside / classBytes[index]! < carved, 'allocator: free block never carved');
    assert(!seen.has(at), 'allocator: free list loops');
    seen.add(at);
  }
  assert(seen.size === carved - live, 'allocator: free list length');
  return live * classBytes[index]!;
}

/** Returns the number of slabs in the lists. */
function verifyClassLists(words: Int32Array): number {
  let count = 0;
  for (let index = 0; index < CLASS_COUNT; index++) {
    let prev = 0;
    for (let page = words[Header.ClassHeads + index]!; page !== 0;) {
      const slab = pageEntryWord(page);
      assert(words[slab] === makeTag(PageKind.Slab, index), 'allocator: class list holds another class');
      assert(words[slab + Slab.Live]! < classCapacity[index]!, 'allocator: full slab in the list');
      assert(words[slab + Slab.Prev] === prev, 'allocator: class list back link');
      prev = page;
      page = words[slab + Slab.Next]!;
      count++;
    }
  }
  return count;
}
