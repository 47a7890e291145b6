/**
 * What has been delivered and not acknowledged, ordered by id: chunks of entries under a directory. A group has a list
 * of all there is to know; each of its consumers one of ids alone, whose rest stands in the group's.
 *
 *  list, two words inside its owner     chunk                                       entry of a group, 8 words
 *   word 0           1                   word 0       1          2                   word 0    4            6       7
 *        +-----------+-------+                +-------+----------+---------+              +----+------------+-------+----------+
 *        | directory | count |                | count | capacity | entries |              | id | delivered  | times | consumer |
 *        +-----------+-------+                +-------+----------+---------+              |    | ms, double | u32   | offset   |
 *                                                                                         +----+------------+-------+----------+
 *   An entry of a consumer is the id alone, 4 words: the functions are told how many.
 *  Invariants: ids ascend; no chunk is empty; `count` is the sum.
 *  Ownership: the list owns directory and chunks. Lock: the shard's.
 *  Growth: a chunk doubles to CHUNK_MAX entries; a full one is split, unless what comes is the last of all. Neighbours
 *  that fill half a chunk together become one.
 *  Costs: 48 bytes a delivered entry (group and consumer); found in O(log n), put in and taken out by moving part of a chunk.
 */
import { assert } from '../../base/assert.ts';
import { allocate, free, usableBytes } from '../../memory/allocator.ts';
import type { Shard } from '../../memory/shard.ts';
import { insertRef, refAt, refCount, removeRef, reserveRef, setRefAt, verifyDirectory } from './directory.ts';
import { compareIdAt, compareIds, ID_WORDS, loadId, storeId, StreamId } from './stream-id.ts';

/** Word offsets of a list in its owner. */
export const enum List {
  Directory = 0,
  Count = 1,
  Words = 2,
}

/** Word offsets in a group's entry. */
export const enum Pending {
  DeliveredMs = 4,
  Times = 6,
  Consumer = 7,
  Words = 8,
}

/** Words of an entry of a consumer. */
export const OWN_WORDS = ID_WORDS;

/** Word offsets in a chunk. */
const enum Chunk {
  Count = 0,
  Capacity = 1,
  Entries = 2,
}

const CHUNK_MIN = 4;
const CHUNK_MAX = 64;
assert(Chunk.Entries % 2 === 0 && Pending.DeliveredMs % 2 === 0, 'times are aligned');

/** Bytes that so many entries take at most, a consumer's included, for `hasRoomFor`. */
export function pendingBytesMax(entryCount: number): number {
  return entryCount * 3 * (Pending.Words + OWN_WORDS) * 4 + 2 * CHUNK_MAX * Pending.Words * 4;
}

/** A place in a list: valid until that is changed. */
export class PendingWalk {
  private chunk = 0;
  private index = 0;

  /** Moves in front of the first entry whose id is not before `id`. `list` is the word where the list is. */
  start(shard: Shard, list: number, entryWords: number, id: StreamId): void {
    const directory = shard.words[list + List.Directory]!;
    this.chunk = 0;
    this.index = 0;
    if (directory === 0) return;
    this.chunk = chunkOf(shard, directory, id);
    this.index = searchChunk(shard, refAt(shard, directory, this.chunk), entryWords, id);
  }

  /** The word where the next entry is, or 0: there is none. */
  next(shard: Shard, list: number, entryWords: number): number {
    const { words } = shard;
    const directory = words[list + List.Directory]!;
    const chunks = refCount(shard, directory);
    for (; this.chunk < chunks; this.chunk++, this.index = 0) {
      const chunk = refAt(shard, directory, this.chunk) >> 2;
      if (this.index < words[chunk + Chunk.Count]!) {
        return chunk + Chunk.Entries + this.index++ * entryWords;
      }
    }
    return 0;
  }
}

/** The word where the last entry is, or 0. */
export function lastPending(shard: Shard, list: number, entryWords: number): number {
  const directory = shard.words[list + List.Directory]!;
  if (directory === 0) return 0;
  const chunk = refAt(shard, directory, refCount(shard, directory) - 1) >> 2;
  return chunk + Chunk.Entries + (shard.words[chunk + Chunk.Count]! - 1) * entryWords;
}

/** The word where the entry of an id is, or 0. */
export function findPending(shard: Shard, list: number, entryWords: number, id: StreamId): number {
  const { words } = shard;
  const directory = words[list + List.Directory]!;
  if (directory === 0) return 0;
  const chunk = refAt(shard, directory, chunkOf(shard, directory, id));
  const index = searchChunk(shard, chunk, entryWords, id);
  if (index === words[(chunk >> 2) + Chunk.Count]) return 0;
  const entry = (chunk >> 2) + Chunk.Entries + index * entryWords;
  return compareIdAt(words, entry, id) === 0 ? entry : 0;
}

