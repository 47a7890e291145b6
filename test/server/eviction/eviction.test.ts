/** Eviction in a whole server: what commands, clients and watchers see of it. */
import { describe, expect, test } from 'bun:test';
import { Counter } from '../../../src/memory/control.ts';
import { Header } from '../../../src/memory/shard.ts';
import { EvictionDuty } from '../../../src/server/duties/eviction-duty.ts';
import { orderOf, patienceOf } from '../../../src/server/eviction/eviction.ts';
import { TestServer, type TestServerOptions } from '../../support/test-server.ts';

const LIMIT_BYTES = 1 << 20;

function start(settings: Record<string, string>, options: TestServerOptions = {}): TestServer {
  return new TestServer({
    shardCount: 4,
    ...options,
    settings: { maxmemory: `${LIMIT_BYTES}`, ...settings },
  });
}

const number = (server: TestServer, section: string, name: string): number =>
  Number(new RegExp(`^${name}:(.*)\r$`, 'm').exec(server.run('INFO', section))?.[1]);

/** Writes `count` strings of 300 bytes; returns the replies that were not OK. */
function fill(server: TestServer, count: number, ...options: string[]): string[] {
  const refused: string[] = [];
  for (let i = 0; i < count; i++) {
    const reply = server.run('SET', `key:${i}`, 'v'.repeat(300), ...options);
    if (reply !== '+OK\r\n') refused.push(reply);
  }
  return refused;
}

/** Writes strings until `key`, which is not read, has had to go. */
function fillUntilGone(server: TestServer, key: string): void {
  for (let round = 0; server.run('EXISTS', key) !== ':0\r\n'; round++) {
    if (round === 100) throw new Error(`${key} is not evicted`);
    fill(server, 4000);
  }
}

async function turns(count: number): Promise<void> {
  for (let turn = 0; turn < count; turn++) await new Promise((resolve) => setImmediate(resolve));
}

test('the names of the policies', () => {
  expect(orderOf('noeviction')).toBeNull();
  expect(orderOf('allkeys-lru')).toEqual({ ranking: 'idle', isVolatile: false });
  expect(orderOf('volatile-lfu')).toEqual({ ranking: 'frequency', isVolatile: true });
  expect(orderOf('volatile-ttl')).toEqual({ ranking: 'expiry', isVolatile: true });
  expect(orderOf('allkeys-random')).toEqual({ ranking: 'random', isVolatile: false });
});

test('tenacity is time, as in Redis', () => {
  expect([0, 10, 100].map(patienceOf)).toEqual([0, 0.5, Infinity]);
  expect(patienceOf(99)).toBeGreaterThan(100_000);
});

describe('every policy keeps to the limit', () => {
  const policies = ['allkeys-lru', 'allkeys-lfu', 'allkeys-random', 'volatile-lru', 'volatile-lfu'];
  test.each([...policies, 'volatile-random', 'volatile-ttl', 'cache-mode'])('%s', (policy) => {
    const settings = policy === 'cache-mode' ? { 'cache-mode': 'yes' } : { 'maxmemory-policy': policy };
    const server = start(settings as Record<string, string>);
    const options = policy.startsWith('volatile') ? ['EX', '1000'] : [];
    expect(fill(server, 6000, ...options)).toEqual([]);
    const used = server.engine.keyspace.usedBytes();
    expect(used).toBeWithin(LIMIT_BYTES * 0.95, LIMIT_BYTES);
    expect(number(server, 'stats', 'evicted_keys')).toBe(6000 - server.engine.keyspace.keyCount(0));
    expect(server.run('GET', 'key:5999')).toStartWith('$300');
    server.verify();
  });

  test('noeviction refuses, and serves again when there is room', () => {
    const server = start({});
    const refused = fill(server, 6000);
    expect(new Set(refused)).toEqual(
      new Set(["-OOM command not allowed when used memory > 'maxmemory'.\r\n"]),
    );
    expect(server.engine.keyspace.usedBytes()).toBeWithin(LIMIT_BYTES * 0.99, LIMIT_BYTES * 1.01);
    expect(server.run('GET', 'key:0')).toStartWith('$300');
    for (let i = 0; i < 10; i++) server.run('DEL', `key:${i}`);
    expect(server.run('SET', 'key:0', 'v')).toBe('+OK\r\n');
  });

  test('volatile policies refuse when nothing has an expiry', () => {
    const server = start({ 'maxmemory-policy': 'volatile-lru' });
    server.run('SET', 'timed', 'v', 'EX', 100);
    expect(fill(server, 6000).length).toBeGreaterThan(1000);
    expect(server.run('EXISTS', 'timed')).toBe(':0\r\n');
    expect(number(server, 'stats', 'evicted_keys')).toBe(1);
  });
});

