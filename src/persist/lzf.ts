/**
 * LZF, the compression of Marc Lehmann's LibLZF (http://oldhome.schmorp.de/marc/liblzf.html), in the variant that Redis
 * uses: the same input gives the same output, byte for byte.
 *
 *  000LLLLL                     L + 1 literal bytes follow
 *  LLLooooo oooooooo            L + 2 bytes from o + 1 bytes before here, L from 1 to 6
 *  111ooooo LLLLLLLL oooooooo   L + 9 bytes from there
 *
 *  Positions are found by a table of hashes of three bytes. It is not cleared between texts, which would cost more than
 *  most texts take: what is in it counts on from text to text, so older positions are below those of the current one.
 */
import { type Bytes } from '../base/bytes.ts';

const HASH_BITS = 16;
const HASH_MASK = (1 << HASH_BITS) - 1;
const HASH_SHIFT = 24 - HASH_BITS;
const LITERALS_MAX = 32;
const OFFSET_MAX = 1 << 13;
const REFERENCE_MAX = 264;
/** Lengths from here on take a byte of their own. */
const LONG_FROM = 7;
/** The table is begun anew before its positions could overflow. */
const POSITION_MAX = 0x3fffffff;

const scratchTable = new Int32Array(1 << HASH_BITS);
/** Position of the current text's first byte in the table's counting; 0 stands for nothing. */
let scratchBase = 1;

/**
 * Compresses `from[at, at + byteCount)` to `into[to, to + bytesMax)`, which must not overlap. Returns the bytes written, or
 * 0: they are not enough.
 */
export function compress(
  from: Bytes,
  at: number,
  byteCount: number,
  into: Bytes,
  to: number,
  bytesMax: number,
): number {
  if (byteCount === 0 || bytesMax === 0) return 0;
  if (scratchBase > POSITION_MAX - byteCount) {
    scratchTable.fill(0);
    scratchBase = 1;
  }
  // Table entries minus this are positions in `from`.
  const shift = scratchBase - at;
  scratchBase += byteCount;
  return compressFrom(from.u8, at, at + byteCount, shift, into.u8, to, to + bytesMax);
}

/** Long because the loop over the input keeps everything in locals: it is 5 ns a byte that cannot be compressed. */
function compressFrom(
  source: Uint8Array,
  start: number,
  end: number,
  shift: number,
  target: Uint8Array,
  to: number,
  toEnd: number,
): number {
  const table = scratchTable;
  let ip = start;
  let op = to + 1;
  let literals = 0;
  const last = end - 2;
  let hash = (source[ip]! << 8) | source[ip + 1]!;
  while (ip < last) {
    hash = ((hash << 8) | source[ip + 2]!) & 0xffffff;
    const slot = ((hash >>> HASH_SHIFT) - hash * 5) & HASH_MASK;
    const ref = table[slot]! - shift;
    table[slot] = ip + shift;
    const offset = ip - ref - 1;
    if (
      ref > start &&
      offset < OFFSET_MAX &&
      source[ref] === source[ip] &&
      source[ref + 1] === source[ip + 1] &&
      source[ref + 2] === source[ip + 2]
    ) {
      target[op - literals - 1] = literals - 1;
      if (literals === 0) op--;
      if (op + 4 >= toEnd) return 0;
      const length = matchLength(source, ref, ip, end);
      const code = length - 2;
      if (code < LONG_FROM) target[op++] = (offset >> 8) + (code << 5);
      else {
        target[op++] = (offset >> 8) + (LONG_FROM << 5);
        target[op++] = code - LONG_FROM;
      }
      target[op++] = offset;
      literals = 0;
      op++;
      ip += length;
      if (ip >= last) break;
      // The last two places of the match are entered too.
      hash = (source[ip - 2]! << 16) | (source[ip - 1]! << 8) | source[ip]!;
      table[((hash >>> HASH_SHIFT) - hash * 5) & HASH_MASK] = ip - 2 + shift;
      hash = ((hash << 8) | source[ip + 1]!) & 0xffffff;
      table[((hash >>> HASH_SHIFT) - hash * 5) & HASH_MASK] = ip - 1 + shift;
    } else {
      if (op >= toEnd) return 0;
      target[op++] = source[ip++]!;
      if (++literals === LITERALS_MAX) {
        target[op - LITERALS_MAX - 1] = LITERALS_MAX - 1;
        literals = 0;
        op++;
      }
    }
  }
  if (op + 3 > toEnd) return 0;
  while (ip < end) {
    target[op++] = source[ip++]!;
    if (++literals === LITERALS_MAX) {
      target[op - LITERALS_MAX - 1] = LITERALS_MAX - 1;
      literals = 0;
      op++;
    }
  }
  if (literals === 0) op--;
  else target[op - literals - 1] = literals - 1;
  return op - to;
}

/** How many bytes at `ref` and `ip` are equal, at least three. LibLZF: up to 18 whatever the limit, if there are 19. */
function matchLength(source: Uint8Array, ref: number, ip: number, end: number): number {
  const limit = Math.min(end - ip - 2, REFERENCE_MAX);
  let length = 3;
  if (limit > 16) {
    while (length <= 18 && source[ref + length] === source[ip + length]) length++;
    if (length <= 18) return length;
  }
  while (length < limit && source[ref + length] === source[ip + length]) length++;
  return length;
}

/**
 * Decompresses `from[at, at + byteCount)` to exactly `into[to, to + toCount)`; the ranges must not overlap. False: it is
 * not LZF of that many bytes, and what is in the range is undefined.
 */
export function decompress(
  from: Bytes,
  at: number,
  byteCount: number,
  into: Bytes,
  to: number,
  toCount: number,
): boolean {
  const source = from.u8;
  const target = into.u8;
  const end = at + byteCount;
  const toEnd = to + toCount;
  let ip = at;
  let op = to;
  while (ip < end) {
    const control = source[ip++]!;
    if (control < LITERALS_MAX) {
      const count = control + 1;
      if (ip + count > end || op + count > toEnd) return false;
      for (let i = 0; i < count; i++) target[op + i] = source[ip + i]!;
      ip += count;
      op += count;
      continue;
    }
    let count = (control >> 5) + 2;
    if (count === LONG_FROM + 2) {
      if (ip >= end) return false;
      count += source[ip++]!;
    }
    if (ip >= end || op + count > toEnd) return false;
    const ref = op - ((control & 31) << 8) - source[ip++]! - 1;
    if (ref < to) return false;
    if (op - ref >= count && count > 64) target.copyWithin(op, ref, ref + count);
    else for (let i = 0; i < count; i++) target[op + i] = target[ref + i]!;
    op += count;
  }
  return op === toEnd;
}
