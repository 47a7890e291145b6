/**
 * Strings as rows of bits, the first being the highest of the first byte: counted, searched, read and written where they
 * lie. Positions of bits are doubles, for a string of 512 MiB has 2^32 of them.
 */
import type { Shard } from '../../memory/shard.ts';

/** Words that one turn of `countWords` takes. */
const TURN_WORDS = 8;

/** How many bits are set in `byteCount` bytes from `at` on. */
export function countBits(shard: Shard, at: number, byteCount: number): number {
  const { u8 } = shard.bytes;
  const end = at + byteCount;
  let count = 0;
  let byteAt = at;
  for (; byteAt < end && byteAt % 4 !== 0; byteAt++) count += bitsOfWord(u8[byteAt]!);
  const turns = Math.floor((end - byteAt) / (TURN_WORDS * 4));
  const wordEnd = (byteAt >> 2) + turns * TURN_WORDS;
  if (turns > 0) {
    count += countWords(shard.words, byteAt >> 2, wordEnd);
    byteAt = wordEnd * 4;
  }
  for (; byteAt < end; byteAt++) count += bitsOfWord(u8[byteAt]!);
  return count;
}

/** Bits set in an integer of 32 bits. */
function bitsOfWord(word: number): number {
  let pairs = word - ((word >>> 1) & 0x55555555);
  pairs = (pairs & 0x33333333) + ((pairs >>> 2) & 0x33333333);
  return Math.imul((pairs + (pairs >>> 4)) & 0x0f0f0f0f, 0x01010101) >>> 24;
}

/**
 * Bits set in the words [from, to), a multiple of TURN_WORDS. Harley and Seal's way: eight words are added bit by bit as
 * a carry-save adder does, and only its carries of eight are counted. Twice as fast as counting each word: 7 GB/s.
 */
function countWords(words: Int32Array, from: number, to: number): number {
  let ones = 0;
  let twos = 0;
  let fours = 0;
  let eightsCount = 0;
  for (let i = from; i < to; i += TURN_WORDS) {
    let a = words[i]!;
    let b = words[i + 1]!;
    let half = ones ^ a;
    let twosA = (ones & a) | (half & b);
    ones = half ^ b;
    a = words[i + 2]!;
    b = words[i + 3]!;
    half = ones ^ a;
    let twosB = (ones & a) | (half & b);
    ones = half ^ b;
    half = twos ^ twosA;
    const foursA = (twos & twosA) | (half & twosB);
    twos = half ^ twosB;
    a = words[i + 4]!;
    b = words[i + 5]!;
    half = ones ^ a;
    twosA = (ones & a) | (half & b);
    ones = half ^ b;
    a = words[i + 6]!;
    b = words[i + 7]!;
    half = ones ^ a;
    twosB = (ones & a) | (half & b);
    ones = half ^ b;
    half = twos ^ twosA;
    const foursB = (twos & twosA) | (half & twosB);
    twos = half ^ twosB;
    half = fours ^ foursA;
    eightsCount += bitsOfWord((fours & foursA) | (half & foursB));
    fours = half ^ foursB;
  }
  return eightsCount * 8 + bitsOfWord(fours) * 4 + bitsOfWord(twos) * 2 + bitsOfWord(ones);
}

/** `countBits` for the bits [first, end), which are some, of the string at `at`. */
export function countBitRange(shard: Shard, at: number, first: number, end: number): number {
  const { u8 } = shard.bytes;
  const firstByte = Math.floor(first / 8);
  const lastByte = Math.floor((end - 1) / 8);
  const ahead = bitsOfWord(u8[at + firstByte]! & ~headMask(first));
  const behind = bitsOfWord(u8[at + lastByte]! & ~tailMask(end));
  return countBits(shard, at + firstByte, lastByte - firstByte + 1) - ahead - behind;
}

/** Of the byte that has bit `first`: that bit and those behind it. */
function headMask(first: number): number {
  return 0xff >> (first % 8);
}

/** Of the byte that has bit `end` - 1: that bit and those in front of it. */
function tailMask(end: number): number {
  return (0xff << (7 - ((end - 1) % 8))) & 0xff;
}

/** The first of the bits [first, end), which are some, of the string at `at` that is `bit`, or -1. */
export function findBit(shard: Shard, at: number, first: number, end: number, bit: number): number {
  const { u8 } = shard.bytes;
  // What is looked for becomes a bit that is set.
  const flip = bit === 1 ? 0 : 0xff;
  const firstByte = Math.floor(first / 8);
  const lastByte = Math.floor((end - 1) / 8);
  let mask = headMask(first);
  for (let i = firstByte; i <= lastByte; i++) {
    if (i === lastByte) mask &= tailMask(end);
    const found = (u8[at + i]! ^ flip) & mask;
    if (found !== 0) return i * 8 + Math.clz32(found) - 24;
    mask = 0xff;
    if ((at + i) % 4 === 3) i = skipWords(shard.words, at + i + 1, at + lastByte, -(flip & 1)) - at - 1;
  }
  return -1;
}

/** The byte, aligned to a word, from which on a word is not `word`, or not all of it is in front of `end`. */
function skipWords(words: Int32Array, at: number, end: number, word: number): number {
  const wordEnd = end >> 2;
  let i = at >> 2;
  while (i < wordEnd && words[i] === word) i++;
  return i * 4;
}

/** `bitCount` bits, at most 64, from `first` on of a string of `byteCount` bytes; those behind its end are zero. */
export function readField(
  shard: Shard,
  at: number,
  byteCount: number,
  first: number,
  bitCount: number,
): bigint {
  const { u8 } = shard.bytes;
  const firstByte = Math.floor(first / 8);
  const lastByte = Math.floor((first + bitCount - 1) / 8);
  let value = 0n;
  for (let i = firstByte; i <= lastByte; i++) {
    value = (value << 8n) | BigInt(i < byteCount ? u8[at + i]! : 0);
  }
  return BigInt.asUintN(bitCount, value >> BigInt((lastByte + 1) * 8 - first - bitCount));
}

/** Writes the lowest `bitCount` bits of `value` from bit `first` on of the string at `at`, which has them all. */
export function writeField(shard: Shard, at: number, first: number, bitCount: number, value: bigint): void {
  const { u8 } = shard.bytes;
  const lastByte = Math.floor((first + bitCount - 1) / 8);
  let rest = bitCount;
  let bits = BigInt.asUintN(bitCount, value);
  let shift = (lastByte + 1) * 8 - first - bitCount;
  for (let i = lastByte; rest > 0; i--) {
    const taken = Math.min(8 - shift, rest);
    const mask = ((1 << taken) - 1) << shift;
    const part = Number(bits & BigInt((1 << taken) - 1)) << shift;
    u8[at + i] = (u8[at + i]! & ~mask) | part;
    bits >>= BigInt(taken);
    rest -= taken;
    shift = 0;
  }
}
