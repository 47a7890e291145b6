/** Parts of strings, strings edited in place, and LCS. */
import { describe, expect, test } from 'bun:test';
import { Bytes } from '../../../src/base/bytes.ts';
import { Key } from '../../../src/store/key.ts';
import { Encoding, recordEncoding } from '../../../src/store/record.ts';
import { TestServer } from '../../support/test-server.ts';

const NOT_AN_INTEGER = '-ERR value is not an integer or out of range\r\n';
const TOO_LONG = '-ERR string exceeds maximum allowed size (proto-max-bulk-len)\r\n';

function bulk(text: string): string {
  return `$${text.length}\r\n${text}\r\n`;
}

function encodingOf(server: TestServer, name: string): Encoding {
  const { keyspace } = server.engine;
  const key = new Key(keyspace.shards[0]!);
  const bytes = Bytes.fromText(name);
  keyspace.locate(key, bytes, 0, bytes.u8.length, 0);
  return recordEncoding(key.shard, keyspace.find(key));
}

test('GETRANGE and SUBSTR count from either end', () => {
  const server = new TestServer();
  server.run('SET', 'k', 'This is a string');
  for (const command of ['GETRANGE', 'SUBSTR']) {
    expect(server.run(command, 'k', 0, 3)).toBe(bulk('This'));
    expect(server.run(command, 'k', -3, -1)).toBe(bulk('ing'));
    expect(server.run(command, 'k', 0, -1)).toBe(bulk('This is a string'));
    expect(server.run(command, 'k', 10, 100)).toBe(bulk('string'));
    expect(server.run(command, 'k', 5, 3)).toBe(bulk(''));
    expect(server.run(command, 'k', -1, -100)).toBe(bulk(''));
    expect(server.run(command, 'k', -100, -100)).toBe(bulk('T'));
    expect(server.run(command, 'k', '-9223372036854775807', '-9223372036854775808')).toBe(bulk(''));
    expect(server.run(command, 'missing', 0, -1)).toBe(bulk(''));
    expect(server.run(command, 'k', 'x', 1)).toBe(NOT_AN_INTEGER);
    expect(server.run(command, 'k', 1, '9223372036854775808')).toBe(NOT_AN_INTEGER);
  }
  expect(server.run('STRLEN', 'k')).toBe(':16\r\n');
  expect(server.run('STRLEN', 'missing')).toBe(':0\r\n');
});

describe('SETRANGE', () => {
  test('overwrites, grows and pads with zeros', () => {
    const server = new TestServer();
    expect(server.run('SETRANGE', 'k', 2, 'ab')).toBe(':4\r\n');
    expect(server.run('GET', 'k')).toBe(bulk('\0\0ab'));
    expect(server.run('SETRANGE', 'k', 0, 'xy')).toBe(':4\r\n');
    expect(server.run('SETRANGE', 'k', 3, 'long tail')).toBe(':12\r\n');
    expect(server.run('GET', 'k')).toBe(bulk('xyalong tail'));
    expect(server.run('SETRANGE', 'k', 5000, 'z')).toBe(':5001\r\n');
    expect(server.run('GET', 'k')).toBe(bulk(`xyalong tail${'\0'.repeat(4988)}z`));
    expect(encodingOf(server, 'k')).toBe(Encoding.Raw);
    server.verify();
  });

  test('with nothing to write changes nothing', () => {
    const server = new TestServer();
    expect(server.run('SETRANGE', 'k', 5, '')).toBe(':0\r\n');
    expect(server.run('GET', 'k')).toBe('$-1\r\n');
    server.run('SET', 'k', 'abc');
    expect(server.run('SETRANGE', 'k', 5, '')).toBe(':3\r\n');
  });

  test('refuses offsets that are none and strings that grow too long', () => {
    const server = new TestServer();
    expect(server.run('SETRANGE', 'k', 'x', 'v')).toBe(NOT_AN_INTEGER);
    expect(server.run('SETRANGE', 'k', -1, 'v')).toBe('-ERR offset is out of range\r\n');
    expect(server.run('SETRANGE', 'k', 536870911, 'vv')).toBe(TOO_LONG);
    expect(server.run('SETRANGE', 'k', '9223372036854775807', 'v')).toBe(TOO_LONG);
    expect(server.run('GET', 'k')).toBe('$-1\r\n');
  });
});

