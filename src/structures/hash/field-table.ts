/**
 * Field tables: the fields and values of a large hash, each pair in one block of a table of members (member-table.ts),
 * with times of expiry for those fields that have one.
 *
 *  root, 32 bytes
 *   byte 0       4          8         16       20  24              32
 *        +-------+----------+---------+--------+---+---------------+
 *        | table | expiring | minimum | cursor |   | swept minimum |
 *        +-------+----------+---------+--------+---+---------------+
 *   table = root of the table; expiring = fields that have a time; minimum = a time before which none of them expires;
 *   cursor = the hash at which the sweep under way goes on (0: none is), swept minimum = `minimum` for what it has passed.
 *
 *  block of a field
 *        +--------------+--------------------+---------------+
 *        | length, text | 255, time of 48    | length, value |   lengths as in member-table.ts, where none begins
 *        |              | bits: if it has one|               |   with 255; a time of 0 says that it does not expire
 *        +--------------+--------------------+---------------+
 *
 *  Invariants: a block is exactly of the class for its content; minimum is at or below every time, and NEVER when
 *  nothing expires.
 *  Ownership: the table holds the only reference to a block. Lock: the shard's. Blocks move when their class changes.
 *  Cost: 2 bytes (9 with a time) beside the texts, and about 10.5 in the table; a find touches two or three cache lines.
 *  Keep in step with: test/structures/field-table.test.ts.
 */
import { assert } from '../../base/assert.ts';
import { type Bytes, copyBytes } from '../../base/bytes.ts';
import { allocate, blockBytes, free, usableBytes } from '../../memory/allocator.ts';
import type { Shard } from '../../memory/shard.ts';
import {
  copyMembers,
  findMember,
  freeMembersSlice,
  memberByteCount,
  memberTextAt,
  memberTextBytes,
  pointAtMember,
  visitMembers,
  writeMemberText,
} from '../member-table.ts';
import { EntryText } from '../packed-entry.ts';
import { NEVER, readTime, writeTime } from './packed-fields.ts';
import {
  collectEntries,
  createTable,
  describeTable,
  insertEntry,
  removeSlot,
  setSlotRef,
  slotRef,
  tableBytesUsed,
  tableCount,
  verifyTable,
} from '../table.ts';
import { slotOfRef } from '../table-refs.ts';

/** Byte offsets in the root; the doubles are 8-aligned. */
const enum Root {
  Table = 0,
  Expiring = 4,
  Minimum = 8,
  Cursor = 16,
  SweptMinimum = 24,
  Bytes = 32,
}

/** In front of a time: no length begins with it. */
const TIME_LEAD = 255;
const TIME_PART_BYTES = 7;
assert(Root.Minimum % 8 === 0 && Root.SweptMinimum + 8 === Root.Bytes, 'field table: root');

/** A table without fields. Returns its root, or 0: out of memory. */
export function createFieldTable(shard: Shard): number {
  const root = allocate(shard, Root.Bytes);
  const table = root === 0 ? 0 : createTable(shard);
  if (table === 0) {
    if (root !== 0) free(shard, root);
    return 0;
  }
  initialiseRoot(shard, root, table);
  return root;
}

function initialiseRoot(shard: Shard, root: number, table: number): void {
  const word = root >> 2;
  shard.words.fill(0, word, word + (Root.Bytes >> 2));
  shard.words[word] = table;
  shard.doubles[(root + Root.Minimum) >> 3] = NEVER;
  shard.doubles[(root + Root.SweptMinimum) >> 3] = NEVER;
}

/** The table itself, for who walks it with the functions of table.ts: its references are blocks of fields. */
export function tableOfFields(shard: Shard, root: number): number {
  return shard.words[root >> 2]!;
}

/** Number of fields, the expired ones included. */
export function tableFieldCount(shard: Shard, root: number): number {
  return tableCount(shard, shard.words[root >> 2]!);
}

/** Number of fields that have a time. */
export function tableExpiringCount(shard: Shard, root: number): number {
  return shard.words[(root + Root.Expiring) >> 2]!;
}

/** The time before which no field expires. */
export function tableMinimum(shard: Shard, root: number): number {
  return shard.doubles[(root + Root.Minimum) >> 3]!;
}

