/**
 * The groups that read a stream, their consumers, and what those have not acknowledged (pending-list.ts).
 *
 *  group, 56 bytes and its name
 *   word 0       1      2            6              8         10          11       12           14
 *        +-------+------+------------+--------------+---------+-----------+--------+------------+------
 *        | name  | turn | last id    | entries read | pending | consumers | unowned| earliest   | name
 *        | bytes |      | x 4        | double, -1   | list    | directory | count  | ms, double |
 *        +-------+------+------------+--------------+---------+-----------+--------+------------+------
 *  consumer, 24 bytes and its name
 *   word 0          2            4              6
 *        +----------+------------+--------------+------
 *        | name     | seen ms    | pending      | name
 *        | bytes    | double     | list         |
 *        +----------+------------+--------------+------
 *   unowned count = pending entries that a consumer has given back: their consumer is 0, and in place of the time of their
 *   delivery stands UNOWNED_FIRST and the turn in which they were given back, so that they are ordered before all others.
 *   earliest ms = no entry that has an owner was delivered before, as far as is known: see `noteDelivery`.
 *   entries read = how many entries of the stream the group has been given, -1 when nobody knows.
 *
 *  Invariants: groups and consumers ascend by the bytes of their names; the lists of the consumers and what is unowned are
 *  the group's list.
 *  Ownership: the stream owns its directory of groups and they their consumers. Blocks do not move. Lock: the shard's.
 *  Costs: found by name in O(log n); coming and going move part of a directory.
 */
import { assert } from '../../base/assert.ts';
import type { Bytes } from '../../base/bytes.ts';
import { free, usableBytes } from '../../memory/allocator.ts';
import type { Shard } from '../../memory/shard.ts';
import { refAt, refCount, verifyDirectory } from './directory.ts';
import { createNamed, findNamed, isNameBefore, type Name, removeNamed } from './named-blocks.ts';
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
  Turn = 1,
  LastId = 2,
  EntriesRead = 6,
  Pending = 8,
  Consumers = 10,
  Unowned = 11,
  EarliestMs = 12,
  Words = 14,
}

/** Word offsets in a consumer. */
const enum Consumer {
  NameBytes = 0,
  SeenMs = 2,
  Pending = 4,
  Words = 6,
}

assert(
  Group.EntriesRead % 2 === 0 && Group.EarliestMs % 2 === 0 && Consumer.SeenMs % 2 === 0,
  'doubles are aligned',
);

/** More deliveries than are counted: that many, or an entry that was given back as one that nobody can process. */
export const TIMES_MAX = 2 ** 31 - 1;
/** Before all times: see above. */
const UNOWNED_FIRST = -(2 ** 52);
/** Instead of a number of entries read: nobody knows. */
export const UNKNOWN_READ = -1;
/** What a new name costs at most beside its bytes, its place in a directory included, for `hasRoomFor`. */
export const NAMED_BYTES_MAX = 256;

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
  shard.doubles[((group >> 2) + Group.EarliestMs) >> 1] = Infinity;
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
  if (groupPendingCount(shard, group) === 0) setEarliestDelivery(shard, group, Infinity);
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

/** How many pending entries of a group have been given back and belong to nobody. */
export function unownedCount(shard: Shard, group: number): number {
  return shard.words[(group >> 2) + Group.Unowned]!;
}

/** Whether the pending entry of a group at word `entry` has been given back. */
export function isUnowned(shard: Shard, entry: number): boolean {
  return shard.words[entry + Pending.Consumer] === 0;
}

/** When the pending entry at word `entry` was delivered, in ms; 0 for one that has been given back. */
export function deliveredMs(shard: Shard, entry: number): number {
  return isUnowned(shard, entry) ? 0 : shard.doubles[(entry + Pending.DeliveredMs) >> 1]!;
}

/** No entry that has an owner was delivered before; Infinity where there is none. It may be too early, never too late. */
export function earliestDelivery(shard: Shard, group: number): number {
  return shard.doubles[((group >> 2) + Group.EarliestMs) >> 1]!;
}

/** Says so after a look at all entries. */
export function setEarliestDelivery(shard: Shard, group: number, ms: number): void {
  shard.doubles[((group >> 2) + Group.EarliestMs) >> 1] = ms;
}

/** Writes when an entry that has an owner was delivered. */
export function setDelivered(shard: Shard, group: number, entry: number, ms: number): void {
  shard.doubles[(entry + Pending.DeliveredMs) >> 1] = ms;
  if (ms < earliestDelivery(shard, group)) setEarliestDelivery(shard, group, ms);
}

