/** Moving elements between lists: LMOVE, RPOPLPUSH, LMOVEM. */
import { describe, expect, test } from 'bun:test';
import { type Reply, replyValue } from '../../support/reply.ts';
import { TestServer } from '../../support/test-server.ts';

const SYNTAX: Reply = { error: 'ERR syntax error' };
const BAD_COUNT: Reply = { error: 'ERR count should be greater than 0' };
const ENDS = ['LEFT', 'RIGHT'];

describe.each([[-2], [2], [1]])('under list-max-listpack-size %d', (limit) => {
  const settings = { 'list-max-listpack-size': String(limit) };

  /** A server with these lists; its answers are checked with the whole store. */
  function start(lists: Record<string, readonly string[]>, shardCount = 4): Run {
    const server = new TestServer({ settings, shardCount, shardBytes: 4 << 20 });
    for (const [name, elements] of Object.entries(lists)) server.run('RPUSH', name, ...elements);
    return (...parts) => {
      const reply = replyValue(server.run(...parts));
      server.verify();
      return reply;
    };
  }
  type Run = (...parts: (string | number)[]) => Reply;

  const listOf = (run: Run, name: string): Reply => run('LRANGE', name, 0, -1);

  test.each([[1], [64]])('LMOVE takes from either end and adds to either, in %d shards', (shardCount) => {
    const run = start({ a: ['1', '2', '3', '4', '5'], b: ['x'] }, shardCount);
    expect(run('LMOVE', 'a', 'b', 'LEFT', 'LEFT')).toBe('1');
    expect(run('LMOVE', 'a', 'b', 'left', 'Right')).toBe('2');
    expect(run('LMOVE', 'a', 'b', 'RIGHT', 'LEFT')).toBe('5');
    expect(run('LMOVE', 'a', 'b', 'RIGHT', 'RIGHT')).toBe('4');
    expect(listOf(run, 'b')).toEqual(['5', '1', 'x', '2', '4']);
    expect(run('LMOVE', 'a', 'new', 'RIGHT', 'RIGHT')).toBe('3');
    expect(run('EXISTS', 'a')).toBe(0);
    expect(listOf(run, 'new')).toEqual(['3']);
    expect(run('LMOVE', 'a', 'b', 'RIGHT', 'RIGHT')).toBe(null);
    expect(run('RPOPLPUSH', 'b', 'new')).toBe('4');
    expect(listOf(run, 'new')).toEqual(['4', '3']);
    expect(run('LMOVE', 'a', 'b', 'UP', 'RIGHT')).toEqual(SYNTAX);
    expect(run('LMOVE', 'a', 'b', 'LEFT', 'DOWN')).toEqual(SYNTAX);
  });

  test('LMOVE rotates a list', () => {
    const run = start({ a: ['1', '2', '3'], one: ['x'], large: ['y'.repeat(70_000), 'z'.repeat(70_000)] });
    expect(run('LMOVE', 'a', 'a', 'LEFT', 'RIGHT')).toBe('1');
    expect(run('RPOPLPUSH', 'a', 'a')).toBe('1');
    expect(run('LMOVE', 'a', 'a', 'LEFT', 'LEFT')).toBe('1');
    expect(run('LMOVE', 'a', 'a', 'RIGHT', 'RIGHT')).toBe('3');
    expect(listOf(run, 'a')).toEqual(['1', '2', '3']);
    expect(run('RPOPLPUSH', 'a', 'a')).toBe('3');
    expect(listOf(run, 'a')).toEqual(['3', '1', '2']);
    expect(run('RPOPLPUSH', 'one', 'one')).toBe('x');
    expect(listOf(run, 'one')).toEqual(['x']);
    expect(run('RPOPLPUSH', 'large', 'large')).toBe('z'.repeat(70_000));
    expect(listOf(run, 'large')).toEqual(['z'.repeat(70_000), 'y'.repeat(70_000)]);
  });

  /** The four pairs of ends; what comes out of [a b c d] and [x y] for two elements. From Redis 8.10's documentation. */
  test.each([
    ['LEFT', 'LEFT', 'OBO', ['b', 'a'], ['b', 'a', 'x', 'y']],
    ['LEFT', 'LEFT', 'BULK', ['a', 'b'], ['a', 'b', 'x', 'y']],
    ['LEFT', 'RIGHT', 'OBO', ['a', 'b'], ['x', 'y', 'a', 'b']],
    ['LEFT', 'RIGHT', 'BULK', ['a', 'b'], ['x', 'y', 'a', 'b']],
    ['RIGHT', 'LEFT', 'OBO', ['c', 'd'], ['c', 'd', 'x', 'y']],
    ['RIGHT', 'LEFT', 'BULK', ['c', 'd'], ['c', 'd', 'x', 'y']],
    ['RIGHT', 'RIGHT', 'OBO', ['d', 'c'], ['x', 'y', 'd', 'c']],
    ['RIGHT', 'RIGHT', 'BULK', ['c', 'd'], ['x', 'y', 'c', 'd']],
  ])('LMOVEM %s %s %s orders what it moves', (from, to, order, reply, result) => {
    const run = start({ a: ['a', 'b', 'c', 'd'], b: ['x', 'y'] });
    expect(run('LMOVEM', 'a', 'b', from, to, 'COUNT', 2, order)).toEqual(reply);
    expect(listOf(run, 'b')).toEqual(result);
    expect(listOf(run, 'a')).toEqual(from === 'LEFT' ? ['c', 'd'] : ['a', 'b']);
  });

  test('LMOVEM moves one element without a count, all there are with COUNT, so many or none with EXACTLY', () => {
    const run = start({ a: ['1', '2', '3'] });
    expect(run('LMOVEM', 'a', 'b', 'LEFT', 'RIGHT')).toEqual(['1']);
    expect(run('LMOVEM', 'a', 'b', 'LEFT', 'RIGHT', 'EXACTLY', 3, 'OBO')).toBe(null);
    expect(run('LMOVEM', 'a', 'b', 'LEFT', 'RIGHT', 'exactly', 2, 'bulk')).toEqual(['2', '3']);
    expect(run('EXISTS', 'a')).toBe(0);
    expect(run('LMOVEM', 'b', 'a', 'RIGHT', 'RIGHT', 'COUNT', '9223372036854775807', 'OBO')).toEqual([
      '3',
      '2',
      '1',
    ]);
    expect(run('LMOVEM', 'b', 'a', 'RIGHT', 'RIGHT')).toBe(null);
    expect(run('LMOVEM', 'b', 'a', 'RIGHT', 'RIGHT', 'COUNT', 1, 'OBO')).toBe(null);
    // The destination is looked at only when something is to be moved.
    run('SET', 'string', 'x');
    expect(run('LMOVEM', 'a', 'string', 'LEFT', 'LEFT', 'EXACTLY', 9, 'OBO')).toBe(null);
  });

  test('LMOVEM takes from the list itself all at once', () => {
    const names = ['a', 'b', 'c', 'd', 'e'];
    const run = start({});
    for (const count of [1, 2, 3, 5, 9]) {
      for (const from of ENDS) {
        for (const to of ENDS) {
          for (const order of ['OBO', 'BULK']) {
            run('DEL', 'l');
            run('RPUSH', 'l', ...names);
            const taken = Math.min(count, names.length);
            const block = from === 'LEFT' ? names.slice(0, taken) : names.slice(-taken);
            const rest = from === 'LEFT' ? names.slice(taken) : names.slice(0, -taken);
            const moved = order === 'OBO' && from === to ? block.toReversed() : block;
            expect(run('LMOVEM', 'l', 'l', from, to, 'COUNT', count, order)).toEqual(moved);
            expect(listOf(run, 'l')).toEqual(to === 'LEFT' ? [...moved, ...rest] : [...rest, ...moved]);
          }
        }
      }
    }
  });

  test('LMOVEM refuses what it cannot read before it looks at a key', () => {
    const run = start({ a: ['1'] });
    const move = (...options: (string | number)[]): Reply =>
      run('LMOVEM', 'a', 'b', 'LEFT', 'LEFT', ...options);
    for (const options of [
      ['COUNT', 1],
      ['COUNT', 1, 'SOME'],
      ['UPTO', 1, 'OBO'],
      ['OBO'],
      ['COUNT', 1, 'OBO', 'OBO'],
    ]) {
      expect(move(...options)).toEqual(SYNTAX);
    }
    for (const count of [0, -1, 'x']) expect(move('EXACTLY', count, 'BULK')).toEqual(BAD_COUNT);
    expect(run('LMOVEM', 'a', 'b', 'LEFT', 'UP')).toEqual(SYNTAX);
    expect(run('LLEN', 'a')).toBe(1);
  });
});
