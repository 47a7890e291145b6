/**
 * Record: one block per key, holding header, key, and the value itself or the root of its structure.
 *
 *  record, 8-aligned, little-endian
 *   byte 0      1       2        4        7       8          12
 *        +------+-------+--------+--------+-------+----------+------------+
 *        | kind | flags | data-  | access | epoch | key      | value      |
 *        | u8   | u8    | base16 | u24    | u8    | bytes 32 | bytes 32   |
 *        +------+-------+--------+--------+-------+----------+------------+
 *   16   [expiry: double, Unix ms]     when Flag.Expiry
 *        [cas: double, client flags: u32]   when Flag.Item (written through memcached, or asked for its cas)
 *        key bytes, value bytes
 *
 *   kind = type in bits 0-3, encoding in bits 4-7.   access = seconds of the access clock (OBJECT IDLETIME).
 *   epoch = that of the last snapshot which has, or need not have, this record (snapshot-walk.ts).
 *  Invariants: the block has room for all of it; without Flag.Slack it is exactly of the class for its length.
 *  Ownership: the table of the keyspace holds the only reference. Lock: the shard's.
 *  Cost: 16 bytes, plus 8 with an expiry and 12 with memcached's metadata.
 *  Keep in step with: keyspace.ts, test/store/record.test.ts (frozen layout).
 */
import { blockBytes, usableBytes } from '../memory/allocator.ts';
import type { Shard } from '../memory/shard.ts';

/** Byte offsets in a record. */
export const enum Record {
  Kind = 0,
  Flags = 1,
  Database = 2,
  Access = 4,
  Epoch = 7,
  KeyBytes = 8,
  ValueBytes = 12,
  HeaderBytes = 16,
}

/** Sizes of the optional fields. */
const EXPIRY_BYTES = 8;
const ITEM_BYTES = 12;

export const enum RecordFlag {
  Expiry = 1,
  /** Carries memcached's cas number and client flags. */
  Item = 2,
  /** The block may be larger than the content needs: room for strings that grow. */
  Slack = 4,
  /** Memcached: read at least once since it was stored. */
  Fetched = 8,
  /** Memcached: marked stale by a meta delete. */
  Stale = 16,
  /** Memcached: some client has been told to recache. */
  Won = 32,
  /** A hash of which some field has an expiry. */
  FieldExpiry = 64,
}

export const enum ValueType {
  String = 0,
  List = 1,
  Set = 2,
  SortedSet = 3,
  Hash = 4,
  Stream = 6,
}

export const enum Encoding {
  /** Strings: int, embstr or raw by content. */
  Plain = 0,
  /** Strings that were edited in place: always reported as raw, as Redis does. */
  Raw = 1,
  /** Strings that are text even if they read like an integer: the sums of floats, as in Redis. */
  Text = 2,
  /** Lists, hashes, sets, sorted sets: all entries in the record itself (structures/packed-entry.ts). */
  Packed = 3,
  /** Hashes: `Packed` with a time of expiry per field. */
  PackedExpiry = 4,
  /** Sets of integers only: sorted, in the record itself. */
  IntegerSet = 5,
  /** Lists: a chain of packed nodes. It and all that follow are rooted: see `isRooted`. */
  Chain = 6,
  /** Sets: a table of members. */
  SetTable = 7,
  /** Hashes: a table of fields. */
  HashTable = 8,
  /** Sorted sets: a table of members beside a tree ordered by score. */
  SortedSetTree = 9,
  /** Streams: nodes of entries, and the groups that read them. */
  StreamLog = 10,
}

/** Whether the value is the root of a structure that has blocks of its own (structure-kinds.ts). */
export function isRooted(encoding: Encoding): boolean {
  return encoding >= Encoding.Chain;
}

/** Bytes of the value of a record whose encoding is rooted: the offset of its structure. */
export const ROOT_BYTES = 4;

const ACCESS_MASK = 0xffffff;
/** Type and flags in the first word of a record: zero for a string that has none. */
const PLAIN_STRING_MASK = 0xff0f;

export function recordType(shard: Shard, at: number): ValueType {
  return shard.bytes.u8[at]! & 15;
}

export function recordEncoding(shard: Shard, at: number): Encoding {
  return shard.bytes.u8[at]! >> 4;
}

export function setRecordKind(shard: Shard, at: number, type: ValueType, encoding: Encoding): void {
  shard.bytes.u8[at] = type | (encoding << 4);
}

export function recordFlags(shard: Shard, at: number): number {
  return shard.bytes.u8[at + Record.Flags]!;
}

export function setRecordFlags(shard: Shard, at: number, flags: number): void {
  shard.bytes.u8[at + Record.Flags] = flags;
}

export function recordDatabase(shard: Shard, at: number): number {
  return shard.words[at >> 2]! >>> 16;
}

export function recordEpoch(shard: Shard, at: number): number {
  return shard.bytes.u8[at + Record.Epoch]!;
}

export function setRecordEpoch(shard: Shard, at: number, epoch: number): void {
  shard.bytes.u8[at + Record.Epoch] = epoch;
}

/** Access clock in seconds, 24 bits. */
export function recordAccess(shard: Shard, at: number): number {
  return shard.words[(at + Record.Access) >> 2]! & ACCESS_MASK;
}

