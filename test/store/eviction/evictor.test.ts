import { describe, expect, test } from 'bun:test';
import { Counter } from '../../../src/memory/control.ts';
import { Evicted, Evictor } from '../../../src/store/eviction/evictor.ts';
import type { EvictionOrder } from '../../../src/store/eviction/order.ts';
import { type ClockedServer, clockedServer } from '../../support/clocked-server.ts';

const START_MS = 1_700_000_000_000;

interface Scene extends ClockedServer {
  readonly evictor: Evictor;
  evict(count: number): Evicted[];
  left(): Set<string>;
}

function scene(order: EvictionOrder | null, settings: Record<string, string> = {}, samples = 5): Scene {
  const clocked = clockedServer(START_MS, { shardCount: 4, settings });
  const { keyspace } = clocked.server.engine;
  const evictor = new Evictor(keyspace);
  evictor.configure(order, samples, 16, null);
  return {
    ...clocked,
    evictor,
    evict(count) {
      keyspace.setTime(0);
      return Array.from({ length: count }, () => evictor.evict());
    },
    left: () => new Set(clocked.run('KEYS', '*') as string[]),
  };
}

/** Of the keys a0.. and b0.., `count` each, how many are left. */
function countLeft({ left }: Scene): [a: number, b: number] {
  const keys = [...left()];
  return [keys.filter((key) => key.startsWith('a')).length, keys.filter((key) => key.startsWith('b')).length];
}

describe('of keys of two kinds those go that the order says', () => {
  test('the least recently used', () => {
    const all = scene({ ranking: 'idle', isVolatile: false });
    for (let i = 0; i < 500; i++) all.run('SET', `a${i}`, 'v');
    all.clock.nowMs += 60_000;
    for (let i = 0; i < 500; i++) all.run('SET', `b${i}`, 'v');
    all.clock.nowMs += 60_000;
    all.evict(400);
    const [a, b] = countLeft(all);
    expect(a + b).toBe(600);
    expect(b).toBeGreaterThan(450);
    all.server.verify();
  });

  test('the least frequently used', () => {
    const all = scene({ ranking: 'frequency', isVolatile: false }, { 'maxmemory-policy': 'allkeys-lfu' });
    for (let i = 0; i < 500; i++) {
      all.run('SET', `a${i}`, 'v');
      all.run('SET', `b${i}`, 'v');
      all.run('GET', `b${i}`);
    }
    all.evict(400);
    expect(countLeft(all)[1]).toBeGreaterThan(450);
  });

  test('those that expire first, of those that do', () => {
    const all = scene({ ranking: 'expiry', isVolatile: true });
    for (let i = 0; i < 500; i++) {
      all.run('SET', `a${i}`, 'v', 'EX', 1000 + i);
      all.run('SET', `b${i}`, 'v', 'EX', 100_000 + i);
      all.run('SET', `c${i}`, 'v');
    }
    all.evict(400);
    const [a, b] = countLeft(all);
    expect([a + b, b > 450]).toEqual([600, true]);
    all.evict(600);
    expect(countLeft(all)).toEqual([0, 0]);
    expect(all.run('DBSIZE')).toBe(500);
    expect(all.evict(1)).toEqual([Evicted.None]);
  });

  test('any, at random', () => {
    const all = scene({ ranking: 'random', isVolatile: false });
    for (let i = 0; i < 500; i++) {
      all.run('SET', `a${i}`, 'v');
      all.run('SET', `b${i}`, 'v');
    }
    all.evict(400);
    const [a, b] = countLeft(all);
    expect(a + b).toBe(600);
    expect(a).toBeWithin(240, 360);
  });
});

test('more samples come closer to the full order', () => {
  const wrong = (samples: number): number => {
    const all = scene({ ranking: 'idle', isVolatile: false }, {}, samples);
    for (let i = 0; i < 1000; i++) {
      all.clock.nowMs += 1000;
      all.run('SET', `${i < 500 ? 'a' : 'b'}${i}`, 'v');
    }
    all.evict(500);
    return countLeft(all)[0];
  };
  expect(wrong(10)).toBeLessThan(wrong(1));
  expect(wrong(10)).toBeLessThan(60);
});

