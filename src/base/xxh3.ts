/** XXH3, 64 bits, seed 0 (https://xxhash.com): the digest that DIGEST and the IFDEQ family compare.
 *  Bun has it built in; this file fixes the seed and the spelling. */

const DIGEST_HEX_DIGITS = 16;

/** XXH3-64 of the bytes in [start, end). */
export function xxh3(u8: Uint8Array, start: number, end: number): bigint {
  return Bun.hash.xxHash3(u8.subarray(start, end), 0n);
}

/** The same as 16 lower-case hexadecimal digits, leading zeros kept. */
export function xxh3Hex(u8: Uint8Array, start: number, end: number): string {
  return xxh3(u8, start, end).toString(16).padStart(DIGEST_HEX_DIGITS, '0');
}
