/**
 * Kills a server under load again and again, and compares what clients were told with what comes back. Every client has a
 * counter, a list and two counters that one transaction raises; it knows what it has asked for and what was acknowledged.
 */
import { mkdtempSync, rmSync } from 'node:fs';
import { tmpdir } from 'node:os';
import { join } from 'node:path';
import { Prng } from './prng.ts';
import { RealClient, type RealServer, startRealServer } from './real-server.ts';
import { replyEnd } from './differential.ts';

export interface KillOptions {
  readonly policy: 'always' | 'everysec';
  readonly rounds: number;
  readonly clients: number;
  readonly threads: number;
  readonly seed: number;
  /** Acknowledged this long before the kill, and so not to be lost. */
  readonly safeMs: number;
  readonly program?: string;
}

const LOAD_MS_MAX = 400;
const FIRST_WAIT_MS_MAX = 5000;
const REQUESTS_PER_BATCH = 4;

/** What one client has asked for, and what it has been told: how often each of its things was raised. */
class Ledger {
  readonly index: number;
  asked = 0;
  acknowledged = 0;
  /** When what was acknowledged: [ms, count]. */
  readonly times: [number, number][] = [];

  constructor(index: number) {
    this.index = index;
  }

  names(): string[] {
    return ['counter', 'list', 'first', 'second'].map((name) => `${name}:${this.index}`);
  }

  requests(): string[][] {
    const [counter, list, first, second] = this.names() as [string, string, string, string];
    const value = `${this.asked + 1}`;
    this.asked++;
    return [
      ['INCR', counter],
      ['MULTI'],
      ['INCR', first],
      ['INCR', second],
      ['EXEC'],
      ['RPUSH', list, value],
    ];
  }
}

/** One round's load of a client: asks, and notes what it is told, until the server is gone. */
async function load(port: number, ledger: Ledger): Promise<void> {
  const client = await RealClient.open(port).catch(() => null);
  if (client === null) return;
  let text = '';
  while (!client.closed) {
    let expected = 0;
    for (let i = 0; i < REQUESTS_PER_BATCH; i++) {
      for (const parts of ledger.requests()) {
        client.send(...parts);
        expected++;
      }
    }
    for (let seen = 0; seen < expected && !client.closed;) {
      text += client.received;
      client.received = '';
      for (let end = replyEnd(text, 0); text !== '' && end >= 0 && seen < expected; end = replyEnd(text, 0)) {
        if (text.startsWith('-'))
          throw new Error(`client ${ledger.index} was refused: ${text.slice(0, end)}`);
        text = text.slice(end);
        seen++;
        if (seen % 6 !== 0) continue;
        ledger.acknowledged++;
        ledger.times.push([performance.now(), ledger.acknowledged]);
      }
      if (seen < expected && !client.closed) await Bun.sleep(0);
    }
  }
  client.close();
}

/** What of a client came back. Throws when it is not what it must be. */
async function check(client: RealClient, ledger: Ledger, safe: number): Promise<number> {
  const [counter, list, first, second] = ledger.names() as [string, string, string, string];
  const get = async (name: string): Promise<number> =>
    Number((await client.ask('GET', name)).split('\r\n')[1] ?? 0) || 0;
  const values = [await get(counter), await get(first), await get(second)];
  const length = Number((await client.ask('LLEN', list)).slice(1));
  const last = length === 0 ? 0 : Number((await client.ask('LINDEX', list, -1)).split('\r\n')[1]);
  const what = `client ${ledger.index}: counter, first, second ${values.join(', ')}, list ${length} up to ${last}; `;
  if (values[1] !== values[2]) throw new Error(`${what}half of a transaction came back`);
  if (last !== length) throw new Error(`${what}the list has gaps`);
  const least = Math.min(...values, length);
  const most = Math.max(...values, length);
  if (most - least > 1) throw new Error(`${what}not a prefix of what was asked`);
  if (least < safe)
    throw new Error(`${what}acknowledged ${ledger.acknowledged}, of which ${safe} must be there`);
  if (most > ledger.asked) throw new Error(`${what}only ${ledger.asked} were asked for`);
  // What was half done goes on from what is there.
  for (const name of [counter, first, second]) await client.ask('SET', name, most);
  if (length < most) await client.ask('RPUSH', list, `${most}`);
  return most;
}

/** Returns how many acknowledged rounds of requests there were, and how many of them were lost (not `always`). */
export async function killAgainAndAgain(
  options: KillOptions,
): Promise<{ acknowledged: number; lost: number }> {
  const folder = mkdtempSync(join(tmpdir(), 'kill-'));
  const random = new Prng(options.seed);
  const ledgers = Array.from({ length: options.clients }, (_, index) => new Ledger(index));
  const flags = ['--dir', folder, '--appendonly', 'yes', '--appendfsync', options.policy, '--save', ''];
  flags.push('--threads', `${options.threads}`);
  let lost = 0;
  let acknowledged = 0;
  try {
    for (let round = 1; round <= options.rounds; round++) {
      const server = await startRealServer(flags, options.program);
      if (round > 1) lost += await compare(server, ledgers, options, round);
      acknowledged += await loadAndKill(server, ledgers, random);
    }
    const server = await startRealServer(flags, options.program);
    lost += await compare(server, ledgers, options, options.rounds + 1);
    await server.stop();
  } finally {
    rmSync(folder, { recursive: true, force: true });
  }
  return { acknowledged, lost };
}

let killedMs = 0;

async function loadAndKill(server: RealServer, ledgers: readonly Ledger[], random: Prng): Promise<number> {
  const before = ledgers.reduce((sum, { acknowledged }) => sum + acknowledged, 0);
  const loads = ledgers.map((ledger) => load(server.port, ledger));
  const failed = Promise.all(loads);
  failed.catch(() => {});
  if (random.below(4) === 0) {
    const asker = await RealClient.open(server.port);
    asker.send('BGREWRITEAOF');
  }
  // A busy machine takes its time to begin.
  const waitedMs = performance.now() + FIRST_WAIT_MS_MAX;
  while (performance.now() < waitedMs && ledgers.every(({ times }) => times.length <= 1)) await Bun.sleep(1);
  await Bun.sleep(random.below(LOAD_MS_MAX));
  killedMs = performance.now();
  await server.stop();
  await failed;
  return ledgers.reduce((sum, ledger) => sum + ledger.acknowledged, 0) - before;
}

async function compare(
  server: RealServer,
  ledgers: readonly Ledger[],
  { policy, safeMs, seed }: KillOptions,
  round: number,
): Promise<number> {
  const client = await RealClient.open(server.port);
  let lost = 0;
  for (const ledger of ledgers) {
    const isSafe = ([ms]: [number, number]): boolean => policy === 'always' || ms <= killedMs - safeMs;
    const safe = ledger.times.filter(isSafe).at(-1)?.[1] ?? 0;
    try {
      const came = await check(client, ledger, safe);
      lost += Math.max(ledger.acknowledged - came, 0);
      ledger.asked = came;
      ledger.acknowledged = came;
      ledger.times.splice(0, ledger.times.length, [0, came]);
    } catch (error) {
      throw new Error(`seed ${seed}, before round ${round}: ${(error as Error).message}\n${server.log()}`);
    }
  }
  client.close();
  return lost;
}