describe('APPEND and PREPEND', () => {
  test('add at either end and answer the length', () => {
    const server = new TestServer();
    expect(server.run('APPEND', 'k', 'b')).toBe(':1\r\n');
    expect(server.run('PREPEND', 'k', 'a')).toBe(':2\r\n');
    let wanted = 'ab';
    for (let i = 0; i < 300; i++) {
      const text = String(i);
      wanted = i % 2 === 0 ? wanted + text : text + wanted;
      expect(server.run(i % 2 === 0 ? 'APPEND' : 'PREPEND', 'k', text)).toBe(`:${wanted.length}\r\n`);
    }
    expect(server.run('GET', 'k')).toBe(bulk(wanted));
    server.verify();
  });

  test('make a string raw, INCR makes it plain again', () => {
    const server = new TestServer();
    server.run('APPEND', 'k', '1');
    expect(encodingOf(server, 'k')).toBe(Encoding.Plain);
    server.run('APPEND', 'k', '');
    expect(encodingOf(server, 'k')).toBe(Encoding.Raw);
    server.run('INCR', 'k');
    expect(encodingOf(server, 'k')).toBe(Encoding.Plain);
  });

  test('refuse to grow a string past proto-max-bulk-len', () => {
    const server = new TestServer({ settings: { 'proto-max-bulk-len': '1048576' } });
    const half = 'x'.repeat(600_000);
    expect(server.run('APPEND', 'k', half)).toBe(':600000\r\n');
    expect(server.run('APPEND', 'k', half)).toBe(TOO_LONG);
    expect(server.run('PREPEND', 'k', half)).toBe(TOO_LONG);
    expect(server.run('SETRANGE', 'k', 600_000, half)).toBe(TOO_LONG);
    expect(server.run('STRLEN', 'k')).toBe(':600000\r\n');
  });
});

describe('LCS', () => {
  const withTexts = (): TestServer => {
    const server = new TestServer();
    server.run('MSET', 'a', 'ohmytext', 'b', 'mynewtext');
    return server;
  };

  test('answers the subsequence, its length, or its ranges', () => {
    const server = withTexts();
    expect(server.run('LCS', 'a', 'b')).toBe(bulk('mytext'));
    expect(server.run('LCS', 'a', 'b', 'LEN')).toBe(':6\r\n');
    expect(server.run('LCS', 'a', 'missing')).toBe(bulk(''));
    expect(server.run('LCS', 'a', 'a')).toBe(bulk('ohmytext'));
    const tail = '*3\r\n*2\r\n:4\r\n:7\r\n*2\r\n:5\r\n:8\r\n:4\r\n';
    const middle = '*3\r\n*2\r\n:2\r\n:3\r\n*2\r\n:0\r\n:1\r\n:2\r\n';
    const end = '$3\r\nlen\r\n:6\r\n';
    const start = '*4\r\n$7\r\nmatches\r\n';
    expect(server.run('LCS', 'a', 'b', 'IDX', 'WITHMATCHLEN')).toBe(`${start}*2\r\n${tail}${middle}${end}`);
    expect(server.run('LCS', 'a', 'b', 'IDX', 'MINMATCHLEN', 4, 'WITHMATCHLEN')).toBe(
      `${start}*1\r\n${tail}${end}`,
    );
    server.client.connection.version = 3;
    expect(server.run('LCS', 'a', 'b', 'IDX', 'MINMATCHLEN', 9)).toBe(`%2\r\n$7\r\nmatches\r\n*0\r\n${end}`);
  });

  test('refuses bad options and matrices beyond proto-max-bulk-len', () => {
    const server = withTexts();
    expect(server.run('LCS', 'a', 'b', 'LEN', 'IDX')).toBe(
      '-ERR If you want both the length and indexes, please just use IDX.\r\n',
    );
    expect(server.run('LCS', 'a', 'b', 'FOO')).toBe('-ERR syntax error\r\n');
    expect(server.run('LCS', 'a', 'b', 'MINMATCHLEN')).toBe('-ERR syntax error\r\n');
    expect(server.run('LCS', 'a', 'b', 'MINMATCHLEN', 'x')).toBe(NOT_AN_INTEGER);
    server.run('SET', 'a', 'x'.repeat(20_000));
    server.run('SET', 'b', 'x'.repeat(20_000));
    expect(server.run('LCS', 'a', 'b')).toBe(
      '-ERR Insufficient memory, transient memory for LCS exceeds proto-max-bulk-len\r\n',
    );
  });
});

test('maxmemory stops SETRANGE and COPY in the midst of a pipeline', () => {
  const server = new TestServer({ settings: { maxmemory: String(32 << 20) } });
  let pipeline = '';
  for (let i = 0; i < 20; i++) pipeline += `SETRANGE k${i} 4194303 x\r\n`;
  for (let i = 0; i < 20; i++) pipeline += `COPY k0 c${i}\r\n`;
  const replies = server.client.send(pipeline).split('\r\n').slice(0, -1);
  expect(replies.filter((reply) => reply.startsWith(':'))).toHaveLength(8);
  expect(replies.slice(8).every((reply) => reply.startsWith('-OOM '))).toBe(true);
  expect(server.engine.keyspace.usedBytes()).toBeLessThan(40 << 20);
});
