/** Write storms on several worker threads with `maxmemory` and a policy: used memory stays at the limit, nobody is refused,
 *  and what is left is whole. */

import { describe, expect, test } from 'bun:test';
import type { Socket } from 'bun';
import { findFreePort } from '../support/free-port.ts';
import { Prng } from '../support/prng.ts';
import { RealClient, type RealServer, startRealServer } from '../support/real-server.ts';
import { freshSeed } from '../support/seed.ts';
import { encodeRequest } from '../support/test-server.ts';

const THREADS = 4;
const WRITERS = 12;
const LIMIT_BYTES = 24 << 20;
/** What is written in all: some times the limit, and as often again as EVICTION_ROUNDS says. */
const WRITTEN_BYTES = LIMIT_BYTES * 2.5 * Number(process.env['EVICTION_ROUNDS'] ?? 1);
const PATIENCE_MS = WRITTEN_BYTES / 500;
/** As the issue has it. */
const OVER_MAX = 1.02;
const BATCH_BYTES = 256 << 10;

type Load = (random: Prng) => Buffer;

const key = (random: Prng, kind: string): string => `${kind}:${random.below(400_000)}`;
const text = (random: Prng, bytesMax: number): string =>
  String.fromCharCode(97 + random.below(26)).repeat(1 + random.below(bytesMax));

function small(random: Prng): Buffer {
  return encodeRequest(['SET', key(random, 's'), text(random, 200)]);
}

/** Strings from bytes to a megabyte, and collections that grow, some of them large. */
function mixed(random: Prng): Buffer {
  const dice = random.below(1000);
  if (dice < 3) return encodeRequest(['SET', key(random, 'huge'), text(random, 512 << 10)]);
  if (dice < 20) return encodeRequest(['SET', key(random, 'large'), text(random, 50_000)]);
  if (dice < 500) return encodeRequest(['SET', key(random, 's'), text(random, 2000)]);
  const members = Array.from({ length: 20 }, () => `${random.next32()}`);
  if (dice < 650) return encodeRequest(['SADD', `set:${random.below(50)}`, ...members]);
  if (dice < 800) return encodeRequest(['RPUSH', `list:${random.below(50)}`, ...members]);
  if (dice < 900) return encodeRequest(['HSET', key(random, 'h'), ...members]);
  return encodeRequest(['GET', key(random, 's')]);
}

function items(random: Prng): Buffer {
  const value = text(random, random.below(50) === 0 ? 500_000 : 1000);
  return Buffer.from(`set ${key(random, 'm')} 0 0 ${value.length}\r\n${value}\r\n`);
}

/** Sends batch after batch, each when the one before has been answered. */
class Writer {
  private wake: () => void = () => {};
  private socket!: Socket<undefined>;
  private unsent: Buffer = Buffer.alloc(0);
  private expected = 0;
  replyCount = 0;
  readonly errors = new Set<string>();

  constructor(
    private readonly random: Prng,
    private readonly load: Load,
  ) {}

  async run(port: number): Promise<void> {
    this.socket = await Bun.connect({
      hostname: '127.0.0.1',
      port,
      socket: {
        data: (_socket, bytes) => this.receive(bytes.toString('latin1')),
        drain: () => this.flush(),
        close: () => this.wake(),
      },
    });
    for (let byteCount = 0; byteCount < WRITTEN_BYTES / WRITERS;) {
      byteCount += this.sendBatch();
      await new Promise<void>((resolve) => (this.wake = resolve));
      if (this.expected > 0) throw new Error(`closed while ${this.expected} replies were awaited`);
    }
    this.socket.end();
  }

  /** Returns the bytes sent. */
  private sendBatch(): number {
    const parts: Buffer[] = [];
    for (let byteCount = 0; byteCount < BATCH_BYTES; byteCount += parts.at(-1)!.length) {
      parts.push(this.load(this.random));
    }
    this.expected = parts.length;
    this.unsent = Buffer.concat(parts);
    const byteCount = this.unsent.length;
    this.flush();
    return byteCount;
  }

