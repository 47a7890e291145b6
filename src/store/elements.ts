/** The elements of a list, a set or a sorted set as memory of their own: for what looks at all of them at once. */
import { EntryText } from '../structures/packed-entry.ts';
import type { Key } from './key.ts';
import type { Keyspace } from './keyspace.ts';
import { ListWalk } from './list/list.ts';
import { recordType, ValueType } from './record.ts';
import { SetReader } from './set/reader.ts';
import { SortedSetWalk } from './sorted-set/walk.ts';
import { sortedSetLength } from './sorted-set/sorted-set.ts';

/** Copies of all elements of the value found under `key`: in the order of a list, or of a sorted set's scores. */
export function copyElements(keyspace: Keyspace, key: Key): Buffer[] {
  switch (recordType(key.shard, key.record)) {
    case ValueType.List:
      return copyList(key);
    case ValueType.Set:
      return copySet(keyspace, key);
    default:
      return copySortedSet(key);
  }
}

/** A copy of a text. */
export function copyText(text: EntryText): Buffer {
  return Buffer.from(text.bytes.u8.subarray(text.at, text.at + text.byteCount));
}

function copyList({ shard, record }: Key): Buffer[] {
  const elements: Buffer[] = [];
  const text = new EntryText();
  const walk = new ListWalk();
  walk.start(shard, record, 0, false);
  while (walk.nextText(text)) elements.push(copyText(text));
  return elements;
}

function copySet(keyspace: Keyspace, { shard, record }: Key): Buffer[] {
  const elements: Buffer[] = [];
  const reader = new SetReader();
  reader.open(keyspace, shard, record);
  while (reader.next()) elements.push(copyText(reader.text));
  return elements;
}

function copySortedSet({ shard, record }: Key): Buffer[] {
  const elements: Buffer[] = [];
  const walk = new SortedSetWalk();
  walk.begin(shard, record, 0, sortedSetLength(shard, record), false);
  while (walk.next()) elements.push(copyText(walk.text));
  return elements;
}
