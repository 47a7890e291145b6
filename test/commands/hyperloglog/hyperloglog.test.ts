/** HyperLogLogs: what they estimate, settings, memory, and values that are none. */
import { expect, test } from 'bun:test';
import { TestServer } from '../../support/test-server.ts';

const OUT_OF_MEMORY = "-OOM command not allowed when used memory > 'maxmemory'.\r\n";
const CORRUPT = '-INVALIDOBJ Corrupted HLL object detected\r\n';
const NOT_VALID = '-WRONGTYPE Key is not a valid HyperLogLog string value.\r\n';
const WRONG_TYPE = '-WRONGTYPE Operation against a key holding the wrong kind of value\r\n';

function addMany(server: TestServer, name: string, first: number, count: number): void {
  for (let i = first; i < first + count; i += 100) {
    server.run(
      'PFADD',
      name,
      ...Array.from({ length: Math.min(100, first + count - i) }, (_, j) => `e${i + j}`),
    );
  }
}

function count(server: TestServer, ...names: string[]): number {
  return Number(server.run('PFCOUNT', ...names).slice(1));
}

test('estimates are within two percent', () => {
  const server = new TestServer({ shardCount: 8 });
  addMany(server, 'a', 0, 20_000);
  addMany(server, 'b', 10_000, 20_000);
  addMany(server, 'small', 0, 300);
  expect(Math.abs(count(server, 'a') - 20_000)).toBeLessThan(400);
  expect(Math.abs(count(server, 'small') - 300)).toBeLessThan(6);
  expect(Math.abs(count(server, 'a', 'b', 'missing') - 30_000)).toBeLessThan(600);
  expect(server.run('PFMERGE', 'all', 'a', 'b', 'small')).toBe('+OK\r\n');
  expect(count(server, 'all')).toBe(count(server, 'a', 'b', 'small'));
  expect(server.run('PFDEBUG', 'ENCODING', 'small')).toBe('+sparse\r\n');
  expect(server.run('PFDEBUG', 'ENCODING', 'all')).toBe('+dense\r\n');
  server.verify();
});

test('PFADD tells whether anything has changed, and PFCOUNT keeps what it has counted', () => {
  const server = new TestServer();
  expect(server.run('PFADD', 'k')).toBe(':1\r\n');
  expect(server.run('PFADD', 'k')).toBe(':0\r\n');
  expect(server.run('PFADD', 'k', 'a', 'b')).toBe(':1\r\n');
  expect(server.run('PFADD', 'k', 'b', 'a')).toBe(':0\r\n');
  const changes = server.engine.keyspace.changes;
  expect(server.run('PFCOUNT', 'k')).toBe(':2\r\n');
  expect(server.engine.keyspace.changes).toBe(changes + 1);
  expect(server.run('PFCOUNT', 'k')).toBe(':2\r\n');
  expect(server.engine.keyspace.changes).toBe(changes + 1);
  expect(server.run('PFCOUNT', 'missing')).toBe(':0\r\n');
});

test('hll-sparse-max-bytes says when one becomes dense', () => {
  const server = new TestServer({ settings: { 'hll-sparse-max-bytes': '40' } });
  server.run('PFADD', 'k', 'a', 'b');
  expect(server.run('PFDEBUG', 'ENCODING', 'k')).toBe('+sparse\r\n');
  addMany(server, 'k', 0, 100);
  expect(server.run('PFDEBUG', 'ENCODING', 'k')).toBe('+dense\r\n');
  expect(server.run('STRLEN', 'k')).toBe(':12304\r\n');
});

test('an expiry stays, and other strings and types are refused', () => {
  const server = new TestServer();
  server.run('PFADD', 'k', 'a');
  server.run('EXPIRE', 'k', 1000);
  addMany(server, 'k', 0, 5000);
  expect(server.run('TTL', 'k')).toBe(':1000\r\n');
  server.run('SET', 's', 'text');
  server.run('RPUSH', 'l', 'x');
  for (const request of [
    ['PFADD', 's', 'a'],
    ['PFCOUNT', 's'],
    ['PFCOUNT', 'k', 's'],
    ['PFMERGE', 'k', 's'],
    ['PFMERGE', 's', 'k'],
    ['PFDEBUG', 'ENCODING', 's'],
  ]) {
    expect(server.run(...request)).toBe(NOT_VALID);
  }
  expect(server.run('PFADD', 'l', 'a')).toBe(WRONG_TYPE);
  expect(server.run('PFDEBUG', 'ENCODING', 'missing')).toBe('-ERR The specified key does not exist\r\n');
  expect(server.run('PFDEBUG', 'FOO', 'k')).toBe("-ERR Unknown PFDEBUG subcommand 'FOO'\r\n");
});

test('a corrupt one is changed by no part of a command', () => {
  const server = new TestServer();
  // All registers from 100 on are missing.
  const value = Buffer.from('HYLL\u0001\0\0\0\0\0\0\0\0\0\0\x80\x40\x63', 'latin1');
  server.run('SET', 'k', value);
  const elements = Array.from({ length: 200 }, (_, i) => `e${i}`);
  expect(server.run('PFADD', 'k', ...elements)).toBe(CORRUPT);
  expect(server.run('GET', 'k')).toBe(`$18\r\n${value.toString('latin1')}\r\n`);
  expect(server.run('PFCOUNT', 'k')).toBe(CORRUPT);
  expect(server.run('PFCOUNT', 'k', 'k')).toBe(CORRUPT);
  expect(server.run('PFMERGE', 'to', 'k')).toBe(CORRUPT);
  expect(server.run('PFDEBUG', 'GETREG', 'k')).toBe(CORRUPT);
  expect(server.run('EXISTS', 'to')).toBe(':0\r\n');
});

test('without memory nothing is changed', () => {
  const server = new TestServer({ shardCount: 1, shardBytes: 2 << 20 });
  server.run('PFADD', 'k', 'a');
  const before = server.run('GET', 'k');
  let filler = 0;
  for (const size of [400_000, 9000, 1000, 100, 8]) {
    while (server.run('SET', `filler:${filler}`, 'x'.repeat(size)) === '+OK\r\n') filler++;
  }
  const elements = Array.from({ length: 3000 }, (_, i) => `e${i}`);
  expect(server.run('PFADD', 'k', ...elements)).toBe(OUT_OF_MEMORY);
  expect(server.run('PFADD', 'new', ...elements)).toBe(OUT_OF_MEMORY);
  expect(server.run('PFDEBUG', 'TODENSE', 'k')).toBe(OUT_OF_MEMORY);
  expect(server.run('GET', 'k')).toBe(before);
  expect(server.run('EXISTS', 'new')).toBe(':0\r\n');
  server.verify();
});

test('PFSELFTEST passes', () => {
  expect(new TestServer().run('PFSELFTEST')).toBe('+OK\r\n');
});
