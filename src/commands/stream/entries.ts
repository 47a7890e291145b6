/** Replying with ids and entries of streams. */
import { Bytes } from '../../base/bytes.ts';
import type { Shard } from '../../memory/shard.ts';
import type { RespWriter } from '../../protocol/resp-writer.ts';
import { advanceGroup, deliver } from '../../store/stream/stream.ts';
import { EntryText } from '../../structures/packed-entry.ts';
import { compareIds, formatId, ID_BYTES_MAX, StreamId } from '../../structures/stream/stream-id.ts';
import { countFrom, streamLength, StreamWalk } from '../../structures/stream/stream-log.ts';
import type { NodeReader } from '../../structures/stream/stream-node.ts';

const scratchText = Bytes.allocate(ID_BYTES_MAX);
const scratchField = new EntryText();
const scratchValue = new EntryText();
const scratchWalk = new StreamWalk();
const MAX = new StreamId();
MAX.setMax();

export function replyId(reply: RespWriter, id: StreamId): void {
  reply.bulk(scratchText, 0, formatId(scratchText.u8, 0, id));
}

/** One entry: its id, and its fields and values in one array. Hot. */
function replyEntry(reply: RespWriter, entry: NodeReader): void {
  reply.array(2);
  replyId(reply, entry.id);
  const count = entry.beginFields();
  reply.array(count * 2);
  for (let i = 0; i < count; i++) {
    entry.nextField(scratchField, scratchValue);
    reply.bulk(scratchField.bytes, scratchField.at, scratchField.byteCount);
    reply.bulk(scratchValue.bytes, scratchValue.at, scratchValue.byteCount);
  }
}

/** To whom entries are given by replying with them. */
export interface Receiver {
  readonly group: number;
  readonly consumer: number;
  readonly noAck: boolean;
  readonly nowMs: number;
}

/**
 * Replies with the entries from `start` on, up to `countMax` of them; for a receiver there must be room to deliver them.
 * Returns how many.
 */
export function replyNewEntries(
  reply: RespWriter,
  shard: Shard,
  root: number,
  start: StreamId,
  countMax: number,
  receiver: Receiver | null,
): number {
  const most = countFrom(shard, root, start, countMax);
  const head = reply.beginSet(most);
  let count = 0;
  scratchWalk.startForward(shard, root, start);
  for (; count < most && scratchWalk.next(); count++) {
    if (receiver !== null) {
      advanceGroup(shard, root, receiver.group, scratchWalk.id);
      if (!receiver.noAck) deliver(shard, receiver.group, receiver.consumer, scratchWalk.id, receiver.nowMs);
    }
    replyEntry(reply, scratchWalk.entry);
  }
  reply.endArray(head, most, count);
  return count;
}

/** Replies with the entries from `start` to `end`, up to `countMax`, in either order. */
export function replyRange(
  reply: RespWriter,
  shard: Shard,
  root: number,
  start: StreamId,
  end: StreamId,
  countMax: number,
  isBackward: boolean,
): void {
  const most = Math.min(countMax, streamLength(shard, root));
  const head = reply.beginSet(most);
  let count = 0;
  if (isBackward) {
    scratchWalk.startBackward(shard, root, end);
    for (; count < most && scratchWalk.previous() && compareIds(scratchWalk.id, start) >= 0; count++) {
      replyEntry(reply, scratchWalk.entry);
    }
  } else {
    scratchWalk.startForward(shard, root, start);
    for (; count < most && scratchWalk.next() && compareIds(scratchWalk.id, end) <= 0; count++) {
      replyEntry(reply, scratchWalk.entry);
    }
  }
  reply.endArray(head, most, count);
}

/** Replies with the entry `id`, if there is one. */
export function replyEntryOf(reply: RespWriter, shard: Shard, root: number, id: StreamId): boolean {
  scratchWalk.startForward(shard, root, id);
  if (!scratchWalk.next() || compareIds(scratchWalk.id, id) !== 0) return false;
  replyEntry(reply, scratchWalk.entry);
  return true;
}

/** Replies with the first or the last entry, or nil. */
export function replyEdge(reply: RespWriter, shard: Shard, root: number, isLast: boolean): void {
  if (isLast) scratchWalk.startBackward(shard, root, MAX);
  else scratchWalk.startForward(shard, root, new StreamId());
  if (isLast ? scratchWalk.previous() : scratchWalk.next()) replyEntry(reply, scratchWalk.entry);
  else reply.nil();
}
