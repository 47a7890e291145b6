/** Hashes without expiry: every command, the body repeated for hashes that are packed, that are tables, and that grow from
 *  the one into the other. */
import { describe, expect, test } from 'bun:test';
import { type Reply, replyValue } from '../../support/reply.ts';
import { TestServer } from '../../support/test-server.ts';

const ENCODINGS: [name: string, settings: Record<string, string>][] = [
  ['packed', {}],
  ['a table', { 'hash-max-listpack-entries': '0' }],
  ['first packed and then a table', { 'hash-max-listpack-entries': '3', 'hash-max-listpack-value': '12' }],
];

const WRONG_TYPE = { error: 'WRONGTYPE Operation against a key holding the wrong kind of value' };
const NOT_AN_INTEGER = { error: 'ERR value is not an integer or out of range' };

function pairsOf(reply: Reply): Record<string, Reply> {
  const list = reply as string[];
  const pairs: Record<string, Reply> = {};
  for (let i = 0; i < list.length; i += 2) pairs[list[i]!] = list[i + 1]!;
  return pairs;
}

describe.each(ENCODINGS)('a hash that is %s', (_name, settings) => {
  function start() {
    const server = new TestServer({ settings });
    const run = (...parts: (string | number | Uint8Array)[]): Reply => replyValue(server.run(...parts));
    return { server, run };
  }

  test('takes fields, new ones and others, and counts the new', () => {
    const { server, run } = start();
    expect(run('HSET', 'h', 'a', '1')).toBe(1);
    expect(run('HSET', 'h', 'a', '2', 'b', '3')).toBe(1);
    expect(run('HSET', 'h', 'c', '', 'c', 'x', 'd', 'y', 'e', 'z')).toBe(3);
    expect(run('HSET', 'h', 'a', 'a longer value than the others')).toBe(0);
    expect(run('HMSET', 'h', 'f', '6', 'g', '7')).toBe('OK');
    expect(run('HLEN', 'h')).toBe(7);
    expect(pairsOf(run('HGETALL', 'h'))).toEqual({
      a: 'a longer value than the others',
      b: '3',
      c: 'x',
      d: 'y',
      e: 'z',
      f: '6',
      g: '7',
    });
    expect((run('HKEYS', 'h') as string[]).toSorted()).toEqual(['a', 'b', 'c', 'd', 'e', 'f', 'g']);
    expect((run('HVALS', 'h') as string[]).toSorted()).toEqual(
      ['a longer value than the others', '3', 'x', 'y', 'z', '6', '7'].toSorted(),
    );
    expect(run('TYPE', 'h')).toBe('hash');
    server.verify();
  });

  test('refuses half a pair', () => {
    const { run } = start();
    expect(run('HSET', 'h', 'a', '1', 'b')).toEqual({
      error: "ERR wrong number of arguments for 'hset' command",
    });
    expect(run('HMSET', 'h', 'a', '1', 'b')).toEqual({
      error: "ERR wrong number of arguments for 'hmset' command",
    });
    expect(run('EXISTS', 'h')).toBe(0);
  });

  test('gives fields back, nothing for those it has not', () => {
    const { run } = start();
    run('HSET', 'h', 'a', '1', 'b', 'two', '', 'empty');
    expect(run('HGET', 'h', 'a')).toBe('1');
    expect(run('HGET', 'h', '')).toBe('empty');
    expect(run('HGET', 'h', 'none')).toBe(null);
    expect(run('HGET', 'none', 'a')).toBe(null);
    expect(run('HMGET', 'h', 'b', 'none', 'a', 'b')).toEqual(['two', null, '1', 'two']);
    expect(run('HMGET', 'none', 'a', 'b')).toEqual([null, null]);
    expect(run('HEXISTS', 'h', 'b')).toBe(1);
    expect(run('HEXISTS', 'h', 'none')).toBe(0);
    expect(run('HEXISTS', 'none', 'a')).toBe(0);
    expect(run('HSTRLEN', 'h', 'b')).toBe(3);
    expect(run('HSTRLEN', 'h', 'none')).toBe(0);
    expect(run('HSTRLEN', 'none', 'a')).toBe(0);
    expect(run('HLEN', 'none')).toBe(0);
    expect(run('HGETALL', 'none')).toEqual([]);
  });

  test('sets a field with HSETNX only when it is missing', () => {
    const { run } = start();
    expect(run('HSETNX', 'h', 'a', '1')).toBe(1);
    expect(run('HSETNX', 'h', 'a', '2')).toBe(0);
    expect(run('HGET', 'h', 'a')).toBe('1');
  });

  test('loses fields, and is gone with the last one', () => {
    const { server, run } = start();
    run('HSET', 'h', 'a', '1', 'b', '2', 'c', '3', 'd', '4');
    expect(run('HDEL', 'h', 'b', 'none', 'b', 'd')).toBe(2);
    expect(pairsOf(run('HGETALL', 'h'))).toEqual({ a: '1', c: '3' });
    expect(run('HDEL', 'none', 'a')).toBe(0);
    expect(run('HDEL', 'h', 'none')).toBe(0);
    expect(run('HDEL', 'h', 'a', 'c', 'a')).toBe(2);
    expect(run('EXISTS', 'h')).toBe(0);
    server.verify();
    expect(server.engine.keyspace.usedBytes()).toBeLessThan(2000);
  });

  test('keeps any bytes, in fields and in values', () => {
    const { server, run } = start();
    const bytes = Buffer.from(Array.from({ length: 256 }, (_, i) => i));
    const texts = ['', '\0', 'a\0b', '\r\n', 'пол', bytes, 'x'.repeat(63), 'y'.repeat(64), 'z'.repeat(5000)];
    const numbers = ['0', '127', '128', '-1', '-4097', '8388608', '2147483648', '9223372036854775807'];
    const odd = ['-0', '+1', '01', ' 1', '9223372036854775808'];
    for (const text of [...texts, ...numbers, ...odd]) run('HSET', 'h', text, text);
    for (const text of [...texts, ...numbers, ...odd]) {
      const expected = Buffer.from(text as string).toString('latin1');
      expect(run('HGET', 'h', text)).toBe(expected);
      expect(run('HSTRLEN', 'h', text)).toBe(expected.length);
    }
    expect(run('HLEN', 'h')).toBe(texts.length + numbers.length + odd.length);
    server.verify();
  });

  test('adds to integers, exact to the ends of 64 bits', () => {
    const { server, run } = start();
    expect(run('HINCRBY', 'h', 'n', '5')).toBe(5);
    expect(run('HINCRBY', 'h', 'n', '-8')).toBe(-3);
    expect(run('HINCRBY', 'h', 'n', '1000000')).toBe(999_997);
    expect(server.run('HINCRBY', 'h', 'big', '9223372036854775807')).toBe(':9223372036854775807\r\n');
    expect(run('HINCRBY', 'h', 'big', '1')).toEqual({ error: 'ERR increment or decrement would overflow' });
    run('HSET', 'h', 'text', 'x', 'spaced', ' 1');
    for (const field of ['text', 'spaced']) {
      expect(run('HINCRBY', 'h', field, '1')).toEqual({ error: 'ERR hash value is not an integer' });
    }
    expect(run('HINCRBY', 'h', 'n', '1.5')).toEqual(NOT_AN_INTEGER);
    expect(run('HGET', 'h', 'n')).toBe('999997');
    server.verify();
  });

  test('adds to floats, as Redis prints them', () => {
    const { run } = start();
    expect(run('HINCRBYFLOAT', 'h', 'x', '0.1')).toBe('0.1');
    expect(run('HINCRBYFLOAT', 'h', 'x', '0.2')).toBe('0.3');
    expect(run('HINCRBYFLOAT', 'h', 'x', '1e3')).toBe('1000.29999999999999999');
    expect(run('HINCRBYFLOAT', 'h', 'y', '-2.5e1')).toBe('-25');
    expect(run('HINCRBYFLOAT', 'h', 'y', '25')).toBe('0');
    expect(run('HINCRBYFLOAT', 'h', 'x', 'nan')).toEqual({ error: 'ERR value is not a valid float' });
    expect(run('HINCRBYFLOAT', 'h', 'x', 'inf')).toEqual({ error: 'ERR value is NaN or Infinity' });
    run('HSET', 'h', 'text', 'x', 'nul', '1\0', 'endless', 'inf');
    expect(run('HINCRBYFLOAT', 'h', 'text', '1')).toEqual({ error: 'ERR hash value is not a float' });
    expect(run('HINCRBYFLOAT', 'h', 'nul', '1')).toEqual({ error: 'ERR hash value is not a float' });
    expect(run('HINCRBYFLOAT', 'h', 'endless', '1')).toEqual({
      error: 'ERR increment would produce NaN or Infinity',
    });
  });

  test('is scanned to its end, what is there throughout exactly once', () => {
    const { run } = start();
    for (let i = 0; i < 1000; i++) run('HSET', 'h', `f${i}`, `v${i}`);
    const seen: string[] = [];
    let cursor = '0';
    let round = 0;
    do {
      const [next, list] = run('HSCAN', 'h', cursor, 'COUNT', '10') as [string, string[]];
      for (let i = 0; i < list.length; i += 2) {
        seen.push(list[i]!);
        if (list[i]!.startsWith('f')) expect(list[i + 1]).toBe(`v${list[i]!.slice(1)}`);
      }
      // Odd fields go and others come while it is walked.
      run('HDEL', 'h', `f${(round * 2 + 1) % 1000}`);
      for (let i = 0; i < 8; i++) run('HSET', 'h', `new${round}.${i}`, '');
      round++;
      cursor = next;
    } while (cursor !== '0');
    expect(new Set(seen).size).toBe(seen.length);
    const stayed = seen.filter((field) => field.startsWith('f') && Number(field.slice(1)) % 2 === 0);
    expect(stayed.length).toBe(500);
  });

  test('is scanned by pattern, and without values', () => {
    const { run } = start();
    run('HSET', 'h', 'aa', '1', 'ab', '2', 'b', '3', 'c\0', '4', 'c', '5');
    const [, matched] = run('HSCAN', 'h', '0', 'MATCH', 'a*', 'COUNT', '100') as [string, string[]];
    expect(pairsOf(matched)).toEqual({ aa: '1', ab: '2' });
    const [, names] = run('HSCAN', 'h', '0', 'NOVALUES', 'COUNT', '100') as [string, string[]];
    expect(names.toSorted()).toEqual(['aa', 'ab', 'b', 'c', 'c\0']);
    expect(run('HSCAN', 'h', 'x')).toEqual({ error: 'ERR invalid cursor' });
    expect(run('HSCAN', 'h', '0', 'COUNT', '0')).toEqual({ error: 'ERR syntax error' });
    expect(run('HSCAN', 'h', '0', 'TYPE', 'hash')).toEqual({ error: 'ERR syntax error' });
    expect(run('HSCAN', 'h', '99999999999', 'COUNT', '1')).toBeArrayOfSize(2);
    expect(run('HSCAN', 'none', '0', 'COUNT', 'x')).toEqual(['0', []]);
  });

  test('gives fields drawn at random', () => {
    const { run } = start();
    expect(run('HRANDFIELD', 'none')).toBe(null);
    expect(run('HRANDFIELD', 'none', '5')).toEqual([]);
    for (let i = 0; i < 100; i++) run('HSET', 'h', `f${i}`, `v${i}`);
    const drawn = new Set<string>();
    for (let i = 0; i < 2000; i++) drawn.add(run('HRANDFIELD', 'h') as string);
    expect(drawn.size).toBe(100);
    for (const count of [1, 10, 50, 99, 100, 1000]) {
      const fields = run('HRANDFIELD', 'h', count) as string[];
      expect(new Set(fields).size).toBe(Math.min(count, 100));
      const pairs = run('HRANDFIELD', 'h', count, 'WITHVALUES') as string[];
      expect(Object.keys(pairsOf(pairs)).length).toBe(Math.min(count, 100));
      for (let i = 0; i < pairs.length; i += 2) expect(pairs[i + 1]).toBe(`v${pairs[i]!.slice(1)}`);
    }
    expect(run('HRANDFIELD', 'h', '-300')).toBeArrayOfSize(300);
    expect(run('HRANDFIELD', 'h', '-3', 'withvalues')).toBeArrayOfSize(6);
    expect(run('HRANDFIELD', 'h', '0')).toEqual([]);
    expect(run('HRANDFIELD', 'h', '1', 'foo')).toEqual({ error: 'ERR syntax error' });
    expect(run('HRANDFIELD', 'h', '1', 'WITHVALUES', 'foo')).toEqual({ error: 'ERR syntax error' });
    expect(run('HRANDFIELD', 'h', 'x')).toEqual(NOT_AN_INTEGER);
  });

  test('draws every field about as often', () => {
    const { run } = start();
    for (let i = 0; i < 40; i++) run('HSET', 'h', `f${i}`, '');
    const counts = new Map<string, number>();
    for (const count of [-4000, ...Array.from({ length: 400 }, () => 10)]) {
      for (const field of run('HRANDFIELD', 'h', count) as string[]) {
        counts.set(field, (counts.get(field) ?? 0) + 1);
      }
    }
    expect(Math.min(...counts.values())).toBeGreaterThan(100);
    expect(Math.max(...counts.values())).toBeLessThan(320);
  });

  test('does not count a huge number of draws before it has them', () => {
    const { run } = start();
    run('HSET', 'h', 'a', '1', 'b', '2');
    expect(run('HRANDFIELD', 'h', '9223372036854775807')).toBeArrayOfSize(2);
    expect(run('HRANDFIELD', 'h', '4611686018427387903', 'WITHVALUES')).toBeArrayOfSize(4);
    expect(run('HRANDFIELD', 'h', '4611686018427387904', 'WITHVALUES')).toEqual({
      error: 'ERR value is out of range',
    });
    expect(run('HRANDFIELD', 'h', '-9223372036854775808')).toEqual({
      error: 'ERR value is out of range, value must between -9223372036854775807 and 9223372036854775807',
    });
    expect(run('HRANDFIELD', 'h', '-4611686018427387903')).toEqual({ error: 'ERR reply is too large' });
  });

  test('replies maps and pairs as RESP3 has them', () => {
    const { server, run } = start();
    run('HELLO', '3');
    expect(server.run('HGETALL', 'none')).toBe('%0\r\n');
    run('HSET', 'h', 'a', '1');
    expect(server.run('HGETALL', 'h')).toBe('%1\r\n$1\r\na\r\n$1\r\n1\r\n');
    expect(server.run('HKEYS', 'h')).toBe('*1\r\n$1\r\na\r\n');
    expect(server.run('HRANDFIELD', 'h', '1', 'WITHVALUES')).toBe('*1\r\n*2\r\n$1\r\na\r\n$1\r\n1\r\n');
    expect(server.run('HGET', 'h', 'b')).toBe('_\r\n');
  });

  test('is copied, renamed and moved whole', () => {
    const { server, run } = start();
    for (let i = 0; i < 50; i++) run('HSET', 'h', `f${i}`, `v${i}`);
    const all = pairsOf(run('HGETALL', 'h'));
    run('COPY', 'h', 'copy');
    run('HSET', 'h', 'f0', 'changed');
    for (const name of ['a', 'b', 'c', 'd']) {
      run('RENAME', 'copy', name);
      run('RENAME', name, 'copy');
    }
    expect(pairsOf(run('HGETALL', 'copy'))).toEqual(all);
    run('MOVE', 'copy', '3');
    run('SELECT', '3');
    expect(pairsOf(run('HGETALL', 'copy'))).toEqual(all);
    server.verify();
  });

  test('is refused where another type is, and no other type where it is', () => {
    const { run } = start();
    run('SET', 'string', 'x');
    run('HSET', 'h', 'a', '1');
    const requests = [
      ['HSET', 'a', '1'],
      ['HMSET', 'a', '1'],
      ['HSETNX', 'a', '1'],
      ['HGET', 'a'],
      ['HMGET', 'a'],
      ['HDEL', 'a'],
      ['HEXISTS', 'a'],
      ['HLEN'],
      ['HSTRLEN', 'a'],
      ['HINCRBY', 'a', '1'],
      ['HINCRBYFLOAT', 'a', '1'],
      ['HKEYS'],
      ['HVALS'],
      ['HGETALL'],
      ['HSCAN', '0'],
      ['HRANDFIELD'],
      ['HRANDFIELD', '1'],
    ];
    for (const [name, ...rest] of requests) expect(run(name!, 'string', ...rest)).toEqual(WRONG_TYPE);
    expect(run('GET', 'h')).toEqual(WRONG_TYPE);
    expect(run('SET', 'h', 'x')).toBe('OK');
    expect(run('HGET', 'h', 'a')).toEqual(WRONG_TYPE);
  });
});

