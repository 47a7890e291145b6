/** Doubles as text: read as C's strtod does, printed as Redis 7.0 prints scores ("%.17g"). */

import { roundFloatText } from './binary-float.ts';
import type { BinaryFormat } from './binary-float.ts';
import { readFloatText } from './float-text.ts';
import { parseDigits } from './number.ts';

const DOT = 0x2e;
const MINUS = 0x2d;
const DOUBLE: BinaryFormat = { precision: 53, exponentMin: -1074, limit: 1024 };
/** So many digits are exact in a double, and so are the powers of ten they are divided by. */
const FAST_DIGITS_MAX = 15;
const POWERS_OF_TEN = Float64Array.from({ length: FAST_DIGITS_MAX + 1 }, (_, power) => 10 ** power);
/** The precision of %.17g, and the exponents from which it switches to scientific notation. */
const PRECISION = 17;
const FIXED_EXPONENT_MIN = -4;

/** All of [start, end) as a double: decimal, exponent, "inf", "infinity", hexadecimal ("0x1p3"), any case.
 *  NaN when it is no float, is "nan", has white space at an end, overflows, or is too small for any double. */
export function parseFloatStrict(u8: Uint8Array, start: number, end: number): number {
  const value = parsePlainDecimal(u8, start, end);
  return value === value ? value : parseAnyFloat(u8, start, end);
}

/** The double as C's "%.17g" spells it: 3, 0.10000000000000001, 1e+20, 1.0000000000000001e-05, inf, -inf, nan, -0. */
export function formatDouble(value: number): string {
  if (Number.isSafeInteger(value)) return Object.is(value, -0) ? '-0' : String(value);
  if (value === Infinity) return 'inf';
  if (value === -Infinity) return '-inf';
  if (value !== value) return 'nan';
  return formatSeventeenDigits(value);
}

/** "-12.5" and the like in at most 15 digits, correctly rounded; NaN means: take the slow path. */
function parsePlainDecimal(u8: Uint8Array, start: number, end: number): number {
  const negative = start < end && u8[start]! === MINUS;
  const firstAt = negative ? start + 1 : start;
  if (end - firstAt > FAST_DIGITS_MAX + 1) return NaN;
  let dotAt = firstAt;
  while (dotAt < end && u8[dotAt]! !== DOT) dotAt++;
  // Both sides of the dot are required here: "1." and ".5" are rare, and "." is an error.
  if (dotAt === firstAt || dotAt - firstAt > FAST_DIGITS_MAX || dotAt === end - 1) return NaN;
  let value = parseDigits(u8, firstAt, dotAt);
  if (dotAt < end) {
    const scale = POWERS_OF_TEN[end - dotAt - 1]!;
    value = (value * scale + parseDigits(u8, dotAt + 1, end)) / scale;
  }
  return negative ? -value : value;
}

function parseAnyFloat(u8: Uint8Array, start: number, end: number): number {
  const text = readFloatText(u8, start, end);
  const rounded = text && roundFloatText(text, DOUBLE);
  if (!text || !rounded) return NaN;
  if (rounded.exponent === Infinity) return Number(rounded.mantissa) * Infinity;
  if (rounded.mantissa === 0n) return text.negative ? -0 : 0;
  return toNumber(Number(rounded.mantissa), rounded.exponent);
}

/** mantissa × 2^exponent, exact; in two steps because 2^exponent itself may be out of range. */
function toNumber(mantissa: number, exponent: number): number {
  const half = Math.trunc(exponent / 2);
  return mantissa * 2 ** half * 2 ** (exponent - half);
}

function formatSeventeenDigits(value: number): string {
  const scientific = value.toExponential(PRECISION - 1);
  const exponentAt = scientific.indexOf('e');
  const exponent = Number(scientific.slice(exponentAt + 1));
  const mantissa = tieToEven(scientific.slice(0, exponentAt), value, exponent);
  if (exponent < FIXED_EXPONENT_MIN || exponent >= PRECISION) {
    return `${trimZeros(mantissa)}e${exponentSuffix(exponent)}`;
  }
  const sign = value < 0 ? '-' : '';
  const digits = mantissa.replace('-', '').replace('.', '');
  if (exponent < 0) return trimZeros(`${sign}0.${'0'.repeat(-exponent - 1)}${digits}`);
  return trimZeros(`${sign}${digits.slice(0, exponent + 1)}.${digits.slice(exponent + 1)}`);
}

/** C rounds a digit string's exact halves to even, toExponential away from zero. It is a half if and only if the
 *  value is an odd number of 2^-n, n being one more than the decimals kept: only then does it end in a 5 there. */
function tieToEven(mantissa: string, value: number, exponent: number): string {
  const halves = value * 2 ** (PRECISION - exponent);
  const last = mantissa.charCodeAt(mantissa.length - 1);
  if (exponent >= PRECISION || Math.abs(halves % 2) !== 1 || (last & 1) === 0) return mantissa;
  return mantissa.slice(0, -1) + String.fromCharCode(last - 1);
}

/** C writes at least two exponent digits, and always a sign. */
function exponentSuffix(exponent: number): string {
  const digits = String(Math.abs(exponent)).padStart(2, '0');
  return exponent < 0 ? `-${digits}` : `+${digits}`;
}

function trimZeros(decimal: string): string {
  return decimal.replace(/\.?0*$/, '');
}
