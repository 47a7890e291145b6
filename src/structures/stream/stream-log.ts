/**
 * A stream: nodes of entries (stream-node.ts) under a directory, ordered by id, and the groups that read it (groups.ts).
 *
 *  root, 80 bytes
 *   word 0           1        2        4         8          12            16                18
 *        +-----------+--------+--------+---------+----------+-------------+-----------------+
 *        | directory | groups | length | last id | first id | max deleted | entries added   |
 *        |           |        | , 3:   | x 4     | x 4      | id x 4      | double          |
 *        |           |        | is last|         |          |             |                 |
 *        +-----------+--------+--------+---------+----------+-------------+-----------------+
 *
 *   is last = 1 when the last id is that of the last entry appended, 0 when it may have been set to another.
 *
 *  Redis keeps nodes in a radix tree by the id of their first entry. Ours stand in an array in that order, which a
 *  binary search goes through: ids only grow, so nodes come at its end, and mostly go at its beginning.
 *  Invariants: no node is empty; length is the sum of live entries; first id is that of the first live one, or 0-0.
 *  Ownership: the root owns directory, nodes and groups. Lock: the shard's.
 *  Costs: appending and popping O(1), finding an id O(log nodes) and a walk through its node.
 */
import { assert } from '../../base/assert.ts';
import { allocate, free, usableBytes } from '../../memory/allocator.ts';
import type { Shard } from '../../memory/shard.ts';
import { insertRef, refAt, refCount, removeRef, reserveRef, setRefAt, verifyDirectory } from './directory.ts';
import { compareIdAt, compareIds, loadId, storeId, StreamId } from './stream-id.ts';
import {
  appendEntry,
  copyStreamNode,
  createStreamNode,
  type FieldArguments,
  fieldBytes,
  fitStreamNode,
  masterIdWord,
  nodeLive,
  NodeReader,
  nodeTotal,
  nodeUsed,
  verifyStreamNode,
} from './stream-node.ts';

/** Word offsets in a root. */
export const enum Stream {
  Directory = 0,
  Groups = 1,
  Length = 2,
  IsLast = 3,
  LastId = 4,
  FirstId = 8,
  MaxDeletedId = 12,
  EntriesAdded = 16,
  Words = 18,
}

assert(Stream.EntriesAdded % 2 === 0, 'entries added is aligned');

/** No node is larger, whatever the limits. Redis: the same. */
const NODE_BYTES_MAX = 1 << 30;

/** When a node is full: `stream-node-max-bytes` and `stream-node-max-entries`, where 0 is no limit. */
export interface NodeLimits {
  streamNodeBytes: number;
  streamNodeEntries: number;
}

/** A stream without entries. Returns its root, or 0: out of memory. */
export function createStream(shard: Shard): number {
  const root = allocate(shard, Stream.Words * 4);
  if (root !== 0) shard.words.fill(0, root >> 2, (root >> 2) + Stream.Words);
  return root;
}

export function streamLength(shard: Shard, root: number): number {
  return shard.words[(root >> 2) + Stream.Length]!;
}

export function streamNodes(shard: Shard, root: number): number {
  return refCount(shard, shard.words[(root >> 2) + Stream.Directory]!);
}

/** Reads one of the ids of a root: `field` is Stream.LastId, FirstId or MaxDeletedId. */
export function readStreamId(shard: Shard, root: number, field: number, into: StreamId): void {
  loadId(shard.words, (root >> 2) + field, into);
}

export function writeStreamId(shard: Shard, root: number, field: number, id: StreamId): void {
  storeId(shard.words, (root >> 2) + field, id);
}

export function entriesAdded(shard: Shard, root: number): number {
  return shard.doubles[((root >> 2) + Stream.EntriesAdded) >> 1]!;
}

export function setEntriesAdded(shard: Shard, root: number, count: number): void {
  shard.doubles[((root >> 2) + Stream.EntriesAdded) >> 1] = count;
}

