/** SSCAN: what is there from the start of an iteration to its end is returned, whatever happens to the set meanwhile. */
import { describe, expect, test } from 'bun:test';
import { replyValue } from '../../support/reply.ts';
import { Prng } from '../../support/prng.ts';
import { freshSeed } from '../../support/seed.ts';
import { TestServer } from '../../support/test-server.ts';
import { ENCODINGS } from './encodings.ts';

/** One step of an iteration. */
function scan(server: TestServer, cursor: string, ...options: string[]): { next: string; members: string[] } {
  const [next, members] = replyValue(server.run('SSCAN', 's', cursor, ...options)) as [string, string[]];
  return { next, members };
}

/** What grows, shrinks or splits the table between two steps of an iteration. */
const CHANGES: Readonly<Record<string, (server: TestServer, random: Prng, step: number) => void>> = {
  nothing: () => {},
  inserts: (server, random) => {
    server.run('SADD', 's', ...Array.from({ length: 150 }, () => `new ${random.below(1e6)}`));
  },
  deletes: (server, random) => {
    server.run('SREM', 's', ...Array.from({ length: 100 }, () => `passing ${random.below(5000)}`));
  },
  'inserts and deletes': (server, random) => {
    server.run('SADD', 's', ...Array.from({ length: 200 }, () => `new ${random.below(3000)}`));
    server.run('SREM', 's', ...Array.from({ length: 200 }, () => `new ${random.below(3000)}`));
    server.run('SREM', 's', ...Array.from({ length: 50 }, () => `passing ${random.below(5000)}`));
  },
  'all but what is looked for deleted at once': (server, _random, step) => {
    if (step === 3) server.run('SREM', 's', ...Array.from({ length: 5000 }, (_, i) => `passing ${i}`));
  },
  'random members taken and given back': (server) => {
    const taken = replyValue(server.run('SPOP', 's', '200')) as string[];
    server.run('SADD', 's', ...taken);
  },
};

describe('every member that is there throughout is returned', () => {
  for (const [name, change] of Object.entries(CHANGES)) {
    test(`during ${name}`, () => {
      const seed = freshSeed(`SSCAN, ${name}`);
      const random = new Prng(seed);
      for (const stayingCount of [20, 600]) {
        const server = new TestServer();
        const staying = Array.from({ length: stayingCount }, (_, i) => `staying ${i}`);
        server.run('SADD', 's', ...Array.from({ length: 5000 }, (_, i) => `passing ${i}`));
        server.run('SADD', 's', ...staying);
        const seen = new Set<string>();
        let cursor = '0';
        let steps = 0;
        do {
          const { next, members } = scan(server, cursor, 'COUNT', String(10 + random.below(200)));
          for (const member of members) seen.add(member);
          expect(BigInt(next) === 0n || BigInt(next) > BigInt(cursor)).toBe(true);
          cursor = next;
          change(server, random, steps++);
        } while (cursor !== '0');
        expect(staying.filter((member) => !seen.has(member))).toEqual([]);
        server.verify();
      }
    });
  }

  test('also when a small set becomes a table, and a table a small set, on the way', () => {
    const server = new TestServer();
    server.run('SADD', 's', 'a', 'b');
    expect(scan(server, '0')).toEqual({ next: '0', members: ['a', 'b'] });
    server.run('SADD', 's', ...Array.from({ length: 400 }, (_, i) => `m${i}`));
    const seen = new Set<string>();
    let { next, members } = scan(server, '0', 'COUNT', '100');
    members.forEach((member) => seen.add(member));
    expect(next).not.toBe('0');
    const gone = replyValue(server.run('SPOP', 's', '390')) as string[];
    ({ next, members } = scan(server, next, 'COUNT', '100'));
    members.forEach((member) => seen.add(member));
    expect(next).toBe('0');
    gone.forEach((member) => seen.add(member));
    expect(seen.size).toBe(402);
  });
});

for (const [name, settings] of Object.entries(ENCODINGS)) {
  test(`MATCH and COUNT on sets ${name}`, () => {
    const server = new TestServer({ settings });
    const all = Array.from({ length: 300 }, (_, i) => `${i % 3 === 0 ? '' : 'm'}${i}`);
    server.run('SADD', 's', ...all);
    for (const pattern of ['*', 'm*', '?', '[1-3]?', 'm1[^0]', 'none', '']) {
      const found: string[] = [];
      let cursor = '0';
      do {
        const { next, members } = scan(server, cursor, 'MATCH', pattern, 'COUNT', '7');
        found.push(...members);
        cursor = next;
      } while (cursor !== '0');
      const glob = new RegExp(`^${pattern.replaceAll('*', '.*').replaceAll('?', '.')}$`);
      expect(found.toSorted()).toEqual(all.filter((member) => glob.test(member)).toSorted());
    }
  });
}

test('a table replies with about COUNT members, a small set with all', () => {
  const server = new TestServer();
  server.run('SADD', 's', ...Array.from({ length: 5000 }, (_, i) => `m${i}`));
  expect(scan(server, '0').members.length).toBeGreaterThanOrEqual(10);
  expect(scan(server, '0').members.length).toBeLessThan(20);
  expect(scan(server, '0', 'COUNT', '1000').members.length).toBeLessThan(1010);
  expect(scan(server, '0', 'COUNT', '9007199254740991').members.length).toBe(5000);
  server.run('DEL', 's');
  server.run('SADD', 's', ...Array.from({ length: 100 }, (_, i) => `m${i}`));
  expect(scan(server, '0', 'COUNT', '1').members.length).toBe(100);
});

test('cursors and options that are none', () => {
  const server = new TestServer();
  server.run('SADD', 's', ...Array.from({ length: 200 }, (_, i) => `m${i}`));
  expect(server.run('SSCAN', 's', 'x')).toBe('-ERR invalid cursor\r\n');
  expect(server.run('SSCAN', 's', '0', 'COUNT', '0')).toBe('-ERR syntax error\r\n');
  expect(server.run('SSCAN', 's', '0', 'COUNT', 'x')).toBe(
    '-ERR value is not an integer or out of range\r\n',
  );
  expect(server.run('SSCAN', 's', '0', 'COUNT')).toBe('-ERR syntax error\r\n');
  expect(server.run('SSCAN', 's', '0', 'NOVALUES')).toBe('-ERR syntax error\r\n');
  // Redis: without a set nobody looks at the options.
  expect(server.run('SSCAN', 'missing', '0', 'COUNT')).toBe('*2\r\n$1\r\n0\r\n*0\r\n');
  for (const cursor of ['2147483648', '9007199254740991', '18446744073709551615', '-1']) {
    expect(scan(server, cursor)).toEqual({ next: '0', members: [] });
  }
});
