/** One string at a time: SET with every option, conditions, expiry. */
import { describe, expect, test } from 'bun:test';
import { xxh3Hex } from '../../../src/base/xxh3.ts';
import { Key } from '../../../src/store/key.ts';
import { expiryAtMs, itemClientFlags } from '../../../src/store/record.ts';
import { Bytes } from '../../../src/base/bytes.ts';
import { TestServer } from '../../support/test-server.ts';

const OK = '+OK\r\n';
const NIL = '$-1\r\n';
const SYNTAX = '-ERR syntax error\r\n';
const NOT_AN_INTEGER = '-ERR value is not an integer or out of range\r\n';
const FUTURE_S = 4102444800;

function bulk(text: string): string {
  return `$${Buffer.byteLength(text)}\r\n${text}\r\n`;
}

function locate(server: TestServer, name: string): Key {
  const { keyspace } = server.engine;
  const key = new Key(keyspace.shards[0]!);
  const bytes = Bytes.fromText(name);
  keyspace.locate(key, bytes, 0, bytes.u8.length, 0);
  keyspace.find(key);
  return key;
}

/** Milliseconds the key still lives, -1 without expiry, -2 without key. */
function timeLeftMs(server: TestServer, name: string): number {
  const key = locate(server, name);
  if (key.record === 0) return -2;
  const whenMs = expiryAtMs(key.shard, key.record);
  return whenMs === 0 ? -1 : whenMs - server.engine.keyspace.nowMs;
}

function expectTimeLeft(server: TestServer, name: string, wantedMs: number): void {
  const leftMs = timeLeftMs(server, name);
  expect(leftMs).toBeGreaterThan(wantedMs - 10_000);
  expect(leftMs).toBeLessThanOrEqual(wantedMs);
}

test('GET answers what SET stored, whatever the bytes', () => {
  const server = new TestServer();
  expect(server.run('GET', 'k')).toBe(NIL);
  expect(server.run('SET', 'k', Buffer.from([0, 13, 10, 255]))).toBe(OK);
  expect(server.run('GET', 'k')).toBe('$4\r\n\0\r\n\xff\r\n');
  expect(server.run('SET', '', '')).toBe(OK);
  expect(server.run('GET', '')).toBe('$0\r\n\r\n');
  server.verify();
});

