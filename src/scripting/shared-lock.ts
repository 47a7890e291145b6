/** A lock in shared memory for what changes seldom. */
import { lockWord, unlockWord } from '../memory/lock.ts';

export class SharedLock {
  private readonly words: Int32Array;
  private readonly at: number;

  constructor(words: Int32Array, at: number) {
    this.words = words;
    this.at = at;
  }

  /** Runs `action` under the lock. */
  with<T>(action: () => T): T {
    lockWord(this.words, this.at);
    try {
      return action();
    } finally {
      unlockWord(this.words, this.at);
    }
  }
}