test('values of all sizes: a large one makes room for itself, one larger than the limit is refused and costs nothing', () => {
  const server = start({ 'maxmemory-policy': 'allkeys-lru' });
  fill(server, 4000);
  for (const byteCount of [70_000, 200_000, 500_000]) {
    expect(server.run('SET', 'large', 'x'.repeat(byteCount))).toBe('+OK\r\n');
    expect(server.engine.keyspace.usedBytes()).toBeLessThanOrEqual(LIMIT_BYTES);
  }
  const before = server.run('DBSIZE');
  expect(server.run('SET', 'huge', 'x'.repeat(2 << 20))).toStartWith('-OOM');
  expect(server.run('DBSIZE')).toBe(before);
});

test('a huge collection that goes is waited for, and not paid for with other keys', () => {
  const server = start({ 'maxmemory-policy': 'volatile-lru' });
  const members = Array.from({ length: 20_000 }, (_, i) => `member:${i}`);
  server.run('SADD', 'large', ...members);
  server.run('EXPIRE', 'large', 1000);
  let count = 0;
  while (server.run('EXISTS', 'large') === ':1\r\n') {
    expect(server.run('SET', `key:${count++}`, 'v'.repeat(300), 'EX', 1000)).toBe('+OK\r\n');
  }
  const evicted = number(server, 'stats', 'evicted_keys');
  // What it held makes room for about 2,000 more.
  for (let i = 0; i < 1000; i++) server.run('SET', `more:${i}`, 'v'.repeat(300), 'EX', 1000);
  expect(number(server, 'stats', 'evicted_keys')).toBe(evicted);
  server.verify();
});

test('memcached: nothing is refused while something can be evicted', () => {
  const server = start({ 'maxmemory-policy': 'allkeys-lru' });
  const client = server.connectMemcached();
  const value = 'v'.repeat(1000);
  for (let i = 0; i < 3000; i++) {
    expect(client.send(`set key:${i} 0 0 1000\r\n${value}\r\n`)).toBe('STORED\r\n');
    expect(client.send(`mg stub:${i} N30\r\n`)).not.toContain('SERVER_ERROR');
  }
  const evictions = /STAT evictions (\d+)/.exec(client.send('stats\r\n'))![1];
  expect(Number(evictions)).toBe(number(server, 'stats', 'evicted_keys'));
  expect(Number(evictions)).toBeGreaterThan(1500);
  expect(client.send('stats settings\r\n')).toContain('STAT evictions on');
  const refusing = start({ maxmemory: '1000' }).connectMemcached();
  for (let i = 0; i < 100; i++) refusing.send(`set key:${i} 0 0 1\r\n1\r\n`);
  expect(refusing.send('set b 0 0 1\r\n1\r\n')).toBe('SERVER_ERROR out of memory storing object\r\n');
  expect(refusing.send('stats settings\r\n')).toContain('STAT evictions off');
});

