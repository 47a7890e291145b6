/** Replying with ids and entries of streams. */
import { Bytes } from '../../base/bytes.ts';
import type { Shard } from '../../memory/shard.ts';
import type { RespWriter } from '../../protocol/resp-writer.ts';
import type { Claimable } from '../../store/stream/claims.ts';
import { advanceGroup, deliver } from '../../store/stream/stream.ts';
import { EntryText } from '../../structures/packed-entry.ts';
import {
  assignPending,
  countDelivery,
  deliveredMs,
  findInGroup,
  isUnowned,
  pointAtConsumerName,
  setDelivered,
  TIMES_MAX,
} from '../../structures/stream/groups.ts';
import { Pending } from '../../structures/stream/pending-list.ts';
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

/** The name of the consumer that has the pending entry at word `entry`; it is empty where it has been given back. */
export function replyOwner(reply: RespWriter, shard: Shard, entry: number): void {
  if (isUnowned(shard, entry)) return reply.bulkText('');
  pointAtConsumerName(shard, shard.words[entry + Pending.Consumer]!, scratchField);
  reply.bulk(scratchField.bytes, scratchField.at, scratchField.byteCount);
}

/** How often an entry was delivered. Redis: the most there is, where it was given back as one that is no good. */
export function replyTimes(reply: RespWriter, times: number): void {
  if (times === TIMES_MAX) reply.bigInteger(MANY_TIMES);
  else reply.integer(times);
}

const MANY_TIMES = (1n << 63n) - 1n;

/** One entry: its id, and its fields and values in one array. Hot. */
function replyEntry(reply: RespWriter, entry: NodeReader): void {
  reply.array(2);
  replyContent(reply, entry);
}

function replyContent(reply: RespWriter, entry: NodeReader): void {
  replyId(reply, entry.id);
  const count = entry.beginFields();
  reply.array(count * 2);
  for (let i = 0; i < count; i++) {
    entry.nextField(scratchField, scratchValue);
    reply.bulk(scratchField.bytes, scratchField.at, scratchField.byteCount);
    reply.bulk(scratchValue.bytes, scratchValue.at, scratchValue.byteCount);
  }
}

/** How much one command may reply with, over all its streams. */
export class Allowance {
  /** Entries of one stream. */
  perStream = Infinity;
  /** Entries that are left, and bytes of the reply, from `from` on, that may be filled; the first entry always may. */
  left = Infinity;
  bytesMax = Infinity;
  private from = 0;
  private isUntouched = true;

  begin(reply: RespWriter): void {
    this.from = reply.at;
    this.isUntouched = true;
  }

  get countMax(): number {
    return Math.min(this.perStream, this.left);
  }

  /** Whether what stands behind `before` in the reply may stay: if not, it is taken back. */
  takes(reply: RespWriter, before: number): boolean {
    if (!this.isUntouched && reply.at - this.from > this.bytesMax) {
      reply.at = before;
      this.left = 0;
      return false;
    }
    this.isUntouched = false;
    this.left--;
    return true;
  }
}

/** To whom entries are given by replying with them. */
export interface Receiver {
  readonly group: number;
  readonly consumer: number;
  readonly noAck: boolean;
  readonly nowMs: number;
  /** What is taken over first, or null; then each entry is told with how long it was idle, and how often delivered. */
  readonly claims: readonly Claimable[] | null;
}

/**
 * Replies with the entries that `receiver` takes over and with those from `start` on, as many as are allowed; there must be
 * room to deliver them. Returns how many.
 */
export function replyNewEntries(
  reply: RespWriter,
  shard: Shard,
  root: number,
  start: StreamId,
  allowance: Allowance,
  receiver: Receiver | null,
): number {
  const claims = receiver === null ? null : receiver.claims;
  const claimCount = claims === null ? 0 : claims.length;
  const { countMax } = allowance;
  const most = claimCount + countFrom(shard, root, start, countMax - claimCount);
  const head = reply.beginSet(most);
  let count = claimCount === 0 ? 0 : replyClaims(reply, shard, root, allowance, receiver!);
  if (count === claimCount && count < most) {
    scratchWalk.startForward(shard, root, start);
    for (; count < most && scratchWalk.next(); count++) {
      const before = reply.at;
      if (claims === null) replyEntry(reply, scratchWalk.entry);
      else replyHistoric(reply, scratchWalk.entry, 0, 0);
      if (!allowance.takes(reply, before)) break;
      if (receiver === null) continue;
      advanceGroup(shard, root, receiver.group, scratchWalk.id);
      if (!receiver.noAck) deliver(shard, receiver.group, receiver.consumer, scratchWalk.id, receiver.nowMs);
    }
  }
  reply.endArray(head, most, count);
  return count;
}

/** An entry with how long it was idle, and how often it had been delivered. */
function replyHistoric(reply: RespWriter, entry: NodeReader, idleMs: number, times: number): void {
  reply.array(4);
  replyContent(reply, entry);
  reply.integer(idleMs);
  replyTimes(reply, times);
}

/** Takes over what a receiver claims. Returns how many. */
function replyClaims(
  reply: RespWriter,
  shard: Shard,
  root: number,
  allowance: Allowance,
  { group, consumer, nowMs, claims }: Receiver,
): number {
  let count = 0;
  for (const { id } of claims!) {
    const before = reply.at;
    const entry = findInGroup(shard, group, id);
    scratchWalk.startForward(shard, root, id);
    scratchWalk.next();
    const idleMs = Math.max(nowMs - deliveredMs(shard, entry), 0);
    replyHistoric(reply, scratchWalk.entry, idleMs, shard.words[entry + Pending.Times]!);
    if (!allowance.takes(reply, before)) break;
    const assigned = assignPending(shard, group, consumer, id);
    setDelivered(shard, group, assigned, nowMs);
    countDelivery(shard, assigned);
    count++;
  }
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
