/**
 * The groups that read a stream, their consumers, and what those have not acknowledged (pending-list.ts).
 *
 *  group, 56 bytes and its name
 *   word 0          2            6              8         10          12          14
 *        +----------+------------+--------------+---------+-----------+-----------+------
 *        | name     | last id    | entries read | pending | consumers |           | name
 *        | bytes    | x 4        | double, -1   | list    | directory |           |
 *        +----------+------------+--------------+---------+-----------+-----------+------
 *  consumer, 24 bytes and its name
 *   word 0          2            4              6
 *        +----------+------------+--------------+------
 *        | name     | seen ms    | pending      | name
 *        | bytes    | double     | list         |
 *        +----------+------------+--------------+------
 *   entries read = how many entries of the stream the group has been given, -1 when nobody knows.
 *
 *  Invariants: groups and consumers ascend by the bytes of their names; the lists of the consumers are the group's list.
 *  Ownership: the stream owns its directory of groups and they their consumers. Blocks do not move. Lock: the shard's.
 *  Costs: found by name in O(log n); coming and going move part of a directory.
 */
import { assert } from '../../base/assert.ts';
import { type Bytes, compareBytes, copyBytes } from '../../base/bytes.ts';
import { allocate, free, usableBytes } from '../../memory/allocator.ts';
import type { Shard } from '../../memory/shard.ts';
import { insertRef, refAt, refCount, removeRef, reserveRef, verifyDirectory } from './directory.ts';
import {
  addPending,
  findPending,
  freePending,
  List,
  OWN_WORDS,
  Pending,
  pendingBytesUsed,
  PendingWalk,
  removePending,
  verifyPending,
} from './pending-list.ts';
import { loadId, storeId, StreamId } from './stream-id.ts';
import { Stream } from './stream-log.ts';

/** Word offsets in a group. */
const enum Group {
  NameBytes = 0,
  LastId = 2,
  EntriesRead = 6,
  Pending = 8,
  Consumers = 10,
  Words = 12,
}

/** Word offsets in a consumer. */
const enum Consumer {
  NameBytes = 0,
  SeenMs = 2,
  Pending = 4,
  Words = 6,
}

assert(Group.EntriesRead % 2 === 0 && Consumer.SeenMs % 2 === 0, 'doubles are aligned');

/** Instead of a number of entries read: nobody knows. */
export const UNKNOWN_READ = -1;
/** What a new name costs at most beside its bytes, its place in a directory included, for `hasRoomFor`. */
export const NAMED_BYTES_MAX = 256;

/** The bytes of a name. */
export interface Name {
  readonly bytes: Bytes;
  readonly at: number;
  readonly byteCount: number;
}

export function groupCount(shard: Shard, root: number): number {
  return refCount(shard, shard.words[(root >> 2) + Stream.Groups]!);
}

export function groupAt(shard: Shard, root: number, index: number): number {
  return refAt(shard, shard.words[(root >> 2) + Stream.Groups]!, index);
}

/** The group of this name, or 0. */
export function findGroup(shard: Shard, root: number, name: Name): number {
  return findNamed(shard, shard.words[(root >> 2) + Stream.Groups]!, Group.Words, name);
}

/** Creates a group, which does not exist. Returns it, or 0, nothing changed: out of memory. */
export function createGroup(
  shard: Shard,
  root: number,
  name: Name,
  lastId: StreamId,
  entriesRead: number,
): number {
  const group = createNamed(shard, (root >> 2) + Stream.Groups, Group.Words, name);
  if (group === 0) return 0;
  setGroupLastId(shard, group, lastId);
  setEntriesRead(shard, group, entriesRead);
  return group;
}

export function destroyGroup(shard: Shard, root: number, group: number): void {
  removeNamed(shard, (root >> 2) + Stream.Groups, group);
  freeGroup(shard, group);
}

