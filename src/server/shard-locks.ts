/**
 * The set of shard locks one command holds: taken in ascending order, given back together.
 *
 * A script may turn out to need more than it holds when it cannot begin anew. It then takes all others in no order, and
 * raises a word that everybody looks at who waits for a lock with others in hand: they give theirs back, for they have
 * changed nothing yet, and stand aside until it has all. Who holds all it needs, or waits with nothing in hand, is in
 * nobody's way. So whoever takes several locks must take them here.
 */
import {
  LockOutcome,
  lockShardPatiently,
  lockShardUnlessAsked,
  unlockShard,
  waitWhile,
  wakeWaiters,
} from '../memory/lock.ts';
import { Head, Interest, type Shard } from '../memory/shard.ts';

export class ShardLocks {
  private readonly shards: readonly Shard[];
  private readonly wanted: Int32Array;
  private readonly isWanted: Uint8Array;
  private wantedCount = 0;
  private heldCount = 0;
  /** Shards of the keys that the script being run has declared, while `isScoped`. */
  private readonly scope: Uint8Array;
  private isBusy = false;
  /** `want` does not ask for locks, which are held, but tells whether the shard is in the scope. */
  isScoped = false;
  /** Since `keepScope` a shard outside of it was wanted. */
  hasStrayed = false;

  constructor(shards: readonly Shard[]) {
    this.shards = shards;
    this.wanted = new Int32Array(shards.length);
    this.isWanted = new Uint8Array(shards.length);
    this.scope = new Uint8Array(shards.length);
  }

  /** Adds a shard to those that `lockWanted` will take. */
  want(index: number): void {
    if (this.isScoped) return this.stray(index);
    if (this.isWanted[index] !== 0) return;
    this.isWanted[index] = 1;
    let place = this.wantedCount++;
    for (; place > 0 && this.wanted[place - 1]! > index; place--)
      this.wanted[place] = this.wanted[place - 1]!;
    this.wanted[place] = index;
  }

  wantAll(): void {
    for (let index = 0; index < this.shards.length; index++) this.want(index);
  }

  private stray(index: number): void {
    if (this.scope[index] === 0) this.hasStrayed = true;
  }

  /** Makes what is wanted so far the scope of the script to be run; `enterScope` is to follow. */
  keepScope(): void {
    this.scope.set(this.isWanted);
  }

  /** The locks are held, and the script begins. A scope of all shards is none. */
  enterScope(): void {
    this.isScoped = this.scope.includes(0);
    this.hasStrayed = false;
  }

  /** Takes the locks wanted; false, with none held, when one of the shards is busy with a script that runs for long. */
  lockWantedUnlessBusy(): boolean {
    const { shards, wanted } = this;
    const { heads, head } = shards[0]!;
    while (this.heldCount < this.wantedCount) {
      const outcome = lockShardUnlessAsked(shards[wanted[this.heldCount]!]!, head + Head.Widening);
      if (outcome === LockOutcome.Taken) this.heldCount++;
      else if (outcome === LockOutcome.Busy) {
        this.release();
        return false;
      } else {
        this.unlockHeld();
        waitWhile(heads, head + Head.Widening, 1);
      }
    }
    return true;
  }

  /**
   * Takes the locks that are missing of all. False: another holder does so just now, and each waits for the other. Calls
   * `onWait` now and then meanwhile.
   */
  widen(onWait: () => void): boolean {
    const { shards } = this;
    const { heads, head } = shards[0]!;
    if (Atomics.compareExchange(heads, head + Head.Widening, 0, 1) !== 0) return false;
    for (const shard of shards) wakeWaiters(shard);
    for (const [index, shard] of shards.entries()) {
      if (this.isWanted[index] !== 0) continue;
      lockShardPatiently(shard, onWait);
      this.isWanted[index] = 1;
      this.wanted[this.wantedCount++] = index;
      this.heldCount++;
    }
    Atomics.store(heads, head + Head.Widening, 0);
    Atomics.notify(heads, head + Head.Widening);
    if (this.isBusy) this.setBusy(true);
    return true;
  }

  /** Tells who waits for the locks held that they will be for long, or (false) no longer. */
  setBusy(isBusy: boolean): void {
    this.isBusy = isBusy;
    for (let place = 0; place < this.heldCount; place++) {
      const { heads, head } = this.shards[this.wanted[place]!]!;
      Atomics.store(heads, head + Head.Busy, isBusy ? 1 : 0);
    }
  }

  get isHoldingAny(): boolean {
    return this.heldCount > 0;
  }

  /** Of the shards whose locks are held, the fewest bytes that any has never handed out. */
  untouchedBytes(): number {
    let bytes = Infinity;
    for (let place = 0; place < this.heldCount; place++) {
      bytes = Math.min(bytes, this.shards[this.wanted[place]!]!.untouchedBytes);
    }
    return bytes;
  }

  /** Whether the lock of every shard is held. */
  get areAll(): boolean {
    return this.heldCount === this.shards.length;
  }

  /** Whether the lock of shard `index` is held. */
  holds(index: number): boolean {
    return this.heldCount > 0 && this.isWanted[index] !== 0;
  }

  /** Whether somebody waits for keys of a shard whose lock is held. */
  get haveWaits(): boolean {
    for (let place = 0; place < this.heldCount; place++) {
      const { heads, head } = this.shards[this.wanted[place]!]!;
      if ((heads[head + Head.Interests]! & Interest.Waits) !== 0) return true;
    }
    return false;
  }

  private unlockHeld(): void {
    while (this.heldCount > 0) unlockShard(this.shards[this.wanted[--this.heldCount]!]!);
  }

  /** Gives back every lock held and forgets what was wanted. */
  release(): void {
    this.isScoped = false;
    this.unlockHeld();
    for (let place = 0; place < this.wantedCount; place++) this.isWanted[this.wanted[place]!] = 0;
    this.wantedCount = 0;
  }
}
