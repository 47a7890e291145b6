/** Members put, removed and asked about one by one. */
import { describe, expect, test } from 'bun:test';
import { replyValue } from '../../support/reply.ts';
import { TestServer } from '../../support/test-server.ts';
import { contentOf, ENCODINGS, json, OUT_OF_MEMORY, SYNTAX_ERROR, WRONG_TYPE } from './encodings.ts';

const NOT_A_FLOAT = '-ERR value is not a valid float\r\n';
const NIL = '$-1\r\n';

describe.each(Object.entries(ENCODINGS))('sorted sets %s', (_name, settings) => {
  const start = (): TestServer => new TestServer({ settings });

  test('ZADD adds and updates, and counts what it says', () => {
    const server = start();
    expect(server.run('ZADD', 'z', 1, 'a', 2, 'b', 3, 'a')).toBe(':2\r\n');
    expect(contentOf(server, 'z')).toBe('b 2 a 3');
    expect(server.run('ZADD', 'z', 'CH', 1, 'a', 5, 'c', 2, 'b')).toBe(':2\r\n');
    expect(server.run('ZADD', 'z', 'NX', 9, 'a', 9, 'd')).toBe(':1\r\n');
    expect(server.run('ZADD', 'z', 'XX', 'CH', 7, 'a', 7, 'e')).toBe(':1\r\n');
    expect(server.run('ZADD', 'z', 'GT', 'CH', 6, 'a', 6, 'c')).toBe(':1\r\n');
    expect(server.run('ZADD', 'z', 'lt', 'ch', 6, 'a', 8, 'c')).toBe(':1\r\n');
    expect(contentOf(server, 'z')).toBe('b 2 a 6 c 6 d 9');
    expect(server.run('ZADD', 'none', 'XX', 1, 'a')).toBe(':0\r\n');
    expect(server.run('EXISTS', 'none')).toBe(':0\r\n');
    server.verify();
  });

  test('ZADD INCR and ZINCRBY reply the sum, or nothing where they may not', () => {
    const server = start();
    expect(server.run('ZINCRBY', 'z', '2.5', 'a')).toBe('$3\r\n2.5\r\n');
    expect(server.run('ZADD', 'z', 'INCR', '-4', 'a')).toBe('$4\r\n-1.5\r\n');
    expect(server.run('ZADD', 'z', 'NX', 'INCR', 1, 'a')).toBe(NIL);
    expect(server.run('ZADD', 'z', 'XX', 'INCR', 1, 'b')).toBe(NIL);
    expect(server.run('ZADD', 'z', 'GT', 'INCR', -1, 'a')).toBe(NIL);
    expect(server.run('ZINCRBY', 'z', 'inf', 'a')).toBe('$3\r\ninf\r\n');
    expect(server.run('ZINCRBY', 'z', '-inf', 'a')).toBe('-ERR resulting score is not a number (NaN)\r\n');
    server.client.connection.version = 3;
    expect(server.run('ZINCRBY', 'z', 1, 'a')).toBe(',inf\r\n');
    expect(server.run('ZINCRBY', 'z', '0.1', 'b')).toBe(',0.10000000000000001\r\n');
    expect(server.run('ZADD', 'z', 'XX', 'INCR', 1, 'c')).toBe('_\r\n');
    server.verify();
  });

  test('a score of any size and shape keeps its value', () => {
    const server = start();
    const scores = [
      '0',
      '127',
      '-1',
      '4095',
      '70000',
      '-8388609',
      '2147483648',
      '1e20',
      '3.14',
      '5e-324',
      'inf',
    ];
    const spelled = [...scores.slice(0, 7), '1e+20', '3.1400000000000001', '4.9406564584124654e-324', 'inf'];
    for (const score of scores) {
      server.run('ZADD', 'z', score, 'm');
      server.run('ZADD', 'z', score, `at ${score}`);
    }
    expect(json(server.run('ZMSCORE', 'z', ...scores.map((score) => `at ${score}`)))).toBe(
      JSON.stringify(spelled),
    );
    server.verify();
  });

  test('a member moves over all others, up and down, and its score changes its size', () => {
    const server = start();
    const model = new Map([1, 2, 3, 4, 5].map((i) => [`m${i}`, i * 10]));
    for (const [member, score] of model) server.run('ZADD', 'z', score, member);
    for (const score of [0, 15, 100.5, 25, 3e9, -7.25, 44, 44.5, 1, 1e-9, 1000]) {
      for (const member of ['m3', 'm1', 'm5']) {
        model.set(member, score + Number(member[1]));
        server.run('ZADD', 'z', model.get(member)!, member);
        const expected = [...model].sort(([a, x], [b, y]) => x - y || (a < b ? -1 : 1));
        expect(replyValue(server.run('ZRANGE', 'z', 0, -1))).toEqual(expected.map(([name]) => name));
        server.verify();
      }
    }
  });

  test('members are any bytes, integers are their text', () => {
    const server = start();
    const members = ['', '\0', '\r\n', '12', '012', '-0', 'ключ', 'x'.repeat(300)].map((text) =>
      Buffer.from(text),
    );
    for (const [i, member] of members.entries()) server.run('ZADD', 'z', i, member);
    for (const [i, member] of members.entries()) {
      expect(server.run('ZSCORE', 'z', member)).toBe(`$1\r\n${i}\r\n`);
      expect(server.run('ZRANK', 'z', member)).toBe(`:${i}\r\n`);
    }
    expect(server.run('ZSCORE', 'z', '012 ')).toBe(NIL);
    expect(server.run('ZCARD', 'z')).toBe(`:${members.length}\r\n`);
  });

  test('ZREM counts, and the key goes with the last member', () => {
    const server = start();
    server.run('ZADD', 'z', 1, 'a', 2, 'b', 3, 'c', 4, 'd');
    expect(server.run('ZREM', 'z', 'b', 'x', 'b', 'd')).toBe(':2\r\n');
    expect(contentOf(server, 'z')).toBe('a 1 c 3');
    expect(server.run('ZREM', 'z', 'c', 'a', 'a')).toBe(':2\r\n');
    expect(server.run('EXISTS', 'z')).toBe(':0\r\n');
    expect(server.run('ZREM', 'z', 'a')).toBe(':0\r\n');
    server.verify();
  });

  test('ZRANK and ZREVRANK tell the rank, and the score when asked', () => {
    const server = start();
    server.run('ZADD', 'z', 1, 'a', 2, 'b', 2, 'c', 4, 'd', 5, 'e');
    for (const [rank, member] of ['a', 'b', 'c', 'd', 'e'].entries()) {
      expect(server.run('ZRANK', 'z', member)).toBe(`:${rank}\r\n`);
      expect(server.run('ZREVRANK', 'z', member)).toBe(`:${4 - rank}\r\n`);
    }
    expect(server.run('ZRANK', 'z', 'c', 'WITHSCORE')).toBe('*2\r\n:2\r\n$1\r\n2\r\n');
    expect(server.run('ZREVRANK', 'z', 'd', 'withscore')).toBe('*2\r\n:1\r\n$1\r\n4\r\n');
    expect(server.run('ZRANK', 'z', 'x')).toBe(NIL);
    expect(server.run('ZRANK', 'z', 'x', 'WITHSCORE')).toBe('*-1\r\n');
    expect(server.run('ZRANK', 'none', 'x', 'WITHSCORE')).toBe('*-1\r\n');
    expect(server.run('ZRANK', 'z', 'a', 'WITHSCORES')).toBe(SYNTAX_ERROR);
    expect(server.run('ZRANK', 'z', 'a', 'WITHSCORE', 'x')).toBe(
      "-ERR wrong number of arguments for 'zrank' command\r\n",
    );
    server.client.connection.version = 3;
    expect(server.run('ZRANK', 'z', 'c', 'WITHSCORE')).toBe('*2\r\n:2\r\n,2\r\n');
    expect(server.run('ZREVRANK', 'z', 'x', 'WITHSCORE')).toBe('_\r\n');
  });

  test('copies, names and expiries go along', () => {
    const server = start();
    server.run('ZADD', 'z', 1, 'a', 2, 'b', 3, 'c', 4, 'd');
    server.run('EXPIRE', 'z', 100);
    expect(server.run('COPY', 'z', 'copy')).toBe(':1\r\n');
    server.run('ZADD', 'copy', 9, 'a');
    server.run('RENAME', 'z', 'other');
    expect(contentOf(server, 'other')).toBe('a 1 b 2 c 3 d 4');
    expect(contentOf(server, 'copy')).toBe('b 2 c 3 d 4 a 9');
    expect(server.run('TTL', 'other')).toBe(':100\r\n');
    server.run('ZADD', 'other', 5, 'e');
    expect(server.run('TTL', 'other')).toBe(':100\r\n');
    expect(server.run('TYPE', 'other')).toBe('+zset\r\n');
    server.verify();
  });
});