/** Whether a sweep is under way: `sweepFields` has not yet reached the end. */
export function isSweeping(shard: Shard, root: number): boolean {
  return shard.words[(root + Root.Cursor) >> 2] !== 0;
}

/** The slot of the field of this text, whose hash is `hash`, or 0. `slotRef` gives its block. */
export function findTableField(
  shard: Shard,
  root: number,
  hash: number,
  source: Bytes,
  at: number,
  byteCount: number,
): number {
  return findMember(shard, shard.words[root >> 2]!, 0, hash, source, at, byteCount);
}

/** Where what stands behind the field's text begins. */
function tailAt(shard: Shard, block: number): number {
  return memberTextAt(shard, block) + memberByteCount(shard, block);
}

/** Where the length of the value stands. */
function valueLengthAt(shard: Shard, block: number): number {
  const at = tailAt(shard, block);
  return shard.bytes.u8[at] === TIME_LEAD ? at + TIME_PART_BYTES : at;
}

/** The time at which the field expires, or 0. */
export function timeOfBlock(shard: Shard, block: number): number {
  const at = tailAt(shard, block);
  return shard.bytes.u8[at] === TIME_LEAD ? readTime(shard.bytes, at + 1) : 0;
}

export function pointAtBlockField(shard: Shard, block: number, text: EntryText): void {
  pointAtMember(shard, block, text);
}

export function pointAtBlockValue(shard: Shard, block: number, text: EntryText): void {
  pointAtMember(shard, valueLengthAt(shard, block), text);
}

/** Bytes of a field's block: what it was allocated with. */
export function fieldBlockBytes(shard: Shard, block: number): number {
  const at = valueLengthAt(shard, block);
  return memberTextAt(shard, at) + memberByteCount(shard, at) - block;
}

/** Bytes of a block for a field and a value of these lengths, with room for a time. */
export function fieldBlockBytesMax(fieldBytes: number, valueBytes: number): number {
  return blockBytes(memberTextBytes(fieldBytes) + TIME_PART_BYTES + memberTextBytes(valueBytes));
}

function tailBytes(timeMs: number, valueBytes: number): number {
  return (timeMs === 0 ? 0 : TIME_PART_BYTES) + memberTextBytes(valueBytes);
}

function writeTail(
  shard: Shard,
  at: number,
  timeMs: number,
  source: Bytes,
  valueAt: number,
  valueBytes: number,
): void {
  let lengthAt = at;
  if (timeMs !== 0) {
    shard.bytes.u8[at] = TIME_LEAD;
    writeTime(shard.bytes, at + 1, timeMs);
    lengthAt += TIME_PART_BYTES;
  }
  writeMemberText(shard, lengthAt, source, valueAt, valueBytes);
}

/**
 * Adds a field (the caller knows it is not there) that expires at `timeMs` (0: it does not). Field and value may lie in
 * the shard itself. Returns its slot, or 0, nothing changed: out of memory.
 */
export function addTableField(
  shard: Shard,
  root: number,
  hash: number,
  fieldSource: Bytes,
  fieldAt: number,
  fieldBytes: number,
  valueSource: Bytes,
  valueAt: number,
  valueBytes: number,
  timeMs: number,
): number {
  const block = allocate(shard, memberTextBytes(fieldBytes) + tailBytes(timeMs, valueBytes));
  if (block === 0) return 0;
  const slot = insertEntry(shard, shard.words[root >> 2]!, hash, block);
  if (slot === 0) {
    free(shard, block);
    return 0;
  }
  const end = writeMemberText(shard, block, fieldSource, fieldAt, fieldBytes);
  writeTail(shard, end, timeMs, valueSource, valueAt, valueBytes);
  if (timeMs !== 0) countTime(shard, root, 0, timeMs);
  return slot;
}

/**
 * Gives the field in `slot` another value, which must not lie in this shard, and another time. False, nothing
 * changed: out of memory. Hot.
 */