/** Appends an entry whose id is above the last one. False, nothing changed: out of memory. Hot. */
export function appendToStream(
  shard: Shard,
  root: number,
  id: StreamId,
  fields: FieldArguments,
  limits: NodeLimits,
): boolean {
  const { words } = shard;
  const word = root >> 2;
  const rawBytes = fieldBytes(fields);
  const bytesMax =
    limits.streamNodeBytes === 0 ? NODE_BYTES_MAX : Math.min(limits.streamNodeBytes, NODE_BYTES_MAX);
  const directory = words[word + Stream.Directory]!;
  const lastIndex = refCount(shard, directory) - 1;
  const last = lastIndex < 0 ? 0 : refAt(shard, directory, lastIndex);
  if (last !== 0 && !isFull(shard, last, rawBytes, bytesMax, limits.streamNodeEntries)) {
    const node = appendEntry(shard, last, id, fields, rawBytes, bytesMax);
    if (node === 0) return false;
    if (node !== last) setRefAt(shard, directory, lastIndex, node);
  } else if (!appendNode(shard, word, last, id, fields, rawBytes, bytesMax)) return false;
  if (words[word + Stream.Length]!++ === 0) storeId(words, word + Stream.FirstId, id);
  storeId(words, word + Stream.LastId, id);
  words[word + Stream.IsLast] = 1;
  shard.doubles[(word + Stream.EntriesAdded) >> 1]!++;
  return true;
}

function isFull(shard: Shard, node: number, rawBytes: number, bytesMax: number, entriesMax: number): boolean {
  if (nodeUsed(shard, node) + rawBytes >= bytesMax) return true;
  return entriesMax !== 0 && nodeTotal(shard, node) >= entriesMax;
}

function appendNode(
  shard: Shard,
  word: number,
  last: number,
  id: StreamId,
  fields: FieldArguments,
  rawBytes: number,
  bytesMax: number,
): boolean {
  const { words } = shard;
  const directory = reserveRef(shard, words[word + Stream.Directory]!);
  if (directory === 0) return false;
  words[word + Stream.Directory] = directory;
  const count = refCount(shard, directory);
  const node = createStreamNode(shard, id, fields, rawBytes);
  const filled = node === 0 ? 0 : appendEntry(shard, node, id, fields, rawBytes, bytesMax);
  if (filled === 0) {
    if (node !== 0) free(shard, node);
    if (count > 0) return false;
    free(shard, directory);
    words[word + Stream.Directory] = 0;
    return false;
  }
  if (last !== 0) setRefAt(shard, directory, count - 1, fitStreamNode(shard, last));
  insertRef(shard, directory, count, filled);
  return true;
}

/** Index of the node in which `id` is or would be; 0 where it is before all. */
function nodeIndexOf(shard: Shard, directory: number, id: StreamId): number {
  const { words } = shard;
  let low = 1;
  let high = refCount(shard, directory);
  // Most look for what has come last.
  if (high > 1 && compareIdAt(words, masterIdWord(refAt(shard, directory, high - 1)), id) <= 0)
    return high - 1;
  while (low < high) {
    const middle = (low + high) >>> 1;
    if (compareIdAt(words, masterIdWord(refAt(shard, directory, middle)), id) <= 0) low = middle + 1;
    else high = middle;
  }
  return low - 1;
}

/** Live entries from an id on, in either direction. Valid until the stream is changed. */
export class StreamWalk {
  readonly entry = new NodeReader();
  private shard: Shard | null = null;
  private directory = 0;
  private nodeIndex = 0;
  /** Where the entries of the node begin that are still to come, walking backward. */
  private readonly places: number[] = [];

  get id(): StreamId {
    return this.entry.id;
  }

  /** Begins in front of the first entry that is not before `from`. */
  startForward(shard: Shard, root: number, from: StreamId): void {
    this.shard = shard;
    this.directory = shard.words[(root >> 2) + Stream.Directory]!;
    if (this.directory === 0) return;
    this.nodeIndex = nodeIndexOf(shard, this.directory, from);
    const { entry } = this;
    entry.open(shard, refAt(shard, this.directory, this.nodeIndex));
    while (entry.next()) {
      if (compareIds(entry.id, from) < 0) continue;
      entry.nextAt = entry.entryAt;
      return;
    }
  }

