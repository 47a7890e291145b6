/** Replies made of the elements of a list, and taking elements away with such a reply: also for clients that had to wait. */
import type { Shard } from '../../memory/shard.ts';
import type { RespWriter } from '../../protocol/resp-writer.ts';
import type { Key } from '../../store/key.ts';
import type { Keyspace } from '../../store/keyspace.ts';
import { listLength, ListWalk, pointAtEnd, removeEnd } from '../../store/list/list.ts';
import { removeRange } from '../../store/list/edit.ts';
import { EntryText } from '../../structures/packed-entry.ts';

const scratchText = new EntryText();
const scratchWalk = new ListWalk();

/** Replies with the first element or the last. Hot. */
export function replyEnd(reply: RespWriter, shard: Shard, record: number, atFront: boolean): void {
  const text = scratchText;
  pointAtEnd(shard, record, atFront, text);
  reply.bulk(text.bytes, text.at, text.byteCount);
}

/** Replies with `count` elements from `index` on, which must exist, as an array. Hot. */
export function replyElements(
  reply: RespWriter,
  shard: Shard,
  record: number,
  index: number,
  count: number,
  isBackward: boolean,
): void {
  const text = scratchText;
  scratchWalk.start(shard, record, index, isBackward);
  reply.array(count);
  for (let left = count; left > 0; left--) {
    scratchWalk.nextText(text);
    reply.bulk(text.bytes, text.at, text.byteCount);
  }
}

/** Replies with the element at an end of the list found under `key`, and removes it. Hot. */
export function popOne(keyspace: Keyspace, reply: RespWriter, key: Key, atFront: boolean): void {
  replyEnd(reply, key.shard, key.record, atFront);
  if (removeEnd(keyspace, key, atFront) > 0) keyspace.touched(key);
}

/** Replies with up to `countMax` (at least 1) elements from an end of the list found under `key`, and removes them. */
export function popMany(
  keyspace: Keyspace,
  reply: RespWriter,
  key: Key,
  atFront: boolean,
  countMax: number,
): void {
  const length = listLength(key.shard, key.record);
  const count = Math.min(countMax, length);
  replyElements(reply, key.shard, key.record, atFront ? 0 : length - 1, count, !atFront);
  if (removeRange(keyspace, key, atFront ? 0 : length - count, count) > 0) keyspace.touched(key);
}
