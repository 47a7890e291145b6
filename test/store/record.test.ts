/** Records: every field at its place and no other, whatever optional fields there are. */

import { describe, expect, test } from 'bun:test';
import { allocate } from '../../src/memory/allocator.ts';
import { createShardMemory, Shard } from '../../src/memory/shard.ts';
import {
  Encoding,
  expiryAtMs,
  itemCas,
  itemClientFlags,
  keyAt,
  keyBytes,
  keyOfDatabaseAt,
  prefixBytes,
  recordAccess,
  recordBlockBytes,
  recordBytes,
  recordDatabase,
  recordEncoding,
  recordEpoch,
  recordFlags,
  RecordFlag,
  recordType,
  setRecordFlags,
  setRecordKind,
  setValueBytes,
  stampRecord,
  touchAccess,
  valueAt,
  valueBytes,
  ValueType,
  writeExpiryAtMs,
  writeItemCas,
  writeItemClientFlags,
  writeRecordHeader,
} from '../../src/store/record.ts';

const KEY = 'the key';
const VALUE = 'a value';

/** A record with all that `flags` ask for. */
function makeRecord(flags: number): { shard: Shard; at: number } {
  const shard = new Shard(0, createShardMemory(1 << 20));
  const at = allocate(shard, prefixBytes(flags) + KEY.length + VALUE.length);
  shard.bytes.u8.fill(0xdd, at, at + 64);
  writeRecordHeader(shard, at, flags, 513, KEY.length, VALUE.length);
  stampRecord(shard, at, 0xabcdef, 0x99);
  if ((flags & RecordFlag.Expiry) !== 0) writeExpiryAtMs(shard, at, 1_700_000_000_123);
  if ((flags & RecordFlag.Item) !== 0) {
    writeItemCas(shard, at, 2 ** 40 + 1);
    writeItemClientFlags(shard, at, 0xffffffff);
  }
  shard.bytes.u8.write(KEY, keyAt(shard, at));
  shard.bytes.u8.write(VALUE, valueAt(shard, at));
  return { shard, at };
}

describe('a record keeps what was written into it', () => {
  const shapes: [name: string, flags: number, prefix: number][] = [
    ['bare', 0, 16],
    ['with an expiry', RecordFlag.Expiry, 24],
    ["with memcached's fields", RecordFlag.Item, 28],
    ['with both', RecordFlag.Expiry | RecordFlag.Item, 36],
    [
      'with flags of every kind',
      RecordFlag.Expiry | RecordFlag.Item | RecordFlag.Fetched | RecordFlag.Won,
      36,
    ],
  ];
  for (const [name, flags, prefix] of shapes) {
    test(name, () => {
      const { shard, at } = makeRecord(flags);
      expect(recordType(shard, at)).toBe(ValueType.String);
      expect(recordEncoding(shard, at)).toBe(Encoding.Plain);
      expect(recordFlags(shard, at)).toBe(flags);
      expect(recordDatabase(shard, at)).toBe(513);
      expect(recordAccess(shard, at)).toBe(0xabcdef);
      expect(recordEpoch(shard, at)).toBe(0x99);
      expect(expiryAtMs(shard, at)).toBe((flags & RecordFlag.Expiry) === 0 ? 0 : 1_700_000_000_123);
      expect(itemCas(shard, at)).toBe((flags & RecordFlag.Item) === 0 ? 0 : 2 ** 40 + 1);
      expect(itemClientFlags(shard, at)).toBe((flags & RecordFlag.Item) === 0 ? 0 : 0xffffffff);
      expect(keyAt(shard, at)).toBe(at + prefix);
      expect(shard.bytes.u8.toString('latin1', at + prefix, at + prefix + 14)).toBe(KEY + VALUE);
      expect([keyBytes(shard, at), valueBytes(shard, at)]).toEqual([7, 7]);
      expect(recordBytes(shard, at)).toBe(prefix + 14);
      expect(recordBlockBytes(shard, at)).toBe(Math.ceil((prefix + 14) / 8) * 8);
    });
  }
});

test('changing one field leaves the others alone', () => {
  const { shard, at } = makeRecord(RecordFlag.Expiry);
  touchAccess(shard, at, 0x000001);
  expect([recordAccess(shard, at), recordEpoch(shard, at)]).toEqual([1, 0x99]);
  setRecordKind(shard, at, ValueType.Stream, Encoding.Raw);
  expect([recordType(shard, at), recordEncoding(shard, at)]).toEqual([ValueType.Stream, Encoding.Raw]);
  expect([recordFlags(shard, at), recordDatabase(shard, at)]).toEqual([RecordFlag.Expiry, 513]);
  setValueBytes(shard, at, 3);
  expect([keyBytes(shard, at), valueBytes(shard, at), expiryAtMs(shard, at)]).toEqual([
    7, 3, 1_700_000_000_123,
  ]);
});

test('the key of another database, or of another length, is not looked at', () => {
  const { shard, at } = makeRecord(RecordFlag.Expiry);
  expect(keyOfDatabaseAt(shard, at, 513, 7)).toBe(keyAt(shard, at));
  expect(keyOfDatabaseAt(shard, at, 512, 7)).toBe(0);
  expect(keyOfDatabaseAt(shard, at, 513, 6)).toBe(0);
});

test('a record with slack has all of its block', () => {
  const { shard, at } = makeRecord(0);
  setValueBytes(shard, at, 1);
  expect(recordBlockBytes(shard, at)).toBe(24);
  setRecordFlags(shard, at, RecordFlag.Slack);
  expect(recordBlockBytes(shard, at)).toBe(32);
});
