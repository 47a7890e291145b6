import { afterAll, beforeAll, describe, expect, test } from 'bun:test';
import fc from 'fast-check';
import { Redis } from 'ioredis';
import { globMatch } from '../../src/base/glob.ts';
import { isOracleMissing, startOracle } from '../support/oracles.ts';
import type { Oracle } from '../support/oracles.ts';

function matchBytes(pattern: Uint8Array, text: Uint8Array, ignoreCase: boolean): boolean {
  // Embedded in other bytes, so that reading past an end shows.
  const framedPattern = Buffer.concat([Buffer.from('*'), pattern, Buffer.from(']*')]);
  const framedText = Buffer.concat([Buffer.from('a'), text, Buffer.from('ab')]);
  const patternEnd = pattern.length + 1;
  return globMatch(framedPattern, 1, patternEnd, framedText, 1, text.length + 1, ignoreCase);
}

const match = (pattern: string, text: string, ignoreCase = false): boolean =>
  matchBytes(Buffer.from(pattern, 'latin1'), Buffer.from(text, 'latin1'), ignoreCase);

describe('globMatch', () => {
  test('knows stars, question marks, classes and escapes', () => {
    const matching = [
      ['*', 'x'],
      ['h?llo', 'hello'],
      ['h*llo', 'heeeello'],
      ['h*llo', 'hllo'],
      ['h[ae]llo', 'hallo'],
      ['h[^e]llo', 'hallo'],
      ['h[a-b]llo', 'hbllo'],
      ['h[b-a]llo', 'hbllo'],
      ['a\\*c', 'a*c'],
      ['[\\]]', ']'],
      ['a\\', 'a\\'],
      ['[a', 'a'],
      ['[^a', 'b'],
      ['[a-', '-'],
      ['a**', 'a'],
      ['*a*b', 'xaaxb'],
      ['', ''],
    ] as const;
    const different = [
      ['', 'x'],
      ['a', ''],
      ['h?llo', 'hllo'],
      ['h[^e]llo', 'hello'],
      ['h[a-b]llo', 'hello'],
      ['a\\*c', 'abc'],
      ['[', 'a'],
      ['[]', 'a'],
      ['*a', 'ab'],
      ['a', 'ab'],
      ['ab', 'a'],
      ['A', 'a'],
      ['**', ''],
    ] as const;
    for (const [pattern, text] of matching)
      expect(`${pattern} ${text} ${match(pattern, text)}`).toEndWith('true');
    for (const [pattern, text] of different)
      expect(`${pattern} ${text} ${match(pattern, text)}`).toEndWith('false');
  });

  test('folds the case of letters, ranges and class members, but not of an escaped member', () => {
    expect(match('MaxMemory*', 'maxmemory-policy', true)).toBe(true);
    expect(match('[A-C]', 'b', true)).toBe(true);
    expect(match('[XYZ]', 'z', true)).toBe(true);
    expect(match('[\\Z]', 'z', true)).toBe(false);
    expect(match('\\Z', 'z', true)).toBe(true);
  });

  test('takes quadratic time at worst on patterns made to explode', () => {
    const startedMs = performance.now();
    expect(match('a*'.repeat(50) + 'b', 'a'.repeat(10_000))).toBe(false);
    expect(match('*?'.repeat(50) + 'b', 'a'.repeat(10_000))).toBe(false);
    // Milliseconds when it is right, the age of the universe when it backtracks to every star.
    expect(performance.now() - startedMs).toBeLessThan(2000);
  });

  test('ignoring case is matching lower case with lower case, ranges and escaped members apart', () => {
    const pattern = fc.string({ unit: fc.constantFrom(...'aAbB*?'), maxLength: 8 });
    const text = fc.string({ unit: fc.constantFrom(...'aAbB'), maxLength: 8 });
    fc.assert(
      fc.property(pattern, text, (glob, subject) => {
        expect(match(glob, subject, true)).toBe(match(glob.toLowerCase(), subject.toLowerCase()));
      }),
    );
  });
});

describe.skipIf(isOracleMissing('redis-server'))('globMatch against redis-server', () => {
  let oracle: Oracle;
  let client: Redis;
  beforeAll(async () => {
    oracle = await startOracle('redis-server');
    client = new Redis(oracle.port);
  });
  afterAll(async () => {
    client.disconnect();
    await oracle.stop();
  });

  const bytes = (members: number[], maxLength: number): fc.Arbitrary<Buffer> =>
    fc.array(fc.constantFrom(...members), { maxLength }).map((list) => Buffer.from(list));
  const codes = (text: string): number[] => [...Buffer.from(text, 'latin1')];

  async function compareKeys(patterns: Buffer[], keys: Buffer[]): Promise<void> {
    await client.flushall();
    const distinct = new Map(keys.map((key) => [key.toString('latin1'), key]));
    const pipeline = client.pipeline();
    for (const key of distinct.values()) pipeline.set(key, '');
    // KEYS and SCAN short-cut a lone star before they match; its case is among the examples above.
    const tried = patterns.filter((pattern) => pattern.toString('latin1') !== '*');
    for (const pattern of tried) pipeline.callBuffer('KEYS', pattern);
    const replies = (await pipeline.exec())!.slice(distinct.size);
    tried.forEach((pattern, i) => {
      const found = (replies[i]![1] as Buffer[]).map((key) => key.toString('latin1')).sort();
      const ours = [...distinct].filter(([, key]) => matchBytes(pattern, key, false)).map(([name]) => name);
      expect([pattern.toString('latin1'), ...ours.sort()]).toEqual([pattern.toString('latin1'), ...found]);
    });
  }

  test('agrees on arbitrary patterns over short keys', async () => {
    const keys = fc.sample(bytes(codes('abc-]^\\'), 5), 400);
    await compareKeys(fc.sample(bytes(codes('abc**?[[]]^--\\'), 8), 4000), keys);
  });

  test('agrees on bytes that are negative chars in C', async () => {
    const letters = [0x01, 0x41, 0x7f, 0x80, 0xc3, 0xff];
    const keys = fc.sample(bytes(letters, 3), 200);
    await compareKeys(fc.sample(bytes([...letters, ...codes('[[]--^*')], 7), 2000), keys);
  });

  test('agrees on names matched without regard to case', async () => {
    const everything = (await client.config('GET', '*')) as string[];
    const names = everything.filter((_, i) => i % 2 === 0);
    const patterns = fc
      .sample(bytes(codes('maxMAXeE-**??[[]]^-\\'), 7), 1500)
      .map((pattern) => pattern.toString('latin1'))
      .filter((pattern) => /[*?[\\]/.test(pattern));
    const pipeline = client.pipeline();
    for (const pattern of patterns) pipeline.config('GET', pattern);
    const replies = (await pipeline.exec())!;
    patterns.forEach((pattern, i) => {
      const found = (replies[i]![1] as string[]).filter((_, j) => j % 2 === 0).sort();
      const ours = names.filter((name) => match(pattern, name, true)).sort();
      expect([pattern, ...ours]).toEqual([pattern, ...found]);
    });
  });
});