  /** Reads the next entry. False: there is none. */
  next(): boolean {
    const { entry, directory } = this;
    if (directory === 0) return false;
    for (;;) {
      while (entry.next()) if (!entry.isDeleted) return true;
      if (this.nodeIndex + 1 >= refCount(this.shard!, directory)) return false;
      this.nodeIndex++;
      entry.open(this.shard!, refAt(this.shard!, directory, this.nodeIndex));
    }
  }

  /** Begins behind the last entry that is not after `from`. */
  startBackward(shard: Shard, root: number, from: StreamId): void {
    this.shard = shard;
    this.directory = shard.words[(root >> 2) + Stream.Directory]!;
    this.places.length = 0;
    if (this.directory === 0) return;
    this.nodeIndex = nodeIndexOf(shard, this.directory, from);
    this.collectPlaces(from);
  }

  /** Reads the entry before. False: there is none. */
  previous(): boolean {
    const { entry, places } = this;
    if (this.directory === 0) return false;
    for (;;) {
      const at = places.pop();
      if (at !== undefined) {
        entry.readAt(at);
        return true;
      }
      if (this.nodeIndex === 0) return false;
      this.nodeIndex--;
      this.collectPlaces(null);
    }
  }

  private collectPlaces(max: StreamId | null): void {
    const { entry, places } = this;
    entry.open(this.shard!, refAt(this.shard!, this.directory, this.nodeIndex));
    while (entry.next()) {
      if (max !== null && compareIds(entry.id, max) > 0) return;
      if (!entry.isDeleted) places.push(entry.entryAt);
    }
  }
}

/** At least as many as there are live entries from `id` on, or `countMax`: those of whole nodes. */
export function countFrom(shard: Shard, root: number, id: StreamId, countMax: number): number {
  const directory = shard.words[(root >> 2) + Stream.Directory]!;
  const nodes = refCount(shard, directory);
  let count = 0;
  for (let i = nodes === 0 ? 0 : nodeIndexOf(shard, directory, id); i < nodes && count < countMax; i++) {
    count += nodeLive(shard, refAt(shard, directory, i));
  }
  return Math.min(count, countMax);
}

/** Whether there is a live entry behind `id`. Mostly told without a look at the entries. */
export function hasBehind(shard: Shard, root: number, id: StreamId): boolean {
  const { words } = shard;
  const word = root >> 2;
  if (words[word + Stream.Length] === 0 || compareIdAt(words, word + Stream.LastId, id) <= 0) return false;
  if (compareIdAt(words, word + Stream.FirstId, id) > 0) return true;
  loadId(words, word + Stream.MaxDeletedId, scratchFirst);
  if (words[word + Stream.IsLast] === 1 && compareIdAt(words, word + Stream.LastId, scratchFirst) > 0) {
    return true;
  }
  scratchLast.set(id);
  scratchLast.increment();
  scratchWalk.startForward(shard, root, scratchLast);
  return scratchWalk.next();
}

/** Sets the last id, whose entry need not be there. */
export function setLastId(shard: Shard, root: number, id: StreamId): void {
  storeId(shard.words, (root >> 2) + Stream.LastId, id);
  shard.words[(root >> 2) + Stream.IsLast] = 0;
}

/** Whether there is a live entry of this id. */
export function hasEntry(shard: Shard, root: number, id: StreamId): boolean {
  scratchWalk.startForward(shard, root, id);
  return scratchWalk.next() && compareIds(scratchWalk.id, id) === 0;
}

/** The id of the last live entry, or 0-0. */
export function lastLiveId(shard: Shard, root: number, into: StreamId): void {
  scratchLast.setMax();
  scratchWalk.startBackward(shard, root, scratchLast);
  if (scratchWalk.previous()) into.set(scratchWalk.id);
  else into.setZero();
}

