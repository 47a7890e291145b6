/**
 * Digests of keys, the same for the same data as Redis' DEBUG DIGEST, however it is kept: what has an order is mixed in that
 * order, members of sets, hashes and sorted sets are added up. The shard's lock is held. For tests and for who compares
 * servers: a microsecond for each text.
 */
import type { Bytes } from '../base/bytes.ts';
import { Digest } from '../base/digest.ts';
import { writeDouble, DOUBLE_BYTES_MAX } from '../base/double.ts';
import type { Shard } from '../memory/shard.ts';
import { pointAtBlockField, pointAtBlockValue, tableOfFields } from '../structures/hash/field-table.ts';
import { firstField, nextField, valueOfField } from '../structures/hash/packed-fields.ts';
import { visitMembers } from '../structures/member-table.ts';
import { EntryText } from '../structures/packed-entry.ts';
import { formatId, ID_BYTES_MAX, StreamId } from '../structures/stream/stream-id.ts';
import { StreamWalk } from '../structures/stream/stream-log.ts';
import type { Keyspace } from './keyspace.ts';
import { listLength, ListWalk } from './list/list.ts';
import {
  Encoding,
  keyAt,
  keyBytes,
  recordEncoding,
  RecordFlag,
  recordFlags,
  recordType,
  rootOf,
  valueAt,
  valueBytes,
  ValueType,
} from './record.ts';
import { SetReader } from './set/reader.ts';
import { sortedSetLength } from './sorted-set/sorted-set.ts';
import { SortedSetWalk } from './sorted-set/walk.ts';

const EXPIRES = Buffer.from('!!expire!!');
const DASH = 0x2d;
const DOT = 0x2e;

const scratchDigest = new Digest();
const scratchMember = new Digest();
const scratchField = new EntryText();
const scratchValue = new EntryText();
const scratchList = new ListWalk();
const scratchSet = new SetReader();
const scratchSortedSet = new SortedSetWalk();
const scratchStream = new StreamWalk();
const scratchZero = new StreamId();
const scratchText = Buffer.alloc(Math.max(ID_BYTES_MAX, DOUBLE_BYTES_MAX) + 8);
const scratchNumber = Buffer.alloc(4);

/** A number as Redis mixes it in: the number of a database, or of a type. */
export function digestNumber(value: number): Buffer {
  scratchNumber.writeUInt32BE(value);
  return scratchNumber;
}

/** Adds a key with its value to `into`. */
export function digestRecord(keyspace: Keyspace, shard: Shard, record: number, into: Digest): void {
  const digest = scratchDigest;
  digest.clear();
  digest.mix(part(shard.bytes, keyAt(shard, record), keyBytes(shard, record)));
  digestValue(keyspace, shard, record, digest);
  into.add(digest.bytes);
}

/** Mixes the value of a record, and whether it expires, into `digest`. */
export function digestValue(keyspace: Keyspace, shard: Shard, record: number, digest: Digest): void {
  const type = recordType(shard, record);
  digest.mix(digestNumber(type));
  if (type === ValueType.String) {
    digest.mix(part(shard.bytes, valueAt(shard, record), valueBytes(shard, record)));
  } else if (type === ValueType.List) digestList(shard, record, digest);
  else if (type === ValueType.Set) digestSet(keyspace, shard, record, digest);
  else if (type === ValueType.SortedSet) digestSortedSet(shard, record, digest);
  else if (type === ValueType.Hash) digestHash(shard, record, digest);
  else digestStream(shard, record, digest);
  if ((recordFlags(shard, record) & RecordFlag.Expiry) !== 0) digest.add(EXPIRES);
}

function part({ u8 }: Bytes, at: number, byteCount: number): Buffer {
  return u8.subarray(at, at + byteCount);
}

function textOf({ bytes, at, byteCount }: EntryText): Buffer {
  return part(bytes, at, byteCount);
}

function digestList(shard: Shard, record: number, digest: Digest): void {
  scratchList.start(shard, record, 0, false);
  for (let left = listLength(shard, record); left > 0; left--) {
    scratchList.nextText(scratchField);
    digest.mix(textOf(scratchField));
  }
}

function digestSet(keyspace: Keyspace, shard: Shard, record: number, digest: Digest): void {
  scratchSet.open(keyspace, shard, record);
  while (scratchSet.next()) digest.add(textOf(scratchSet.text));
}

function digestSortedSet(shard: Shard, record: number, digest: Digest): void {
  const walk = scratchSortedSet;
  const member = scratchMember;
  walk.begin(shard, record, 0, sortedSetLength(shard, record), false);
  while (walk.next()) {
    member.clear();
    member.mix(textOf(walk.text));
    member.mix(scratchText.subarray(0, writeDouble(scratchText, 0, walk.score)));
    digest.add(member.bytes);
  }
}

function digestHash(shard: Shard, record: number, digest: Digest): void {
  const encoding = recordEncoding(shard, record);
  if (encoding === Encoding.HashTable) {
    visitMembers(shard, tableOfFields(shard, rootOf(shard, record)), (_hash, block) => {
      pointAtBlockField(shard, block, scratchField);
      pointAtBlockValue(shard, block, scratchValue);
      digestPair(digest);
    });
    return;
  }
  const { bytes } = shard;
  const isTimed = encoding === Encoding.PackedExpiry;
  const end = valueAt(shard, record) + valueBytes(shard, record);
  let fieldAt = firstField(valueAt(shard, record), isTimed);
  for (; fieldAt < end; fieldAt = nextField(bytes, fieldAt, isTimed)) {
    scratchField.point(bytes, fieldAt);
    scratchValue.point(bytes, valueOfField(bytes, fieldAt));
    digestPair(digest);
  }
}

function digestPair(digest: Digest): void {
  scratchMember.clear();
  scratchMember.mix(textOf(scratchField));
  scratchMember.mix(textOf(scratchValue));
  digest.add(scratchMember.bytes);
}

function digestStream(shard: Shard, record: number, digest: Digest): void {
  const walk = scratchStream;
  walk.startForward(shard, rootOf(shard, record), scratchZero);
  while (walk.next()) {
    const end = formatId(scratchText, 0, walk.id);
    scratchText[scratchText.indexOf(DASH)] = DOT;
    digest.mix(scratchText.subarray(0, end));
    for (let left = walk.entry.beginFields(); left > 0; left--) {
      walk.entry.nextField(scratchField, scratchValue);
      digest.mix(textOf(scratchField));
      digest.mix(textOf(scratchValue));
    }
  }
}
