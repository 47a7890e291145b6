import { afterAll, beforeAll, describe, expect, test } from 'bun:test';
import { Bytes } from '../../src/base/bytes.ts';
import { Key } from '../../src/store/key.ts';
import { OracleClient } from '../support/oracle-client.ts';
import { isOracleMissing, type Oracle, startOracle } from '../support/oracles.ts';
import { replyValue } from '../support/reply.ts';
import { TestServer } from '../support/test-server.ts';

/** The lines of INFO by section; a field's value by its name. */
function sectionsOf(reply: string): Map<string, Map<string, string>> {
  const sections = new Map<string, Map<string, string>>();
  let fields = new Map<string, string>();
  for (const line of String(replyValue(reply)).split('\r\n')) {
    if (line.startsWith('# ')) {
      fields = new Map();
      sections.set(line.slice(2), fields);
    } else if (line !== '') {
      const colon = line.indexOf(':');
      fields.set(line.slice(0, colon), line.slice(colon + 1));
    }
  }
  return sections;
}

function field(server: TestServer, section: string, name: string): string | undefined {
  return sectionsOf(server.run('INFO', 'everything')).get(section)?.get(name);
}

function expireIn(server: TestServer, name: string, ms: number): void {
  const { keyspace } = server.engine;
  const bytes = Bytes.fromText(name);
  const key = new Key(keyspace.shards[0]!);
  keyspace.locate(key, bytes, 0, bytes.u8.length, 0);
  keyspace.find(key);
  keyspace.setExpiry(key, Date.now() + ms);
}

