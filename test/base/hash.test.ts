import { describe, expect, test } from 'bun:test';
import { Bytes } from '../../src/base/bytes.ts';
import { HASH_LIMIT, hashBytes, type HashKey } from '../../src/base/hash.ts';

const KEY: HashKey = { k0: 0x03020100, k1: 0x07060504 };
const hashText = (text: string, key = KEY, tweak = 0): number => {
  const bytes = Bytes.fromText(text);
  return hashBytes(bytes.view, 0, bytes.u8.length, key, tweak);
};

/** HalfSipHash-1-3 with a 32-bit result as the paper and its reference describe it, on BigInt: slow and plain. */
function referenceHash(input: Uint8Array, key: HashKey, tweak: number): number {
  const mask = 0xffffffffn;
  const rotate = (word: bigint, count: bigint): bigint => ((word << count) | (word >> (32n - count))) & mask;
  const v = [
    BigInt(key.k0 >>> 0),
    BigInt((key.k1 ^ tweak) >>> 0),
    0x6c796765n ^ BigInt(key.k0 >>> 0),
    0x74656462n ^ BigInt(key.k1 >>> 0),
  ] as [bigint, bigint, bigint, bigint];
  const round = (): void => {
    v[0] = (v[0] + v[1]) & mask;
    v[1] = rotate(v[1], 5n) ^ v[0];
    v[0] = rotate(v[0], 16n);
    v[2] = (v[2] + v[3]) & mask;
    v[3] = rotate(v[3], 8n) ^ v[2];
    v[0] = (v[0] + v[3]) & mask;
    v[3] = rotate(v[3], 7n) ^ v[0];
    v[2] = (v[2] + v[1]) & mask;
    v[1] = rotate(v[1], 13n) ^ v[2];
    v[2] = rotate(v[2], 16n);
  };
  const padded = Buffer.alloc((input.length & ~3) + 4);
  padded.set(input);
  padded[padded.length - 1] = input.length;
  for (let at = 0; at < padded.length; at += 4) {
    const word = BigInt(padded.readUInt32LE(at));
    v[3] ^= word;
    round();
    v[0] ^= word;
  }
  v[2] ^= 0xffn;
  for (let i = 0; i < 3; i++) round();
  return Number((v[1] ^ v[3]) >> 1n);
}

test('is HalfSipHash-1-3 without its lowest bit, at every length and alignment', () => {
  const bytes = Bytes.allocate(400);
  for (let i = 0; i < 400; i++) bytes.u8[i] = i * 37 + (i >> 3);
  for (let byteCount = 0; byteCount < 300; byteCount++) {
    const at = byteCount % 9;
    const key = { k0: byteCount * 77777777, k1: -byteCount };
    const wanted = referenceHash(bytes.u8.subarray(at, at + byteCount), key, byteCount % 5);
    expect(hashBytes(bytes.view, at, byteCount, key, byteCount % 5)).toBe(wanted);
  }
});

test('depends on the key, the tweak, the length and every byte', () => {
  const hashes = [
    hashText('key'),
    hashText('key', { k0: KEY.k0 + 1, k1: KEY.k1 }),
    hashText('key', { k0: KEY.k0, k1: KEY.k1 + 1 }),
    hashText('key', KEY, 1),
    hashText('kez'),
    hashText('key\0'),
    hashText(''),
  ];
  expect(new Set(hashes).size).toBe(hashes.length);
});

describe('spreads the keys people use evenly', () => {
  const shapes: Record<string, (i: number) => string> = {
    'key:000000000001': (i) => `key:${String(i).padStart(12, '0')}`,
    'user:1': (i) => `user:${i}`,
    '1': (i) => `${i}`,
  };
  for (const [name, shape] of Object.entries(shapes)) {
    test(name, () => {
      const top = new Uint32Array(256);
      const bottom = new Uint32Array(256);
      const seen = new Set<number>();
      const count = 100_000;
      for (let i = 0; i < count; i++) {
        const hash = hashText(shape(i));
        expect(hash >= 0 && hash < HASH_LIMIT).toBe(true);
        top[hash >>> 23]!++;
        bottom[hash & 255]!++;
        seen.add(hash);
      }
      // Chi-square with 255 degrees of freedom is beyond 360 about once in 100,000 fair draws; the key is fixed.
      for (const counts of [top, bottom]) {
        const mean = count / 256;
        expect(counts.reduce((sum, n) => sum + (n - mean) ** 2 / mean, 0)).toBeLessThan(360);
      }
      expect(count - seen.size).toBeLessThan(20);
    });
  }
});
