import { expect, test } from 'bun:test';
import { formatMemoryHuman, parseMemorySize } from '../../src/base/memory-size.ts';

test('units are decimal without b and binary with it, in any case', () => {
  const sizes: [string, number][] = [
    ['0', 0],
    ['1024', 1024],
    ['5b', 5],
    ['1k', 1000],
    ['1kb', 1024],
    ['1KB', 1024],
    ['2m', 2_000_000],
    ['100mb', 104_857_600],
    ['1g', 1e9],
    ['1GB', 1_073_741_824],
    ['512Gb', 549_755_813_888],
  ];
  for (const [text, bytes] of sizes) expect(parseMemorySize(text)).toBe(bytes);
});

test('anything else is not a size', () => {
  const refused = [
    '',
    'gb',
    '-1',
    '+1',
    ' 1',
    '1 ',
    '1 kb',
    '1.5gb',
    '0x10',
    '1tb',
    '1kbb',
    '99999999999gb',
    'none',
  ];
  for (const text of refused) expect(parseMemorySize(text)).toBeNaN();
});

test('sizes are printed as INFO prints them', () => {
  const printed: [number, string][] = [
    [0, '0B'],
    [512, '512B'],
    [1023, '1023B'],
    [1024, '1.00K'],
    [999_999, '976.56K'],
    [1_048_575, '1024.00K'],
    [1_048_576, '1.00M'],
    [1_073_741_824, '1.00G'],
    [1.5 * 1024 ** 4, '1.50T'],
    [2 ** 52, '4.00P'],
  ];
  for (const [bytes, text] of printed) expect(formatMemoryHuman(bytes)).toBe(text);
});

test('exact halves are rounded to even, as printf does', () => {
  expect(formatMemoryHuman(1024 + 128)).toBe('1.12K');
  expect(formatMemoryHuman(1024 + 384)).toBe('1.38K');
});
