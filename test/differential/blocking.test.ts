/**
 * Several clients that wait for each other, against redis-server: the same random commands in the same order, a client's
 * next only when it does not wait. What each client is sent in the end must be the same bytes.
 */
import { connect, type Socket } from 'node:net';
import { afterAll, beforeAll, describe, test } from 'bun:test';
import { chooseCommandCount, chooseSeed, type Command, Random, replyEnd } from '../support/differential.ts';
import { isOracleMissing, type Oracle, startOracle } from '../support/oracles.ts';
import { encodeRequest, type TestClient, TestServer } from '../support/test-server.ts';
import {
  type ClientCommand,
  EXCHANGE_WAITING,
  EXCHANGES,
  OTHER,
  REFUSED,
  STREAM_OTHER,
  STREAM_WAITING,
  WAITING,
} from './blocking-commands.ts';

const COMMANDS = 3000;
const TIMEOUT_MS = 60_000 + chooseCommandCount(COMMANDS) * 5;
const CLIENTS = 7;
const ROUND_COMMANDS = 150;
/** The first two never wait: somebody must be left to push. */
const PUSHERS = 2;
const HISTORY_SHOWN = 40;

/** A client of the oracle that keeps what it is sent. */
class OracleEnd {
  readonly socket: Socket;
  received = '';

  private constructor(socket: Socket) {
    this.socket = socket;
    socket.on('data', (chunk: Buffer) => (this.received += chunk.toString('latin1')));
  }

  static open(port: number): Promise<OracleEnd> {
    return new Promise((resolve, reject) => {
      const socket = connect({ host: '127.0.0.1', port, noDelay: true }, () =>
        resolve(new OracleEnd(socket)),
      );
      socket.once('error', reject);
    });
  }

  send(command: Command): void {
    this.socket.write(encodeRequest(command));
  }

  async until(condition: () => boolean, patienceMs: number): Promise<boolean> {
    const deadlineMs = performance.now() + patienceMs;
    while (!condition()) {
      if (performance.now() > deadlineMs) return false;
      await new Promise<void>((resolve) => setImmediate(resolve));
    }
    return true;
  }
}

class Race {
  private readonly server = new TestServer({ shardCount: 8, shardBytes: 4 << 20 });
  private readonly random: Random;
  private readonly ours: TestClient[] = [];
  private readonly sent: string[] = [];
  private readonly theirs: OracleEnd[] = [];
  private control!: OracleEnd;
  private history: string[] = [];
  private readonly seed: number;

  constructor(seed: number) {
    this.seed = seed;
    this.random = new Random(seed);
  }

  async open(port: number): Promise<void> {
    this.control = await OracleEnd.open(port);
    for (let index = 0; index < CLIENTS; index++) {
      this.theirs.push(await OracleEnd.open(port));
      this.ours.push(this.server.connect());
      this.sent.push('');
      const end = this.theirs[index]!;
      await this.run(index, ['HELLO', 2 + (index % 2)]);
      await end.until(() => replyEnd(end.received, 0) === end.received.length, 5000);
      // Their ids and versions differ.
      this.sent[index] = '';
      end.received = '';
    }
  }

  close(): void {
    for (const { socket } of [...this.theirs, this.control]) socket.destroy();
  }

  /** A round: random commands, then everybody's wait is ended, and all that was sent is compared. */
  async round(waiting: readonly ClientCommand[], other: readonly ClientCommand[]): Promise<void> {
    const { random } = this;
    this.history = [];
    await this.run(0, ['FLUSHALL']);
    for (let step = 0; step < ROUND_COMMANDS; step++) {
      const index = random.below(CLIENTS);
      if (this.ours[index]!.connection.blocked) continue;
      const mayWait = index >= PUSHERS && random.below(3) > 0;
      if (random.oneIn(12)) await this.unblock(random.below(CLIENTS), random.oneIn(2));
      else await this.run(index, random.pick(mayWait ? waiting : other)(random));
    }
    for (let index = 0; index < CLIENTS; index++) {
      if (this.ours[index]!.connection.blocked) await this.unblock(index, true);
    }
    await this.compare();
  }

