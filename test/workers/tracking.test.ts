/** Clients that cache what they read, on several worker threads, while others write: nothing changed is ever missed, and
 *  no reply shows a later state than what a client still has in its cache. */
import { afterAll, afterEach, beforeAll, expect, test } from 'bun:test';
import { RealClient, type RealServer, startRealServer } from '../support/real-server.ts';
import { encodeRequest } from '../support/test-server.ts';

const PAIRS = 4;
const READERS = 8;
const ROUNDS = 150;

let server: RealServer;
const clients: RealClient[] = [];
beforeAll(async () => {
  server = await startRealServer(['--threads', '4']);
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

const INVALIDATION = />2\r\n\$10\r\ninvalidate\r\n\*1\r\n\$\d+\r\n(\w+)\r\n/y;
const BULK = /(?:_|\$\d+\r\n(\d+))\r\n/y;

/** A client with a cache, which it fills by reading pairs of keys of which the first is always written first. */
class Reader {
  private readonly client: RealClient;
  private readonly cache = new Map<string, number>();
  private at = 0;
  private readonly asked: string[] = [];
  invalidationCount = 0;

  private constructor(client: RealClient) {
    this.client = client;
  }

  static async open(): Promise<Reader> {
    const client = await open();
    await answer(client, 'HELLO', 3);
    expect(await answer(client, 'CLIENT', 'TRACKING', 'ON')).toBe('+OK\r\n');
    client.received = '';
    return new Reader(client);
  }

  async read(keys: readonly string[]): Promise<void> {
    this.asked.push(...keys);
    this.client.socket.write(Buffer.concat(keys.map((key) => encodeRequest(['GET', key]))));
    await this.client.until(() => {
      this.parse();
      return this.asked.length === 0;
    });
  }

  /** Takes what has come, in order. */
  private parse(): void {
    const { received } = this.client;
    for (;;) {
      INVALIDATION.lastIndex = this.at;
      BULK.lastIndex = this.at;
      const invalidation = INVALIDATION.exec(received);
      const bulk = invalidation === null ? BULK.exec(received) : null;
      if (invalidation !== null) {
        this.cache.delete(invalidation[1]!);
        this.invalidationCount++;
        this.at = INVALIDATION.lastIndex;
      } else if (bulk !== null) {
        this.take(this.asked.shift()!, Number(bulk[1] ?? 0));
        this.at = BULK.lastIndex;
      } else return;
    }
  }

  private take(key: string, value: number): void {
    this.cache.set(key, value);
    if (!key.startsWith('second')) return;
    const first = this.cache.get(key.replace('second', 'first'));
    if (first !== undefined && first < value) {
      throw new Error(`read ${value} of ${key} while ${first}, which is older, was still in the cache`);
    }
  }

  /** Waits until what is in the cache is what is on the server. */
  async settle(expected: number): Promise<void> {
    await this.client.until(() => {
      this.parse();
      return [...this.cache.values()].every((value) => value === expected);
    });
  }
}

test('no client ever has something in its cache that is older than what it reads', async () => {
  const readers = await Promise.all(Array.from({ length: READERS }, () => Reader.open()));
  const writers = await Promise.all(Array.from({ length: PAIRS }, open));
  let isWriting = true;
  const write = async (pair: number): Promise<void> => {
    for (let round = 1; round <= ROUNDS; round++) {
      const client = writers[pair]!;
      client.received = '';
      client.socket.write(
        Buffer.concat([
          encodeRequest(['SET', `first${pair}`, round]),
          encodeRequest(['SET', `second${pair}`, round]),
        ]),
      );
      await client.until(() => client.received.length === 10);
    }
  };
  const read = async (reader: Reader, seed: number): Promise<void> => {
    for (let turn = seed; isWriting; turn++) {
      const pair = turn % PAIRS;
      await reader.read([`second${pair}`, `first${pair}`, `second${pair}`]);
    }
  };
  const reading = readers.map(read);
  await Promise.all(writers.map((_, pair) => write(pair)));
  isWriting = false;
  await Promise.all(reading);
  for (const reader of readers) await reader.settle(ROUNDS);
  for (const reader of readers) expect(reader.invalidationCount).toBeGreaterThan(0);
}, 30_000);

test('everybody is told of every change that is broadcast, and when everything is removed', async () => {
  const listeners = await Promise.all(Array.from({ length: 8 }, open));
  for (const client of listeners) {
    await answer(client, 'HELLO', 3);
    await answer(client, 'CLIENT', 'TRACKING', 'ON', 'BCAST', 'PREFIX', 'told:');
    client.received = '';
  }
  const writer = await open();
  for (let i = 0; i < 200; i++) await answer(writer, 'MSET', `told:${i}`, i, `other:${i}`, i);
  for (const client of listeners) {
    await client.until(() => new Set(client.received.match(/told:\d+/g)).size === 200);
    expect(client.received).not.toContain('other');
    client.received = '';
  }
  await answer(writer, 'FLUSHALL');
  for (const client of listeners) {
    await client.until(() => client.received === '>2\r\n$10\r\ninvalidate\r\n_\r\n');
  }
});

test('a client on another worker is told in place of one that tracks, until it leaves', async () => {
  const [reader, writer] = [await open(), await open()];
  await answer(reader, 'HELLO', 3);
  for (let round = 0; round < 6; round++) {
    const listener = await open();
    const id = (await answer(listener, 'CLIENT', 'ID')).slice(1, -2);
    await answer(listener, 'SUBSCRIBE', '__redis__:invalidate');
    expect(await answer(reader, 'CLIENT', 'TRACKING', 'ON', 'REDIRECT', id)).toBe('+OK\r\n');
    await answer(reader, 'GET', 'k');
    await answer(writer, 'SET', 'k', round);
    await listener.until(() => listener.received.endsWith('invalidate\r\n*1\r\n$1\r\nk\r\n'));
    expect(await answer(reader, 'GET', 'k')).toBe(`$1\r\n${round}\r\n`);
    listener.close();
    await writer.until(() => listener.closed);
    await Bun.sleep(50);
    reader.received = '';
    await answer(writer, 'SET', 'k', 'x');
    await reader.until(() => reader.received === `>2\r\n$21\r\ntracking-redir-broken\r\n:${id}\r\n`);
  }
});

test('so many changes that a mailbox cannot hold them are told as a change of everything', async () => {
  const readers = await Promise.all(Array.from({ length: 6 }, open));
  for (const client of readers) {
    await answer(client, 'HELLO', 3);
    await answer(client, 'CLIENT', 'TRACKING', 'ON', 'BCAST');
    client.received = '';
  }
  const writer = await open();
  const long = 'x'.repeat(1000);
  const requests = Array.from({ length: 3000 }, (_, i) => encodeRequest(['SET', `${long}${i}`, '']));
  writer.socket.write(Buffer.concat(requests));
  await writer.until(() => writer.received.length === 3000 * 5, 10_000);
  for (const client of readers) {
    await client.until(
      () => client.received.includes(`${long}2999\r\n`) || client.received.includes('invalidate\r\n_\r\n'),
    );
  }
});
