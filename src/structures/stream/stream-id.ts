/**
 * Stream ids: two unsigned 64-bit numbers, milliseconds and sequence, as four words each an int32 (high word first), in
 * memory and off the heap alike:
 *
 *  word 0        1        2         3
 *       +--------+--------+---------+---------+
 *       | ms hi  | ms lo  | seq hi  | seq lo  |
 *       +--------+--------+---------+---------+
 *  Ownership: none; ids lie inside the blocks of others.
 */
import { INT64_BYTES_MAX } from '../../base/int64.ts';
import { formatInteger } from '../../base/number.ts';

/** Words of an id. */
export const ID_WORDS = 4;
/** The most bytes of an id's text. */
export const ID_BYTES_MAX = 2 * INT64_BYTES_MAX + 1;

const TWO_32 = 4294967296;
const SAFE_HI = 0x200000;
const DASH = 0x2d;

export class StreamId {
  msHi = 0;
  msLo = 0;
  seqHi = 0;
  seqLo = 0;

  get isZero(): boolean {
    return (this.msHi | this.msLo | this.seqHi | this.seqLo) === 0;
  }

  get isMax(): boolean {
    return (this.msHi & this.msLo & this.seqHi & this.seqLo) === -1;
  }

  set(from: StreamId): void {
    this.msHi = from.msHi;
    this.msLo = from.msLo;
    this.seqHi = from.seqHi;
    this.seqLo = from.seqLo;
  }

  setWords(msHi: number, msLo: number, seqHi: number, seqLo: number): void {
    this.msHi = msHi;
    this.msLo = msLo;
    this.seqHi = seqHi;
    this.seqLo = seqLo;
  }

  /** The first id of a millisecond, which is a safe integer. */
  setMs(ms: number): void {
    this.setWords((ms / TWO_32) | 0, ms | 0, 0, 0);
  }

  setMax(): void {
    this.setWords(-1, -1, -1, -1);
  }

  setZero(): void {
    this.setWords(0, 0, 0, 0);
  }

  /** Steps to the next id. False: this was the last, and is the first now. */
  increment(): boolean {
    this.seqLo = (this.seqLo + 1) | 0;
    if (this.seqLo !== 0) return true;
    this.seqHi = (this.seqHi + 1) | 0;
    if (this.seqHi !== 0) return true;
    this.msLo = (this.msLo + 1) | 0;
    if (this.msLo !== 0) return true;
    this.msHi = (this.msHi + 1) | 0;
    return this.msHi !== 0;
  }

  /** Steps to the id before. False: this was the first, and is the last now. */
  decrement(): boolean {
    const borrowsSeq = this.seqLo === 0;
    this.seqLo = (this.seqLo - 1) | 0;
    if (!borrowsSeq) return true;
    const borrowsMs = this.seqHi === 0;
    this.seqHi = (this.seqHi - 1) | 0;
    if (!borrowsMs) return true;
    const borrowsHigh = this.msLo === 0;
    this.msLo = (this.msLo - 1) | 0;
    if (!borrowsHigh) return true;
    const wraps = this.msHi === 0;
    this.msHi = (this.msHi - 1) | 0;
    return !wraps;
  }

  toString(): string {
    const text = Buffer.allocUnsafe(ID_BYTES_MAX);
    return text.toString('latin1', 0, formatId(text, 0, this));
  }
}

/** Negative, zero or positive as a stands before, is or stands behind b. */
export function compareIds(a: StreamId, b: StreamId): number {
  if (a.msHi !== b.msHi) return (a.msHi >>> 0) - (b.msHi >>> 0);
  if (a.msLo !== b.msLo) return (a.msLo >>> 0) - (b.msLo >>> 0);
  if (a.seqHi !== b.seqHi) return (a.seqHi >>> 0) - (b.seqHi >>> 0);
  return (a.seqLo >>> 0) - (b.seqLo >>> 0);
}

/** `compareIds` of the id at `word` with another. Hot: searches. */
export function compareIdAt(words: Int32Array, word: number, id: StreamId): number {
  const msHi = words[word]!;
  if (msHi !== id.msHi) return (msHi >>> 0) - (id.msHi >>> 0);
  const msLo = words[word + 1]!;
  if (msLo !== id.msLo) return (msLo >>> 0) - (id.msLo >>> 0);
  const seqHi = words[word + 2]!;
  if (seqHi !== id.seqHi) return (seqHi >>> 0) - (id.seqHi >>> 0);
  return (words[word + 3]! >>> 0) - (id.seqLo >>> 0);
}

export function loadId(words: Int32Array, word: number, into: StreamId): void {
  into.msHi = words[word]!;
  into.msLo = words[word + 1]!;
  into.seqHi = words[word + 2]!;
  into.seqLo = words[word + 3]!;
}

export function storeId(words: Int32Array, word: number, id: StreamId): void {
  words[word] = id.msHi;
  words[word + 1] = id.msLo;
  words[word + 2] = id.seqHi;
  words[word + 3] = id.seqLo;
}

/** Writes the text of an id at `at`, at most ID_BYTES_MAX bytes, and returns where it ends. */
export function formatId(u8: Uint8Array, at: number, id: StreamId): number {
  const dash = formatUnsigned(u8, at, id.msHi, id.msLo);
  u8[dash] = DASH;
  return formatUnsigned(u8, dash + 1, id.seqHi, id.seqLo);
}

function formatUnsigned(u8: Uint8Array, at: number, hi: number, lo: number): number {
  if (hi >= 0 && hi < SAFE_HI) return formatInteger(u8, at, hi * TWO_32 + (lo >>> 0));
  const text = ((BigInt(hi >>> 0) << 32n) | BigInt(lo >>> 0)).toString();
  for (let i = 0; i < text.length; i++) u8[at + i] = text.charCodeAt(i);
  return at + text.length;
}
