import { afterAll, beforeAll, describe, expect, test } from 'bun:test';
import { adviseOnMemory, type MemoryFigures } from '../../src/commands/server/memory-report.ts';
import { OracleClient } from '../support/oracle-client.ts';
import { isOracleMissing, type Oracle, startOracle } from '../support/oracles.ts';
import { RealClient, startRealServer } from '../support/real-server.ts';
import { type Reply, replyValue } from '../support/reply.ts';
import { TestServer } from '../support/test-server.ts';

function pairs(reply: Reply): Map<string, Reply> {
  const list = reply as Reply[];
  return new Map(Array.from({ length: list.length / 2 }, (_, i) => [String(list[i * 2]), list[i * 2 + 1]!]));
}

describe('INFO memory', () => {
  const field = (server: TestServer, name: string): number =>
    Number(new RegExp(`^${name}:(.*)\r$`, 'm').exec(server.run('INFO', 'memory'))![1]);

  test('what is used is the data and what it takes to find it', () => {
    const server = new TestServer({ settings: { 'cache-mode': 'yes' } });
    server.run('DEBUG', 'POPULATE', '5000');
    const used = field(server, 'used_memory');
    expect(used).toBe(server.engine.keyspace.usedBytes());
    expect(field(server, 'used_memory_overhead')).toBeWithin(50_000, used);
    expect(field(server, 'used_memory_dataset') + field(server, 'used_memory_overhead')).toBe(used);
    expect(field(server, 'used_memory_peak')).toBeGreaterThanOrEqual(used);
    expect(field(server, 'allocator_active')).toBeGreaterThanOrEqual(used);
    expect(field(server, 'allocator_resident')).toBeGreaterThanOrEqual(field(server, 'allocator_active'));
  });

  test('what clients hold is told beside it', () => {
    const server = new TestServer();
    const other = server.connect();
    server.engine.statistics.sample(0);
    const before = field(server, 'mem_clients_normal');
    expect(field(server, 'mem_watched_keys')).toBe(0);
    other.run('WATCH', 'a', 'b');
    other.run('MULTI');
    other.run('SET', 'a', 'x'.repeat(100_000));
    for (let tick = 0; tick < 10; tick++) server.engine.statistics.sample(tick * 100);
    expect(field(server, 'mem_clients_normal')).toBeWithin(before + 100_000, before + 110_000);
    expect(field(server, 'mem_watched_keys')).toBeGreaterThan(0);
    const waiter = server.connect();
    waiter.run('BLPOP', 'list', 0);
    expect(field(server, 'mem_blocked_clients')).toBeGreaterThan(0);
    waiter.run('SUBSCRIBE', 'c');
    server.run('EVAL', 'return 1', 0);
    expect(field(server, 'number_of_cached_scripts')).toBe(1);
    expect(field(server, 'used_memory_scripts_eval')).toBeGreaterThan(0);
  });
});

