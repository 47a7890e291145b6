/** Doubles as text: read as C's strtod does, printed as Redis 7.0 prints scores ("%.17g"). */

import { roundFloatText } from './binary-float.ts';
import type { BinaryFormat } from './binary-float.ts';
import { readFloatText } from './float-text.ts';
import { formatInteger, integerDigits, parseDigits } from './number.ts';

const DOT = 0x2e;
const MINUS = 0x2d;
const ZERO = 0x30;
const NINE = 0x39;
const DOUBLE: BinaryFormat = { precision: 53, exponentMin: -1074, limit: 1024 };
/** So many digits are exact in a double, and so are the powers of ten they are divided by. */
const FAST_DIGITS_MAX = 15;
const POWERS_OF_TEN = Float64Array.from({ length: FAST_DIGITS_MAX + 1 }, (_, power) => 10 ** power);
/** Longer texts may be too small for any double, which is an error. */
const LONG_DECIMAL_BYTES_MAX = 64;
/** The precision of %.17g, and the exponents from which it switches to scientific notation. */
const PRECISION = 17;
const FIXED_EXPONENT_MIN = -4;
const FIXED_MIN = 1e-4;
const FIXED_LIMIT = 1e17;
/** Fractions that are written without a string: multiples of 2^-10, which has ten decimals: 1 / 2^10 = 5^10 / 10^10. */
const FRACTIONS = 1024;
const FRACTION_DIGITS = 10;
const FRACTION_SCALE = 5 ** FRACTION_DIGITS;

/** All of [start, end) as a double: decimal, exponent, "inf", "infinity", hexadecimal ("0x1p3"), any case.
 *  NaN when it is no float, is "nan", has white space at an end, overflows, or is too small for any double. */
export function parseFloatStrict(u8: Uint8Array, start: number, end: number): number {
  const value = parsePlainDecimal(u8, start, end);
  return value === value ? value : parseAnyFloat(u8, start, end);
}

/** The most bytes that `writeDouble` writes: "-2.2250738585072014e-308". */
export const DOUBLE_BYTES_MAX = 24;

/** Writes what `formatDouble` answers at `at` and returns the position after it. Hot: integers and simple fractions make
 *  no string. */
export function writeDouble(u8: Uint8Array, at: number, value: number): number {
  if (Number.isSafeInteger(value) && (value !== 0 || 1 / value > 0)) return formatInteger(u8, at, value);
  const end = writeSimpleFraction(u8, at, value);
  return end > 0 ? end : writeAscii(u8, at, formatDouble(value));
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

/** Digits around one dot, more than a double holds, as coordinates have them: the engine rounds them as strtod does. */
function parseLongDecimal(u8: Uint8Array, start: number, end: number): number {
  if (end - start > LONG_DECIMAL_BYTES_MAX) return NaN;
  const firstAt = start < end && u8[start]! === MINUS ? start + 1 : start;
  let dotAt = -1;
  for (let at = firstAt; at < end; at++) {
    const byte = u8[at]!;
    if (byte === DOT && dotAt < 0) dotAt = at;
    else if (byte < ZERO || byte > NINE) return NaN;
  }
  if (dotAt <= firstAt || dotAt === end - 1) return NaN;
  return Number(String.fromCharCode(...u8.subarray(start, end)));
}

function parseAnyFloat(u8: Uint8Array, start: number, end: number): number {
  const decimal = parseLongDecimal(u8, start, end);
  if (decimal === decimal) return decimal;
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

/** Of a number that 1024 times itself is an integer, and that is exact in 17 digits. 0: it is none such. */
function writeSimpleFraction(u8: Uint8Array, start: number, value: number): number {
  const scaled = Math.abs(value) * FRACTIONS;
  if (!(scaled <= Number.MAX_SAFE_INTEGER) || scaled !== Math.floor(scaled)) return 0;
  const whole = Math.floor(scaled / FRACTIONS);
  let digits = (scaled - whole * FRACTIONS) * FRACTION_SCALE;
  if (digits === 0) return 0;
  let digitCount = FRACTION_DIGITS;
  for (let tenth = digits / 10; tenth === Math.floor(tenth); tenth = digits / 10) {
    digits = tenth;
    digitCount--;
  }
  if (whole > 0 && integerDigits(whole) + digitCount > PRECISION) return 0;
  let at = start;
  if (value < 0) u8[at++] = MINUS;
  at = formatInteger(u8, at, whole);
  u8[at] = DOT;
  const end = at + 1 + digitCount;
  for (let place = end - 1; place > at; place--) {
    const rest = Math.floor(digits / 10);
    u8[place] = ZERO + (digits - rest * 10);
    digits = rest;
  }
  return end;
}

function writeAscii(u8: Uint8Array, at: number, text: string): number {
  const length = text.length;
  for (let i = 0; i < length; i++) u8[at + i] = text.charCodeAt(i);
  return at + length;
}

function formatSeventeenDigits(value: number): string {
  const magnitude = Math.abs(value);
  if (magnitude >= FIXED_MIN && magnitude < FIXED_LIMIT) return formatFixed(value);
  const scientific = value.toExponential(PRECISION - 1);
  const exponentAt = scientific.indexOf('e');
  const exponent = Number(scientific.slice(exponentAt + 1));
  const mantissa = tieToEven(scientific.slice(0, exponentAt), value, exponent);
  // A little less than the least that is written out may have been rounded up to it.
  if (exponent === FIXED_EXPONENT_MIN) return value < 0 ? '-0.0001' : '0.0001';
  return `${trimZeros(mantissa)}e${exponentSuffix(exponent)}`;
}

/** Where %.17g uses no exponent, and toPrecision neither. */
function formatFixed(value: number): string {
  const text = value.toPrecision(PRECISION);
  const firstAt = value < 0 ? 1 : 0;
  let exponent = text.indexOf('.') - firstAt - 1;
  if (text.charCodeAt(firstAt) === ZERO) {
    exponent = -1;
    for (let at = firstAt + 2; text.charCodeAt(at) === ZERO; at++) exponent--;
  } else if (exponent < 0) exponent = PRECISION - 1;
  return trimZeros(tieToEven(text, value, exponent));
}

/** C rounds a digit string's exact halves to even, toExponential and toPrecision away from zero. It is a half if and only if the
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

/** `decimal` without the zeros at its end, and the point if nothing else is left behind it. */
function trimZeros(decimal: string): string {
  if (!decimal.includes('.')) return decimal;
  let end = decimal.length;
  while (decimal.charCodeAt(end - 1) === ZERO) end--;
  if (decimal.charCodeAt(end - 1) === DOT) end--;
  return decimal.slice(0, end);
}