describe('SET', () => {
  test('over a string of the same length leaves nothing of what that was', () => {
    const server = new TestServer();
    for (const command of [
      ['SET', 'k', '789'],
      ['MSET', 'k', '789'],
    ]) {
      server.run('DEL', 'k');
      server.run('APPEND', 'k', '1');
      server.run('APPEND', 'k', '23');
      expect(server.run('OBJECT', 'ENCODING', 'k')).toBe('$3\r\nraw\r\n');
      server.run(...command);
      expect(server.run('OBJECT', 'ENCODING', 'k')).toBe('$3\r\nint\r\n');
      server.run('EXPIRE', 'k', 100);
      server.run(...command);
      expect(server.run('TTL', 'k') + server.run('GET', 'k')).toBe(':-1\r\n$3\r\n789\r\n');
      const changes = server.engine.keyspace.changes;
      server.run(...command);
      expect(server.engine.keyspace.changes).toBe(changes + 1);
      server.verify();
    }
  });

  test('NX sets only a missing key, XX only an existing one', () => {
    const server = new TestServer();
    expect(server.run('SET', 'k', '1', 'XX')).toBe(NIL);
    expect(server.run('SET', 'k', '1', 'nx')).toBe(OK);
    expect(server.run('SET', 'k', '2', 'NX')).toBe(NIL);
    expect(server.run('SET', 'k', '3', 'Xx')).toBe(OK);
    expect(server.run('GET', 'k')).toBe(bulk('3'));
  });

  test('GET answers the old string, also when nothing is set', () => {
    const server = new TestServer();
    expect(server.run('SET', 'k', '1', 'GET')).toBe(NIL);
    expect(server.run('SET', 'k', '2', 'GET')).toBe(bulk('1'));
    expect(server.run('SET', 'k', '3', 'NX', 'GET')).toBe(bulk('2'));
    expect(server.run('GET', 'k')).toBe(bulk('2'));
    expect(server.run('SET', 'other', '3', 'XX', 'GET')).toBe(NIL);
    expect(server.run('GET', 'other')).toBe(NIL);
  });

  test('EX, PX, EXAT and PXAT give an expiry, and a plain SET takes it away', () => {
    const server = new TestServer();
    expect(server.run('SET', 'k', 'v', 'EX', 100)).toBe(OK);
    expectTimeLeft(server, 'k', 100_000);
    server.run('SET', 'k', 'v');
    expect(timeLeftMs(server, 'k')).toBe(-1);
    expect(server.run('SET', 'k', 'v', 'px', 200_000)).toBe(OK);
    expectTimeLeft(server, 'k', 200_000);
    expect(server.run('SET', 'k', 'v', 'EXAT', FUTURE_S)).toBe(OK);
    expect(timeLeftMs(server, 'k')).toBe(FUTURE_S * 1000 - server.engine.keyspace.nowMs);
    expect(server.run('SET', 'k', 'v', 'PXAT', `${FUTURE_S}123`)).toBe(OK);
    expect(timeLeftMs(server, 'k')).toBe(FUTURE_S * 1000 + 123 - server.engine.keyspace.nowMs);
    server.verify();
  });

  test('KEEPTTL leaves the expiry as it was', () => {
    const server = new TestServer();
    server.run('SET', 'k', 'v', 'EX', 100);
    expect(server.run('SET', 'k', 'longer than before', 'KEEPTTL')).toBe(OK);
    expectTimeLeft(server, 'k', 100_000);
    expect(server.run('SET', 'new', 'v', 'KEEPTTL')).toBe(OK);
    expect(timeLeftMs(server, 'new')).toBe(-1);
  });

  test('a time that is past removes the key', () => {
    const server = new TestServer();
    server.run('SET', 'k', 'v');
    expect(server.run('SET', 'k', 'w', 'GET', 'EXAT', 1)).toBe(bulk('v'));
    expect(server.run('GET', 'k')).toBe(NIL);
    expect(server.run('SET', 'missing', 'w', 'PXAT', 1)).toBe(OK);
    expect(server.run('GET', 'missing')).toBe(NIL);
    expect(server.engine.keyspace.keyCount(0)).toBe(0);
    server.verify();
  });

  test('refuses options that contradict each other or lack an argument', () => {
    const server = new TestServer();
    for (const options of [
      ['NX', 'XX'],
      ['XX', 'NX'],
      ['EX', '1', 'PX', '1'],
      ['EX', '1', 'KEEPTTL'],
      ['KEEPTTL', 'EXAT', '1'],
      ['EX'],
      ['PXAT'],
      ['IFEQ'],
      ['IFEQ', 'a', 'IFNE', 'b'],
      ['IFEQ', 'a', 'NX'],
      ['XX', 'IFDEQ', 'a'],
      ['PERSIST'],
      ['EX', '1', 'PERSIST'],
      ['nonsense'],
      [''],
    ]) {
      expect(server.run('SET', 'k', 'v', ...options)).toBe(SYNTAX);
    }
    expect(server.run('GET', 'k')).toBe(NIL);
  });

  test('a repeated option counts once, the last time wins', () => {
    const server = new TestServer();
    expect(server.run('SET', 'k', 'v', 'NX', 'NX', 'EX', '5', 'EX', '100')).toBe(OK);
    expectTimeLeft(server, 'k', 100_000);
  });

  test('refuses times that are no integer, not positive, or beyond 64 bits', () => {
    const server = new TestServer();
    const invalid = "-ERR invalid expire time in 'set' command\r\n";
    for (const time of ['0', '-1', '9223372036854775807', '-9223372036854775808']) {
      expect(server.run('SET', 'k', 'v', 'EX', time)).toBe(invalid);
    }
    for (const time of ['0', '-1', '9223372036854775807']) {
      expect(server.run('SET', 'k', 'v', 'PX', time)).toBe(invalid);
    }
    expect(server.run('SET', 'k', 'v', 'EX', '9223372036854775')).toBe(invalid);
    expect(server.run('SET', 'k', 'v', 'EXAT', '9223372036854776')).toBe(invalid);
    expect(server.run('SET', 'k', 'v', 'EXAT', '0')).toBe(invalid);
    for (const time of ['', 'x', '1.5', ' 1', '+1', '01', '9223372036854775808']) {
      expect(server.run('SET', 'k', 'v', 'EX', time)).toBe(NOT_AN_INTEGER);
    }
    expect(server.run('GET', 'k')).toBe(NIL);
  });

  test('takes times beyond 2^53 ms as the latest there is', () => {
    const server = new TestServer();
    expect(server.run('SET', 'k', 'v', 'EXAT', '9223372036854775')).toBe(OK);
    expect(server.run('SET', 'l', 'v', 'PXAT', '9223372036854775807')).toBe(OK);
    const leftMs = Number.MAX_SAFE_INTEGER - server.engine.keyspace.nowMs;
    expect(timeLeftMs(server, 'k')).toBe(leftMs);
    expect(timeLeftMs(server, 'l')).toBe(leftMs);
  });

  test('IFEQ and IFNE compare the value', () => {
    const server = new TestServer();
    expect(server.run('SET', 'k', 'v', 'IFEQ', 'v')).toBe(NIL);
    expect(server.run('SET', 'k', 'v', 'IFNE', 'v')).toBe(OK);
    expect(server.run('SET', 'k', 'w', 'IFNE', 'v')).toBe(NIL);
    expect(server.run('SET', 'k', 'w', 'ifeq', 'x')).toBe(NIL);
    expect(server.run('SET', 'k', 'w', 'IFEQ', 'x', 'GET')).toBe(bulk('v'));
    expect(server.run('SET', 'k', 'w', 'IFEQ', 'v', 'GET', 'EX', 100)).toBe(bulk('v'));
    expect(server.run('GET', 'k')).toBe(bulk('w'));
    expectTimeLeft(server, 'k', 100_000);
    const long = 'x'.repeat(1000);
    server.run('SET', 'long', long);
    expect(server.run('SET', 'long', 'y', 'IFEQ', `${long.slice(1)}y`)).toBe(NIL);
    expect(server.run('SET', 'long', 'y', 'IFEQ', long)).toBe(OK);
  });

  test('IFDEQ and IFDNE compare the digest, in any case, and want 16 digits', () => {
    const server = new TestServer();
    const digest = xxh3Hex(Buffer.from('v'), 0, 1);
    const other = xxh3Hex(Buffer.from('w'), 0, 1);
    expect(server.run('SET', 'k', 'v', 'IFDEQ', digest)).toBe(NIL);
    expect(server.run('SET', 'k', 'v', 'IFDNE', digest)).toBe(OK);
    expect(server.run('SET', 'k', 'w', 'IFDEQ', other)).toBe(NIL);
    expect(server.run('SET', 'k', 'w', 'IFDEQ', '123')).toBe(
      '-ERR must be exactly 16 hexadecimal characters\r\n',
    );
    expect(server.run('SET', 'k', 'w', 'IFDNE', digest.toUpperCase())).toBe(NIL);
    expect(server.run('SET', 'k', 'w', 'IFDEQ', digest.toUpperCase())).toBe(OK);
    expect(server.run('SET', 'k', 'x', 'IFDNE', digest)).toBe(OK);
    expect(server.run('GET', 'k')).toBe(bulk('x'));
  });
});