function freeGroup(shard: Shard, group: number): void {
  const { words } = shard;
  const consumers = words[(group >> 2) + Group.Consumers]!;
  const count = refCount(shard, consumers);
  for (let i = 0; i < count; i++) {
    const consumer = refAt(shard, consumers, i);
    freePending(shard, (consumer >> 2) + Consumer.Pending);
    free(shard, consumer);
  }
  if (consumers !== 0) free(shard, consumers);
  freePending(shard, (group >> 2) + Group.Pending);
  free(shard, group);
}

/** Frees the last group. False: there is none. */
export function freeLastGroup(shard: Shard, root: number): boolean {
  const count = groupCount(shard, root);
  if (count === 0) return false;
  destroyGroup(shard, root, groupAt(shard, root, count - 1));
  return true;
}

export function pointAtGroupName(
  shard: Shard,
  group: number,
  into: { set(b: Bytes, at: number, n: number): void },
): void {
  into.set(shard.bytes, group + Group.Words * 4, shard.words[(group >> 2) + Group.NameBytes]!);
}

export function groupLastId(shard: Shard, group: number, into: StreamId): void {
  loadId(shard.words, (group >> 2) + Group.LastId, into);
}

export function setGroupLastId(shard: Shard, group: number, id: StreamId): void {
  storeId(shard.words, (group >> 2) + Group.LastId, id);
}

/** Entries read, or UNKNOWN_READ. */
export function entriesRead(shard: Shard, group: number): number {
  return shard.doubles[((group >> 2) + Group.EntriesRead) >> 1]!;
}

export function setEntriesRead(shard: Shard, group: number, count: number): void {
  shard.doubles[((group >> 2) + Group.EntriesRead) >> 1] = count;
}

/** The word where the list of a group's pending entries is. */
export function groupPending(group: number): number {
  return (group >> 2) + Group.Pending;
}

export function groupPendingCount(shard: Shard, group: number): number {
  return shard.words[(group >> 2) + Group.Pending + List.Count]!;
}

export function consumerCount(shard: Shard, group: number): number {
  return refCount(shard, shard.words[(group >> 2) + Group.Consumers]!);
}

export function consumerAt(shard: Shard, group: number, index: number): number {
  return refAt(shard, shard.words[(group >> 2) + Group.Consumers]!, index);
}

/** The consumer of this name, or 0. */
export function findConsumer(shard: Shard, group: number, name: Name): number {
  return findNamed(shard, shard.words[(group >> 2) + Group.Consumers]!, Consumer.Words, name);
}

/** Creates a consumer, which does not exist. Returns it, or 0, nothing changed: out of memory. */
export function createConsumer(shard: Shard, group: number, name: Name, seenMs: number): number {
  const consumer = createNamed(shard, (group >> 2) + Group.Consumers, Consumer.Words, name);
  if (consumer !== 0) setSeenMs(shard, consumer, seenMs);
  return consumer;
}

/** Removes a consumer and what it has not acknowledged. */
export function removeConsumer(shard: Shard, group: number, consumer: number): void {
  const list = (consumer >> 2) + Consumer.Pending;
  const walk = new PendingWalk();
  const id = new StreamId();
  walk.start(shard, list, OWN_WORDS, id);
  for (let word = walk.next(shard, list, OWN_WORDS); word !== 0; word = walk.next(shard, list, OWN_WORDS)) {
    loadId(shard.words, word, id);
    removePending(shard, groupPending(group), Pending.Words, id);
  }
  freePending(shard, list);
  removeNamed(shard, (group >> 2) + Group.Consumers, consumer);
  free(shard, consumer);
}

export function pointAtConsumerName(
  shard: Shard,
  consumer: number,
  into: { set(b: Bytes, at: number, n: number): void },
): void {
  into.set(shard.bytes, consumer + Consumer.Words * 4, shard.words[(consumer >> 2) + Consumer.NameBytes]!);
}

export function seenMs(shard: Shard, consumer: number): number {
  return shard.doubles[((consumer >> 2) + Consumer.SeenMs) >> 1]!;
}