export function updateTableField(
  shard: Shard,
  root: number,
  slot: number,
  source: Bytes,
  valueAt: number,
  valueBytes: number,
  timeMs: number,
): boolean {
  const { bytes } = shard;
  const old = slotRef(shard, slot);
  const tail = tailAt(shard, old);
  const hasPart = bytes.u8[tail] === TIME_LEAD;
  const lengthAt = hasPart ? tail + TIME_PART_BYTES : tail;
  const oldTimeMs = hasPart ? readTime(bytes, tail + 1) : 0;
  const oldValueBytes = memberByteCount(shard, lengthAt);
  if (oldValueBytes === valueBytes && !hasPart && timeMs === 0) {
    copyBytes(source, valueAt, bytes, memberTextAt(shard, lengthAt), valueBytes);
    return true;
  }
  const oldBytes = lengthAt + memberTextBytes(oldValueBytes) - old;
  const keptBytes = tail - old;
  const byteCount = keptBytes + tailBytes(timeMs, valueBytes);
  let block = old;
  if (blockBytes(byteCount) !== blockBytes(oldBytes)) {
    block = allocate(shard, byteCount);
    if (block === 0) return false;
    bytes.u8.copyWithin(block, old, tail);
    setSlotRef(shard, slot, block);
    free(shard, old);
  }
  writeTail(shard, block + keptBytes, timeMs, source, valueAt, valueBytes);
  if (oldTimeMs !== timeMs) countTime(shard, root, oldTimeMs, timeMs);
  return true;
}

/** Lets the field in `slot` expire at `timeMs`, or, if that is 0, stay. False, nothing changed: out of memory. */
export function setTableFieldTime(shard: Shard, root: number, slot: number, timeMs: number): boolean {
  const { bytes } = shard;
  const old = slotRef(shard, slot);
  const tail = tailAt(shard, old) - old;
  const hasPart = bytes.u8[old + tail] === TIME_LEAD;
  const oldTimeMs = hasPart ? readTime(bytes, old + tail + 1) : 0;
  let block = old;
  if (!hasPart) {
    if (timeMs === 0) return true;
    const oldBytes = fieldBlockBytes(shard, old);
    const byteCount = oldBytes + TIME_PART_BYTES;
    if (blockBytes(byteCount) !== blockBytes(oldBytes)) {
      block = allocate(shard, byteCount);
      if (block === 0) return false;
      bytes.u8.copyWithin(block, old, old + tail);
    }
    bytes.u8.copyWithin(block + tail + TIME_PART_BYTES, old + tail, old + oldBytes);
    bytes.u8[block + tail] = TIME_LEAD;
    if (block !== old) {
      setSlotRef(shard, slot, block);
      free(shard, old);
    }
  }
  writeTime(bytes, block + tail + 1, timeMs);
  countTime(shard, root, oldTimeMs, timeMs);
  return true;
}

/** Notes that a field which expired at `oldMs` now expires at `timeMs`; 0 stands for never. */
function countTime(shard: Shard, root: number, oldMs: number, timeMs: number): void {
  const { words, doubles } = shard;
  const expiring = words[(root + Root.Expiring) >> 2]! + (timeMs !== 0 ? 1 : 0) - (oldMs !== 0 ? 1 : 0);
  words[(root + Root.Expiring) >> 2] = expiring;
  const minimum = (root + Root.Minimum) >> 3;
  const swept = (root + Root.SweptMinimum) >> 3;
  if (expiring === 0) doubles[minimum] = NEVER;
  else if (timeMs !== 0) {
    if (timeMs < doubles[minimum]!) doubles[minimum] = timeMs;
    // Behind the cursor or before it: too low does no harm.
    if (timeMs < doubles[swept]!) doubles[swept] = timeMs;
  }
}

/** Removes the field in `slot`. */
export function removeTableField(shard: Shard, root: number, slot: number): void {
  const block = slotRef(shard, slot);
  const timeMs = timeOfBlock(shard, block);
  removeSlot(shard, shard.words[root >> 2]!, slot);
  if (timeMs !== 0) countTime(shard, root, timeMs, 0);
  free(shard, block);
}

const scratchText = new EntryText();
const scratchEntries: number[] = [];

/**
 * Looks at about `count` fields from where the last call ended, and removes those that expired before `nowMs`. When it
 * comes to the end of the table, `minimum` is made exact, and `isSweeping` says no. Returns how many it removed.
 */