test('a few keys that may go are found among many that may not', () => {
  const all = scene({ ranking: 'idle', isVolatile: true });
  for (let i = 0; i < 20_000; i++) all.run('SET', `c${i}`, 'v');
  all.run('SET', 'a1', 'v', 'EX', 100);
  all.run('SET', 'a2', 'v', 'EX', 100);
  expect(all.evict(3)).toEqual([Evicted.Some, Evicted.Some, Evicted.None]);
  expect(countLeft(all)).toEqual([0, 0]);
  expect(all.run('DBSIZE')).toBe(20_000);
});

test('keys of every database may go', () => {
  const all = scene({ ranking: 'idle', isVolatile: false });
  all.run('SELECT', '15');
  all.run('SET', 'a', 'v');
  expect(all.evict(2)).toEqual([Evicted.Some, Evicted.None]);
});

test('what has expired goes first, and is counted as expired', () => {
  const all = scene({ ranking: 'idle', isVolatile: false });
  const { counters } = all.server.engine.keyspace;
  for (let i = 0; i < 20; i++) all.run('SET', `b${i}`, 'v');
  all.run('SET', 'a', 'v', 'PX', 10);
  all.clock.nowMs += 1000;
  const told: string[] = [];
  all.server.engine.keyspace.onExpired = (key) => told.push(`expired ${key.byteCount}`);
  all.server.engine.keyspace.onEvicted = (key) => told.push(`evicted ${key.byteCount}`);
  for (let i = 0; i < 21; i++) all.evict(1);
  expect([counters[Counter.ExpiredKeys], counters[Counter.EvictedKeys]]).toEqual([1, 20]);
  expect(told.filter((line) => line === 'expired 1')).toHaveLength(1);
});

test('nothing is evicted while a removed value has memory to give back', () => {
  const all = scene({ ranking: 'idle', isVolatile: false });
  const { keyspace } = all.server.engine;
  const members = Array.from({ length: 20_000 }, (_, i) => `member ${i}`);
  all.run('SADD', 'large', ...members);
  for (let i = 0; i < 100; i++) all.run('SET', `b${i}`, 'v');
  all.run('UNLINK', 'large');
  const used = keyspace.usedBytes();
  for (let i = 0; i < 10; i++) expect(all.evictor.evict()).toBe(Evicted.Some);
  expect(keyspace.counters[Counter.EvictedKeys]).toBe(0);
  expect(all.evictor.freedBytes).toBe(used - keyspace.usedBytes());
  expect(all.evictor.freedBytes).toBeGreaterThan(100_000);
});

test('a candidate that has been used since it was drawn is spared', () => {
  const all = scene({ ranking: 'idle', isVolatile: false }, {}, 64);
  for (let i = 0; i < 40; i++) all.run('SET', `a${i}`, 'v');
  all.clock.nowMs += 60_000;
  all.evict(1);
  // The pool is full of keys drawn while all were equally old.
  const spared = [...all.left()].slice(0, 20);
  for (const key of spared) all.run('GET', key);
  all.evict(15);
  const left = all.left();
  expect(spared.filter((key) => !left.has(key)).length).toBeLessThan(3);
});

test('a proposal goes before those drawn that rank no worse', () => {
  const all = scene(null);
  const { keyspace } = all.server.engine;
  for (let i = 0; i < 40; i++) all.run('SET', `a${i}`, 'v');
  const text = Buffer.from('a7');
  const { bytes } = all.server.engine.dispatcher.reply;
  text.copy(bytes.u8, 0);
  const proposals = [keyspace.hash(bytes, 0, 2, 0), 1, -1];
  all.evictor.configure({ ranking: 'idle', isVolatile: false }, 5, 16, () => proposals.shift() ?? -1);
  all.evict(1);
  expect(all.left().has('a7')).toBe(false);
  all.evict(39);
  expect(all.run('DBSIZE')).toBe(0);
});
