/** Every list command on lists that are packed, chains of nodes, and chains with a node per element. */
import { describe, expect, test } from 'bun:test';
import { type Reply, replyValue } from '../../support/reply.ts';
import { TestServer } from '../../support/test-server.ts';

const SYNTAX: Reply = { error: 'ERR syntax error' };
const NOT_AN_INTEGER: Reply = { error: 'ERR value is not an integer or out of range' };
const NOT_POSITIVE: Reply = { error: 'ERR value is out of range, must be positive' };
const WRONG_TYPE: Reply = { error: 'WRONGTYPE Operation against a key holding the wrong kind of value' };
const HUGE = '9223372036854775807';

/** Encoding by list-max-listpack-size. */
const VARIANTS = [
  { limit: -2, encoding: 'listpack' },
  { limit: 3, encoding: 'quicklist' },
  { limit: 1, encoding: 'quicklist' },
];

describe.each(VARIANTS)('under list-max-listpack-size $limit', ({ limit, encoding }) => {
  /** A server with the list `l`, and what it answers. */
  function start(...elements: string[]): (...parts: (string | number | Uint8Array)[]) => Reply {
    const server = new TestServer({
      shardCount: 2,
      shardBytes: 4 << 20,
      settings: { 'list-max-listpack-size': String(limit) },
    });
    const run = (...parts: (string | number | Uint8Array)[]): Reply => {
      const reply = replyValue(server.run(...parts));
      server.verify();
      return reply;
    };
    if (elements.length > 0) expect(run('RPUSH', 'l', ...elements)).toBe(elements.length);
    return run;
  }

  test('LPUSH and RPUSH add one after the other, and say how many there are', () => {
    const run = start();
    expect(run('RPUSH', 'l', 'a', 'b')).toBe(2);
    expect(run('LPUSH', 'l', 'c', 'd')).toBe(4);
    expect(run('LRANGE', 'l', 0, -1)).toEqual(['d', 'c', 'a', 'b']);
    expect(run('OBJECT', 'ENCODING', 'l')).toBe(encoding);
    expect(run('TYPE', 'l')).toBe('list');
    expect(run('LPUSH', 'l')).toEqual({ error: "ERR wrong number of arguments for 'lpush' command" });
  });

  test('LPUSHX and RPUSHX add only to a list that there is', () => {
    const run = start('a');
    expect(run('LPUSHX', 'l', 'b', 'c')).toBe(3);
    expect(run('RPUSHX', 'l', 'd')).toBe(4);
    expect(run('LRANGE', 'l', 0, -1)).toEqual(['c', 'b', 'a', 'd']);
    expect(run('RPUSHX', 'missing', 'd')).toBe(0);
    expect(run('EXISTS', 'missing')).toBe(0);
  });

  test('elements of any bytes and length come back as they were', () => {
    const run = start();
    const texts = ['', '0', '-1', '4096', '9223372036854775807', '007', 'x'.repeat(63), 'x'.repeat(5000)];
    for (const text of texts) run('RPUSH', 'l', text);
    run('RPUSH', 'l', Buffer.from([0, 13, 10, 255]), 'x'.repeat(100_000));
    expect(run('LRANGE', 'l', 0, -1)).toEqual([...texts, '\0\r\n\xff', 'x'.repeat(100_000)]);
    expect(run('LPOS', 'l', '4096')).toBe(3);
    expect(run('LPOS', 'l', '04096')).toBe(null);
  });

  test('LPOP and RPOP take from the ends, and the key with the last element', () => {
    const run = start('a', 'b', 'c', 'd', 'e', 'f');
    expect(run('LPOP', 'l')).toBe('a');
    expect(run('RPOP', 'l')).toBe('f');
    expect(run('RPOP', 'l', 2)).toEqual(['e', 'd']);
    expect(run('LPOP', 'l', 0)).toEqual([]);
    expect(run('LPOP', 'l', HUGE)).toEqual(['b', 'c']);
    expect(run('EXISTS', 'l')).toBe(0);
    expect(run('LPOP', 'l')).toBe(null);
    expect(run('LPOP', 'l', 1)).toBe(null);
    for (const count of ['-1', 'x', '9223372036854775808'])
      expect(run('RPOP', 'l', count)).toEqual(NOT_POSITIVE);
    expect(run('LPOP', 'l', 1, 2)).toEqual({ error: "ERR wrong number of arguments for 'lpop' command" });
  });

  test('LLEN, LINDEX and LRANGE count from either end', () => {
    const run = start('a', 'b', 'c', 'd', 'e');
    expect(run('LLEN', 'l')).toBe(5);
    expect(run('LLEN', 'missing')).toBe(0);
    expect([0, 4, -1, -5].map((index) => run('LINDEX', 'l', index))).toEqual(['a', 'e', 'e', 'a']);
    for (const index of [5, -6, HUGE]) expect(run('LINDEX', 'l', index)).toBe(null);
    expect(run('LINDEX', 'l', 'x')).toEqual(NOT_AN_INTEGER);
    expect(run('LINDEX', 'missing', 'x')).toBe(null);
    expect(run('LRANGE', 'l', 1, 2)).toEqual(['b', 'c']);
    expect(run('LRANGE', 'l', -2, HUGE)).toEqual(['d', 'e']);
    expect(run('LRANGE', 'l', '-9223372036854775808', -4)).toEqual(['a', 'b']);
    for (const [from, to] of [
      [3, 2],
      [5, 9],
      [0, -6],
    ])
      expect(run('LRANGE', 'l', from!, to!)).toEqual([]);
    expect(run('LRANGE', 'missing', 0, 'x')).toEqual(NOT_AN_INTEGER);
  });

  test('LSET replaces one element', () => {
    const run = start('a', 'b', 'c', 'd');
    expect(run('LSET', 'l', 1, 'B'.repeat(100))).toBe('OK');
    expect(run('LSET', 'l', -1, '5')).toBe('OK');
    expect(run('LSET', 'l', 0, '')).toBe('OK');
    expect(run('LRANGE', 'l', 0, -1)).toEqual(['', 'B'.repeat(100), 'c', '5']);
    expect(run('LSET', 'l', 1, 'b')).toBe('OK');
    expect(run('LSET', 'l', 2, 'c'.repeat(20_000))).toBe('OK');
    expect(run('OBJECT', 'ENCODING', 'l')).toBe('quicklist');
    expect(run('LSET', 'l', 2, 'c')).toBe('OK');
    expect(run('LRANGE', 'l', 0, -1)).toEqual(['', 'b', 'c', '5']);
    expect(run('LSET', 'l', 4, 'x')).toEqual({ error: 'ERR index out of range' });
    expect(run('LSET', 'l', 'x', 'x')).toEqual(NOT_AN_INTEGER);
    expect(run('LSET', 'missing', 'x', 'x')).toEqual({ error: 'ERR no such key' });
  });

  test('LINSERT puts an element before or behind the first that is equal', () => {
    const run = start('a', 'b', 'a', 'c');
    expect(run('LINSERT', 'l', 'BEFORE', 'a', '1')).toBe(5);
    expect(run('LINSERT', 'l', 'after', 'a', '2')).toBe(6);
    expect(run('LINSERT', 'l', 'AFTER', 'c', '3')).toBe(7);
    expect(run('LINSERT', 'l', 'BEFORE', 'c', 'x'.repeat(9000))).toBe(8);
    expect(run('LRANGE', 'l', 0, -1)).toEqual(['1', 'a', '2', 'b', 'a', 'x'.repeat(9000), 'c', '3']);
    expect(run('LINSERT', 'l', 'BEFORE', 'missing', 'x')).toBe(-1);
    expect(run('LINSERT', 'missing', 'BEFORE', 'a', 'x')).toBe(0);
    expect(run('LINSERT', 'missing', 'BESIDE', 'a', 'x')).toEqual(SYNTAX);
  });

  test('LREM removes from the side that its count says', () => {
    const run = start('x', 'a', 'x', 'b', 'x', 'c', 'x');
    expect(run('LREM', 'l', 1, 'x')).toBe(1);
    expect(run('LREM', 'l', -2, 'x')).toBe(2);
    expect(run('LRANGE', 'l', 0, -1)).toEqual(['a', 'x', 'b', 'c']);
    expect(run('LREM', 'l', 0, 'missing')).toBe(0);
    expect(run('LREM', 'l', '-9223372036854775808', 'x')).toBe(1);
    for (const text of ['a', 'b', 'c']) expect(run('LREM', 'l', 0, text)).toBe(1);
    expect(run('EXISTS', 'l')).toBe(0);
    expect(run('LREM', 'l', 0, 'a')).toBe(0);
    expect(run('LREM', 'l', 'x', 'a')).toEqual(NOT_AN_INTEGER);
  });

  test('LTRIM leaves a range, and no key without elements', () => {
    const run = start('a', 'b', 'c', 'd', 'e', 'f', 'g');
    expect(run('LTRIM', 'l', 1, -2)).toBe('OK');
    expect(run('LRANGE', 'l', 0, -1)).toEqual(['b', 'c', 'd', 'e', 'f']);
    expect(run('LTRIM', 'l', 0, HUGE)).toBe('OK');
    expect(run('LTRIM', 'l', -3, 3)).toBe('OK');
    expect(run('LRANGE', 'l', 0, -1)).toEqual(['d', 'e']);
    expect(run('LTRIM', 'l', 1, 0)).toBe('OK');
    expect(run('EXISTS', 'l')).toBe(0);
    expect(run('LTRIM', 'l', 0, 'x')).toEqual(NOT_AN_INTEGER);
    expect(run('LTRIM', 'l', 0, 0)).toBe('OK');
  });

  test('LPOS finds elements by rank, number and within a length', () => {
    const run = start('a', 'b', 'c', '1', '2', '3', 'c', 'c');
    const pos = (...options: (string | number)[]): Reply => run('LPOS', 'l', 'c', ...options);
    expect(pos()).toBe(2);
    expect(pos('RANK', 2)).toBe(6);
    expect(pos('RANK', -1)).toBe(7);
    expect(pos('RANK', 4)).toBe(null);
    expect(pos('COUNT', 2)).toEqual([2, 6]);
    expect(pos('COUNT', 0, 'RANK', -2)).toEqual([6, 2]);
    expect(pos('MAXLEN', 2)).toBe(null);
    expect(pos('MAXLEN', 3, 'COUNT', 0, 'RANK', -1)).toEqual([7, 6]);
    expect(pos('RANK', HUGE, 'COUNT', HUGE, 'MAXLEN', HUGE)).toEqual([]);
    expect(run('LPOS', 'missing', 'c')).toBe(null);
    expect(run('LPOS', 'missing', 'c', 'COUNT', 1)).toEqual([]);
    expect(pos('COUNT')).toEqual(SYNTAX);
    expect(pos('FOO', 1)).toEqual(SYNTAX);
    expect(pos('RANK', 'x')).toEqual(NOT_AN_INTEGER);
    expect(pos('RANK', '-9223372036854775808')).toEqual({
      error: 'ERR value is out of range, value must between -9223372036854775807 and 9223372036854775807',
    });
    expect(pos('RANK', 0)).toEqual({
      error:
        "ERR RANK can't be zero: use 1 to start from the first match, 2 from the second ... or use negative to start from the end of the list",
    });
    expect(pos('COUNT', -1)).toEqual({ error: "ERR COUNT can't be negative" });
    expect(pos('MAXLEN', 'x')).toEqual({ error: "ERR MAXLEN can't be negative" });
  });

  test('LMPOP pops from the first list that there is', () => {
    const run = start('a', 'b', 'c', 'd');
    expect(run('LMPOP', 3, 'none', 'l', 'other', 'LEFT')).toEqual(['l', ['a']]);
    expect(run('LMPOP', 1, 'l', 'right', 'count', 2)).toEqual(['l', ['d', 'c']]);
    expect(run('LMPOP', 1, 'l', 'RIGHT', 'COUNT', HUGE)).toEqual(['l', ['b']]);
    expect(run('LMPOP', 2, 'l', 'none', 'LEFT')).toBe(null);
    for (const parts of [
      [1, 'l', 'UP'],
      [2, 'l', 'LEFT'],
      [HUGE, 'l', 'LEFT'],
      [1, 'l', 'LEFT', 'COUNT'],
      [1, 'l', 'LEFT', 'COUNT', 1, 'COUNT', 1],
      [1, 'l', 'LEFT', 'FOO', 1],
    ]) {
      expect(run('LMPOP', ...parts)).toEqual(SYNTAX);
    }
    expect(run('LMPOP', 0, 'l', 'LEFT')).toEqual({ error: 'ERR numkeys should be greater than 0' });
    expect(run('LMPOP', 1, 'l', 'LEFT', 'COUNT', 0)).toEqual({ error: 'ERR count should be greater than 0' });
  });

  test('a value of another type is refused, wherever it stands', () => {
    const run = start('a');
    run('SET', 's', 'text');
    for (const parts of [
      ['LPUSH', 's', 'x'],
      ['RPUSHX', 's', 'x'],
      ['LPOP', 's'],
      ['RPOP', 's', '2'],
      ['LLEN', 's'],
      ['LINDEX', 's', 'x'],
      ['LRANGE', 's', '0', '1'],
      ['LSET', 's', 'x', 'x'],
      ['LINSERT', 's', 'BEFORE', 'a', 'b'],
      ['LREM', 's', '0', 'x'],
      ['LTRIM', 's', '0', '1'],
      ['LPOS', 's', 'x'],
      ['LMPOP', '2', 's', 'l', 'LEFT'],
      ['LMOVE', 's', 'l', 'LEFT', 'LEFT'],
      ['LMOVE', 'l', 's', 'LEFT', 'LEFT'],
      ['RPOPLPUSH', 'l', 's'],
      ['LMOVEM', 's', 'l', 'LEFT', 'LEFT'],
      ['LMOVEM', 'l', 's', 'LEFT', 'LEFT'],
    ]) {
      expect(run(...parts)).toEqual(WRONG_TYPE);
    }
    expect(run('LMOVE', 'missing', 's', 'LEFT', 'LEFT')).toBe(null);
    expect(run('GET', 's')).toBe('text');
    expect(run('LRANGE', 'l', 0, -1)).toEqual(['a']);
  });

  test('expiry, COPY and RENAME go along', () => {
    const run = start('a', 'b', 'c', 'd');
    run('EXPIRE', 'l', 1000);
    expect(run('COPY', 'l', 'copy')).toBe(1);
    expect(run('RENAME', 'l', 'other')).toBe('OK');
    run('RPUSH', 'other', ...Array.from({ length: 50 }, (_, i) => `element ${i}`));
    expect(run('LPOP', 'other')).toBe('a');
    expect(run('LRANGE', 'copy', 0, -1)).toEqual(['a', 'b', 'c', 'd']);
    expect(run('TTL', 'other')).toBe(1000);
    expect(run('TTL', 'copy')).toBe(1000);
    expect(run('LLEN', 'other')).toBe(53);
  });
});