test('SETNX, SETEX and PSETEX are SET with one option', () => {
  const server = new TestServer();
  expect(server.run('SETNX', 'k', '1')).toBe(':1\r\n');
  expect(server.run('SETNX', 'k', '2')).toBe(':0\r\n');
  expect(server.run('SETEX', 'k', 100, '3')).toBe(OK);
  expectTimeLeft(server, 'k', 100_000);
  expect(server.run('PSETEX', 'k', 50_000, '4')).toBe(OK);
  expectTimeLeft(server, 'k', 50_000);
  expect(server.run('GET', 'k')).toBe(bulk('4'));
  expect(server.run('SETEX', 'k', 0, 'x')).toBe("-ERR invalid expire time in 'setex' command\r\n");
  expect(server.run('PSETEX', 'k', -5, 'x')).toBe("-ERR invalid expire time in 'psetex' command\r\n");
  expect(server.run('SETEX', 'k', 'x', 'x')).toBe(NOT_AN_INTEGER);
});

test('GETSET and GETDEL answer the old string', () => {
  const server = new TestServer();
  expect(server.run('GETSET', 'k', '1')).toBe(NIL);
  expect(server.run('GETSET', 'k', '2')).toBe(bulk('1'));
  expect(server.run('GETDEL', 'k')).toBe(bulk('2'));
  expect(server.run('GETDEL', 'k')).toBe(NIL);
  server.verify();
});

