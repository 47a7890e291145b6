/** The texts C's strtod and strtold take whole: decimal, hexadecimal and infinite, but not "nan".
 *  The rounding to a precision is done by double.ts and long-double.ts. */

/** Redis: longer texts are no long double. We hold doubles to it too, so that nobody makes us chew megabytes. */
const FLOAT_BYTES_MAX = 5 * 1024 - 1;
/** Beyond every format's range, and small enough to add to. */
const EXPONENT_LIMIT = 1_000_000;

const DECIMAL = /^([+-]?)(?=\.?\d)(\d*)\.?(\d*)(?:e([+-]?\d+))?$/i;
const HEXADECIMAL = /^([+-]?)0x(?=\.?[\da-f])([\da-f]*)\.?([\da-f]*)(?:p([+-]?\d+))?$/i;
const INFINITE = /^([+-]?)inf(?:inity)?$/i;

/** ± digits × base^exponent, exactly as written; `infinite` overrides the rest but the sign. */
export interface FloatText {
  readonly negative: boolean;
  readonly infinite: boolean;
  readonly digits: bigint;
  readonly base: 2 | 10;
  readonly exponent: number;
}

/** Reads all of [start, end) as one float, or null. White space is refused at either end, as Redis does. */
export function readFloatText(u8: Uint8Array, start: number, end: number): FloatText | null {
  const text = floatTextOf(u8, start, end);
  const decimal = DECIMAL.exec(text);
  if (decimal) return fromMatch(decimal, 10);
  const hexadecimal = HEXADECIMAL.exec(text);
  if (hexadecimal) return fromMatch(hexadecimal, 2);
  const infinite = INFINITE.exec(text);
  if (infinite) return { negative: infinite[1] === '-', infinite: true, digits: 0n, base: 10, exponent: 0 };
  return null;
}

/** The bytes as a string; empty, which is no float, when there are too many. */
function floatTextOf(u8: Uint8Array, start: number, end: number): string {
  if (end - start > FLOAT_BYTES_MAX) return '';
  return Buffer.from(u8.buffer, u8.byteOffset + start, end - start).toString('latin1');
}

function fromMatch(match: RegExpExecArray, base: 2 | 10): FloatText {
  const [, sign, whole = '', fraction = '', exponentText = '0'] = match;
  const digits = BigInt((base === 2 ? '0x' : '') + whole + fraction);
  const written = Math.max(-EXPONENT_LIMIT, Math.min(EXPONENT_LIMIT, Number(exponentText)));
  const exponent = written - fraction.length * (base === 2 ? 4 : 1);
  return { negative: sign === '-', infinite: false, digits, base, exponent };
}
