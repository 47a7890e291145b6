/** The set of shard locks one command holds: taken in ascending order, given back together. */
import { lockShard, lockShardUnlessBusy, unlockShard } from '../memory/lock.ts';
import { Head, Interest, type Shard } from '../memory/shard.ts';

export class ShardLocks {
  private readonly shards: readonly Shard[];
  private readonly wanted: Int32Array;
  private readonly isWanted: Uint8Array;
  private wantedCount = 0;
  private heldCount = 0;

  constructor(shards: readonly Shard[]) {
    this.shards = shards;
    this.wanted = new Int32Array(shards.length);
    this.isWanted = new Uint8Array(shards.length);
  }

  /** Adds a shard to those that `lockWanted` will take. */
  want(index: number): void {
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

  lockWanted(): void {
    for (; this.heldCount < this.wantedCount; this.heldCount++) {
      lockShard(this.shards[this.wanted[this.heldCount]!]!);
    }
  }

  /** Like `lockWanted`; false, with no lock held, when one of the shards is busy with a script that runs for long. */
  lockWantedUnlessBusy(): boolean {
    for (; this.heldCount < this.wantedCount; this.heldCount++) {
      if (lockShardUnlessBusy(this.shards[this.wanted[this.heldCount]!]!)) continue;
      this.release();
      return false;
    }
    return true;
  }

  /** Tells who waits for the locks held that they will be for long, or (false) no longer. */
  setBusy(isBusy: boolean): void {
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

  /** Gives back every lock held and forgets what was wanted. */
  release(): void {
    while (this.heldCount > 0) unlockShard(this.shards[this.wanted[--this.heldCount]!]!);
    for (let place = 0; place < this.wantedCount; place++) this.isWanted[this.wanted[place]!] = 0;
    this.wantedCount = 0;
  }
}
