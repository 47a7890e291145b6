import { afterAll, beforeAll, describe, expect, test } from 'bun:test';
import fc from 'fast-check';
import { Redis } from 'ioredis';
import {
  addLongDoubles,
  compareLongDoubles,
  formatLongDouble,
  parseLongDouble,
} from '../../src/base/long-double.ts';
import type { LongDouble } from '../../src/base/long-double.ts';
import { isOracleMissing, startOracle } from '../support/oracles.ts';
import type { Oracle } from '../support/oracles.ts';

function parse(text: string): LongDouble | null {
  const bytes = Buffer.from(`7${text}7`, 'latin1');
  return parseLongDouble(bytes, 1, bytes.length - 1);
}

/** What INCRBYFLOAT answers to `a` + `b`, or a word for the error. */
function sum(a: string, b: string): string {
  const left = parse(a);
  const right = parse(b);
  if (!left || !right) return 'not a float';
  const total = addLongDoubles(left, right);
  return total ? formatLongDouble(total) : 'infinite';
}

describe('long doubles', () => {
  test('sums look as a person would write them', () => {
    const sums: [string, string, string][] = [
      ['10.5', '0.1', '10.6'],
      ['3.0e3', '200', '3200'],
      ['5.0e3', '2.0e2', '5200'],
      ['0.1', '0.2', '0.3'],
      ['1e-5', '0', '0.00001'],
      ['-0', '-0', '0'],
      ['1', '-1', '0'],
      ['-1e-30', '0', '0'],
      ['0x1p3', '.5', '8.5'],
      ['1e19', '1', '10000000000000000001'],
      ['18446744073709551616', '1', '18446744073709551616'],
      ['inf', '1', 'infinite'],
      ['1e4932', '1e4932', 'infinite'],
      ['1e4933', '1', 'not a float'],
      ['1e-4960', '1', 'not a float'],
      ['nan', '1', 'not a float'],
      ['', '1', 'not a float'],
    ];
    for (const [a, b, expected] of sums)
      expect(`${a} + ${b} = ${sum(a, b)}`).toBe(`${a} + ${b} = ${expected}`);
  });

  test('are ordered as numbers, infinities included', () => {
    const texts = ['-inf', '-1e30', '-2', '-1.5', '0', '1e-300', '1', '1.5', '2', '1e30', 'inf'];
    texts.forEach((a, i) =>
      texts.forEach((b, j) => {
        expect(Math.sign(compareLongDoubles(parse(a)!, parse(b)!))).toBe(Math.sign(i - j));
      }),
    );
    expect(formatLongDouble(parse('-inf')!)).toBe('-inf');
  });
});

describe.skipIf(isOracleMissing('redis-server'))('long doubles against redis-server', () => {
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

  async function compare(pairs: [string, string][]): Promise<void> {
    const pipeline = client.pipeline();
    for (const [a, b] of pairs) pipeline.set('k', a).incrbyfloat('k', b);
    const replies = (await pipeline.exec())!;
    pairs.forEach(([a, b], i) => {
      const [error, reply] = replies[2 * i + 1]!;
      const expected = error
        ? /NaN or Inf/.test(error.message)
          ? 'infinite'
          : 'not a float'
        : String(reply);
      expect(`${a} + ${b} = ${sum(a, b)}`).toBe(`${a} + ${b} = ${expected}`);
    });
  }

  const cents = fc
    .tuple(fc.integer(), fc.nat(6))
    .map(([n, decimals]) => (n / 10 ** decimals).toFixed(decimals));
  const anyDouble = fc.double({ noNaN: true }).map(String);
  const wide = fc
    .tuple(fc.bigInt({ min: -(10n ** 25n), max: 10n ** 25n }), fc.integer({ min: -40, max: 40 }))
    .map(([digits, exponent]) => `${digits}e${exponent}`);
  const extreme = fc
    .tuple(fc.maxSafeInteger(), fc.integer({ min: -4975, max: 4940 }))
    .map(([digits, exponent]) => `${digits}e${exponent}`);
  const hexadecimal = fc
    .tuple(fc.bigInt({ min: 1n, max: 1n << 80n }), fc.integer({ min: -120, max: 20 }))
    .map(([digits, exponent]) => `0x${digits.toString(16)}p${exponent}`);

  test('agree on ordinary decimals', async () => {
    await compare(fc.sample(fc.tuple(cents, cents), 5000));
  });

  test('agree on doubles, wide mantissas and hexadecimal', async () => {
    const operand = fc.oneof(cents, anyDouble, wide, hexadecimal);
    await compare(fc.sample(fc.tuple(operand, operand), 5000));
  });

  test('agree at the ends of the range', async () => {
    await compare(fc.sample(fc.tuple(extreme, fc.oneof(extreme, cents)), 1000));
  });

  test('agree on which texts are floats', async () => {
    const unit = fc.constantFrom(
      ...'00123456789..--+eExXpPaAfF ',
      'inf',
      'nan',
      '0x',
      'e-3',
      'infinity',
      'INF',
    );
    const text = fc.string({ unit, maxLength: 8 });
    await compare(fc.sample(fc.tuple(text, cents), 3000));
    await compare(fc.sample(fc.tuple(cents, text), 3000));
  });
});