/** Sets the access clock; writes only when it differs, so that reads of a hot key leave its cache line shared. */
export function touchAccess(shard: Shard, at: number, clock: number): void {
  const word = (at + Record.Access) >> 2;
  const value = shard.words[word]!;
  if ((value & ACCESS_MASK) !== clock) shard.words[word] = (value & ~ACCESS_MASK) | clock;
}

/** Stamps the access clock and the snapshot epoch together. */
export function stampRecord(shard: Shard, at: number, clock: number, epoch: number): void {
  shard.words[(at + Record.Access) >> 2] = (epoch << 24) | clock;
}

export function keyBytes(shard: Shard, at: number): number {
  return shard.words[(at + Record.KeyBytes) >> 2]!;
}

/** Length of an inline value. */
export function valueBytes(shard: Shard, at: number): number {
  return shard.words[(at + Record.ValueBytes) >> 2]!;
}

export function setValueBytes(shard: Shard, at: number, byteCount: number): void {
  shard.words[(at + Record.ValueBytes) >> 2] = byteCount;
}

/** Bytes in front of the key for a record with `flags`. */
export function prefixBytes(flags: number): number {
  return (
    Record.HeaderBytes +
    (flags & RecordFlag.Expiry ? EXPIRY_BYTES : 0) +
    (flags & RecordFlag.Item ? ITEM_BYTES : 0)
  );
}

export function keyAt(shard: Shard, at: number): number {
  return at + prefixBytes(recordFlags(shard, at));
}

/** Where the key of a record lies if it is in `database` and `byteCount` long, else 0. Hot: one load for three fields. */
export function keyOfDatabaseAt(shard: Shard, at: number, database: number, byteCount: number): number {
  const words = shard.words;
  const head = words[at >> 2]!;
  if (head >>> 16 !== database || words[(at + Record.KeyBytes) >> 2] !== byteCount) return 0;
  return at + prefixBytes((head >>> 8) & 0xff);
}

/** Whether the record is a string of `byteCount` bytes without flags: one that another such can be written over. */
export function isPlainStringOf(shard: Shard, at: number, byteCount: number): boolean {
  const { words } = shard;
  return (words[at >> 2]! & PLAIN_STRING_MASK) === 0 && words[(at + Record.ValueBytes) >> 2] === byteCount;
}

export function valueAt(shard: Shard, at: number): number {
  return keyAt(shard, at) + keyBytes(shard, at);
}

/** Where the structure of a rooted value begins. */
export function rootOf(shard: Shard, at: number): number {
  return shard.bytes.view.getInt32(valueAt(shard, at), true);
}

export function writeRoot(shard: Shard, at: number, root: number): void {
  shard.bytes.view.setInt32(valueAt(shard, at), root, true);
}

/** Bytes the record needs. */
export function recordBytes(shard: Shard, at: number): number {
  return prefixBytes(recordFlags(shard, at)) + keyBytes(shard, at) + valueBytes(shard, at);
}

/** Bytes the record's block has. */
export function recordBlockBytes(shard: Shard, at: number): number {
  const slack = (recordFlags(shard, at) & RecordFlag.Slack) !== 0;
  return slack ? usableBytes(shard, at) : blockBytes(recordBytes(shard, at));
}

/** When the record expires, in Unix milliseconds, or 0. */
export function expiryAtMs(shard: Shard, at: number): number {
  if ((recordFlags(shard, at) & RecordFlag.Expiry) === 0) return 0;
  return shard.doubles[(at + Record.HeaderBytes) >> 3]!;
}

export function writeExpiryAtMs(shard: Shard, at: number, whenMs: number): void {
  shard.doubles[(at + Record.HeaderBytes) >> 3] = whenMs;
}

function itemAt(shard: Shard, at: number): number {
  return at + Record.HeaderBytes + (recordFlags(shard, at) & RecordFlag.Expiry ? EXPIRY_BYTES : 0);
}

/** Memcached's unique number of this version of the value, or 0 when it has none yet. */
export function itemCas(shard: Shard, at: number): number {
  if ((recordFlags(shard, at) & RecordFlag.Item) === 0) return 0;
  return shard.doubles[itemAt(shard, at) >> 3]!;
}

export function writeItemCas(shard: Shard, at: number, cas: number): void {
  shard.doubles[itemAt(shard, at) >> 3] = cas;
}

/** Memcached's opaque client flags, 32 bits. */
export function itemClientFlags(shard: Shard, at: number): number {
  if ((recordFlags(shard, at) & RecordFlag.Item) === 0) return 0;
  return shard.words[(itemAt(shard, at) + 8) >> 2]! >>> 0;
}

export function writeItemClientFlags(shard: Shard, at: number, clientFlags: number): void {
  shard.words[(itemAt(shard, at) + 8) >> 2] = clientFlags;
}

/** Writes header words of a record whose key and value are about to be copied in. */
export function writeRecordHeader(
  shard: Shard,
  at: number,
  flags: number,
  database: number,
  keyByteCount: number,
  valueByteCount: number,
): void {
  const word = at >> 2;
  shard.words[word] = ValueType.String | (flags << 8) | (database << 16);
  shard.words[word + 2] = keyByteCount;
  shard.words[word + 3] = valueByteCount;
}
