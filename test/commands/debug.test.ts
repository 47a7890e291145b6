import { afterAll, beforeAll, describe, expect, test } from 'bun:test';
import { AssertionError } from '../../src/base/assert.ts';
import { Head } from '../../src/memory/shard.ts';
import { OracleClient } from '../support/oracle-client.ts';
import { isOracleMissing, type Oracle, startOracle } from '../support/oracles.ts';
import { replyValue } from '../support/reply.ts';
import { TestServer } from '../support/test-server.ts';

const NOT_ALLOWED =
  '-ERR DEBUG command not allowed. If the enable-debug-command option is set to "local", you can run it from a local connection, otherwise you need to set this option in the configuration file, and then restart the server.\r\n';

describe('enable-debug-command', () => {
  test('no refuses DEBUG to everybody', () => {
    const server = new TestServer({ settings: { 'enable-debug-command': 'no' } });
    expect(server.run('DEBUG', 'HELP')).toBe(NOT_ALLOWED);
    expect(server.run('DEBUG', 'SLEEP', '0')).toBe(NOT_ALLOWED);
  });

  test('local allows it from this machine', () => {
    const server = new TestServer({ settings: { 'enable-debug-command': 'local' } });
    expect(server.run('DEBUG', 'SLEEP', '0')).toBe('+OK\r\n');
    expect(server.connect('10.0.0.1:5').run('DEBUG', 'SLEEP', '0')).toBe(NOT_ALLOWED);
    expect(server.connect('127.0.0.12:5').run('DEBUG', 'SLEEP', '0')).toBe(NOT_ALLOWED);
    expect(server.connect('[::1]:5').run('DEBUG', 'SLEEP', '0')).toBe('+OK\r\n');
    expect(server.connect('/unix:0').run('DEBUG', 'SLEEP', '0')).toBe('+OK\r\n');
  });
});

describe('DEBUG POPULATE', () => {
  test('makes the keys that do not exist', () => {
    const server = new TestServer();
    server.run('SET', 'key:1', 'mine');
    expect(server.run('DEBUG', 'POPULATE', 300)).toBe('+OK\r\n');
    expect(server.run('GET', 'key:0')).toBe('$7\r\nvalue:0\r\n');
    expect(server.run('GET', 'key:1')).toBe('$4\r\nmine\r\n');
    expect(server.run('GET', 'key:299')).toBe('$9\r\nvalue:299\r\n');
    expect(server.run('DEBUG', 'VERIFY')).toBe(':300\r\n');
  });

  test('stops where memory ends, with everything intact', () => {
    const server = new TestServer({ shardBytes: 4 << 20 });
    expect(server.run('DEBUG', 'POPULATE', 100_000, 'key', 1000)).toStartWith('-OOM ');
    server.verify();
  });
});

describe('DEBUG VERIFY', () => {
  test('replies with the number of keys of all databases', () => {
    const server = new TestServer();
    expect(server.run('DEBUG', 'VERIFY')).toBe(':0\r\n');
    server.run('SET', 'a', '1');
    server.client.connection.database = 5;
    server.run('SET', 'a', '1');
    expect(server.run('DEBUG', 'VERIFY')).toBe(':2\r\n');
  });

  test('does not answer when an invariant is broken: the failed assertion goes up to whoever ends the process', () => {
    const server = new TestServer();
    server.run('DEBUG', 'POPULATE', 100);
    const { shards } = server.engine.keyspace;
    for (const shard of shards) shard.headDoubles[shard.headDouble + (Head.UsedBytes >> 1)]! += 8;
    expect(() => server.run('DEBUG', 'VERIFY')).toThrow(AssertionError);
    for (const shard of shards) expect(shard.heads[shard.head + Head.Lock]).toBe(0);
  });
});

test('DEBUG LAYOUT describes every shard in a line', () => {
  const server = new TestServer({ shardCount: 8 });
  server.run('SET', 'k', 'v');
  const lines = String(replyValue(server.run('DEBUG', 'LAYOUT')))
    .trimEnd()
    .split('\n');
  expect(lines.length).toBe(8);
  expect(lines.filter((line) => line.includes(' 1 entries')).length).toBe(1);
  for (const line of lines) expect(line).toMatch(/^shard \d+: \d+ bytes used; pages of 4096: \d+ held, /);
});

test("DEBUG OBJECT adds our own record to Redis' line", () => {
  const server = new TestServer();
  server.run('SET', 'k', '12345');
  expect(server.run('DEBUG', 'OBJECT', 'k')).toMatch(
    /^\+Value at:0x[0-9a-f]+ refcount:1 encoding:int serializedlength:3 lru:\d+ lru_seconds_idle:0 type:string shard:\d database:0 epoch:0 value_bytes:5 block_bytes:\d+ expiry_at_ms:0\r\n$/,
  );
});

test('DEBUG SLEEP blocks the worker for the time', () => {
  const server = new TestServer();
  const started = performance.now();
  expect(server.run('DEBUG', 'SLEEP', '0.12')).toBe('+OK\r\n');
  expect(performance.now() - started).toBeGreaterThanOrEqual(119);
  expect(server.run('DEBUG', 'SLEEP', 'x')).toBe('+OK\r\n');
});