  private async run(index: number, command: Command): Promise<void> {
    this.history.push(`${index}: ${command.join(' ').slice(0, 100)}`);
    this.ours[index]!.connection.receive(encodeRequest(command));
    this.theirs[index]!.send(command);
    await this.settle();
  }

  /** Both servers are asked to unblock their client of this number; the first client hears whether there was a wait. */
  private async unblock(index: number, withError: boolean): Promise<void> {
    const reason = withError ? 'ERROR' : 'TIMEOUT';
    this.history.push(`0: CLIENT UNBLOCK ${index} ${reason}`);
    const { control } = this;
    this.ours[0]!.connection.receive(
      encodeRequest(['CLIENT', 'UNBLOCK', this.ours[index]!.connection.id, reason]),
    );
    this.theirs[0]!.send(['CLIENT', 'UNBLOCK', await this.theirId(index), reason]);
    await this.settle();
    control.received = '';
  }

  private readonly theirIds: number[] = [];

  /** The oracle gives ids in the order of connecting, the control connection being the first. */
  private async theirId(index: number): Promise<number> {
    if (this.theirIds.length === 0) {
      const { control } = this;
      control.received = '';
      control.send(['CLIENT', 'ID']);
      await control.until(() => control.received.endsWith('\r\n'), 5000);
      const first = Number(control.received.slice(1));
      for (let i = 0; i < CLIENTS; i++) this.theirIds.push(first + 1 + i);
    }
    return this.theirIds[index]!;
  }

  /**
   * When the control connection has its answer, the oracle has carried out what was sent before, and has handed out all
   * replies: what was sent before is there when it looks for input, and it answers behind all of that.
   */
  private async settle(): Promise<void> {
    const { control } = this;
    control.received = '';
    control.send(['PING']);
    if (!(await control.until(() => control.received !== '', 5000))) throw new Error('the oracle is silent');
    for (const [index, { socket }] of this.ours.entries()) {
      this.sent[index] += socket.output;
      socket.output = '';
    }
  }

  private async compare(): Promise<void> {
    for (let index = 0; index < CLIENTS; index++) {
      const end = this.theirs[index]!;
      const ours = this.sent[index]!;
      await end.until(() => end.received.length >= ours.length, 2000);
      if (end.received !== ours) throw new Error(this.describe(index, ours, end.received));
      this.sent[index] = '';
      end.received = '';
    }
    this.server.verify();
    const waits = this.server.engine.dispatcher.interests.verify();
    if (waits !== 0) throw new Error(`seed ${this.seed}: ${waits} waits are left`);
  }

  private describe(index: number, ours: string, theirs: string): string {
    let same = 0;
    while (same < ours.length && ours[same] === theirs[same]) same++;
    const from = Math.max(same - 60, 0);
    return [
      `seed ${this.seed}, client ${index}`,
      `ours:   ${JSON.stringify(ours.slice(from, same + 100))}`,
      `theirs: ${JSON.stringify(theirs.slice(from, same + 100))}`,
      ...this.history.slice(process.env['DIFFERENTIAL_HISTORY'] === 'all' ? 0 : -HISTORY_SHOWN),
    ].join('\n');
  }
}

describe.skipIf(isOracleMissing('redis-server'))('clients that wait are served as by redis-server', () => {
  let oracle: Oracle;
  beforeAll(async () => {
    oracle = await startOracle('redis-server');
  });
  afterAll(() => oracle.stop());

  async function race(waiting: readonly ClientCommand[], other: readonly ClientCommand[]): Promise<void> {
    const seed = chooseSeed();
    console.log(`seed ${seed}`);
    const runner = new Race(seed);
    try {
      await runner.open(oracle.port);
      const rounds = Math.ceil(chooseCommandCount(COMMANDS) / ROUND_COMMANDS);
      for (let i = 0; i < rounds; i++) await runner.round(waiting, other);
    } finally {
      runner.close();
    }
  }

  test('on few keys of every type', () => race(WAITING, [...OTHER, ...OTHER, ...REFUSED]), TIMEOUT_MS);
  test('on few streams', () => race(STREAM_WAITING, STREAM_OTHER), TIMEOUT_MS);
  test('while databases change places', () => race(EXCHANGE_WAITING, EXCHANGES), TIMEOUT_MS);
});
