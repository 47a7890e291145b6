/** The elements of a list, a set or a sorted set as memory of their own: for what looks at many of them at once. */
import type { Shard } from '../memory/shard.ts';
import { EntryText } from '../structures/packed-entry.ts';
import type { Key } from './key.ts';
import type { Keyspace } from './keyspace.ts';
import { listLength, ListWalk } from './list/list.ts';
import { recordType, ValueType } from './record.ts';
import { SetReader } from './set/reader.ts';
import { countMembers } from './set/set.ts';
import { SortedSetWalk } from './sorted-set/walk.ts';
import { sortedSetLength } from './sorted-set/sorted-set.ts';

/** Elements of a list, a set or a sorted set. */
export function countElements(shard: Shard, record: number): number {
  switch (recordType(shard, record)) {
    case ValueType.List:
      return listLength(shard, record);
    case ValueType.Set:
      return countMembers(shard, record);
    default:
      return sortedSetLength(shard, record);
  }
}

/**
 * Copies of the elements from number `from` on and before number `to` of the value found under `key`, counted in the order
 * of a list or of a sorted set's scores, or backwards; those of a set have no order.
 */
export function copyElements(
  keyspace: Keyspace,
  key: Key,
  from: number,
  to: number,
  isBackward: boolean,
): Buffer[] {
  const { shard, record } = key;
  if (from >= to) return [];
  if (recordType(shard, record) === ValueType.Set) return copySet(keyspace, key, from, to);
  const first = isBackward ? countElements(shard, record) - 1 - from : from;
  return recordType(shard, record) === ValueType.List
    ? copyList(key, first, to - from, isBackward)
    : copySortedSet(key, first, to - from, isBackward);
}

/** A copy of a text. */
export function copyText(text: EntryText): Buffer {
  return Buffer.from(text.bytes.u8.subarray(text.at, text.at + text.byteCount));
}

function copyList({ shard, record }: Key, first: number, count: number, isBackward: boolean): Buffer[] {
  const elements: Buffer[] = [];
  const text = new EntryText();
  const walk = new ListWalk();
  walk.start(shard, record, first, isBackward);
  while (elements.length < count && walk.nextText(text)) elements.push(copyText(text));
  return elements;
}

function copySet(keyspace: Keyspace, { shard, record }: Key, from: number, to: number): Buffer[] {
  const elements: Buffer[] = [];
  const reader = new SetReader();
  reader.open(keyspace, shard, record);
  for (let index = 0; index < to && reader.next(); index++) {
    if (index >= from) elements.push(copyText(reader.text));
  }
  return elements;
}

function copySortedSet({ shard, record }: Key, first: number, count: number, isBackward: boolean): Buffer[] {
  const elements: Buffer[] = [];
  const walk = new SortedSetWalk();
  walk.begin(shard, record, first, count, isBackward);
  while (walk.next()) elements.push(copyText(walk.text));
  return elements;
}