/**
 * Adds an entry for an id that has none; the rest of it is the caller's to write. Returns the word where it is, or 0,
 * nothing changed: out of memory.
 */
export function addPending(shard: Shard, list: number, entryWords: number, id: StreamId): number {
  const { words } = shard;
  const directory = reserveRef(shard, words[list + List.Directory]!);
  if (directory === 0) return 0;
  words[list + List.Directory] = directory;
  if (refCount(shard, directory) === 0) {
    const chunk = addChunk(shard, directory, 0, CHUNK_MIN, entryWords);
    if (chunk !== 0) return enter(shard, list, chunk, 0, entryWords, id);
    free(shard, directory);
    words[list + List.Directory] = 0;
    return 0;
  }
  const chunkIndex = chunkOf(shard, directory, id);
  let chunk = refAt(shard, directory, chunkIndex);
  let index = searchChunk(shard, chunk, entryWords, id);
  const count = words[(chunk >> 2) + Chunk.Count]!;
  if (count === CHUNK_MAX) {
    const right = addChunk(shard, directory, chunkIndex + 1, CHUNK_MAX, entryWords);
    if (right === 0) return 0;
    const isLast = index === count && chunkIndex + 2 === refCount(shard, directory);
    if (!isLast) moveEntries(shard, chunk, CHUNK_MAX >> 1, right, entryWords);
    const left = words[(chunk >> 2) + Chunk.Count]!;
    if (isLast || index > left) {
      chunk = right;
      index -= left;
    }
  } else if (count === words[(chunk >> 2) + Chunk.Capacity]) {
    chunk = growChunk(shard, directory, chunkIndex, entryWords);
    if (chunk === 0) return 0;
  }
  return enter(shard, list, chunk, index, entryWords, id);
}

/** Removes the entry of an id. False: there is none. */
export function removePending(shard: Shard, list: number, entryWords: number, id: StreamId): boolean {
  const { words } = shard;
  const directory = words[list + List.Directory]!;
  if (directory === 0) return false;
  const chunkIndex = chunkOf(shard, directory, id);
  const chunk = refAt(shard, directory, chunkIndex) >> 2;
  const index = searchChunk(shard, chunk << 2, entryWords, id);
  const count = words[chunk + Chunk.Count]!;
  const entry = chunk + Chunk.Entries + index * entryWords;
  if (index === count || compareIdAt(words, entry, id) !== 0) return false;
  words.copyWithin(entry, entry + entryWords, chunk + Chunk.Entries + count * entryWords);
  words[chunk + Chunk.Count] = count - 1;
  words[list + List.Count]!--;
  if (count === 1) dropChunk(shard, list, chunkIndex);
  else if (count < CHUNK_MAX >> 2) mergeChunk(shard, list, chunkIndex, entryWords);
  return true;
}

/** Frees all of a list. */
export function freePending(shard: Shard, list: number): void {
  const { words } = shard;
  const directory = words[list + List.Directory]!;
  const chunks = refCount(shard, directory);
  for (let i = 0; i < chunks; i++) free(shard, refAt(shard, directory, i));
  if (directory !== 0) free(shard, directory);
  words[list + List.Directory] = 0;
  words[list + List.Count] = 0;
}

/** Index of the chunk in which `id` is or belongs. */
function chunkOf(shard: Shard, directory: number, id: StreamId): number {
  const { words } = shard;
  let low = 1;
  let high = refCount(shard, directory);
  while (low < high) {
    const middle = (low + high) >>> 1;
    const order = compareIdAt(words, (refAt(shard, directory, middle) >> 2) + Chunk.Entries, id);
    if (order <= 0) low = middle + 1;
    else high = middle;
  }
  return low - 1;
}

/** Index of the first entry of a chunk that is not before `id`. */
function searchChunk(shard: Shard, chunk: number, entryWords: number, id: StreamId): number {
  const { words } = shard;
  const entries = (chunk >> 2) + Chunk.Entries;
  let low = 0;
  let high = words[(chunk >> 2) + Chunk.Count]!;
  // Most are added behind all others.
  if (high > 0 && compareIdAt(words, entries + (high - 1) * entryWords, id) < 0) return high;
  while (low < high) {
    const middle = (low + high) >>> 1;
    if (compareIdAt(words, entries + middle * entryWords, id) < 0) low = middle + 1;
    else high = middle;
  }
  return low;
}

/** An empty chunk at `index` of a directory that has room. Returns 0: out of memory. */
function addChunk(
  shard: Shard,
  directory: number,
  index: number,
  capacity: number,
  entryWords: number,
): number {
  const chunk = allocate(shard, (Chunk.Entries + capacity * entryWords) * 4);
  if (chunk === 0) return 0;
  shard.words[(chunk >> 2) + Chunk.Count] = 0;
  shard.words[(chunk >> 2) + Chunk.Capacity] = capacity;
  insertRef(shard, directory, index, chunk);
  return chunk;
}

