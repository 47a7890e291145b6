/** The cache mode's order in a whole server, over traces that one of LRU and LFU cannot do. */
import { describe, expect, test } from 'bun:test';
import { makeTraces } from '../../../bench/cache/traces.ts';
import { TestServer } from '../../support/test-server.ts';

const LIMIT_BYTES = 400_000;
const VALUE = 'v'.repeat(100);
/** About what fits. */
const CAPACITY = 2400;

/** Share of hits of the last four fifths of a trace. */
function hitRatio(keys: Int32Array, settings: Record<string, string>): number {
  const server = new TestServer({
    shardCount: 1,
    settings: { maxmemory: `${LIMIT_BYTES}`, ...settings },
  });
  let hits = 0;
  const from = keys.length / 5;
  for (let at = 0; at < keys.length; at++) {
    if (!server.run('GET', `object:${keys[at]}`).startsWith('$-1')) hits += at >= from ? 1 : 0;
    else expect(server.run('SET', `object:${keys[at]}`, VALUE)).toBe('+OK\r\n');
  }
  expect(server.engine.keyspace.usedBytes()).toBeLessThanOrEqual(LIMIT_BYTES);
  server.verify();
  return hits / (keys.length - from);
}

describe('the cache mode', () => {
  const traces = new Map(
    makeTraces({ requestCount: CAPACITY * 32, capacity: CAPACITY }).map(({ name, keys }) => [name, keys]),
  );
  const cache = (name: string): number => hitRatio(traces.get(name)!, { 'cache-mode': 'yes' });
  const lfu = (name: string): number => hitRatio(traces.get(name)!, { 'maxmemory-policy': 'allkeys-lfu' });

  test('keeps what it has of a loop that does not fit', () => {
    expect(cache('loop')).toBeGreaterThan(0.4);
  }, 60_000);

  test('follows a working set that shifts, which LFU does not', () => {
    expect(cache('shifting set')).toBeGreaterThan(lfu('shifting set') * 1.2);
  }, 60_000);

  test('is no worse than LFU where frequency tells', () => {
    expect(cache('zipf 0.9')).toBeGreaterThan(lfu('zipf 0.9') * 0.99);
  }, 60_000);
});
