/**
 * HalfSipHash-1-3: a keyed hash of 32 bits that an attacker who does not know the key cannot steer, so no flood of
 * colliding keys can be prepared. Algorithm: Aumasson and Bernstein, "SipHash: a fast short-input PRF" (2012) and the
 * reference HalfSipHash. Ours differs in two points: one compression and three finalisation rounds (as many hash
 * tables use), and a `tweak` mixed into the initial state, which stands for the logical database of a key.
 */

/** The random key of one process. Every worker must use the same. */
export interface HashKey {
  readonly k0: number;
  readonly k1: number;
}

/** Hashes below this bound: 31 bits, so that a hash is always a small non-negative integer. */
export const HASH_LIMIT = 0x80000000;

/**
 * Hash of `view[at, at + byteCount)` under `key`, in [0, 2^31).
 * Long because the rounds are written out: a helper per round costs more than the round.
 */
export function hashBytes(
  view: DataView,
  at: number,
  byteCount: number,
  key: HashKey,
  tweak: number,
): number {
  let v0 = key.k0;
  let v1 = key.k1 ^ tweak;
  let v2 = 0x6c796765 ^ v0;
  let v3 = 0x74656462 ^ key.k1;
  const wordsEnd = at + (byteCount & ~3);
  let position = at;
  for (; position < wordsEnd; position += 4) {
    const word = view.getInt32(position, true);
    v3 ^= word;
    v0 = (v0 + v1) | 0;
    v1 = ((v1 << 5) | (v1 >>> 27)) ^ v0;
    v0 = (v0 << 16) | (v0 >>> 16);
    v2 = (v2 + v3) | 0;
    v3 = ((v3 << 8) | (v3 >>> 24)) ^ v2;
    v0 = (v0 + v3) | 0;
    v3 = ((v3 << 7) | (v3 >>> 25)) ^ v0;
    v2 = (v2 + v1) | 0;
    v1 = ((v1 << 13) | (v1 >>> 19)) ^ v2;
    v2 = (v2 << 16) | (v2 >>> 16);
    v0 ^= word;
  }
  let tail = byteCount << 24;
  switch (byteCount & 3) {
    case 3:
      tail |= (view.getUint8(position + 2) << 16) | view.getUint16(position, true);
      break;
    case 2:
      tail |= view.getUint16(position, true);
      break;
    case 1:
      tail |= view.getUint8(position);
      break;
  }
  v3 ^= tail;
  v0 = (v0 + v1) | 0;
  v1 = ((v1 << 5) | (v1 >>> 27)) ^ v0;
  v0 = (v0 << 16) | (v0 >>> 16);
  v2 = (v2 + v3) | 0;
  v3 = ((v3 << 8) | (v3 >>> 24)) ^ v2;
  v0 = (v0 + v3) | 0;
  v3 = ((v3 << 7) | (v3 >>> 25)) ^ v0;
  v2 = (v2 + v1) | 0;
  v1 = ((v1 << 13) | (v1 >>> 19)) ^ v2;
  v2 = (v2 << 16) | (v2 >>> 16);
  v0 ^= tail;
  v2 ^= 0xff;
  for (let round = 0; round < 3; round++) {
    v0 = (v0 + v1) | 0;
    v1 = ((v1 << 5) | (v1 >>> 27)) ^ v0;
    v0 = (v0 << 16) | (v0 >>> 16);
    v2 = (v2 + v3) | 0;
    v3 = ((v3 << 8) | (v3 >>> 24)) ^ v2;
    v0 = (v0 + v3) | 0;
    v3 = ((v3 << 7) | (v3 >>> 25)) ^ v0;
    v2 = (v2 + v1) | 0;
    v1 = ((v1 << 13) | (v1 >>> 19)) ^ v2;
    v2 = (v2 << 16) | (v2 >>> 16);
  }
  return (v1 ^ v3) >>> 1;
}
