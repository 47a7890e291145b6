/**
 * Sets: members found, added and removed, whatever way the set is kept: integers in the record (IntegerSet), a few short
 * members in the record (Packed), or a table. A set only ever turns from the first into the second or third and from
 * the second into the third, at the sizes at which Redis' sets do. Every function wants the lock of the key's shard and
 * a key whose record, a set, has been found; none of them calls `touched` (see `settleSet`).
 */
import { type Bytes, Bytes as ByteRange, copyBytes } from '../../base/bytes.ts';
import { Int64, parseInt64 } from '../../base/int64.ts';
import type { Shard } from '../../memory/shard.ts';
import {
  bytesWithInteger,
  findInteger,
  insertInteger,
  integerSetBytes,
  integerSetCount,
  integerWidth,
  readInteger,
  removeInteger,
  writeEmptyIntegerSet,
} from '../../structures/set/integer-set.ts';
import { FETCH_AHEAD_MEMBERS, fetchMembers, freeMembersSlice } from '../../structures/member-table.ts';
import { Element, encodeElement, EntryText } from '../../structures/packed-entry.ts';
import {
  appendPackedMember,
  findPackedMember,
  PACKED_SET_COUNT_MAX,
  PACKED_SET_HEADER_BYTES,
  packedSetCount,
  removePackedMember,
  writeEmptyPackedSet,
} from '../../structures/set/packed-set.ts';
import { addSetMember, findSetMember, removeSetMember } from '../../structures/set/set-table.ts';
import { createTable, tableCount } from '../../structures/table.ts';
import type { Key } from '../key.ts';
import type { Keyspace } from '../keyspace.ts';
import type { PackedLimits } from '../packed-limits.ts';
import {
  Encoding,
  recordEncoding,
  ROOT_BYTES,
  rootOf,
  setRecordKind,
  valueAt,
  valueBytes,
  ValueType,
  writeRoot,
} from '../record.ts';
import { Status } from '../status.ts';
import { type MemberStream, SetReader } from './reader.ts';
import { becomeRooted, resizeValue, trimRecord } from '../record-room.ts';

/** What came of adding a member. */
export const enum Added {
  /** Nothing was changed. */
  OutOfMemory = -1,
  /** It was there. */
  No = 0,
  Yes = 1,
}

/** No setting makes sets in records larger than this: every change moves what stands behind it. */
export const INTEGER_SET_COUNT_MAX = 1 << 20;
const PACKED_BYTES_MAX = 1 << 26;
const INTEGER_ENTRY_BYTES_MAX = 9;

const scratchElement = new Element();
/** One more, for the members that are already there. */
const scratchDigits = new Element();
const scratchText = new EntryText();
const scratchReader = new SetReader();
const scratchInteger = new Int64();
const scratchHashes = new Int32Array(FETCH_AHEAD_MEMBERS);
/** Where a set of integers is packed before it goes into its record. */
let scratchStaging = ByteRange.allocate(4096);

/** Number of members. */
export function countMembers(shard: Shard, record: number): number {
  const encoding = recordEncoding(shard, record);
  if (encoding === Encoding.SetTable) return tableCount(shard, rootOf(shard, record));
  const at = valueAt(shard, record);
  if (encoding === Encoding.Packed) return packedSetCount(shard.bytes, at);
  return integerSetCount(shard.bytes, at, valueBytes(shard, record));
}

/** Whether `source[at, at + byteCount)` is a member. */
export function hasMember(
  keyspace: Keyspace,
  shard: Shard,
  record: number,
  source: Bytes,
  at: number,
  byteCount: number,
): boolean {
  const encoding = recordEncoding(shard, record);
  if (encoding === Encoding.SetTable) {
    const hash = keyspace.memberHash(source, at, byteCount);
    return findSetMember(shard, rootOf(shard, record), hash, source, at, byteCount) !== 0;
  }
  const element = scratchElement;
  encodeElement(element, source, at, byteCount);
  const value = valueAt(shard, record);
  if (encoding === Encoding.Packed) {
    return findPackedMember(shard.bytes, value, valueBytes(shard, record), element) !== 0;
  }
  return (
    element.isInteger && findInteger(shard.bytes, value, valueBytes(shard, record), element.integer) >= 0
  );
}

/**
 * For commands that name several members: has the memory of the next FETCH_AHEAD_MEMBERS at most fetched, whose starts
 * and lengths stand in `ranges[from, end)`. Returns the index in `ranges` behind them.
 */
