/** The reader of Redis requests: what it finds, however the bytes arrive, and what it refuses. */

import { describe, expect, test } from 'bun:test';
import { Bytes } from '../../src/base/bytes.ts';
import { Prng } from '../support/prng.ts';
import { ReadResult, RespReader } from '../../src/protocol/resp-reader.ts';
import { freshSeed } from '../support/seed.ts';
import { encodeRequest } from '../support/test-server.ts';

const bytesOf = (text: string | Buffer): Bytes => {
  const source = typeof text === 'string' ? Buffer.from(text, 'latin1') : text;
  const bytes = Bytes.allocate(source.length);
  source.copy(bytes.u8);
  return bytes;
};

const argumentsOf = (reader: RespReader): string[] =>
  Array.from({ length: reader.count }, (_, i) =>
    reader.source.u8.toString('latin1', reader.args[i * 2]!, reader.args[i * 2]! + reader.args[i * 2 + 1]!),
  );

/** All requests of `input`, and the error that ended them, if any. */
function readAll(input: Buffer): { requests: string[][]; error: string; rest: number } {
  const bytes = bytesOf(input);
  const reader = new RespReader(bytes);
  const requests: string[][] = [];
  for (let at = 0; at < input.length;) {
    const next = reader.read(bytes, at, input.length);
    if (next === ReadResult.Malformed) return { requests, error: reader.error, rest: at };
    if (next === ReadResult.Incomplete) return { requests, error: '', rest: at };
    requests.push(argumentsOf(reader));
    at = next;
  }
  return { requests, error: '', rest: input.length };
}

/** As `readAll`, with the bytes arriving one end after another, and a reader that keeps its place in between. */
function readGrowing(
  input: Buffer,
  ends: readonly number[],
): { requests: string[][]; error: string; rest: number } {
  const bytes = bytesOf(input);
  const reader = new RespReader(bytes);
  const requests: string[][] = [];
  let at = 0;
  for (const end of [...ends, input.length]) {
    while (at < end) {
      const next = reader.read(bytes, at, end);
      if (next === ReadResult.Malformed) return { requests, error: reader.error, rest: at };
      if (next === ReadResult.Incomplete) {
        if (reader.neededBytes <= end - at)
          throw new Error('neededBytes has come true, and yet it is incomplete');
        break;
      }
      requests.push(argumentsOf(reader));
      at = next;
    }
  }
  return { requests, error: '', rest: at };
}

const PIPELINE = Buffer.concat([
  encodeRequest(['SET', 'key', 'value']),
  encodeRequest(['GET', Buffer.from([0, 13, 10, 255])]),
  Buffer.from('PING\r\n'),
  encodeRequest(['ECHO', '']),
  Buffer.from('set "a b" \'c\\\'d\' "\\x41\\n"\n'),
  Buffer.from('*0\r\n\r\n*-1\r\n'),
  encodeRequest(['MGET', ...Array.from({ length: 100 }, (_, i) => `key${i}`)]),
  encodeRequest(['SET', 'long', 'x'.repeat(12_345)]),
]);

const PIPELINE_REQUESTS = [
  ['SET', 'key', 'value'],
  ['GET', '\0\r\n\xff'],
  ['PING'],
  ['ECHO', ''],
  ['set', 'a b', "c'd", 'A\n'],
  [],
  [],
  [],
  ['MGET', ...Array.from({ length: 100 }, (_, i) => `key${i}`)],
  ['SET', 'long', 'x'.repeat(12_345)],
];

describe('well-formed requests', () => {
  test('are read one after the other from one input', () => {
    expect(readAll(PIPELINE)).toEqual({ requests: PIPELINE_REQUESTS, error: '', rest: PIPELINE.length });
  });

  test('are the same when the input is cut at any byte', () => {
    const short = PIPELINE.subarray(0, PIPELINE.length - 12_300);
    const wanted = readAll(short);
    for (let end = 0; end < short.length; end++) expect(readGrowing(short, [end])).toEqual(wanted);
  });

  test('are the same when every byte arrives alone', () => {
    const ends = Array.from({ length: PIPELINE.length }, (_, i) => i);
    expect(readGrowing(PIPELINE, ends).requests).toEqual(PIPELINE_REQUESTS);
  });

  test('are the same from a fresh reader that has forgotten an incomplete request', () => {
    const bytes = bytesOf(PIPELINE);
    const reader = new RespReader(bytes);
    for (let end = 1; end < 40; end++) {
      reader.reset();
      reader.read(bytes, 0, end);
    }
    reader.reset();
    reader.read(bytes, 0, PIPELINE.length);
    expect(argumentsOf(reader)).toEqual(['SET', 'key', 'value']);
  });

  test('announce how many bytes they will take at least', () => {
    const request = encodeRequest(['SET', 'key', 'x'.repeat(1_000_000)]);
    const bytes = bytesOf(request);
    const reader = new RespReader(bytes);
    expect(reader.read(bytes, 0, 40)).toBe(ReadResult.Incomplete);
    expect(reader.neededBytes).toBe(request.length);
  });

  test('with a million arguments are read, in linear time', () => {
    const request = Buffer.from(`*1048576\r\n${'$1\r\na\r\n'.repeat(1_048_576)}`);
    const { requests } = readGrowing(request, [100_000, 1_000_000, 5_000_000]);
    expect(requests[0]!.length).toBe(1_048_576);
  });

  test('inline, may be longer than 64 KB if their end is there', () => {
    expect(readAll(Buffer.from(`PING ${'x'.repeat(100_000)}\r\n`)).requests[0]![1]!.length).toBe(100_000);
  });
});