/** Deletes the entry of an id. False: there is none. */
export function deleteEntry(shard: Shard, root: number, id: StreamId): boolean {
  const { words } = shard;
  const word = root >> 2;
  const directory = words[word + Stream.Directory]!;
  if (directory === 0) return false;
  const index = nodeIndexOf(shard, directory, id);
  const node = refAt(shard, directory, index);
  const { entry } = scratchWalk;
  entry.open(shard, node);
  do {
    if (!entry.next()) return false;
  } while (compareIds(entry.id, id) < 0);
  if (entry.isDeleted || compareIds(entry.id, id) !== 0) return false;
  entry.delete();
  words[word + Stream.Length]!--;
  if (nodeLive(shard, node) === 0) dropNode(shard, word, index);
  if (compareIdAt(words, word + Stream.MaxDeletedId, id) < 0) storeId(words, word + Stream.MaxDeletedId, id);
  if (compareIdAt(words, word + Stream.FirstId, id) === 0) renewFirstId(shard, root);
  return true;
}

function dropNode(shard: Shard, word: number, index: number): void {
  const directory = shard.words[word + Stream.Directory]!;
  free(shard, refAt(shard, directory, index));
  shard.words[word + Stream.Directory] = removeRef(shard, directory, index);
}

function renewFirstId(shard: Shard, root: number): void {
  const id = scratchFirst;
  id.setZero();
  scratchWalk.startForward(shard, root, id);
  if (scratchWalk.next()) id.set(scratchWalk.id);
  storeId(shard.words, (root >> 2) + Stream.FirstId, id);
}

/** How a stream is to be trimmed: to so many entries (`minId` null), or of all before `minId`. */
export interface Trim {
  lengthMax: number;
  minId: StreamId | null;
  /** Only whole nodes, and no more than `limit` entries if that is not 0. */
  isApproximate: boolean;
  limit: number;
}

/** Removes the oldest entries. Returns how many. */
export function trimStream(shard: Shard, root: number, trim: Trim): number {
  const { words } = shard;
  const word = root >> 2;
  let removed = 0;
  while (words[word + Stream.Directory] !== 0) {
    const length = words[word + Stream.Length]!;
    if (trim.minId === null && length <= trim.lengthMax) break;
    const node = refAt(shard, words[word + Stream.Directory]!, 0);
    const live = nodeLive(shard, node);
    if (trim.limit !== 0 && removed + live > trim.limit) break;
    const isWhole =
      trim.minId === null ? length - live >= trim.lengthMax : isNodeBefore(shard, node, trim.minId);
    if (isWhole) {
      words[word + Stream.Length] = length - live;
      dropNode(shard, word, 0);
      removed += live;
      continue;
    }
    if (!trim.isApproximate) removed += trimNode(shard, word, node, trim);
    break;
  }
  if (removed > 0) renewFirstId(shard, root);
  return removed;
}

/** How many of the oldest entries `trimStream` would look at if it took whole nodes only. */
export function countInWholeNodes(shard: Shard, root: number, trim: Trim): number {
  const word = root >> 2;
  const directory = shard.words[word + Stream.Directory]!;
  const length = shard.words[word + Stream.Length]!;
  const nodes = refCount(shard, directory);
  let count = 0;
  for (let i = 0; i < nodes; i++) {
    const node = refAt(shard, directory, i);
    const live = nodeLive(shard, node);
    if (trim.limit !== 0 && count + live > trim.limit) break;
    const isWhole =
      trim.minId === null ? length - count - live >= trim.lengthMax : isNodeBefore(shard, node, trim.minId);
    if (!isWhole) break;
    count += live;
  }
  return count;
}

function isNodeBefore(shard: Shard, node: number, id: StreamId): boolean {
  const { entry } = scratchWalk;
  entry.open(shard, node);
  while (entry.next()) if (compareIds(entry.id, id) >= 0) return false;
  return true;
}

