/** A worker's care for the memory of its home shards: free pages that nobody needs go back to the system. */
import { type Advise, GiveBack } from '../../memory/give-back.ts';
import { lockShardUnlessBusy, unlockShard } from '../../memory/lock.ts';
import { Header, PAGE_BYTES, type Shard } from '../../memory/shard.ts';

/** What was free all through this many ticks is taken to be spare. */
const WINDOW_TICKS = 10;
/** At most this much is given back per tick: about 2.5 ms of work. */
const TICK_BYTES_MAX = 32 << 20;
/** Time after which clients get their turn before it goes on. */
const TURN_MS = 0.5;

export class MemoryDuty {
  private readonly shards: readonly Shard[];
  private readonly giveBack: GiveBack;
  /** Per home shard: the fewest free pages with memory behind them since the window began. */
  private readonly fewest: Int32Array;
  /** Per home shard: bytes that may be given back until the window ends. */
  private readonly spareBytes: Float64Array;
  private ticks = 0;
  private next = 0;
  private running = false;
  /** All that was free when it was asked for goes back, in as many turns as that takes. */
  private purging = false;

  /** `home` are those of all `shards` that this worker looks after. */
  constructor(shards: readonly Shard[], home: readonly Shard[], advise: Advise | null) {
    this.shards = home;
    this.giveBack = new GiveBack(shards, advise);
    this.fewest = new Int32Array(home.length);
    this.spareBytes = new Float64Array(home.length);
  }

  /** To be called about ten times a second. */
  tick(): void {
    if (!this.giveBack.isAvailable) return;
    const windowEnds = ++this.ticks % WINDOW_TICKS === 0;
    for (let index = 0; index < this.shards.length; index++) {
      const words = this.shards[index]!.words;
      // Read without the lock: a little wrong does no harm.
      const pages = words[Header.DirtyPages]!;
      const fewest = Math.min(this.fewest[index]!, pages);
      if (windowEnds && !this.purging) this.spareBytes[index] = fewest * PAGE_BYTES;
      this.fewest[index] = windowEnds ? pages : fewest;
    }
    if (!this.running) this.turn(TICK_BYTES_MAX);
  }

  /** Gives back all that is free now. */
  purge(): void {
    if (!this.giveBack.isAvailable) return;
    this.shards.forEach(({ words }, index) => {
      this.spareBytes[index] = words[Header.DirtyPages]! * PAGE_BYTES;
    });
    this.purging = true;
    if (!this.running) this.turn(Infinity);
  }

  private turn(budgetBytes: number): void {
    const started = performance.now();
    let rest = this.purging ? Infinity : budgetBytes;
    let idle = 0;
    while (rest > 0 && idle < this.shards.length && performance.now() - started < TURN_MS) {
      const given = this.giveBackOne(this.next);
      if (given === 0) {
        this.next = (this.next + 1) % this.shards.length;
        idle++;
      }
      rest -= given;
    }
    if (idle >= this.shards.length) this.purging = false;
    this.running = rest > 0 && idle < this.shards.length;
    if (this.running) setImmediate(() => this.turn(rest));
  }

  private giveBackOne(index: number): number {
    if (this.spareBytes[index]! <= 0) return 0;
    const shard = this.shards[index]!;
    if (!lockShardUnlessBusy(shard)) return 0;
    try {
      const given = this.giveBack.giveBackRun(shard, this.spareBytes[index]!);
      this.spareBytes[index] = given === 0 ? 0 : this.spareBytes[index]! - given;
      return given;
    } finally {
      unlockShard(shard);
    }
  }
}
