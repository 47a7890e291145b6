/** Ranges by rank, score and text: read, counted, stored and removed. */
import { describe, expect, test } from 'bun:test';
import { replyValue } from '../../support/reply.ts';
import { TestServer } from '../../support/test-server.ts';
import { contentOf, ENCODINGS, json, NOT_AN_INTEGER, OUT_OF_MEMORY, SYNTAX_ERROR } from './encodings.ts';

const NOT_A_FLOAT = '-ERR min or max is not a float\r\n';
const NOT_A_TEXT = '-ERR min or max not valid string range item\r\n';

describe.each(Object.entries(ENCODINGS))('sorted sets %s', (_name, settings) => {
  /** a 1, b 2 ... j 10. */
  const start = (): TestServer => {
    const server = new TestServer({ settings });
    for (let i = 1; i <= 10; i++) server.run('ZADD', 'z', i, String.fromCharCode(96 + i));
    return server;
  };
  /** Members of a range as one word. */
  const range = (server: TestServer, ...parts: (string | number)[]): string =>
    (replyValue(server.run(...parts)) as string[]).join('');

  test('by rank, from either end', () => {
    const server = start();
    expect(range(server, 'ZRANGE', 'z', 0, -1)).toBe('abcdefghij');
    expect(range(server, 'ZRANGE', 'z', 2, 4)).toBe('cde');
    expect(range(server, 'ZRANGE', 'z', -3, -2)).toBe('hi');
    expect(range(server, 'ZRANGE', 'z', -100, 1)).toBe('ab');
    expect(range(server, 'ZRANGE', 'z', 8, 100)).toBe('ij');
    expect(range(server, 'ZRANGE', 'z', 5, 4)).toBe('');
    expect(range(server, 'ZRANGE', 'z', 10, 20)).toBe('');
    expect(range(server, 'ZRANGE', 'z', 0, -1, 'REV')).toBe('jihgfedcba');
    expect(range(server, 'ZREVRANGE', 'z', 1, 3)).toBe('ihg');
    expect(range(server, 'ZRANGE', 'z', 1, 3, 'rev')).toBe('ihg');
    expect(range(server, 'ZRANGE', 'z', '-9223372036854775808', '9223372036854775807')).toBe('abcdefghij');
    expect(server.run('ZRANGE', 'none', 0, -1)).toBe('*0\r\n');
  });

  test('by score, with open ends, limits and infinities', () => {
    const server = start();
    expect(range(server, 'ZRANGEBYSCORE', 'z', 3, 5)).toBe('cde');
    expect(range(server, 'ZRANGEBYSCORE', 'z', '(3', '(5')).toBe('d');
    expect(range(server, 'ZRANGE', 'z', '-inf', '+inf', 'BYSCORE')).toBe('abcdefghij');
    expect(range(server, 'ZRANGE', 'z', 8.5, '(1e400', 'BYSCORE')).toBe('ij');
    expect(range(server, 'ZREVRANGEBYSCORE', 'z', 5, 3)).toBe('edc');
    expect(range(server, 'ZREVRANGEBYSCORE', 'z', 3, 5)).toBe('');
    expect(range(server, 'ZRANGE', 'z', 9, 2, 'BYSCORE', 'REV', 'LIMIT', 1, 3)).toBe('hgf');
    expect(range(server, 'ZRANGEBYSCORE', 'z', 2, 9, 'LIMIT', 2, 3)).toBe('def');
    expect(range(server, 'ZRANGEBYSCORE', 'z', 2, 9, 'LIMIT', 6, -1)).toBe('hi');
    expect(range(server, 'ZRANGEBYSCORE', 'z', 2, 9, 'LIMIT', 8, 1)).toBe('');
    expect(range(server, 'ZRANGEBYSCORE', 'z', 2, 9, 'LIMIT', -1, 5)).toBe('');
    expect(range(server, 'ZRANGEBYSCORE', 'z', 2, 9, 'LIMIT', 0, 0)).toBe('');
    expect(range(server, 'ZRANGEBYSCORE', 'z', 2, 9, 'LIMIT', 0, '9223372036854775807')).toBe('bcdefghi');
    expect(server.run('ZCOUNT', 'z', '(1', 3)).toBe(':2\r\n');
    expect(server.run('ZCOUNT', 'z', 5, 4)).toBe(':0\r\n');
    expect(server.run('ZCOUNT', 'z', '(5', '(5')).toBe(':0\r\n');
    expect(server.run('ZCOUNT', 'none', 5, 4)).toBe(':0\r\n');
  });

  test('with scores, flat in RESP2 and as pairs in RESP3', () => {
    const server = start();
    expect(json(server.run('ZRANGE', 'z', 0, 1, 'WITHSCORES'))).toBe('["a","1","b","2"]');
    expect(json(server.run('ZREVRANGEBYSCORE', 'z', 2, 1, 'LIMIT', 0, 1, 'withscores'))).toBe('["b","2"]');
    server.client.connection.version = 3;
    expect(server.run('ZRANGE', 'z', 0, 1, 'WITHSCORES')).toBe(
      '*2\r\n*2\r\n$1\r\na\r\n,1\r\n*2\r\n$1\r\nb\r\n,2\r\n',
    );
    expect(server.run('ZRANGE', 'z', 0, 1)).toBe('*2\r\n$1\r\na\r\n$1\r\nb\r\n');
  });

  test('by text', () => {
    const server = new TestServer({ settings });
    for (const member of ['a', 'b', 'ba', 'c', '12', '', 'd\xff']) server.run('ZADD', 'z', 0, member);
    expect(range(server, 'ZRANGEBYLEX', 'z', '[b', '(c')).toBe('bba');
    expect(replyValue(server.run('ZRANGEBYLEX', 'z', '-', '[a'))).toEqual(['', '12', 'a']);
    expect(range(server, 'ZREVRANGEBYLEX', 'z', '[c', '(b')).toBe('cba');
    expect(range(server, 'ZRANGE', 'z', '+', '-', 'BYLEX', 'REV', 'LIMIT', 1, 2)).toBe('cba');
    expect(range(server, 'ZRANGE', 'z', '+', '-', 'BYLEX')).toBe('');
    expect(server.run('ZLEXCOUNT', 'z', '-', '+')).toBe(':7\r\n');
    expect(server.run('ZLEXCOUNT', 'z', '(', '[b')).toBe(':3\r\n');
    expect(server.run('ZLEXCOUNT', 'z', '[c', '[b')).toBe(':0\r\n');
    expect(server.run('ZREMRANGEBYLEX', 'z', '[b', '[c')).toBe(':3\r\n');
    expect(server.run('ZCARD', 'z')).toBe(':4\r\n');
    server.verify();
  });

  test('removed, and the key with the last member', () => {
    const server = start();
    expect(server.run('ZREMRANGEBYRANK', 'z', 2, 3)).toBe(':2\r\n');
    expect(server.run('ZREMRANGEBYSCORE', 'z', '(9', '+inf')).toBe(':1\r\n');
    expect(server.run('ZREMRANGEBYSCORE', 'z', 3, 4)).toBe(':0\r\n');
    expect(server.run('ZREMRANGEBYRANK', 'z', -1, -1)).toBe(':1\r\n');
    expect(range(server, 'ZRANGE', 'z', 0, -1)).toBe('abefgh');
    expect(server.run('ZREMRANGEBYRANK', 'z', 3, 1)).toBe(':0\r\n');
    expect(server.run('ZREMRANGEBYSCORE', 'z', '-inf', 'inf')).toBe(':6\r\n');
    expect(server.run('EXISTS', 'z')).toBe(':0\r\n');
    expect(server.run('ZREMRANGEBYRANK', 'z', 0, -1)).toBe(':0\r\n');
    server.verify();
  });

  test('stored under another key, or over itself', () => {
    const server = start();
    server.run('SET', 'd', 'something else');
    expect(server.run('ZRANGESTORE', 'd', 'z', 2, 4)).toBe(':3\r\n');
    expect(contentOf(server, 'd')).toBe('c 3 d 4 e 5');
    expect(server.run('ZRANGESTORE', 'd', 'z', 9, 2, 'BYSCORE', 'REV', 'LIMIT', 1, 2)).toBe(':2\r\n');
    expect(contentOf(server, 'd')).toBe('g 7 h 8');
    expect(server.run('ZRANGESTORE', 'z', 'z', 0, 4, 'REV')).toBe(':5\r\n');
    expect(contentOf(server, 'z')).toBe('f 6 g 7 h 8 i 9 j 10');
    expect(server.run('ZRANGESTORE', 'd', 'z', 5, 4)).toBe(':0\r\n');
    expect(server.run('EXISTS', 'd')).toBe(':0\r\n');
    expect(server.run('ZRANGESTORE', 'z', 'none', 0, -1)).toBe(':0\r\n');
    expect(server.run('EXISTS', 'z')).toBe(':0\r\n');
    server.verify();
  });
});

