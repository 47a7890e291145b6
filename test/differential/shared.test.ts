/**
 * One keyspace, two protocols: random memcached commands and Redis writes on the same keys. memcached is given, for each
 * Redis write, the memcached commands that come to the same; so value, flags, expiry and whether there is a new cas
 * number can be compared after every step, and what Redis reads too.
 */
import { afterAll, beforeAll, describe, expect, test } from 'bun:test';
import { chooseCommandCount, chooseSeed, type Command, Random } from '../support/differential.ts';
import { MemcachedClient } from '../support/memcached-client.ts';
import { isOracleMissing, type Oracle, startOracle } from '../support/oracles.ts';
import { replyValue } from '../support/reply.ts';
import { TestServer } from '../support/test-server.ts';
import { CasNumbers, CommandGenerator, MEMCACHED_KEYS, type MemcachedCommand } from './memcached-commands.ts';

const STEPS = 2000;
const TIMEOUT_MS = 60_000 + chooseCommandCount(STEPS) * 5;
const VALUES = ['', 'x', '7', '41', '999999', 'two\r\nlines', '\0\x7f', 'v'.repeat(300), 'w'.repeat(70_000)];
const NUMBER = /^(0|[1-9]\d{0,14})$/;

/** memcached takes more seconds than this for a time since 1970. */
const RELATIVE_S_MAX = 30 * 86400;

/** An item as memcached tells of it; `ttl` is 0 for none. */
interface Item {
  readonly value: string;
  readonly flags: string;
  readonly ttl: number;
}

/** A Redis command, what it must answer (null: not compared), and what memcached is to be sent for it. */
interface Write {
  readonly command: Command;
  readonly reply: string | null;
  readonly memcached: string;
}

function parseItem(reply: string): Item | null {
  const header = /^VA (\d+) f(\d+) t(-?\d+)[^\r]*\r\n/.exec(reply);
  if (header === null) return null;
  const start = header[0].length;
  return {
    value: reply.slice(start, start + Number(header[1])),
    flags: header[2]!,
    ttl: Math.max(Number(header[3]), 0),
  };
}

function store(key: string, { value, flags, ttl }: Item): string {
  const when = ttl > RELATIVE_S_MAX ? ttl + Math.floor(Date.now() / 1000) : ttl;
  return `set ${key} ${flags} ${when} ${value.length}\r\n${value}\r\n`;
}

/** What Redis writes in part stays won or stale, while memcached only ever stores whole new items. */
function withoutLife(reply: string): string {
  return reply.replace(/^(HD|VA \d+)(.*)\r$/gm, (line) => line.replace(/ [WXZ](?= |\r)/g, ''));
}

/** Writes to one key, of which memcached has `item`. */
function drawWrite(random: Random, key: string, item: Item | null): Write {
  const value = random.pick(VALUES);
  const fresh: Item = { value, flags: '0', ttl: 0 };
  const set = store(key, fresh);
  const extended = (text: string): Write['memcached'] =>
    store(key, item === null ? fresh : { ...item, value: text });
  switch (random.below(11)) {
    case 0:
      return { command: ['SET', key, value], reply: '+OK\r\n', memcached: set };
    case 1:
      return {
        command: ['SET', key, value, 'EX', 4000],
        reply: '+OK\r\n',
        memcached: store(key, { ...fresh, ttl: 4000 }),
      };
    case 2:
      return {
        command: ['SETNX', key, value],
        reply: `:${item === null ? 1 : 0}\r\n`,
        memcached: item === null ? set : '',
      };
    case 3:
      return { command: ['SET', key, value, 'XX'], reply: null, memcached: item === null ? '' : set };
    case 4:
      return {
        command: ['APPEND', key, value],
        reply: null,
        memcached: extended((item?.value ?? '') + value),
      };
    case 5: {
      const text = `${(item?.value ?? '').slice(0, 2).padEnd(2, '\0')}${value}${(item?.value ?? '').slice(2 + value.length)}`;
      return {
        command: ['SETRANGE', key, 2, value],
        reply: null,
        memcached: value === '' ? '' : store(key, { ...(item ?? fresh), value: text }),
      };
    }
    case 6: {
      const number = item === null ? '0' : item.value;
      if (!NUMBER.test(number)) return { command: ['GET', key], reply: null, memcached: '' };
      const sum = String(Number(number) + 12);
      return {
        command: ['INCRBY', key, 12],
        reply: `:${sum}\r\n`,
        memcached: store(key, { ...(item ?? fresh), value: sum }),
      };
    }
    case 7:
      return {
        command: [random.pick(['DEL', 'UNLINK', 'GETDEL']), key],
        reply: null,
        memcached: `delete ${key}\r\n`,
      };
    case 8:
      return {
        command: ['EXPIRE', key, 3000],
        reply: null,
        memcached: item === null ? '' : store(key, { ...item, ttl: 3000 }),
      };
    case 9:
      return {
        command: ['PERSIST', key],
        reply: null,
        memcached: item === null || item.ttl === 0 ? '' : store(key, { ...item, ttl: 0 }),
      };
    default:
      return random.oneIn(20)
        ? { command: ['FLUSHDB'], reply: '+OK\r\n', memcached: 'flush_all\r\n' }
        : { command: ['MSET', key, 'first', key, value], reply: '+OK\r\n', memcached: set };
  }
}

