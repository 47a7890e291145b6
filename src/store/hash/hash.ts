/**
 * Hashes: fields with values and, if wanted, a time of expiry each, whatever the encoding. Every function works on the
 * hash that was last found under `key`; whoever changed something calls `hashChanged` once, at the end.
 *
 * A field is gone from the millisecond after its time on, as a key is. It may still be there in body, until somebody
 * asks for it or active expiry comes by, and is then counted by `hashLength` alone.
 */
import type { Bytes } from '../../base/bytes.ts';
import { Counter } from '../../memory/control.ts';
import { hasRoomFor } from '../../memory/allocator.ts';
import type { Shard } from '../../memory/shard.ts';
import {
  addTableField,
  createFieldTable,
  fieldBlockBytes,
  fieldBlockBytesMax,
  findTableField,
  freeFieldsSlice,
  pointAtBlockValue,
  removeTableField,
  setTableFieldTime,
  tableExpiringCount,
  tableFieldCount,
  tableOfFields,
  timeOfBlock,
  updateTableField,
} from '../../structures/hash/field-table.ts';
import { FETCH_AHEAD_MEMBERS, fetchMembers } from '../../structures/member-table.ts';
import { type Element, entryBytesAt, EntryText, writeElement } from '../../structures/packed-entry.ts';
import {
  appendField,
  clearFields,
  emptyFieldsBytes,
  findPackedField,
  firstField,
  makeTimed,
  nextField,
  packedExpiringCount,
  PACKED_FIELDS_MAX,
  packedFieldCount,
  pairBytes,
  removePackedField,
  replaceValue,
  setTimeOfField,
  timedBytes,
  timeOfField,
  valueOfField,
} from '../../structures/hash/packed-fields.ts';
import { slotRef } from '../../structures/table.ts';
import type { Key } from '../key.ts';
import type { Keyspace } from '../keyspace.ts';
import {
  Encoding,
  keyAt,
  recordEncoding,
  RecordFlag,
  recordFlags,
  ROOT_BYTES,
  rootOf,
  setRecordKind,
  valueAt,
  valueBytes,
  ValueType,
  writeRoot,
} from '../record.ts';
import { Status } from '../status.ts';
import { becomeRooted, resizeValue, trimRecord } from '../record-room.ts';

/** For `setField`: the field keeps the time it has. */
export const KEEP_TIME = -1;

/** What setting a field came to. */
export const enum FieldStatus {
  /** Nothing was changed. */
  OutOfMemory = 0,
  Added = 1,
  Updated = 2,
}

/** What setting a field's time came to. */
export const enum TimeStatus {
  /** Nothing was changed. */
  OutOfMemory = 0,
  /** There is no such field. */
  Missing = 1,
  /** The condition was not met; or, without a new time, there was none to take away. */
  Refused = 2,
  Set = 3,
}

/** When a field is to get its new time. */
export const enum TimeCondition {
  None = 0,
  IfNone = 1,
  IfSome = 2,
  IfLater = 3,
  IfEarlier = 4,
}

/** Redis: a larger listpack is given up, whatever the limits. */
const PACKED_BYTES_MAX = 2 ** 30;

/** Where `seek` has found a field: its position in the block, or its slot in the table. */
const scratchFound = { place: 0, timeMs: 0 };
const scratchField = new EntryText();
const scratchValue = new EntryText();

/** Number of fields. Redis: those that have expired are counted as long as they are there. */
export function hashLength(shard: Shard, record: number): number {
  return recordEncoding(shard, record) === Encoding.HashTable
    ? tableFieldCount(shard, rootOf(shard, record))
    : packedFieldCount(shard.bytes, valueAt(shard, record));
}

/** Number of fields that have a time of expiry. */
export function expiringFieldCount(shard: Shard, record: number): number {
  const encoding = recordEncoding(shard, record);
  if (encoding === Encoding.HashTable) return tableExpiringCount(shard, rootOf(shard, record));
  return encoding === Encoding.PackedExpiry ? packedExpiringCount(shard.bytes, valueAt(shard, record)) : 0;
}