test('a sorted set leaves its record when it has too many members, or one too long, and never comes back', () => {
  const settings = { 'zset-max-listpack-entries': '4', 'zset-max-listpack-value': '5' };
  const server = new TestServer({ settings });
  const encodingOf = (key: string): string => server.run('OBJECT', 'ENCODING', key).split('\r\n')[1]!;
  server.run('ZADD', 'many', 1, 'a', 2, 'b', 3, 'c', 4, 'd', 5, 'a');
  expect(encodingOf('many')).toBe('listpack');
  server.run('ZADD', 'many', 5, 'e');
  expect(encodingOf('many')).toBe('skiplist');
  server.run('ZREM', 'many', 'a', 'b', 'c');
  expect(encodingOf('many')).toBe('skiplist');
  expect(contentOf(server, 'many')).toBe('d 4 e 5');
  server.run('ZADD', 'long', 1, 'exact');
  expect(encodingOf('long')).toBe('listpack');
  server.run('ZADD', 'long', 1, 'longer');
  expect(encodingOf('long')).toBe('skiplist');
  server.run('ZADD', 'long at once', 1, 'longer');
  expect(encodingOf('long at once')).toBe('skiplist');
  server.run('ZUNIONSTORE', 'back', 1, 'many');
  expect(encodingOf('back')).toBe('listpack');
  server.verify();
});

