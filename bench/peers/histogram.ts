/** Latencies counted in buckets of a constant relative width of about 1 %, from 1 µs to about a minute: constant memory
 *  and no allocation while measuring. The maximum is exact. */

const BUCKETS_PER_DOUBLING = 64;
const BUCKET_COUNT = BUCKETS_PER_DOUBLING * 26;

export class LatencyHistogram {
  readonly #counts = new Uint32Array(BUCKET_COUNT);
  #total = 0;
  #maxUs = 0;

  record(latencyUs: number): void {
    const bucket = latencyUs <= 1 ? 0 : Math.floor(Math.log2(latencyUs) * BUCKETS_PER_DOUBLING);
    this.#counts[Math.min(bucket, BUCKET_COUNT - 1)]!++;
    this.#total++;
    if (latencyUs > this.#maxUs) this.#maxUs = latencyUs;
  }

  get total(): number {
    return this.#total;
  }

  get maxUs(): number {
    return this.#maxUs;
  }

  /** The latency that `share` (0 to 1) of the records do not exceed, to about 1 %; 0 when nothing was recorded. */
  percentileUs(share: number): number {
    const wanted = Math.ceil(this.#total * share);
    if (wanted === 0) return 0;
    let seen = 0;
    for (let bucket = 0; bucket < BUCKET_COUNT; bucket++) {
      seen += this.#counts[bucket]!;
      if (seen >= wanted) return Math.min(2 ** ((bucket + 0.5) / BUCKETS_PER_DOUBLING), this.#maxUs);
    }
    return this.#maxUs;
  }

  clear(): void {
    this.#counts.fill(0);
    this.#total = 0;
    this.#maxUs = 0;
  }
}
