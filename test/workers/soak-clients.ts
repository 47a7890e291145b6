/**
 * Clients of a soak: each does one kind of thing to the server until it is told to stop, and checks what comes back as
 * far as it can be known while the others do theirs. Databases: 0 for counters, pairs and what memcached shares, 7 for
 * the keys that a SCAN must find, ROAMING for values that are flushed, swapped, moved and renamed.
 */
import { type Argument, type Command, OracleSocket, Random } from '../support/differential.ts';
import { MemcachedClient } from '../support/memcached-client.ts';
import { replyValue } from '../support/reply.ts';

const COUNTERS = 8;
const PAIRS = 10;
const ITEMS = 40;
const ROAMING_KEYS = 200;
const ROAMING = [2, 3, 4, 5];
const SCANNED_DATABASE = 7;
const SCANNED_KEYS = 300;
const PIPELINE_MAX = 200;
const LENGTHS = [0, 1, 20, 44, 45, 300, 1000, 5000, 40_000, 300_000];
const SLOW_READS = 60;

/** What the soak's clients share. */
export class Soak {
  readonly ports: { readonly redis: number; readonly memcached: number };
  /** What the counters must add up to: every increment that was answered. */
  counted = 0;
  /** How often a byte was appended to the log key. */
  appended = 0;
  /** Requests that were answered and checked. */
  checked = 0;
  private readonly endMs: number;
  private failed = false;

  constructor(ports: { redis: number; memcached: number }, durationMs: number) {
    this.ports = ports;
    this.endMs = performance.now() + durationMs;
  }

  get isOver(): boolean {
    return this.failed || performance.now() >= this.endMs;
  }

  open(): Promise<OracleSocket> {
    return OracleSocket.open(this.ports.redis);
  }

  /** Throws, and ends the soak for all, unless `condition` holds. */
  check(condition: boolean, what: string): void {
    this.checked++;
    if (condition) return;
    this.failed = true;
    throw new Error(what.slice(0, 500));
  }
}

export type SoakClient = (soak: Soak, random: Random) => Promise<void>;

/** A value that tells whether it is whole. */
function makeValue(random: Random): string {
  const body = String.fromCharCode(97 + random.below(26)).repeat(random.pick(LENGTHS));
  return `${Bun.hash.crc32(body)} ${body}`;
}

function isWhole(value: string): boolean {
  const space = value.indexOf(' ');
  return Bun.hash.crc32(value.slice(space + 1)) === Number(value.slice(0, space));
}

/** The bytes of a bulk reply, or null for none. */
function bulk(reply: string): string | null {
  return reply[0] === '$' ? (replyValue(reply) as string | null) : null;
}

function pipeline(random: Random, draw: () => Command): Command[] {
  return Array.from({ length: random.oneIn(2) ? 1 + random.below(4) : 1 + random.below(PIPELINE_MAX) }, draw);
}

/** Increments counters by known amounts and appends to one key: neither may lose a single write. */
export const count: SoakClient = async (soak, random) => {
  const client = await soak.open();
  while (!soak.isOver) {
    let sum = 0;
    let appended = 0;
    const commands = pipeline(random, () => {
      const key = `counter${random.below(COUNTERS)}`;
      const by = random.between(-5, 20);
      if (random.oneIn(6)) {
        appended++;
        return ['APPEND', 'log', 'x'];
      }
      sum += by;
      return by < 0 ? ['DECRBY', key, -by] : ['INCRBY', key, by];
    });
    const replies = await client.run(commands);
    soak.check(
      replies.every((reply) => reply[0] === ':'),
      `counting gets ${replies.join()}`,
    );
    soak.counted += sum;
    soak.appended += appended;
  }
  client.close();
};

/** The same counters by memcached's incr. (Not decr, which leaves blanks where digits were.) */
export const countByMemcached: SoakClient = async (soak, random) => {
  const client = await MemcachedClient.connect(soak.ports.memcached);
  while (!soak.isOver) {
    const lines: string[] = [];
    const amounts = pipeline(random, () => [random.below(20)]).map(([amount]) => Number(amount));
    for (const amount of amounts) lines.push(`incr counter${random.below(COUNTERS)} ${amount}\r\n`);
    const replies = (await client.send(lines.join(''))).split('\r\n').slice(0, -1);
    soak.check(replies.length === lines.length, `${lines.length} incr get ${replies.length} replies`);
    // A counter below zero is no number to memcached, and one that is not there yet is not made.
    for (const [index, reply] of replies.entries()) {
      if (/^\d+$/.test(reply)) soak.counted += amounts[index]!;
      else soak.check(/^(NOT_FOUND|CLIENT_ERROR cannot)/.test(reply), `incr gets ${reply}`);
    }
  }
  client.close();
};

