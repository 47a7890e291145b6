/** Bitmaps: what redis-server 7.0 cannot be asked about, memory, limits, and keys of several shards. */
import { describe, expect, test } from 'bun:test';
import { TestServer } from '../../support/test-server.ts';

const OUT_OF_MEMORY = "-OOM command not allowed when used memory > 'maxmemory'.\r\n";
const BAD_OFFSET = '-ERR bit offset is not an integer or out of range\r\n';
const WRONG_TYPE = '-WRONGTYPE Operation against a key holding the wrong kind of value\r\n';

function bulk(text: string): string {
  return `$${text.length}\r\n${text}\r\n`;
}

test('SETBIT and GETBIT grow a string and tell what was there', () => {
  const server = new TestServer();
  expect(server.run('SETBIT', 'k', 7, 1)).toBe(':0\r\n');
  expect(server.run('SETBIT', 'k', 7, 0)).toBe(':1\r\n');
  expect(server.run('SETBIT', 'k', 17, 1)).toBe(':0\r\n');
  expect(server.run('GET', 'k')).toBe(bulk('\0\0\x40'));
  expect(server.run('GETBIT', 'k', 17)).toBe(':1\r\n');
  expect(server.run('GETBIT', 'k', 1000)).toBe(':0\r\n');
  expect(server.run('OBJECT', 'ENCODING', 'k')).toBe(bulk('raw'));
  server.run('SET', 'n', '12');
  expect(server.run('GETBIT', 'n', 2)).toBe(':1\r\n');
  expect(server.run('SETBIT', 'n', 7, 0)).toBe(':1\r\n');
  expect(server.run('GET', 'n')).toBe(bulk('02'));
  server.verify();
});

test('an expiry stays with the bits that are changed', () => {
  const server = new TestServer();
  server.run('SET', 'k', 'abc', 'EX', 1000);
  server.run('SETBIT', 'k', 100, 1);
  server.run('BITFIELD', 'k', 'SET', 'u8', 400, 255);
  expect(server.run('TTL', 'k')).toBe(':1000\r\n');
  expect(server.run('STRLEN', 'k')).toBe(':51\r\n');
  server.run('BITOP', 'NOT', 'k', 'k');
  expect(server.run('TTL', 'k')).toBe(':-1\r\n');
});

test('offsets end at proto-max-bulk-len', () => {
  const server = new TestServer({ settings: { 'proto-max-bulk-len': '1048576' } });
  expect(server.run('SETBIT', 'k', 8388607, 1)).toBe(':0\r\n');
  expect(server.run('SETBIT', 'k', 8388608, 1)).toBe(BAD_OFFSET);
  expect(server.run('GETBIT', 'k', 8388608)).toBe(BAD_OFFSET);
  expect(server.run('BITFIELD', 'k', 'SET', 'u8', '#1048576', 1)).toBe(BAD_OFFSET);
  expect(new TestServer().run('SETBIT', 'k', '4294967296', 1)).toBe(BAD_OFFSET);
});

