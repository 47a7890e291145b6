/** Transactions, publishing, scripts and client-side caching against redis-server: one worker on one core. */

import { connect, type Socket } from 'node:net';
import type { Metrics } from '../result.ts';
import { compareInTurn } from './compare.ts';
import { Control } from './control.ts';
import { CHANNEL, SCRIPT, SUBSCRIBER_COUNTS } from './conversation-requests.ts';
import { fillKeys } from './load.ts';
import { bulk, request } from './request-text.ts';
import { measureLoad, runCase, STANDARD_LOAD, withServers, type Bench, type Scenario } from './scenario.ts';
import type { Server } from './server.ts';

const SCENARIO = 'conversations';
/** Few enough messages under way that subscribers keep up. */
const PUBLISHERS = 10;
const PUBLISH_PIPELINE = 4;
const TRANSACTION_PIPELINE = 4;
/** Where clients that speak RESP2 are told, through one that listens to it. */
const INVALIDATIONS = '__redis__:invalidate';
const DRAIN_MS_MAX = 10_000;
/** There are many cases: with windows of this length all of them take four minutes. */
const WINDOW_SECONDS_MAX = 1.5;
/** Every so many keys are read to be tracked, so many with one request. */
const READ_EVERY = 10;
const READ_TOGETHER = 1000;
/** Reads and writes of a cache that is watched. */
const MIXED = ['get', 'get', 'get', 'get', 'get', 'get', 'get', 'get', 'get', 'set'] as const;

export const conversations: Scenario = {
  name: SCENARIO,
  summary: 'MULTI of 10 SETs, EVALSHA of 3 calls, PUBLISH to 1 to 100 subscribers, tracking on and off',
  run: async (wanted) => {
    const bench = { ...wanted, seconds: Math.min(wanted.seconds, WINDOW_SECONDS_MAX) };
    const { server: cores } = bench.cores;
    const servers = { ours: { binary: bench.binary, cores }, peer: { binary: bench.redisBinary, cores } };
    await withServers(servers, async (ours, peer) => {
      for (const server of [ours, peer]) {
        await fillKeys(server.ports.resp, 'resp', STANDARD_LOAD.keyCount, bench.cores.load);
        await withControl(server, (control) => control.ask('SCRIPT', 'LOAD', SCRIPT));
      }
      await compareRequests(bench, ours, peer);
      for (const count of SUBSCRIBER_COUNTS) await comparePublishing(bench, ours, peer, count);
      await compareTracking(bench, ours, peer);
    });
  },
};

async function withControl<Result>(
  server: Server,
  use: (control: Control) => Promise<Result>,
): Promise<Result> {
  const control = await Control.open(server.ports.resp);
  try {
    return await use(control);
  } finally {
    control.close();
  }
}

async function compareRequests(bench: Bench, ours: Server, peer: Server): Promise<void> {
  const measure = (server: Server, command: 'transactionOfTenSets' | 'evalsha'): Promise<Metrics> =>
    measureLoad(bench, server, {
      protocol: 'resp',
      commands: [command],
      pipeline: command === 'evalsha' ? 16 : TRANSACTION_PIPELINE,
    });
  for (const [command, name, atLeast] of [
    ['transactionOfTenSets', 'MULTI of 10 SETs', 1.2],
    ['evalsha', 'EVALSHA of 3 calls', 0.7],
  ] as const) {
    await runCase(bench, {
      scenario: SCENARIO,
      case: name,
      peerName: 'redis-server',
      ours: () => measure(ours, command),
      peer: () => measure(peer, command),
      goals: [{ metric: 'operationsPerSecond', on: 'ratio', atLeast }],
    });
  }
}

async function comparePublishing(bench: Bench, ours: Server, peer: Server, count: number): Promise<void> {
  await runCase(bench, {
    scenario: SCENARIO,
    case: `PUBLISH to ${count}`,
    peerName: 'redis-server',
    ours: () => measurePublishing(bench, ours, count),
    peer: () => measurePublishing(bench, peer, count),
    goals: [{ metric: 'deliveredPerCpuSecond', on: 'ratio', atLeast: 1 }],
  });
}

async function measurePublishing(bench: Bench, server: Server, count: number): Promise<Metrics> {
  const subscribers = await Promise.all(
    Array.from({ length: count }, () => Subscriber.open(server.ports.resp)),
  );
  try {
    const metrics = await measureLoad(bench, server, {
      protocol: 'resp',
      commands: [`publishTo${count}` as 'publishTo1'],
      connectionCount: PUBLISHERS,
      pipeline: PUBLISH_PIPELINE,
      warmUpSeconds: 0,
    });
    const published = Math.round(metrics['operationsPerSecond']! * bench.seconds * 0.99);
    for (const subscriber of subscribers) await subscriber.hasReceived(published);
    return { ...metrics, deliveredPerCpuSecond: (count * 1e6) / metrics['cpuUsPerOperation']! };
  } finally {
    for (const subscriber of subscribers) subscriber.close();
  }
}

