/** Popping members, drawing some at random, and scanning. */
import { describe, expect, test } from 'bun:test';
import { Prng } from '../../support/prng.ts';
import { replyValue } from '../../support/reply.ts';
import { freshSeed } from '../../support/seed.ts';
import { TestServer } from '../../support/test-server.ts';
import { contentOf, ENCODINGS, json, NOT_AN_INTEGER, SYNTAX_ERROR } from './encodings.ts';

const NOT_POSITIVE = '-ERR value is out of range, must be positive\r\n';

describe.each(Object.entries(ENCODINGS))('sorted sets %s', (_name, settings) => {
  const start = (): TestServer => {
    const server = new TestServer({ settings });
    server.run('ZADD', 'z', 1, 'a', 2.5, 'b', 3, 'c', 4, 'd', 5, 'e');
    return server;
  };

  test('ZPOPMIN and ZPOPMAX take from the ends', () => {
    const server = start();
    expect(json(server.run('ZPOPMIN', 'z'))).toBe('["a","1"]');
    expect(json(server.run('ZPOPMAX', 'z'))).toBe('["e","5"]');
    expect(json(server.run('ZPOPMAX', 'z', 2))).toBe('["d","4","c","3"]');
    expect(server.run('ZPOPMIN', 'z', 0)).toBe('*0\r\n');
    expect(json(server.run('ZPOPMIN', 'z', '9223372036854775807'))).toBe('["b","2.5"]');
    expect(server.run('EXISTS', 'z')).toBe(':0\r\n');
    expect(server.run('ZPOPMIN', 'z')).toBe('*0\r\n');
    expect(server.run('ZPOPMIN', 'z', 5)).toBe('*0\r\n');
    server.verify();
  });

  test('RESP3 has pairs where there is a count', () => {
    const server = start();
    server.client.connection.version = 3;
    expect(server.run('ZPOPMIN', 'z')).toBe('*2\r\n$1\r\na\r\n,1\r\n');
    expect(server.run('ZPOPMIN', 'z', 1)).toBe('*1\r\n*2\r\n$1\r\nb\r\n,2.5\r\n');
    expect(server.run('ZMPOP', 1, 'z', 'MAX')).toBe('*2\r\n$1\r\nz\r\n*1\r\n*2\r\n$1\r\ne\r\n,5\r\n');
    expect(server.run('ZMPOP', 1, 'none', 'MAX')).toBe('_\r\n');
  });

  test('ZMPOP pops from the first that has any', () => {
    const server = start();
    server.run('ZADD', 'y', 9, 'z');
    expect(json(server.run('ZMPOP', 3, 'none', 'z', 'y', 'MIN', 'COUNT', 2))).toBe(
      '["z",[["a","1"],["b","2.5"]]]',
    );
    expect(json(server.run('ZMPOP', 2, 'none', 'y', 'max', 'count', 100))).toBe('["y",[["z","9"]]]');
    expect(server.run('EXISTS', 'y')).toBe(':0\r\n');
    expect(server.run('ZMPOP', 2, 'none', 'y', 'MIN')).toBe('*-1\r\n');
    expect(contentOf(server, 'z')).toBe('c 3 d 4 e 5');
    server.verify();
  });

  test('ZRANDMEMBER draws members with or without repeats', () => {
    const server = start();
    const all = ['a', 'b', 'c', 'd', 'e'];
    expect(all).toContain(replyValue(server.run('ZRANDMEMBER', 'z')) as string);
    expect((replyValue(server.run('ZRANDMEMBER', 'z', 100)) as string[]).toSorted()).toEqual(all);
    for (const count of [1, 2, 4]) {
      const drawn = replyValue(server.run('ZRANDMEMBER', 'z', count)) as string[];
      expect(new Set(drawn).size).toBe(count);
      expect(drawn.every((member) => all.includes(member))).toBe(true);
    }
    expect(replyValue(server.run('ZRANDMEMBER', 'z', -50))).toHaveLength(50);
    const pairs = replyValue(server.run('ZRANDMEMBER', 'z', -20, 'WITHSCORES')) as string[];
    expect(pairs).toHaveLength(40);
    for (let i = 0; i < 40; i += 2) {
      expect(server.run('ZSCORE', 'z', pairs[i]!)).toBe(`$${pairs[i + 1]!.length}\r\n${pairs[i + 1]}\r\n`);
    }
    server.client.connection.version = 3;
    expect(server.run('ZRANDMEMBER', 'z', 5, 'WITHSCORES')).toStartWith('*5\r\n*2\r\n');
    expect(server.run('ZRANDMEMBER', 'none')).toBe('_\r\n');
    expect(server.run('ZRANDMEMBER', 'none', 5)).toBe('*0\r\n');
    expect(server.run('ZRANDMEMBER', 'z', 0)).toBe('*0\r\n');
  });

  test('ZSCAN lists members with their scores as texts', () => {
    const server = start();
    for (const version of [2, 3] as const) {
      server.client.connection.version = version;
      const [cursor, listing] = replyValue(server.run('ZSCAN', 'z', 0)) as [string, string[]];
      const pairs = listing.flatMap((member, i) => (i % 2 === 0 ? [`${member} ${listing[i + 1]}`] : []));
      expect([cursor, ...pairs.toSorted()]).toEqual(['0', 'a 1', 'b 2.5', 'c 3', 'd 4', 'e 5']);
    }
    expect(json(server.run('ZSCAN', 'z', 0, 'MATCH', '[bx]', 'COUNT', 100))).toBe('["0",["b","2.5"]]');
    expect(server.run('ZSCAN', 'none', 0, 'foo')).toBe('*2\r\n$1\r\n0\r\n*0\r\n');
    expect(server.run('ZSCAN', 'z', 0, 'foo')).toBe(SYNTAX_ERROR);
    expect(server.run('ZSCAN', 'z', 'x')).toBe('-ERR invalid cursor\r\n');
  });
});