/** Looks for a field, expired or not; what it finds is in `scratchFound` until something changes. Hot. */
function seek(keyspace: Keyspace, key: Key, field: Element): boolean {
  const { shard, record } = key;
  const found = scratchFound;
  found.place = 0;
  found.timeMs = 0;
  if (record === 0) return false;
  const encoding = recordEncoding(shard, record);
  if (encoding === Encoding.HashTable) {
    const { source, at, byteCount } = field;
    const hash = keyspace.memberHash(source, at, byteCount);
    const root = rootOf(shard, record);
    const slot = findTableField(shard, root, hash, source, at, byteCount);
    found.place = slot;
    if (slot === 0) return false;
    if (tableExpiringCount(shard, root) !== 0) found.timeMs = timeOfBlock(shard, slotRef(shard, slot));
    return true;
  }
  const { bytes } = shard;
  const timed = encoding === Encoding.PackedExpiry;
  const fieldAt = findPackedField(bytes, valueAt(shard, record), valueBytes(shard, record), timed, field);
  found.place = fieldAt;
  if (fieldAt === 0) return false;
  if (timed) found.timeMs = timeOfField(bytes, fieldAt);
  return true;
}

/** Whether a time (0: none) has passed. */
function hasExpired(keyspace: Keyspace, timeMs: number): boolean {
  return timeMs !== 0 && timeMs < keyspace.nowMs;
}

/**
 * Points `into` at the value of a field. False: there is none. A field that has expired is removed here, and with the
 * last one the hash: `key.record` is 0 then. Hot.
 */
export function findField(keyspace: Keyspace, key: Key, field: Element, into: EntryText): boolean {
  if (!seek(keyspace, key, field)) return false;
  if (scratchFound.timeMs !== 0 && hasExpired(keyspace, scratchFound.timeMs)) {
    if (keyspace.onLapsedField !== null) {
      keyspace.onLapsedField(key, field.source, field.at, field.byteCount);
    }
    removeFound(key);
    keyspace.counters[Counter.ExpiredFields]!++;
    hashChanged(keyspace, key);
    return false;
  }
  pointAtFound(key, into);
  return true;
}

const scratchHashes = new Int32Array(FETCH_AHEAD_MEMBERS);

/**
 * For a command that names several fields: if the hash is a table, has the memory of the next FETCH_AHEAD_MEMBERS at most
 * fetched, of those whose starts and lengths stand in `args` from argument `from` to before `end`. Returns the argument
 * behind them.
 */
export function fetchFields(
  keyspace: Keyspace,
  key: Key,
  source: Bytes,
  args: Int32Array,
  from: number,
  end: number,
): number {
  const { shard, record } = key;
  if (record === 0 || recordEncoding(shard, record) !== Encoding.HashTable) return end;
  const count = Math.min(end - from, FETCH_AHEAD_MEMBERS);
  for (let i = 0; i < count; i++) {
    scratchHashes[i] = keyspace.memberHash(source, args[(from + i) * 2]!, args[(from + i) * 2 + 1]!);
  }
  fetchMembers(shard, tableOfFields(shard, rootOf(shard, record)), scratchHashes, count);
  return from + count;
}

/** `findField` that changes nothing. */
export function peekField(keyspace: Keyspace, key: Key, field: Element, into: EntryText): boolean {
  if (!seek(keyspace, key, field) || hasExpired(keyspace, scratchFound.timeMs)) return false;
  pointAtFound(key, into);
  return true;
}

function pointAtFound(key: Key, into: EntryText): void {
  const { shard, record } = key;
  const { place } = scratchFound;
  if (recordEncoding(shard, record) === Encoding.HashTable) {
    pointAtBlockValue(shard, slotRef(shard, place), into);
  } else into.point(shard.bytes, valueOfField(shard.bytes, place));
}