/** Two keys that are only ever written together are equal or both missing, whenever they are read together. */
export const writePairs: SoakClient = async (soak, random) => {
  const client = await soak.open();
  while (!soak.isOver) {
    const replies = await client.run(
      pipeline(random, () => {
        const number = random.below(PAIRS);
        const [a, b] = random.oneIn(2) ? ['a', 'b'] : ['b', 'a'];
        const keys = [`pair${number}${a}`, `pair${number}${b}`] as const;
        const value = makeValue(random).slice(0, 5000);
        const choice = random.below(7);
        if (choice < 2) return ['MSET', keys[0], value, keys[1], value];
        if (choice === 2) return ['MSETNX', keys[0], value, keys[1], value];
        return choice === 3 ? ['DEL', ...keys] : ['MGET', ...keys];
      }),
    );
    for (const reply of replies) {
      soak.check(reply[0] !== '-', reply);
      if (reply[0] !== '*') continue;
      const [a, b] = replyValue(reply) as [string | null, string | null];
      soak.check(a === b, `a torn pair: ${a?.slice(0, 50)} and ${b?.slice(0, 50)}`);
    }
  }
  client.close();
};

function roamingKey(random: Random): string {
  return `roaming${random.below(ROAMING_KEYS)}`;
}

/** One command on the roaming values: none changes a value but as a whole. */
function roamingCommand(random: Random): Command {
  const key = roamingKey(random);
  const database = random.pick(ROAMING);
  const draws: (() => readonly Argument[])[] = [
    () => ['SET', key, makeValue(random)],
    () => ['SET', key, makeValue(random), 'PX', random.between(1, 60)],
    () => ['SET', key, makeValue(random), 'GET'],
    () => ['GETEX', key, 'PX', random.between(1, 60)],
    () => ['MSET', key, makeValue(random), roamingKey(random), makeValue(random)],
    () => ['PEXPIRE', key, random.between(1, 100)],
    () => ['EXPIRE', key, 1],
    () => ['PERSIST', key],
    () => ['RENAME', key, roamingKey(random)],
    () => ['RENAMENX', key, roamingKey(random)],
    () => ['COPY', key, roamingKey(random), 'DB', database, 'REPLACE'],
    () => ['MOVE', key, database],
    () => ['DEL', key, roamingKey(random), roamingKey(random)],
    () => ['GETDEL', key],
    () => ['RANDOMKEY'],
    () => ['SELECT', database],
    () => (random.oneIn(10) ? ['SWAPDB', database, random.pick(ROAMING)] : ['DBSIZE']),
    () => (random.oneIn(20) ? ['FLUSHDB'] : ['UNLINK', key]),
    () => (random.oneIn(10) ? ['KEYS', '*1*'] : ['SCAN', '0', 'COUNT', '50']),
  ];
  return random.below(3) === 0 ? ['GET', key] : random.pick(draws)();
}

/** Values that are set, copied, moved, swapped, flushed and expire: each that is read must be whole. */
export const roam: SoakClient = async (soak, random) => {
  const client = await soak.open();
  await client.run([['SELECT', ROAMING[0]!]]);
  while (!soak.isOver) {
    const commands = pipeline(random, () => roamingCommand(random));
    const replies = await client.run(commands);
    for (const [index, reply] of replies.entries()) {
      const name = commands[index]![0];
      if (reply[0] === '-') {
        soak.check(/no such key|objects are the same/.test(reply), `${name}: ${reply}`);
      } else if (name !== 'RANDOMKEY') {
        const value = bulk(reply);
        soak.check(value === null || isWhole(value), `${name} gets a torn value: ${value?.slice(0, 80)}`);
      }
    }
  }
  client.close();
};

/** Values that both protocols write and read. memcached's flags follow the value, or are 0 when Redis wrote it. */
export const share: SoakClient = async (soak, random) => {
  const memcached = await MemcachedClient.connect(soak.ports.memcached);
  const redis = await soak.open();
  while (!soak.isOver) {
    const key = `item${random.below(ITEMS)}`;
    const value = makeValue(random);
    const time = random.pick([0, 0, 1, 100]);
    const keys = Array.from({ length: 1 + random.below(30) }, () => `item${random.below(ITEMS)}`);
    const stored = await memcached.send(`set ${key} ${value.length} ${time} ${value.length}\r\n${value}\r\n`);
    soak.check(stored === 'STORED\r\n', `set gets ${stored}`);
    const found = await memcached.send(`get ${keys.join(' ')}\r\n`);
    let at = 0;
    while (found.startsWith('VALUE ', at)) {
      const lineEnd = found.indexOf('\r\n', at);
      const [, name, flags, byteCount] = found.slice(at, lineEnd).split(' ');
      const text = found.slice(lineEnd + 2, lineEnd + 2 + Number(byteCount));
      soak.check(isWhole(text) && ['0', byteCount].includes(flags), `${name} ${flags} ${byteCount} is torn`);
      at = lineEnd + 4 + Number(byteCount);
    }
    soak.check(found.slice(at) === 'END\r\n', `get ends with ${found.slice(at, at + 50)}`);
    const replies = await redis.run([
      ['GET', key],
      ['SET', random.pick(keys), makeValue(random), ...(random.oneIn(2) ? ['PX', 30] : [])],
      ...keys.map((name): Command => ['GET', name]),
    ]);
    for (const reply of replies) {
      const text = bulk(reply);
      soak.check(reply[0] !== '-' && (text === null || isWhole(text)), `shared: ${reply.slice(0, 80)}`);
    }
  }
  memcached.close();
  redis.close();
};

