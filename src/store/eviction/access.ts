/**
 * What a record's 24 bits of access mean, and who keeps them (record.ts holds them). Three ways:
 *
 *   seconds      23                              0     when the key was last used: the keyspace's own, and the default
 *               +--------------------------------+
 *   frequency    23              8 7             0     Redis' LFU: `minutes` of the last decay, and a logarithmic count
 *               +-----------------+--------------+
 *               | minutes         | count        |
 *   density      23              8 7             0     hit-density.ts
 *               +-----------------+--------------+
 *
 *  Every pattern of bits has a meaning in each way, so that the way may be changed while there are keys: what they say is
 *  wrong until they are used again, as in Redis.
 */
import type { Shard } from '../../memory/shard.ts';
import type { Key } from '../key.ts';
import { recordAccess, touchAccess } from '../record.ts';

/** Keeps the access bits in another way than as seconds. The lock of the record's shard is held. */
export interface AccessKeeper {
  /** Takes the time. Returns the bits that a new record is given, which `noteWrite` then sees. */
  setTime(nowMs: number): number;
  noteRead(shard: Shard, record: number): void;
  /** The record of `key` was changed, or made. Not `isAccess`: by a client whose accesses do not count. */
  noteWrite(key: Key, isAccess: boolean): void;
  /** The record of `key` is about to be evicted. */
  noteEviction(key: Key): void;
  /** Seconds since the record was used, as far as that can be told. */
  idleSeconds(shard: Shard, record: number): number;
  /** How often it has been used lately, 0 to 255. */
  frequency(shard: Shard, record: number): number;
  /** Makes it one that has been used so often. */
  setFrequency(shard: Shard, record: number, frequency: number): void;
}

/** The keyspace as far as it concerns accesses. */
export interface AccessClock {
  readonly accessClock: number;
  readonly accessKeeper: AccessKeeper | null;
}

const SECONDS_MASK = 0xffffff;

/** Seconds since the record was used. */
export function idleSeconds(clock: AccessClock, shard: Shard, record: number): number {
  if (clock.accessKeeper !== null) return clock.accessKeeper.idleSeconds(shard, record);
  return (clock.accessClock - recordAccess(shard, record)) & SECONDS_MASK;
}

/** Makes the record one that was last used so many seconds ago; without effect where frequencies are kept. */
export function setIdleSeconds(clock: AccessClock, shard: Shard, record: number, seconds: number): void {
  if (clock.accessKeeper !== null) return;
  touchAccess(shard, record, (clock.accessClock - Math.min(seconds, SECONDS_MASK)) & SECONDS_MASK);
}

/** Makes the record one that has been used so often (0 to 255); without effect where seconds are kept. */
export function setFrequency(clock: AccessClock, shard: Shard, record: number, frequency: number): void {
  clock.accessKeeper?.setFrequency(shard, record, frequency);
}

const MINUTES_MASK = 0xffff;
const COUNT_MAX = 255;
/** What a new key counts, so that it is not the first to go (Redis: LFU_INIT_VAL). */
const COUNT_INITIAL = 5;
/** A record that is being made has one less: below the initial count every access adds one, so its first write does. */
const COUNT_UNBORN = COUNT_INITIAL - 1;

/** Least frequently used, with Redis' own logarithmic counter (evict.c, Morris 1978) and its settings. */
export class FrequencyKeeper implements AccessKeeper {
  /** lfu-log-factor: how much rarer each further step is. */
  logFactor = 10;
  /** lfu-decay-time: minutes in which a count falls by one; 0: it does not. */
  decayMinutes = 1;
  private minutes = 0;

  setTime(nowMs: number): number {
    this.minutes = Math.floor(nowMs / 60_000) & MINUTES_MASK;
    return (this.minutes << 8) | COUNT_UNBORN;
  }

  noteRead(shard: Shard, record: number): void {
    const count = this.frequency(shard, record);
    touchAccess(shard, record, (this.minutes << 8) | this.raise(count));
  }

  noteWrite({ shard, record }: Key, isAccess: boolean): void {
    if (isAccess || (recordAccess(shard, record) & COUNT_MAX) === COUNT_UNBORN) this.noteRead(shard, record);
  }

  noteEviction(): void {}

  private raise(count: number): number {
    if (count === COUNT_MAX) return count;
    const steps = Math.max(count - COUNT_INITIAL, 0);
    if (steps === 0) return count + 1;
    return Math.random() < 1 / (steps * this.logFactor + 1) ? count + 1 : count;
  }

  idleSeconds(shard: Shard, record: number): number {
    return ((this.minutes - (recordAccess(shard, record) >> 8)) & MINUTES_MASK) * 60;
  }

  frequency(shard: Shard, record: number): number {
    const access = recordAccess(shard, record);
    const count = access & COUNT_MAX;
    if (this.decayMinutes === 0) return count;
    const elapsed = (this.minutes - (access >> 8)) & MINUTES_MASK;
    return Math.max(count - Math.floor(elapsed / this.decayMinutes), 0);
  }

  setFrequency(shard: Shard, record: number, frequency: number): void {
    touchAccess(shard, record, (this.minutes << 8) | frequency);
  }
}
