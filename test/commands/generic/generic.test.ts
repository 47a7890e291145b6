import { describe, expect, test } from 'bun:test';
import { TestServer } from '../../support/test-server.ts';

/** A server whose time stands still, at a time that the test sets. */
function serverAt(nowMs: number, settings: Record<string, string> = {}) {
  const server = new TestServer({ settings });
  const clock = { nowMs };
  const { keyspace } = server.engine;
  const setTime = keyspace.setTime.bind(keyspace);
  keyspace.setTime = () => setTime(clock.nowMs);
  return { server, clock, run: server.run.bind(server) };
}

const NOW = 1_700_000_000_000;

describe('DEL, UNLINK, EXISTS and TOUCH', () => {
  test('count keys as often as they are named, and remove them once', () => {
    const server = new TestServer();
    server.run('SET', 'a', '1');
    server.run('SET', 'b', '2');
    expect(server.run('EXISTS', 'a', 'b', 'a', 'none')).toBe(':3\r\n');
    expect(server.run('TOUCH', 'a', 'none')).toBe(':1\r\n');
    expect(server.run('DEL', 'a', 'a', 'none')).toBe(':1\r\n');
    expect(server.run('UNLINK', 'b', 'none')).toBe(':1\r\n');
    expect(server.run('DBSIZE')).toBe(':0\r\n');
    server.verify();
  });
});

describe('expiry', () => {
  test('is told by TTL and its kin, in either unit, from now and since 1970', () => {
    const { run, clock } = serverAt(NOW);
    run('SET', 'k', 'v');
    expect(run('TTL', 'k')).toBe(':-1\r\n');
    expect(run('PEXPIRETIME', 'k')).toBe(':-1\r\n');
    expect(run('TTL', 'none')).toBe(':-2\r\n');
    expect(run('PEXPIRE', 'k', '2499')).toBe(':1\r\n');
    expect(run('PTTL', 'k')).toBe(':2499\r\n');
    expect(run('TTL', 'k')).toBe(':2\r\n');
    expect(run('EXPIRETIME', 'k')).toBe(`:${(NOW + 2000) / 1000}\r\n`);
    expect(run('PEXPIRETIME', 'k')).toBe(`:${NOW + 2499}\r\n`);
    clock.nowMs += 2499;
    expect(run('PTTL', 'k')).toBe(':0\r\n');
    clock.nowMs += 1;
    expect(run('PTTL', 'k')).toBe(':-2\r\n');
    expect(run('GET', 'k')).toBe('$-1\r\n');
  });

  test('that is past removes the key at once', () => {
    const { run, server } = serverAt(NOW);
    for (const time of ['-1', '0', '-9223372036854775']) {
      run('SET', 'k', 'v');
      expect(run('EXPIRE', 'k', time)).toBe(':1\r\n');
      expect(run('DBSIZE')).toBe(':0\r\n');
    }
    expect(run('EXPIRE', 'k', '10')).toBe(':0\r\n');
    server.verify();
  });

  test('heeds NX, XX, GT and LT, for which no expiry is later than any', () => {
    const { run } = serverAt(NOW);
    run('SET', 'k', 'v');
    expect(run('EXPIRE', 'k', '10', 'XX')).toBe(':0\r\n');
    expect(run('EXPIRE', 'k', '10', 'GT')).toBe(':0\r\n');
    expect(run('EXPIRE', 'k', '10', 'lt')).toBe(':1\r\n');
    expect(run('EXPIRE', 'k', '20', 'NX')).toBe(':0\r\n');
    expect(run('EXPIRE', 'k', '10', 'GT', 'XX')).toBe(':0\r\n');
    expect(run('EXPIRE', 'k', '11', 'GT', 'XX')).toBe(':1\r\n');
    expect(run('EXPIRE', 'k', '11', 'LT')).toBe(':0\r\n');
    expect(run('PTTL', 'k')).toBe(':11000\r\n');
    expect(run('PERSIST', 'k')).toBe(':1\r\n');
    expect(run('PERSIST', 'k')).toBe(':0\r\n');
    expect(run('EXPIRE', 'k', '5', 'NX', 'NX')).toBe(':1\r\n');
  });

  test('refuses wrong options before wrong times, and changes nothing', () => {
    const { run } = serverAt(NOW);
    run('SET', 'k', 'v');
    expect(run('EXPIRE', 'k', 'x', 'FOO')).toBe('-ERR Unsupported option FOO\r\n');
    expect(run('EXPIRE', 'k', '1', 'NX', 'GT')).toBe(
      '-ERR NX and XX, GT or LT options at the same time are not compatible\r\n',
    );
    expect(run('EXPIRE', 'k', '1', 'GT', 'LT')).toBe(
      '-ERR GT and LT options at the same time are not compatible\r\n',
    );
    expect(run('EXPIRE', 'k', 'x')).toBe('-ERR value is not an integer or out of range\r\n');
    expect(run('EXPIRE', 'k', '9223372036854775807')).toBe(
      "-ERR invalid expire time in 'expire' command\r\n",
    );
    expect(run('PEXPIRE', 'none', '9223372036854775807')).toBe(
      "-ERR invalid expire time in 'pexpire' command\r\n",
    );
    expect(run('TTL', 'k')).toBe(':-1\r\n');
  });
});