/** Removes entries of a node that keeps some. */
function trimNode(shard: Shard, word: number, node: number, { lengthMax, minId }: Trim): number {
  const { words } = shard;
  const { entry } = scratchWalk;
  let removed = 0;
  entry.open(shard, node);
  while (entry.next()) {
    const isDone =
      minId === null ? words[word + Stream.Length]! <= lengthMax : compareIds(entry.id, minId) >= 0;
    if (isDone) break;
    if (entry.isDeleted) continue;
    entry.delete();
    words[word + Stream.Length]!--;
    removed++;
  }
  if (nodeLive(shard, node) === 0) dropNode(shard, word, 0);
  return removed;
}

/** Frees the last nodes, of about `entryCount` entries. Whether there are more. */
export function freeNodes(shard: Shard, root: number, entryCount: number): boolean {
  const { words } = shard;
  const word = root >> 2;
  for (let freed = 0; freed < entryCount && words[word + Stream.Directory] !== 0;) {
    const last = refCount(shard, words[word + Stream.Directory]!) - 1;
    freed += nodeTotal(shard, refAt(shard, words[word + Stream.Directory]!, last));
    dropNode(shard, word, last);
  }
  return words[word + Stream.Directory] !== 0;
}

/** A copy of a stream without its groups. Returns its root; 0, nothing left behind: out of memory. */
export function copyLog(from: Shard, root: number, to: Shard): number {
  const copy = allocate(to, Stream.Words * 4);
  if (copy === 0) return 0;
  const word = copy >> 2;
  for (let i = 0; i < Stream.Words; i++) to.words[word + i] = from.words[(root >> 2) + i]!;
  to.words[word + Stream.Directory] = 0;
  to.words[word + Stream.Groups] = 0;
  const source = from.words[(root >> 2) + Stream.Directory]!;
  const count = refCount(from, source);
  for (let i = 0; i < count; i++) {
    const node = copyStreamNode(from, refAt(from, source, i), to);
    const directory = node === 0 ? 0 : reserveRef(to, to.words[word + Stream.Directory]!);
    if (directory === 0) {
      if (node !== 0) free(to, node);
      freeNodes(to, copy, Infinity);
      free(to, copy);
      return 0;
    }
    to.words[word + Stream.Directory] = directory;
    insertRef(to, directory, i, node);
  }
  return copy;
}

/** Asserts the invariants of everything but the groups. Returns the bytes of its blocks. */
export function verifyLog(shard: Shard, root: number): number {
  const { words } = shard;
  const word = root >> 2;
  const directory = words[word + Stream.Directory]!;
  let bytes = usableBytes(shard, root) + verifyDirectory(shard, directory);
  let length = 0;
  const last = new StreamId();
  const count = refCount(shard, directory);
  for (let i = 0; i < count; i++) {
    const node = refAt(shard, directory, i);
    bytes += verifyStreamNode(shard, node, i === 0 ? null : last, last);
    length += nodeLive(shard, node);
  }
  assert(length === words[word + Stream.Length], 'stream: length');
  assert(count === 0 || compareIdAt(words, word + Stream.LastId, last) >= 0, 'stream: last id');
  const first = new StreamId();
  const walk = new StreamWalk();
  walk.startForward(shard, root, first);
  if (walk.next()) first.set(walk.id);
  assert(compareIdAt(words, word + Stream.FirstId, first) === 0, 'stream: first id');
  return bytes;
}

/** Bytes of all blocks but those of the groups. */
export function logBytesUsed(shard: Shard, root: number): number {
  const directory = shard.words[(root >> 2) + Stream.Directory]!;
  let bytes = usableBytes(shard, root);
  if (directory === 0) return bytes;
  bytes += usableBytes(shard, directory);
  const count = refCount(shard, directory);
  for (let i = 0; i < count; i++) bytes += usableBytes(shard, refAt(shard, directory, i));
  return bytes;
}

const scratchWalk = new StreamWalk();
const scratchFirst = new StreamId();
const scratchLast = new StreamId();
