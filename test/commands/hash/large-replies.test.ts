/** Replies that are given up as too large: the hash and later replies are left as they were. */
import { expect, test } from 'bun:test';
import { TestServer } from '../../support/test-server.ts';

const REPLY_BYTES_MAX = 1_500_000;
const LARGE = 'x'.repeat(900_000);

function createServer(): TestServer {
  const server = new TestServer({ shardCount: 1 });
  server.engine.dispatcher.reply.bytesMax = REPLY_BYTES_MAX;
  return server;
}

function expectRefused(server: TestServer, ...parts: (string | number)[]): void {
  expect(server.run(...parts)).toBe('-ERR reply is too large\r\n');
}

test('an HRANDFIELD whose reply was too large leaves nothing to the next one', () => {
  const server = createServer();
  const value = 'x'.repeat(100_000);
  for (let i = 0; i < 60; i++) server.run('HSET', 'h', `f${i}`, value);
  expectRefused(server, 'HRANDFIELD', 'h', 19, 'WITHVALUES');
  // The head, and two lines for each field.
  expect(server.run('HRANDFIELD', 'h', 10).split('\r\n')).toHaveLength(1 + 10 * 2 + 1);
});

test('HGETDEL removes nothing if its reply is too large', () => {
  const server = createServer();
  server.run('HSET', 'h', 'a', LARGE, 'b', LARGE, 'c', '1');
  const { changes } = server.engine.keyspace;
  expectRefused(server, 'HGETDEL', 'h', 'FIELDS', 2, 'a', 'b');
  expect(server.run('HLEN', 'h')).toBe(':3\r\n');
  expect(server.engine.keyspace.changes).toBe(changes);
  expect(server.run('HGETDEL', 'h', 'FIELDS', 3, 'c', 'none', 'c')).toBe('*3\r\n$1\r\n1\r\n$-1\r\n$-1\r\n');
  server.verify();
});

test('HGETEX changes no time if its reply is too large', () => {
  const server = createServer();
  server.run('HSET', 'h', 'a', LARGE);
  for (const option of [['EX', 100], ['PERSIST'], ['PXAT', 1]]) {
    expectRefused(server, 'HGETEX', 'h', ...option, 'FIELDS', 2, 'a', 'a');
  }
  expect(server.run('HTTL', 'h', 'FIELDS', 1, 'a')).toBe('*1\r\n:-1\r\n');
  server.verify();
});

test('a field that cannot be set for want of memory does not count as a change', () => {
  const server = new TestServer({ shardCount: 1, shardBytes: 4 << 20 });
  server.run('HSET', 'h', 'a', '1');
  const { changes } = server.engine.keyspace;
  const huge = LARGE.repeat(5);
  expect(server.run('HSET', 'h', 'b', huge)).toStartWith('-OOM');
  expect(server.run('HMSET', 'h', 'b', huge)).toStartWith('-OOM');
  expect(server.run('HSETEX', 'h', 'FIELDS', 1, 'b', huge)).toStartWith('-OOM');
  expect(server.engine.keyspace.changes).toBe(changes);
  expect(server.run('HGETALL', 'h')).toBe('*2\r\n$1\r\na\r\n$1\r\n1\r\n');
  server.verify();
});
