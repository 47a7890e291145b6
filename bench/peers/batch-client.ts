/** Steps of commands that are made before a window begins, sent in batches, each behind the reply to the one before it: so
 *  the generator is hardly in the way. `cpuUsPerOperation` of the server is what a busy machine distorts least. */

import type { Goal, Metrics } from '../result.ts';
import { cpuNsBetween, readCpu } from './process-usage.ts';
import { runCase, type Bench } from './scenario.ts';
import type { Server } from './server.ts';

export type Words = readonly (string | number)[];

/** Commands that are measured together, and those that make what they need and are not. */
export interface Step {
  readonly name: string;
  readonly prepare?: readonly Words[];
  readonly commands: readonly Words[];
  readonly goal?: Goal;
}

const BATCH_COMMANDS = 200;
const DONE = Buffer.from('$4\r\ndone\r\n');
const ERROR = Buffer.from('\r\n-ERR');

/** Sends batches that end with a PING, and waits for the end of the reply to it. An error among the replies throws. */
export class BatchClient {
  readonly server: Server;
  private tail = Buffer.alloc(0);
  private finish: () => void = () => {};
  private fail: (reason: Error) => void = () => {};
  private socket!: Bun.Socket;
  /** What `ask` was answered with, or the end of it. */
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
    if (chunk[0] === 0x2d || chunk.includes(ERROR)) {
      this.fail(new Error(`the server answered ${chunk.subarray(0, 200).toString('latin1')}`));
    }
    this.tail = Buffer.concat([this.tail.subarray(-4096), chunk.subarray(-8192)]);
    if (!this.tail.subarray(-DONE.length).equals(DONE)) return;
    this.reply = this.tail.toString('latin1');
    this.tail = Buffer.alloc(0);
    this.finish();
  }

  /** A batch is short enough for the socket to take it whole. */
  async send(batches: readonly Buffer[]): Promise<void> {
    for (const batch of batches) {
      const { promise, resolve, reject } = Promise.withResolvers<void>();
      this.finish = resolve;
      this.fail = reject;
      const taken = this.socket.write(batch);
      if (taken !== batch.length) throw new Error(`the socket took ${taken} of ${batch.length} bytes`);
      await promise;
    }
  }

  run(commands: readonly Words[]): Promise<void> {
    return this.send(batchesOf(commands));
  }

  /** The end of the reply to one command. */
  async ask(...words: Words): Promise<string> {
    await this.run([words]);
    return this.reply;
  }

  async usedMemory(): Promise<number> {
    return Number(/used_memory:(\d+)/.exec(await this.ask('INFO', 'memory'))?.[1]);
  }

  close(): void {
    this.socket.end();
  }
}

/** Measures a step on both servers in turn. */
export async function compareStep(
  bench: Bench,
  scenario: string,
  clients: { readonly ours: BatchClient; readonly peer: BatchClient },
  step: Step,
): Promise<void> {
  await runCase(bench, {
    scenario,
    case: step.name,
    peerName: 'redis-server',
    ours: () => measureStep(clients.ours, step),
    peer: () => measureStep(clients.peer, step),
    goals: step.goal === undefined ? [] : [step.goal],
  });
}

export async function measureStep(client: BatchClient, step: Step): Promise<Metrics> {
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