export function setSeenMs(shard: Shard, consumer: number, ms: number): void {
  shard.doubles[((consumer >> 2) + Consumer.SeenMs) >> 1] = ms;
}

/** The word where the list of a consumer's pending entries is. */
export function consumerPending(consumer: number): number {
  return (consumer >> 2) + Consumer.Pending;
}

export function consumerPendingCount(shard: Shard, consumer: number): number {
  return shard.words[(consumer >> 2) + Consumer.Pending + List.Count]!;
}

/** The word of what a group knows about a pending entry, or 0. */
export function findInGroup(shard: Shard, group: number, id: StreamId): number {
  return findPending(shard, groupPending(group), Pending.Words, id);
}

/**
 * Makes `id` a pending entry of `consumer`, whosever it was. Returns the word of it, whose time and times are the
 * caller's to write, or 0: out of memory.
 */
export function assignPending(shard: Shard, group: number, consumer: number, id: StreamId): number {
  const { words } = shard;
  const found = findInGroup(shard, group, id);
  if (found !== 0 && words[found + Pending.Consumer] === consumer) return found;
  if (addPending(shard, consumerPending(consumer), OWN_WORDS, id) === 0) return 0;
  if (found !== 0) {
    removePending(shard, consumerPending(words[found + Pending.Consumer]!), OWN_WORDS, id);
    words[found + Pending.Consumer] = consumer;
    return found;
  }
  const entry = addPending(shard, groupPending(group), Pending.Words, id);
  if (entry === 0) removePending(shard, consumerPending(consumer), OWN_WORDS, id);
  else {
    words[entry + Pending.Consumer] = consumer;
    words[entry + Pending.Times] = 0;
    shard.doubles[(entry + Pending.DeliveredMs) >> 1] = 0;
  }
  return entry;
}

