/** Many publishers and listeners on several worker threads: every count is exact, nothing is lost or comes twice, and the
 *  messages of one publisher arrive in its order. */
import { afterAll, afterEach, beforeAll, expect, test } from 'bun:test';
import { Random } from '../support/differential.ts';
import { RealClient, type RealServer, startRealServer } from '../support/real-server.ts';
import { freshSeed } from '../support/seed.ts';
import { encodeRequest } from '../support/test-server.ts';

const PUBLISHERS = 8;
const LISTENERS = 16;
const CHANNELS = ['news', 'nuts', 'bolts', 'none'];
const PATTERNS = ['n*', '*t*', 'x*'];
const MATCHES: Readonly<Record<string, readonly string[]>> = {
  news: ['n*'],
  nuts: ['n*', '*t*'],
  bolts: ['*t*'],
  none: ['n*'],
};
const ROUNDS = 20;
const MESSAGES_PER_ROUND = 50;

let server: RealServer;
const clients: RealClient[] = [];
beforeAll(async () => {
  server = await startRealServer([
    '--threads',
    '4',
    '--client-output-buffer-limit',
    'normal 0 0 0 slave 0 0 0 pubsub 1000000 0 0',
  ]);
});
afterEach(() => {
  for (const client of clients.splice(0)) client.close();
});
afterAll(() => server.stop());

async function open(): Promise<RealClient> {
  const client = await RealClient.open(server.port);
  clients.push(client);
  return client;
}

async function answer(client: RealClient, ...parts: (string | number)[]): Promise<string> {
  client.received = '';
  client.send(...parts);
  await client.until(() => client.received.endsWith('\r\n'));
  return client.received;
}

/** The last elements of all messages that a client was sent: sender and number. */
function messagesIn(text: string): string[] {
  return [...text.matchAll(/\r\n(\d+:\d+)\r\n/g)].map((match) => match[1]!);
}

/** How many of what a listener listens to a message to `channel` reaches it by. */
function reachCount(names: readonly string[], channel: string): number {
  return names.filter((name) => name === channel || MATCHES[channel]!.includes(name)).length;
}

async function listen(random: Random): Promise<{ client: RealClient; names: string[] }> {
  const client = await open();
  if (random.oneIn(2)) await answer(client, 'HELLO', 3);
  const channels = CHANNELS.slice(0, 3).filter(() => random.oneIn(2));
  const patterns = PATTERNS.filter(() => random.oneIn(2));
  if (channels.length > 0) client.send('SUBSCRIBE', ...channels);
  if (patterns.length > 0) client.send('PSUBSCRIBE', ...patterns);
  const names = [...channels, ...patterns];
  await client.until(() => client.received.split('subscribe\r\n').length - 1 === names.length);
  client.received = '';
  return { client, names };
}

test('many publish to many over four workers', async () => {
  const random = new Random(freshSeed('pubsub'));
  const listeners = await Promise.all(Array.from({ length: LISTENERS }, () => listen(random)));
  const expected = listeners.map(() => 0);
  const publish = async (id: number): Promise<void> => {
    const client = await open();
    let last = 0;
    for (let round = 0; round < ROUNDS; round++) {
      let requests = '';
      let counts = '';
      for (let i = 0; i < MESSAGES_PER_ROUND; i++) {
        const channel = random.pick(CHANNELS);
        const reached = listeners.map(({ names }) => reachCount(names, channel));
        reached.forEach((count, index) => (expected[index]! += count));
        requests += encodeRequest(['PUBLISH', channel, `${id}:${++last}`]).toString();
        counts += `:${reached.reduce((sum, count) => sum + count, 0)}\r\n`;
      }
      client.received = '';
      client.socket.write(requests);
      await client.until(() => client.received.length >= counts.length);
      expect(client.received).toBe(counts);
    }
  };
  await Promise.all(Array.from({ length: PUBLISHERS }, (_, id) => publish(id)));
  for (const [index, { client }] of listeners.entries()) {
    await client.until(() => messagesIn(client.received).length >= expected[index]!);
    const messages = messagesIn(client.received);
    expect(messages.length).toBe(expected[index]!);
    const lastOf = new Map<string, number>();
    for (const message of messages) {
      const [id, number] = message.split(':') as [string, string];
      expect(Number(number)).toBeGreaterThanOrEqual(lastOf.get(id) ?? 0);
      lastOf.set(id, Number(number));
    }
  }
}, 30_000);

test('who begins to listen hears nothing that was published before', async () => {
  const publisher = await open();
  const steady = await Promise.all(Array.from({ length: 8 }, open));
  for (const client of steady) await answer(client, 'SUBSCRIBE', 'late');
  for (let round = 0; round < 100; round++) {
    const late = await open();
    expect(await answer(publisher, 'PUBLISH', 'late', 'before')).toBe(':8\r\n');
    expect(await answer(late, 'SUBSCRIBE', 'late')).toBe('*3\r\n$9\r\nsubscribe\r\n$4\r\nlate\r\n:1\r\n');
    expect(await answer(publisher, 'PUBLISH', 'late', 'after')).toBe(':9\r\n');
    await late.until(() => late.received.includes('after'));
    expect(late.received).not.toContain('before');
    expect(await answer(late, 'QUIT')).toBe('+OK\r\n');
    await late.until(() => late.closed);
    late.close();
  }
}, 30_000);

test('a subscriber that does not read is cut, and the others get everything', async () => {
  const publisher = await open();
  const quick = await Promise.all(Array.from({ length: 6 }, open));
  const slow = await Promise.all(Array.from({ length: 4 }, open));
  for (const client of [...quick, ...slow]) await answer(client, 'SUBSCRIBE', 'flood');
  for (const client of slow) client.socket.pause();
  const message = 'x'.repeat(50_000);
  let sent = 0;
  for (; sent < 2000; sent++) {
    const reply = await answer(publisher, 'PUBLISH', 'flood', message);
    if (reply === ':6\r\n') break;
  }
  expect(sent).toBeLessThan(2000);
  for (const client of quick) {
    await client.until(() => client.received.split(message).length - 1 === sent + 1, 10_000);
  }
}, 30_000);

test('CLIENT LIST and KILL tell subscribers apart on every worker', async () => {
  const asker = await open();
  const listeners = await Promise.all(Array.from({ length: 5 }, open));
  for (const client of listeners) await answer(client, 'SUBSCRIBE', 'killed');
  const lines = await answer(asker, 'CLIENT', 'LIST', 'TYPE', 'pubsub');
  expect(lines.split('flags=P').length - 1).toBe(5);
  expect(await answer(asker, 'CLIENT', 'KILL', 'TYPE', 'pubsub')).toBe(':5\r\n');
  expect(await answer(asker, 'PUBLISH', 'killed', 'x')).toBe(':0\r\n');
  expect(await answer(asker, 'PUBSUB', 'NUMSUB', 'killed')).toBe('*2\r\n$6\r\nkilled\r\n:0\r\n');
});
