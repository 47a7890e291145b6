import { describe, expect, test } from 'bun:test';
import { Bytes } from '../../src/base/bytes.ts';
import { parseSigned, parseUnsigned } from '../../src/protocol/memcache-number.ts';
import { decodeBase64, LineResult, MemcacheReader } from '../../src/protocol/memcache-reader.ts';

function bytesOf(text: string): Bytes {
  const bytes = Bytes.allocate(text.length);
  bytes.u8.write(text, 'latin1');
  return bytes;
}

/** Tokens and length of the line at the start of `text`, or the LineResult. */
function readLine(text: string): { tokens: string[]; byteCount: number } | number {
  const reader = new MemcacheReader();
  const next = reader.readLine(bytesOf(text), 0, text.length, 0);
  if (next <= 0) return next;
  const tokens = Array.from({ length: reader.count }, (_item, i) =>
    text.slice(reader.args[i * 2]!, reader.args[i * 2]! + reader.args[i * 2 + 1]!),
  );
  return { tokens, byteCount: next };
}

describe('command lines', () => {
  test.each([
    ['get a\r\nmore', ['get', 'a'], 7],
    ['get a\n', ['get', 'a'], 6],
    ['  get  a \r\n', ['get', 'a'], 11],
    ['\r\n', ['\r'], 2],
    ['\n', [], 1],
    ['get a\tb\r\n', ['get', 'a\tb'], 9],
    ['get a\rb\r\n', ['get', 'a\rb'], 9],
    ['get a\0b c\r\n', ['get', 'a'], 11],
  ] as [string, string[], number][])('%j is read as its tokens', (text, tokens, byteCount) => {
    expect(readLine(text)).toEqual({ tokens, byteCount });
  });

  test('more tokens than usual are all kept', () => {
    const keys = Array.from({ length: 500 }, (_item, i) => `key${i}`);
    expect(readLine(`get ${keys.join(' ')}\r\n`)).toMatchObject({ tokens: ['get', ...keys] });
  });

  test('a line without an end is waited for, but not for ever', () => {
    expect(readLine('get a')).toBe(LineResult.Incomplete);
    expect(readLine('get a\0b')).toBe(LineResult.Incomplete);
    expect(readLine('m'.repeat(2048))).toBe(LineResult.Incomplete);
    expect(readLine('m'.repeat(2049))).toBe(LineResult.TooLong);
    expect(readLine(`gets ${'a '.repeat(5000)}`)).toBe(LineResult.Incomplete);
    expect(readLine(`get ${'a '.repeat(600_000)}`)).toBe(LineResult.TooLong);
  });
});

describe('numbers', () => {
  const signed = (text: string): number => parseSigned(Buffer.from(text), 0, text.length);
  const unsigned = (text: string): number | bigint => parseUnsigned(Buffer.from(text), 0, text.length);

  test.each([
    ['0', 0],
    ['12', 12],
    ['-12', -12],
    ['+12', 12],
    ['007', 7],
    ['\t5', 5],
    ['5\tx', 5],
    ['5\0x', 5],
    ['9007199254740991', 2 ** 53 - 1],
    ['', NaN],
    ['x', NaN],
    ['5x', NaN],
    ['-', NaN],
    ['99999999999999999999', NaN],
  ])('%j as a signed number is %p', (text, value) => {
    expect(signed(text)).toBe(value);
  });

  test.each([
    ['0', 0],
    ['12', 12],
    ['+12', 12],
    [' 12 ', 12],
    ['9007199254740993', 9007199254740993n],
    ['18446744073709551615', 18446744073709551615n],
    ['18446744073709551616', NaN],
    ['-1', NaN],
    ['', NaN],
    ['1x', NaN],
  ] as [string, number | bigint][])('%j as an unsigned number is %p', (text, value) => {
    expect(unsigned(text)).toBe(value);
  });
});

test('base64 is decoded as memcached decodes it: strangers skipped, groups of four', () => {
  const decode = (text: string): string => {
    const into = Buffer.alloc(250);
    return into.toString('latin1', 0, decodeBase64(Buffer.from(text), 0, text.length, into));
  };
  expect([decode('YQ=='), decode('Y*Q=='), decode('YWI='), decode('////')]).toEqual([
    'a',
    'a',
    'ab',
    '\xff\xff\xff',
  ]);
  expect([decode('YQ'), decode('===='), decode(''), decode('zz')]).toEqual(['', '', '', '']);
});
