/** A small seeded generator, xoshiro128** (Blackman and Vigna, https://prng.di.unimi.it): repeatable sampling and
 *  tests. Not for secrets: its output can be predicted. */

export class Prng {
  private a: number;
  private b: number;
  private c: number;
  private d: number;

  /** Only the low 32 bits of `seed` count; they are spread by splitmix32, so that 0 and 1 are fine seeds too. */
  constructor(seed: number) {
    this.a = spread(seed, 1);
    this.b = spread(seed, 2);
    this.c = spread(seed, 3);
    this.d = spread(seed, 4);
  }

  /** The next 32 random bits as an unsigned integer. */
  next32(): number {
    const product = Math.imul(this.b, 5);
    const result = Math.imul((product << 7) | (product >>> 25), 9) >>> 0;
    const shifted = this.b << 9;
    this.c ^= this.a;
    this.d ^= this.b;
    this.b ^= this.c;
    this.a ^= this.d;
    this.c ^= shifted;
    this.d = (this.d << 11) | (this.d >>> 21);
    return result;
  }

  /** A random integer in [0, n), n at most 2^32. Scaled rather than rejected: the bias is below n / 2^32. */
  below(n: number): number {
    return Math.floor((this.next32() / 4294967296) * n);
  }
}

/** The `step`-th output of splitmix32. Its finaliser is a bijection, so the four words are never all zero. */
function spread(seed: number, step: number): number {
  let word = (seed + Math.imul(step, 0x9e3779b9)) | 0;
  word = Math.imul(word ^ (word >>> 16), 0x85ebca6b);
  word = Math.imul(word ^ (word >>> 13), 0xc2b2ae35);
  return word ^ (word >>> 16);
}
