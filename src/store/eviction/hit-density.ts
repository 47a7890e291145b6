/**
 * The cache mode's order: what goes is the record from which the fewest hits are to be expected for the memory and the
 * time that it takes. What is to be expected is learned all the time, from what became of records that had been used as
 * often and had been left alone as long (Beckmann, Chen and Cidon, "LHD: Improving Cache Hit Rate by Maximizing Hit
 * Density", NSDI 2018). Where recency tells (a working set that shifts) it comes to behave like LRU, where frequency
 * tells (Zipf) like LFU, and on a loop it keeps what it has, which neither does.
 *
 * Departs from the paper: the classes are counts of uses, not ages of the last two, for a count is remembered of keys
 * that were evicted (ghosts.ts), as TinyLFU does; ages are buckets whose width doubles.
 *
 *  access bits    23              8 7        0
 *                +-----------------+----------+    time of the last use by the clock below; uses, 254 at most, 255 while
 *                | time            | count    |    the record is being made
 *                +-----------------+----------+
 *
 *  shared memory, doubles, per worker, each written by that worker alone and read by all
 *   0        8                1032               2056
 *   +--------+----------------+------------------+
 *   | clock  | hits           | evictions        |     by class x AGES + bucket of age
 *   +--------+----------------+------------------+
 *
 *  The clock goes by uses, not by seconds: 64 steps in as many uses as there are keys, all workers together; so what is
 *  learned does not depend on how busy the server is. Every 64 steps what was learned is weighed down (DECAY) and the
 *  densities are made anew from all workers' counts, for one may do the reading and another the writing.
 *  Cost: a use adds to one counter and writes the record's bits. 24 KB a worker.
 */
import { Head, type Shard } from '../../memory/shard.ts';
import { tableCount } from '../../structures/table.ts';
import type { Key } from '../key.ts';
import { isRooted, recordAccess, recordBlockBytes, recordEncoding, touchAccess } from '../record.ts';
import type { AccessKeeper } from './access.ts';
import { makeGhostPlaces, recallGhost, rememberGhost } from './ghosts.ts';

const CLASSES = 16;
const AGES = 64;
const CELLS = CLASSES * AGES;
const CLOCK_WORDS = 8;
const WORKER_DOUBLES = CLOCK_WORDS + 2 * CELLS;

const COUNT_MAX = 254;
const COUNT_UNBORN = 255;
const COUNT_MASK = 255;
const TIME_MASK = 0xffff;

/** Steps of the clock in as many uses as there are keys. */
const STEPS = 64;
const DECAY = 0.9;
/** Of fewer events than this nothing is learned. */
const EVENTS_MIN = 0.5;
/** One record in this many is kept for so many steps whatever is known, to learn what becomes of such: else what was
 *  once thought worthless would never show that it is not. */
const EXPLORER_SHARE = 256;
const EXPLORER_STEPS = 4 * STEPS;
/** What a collection that has blocks of its own is taken to hold: counting would take as long as it is large. */
const ROOTED_BYTES = 8192;
/** New records are looked at once more when so many newer ones have come: this share of all keys, within limits. */
const NEWCOMER_SHARE = 0.01;
const NEWCOMERS_MIN = 8;
const NEWCOMERS_MAX = 4096;

/** Counts below 8 are classes of their own, those above by the power of two. */
const classOf = Uint8Array.from({ length: 256 }, (_, count) =>
  count < 8 ? count : 5 + Math.floor(Math.log2(count)),
);
/** Eight buckets of one step each, then four per doubling. */
function bucketOf(age: number): number {
  if (age < 8) return age;
  const power = 31 - Math.clz32(age);
  return 8 + (power - 3) * 4 + ((age >> (power - 2)) & 3);
}
/** Steps that a bucket spans. */
const widthOf = Float64Array.from({ length: AGES }, (_, bucket) =>
  bucket < 8 ? 1 : 2 ** (Math.floor((bucket - 8) / 4) + 1),
);

/** Bytes that workers share. */
export function densityMemoryBytes(workerCount: number): number {
  return workerCount * WORKER_DOUBLES * 8;
}

export class DensityKeeper implements AccessKeeper {
  private readonly shards: readonly Shard[];
  private readonly shared: Float64Array;
  private readonly workerCount: number;
  private readonly own: number;
  private readonly hits: Float64Array;
  private readonly evictions: Float64Array;
  private readonly densities = new Float64Array(CELLS);
  private clock = 0;
  private learnedAt = 0;
  /** Uses not yet on the clock, and how many make a step. */
  private uses = 0;
  private usesPerStep = 1;
  /** Hashes of the records made last: a ring. */
  private readonly newcomers = new Int32Array(NEWCOMERS_MAX);
  private newcomersFrom = 0;
  private newcomersTo = 0;
  private newcomersMax = NEWCOMERS_MIN;

  constructor(shards: readonly Shard[], memory: SharedArrayBuffer, workerIndex: number) {
    this.shards = shards;
    this.shared = new Float64Array(memory);
    this.workerCount = this.shared.length / WORKER_DOUBLES;
    this.own = workerIndex * WORKER_DOUBLES;
    const first = this.own + CLOCK_WORDS;
    this.hits = this.shared.subarray(first, first + CELLS);
    this.evictions = this.shared.subarray(first + CELLS, first + 2 * CELLS);
    for (let cell = 0; cell < CELLS; cell++) {
      const bucket = cell % AGES;
      this.densities[cell] = (Math.floor(cell / AGES) + 1) / (widthOf[bucket]! * (bucket + 1) + 1);
    }
  }