test('every member is drawn about as often as any other', () => {
  for (const settings of [{}, { 'zset-max-listpack-entries': '0' }]) {
    const server = new TestServer({ settings });
    for (let i = 0; i < 20; i++) server.run('ZADD', 'z', i, `m${i}`);
    const drawn = new Map<string, number>();
    const note = (member: string): unknown => drawn.set(member, (drawn.get(member) ?? 0) + 1);
    for (let i = 0; i < 100; i++) {
      (replyValue(server.run('ZRANDMEMBER', 'z', -20)) as string[]).forEach(note);
      for (let j = 0; j < 5; j++) (replyValue(server.run('ZRANDMEMBER', 'z', 4)) as string[]).forEach(note);
      for (let j = 0; j < 2; j++) (replyValue(server.run('ZRANDMEMBER', 'z', 10)) as string[]).forEach(note);
    }
    // 300 of each are expected, with a deviation of at most 17.
    for (const count of drawn.values()) expect(Math.abs(count - 300)).toBeLessThan(120);
    expect(drawn.size).toBe(20);
  }
});

test('bad arguments are refused', () => {
  const server = new TestServer();
  server.run('ZADD', 'z', 1, 'a');
  const refused: [(string | number)[], string][] = [
    [['ZPOPMIN', 'z', 'x'], NOT_POSITIVE],
    [['ZPOPMAX', 'z', -1], NOT_POSITIVE],
    [['ZPOPMIN', 'z', 1, 2], SYNTAX_ERROR],
    [['ZMPOP', 'x', 'z', 'MIN'], '-ERR numkeys should be greater than 0\r\n'],
    [['ZMPOP', 0, 'z', 'MIN'], '-ERR numkeys should be greater than 0\r\n'],
    [['ZMPOP', 2, 'z', 'MIN'], SYNTAX_ERROR],
    [['ZMPOP', 1, 'z', 'MID'], SYNTAX_ERROR],
    [['ZMPOP', 1, 'z', 'MIN', 'COUNT'], SYNTAX_ERROR],
    [['ZMPOP', 1, 'z', 'MIN', 'COUNT', 0], '-ERR count should be greater than 0\r\n'],
    [['ZMPOP', 1, 'z', 'MIN', 'COUNT', 1, 'COUNT', 1], SYNTAX_ERROR],
    [['ZRANDMEMBER', 'z', 'x'], NOT_AN_INTEGER],
    [['ZRANDMEMBER', 'z', 1, 'foo'], SYNTAX_ERROR],
    [['ZRANDMEMBER', 'z', 1, 'WITHSCORES', 1], SYNTAX_ERROR],
  ];
  for (const [command, error] of refused) expect(server.run(...command)).toBe(error);
  expect(contentOf(server, 'z')).toBe('a 1');
});

/** What grows, shrinks or splits table and tree between two steps of a ZSCAN. */
const CHANGES: Readonly<Record<string, (server: TestServer, random: Prng, step: number) => void>> = {
  nothing: () => {},
  inserts: (server, random) => {
    const pairs = Array.from({ length: 150 }, () => [random.below(1000), `new ${random.below(1e6)}`]);
    server.run('ZADD', 'z', ...pairs.flat());
  },
  deletes: (server, random) => {
    server.run('ZREM', 'z', ...Array.from({ length: 100 }, () => `passing ${random.below(5000)}`));
  },
  'other scores': (server, random) => {
    const pairs = Array.from({ length: 100 }, () => [random.below(1e6), `staying ${random.below(600)}`]);
    server.run('ZADD', 'z', 'XX', ...pairs.flat());
  },
  'all but what is looked for deleted at once': (server, _random, step) => {
    if (step === 3) server.run('ZREM', 'z', ...Array.from({ length: 5000 }, (_, i) => `passing ${i}`));
  },
};

describe('every member that is there throughout is returned by ZSCAN', () => {
  for (const [name, change] of Object.entries(CHANGES)) {
    test(`during ${name}`, () => {
      const random = new Prng(freshSeed(`ZSCAN, ${name}`));
      for (const stayingCount of [20, 600]) {
        const server = new TestServer();
        const staying = Array.from({ length: stayingCount }, (_, i) => `staying ${i}`);
        server.run('ZADD', 'z', ...Array.from({ length: 5000 }, (_, i) => [i, `passing ${i}`]).flat());
        server.run('ZADD', 'z', ...staying.flatMap((member) => [random.below(5000), member]));
        const seen = new Set<string>();
        let cursor = '0';
        for (let step = 0; step === 0 || cursor !== '0'; step++) {
          const reply = server.run('ZSCAN', 'z', cursor, 'COUNT', 10 + random.below(200));
          const [next, listing] = replyValue(reply) as [string, string[]];
          listing.forEach((member, i) => i % 2 === 0 && seen.add(member));
          expect(next === '0' || BigInt(next) > BigInt(cursor)).toBe(true);
          cursor = next;
          change(server, random, step);
        }
        expect(staying.filter((member) => !seen.has(member))).toEqual([]);
        server.verify();
      }
    });
  }
});
