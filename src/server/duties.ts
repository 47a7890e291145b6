/** A worker's periodic duties: expiry and memory of its home shards, idle clients, statistics. */
import { Counter } from '../memory/control.ts';
import { lockShard, unlockShard } from '../memory/lock.ts';
import type { Shard } from '../memory/shard.ts';
import { Header } from '../memory/shard.ts';
import { Key } from '../store/key.ts';
import { closeOverdueClients } from './clients.ts';
import type { Engine } from './engine.ts';

const TICK_MS = 100;
const CLIENT_CHECK_TICKS = 10;
/** Entries looked at under one hold of a lock: well under a millisecond. */
const EXPIRE_SLICE_ENTRIES = 500;
/** Share of a tick that expiry may take when many keys are stale. */
const EXPIRE_BUDGET_MS = 25;
/** Time after which clients get their turn before expiry goes on. */
const EXPIRE_TURN_MS = 2;

/** Starts the duties of `engine`'s worker: shard i belongs to worker i mod N. */
export function startDuties(engine: Engine): void {
  const { workerIndex, workerCount } = engine;
  const home = engine.keyspace.shards.filter((shard) => shard.index % workerCount === workerIndex);
  const expiry = new ExpiryDuty(engine, home);
  let tickCount = 0;
  setInterval(() => {
    engine.keyspace.setTime(Date.now());
    engine.statistics.sample();
    // Redis: a paused data set does not change by itself either.
    if (engine.dispatcher.pause.untilMs === 0) expiry.tick();
    if (++tickCount % CLIENT_CHECK_TICKS === 0) closeOverdueClients(engine);
  }, TICK_MS);
}

/** Walks the home shards for keys whose time has come, in slices, longer while it finds many. */
class ExpiryDuty {
  private readonly engine: Engine;
  private readonly shards: readonly Shard[];
  private readonly key: Key;
  private next = 0;
  private running = false;
  /** DEBUG SET-ACTIVE-EXPIRE. */
  enabled = true;

  constructor(engine: Engine, shards: readonly Shard[]) {
    this.engine = engine;
    this.shards = shards;
    this.key = new Key(engine.keyspace.shards[0]!);
    engine.mesh.on('expiry.enable', (enabled) => {
      this.enabled = enabled === true;
    });
  }

  tick(): void {
    if (this.enabled && !this.running) this.turn(performance.now());
  }

  /** Works for one turn; goes on after the event loop has served clients while there is much to do. */
  private turn(startedAt: number): void {
    const { keyspace } = this.engine;
    const turnStart = performance.now();
    keyspace.setTime(Date.now());
    let stale = 0;
    let visited = 0;
    while (visited < this.shards.length && performance.now() - turnStart < EXPIRE_TURN_MS) {
      const shard = this.shards[this.next]!;
      const removed = this.slice(shard);
      stale += removed;
      // A shard in which a slice finds one stale key in ten is worth another slice at once.
      if (removed * 10 < EXPIRE_SLICE_ENTRIES) {
        this.next = (this.next + 1) % this.shards.length;
        visited++;
      }
    }
    keyspace.counters[Counter.ExpireCycleUs]! += (performance.now() - turnStart) * 1000;
    this.running = stale > 0 && performance.now() - startedAt < EXPIRE_BUDGET_MS;
    if (this.running) setImmediate(() => this.turn(startedAt));
  }

  private slice(shard: Shard): number {
    if (!hasExpiries(shard)) return 0;
    lockShard(shard);
    try {
      return this.engine.keyspace.expireSlice(shard, EXPIRE_SLICE_ENTRIES, this.key);
    } finally {
      unlockShard(shard);
    }
  }
}

function hasExpiries(shard: Shard): boolean {
  for (let word: number = Header.ExpiryCounts; word < Header.ExpiryCounts + 1024; word++) {
    if (shard.words[word] !== 0) return true;
  }
  return false;
}
