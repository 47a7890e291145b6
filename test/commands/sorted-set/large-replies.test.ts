/** Pops whose reply outgrows the output buffer's limit: the connection ends, and the sorted set is as it was. */
import { expect, test } from 'bun:test';
import { TestServer } from '../../support/test-server.ts';

/** A reply may be some 17 MB. */
const LIMIT = 'normal 1 0 0';
const LARGE = 'x'.repeat(9_000_000);

test.each([
  ['packed', '10mb'],
  ['tree', '64'],
])('pops from a %s set remove nothing if their reply is too large', (_, valueBytes) => {
  const settings = { 'client-output-buffer-limit': LIMIT, 'zset-max-listpack-value': valueBytes };
  const server = new TestServer({ shardCount: 1, shardBytes: 128 << 20, settings });
  for (const score of [1, 2, 3]) server.run('ZADD', 'z', score, score + LARGE);
  const { changes } = server.engine.keyspace;
  for (const request of [
    ['ZPOPMIN', 'z', 2],
    ['ZPOPMAX', 'z', 3],
    ['ZMPOP', 1, 'z', 'MIN', 'COUNT', 3],
    ['BZMPOP', 0, 1, 'z', 'MAX', 'COUNT', 2],
  ]) {
    const client = server.connect();
    client.run(...request);
    expect(client.socket.ended).toBe(true);
  }
  expect(server.run('ZCARD', 'z')).toBe(':3\r\n');
  expect(server.engine.keyspace.changes).toBe(changes);
  server.verify();
});

test.each(['128', '2'])('counted pops take what they reply (packed up to %s)', (entries) => {
  const settings = { 'zset-max-listpack-entries': entries };
  const server = new TestServer({ shardCount: 1, settings });
  const filled = ['ZADD', 'z', 1, 'a', 2, 'b', 3, 'c', 4, 'd', 5, 'e', 6, 'f'];
  server.run(...filled);
  expect(server.run('ZPOPMAX', 'z', 2)).toBe('*4\r\n$1\r\nf\r\n$1\r\n6\r\n$1\r\ne\r\n$1\r\n5\r\n');
  expect(server.run('ZPOPMIN', 'z', 2)).toBe('*4\r\n$1\r\na\r\n$1\r\n1\r\n$1\r\nb\r\n$1\r\n2\r\n');
  expect(server.run('ZPOPMAX', 'z', 9)).toBe('*4\r\n$1\r\nd\r\n$1\r\n4\r\n$1\r\nc\r\n$1\r\n3\r\n');
  expect(server.run('EXISTS', 'z')).toBe(':0\r\n');
  server.verify();
});
