import { expect, test } from 'bun:test';
import { GraveyardDuty } from '../../src/server/duties/graveyard-duty.ts';
import { TestServer } from '../support/test-server.ts';

function field(server: TestServer, section: string, name: string): string | undefined {
  return new RegExp(`^${name}:(.*)\\r$`, 'm').exec(server.run('INFO', section))?.[1];
}

test('INFO keyspace tells per database how many hashes have fields that expire', () => {
  const server = new TestServer();
  for (const key of ['a', 'b', 'c']) server.run('HSET', key, 'f', 'v', 'g', 'w');
  server.run('HEXPIRE', 'a', '1000', 'FIELDS', '1', 'f');
  server.run('HEXPIRE', 'b', '1000', 'FIELDS', '2', 'f', 'g');
  server.run('SELECT', '1');
  server.run('HSET', 'a', 'f', 'v');
  server.run('HEXPIRE', 'a', '1000', 'FIELDS', '1', 'f');
  expect(field(server, 'keyspace', 'db0')).toEndWith(',subexpiry=2');
  expect(field(server, 'keyspace', 'db1')).toEndWith(',subexpiry=1');
  server.run('SWAPDB', '0', '1');
  expect(field(server, 'keyspace', 'db1')).toEndWith(',subexpiry=2');
  server.run('HPERSIST', 'a', 'FIELDS', '1', 'f');
  expect(field(server, 'keyspace', 'db1')).toEndWith(',subexpiry=1');
  server.run('MOVE', 'b', '1');
  server.verify();
  server.run('FLUSHALL');
  server.verify();
});

test('INFO clients tells for how many keys clients wait', () => {
  const server = new TestServer();
  server.connect().send('BLPOP a b 0\r\n');
  server.connect().send('BLPOP b c 0\r\n');
  expect(field(server, 'clients', 'total_blocking_keys')).toBe('3');
  server.run('RPUSH', 'a', '1');
  expect(field(server, 'clients', 'total_blocking_keys')).toBe('2');
  expect(field(server, 'clients', 'total_blocking_keys_on_nokey')).toBe('0');
});

test('INFO memory tells what is still to be freed, and what was', () => {
  const server = new TestServer({ shardCount: 1 });
  const { keyspace } = server.engine;
  const duty = new GraveyardDuty(keyspace.shards, keyspace.counters);
  server.run('RPUSH', 'k', ...Array.from({ length: 50_000 }, (_, i) => `element ${i}`.repeat(4)));
  server.run('DEL', 'k');
  expect(field(server, 'memory', 'lazyfree_pending_objects')).toBe('1');
  expect(field(server, 'memory', 'lazyfreed_objects')).toBe('0');
  for (let turn = 0; field(server, 'memory', 'lazyfree_pending_objects') === '1' && turn < 1000; turn++)
    duty.tick();
  expect(field(server, 'memory', 'lazyfree_pending_objects')).toBe('0');
  expect(field(server, 'memory', 'lazyfreed_objects')).toBe('1');
  server.verify();
});

test('one client cannot wait for so many keys, or so long ones, that nobody else can', async () => {
  // One 64th of this is for one client.
  const server = new TestServer({ interestBytes: 16 << 20 });
  const names = Array.from({ length: 5000 }, (_, i) => `key:${i}`);
  const tooMany = '-ERR too many or too long keys to wait for at once\r\n';
  expect(server.connect().run('BLPOP', ...names, '0')).toBe(tooMany);
  expect(server.connect().run('BLPOP', 'x'.repeat(300_000), '0')).toBe(tooMany);
  expect(server.connect().run('BLMPOP', '0', '5000', ...names, 'LEFT')).toBe(tooMany);
  const waiting = server.connect();
  expect(waiting.run('BLPOP', ...names.slice(0, 2000), '0')).toBe('');
  expect(field(server, 'clients', 'blocked_clients')).toBe('1');
  server.run('RPUSH', 'key:1999', 'v');
  await Bun.sleep(1);
  expect(waiting.socket.output).toBe('*2\r\n$8\r\nkey:1999\r\n$1\r\nv\r\n');
  server.verify();
});