/** Counts one more delivery. */
export function countDelivery(shard: Shard, entry: number): void {
  if (shard.words[entry + Pending.Times]! < TIMES_MAX) shard.words[entry + Pending.Times]!++;
}

/**
 * Makes `id` a pending entry of `consumer`, whosever it was. Returns the word of it, whose time (`setDelivered`) and times
 * are the caller's to write, or 0: out of memory. Until then it counts as delivered at 0.
 */
export function assignPending(shard: Shard, group: number, consumer: number, id: StreamId): number {
  const { words } = shard;
  const found = findInGroup(shard, group, id);
  if (found !== 0 && words[found + Pending.Consumer] === consumer) return found;
  if (addPending(shard, consumerPending(consumer), OWN_WORDS, id) === 0) return 0;
  if (found !== 0) {
    const wasUnowned = isUnowned(shard, found);
    disown(shard, group, found, id);
    words[found + Pending.Consumer] = consumer;
    if (wasUnowned) setDelivered(shard, group, found, 0);
    return found;
  }
  const entry = addPending(shard, groupPending(group), Pending.Words, id);
  if (entry === 0) removePending(shard, consumerPending(consumer), OWN_WORDS, id);
  else {
    words[entry + Pending.Consumer] = consumer;
    words[entry + Pending.Times] = 0;
    setDelivered(shard, group, entry, 0);
  }
  return entry;
}

/** Takes a pending entry off its consumer's list, or off the count of those that have none. */
function disown(shard: Shard, group: number, entry: number, id: StreamId): void {
  const owner = shard.words[entry + Pending.Consumer]!;
  if (owner === 0) shard.words[(group >> 2) + Group.Unowned]!--;
  else removePending(shard, consumerPending(owner), OWN_WORDS, id);
}

/**
 * Takes the pending entry at word `entry`, or with 0 a new one for `id`, from whoever has it: it is the last of those that
 * belong to nobody. Returns its word, or 0: out of memory.
 */
export function releasePending(shard: Shard, group: number, entry: number, id: StreamId): number {
  const { words } = shard;
  const isNew = entry === 0;
  const released = isNew ? addPending(shard, groupPending(group), Pending.Words, id) : entry;
  if (released === 0) return 0;
  if (isNew) words[released + Pending.Times] = 0;
  else disown(shard, group, released, id);
  words[released + Pending.Consumer] = 0;
  words[(group >> 2) + Group.Unowned]!++;
  const turn = (words[(group >> 2) + Group.Turn]! + 1) | 0;
  words[(group >> 2) + Group.Turn] = turn;
  shard.doubles[(released + Pending.DeliveredMs) >> 1] = UNOWNED_FIRST + (turn >>> 0);
  return released;
}

/** Takes `id` off what is pending. False: it is not. */
export function acknowledge(shard: Shard, group: number, id: StreamId): boolean {
  const found = findInGroup(shard, group, id);
  if (found === 0) return false;
  disown(shard, group, found, id);
  removePending(shard, groupPending(group), Pending.Words, id);
  if (groupPendingCount(shard, group) === 0) setEarliestDelivery(shard, group, Infinity);
  return true;
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
  setEarliestDelivery(to, copy, earliestDelivery(from, group));
  const list = groupPending(group);
  const walk = new PendingWalk();
  walk.start(from, list, Pending.Words, new StreamId());
  for (
    let word = walk.next(from, list, Pending.Words);
    word !== 0;
    word = walk.next(from, list, Pending.Words)
  ) {
    loadId(from.words, word, id);
    const target = isUnowned(from, word)
      ? releasePending(to, copy, 0, id)
      : assignPending(to, copy, consumers.get(from.words[word + Pending.Consumer]!)!, id);
    if (target === 0) return false;
    to.words[target + Pending.Times] = from.words[word + Pending.Times]!;
    to.doubles[(target + Pending.DeliveredMs) >> 1] = from.doubles[(word + Pending.DeliveredMs) >> 1]!;
  }
  to.words[(copy >> 2) + Group.Turn] = from.words[(group >> 2) + Group.Turn]!;
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
  assert(owned + unownedCount(shard, group) === groupPendingCount(shard, group), 'groups: owners');
  const earliestMs = earliestDelivery(shard, group);
  const walk = new PendingWalk();
  const id = new StreamId();
  walk.start(shard, list, Pending.Words, id);
  for (
    let word = walk.next(shard, list, Pending.Words);
    word !== 0;
    word = walk.next(shard, list, Pending.Words)
  ) {
    if (isUnowned(shard, word)) continue;
    assert(deliveredMs(shard, word) >= earliestMs, 'groups: delivered before the earliest');
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
