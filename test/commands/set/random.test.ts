/** SPOP and SRANDMEMBER: shapes, limits, and that every member has the same chance. */
import { describe, expect, test } from 'bun:test';
import { replyValue } from '../../support/reply.ts';
import { freshSeed } from '../../support/seed.ts';
import { Prng } from '../../support/prng.ts';
import { TestServer } from '../../support/test-server.ts';
import { encodingOf, ENCODINGS, membersOf, sortedTexts } from './encodings.ts';

const NOT_POSITIVE = '-ERR value is out of range, must be positive\r\n';

/** Pearson's statistic as a deviation from its mean: within 6 of 0 but for one run in a hundred million. */
function deviation(counts: readonly number[]): number {
  const mean = counts.reduce((sum, count) => sum + count, 0) / counts.length;
  const statistic = counts.reduce((sum, count) => sum + (count - mean) ** 2 / mean, 0);
  return (statistic - (counts.length - 1)) / Math.sqrt(2 * (counts.length - 1));
}

/** Runs `body` with a Math.random that a printed seed repeats. */
function seeded(what: string, body: () => void): void {
  const random = new Prng(freshSeed(what));
  const original = Math.random;
  Math.random = () => (random.next32() + random.next32() / 2 ** 32) / 2 ** 32;
  try {
    body();
  } finally {
    Math.random = original;
  }
}

const CASES: Readonly<
  Record<string, { settings: Record<string, string>; count: number; kept: number; text: string }>
> = {
  'integers in a record': { settings: {}, count: 60, kept: 60, text: '' },
  'texts in a record': { settings: {}, count: 60, kept: 60, text: 'member ' },
  'a small table': { settings: { ...ENCODINGS['in tables'] }, count: 60, kept: 60, text: 'member ' },
  'a large table': { settings: {}, count: 4000, kept: 4000, text: 'member ' },
  'a table that has shrunk to a hundredth': { settings: {}, count: 20_000, kept: 200, text: 'member ' },
  'a table that has shrunk and grown again': { settings: {}, count: 20_000, kept: 1000, text: '' },
};

describe('every member has the same chance', () => {
  for (const [name, { settings, count, kept, text }] of Object.entries(CASES)) {
    const newSet = (): { server: TestServer; all: string[] } => {
      const server = new TestServer({ settings });
      const all = Array.from({ length: count }, (_, i) => `${text}${i}`);
      server.run('SADD', 's', ...all);
      if (kept < count) server.run('SREM', 's', ...all.slice(kept));
      if (name.endsWith('grown again')) {
        const more = Array.from({ length: kept }, (_, i) => `more ${i}`);
        server.run('SADD', 's', ...more);
        return { server, all: [...all.slice(0, kept), ...more] };
      }
      return { server, all: all.slice(0, kept) };
    };

    const countDraws = (draw: (server: TestServer) => string[], draws: number): number => {
      const { server, all } = newSet();
      const counts = new Map(all.map((member) => [member, 0]));
      for (let i = 0; i < draws; i++) {
        for (const member of draw(server)) counts.set(member, counts.get(member)! + 1);
      }
      expect(counts.size).toBe(all.length);
      return deviation([...counts.values()]);
    };

    test(`${name}: SRANDMEMBER`, () => {
      seeded(`SRANDMEMBER, ${name}`, () => {
        const draw = (server: TestServer): string[] => [String(replyValue(server.run('SRANDMEMBER', 's')))];
        expect(Math.abs(countDraws(draw, Math.min(kept * 20, 20_000)))).toBeLessThan(6);
      });
    });

    test(`${name}: SRANDMEMBER with a negative count`, () => {
      seeded(`SRANDMEMBER -, ${name}`, () => {
        const draw = (server: TestServer): string[] => sortedTexts(server.run('SRANDMEMBER', 's', '-1000'));
        expect(Math.abs(countDraws(draw, Math.ceil(kept / 50)))).toBeLessThan(6);
      });
    });

    test(`${name}: SRANDMEMBER with a count, few and most`, () => {
      seeded(`SRANDMEMBER +, ${name}`, () => {
        for (const share of [0.1, 0.9]) {
          const draw = (server: TestServer): string[] =>
            sortedTexts(server.run('SRANDMEMBER', 's', Math.floor(kept * share)));
          // Draws without repetition vary less than the statistic takes for granted.
          expect(countDraws(draw, Math.ceil(20 / share))).toBeLessThan(6);
        }
      });
    });

    test(`${name}: SPOP, which member goes first and which tenth is left`, () => {
      seeded(`SPOP, ${name}`, () => {
        const first = (server: TestServer): string[] => {
          const member = String(replyValue(server.run('SPOP', 's')));
          server.run('SADD', 's', member);
          return [member];
        };
        expect(Math.abs(countDraws(first, Math.min(kept * 20, 20_000)))).toBeLessThan(6);
        const left = (server: TestServer): string[] => {
          server.run('COPY', 's', 'copy', 'REPLACE');
          server.run('SPOP', 'copy', Math.floor(kept * 0.9));
          return membersOf(server, 'copy');
        };
        expect(countDraws(left, 60)).toBeLessThan(6);
      });
    });
  }
});

