/** Transactions of clients on several worker threads: money is moved between accounts in different shards, and whoever
 *  looks sees all of it; a client that waits on another worker gets what a transaction has pushed. */
import { afterAll, beforeAll, expect, test } from 'bun:test';
import { Prng } from '../support/prng.ts';
import { RealClient, type RealServer, startRealServer } from '../support/real-server.ts';
import { freshSeed } from '../support/seed.ts';

const THREADS = 4;
const ACCOUNTS = 10;
const BALANCE = 1000;
const MOVERS = 6;
const READERS = 4;
const DURATION_MS = 2000;

let server: RealServer;
beforeAll(async () => {
  server = await startRealServer(['--threads', `${THREADS}`]);
});
afterAll(() => server.stop());

const accounts = Array.from({ length: ACCOUNTS }, (_, index) => `account:${index}`);

/** Sends requests together and waits for their replies. */
async function exchange(
  client: RealClient,
  requests: (string | number)[][],
  isWhole: (text: string) => boolean,
): Promise<string> {
  client.received = '';
  for (const request of requests) client.send(...request);
  await untilSoon(() => isWhole(client.received));
  return client.received;
}

async function untilSoon(condition: () => boolean): Promise<void> {
  const deadlineMs = performance.now() + 5000;
  while (!condition()) {
    if (performance.now() > deadlineMs) throw new Error('waited in vain');
    await new Promise<void>((resolve) => setImmediate(resolve));
  }
}

/** The bulk strings of a reply. */
function bulks(text: string): number[] {
  return [...text.matchAll(/\$\d+\r\n(-?\d+)\r\n/g)].map((match) => Number(match[1]));
}

function sum(numbers: readonly number[]): number {
  return numbers.reduce((total, number) => total + number, 0);
}

/** Moves money with WATCH, or without by INCRBY. Returns how many transactions were made and given up. */
async function move(seed: number, endMs: number): Promise<{ made: number; givenUp: number }> {
  const random = new Prng(seed);
  const client = await RealClient.open(server.port);
  const outcome = { made: 0, givenUp: 0 };
  while (performance.now() < endMs) {
    const from = accounts[random.below(ACCOUNTS)]!;
    const to = accounts[random.below(ACCOUNTS)]!;
    if (from === to) continue;
    const amount = random.below(50);
    if (random.below(3) === 0) {
      const requests = [['MULTI'], ['DECRBY', from, amount], ['INCRBY', to, amount], ['EXEC']];
      await exchange(client, requests, (text) => /\*2\r\n:-?\d+\r\n:-?\d+\r\n$/.test(text));
      outcome.made++;
      continue;
    }
    const watched = [
      ['WATCH', from, to],
      ['MGET', from, to],
    ];
    const [a, b] = bulks(await exchange(client, watched, (text) => bulks(text).length === 2));
    const requests = [['MULTI'], ['SET', from, a! - amount], ['SET', to, b! + amount], ['EXEC']];
    const isDone = (text: string): boolean =>
      text.endsWith('*-1\r\n') || text.endsWith('*2\r\n+OK\r\n+OK\r\n');
    const reply = await exchange(client, requests, isDone);
    if (reply.endsWith('*-1\r\n')) outcome.givenUp++;
    else outcome.made++;
  }
  client.close();
  return outcome;
}

/** Looks at all accounts, by MGET and by a transaction of GETs. */
async function read(endMs: number): Promise<number> {
  const client = await RealClient.open(server.port);
  let count = 0;
  while (performance.now() < endMs) {
    const requests =
      count % 2 === 0
        ? [['MGET', ...accounts]]
        : [['MULTI'], ...accounts.map((account) => ['GET', account]), ['EXEC']];
    const text = await exchange(client, requests, (received) => bulks(received).length === ACCOUNTS);
    const total = sum(bulks(text));
    if (total !== ACCOUNTS * BALANCE) throw new Error(`the total is ${total}: ${text}`);
    count++;
  }
  client.close();
  return count;
}

test('the total of all accounts never wavers', async () => {
  const seed = freshSeed('transactions');
  const client = await RealClient.open(server.port);
  await client.ask('MSET', ...accounts.flatMap((account) => [account, BALANCE]));
  const endMs = performance.now() + DURATION_MS;
  const movers = Array.from({ length: MOVERS }, (_, index) => move(seed + index, endMs));
  const readers = Array.from({ length: READERS }, () => read(endMs));
  const outcomes = await Promise.all(movers);
  for (const count of await Promise.all(readers)) expect(count).toBeGreaterThan(10);
  expect(sum(outcomes.map(({ made }) => made))).toBeGreaterThan(100);
  expect(sum(outcomes.map(({ givenUp }) => givenUp))).toBeGreaterThan(0);
  client.close();
}, 20_000);

test('what a transaction pushes wakes those who wait on other workers, each element one of them', async () => {
  const waiting = await Promise.all(Array.from({ length: 8 }, () => RealClient.open(server.port)));
  const pusher = await RealClient.open(server.port);
  for (let round = 0; round < 100; round++) {
    for (const [index, client] of waiting.entries()) {
      client.received = '';
      client.send('BLPOP', 'queue:a', 'queue:b', index % 2 === 0 ? 0 : 5);
    }
    pusher.send('MULTI');
    for (let index = 0; index < waiting.length; index++) {
      pusher.send('RPUSH', index % 2 === 0 ? 'queue:a' : 'queue:b', index);
    }
    pusher.send('EXEC');
    await untilSoon(() => waiting.every(({ received }) => received.endsWith('\r\n')));
    const got = waiting.map(({ received }) => received.split('\r\n').at(-2));
    expect(got.sort()).toEqual(['0', '1', '2', '3', '4', '5', '6', '7']);
  }
  for (const client of [...waiting, pusher]) client.close();
}, 20_000);