function removeFound(key: Key): void {
  const { shard, record } = key;
  const { place } = scratchFound;
  const encoding = recordEncoding(shard, record);
  if (encoding === Encoding.HashTable) return removeTableField(shard, rootOf(shard, record), place);
  const timed = encoding === Encoding.PackedExpiry;
  const at = valueAt(shard, record);
  const rest = removePackedField(shard.bytes, at, valueBytes(shard, record), timed, place);
  resizeValue(key, rest, false);
}

/**
 * Removes a field. False: there was none. Redis: one that has expired and is still there is removed and counted like any
 * other, as HLEN counts it. A hash without fields is left for `hashChanged` to remove.
 */
export function removeField(keyspace: Keyspace, key: Key, field: Element): boolean {
  if (!seek(keyspace, key, field)) return false;
  removeFound(key);
  return true;
}

/**
 * Must be called once after fields of the hash found under `key` were changed: removes the hash if it has no more, notes
 * whether fields expire, and tells whoever has an interest.
 */
export function hashChanged(keyspace: Keyspace, key: Key): void {
  const { shard } = key;
  if (hashLength(shard, key.record) === 0) return keyspace.remove(key);
  if (recordEncoding(shard, key.record) !== Encoding.HashTable) trim(key);
  const { record } = key;
  if (recordEncoding(shard, record) === Encoding.Packed) return keyspace.touched(key);
  const wasExpiring = (recordFlags(shard, record) & RecordFlag.FieldExpiry) !== 0;
  const isExpiring = expiringFieldCount(shard, record) !== 0;
  if (wasExpiring !== isExpiring) keyspace.setFieldExpiry(key, isExpiring);
  keyspace.touched(key);
}

/** Gives back what the block of a packed hash has too much. */
function trim(key: Key): void {
  trimRecord(key);
  // Active expiry has the bytes of the key from the record itself, which may have moved.
  if (key.bytes === key.shard.bytes) key.at = keyAt(key.shard, key.record);
}

/**
 * Sets a field, and makes the hash if there is none. `timeMs` is the time at which the field expires: 0 for none,
 * KEEP_TIME to leave it. Redis: a field that has expired and is still there counts as updated. Hot.
 */
export function setField(
  keyspace: Keyspace,
  key: Key,
  field: Element,
  value: Element,
  timeMs: number,
): FieldStatus {
  if (key.record === 0) return createHash(keyspace, key, field, value, timeMs);
  if (recordEncoding(key.shard, key.record) === Encoding.HashTable) {
    return setInTable(keyspace, key, field, value, timeMs);
  }
  return setPacked(keyspace, key, field, value, timeMs);
}

function createHash(
  keyspace: Keyspace,
  key: Key,
  field: Element,
  value: Element,
  timeMs: number,
): FieldStatus {
  if (!isPackable(keyspace, field, value, 1)) return createTableHash(keyspace, key, field, value, timeMs);
  const { shard } = key;
  const timed = timeMs > 0;
  const encoding = timed ? Encoding.PackedExpiry : Encoding.Packed;
  const emptyBytes = emptyFieldsBytes(timed);
  const byteCount = emptyBytes + pairBytes(field, value, timed);
  const record = keyspace.prepareRecord(key, 0, ValueType.Hash, encoding, byteCount);
  if (record === 0) return FieldStatus.OutOfMemory;
  const at = valueAt(shard, record);
  clearFields(shard.bytes, at, timed);
  const fieldAt = appendField(shard.bytes, at, emptyBytes, timed, field, value);
  if (timed) setTimeOfField(shard.bytes, at, fieldAt, timeMs);
  return enterHash(keyspace, key, record) ? FieldStatus.Added : FieldStatus.OutOfMemory;
}

