/** Intersections, unions and differences against those of JavaScript's sets, whatever way the sets are kept. */
import { describe, expect, test } from 'bun:test';
import { allocate } from '../../../src/memory/allocator.ts';
import { Prng } from '../../support/prng.ts';
import { freshSeed } from '../../support/seed.ts';
import { TestServer } from '../../support/test-server.ts';
import { encodingOf, ENCODINGS, membersOf, OUT_OF_MEMORY, sortedTexts } from './encodings.ts';

/** Sets of very different sizes and kinds: integers, texts, both, and members that hash side by side or not. */
function makeSets(random: Prng): Record<string, string[]> {
  const draw = (count: number, prefix: string, range: number): string[] => [
    ...new Set(Array.from({ length: count }, () => `${prefix}${random.below(range)}`)),
  ];
  return {
    few: draw(3, '', 10),
    integers: draw(80, '', 200),
    wide: [...draw(20, '', 100), '5000000000', '-5000000000', '70000'],
    texts: draw(60, 'm', 100),
    mixed: [...draw(40, '', 100), ...draw(40, 'm', 100), '', 'x'.repeat(300)],
    'many integers': draw(900, '', 1500),
    'many texts': draw(900, 'm', 1500),
    large: [...draw(3000, 'm', 5000), ...draw(500, '', 5000)],
  };
}

const sorted = (set: Iterable<string>): string[] => [...set].toSorted();

function expected(name: string, lists: string[][]): Set<string> {
  const [first, ...others] = lists.map((list) => new Set(list));
  const combine = (a: Set<string>, b: Set<string>): Set<string> =>
    name === 'SINTER' ? a.intersection(b) : name === 'SUNION' ? a.union(b) : a.difference(b);
  return others.reduce(combine, first!);
}

