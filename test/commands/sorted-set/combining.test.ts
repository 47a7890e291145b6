/** Unions, intersections and differences. */
import { describe, expect, test } from 'bun:test';
import { replyValue } from '../../support/reply.ts';
import { TestServer } from '../../support/test-server.ts';
import { contentOf, ENCODINGS, json, NOT_AN_INTEGER, OUT_OF_MEMORY, SYNTAX_ERROR } from './encodings.ts';

describe.each(Object.entries(ENCODINGS))('sorted sets %s', (_name, settings) => {
  const start = (): TestServer => {
    const server = new TestServer({ settings });
    server.run('ZADD', 'x', 1, 'a', 2, 'b', 3, 'c', 4, 'd');
    server.run('ZADD', 'y', 10, 'b', 20, 'c', 30, 'e');
    server.run('SADD', 's', 'a', 'c', 'e', 'f');
    return server;
  };
  const run = (server: TestServer, ...parts: (string | number)[]): string =>
    (replyValue(server.run(...parts)) as string[]).join(' ');

  test('are united', () => {
    const server = start();
    expect(run(server, 'ZUNION', 2, 'x', 'y', 'WITHSCORES')).toBe('a 1 d 4 b 12 c 23 e 30');
    expect(run(server, 'ZUNION', 3, 'x', 'none', 's', 'WITHSCORES')).toBe('e 1 f 1 a 2 b 2 c 4 d 4');
    expect(run(server, 'ZUNION', 2, 'x', 'y', 'AGGREGATE', 'MIN', 'WITHSCORES')).toBe('a 1 b 2 c 3 d 4 e 30');
    expect(run(server, 'ZUNION', 2, 'x', 'y', 'AGGREGATE', 'max', 'WITHSCORES')).toBe(
      'a 1 d 4 b 10 c 20 e 30',
    );
    expect(run(server, 'ZUNION', 2, 'x', 'y', 'WEIGHTS', 2, '0.5', 'WITHSCORES')).toBe(
      'a 2 d 8 b 9 e 15 c 16',
    );
    expect(run(server, 'ZUNION', 2, 'x', 'x')).toBe('a b c d');
    expect(server.run('ZUNION', 1, 'none')).toBe('*0\r\n');
    server.verify();
  });

  test('are counted by member with AGGREGATE COUNT, their scores ignored', () => {
    const server = start();
    expect(run(server, 'ZUNION', 3, 'x', 'y', 's', 'AGGREGATE', 'COUNT', 'WITHSCORES')).toBe(
      'd 1 f 1 a 2 b 2 e 2 c 3',
    );
    expect(run(server, 'ZINTER', 2, 'x', 'y', 'AGGREGATE', 'COUNT', 'WEIGHTS', 3, 4, 'WITHSCORES')).toBe(
      'b 7 c 7',
    );
    expect(server.run('ZUNIONSTORE', 'd', 2, 'x', 'y', 'WEIGHTS', 'inf', '-inf', 'AGGREGATE', 'count')).toBe(
      ':5\r\n',
    );
    expect(contentOf(server, 'd')).toBe('e -inf b 0 c 0 a inf d inf');
  });

  test('are intersected', () => {
    const server = start();
    expect(run(server, 'ZINTER', 2, 'x', 'y', 'WITHSCORES')).toBe('b 12 c 23');
    expect(run(server, 'ZINTER', 3, 's', 'x', 'y', 'WITHSCORES')).toBe('c 24');
    expect(run(server, 'ZINTER', 2, 'x', 'x', 'WITHSCORES')).toBe('a 2 b 4 c 6 d 8');
    expect(server.run('ZINTER', 2, 'x', 'none')).toBe('*0\r\n');
    expect(server.run('ZINTERCARD', 2, 'x', 'y')).toBe(':2\r\n');
    expect(server.run('ZINTERCARD', 2, 'x', 'y', 'LIMIT', 1)).toBe(':1\r\n');
    expect(server.run('ZINTERCARD', 2, 'x', 'y', 'LIMIT', 0)).toBe(':2\r\n');
    expect(server.run('ZINTERCARD', 2, 'x', 'none')).toBe(':0\r\n');
    server.verify();
  });

  test('are subtracted, with the scores of the first', () => {
    const server = start();
    expect(run(server, 'ZDIFF', 2, 'x', 'y', 'WITHSCORES')).toBe('a 1 d 4');
    expect(run(server, 'ZDIFF', 3, 'x', 'none', 's', 'WITHSCORES')).toBe('b 2 d 4');
    expect(run(server, 'ZDIFF', 2, 's', 'x', 'WITHSCORES')).toBe('e 1 f 1');
    expect(server.run('ZDIFF', 2, 'none', 'x')).toBe('*0\r\n');
    expect(server.run('ZDIFF', 2, 'x', 'x')).toBe('*0\r\n');
  });

  test('are stored, over a source and over another type, and nothing is stored as no key', () => {
    const server = start();
    server.run('SET', 'd', 'something else');
    expect(server.run('ZUNIONSTORE', 'd', 2, 'x', 'y', 'WEIGHTS', 1, 10)).toBe(':5\r\n');
    expect(contentOf(server, 'd')).toBe('a 1 d 4 b 102 c 203 e 300');
    expect(server.run('ZINTERSTORE', 'x', 2, 'x', 'y', 'AGGREGATE', 'MIN')).toBe(':2\r\n');
    expect(contentOf(server, 'x')).toBe('b 2 c 3');
    expect(server.run('ZDIFFSTORE', 'x', 1, 's')).toBe(':4\r\n');
    expect(contentOf(server, 'x')).toBe('a 1 c 1 e 1 f 1');
    expect(server.run('ZDIFFSTORE', 'x', 2, 'x', 's')).toBe(':0\r\n');
    expect(server.run('EXISTS', 'x')).toBe(':0\r\n');
    expect(server.run('ZUNIONSTORE', 'none', 1, 'none')).toBe(':0\r\n');
    server.verify();
  });

  test('infinities that meet are 0', () => {
    const server = start();
    server.run('ZADD', 'p', 'inf', 'm', 'inf', 'n');
    server.run('ZADD', 'q', '-inf', 'm');
    expect(run(server, 'ZUNION', 2, 'p', 'q', 'WITHSCORES')).toBe('m 0 n inf');
    expect(run(server, 'ZUNION', 1, 'p', 'WEIGHTS', 0, 'WITHSCORES')).toBe('m 0 n 0');
  });

  test('reply pairs in RESP3', () => {
    const server = start();
    server.client.connection.version = 3;
    expect(server.run('ZINTER', 2, 'x', 'y', 'WITHSCORES')).toBe(
      '*2\r\n*2\r\n$1\r\nb\r\n,12\r\n*2\r\n$1\r\nc\r\n,23\r\n',
    );
    expect(server.run('ZDIFF', 2, 'x', 'y')).toBe('*2\r\n$1\r\na\r\n$1\r\nd\r\n');
  });
});