test('bad ranges and options are refused as Redis refuses them', () => {
  const server = new TestServer();
  server.run('ZADD', 'z', 1, 'a');
  const limit = '-ERR syntax error, LIMIT is only supported in combination with either BYSCORE or BYLEX\r\n';
  const refused: [(string | number)[], string][] = [
    [['ZRANGE', 'z', 'x', 1], NOT_AN_INTEGER],
    [['ZRANGE', 'z', 0, '1.5'], NOT_AN_INTEGER],
    [['ZRANGE', 'z', 0, 1, 'foo'], SYNTAX_ERROR],
    [['ZRANGE', 'z', 0, 1, 'REV', 'REV'], SYNTAX_ERROR],
    [['ZRANGE', 'z', 0, 1, 'BYLEX', 'BYSCORE'], SYNTAX_ERROR],
    [['ZRANGE', 'z', 0, 1, 'LIMIT', 0], SYNTAX_ERROR],
    [['ZRANGE', 'z', 0, 1, 'BYSCORE', 'LIMIT', 'x', 1], NOT_AN_INTEGER],
    [['ZRANGE', 'z', 0, 1, 'LIMIT', 0, 1], limit],
    [
      ['ZRANGE', 'z', '-', '+', 'BYLEX', 'WITHSCORES'],
      '-ERR syntax error, WITHSCORES not supported in combination with BYLEX\r\n',
    ],
    [['ZRANGE', 'z', 'x', 1, 'BYSCORE'], NOT_A_FLOAT],
    [['ZRANGEBYSCORE', 'z', 'nan', 1], NOT_A_FLOAT],
    [['ZRANGEBYSCORE', 'z', '((1', 1], NOT_A_FLOAT],
    [['ZRANGEBYSCORE', 'z', 0, 1, 'REV'], SYNTAX_ERROR],
    [['ZRANGEBYLEX', 'z', 'a', '+'], NOT_A_TEXT],
    [['ZRANGEBYLEX', 'z', '', '+'], NOT_A_TEXT],
    [['ZRANGEBYLEX', 'z', '-x', '+'], NOT_A_TEXT],
    [['ZREVRANGE', 'z', 0, 1, 'BYSCORE'], SYNTAX_ERROR],
    [['ZRANGESTORE', 'd', 'z', 0, 1, 'WITHSCORES'], SYNTAX_ERROR],
    [['ZCOUNT', 'z', 'x', 1], NOT_A_FLOAT],
    [['ZLEXCOUNT', 'z', 'x', '+'], NOT_A_TEXT],
    [['ZREMRANGEBYRANK', 'z', 'x', 1], NOT_AN_INTEGER],
    [['ZREMRANGEBYSCORE', 'z', 'x', 1], NOT_A_FLOAT],
    [['ZREMRANGEBYLEX', 'none', 'x', '+'], NOT_A_TEXT],
  ];
  for (const [command, error] of refused) expect(server.run(...command)).toBe(error);
  expect(contentOf(server, 'z')).toBe('a 1');
});

