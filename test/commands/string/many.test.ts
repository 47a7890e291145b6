/** Several strings at once, and what happens to them when memory runs out. */
import { describe, expect, test } from 'bun:test';
import { Random } from '../../support/differential.ts';
import { TestServer } from '../../support/test-server.ts';

const NIL = '$-1\r\n';
const OUT_OF_MEMORY = "-OOM command not allowed when used memory > 'maxmemory'.\r\n";

function bulk(text: string): string {
  return `$${text.length}\r\n${text}\r\n`;
}

/** With small shards every record is staged; with large ones it is put at once, since it cannot fail. */
describe.each([16 << 20, 512 << 20])('in shards of %d bytes', (shardBytes) => {
  test('MSET sets all keys, the last value of a key named twice, and MGET reads them in order', () => {
    const server = new TestServer({ shardBytes });
    server.run('SET', 'a', 'old and longer', 'EX', 100);
    expect(server.run('MSET', 'a', '1', 'b', '2', 'a', '3', 'c', '', 'b', 'x'.repeat(5000))).toBe('+OK\r\n');
    expect(server.run('MGET', 'a', 'nothing', 'c', 'a')).toBe(
      `*4\r\n${bulk('3')}${NIL}${bulk('')}${bulk('3')}`,
    );
    expect(server.run('GET', 'b')).toBe(bulk('x'.repeat(5000)));
    expect(server.engine.keyspace.expiryCount(0)).toBe(0);
    server.verify();
  });

  test('MSETNX sets all keys or none', () => {
    const server = new TestServer({ shardBytes });
    expect(server.run('MSETNX', 'a', '1', 'b', '2', 'a', '3')).toBe(':1\r\n');
    expect(server.run('MSETNX', 'c', '1', 'b', '5')).toBe(':0\r\n');
    expect(server.run('MGET', 'a', 'b', 'c')).toBe(`*3\r\n${bulk('3')}${bulk('2')}${NIL}`);
    server.verify();
  });

  test('MSETEX sets all keys with one expiry, if all or none exist', () => {
    const server = new TestServer({ shardBytes });
    const { keyspace } = server.engine;
    expect(server.run('MSETEX', 2, 'a', '1', 'b', '2', 'XX')).toBe(':0\r\n');
    expect(server.run('MSETEX', 2, 'a', '1', 'b', '2', 'EX', 100, 'NX')).toBe(':1\r\n');
    expect(keyspace.expiryCount(0)).toBe(2);
    expect(server.run('MSETEX', 2, 'b', '3', 'c', '4', 'NX')).toBe(':0\r\n');
    expect(server.run('MSETEX', 2, 'b', '3', 'c', '4', 'XX')).toBe(':0\r\n');
    expect(server.run('MSETEX', 2, 'a', '5', 'b', '6', 'XX', 'KEEPTTL')).toBe(':1\r\n');
    expect(keyspace.expiryCount(0)).toBe(2);
    expect(server.run('MSETEX', 1, 'a', '7')).toBe(':1\r\n');
    expect(keyspace.expiryCount(0)).toBe(1);
    expect(server.run('MGET', 'a', 'b')).toBe(`*2\r\n${bulk('7')}${bulk('6')}`);
    expect(server.run('MSETEX', 2, 'a', 'x', 'new', 'x', 'PXAT', 1)).toBe(':1\r\n');
    expect(server.run('MGET', 'a', 'new')).toBe(`*2\r\n${NIL}${NIL}`);
    server.verify();
  });
});

test('a wrong number of arguments is refused before anything is set', () => {
  const server = new TestServer();
  expect(server.run('MSET', 'a', '1', 'b')).toBe("-ERR wrong number of arguments for 'mset' command\r\n");
  expect(server.run('MSETNX', 'a', '1', 'b')).toBe("-ERR wrong number of arguments for 'msetnx' command\r\n");
  for (const count of ['0', '-1', 'x', '']) {
    expect(server.run('MSETEX', count, 'a', '1')).toBe('-ERR invalid numkeys value\r\n');
  }
  expect(server.run('MSETEX', 2, 'a', '1', 'b')).toBe('-ERR wrong number of key-value pairs\r\n');
  expect(server.run('MSETEX', 1, 'a', '1', 'b')).toBe('-ERR syntax error\r\n');
  expect(server.run('MSETEX', 1, 'a', '1', 'EX', 'x')).toBe(
    '-ERR value is not an integer or out of range\r\n',
  );
  expect(server.run('MSETEX', 1, 'a', '1', 'EX', 0)).toBe("-ERR invalid expire time in 'msetex' command\r\n");
  expect(server.run('GET', 'a')).toBe(NIL);
});