  private flush(): void {
    this.unsent = this.unsent.subarray(Math.max(this.socket.write(this.unsent), 0));
  }

  private receive(replies: string): void {
    for (const [line] of replies.matchAll(/^(?:[+:-].*|\$-?\d+|[A-Z_]{3,}.*)(?=\r\n)/gm)) {
      this.expected--;
      this.replyCount++;
      if (line.startsWith('-') || line.startsWith('SERVER_ERROR')) this.errors.add(line);
    }
    if (this.expected <= 0) this.wake();
  }
}

async function info(client: RealClient, section: string, name: string): Promise<number> {
  const text = await client.ask('INFO', section);
  return Number(new RegExp(`^${name}:([\\d.]+)`, 'm').exec(text)?.[1]);
}

async function usedMax(client: RealClient, isOver: () => boolean): Promise<number> {
  let most = 0;
  while (!isOver()) {
    most = Math.max(most, await info(client, 'memory', 'used_memory'));
    await Bun.sleep(1);
  }
  return Math.max(most, await info(client, 'memory', 'used_memory_peak'));
}

async function storm(server: RealServer, port: number, load: Load): Promise<void> {
  const seed = freshSeed('write storm');
  const watcher = await RealClient.open(server.port);
  let isOver = false;
  const writers = Array.from({ length: WRITERS }, (_, index) => new Writer(new Prng(seed + index), load));
  const [most] = await Promise.all([
    usedMax(watcher, () => isOver),
    Promise.all(writers.map((writer) => writer.run(port))).finally(() => (isOver = true)),
  ]);
  const evicted = await info(watcher, 'stats', 'evicted_keys');
  expect(writers.flatMap(({ errors }) => [...errors])).toEqual([]);
  expect(evicted).toBeGreaterThan(1000);
  expect(most / LIMIT_BYTES).toBeLessThan(OVER_MAX);
  // What was freed too much for: the data set must not have been emptied.
  expect(await info(watcher, 'memory', 'used_memory')).toBeGreaterThan(LIMIT_BYTES * 0.9);
  watcher.received = '';
  watcher.send('DEBUG', 'VERIFY');
  await watcher.until(() => watcher.received.endsWith('\r\n') || watcher.closed, PATIENCE_MS);
  expect(watcher.received).toMatch(/^[+:]/);
  watcher.close();
  const replies = writers.reduce((sum, { replyCount }) => sum + replyCount, 0);
  console.log(
    `${replies} replies, ${evicted} evicted, at most ${((most / LIMIT_BYTES) * 100).toFixed(2)} % used`,
  );
}

const flags = (...more: string[]): string[] => [
  '--threads',
  `${THREADS}`,
  '--active-defrag-ignore-bytes',
  '1',
  '--maxmemory',
  `${LIMIT_BYTES}`,
  '--enable-debug-command',
  'yes',
  ...more,
];

describe('under a write storm on all workers used memory stays within 2 % of the limit', () => {
  for (const policy of ['allkeys-lru', 'allkeys-lfu']) {
    test(
      `${policy}, values of all sizes`,
      async () => {
        const server = await startRealServer(flags('--maxmemory-policy', policy));
        try {
          await storm(server, server.port, mixed);
        } finally {
          await server.stop();
        }
      },
      PATIENCE_MS,
    );
  }

  test(
    'cache mode, small values',
    async () => {
      const server = await startRealServer(flags('--cache-mode', 'yes'));
      try {
        await storm(server, server.port, small);
      } finally {
        await server.stop();
      }
    },
    PATIENCE_MS,
  );

  test(
    'cache mode, memcached items: none is refused',
    async () => {
      const port = findFreePort();
      const server = await startRealServer(flags('--cache-mode', 'yes', '--memcached-port', `${port}`));
      try {
        await storm(server, port, items);
      } finally {
        await server.stop();
      }
    },
    PATIENCE_MS,
  );
});