describe('who looks at a key hears of its eviction', () => {
  test('WATCH', () => {
    const server = start({ 'maxmemory-policy': 'allkeys-lru' });
    server.run('SET', 'watched', 'v');
    const other = server.connect();
    other.run('WATCH', 'watched');
    other.run('MULTI');
    other.run('PING');
    fillUntilGone(server, 'watched');
    expect(other.run('EXEC')).toBe('*-1\r\n');
    server.verify();
  });

  test('CLIENT TRACKING', () => {
    const server = start({ 'maxmemory-policy': 'allkeys-lru' });
    server.run('SET', 'tracked', 'v');
    const other = server.connect();
    other.run('HELLO', 3);
    other.run('CLIENT', 'TRACKING', 'ON');
    other.run('GET', 'tracked');
    other.socket.output = '';
    fillUntilGone(server, 'tracked');
    expect(other.socket.output).toBe('>2\r\n$10\r\ninvalidate\r\n*1\r\n$7\r\ntracked\r\n');
  });

  test('keyspace notifications, of class e', () => {
    const server = start({ 'maxmemory-policy': 'allkeys-lru', 'notify-keyspace-events': 'KEe' });
    const other = server.connect();
    other.run('SUBSCRIBE', '__keyevent@0__:evicted', '__keyspace@0__:key:0', '__keyevent@0__:del');
    other.socket.output = '';
    for (let round = 0; round < 100 && !other.socket.output.includes('__keyspace@0__:key:0'); round++) {
      fill(server, 4000);
    }
    const count = number(server, 'stats', 'evicted_keys');
    expect(other.socket.output.split('__keyevent@0__:evicted')).toHaveLength(count + 1);
    expect(other.socket.output).toContain('__keyspace@0__:key:0\r\n$7\r\nevicted');
    expect(other.socket.output).not.toContain('__keyevent@0__:del');
  });

  test('a client that waits for a stream of a group', async () => {
    const server = start({ 'maxmemory-policy': 'allkeys-lru' });
    server.run('XGROUP', 'CREATE', 'stream', 'group', '$', 'MKSTREAM');
    const other = server.connect();
    expect(other.run('XREADGROUP', 'GROUP', 'group', 'me', 'BLOCK', 0, 'STREAMS', 'stream', '>')).toBe('');
    fillUntilGone(server, 'stream');
    await turns(5);
    expect(other.socket.output).toBe('-UNBLOCKED the stream key no longer exists\r\n');
    server.verify();
  });

  test('the hook for a journal, before the key is gone', () => {
    const server = start({ 'maxmemory-policy': 'allkeys-lru' });
    const { keyspace } = server.engine;
    const names: string[] = [];
    keyspace.onEvicted = (key) => {
      expect(keyspace.find(key)).not.toBe(0);
      names.push(key.bytes.u8.toString('latin1', key.at, key.at + key.byteCount));
    };
    fill(server, 5000);
    expect(names).toHaveLength(number(server, 'stats', 'evicted_keys'));
    expect(new Set(names).size).toBe(names.length);
  });
});

test('EXEC and scripts make room before they begin', () => {
  const server = start({ 'maxmemory-policy': 'allkeys-lru' });
  fill(server, 5000);
  const before = number(server, 'stats', 'evicted_keys');
  server.run('MULTI');
  for (let i = 0; i < 50; i++) server.run('SET', `queued:${i}`, 'v'.repeat(5000));
  expect(server.run('EXEC')).toBe(`*50\r\n${'+OK\r\n'.repeat(50)}`);
  expect(server.engine.keyspace.usedBytes()).toBeLessThanOrEqual(LIMIT_BYTES);
  for (let i = 0; i < 500; i++) {
    expect(
      server.run('EVAL', "return redis.call('set', KEYS[1], ARGV[1])", 1, `s:${i}`, 'v'.repeat(2000)),
    ).toBe('+OK\r\n');
  }
  expect(server.engine.keyspace.usedBytes()).toBeLessThanOrEqual(LIMIT_BYTES * 1.02);
  expect(number(server, 'stats', 'evicted_keys')).toBeGreaterThan(before + 500);
});