export function fetchAheadMembers(
  keyspace: Keyspace,
  shard: Shard,
  record: number,
  source: Bytes,
  ranges: Int32Array,
  from: number,
  end: number,
): number {
  if (recordEncoding(shard, record) !== Encoding.SetTable) return end;
  const until = Math.min(end, from + FETCH_AHEAD_MEMBERS * 2);
  let count = 0;
  for (let i = from; i < until; i += 2) {
    scratchHashes[count++] = keyspace.memberHash(source, ranges[i]!, ranges[i + 1]!);
  }
  fetchMembers(shard, rootOf(shard, record), scratchHashes, count);
  return until;
}

/** Makes `key`, of which there is no record, a set of one member. */
export function createSet(keyspace: Keyspace, key: Key, source: Bytes, at: number, byteCount: number): Added {
  const { shard } = key;
  const limits = keyspace.packedLimits;
  const element = scratchElement;
  encodeElement(element, source, at, byteCount);
  let record = 0;
  if (element.isInteger && limits.integerSetEntries > 0) {
    const bytes = integerSetBytes(1, integerWidth(element.integer));
    record = keyspace.prepareRecord(key, 0, ValueType.Set, Encoding.IntegerSet, bytes);
    if (record !== 0) {
      const value = valueAt(shard, record);
      insertInteger(shard.bytes, value, writeEmptyIntegerSet(shard.bytes, value), 0, element.integer);
    }
  } else if (limits.setEntries > 0 && byteCount <= Math.min(limits.setValueBytes, PACKED_BYTES_MAX)) {
    const bytes = PACKED_SET_HEADER_BYTES + element.entryBytes;
    record = keyspace.prepareRecord(key, 0, ValueType.Set, Encoding.Packed, bytes);
    if (record !== 0) {
      const value = valueAt(shard, record);
      appendPackedMember(shard.bytes, value, writeEmptyPackedSet(shard.bytes, value), element);
    }
  } else return createLargeSet(keyspace, key, source, at, byteCount);
  if (record === 0) return Added.OutOfMemory;
  return keyspace.enterRecord(key, record) === Status.Ok ? Added.Yes : Added.OutOfMemory;
}

function createLargeSet(keyspace: Keyspace, key: Key, source: Bytes, at: number, byteCount: number): Added {
  const { shard } = key;
  const table = createTable(shard);
  if (table === 0) return Added.OutOfMemory;
  const hash = keyspace.memberHash(source, at, byteCount);
  const isAdded = addSetMember(shard, table, hash, source, at, byteCount);
  if (isAdded && enterTable(keyspace, key, table) === Status.Ok) return Added.Yes;
  freeMembersSlice(shard, table, 0, Infinity);
  return Added.OutOfMemory;
}

/** Makes `key` the set whose table is given, whatever it was. OutOfMemory: the table is still the caller's. */
export function enterTable(keyspace: Keyspace, key: Key, table: number, flags = 0): Status {
  const { shard } = key;
  const record = keyspace.prepareRecord(key, flags, ValueType.Set, Encoding.SetTable, ROOT_BYTES);
  if (record === 0) return Status.OutOfMemory;
  writeRoot(shard, record, table);
  return keyspace.enterRecord(key, record);
}

/** Adds a member. Hot. */
export function addMember(keyspace: Keyspace, key: Key, source: Bytes, at: number, byteCount: number): Added {
  const { shard, record } = key;
  const encoding = recordEncoding(shard, record);
  if (encoding === Encoding.SetTable) {
    const table = rootOf(shard, record);
    const hash = keyspace.memberHash(source, at, byteCount);
    if (findSetMember(shard, table, hash, source, at, byteCount) !== 0) return Added.No;
    return addSetMember(shard, table, hash, source, at, byteCount) ? Added.Yes : Added.OutOfMemory;
  }
  encodeElement(scratchElement, source, at, byteCount);
  return encoding === Encoding.Packed ? addPacked(keyspace, key) : addToIntegers(keyspace, key);
}

/** Adds `scratchElement` to a packed set. */
function addPacked(keyspace: Keyspace, key: Key): Added {
  const { shard } = key;
  const element = scratchElement;
  const { bytes } = shard;
  const byteCount = valueBytes(shard, key.record);
  const at = valueAt(shard, key.record);
  if (findPackedMember(bytes, at, byteCount, element) !== 0) return Added.No;
  const encoding = encodingWith(keyspace.packedLimits, Encoding.Packed, bytes, at, byteCount, element);
  if (encoding !== Encoding.Packed) return addAsTable(keyspace, key);
  const record = resizeValue(key, byteCount + element.entryBytes, false);
  if (record === 0) return Added.OutOfMemory;
  appendPackedMember(bytes, valueAt(shard, record), byteCount, element);
  return Added.Yes;
}