describe('RENAME, COPY and MOVE', () => {
  test('carry value and expiry along and replace what was there', () => {
    const { run, server } = serverAt(NOW);
    run('SET', 'a', 'value');
    run('PEXPIRE', 'a', '500');
    run('SET', 'b', 'old');
    expect(run('RENAME', 'a', 'b')).toBe('+OK\r\n');
    expect(run('GET', 'b')).toBe('$5\r\nvalue\r\n');
    expect(run('PTTL', 'b')).toBe(':500\r\n');
    expect(run('EXISTS', 'a')).toBe(':0\r\n');
    expect(run('RENAME', 'a', 'b')).toBe('-ERR no such key\r\n');
    expect(run('RENAME', 'b', 'b')).toBe('+OK\r\n');
    expect(run('RENAMENX', 'b', 'b')).toBe(':0\r\n');
    expect(run('RENAMENX', 'b', 'a')).toBe(':1\r\n');
    server.verify();
  });

  test('RENAME keeps the idle time, COPY does not', () => {
    const { run, clock } = serverAt(NOW);
    run('SET', 'a', 'v');
    clock.nowMs += 60_000;
    run('COPY', 'a', 'copy');
    clock.nowMs += 5_000;
    run('RENAME', 'copy', 'b');
    expect(run('OBJECT', 'IDLETIME', 'b')).toBe(':5\r\n');
  });

  test('COPY takes REPLACE and another database', () => {
    const { run, server } = serverAt(NOW);
    run('SET', 'a', '1');
    run('SET', 'b', '2');
    expect(run('COPY', 'a', 'b')).toBe(':0\r\n');
    expect(run('COPY', 'a', 'b', 'REPLACE')).toBe(':1\r\n');
    expect(run('COPY', 'a', 'a')).toBe('-ERR source and destination objects are the same\r\n');
    expect(run('COPY', 'a', 'a', 'DB', '1')).toBe(':1\r\n');
    expect(run('COPY', 'a', 'a', 'DB', '1')).toBe(':0\r\n');
    expect(run('COPY', 'none', 'b', 'REPLACE')).toBe(':0\r\n');
    expect(run('COPY', 'a', 'b', 'DB')).toBe('-ERR syntax error\r\n');
    expect(run('COPY', 'a', 'b', 'DB', '16')).toBe('-ERR DB index is out of range\r\n');
    expect(run('COPY', 'a', 'b', 'DB', '1', 'DB', 'x')).toBe(
      '-ERR value is not an integer or out of range\r\n',
    );
    server.client.connection.database = 1;
    expect(run('GET', 'a')).toBe('$1\r\n1\r\n');
    server.verify();
  });

  test('MOVE goes to a database that has no such key', () => {
    const { run, server } = serverAt(NOW);
    for (let i = 0; i < 50; i++) run('SET', `k${i}`, `v${i}`);
    for (let i = 0; i < 50; i++) expect(run('MOVE', `k${i}`, '3')).toBe(':1\r\n');
    expect(run('MOVE', 'k1', '3')).toBe(':0\r\n');
    run('SET', 'k1', 'again');
    expect(run('MOVE', 'k1', '3')).toBe(':0\r\n');
    expect(run('MOVE', 'k1', '0')).toBe('-ERR source and destination objects are the same\r\n');
    expect(run('MOVE', 'k1', '-1')).toBe('-ERR DB index is out of range\r\n');
    expect(run('MOVE', 'k1', '99999999999')).toBe(
      '-ERR value is out of range, value must between -2147483648 and 2147483647\r\n',
    );
    server.client.connection.database = 3;
    expect(run('DBSIZE')).toBe(':50\r\n');
    expect(run('GET', 'k7')).toBe('$2\r\nv7\r\n');
    server.verify();
  });
});

