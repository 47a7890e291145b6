/** Real client libraries that listen, publish, watch and cache, over real sockets of a server with four threads. */
import { afterAll, beforeAll, expect, test } from 'bun:test';
import { Redis } from 'ioredis';
import { BasicClientSideCache, createClient } from 'redis';
import { type RealServer, startRealServer } from '../support/real-server.ts';

let server: RealServer;
const clients: Redis[] = [];
beforeAll(async () => {
  server = await startRealServer(['--threads', '4']);
});
afterAll(async () => {
  for (const client of clients) client.disconnect();
  await server.stop();
});

function connect(): Redis {
  const client = new Redis({ port: server.port, retryStrategy: () => null });
  clients.push(client);
  return client;
}

async function until(condition: () => boolean): Promise<void> {
  for (let turn = 0; turn < 1000 && !condition(); turn++) await Bun.sleep(2);
  expect(condition()).toBe(true);
}

test('ioredis listens to channels and patterns, in text and in bytes', async () => {
  const [listener, publisher] = [connect(), connect()];
  const heard: unknown[] = [];
  listener.on('message', (channel: string, message: string) => heard.push([channel, message]));
  listener.on('pmessage', (pattern: string, channel: string, message: string) =>
    heard.push([pattern, channel, message]),
  );
  const binary = Buffer.from([0, 255, 13, 10]);
  listener.on('messageBuffer', (_channel: Buffer, message: Buffer) => {
    if (message.equals(binary)) heard.push('binary');
  });
  expect(await listener.subscribe('news', 'other')).toBe(2);
  expect(await listener.psubscribe('n*')).toBe(3);
  expect(await publisher.publish('news', 'hello')).toBe(2);
  expect(await publisher.publish('other', binary)).toBe(1);
  await until(() => heard.includes('binary'));
  expect(heard.slice(0, 2)).toEqual([
    ['news', 'hello'],
    ['n*', 'news', 'hello'],
  ]);
  expect(await publisher.pubsub('NUMSUB', 'news')).toEqual(['news', 1]);
  expect(await listener.unsubscribe('news', 'other')).toBe(1);
  expect(await listener.punsubscribe('n*')).toBe(0);
  expect(await listener.get('news')).toBeNull();
  expect(await publisher.publish('news', 'hello')).toBe(0);
});

test('ioredis publishes in a pipeline, to many listeners', async () => {
  const publisher = connect();
  let count = 0;
  const listeners = Array.from({ length: 10 }, connect);
  for (const listener of listeners) {
    listener.on('message', () => count++);
    await listener.subscribe('many');
  }
  const pipeline = publisher.pipeline();
  for (let i = 0; i < 200; i++) pipeline.publish('many', `${i}`);
  const replies = await pipeline.exec();
  expect(replies!.every(([error, reached]) => error === null && reached === 10)).toBe(true);
  await until(() => count === 2000);
});

test('ioredis listens again by itself after its connection was cut', async () => {
  const publisher = connect();
  const listener = new Redis({ port: server.port, retryStrategy: () => 10 });
  clients.push(listener);
  const heard: string[] = [];
  listener.on('message', (_channel: string, message: string) => heard.push(message));
  await listener.subscribe('again');
  expect(await publisher.call('CLIENT', 'KILL', 'TYPE', 'pubsub')).toBeGreaterThan(0);
  for (let turn = 0; turn < 500 && (await publisher.publish('again', 'x')) === 0; turn++) await Bun.sleep(5);
  await until(() => heard.includes('x'));
});

test('ioredis monitors commands of every worker', async () => {
  const monitor = await connect().monitor();
  const seen: string[] = [];
  monitor.on('monitor', (_time: string, args: string[]) => seen.push(args.join(' ')));
  for (let i = 0; i < 8; i++) await connect().set(`monitored${i}`, 'a "quoted" value');
  await until(() => seen.filter((line) => line.startsWith('set monitored')).length === 8);
  expect(seen).toContain('set monitored0 a "quoted" value');
  monitor.disconnect();
});

test('node-redis caches what it reads, and hears of changes made elsewhere', async () => {
  const cache = new BasicClientSideCache({ maxEntries: 100 });
  const client = createClient({
    url: `redis://127.0.0.1:${server.port}`,
    RESP: 3,
    clientSideCache: cache,
  });
  await client.connect();
  const writer = connect();
  await writer.set('cached', 'old');
  expect(await client.get('cached')).toBe('old');
  expect(await client.get('cached')).toBe('old');
  expect(cache.stats().hitCount).toBe(1);
  await writer.set('cached', 'new');
  let value: unknown = 'old';
  for (let turn = 0; turn < 200 && value === 'old'; turn++) {
    await Bun.sleep(2);
    value = await client.get('cached');
  }
  expect(value).toBe('new');
  client.destroy();
});