describe('bad input', () => {
  test('is refused before anything is changed', () => {
    const server = new TestServer();
    server.run('ZADD', 'z', 1, 'a');
    const refused: [string[], string][] = [
      [['1', 'b', '2'], SYNTAX_ERROR],
      [['NX'], "-ERR wrong number of arguments for 'zadd' command\r\n"],
      [['NX', 'CH'], SYNTAX_ERROR],
      [['1', 'b', 'x', 'c'], NOT_A_FLOAT],
      [['nan', 'b'], NOT_A_FLOAT],
      [['1e400', 'b'], NOT_A_FLOAT],
      [['', 'b'], NOT_A_FLOAT],
      [['NX', 'XX', '1', 'b'], '-ERR XX and NX options at the same time are not compatible\r\n'],
      [['NX', 'GT', '1', 'b'], '-ERR GT, LT, and/or NX options at the same time are not compatible\r\n'],
      [['GT', 'LT', '1', 'b'], '-ERR GT, LT, and/or NX options at the same time are not compatible\r\n'],
      [['INCR', '1', 'b', '2', 'c'], '-ERR INCR option supports a single increment-element pair\r\n'],
      [['foo', '1', 'b'], SYNTAX_ERROR],
    ];
    for (const [args, error] of refused) expect(server.run('ZADD', 'z', ...args)).toBe(error);
    expect(server.run('ZINCRBY', 'z', 'x', 'a')).toBe(NOT_A_FLOAT);
    expect(contentOf(server, 'z')).toBe('a 1');
  });

  test('another type is told from none', () => {
    const server = new TestServer();
    server.run('SET', 's', 'x');
    const commands: (string | number)[][] = [
      ['ZADD', 's', 1, 'a'],
      ['ZINCRBY', 's', 1, 'a'],
      ['ZREM', 's', 'a'],
      ['ZCARD', 's'],
      ['ZSCORE', 's', 'a'],
      ['ZMSCORE', 's', 'a'],
      ['ZRANK', 's', 'a'],
      ['ZREVRANK', 's', 'a', 'WITHSCORE'],
      ['ZRANGE', 's', 0, -1],
      ['ZRANGESTORE', 'd', 's', 0, -1],
      ['ZCOUNT', 's', 0, 1],
      ['ZLEXCOUNT', 's', '-', '+'],
      ['ZREMRANGEBYRANK', 's', 0, -1],
      ['ZPOPMIN', 's'],
      ['ZPOPMAX', 's', 0],
      ['ZMPOP', 1, 's', 'MIN'],
      ['ZRANDMEMBER', 's'],
      ['ZRANDMEMBER', 's', 0],
      ['ZSCAN', 's', 0],
      ['ZUNION', 2, 'none', 's'],
      ['ZUNIONSTORE', 's', 1, 's'],
      ['ZINTERCARD', 1, 's'],
    ];
    for (const command of commands) expect(server.run(...command)).toBe(WRONG_TYPE);
    expect(server.run('ZADD', 's', 'x', 'a')).toBe(NOT_A_FLOAT);
    expect(server.run('GET', 's')).toBe('$1\r\nx\r\n');
    server.verify();
  });
});

