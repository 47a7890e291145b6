/** Keyspace notifications of what is done for clients that have waited, and of what memcached's clients write. */
import { afterAll, beforeAll, beforeEach, expect, test } from 'bun:test';
import { findFreePort } from '../support/free-port.ts';
import { RealClient, type RealServer, startRealServer } from '../support/real-server.ts';

let server: RealServer;
let client: RealClient;
let listener: RealClient;
let memcached: RealClient;

beforeAll(async () => {
  const memcachedPort = findFreePort();
  server = await startRealServer([
    '--memcached-port',
    `${memcachedPort}`,
    '--notify-keyspace-events',
    'AEnm',
  ]);
  client = await RealClient.open(server.port);
  listener = await RealClient.open(server.port);
  memcached = await RealClient.open(memcachedPort, '127.0.0.1');
  await listener.ask('PSUBSCRIBE', '__keyevent@0__:*');
});
afterAll(async () => {
  for (const each of [client, listener, memcached]) each.close();
  await server.stop();
});
beforeEach(async () => {
  await client.ask('FLUSHALL');
  listener.received = '';
});

/** Waits for so many events; each as `event key`. */
async function events(count: number): Promise<string[]> {
  const read = (): string[] =>
    [...listener.received.matchAll(/:\*\r\n\$\d+\r\n__keyevent@0__:(\S+)\r\n\$\d+\r\n(\S+)/g)].map(
      ([, event, key]) => `${event} ${key}`,
    );
  await listener.until(() => read().length >= count);
  return read();
}

async function memcachedSays(request: string): Promise<string> {
  memcached.received = '';
  memcached.socket.write(request);
  await memcached.until(() => memcached.received.endsWith('\r\n'));
  return memcached.received;
}

test('a pop that was waited for is told of behind the push', async () => {
  const waiter = await RealClient.open(server.port);
  waiter.send('BLPOP', 'list', 0);
  await Bun.sleep(100);
  await client.ask('RPUSH', 'list', 'x');
  // Redis: so too.
  expect(await events(4)).toEqual(['new list', 'rpush list', 'lpop list', 'del list']);
  waiter.close();
});

test('a move that was waited for is told of with both keys', async () => {
  const waiter = await RealClient.open(server.port);
  waiter.send('BLMOVE', 'from', 'to', 'LEFT', 'RIGHT', 0);
  await Bun.sleep(100);
  await client.ask('RPUSH', 'from', 'x', 'y');
  const told = await events(5);
  expect(told).toEqual(['new from', 'rpush from', 'new to', 'rpush to', 'lpop from']);
  waiter.close();
});

test('what memcached clients write is told of as what Redis clients write', async () => {
  await memcachedSays('set item 0 100 1\r\n1\r\n');
  await memcachedSays('incr item 2\r\n');
  await memcachedSays('append item 0 0 1\r\n0\r\n');
  await memcachedSays('touch item 1000\r\n');
  await memcachedSays('ms item 1\r\n7\r\n');
  await memcachedSays('delete item\r\n');
  expect(await events(8)).toEqual([
    'new item',
    'set item',
    'expire item',
    'incrby item',
    'append item',
    'expire item',
    'set item',
    'del item',
  ]);
});

test('a read that finds nothing is a miss, and no other class tells of it', async () => {
  await client.ask('GET', 'absent');
  expect(await events(1)).toEqual(['keymiss absent']);
  await client.ask('CONFIG', 'SET', 'notify-keyspace-events', 'AE');
  listener.received = '';
  await client.ask('GET', 'absent');
  await client.ask('SET', 'there', 1);
  expect(await events(1)).toEqual(['set there']);
  await client.ask('CONFIG', 'SET', 'notify-keyspace-events', 'AEnm');
});