function createTableHash(
  keyspace: Keyspace,
  key: Key,
  field: Element,
  value: Element,
  timeMs: number,
): FieldStatus {
  const { shard } = key;
  const root = createFieldTable(shard);
  if (root === 0) return FieldStatus.OutOfMemory;
  if (addToTable(keyspace, shard, root, field, value, Math.max(timeMs, 0))) {
    const record = keyspace.prepareRecord(key, 0, ValueType.Hash, Encoding.HashTable, ROOT_BYTES);
    if (record !== 0) {
      writeRoot(shard, record, root);
      if (enterHash(keyspace, key, record)) return FieldStatus.Added;
    }
  }
  freeFieldsSlice(shard, root, 0, Infinity);
  return FieldStatus.OutOfMemory;
}

function addToTable(
  keyspace: Keyspace,
  shard: Shard,
  root: number,
  field: Element,
  value: Element,
  timeMs: number,
): boolean {
  const hash = keyspace.memberHash(field.source, field.at, field.byteCount);
  const slot = addTableField(
    shard,
    root,
    hash,
    field.source,
    field.at,
    field.byteCount,
    value.source,
    value.at,
    value.byteCount,
    timeMs,
  );
  return slot !== 0;
}

function enterHash(keyspace: Keyspace, key: Key, record: number): boolean {
  return keyspace.enterRecord(key, record) === Status.Ok;
}

/** Whether a hash of `count` fields, of which this is one, is to be packed. */
function isPackable(keyspace: Keyspace, field: Element, value: Element, count: number): boolean {
  const { hashEntries, hashValueBytes } = keyspace.packedLimits;
  if (field.byteCount > hashValueBytes || value.byteCount > hashValueBytes) return false;
  return count <= hashEntries && count <= PACKED_FIELDS_MAX;
}

function setPacked(
  keyspace: Keyspace,
  key: Key,
  field: Element,
  value: Element,
  timeMs: number,
): FieldStatus {
  if (timeMs > 0 && !prepareTimes(key)) return FieldStatus.OutOfMemory;
  const { shard, record } = key;
  const { bytes } = shard;
  const timed = recordEncoding(shard, record) === Encoding.PackedExpiry;
  const at = valueAt(shard, record);
  const byteCount = valueBytes(shard, record);
  const fieldAt = findPackedField(bytes, at, byteCount, timed, field);
  const count = packedFieldCount(bytes, at) + (fieldAt === 0 ? 1 : 0);
  const byteCountMax = byteCount + pairBytes(field, value, timed);
  if (byteCountMax > PACKED_BYTES_MAX || !isPackable(keyspace, field, value, count)) {
    return becomeTable(keyspace, key)
      ? setInTable(keyspace, key, field, value, timeMs)
      : FieldStatus.OutOfMemory;
  }
  if (fieldAt === 0) return appendPacked(key, field, value, timeMs);
  const valueEntryAt = fieldAt + field.entryBytes;
  if (!timed && entryBytesAt(bytes, valueEntryAt) === value.entryBytes) {
    writeElement(value, bytes, valueEntryAt);
    return FieldStatus.Updated;
  }
  return updatePacked(keyspace, key, fieldAt - at, value, timeMs);
}

function appendPacked(key: Key, field: Element, value: Element, timeMs: number): FieldStatus {
  const { shard } = key;
  const timed = recordEncoding(shard, key.record) === Encoding.PackedExpiry;
  const byteCount = valueBytes(shard, key.record);
  const needed = byteCount + pairBytes(field, value, timed);
  if (resizeValue(key, needed, false) === 0) return FieldStatus.OutOfMemory;
  const at = valueAt(shard, key.record);
  const fieldAt = appendField(shard.bytes, at, byteCount, timed, field, value);
  if (timeMs > 0) setTimeOfField(shard.bytes, at, fieldAt, timeMs);
  return FieldStatus.Added;
}

