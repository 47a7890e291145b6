import { describe, expect, test } from 'bun:test';
import fc from 'fast-check';
import { allocate, free, resetAllocator, verifyAllocator } from '../../src/memory/allocator.ts';
import { GiveBack, openAdvise } from '../../src/memory/give-back.ts';
import { createShardMemory, Header, Shard } from '../../src/memory/shard.ts';

const MIB = 1 << 20;
const SUCCEEDS = (): number => 0;

function newShard(shardBytes = 64 * MIB): Shard {
  return new Shard(0, createShardMemory(shardBytes));
}

describe('GiveBack', () => {
  test.skipIf(openAdvise() === null)('returns the memory of free pages, which then read as zeros', () => {
    const shard = newShard();
    const giveBack = new GiveBack([shard], openAdvise());
    const kept = allocate(shard, MIB);
    const block = allocate(shard, 5 * MIB);
    shard.bytes.u8.fill(7, kept, kept + MIB);
    shard.bytes.u8.fill(7, block, block + 5 * MIB);
    expect(giveBack.giveBackRun(shard)).toBe(0);
    free(shard, block);
    expect(shard.words[Header.DirtyPages]).toBe((5 * MIB) / 4096);
    const given = [];
    for (let bytes = giveBack.giveBackRun(shard); bytes > 0; bytes = giveBack.giveBackRun(shard)) {
      given.push(bytes);
      verifyAllocator(shard);
    }
    expect(given).toEqual([2 * MIB, 2 * MIB, MIB]);
    expect(shard.words[Header.DirtyPages]).toBe(0);
    expect(shard.bytes.u8.subarray(block, block + 5 * MIB).every((byte) => byte === 0)).toBe(true);
    expect(shard.bytes.u8.subarray(kept, kept + MIB).every((byte) => byte === 7)).toBe(true);
    const again = allocate(shard, 5 * MIB);
    shard.bytes.u8.fill(9, again, again + 5 * MIB);
    verifyAllocator(shard);
  });

  test('leaves short runs alone', () => {
    const shard = newShard();
    const block = allocate(shard, 15 * 4096);
    const guard = allocate(shard, 15 * 4096);
    free(shard, block);
    expect(new GiveBack([shard], SUCCEEDS).giveBackRun(shard)).toBe(0);
    free(shard, guard);
    expect(new GiveBack([shard], SUCCEEDS).giveBackRun(shard)).toBe(30 * 4096);
  });

  test('stops asking a system that refuses, with the run still free', () => {
    const shard = newShard();
    free(shard, allocate(shard, MIB));
    const giveBack = new GiveBack([shard], () => -1);
    expect(giveBack.giveBackRun(shard)).toBe(0);
    expect(giveBack.isAvailable).toBe(false);
    expect(verifyAllocator(shard)).toBe(0);
    expect(shard.words[Header.DirtyPages]).toBe(MIB / 4096);
  });

  test('does nothing without the C library', () => {
    const shard = newShard();
    free(shard, allocate(shard, MIB));
    const giveBack = new GiveBack([shard], null);
    expect(giveBack.isAvailable).toBe(false);
    expect(giveBack.giveBackRun(shard)).toBe(0);
  });

  test('among random allocations, frees and resets the page table stays whole and everything is found', () => {
    const operation = fc.oneof(
      {
        weight: 8,
        arbitrary: fc.record({ kind: fc.constant('allocate'), value: fc.integer({ min: 1, max: 700_000 }) }),
      },
      { weight: 6, arbitrary: fc.record({ kind: fc.constant('free'), value: fc.nat() }) },
      { weight: 3, arbitrary: fc.record({ kind: fc.constant('give back'), value: fc.constant(0) }) },
      { weight: 1, arbitrary: fc.record({ kind: fc.constant('reset'), value: fc.nat(20) }) },
    );
    fc.assert(
      fc.property(fc.array(operation, { maxLength: 150 }), (operations) => {
        const shard = newShard(16 * MIB);
        const giveBack = new GiveBack([shard], SUCCEEDS);
        const blocks: number[] = [];
        for (const { kind, value } of operations) {
          if (kind === 'allocate') {
            const block = allocate(shard, value);
            if (block !== 0) blocks.push(block);
          } else if (kind === 'free' && blocks.length > 0) {
            free(shard, blocks.splice(value % blocks.length, 1)[0]!);
          } else if (kind === 'give back') giveBack.giveBackRun(shard);
          else if (kind === 'reset' && value === 0) {
            resetAllocator(shard);
            blocks.length = 0;
          }
          verifyAllocator(shard);
        }
        for (const block of blocks) free(shard, block);
        while (giveBack.giveBackRun(shard) > 0) continue;
        verifyAllocator(shard);
        // What is left lies in runs too short to be worth it.
        expect(shard.words[Header.DirtyPages]!).toBeLessThan(16 * 250);
      }),
      { numRuns: 150 },
    );
  });
});