/** Adds `scratchElement` to a set of integers. */
function addToIntegers(keyspace: Keyspace, key: Key): Added {
  const { shard } = key;
  const element = scratchElement;
  const { bytes } = shard;
  const at = valueAt(shard, key.record);
  const byteCount = valueBytes(shard, key.record);
  const { integer, isInteger } = element;
  const found = isInteger ? findInteger(bytes, at, byteCount, integer) : -1;
  if (found >= 0) return Added.No;
  const encoding = encodingWith(keyspace.packedLimits, Encoding.IntegerSet, bytes, at, byteCount, element);
  if (encoding === Encoding.SetTable) return addAsTable(keyspace, key);
  if (encoding === Encoding.Packed) return addAsPacked(key);
  const wanted = bytesWithInteger(bytes, at, byteCount, integer);
  const record = resizeValue(key, wanted, false);
  if (record === 0) return Added.OutOfMemory;
  insertInteger(bytes, valueAt(shard, record), byteCount, -1 - found, integer);
  return Added.Yes;
}

/**
 * The encoding that an inline set has once `element`, which it has not, is in it. Redis: a set of integers becomes
 * packed for a first text only while it is small enough for that, and when it has too many integers a table at once.
 */
export function encodingWith(
  limits: PackedLimits,
  encoding: Encoding,
  bytes: Bytes,
  at: number,
  byteCount: number,
  element: Element,
): Encoding {
  if (encoding === Encoding.IntegerSet) {
    const count = integerSetCount(bytes, at, byteCount);
    if (element.isInteger) {
      const countMax = Math.min(limits.integerSetEntries, INTEGER_SET_COUNT_MAX);
      return count < countMax ? Encoding.IntegerSet : Encoding.SetTable;
    }
    const fits =
      count < Math.min(limits.setEntries, PACKED_SET_COUNT_MAX) &&
      element.byteCount <= limits.setValueBytes &&
      digitsMax(bytes, at, count) <= limits.setValueBytes;
    return fits ? Encoding.Packed : Encoding.SetTable;
  }
  const fits =
    packedSetCount(bytes, at) < Math.min(limits.setEntries, PACKED_SET_COUNT_MAX) &&
    element.byteCount <= limits.setValueBytes &&
    byteCount + element.byteCount < PACKED_BYTES_MAX;
  return fits ? Encoding.Packed : Encoding.SetTable;
}

/** Length of the longest of the integers, as text. */
function digitsMax(bytes: Bytes, at: number, count: number): number {
  if (count === 0) return 0;
  pointAtInteger(bytes, at, 0, scratchText);
  const first = scratchText.byteCount;
  pointAtInteger(bytes, at, count - 1, scratchText);
  return Math.max(first, scratchText.byteCount);
}

/** Points `text` at the digits of the integer of this index. */
function pointAtInteger(bytes: Bytes, at: number, index: number, text: EntryText): void {
  readInteger(bytes, at, index, scratchInteger);
  text.setInteger(scratchInteger);
}

/** Packs a set of integers in its record, with `scratchElement`, a text, behind them. */
function addAsPacked(key: Key): Added {
  const { shard } = key;
  const { bytes } = shard;
  const element = scratchElement;
  const at = valueAt(shard, key.record);
  const count = integerSetCount(bytes, at, valueBytes(shard, key.record));
  const bytesMax = packedIntegersBytesMax(count);
  if (scratchStaging.u8.length < bytesMax) scratchStaging = ByteRange.allocate(bytesMax);
  const staged = packIntegers(bytes, at, count, scratchStaging, 0);
  const record = resizeValue(key, staged + element.entryBytes, false);
  if (record === 0) return Added.OutOfMemory;
  const value = valueAt(shard, record);
  copyBytes(scratchStaging, 0, bytes, value, staged);
  appendPackedMember(bytes, value, staged, element);
  setRecordKind(shard, record, ValueType.Set, Encoding.Packed);
  return Added.Yes;
}

/** The most bytes that integers take when they are packed. */
export function packedIntegersBytesMax(count: number): number {
  return PACKED_SET_HEADER_BYTES + count * INTEGER_ENTRY_BYTES_MAX;
}

/** Writes the `count` integers of the set at `at` as a packed set into other bytes. Returns its bytes. */
export function packIntegers(bytes: Bytes, at: number, count: number, into: Bytes, intoAt: number): number {
  let packed = writeEmptyPackedSet(into, intoAt);
  for (let index = 0; index < count; index++) {
    pointAtInteger(bytes, at, index, scratchText);
    encodeElement(scratchDigits, scratchText.bytes, scratchText.at, scratchText.byteCount);
    packed = appendPackedMember(into, intoAt, packed, scratchDigits);
  }
  return packed;
}