/** Gives the field that stands `offset` bytes behind the start of a packed hash another value and time. */
function updatePacked(
  keyspace: Keyspace,
  key: Key,
  offset: number,
  value: Element,
  timeMs: number,
): FieldStatus {
  const { shard } = key;
  const { bytes } = shard;
  const byteCount = valueBytes(shard, key.record);
  let at = valueAt(shard, key.record);
  const valueOffset = valueOfField(bytes, at + offset) - at;
  const oldBytes = entryBytesAt(bytes, at + valueOffset);
  const change = value.entryBytes - oldBytes;
  if (change > 0) {
    if (resizeValue(key, byteCount + change, false) === 0) return FieldStatus.OutOfMemory;
    at = valueAt(shard, key.record);
  }
  replaceValue(bytes, at + valueOffset, oldBytes, at + byteCount, value);
  if (change < 0) resizeValue(key, byteCount + change, false);
  if (recordEncoding(shard, key.record) === Encoding.PackedExpiry) {
    at = valueAt(shard, key.record);
    const oldMs = timeOfField(bytes, at + offset);
    const newMs = timeMs === KEEP_TIME ? keptTime(keyspace, oldMs) : timeMs;
    if (newMs !== oldMs) setTimeOfField(bytes, at, at + offset, newMs);
  }
  return FieldStatus.Updated;
}

function setInTable(
  keyspace: Keyspace,
  key: Key,
  field: Element,
  value: Element,
  timeMs: number,
): FieldStatus {
  const { shard } = key;
  const { source, at, byteCount } = field;
  const root = rootOf(shard, key.record);
  const hash = keyspace.memberHash(source, at, byteCount);
  const slot = findTableField(shard, root, hash, source, at, byteCount);
  if (slot === 0) {
    const added = addTableField(
      shard,
      root,
      hash,
      source,
      at,
      byteCount,
      value.source,
      value.at,
      value.byteCount,
      timeMs === KEEP_TIME ? 0 : timeMs,
    );
    return added === 0 ? FieldStatus.OutOfMemory : FieldStatus.Added;
  }
  const newMs = timeMs === KEEP_TIME ? keptTime(keyspace, timeOfBlock(shard, slotRef(shard, slot))) : timeMs;
  const updated = updateTableField(shard, root, slot, value.source, value.at, value.byteCount, newMs);
  return updated ? FieldStatus.Updated : FieldStatus.OutOfMemory;
}

/** What keeping a time comes to: one that has passed belongs to a field that is gone, and does not pass on to the new one. */
function keptTime(keyspace: Keyspace, timeMs: number): number {
  return hasExpired(keyspace, timeMs) ? 0 : timeMs;
}

/** Makes a packed hash a table. False, nothing changed: out of memory. */
function becomeTable(keyspace: Keyspace, key: Key): boolean {
  const { shard, record } = key;
  const { bytes } = shard;
  const timed = recordEncoding(shard, record) === Encoding.PackedExpiry;
  const root = createFieldTable(shard);
  if (root === 0) return false;
  const end = valueAt(shard, record) + valueBytes(shard, record);
  let fieldAt = firstField(valueAt(shard, record), timed);
  for (; fieldAt < end; fieldAt = nextField(bytes, fieldAt, timed)) {
    scratchField.point(bytes, fieldAt);
    scratchValue.point(bytes, valueOfField(bytes, fieldAt));
    const slot = addTableField(
      shard,
      root,
      keyspace.memberHash(scratchField.bytes, scratchField.at, scratchField.byteCount),
      scratchField.bytes,
      scratchField.at,
      scratchField.byteCount,
      scratchValue.bytes,
      scratchValue.at,
      scratchValue.byteCount,
      timed ? timeOfField(bytes, fieldAt) : 0,
    );
    if (slot !== 0) continue;
    freeFieldsSlice(shard, root, 0, Infinity);
    return false;
  }
  becomeRooted(key, Encoding.HashTable, root);
  return true;
}

