/** Active defragmentation of a worker's home shards (store/defragment.ts), as the `activedefrag` settings want it. */
import { Counter } from '../../memory/control.ts';
import { lockShardUnlessBusy, unlockShard } from '../../memory/lock.ts';
import type { Shard } from '../../memory/shard.ts';
import { defragmentSlice, fragmentedBytes, slice } from '../../store/defragment.ts';
import { Key } from '../../store/key.ts';
import type { Keyspace } from '../../store/keyspace.ts';

/** Records looked at under one hold of a lock: 0.1 ms when many of them are moved. */
const SLICE_ENTRIES = 200;
/** Time after which clients get their turn before it goes on. */
const TURN_MS = 2;
const TICK_MS = 100;

export interface DefragmentSettings {
  readonly isOn: boolean;
  /** Percent of fragmentation from which on a shard is looked at, and from which on with all effort. */
  readonly lowerPercent: number;
  readonly upperPercent: number;
  /** Percent of the time it may take at these. */
  readonly cycleMinPercent: number;
  readonly cycleMaxPercent: number;
  /** Nothing is done while all shards together have no more than this of it. */
  readonly ignoreBytes: number;
}

export class DefragmentDuty {
  settings: DefragmentSettings;
  private readonly keyspace: Keyspace;
  private readonly home: readonly Shard[];
  private readonly key: Key;
  /** By home shard: where to go on. */
  private readonly cursors: Int32Array;
  private next = 0;
  private running = false;

  constructor(keyspace: Keyspace, home: readonly Shard[], settings: DefragmentSettings) {
    this.keyspace = keyspace;
    this.home = home;
    this.settings = settings;
    this.key = new Key(keyspace.shards[0]!);
    this.cursors = new Int32Array(home.length);
  }

  /** To be called about ten times a second. */
  tick(): void {
    const { settings } = this;
    if (!settings.isOn || this.running || this.excessBytes() <= settings.ignoreBytes) return;
    const budgetMs = this.budgetMs();
    if (budgetMs > 0) this.turn(budgetMs);
  }

  private excessBytes(): number {
    let bytes = 0;
    for (const shard of this.keyspace.shards) bytes += fragmentedBytes(shard);
    return bytes;
  }

  private percentOf(shard: Shard): number {
    return (fragmentedBytes(shard) / Math.max(shard.usedBytes, 1)) * 100;
  }

  /** Time that this tick may take: the more, the worse the worst shard is. */
  private budgetMs(): number {
    const { lowerPercent, upperPercent, cycleMinPercent, cycleMaxPercent } = this.settings;
    let worst = 0;
    for (const shard of this.home) worst = Math.max(worst, this.percentOf(shard));
    if (worst <= lowerPercent) return 0;
    const share = Math.min((worst - lowerPercent) / Math.max(upperPercent - lowerPercent, 1), 1);
    return ((cycleMinPercent + (cycleMaxPercent - cycleMinPercent) * share) / 100) * TICK_MS;
  }

  /** Works for one turn; goes on after the event loop has served clients while there is time left. */
  private turn(budgetMs: number): void {
    const started = performance.now();
    let elapsedMs = 0;
    let idle = 0;
    while (idle < this.home.length && elapsedMs < Math.min(TURN_MS, budgetMs)) {
      if (this.slice()) idle = 0;
      else idle++;
      elapsedMs = performance.now() - started;
    }
    const { counters } = this.keyspace;
    counters[Counter.DefragmentUs]! += elapsedMs * 1000;
    const restMs = budgetMs - elapsedMs;
    this.running = restMs > 0 && idle < this.home.length;
    if (this.running) setImmediate(() => this.turn(restMs));
  }

  /** One slice of the shard whose turn it is. False: there was nothing to do in it. */
  private slice(): boolean {
    const index = this.next;
    const shard = this.home[index]!;
    this.next = (index + 1) % this.home.length;
    if (this.percentOf(shard) <= this.settings.lowerPercent || !lockShardUnlessBusy(shard)) return false;
    try {
      defragmentSlice(this.keyspace, shard, this.cursors[index]!, SLICE_ENTRIES, this.key);
    } finally {
      unlockShard(shard);
    }
    this.cursors[index] = slice.nextHash;
    this.keyspace.counters[Counter.DefragmentMoves]! += slice.movedCount;
    return true;
  }
}
