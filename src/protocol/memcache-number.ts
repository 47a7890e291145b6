/** Numbers as memcached reads them: by C's strtol, so white space may stand before, a sign in front, and anything after
 *  white space or a zero byte. */

const ZERO = 0x30;
const PLUS = 0x2b;
const MINUS = 0x2d;
const SPACE = 0x20;
const TAB = 9;
const CARRIAGE_RETURN = 13;
const INT64_LIMIT = 2 ** 63;
const UINT64_LIMIT = 1n << 64n;

/** The number at the start of `u8[at, end)`, exact up to 2^53; NaN when it is not one or beyond 64 bits. */
export function parseSigned(u8: Uint8Array, at: number, end: number): number {
  let position = skipSpace(u8, at, end);
  const sign = position < end ? u8[position]! : 0;
  if (sign === MINUS || sign === PLUS) position++;
  const first = position;
  let value = 0;
  for (; position < end; position++) {
    const digit = u8[position]! - ZERO;
    if (digit < 0 || digit > 9) break;
    value = value * 10 + digit;
  }
  if (position === first || value > INT64_LIMIT) return NaN;
  if (position < end && !endsNumber(u8[position]!)) return NaN;
  return sign === MINUS ? -value : value;
}

/** The unsigned 64-bit number at the start of `u8[at, end)`: a bigint beyond 2^53; NaN when it is not one. */
export function parseUnsigned(u8: Uint8Array, at: number, end: number): number | bigint {
  const start = skipSpace(u8, at, end);
  const first = start < end && u8[start] === PLUS ? start + 1 : start;
  let position = first;
  let value = 0;
  for (; position < end; position++) {
    const digit = u8[position]! - ZERO;
    if (digit < 0 || digit > 9) break;
    value = value * 10 + digit;
  }
  if (position === first) return NaN;
  if (position < end && !endsNumber(u8[position]!)) return NaN;
  if (value <= Number.MAX_SAFE_INTEGER) return value;
  const wide = BigInt(Buffer.from(u8.subarray(first, position)).toString('latin1'));
  return wide < UINT64_LIMIT ? wide : NaN;
}

function skipSpace(u8: Uint8Array, at: number, end: number): number {
  let position = at;
  while (position < end && isSpace(u8[position]!)) position++;
  return position;
}

function endsNumber(byte: number): boolean {
  return byte === 0 || isSpace(byte);
}

function isSpace(byte: number): boolean {
  return byte === SPACE || (byte >= TAB && byte <= CARRIAGE_RETURN);
}
