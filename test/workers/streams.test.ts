/**
 * Clients on several worker threads that add to streams and wait for entries: who reads a stream by itself gets all of it in
 * order, and a group gets each entry once, whichever of its consumers that is.
 */
import { afterAll, beforeAll, expect, test } from 'bun:test';
import { OracleSocket } from '../support/differential.ts';
import { type RealServer, startRealServer } from '../support/real-server.ts';
import { type Reply, replyValue } from '../support/reply.ts';

const THREADS = 4;
const PRODUCERS = 6;
const ENTRIES_EACH = 150;
const ENTRIES = PRODUCERS * ENTRIES_EACH;
const CONSUMERS = 12;
const TAILERS = 6;
const BLOCK_MS = 300;

let server: RealServer;
beforeAll(async () => {
  server = await startRealServer(['--threads', `${THREADS}`, '--enable-debug-command', 'yes']);
});
afterAll(() => server.stop());

type Entry = [id: string, fields: string[]];

async function ask(socket: OracleSocket, ...command: (string | number)[]): Promise<Reply> {
  const [reply] = await socket.run([command]);
  return replyValue(reply!);
}

/** The entries in the reply of a read of one stream. */
function entriesOf(reply: Reply): Entry[] {
  if (reply === null) return [];
  return (reply as [string, Entry[]][])[0]![1];
}

async function produce(number: number): Promise<void> {
  const socket = await OracleSocket.open(server.port);
  for (let i = 0; i < ENTRIES_EACH; i++) await ask(socket, 'XADD', 's', '*', 'name', `${number}/${i}`);
  socket.close();
}

async function consume(name: string, seen: string[]): Promise<void> {
  const socket = await OracleSocket.open(server.port);
  while (seen.length < ENTRIES) {
    const read = ['XREADGROUP', 'GROUP', 'g', name, 'COUNT', 3, 'BLOCK', BLOCK_MS, 'STREAMS', 's', '>'];
    const entries = entriesOf(await ask(socket, ...read));
    for (const [id, [, value]] of entries) {
      seen.push(value!);
      expect(await ask(socket, 'XACK', 's', 'g', id)).toBe(1);
    }
  }
  socket.close();
}

async function tail(seen: string[]): Promise<void> {
  const socket = await OracleSocket.open(server.port);
  let last = '0';
  while (seen.length < ENTRIES) {
    const entries = entriesOf(await ask(socket, 'XREAD', 'BLOCK', BLOCK_MS, 'STREAMS', 's', last));
    for (const [id, [, value]] of entries) {
      seen.push(value!);
      last = id;
    }
  }
  socket.close();
}

test('every entry reaches all who read, and one consumer of a group', async () => {
  const control = await OracleSocket.open(server.port);
  await ask(control, 'XGROUP', 'CREATE', 's', 'g', '$', 'MKSTREAM');
  const consumed: string[] = [];
  const tailed = Array.from({ length: TAILERS }, (): string[] => []);
  await Promise.all([
    ...Array.from({ length: CONSUMERS }, (_, i) => consume(`c${i}`, consumed)),
    ...tailed.map((seen) => tail(seen)),
    ...Array.from({ length: PRODUCERS }, (_, i) => produce(i)),
  ]);
  expect(consumed.length).toBe(ENTRIES);
  expect(new Set(consumed).size).toBe(ENTRIES);
  for (const seen of tailed) expect(seen).toEqual(tailed[0]!);
  expect(new Set(tailed[0]).size).toBe(ENTRIES);
  expect(await ask(control, 'XPENDING', 's', 'g')).toEqual([0, null, null, null]);
  expect(await ask(control, 'XLEN', 's')).toBe(ENTRIES);
  control.close();
}, 30_000);