/** A connection that counts what it is told. */
class Subscriber {
  private readonly socket: Socket;
  private receivedBytes = 0;

  private constructor(socket: Socket) {
    this.socket = socket;
    socket.on('data', (chunk: Buffer) => (this.receivedBytes += chunk.length));
  }

  static open(port: number, channel: string = CHANNEL): Promise<Subscriber> {
    return new Promise((resolve, reject) => {
      const socket = connect({ host: '127.0.0.1', port });
      socket.once('error', reject);
      // The confirmation, which is not to be counted.
      socket.once('data', () => resolve(new Subscriber(socket)));
      socket.write(request('SUBSCRIBE', channel));
    });
  }

  /** Waits until so many messages have come: a server that lost some would look fast. */
  async hasReceived(messageCount: number): Promise<void> {
    const value = 'x'.repeat(STANDARD_LOAD.valueBytes);
    const bytes = request('message', CHANNEL, value).length * messageCount;
    const untilMs = performance.now() + DRAIN_MS_MAX;
    while (this.receivedBytes < bytes) {
      if (performance.now() > untilMs)
        throw new Error(`a subscriber got ${this.receivedBytes} bytes of ${bytes}`);
      await Bun.sleep(5);
    }
  }

  close(): void {
    this.socket.destroy();
  }
}

/** What it costs a server that reads are tracked, each server against itself: those of one client that reads a tenth of
 *  the keys once, while others load the server, and those of all who do. */
async function compareTracking(bench: Bench, ours: Server, peer: Server): Promise<void> {
  for (const [server, name] of [
    [ours, 'ours'],
    [peer, 'redis-server'],
  ] as const) {
    await withControl(server, async (control) => {
      // Only one that listens is told anything.
      const listener = await Subscriber.open(server.ports.resp, INVALIDATIONS);
      const id = await idOfListener(control);
      await withControl(server, (reader) =>
        compareTracked(bench, server, `tracking on for another client, ${name}`, async () => {
          await reader.ask('CLIENT', 'TRACKING', 'ON', 'REDIRECT', id);
          await readSome(reader);
          const metrics = await measureMixed(bench, server, []);
          await reader.ask('CLIENT', 'TRACKING', 'OFF');
          return metrics;
        }),
      );
      const preamble = [request('CLIENT', 'TRACKING', 'ON', 'REDIRECT', id)];
      await compareTracked(bench, server, `tracking on for all, ${name}`, () =>
        measureMixed(bench, server, preamble),
      );
      listener.close();
    });
  }
}

/** Reads a tenth of the keys, many at a time: one by one that takes longer than what is measured. */
async function readSome(reader: Control): Promise<void> {
  const { keyCount, valueBytes } = STANDARD_LOAD;
  const start = `*${READ_TOGETHER}\r\n`;
  const replyBytes = start.length + READ_TOGETHER * bulk('x'.repeat(valueBytes)).length;
  for (let first = 0; first < keyCount; first += READ_TOGETHER * READ_EVERY) {
    const keys = Array.from({ length: READ_TOGETHER }, (_, i) => first + i * READ_EVERY);
    await reader.time(['MGET', ...keys.map((key) => `key:${`${key}`.padStart(12, '0')}`)], start, replyBytes);
  }
}

/** Id of the one client that listens to anything. */
async function idOfListener(control: Control): Promise<string> {
  return /^id=(\d+)/.exec(await control.ask('CLIENT', 'LIST', 'TYPE', 'pubsub'))![1]!;
}

function measureMixed(bench: Bench, server: Server, preamble: readonly string[]): Promise<Metrics> {
  return measureLoad(bench, server, { protocol: 'resp', commands: MIXED, pipeline: 16, preamble });
}

async function compareTracked(
  bench: Bench,
  server: Server,
  name: string,
  tracked: () => Promise<Metrics>,
): Promise<void> {
  if (!bench.wantsCase(name)) return;
  const comparison = await compareInTurn({
    ours: tracked,
    peer: () => measureMixed(bench, server, []),
    rounds: bench.rounds,
    warmUpRounds: 1,
  });
  bench.report({
    kind: 'result',
    scenario: SCENARIO,
    case: name,
    peerName: 'tracking off',
    ...comparison,
    goals: name.endsWith('ours') ? [{ metric: 'operationsPerSecond', on: 'ratio', atLeast: 0.9 }] : [],
  });
}
