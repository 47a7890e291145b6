/**
 * Runs of 4 KiB pages inside a shard: what slabs and large blocks are made of.
 *
 *  page table entry, 4 words per page, from byte HEADER_BYTES of the shard
 *   word  0     1      2      3
 *         +-----+------+------+---------+
 *         | tag | next | prev | touched |     of the first page of a free run
 *         +-----+------+------+---------+
 *   tag = kind in bits 0-2, argument above:
 *     None      inside a run, or never handed out
 *     Free      first page of a free run, argument = pages
 *     FreeEnd   last page of a free run of two pages or more, argument = pages
 *     Slab      first page of a slab (allocator.ts), argument = size class
 *     SlabTail  further page of a slab, argument = distance to its first page
 *     Large     first page of a large block, argument = pages
 *
 *  Invariants: pages from TopPage on are backed by no memory. A run is `touched` when it may be. Two neighbouring free
 *  runs differ in `touched` (equal ones are merged at release), so that giving memory back can go on in slices without
 *  marking what is clean as touched again; when no run is large enough they are merged regardless (mergeAll).
 *  Bins: exact up to 32 pages, then four per doubling, apart for touched and for clean runs: touched ones are taken
 *  first, as they cost no page fault, and are at hand when memory is to be given back.
 *  Lock: under the shard's lock. Cost: O(1), but for first fit inside one bin (FIT_TRIES) and mergeAll (O(pages)).
 */
import { assert } from '../base/assert.ts';
import { HEADER_BYTES, Header, PAGE_BYTES, PAGE_SHIFT } from './shard.ts';

export const enum PageKind {
  None = 0,
  Free = 1,
  FreeEnd = 2,
  Slab = 3,
  SlabTail = 4,
  Large = 5,
}

/** Word offsets inside a page table entry. */
export const enum PageEntry {
  Tag = 0,
  Next = 1,
  Prev = 2,
  Touched = 3,
  Words = 4,
}

const TABLE_WORD = HEADER_BYTES >> 2;
const KIND_MASK = 7;
const KIND_BITS = 3;
const EXACT_BINS = 32;
/** Bins of touched runs; those of clean runs follow, alike. */
const BIN_COUNT = 92;
const BIN_MAP_WORDS = Math.ceil((BIN_COUNT * 2) / 32);
assert(Header.RunBinMap + BIN_MAP_WORDS <= Header.RunBins, 'page bins: map');
assert(Header.RunBins + BIN_COUNT * 2 <= Header.KeyCounts, 'page bins: heads');
/** Runs looked at in a bin whose runs may be too short, before a larger bin is taken. */
const FIT_TRIES = 16;

export function pageEntryWord(page: number): number {
  return TABLE_WORD + page * PageEntry.Words;
}

export function pageKind(tag: number): PageKind {
  return tag & KIND_MASK;
}

export function pageArgument(tag: number): number {
  return tag >>> KIND_BITS;
}

export function makeTag(kind: PageKind, argument: number): number {
  return (argument << KIND_BITS) | kind;
}

/** Takes a run of `pageCount` pages; its content is undefined. Returns the first page, or 0 when the shard is full. */
export function takeRun(words: Int32Array, pageCount: number): number {
  const page = takeFreeRun(words, pageCount) || takeTop(words, pageCount) || takeMerged(words, pageCount);
  if (page !== 0) words[Header.HeldPages]! += pageCount;
  return page;
}

/** The last resort: joins all that is free, the untouched pages included, and looks at every run. O(pages). */
function takeMerged(words: Int32Array, pageCount: number): number {
  openTop(words);
  mergeAll(words);
  for (let page = words[Header.FirstPage]!; page < words[Header.TopPage]!; page += runPagesAt(words, page)) {
    if (!isFree(words, page) || runPagesAt(words, page) < pageCount) continue;
    takeFrom(words, page, pageCount);
    return page;
  }
  return 0;
}

/** Makes the untouched pages behind the top a free run like any other. */
function openTop(words: Int32Array): void {
  const top = words[Header.TopPage]!;
  const pageCount = words[Header.PageCount]! - top;
  if (pageCount === 0) return;
  words[Header.TopPage] = top + pageCount;
  linkRun(words, top, pageCount, 0);
}

function takeTop(words: Int32Array, pageCount: number): number {
  const page = words[Header.TopPage]!;
  if (page + pageCount > words[Header.PageCount]!) return 0;
  words[Header.TopPage] = page + pageCount;
  clearEnds(words, page, pageCount);
  return page;
}

