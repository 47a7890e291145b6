/** A lock in shared memory for what changes seldom: held for microseconds, never across anything that may wait. */

const FREE = 0;
const HELD = 1;
const CONTENDED = 2;
const WAIT_MS = 50;

export class SharedLock {
  private readonly words: Int32Array;
  private readonly at: number;

  constructor(words: Int32Array, at: number) {
    this.words = words;
    this.at = at;
  }

  /** Runs `action` under the lock. */
  with<T>(action: () => T): T {
    const { words, at } = this;
    if (Atomics.compareExchange(words, at, FREE, HELD) !== FREE) {
      while (Atomics.exchange(words, at, CONTENDED) !== FREE) Atomics.wait(words, at, CONTENDED, WAIT_MS);
    }
    try {
      return action();
    } finally {
      if (Atomics.exchange(words, at, FREE) === CONTENDED) Atomics.notify(words, at, 1);
    }
  }
}