  setTime(): number {
    this.advance();
    return ((this.clock & TIME_MASK) << 8) | COUNT_UNBORN;
  }

  /** Puts the uses on the clock, reads it, and learns when it is time. */
  private advance(): void {
    const { shared, own } = this;
    shared[own]! += this.uses / this.usesPerStep;
    this.uses = 0;
    let clock = 0;
    for (let worker = 0; worker < this.workerCount; worker++) clock += shared[worker * WORKER_DOUBLES]!;
    this.clock = Math.floor(clock);
    if (this.clock - this.learnedAt >= STEPS) this.learn();
  }

  private learn(): void {
    const periods = Math.floor((this.clock - this.learnedAt) / STEPS);
    this.learnedAt += periods * STEPS;
    let keyCount = 0;
    for (const shard of this.shards) {
      const table = shard.heads[shard.head + Head.Table]!;
      if (table !== 0) keyCount += tableCount(shard, table);
    }
    this.usesPerStep = Math.max(keyCount / STEPS, 1);
    const newcomers = Math.floor((keyCount * NEWCOMER_SHARE) / this.workerCount);
    this.newcomersMax = Math.min(Math.max(newcomers, NEWCOMERS_MIN), NEWCOMERS_MAX);
    for (let group = 0; group < CLASSES; group++) this.learnClass(group * AGES);
    const weight = DECAY ** periods;
    for (let cell = 0; cell < CELLS; cell++) {
      this.hits[cell]! *= weight;
      this.evictions[cell]! *= weight;
    }
  }

  /** Hits to come, divided by the time that records will be kept until then: from the greatest age down. */
  private learnClass(first: number): void {
    let hits = 0;
    let events = 0;
    let time = 0;
    for (let bucket = AGES - 1; bucket >= 0; bucket--) {
      const cell = first + bucket;
      const hitsHere = this.sum(CLOCK_WORDS + cell);
      hits += hitsHere;
      events += hitsHere + this.sum(CLOCK_WORDS + CELLS + cell);
      time += events * widthOf[bucket]!;
      if (events > EVENTS_MIN) this.densities[cell] = hits / time;
      else this.densities[cell] = bucket + 1 < AGES ? this.densities[cell + 1]! : 0;
    }
  }

  private sum(at: number): number {
    let sum = 0;
    for (let worker = 0; worker < this.workerCount; worker++)
      sum += this.shared[worker * WORKER_DOUBLES + at]!;
    return sum;
  }

  private cellOf(access: number): number {
    const age = (this.clock - (access >> 8)) & TIME_MASK;
    return classOf[countIn(access)]! * AGES + bucketOf(age);
  }

  noteRead(shard: Shard, record: number): void {
    const access = recordAccess(shard, record);
    this.hits[this.cellOf(access)]!++;
    this.write(shard, record, Math.min(countIn(access) + 1, COUNT_MAX));
    this.use();
  }

  noteWrite(key: Key, isAccess: boolean): void {
    const { shard, record, hash } = key;
    if ((recordAccess(shard, record) & COUNT_MASK) !== COUNT_UNBORN) {
      if (isAccess) this.noteRead(shard, record);
      return;
    }
    makeGhostPlaces(shard);
    this.write(shard, record, Math.min(recallGhost(shard, hash) + 1, COUNT_MAX));
    this.newcomers[this.newcomersTo++ % NEWCOMERS_MAX] = hash;
    this.use();
  }

  private use(): void {
    if (++this.uses >= this.usesPerStep) this.advance();
  }

  private write(shard: Shard, record: number, count: number): void {
    touchAccess(shard, record, ((this.clock & TIME_MASK) << 8) | count);
  }

  noteEviction({ shard, record, hash }: Key): void {
    const access = recordAccess(shard, record);
    this.evictions[this.cellOf(access)]!++;
    rememberGhost(shard, hash, countIn(access));
  }

  /** Hits to be expected of a record, per byte and step. */
  densityOf(shard: Shard, record: number): number {
    const access = recordAccess(shard, record);
    const isExplorer = (Math.imul(record >>> 3, 0x9e3779b1) >>> 8) % EXPLORER_SHARE === 0;
    if (isExplorer && ((this.clock - (access >> 8)) & TIME_MASK) < EXPLORER_STEPS) return Infinity;
    const isLarge = isRooted(recordEncoding(shard, record));
    const byteCount = isLarge ? ROOTED_BYTES : recordBlockBytes(shard, record);
    return this.densities[this.cellOf(access)]! / byteCount;
  }

  /** The hash of a record that is not among the newest any more, once; or -1. */
  nextNewcomer(): number {
    const oldest = this.newcomersTo - NEWCOMERS_MAX;
    if (this.newcomersFrom < oldest) this.newcomersFrom = oldest;
    if (this.newcomersTo - this.newcomersFrom <= this.newcomersMax) return -1;
    return this.newcomers[this.newcomersFrom++ % NEWCOMERS_MAX]!;
  }

  /** The clock knows no seconds. */
  idleSeconds(): number {
    return 0;
  }

  frequency(shard: Shard, record: number): number {
    return countIn(recordAccess(shard, record));
  }

  setFrequency(shard: Shard, record: number, frequency: number): void {
    this.write(shard, record, Math.min(frequency, COUNT_MAX));
  }
}

function countIn(access: number): number {
  const count = access & COUNT_MASK;
  return count === COUNT_UNBORN ? 0 : count;
}
