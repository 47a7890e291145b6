/** Bits counted, searched, read and written, and strings combined, against the same done bit by bit. */
import { expect, test } from 'bun:test';
import { createShardMemory, Shard } from '../../../src/memory/shard.ts';
import { countBitRange, countBits, findBit, readField, writeField } from '../../../src/store/bitmap/bits.ts';
import { combineBits, Combination } from '../../../src/store/bitmap/combination.ts';
import { Prng } from '../../support/prng.ts';
import { chooseSeed } from '../../support/differential.ts';

const BASE = 1 << 20;
const seed = chooseSeed();
const random = new Prng(seed);
const shard = new Shard(0, createShardMemory(4 << 20));
const { u8 } = shard.bytes;

/** Bytes at `at`: random ones, or runs of one value, as bitmaps have. */
function fill(at: number, byteCount: number): void {
  const kind = random.below(3);
  for (let i = 0; i < byteCount; i++) {
    u8[at + i] =
      kind === 0 ? random.below(256) : random.below(50) === 0 ? 1 << random.below(8) : kind === 1 ? 0 : 0xff;
  }
}

function bitsOf(at: number, byteCount: number): number[] {
  return Array.from({ length: byteCount * 8 }, (_, i) => (u8[at + (i >> 3)]! >> (7 - (i & 7))) & 1);
}

test('counts and searches are what looking at each bit gives', () => {
  console.info(`seed ${seed} (set DIFFERENTIAL_SEED to run it again)`);
  for (let round = 0; round < 600; round++) {
    const at = BASE + random.below(16);
    const byteCount = 1 + random.below(random.below(4) === 0 ? 400 : 20);
    fill(at - 8, byteCount + 16);
    const bits = bitsOf(at, byteCount);
    expect(countBits(shard, at, byteCount)).toBe(bits.filter((bit) => bit === 1).length);
    for (let i = 0; i < 8; i++) {
      const first = random.below(bits.length);
      const end = first + 1 + random.below(bits.length - first);
      const part = bits.slice(first, end);
      expect(countBitRange(shard, at, first, end)).toBe(part.filter((bit) => bit === 1).length);
      for (const bit of [0, 1]) {
        const found = part.indexOf(bit);
        expect(findBit(shard, at, first, end, bit)).toBe(found < 0 ? -1 : first + found);
      }
    }
  }
});

test('a field is read as it was written, and what is around it stays', () => {
  for (let round = 0; round < 2000; round++) {
    const at = BASE + random.below(16);
    fill(at - 8, 64);
    const before = bitsOf(at, 32);
    const bitCount = 1 + random.below(64);
    const first = random.below(before.length - bitCount);
    const value = BigInt.asUintN(
      bitCount,
      (BigInt(random.below(2 ** 31)) << 33n) ^ BigInt(random.below(2 ** 31)),
    );
    writeField(shard, at, first, bitCount, value);
    expect(readField(shard, at, 32, first, bitCount)).toBe(value);
    const digits = [...value.toString(2).padStart(bitCount, '0')].map(Number);
    expect(bitsOf(at, 32)).toEqual([...before.slice(0, first), ...digits, ...before.slice(first + bitCount)]);
  }
});

const BYTE_WISE: [Combination, (values: number[]) => number][] = [
  [Combination.And, (values) => values.reduce((a, b) => a & b)],
  [Combination.Or, (values) => values.reduce((a, b) => a | b)],
  [Combination.Xor, (values) => values.reduce((a, b) => a ^ b)],
  [Combination.Not, ([first]) => ~first!],
  [Combination.Difference, ([first, ...rest]) => first! & ~rest.reduce((a, b) => a | b)],
  [Combination.OnlyOthers, ([first, ...rest]) => ~first! & rest.reduce((a, b) => a | b)],
  [Combination.AndAny, ([first, ...rest]) => first! & rest.reduce((a, b) => a | b)],
  [
    Combination.ExactlyOne,
    (values) =>
      [0, 1, 2, 3, 4, 5, 6, 7].reduce(
        (sum, bit) => sum | ((values.filter((value) => (value >> bit) & 1).length === 1 ? 1 : 0) << bit),
        0,
      ),
  ],
];

test.each(BYTE_WISE)('combination %d is that of each byte', (kind, combine) => {
  for (let round = 0; round < 60; round++) {
    const count = kind === Combination.Not ? 1 : kind === Combination.ExactlyOne ? 3 : 2 + random.below(3);
    const sources = Array.from({ length: count }, (_, i) => {
      const source = {
        shard,
        at: BASE + i * 100_000 + random.below(8),
        byteCount: random.below(random.below(3) === 0 ? 20_000 : 60),
      };
      fill(source.at, source.byteCount);
      return source;
    });
    const byteCount = Math.max(...sources.map((source) => source.byteCount));
    const target = BASE + 800_000 + random.below(8);
    u8.fill(0xee, target - 8, target + byteCount + 8);
    combineBits(kind, sources, shard, target, byteCount);
    const wanted = Array.from(
      { length: byteCount },
      (_, i) => combine(sources.map((source) => (i < source.byteCount ? u8[source.at + i]! : 0))) & 0xff,
    );
    expect(u8.subarray(target, target + byteCount).equals(Buffer.from(wanted))).toBe(true);
    expect(u8[target - 1]).toBe(0xee);
    expect(u8[target + byteCount]).toBe(0xee);
  }
});