describe('INFO', () => {
  test('shows the default sections when none is asked for, and all of them when all are', () => {
    const server = new TestServer();
    const names = (...parts: string[]): string[] => [...sectionsOf(server.run('INFO', ...parts)).keys()];
    const all =
      'Server Clients Memory Persistence Stats Replication CPU Modules Commandstats Errorstats Latencystats Cluster Keyspace'.split(
        ' ',
      );
    expect(names()).toEqual(all.filter((name) => name !== 'Commandstats' && name !== 'Latencystats'));
    expect(names('default')).toEqual(names());
    expect(names('all')).toEqual(all);
    expect(names('EVERYTHING')).toEqual(all);
    expect(names('keyspace', 'Server', 'no-such-section')).toEqual(['Server', 'Keyspace']);
    expect(names('default', 'commandstats')).toEqual(all.filter((name) => name !== 'Latencystats'));
  });

  test('replies with exact bytes: an empty text for an unknown section, a verbatim text in RESP3', () => {
    const server = new TestServer();
    expect(server.run('INFO', 'no-such-section')).toBe('$0\r\n\r\n');
    expect(server.run('INFO', 'cluster')).toBe('$30\r\n# Cluster\r\ncluster_enabled:0\r\n\r\n');
    expect(server.run('INFO', 'modules', 'cluster')).toBe(
      '$43\r\n# Modules\r\n\r\n# Cluster\r\ncluster_enabled:0\r\n\r\n',
    );
    server.client.connection.version = 3;
    expect(server.run('INFO', 'cluster')).toBe('=34\r\ntxt:# Cluster\r\ncluster_enabled:0\r\n\r\n');
  });

  test('serves the API of Redis 8 and says who we are', () => {
    const server = new TestServer();
    expect(field(server, 'Server', 'redis_version')).toBe('8.0.0');
    expect(field(server, 'Server', 'redis_mode')).toBe('standalone');
    expect(field(server, 'Server', 'damselfly_version')).toMatch(/^\d+\.\d+\.\d+$/);
    expect(field(server, 'Server', 'process_id')).toBe(String(process.pid));
  });

  test('counts keys, expiries and the mean time to live of each database that holds any', () => {
    const server = new TestServer();
    const { keyspace, statistics } = server.engine;
    expect(server.run('INFO', 'keyspace')).toBe('$12\r\n# Keyspace\r\n\r\n');
    for (let i = 0; i < 50; i++) server.run('SET', `k${i}`, 'v');
    for (let i = 0; i < 20; i++) expireIn(server, `k${i}`, 60_000);
    server.client.connection.database = 3;
    server.run('SET', 'k', 'v');
    // The sample sees the shards it happens to look at: several of them together see every key.
    for (let i = 0; i < 20; i++) statistics.sample();
    const fields = sectionsOf(server.run('INFO', 'keyspace')).get('Keyspace')!;
    expect([...fields.keys()]).toEqual(['db0', 'db3']);
    expect(fields.get('db3')).toBe('keys=1,expires=0,avg_ttl=0,subexpiry=0');
    const [, ttl] = /^keys=50,expires=20,avg_ttl=(\d+),subexpiry=0$/.exec(fields.get('db0')!)!;
    expect(Number(ttl)).toBeGreaterThan(50_000);
    expect(Number(ttl)).toBeLessThanOrEqual(60_000);
    expect(keyspace.expiryCount(0)).toBe(20);
  });

  test('tells memory, its peak and its limit truly', () => {
    const server = new TestServer({ settings: { maxmemory: String(100 << 20) } });
    server.run('SET', 'k', 'x'.repeat(1_000_000));
    const used = Number(field(server, 'Memory', 'used_memory'));
    expect(used).toBe(server.engine.keyspace.usedBytes());
    expect(used).toBeGreaterThan(1_000_000);
    expect(field(server, 'Memory', 'maxmemory')).toBe(String(100 << 20));
    expect(field(server, 'Memory', 'maxmemory_human')).toBe('100.00M');
    expect(Number(field(server, 'Memory', 'used_memory_rss'))).toBeGreaterThan(1_000_000);
    server.engine.statistics.sample();
    server.run('SET', 'k', 'x');
    expect(Number(field(server, 'Memory', 'used_memory_peak'))).toBe(used);
    expect(Number(field(server, 'Memory', 'used_memory'))).toBeLessThan(1000);
  });

  test('times slow commands whenever they run', () => {
    const server = new TestServer();
    for (let i = 0; i < 5; i++) server.run('DEBUG', 'SLEEP', '0.02');
    const stats = sectionsOf(server.run('INFO', 'commandstats')).get('Commandstats')!;
    const [, usec] = /^calls=5,usec=(\d+),/.exec(stats.get('cmdstat_debug')!)!;
    expect(Number(usec)).toBeGreaterThanOrEqual(100_000);
  });

  test('counts calls, failures, refusals and error codes', () => {
    const server = new TestServer();
    server.run('SET', 'k', 'v');
    server.run('SET', 'k', 'v');
    server.run('GET');
    server.run('NOSUCH');
    server.run('DEBUG', 'ERROR', 'MYCODE something happened');
    server.run('DEBUG', 'ERROR', 'ODD:CODE x');
    server.run('CONFIG', 'GET', 'maxmemory');
    const sections = sectionsOf(server.run('INFO', 'commandstats', 'errorstats', 'stats'));
    const stats = sections.get('Commandstats')!;
    expect(stats.get('cmdstat_set')).toMatch(
      /^calls=2,usec=\d+,usec_per_call=\d+\.\d\d,rejected_calls=0,failed_calls=0$/,
    );
    expect(stats.get('cmdstat_get')).toBe(
      'calls=0,usec=0,usec_per_call=0.00,rejected_calls=1,failed_calls=0',
    );
    expect(stats.get('cmdstat_debug')).toMatch(/^calls=2,.*,rejected_calls=0,failed_calls=2$/);
    expect(stats.has('cmdstat_config|get')).toBe(true);
    expect(sections.get('Errorstats')).toEqual(
      new Map([
        ['errorstat_ERR', 'count=2'],
        ['errorstat_MYCODE', 'count=1'],
        ['errorstat_ODD_CODE', 'count=1'],
      ]),
    );
    expect(sections.get('Stats')!.get('total_error_replies')).toBe('4');
    // The reply of a command that is still running cannot count itself.
    expect(sections.get('Stats')!.get('total_commands_processed')).toBe('8');
  });
});

describe('TIME', () => {
  test('tells seconds and microseconds of the present', () => {
    const server = new TestServer();
    const before = Date.now();
    const [seconds, micros] = replyValue(server.run('TIME')) as [string, string];
    const nowMs = Number(seconds) * 1000 + Number(micros) / 1000;
    expect(nowMs).toBeGreaterThan(before - 5);
    expect(nowMs).toBeLessThan(Date.now() + 5);
    expect(Number(micros)).toBeLessThan(1_000_000);
  });
});

