/**
 * The shard lock: the first word of the shard's head, 0 free, 1 held, 2 held with waiters (Drepper, "Futexes Are Tricky", mutex 2).
 * Spins about 100 times, then sleeps in the kernel: an uncontended lock costs 5.5 ns and a descheduled holder does not
 * burn the core of the others. Never hold one across `await`, I/O, or a wait for another thread; take several in
 * ascending shard order.
 */
import { Head, type Shard } from './shard.ts';

const FREE = 0;
const HELD = 1;
const CONTENDED = 2;
const SPINS = 100;
/** A sleeping waiter looks again after this long, so that a lost wake-up costs a pause and not a hang. */
const WAIT_MS = 50;

/** Takes the lock of `shard`; returns when this thread holds it. */
export function lockShard(shard: Shard): void {
  const { heads, head } = shard;
  if (Atomics.compareExchange(heads, head, FREE, HELD) !== FREE) lockContended(heads, head);
}

function lockContended(heads: Int32Array, head: number): void {
  for (let spin = 0; spin < SPINS; spin++) {
    if (heads[head] === FREE && Atomics.compareExchange(heads, head, FREE, HELD) === FREE) return;
  }
  while (Atomics.exchange(heads, head, CONTENDED) !== FREE) Atomics.wait(heads, head, CONTENDED, WAIT_MS);
}

/**
 * `lockShard` for who can do without: false when the holder has been declared busy (`Head.Busy`), that is when a script
 * has been running on the shard for long.
 */
export function lockShardUnlessBusy(shard: Shard): boolean {
  const { heads, head } = shard;
  if (Atomics.compareExchange(heads, head, FREE, HELD) === FREE) return true;
  for (let spin = 0; spin < SPINS; spin++) {
    if (heads[head] === FREE && Atomics.compareExchange(heads, head, FREE, HELD) === FREE) return true;
  }
  while (Atomics.exchange(heads, head, CONTENDED) !== FREE) {
    if (Atomics.load(heads, head + Head.Busy) !== 0) return false;
    Atomics.wait(heads, head, CONTENDED, WAIT_MS);
  }
  return true;
}

/** What came of `lockShardUnlessAsked`. */
export const enum LockOutcome {
  Taken,
  /** The holder is busy with a script that runs for long. */
  Busy,
  /** Somebody asks all who wait to give back what they hold. */
  Asked,
}

/** `lockShardUnlessBusy` for who holds other locks, and gives them back when word `asks` of the heads is not zero. */
export function lockShardUnlessAsked({ heads, head }: Shard, asks: number): LockOutcome {
  if (Atomics.compareExchange(heads, head, FREE, HELD) === FREE) return LockOutcome.Taken;
  for (let spin = 0; spin < SPINS; spin++) {
    if (heads[head] === FREE && Atomics.compareExchange(heads, head, FREE, HELD) === FREE)
      return LockOutcome.Taken;
  }
  while (Atomics.exchange(heads, head, CONTENDED) !== FREE) {
    if (Atomics.load(heads, head + Head.Busy) !== 0) return LockOutcome.Busy;
    if (Atomics.load(heads, asks) !== 0) return LockOutcome.Asked;
    Atomics.wait(heads, head, CONTENDED, WAIT_MS);
  }
  return LockOutcome.Taken;
}

/** `lockShard` that calls `onWait` now and then while it waits. */
export function lockShardPatiently({ heads, head }: Shard, onWait: () => void): void {
  while (Atomics.exchange(heads, head, CONTENDED) !== FREE) {
    Atomics.wait(heads, head, CONTENDED, WAIT_MS);
    onWait();
  }
}

/** Wakes who waits for the shard's lock, to look at what else it waits for. */
export function wakeWaiters({ heads, head }: Shard): void {
  Atomics.notify(heads, head);
}

/** Waits, not for long, while word `at` is `value`. */
export function waitWhile(words: Int32Array, at: number, value: number): void {
  Atomics.wait(words, at, value, WAIT_MS);
}

/** `lockShard` for a lock that is a word of its own. */
export function lockWord(words: Int32Array, at: number): void {
  if (Atomics.compareExchange(words, at, FREE, HELD) !== FREE) lockContended(words, at);
}

/** Gives back what `lockWord` has taken. */
export function unlockWord(words: Int32Array, at: number): void {
  if (Atomics.exchange(words, at, FREE) === CONTENDED) Atomics.notify(words, at, 1);
}

/** Gives the lock back; this thread must hold it. */
export function unlockShard(shard: Shard): void {
  const { heads, head } = shard;
  if (Atomics.exchange(heads, head, FREE) === CONTENDED) Atomics.notify(heads, head, 1);
}
