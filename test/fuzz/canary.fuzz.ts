/** Fuzzers that must fail: each has one planted mistake. If one of them passes, the fuzzer it spoils finds nothing. */

import { allocate } from '../../src/memory/allocator.ts';
import { AllocatorFuzz } from './allocator.fuzz.ts';

/** Once, when many blocks live, a byte is written behind the end of one. */
class OverrunningAllocatorFuzz extends AllocatorFuzz {
  private done = false;

  protected override step(operation: number): void {
    super.step(operation);
    const block = this.blocks[0];
    if (this.done || operation < 500 || block === undefined) return;
    const neighbour = this.blocks.find(({ at }) => at === block.at + block.bytes);
    if (neighbour === undefined) return;
    this.shard.bytes.u8[neighbour.at]! ^= 1;
    this.done = true;
  }
}

/** Once, a block is taken and forgotten. */
class LeakingAllocatorFuzz extends AllocatorFuzz {
  private leaked = 0;

  protected override step(operation: number): void {
    super.step(operation);
    if (operation > 500 && this.leaked === 0) this.leaked = allocate(this.shard, 100);
  }
}

export function overrunCanary(seed: number, operationCount: number): void {
  new OverrunningAllocatorFuzz(seed).run(operationCount);
}

export function leakCanary(seed: number, operationCount: number): void {
  new LeakingAllocatorFuzz(seed).run(operationCount);
}
