/**
 * Packed fields: a small hash in one block, fields and values one after the other, with times of expiry or without.
 *
 *  plain                                          timed
 *   byte 0       2                                 byte 0       2          4         10
 *        +-------+-------+-------+-------+---           +-------+----------+---------+------+-------+-------+---
 *        | count | field | value | field | ...          | count | expiring | minimum | time | field | value | ...
 *        | u16   | entry | entry |       |              | u16   | u16      | u48     | u48  | entry | entry |
 *        +-------+-------+-------+-------+---           +-------+----------+---------+------+-------+-------+---
 *   entries as in packed-entry.ts; times in Unix milliseconds, 0 = the field does not expire;
 *   expiring = fields that have a time; minimum = a time before which none of them expires.
 *
 *  Invariants: no field stands twice; minimum is at or below every time, and NEVER when nothing expires.
 *  Ownership: the block is inside whatever holds it, which tells its bytes and sees to its room. Lock: the shard's.
 *  Grows: by exactly what is added. No lengths behind the entries, as Redis' listpack has them: nobody walks backwards.
 *  Cost: a find looks at every field before it, 3 to 5 ns each.
 *  Keep in step with: test/structures/packed-fields.test.ts.
 */
import { assert } from '../../base/assert.ts';
import type { Bytes } from '../../base/bytes.ts';
import {
  Element,
  encodeElement,
  entryBytesAt,
  EntryText,
  isElementAt,
  writeElement,
} from '../packed-entry.ts';

/** Byte offsets in the block. A plain one has the count alone. */
const enum Packed {
  Count = 0,
  Expiring = 2,
  Minimum = 4,
  TimedHeaderBytes = 10,
}

const PLAIN_HEADER_BYTES = 2;
/** Bytes of a time: one is in front of each field of a timed block. */
const TIME_BYTES = 6;
assert(Packed.TimedHeaderBytes === Packed.Minimum + TIME_BYTES, 'packed fields: header');
const TWO_32 = 4294967296;
/** Later than any time. */
export const NEVER = 2 ** 48 - 1;
/** A block holds no more fields. */
export const PACKED_FIELDS_MAX = 65535;

/** A time of 48 bits at `at`. */
export function readTime(bytes: Bytes, at: number): number {
  const { view } = bytes;
  return view.getUint16(at + 4, true) * TWO_32 + view.getUint32(at, true);
}

export function writeTime(bytes: Bytes, at: number, timeMs: number): void {
  const { view } = bytes;
  view.setUint32(at, timeMs % TWO_32, true);
  view.setUint16(at + 4, Math.floor(timeMs / TWO_32), true);
}

/** Bytes of a block without fields. */
export function emptyFieldsBytes(timed: boolean): number {
  return timed ? Packed.TimedHeaderBytes : PLAIN_HEADER_BYTES;
}

/** Makes the bytes at `at` a block without fields. */
export function clearFields(bytes: Bytes, at: number, timed: boolean): void {
  bytes.view.setUint16(at + Packed.Count, 0, true);
  if (!timed) return;
  bytes.view.setUint16(at + Packed.Expiring, 0, true);
  writeTime(bytes, at + Packed.Minimum, NEVER);
}

/** Fields of the block at `at`, the expired ones included. */
export function packedFieldCount(bytes: Bytes, at: number): number {
  return bytes.view.getUint16(at + Packed.Count, true);
}

/** Fields of a timed block that have a time. */
export function packedExpiringCount(bytes: Bytes, at: number): number {
  return bytes.view.getUint16(at + Packed.Expiring, true);
}

/** The time before which no field of a timed block expires. */
export function packedMinimum(bytes: Bytes, at: number): number {
  return readTime(bytes, at + Packed.Minimum);
}

/** Where the first field of the block at `at` stands, if there is one. Its value is behind it, its time in front. */
export function firstField(at: number, timed: boolean): number {
  return at + (timed ? Packed.TimedHeaderBytes + TIME_BYTES : PLAIN_HEADER_BYTES);
}

/** Where the value of the field at `fieldAt` stands. */
export function valueOfField(bytes: Bytes, fieldAt: number): number {
  return fieldAt + entryBytesAt(bytes, fieldAt);
}

/** Where the field after that at `fieldAt` stands, if there is one. */
export function nextField(bytes: Bytes, fieldAt: number, timed: boolean): number {
  const valueAt = fieldAt + entryBytesAt(bytes, fieldAt);
  return valueAt + entryBytesAt(bytes, valueAt) + (timed ? TIME_BYTES : 0);
}

