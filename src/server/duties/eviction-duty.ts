/** What is left of eviction when commands have done their part: after the limit was lowered, or without any commands. */
import { type ControlBlock, Counter } from '../../memory/control.ts';
import { lockShardUnlessBusy, unlockShard } from '../../memory/lock.ts';
import { Header, type Shard } from '../../memory/shard.ts';
import { forgetGhosts } from '../../store/eviction/ghosts.ts';
import type { Eviction } from '../eviction/eviction.ts';

/** Time after which clients get their turn before it goes on. */
const TURN_MS = 2;

export class EvictionDuty {
  private readonly eviction: Eviction;
  private readonly home: readonly Shard[];
  private readonly exceeded: ExceededTime | null;
  private running = false;

  /** `home` are the shards that this worker looks after; `control` is given to the one worker that keeps the time. */
  constructor(eviction: Eviction, home: readonly Shard[], control: ControlBlock | null) {
    this.eviction = eviction;
    this.home = home;
    this.exceeded = control === null ? null : new ExceededTime(control);
  }

  /** To be called about ten times a second. */
  tick(): void {
    const { eviction } = this;
    eviction.guard.rest();
    if (!this.running) this.turn();
    this.exceeded?.note(eviction.guard.excessBytes > 0, performance.now());
    if (!eviction.hasGhosts) this.forgetGhosts();
  }

  private turn(): void {
    this.running = this.eviction.guard.evictFor(TURN_MS);
    if (this.running) setImmediate(() => this.turn());
  }

  private forgetGhosts(): void {
    for (const shard of this.home) {
      if (shard.words[Header.Ghosts] === 0 || !lockShardUnlessBusy(shard)) continue;
      forgetGhosts(shard);
      unlockShard(shard);
    }
  }
}

/** How long there has been more than the limit, for INFO: in the counters of worker 0, in ms. */
class ExceededTime {
  private readonly counters: Float64Array;
  private lastMs = -1;

  constructor(control: ControlBlock) {
    this.counters = control.counters(0);
  }

  note(isExceeded: boolean, nowMs: number): void {
    const { counters } = this;
    if (!isExceeded) {
      this.lastMs = -1;
      counters[Counter.EvictionExceededNowMs] = 0;
      return;
    }
    if (this.lastMs >= 0) {
      counters[Counter.EvictionExceededNowMs]! += nowMs - this.lastMs;
      counters[Counter.EvictionExceededMs]! += nowMs - this.lastMs;
    }
    this.lastMs = nowMs;
  }
}