test('DEBUG SET-ACTIVE-EXPIRE tells every worker', async () => {
  const server = new TestServer();
  const told: unknown[] = [];
  server.engine.mesh.on('expiry.enable', (enabled) => told.push(enabled));
  expect(server.client.send('DEBUG SET-ACTIVE-EXPIRE 0\r\nDEBUG SET-ACTIVE-EXPIRE 1\r\n')).toBe('');
  await Bun.sleep(5);
  expect(told).toEqual([false, true]);
  expect(server.client.socket.output).toBe('+OK\r\n+OK\r\n');
});

test('DEBUG HTSTATS tells of the key index and of one database', () => {
  const server = new TestServer({ shardCount: 2 });
  server.run('SET', 'k', 'v');
  const text = server.run('DEBUG', 'HTSTATS', '0');
  expect(text).toContain('keys of database 0: 1, with an expiry: 0\n');
  expect(text).toContain('shard 1: ');
  expect(server.run('DEBUG', 'HTSTATS', '99')).toBe('-ERR Out of range database\r\n');
  expect(server.run('DEBUG', 'STRUCTSIZE')).toStartWith('+bits:64 ');
});

test('DEBUG takes the threshold of list nodes, and refuses what would end the server', () => {
  const server = new TestServer();
  expect(server.run('DEBUG', 'QUICKLIST-PACKED-THRESHOLD', '200b')).toBe('+OK\r\n');
  expect(server.run('DEBUG', 'QUICKLIST-PACKED-THRESHOLD', 'x')).toStartWith('-ERR argument must be');
  for (const name of ['SEGFAULT', 'panic', 'OOM', 'CHANGE-REPL-ID']) {
    expect(server.run('DEBUG', name)).toBe(
      `-ERR DEBUG ${name.toUpperCase()} is not supported by this server\r\n`,
    );
  }
});

test('DEBUG STRINGMATCH-LEN tells whether a pattern matches', () => {
  const server = new TestServer();
  expect(server.run('DEBUG', 'STRINGMATCH-LEN', 'a*c', 'abc')).toBe(':1\r\n');
  expect(server.run('DEBUG', 'STRINGMATCH-LEN', 'a*c', 'abd')).toBe(':0\r\n');
  const stars = 'a*'.repeat(500);
  expect(server.run('DEBUG', 'STRINGMATCH-LEN', stars, 'a'.repeat(499))).toBe(':0\r\n');
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

  test('DEBUG PROTOCOL has the same bytes for every type in both versions', async () => {
    const types =
      'string integer double bignum null array set map attrib push verbatim true false nosuch'.split(' ');
    for (const version of [2, 3] as const) {
      const theirs = await OracleClient.connect(oracle.port);
      await theirs.run('HELLO', version);
      const ours = new TestServer();
      ours.client.connection.version = version;
      for (const type of types) {
        // What stands behind a pushed message or an attribute may come in a packet of its own.
        const expected = await theirs.run('DEBUG', 'PROTOCOL', type);
        await Bun.sleep(1);
        expect(ours.run('DEBUG', 'PROTOCOL', type)).toStartWith(expected);
      }
      theirs.close();
    }
  });

  test('data that DEBUG makes, and errors, have the same bytes', async () => {
    const server = new TestServer();
    for (const parts of [
      ['DEBUG'],
      ['DEBUG', 'NoSuch'],
      ['DEBUG', 'SLEEP'],
      ['DEBUG', 'ERROR', 'ABC def'],
      ['DEBUG', 'ERROR', 'a', 'b'],
      ['DEBUG', 'POPULATE', 'x'],
      ['DEBUG', 'POPULATE', '-1'],
      ['DEBUG', 'POPULATE', '3', 'p', '20'],
      ['GET', 'p:1'],
      ['DEBUG', 'POPULATE', '3', 'q', '0'],
      ['GET', 'q:2'],
      ['DEBUG', 'POPULATE', '3', 'r', '2'],
      ['GET', 'r:2'],
      ['DEBUG', 'POPULATE', '3', 'r', 'x'],
      ['DEBUG', 'POPULATE', '3', 'r', '2', 'y'],
      ['DEBUG', 'OBJECT', 'nosuch'],
      ['DEBUG', 'STRINGMATCH-LEN', 'a'],
    ]) {
      expect(server.run(...parts)).toBe(await redis.run(...parts));
    }
  });

  test('DEBUG OBJECT tells encoding and length as Redis does, for strings too short to be compressed', async () => {
    const server = new TestServer();
    const facts = (reply: string): string => /encoding:\w+ serializedlength:\d+/.exec(reply)![0];
    for (const value of [
      '',
      'a',
      '1',
      '-128',
      '128',
      '-32769',
      '2147483647',
      '2147483648',
      '0123',
      'hello',
    ]) {
      server.run('SET', 'k', value);
      await redis.run('SET', 'k', value);
      const expected = facts(await redis.run('DEBUG', 'OBJECT', 'k'));
      expect([value, facts(server.run('DEBUG', 'OBJECT', 'k'))]).toEqual([value, expected]);
    }
  });
});
