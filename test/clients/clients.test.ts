/** Real client libraries against the server over real sockets. */

import { RedisClient } from 'bun';
import { afterAll, beforeAll, expect, test } from 'bun:test';
import { Redis } from 'ioredis';
import { type RealServer, startRealServer } from '../support/real-server.ts';

let server: RealServer;
beforeAll(async () => {
  server = await startRealServer(['--requirepass', 'p']);
});
afterAll(() => server.stop());

test('ioredis connects with a password, a name and a database, pipelines, and lists itself', async () => {
  const options = { port: server.port, password: 'p', connectionName: 'io', db: 3 };
  const client = new Redis({ ...options, retryStrategy: () => null });
  const binary = Buffer.from([0, 255, 13, 10, 128]);
  expect(await client.set('ключ', binary)).toBe('OK');
  expect(await client.getBuffer('ключ')).toEqual(binary);
  expect(await client.get('none')).toBeNull();
  const replies = await client.pipeline(Array.from({ length: 200 }, (_, i) => ['echo', `${i}`])).exec();
  expect(replies).toEqual(Array.from({ length: 200 }, (_, i) => [null, `${i}`]));
  await expect(client.call('NOSUCH', 'a')).rejects.toThrow(
    "ERR unknown command 'NOSUCH', with args beginning with: 'a'",
  );
  expect(await client.client('GETNAME')).toBe('io');
  expect(await client.client('LIST')).toMatch(/ name=io age=\d+ idle=\d+ flags=N db=3 .* cmd=client\|list /);
  expect(await client.quit()).toBe('OK');
});

test('ioredis is told that its password is wrong', async () => {
  const client = new Redis({
    port: server.port,
    password: 'wrong',
    retryStrategy: () => null,
    lazyConnect: true,
  });
  client.on('error', () => {});
  await expect(client.connect().then(() => client.ping())).rejects.toThrow();
  client.disconnect();
});

test("Bun's RedisClient speaks RESP3 with it", async () => {
  const client = new RedisClient(`redis://default:p@127.0.0.1:${server.port}/2`, { autoReconnect: false });
  await client.connect();
  expect(await client.set('k', 'v')).toBe('OK');
  expect(await client.get('k')).toBe('v');
  expect(await client.get('none')).toBeNull();
  expect(await client.ping()).toBe('PONG');
  const hello = (await client.send('HELLO', ['3'])) as Record<string, unknown>;
  expect(hello).toMatchObject({
    server: 'redis',
    version: '8.0.0',
    proto: 3,
    mode: 'standalone',
    role: 'master',
  });
  expect(await client.send('CLIENT', ['INFO'])).toContain(' db=2 ');
  const many = await Promise.all(Array.from({ length: 500 }, (_, i) => client.send('ECHO', [`${i}`])));
  expect(many).toEqual(Array.from({ length: 500 }, (_, i) => `${i}`));
  client.close();
});
