/** Streams as values of keys: created, appended to, read on behalf of groups. Knows keys, replies nothing. */
import { free, hasRoomFor } from '../../memory/allocator.ts';
import type { Shard } from '../../memory/shard.ts';
import {
  assignPending,
  createConsumer,
  earliestDelivery,
  entriesRead,
  findConsumer,
  groupLastId,
  NAMED_BYTES_MAX,
  setDelivered,
  setEarliestDelivery,
  setEntriesRead,
  setGroupLastId,
  setSeenMs,
  UNKNOWN_READ,
} from '../../structures/stream/groups.ts';
import type { Name } from '../../structures/stream/named-blocks.ts';
import { Pending, pendingBytesMax } from '../../structures/stream/pending-list.ts';
import { streamKind } from '../../structures/stream/stream-kind.ts';
import { compareIds, StreamId } from '../../structures/stream/stream-id.ts';
import {
  appendToStream,
  createStream,
  entriesAdded,
  readStreamId,
  Stream,
  streamLength,
} from '../../structures/stream/stream-log.ts';
import type { FieldArguments } from '../../structures/stream/stream-node.ts';
import type { Key } from '../key.ts';
import type { Keyspace } from '../keyspace.ts';
import { Encoding, ROOT_BYTES, rootOf, ValueType, writeRoot } from '../record.ts';
import { Status } from '../status.ts';

/** Makes `key`, under which nothing was found, an empty stream. Returns its root, or 0, nothing changed: out of memory. */
export function createStreamKey(keyspace: Keyspace, key: Key): number {
  const root = createStream(key.shard);
  if (root === 0) return 0;
  return enterStream(keyspace, key, root) ? root : 0;
}

/** Enters a stream under a key; without memory for that it is freed. */
export function enterStream(keyspace: Keyspace, key: Key, root: number, flags = 0): boolean {
  const { shard } = key;
  const record = keyspace.prepareRecord(key, flags, ValueType.Stream, Encoding.StreamLog, ROOT_BYTES);
  if (record !== 0) {
    writeRoot(shard, record, root);
    if (keyspace.enterRecord(key, record) === Status.Ok) return true;
  }
  streamKind.freeSlice(shard, root, 0, Infinity);
  return false;
}

/**
 * Appends an entry to the stream found under `key`, or to a new one. Returns the root, or 0, nothing changed: out of
 * memory. The caller calls `touched`. Hot.
 */
export function addEntry(keyspace: Keyspace, key: Key, id: StreamId, fields: FieldArguments): number {
  const { shard, record } = key;
  if (record !== 0) {
    const root = rootOf(shard, record);
    return appendToStream(shard, root, id, fields, keyspace.packedLimits) ? root : 0;
  }
  const root = createStream(shard);
  if (root === 0) return 0;
  if (appendToStream(shard, root, id, fields, keyspace.packedLimits)) {
    return enterStream(keyspace, key, root) ? root : 0;
  }
  free(shard, root);
  return 0;
}

/** Whether an entry has been deleted between `start` and the end of a stream. */
function hasTombstones(shard: Shard, root: number, start: StreamId): boolean {
  if (streamLength(shard, root) === 0) return false;
  readStreamId(shard, root, Stream.MaxDeletedId, scratchId);
  if (scratchId.isZero || compareIds(start, scratchId) > 0) return false;
  readStreamId(shard, root, Stream.FirstId, scratchOther);
  return compareIds(scratchOther, scratchId) <= 0;
}

/** How many entries there ever were up to `id`, or UNKNOWN_READ where that cannot be told. Redis: the same. */
export function estimateRead(shard: Shard, root: number, id: StreamId): number {
  const added = entriesAdded(shard, root);
  const length = streamLength(shard, root);
  if (added === 0) return 0;
  readStreamId(shard, root, Stream.LastId, scratchId);
  const toLast = compareIds(id, scratchId);
  if (length === 0 && toLast <= 0) return added;
  if (toLast === 0) return added;
  if (toLast > 0) return UNKNOWN_READ;
  readStreamId(shard, root, Stream.FirstId, scratchId);
  readStreamId(shard, root, Stream.MaxDeletedId, scratchOther);
  const toFirst = compareIds(id, scratchId);
  if (scratchOther.isZero || compareIds(scratchOther, scratchId) < 0) {
    if (toFirst < 0) return added - length;
    if (toFirst === 0) return added - length + 1;
  }
  return UNKNOWN_READ;
}

/** How many entries a group has still to read, which may be below 0, or NaN where that cannot be told. */
export function groupLag(shard: Shard, root: number, group: number): number {
  const added = entriesAdded(shard, root);
  if (added === 0) return 0;
  groupLastId(shard, group, scratchLast);
  const read = entriesRead(shard, group);
  if (read !== UNKNOWN_READ && !hasTombstones(shard, root, scratchLast)) return added - read;
  const estimate = estimateRead(shard, root, scratchLast);
  return estimate === UNKNOWN_READ ? NaN : added - estimate;
}

/** Whether so many entries can surely be given to a consumer that may be new. */
export function hasRoomToDeliver(shard: Shard, entryCount: number, nameBytes: number): boolean {
  return hasRoomFor(shard, pendingBytesMax(entryCount) + nameBytes + NAMED_BYTES_MAX);
}

/** The consumer of this name, seen now, or a new one; there must be room for it. */
export function seeConsumer(shard: Shard, group: number, name: Name, nowMs: number): number {
  const found = findConsumer(shard, group, name);
  if (found === 0) return createConsumer(shard, group, name, nowMs);
  setSeenMs(shard, found, nowMs);
  return found;
}

/** Tells a group that it is given the entry `id`. */
export function advanceGroup(shard: Shard, root: number, group: number, id: StreamId): void {
  groupLastId(shard, group, scratchLast);
  if (compareIds(id, scratchLast) <= 0) return;
  const read = entriesRead(shard, group);
  if (read !== UNKNOWN_READ && !hasTombstones(shard, root, id)) setEntriesRead(shard, group, read + 1);
  else if (entriesAdded(shard, root) !== 0) setEntriesRead(shard, group, estimateRead(shard, root, id));
  setGroupLastId(shard, group, id);
}

/** Notes that a consumer was given the entry `id`, for the first time. There must be room. */
export function deliver(shard: Shard, group: number, consumer: number, id: StreamId, nowMs: number): void {
  const earliestMs = earliestDelivery(shard, group);
  const entry = assignPending(shard, group, consumer, id);
  setDelivered(shard, group, entry, nowMs);
  // It is known to be no earlier: not every read with CLAIM shall have to look at all that is pending.
  setEarliestDelivery(shard, group, Math.min(earliestMs, nowMs));
  shard.words[entry + Pending.Times] = 1;
}

const scratchId = new StreamId();
const scratchOther = new StreamId();
const scratchLast = new StreamId();
