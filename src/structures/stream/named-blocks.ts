/**
 * Blocks with a name, found by it through a directory (directory.ts): groups, consumers, producers.
 *
 *  block
 *   word 0            1              head words
 *        +------------+--------------+------
 *        | name bytes | its owner's  | name
 *        +------------+--------------+------
 *  Invariant: the blocks of a directory ascend by the bytes of their names, each of which there is once.
 *  Ownership: whoever owns the directory. Lock: the shard's.
 *  Costs: found in O(log n); coming and going move part of a directory.
 */
import { type Bytes, compareBytes, copyBytes } from '../../base/bytes.ts';
import { allocate, free } from '../../memory/allocator.ts';
import type { Shard } from '../../memory/shard.ts';
import { insertRef, refAt, refCount, removeRef, reserveRef } from './directory.ts';

/** The bytes of a name. */
export interface Name {
  readonly bytes: Bytes;
  readonly at: number;
  readonly byteCount: number;
}

function compareName(shard: Shard, block: number, headWords: number, name: Name): number {
  const byteCount = shard.words[block >> 2]!;
  return compareBytes(shard.bytes, block + headWords * 4, byteCount, name.bytes, name.at, name.byteCount);
}

/** Index of the first block whose name is not before `name`. */
function searchNamed(shard: Shard, directory: number, headWords: number, name: Name): number {
  let low = 0;
  let high = refCount(shard, directory);
  while (low < high) {
    const middle = (low + high) >>> 1;
    if (compareName(shard, refAt(shard, directory, middle), headWords, name) < 0) low = middle + 1;
    else high = middle;
  }
  return low;
}

/** The block of this name in a directory, or 0. */
export function findNamed(shard: Shard, directory: number, headWords: number, name: Name): number {
  if (directory === 0) return 0;
  const index = searchNamed(shard, directory, headWords, name);
  if (index === refCount(shard, directory)) return 0;
  const block = refAt(shard, directory, index);
  return compareName(shard, block, headWords, name) === 0 ? block : 0;
}

/** A block of `headWords` words of zeros and a name, entered in the directory that `at`, a word, holds. Returns 0: out of memory. */
export function createNamed(shard: Shard, at: number, headWords: number, name: Name): number {
  const { words } = shard;
  const block = allocate(shard, headWords * 4 + name.byteCount);
  if (block === 0) return 0;
  const directory = reserveRef(shard, words[at]!);
  if (directory === 0) {
    free(shard, block);
    return 0;
  }
  words[at] = directory;
  words.fill(0, block >> 2, (block >> 2) + headWords);
  words[block >> 2] = name.byteCount;
  if (name.bytes !== shard.bytes) {
    copyBytes(name.bytes, name.at, shard.bytes, block + headWords * 4, name.byteCount);
  } else shard.bytes.u8.copyWithin(block + headWords * 4, name.at, name.at + name.byteCount);
  insertRef(shard, directory, searchNamed(shard, directory, headWords, name), block);
  return block;
}

/** Takes a block, which is not freed, out of the directory that `at`, a word, holds. */
export function removeNamed(shard: Shard, at: number, block: number): void {
  const directory = shard.words[at]!;
  let index = 0;
  while (refAt(shard, directory, index) !== block) index++;
  shard.words[at] = removeRef(shard, directory, index);
}

/** Whether the name of block `a` is before that of `b`. */
export function isNameBefore(shard: Shard, a: number, b: number, headWords: number): boolean {
  const name = { bytes: shard.bytes, at: b + headWords * 4, byteCount: shard.words[b >> 2]! };
  return compareName(shard, a, headWords, name) < 0;
}
