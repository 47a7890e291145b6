import { describe, expect, test } from 'bun:test';
import fc from 'fast-check';
import {
  addInt64,
  compareInt64,
  formatInt64,
  INT64_BYTES_MAX,
  Int64,
  int64ToNumber,
  negateInt64,
  parseInt64,
  setInt64,
} from '../../src/base/int64.ts';

const MIN = -(1n << 63n);
const MAX = (1n << 63n) - 1n;
const fits = (value: bigint): boolean => value >= MIN && value <= MAX;
const toBigInt = (value: Int64): bigint => (BigInt(value.hi) << 32n) | BigInt(value.lo >>> 0);

function make(value: bigint): Int64 {
  const into = new Int64();
  into.hi = Number(value >> 32n);
  into.lo = Number(BigInt.asIntN(32, value));
  return into;
}

/** Null where parseInt64 refuses; a refusal must leave the target as it was. */
function parse(text: string): bigint | null {
  const into = make(42n);
  const bytes = new TextEncoder().encode(`[${text}]`);
  const accepted = parseInt64(bytes, 1, text.length + 1, into);
  if (!accepted) expect(toBigInt(into)).toBe(42n);
  return accepted ? toBigInt(into) : null;
}

function format(value: Int64): string {
  const room = new Uint8Array(1 + INT64_BYTES_MAX);
  return Buffer.from(room.subarray(1, formatInt64(room, 1, value.hi, value.lo))).toString('latin1');
}

/** Uniform over magnitudes, and crowded around the edges of 2^31, 2^32, 2^53 and 2^63. */
const anyInt64 = fc.oneof(
  fc.bigInt({ min: MIN, max: MAX }),
  fc.integer().map(BigInt),
  fc
    .tuple(fc.constantFrom(31n, 32n, 52n, 53n, 62n, 63n), fc.integer({ min: -3, max: 3 }), fc.boolean())
    .map(([power, offset, negative]) => (negative ? -(1n << power) : 1n << power) + BigInt(offset))
    .filter(fits),
);

describe('Int64', () => {
  test('parses and prints every 64-bit integer as BigInt does', () => {
    fc.assert(
      fc.property(anyInt64, (value) => {
        expect(parse(String(value))).toBe(value);
        expect(format(make(value))).toBe(String(value));
      }),
      { numRuns: 5000 },
    );
  });

  test('refuses what Redis refuses: signs, spaces, leading zeros, minus zero, overflow', () => {
    const malformed = [
      '',
      '-',
      '-0',
      '+1',
      ' 1',
      '1 ',
      '01',
      '-01',
      '1.0',
      '1e3',
      '0x1',
      '12345678901234567a8',
    ];
    const beyond = ['9223372036854775808', '-9223372036854775809', '10000000000000000000', '9'.repeat(40)];
    for (const text of [...malformed, ...beyond]) expect(parse(text)).toBeNull();
    expect(parse('9223372036854775807')).toBe(MAX);
    expect(parse('-9223372036854775808')).toBe(MIN);
  });

  test('adds, negates and compares as BigInt does, and reports every overflow', () => {
    fc.assert(
      fc.property(anyInt64, anyInt64, (a, b) => {
        const into = make(42n);
        expect(addInt64(make(a), make(b), into)).toBe(fits(a + b));
        expect(toBigInt(into)).toBe(fits(a + b) ? a + b : 42n);
        const negated = make(a);
        expect(negateInt64(negated, negated)).toBe(fits(-a));
        expect(toBigInt(negated)).toBe(fits(-a) ? -a : a);
        expect(Math.sign(compareInt64(make(a), make(b)))).toBe(a < b ? -1 : a > b ? 1 : 0);
      }),
      { numRuns: 5000 },
    );
  });

  test('may add a number to itself, into itself', () => {
    const value = make(3_000_000_000n);
    expect(addInt64(value, value, value)).toBe(true);
    expect(toBigInt(value)).toBe(6_000_000_000n);
  });

  test('goes to and from plain numbers exactly within 2^53', () => {
    fc.assert(
      fc.property(fc.maxSafeInteger(), (value) => {
        const into = new Int64();
        setInt64(into, value);
        expect(toBigInt(into)).toBe(BigInt(value));
        expect(int64ToNumber(into)).toBe(value);
      }),
    );
    expect(int64ToNumber(make(MIN))).toBe(-(2 ** 63));
  });
});