function growChunk(shard: Shard, directory: number, chunkIndex: number, entryWords: number): number {
  const { words } = shard;
  const old = refAt(shard, directory, chunkIndex);
  const capacity = Math.min(words[(old >> 2) + Chunk.Capacity]! * 2, CHUNK_MAX);
  const chunk = allocate(shard, (Chunk.Entries + capacity * entryWords) * 4);
  if (chunk === 0) return 0;
  words[(chunk >> 2) + Chunk.Count] = 0;
  words[(chunk >> 2) + Chunk.Capacity] = capacity;
  moveEntries(shard, old, 0, chunk, entryWords);
  free(shard, old);
  setRefAt(shard, directory, chunkIndex, chunk);
  return chunk;
}

/** Moves the entries of `from` from index `first` on to the end of `to`, which has room. */
function moveEntries(shard: Shard, from: number, first: number, to: number, entryWords: number): void {
  const { words } = shard;
  const count = words[(from >> 2) + Chunk.Count]!;
  const there = words[(to >> 2) + Chunk.Count]!;
  const entries = (from >> 2) + Chunk.Entries;
  const target = (to >> 2) + Chunk.Entries + there * entryWords;
  words.copyWithin(target, entries + first * entryWords, entries + count * entryWords);
  words[(from >> 2) + Chunk.Count] = first;
  words[(to >> 2) + Chunk.Count] = there + count - first;
}

function enter(
  shard: Shard,
  list: number,
  chunk: number,
  index: number,
  entryWords: number,
  id: StreamId,
): number {
  const { words } = shard;
  const count = words[(chunk >> 2) + Chunk.Count]!;
  const entries = (chunk >> 2) + Chunk.Entries;
  const entry = entries + index * entryWords;
  if (index < count) words.copyWithin(entry + entryWords, entry, entries + count * entryWords);
  storeId(words, entry, id);
  words[(chunk >> 2) + Chunk.Count] = count + 1;
  words[list + List.Count]!++;
  return entry;
}

function dropChunk(shard: Shard, list: number, chunkIndex: number): void {
  const directory = shard.words[list + List.Directory]!;
  free(shard, refAt(shard, directory, chunkIndex));
  shard.words[list + List.Directory] = removeRef(shard, directory, chunkIndex);
}

/** Joins a chunk that has become small with the one behind it, if that leaves room. */
function mergeChunk(shard: Shard, list: number, chunkIndex: number, entryWords: number): void {
  const { words } = shard;
  const directory = words[list + List.Directory]!;
  if (chunkIndex + 1 >= refCount(shard, directory)) return;
  const chunk = refAt(shard, directory, chunkIndex);
  const next = refAt(shard, directory, chunkIndex + 1);
  const total = words[(chunk >> 2) + Chunk.Count]! + words[(next >> 2) + Chunk.Count]!;
  if (total > CHUNK_MAX >> 1 || total > words[(chunk >> 2) + Chunk.Capacity]!) return;
  moveEntries(shard, next, 0, chunk, entryWords);
  dropChunk(shard, list, chunkIndex + 1);
}

/** Asserts the invariants. Returns the bytes of its blocks. */
export function verifyPending(shard: Shard, list: number, entryWords: number): number {
  const { words } = shard;
  const directory = words[list + List.Directory]!;
  let bytes = verifyDirectory(shard, directory);
  let total = 0;
  const previous = new StreamId();
  const id = new StreamId();
  const chunks = refCount(shard, directory);
  for (let i = 0; i < chunks; i++) {
    const chunk = refAt(shard, directory, i);
    const count = words[(chunk >> 2) + Chunk.Count]!;
    const capacity = words[(chunk >> 2) + Chunk.Capacity]!;
    const block = usableBytes(shard, chunk);
    assert(count > 0 && count <= capacity && capacity <= CHUNK_MAX, 'pending list: count of a chunk');
    assert((Chunk.Entries + capacity * entryWords) * 4 <= block, 'pending list: beyond its block');
    for (let j = 0; j < count; j++) {
      loadId(words, (chunk >> 2) + Chunk.Entries + j * entryWords, id);
      assert(total + j === 0 || compareIds(previous, id) < 0, 'pending list: order');
      previous.set(id);
    }
    total += count;
    bytes += block;
  }
  assert(total === words[list + List.Count], 'pending list: count');
  return bytes;
}

/** Bytes of the blocks of a list. */
export function pendingBytesUsed(shard: Shard, list: number): number {
  const directory = shard.words[list + List.Directory]!;
  if (directory === 0) return 0;
  let bytes = usableBytes(shard, directory);
  const chunks = refCount(shard, directory);
  for (let i = 0; i < chunks; i++) bytes += usableBytes(shard, refAt(shard, directory, i));
  return bytes;
}
