/** Sets: redis-benchmark's SADD and SPOP, sets of 1,000,000 members, small ones, and what a member takes in memory.
 *
 *  Requests are made before a window begins and sent in batches, each behind the reply to the one before it, so the
 *  generator is hardly in the way; `cpuUsPerOperation` of the server is what a busy machine distorts least. */

import { Prng } from '../../test/support/prng.ts';
import type { Goal, Metrics } from '../result.ts';
import { summarise } from './compare.ts';
import { cpuNsBetween, readCpu } from './process-usage.ts';
import { measureRedisBenchmark } from './redis-benchmark.ts';
import { runCase, withServers, type Bench, type Scenario } from './scenario.ts';
import type { Server } from './server.ts';

export const sets: Scenario = {
  name: 'sets',
  summary: 'SADD and SPOP of redis-benchmark, sets of 1,000,000 members and small ones, against redis-server',
  run: runSets,
};

type Words = readonly (string | number)[];

/** Commands that are measured together, and those that make what they need and are not. */
interface Step {
  readonly name: string;
  readonly prepare?: readonly Words[];
  readonly commands: readonly Words[];
  readonly goal?: Goal;
}

const BATCH_COMMANDS = 200;
const AS_FAST: Goal = { metric: 'cpuUsPerOperation', on: 'ratio', atMost: 1 };
const WELL_FASTER: Goal = { metric: 'operationsPerSecond', on: 'ratio', atLeast: 1.1 };
const MEMORY: Goal = { metric: 'bytesPerMember', on: 'ratio', atMost: 0.8 };
const DONE = Buffer.from('$4\r\ndone\r\n');

async function runSets(bench: Bench): Promise<void> {
  const cores = bench.cores.server;
  const servers = { ours: { binary: bench.binary, cores }, peer: { binary: bench.redisBinary, cores } };
  await withServers(servers, async (ours, peer) => {
    await compareRedisBenchmark(bench, ours, peer);
    const clients = { ours: await BatchClient.open(ours), peer: await BatchClient.open(peer) };
    await compareMemory(bench, clients.ours, clients.peer);
    for (const step of [...largeSteps(bench), ...smallSteps()]) {
      await runCase(bench, {
        scenario: 'sets',
        case: step.name,
        peerName: 'redis-server',
        ours: () => measureStep(clients.ours, step),
        peer: () => measureStep(clients.peer, step),
        goals: step.goal === undefined ? [] : [step.goal],
      });
    }
    clients.ours.close();
    clients.peer.close();
  });
}

async function compareRedisBenchmark(bench: Bench, ours: Server, peer: Server): Promise<void> {
  for (const test of ['sadd', 'spop']) {
    for (const [name, extra] of [
      ['one member', []],
      ['100,000 members', ['-r', '100000']],
    ] as const) {
      const measure = (server: Server): Promise<Metrics> =>
        measureRedisBenchmark(server, {
          test,
          pipeline: 16,
          port: server.ports.resp,
          cores: bench.cores.load,
          connectionCount: 50,
          extra,
          operationCount: Math.round(bench.seconds * 500_000),
        });
      await runCase(bench, {
        scenario: 'sets',
        case: `redis-benchmark ${test} pipeline 16, ${name}`,
        peerName: 'redis-server',
        ours: () => measure(ours),
        peer: () => measure(peer),
        goals: [WELL_FASTER],
      });
    }
  }
}

function memberCount(bench: Bench): number {
  return bench.isQuick ? 100_000 : 1_000_000;
}

function memberOf(number: number): string {
  return `element:${String(number).padStart(12, '0')}`;
}

/** Numbers below `count` in a random order. */
function shuffled(count: number, seed: number): Int32Array {
  const random = new Prng(seed);
  const numbers = Int32Array.from({ length: count }, (_, index) => index);
  for (let i = count - 1; i > 0; i--) {
    const j = random.below(i + 1);
    [numbers[i], numbers[j]] = [numbers[j]!, numbers[i]!];
  }
  return numbers;
}

