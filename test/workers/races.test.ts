/** Several clients on several worker threads write and read the same few keys as fast as they can. Every value says
 *  which key, writer and write it is of, with a checksum: none may be torn, of another key, or out of order. */

import { afterAll, beforeAll, expect, test } from 'bun:test';
import { readdirSync } from 'node:fs';
import type { Socket } from 'bun';
import { Prng } from '../support/prng.ts';
import { RealClient, type RealServer, startRealServer } from '../support/real-server.ts';
import { freshSeed } from '../support/seed.ts';
import { encodeRequest } from '../support/test-server.ts';

const THREADS = 4;
const WRITERS = 8;
const KEYS = 12;
const BATCH = 64;
const DURATION_MS = 2000;
/** Values from a few bytes to several pages, so that they move between blocks of every kind. */
const FILLERS = [0, 1, 30, 200, 1000, 5000, 40_000];

function makeValue(key: string, writer: number, count: number, filler: number): string {
  const body = `${key} ${writer} ${count} ${String.fromCharCode(97 + (count % 26)).repeat(filler)}`;
  return `${Bun.hash.crc32(body)} ${body}`;
}

/** Which write a value is of. Throws unless it is whole and of `key`. */
function checkValue(value: string, key: string): { writer: number; count: number } {
  const space = value.indexOf(' ');
  const body = value.slice(space + 1);
  if (Bun.hash.crc32(body) !== Number(value.slice(0, space))) throw new Error(`torn: ${value.slice(0, 100)}`);
  const [found, writer, count] = body.split(' ', 3);
  if (found !== key) throw new Error(`asked for ${key}, got ${body.slice(0, 100)}`);
  return { writer: Number(writer), count: Number(count) };
}

class Racer {
  readCount = 0;
  private input = Buffer.alloc(0);
  private output: Buffer[] = [];
  /** Keys of the GETs not answered yet, and null for each SET, in order. */
  private awaited: (string | null)[] = [];
  private wake: () => void = () => {};
  private readonly random: Prng;
  private socket!: Socket<undefined>;
  private writeCount = 0;
  /** The last write of each writer that was seen under each key. */
  private readonly lastSeen = new Map<string, number>();

  constructor(
    private readonly writer: number,
    seed: number,
  ) {
    this.random = new Prng(seed);
  }

  async run(port: number): Promise<void> {
    this.socket = await Bun.connect({
      hostname: '127.0.0.1',
      port,
      socket: {
        data: (_socket, bytes) => this.receive(bytes),
        drain: () => this.flush(),
        close: () => this.fail('the server closed the connection'),
      },
    });
    const endMs = performance.now() + DURATION_MS;
    while (performance.now() < endMs) {
      this.sendBatch();
      await new Promise<void>((resolve) => {
        this.wake = resolve;
      });
      if (this.failure !== '') throw new Error(this.failure);
      this.check();
    }
    this.socket.end();
  }

  private sendBatch(): void {
    const { random } = this;
    for (let i = 0; i < BATCH; i++) {
      const key = `key${random.below(KEYS)}`;
      if (random.below(3) !== 0) {
        this.output.push(encodeRequest(['GET', key]));
        this.awaited.push(key);
      } else {
        const value = makeValue(key, this.writer, ++this.writeCount, FILLERS[random.below(FILLERS.length)]!);
        this.output.push(encodeRequest(['SET', key, value]));
        this.awaited.push(null);
      }
    }
    this.flush();
  }

  private flush(): void {
    if (this.output.length === 0) return;
    const bytes = Buffer.concat(this.output);
    const taken = Math.max(this.socket.write(bytes), 0);
    this.output = taken < bytes.length ? [bytes.subarray(taken)] : [];
  }

  private failure = '';

  private fail(text: string): void {
    this.failure = text;
    this.wake();
  }

  private received: { key: string; value: string | null }[] = [];