/** Asks for much and reads it late, so that the server has to keep it and pause. */
export const readSlowly: SoakClient = async (soak, random) => {
  const client = await soak.open();
  const value = `${Bun.hash.crc32('s'.repeat(200_000))} ${'s'.repeat(200_000)}`;
  await client.run([['SET', 'slow', value]]);
  while (!soak.isOver) {
    client.socket.pause();
    const answer = client.run(Array.from({ length: SLOW_READS }, () => ['GET', 'slow']));
    await Bun.sleep(random.below(300));
    client.socket.resume();
    const replies = await answer;
    soak.check(
      replies.every((reply) => bulk(reply) === value),
      'a slow reader gets something else',
    );
  }
  client.close();
};

/** Connections that come, are killed by another or leave in the middle of a request or of their replies. */
export const comeAndGo: SoakClient = async (soak, random) => {
  const killer = await soak.open();
  while (!soak.isOver) {
    const victims = await Promise.all(Array.from({ length: 1 + random.below(20) }, () => soak.open()));
    for (const victim of victims) {
      if (random.oneIn(3)) {
        const [reply] = await victim.run([['CLIENT', 'ID']]);
        // It may be in the middle of a long pipeline when it is killed.
        const asked = victim.run(Array.from({ length: 50 }, () => ['GET', 'slow'])).catch(() => []);
        const [killed] = await killer.run([['CLIENT', 'KILL', 'ID', reply!.slice(1, -2)]]);
        soak.check(killed === ':1\r\n', `CLIENT KILL gets ${killed}`);
        await asked;
      } else if (random.oneIn(2)) {
        victim.socket.write('*3\r\n$3\r\nSET\r\n$4\r\nslow\r\n$1000000\r\nhalf of it');
        await Bun.sleep(random.below(3));
      } else {
        victim.socket.write('*2\r\n$3\r\nGET\r\n$4\r\nslow\r\n'.repeat(40));
      }
      victim.close();
    }
  }
  killer.close();
};

/** A whole SCAN finds every key that was there throughout, however many others come and go. */
export const scan: SoakClient = async (soak, random) => {
  const client = await soak.open();
  const names = Array.from({ length: SCANNED_KEYS }, (_, index) => `stays${index}`);
  await client.run([['SELECT', SCANNED_DATABASE], ...names.map((name): Command => ['SET', name, 'v'])]);
  while (!soak.isOver) {
    const found = new Set<string>();
    let cursor = '0';
    do {
      const [scanned] = await client.run([
        ['SCAN', cursor, 'COUNT', random.between(1, 200)],
        ...pipeline(random, () => [random.pick(['SET', 'SETNX']), `comes${random.below(20_000)}`, 'v']),
        ...pipeline(random, () => ['DEL', `comes${random.below(20_000)}`]),
      ]);
      const [next, keys] = replyValue(scanned!) as [string, string[]];
      for (const key of keys) found.add(key);
      cursor = next;
    } while (cursor !== '0');
    soak.check(
      names.every((name) => found.has(name)),
      'SCAN missed a key that was there',
    );
  }
  client.close();
};

/** Settings, statistics and the checker, as an operator may use them under load. */
export const operate: SoakClient = async (soak, random) => {
  const client = await soak.open();
  while (!soak.isOver) {
    const replies = await client.run([
      ['CONFIG', 'SET', 'hz', random.between(1, 100)],
      [
        'CONFIG',
        'SET',
        'latency-tracking',
        random.pick(['yes', 'no']),
        'maxclients',
        random.between(500, 9000),
      ],
      ['CONFIG', 'GET', '*'],
      ['INFO', 'everything'],
      ['CLIENT', 'LIST'],
      ['CLIENT', 'PAUSE', random.below(10), random.pick(['WRITE', 'ALL'])],
      ['CLIENT', 'UNPAUSE'],
      ['CONFIG', 'RESETSTAT'],
      ['DEBUG', 'VERIFY'],
    ]);
    for (const reply of replies) soak.check(reply[0] !== '-', reply);
    await Bun.sleep(random.between(20, 300));
  }
  client.close();
};

/** The sum of the counters, and how long the log key is, by the server. */
export async function readCounted(soak: Soak): Promise<{ counted: number; appended: number }> {
  const client = await soak.open();
  const names = Array.from({ length: COUNTERS }, (_, index) => `counter${index}`);
  const [values, length] = await client.run([
    ['MGET', ...names],
    ['STRLEN', 'log'],
  ]);
  client.close();
  const counted = (replyValue(values!) as (string | null)[]).reduce((sum, value) => sum + Number(value), 0);
  return { counted, appended: replyValue(length!) as number };
}
