/** Digests of twenty bytes that are mixed from SHA-1 sums, as Redis' DEBUG DIGEST has them. */

const DIGEST_BYTES = 20;
const scratchSum = new Uint8Array(DIGEST_BYTES);

export class Digest {
  readonly bytes = new Uint8Array(DIGEST_BYTES);

  clear(): void {
    this.bytes.fill(0);
  }

  /** Adds something whose order does not count. */
  add(content: Uint8Array): void {
    Bun.SHA1.hash(content, scratchSum);
    this.join(scratchSum);
  }

  /** Joins what was added elsewhere. */
  join(sums: Uint8Array): void {
    for (let i = 0; i < DIGEST_BYTES; i++) this.bytes[i]! ^= sums[i]!;
  }

  /** Adds something that comes behind all that was added before. */
  mix(content: Uint8Array): void {
    this.add(content);
    Bun.SHA1.hash(this.bytes, scratchSum);
    this.bytes.set(scratchSum);
  }

  toHex(): string {
    return Buffer.from(this.bytes).toString('hex');
  }
}
