/**
 * Sets of integers, ascending, in one stretch of bytes: Redis' intset with the number of integers left to whoever knows
 * how many bytes there are.
 *
 *  byte 0       1           1 + width
 *       +-------+-----------+-----------+----
 *       | width | integer 0 | integer 1 | ...     little-endian, of `width` bytes each: 2, 4 or 8
 *       +-------+-----------+-----------+----
 *
 *  Invariants: strictly ascending; of the width that the widest that was ever there needed.
 *  It owns no memory: the bytes are its owner's to lay out, at any address. Cost: a find is O(log n), a change moves
 *  what stands behind it. Integers of 8 bytes are compared as pairs of 32 bits: BigInt64Array is 50 times slower.
 */
import { assert } from '../../base/assert.ts';
import type { Bytes } from '../../base/bytes.ts';
import { Int64, compareInt64 } from '../../base/int64.ts';

const HEADER_BYTES = 1;
const INT16_MIN = -32768;
const INT16_MAX = 32767;

/** The width that an integer needs. */
export function integerWidth(integer: Int64): number {
  const low = integer.lo;
  if (integer.hi !== low >> 31) return 8;
  return low >= INT16_MIN && low <= INT16_MAX ? 2 : 4;
}

/** Bytes of a set of `count` integers of this width. */
export function integerSetBytes(count: number, width: number): number {
  return HEADER_BYTES + count * width;
}

/** Number of integers in the set of `byteCount` bytes at `at`. */
export function integerSetCount(bytes: Bytes, at: number, byteCount: number): number {
  return (byteCount - HEADER_BYTES) / bytes.u8[at]!;
}

/** Begins a set of no integers yet. Returns its bytes. */
export function writeEmptyIntegerSet(bytes: Bytes, at: number): number {
  bytes.u8[at] = 2;
  return HEADER_BYTES;
}

/** The index of an integer, or, if it is not there, -1 - the index it would have. */
export function findInteger(bytes: Bytes, at: number, byteCount: number, integer: Int64): number {
  const width = bytes.u8[at]!;
  const count = (byteCount - HEADER_BYTES) / width;
  if (width < integerWidth(integer)) return integer.hi < 0 ? -1 : -1 - count;
  if (width === 8) return findWide(bytes, at + HEADER_BYTES, count, integer);
  const view = bytes.view;
  const first = at + HEADER_BYTES;
  const wanted = integer.lo;
  let low = 0;
  let high = count;
  while (low < high) {
    const middle = (low + high) >> 1;
    const value =
      width === 2 ? view.getInt16(first + middle * 2, true) : view.getInt32(first + middle * 4, true);
    if (value === wanted) return middle;
    if (value < wanted) low = middle + 1;
    else high = middle;
  }
  return -1 - low;
}

function findWide(bytes: Bytes, first: number, count: number, integer: Int64): number {
  const view = bytes.view;
  const { hi } = integer;
  const lo = integer.lo >>> 0;
  let low = 0;
  let high = count;
  while (low < high) {
    const middle = (low + high) >> 1;
    const at = first + middle * 8;
    const order = view.getInt32(at + 4, true) - hi || view.getUint32(at, true) - lo;
    if (order === 0) return middle;
    if (order < 0) low = middle + 1;
    else high = middle;
  }
  return -1 - low;
}

/**
 * `findInteger` among the `count` integers from index `from` on, for one that is likely to be near: in steps that double,
 * O(log of how far it is).
 */
export function seekInteger(bytes: Bytes, at: number, count: number, from: number, integer: Int64): number {
  const width = bytes.u8[at]!;
  let low = from;
  let step = 1;
  // Invariant: what is in front of `low` is less than the integer.
  while (low < count) {
    const probe = Math.min(low + step, count) - 1;
    readIntegerOf(bytes, at, width, probe, scratchInteger);
    const order = compareInt64(scratchInteger, integer);
    if (order === 0) return probe;
    if (order < 0) {
      low = probe + 1;
      step *= 2;
    } else if (step === 1) break;
    else step = 1;
  }
  return -1 - low;
}

/** Bytes of the set at `at` once `integer`, which it has not, is in it. */
export function bytesWithInteger(bytes: Bytes, at: number, byteCount: number, integer: Int64): number {
  const width = Math.max(bytes.u8[at]!, integerWidth(integer));
  return integerSetBytes(integerSetCount(bytes, at, byteCount) + 1, width);
}