describe('BITOP', () => {
  const withSources = (): TestServer => {
    const server = new TestServer();
    server.run('MSET', 'a', '\x0f\x0f', 'b', '\x33', 'c', '\x55\x01\x80'.replace('\x80', '\x40'));
    return server;
  };

  test('knows the operations that came after 7.0', () => {
    const server = withSources();
    expect(server.run('BITOP', 'DIFF', 'to', 'a', 'b', 'c')).toBe(':3\r\n');
    expect(server.run('GET', 'to')).toBe(bulk('\x08\x0e\x00'));
    expect(server.run('BITOP', 'DIFF1', 'to', 'a', 'b', 'c')).toBe(':3\r\n');
    expect(server.run('GET', 'to')).toBe(bulk('\x70\x00\x40'));
    expect(server.run('BITOP', 'andor', 'to', 'a', 'b', 'c')).toBe(':3\r\n');
    expect(server.run('GET', 'to')).toBe(bulk('\x07\x01\x00'));
    expect(server.run('BITOP', 'ONE', 'to', 'a', 'b', 'c')).toBe(':3\r\n');
    expect(server.run('GET', 'to')).toBe(bulk('\x68\x0e\x40'));
    expect(server.run('BITOP', 'ONE', 'to', 'a')).toBe(':2\r\n');
    expect(server.run('GET', 'to')).toBe(bulk('\x0f\x0f'));
  });

  test('refuses the wrong number of sources', () => {
    const server = withSources();
    expect(server.run('BITOP', 'NOT', 'to', 'a', 'b')).toBe(
      '-ERR BITOP NOT must be called with a single source key.\r\n',
    );
    for (const word of ['DIFF', 'DIFF1', 'ANDOR']) {
      expect(server.run('BITOP', word.toLowerCase(), 'to', 'a')).toBe(
        `-ERR BITOP ${word} must be called with at least two source keys.\r\n`,
      );
    }
    expect(server.run('BITOP', 'NAND', 'to', 'a', 'b')).toBe('-ERR syntax error\r\n');
  });

  test('removes the destination where there is nothing, whatever it was', () => {
    const server = withSources();
    server.run('RPUSH', 'to', 'x');
    expect(server.run('BITOP', 'OR', 'to', 'missing', 'none')).toBe(':0\r\n');
    expect(server.run('EXISTS', 'to')).toBe(':0\r\n');
    server.run('RPUSH', 'to', 'x');
    expect(server.run('BITOP', 'OR', 'to', 'a', 'to')).toBe(WRONG_TYPE);
    expect(server.run('BITOP', 'OR', 'to', 'a', 'b')).toBe(':2\r\n');
    expect(server.run('GET', 'to')).toBe(bulk('\x3f\x0f'));
  });

  test('may write over one of its sources, in whatever shards they lie', () => {
    const server = new TestServer({ shardCount: 8 });
    const names = Array.from({ length: 16 }, (_, i) => `k${i}`);
    const long = 'U'.repeat(20_000);
    for (const name of names) server.run('SET', name, long);
    for (const name of names) {
      expect(server.run('BITOP', 'XOR', name, name, ...names)).toBe(':20000\r\n');
      expect(server.run('GET', name)).toBe(bulk('U'.repeat(20_000)));
      server.run('SET', name, long);
    }
    server.verify();
  });
});

test('BITFIELD overflows as asked for', () => {
  const server = new TestServer();
  expect(server.run('BITFIELD', 'k', 'SET', 'i8', 0, 127, 'INCRBY', 'i8', 0, 1)).toBe(
    '*2\r\n:0\r\n:-128\r\n',
  );
  expect(server.run('BITFIELD', 'k', 'OVERFLOW', 'SAT', 'INCRBY', 'i8', 0, -1)).toBe('*1\r\n:-128\r\n');
  expect(server.run('BITFIELD', 'k', 'OVERFLOW', 'FAIL', 'INCRBY', 'i8', 0, -1)).toBe('*1\r\n$-1\r\n');
  expect(server.run('BITFIELD_RO', 'k', 'GET', 'i64', 0, 'GET', 'u1', '#0')).toBe(
    '*2\r\n:-9223372036854775808\r\n:1\r\n',
  );
  expect(server.run('BITFIELD_RO', 'k', 'SET', 'u8', 0, 1)).toBe(
    '-ERR BITFIELD_RO only supports the GET subcommand\r\n',
  );
  server.client.connection.version = 3;
  expect(server.run('BITFIELD', 'k', 'OVERFLOW', 'FAIL', 'INCRBY', 'i8', 0, -1)).toBe('*1\r\n_\r\n');
});

test('without memory nothing is changed', () => {
  const server = new TestServer({ shardCount: 1, shardBytes: 2 << 20 });
  server.run('SET', 'k', 'abc');
  server.run('SET', 'big', 'x'.repeat(700_000));
  expect(server.run('SETBIT', 'k', 20_000_000, 1)).toBe(OUT_OF_MEMORY);
  expect(server.run('SETBIT', 'new', 20_000_000, 1)).toBe(OUT_OF_MEMORY);
  expect(server.run('BITFIELD', 'k', 'SET', 'u8', 0, 1, 'SET', 'u8', 20_000_000, 1)).toBe(OUT_OF_MEMORY);
  server.run('SET', 'filler', 'x'.repeat(500_000));
  expect(server.run('BITOP', 'NOT', 'k', 'big')).toBe(OUT_OF_MEMORY);
  expect(server.run('GET', 'k')).toBe(bulk('abc'));
  expect(server.run('EXISTS', 'new')).toBe(':0\r\n');
  server.verify();
});
