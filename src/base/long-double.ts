/** The 80-bit long double of x86 (64 significant bits), which INCRBYFLOAT and HINCRBYFLOAT compute with:
 *  emulated exactly, so that our sums print the very bytes Redis prints. A few microseconds an operation. */

import { BINARY_ZERO, roundFloatText, roundRatio } from './binary-float.ts';
import type { BinaryFloat, BinaryFormat } from './binary-float.ts';
import { readFloatText } from './float-text.ts';

const LONG_DOUBLE: BinaryFormat = { precision: 64, exponentMin: -16445, limit: 16384 };
/** Redis: printed with "%.17Lf", then trailing zeros removed. */
const FRACTION_DIGITS = 17;
const FRACTION_SCALE = 10n ** BigInt(FRACTION_DIGITS);

/** Opaque: made by `parseLongDouble` and `addLongDoubles`. */
export type LongDouble = BinaryFloat;

/** All of [start, end) as strtold reads it; null if it is no float, is "nan", or is out of range. */
export function parseLongDouble(u8: Uint8Array, start: number, end: number): LongDouble | null {
  const text = readFloatText(u8, start, end);
  return text && roundFloatText(text, LONG_DOUBLE);
}

/** The rounded sum; null when it is infinite or not a number. */
export function addLongDoubles(a: LongDouble, b: LongDouble): LongDouble | null {
  if (a.exponent === Infinity || b.exponent === Infinity) return null;
  const exponent = Math.min(a.exponent, b.exponent);
  const sum = aligned(a, exponent) + aligned(b, exponent);
  if (sum === 0n) return BINARY_ZERO;
  const rounded = roundRatio(sum < 0n ? -sum : sum, 1n, exponent, LONG_DOUBLE);
  if (rounded.exponent === Infinity) return null;
  return sum < 0n ? { mantissa: -rounded.mantissa, exponent: rounded.exponent } : rounded;
}

/** Negative, zero or positive as a is below, equal to or above b. */
export function compareLongDoubles(a: LongDouble, b: LongDouble): number {
  if (a.exponent === Infinity || b.exponent === Infinity) return infiniteSign(a) - infiniteSign(b);
  const exponent = Math.min(a.exponent, b.exponent);
  const left = aligned(a, exponent);
  const right = aligned(b, exponent);
  return left < right ? -1 : left > right ? 1 : 0;
}

/** As INCRBYFLOAT replies: never an exponent, at most 17 decimals, no trailing zeros, no "-0". ASCII. */
export function formatLongDouble(value: LongDouble): string {
  if (value.exponent === Infinity) return value.mantissa < 0n ? '-inf' : 'inf';
  const magnitude = value.mantissa < 0n ? -value.mantissa : value.mantissa;
  const digits = scaledDecimal(magnitude, value.exponent)
    .toString()
    .padStart(FRACTION_DIGITS + 1, '0');
  const whole = digits.slice(0, -FRACTION_DIGITS);
  const fraction = digits.slice(-FRACTION_DIGITS).replace(/0+$/, '');
  const text = fraction === '' ? whole : `${whole}.${fraction}`;
  return value.mantissa < 0n && text !== '0' ? `-${text}` : text;
}

/** The mantissa the value would have with this exponent, which is not above its own. */
function aligned(value: LongDouble, exponent: number): bigint {
  return value.mantissa << BigInt(value.exponent - exponent);
}

function infiniteSign(value: LongDouble): number {
  if (value.exponent !== Infinity) return 0;
  return value.mantissa < 0n ? -1 : 1;
}

/** mantissa × 2^exponent × 10^17 as an integer, ties to even as printf rounds. */
function scaledDecimal(mantissa: bigint, exponent: number): bigint {
  const scaled = mantissa * FRACTION_SCALE;
  if (exponent >= 0) return scaled << BigInt(exponent);
  const shift = BigInt(-exponent);
  const kept = scaled >> shift;
  const dropped = scaled - (kept << shift);
  const half = 1n << (shift - 1n);
  return dropped > half || (dropped === half && (kept & 1n) === 1n) ? kept + 1n : kept;
}
