/** What Redis calls the types and encodings of values. */
import { Int64, parseInt64 } from '../base/int64.ts';
import type { Shard } from '../memory/shard.ts';
import { Encoding, recordEncoding, recordType, valueAt, valueBytes, ValueType } from '../store/record.ts';

/** Redis: a longer string does not fit into one allocation with its object. */
const EMBEDDED_BYTES_MAX = 44;
/** Redis: a longer string is not tried as an integer. */
const INTEGER_BYTES_MAX = 20;
const scratchInteger = new Int64();

/** The word that TYPE answers for a record. */
export function typeName(shard: Shard, record: number): string {
  switch (recordType(shard, record)) {
    case ValueType.String:
      return 'string';
    case ValueType.List:
      return 'list';
    case ValueType.Set:
      return 'set';
    case ValueType.SortedSet:
      return 'zset';
    case ValueType.Hash:
      return 'hash';
    case ValueType.Stream:
      return 'stream';
  }
}

/** The word that OBJECT ENCODING answers for a record. Strings are stored in one way only: it tells what Redis does. */
export function encodingName(shard: Shard, record: number): string {
  if (recordType(shard, record) !== ValueType.String) return collectionEncodingName(shard, record);
  const encoding = recordEncoding(shard, record);
  if (encoding === Encoding.Raw) return 'raw';
  const byteCount = valueBytes(shard, record);
  const at = valueAt(shard, record);
  const isInteger =
    encoding === Encoding.Plain &&
    byteCount <= INTEGER_BYTES_MAX &&
    parseInt64(shard.bytes.u8, at, at + byteCount, scratchInteger);
  if (isInteger) return 'int';
  return byteCount <= EMBEDDED_BYTES_MAX ? 'embstr' : 'raw';
}

function collectionEncodingName(shard: Shard, record: number): string {
  switch (recordEncoding(shard, record)) {
    case Encoding.PackedExpiry:
      return 'listpackex';
    case Encoding.IntegerSet:
      return 'intset';
    case Encoding.Chain:
      return 'quicklist';
    case Encoding.SetTable:
    case Encoding.HashTable:
      return 'hashtable';
    case Encoding.SortedSetTree:
      return 'skiplist';
    case Encoding.StreamLog:
      return 'stream';
    default:
      return 'listpack';
  }
}