  private receive(bytes: Buffer): void {
    this.input = Buffer.concat([this.input, bytes]);
    let at = 0;
    for (let end = this.take(at); end > 0; end = this.take(at)) at = end;
    this.input = this.input.subarray(at);
    if (this.awaited.length === 0) this.wake();
  }

  /** Takes the reply at `at`; returns where the next begins, or 0: it is not complete. */
  private take(at: number): number {
    const lineEnd = this.input.indexOf('\r\n', at);
    if (lineEnd < 0) return 0;
    const line = this.input.toString('latin1', at, lineEnd);
    let end = lineEnd + 2;
    let value: string | null = null;
    if (line[0] === '$' && line !== '$-1') {
      const byteCount = Number(line.slice(1));
      if (end + byteCount + 2 > this.input.length) return 0;
      value = this.input.toString('latin1', end, end + byteCount);
      end += byteCount + 2;
    }
    const key = this.awaited.shift()!;
    if ((key === null) !== (line === '+OK')) this.fail(`reply ${line.slice(0, 100)} to ${key ?? 'SET'}`);
    if (key !== null) this.received.push({ key, value });
    return end;
  }

  private check(): void {
    for (const { key, value } of this.received.splice(0)) {
      if (value === null) continue;
      this.readCount++;
      const { writer, count } = checkValue(value, key);
      const name = `${key} ${writer}`;
      if (count < (this.lastSeen.get(name) ?? 0)) throw new Error(`${name}: write ${count} came back`);
      this.lastSeen.set(name, count);
    }
  }
}

/** The threads and children of a process, or nothing once it is gone. */
function tasksOf(pid: number): string[] {
  try {
    return readdirSync(`/proc/${pid}/task`);
  } catch {
    return [];
  }
}

let server: RealServer;
beforeAll(async () => {
  server = await startRealServer(['--threads', `${THREADS}`]);
});
afterAll(() => server.stop());

test('every value read is whole, of its key, and never older than one read before', async () => {
  const seed = freshSeed('races');
  const racers = Array.from({ length: WRITERS }, (_, writer) => new Racer(writer, seed + writer));
  await Promise.all(racers.map((racer) => racer.run(server.port)));
  for (const racer of racers) expect(racer.readCount).toBeGreaterThan(BATCH);
  expect(server.log()).not.toContain('fatal');
}, 20_000);

test('SIGTERM ends a server that has nothing to save though a script never ends', async () => {
  const own = await startRealServer(['--threads', '1']);
  const runner = await RealClient.open(own.port);
  runner.send('EVAL', 'while true do end', 0);
  await Bun.sleep(200);
  process.kill(own.pid, 'SIGTERM');
  expect(await own.exited).toBe(0);
  runner.close();
}, 20_000);

test('SIGTERM ends the server', async () => {
  const own = await startRealServer(['--threads', `${THREADS}`]);
  process.kill(own.pid, 'SIGTERM');
  const deadlineMs = performance.now() + 5000;
  while (tasksOf(own.pid).length > 0 && performance.now() < deadlineMs) await Bun.sleep(5);
  expect(tasksOf(own.pid)).toEqual([]);
  expect(own.log()).toContain('SIGTERM: stopping');
  expect(isListening(own.port)).rejects.toThrow();
  await own.stop();
});

test('SIGKILL leaves nothing behind: the port is free at once for the next server', async () => {
  const first = await startRealServer(['--threads', `${THREADS}`]);
  process.kill(first.pid, 'SIGKILL');
  await first.stop();
  expect(tasksOf(first.pid)).toEqual([]);
  expect(isListening(first.port)).rejects.toThrow();
  const next = await startRealServer(['--threads', `${THREADS}`, '--port', `${first.port}`]);
  await next.stop();
});

async function isListening(port: number): Promise<void> {
  const socket = await Bun.connect({ hostname: '127.0.0.1', port, socket: { data() {} } });
  socket.end();
}
