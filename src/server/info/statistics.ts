/** Figures of one worker that must be sampled rather than counted: rates, the peak of used memory, the mean time to
 *  live. Kept in the control block, where INFO of any worker finds them. */
import { CommandCounter, Control, Counter } from '../../memory/control.ts';
import { ErrorCounts } from '../../memory/error-counts.ts';
import { lockShardUnlessBusy, unlockShard } from '../../memory/lock.ts';
import { expiryAtMs } from '../../store/record.ts';
import { collectRecords } from '../../store/walking.ts';
import { clientBytes } from '../clients/client-line.ts';
import type { Engine } from '../engine.ts';

/** Rates are means over this many samples (Redis: STATS_METRIC_SAMPLES). */
const SAMPLES = 16;
const SAMPLES_PER_SECOND = 10;
/** How many shards, and entries of each, the mean time to live of a database is taken from. */
const TTL_SHARDS = 4;
const TTL_ENTRIES = 64;

/** What CONFIG RESETSTAT leaves alone: what is so now, not since when. */
const LASTING_COUNTERS: readonly number[] = [
  Counter.ConnectedClients,
  Counter.BlockedClients,
  Counter.PubSubClients,
  Counter.TrackingClients,
  Counter.TrackedKeys,
  Counter.TrackedItems,
  Counter.TrackedPrefixes,
  Counter.ReservedBytes,
  Counter.ClientBytes,
];

const RATES = [
  { of: Counter.CommandsProcessed, into: Counter.OpsPerSecond, unit: 1 },
  { of: Counter.NetInputBytes, into: Counter.InputKbps, unit: 1024 },
  { of: Counter.NetOutputBytes, into: Counter.OutputKbps, unit: 1024 },
];

export class Statistics {
  private readonly engine: Engine;
  private readonly meters = RATES.map(({ unit }) => new Meter(unit));
  private readonly records: number[] = [];
  private nextDatabase = 0;
  private ticks = 0;

  constructor(engine: Engine) {
    this.engine = engine;
    engine.mesh.on('statistics.reset', () => this.reset());
  }

  /** Must be called about ten times a second. */
  sample(nowMs = performance.now()): void {
    const { counters } = this.engine.keyspace;
    RATES.forEach(({ of, into }, index) => {
      counters[into] = this.meters[index]!.sample(counters[of]!, nowMs);
    });
    if (this.ticks++ % SAMPLES_PER_SECOND === 0) counters[Counter.ClientBytes] = this.clientBytes();
    if (this.engine.workerIndex !== 0) return;
    this.samplePeak();
    this.sampleTimeToLive();
  }

  private clientBytes(): number {
    let bytes = 0;
    for (const client of this.engine.clients.values()) bytes += clientBytes(client);
    return bytes;
  }

  private samplePeak(): void {
    const { keyspace, control } = this.engine;
    const peak = Control.PeakBytes >> 1;
    control.doubles[peak] = Math.max(control.doubles[peak]!, keyspace.usedBytes());
  }

  /** Renews the figure of one database that has keys with an expiry; the next call takes the next such. */
  private sampleTimeToLive(): void {
    const { keyspace, control, config } = this.engine;
    const count = config.number('databases');
    for (let tries = 0; tries < count; tries++) {
      const database = this.nextDatabase;
      this.nextDatabase = (database + 1) % count;
      if (keyspace.expiryCount(database) === 0) continue;
      control.doubles[Control.AverageTtl + database] = this.meanTimeToLive(database);
      return;
    }
  }

  private meanTimeToLive(database: number): number {
    const { keyspace } = this.engine;
    const { shards } = keyspace;
    const first = Math.floor(Math.random() * shards.length);
    let sum = 0;
    let count = 0;
    for (let i = 0; i < Math.min(TTL_SHARDS, shards.length); i++) {
      const shard = shards[(first + i) % shards.length]!;
      this.records.length = 0;
      if (!lockShardUnlessBusy(shard)) continue;
      try {
        collectRecords(
          keyspace,
          shard,
          database,
          Math.floor(Math.random() * 0x7fffffff),
          TTL_ENTRIES,
          this.records,
        );
        for (const record of this.records) {
          const whenMs = expiryAtMs(shard, record);
          if (whenMs === 0) continue;
          sum += Math.max(whenMs - keyspace.nowMs, 0);
          count++;
        }
      } finally {
        unlockShard(shard);
      }
    }
    return count === 0 ? this.engine.control.doubles[Control.AverageTtl + database]! : sum / count;
  }

  /** CONFIG RESETSTAT, for this worker's part. */
  private reset(): void {
    const { keyspace, control, workerIndex, registry } = this.engine;
    for (let counter = 0; counter < Counter.Count; counter++) {
      if (!LASTING_COUNTERS.includes(counter)) keyspace.counters[counter] = 0;
    }
    control.commandCounters(workerIndex).fill(0, 0, registry.commands.length * CommandCounter.Count);
    control.commandTimes(workerIndex).fill(0);
    this.meters.forEach((meter) => meter.reset());
    if (workerIndex === 0) new ErrorCounts(control.memory).reset();
  }
}

/** The rate at which a counter grows, per second, as a mean over the last samples. */
class Meter {
  private readonly unit: number;
  private readonly rates = new Float64Array(SAMPLES);
  private index = 0;
  private lastCount = 0;
  private lastMs = -1;

  constructor(unit: number) {
    this.unit = unit;
  }

  sample(count: number, nowMs: number): number {
    const elapsedMs = nowMs - this.lastMs;
    if (this.lastMs >= 0 && elapsedMs > 0) {
      this.rates[this.index] = ((count - this.lastCount) * 1000) / elapsedMs / this.unit;
      this.index = (this.index + 1) % SAMPLES;
    }
    this.lastCount = count;
    this.lastMs = nowMs;
    return this.rates.reduce((sum, rate) => sum + rate, 0) / SAMPLES;
  }

  reset(): void {
    this.rates.fill(0);
    this.lastCount = 0;
  }
}