function takeFreeRun(words: Int32Array, pageCount: number): number {
  const page = findRun(words, pageCount, 0) || findRun(words, pageCount, BIN_COUNT);
  if (page !== 0) takeFrom(words, page, pageCount);
  return page;
}

/** Whether a free run of at least `pageCount` pages is at hand. */
export function hasFreeRun(words: Int32Array, pageCount: number): boolean {
  return findRun(words, pageCount, 0) !== 0 || findRun(words, pageCount, BIN_COUNT) !== 0;
}

/** A free run of at least `pageCount` pages in the BIN_COUNT bins from `firstBin` on, or 0. */
function findRun(words: Int32Array, pageCount: number, firstBin: number): number {
  const size = sizeBin(pageCount);
  const bin = firstBin + size;
  const page = size < EXACT_BINS ? words[Header.RunBins + bin]! : firstFit(words, bin, pageCount);
  if (page !== 0) return page;
  const larger = nextBin(words, bin + 1, firstBin + BIN_COUNT);
  return larger < 0 ? 0 : words[Header.RunBins + larger]!;
}

function firstFit(words: Int32Array, bin: number, pageCount: number): number {
  let page = words[Header.RunBins + bin]!;
  for (let tries = 0; page !== 0 && tries < FIT_TRIES; tries++) {
    const entry = pageEntryWord(page);
    if (pageArgument(words[entry + PageEntry.Tag]!) >= pageCount) return page;
    page = words[entry + PageEntry.Next]!;
  }
  return 0;
}

/** Cuts the first `pageCount` pages off the free run at `page`; the rest stays free. */
function takeFrom(words: Int32Array, page: number, pageCount: number): void {
  const entry = pageEntryWord(page);
  const runPages = pageArgument(words[entry + PageEntry.Tag]!);
  const touched = words[entry + PageEntry.Touched]!;
  unlinkRun(words, page, runPages);
  if (touched !== 0) words[Header.DirtyPages]! -= pageCount;
  if (runPages > pageCount) linkRun(words, page + pageCount, runPages - pageCount, touched);
  clearEnds(words, page, pageCount);
}

function clearEnds(words: Int32Array, page: number, pageCount: number): void {
  words[pageEntryWord(page) + PageEntry.Tag] = PageKind.None;
  words[pageEntryWord(page + pageCount - 1) + PageEntry.Tag] = PageKind.None;
}

/** Gives back a run in use, as one that may be backed by memory. */
export function releaseRun(words: Int32Array, page: number, pageCount: number): void {
  words[Header.HeldPages]! -= pageCount;
  words[Header.DirtyPages]! += pageCount;
  addFreeRun(words, page, pageCount, 1);
}

/** Makes a run free, merged with the neighbours that are as touched (1) or clean (0) as it is. */
function addFreeRun(words: Int32Array, page: number, pageCount: number, touched: number): void {
  let first = page;
  let count = pageCount;
  const before = freeRunEndingAt(words, page - 1);
  if (before !== 0 && words[pageEntryWord(before) + PageEntry.Touched] === touched) {
    unlinkRun(words, before, page - before);
    clearEnds(words, before, page - before);
    count += page - before;
    first = before;
  }
  const after = page + pageCount;
  if (after < words[Header.TopPage]!) {
    const entry = pageEntryWord(after);
    const tag = words[entry + PageEntry.Tag]!;
    if (pageKind(tag) === PageKind.Free && words[entry + PageEntry.Touched] === touched) {
      const afterPages = pageArgument(tag);
      unlinkRun(words, after, afterPages);
      clearEnds(words, after, afterPages);
      count += afterPages;
    }
  }
  clearEnds(words, page, pageCount);
  if (touched === 0 && first + count === words[Header.TopPage]) {
    words[Header.TopPage] = first;
    return;
  }
  linkRun(words, first, count, touched);
}

/** First page of the free run whose last page is `page`, or 0. */
function freeRunEndingAt(words: Int32Array, page: number): number {
  if (page < words[Header.FirstPage]!) return 0;
  const tag = words[pageEntryWord(page) + PageEntry.Tag]!;
  const kind = pageKind(tag);
  if (kind === PageKind.FreeEnd) return page + 1 - pageArgument(tag);
  return kind === PageKind.Free ? page : 0;
}