async function compareMemory(bench: Bench, ours: BatchClient, peer: BatchClient): Promise<void> {
  const count = memberCount(bench);
  const measure = async (client: BatchClient): Promise<Metrics> => {
    await client.run([['FLUSHALL']]);
    const before = await client.usedMemory();
    await client.run(addCommands('large', shuffled(count, 1), 0));
    return { bytesPerMember: ((await client.usedMemory()) - before) / count };
  };
  const ofOurs = await measure(ours);
  const ofPeer = await measure(peer);
  bench.report({
    kind: 'result',
    scenario: 'sets',
    case: `memory of ${count} members of 20 bytes`,
    peerName: 'redis-server',
    ...summarise([ofOurs], [ofPeer]),
    goals: [MEMORY],
  });
}

function addCommands(key: string, numbers: Int32Array, shift: number): Words[] {
  return Array.from(numbers, (number) => ['SADD', key, memberOf(number + shift)]);
}

function largeSteps(bench: Bench): Step[] {
  const count = memberCount(bench);
  const numbers = shuffled(count, 1);
  const others = shuffled(count, 2);
  const some = others.subarray(0, count / 5);
  const copy: Words = ['COPY', 'large', 'copy', 'REPLACE'];
  // Half of its members are those of the first.
  const other = addCommands('other', others, count / 2);
  const repeated = (times: number, ...words: Words): Words[] => Array.from({ length: times }, () => words);
  return [
    {
      name: `build ${count}`,
      prepare: [['DEL', 'large']],
      commands: addCommands('large', numbers, 0),
      goal: AS_FAST,
    },
    {
      name: 'random SISMEMBER',
      commands: Array.from(some, (n) => ['SISMEMBER', 'large', memberOf(n)]),
      goal: AS_FAST,
    },
    { name: 'SRANDMEMBER 100', commands: repeated(1000, 'SRANDMEMBER', 'large', 100), goal: AS_FAST },
    { name: 'SRANDMEMBER', commands: repeated(count / 10, 'SRANDMEMBER', 'large') },
    { name: 'SMEMBERS', commands: repeated(1, 'SMEMBERS', 'large') },
    { name: 'SSCAN COUNT 1000', commands: repeated(500, 'SSCAN', 'large', 0, 'COUNT', 1000) },
    {
      name: 'SINTER of two',
      prepare: other,
      commands: repeated(2, 'SINTER', 'large', 'other'),
      goal: AS_FAST,
    },
    { name: 'SINTERCARD of two', commands: repeated(2, 'SINTERCARD', 2, 'large', 'other') },
    { name: 'SDIFF of two', commands: repeated(2, 'SDIFF', 'large', 'other') },
    { name: 'SUNION of two', commands: repeated(1, 'SUNION', 'large', 'other') },
    { name: 'SINTERSTORE of two', commands: repeated(1, 'SINTERSTORE', 'result', 'large', 'other') },
    { name: 'SUNIONSTORE of two', commands: repeated(1, 'SUNIONSTORE', 'result', 'large', 'other') },
    { name: 'SPOP', prepare: [copy], commands: repeated(count / 5, 'SPOP', 'copy'), goal: AS_FAST },
    { name: 'SPOP 1000', prepare: [copy], commands: repeated(count / 5000, 'SPOP', 'copy', 1000) },
    {
      name: 'SREM',
      prepare: [copy],
      commands: Array.from(some, (n) => ['SREM', 'copy', memberOf(n)]),
      goal: AS_FAST,
    },
    { name: 'DEL', prepare: [copy], commands: [['DEL', 'copy']], goal: AS_FAST },
  ];
}