/** Writes that take the item of one key to another. */
function drawTransfer(
  random: Random,
  from: string,
  to: string,
  item: Item | null,
  other: Item | null,
): Write {
  if (random.oneIn(2)) {
    const isCopied = item !== null && from !== to && other === null;
    return { command: ['COPY', from, to], reply: null, memcached: isCopied ? store(to, item) : '' };
  }
  const isMoved = item !== null && from !== to;
  return {
    command: ['RENAME', from, to],
    reply: null,
    memcached: isMoved ? `${store(to, item)}delete ${from}\r\n` : '',
  };
}

describe.skipIf(isOracleMissing('memcached'))('keys that both protocols write', () => {
  let oracle: Oracle;
  beforeAll(async () => {
    oracle = await startOracle('memcached', ['-o', 'no_lru_maintainer,no_lru_crawler']);
  });
  afterAll(() => oracle.stop());

  test(
    'are to memcached clients what memcached would make of them, and to Redis clients the same bytes',
    async () => {
      const seed = chooseSeed();
      console.log(`seed ${seed}`);
      const random = new Random(seed);
      const generator = new CommandGenerator(seed);
      const theirs = await MemcachedClient.connect(oracle.port);
      const server = new TestServer();
      const ours = server.connectMemcached();
      const numbers = { ours: new CasNumbers(), theirs: new CasNumbers() };
      const history: string[] = [];
      /** Sends a memcached command to both; their replies must agree. Returns memcached's. */
      const both = async (command: MemcachedCommand): Promise<string> => {
        const fill = (from: CasNumbers): string =>
          command.request.replace('{cas}', from.choose(command.key, command.cas));
        const reply = await theirs.send(fill(numbers.theirs));
        const expected = withoutLife(numbers.theirs.normalise(command, reply));
        const actual = withoutLife(numbers.ours.normalise(command, ours.send(fill(numbers.ours))));
        history.push(`${JSON.stringify(command.request)} -> ${JSON.stringify(expected)}`.slice(0, 200));
        if (actual !== expected) fail(`ours ${JSON.stringify(actual.slice(0, 200))}`);
        return reply;
      };
      const fail = (text: string): never => {
        throw new Error(`seed ${seed}: ${text}\n${history.slice(-20).join('\n')}`);
      };
      const look = async (key: string): Promise<Item | null> =>
        parseItem(await both({ request: `mg ${key} v f t\r\n`, key, cas: 'newest' }));
      for (let step = 0; step < chooseCommandCount(STEPS); step++) {
        const key = random.pick(MEMCACHED_KEYS);
        if (random.oneIn(2)) {
          const command = generator.next();
          await both(command);
        } else {
          const other = random.pick(MEMCACHED_KEYS);
          const item = await look(key);
          const otherItem = await look(other);
          const write = random.oneIn(4)
            ? drawTransfer(random, key, other, item, otherItem)
            : drawWrite(random, key, item);
          const reply = server.run(...write.command);
          history.push(
            `${write.command.map((word) => JSON.stringify(word).slice(0, 40)).join(' ')} -> ${JSON.stringify(reply.slice(0, 60))}`,
          );
          if (write.reply !== null && reply !== write.reply) fail(`expected ${write.reply}`);
          if (write.memcached !== '') await theirs.send(write.memcached);
          await both({ request: `gets ${other}\r\n`, key: other, cas: 'newest' });
        }
        const item = await look(key);
        await both({ request: `gets ${key}\r\n`, key, cas: 'newest' });
        const value = replyValue(server.run('GET', key));
        if (value !== (item?.value ?? null)) fail(`GET ${key} gets ${JSON.stringify(value).slice(0, 100)}`);
        const seconds = replyValue(server.run('TTL', key)) as number;
        const expected = item === null ? -2 : item.ttl === 0 ? -1 : item.ttl;
        if (Math.abs(seconds - expected) > (expected > 0 ? 5 : 0))
          fail(`TTL ${key} is ${seconds}, not ${expected}`);
      }
      server.verify();
      expect(server.engine.keyspace.keyCount(0)).toBeGreaterThan(0);
      theirs.close();
    },
    TIMEOUT_MS,
  );
});