describe('OBJECT', () => {
  test('names the encodings that Redis would use', () => {
    const { run } = serverAt(NOW);
    const encodingOf = (value: string): string => {
      run('SET', 'k', value);
      return run('OBJECT', 'ENCODING', 'k').split('\r\n')[1]!;
    };
    expect(encodingOf('9223372036854775807')).toBe('int');
    expect(encodingOf('-9223372036854775808')).toBe('int');
    expect(encodingOf('9223372036854775808')).toBe('embstr');
    expect(encodingOf('007')).toBe('embstr');
    expect(encodingOf('')).toBe('embstr');
    expect(encodingOf('x'.repeat(44))).toBe('embstr');
    expect(encodingOf('x'.repeat(45))).toBe('raw');
    expect(run('OBJECT', 'ENCODING', 'none')).toBe('$-1\r\n');
  });

  test('tells idle time or frequency, by the policy', () => {
    const { run, clock } = serverAt(NOW);
    run('SET', 'k', 'v');
    clock.nowMs += 7_000;
    expect(run('TYPE', 'k')).toBe('+string\r\n');
    expect(run('TTL', 'k')).toBe(':-1\r\n');
    expect(run('OBJECT', 'IDLETIME', 'k')).toBe(':7\r\n');
    expect(run('OBJECT', 'FREQ', 'k')).toStartWith('-ERR An LFU maxmemory policy is not selected');
    run('GET', 'k');
    expect(run('OBJECT', 'idletime', 'k')).toBe(':0\r\n');
    run('CLIENT', 'NO-TOUCH', 'ON');
    clock.nowMs += 5_000;
    run('GET', 'k');
    expect(run('OBJECT', 'IDLETIME', 'k')).toBe(':5\r\n');
    run('TOUCH', 'k');
    expect(run('OBJECT', 'IDLETIME', 'k')).toBe(':0\r\n');
    run('CLIENT', 'NO-TOUCH', 'OFF');
    clock.nowMs += 5_000;
    run('GET', 'k');
    expect(run('OBJECT', 'IDLETIME', 'k')).toBe(':0\r\n');
    const lfu = serverAt(NOW, { 'maxmemory-policy': 'allkeys-lfu' });
    lfu.run('SET', 'k', 'v');
    expect(lfu.run('OBJECT', 'IDLETIME', 'k')).toStartWith('-ERR An LFU maxmemory policy is selected');
    expect(lfu.run('OBJECT', 'FREQ', 'k')).toStartWith(':');
    expect(lfu.run('OBJECT', 'REFCOUNT', 'k')).toBe(':1\r\n');
  });
});

describe('databases', () => {
  test('SWAPDB exchanges keys for every client', () => {
    const server = new TestServer();
    const other = server.connect();
    other.connection.database = 1;
    server.run('SET', 'k', 'zero');
    other.run('SET', 'k', 'one');
    expect(server.run('SWAPDB', '0', '1')).toBe('+OK\r\n');
    expect(server.run('GET', 'k')).toBe('$3\r\none\r\n');
    expect(other.run('GET', 'k')).toBe('$4\r\nzero\r\n');
    expect(server.run('SWAPDB', 'x', 'y')).toBe('-ERR invalid first DB index\r\n');
    expect(server.run('SWAPDB', '0', '2147483648')).toBe('-ERR invalid second DB index\r\n');
    expect(server.run('SWAPDB', '0', '16')).toBe('-ERR DB index is out of range\r\n');
    expect(server.run('SWAPDB', '-1', '0')).toBe('-ERR DB index is out of range\r\n');
    server.verify();
  });

  test('FLUSHDB empties one database, FLUSHALL all', () => {
    const server = new TestServer();
    const other = server.connect();
    other.connection.database = 1;
    for (let i = 0; i < 500; i++) {
      server.run('SET', `k${i}`, 'v');
      other.run('SET', `k${i}`, 'v');
    }
    expect(server.run('FLUSHDB', 'sync')).toBe('+OK\r\n');
    expect(server.run('DBSIZE')).toBe(':0\r\n');
    expect(other.run('DBSIZE')).toBe(':500\r\n');
    server.verify();
    expect(server.run('FLUSHALL', 'NOW')).toBe('-ERR syntax error\r\n');
    expect(server.run('FLUSHALL', 'SYNC', 'ASYNC')).toBe('-ERR syntax error\r\n');
    expect(server.run('FLUSHALL', 'ASYNC')).toBe('+OK\r\n');
    expect(other.run('DBSIZE')).toBe(':0\r\n');
    expect(server.engine.keyspace.usedBytes()).toBe(0);
    server.verify();
  });
});