function linkRun(words: Int32Array, page: number, pageCount: number, touched: number): void {
  const bin = binOf(pageCount, touched);
  const head = words[Header.RunBins + bin]!;
  const entry = pageEntryWord(page);
  words[pageEntryWord(page + pageCount - 1) + PageEntry.Tag] = makeTag(PageKind.FreeEnd, pageCount);
  words[entry + PageEntry.Tag] = makeTag(PageKind.Free, pageCount);
  words[entry + PageEntry.Next] = head;
  words[entry + PageEntry.Prev] = 0;
  words[entry + PageEntry.Touched] = touched;
  if (head !== 0) words[pageEntryWord(head) + PageEntry.Prev] = page;
  words[Header.RunBins + bin] = page;
  words[Header.RunBinMap + (bin >> 5)]! |= 1 << (bin & 31);
}

function unlinkRun(words: Int32Array, page: number, pageCount: number): void {
  const entry = pageEntryWord(page);
  const bin = binOf(pageCount, words[entry + PageEntry.Touched]!);
  const next = words[entry + PageEntry.Next]!;
  const prev = words[entry + PageEntry.Prev]!;
  if (next !== 0) words[pageEntryWord(next) + PageEntry.Prev] = prev;
  if (prev !== 0) {
    words[pageEntryWord(prev) + PageEntry.Next] = next;
    return;
  }
  words[Header.RunBins + bin] = next;
  if (next === 0) words[Header.RunBinMap + (bin >> 5)]! &= ~(1 << (bin & 31));
}

function binOf(pageCount: number, touched: number): number {
  return touched !== 0 ? sizeBin(pageCount) : BIN_COUNT + sizeBin(pageCount);
}

function sizeBin(pageCount: number): number {
  if (pageCount <= EXACT_BINS) return pageCount - 1;
  const power = 31 - Math.clz32(pageCount);
  return EXACT_BINS + (power - 5) * 4 + ((pageCount >>> (power - 2)) & 3);
}

/** The first non-empty bin in [bin, endBin), or -1. */
function nextBin(words: Int32Array, bin: number, endBin: number): number {
  if (bin >= endBin) return -1;
  let index = bin >> 5;
  let map = words[Header.RunBinMap + index]! & (-1 << (bin & 31));
  while (map === 0) {
    if (++index >= BIN_MAP_WORDS) return -1;
    map = words[Header.RunBinMap + index]!;
  }
  const found = (index << 5) + 31 - Math.clz32(map & -map);
  return found < endBin ? found : -1;
}

/** Merges every pair of neighbouring free runs whatever their state. O(pages). */
function mergeAll(words: Int32Array): void {
  for (let page = words[Header.FirstPage]!; page < words[Header.TopPage]!;) {
    const pageCount = runPagesAt(words, page);
    const after = page + pageCount;
    if (isFree(words, page) && after < words[Header.TopPage]! && isFree(words, after)) {
      mergePair(words, page, pageCount, after);
    } else page = after;
  }
}

function mergePair(words: Int32Array, page: number, pageCount: number, after: number): void {
  const afterPages = runPagesAt(words, after);
  const touched = words[pageEntryWord(page) + PageEntry.Touched]!;
  const afterTouched = words[pageEntryWord(after) + PageEntry.Touched]!;
  if (touched !== afterTouched) words[Header.DirtyPages]! += touched === 0 ? pageCount : afterPages;
  unlinkRun(words, page, pageCount);
  unlinkRun(words, after, afterPages);
  clearEnds(words, page, pageCount);
  clearEnds(words, after, afterPages);
  linkRun(words, page, pageCount + afterPages, touched | afterTouched);
}

function isFree(words: Int32Array, page: number): boolean {
  return pageKind(words[pageEntryWord(page) + PageEntry.Tag]!) === PageKind.Free;
}

/** Pages of the run, free or in use, that starts at `page`. A slab's length is found from its tails. */
export function runPagesAt(words: Int32Array, page: number): number {
  const tag = words[pageEntryWord(page) + PageEntry.Tag]!;
  const kind = pageKind(tag);
  if (kind === PageKind.Free || kind === PageKind.Large) return pageArgument(tag);
  assert(kind === PageKind.Slab, 'page table: not the start of a run');
  let pageCount = 1;
  const top = words[Header.TopPage]!;
  while (page + pageCount < top) {
    const tail = words[pageEntryWord(page + pageCount) + PageEntry.Tag]!;
    if (pageKind(tail) !== PageKind.SlabTail || pageArgument(tail) !== pageCount) break;
    pageCount++;
  }
  return pageCount;
}