/** Makes the inline set found under `key` a table, with `scratchElement` in it too. */
function addAsTable(keyspace: Keyspace, key: Key): Added {
  const { source, at, byteCount } = scratchElement;
  const { shard } = key;
  const table = tableOf(keyspace, shard, key.record);
  if (table === 0) return Added.OutOfMemory;
  const hash = keyspace.memberHash(source, at, byteCount);
  const isAdded = addSetMember(shard, table, hash, source, at, byteCount);
  if (isAdded && becomeRooted(key, Encoding.SetTable, table)) return Added.Yes;
  freeMembersSlice(shard, table, 0, Infinity);
  return Added.OutOfMemory;
}

/** A table of the members of an inline set. Returns it, or 0, nothing left behind: out of memory. */
function tableOf(keyspace: Keyspace, shard: Shard, record: number): number {
  const table = createTable(shard);
  if (table === 0) return 0;
  scratchReader.open(keyspace, shard, record);
  if (addMembersOf(keyspace, shard, table, scratchReader)) return table;
  freeMembersSlice(shard, table, 0, Infinity);
  return 0;
}

/** Adds all of `stream`, which the table has not. False: out of memory, and some were added. */
export function addMembersOf(keyspace: Keyspace, shard: Shard, table: number, stream: MemberStream): boolean {
  const { text } = stream;
  while (stream.next()) {
    const { bytes, at, byteCount } = text;
    if (!addSetMember(shard, table, keyspace.memberHash(bytes, at, byteCount), bytes, at, byteCount)) {
      return false;
    }
  }
  return true;
}

/** The encoding of a new set that `count` members are about to be added to, the given one first. */
export function encodingOfNew(
  limits: PackedLimits,
  source: Bytes,
  at: number,
  byteCount: number,
  count: number,
): Encoding {
  const isInteger = parseInt64(source.u8, at, at + byteCount, scratchInteger);
  if (isInteger && count <= limits.integerSetEntries) return Encoding.IntegerSet;
  return count <= limits.setEntries ? Encoding.Packed : Encoding.SetTable;
}

/**
 * Before `addedCount` members are added to the set found under `key`: makes it a table if that is too many for what it
 * is. Redis: even if most of them are there. OutOfMemory: nothing was changed.
 */
export function expectMembers(keyspace: Keyspace, key: Key, addedCount: number): Status {
  const { shard, record } = key;
  const limits = keyspace.packedLimits;
  const encoding = recordEncoding(shard, record);
  const isSmall = addedCount <= (encoding === Encoding.Packed ? limits.setEntries : limits.integerSetEntries);
  if (isSmall || encoding === Encoding.SetTable) return Status.Ok;
  const table = tableOf(keyspace, shard, record);
  if (table === 0) return Status.OutOfMemory;
  if (becomeRooted(key, Encoding.SetTable, table)) return Status.Ok;
  freeMembersSlice(shard, table, 0, Infinity);
  return Status.OutOfMemory;
}

/** Takes a member out; the set may be empty then. False: it was not there. */
export function removeMember(
  keyspace: Keyspace,
  key: Key,
  source: Bytes,
  at: number,
  byteCount: number,
): boolean {
  const { shard, record } = key;
  const encoding = recordEncoding(shard, record);
  if (encoding === Encoding.SetTable) {
    const table = rootOf(shard, record);
    const hash = keyspace.memberHash(source, at, byteCount);
    const slot = findSetMember(shard, table, hash, source, at, byteCount);
    if (slot !== 0) removeSetMember(shard, table, slot);
    return slot !== 0;
  }
  const element = scratchElement;
  encodeElement(element, source, at, byteCount);
  const { bytes } = shard;
  const value = valueAt(shard, record);
  const valueSize = valueBytes(shard, record);
  if (encoding === Encoding.Packed) {
    const place = findPackedMember(bytes, value, valueSize, element);
    if (place !== 0) resizeValue(key, removePackedMember(bytes, value, valueSize, place), false);
    return place !== 0;
  }
  const index = element.isInteger ? findInteger(bytes, value, valueSize, element.integer) : -1;
  if (index >= 0) resizeValue(key, removeInteger(bytes, value, valueSize, index), false);
  return index >= 0;
}

/** To be called after changes, once: removes the set found under `key` if it is empty, and tells of the change. */
export function settleSet(keyspace: Keyspace, key: Key): void {
  if (countMembers(key.shard, key.record) === 0) return keyspace.remove(key);
  trimRecord(key);
  keyspace.touched(key);
}