/** The time at which the field at `fieldAt` of a timed block expires, or 0. */
export function timeOfField(bytes: Bytes, fieldAt: number): number {
  return readTime(bytes, fieldAt - TIME_BYTES);
}

/** Where `field` stands in the block of `byteCount` bytes at `at`, or 0. Hot. */
export function findPackedField(
  bytes: Bytes,
  at: number,
  byteCount: number,
  timed: boolean,
  field: Element,
): number {
  const { u8 } = bytes;
  const gap = timed ? TIME_BYTES : 0;
  const end = at + byteCount;
  const lead = field.head.u8[0]!;
  let fieldAt = firstField(at, timed);
  while (fieldAt < end) {
    const found = u8[fieldAt]!;
    if (found === lead && isElementAt(field, bytes, fieldAt)) return fieldAt;
    fieldAt += found < 0x80 ? 1 : found < 0xc0 ? 1 + (found & 0x3f) : entryBytesAt(bytes, fieldAt);
    const value = u8[fieldAt]!;
    fieldAt += gap + (value < 0x80 ? 1 : value < 0xc0 ? 1 + (value & 0x3f) : entryBytesAt(bytes, fieldAt));
  }
  return 0;
}

/** Bytes that a field adds to a block. */
export function pairBytes(field: Element, value: Element, timed: boolean): number {
  return field.entryBytes + value.entryBytes + (timed ? TIME_BYTES : 0);
}

/**
 * Adds a field, which the block of `byteCount` bytes does not hold, behind it, where `pairBytes` have room. Returns where
 * it stands.
 */
export function appendField(
  bytes: Bytes,
  at: number,
  byteCount: number,
  timed: boolean,
  field: Element,
  value: Element,
): number {
  let end = at + byteCount;
  if (timed) {
    writeTime(bytes, end, 0);
    end += TIME_BYTES;
  }
  writeElement(field, bytes, end);
  writeElement(value, bytes, end + field.entryBytes);
  bytes.view.setUint16(at + Packed.Count, packedFieldCount(bytes, at) + 1, true);
  return end;
}

/**
 * Puts `value` into the place of the value at `valueAt`, of `oldBytes` bytes, in a block that ends at `end` and has the
 * room that a longer value needs. Hot.
 */
export function replaceValue(
  bytes: Bytes,
  valueAt: number,
  oldBytes: number,
  end: number,
  value: Element,
): void {
  const newBytes = value.entryBytes;
  if (newBytes !== oldBytes) bytes.u8.copyWithin(valueAt + newBytes, valueAt + oldBytes, end);
  writeElement(value, bytes, valueAt);
}

/** Removes the field at `fieldAt`. Returns the bytes the block has left. */
export function removePackedField(
  bytes: Bytes,
  at: number,
  byteCount: number,
  timed: boolean,
  fieldAt: number,
): number {
  if (timed) setTimeOfField(bytes, at, fieldAt, 0);
  const start = timed ? fieldAt - TIME_BYTES : fieldAt;
  const end = nextField(bytes, fieldAt, false);
  bytes.u8.copyWithin(start, end, at + byteCount);
  bytes.view.setUint16(at + Packed.Count, packedFieldCount(bytes, at) - 1, true);
  return byteCount - (end - start);
}

/** Lets the field at `fieldAt` of a timed block expire at `timeMs`, or, if that is 0, stay. */
export function setTimeOfField(bytes: Bytes, at: number, fieldAt: number, timeMs: number): void {
  const had = timeOfField(bytes, fieldAt) !== 0 ? 1 : 0;
  const has = timeMs !== 0 ? 1 : 0;
  writeTime(bytes, fieldAt - TIME_BYTES, timeMs);
  const expiring = packedExpiringCount(bytes, at) + has - had;
  if (has !== had) bytes.view.setUint16(at + Packed.Expiring, expiring, true);
  if (expiring === 0) writeTime(bytes, at + Packed.Minimum, NEVER);
  else if (has === 1 && timeMs < packedMinimum(bytes, at)) writeTime(bytes, at + Packed.Minimum, timeMs);
}

/** Bytes that the plain block at `at` has as a timed one. */
export function timedBytes(bytes: Bytes, at: number, byteCount: number): number {
  const added = Packed.TimedHeaderBytes - PLAIN_HEADER_BYTES;
  return byteCount + added + packedFieldCount(bytes, at) * TIME_BYTES;
}

/**
 * Makes the plain block of `byteCount` bytes at `at`, behind which there is room up to `timedBytes`, a timed one in which
 * nothing expires.
 */