for (const [name, settings] of Object.entries(ENCODINGS)) {
  describe(`sets ${name}`, () => {
    test('agree with JavaScript, as replies, numbers and stored sets', () => {
      const random = new Prng(freshSeed('combine'));
      const server = new TestServer({ settings, shardCount: 4 });
      const sets = makeSets(random);
      const names = Object.keys(sets);
      for (const key of names) server.run('SADD', key, ...sets[key]!);
      for (let round = 0; round < 40; round++) {
        const keys = Array.from({ length: 1 + random.below(random.below(4) === 0 ? 12 : 3) }, () =>
          random.below(25) === 0 ? 'missing' : names[random.below(names.length)]!,
        );
        const lists = keys.map((key) => sets[key] ?? []);
        for (const command of ['SINTER', 'SUNION', 'SDIFF']) {
          const wanted = expected(command, lists);
          const label = `${command} ${keys.join(' ')}`;
          expect([label, ...sortedTexts(server.run(command, ...keys))]).toEqual([label, ...sorted(wanted)]);
          expect(server.run(`${command}CARD`, keys.length, ...keys)).toBe(`:${wanted.size}\r\n`);
          const limit = 1 + random.below(50);
          const limited = server.run(`${command}CARD`, keys.length, ...keys, 'LIMIT', limit);
          expect(limited).toBe(`:${Math.min(wanted.size, limit)}\r\n`);
          const into = random.below(2) === 0 ? 'result' : `result ${random.below(5)}`;
          expect(server.run(`${command}STORE`, into, ...keys)).toBe(`:${wanted.size}\r\n`);
          if (wanted.size === 0) expect(server.run('EXISTS', into)).toBe(':0\r\n');
          else expect(membersOf(server, into)).toEqual(sorted(wanted));
        }
        if (round % 10 === 0) server.verify();
      }
      server.verify();
    });

    test('a difference of one large set and many small ones', () => {
      const server = new TestServer({ settings });
      const large = Array.from({ length: 1000 }, (_, i) => `m${i}`);
      server.run('SADD', 'large', ...large);
      const small = Array.from({ length: 30 }, (_, i) => `small ${i}`);
      small.forEach((key, i) => server.run('SADD', key, `m${i * 7}`, `m${i * 11}`, `other ${i}`));
      const wanted = new Set(large);
      for (let i = 0; i < 30; i++) [i * 7, i * 11].forEach((n) => wanted.delete(`m${n}`));
      expect(sortedTexts(server.run('SDIFF', 'large', ...small))).toEqual(sorted(wanted));
      expect(sortedTexts(server.run('SDIFF', 'large', ...small, 'large'))).toEqual([]);
      expect(sortedTexts(server.run('SUNION', ...small, 'large', ...small)).length).toBe(1030);
      expect(server.run('SUNIONSTORE', 'all', 'large', ...small)).toBe(':1030\r\n');
      server.verify();
    });

    test('the destination may be one of the sets, or hold anything else', () => {
      const server = new TestServer({ settings });
      server.run('SADD', 'a', '1', '2', '3', 'x');
      server.run('SADD', 'b', '2', '3', '4', 'x');
      expect(server.run('SINTERSTORE', 'a', 'a', 'b')).toBe(':3\r\n');
      expect(membersOf(server, 'a')).toEqual(['2', '3', 'x']);
      expect(server.run('SUNIONSTORE', 'b', 'a', 'b', 'b')).toBe(':4\r\n');
      expect(server.run('SDIFFSTORE', 'b', 'b', 'a')).toBe(':1\r\n');
      expect(membersOf(server, 'b')).toEqual(['4']);
      server.run('SET', 'text', 'v');
      expect(server.run('SUNIONSTORE', 'text', 'a')).toBe(':3\r\n');
      expect(server.run('TYPE', 'text')).toBe('+set\r\n');
      expect(server.run('SDIFFSTORE', 'text', 'a', 'a')).toBe(':0\r\n');
      expect(server.run('EXISTS', 'text')).toBe(':0\r\n');
      expect(server.run('SINTERSTORE', 'a', 'a', 'missing')).toBe(':0\r\n');
      expect(server.run('EXISTS', 'a')).toBe(':0\r\n');
      server.verify();
    });

    test('a stored result has no expiry', () => {
      const server = new TestServer({ settings });
      server.run('SADD', 'a', '1', 'x');
      server.run('SET', 'b', 'v', 'EX', '1000');
      server.run('SUNIONSTORE', 'b', 'a');
      expect(server.run('TTL', 'b')).toBe(':-1\r\n');
      server.run('EXPIRE', 'a', '1000');
      server.run('SINTERSTORE', 'a', 'a', 'b');
      expect(server.run('TTL', 'a')).toBe(':-1\r\n');
    });

    test('when memory runs out the destination is what it was', () => {
      const server = new TestServer({ settings, shardCount: 1, shardBytes: 2 << 20 });
      const all = Array.from({ length: 6000 }, (_, i) => `member ${i}`);
      server.run('SADD', 'large', ...all);
      server.run('SADD', 'small', 'a', 'b');
      const shard = server.engine.keyspace.shards[0]!;
      const junk: number[] = [];
      for (let bytes = 1 << 18; bytes >= 8; bytes >>= 1) {
        for (let at = allocate(shard, bytes); at !== 0; at = allocate(shard, bytes)) junk.push(at);
      }
      const used = shard.usedBytes;
      expect(server.run('SUNIONSTORE', 'small', 'small', 'large')).toBe(OUT_OF_MEMORY);
      expect(server.run('SDIFFSTORE', 'new', 'large', 'small')).toBe(OUT_OF_MEMORY);
      expect(server.run('SUNIONSTORE', 'other', 'small')).toBe(OUT_OF_MEMORY);
      expect(shard.usedBytes).toBe(used);
      expect(membersOf(server, 'small')).toEqual(['a', 'b']);
      expect(server.run('EXISTS', 'new', 'other')).toBe(':0\r\n');
      // Freeing, on the other hand, needs nothing.
      expect(server.run('SINTERSTORE', 'large', 'large', 'small')).toBe(':0\r\n');
      expect(server.run('EXISTS', 'large')).toBe(':0\r\n');
    });
  });
}

