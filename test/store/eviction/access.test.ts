import { expect, test } from 'bun:test';
import fc from 'fast-check';
import { Shard, createShardMemory } from '../../../src/memory/shard.ts';
import {
  FrequencyKeeper,
  idleSeconds,
  setFrequency,
  setIdleSeconds,
} from '../../../src/store/eviction/access.ts';
import { Key } from '../../../src/store/key.ts';
import { recordAccess, recordEpoch, stampRecord, touchAccess } from '../../../src/store/record.ts';

const MINUTE_MS = 60_000;
const shard = new Shard(0, createShardMemory(1 << 20));
const record = 65536 * 2;

test('idle seconds are what has passed since the use, also when the clock of 24 bits has gone round', () => {
  fc.assert(
    fc.property(fc.nat(0xffffff), fc.nat(0xffffff), (now, idle) => {
      const clock = { accessClock: now, accessKeeper: null };
      setIdleSeconds(clock, shard, record, idle);
      expect(idleSeconds(clock, shard, record)).toBe(idle);
    }),
  );
  const clock = { accessClock: 5, accessKeeper: null };
  setIdleSeconds(clock, shard, record, 2 ** 40);
  expect(idleSeconds(clock, shard, record)).toBe(0xffffff);
});

test('setting what is not kept has no effect', () => {
  stampRecord(shard, record, 7, 0x99);
  setFrequency({ accessClock: 9, accessKeeper: null }, shard, record, 3);
  expect(idleSeconds({ accessClock: 9, accessKeeper: null }, shard, record)).toBe(2);
  const keeper = new FrequencyKeeper();
  keeper.setTime(0);
  setIdleSeconds({ accessClock: 9, accessKeeper: keeper }, shard, record, 3);
  expect([recordAccess(shard, record), recordEpoch(shard, record)]).toEqual([7, 0x99]);
});

test('a count falls by one in each decay time, from whichever minute on', () => {
  fc.assert(
    fc.property(fc.nat(0xffff), fc.nat(0xffff), fc.nat(255), fc.nat(5), (minute, later, count, decay) => {
      const keeper = new FrequencyKeeper();
      keeper.decayMinutes = decay;
      keeper.setTime(minute * MINUTE_MS);
      keeper.setFrequency(shard, record, count);
      keeper.setTime((minute + later) * MINUTE_MS);
      const fallen = decay === 0 ? 0 : Math.floor(later / decay);
      expect(keeper.frequency(shard, record)).toBe(Math.max(count - fallen, 0));
      expect(keeper.idleSeconds(shard, record)).toBe(later * 60);
    }),
  );
});

test('a new record counts 5, and each use of a rarely used one adds one', () => {
  const keeper = new FrequencyKeeper();
  const key = new Key(shard);
  key.record = record;
  touchAccess(shard, record, keeper.setTime(123 * MINUTE_MS));
  keeper.noteWrite(key, true);
  expect(keeper.frequency(shard, record)).toBe(5);
  keeper.noteRead(shard, record);
  expect(keeper.frequency(shard, record)).toBe(6);
  touchAccess(shard, record, keeper.setTime(123 * MINUTE_MS));
  keeper.noteWrite(key, false);
  expect(keeper.frequency(shard, record)).toBe(5);
  keeper.noteWrite(key, false);
  expect(keeper.frequency(shard, record)).toBe(5);
});

test('the counter is logarithmic: the figures of the table in redis.conf', () => {
  const after = (uses: number, logFactor: number): number => {
    const keeper = new FrequencyKeeper();
    keeper.logFactor = logFactor;
    keeper.setFrequency(shard, record, 5);
    for (let use = 0; use < uses; use++) keeper.noteRead(shard, record);
    return keeper.frequency(shard, record);
  };
  const mean = (uses: number, logFactor: number): number => {
    let sum = 0;
    for (let round = 0; round < 20; round++) sum += after(uses, logFactor);
    return sum / 20;
  };
  // Factor 10: 100 hits 10, 1000 hits 18, 100K hits 142; factor 1: 1000 hits 49; factor 0: 1000 hits 255.
  expect(mean(100, 10)).toBeWithin(8, 13);
  expect(mean(1000, 10)).toBeWithin(16, 23);
  expect(mean(100_000, 10)).toBeWithin(130, 155);
  expect(mean(1000, 1)).toBeWithin(43, 55);
  expect(after(1000, 0)).toBe(255);
});