test('bad arguments are refused in Redis’ order', () => {
  const server = new TestServer();
  server.run('ZADD', 'x', 1, 'a');
  server.run('SET', 'text', 'x');
  const wrongType = '-WRONGTYPE Operation against a key holding the wrong kind of value\r\n';
  const refused: [(string | number)[], string][] = [
    [['ZUNION', 'x', 'x'], NOT_AN_INTEGER],
    [['ZUNION', 0, 'x'], "-ERR at least 1 input key is needed for 'zunion' command\r\n"],
    [['ZDIFFSTORE', 'd', -1, 'x'], "-ERR at least 1 input key is needed for 'zdiffstore' command\r\n"],
    [['ZUNION', 2, 'x'], SYNTAX_ERROR],
    [['ZUNION', '9223372036854775807', 'x'], SYNTAX_ERROR],
    [['ZUNION', 1, 'text', 'foo'], wrongType],
    [['ZUNION', 1, 'x', 'WEIGHTS'], SYNTAX_ERROR],
    [['ZUNION', 1, 'x', 'WEIGHTS', 'y'], '-ERR weight value is not a float\r\n'],
    [['ZUNION', 1, 'x', 'AGGREGATE', 'AVG'], SYNTAX_ERROR],
    [['ZUNIONSTORE', 'd', 1, 'x', 'WITHSCORES'], SYNTAX_ERROR],
    [['ZDIFF', 1, 'x', 'WEIGHTS', 1], SYNTAX_ERROR],
    [['ZDIFF', 1, 'x', 'AGGREGATE', 'SUM'], SYNTAX_ERROR],
    [['ZINTERCARD', 1, 'x', 'LIMIT', -1], "-ERR LIMIT can't be negative\r\n"],
    [['ZINTERCARD', 1, 'x', 'LIMIT', 'y'], "-ERR LIMIT can't be negative\r\n"],
    [['ZINTERCARD', 1, 'x', 'WITHSCORES'], SYNTAX_ERROR],
  ];
  for (const [command, error] of refused) expect(server.run(...command)).toBe(error);
  expect(server.run('EXISTS', 'd')).toBe(':0\r\n');
});

test('a thousand members each, over keys of all shards', () => {
  const server = new TestServer();
  const members = (from: number, to: number): (string | number)[] =>
    Array.from({ length: to - from }, (_, i) => [from + i, `m${from + i}`]).flat();
  for (const [i, key] of ['k1', 'k2', 'k3', 'k4'].entries())
    server.run('ZADD', key, ...members(i * 250, i * 250 + 1000));
  expect(server.run('ZINTERCARD', 4, 'k1', 'k2', 'k3', 'k4')).toBe(':250\r\n');
  expect(server.run('ZUNIONSTORE', 'u', 4, 'k1', 'k2', 'k3', 'k4')).toBe(':1750\r\n');
  expect(json(server.run('ZRANGE', 'u', 0, 0, 'WITHSCORES'))).toBe('["m0","0"]');
  expect(server.run('ZSCORE', 'u', 'm800')).toBe('$4\r\n3200\r\n');
  expect(server.run('ZDIFFSTORE', 'v', 2, 'u', 'k2')).toBe(':750\r\n');
  expect(server.run('ZINTERSTORE', 'w', 2, 'u', 'k2')).toBe(':1000\r\n');
  server.verify();
});

test('without memory nothing is left behind, and nothing changed', () => {
  const server = new TestServer({ shardCount: 1, shardBytes: 4 << 20 });
  for (let i = 0; i < 1500; i++) server.run('ZADD', 'x', i, `member ${i} ${'x'.repeat(100)}`);
  server.run('SET', 'd', 'old');
  const outcomes = new Set<string>();
  for (let i = 0; i < 40; i++) {
    server.run('SET', `fill ${i}`, 'x'.repeat(80_000));
    for (const command of ['ZUNION', 'ZINTER', 'ZDIFF']) {
      const used = server.engine.keyspace.usedBytes();
      outcomes.add(server.run(command, 1, 'x').slice(0, 4));
      expect(server.engine.keyspace.usedBytes()).toBe(used);
      const stored = server.run(`${command}STORE`, 'd', 1, 'x');
      if (stored === OUT_OF_MEMORY) expect(server.run('GET', 'd')).toBe('$3\r\nold\r\n');
      else server.run('SET', 'd', 'old');
    }
  }
  expect([...outcomes].toSorted()).toEqual(['*150', '-OOM']);
  server.verify();
});
