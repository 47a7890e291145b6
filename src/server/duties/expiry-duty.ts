/**
 * Active expiry: a worker walks its home shards for keys whose time has come, and for hashes with such fields, so that
 * what nobody asks for does not keep its memory. It looks at a slice of each shard per tick, and at slice after slice where many keys are stale.
 */
import { Counter } from '../../memory/control.ts';
import { lockShardUnlessBusy, unlockShard } from '../../memory/lock.ts';
import { Header, type Shard } from '../../memory/shard.ts';
import { Key } from '../../store/key.ts';
import type { Keyspace } from '../../store/keyspace.ts';
import { expireSlice } from '../../store/walking.ts';

/** Entries looked at under one hold of a lock: 0.15 ms if all of them are stale, 0.03 ms if none is. */
const SLICE_ENTRIES = 400;
/** A slice with at least this many stale keys is worth another one at once. */
const SLICE_STALE_MIN = SLICE_ENTRIES / 10;
/** Of a tick of 100 ms, the part that expiry may fill while many keys are stale. */
const BUDGET_MS = 25;
/** Time after which clients get their turn before expiry goes on. */
const TURN_MS = 2;

export class ExpiryDuty {
  private readonly keyspace: Keyspace;
  private readonly shards: readonly Shard[];
  private readonly databaseCount: number;
  private readonly key: Key;
  private next = 0;
  private running = false;
  /** DEBUG SET-ACTIVE-EXPIRE. */
  enabled = true;

  /** `home` are the shards that this worker looks after. */
  constructor(keyspace: Keyspace, home: readonly Shard[], databaseCount: number) {
    this.keyspace = keyspace;
    this.shards = home;
    this.databaseCount = databaseCount;
    this.key = new Key(keyspace.shards[0]!);
  }

  /** To be called about ten times a second. */
  tick(): void {
    if (this.enabled && !this.running) this.turn(performance.now());
  }

  /** Works for one turn; goes on after the event loop has served clients while there is much to do. */
  private turn(startedAt: number): void {
    const { keyspace } = this;
    const turnStart = performance.now();
    keyspace.setTime(Date.now());
    let isMuchStale = false;
    for (let visited = 0; visited < this.shards.length && performance.now() - turnStart < TURN_MS;) {
      const removed = this.slice(this.shards[this.next]!);
      if (removed >= SLICE_STALE_MIN) {
        isMuchStale = true;
        continue;
      }
      this.next = (this.next + 1) % this.shards.length;
      visited++;
    }
    keyspace.counters[Counter.ExpireCycleUs]! += (performance.now() - turnStart) * 1000;
    this.running = isMuchStale && performance.now() - startedAt < BUDGET_MS;
    if (this.running) setImmediate(() => this.turn(startedAt));
  }

  private slice(shard: Shard): number {
    if (!this.hasExpiries(shard)) return 0;
    if (!lockShardUnlessBusy(shard)) return 0;
    try {
      return expireSlice(this.keyspace, shard, SLICE_ENTRIES, this.key);
    } finally {
      unlockShard(shard);
    }
  }

  private hasExpiries(shard: Shard): boolean {
    const { words } = shard;
    if (words[Header.FieldExpiryRecords] !== 0) return true;
    for (let database = 0; database < this.databaseCount; database++) {
      if (words[Header.ExpiryCounts + database] !== 0) return true;
    }
    return false;
  }
}