test('bounds are read as loosely as C reads them', () => {
  const server = new TestServer();
  server.run('ZADD', 'z', -1, 'minus', 0, 'zero', 16, 'hex');
  expect(json(server.run('ZRANGEBYSCORE', 'z', '', ''))).toBe('["zero"]');
  expect(json(server.run('ZRANGEBYSCORE', 'z', ' -1', '('))).toBe('["minus"]');
  expect(json(server.run('ZRANGEBYSCORE', 'z', '(1e-400', '0x10'))).toBe('["hex"]');
  expect(json(server.run('ZRANGEBYSCORE', 'z', '16\0x', '1e400'))).toBe('["hex"]');
  expect(json(server.run('ZRANGEBYSCORE', 'z', '-1e400', '-0x1p2000'))).toBe('[]');
});

test('a large range over many leaves is read, removed and stored right', () => {
  const server = new TestServer();
  const count = 3000;
  const pairs = Array.from({ length: count }, (_, i) => [(i * 7919) % count, `m${i}`]).flat();
  server.run('ZADD', 'z', ...pairs);
  const all = replyValue(server.run('ZRANGE', 'z', 0, -1)) as string[];
  expect(all).toHaveLength(count);
  for (const [first, last] of [
    [0, 2999],
    [61, 62],
    [500, 1500],
  ] as const) {
    expect(replyValue(server.run('ZRANGE', 'z', first, last))).toEqual(all.slice(first, last + 1));
    expect(replyValue(server.run('ZREVRANGE', 'z', count - 1 - last, count - 1 - first))).toEqual(
      all.slice(first, last + 1).toReversed(),
    );
  }
  expect(server.run('ZRANGESTORE', 'd', 'z', 100, 2899)).toBe(':2800\r\n');
  expect(replyValue(server.run('ZRANGE', 'd', 0, -1))).toEqual(all.slice(100, 2900));
  expect(server.run('ZREMRANGEBYSCORE', 'z', 50, '(2950')).toBe(':2900\r\n');
  expect(replyValue(server.run('ZRANGE', 'z', 0, -1))).toEqual([...all.slice(0, 50), ...all.slice(2950)]);
  server.verify();
});

test('a range that cannot be stored changes nothing', () => {
  const server = new TestServer({ shardCount: 1, shardBytes: 1 << 20 });
  const pairs = Array.from({ length: 300 }, (_, i) => [i, `member ${i} ${'x'.repeat(400)}`]).flat();
  for (let i = 0; i < pairs.length; i += 2) server.run('ZADD', 'z', pairs[i]!, pairs[i + 1]!);
  server.run('SET', 'd', 'old');
  let outcome = '';
  for (let i = 0; outcome !== OUT_OF_MEMORY; i++) {
    server.run('SET', `fill ${i}`, 'x'.repeat(20_000));
    const used = server.engine.keyspace.usedBytes();
    outcome = server.run('ZRANGESTORE', 'd', 'z', 0, -1);
    if (outcome === OUT_OF_MEMORY) expect(server.engine.keyspace.usedBytes()).toBe(used);
    else server.run('SET', 'd', 'old');
  }
  expect(server.run('GET', 'd')).toBe('$3\r\nold\r\n');
  server.verify();
});