export function sweepFields(
  shard: Shard,
  root: number,
  nowMs: number,
  count: number,
  whenRemoved: ((field: EntryText) => void) | null = null,
): number {
  const { words, doubles } = shard;
  const table = words[root >> 2]!;
  const cursor = (root + Root.Cursor) >> 2;
  const swept = (root + Root.SweptMinimum) >> 3;
  if (words[cursor] === 0) doubles[swept] = NEVER;
  const entries = scratchEntries;
  entries.length = 0;
  const next = collectEntries(shard, table, words[cursor]!, count, entries);
  let removed = 0;
  let minimum = doubles[swept]!;
  for (let i = 0; i < entries.length; i += 2) {
    const block = entries[i + 1]!;
    const timeMs = timeOfBlock(shard, block);
    if (timeMs === 0) continue;
    if (timeMs >= nowMs) {
      if (timeMs < minimum) minimum = timeMs;
      continue;
    }
    if (whenRemoved !== null) {
      pointAtBlockField(shard, block, scratchText);
      whenRemoved(scratchText);
    }
    removeTableField(shard, root, slotOfRef(shard, table, entries[i]!, block));
    removed++;
  }
  doubles[swept] = minimum;
  words[cursor] = Math.max(next, 0);
  if (next < 0) doubles[(root + Root.Minimum) >> 3] = tableExpiringCount(shard, root) === 0 ? NEVER : minimum;
  return removed;
}

/** Frees about `count` fields from the hash `cursor` on; behind the last of them everything. See StructureKind. */
export function freeFieldsSlice(shard: Shard, root: number, cursor: number, count: number): number {
  const next = freeMembersSlice(shard, shard.words[root >> 2]!, cursor, count);
  if (next < 0) free(shard, root);
  return next;
}

/** A copy in `to`, which may be the same shard, times included. Returns its root, or 0: out of memory. */
export function copyFieldTable(from: Shard, root: number, to: Shard): number {
  const copy = allocate(to, Root.Bytes);
  if (copy === 0) return 0;
  const table = copyMembers(from, from.words[root >> 2]!, to, fieldBlockBytes);
  if (table === 0) {
    free(to, copy);
    return 0;
  }
  initialiseRoot(to, copy, table);
  to.words[(copy + Root.Expiring) >> 2] = tableExpiringCount(from, root);
  to.doubles[(copy + Root.Minimum) >> 3] = tableMinimum(from, root);
  return copy;
}

/** Walks the table and asserts every invariant. Returns the bytes of all blocks. */
export function verifyFieldTable(shard: Shard, root: number): number {
  const table = tableOfFields(shard, root);
  const cursor = shard.words[(root + Root.Cursor) >> 2]!;
  const swept = shard.doubles[(root + Root.SweptMinimum) >> 3]!;
  const minimum = tableMinimum(shard, root);
  const count = verifyTable(shard, table);
  let bytes = blockBytes(Root.Bytes) + tableBytesUsed(shard, table);
  let expiring = 0;
  let visited = 0;
  visitMembers(shard, table, (hash, block) => {
    const usable = usableBytes(shard, block);
    assert(blockBytes(fieldBlockBytes(shard, block)) === usable, 'field table: class of a block');
    bytes += usable;
    visited++;
    const timeMs = timeOfBlock(shard, block);
    if (timeMs === 0) return;
    expiring++;
    assert(timeMs >= minimum, 'field table: time below the minimum');
    assert(hash >= cursor || timeMs >= swept, 'field table: time below the swept minimum');
  });
  assert(visited === count, 'field table: walk');
  assert(expiring === tableExpiringCount(shard, root), 'field table: expiring count');
  assert(expiring > 0 || minimum === NEVER, 'field table: minimum of nothing');
  return bytes;
}

/** Bytes of all blocks. Takes as long as the table is large. */
export function fieldTableBytesUsed(shard: Shard, root: number): number {
  const table = tableOfFields(shard, root);
  let bytes = blockBytes(Root.Bytes) + tableBytesUsed(shard, table);
  visitMembers(shard, table, (_hash, block) => {
    bytes += blockBytes(fieldBlockBytes(shard, block));
  });
  return bytes;
}

/** One line for DEBUG and test failures. */
export function describeFieldTable(shard: Shard, root: number): string {
  const expiring = tableExpiringCount(shard, root);
  return `field table: ${expiring} fields expire; ${describeTable(shard, tableOfFields(shard, root))}`;
}
