/**
 * An ordered array of offsets that grows at its end and is taken from at its beginning: of the nodes of a stream, the
 * chunks of a pending list, groups by name, consumers by name. An array that there is none of is 0.
 *
 *  directory
 *   word 0       1       2          3           3 + first         3 + capacity
 *        +-------+-------+----------+-----------+------+----------+
 *        | first | count | capacity | free      | refs | free     |
 *        +-------+-------+----------+-----------+------+----------+
 *  Invariants: first + count <= capacity; no ref is 0.
 *  Ownership: whoever holds its offset owns it, and what it refers to. Lock: the shard's.
 *  Growth: doubles; what is free in front is used before that if it is a quarter. Shrinks when an eighth is used.
 *  Costs: 4 bytes a ref and up to as much again; at an end O(1), elsewhere the refs behind are moved.
 */
import { assert } from '../../base/assert.ts';
import { allocate, free, usableBytes } from '../../memory/allocator.ts';
import type { Shard } from '../../memory/shard.ts';

/** Word offsets in a directory. */
const enum Directory {
  First = 0,
  Count = 1,
  Capacity = 2,
  Refs = 3,
}

const CAPACITY_MIN = 3;
/** A directory of more places is made smaller when few are used. */
const SHRINK_FROM = 32;

/** How many refs there are. */
export function refCount(shard: Shard, directory: number): number {
  return directory === 0 ? 0 : shard.words[(directory >> 2) + Directory.Count]!;
}

export function refAt(shard: Shard, directory: number, index: number): number {
  const word = directory >> 2;
  return shard.words[word + Directory.Refs + shard.words[word + Directory.First]! + index]!;
}

export function setRefAt(shard: Shard, directory: number, index: number, ref: number): void {
  const word = directory >> 2;
  shard.words[word + Directory.Refs + shard.words[word + Directory.First]! + index] = ref;
}

/** Makes room for one more. Returns where the directory is now, or 0, nothing changed: out of memory. */
export function reserveRef(shard: Shard, directory: number): number {
  if (directory === 0) return createDirectory(shard, CAPACITY_MIN);
  const { words } = shard;
  const word = directory >> 2;
  const first = words[word + Directory.First]!;
  const count = words[word + Directory.Count]!;
  const capacity = words[word + Directory.Capacity]!;
  if (first + count < capacity) return directory;
  if (first === 0 || first < capacity >> 2) return resize(shard, directory, capacity * 2);
  words.copyWithin(word + Directory.Refs, word + Directory.Refs + first, word + Directory.Refs + capacity);
  words[word + Directory.First] = 0;
  return directory;
}

/** Puts a ref at `index` of a directory that has room. */
export function insertRef(shard: Shard, directory: number, index: number, ref: number): void {
  const { words } = shard;
  const word = directory >> 2;
  const refs = word + Directory.Refs + words[word + Directory.First]!;
  const count = words[word + Directory.Count]!;
  assert(
    words[word + Directory.First]! + count < words[word + Directory.Capacity]!,
    'stream directory: no room',
  );
  if (index < count) words.copyWithin(refs + index + 1, refs + index, refs + count);
  words[refs + index] = ref;
  words[word + Directory.Count] = count + 1;
}

/** Takes the ref at `index` out. Returns where the directory is now, 0 when it is empty. */
export function removeRef(shard: Shard, directory: number, index: number): number {
  const { words } = shard;
  const word = directory >> 2;
  const first = words[word + Directory.First]!;
  const refs = word + Directory.Refs + first;
  const count = words[word + Directory.Count]! - 1;
  if (count === 0) {
    free(shard, directory);
    return 0;
  }
  words[word + Directory.Count] = count;
  if (index === 0) words[word + Directory.First] = first + 1;
  else words.copyWithin(refs + index, refs + index + 1, refs + count + 1);
  const capacity = words[word + Directory.Capacity]!;
  if (capacity <= SHRINK_FROM || count > capacity >> 3) return directory;
  return resize(shard, directory, capacity >> 2) || directory;
}

function createDirectory(shard: Shard, capacity: number): number {
  const directory = allocate(shard, (Directory.Refs + capacity) * 4);
  if (directory === 0) return 0;
  const word = directory >> 2;
  shard.words[word + Directory.First] = 0;
  shard.words[word + Directory.Count] = 0;
  shard.words[word + Directory.Capacity] = capacity;
  return directory;
}

function resize(shard: Shard, directory: number, capacity: number): number {
  const { words } = shard;
  const target = createDirectory(shard, capacity);
  if (target === 0) return 0;
  const word = directory >> 2;
  const count = words[word + Directory.Count]!;
  const refs = word + Directory.Refs + words[word + Directory.First]!;
  words.copyWithin((target >> 2) + Directory.Refs, refs, refs + count);
  words[(target >> 2) + Directory.Count] = count;
  free(shard, directory);
  return target;
}

/** Asserts the invariants. Returns the bytes of its block. */
export function verifyDirectory(shard: Shard, directory: number): number {
  if (directory === 0) return 0;
  const { words } = shard;
  const word = directory >> 2;
  const first = words[word + Directory.First]!;
  const count = words[word + Directory.Count]!;
  const capacity = words[word + Directory.Capacity]!;
  const block = usableBytes(shard, directory);
  assert(count > 0 && first >= 0 && first + count <= capacity, 'stream directory: count');
  assert((Directory.Refs + capacity) * 4 <= block, 'stream directory: beyond its block');
  for (let i = 0; i < count; i++) assert(refAt(shard, directory, i) > 0, 'stream directory: no ref');
  return block;
}
