import { afterAll, beforeAll, describe, expect, test } from 'bun:test';
import fc from 'fast-check';
import { Redis } from 'ioredis';
import { DOUBLE_BYTES_MAX, formatDouble, parseFloatStrict, writeDouble } from '../../src/base/double.ts';
import { isOracleMissing, startOracle } from '../support/oracles.ts';
import type { Oracle } from '../support/oracles.ts';

function parse(text: string): number {
  const bytes = Buffer.from(`7${text}7`, 'latin1');
  return parseFloatStrict(bytes, 1, bytes.length - 1);
}

describe('parseFloatStrict', () => {
  test('reads decimals, exponents, infinities and hexadecimal floats', () => {
    const accepted: [string, number][] = [
      ['0', 0],
      ['-0', -0],
      ['-0.0', -0],
      ['+1.5', 1.5],
      ['1.', 1],
      ['.5', 0.5],
      ['-.5e1', -5],
      ['00012', 12],
      ['1e3', 1000],
      ['1E-3', 0.001],
      ['0.1', 0.1],
      ['12345678.9012345', 12345678.9012345],
      ['0e99999', 0],
      ['inf', Infinity],
      ['+INF', Infinity],
      ['-Infinity', -Infinity],
      ['0x1p3', 8],
      ['-0X.8p-1', -0.25],
      ['0x1.8', 1.5],
      ['0x10', 16],
      ['5e-324', 5e-324],
      ['1.7976931348623157e308', Number.MAX_VALUE],
      ['0x1.00000000000008p0', 1],
      ['0x1.00000000000018p0', 1 + 2 ** -51],
      ['0x1p-1074', 5e-324],
    ];
    for (const [text, value] of accepted) expect(parse(text)).toBe(value);
  });

  test('refuses everything else with NaN', () => {
    const refused = [
      '',
      ' ',
      ' 1',
      '1 ',
      '.',
      '-',
      '+',
      '1e',
      '1e+',
      'e5',
      '0x',
      '0x.p1',
      '0x1p',
      '1.2.3',
      '1,5',
      'nan',
      '-nan',
      'nan(1)',
      'in',
      'infin',
      '--1',
      '1\0',
      '1e400',
      '-1e400',
      '1e-400',
      '0x1p1024',
      '0x1p-1076',
      '1'.repeat(5120),
    ];
    for (const text of refused) expect(parse(text)).toBeNaN();
  });

  test('rounds any decimal as JavaScript does, which is correct to the last bit', () => {
    const decimal = fc
      .tuple(fc.maxSafeInteger(), fc.nat(20), fc.integer({ min: -300, max: 280 }), fc.boolean())
      .map(([digits, decimals, exponent, plain]) => {
        const padded = String(Math.abs(digits)).padStart(decimals + 1, '0');
        const at = padded.length - decimals;
        const dotted = decimals ? `${padded.slice(0, at)}.${padded.slice(at)}` : padded;
        return `${digits < 0 ? '-' : ''}${dotted}${plain ? '' : `e${exponent}`}`;
      });
    fc.assert(
      fc.property(decimal, (text) => expect(parse(text)).toBe(Number(text))),
      { numRuns: 5000 },
    );
  });

  test('reads back every double from its shortest text', () => {
    fc.assert(
      fc.property(fc.double({ noNaN: true }), (value) => {
        expect(parse(Object.is(value, -0) ? '-0' : String(value))).toBe(value);
      }),
      { numRuns: 5000 },
    );
  });
});

test('parseFloatStrict reads decimals of any length as the engine does', () => {
  const digits = (length: number): string =>
    Array.from({ length }, (_, i) => String((i * 7 + length * 3) % 10)).join('');
  for (let whole = 1; whole < 40; whole++) {
    for (let fraction = 1; fraction < 40; fraction++) {
      const text = `${whole % 2 === 0 ? '-' : ''}${digits(whole)}.${digits(fraction)}`;
      expect(parse(text)).toBe(Number(text));
    }
  }
  for (const text of [
    '1.2.3456789012345678',
    '-.12345678901234567',
    '12345678901234567.',
    '1234567890123456-.1',
  ]) {
    expect(parse(text)).toBe(/^[-\d]*\.\d*$/.test(text) && !text.slice(1).includes('-') ? Number(text) : NaN);
  }
});

