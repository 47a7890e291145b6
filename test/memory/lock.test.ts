/** The shard lock between real threads. */

import { expect, test } from 'bun:test';
import { lockShard, unlockShard } from '../../src/memory/lock.ts';
import { createShardHeads, createShardMemory, Head, Header, Shard } from '../../src/memory/shard.ts';
import { freshSeed } from '../support/seed.ts';
import { GUARDED_WORDS, type LockTask } from './lock-worker.ts';

class LockTrial {
  readonly memories: SharedArrayBuffer[];
  readonly heads: SharedArrayBuffer;
  readonly shards: Shard[];

  constructor(shardCount: number) {
    this.memories = Array.from({ length: shardCount }, () => createShardMemory(1 << 20));
    this.heads = createShardHeads(shardCount);
    this.shards = this.memories.map((memory, index) => new Shard(index, memory, this.heads));
  }

  /** Lets one thread per task run; returns the milliseconds until the last was done. */
  async run(tasks: Pick<LockTask, 'kind' | 'rounds' | 'seed'>[]): Promise<number> {
    const startedMs = performance.now();
    const workers = tasks.map((task) => {
      const worker = new Worker(new URL('./lock-worker.ts', import.meta.url).href);
      const { memories, heads } = this;
      worker.postMessage({ ...task, memories, heads } satisfies LockTask);
      return new Promise<void>((resolve, reject) => {
        worker.addEventListener('message', () => resolve());
        worker.addEventListener('error', (event) => reject(new Error(event.message)));
      }).finally(() => worker.unref());
    });
    await Promise.all(workers);
    return performance.now() - startedMs;
  }
}

test('increments of plain words by several threads are all counted', async () => {
  const trial = new LockTrial(2);
  const rounds = 200_000;
  await trial.run([1, 2, 3].map((seed) => ({ kind: 'increment', rounds, seed })));
  for (const shard of trial.shards) {
    for (let i = 0; i < GUARDED_WORDS; i++) {
      expect(shard.words[Header.KeyCounts + i]).toBe((3 * rounds) / 2);
    }
    expect(shard.heads[shard.head + Head.Lock]).toBe(0);
  }
});

test('threads that hold several locks, taken in ascending order, never block each other for good', async () => {
  const seed = freshSeed('locks');
  const trial = new LockTrial(4);
  await trial.run([0, 1, 2].map((i) => ({ kind: 'transfer', rounds: 100_000, seed: seed + i })));
  let sum = 0;
  for (const shard of trial.shards) sum += shard.words[Header.KeyCounts]!;
  expect(sum).toBe(0);
});

test('a thread asleep over a lock is woken when the holder gives it back', async () => {
  const trial = new LockTrial(1);
  const rounds = 50;
  const elapsedMs = await trial.run([1, 2, 3].map((seed) => ({ kind: 'hold', rounds, seed })));
  expect(trial.shards[0]!.words[Header.KeyCounts]).toBe(3 * rounds);
  // The holders' own sleep is 300 ms. A lost wake-up costs 50 ms, and there are 150 occasions for one.
  expect(elapsedMs).toBeLessThan(3000);
});

test('the main thread waits for a worker, and the worker for it', async () => {
  const trial = new LockTrial(1);
  const shard = trial.shards[0]!;
  const worker = trial.run([{ kind: 'increment', rounds: 100_000, seed: 1 }]);
  for (let round = 0; round < 1000; round++) {
    lockShard(shard);
    for (let i = 0; i < GUARDED_WORDS; i++) shard.words[Header.KeyCounts + i]!++;
    unlockShard(shard);
    if (round % 100 === 0) await Bun.sleep(0);
  }
  await worker;
  expect(shard.words[Header.KeyCounts]).toBe(101_000);
});
