/** Frees, bit by bit, the structures of removed values in a worker's home shards (store/graveyard.ts). */
import { Counter } from '../../memory/control.ts';
import { lockShardUnlessBusy, unlockShard } from '../../memory/lock.ts';
import type { Shard } from '../../memory/shard.ts';
import { freeBuried, isGraveyardEmpty } from '../../store/graveyard.ts';

/** Elements freed under one hold of a lock: about 0.1 ms. */
const SLICE_ELEMENTS = 1000;
/** Time after which clients get their turn before it goes on. */
const TURN_MS = 2;

export class GraveyardDuty {
  private readonly shards: readonly Shard[];
  private readonly counters: Float64Array;
  private running = false;

  /** `home` are the shards that this worker looks after, `counters` its own. */
  constructor(home: readonly Shard[], counters: Float64Array) {
    this.shards = home;
    this.counters = counters;
  }

  /** To be called about ten times a second: for what other workers have buried. */
  tick(): void {
    if (!this.running) this.turn();
  }

  /** Something was buried in `shard`, whose lock is held: starts as soon as clients have been served. */
  wake(shard: Shard): void {
    if (this.running || !this.shards.includes(shard)) return;
    this.running = true;
    setImmediate(() => this.turn());
  }

  /** Works for one turn; goes on after the event loop has served clients while there is more to free. */
  private turn(): void {
    const started = performance.now();
    this.running = false;
    for (const shard of this.shards) {
      while (!isGraveyardEmpty(shard)) {
        if (performance.now() - started > TURN_MS) {
          this.running = true;
          setImmediate(() => this.turn());
          return;
        }
        if (!this.slice(shard)) break;
      }
    }
  }

  /** False: a script has been holding the shard for long; another time. */
  private slice(shard: Shard): boolean {
    if (!lockShardUnlessBusy(shard)) return false;
    try {
      if (freeBuried(shard, SLICE_ELEMENTS)) this.counters[Counter.LazyFreed]!++;
    } finally {
      unlockShard(shard);
    }
    return true;
  }
}