/** Lets the fields of a hash have times of expiry: a packed one needs room for them. False, nothing changed: none. */
export function prepareTimes(key: Key): boolean {
  const { shard, record } = key;
  if (recordEncoding(shard, record) !== Encoding.Packed) return true;
  const byteCount = valueBytes(shard, record);
  const needed = timedBytes(shard.bytes, valueAt(shard, record), byteCount);
  if (resizeValue(key, needed, false) === 0) return false;
  makeTimed(shard.bytes, valueAt(shard, key.record), byteCount);
  setRecordKind(shard, key.record, ValueType.Hash, Encoding.PackedExpiry);
  return true;
}

/** When a field expires: 0 never, -1 there is no such field. */
export function fieldTime(keyspace: Keyspace, key: Key, field: Element): number {
  if (!seek(keyspace, key, field) || hasExpired(keyspace, scratchFound.timeMs)) return -1;
  return scratchFound.timeMs;
}

/**
 * Lets a field expire at `timeMs` if the condition is met, or, if that is 0, for ever stay. To be preceded by
 * `prepareTimes`. Redis: no time is later than any time.
 */
export function setFieldTime(
  keyspace: Keyspace,
  key: Key,
  field: Element,
  timeMs: number,
  condition: TimeCondition,
): TimeStatus {
  const oldMs = fieldTime(keyspace, key, field);
  if (oldMs < 0) return TimeStatus.Missing;
  if (timeMs === 0 ? oldMs === 0 : !isMet(condition, timeMs, oldMs)) return TimeStatus.Refused;
  const { shard, record } = key;
  const { place } = scratchFound;
  if (recordEncoding(shard, record) === Encoding.HashTable) {
    const isSet = setTableFieldTime(shard, rootOf(shard, record), place, timeMs);
    return isSet ? TimeStatus.Set : TimeStatus.OutOfMemory;
  }
  setTimeOfField(shard.bytes, valueAt(shard, record), place, timeMs);
  return TimeStatus.Set;
}

/** Whether a field that expires at `oldMs` (0: it does not) may get the time `timeMs`. */
export function isMet(condition: TimeCondition, timeMs: number, oldMs: number): boolean {
  switch (condition) {
    case TimeCondition.None:
      return true;
    case TimeCondition.IfNone:
      return oldMs === 0;
    case TimeCondition.IfSome:
      return oldMs !== 0;
    case TimeCondition.IfLater:
      return oldMs !== 0 && timeMs > oldMs;
    case TimeCondition.IfEarlier:
      return oldMs === 0 || timeMs < oldMs;
  }
}

/** Bytes per field, its texts apart, that setting it may take, whatever has to grow for it. */
const FIELD_ROOM_BYTES = 96;

/**
 * Whether `count` fields, the texts of which and of their values have `textBytes` together, can surely be set, with times
 * or without: for commands that must change all or nothing.
 */
export function hasRoomForFields(key: Key, count: number, textBytes: number): boolean {
  const { shard, record } = key;
  let needed = textBytes * 2 + count * FIELD_ROOM_BYTES;
  if (record !== 0) {
    const length = hashLength(shard, record);
    // A table may double its directory. A packed hash moves while it grows, and then becomes a table.
    needed +=
      recordEncoding(shard, record) === Encoding.HashTable
        ? length * 2
        : length * FIELD_ROOM_BYTES + valueBytes(shard, record) * 3;
  }
  return hasRoomFor(shard, needed);
}

/** Bytes that giving the field a time may take. */
export function roomForTime(keyspace: Keyspace, key: Key, field: Element): number {
  if (recordEncoding(key.shard, key.record) !== Encoding.HashTable) return 0;
  if (!seek(keyspace, key, field)) return 0;
  const blockBytes = fieldBlockBytes(key.shard, slotRef(key.shard, scratchFound.place));
  return fieldBlockBytesMax(blockBytes, 0);
}
