/**
 * Everything at once, on several worker threads, by both protocols: counters, pairs, values that roam through databases,
 * slow readers, connections that come and go, an operator. SOAK_SECONDS makes it longer, and SOAK_PROGRAM names a built
 * executable to run instead of the source.
 */
import { expect, test } from 'bun:test';
import { Random } from '../support/differential.ts';
import { findFreePort } from '../support/free-port.ts';
import { residentBytes, type RealServer, startRealServer } from '../support/real-server.ts';
import { replyValue } from '../support/reply.ts';
import { freshSeed } from '../support/seed.ts';
import {
  comeAndGo,
  count,
  countByMemcached,
  operate,
  readCounted,
  readSlowly,
  roam,
  scan,
  share,
  Soak,
  writePairs,
} from './soak-clients.ts';

const SECONDS = Number(process.env['SOAK_SECONDS'] ?? 2);
const PROGRAM = process.env['SOAK_PROGRAM'] ?? '';
const CLIENTS = [
  count,
  count,
  countByMemcached,
  writePairs,
  writePairs,
  writePairs,
  roam,
  roam,
  roam,
  roam,
].concat([share, share, readSlowly, comeAndGo, scan, operate]);
/** What may stay behind in the allocators of an empty server. */
const EMPTY_BYTES_MAX = 1 << 20;
const SETTLE_MS = 300;
const GONE_MS_MAX = 3000;

async function infoField(soak: Soak, name: string): Promise<number> {
  const client = await soak.open();
  const [text] = await client.run([['INFO', 'everything']]);
  client.close();
  return Number(new RegExp(`^${name}:(\\d+)`, 'm').exec(text!)?.[1]);
}

/** Clients that the server still has, without the one that asks, once those that left can be expected to be gone. */
async function othersLeft(soak: Soak): Promise<string> {
  const client = await soak.open();
  let others = '';
  for (let waitedMs = 0; waitedMs < GONE_MS_MAX; waitedMs += SETTLE_MS) {
    await Bun.sleep(SETTLE_MS);
    const [id, list] = await client.run([
      ['CLIENT', 'ID'],
      ['CLIENT', 'LIST'],
    ]);
    const lines = (replyValue(list!) as string).trimEnd().split('\n');
    others = lines.filter((line) => !line.startsWith(`id=${id!.slice(1, -2)} `)).join('\n');
    if (others === '') break;
  }
  client.close();
  return others;
}

/** CPU time of a process in clock ticks, of which there are 100 a second. */
async function cpuTicks(pid: number): Promise<number> {
  const fields = (await Bun.file(`/proc/${pid}/stat`).text()).split(') ')[1]!.split(' ');
  return Number(fields[11]) + Number(fields[12]);
}

/** The server is empty, sound and idle when all is over, and ends as it is asked to. */
async function checkEnd(soak: Soak, server: RealServer): Promise<void> {
  const client = await soak.open();
  const full = await residentBytes(server.pid);
  const replies = await client.run([['DEBUG', 'VERIFY'], ['FLUSHALL'], ['DEBUG', 'VERIFY']]);
  expect(replies.filter((reply) => reply[0] === '-')).toEqual([]);
  client.close();
  expect(await othersLeft(soak)).toBe('');
  expect(await infoField(soak, 'used_memory_dataset')).toBeLessThan(EMPTY_BYTES_MAX);
  const before = await cpuTicks(server.pid);
  await Bun.sleep(SETTLE_MS);
  const ticks = (await cpuTicks(server.pid)) - before;
  const empty = await residentBytes(server.pid);
  const mebibytes = [full, empty].map((bytes) => Math.round(bytes / (1 << 20))).join(' and, empty, ');
  console.log(`${soak.checked} checks; resident MiB ${mebibytes}; idle CPU ${ticks * (1000 / SETTLE_MS)} %`);
  process.kill(server.pid, 'SIGTERM');
  expect(await server.exited).toBe(0);
}

test(
  'whatever is done at once, nothing is lost, torn or left behind',
  async () => {
    const seed = freshSeed('soak');
    const memcached = findFreePort();
    const flags = ['--threads', '4', '--memcached-port', `${memcached}`, '--enable-debug-command', 'yes'];
    const server = await startRealServer(flags, PROGRAM);
    try {
      const soak = new Soak({ redis: server.port, memcached }, SECONDS * 1000);
      await Promise.all(CLIENTS.map((client, index) => client(soak, new Random(seed + index))));
      expect(await readCounted(soak)).toEqual({ counted: soak.counted, appended: soak.appended });
      await checkEnd(soak, server);
      expect(server.log()).not.toMatch(/fatal|assert|internal error/i);
    } finally {
      await server.stop();
    }
  },
  SECONDS * 1000 + 30_000,
);
