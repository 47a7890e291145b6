/** Sets of integers in a stretch of bytes. Random runs are in test/fuzz. */

import { describe, expect, test } from 'bun:test';
import { AssertionError } from '../../../src/base/assert.ts';
import { Bytes } from '../../../src/base/bytes.ts';
import { Int64 } from '../../../src/base/int64.ts';
import {
  bytesWithInteger,
  findInteger,
  insertInteger,
  integerSetBytes,
  integerSetCount,
  integerWidth,
  readInteger,
  removeInteger,
  removeIntegers,
  seekInteger,
  verifyIntegerSet,
  writeEmptyIntegerSet,
} from '../../../src/structures/set/integer-set.ts';
import { fuzzSmallSets } from '../../fuzz/small-set.fuzz.ts';
import { freshSeed } from '../../support/seed.ts';

const AT = 3;

function int64(value: bigint): Int64 {
  const integer = new Int64();
  integer.hi = Number(value >> 32n);
  integer.lo = Number(BigInt.asIntN(32, value));
  return integer;
}

/** A set of these integers at AT, and its bytes. */
function setOf(...values: bigint[]): { bytes: Bytes; byteCount: number } {
  const bytes = Bytes.allocate(AT + 1 + (values.length + 1) * 8);
  let byteCount = writeEmptyIntegerSet(bytes, AT);
  for (const value of values) {
    const integer = int64(value);
    const index = findInteger(bytes, AT, byteCount, integer);
    const wanted = bytesWithInteger(bytes, AT, byteCount, integer);
    insertInteger(bytes, AT, byteCount, -1 - index, integer);
    byteCount = wanted;
  }
  return { bytes, byteCount };
}

function listOf(bytes: Bytes, byteCount: number): bigint[] {
  const integer = new Int64();
  return Array.from({ length: integerSetCount(bytes, AT, byteCount) }, (_, index) => {
    readInteger(bytes, AT, index, integer);
    return (BigInt(integer.hi) << 32n) | BigInt(integer.lo >>> 0);
  });
}

test('random operations agree with arrays', () => {
  fuzzSmallSets(freshSeed('small-sets'), 20_000);
});

test('the width follows the widest integer', () => {
  const widths: [bigint, number][] = [
    [0n, 2],
    [-32768n, 2],
    [32767n, 2],
    [-32769n, 4],
    [32768n, 4],
    [2147483647n, 4],
    [-2147483648n, 4],
    [2147483648n, 8],
    [-2147483649n, 8],
    [4294967295n, 8],
    [-(1n << 63n), 8],
  ];
  for (const [value, width] of widths) {
    expect(integerWidth(int64(value))).toBe(width);
    expect(setOf(value).byteCount).toBe(integerSetBytes(1, width));
    expect(listOf(setOf(value).bytes, 1 + width)).toEqual([value]);
  }
});

test('a set is widened at either end, and stays wide', () => {
  for (const [wide, width] of [
    [100_000n, 4],
    [-100_000n, 4],
    [1n << 40n, 8],
    [-(1n << 40n), 8],
  ] as const) {
    const { bytes, byteCount } = setOf(5n, -7n, 300n, wide);
    expect(byteCount).toBe(integerSetBytes(4, width));
    const expected = [5n, -7n, 300n, wide].toSorted((a, b) => (a < b ? -1 : 1));
    expect(listOf(bytes, byteCount)).toEqual(expected);
    const index = findInteger(bytes, AT, byteCount, int64(wide));
    expect(removeInteger(bytes, AT, byteCount, index)).toBe(integerSetBytes(3, width));
  }
});

test('integers of 64 bits are told apart by both halves', () => {
  const values = [-(1n << 63n), -(1n << 32n) - 1n, -(1n << 32n), -1n, 0n, (1n << 32n) - 1n, 1n << 32n];
  const { bytes, byteCount } = setOf(...values.toReversed());
  expect(listOf(bytes, byteCount)).toEqual(values);
  values.forEach((value, index) => expect(findInteger(bytes, AT, byteCount, int64(value))).toBe(index));
  expect(findInteger(bytes, AT, byteCount, int64(1n))).toBe(-1 - 5);
  expect(findInteger(bytes, AT, byteCount, int64((1n << 63n) - 1n))).toBe(-1 - 7);
});

test('seeking from any index finds what is behind it', () => {
  const values = Array.from({ length: 100 }, (_, i) => BigInt(i * 3));
  const { bytes, byteCount } = setOf(...values);
  for (let from = 0; from <= 100; from += 7) {
    for (let value = from * 3; value < 310; value++) {
      const found = seekInteger(bytes, AT, 100, from, int64(BigInt(value)));
      const plain = findInteger(bytes, AT, byteCount, int64(BigInt(value)));
      expect(found).toBe(from === 100 ? -1 - 100 : plain);
    }
  }
});

test('several are taken out at once', () => {
  const { bytes, byteCount } = setOf(1n, 2n, 3n, 4n, 5n, 6n);
  expect(removeIntegers(bytes, AT, byteCount, [0, 2, 3, 5])).toBe(integerSetBytes(2, 2));
  expect(listOf(bytes, integerSetBytes(2, 2))).toEqual([2n, 5n]);
});

describe('verifyIntegerSet notices', () => {
  test('a wrong width, a wrong size, an integer out of order or twice', () => {
    const breakIt = (at: number, value: number): (() => void) => {
      const { bytes, byteCount } = setOf(1n, 2n, 3n);
      expect(verifyIntegerSet(bytes, AT, byteCount)).toBe(3);
      bytes.u8[AT + at] = value;
      return () => verifyIntegerSet(bytes, AT, byteCount);
    };
    expect(breakIt(0, 3)).toThrow(AssertionError);
    expect(breakIt(0, 4)).toThrow(AssertionError);
    expect(breakIt(1, 9)).toThrow(AssertionError);
    expect(breakIt(3, 1)).toThrow(AssertionError);
  });
});