describe('MEMORY', () => {
  test('USAGE is what the key has added to used_memory, give or take its slot', () => {
    const fill: [string, (server: TestServer, key: string) => void][] = [
      ['a string', (server, key) => server.run('SET', key, 'x'.repeat(5000))],
      ['a small hash', (server, key) => server.run('HSET', key, 'f', 'v')],
      ['a list', (server, key) => server.run('RPUSH', key, ...numbers(3000))],
      ['a set', (server, key) => server.run('SADD', key, ...numbers(3000).map((n) => `m${n}`))],
      ['a hash', (server, key) => server.run('HSET', key, ...numbers(3000))],
      ['a sorted set', (server, key) => server.run('ZADD', key, ...numbers(3000))],
    ];
    for (const [what, put] of fill) {
      const server = new TestServer({ shardCount: 1 });
      // The key index is there with the first key.
      put(server, 'first');
      const before = server.engine.keyspace.usedBytes();
      put(server, 'other');
      const added = server.engine.keyspace.usedBytes() - before;
      const told = replyValue(server.run('MEMORY', 'USAGE', 'other')) as number;
      expect([what, told - added]).toEqual([what, 10]);
    }
  });

  test('STATS tells the databases that hold keys, and figures that fit together', () => {
    const server = new TestServer();
    server.run('DEBUG', 'POPULATE', '1000');
    server.run('SELECT', '2');
    server.run('SET', 'k', 'v');
    const stats = pairs(replyValue(server.run('MEMORY', 'STATS')));
    expect(stats.get('keys.count')).toBe(1001);
    expect(stats.get('db.0')).toEqual([
      'overhead.hashtable.main',
      10_000,
      'overhead.hashtable.expires',
      0,
      'overhead.hashtable.slot-to-keys',
      0,
    ]);
    expect(stats.has('db.1')).toBe(false);
    expect(stats.has('db.2')).toBe(true);
    expect(stats.get('total.allocated')).toBe(server.engine.keyspace.usedBytes());
    server.run('HELLO', '3');
    expect(server.run('MEMORY', 'STATS')).toMatch(/\r\n\$18\r\ndataset.percentage\r\n,\d/);
  });

  test('MALLOC-STATS has a line a shard', () => {
    const lines = String(replyValue(new TestServer({ shardCount: 4 }).run('MEMORY', 'MALLOC-STATS')))
      .trim()
      .split('\n');
    expect(lines).toHaveLength(4);
    expect(lines[3]).toMatch(/^shard 3: \d+ bytes in blocks, \d+ in pages, \d+ free, of \d+$/);
  });

  test('DOCTOR says what is notable', () => {
    const quiet: MemoryFigures = {
      usedBytes: 10 << 20,
      peakBytes: 10 << 20,
      activeBytes: 10 << 20,
      residentBytes: 10 << 20,
      rssBytes: 20 << 20,
      clientsBytes: 0,
      keyCount: 5,
      limitBytes: 0,
    };
    expect(adviseOnMemory({ ...quiet, usedBytes: 1 })).toContain('too little data');
    expect(adviseOnMemory(quiet)).toBe('Nothing about the memory is notable.\n');
    const advice = adviseOnMemory({
      ...quiet,
      peakBytes: 20 << 20,
      activeBytes: 15 << 20,
      residentBytes: 30 << 20,
      limitBytes: 11 << 20,
    });
    expect(advice.split('\n').map((line) => line.split(':')[0])).toEqual([
      'Peak',
      'Fragmentation',
      'Free pages',
      'Limit',
      '',
    ]);
    expect(new TestServer().run('MEMORY', 'DOCTOR')).toContain('too little data');
  });

  test('PURGE gives free pages back at once, on every worker', async () => {
    const server = await startRealServer(['--enable-debug-command', 'yes']);
    const client = await RealClient.open(server.port);
    await client.ask('DEBUG', 'POPULATE', '40000', 'key', '300');
    await client.ask('FLUSHALL');
    const free = async (): Promise<number> =>
      [...(await client.ask('MEMORY', 'MALLOC-STATS')).matchAll(/, (\d+) free,/g)].reduce(
        (sum, m) => sum + Number(m[1]),
        0,
      );
    // What FLUSHALL has removed becomes free bit by bit.
    for (let turn = 0; (turn === 0 || (await free()) > 2 << 20) && turn < 100; turn++) {
      expect(await client.ask('MEMORY', 'PURGE')).toBe('+OK\r\n');
      await Bun.sleep(5);
    }
    expect(await free()).toBeLessThanOrEqual(2 << 20);
    client.close();
    await server.stop();
  });
});

function numbers(count: number): string[] {
  return Array.from({ length: count * 2 }, (_, i) => String(i + 100_000));
}

describe.skipIf(isOracleMissing('redis-server'))('MEMORY and redis-server', () => {
  let oracle: Oracle;
  beforeAll(async () => {
    oracle = await startOracle('redis-server');
  });
  afterAll(() => oracle.stop());

  test('agree on errors, and on the names and kinds of STATS', async () => {
    const theirs = await OracleClient.connect(oracle.port);
    const ours = new TestServer();
    const requests =
      'SET k v|MEMORY|MEMORY FOO|MEMORY USAGE|MEMORY USAGE nokey|MEMORY USAGE nokey SAMPLES 0|MEMORY USAGE k SAMPLES|' +
      'MEMORY USAGE k SAMPLES x|MEMORY USAGE k SAMPLES -1|MEMORY USAGE k FOO 1|MEMORY USAGE k SAMPLES 1 FOO|' +
      'MEMORY STATS x|MEMORY DOCTOR x|MEMORY PURGE x|MEMORY HELP x|MEMORY MALLOC-STATS x';
    for (const request of requests.split('|')) {
      const parts = request.split(' ');
      expect([request, ours.run(...parts)]).toEqual([request, await theirs.run(...parts)]);
    }
    await theirs.run('HELLO', '3');
    ours.run('HELLO', '3');
    const shape = (raw: string): string => raw.replaceAll(/([:,])-?[\d.e+-]+\r\n/g, '$1N\r\n');
    expect(shape(ours.run('MEMORY', 'STATS'))).toBe(shape(await theirs.run('MEMORY', 'STATS')));
    theirs.close();
  });
});