describe('formatDouble', () => {
  test('spells doubles as Redis 7.0 does', () => {
    const spelled: [number, string][] = [
      [0, '0'],
      [-0, '-0'],
      [3, '3'],
      [-17, '-17'],
      [1.5, '1.5'],
      [0.1, '0.10000000000000001'],
      [0.0001, '0.0001'],
      [1e-5, '1.0000000000000001e-05'],
      [1e16, '10000000000000000'],
      [1e17, '1e+17'],
      [1e100, '1e+100'],
      [123456789012345680, '1.2345678901234568e+17'],
      [2 ** 53 + 2, '9007199254740994'],
      [99999999999999984, '99999999999999984'],
      [5e-324, '4.9406564584124654e-324'],
      [Infinity, 'inf'],
      [-Infinity, '-inf'],
      [NaN, 'nan'],
    ];
    for (const [value, text] of spelled) expect(formatDouble(value)).toBe(text);
  });

  test('rounds an exact half to even, as C does and toExponential does not', () => {
    expect(formatDouble(1 + 2 ** -17)).toBe('1.0000076293945312');
    expect(formatDouble(-(1 + 3 * 2 ** -17))).toBe('-1.0000228881835938');
  });

  test('rounds up to where no exponent is needed', () => {
    expect(formatDouble(9.999999999999999e-5)).toBe('9.9999999999999991e-05');
    expect(formatDouble(0.00012345678901234567)).toBe('0.00012345678901234567');
    expect(formatDouble(-123456789012345.67)).toBe('-123456789012345.67');
  });

  test('is what writeDouble writes', () => {
    const eighths = fc.integer({ min: -(2 ** 40), max: 2 ** 40 }).map((value) => value / 8);
    const fractions = fc
      .tuple(fc.maxSafeInteger(), fc.integer({ min: 0, max: 12 }))
      .map(([value, power]) => value / 2 ** power);
    const value = fc.oneof(fc.double(), fc.double({ min: -1e6, max: 1e6 }), eighths, fractions);
    const edges = [0, -0, Infinity, -Infinity, NaN, 0.5, -1 / 1024, 1 / 2048, 2 ** 43 + 1 / 1024, 1e15 + 0.5];
    const check = (double: number): void => {
      const bytes = Buffer.alloc(DOUBLE_BYTES_MAX + 2, 0x7e);
      const end = writeDouble(bytes, 1, double);
      expect(bytes.toString('latin1', 0, end + 1)).toBe(`~${formatDouble(double)}~`);
    };
    edges.forEach(check);
    check(-2.2250738585072014e-308);
    fc.assert(fc.property(value, check), { numRuns: 5000 });
  });

  test('loses nothing', () => {
    fc.assert(
      fc.property(fc.double({ noNaN: true }), (value) => Object.is(parse(formatDouble(value)), value)),
    );
  });
});

describe.skipIf(isOracleMissing('redis-server'))('doubles against redis-server', () => {
  let oracle: Oracle;
  let client: Redis;
  beforeAll(async () => {
    oracle = await startOracle('redis-server', ['--zset-max-listpack-entries', '0']);
    client = new Redis(oracle.port);
  });
  afterAll(async () => {
    client.disconnect();
    await oracle.stop();
  });

  /** What redis-server makes of each text as a score; null where it is refused. */
  async function scoresOf(texts: string[]): Promise<(string | null)[]> {
    const pipeline = client.pipeline();
    for (const text of texts) pipeline.zadd('z', text, 'm').zscore('z', 'm').del('z');
    const replies = (await pipeline.exec())!;
    return texts.map((_, i) => (replies[3 * i]![0] ? null : String(replies[3 * i + 1]![1])));
  }

  async function compare(texts: string[]): Promise<void> {
    const expected = await scoresOf(texts);
    texts.forEach((text, i) => {
      const value = parse(text);
      const ours = Number.isNaN(value) ? null : formatDouble(value);
      expect(`${text}: ${ours}`).toBe(`${text}: ${expected[i]}`);
    });
  }

  test('agree on arbitrary doubles and on exact halves', async () => {
    const half = fc
      .tuple(fc.integer({ min: 1, max: 2 ** 24 }), fc.integer({ min: 10, max: 40 }))
      .map(([odd, power]) => (2 * odd + 1) * 2 ** -power);
    const value = fc.oneof(fc.double({ noNaN: true }), fc.double({ min: -1e6, max: 1e6, noNaN: true }), half);
    await compare(fc.sample(value, 5000).map(String));
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
    await compare(fc.sample(fc.string({ unit, maxLength: 8 }), 5000));
  });
});