function smallSteps(): Step[] {
  const texts = (from: number): string[] =>
    Array.from({ length: 10 }, (_, i) => `member:${(i * 7 + from) % 20}`);
  const integers = (from: number): number[] => Array.from({ length: 100 }, (_, i) => (i * 7 + from) % 200);
  const prepare: Words[] = [
    ['SADD', 'texts a', ...texts(0)],
    ['SADD', 'texts b', ...texts(5)],
    ['SADD', 'integers a', ...integers(0)],
    ['SADD', 'integers b', ...integers(30)],
  ];
  const many = (...words: Words): Words[] => Array.from({ length: 40_000 }, () => words);
  return [
    { name: 'small SISMEMBER', prepare, commands: many('SISMEMBER', 'texts a', 'member:7') },
    { name: 'small SMEMBERS', commands: many('SMEMBERS', 'texts a') },
    { name: 'small SINTER', commands: many('SINTER', 'texts a', 'texts b') },
    { name: 'small SUNION', commands: many('SUNION', 'texts a', 'texts b') },
    { name: 'SINTER of integers', commands: many('SINTER', 'integers a', 'integers b') },
    { name: 'SUNION of integers', commands: many('SUNION', 'integers a', 'integers b').slice(0, 5000) },
  ];
}

async function measureStep(client: BatchClient, step: Step): Promise<Metrics> {
  if (step.prepare !== undefined) await client.run(step.prepare);
  const batches = batchesOf(step.commands);
  const before = readCpu(client.server.pid);
  const startedMs = performance.now();
  await client.send(batches);
  const seconds = (performance.now() - startedMs) / 1000;
  const cpuNs = cpuNsBetween(before, readCpu(client.server.pid));
  const count = step.commands.length;
  return { operationsPerSecond: count / seconds, cpuUsPerOperation: cpuNs / 1000 / count };
}

function batchesOf(commands: readonly Words[]): Buffer[] {
  const batches: Buffer[] = [];
  for (let at = 0; at < commands.length; at += BATCH_COMMANDS) {
    const text = commands
      .slice(at, at + BATCH_COMMANDS)
      .map(encode)
      .join('');
    batches.push(Buffer.from(`${text}${encode(['PING', 'done'])}`, 'latin1'));
  }
  return batches;
}

function encode(words: Words): string {
  return `*${words.length}\r\n${words.map((word) => `$${String(word).length}\r\n${word}\r\n`).join('')}`;
}

/** Sends batches that end with a PING, and waits for the end of the reply to it; what came before is not looked at. */
class BatchClient {
  readonly server: Server;
  private tail = Buffer.alloc(0);
  private finish: () => void = () => {};
  private socket!: Bun.Socket;
  /** What `run` of a single command was answered with, or the end of it. */
  private reply = '';

  private constructor(server: Server) {
    this.server = server;
  }

  static async open(server: Server): Promise<BatchClient> {
    const client = new BatchClient(server);
    client.socket = await Bun.connect({
      hostname: '127.0.0.1',
      port: server.ports.resp,
      socket: { data: (_socket, chunk) => client.receive(chunk) },
    });
    return client;
  }

  private receive(chunk: Buffer): void {
    this.tail = Buffer.concat([this.tail.subarray(-4096), chunk.subarray(-8192)]);
    if (!this.tail.subarray(-DONE.length).equals(DONE)) return;
    this.reply = this.tail.toString('latin1');
    this.tail = Buffer.alloc(0);
    this.finish();
  }

  /** A batch is short enough for the socket to take it whole. */
  async send(batches: readonly Buffer[]): Promise<void> {
    for (const batch of batches) {
      const { promise, resolve } = Promise.withResolvers<void>();
      this.finish = resolve;
      const taken = this.socket.write(batch);
      if (taken !== batch.length) throw new Error(`the socket took ${taken} of ${batch.length} bytes`);
      await promise;
    }
  }

  run(commands: readonly Words[]): Promise<void> {
    return this.send(batchesOf(commands));
  }

  async usedMemory(): Promise<number> {
    await this.run([['INFO', 'memory']]);
    return Number(/used_memory:(\d+)/.exec(this.reply)?.[1]);
  }

  close(): void {
    this.socket.end();
  }
}