export function makeTimed(bytes: Bytes, at: number, byteCount: number): void {
  const { u8 } = bytes;
  const count = packedFieldCount(bytes, at);
  const ends = scratchEnds;
  ends.length = 0;
  for (let fieldAt = firstField(at, false); ends.length < count; fieldAt = ends.at(-1)!) {
    ends.push(nextField(bytes, fieldAt, false));
  }
  // From the last field on: each moves up by the times of those before it, and the header.
  let target = at + timedBytes(bytes, at, byteCount);
  for (let index = count - 1; index >= 0; index--) {
    const start = index === 0 ? firstField(at, false) : ends[index - 1]!;
    target -= ends[index]! - start;
    u8.copyWithin(target, start, ends[index]!);
    target -= TIME_BYTES;
    writeTime(bytes, target, 0);
  }
  assert(target === at + Packed.TimedHeaderBytes, 'packed fields: moved by the wrong distance');
  clearFields(bytes, at, true);
  bytes.view.setUint16(at + Packed.Count, count, true);
}

const scratchEnds: number[] = [];

const scratchText = new EntryText();

/**
 * Removes the fields of a timed block that expired before `nowMs`, in one pass, and makes its minimum exact. Returns
 * the bytes it has left.
 */
export function removeDueFields(
  bytes: Bytes,
  at: number,
  byteCount: number,
  nowMs: number,
  whenRemoved: ((field: EntryText) => void) | null = null,
): number {
  const { u8 } = bytes;
  const end = at + byteCount;
  let count = 0;
  let expiring = 0;
  let minimum = NEVER;
  let target = at + Packed.TimedHeaderBytes;
  for (let start = target; start < end;) {
    const next = nextField(bytes, start + TIME_BYTES, false);
    const timeMs = readTime(bytes, start);
    if (timeMs === 0 || timeMs >= nowMs) {
      if (target !== start) u8.copyWithin(target, start, next);
      target += next - start;
      count++;
      if (timeMs !== 0) {
        expiring++;
        if (timeMs < minimum) minimum = timeMs;
      }
    } else if (whenRemoved !== null) {
      scratchText.point(bytes, start + TIME_BYTES);
      whenRemoved(scratchText);
    }
    start = next;
  }
  bytes.view.setUint16(at + Packed.Count, count, true);
  bytes.view.setUint16(at + Packed.Expiring, expiring, true);
  writeTime(bytes, at + Packed.Minimum, minimum);
  return target - at;
}

/** Walks the block and asserts every invariant. Returns the number of fields that have a time. */
export function verifyPackedFields(bytes: Bytes, at: number, byteCount: number, timed: boolean): number {
  const end = at + byteCount;
  const seen = new Set<string>();
  let expiring = 0;
  let fieldAt = firstField(at, timed);
  for (; fieldAt < end; fieldAt = nextField(bytes, fieldAt, timed)) {
    seen.add(verifyEntry(bytes, fieldAt));
    verifyEntry(bytes, valueOfField(bytes, fieldAt));
    const timeMs = timed ? timeOfField(bytes, fieldAt) : 0;
    if (timeMs === 0) continue;
    expiring++;
    assert(timeMs >= packedMinimum(bytes, at), 'packed fields: time below the minimum');
  }
  assert(fieldAt - firstField(at, timed) === byteCount - emptyFieldsBytes(timed), 'packed fields: end');
  assert(seen.size === packedFieldCount(bytes, at), 'packed fields: count, or a field twice');
  if (timed) {
    assert(expiring === packedExpiringCount(bytes, at), 'packed fields: expiring count');
    assert(expiring > 0 || packedMinimum(bytes, at) === NEVER, 'packed fields: minimum of nothing');
  }
  return expiring;
}

/** Asserts that the entry at `at` is what its text is encoded as. Returns the text. */
function verifyEntry(bytes: Bytes, at: number): string {
  const text = new EntryText();
  const element = new Element();
  text.point(bytes, at);
  encodeElement(element, text.bytes, text.at, text.byteCount);
  assert(isElementAt(element, bytes, at), 'packed fields: entry not in its shortest form');
  return text.toString();
}

/** One line for DEBUG and test failures. */
export function describePackedFields(bytes: Bytes, at: number, byteCount: number, timed: boolean): string {
  const expiring = timed ? `, ${packedExpiringCount(bytes, at)} of them expiring` : '';
  return `packed fields: ${packedFieldCount(bytes, at)}${expiring}, ${byteCount} bytes`;
}