/** Takes `id` off what is pending. False: it is not. */
export function acknowledge(shard: Shard, group: number, id: StreamId): boolean {
  const found = findInGroup(shard, group, id);
  if (found === 0) return false;
  removePending(shard, consumerPending(shard.words[found + Pending.Consumer]!), OWN_WORDS, id);
  return removePending(shard, groupPending(group), Pending.Words, id);
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

function findNamed(shard: Shard, directory: number, headWords: number, name: Name): number {
  if (directory === 0) return 0;
  const index = searchNamed(shard, directory, headWords, name);
  if (index === refCount(shard, directory)) return 0;
  const block = refAt(shard, directory, index);
  return compareName(shard, block, headWords, name) === 0 ? block : 0;
}

/** A block of `headWords` words of zeros and a name, entered in the directory that `at`, a word, holds. */
function createNamed(shard: Shard, at: number, headWords: number, name: Name): number {
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

function removeNamed(shard: Shard, at: number, block: number): void {
  const directory = shard.words[at]!;
  let index = 0;
  while (refAt(shard, directory, index) !== block) index++;
  shard.words[at] = removeRef(shard, directory, index);
}

/** Copies the groups of a stream to one that has none. False: out of memory, and the copy has only some. */
export function copyGroups(from: Shard, root: number, to: Shard, copy: number): boolean {
  const count = groupCount(from, root);
  for (let i = 0; i < count; i++) if (!copyGroup(from, groupAt(from, root, i), to, copy)) return false;
  return true;
}

function copyGroup(from: Shard, group: number, to: Shard, root: number): boolean {
  const id = new StreamId();
  groupLastId(from, group, id);
  const name = { bytes: from.bytes, at: group + Group.Words * 4, byteCount: from.words[group >> 2]! };
  const copy = createGroup(to, root, name, id, entriesRead(from, group));
  if (copy === 0) return false;
  const consumers = new Map<number, number>();
  const count = consumerCount(from, group);
  for (let i = 0; i < count; i++) {
    const consumer = consumerAt(from, group, i);
    const own = {
      bytes: from.bytes,
      at: consumer + Consumer.Words * 4,
      byteCount: from.words[consumer >> 2]!,
    };
    const created = createConsumer(to, copy, own, seenMs(from, consumer));
    if (created === 0) return false;
    consumers.set(consumer, created);
  }
  const list = groupPending(group);
  const walk = new PendingWalk();
  walk.start(from, list, Pending.Words, new StreamId());
  for (
    let word = walk.next(from, list, Pending.Words);
    word !== 0;
    word = walk.next(from, list, Pending.Words)
  ) {
    loadId(from.words, word, id);
    const target = assignPending(to, copy, consumers.get(from.words[word + Pending.Consumer]!)!, id);
    if (target === 0) return false;
    to.words[target + Pending.Times] = from.words[word + Pending.Times]!;
    to.doubles[(target + Pending.DeliveredMs) >> 1] = from.doubles[(word + Pending.DeliveredMs) >> 1]!;
  }
  return true;
}

/** Asserts the invariants of all groups. Returns the bytes of their blocks. */
export function verifyGroups(shard: Shard, root: number): number {
  let bytes = verifyDirectory(shard, shard.words[(root >> 2) + Stream.Groups]!);
  const count = groupCount(shard, root);
  for (let i = 0; i < count; i++) {
    const group = groupAt(shard, root, i);
    if (i > 0) assert(isNameBefore(shard, groupAt(shard, root, i - 1), group, Group.Words), 'groups: order');
    bytes += verifyGroup(shard, group);
  }
  return bytes;
}

function isNameBefore(shard: Shard, a: number, b: number, headWords: number): boolean {
  const name = { bytes: shard.bytes, at: b + headWords * 4, byteCount: shard.words[b >> 2]! };
  return compareName(shard, a, headWords, name) < 0;
}

function verifyGroup(shard: Shard, group: number): number {
  const list = groupPending(group);
  let bytes = usableBytes(shard, group) + verifyPending(shard, list, Pending.Words);
  bytes += verifyDirectory(shard, shard.words[(group >> 2) + Group.Consumers]!);
  let owned = 0;
  const count = consumerCount(shard, group);
  for (let i = 0; i < count; i++) {
    const consumer = consumerAt(shard, group, i);
    if (i > 0)
      assert(
        isNameBefore(shard, consumerAt(shard, group, i - 1), consumer, Consumer.Words),
        'consumers: order',
      );
    bytes += usableBytes(shard, consumer) + verifyPending(shard, consumerPending(consumer), OWN_WORDS);
    owned += consumerPendingCount(shard, consumer);
  }
  assert(owned === groupPendingCount(shard, group), 'groups: entries of no consumer');
  const walk = new PendingWalk();
  const id = new StreamId();
  walk.start(shard, list, Pending.Words, id);
  for (
    let word = walk.next(shard, list, Pending.Words);
    word !== 0;
    word = walk.next(shard, list, Pending.Words)
  ) {
    loadId(shard.words, word, id);
    const own = consumerPending(shard.words[word + Pending.Consumer]!);
    assert(findPending(shard, own, OWN_WORDS, id) !== 0, 'groups: entry not with its consumer');
  }
  return bytes;
}

/** Bytes of the blocks of all groups. */
export function groupsBytesUsed(shard: Shard, root: number): number {
  const { words } = shard;
  const directory = words[(root >> 2) + Stream.Groups]!;
  if (directory === 0) return 0;
  let bytes = usableBytes(shard, directory);
  for (let i = groupCount(shard, root) - 1; i >= 0; i--) {
    const group = groupAt(shard, root, i);
    bytes += usableBytes(shard, group) + pendingBytesUsed(shard, groupPending(group));
    const consumers = words[(group >> 2) + Group.Consumers]!;
    if (consumers !== 0) bytes += usableBytes(shard, consumers);
    for (let j = consumerCount(shard, group) - 1; j >= 0; j--) {
      const consumer = consumerAt(shard, group, j);
      bytes += usableBytes(shard, consumer) + pendingBytesUsed(shard, consumerPending(consumer));
    }
  }
  return bytes;
}