describe('LOLWUT', () => {
  test('ends with the version, whatever numbers it is given', () => {
    const server = new TestServer();
    expect(server.run('LOLWUT')).toMatch(/^\$\d+\r\n[\s\S]*\nRedis ver\. 8\.0\.0\n\r\n$/);
    expect(server.run('LOLWUT', 'VERSION', '5', '20', '3')).toBe(server.run('LOLWUT'));
    expect(server.run('LOLWUT', 'VERSION', 'x')).toBe('-ERR value is not an integer or out of range\r\n');
  });
});

describe('SHUTDOWN', () => {
  test('refuses what Redis refuses', () => {
    const server = new TestServer();
    for (const words of [['FOO'], ['SAVE', 'NOSAVE'], ['ABORT', 'NOW'], ['NOSAVE', 'ABORT']]) {
      expect(server.run('SHUTDOWN', ...words)).toBe('-ERR syntax error\r\n');
    }
    expect(server.run('SHUTDOWN', 'ABORT')).toBe('-ERR No shutdown in progress.\r\n');
  });

  test('asks main to stop and replies nothing; later input is not served', async () => {
    const server = new TestServer();
    const asked: unknown[] = [];
    server.engine.mesh.on('shutdown', (request) => {
      asked.push(request);
      return new Promise(() => {});
    });
    expect(server.run('SHUTDOWN', 'NOSAVE', 'NOW', 'FORCE')).toBe('');
    await Bun.sleep(0);
    expect(asked).toEqual([{ isSaving: false, isForced: true }]);
    expect(server.run('PING')).toBe('');
  });

  test('tells that the data could not be saved, and serves on', async () => {
    const server = new TestServer();
    const asked: unknown[] = [];
    server.engine.mesh.on('shutdown', (request) => {
      asked.push(request);
      return 'ERR Errors trying to SHUTDOWN. Check logs.';
    });
    for (const words of [[], ['SAVE'], ['now']]) expect(server.run('SHUTDOWN', ...words)).toBe('');
    await Bun.sleep(1);
    expect(server.client.socket.output).toBe('-ERR Errors trying to SHUTDOWN. Check logs.\r\n'.repeat(3));
    expect(asked).toEqual([null, true, null].map((isSaving) => ({ isSaving, isForced: false })));
    expect(server.run('PING')).toBe('+PONG\r\n');
  });
});

describe.skipIf(isOracleMissing('redis-server'))('beside redis-server', () => {
  let oracle: Oracle;
  let redis: OracleClient;

  beforeAll(async () => {
    oracle = await startOracle('redis-server');
    redis = await OracleClient.connect(oracle.port);
  });

  afterAll(async () => {
    redis.close();
    await oracle.stop();
  });

  test('INFO has every section and field of Redis, in its order', async () => {
    const theirs = sectionsOf(await redis.run('INFO', 'everything'));
    const ours = sectionsOf(new TestServer().run('INFO', 'everything'));
    expect([...ours.keys()]).toEqual([...theirs.keys()]);
    for (const [section, fields] of theirs) {
      if (section === 'Commandstats' || section === 'Latencystats') continue;
      const names = [...ours.get(section)!.keys()].filter((name) => fields.has(name));
      expect(names).toEqual([...fields.keys()]);
    }
  });

  test('numbers of INFO are numbers, and texts are texts, as in Redis', async () => {
    const theirs = sectionsOf(await redis.run('INFO', 'default'));
    const ours = sectionsOf(new TestServer().run('INFO', 'default'));
    const form = (value: string): string => value.replace(/\d+/g, '9').replace(/^-?9(\.9)?[KMG]?B?$/, 'n');
    for (const [section, fields] of theirs) {
      for (const [name, value] of fields) {
        // A test's run id is all zeros.
        if (name === 'run_id' || name === 'master_replid') continue;
        const isNumber = form(value) === 'n';
        expect([name, form(ours.get(section)!.get(name)!) === 'n']).toEqual([name, isNumber]);
      }
    }
  });

  test('errors have the same bytes', async () => {
    const server = new TestServer();
    for (const parts of [
      ['TIME', 'x'],
      ['LOLWUT', 'VERSION', '5', 'x'],
      ['SHUTDOWN', 'FOO'],
      ['SHUTDOWN', 'ABORT'],
      ['SHUTDOWN', 'ABORT', 'SAVE'],
      ['INFO', 'no-such-section'],
    ]) {
      expect(server.run(...parts)).toBe(await redis.run(...parts));
    }
  });
});
