/** Rounds an exact number to a binary floating-point format, to nearest, ties to even: what the processor or
 *  strtod would do, for formats that JavaScript does not have. Slow path only: BigInt throughout. */

import type { FloatText } from './float-text.ts';

/** `precision` significant bits; no bit below 2^exponentMin; values from 2^limit on are infinite. */
export interface BinaryFormat {
  readonly precision: number;
  readonly exponentMin: number;
  readonly limit: number;
}

/** mantissa × 2^exponent, the sign in the mantissa (zero has none). Infinite: exponent is Infinity. */
export interface BinaryFloat {
  readonly mantissa: bigint;
  readonly exponent: number;
}

export const BINARY_ZERO: BinaryFloat = { mantissa: 0n, exponent: 0 };

/** The nearest value of the format; null where strtod reports a range error: overflow, or a non-zero text that
 *  rounds to zero. */
export function roundFloatText(text: FloatText, format: BinaryFormat): BinaryFloat | null {
  const sign = text.negative ? -1n : 1n;
  if (text.infinite) return { mantissa: sign, exponent: Infinity };
  if (text.digits === 0n) return BINARY_ZERO;
  const rounded = roundPower(text, format);
  if (rounded === null || rounded.mantissa === 0n || rounded.exponent === Infinity) return null;
  return { mantissa: sign * rounded.mantissa, exponent: rounded.exponent };
}

/** numerator / denominator × 2^shift to the nearest value of the format; numerator and denominator positive. */
export function roundRatio(
  numerator: bigint,
  denominator: bigint,
  shift: number,
  format: BinaryFormat,
): BinaryFloat {
  const bits = bitLength(numerator) - bitLength(denominator);
  const tooFine = bits - format.precision - 1;
  // The quotient has `bits` bits or one more, so one or two bits too many were kept: drop them while rounding.
  const quotient = scale(numerator, -tooFine) / scale(denominator, tooFine);
  const surplus = Math.max(bitLength(quotient) - format.precision, format.exponentMin - (tooFine + shift));
  const isExact = quotient * scale(denominator, tooFine) === scale(numerator, -tooFine);
  const mantissa = dropBits(quotient, surplus, isExact);
  const exponent = tooFine + shift + surplus;
  if (bitLength(mantissa) + exponent > format.limit) return { mantissa: 1n, exponent: Infinity };
  return { mantissa, exponent };
}

function bitLength(value: bigint): number {
  if (value === 0n) return 0;
  const hex = value.toString(16);
  return hex.length * 4 - (Math.clz32(Number.parseInt(hex[0]!, 16)) - 28);
}

/** Null when the power of ten is so large or small that the outcome is clear without computing it. */
function roundPower(text: FloatText, format: BinaryFormat): BinaryFloat | null {
  if (text.base === 2) {
    const topBit = bitLength(text.digits) + text.exponent;
    if (topBit > format.limit || topBit < format.exponentMin - 1) return null;
    return roundRatio(text.digits, 1n, text.exponent, format);
  }
  const topBit = bitLength(text.digits) + text.exponent * Math.log2(10);
  if (topBit > format.limit + 8 || topBit < format.exponentMin - 8) return null;
  const power = 5n ** BigInt(Math.abs(text.exponent));
  if (text.exponent >= 0) return roundRatio(text.digits * power, 1n, text.exponent, format);
  return roundRatio(text.digits, power, text.exponent, format);
}

/** value × 2^count for a positive count, else the value itself. */
function scale(value: bigint, count: number): bigint {
  return count > 0 ? value << BigInt(count) : value;
}

/** Drops the low `count` bits, rounding to nearest, ties to even; `isExact` says that nothing was lost below. */
function dropBits(value: bigint, count: number, isExact: boolean): bigint {
  const kept = value >> BigInt(count);
  const dropped = value - (kept << BigInt(count));
  const half = 1n << BigInt(count - 1);
  const isAbove = dropped > half || (dropped === half && (!isExact || (kept & 1n) === 1n));
  return isAbove ? kept + 1n : kept;
}