describe('the encoding of a hash', () => {
  const encodingOf = (server: TestServer): Reply => replyValue(server.run('OBJECT', 'ENCODING', 'h'));

  test('follows the number of fields and their lengths, and does not go back', () => {
    const server = new TestServer({
      settings: { 'hash-max-listpack-entries': '2', 'hash-max-listpack-value': '10' },
    });
    server.run('HSET', 'h', 'a', '1', 'b', '2');
    expect(encodingOf(server)).toBe('listpack');
    server.run('HSET', 'h', 'a', 'y'.repeat(10));
    expect(encodingOf(server)).toBe('listpack');
    server.run('HSET', 'h', 'c', '3');
    expect(encodingOf(server)).toBe('hashtable');
    server.run('HDEL', 'h', 'b', 'c');
    expect(encodingOf(server)).toBe('hashtable');
    for (const [field, value] of [
      ['a', 'y'.repeat(11)],
      ['a'.repeat(11), 'y'],
    ] as const) {
      server.run('DEL', 'h');
      server.run('HSET', 'h', 'a', '1');
      server.run('HSET', 'h', field, value);
      expect(encodingOf(server)).toBe('hashtable');
    }
    server.run('DEL', 'h');
    server.run('HSET', 'h', 'a', '1234567890');
    server.run('HINCRBYFLOAT', 'h', 'a', '0.25');
    expect(encodingOf(server)).toBe('hashtable');
    server.verify();
  });

  test('changes at 512 fields and at 64 bytes unless told otherwise', () => {
    const server = new TestServer();
    for (let i = 0; i < 512; i++) server.run('HSET', 'h', `f${i}`, 'y'.repeat(64));
    expect(encodingOf(server)).toBe('listpack');
    server.run('HSET', 'h', 'f512', '');
    expect(encodingOf(server)).toBe('hashtable');
    server.verify();
  });
});