for (const [name, settings] of Object.entries(ENCODINGS)) {
  describe(`sets ${name}`, () => {
    const all = Array.from({ length: 40 }, (_, i) => (i % 2 === 0 ? `${i}` : `m${i}`));
    const newServer = (): TestServer => {
      const server = new TestServer({ settings });
      server.run('SADD', 's', ...all);
      return server;
    };

    test('SPOP takes each member once, and the key with the last', () => {
      const server = newServer();
      const popped = all.map(() => String(replyValue(server.run('SPOP', 's'))));
      expect(popped.toSorted()).toEqual(all.toSorted());
      expect(server.run('EXISTS', 's')).toBe(':0\r\n');
      expect(server.run('SPOP', 's')).toBe('$-1\r\n');
      server.verify();
    });

    test('SPOP with any count takes that many, all different', () => {
      for (const count of [1, 2, 13, 14, 20, 33, 34, 39, 40, 41, 1000, '9223372036854775807']) {
        const server = newServer();
        const popped = sortedTexts(server.run('SPOP', 's', count));
        expect(popped.length).toBe(Math.min(Number(count), 40));
        const left = server.run('EXISTS', 's') === ':1\r\n' ? membersOf(server, 's') : [];
        expect([...popped, ...left].toSorted()).toEqual(all.toSorted());
        server.verify();
      }
    });

    test('SRANDMEMBER with a count replies with that many, all different, and takes none', () => {
      const server = newServer();
      for (const count of [1, 2, 13, 14, 20, 39, 40, 41, '9223372036854775807']) {
        const drawn = sortedTexts(server.run('SRANDMEMBER', 's', count));
        expect(drawn.length).toBe(Math.min(Number(count), 40));
        expect(new Set(drawn).size).toBe(drawn.length);
        expect(drawn.every((member) => all.includes(member))).toBe(true);
      }
      expect(membersOf(server, 's')).toEqual(all.toSorted());
    });

    test('SRANDMEMBER with a negative count replies with exactly so many', () => {
      const server = newServer();
      for (const count of [1, 7, 500]) {
        const drawn = sortedTexts(server.run('SRANDMEMBER', 's', -count));
        expect(drawn.length).toBe(count);
        expect(drawn.every((member) => all.includes(member))).toBe(true);
      }
    });
  });
}

test('counts that are none, and too many arguments', () => {
  const server = new TestServer();
  server.run('SADD', 's', 'a');
  expect(server.run('SPOP', 's', '-1')).toBe(NOT_POSITIVE);
  expect(server.run('SPOP', 's', 'x')).toBe(NOT_POSITIVE);
  expect(server.run('SPOP', 's', '9223372036854775808')).toBe(NOT_POSITIVE);
  expect(server.run('SPOP', 's', '1', '2')).toBe('-ERR syntax error\r\n');
  expect(server.run('SRANDMEMBER', 's', 'x')).toBe('-ERR value is not an integer or out of range\r\n');
  expect(server.run('SRANDMEMBER', 's', '-9223372036854775808')).toStartWith(
    '-ERR value is out of range, value must',
  );
  expect(server.run('SRANDMEMBER', 's', '1', '2')).toBe('-ERR syntax error\r\n');
  expect(server.run('SPOP', 's', '0')).toBe('*0\r\n');
  expect(server.run('SCARD', 's')).toBe(':1\r\n');
});

test('shapes in RESP3: SPOP takes a set, SRANDMEMBER lists', () => {
  const server = new TestServer();
  server.run('HELLO', '3');
  server.run('SADD', 's', 'a', 'b');
  expect(server.run('SRANDMEMBER', 's', '5')).toStartWith('*2\r\n');
  expect(server.run('SRANDMEMBER', 's', '-5')).toStartWith('*5\r\n');
  expect(server.run('SRANDMEMBER', 'missing', '5')).toBe('*0\r\n');
  expect(server.run('SRANDMEMBER', 'missing')).toBe('_\r\n');
  expect(server.run('SPOP', 's', '1')).toStartWith('~1\r\n');
  expect(server.run('SPOP', 'missing', '1')).toBe('~0\r\n');
  expect(server.run('SPOP', 'missing')).toBe('_\r\n');
});

test('a negative count beyond what a reply may hold is refused before anything is drawn', () => {
  for (const count of ['-9223372036854775807', '-1000000000000', '-800000000']) {
    const server = new TestServer();
    server.run('SADD', 's', 'a');
    const started = performance.now();
    server.run('SRANDMEMBER', 's', count);
    expect(performance.now() - started).toBeLessThan(1000);
    expect(server.connect().run('SCARD', 's')).toBe(':1\r\n');
  }
});

test('a reply of SPOP that turns out too large takes nothing', () => {
  const server = new TestServer({ settings: { 'client-output-buffer-limit': 'normal 1048576 0 0' } });
  for (let i = 0; i < 20; i++) server.run('SADD', 's', `${i}${'x'.repeat(1_000_000)}`);
  expect(server.connect().run('SPOP', 's', '19')).toBe('');
  expect(server.connect().run('SPOP', 's', '20')).toBe('');
  expect(server.connect().run('SCARD', 's')).toBe(':20\r\n');
  server.verify();
});

test('what little a large SPOP leaves of a table is a small set again', () => {
  const server = new TestServer();
  for (const [prefix, encoding] of [
    ['m', 'listpack'],
    ['', 'intset'],
  ]) {
    const all = Array.from({ length: 1000 }, (_, i) => `${prefix}${i}`);
    server.run('SADD', 's', ...all);
    server.run('PEXPIREAT', 's', '9999999999999');
    expect(encodingOf(server, 's')).toBe('hashtable');
    const popped = sortedTexts(server.run('SPOP', 's', '950'));
    expect(encodingOf(server, 's')).toBe(encoding!);
    expect([...popped, ...membersOf(server, 's')].toSorted()).toEqual(all.toSorted());
    expect(server.run('PEXPIRETIME', 's')).toBe(':9999999999999\r\n');
    server.verify();
    server.run('DEL', 's');
  }
  server.run('SADD', 't', ...Array.from({ length: 1000 }, (_, i) => `${i}${'x'.repeat(70)}`));
  server.run('SPOP', 't', '990');
  expect(encodingOf(server, 't')).toBe('hashtable');
  server.verify();
});
