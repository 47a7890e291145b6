/** A thread of lock.test.ts: does what its one message says, then answers. */

import { Prng } from '../support/prng.ts';
import { lockShard, unlockShard } from '../../src/memory/lock.ts';
import { Header, Shard } from '../../src/memory/shard.ts';

export interface LockTask {
  readonly kind: 'increment' | 'transfer' | 'hold';
  readonly memories: readonly SharedArrayBuffer[];
  readonly heads: SharedArrayBuffer;
  readonly rounds: number;
  readonly seed: number;
}

declare const self: Worker;

/** Plain words of the shard that the lock guards. */
const FIRST_WORD = Header.KeyCounts;
export const GUARDED_WORDS = 8;

self.addEventListener('message', (event) => {
  const task = event.data as LockTask;
  const shards = task.memories.map((memory, index) => new Shard(index, memory, task.heads));
  const random = new Prng(task.seed);
  for (let round = 0; round < task.rounds; round++) {
    if (task.kind === 'increment') increment(shards[round % shards.length]!);
    else if (task.kind === 'transfer') transfer(shards, random);
    else hold(shards[0]!);
  }
  postMessage('done');
});

/** Every word goes up by one; a thread in between would see, and leave, words that differ. */
function increment(shard: Shard): void {
  lockShard(shard);
  const { words } = shard;
  const before = words[FIRST_WORD]!;
  for (let i = 0; i < GUARDED_WORDS; i++) {
    if (words[FIRST_WORD + i] !== before) throw new Error('another thread is inside');
    words[FIRST_WORD + i] = before + 1;
  }
  unlockShard(shard);
}

/** Moves one unit between two shards under both locks, taken in ascending order. */
function transfer(shards: readonly Shard[], random: Prng): void {
  const from = random.below(shards.length);
  const to = (from + 1 + random.below(shards.length - 1)) % shards.length;
  const first = shards[Math.min(from, to)]!;
  const second = shards[Math.max(from, to)]!;
  lockShard(first);
  lockShard(second);
  shards[from]!.words[FIRST_WORD]!--;
  shards[to]!.words[FIRST_WORD]!++;
  unlockShard(second);
  unlockShard(first);
}

/** Holds the lock long enough for the others to go to sleep over it. */
function hold(shard: Shard): void {
  lockShard(shard);
  shard.words[FIRST_WORD]!++;
  Bun.sleepSync(2);
  unlockShard(shard);
}