describe('when memory runs out', () => {
  /** Fills a server of one small shard with strings until no more go in, or so many are left free. */
  function fill(server: TestServer, byteCount: number): void {
    for (let i = 0; server.run('SET', `fill ${byteCount} ${i}`, 'x'.repeat(byteCount)) === '+OK\r\n'; i++)
      continue;
  }

  test.each(Object.entries(ENCODINGS))('a single ZADD changes all or nothing (%s)', (_name, settings) => {
    const server = new TestServer({ shardCount: 1, shardBytes: 2 << 20, settings });
    server.run('ZADD', 'z', 1, 'a');
    server.run('ZADD', 'z', 2, 'b');
    for (const byteCount of [60_000, 4000, 900, 300, 60, 8]) fill(server, byteCount);
    const expected = new Map([
      ['a', 1],
      ['b', 2],
    ]);
    let refusedCount = 0;
    for (let i = 0; i < 300; i++) {
      const member = `member ${i} ${'y'.repeat(i % 40)}`;
      const reply = server.run('ZADD', 'z', i, member);
      if (reply === OUT_OF_MEMORY) refusedCount++;
      else expected.set(member, i);
      // A little room, for some of what the next one needs.
      if (i % 3 === 0) server.run('DEL', `fill 300 ${i}`, `fill 60 ${i}`);
    }
    expect(refusedCount).toBeGreaterThan(0);
    expect(server.run('ZCARD', 'z')).toBe(`:${expected.size}\r\n`);
    const content = contentOf(server, 'z').length;
    const order = [...expected].sort(([a, x], [b, y]) => x - y || (a < b ? -1 : 1));
    expect(content).toBe(order.flat().join(' ').length);
    server.verify();
  });

  test('a ZADD of many members changes nothing', () => {
    const server = new TestServer({ shardCount: 1, shardBytes: 16 << 20 });
    server.run('ZADD', 'z', 1, 'a');
    const pairs = Array.from({ length: 60_000 }, (_, i) => [i, `some member ${i} ${'x'.repeat(200)}`]).flat();
    expect(server.run('ZADD', 'z', ...pairs)).toBe(OUT_OF_MEMORY);
    expect(contentOf(server, 'z')).toBe('a 1');
    expect(server.run('ZADD', 'new', ...pairs)).toBe(OUT_OF_MEMORY);
    expect(server.run('EXISTS', 'new')).toBe(':0\r\n');
    expect(server.run('ZADD', 'z', ...pairs.slice(0, 400))).toBe(':200\r\n');
    server.verify();
  });
});