/**
 * Takes up to `pageCountMax` pages of a touched free run of at least `pageCountMin` out of use, so that their memory
 * can be given back to the system; hand them back with `returnRun` under the same hold of the lock. Returns the first
 * page, or 0: nothing is worth it. `runPagesAt` tells how many.
 */
export function takeTouchedRun(words: Int32Array, pageCountMin: number, pageCountMax: number): number {
  if (words[Header.DirtyPages]! < pageCountMin) return 0;
  const page = findRun(words, pageCountMin, 0);
  if (page === 0) return 0;
  const pageCount = Math.min(pageArgument(words[pageEntryWord(page) + PageEntry.Tag]!), pageCountMax);
  takeFrom(words, page, pageCount);
  words[Header.HeldPages]! += pageCount;
  words[pageEntryWord(page) + PageEntry.Tag] = makeTag(PageKind.Large, pageCount);
  return page;
}

/** Frees a run taken by `takeTouchedRun`; `isClean` when its memory has been returned to the system. */
export function returnRun(words: Int32Array, page: number, isClean: boolean): void {
  const pageCount = runPagesAt(words, page);
  if (!isClean) return releaseRun(words, page, pageCount);
  words[Header.HeldPages]! -= pageCount;
  addFreeRun(words, page, pageCount, 0);
}

/**
 * Forgets every slab, block and table of the shard at once: all its pages become one touched free run.
 * Lock word, epoch and the count of changes stay; key counts are the keyspace's to clear. O(page table in use).
 */
export function resetPages(words: Int32Array): void {
  const first = words[Header.FirstPage]!;
  const pageCount = words[Header.TopPage]! - first;
  words.fill(0, Header.ClassHeads, Header.RunBins + BIN_COUNT * 2);
  words.fill(0, pageEntryWord(first), pageEntryWord(first + pageCount));
  words[Header.HeldPages] = 0;
  words[Header.DirtyPages] = pageCount;
  if (pageCount > 0) linkRun(words, first, pageCount, 1);
}

/** Walks the page table and asserts every invariant; returns the pages in use. */
export function verifyPages(words: Int32Array): number {
  let held = 0;
  let dirty = 0;
  let freeRuns = 0;
  // Of the run before: whether it was touched, or -1 when it is in use.
  let before = -1;
  const top = words[Header.TopPage]!;
  assert(top <= words[Header.PageCount]!, 'pages: top beyond the end');
  let page = words[Header.FirstPage]!;
  while (page < top) {
    const pageCount = runPagesAt(words, page);
    assert(pageCount > 0 && page + pageCount <= top, 'pages: run beyond the top');
    if (isFree(words, page)) {
      freeRuns++;
      const touched = words[pageEntryWord(page) + PageEntry.Touched]!;
      assert(touched === 0 || touched === 1, 'pages: touched');
      assert(touched !== before, 'pages: neighbours that are alike');
      before = touched;
      if (touched === 1) dirty += pageCount;
      assert(freeRunEndingAt(words, page + pageCount - 1) === page, 'pages: free run end tag');
    } else {
      held += pageCount;
      before = -1;
    }
    page += pageCount;
  }
  assert(page === top, 'pages: runs do not tile the shard');
  assert(held === words[Header.HeldPages], 'pages: held count');
  assert(dirty === words[Header.DirtyPages], 'pages: dirty count');
  assert(freeRuns === verifyBins(words), 'pages: free runs and bins differ');
  return held;
}

function verifyBins(words: Int32Array): number {
  let count = 0;
  for (let bin = 0; bin < BIN_COUNT * 2; bin++) {
    let prev = 0;
    let page = words[Header.RunBins + bin]!;
    const mapped = (words[Header.RunBinMap + (bin >> 5)]! & (1 << (bin & 31))) !== 0;
    assert(mapped === (page !== 0), 'pages: bin map');
    while (page !== 0) {
      const entry = pageEntryWord(page);
      assert(isFree(words, page), 'pages: bin holds a run in use');
      const expected = binOf(pageArgument(words[entry + PageEntry.Tag]!), words[entry + PageEntry.Touched]!);
      assert(expected === bin, 'pages: run in the wrong bin');
      assert(words[entry + PageEntry.Prev] === prev, 'pages: bin back link');
      prev = page;
      page = words[entry + PageEntry.Next]!;
      count++;
    }
  }
  return count;
}

/** Byte offset of a page. */
export function pageAt(page: number): number {
  return page << PAGE_SHIFT;
}

/** Pages needed for `byteCount` bytes. */
export function pagesFor(byteCount: number): number {
  return Math.ceil(byteCount / PAGE_BYTES);
}