describe('when the limit is lowered', () => {
  test('the duty evicts what is too much, and INFO tells how long it took', async () => {
    const server = start({ 'maxmemory-policy': 'allkeys-lru', maxmemory: `${8 << 20}` });
    fill(server, 20_000);
    const { engine } = server;
    engine.config.assign({ maxmemory: `${LIMIT_BYTES}` });
    engine.eviction.configure(engine.config);
    const duty = new EvictionDuty(engine.eviction, engine.keyspace.shards, engine.control);
    duty.tick();
    expect(engine.keyspace.usedBytes()).toBeGreaterThan(LIMIT_BYTES);
    await Bun.sleep(5);
    duty.tick();
    expect(number(server, 'stats', 'current_eviction_exceeded_time')).toBeGreaterThan(0);
    for (let i = 0; i < 1000 && engine.keyspace.usedBytes() > LIMIT_BYTES; i++) await turns(5);
    expect(engine.keyspace.usedBytes()).toBeLessThanOrEqual(LIMIT_BYTES);
    duty.tick();
    expect(number(server, 'stats', 'current_eviction_exceeded_time')).toBe(0);
    expect(number(server, 'stats', 'total_eviction_exceeded_time')).toBeGreaterThan(0);
    server.verify();
  });

  test('a command goes on in spite of it, and evicts more than it adds', () => {
    const server = start({ 'maxmemory-policy': 'allkeys-lru', maxmemory: `${8 << 20}` });
    fill(server, 20_000);
    const { engine } = server;
    engine.config.assign({ maxmemory: `${LIMIT_BYTES}`, 'maxmemory-eviction-tenacity': '0' });
    engine.eviction.configure(engine.config);
    let last = engine.keyspace.usedBytes();
    for (let i = 0; i < 20; i++) {
      expect(server.run('SET', `other:${i}`, 'v'.repeat(2000))).toBe('+OK\r\n');
      expect(engine.keyspace.usedBytes()).toBeLessThan(last);
      last = engine.keyspace.usedBytes();
    }
  });

  test('nothing is evicted during CLIENT PAUSE', () => {
    const server = start({ 'maxmemory-policy': 'allkeys-lru', maxmemory: `${8 << 20}` });
    fill(server, 10_000);
    const { engine } = server;
    engine.dispatcher.pause.untilMs = Date.now() + 100_000;
    engine.config.assign({ maxmemory: `${LIMIT_BYTES}` });
    engine.eviction.configure(engine.config);
    new EvictionDuty(engine.eviction, engine.keyspace.shards, null).tick();
    server.run('GET', 'a');
    expect(number(server, 'stats', 'evicted_keys')).toBe(0);
    engine.dispatcher.pause.untilMs = 0;
    new EvictionDuty(engine.eviction, engine.keyspace.shards, null).tick();
    expect(number(server, 'stats', 'evicted_keys')).toBeGreaterThan(0);
  });
});

test('the policy may change while there are keys, to every other and back', () => {
  const server = start({});
  const { engine } = server;
  const policies = [
    'allkeys-lru',
    'allkeys-lfu',
    'cache',
    'volatile-ttl',
    'cache',
    'allkeys-lfu',
    'allkeys-lru',
  ];
  for (const [round, policy] of policies.entries()) {
    engine.config.assign(
      policy === 'cache' ? { 'cache-mode': 'yes' } : { 'cache-mode': 'no', 'maxmemory-policy': policy },
    );
    engine.eviction.configure(engine.config);
    for (let i = 0; i < 2500; i++) {
      expect(server.run('SET', `${round}:${i}`, 'v'.repeat(300), 'EX', '1000')).toBe('+OK\r\n');
      server.run('GET', `${round}:${i % 100}`);
    }
    expect(engine.keyspace.usedBytes()).toBeLessThanOrEqual(LIMIT_BYTES);
    expect(
      server.run(
        'OBJECT',
        policy.includes('-lru') || policy.includes('ttl') ? 'IDLETIME' : 'FREQ',
        `${round}:2499`,
      ),
    ).toMatch(/^:\d/);
    new EvictionDuty(engine.eviction, engine.keyspace.shards, null).tick();
    const hasGhosts = engine.keyspace.shards.some(({ words }) => words[Header.Ghosts] !== 0);
    expect(hasGhosts).toBe(policy === 'cache');
    server.verify();
  }
});

test('FLUSHALL in cache mode drops what is remembered', () => {
  const server = start({ 'cache-mode': 'yes' });
  fill(server, 6000);
  server.run('FLUSHALL');
  expect(server.engine.keyspace.usedBytes()).toBe(0);
  server.verify();
  expect(fill(server, 6000)).toEqual([]);
  server.verify();
});

test('CONFIG RESETSTAT forgets what was counted, and not what is reserved', () => {
  const server = start({ 'maxmemory-policy': 'allkeys-lru' });
  fill(server, 5000);
  const { counters } = server.engine.keyspace;
  const reserved = counters[Counter.ReservedBytes];
  server.engine.mesh.askHere('statistics.reset', null);
  expect(number(server, 'stats', 'evicted_keys')).toBe(0);
  expect(counters[Counter.ReservedBytes]).toBe(reserved!);
  server.engine.eviction.guard.rest();
  expect(counters[Counter.ReservedBytes]).toBe(0);
});

test('LATENCY has the event eviction-cycle', () => {
  const server = start({ 'maxmemory-policy': 'allkeys-lru', 'latency-monitor-threshold': '1' });
  const { engine } = server;
  engine.slowness.configure();
  engine.slowness.latency.addIfLong('nothing', 0);
  engine.eviction.guard.onEvicted(5);
  expect(engine.slowness.latency.list().map(({ name }) => name)).toEqual(['eviction-cycle']);
});
