import { afterAll, beforeAll, describe, expect, test } from 'bun:test';
import fc from 'fast-check';
import { splitArguments } from '../../src/base/split-arguments.ts';
import { isOracleMissing, startOracle } from '../support/oracles.ts';
import type { Oracle } from '../support/oracles.ts';

const split = (line: string): string[] | null =>
  splitArguments(Buffer.from(line, 'latin1'))?.map((bytes) => Buffer.from(bytes).toString('latin1')) ?? null;

describe('splitArguments', () => {
  test('splits on white space and honours quotes and escapes', () => {
    const lines: [string, string[] | null][] = [
      ['', []],
      ['  \t ', []],
      ['set a b', ['set', 'a', 'b']],
      ['  a  b ', ['a', 'b']],
      ['"a b" c', ['a b', 'c']],
      ["'a b' c", ['a b', 'c']],
      ['""', ['']],
      ["''", ['']],
      ['a"b c"', ['ab c']],
      ['"\\x41\\n\\q"', ['A\nq']],
      ['"\\r\\t\\b\\a"', ['\r\t\b\x07']],
      ['"\\xzz"', ['xzz']],
      ["'\\n\\''", ["\\n'"]],
      ['"\\""', ['"']],
      ['a\\n', ['a\\n']],
      ['a\0b c', ['a']],
      ['a\vb', ['a\vb']],
      ['"a"\vb', ['a', 'b']],
    ];
    for (const [line, expected] of lines) expect(split(line)).toEqual(expected);
  });

  test('refuses unbalanced quotes and text glued to a closing quote', () => {
    for (const line of ['"a', "'a", '"a\\"', "'a\\'", '"a"b', "'a'b", '"a""b"', '"\\', '"a\0"']) {
      expect(split(line)).toBeNull();
    }
  });

  test('takes a string as UTF-8', () => {
    expect(splitArguments('é "x y"')).toEqual([
      new TextEncoder().encode('é'),
      new TextEncoder().encode('x y'),
    ]);
  });
});

describe.skipIf(isOracleMissing('redis-server'))('splitArguments against redis-server', () => {
  let oracle: Oracle;
  beforeAll(async () => {
    oracle = await startOracle('redis-server');
  });
  afterAll(() => oracle.stop());

  /** The raw reply to one inline request, up to the answer of the PING behind it or the end of the connection. */
  function ask(line: string): Promise<string> {
    let received = '';
    return new Promise((resolve, reject) => {
      void Bun.connect({
        hostname: '127.0.0.1',
        port: oracle.port,
        socket: {
          open: (socket) => void socket.write(Buffer.from(`${line}\nPING behind\n`, 'latin1')),
          data(socket, bytes) {
            received += bytes.toString('latin1');
            if (received.endsWith('$6\r\nbehind\r\n')) socket.end();
          },
          close: () => resolve(received.replace(/\$6\r\nbehind\r\n$/, '')),
          error: (_, error) => reject(error),
        },
      });
    });
  }

  /** EVAL hands its arguments back as an array of bulk strings. */
  function expectedReply(args: string[] | null): string {
    if (args === null) return '-ERR Protocol error: unbalanced quotes in request\r\n';
    return `*${args.length}\r\n${args.map((text) => `$${text.length}\r\n${text}\r\n`).join('')}`;
  }

  test('agrees on arbitrary lines', async () => {
    const unit = fc.constantFrom(
      ...'ab01x\\\\""\'\' \t\v\r',
      '\\x4',
      '\\x41',
      '" ',
      "' ",
      '\\"',
      "\\'",
      '\xff',
    );
    const lines = fc.sample(fc.string({ unit, maxLength: 14 }), 1500);
    for (const line of lines) {
      const reply = await ask(`EVAL "return ARGV" 0 ${line}`);
      expect([line, reply]).toEqual([line, expectedReply(split(line))]);
    }
  });
});