test('any bytes at all are read alike in one piece and in many', () => {
  const seed = freshSeed('resp reader');
  const random = new Prng(seed);
  const alphabet = '*$-0123456789\r\n\r\n\r\n"\' aG\0\xff';
  for (let trial = 0; trial < 20_000; trial++) {
    let text =
      random.below(2) === 0
        ? ''
        : ['*2\r\n$3\r\n', '*1\r\n$', '*', '$', '*3\r\n$1\r\na\r\n'][random.below(5)]!;
    for (let i = random.below(40); i > 0; i--) text += alphabet[random.below(alphabet.length)];
    const input = Buffer.from(text, 'latin1');
    const ends = Array.from({ length: random.below(6) }, () => random.below(input.length + 1)).sort(
      (a, b) => a - b,
    );
    expect(readGrowing(input, ends)).toEqual(readAll(input));
  }
});

describe('refused', () => {
  const refusals: Record<string, [input: string, error: string]> = {
    'a count that is no number': ['*x\r\n', 'invalid multibulk length'],
    'a count too large': ['*1048577\r\n', 'invalid multibulk length'],
    'a count with a leading zero': ['*03\r\n', 'invalid multibulk length'],
    'a count with a plus sign': ['*+3\r\n', 'invalid multibulk length'],
    'an empty count': ['*\r\n', 'invalid multibulk length'],
    'a count line without end': [`*${'1'.repeat(65_537)}`, 'too big mbulk count string'],
    'something else than a bulk string': ['*1\r\n:5\r\n', "expected '$', got ':'"],
    'a bulk length that is no number': ['*1\r\n$x\r\n', 'invalid bulk length'],
    'a negative bulk length': ['*1\r\n$-1\r\n', 'invalid bulk length'],
    'a bulk length with a leading zero': ['*1\r\n$03\r\nabc\r\n', 'invalid bulk length'],
    'an empty bulk length': ['*1\r\n$\r\n', 'invalid bulk length'],
    'a bulk string over the limit': ['*1\r\n$536870913\r\n', 'invalid bulk length'],
    'a bulk length beyond 64 bits': ['*1\r\n$99999999999999999999\r\n', 'invalid bulk length'],
    'a bulk length line without end': [`*1\r\n$${'1'.repeat(65_537)}`, 'too big bulk count string'],
    'quotes that do not match': ['SET "a b\r\n', 'unbalanced quotes in request'],
    'text right behind a closing quote': ['SET "a"b\r\n', 'unbalanced quotes in request'],
    'an inline request without end': ['x'.repeat(65_537), 'too big inline request'],
  };
  for (const [name, [input, error]] of Object.entries(refusals)) {
    test(name, () => {
      expect(readAll(Buffer.from(input)).error).toBe(`ERR Protocol error: ${error}`);
      const before = encodeRequest(['PING']);
      const { requests, rest } = readAll(Buffer.concat([before, Buffer.from(input)]));
      expect([requests, rest]).toEqual([[['PING']], before.length]);
    });
  }

  test('large requests before authentication', () => {
    const errorOf = (input: string): string => {
      const bytes = bytesOf(input);
      const reader = new RespReader(bytes);
      reader.authenticated = false;
      return reader.read(bytes, 0, input.length) === ReadResult.Malformed ? reader.error : '';
    };
    expect(errorOf('*10\r\n')).toBe('');
    expect(errorOf('*11\r\n')).toBe('ERR Protocol error: unauthenticated multibulk length');
    expect(errorOf('*1\r\n$16384\r\n')).toBe('');
    expect(errorOf('*1\r\n$16385\r\n')).toBe('ERR Protocol error: unauthenticated bulk length');
  });
});