describe('GETEX', () => {
  test('changes the expiry, or removes it, or leaves it', () => {
    const server = new TestServer();
    server.run('SET', 'k', 'v', 'EX', 1000);
    expect(server.run('GETEX', 'k')).toBe(bulk('v'));
    expectTimeLeft(server, 'k', 1_000_000);
    expect(server.run('GETEX', 'k', 'PX', 50_000)).toBe(bulk('v'));
    expectTimeLeft(server, 'k', 50_000);
    const { keyspace } = server.engine;
    expect(server.run('GETEX', 'k', 'PERSIST')).toBe(bulk('v'));
    expect(timeLeftMs(server, 'k')).toBe(-1);
    const changes = keyspace.changes;
    expect(server.run('GETEX', 'k', 'PERSIST')).toBe(bulk('v'));
    expect(keyspace.changes).toBe(changes);
    expect(server.run('GETEX', 'k', 'EXAT', 1)).toBe(bulk('v'));
    expect(timeLeftMs(server, 'k')).toBe(-2);
    server.verify();
  });

  test('judges the options always, the time only when there is a string', () => {
    const server = new TestServer();
    expect(server.run('GETEX', 'k', 'KEEPTTL')).toBe(SYNTAX);
    expect(server.run('GETEX', 'k', 'EX', '1', 'PERSIST')).toBe(SYNTAX);
    expect(server.run('GETEX', 'k', 'EX', '0')).toBe(NIL);
    server.run('SET', 'k', 'v');
    expect(server.run('GETEX', 'k', 'EX', '0')).toBe("-ERR invalid expire time in 'getex' command\r\n");
    expect(server.run('GETEX', 'k', 'NX')).toBe(SYNTAX);
  });
});

describe('DIGEST, DELEX and DELIFEQ', () => {
  test('DIGEST is the XXH3 of the value', () => {
    const server = new TestServer();
    expect(server.run('DIGEST', 'k')).toBe(NIL);
    server.run('SET', 'k', 'Hello world');
    expect(server.run('DIGEST', 'k')).toBe(bulk('b6acb9d84a38ff74'));
  });

  test('DELEX removes a key when its condition holds', () => {
    const server = new TestServer();
    const digest = xxh3Hex(Buffer.from('v'), 0, 1);
    expect(server.run('DELEX', 'k')).toBe(':0\r\n');
    const steps: [string[], string][] = [
      [['IFEQ', 'w'], ':0\r\n'],
      [['IFEQ', 'v'], ':1\r\n'],
      [['IFNE', 'v'], ':0\r\n'],
      [['IFNE', 'w'], ':1\r\n'],
      [['IFDNE', digest], ':0\r\n'],
      [['IFDEQ', digest], ':1\r\n'],
      [['IFDEQ', 'short'], '-ERR must be exactly 16 hexadecimal characters\r\n'],
      [['NX', 'v'], '-ERR Invalid condition. Use IFEQ, IFNE, IFDEQ, or IFDNE\r\n'],
      [['IFEQ'], "-ERR wrong number of arguments for 'delex' command\r\n"],
      [[], ':1\r\n'],
    ];
    for (const [condition, reply] of steps) {
      server.run('SET', 'k', 'v');
      expect(server.run('DELEX', 'k', ...condition)).toBe(reply);
      expect(server.run('GET', 'k')).toBe(reply === ':1\r\n' ? NIL : bulk('v'));
    }
    expect(server.run('DELEX', 'k', 'IFNE', 'v')).toBe(':0\r\n');
  });

  test('DELIFEQ removes a key that holds the value', () => {
    const server = new TestServer();
    expect(server.run('DELIFEQ', 'k', 'v')).toBe(':0\r\n');
    server.run('SET', 'k', 'v');
    expect(server.run('DELIFEQ', 'k', 'w')).toBe(':0\r\n');
    expect(server.run('DELIFEQ', 'k', 'v')).toBe(':1\r\n');
    expect(server.run('GET', 'k')).toBe(NIL);
  });
});

test('editing a string keeps the flags memcached gave it and renews its cas number; setting it drops them', () => {
  const server = new TestServer();
  const { keyspace } = server.engine;
  const put = locate(server, 'k');
  keyspace.putItem(put, Bytes.fromText('5'), 0, 1, 0, 42);
  let cas = keyspace.ensureCas(put);
  for (const command of [
    ['APPEND', 'k', '1'],
    ['INCR', 'k'],
    ['SETRANGE', 'k', 0, 3],
    ['INCREX', 'k'],
    ['INCRBYFLOAT', 'k', 1],
  ]) {
    server.run(...command);
    const key = locate(server, 'k');
    expect(itemClientFlags(key.shard, key.record)).toBe(42);
    const renewed = keyspace.ensureCas(key);
    expect(renewed).not.toBe(cas);
    cas = renewed;
  }
  expect(server.run('GET', 'k')).toBe(bulk('34'));
  server.run('SET', 'k', 'v');
  const key = locate(server, 'k');
  expect(itemClientFlags(key.shard, key.record)).toBe(0);
  server.verify();
});
