import { expect, test } from 'bun:test';
import { Counter } from '../../src/memory/control.ts';
import { TestServer } from '../support/test-server.ts';

const PERIOD_MS = 100;
const SAMPLES = 16;

test('rates are means over the last sixteen samples', () => {
  const { keyspace, statistics } = new TestServer().engine;
  const { counters } = keyspace;
  let nowMs = 1000;
  statistics.sample(nowMs);
  for (let i = 0; i < SAMPLES; i++) {
    counters[Counter.CommandsProcessed]! += 50;
    counters[Counter.NetInputBytes]! += 1024;
    statistics.sample((nowMs += PERIOD_MS));
  }
  expect(counters[Counter.OpsPerSecond]).toBeCloseTo(500);
  expect(counters[Counter.InputKbps]).toBeCloseTo(10);
  for (let i = 0; i < SAMPLES / 2; i++) statistics.sample((nowMs += PERIOD_MS));
  expect(counters[Counter.OpsPerSecond]).toBeCloseTo(250);
  for (let i = 0; i < SAMPLES / 2; i++) statistics.sample((nowMs += PERIOD_MS));
  expect(counters[Counter.OpsPerSecond]).toBeCloseTo(0);
});

test('a rate takes the time that a late sample really covers', () => {
  const { keyspace, statistics } = new TestServer().engine;
  statistics.sample(0);
  keyspace.counters[Counter.CommandsProcessed]! += 1600;
  statistics.sample(1000);
  expect(keyspace.counters[Counter.OpsPerSecond]).toBeCloseTo(1600 / SAMPLES);
});