describe('numbers of members', () => {
  test('arguments that are none', () => {
    const server = new TestServer();
    server.run('SADD', 'a', '1', '2', '3');
    server.run('SADD', 'b', '3', '4');
    for (const command of ['SINTERCARD', 'SUNIONCARD', 'SDIFFCARD']) {
      const numkeys = '-ERR numkeys should be greater than 0\r\n';
      expect(server.run(command, '0', 'a')).toBe(numkeys);
      expect(server.run(command, '-1', 'a')).toBe(numkeys);
      expect(server.run(command, 'x', 'a')).toBe(numkeys);
      const tooMany = "-ERR Number of keys can't be greater than number of args\r\n";
      expect(server.run(command, '2', 'a')).toBe(tooMany);
      expect(server.run(command, '9223372036854775807', 'a')).toBe(tooMany);
      const negative = "-ERR LIMIT can't be negative\r\n";
      expect(server.run(command, '1', 'a', 'LIMIT', '-1')).toBe(negative);
      expect(server.run(command, '1', 'a', 'limit', 'x')).toBe(negative);
      expect(server.run(command, '1', 'a', 'LIMIT')).toBe('-ERR syntax error\r\n');
      expect(server.run(command, '1', 'a', 'b')).toBe('-ERR syntax error\r\n');
      expect(server.run(command, '1', 'a', 'LIMIT', '2', 'LIMIT', '1')).toBe(':1\r\n');
      expect(server.run(command, '1', 'a', 'LIMIT', '0')).toBe(':3\r\n');
      expect(server.run(command, '1', 'missing')).toBe(':0\r\n');
    }
    expect(server.run('SINTERCARD', '2', 'a', 'b', 'APPROX')).toBe('-ERR syntax error\r\n');
    expect(server.run('SDIFFCARD', '2', 'a', 'b', 'APPROX')).toBe('-ERR syntax error\r\n');
    expect(server.run('SUNIONCARD', '2', 'a', 'b', 'APPROX')).toBe(':4\r\n');
    expect(server.run('SUNIONCARD', '2', 'a', 'b', 'approx', 'LIMIT', '2')).toBe(':2\r\n');
    expect(server.run('SUNIONCARD', '2', 'a', 'b', 'LIMIT', '2', 'APPROX')).toBe(':2\r\n');
  });
});

describe('the encoding of a stored result', () => {
  test('is the smallest that Redis would give it', () => {
    const server = new TestServer();
    server.run('SADD', 'integers', ...Array.from({ length: 300 }, (_, i) => i));
    server.run('SADD', 'table', ...Array.from({ length: 1000 }, (_, i) => i), 'x');
    server.run('SADD', 'texts', ...Array.from({ length: 100 }, (_, i) => `m${i}`));
    server.run('SADD', 'long', 'x'.repeat(100));
    for (const [command, keys, encoding] of [
      ['SINTERSTORE', ['integers', 'table'], 'intset'],
      ['SUNIONSTORE', ['integers', 'table'], 'hashtable'],
      ['SDIFFSTORE', ['table', 'integers'], 'hashtable'],
      ['SUNIONSTORE', ['texts'], 'listpack'],
      ['SUNIONSTORE', ['texts', 'integers'], 'hashtable'],
      ['SUNIONSTORE', ['long'], 'hashtable'],
      ['SUNIONSTORE', ['long', 'texts'], 'hashtable'],
    ] as const) {
      server.run(command, 'result', ...keys);
      expect(encodingOf(server, 'result')).toBe(encoding);
      server.verify();
    }
  });
});

test('shapes in RESP3', () => {
  const server = new TestServer();
  server.run('HELLO', '3');
  server.run('SADD', 'a', '1');
  for (const command of ['SINTER', 'SUNION', 'SDIFF']) {
    expect(server.run(command, 'a')).toBe('~1\r\n$1\r\n1\r\n');
    expect(server.run(command, 'missing')).toBe('~0\r\n');
    expect(server.run(command, 'missing', 'missing')).toBe('~0\r\n');
  }
});