describe('when memory runs out', () => {
  const tiny = { shardCount: 2, shardBytes: 2 << 20 };

  test('MSET, MSETNX and MSETEX leave every key as it was', () => {
    const server = new TestServer(tiny);
    server.run('MSET', 'a', 'old', 'b', 'old');
    const { keyspace } = server.engine;
    const pairs: string[] = [];
    for (let i = 0; i < 40; i++) pairs.push(i % 3 === 0 ? 'a' : `n${i}`, `${i}`.repeat(50_000));
    const usedBytes = keyspace.usedBytes();
    const changes = keyspace.changes;
    expect(server.run('MSET', 'b', 'new', ...pairs)).toBe(OUT_OF_MEMORY);
    expect(server.run('MSETEX', 41, 'b', 'new', ...pairs, 'EX', 100)).toBe(OUT_OF_MEMORY);
    expect(
      server.run('MSETNX', 'm', 'new', ...pairs.slice(2, 6), ...pairs.slice(8, 12), ...pairs.slice(14)),
    ).toBe(':0\r\n');
    expect(server.run('MSETNX', 'm', 'new', ...pairs.map((text) => (text === 'a' ? 'c' : text)))).toBe(
      OUT_OF_MEMORY,
    );
    expect(keyspace.changes).toBe(changes);
    // The tables may have grown for the keys that were dropped again.
    expect(keyspace.usedBytes()).toBeLessThan(usedBytes + 4096);
    expect(server.run('MGET', 'a', 'b', 'c', 'm', 'n1')).toBe(
      `*5\r\n${bulk('old')}${bulk('old')}${NIL}${NIL}${NIL}`,
    );
    server.verify();
  });

  test('commands that answer the old value answer the error alone', () => {
    const server = new TestServer(tiny);
    server.run('SET', 'k', 'old');
    const large = 'x'.repeat(3 << 20);
    expect(server.run('GETSET', 'k', large)).toBe(OUT_OF_MEMORY);
    expect(server.run('SET', 'k', large, 'GET')).toBe(OUT_OF_MEMORY);
    expect(server.run('SETNX', 'l', large)).toBe(OUT_OF_MEMORY);
    expect(server.run('SETEX', 'k', 100, large)).toBe(OUT_OF_MEMORY);
    expect(server.run('APPEND', 'k', large)).toBe(OUT_OF_MEMORY);
    expect(server.run('APPEND', 'l', large)).toBe(OUT_OF_MEMORY);
    expect(server.run('SETRANGE', 'k', 3 << 20, 'x')).toBe(OUT_OF_MEMORY);
    expect(server.run('SETRANGE', 'l', 3 << 20, 'x')).toBe(OUT_OF_MEMORY);
    expect(server.run('MGET', 'k', 'l')).toBe(`*2\r\n${bulk('old')}${NIL}`);
    server.verify();
  });

  test('random commands never change a key they fail on', () => {
    const seed = Date.now() % 2 ** 32;
    console.info(`seed ${seed}`);
    const failures = runRandomly(new TestServer(tiny), new Random(seed), 6000);
    expect(failures).toBeGreaterThan(50);
  });
});

const RANDOM_KEYS = 400;

/** Runs random writes and compares the server with a Map after each. Returns how many failed for want of memory. */
function runRandomly(server: TestServer, random: Random, count: number): number {
  const model = new Map<string, string>();
  const anyKey = (): string => `key:${random.below(RANDOM_KEYS)}`;
  const text = (): string => String(random.below(10)).repeat(random.below(random.oneIn(4) ? 60_000 : 3000));
  let failures = 0;
  for (let i = 0; i < count; i++) {
    const { command, effect } = drawWrite(random, anyKey, text);
    const wanted = new Map<string, string | undefined>();
    for (const [name, change] of effect) wanted.set(name, change(wanted.get(name) ?? model.get(name)));
    if (server.run(...command) === OUT_OF_MEMORY) failures++;
    else apply(model, wanted);
    for (const name of wanted.keys()) {
      expect(server.run('GET', name)).toBe(model.has(name) ? bulk(model.get(name)!) : NIL);
    }
    if (i % 200 === 0) server.verify();
  }
  for (const [name, value] of model) expect(server.run('GET', name)).toBe(bulk(value));
  expect(server.engine.keyspace.keyCount(0)).toBe(model.size);
  server.verify();
  return failures;
}

function apply(model: Map<string, string>, wanted: ReadonlyMap<string, string | undefined>): void {
  for (const [name, after] of wanted) {
    if (after === undefined) model.delete(name);
    else model.set(name, after);
  }
}

interface Write {
  readonly command: string[];
  /** What becomes of each key, in order. */
  readonly effect: [string, (old: string | undefined) => string | undefined][];
}

function drawWrite(random: Random, anyKey: () => string, text: () => string): Write {
  const key = anyKey();
  const value = text();
  switch (random.below(8)) {
    case 0:
      return { command: ['GETDEL', key], effect: [[key, () => undefined]] };
    case 1:
      return { command: ['APPEND', key, value], effect: [[key, (old = '') => old + value]] };
    case 2:
      return { command: ['PREPEND', key, value], effect: [[key, (old = '') => value + old]] };
    case 3: {
      const at = random.below(5000);
      const change = (old = ''): string =>
        old.padEnd(at, '\0').slice(0, at) + value + old.slice(at + value.length);
      return {
        command: ['SETRANGE', key, String(at), value],
        effect: [[key, (old) => (value === '' ? old : change(old))]],
      };
    }
    case 4:
    case 5: {
      const pairs = Array.from({ length: random.between(1, 12) }, () => [anyKey(), text()] as const);
      return { command: ['MSET', ...pairs.flat()], effect: pairs.map(([name, put]) => [name, () => put]) };
    }
    case 6:
      return { command: ['SET', key, value, 'EX', '1000'], effect: [[key, () => value]] };
    default:
      return { command: ['SET', key, value], effect: [[key, () => value]] };
  }
}
