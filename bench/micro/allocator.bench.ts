/** Allocating and freeing blocks, and what the size classes waste. */

import { Prng } from '../../test/support/prng.ts';
import { allocate, free } from '../../src/memory/allocator.ts';
import { createShardMemory, Header, PAGE_BYTES, Shard } from '../../src/memory/shard.ts';
import { runVariants, type Prepare } from '../micro.ts';

const LIVE_COUNT_MAX = 100_000;
/** Far from filling the shard: how it behaves when full is a question for tests. */
const LIVE_BYTES_MAX = 256 * 2 ** 20;
/** One run makes so many steps; the next goes on behind them, so that the branch predictor cannot learn them. */
const STEP_COUNT = 4096;
const PLAN_COUNT = STEP_COUNT * 64;

/** Frees a random block and allocates another, among many that live: what overwriting values does. */
function churn(bytesMin: number, bytesMax: number): Prepare {
  return () => {
    const random = new Prng(bytesMin * 31 + bytesMax);
    const shard = new Shard(0, createShardMemory());
    const size = () => bytesMin + random.below(bytesMax - bytesMin + 1);
    const liveCount = Math.min(LIVE_COUNT_MAX, Math.floor(LIVE_BYTES_MAX / bytesMax));
    const blocks = new Int32Array(liveCount);
    let wantedBytes = 0;
    for (let i = 0; i < liveCount; i++) {
      const byteCount = size();
      wantedBytes += byteCount;
      blocks[i] = allocate(shard, byteCount);
    }
    const heldBytes = shard.words[Header.HeldPages]! * PAGE_BYTES;
    const victims = new Int32Array(PLAN_COUNT);
    const sizes = new Int32Array(PLAN_COUNT);
    for (let i = 0; i < PLAN_COUNT; i++) {
      victims[i] = random.below(liveCount);
      sizes[i] = size();
    }
    let first = 0;
    function run(): number {
      first = (first + STEP_COUNT) % PLAN_COUNT;
      for (let i = first; i < first + STEP_COUNT; i++) {
        const victim = victims[i]!;
        free(shard, blocks[victim]!);
        blocks[victim] = allocate(shard, sizes[i]!);
      }
      return blocks[0]!;
    }
    return { run, operationCount: STEP_COUNT, extra: { heldShare: heldBytes / wantedBytes } };
  };
}

await runVariants('allocator', {
  'one size of 64 bytes': churn(64, 64),
  '16 to 128 bytes': churn(16, 128),
  '128 bytes to 4 KiB': churn(128, 4096),
  '4 KiB to 32 KiB': churn(4096, 32_768),
});