/** Puts an integer where `findInteger` has said that it belongs; there is room for `bytesWithInteger`. */
export function insertInteger(
  bytes: Bytes,
  at: number,
  byteCount: number,
  index: number,
  integer: Int64,
): void {
  const width = bytes.u8[at]!;
  const needed = integerWidth(integer);
  if (needed > width) return insertWider(bytes, at, byteCount, index, integer, needed);
  const hole = at + HEADER_BYTES + index * width;
  bytes.u8.copyWithin(hole + width, hole, at + byteCount);
  writeInteger(bytes, at, width, index, integer);
}

/** Widens every integer, last first, and puts the one for which it is done at its end: it is the least or the greatest. */
function insertWider(
  bytes: Bytes,
  at: number,
  byteCount: number,
  index: number,
  integer: Int64,
  width: number,
): void {
  const oldWidth = bytes.u8[at]!;
  const shift = index === 0 ? 1 : 0;
  for (let i = integerSetCount(bytes, at, byteCount) - 1; i >= 0; i--) {
    readIntegerOf(bytes, at, oldWidth, i, scratchInteger);
    writeInteger(bytes, at, width, i + shift, scratchInteger);
  }
  bytes.u8[at] = width;
  writeInteger(bytes, at, width, index, integer);
}

/** Takes out the integer of this index. Returns the bytes that are left. */
export function removeInteger(bytes: Bytes, at: number, byteCount: number, index: number): number {
  const width = bytes.u8[at]!;
  const hole = at + HEADER_BYTES + index * width;
  bytes.u8.copyWithin(hole, hole + width, at + byteCount);
  return byteCount - width;
}

/** Takes out the integers of several indexes, which ascend. Returns the bytes that are left. */
export function removeIntegers(
  bytes: Bytes,
  at: number,
  byteCount: number,
  indexes: readonly number[],
): number {
  const width = bytes.u8[at]!;
  const first = at + HEADER_BYTES;
  const count = integerSetCount(bytes, at, byteCount);
  let to = first + indexes[0]! * width;
  for (let i = 0; i < indexes.length; i++) {
    const from = first + (indexes[i]! + 1) * width;
    const next = first + (i + 1 < indexes.length ? indexes[i + 1]! : count) * width;
    bytes.u8.copyWithin(to, from, next);
    to += next - from;
  }
  return byteCount - indexes.length * width;
}

/** Reads the integer of this index. */
export function readInteger(bytes: Bytes, at: number, index: number, into: Int64): void {
  readIntegerOf(bytes, at, bytes.u8[at]!, index, into);
}

function readIntegerOf(bytes: Bytes, at: number, width: number, index: number, into: Int64): void {
  const view = bytes.view;
  const place = at + HEADER_BYTES + index * width;
  if (width === 8) {
    into.lo = view.getInt32(place, true);
    into.hi = view.getInt32(place + 4, true);
    return;
  }
  into.lo = width === 2 ? view.getInt16(place, true) : view.getInt32(place, true);
  into.hi = into.lo >> 31;
}

function writeInteger(bytes: Bytes, at: number, width: number, index: number, integer: Int64): void {
  const view = bytes.view;
  const place = at + HEADER_BYTES + index * width;
  if (width === 2) view.setInt16(place, integer.lo, true);
  else view.setInt32(place, integer.lo, true);
  if (width === 8) view.setInt32(place + 4, integer.hi, true);
}

/** Asserts every invariant of the set of `byteCount` bytes at `at`. Returns the number of integers. */
export function verifyIntegerSet(bytes: Bytes, at: number, byteCount: number): number {
  const width = bytes.u8[at]!;
  assert(width === 2 || width === 4 || width === 8, 'integer set: width');
  const count = integerSetCount(bytes, at, byteCount);
  assert(Number.isInteger(count) && count > 0, 'integer set: size');
  const last = new Int64();
  const integer = new Int64();
  for (let index = 0; index < count; index++) {
    readInteger(bytes, at, index, integer);
    assert(index === 0 || compareInt64(last, integer) < 0, 'integer set: out of order');
    last.hi = integer.hi;
    last.lo = integer.lo;
  }
  return count;
}

const scratchInteger = new Int64();
