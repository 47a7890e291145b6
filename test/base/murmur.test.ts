import { expect, test } from 'bun:test';
import { Bytes } from '../../src/base/bytes.ts';
import { murmurHash64, scratchMurmur } from '../../src/base/murmur.ts';
import { Prng } from '../support/prng.ts';

const FACTOR = 0xc6a4a7935bd1e995n;
const wrap = (value: bigint): bigint => BigInt.asUintN(64, value);

/** The definition, in integers of any size. */
function reference(bytes: Uint8Array, seed: number): bigint {
  let hash = BigInt(seed >>> 0) ^ wrap(BigInt(bytes.length) * FACTOR);
  const words = bytes.length >> 3;
  const view = new DataView(bytes.buffer, bytes.byteOffset, bytes.length);
  for (let i = 0; i < words; i++) {
    let word = wrap(view.getBigUint64(i * 8, true) * FACTOR);
    word = wrap((word ^ (word >> 47n)) * FACTOR);
    hash = wrap((hash ^ word) * FACTOR);
  }
  const rest = bytes.subarray(words * 8);
  rest.forEach((byte, i) => (hash ^= BigInt(byte) << BigInt(i * 8)));
  if (rest.length > 0) hash = wrap(hash * FACTOR);
  hash = wrap((hash ^ (hash >> 47n)) * FACTOR);
  return hash ^ (hash >> 47n);
}

test('is MurmurHash64A for every length', () => {
  const random = new Prng(1);
  for (let byteCount = 0; byteCount < 70; byteCount++) {
    for (let round = 0; round < 20; round++) {
      const at = random.below(9);
      const seed = random.below(2 ** 31) * 2;
      const bytes = Bytes.allocate(at + byteCount + 8);
      for (let i = 0; i < bytes.u8.length; i++) bytes.u8[i] = random.below(256);
      murmurHash64(bytes, at, byteCount, seed | 0);
      const hash = (BigInt(scratchMurmur.hi >>> 0) << 32n) | BigInt(scratchMurmur.lo >>> 0);
      expect(hash).toBe(reference(bytes.u8.subarray(at, at + byteCount), seed));
    }
  }
});
