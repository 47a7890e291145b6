/** Expiry of single fields: to the millisecond, in every encoding, by whoever asks and by itself. */
import { describe, expect, test } from 'bun:test';
import { ExpiryDuty } from '../../../src/server/duties/expiry-duty.ts';
import { Head, Header } from '../../../src/memory/shard.ts';
import { clockedServer } from '../../support/clocked-server.ts';

const ENCODINGS: [name: string, settings: Record<string, string>][] = [
  ['packed', {}],
  ['a table', { 'hash-max-listpack-entries': '0' }],
];
const NOW = 1_700_000_000_000;
const WRONG_TYPE = { error: 'WRONGTYPE Operation against a key holding the wrong kind of value' };
const NOT_AN_INTEGER = { error: 'ERR value is not an integer or out of range' };
const FIELDS_MISSING = { error: 'ERR Mandatory argument FIELDS is missing or not at the right position' };
const MISMATCH = { error: 'ERR The `numfields` parameter must match the number of arguments' };
const NOT_POSITIVE = { error: 'ERR Number of fields must be a positive integer' };
const SETTERS = ['HEXPIRE', 'HPEXPIRE', 'HEXPIREAT', 'HPEXPIREAT'];
const GETTERS = ['HTTL', 'HPTTL', 'HEXPIRETIME', 'HPEXPIRETIME'];

describe.each(ENCODINGS)('fields of a hash that is %s', (_name, settings) => {
  const start = (nowMs = NOW) => clockedServer(nowMs, { settings });

  test('tell when they expire, in either unit, from now and since 1970', () => {
    const { run } = start();
    run('HSET', 'h', 'a', '1', 'b', '2');
    expect(run('HPEXPIRE', 'h', '2499', 'FIELDS', '2', 'a', 'none')).toEqual([1, -2]);
    const fields = ['FIELDS', '3', 'a', 'b', 'none'];
    expect(run('HPTTL', 'h', ...fields)).toEqual([2499, -1, -2]);
    // Redis: seconds of fields are rounded up, those of keys to the nearest.
    expect(run('HTTL', 'h', ...fields)).toEqual([3, -1, -2]);
    expect(run('HPEXPIRETIME', 'h', ...fields)).toEqual([NOW + 2499, -1, -2]);
    expect(run('HEXPIRETIME', 'h', ...fields)).toEqual([NOW / 1000 + 3, -1, -2]);
    expect(run('HEXPIRE', 'h', '100', 'FIELDS', '1', 'a')).toEqual([1]);
    expect(run('HPTTL', 'h', 'FIELDS', '1', 'a')).toEqual([100_000]);
    expect(run('HEXPIREAT', 'h', NOW / 1000 + 7, 'FIELDS', '1', 'a')).toEqual([1]);
    expect(run('HPTTL', 'h', 'FIELDS', '1', 'a')).toEqual([7000]);
    expect(run('HPEXPIREAT', 'h', NOW + 8, 'FIELDS', '1', 'a')).toEqual([1]);
    expect(run('HPTTL', 'h', 'FIELDS', '1', 'a')).toEqual([8]);
  });

  test('are there up to their millisecond, and gone from the next one on', () => {
    const asks: [request: (string | number)[], there: unknown, gone: unknown][] = [
      [['HGET', 'h', 'a'], '1', null],
      [
        ['HMGET', 'h', 'a', 'b'],
        ['1', '2'],
        [null, '2'],
      ],
      [['HEXISTS', 'h', 'a'], 1, 0],
      [['HSTRLEN', 'h', 'a'], 1, 0],
      [['HKEYS', 'h'], ['a', 'b'], ['b']],
      [['HVALS', 'h'], ['1', '2'], ['2']],
      [
        ['HGETALL', 'h'],
        ['a', '1', 'b', '2'],
        ['b', '2'],
      ],
      [
        ['HSCAN', 'h', '0', 'COUNT', '9'],
        ['0', ['a', '1', 'b', '2']],
        ['0', ['b', '2']],
      ],
      [['HRANDFIELD', 'h', '5'], ['a', 'b'], ['b']],
      [['HPTTL', 'h', 'FIELDS', '1', 'a'], [0], [-2]],
      [['HTTL', 'h', 'FIELDS', '1', 'a'], [0], [-2]],
      [['HPEXPIRETIME', 'h', 'FIELDS', '1', 'a'], [NOW + 10], [-2]],
      [['HPERSIST', 'h', 'FIELDS', '1', 'a'], [1], [-2]],
      [['HPEXPIRE', 'h', '50', 'FIELDS', '1', 'a'], [1], [-2]],
      [['HPEXPIRE', 'h', '0', 'FIELDS', '1', 'a'], [2], [-2]],
      [['HGETDEL', 'h', 'FIELDS', '1', 'a'], ['1'], [null]],
      [['HGETEX', 'h', 'FIELDS', '1', 'a'], ['1'], [null]],
      [['HGETEX', 'h', 'PX', '50', 'FIELDS', '1', 'a'], ['1'], [null]],
      [['HINCRBY', 'h', 'a', '5'], 6, 5],
      [['HINCRBYFLOAT', 'h', 'a', '5'], '6', '5'],
      [['HSETNX', 'h', 'a', '5'], 0, 1],
      [['HSETEX', 'h', 'FNX', 'FIELDS', '1', 'a', '5'], 0, 1],
      [['HSETEX', 'h', 'FXX', 'FIELDS', '1', 'a', '5'], 1, 0],
    ];
    const { server, run, clock } = start();
    for (const [request, there, gone] of asks) {
      for (const [afterMs, expected] of [
        [10, there],
        [11, gone],
      ] as const) {
        clock.nowMs = NOW;
        run('DEL', 'h');
        run('HSET', 'h', 'a', '1', 'b', '2');
        run('HPEXPIRE', 'h', '10', 'FIELDS', '1', 'a');
        clock.nowMs = NOW + afterMs;
        const reply = run(...request);
        expect([request, afterMs, normal(reply)]).toEqual([request, afterMs, normal(expected)]);
        server.verify();
      }
    }
  });

  test('are counted by HLEN, HSET and HDEL as long as they are there, as Redis counts', () => {
    const { run, clock, server } = start();
    run('HSET', 'h', 'a', '1', 'b', '2', 'c', '3', 'd', '4');
    run('HPEXPIRE', 'h', '10', 'FIELDS', '3', 'a', 'b', 'c');
    clock.nowMs += 11;
    expect(run('HLEN', 'h')).toBe(4);
    // Asking for one removes it.
    expect(run('HGET', 'h', 'a')).toBe(null);
    expect(run('HLEN', 'h')).toBe(3);
    expect(run('HDEL', 'h', 'b')).toBe(1);
    expect(run('HSET', 'h', 'c', 'x')).toBe(0);
    expect(run('HLEN', 'h')).toBe(2);
    expect(run('HGETALL', 'h')).toBeArrayOfSize(4);
    server.verify();
  });

  test('are taken along by whoever removes the last one', () => {
    const { run, clock, server } = start();
    for (const request of [
      ['HGET', 'h', 'a'],
      ['HMGET', 'h', 'a', 'x', 'a'],
      ['HEXISTS', 'h', 'a'],
      ['HSTRLEN', 'h', 'a'],
      ['HGETDEL', 'h', 'FIELDS', '2', 'a', 'a'],
      ['HGETEX', 'h', 'PERSIST', 'FIELDS', '2', 'a', 'x'],
    ]) {
      run('HSET', 'h', 'a', '1');
      run('HPEXPIRE', 'h', '10', 'FIELDS', '1', 'a');
      clock.nowMs += 11;
      expect(run('EXISTS', 'h')).toBe(1);
      run(...request);
      expect(run('EXISTS', 'h')).toBe(0);
      server.verify();
    }
  });

  test('get another time only on the condition that was given', () => {
    const { run } = start();
    run('HSET', 'h', 'none', '1', 'some', '2');
    const set = (...rest: string[]) => run('HPEXPIRE', 'h', ...rest, 'FIELDS', '2', 'none', 'some');
    const reset = (): void => {
      run('HPERSIST', 'h', 'FIELDS', '1', 'none');
      run('HPEXPIRE', 'h', '1000', 'FIELDS', '1', 'some');
    };
    reset();
    expect(set('2000', 'NX')).toEqual([1, 0]);
    reset();
    expect(set('2000', 'xx')).toEqual([0, 1]);
    reset();
    expect(set('2000', 'GT')).toEqual([0, 1]);
    reset();
    expect(set('1000', 'GT')).toEqual([0, 0]);
    reset();
    expect(set('500', 'LT')).toEqual([1, 1]);
    reset();
    expect(set('1000', 'LT')).toEqual([1, 0]);
    reset();
    // A time that has come removes the fields, on the same condition.
    expect(set('0', 'GT')).toEqual([0, 0]);
    expect(set('0', 'XX')).toEqual([0, 2]);
    expect(run('HKEYS', 'h')).toEqual(['none']);
    expect(set('0')).toEqual([2, -2]);
    expect(run('EXISTS', 'h')).toBe(0);
  });

  test('keep their time over HINCRBY and HINCRBYFLOAT, and lose it to HSET', () => {
    const { run, server } = start();
    run('HSET', 'h', 'a', '1', 'b', '2', 'c', '3', 'd', '4');
    run('HPEXPIRE', 'h', '100', 'FIELDS', '4', 'a', 'b', 'c', 'd');
    run('HINCRBY', 'h', 'a', '1000000000000');
    run('HINCRBYFLOAT', 'h', 'b', '0.5');
    run('HSET', 'h', 'c', 'x');
    run('HSETNX', 'h', 'd', 'x');
    expect(run('HPTTL', 'h', 'FIELDS', '4', 'a', 'b', 'c', 'd')).toEqual([100, 100, -1, 100]);
    expect(run('HMGET', 'h', 'a', 'b', 'c', 'd')).toEqual(['1000000000001', '2.5', 'x', '4']);
    server.verify();
  });

  test('do not pass a time that is over on to their successors', () => {
    const { run, clock } = start();
    run('HSET', 'h', 'a', '1', 'b', '2', 'c', '3');
    run('HPEXPIRE', 'h', '100', 'FIELDS', '3', 'a', 'b', 'c');
    clock.nowMs += 101;
    run('HINCRBY', 'h', 'a', '1');
    run('HINCRBYFLOAT', 'h', 'b', '1');
    run('HSETEX', 'h', 'KEEPTTL', 'FIELDS', '1', 'c', 'x');
    expect(run('HMGET', 'h', 'a', 'b', 'c')).toEqual(['1', '1', 'x']);
    expect(run('HTTL', 'h', 'FIELDS', '3', 'a', 'b', 'c')).toEqual([-1, -1, -1]);
  });

  test('stay for ever again after HPERSIST', () => {
    const { run, clock, server } = start();
    run('HSET', 'h', 'a', '1', 'b', '2');
    run('HPEXPIRE', 'h', '100', 'FIELDS', '1', 'a');
    expect(run('HPERSIST', 'h', 'FIELDS', '3', 'a', 'b', 'none')).toEqual([1, -1, -2]);
    expect(run('HPERSIST', 'none', 'FIELDS', '2', 'a', 'b')).toEqual([-2, -2]);
    clock.nowMs += 1000;
    expect(run('HMGET', 'h', 'a', 'b')).toEqual(['1', '2']);
    server.verify();
  });

  test('are read and removed by HGETDEL', () => {
    const { run, server } = start();
    run('HSET', 'h', 'a', '1', 'b', 'two', 'c', '3');
    expect(run('HGETDEL', 'h', 'FIELDS', '3', 'b', 'none', 'b')).toEqual(['two', null, null]);
    expect(run('HGETDEL', 'none', 'FIELDS', '2', 'a', 'b')).toEqual([null, null]);
    expect(run('HGETDEL', 'h', 'FIELDS', '2', 'a', 'c')).toEqual(['1', '3']);
    expect(run('EXISTS', 'h')).toBe(0);
    server.verify();
  });

  test('are read and get another time by HGETEX', () => {
    const { run, server } = start();
    run('HSET', 'h', 'a', '1', 'b', 'two', 'c', '3');
    const times = () => run('HPEXPIRETIME', 'h', 'FIELDS', '3', 'a', 'b', 'c');
    expect(run('HGETEX', 'h', 'FIELDS', '2', 'a', 'none')).toEqual(['1', null]);
    expect(run('HGETEX', 'h', 'ex', '10', 'FIELDS', '2', 'a', 'none')).toEqual(['1', null]);
    expect(times()).toEqual([NOW + 10_000, -1, -1]);
    run('HGETEX', 'h', 'PX', '10', 'FIELDS', '1', 'b');
    run('HGETEX', 'h', 'EXAT', NOW / 1000 + 1, 'FIELDS', '1', 'c');
    expect(times()).toEqual([NOW + 10_000, NOW + 10, NOW + 1000]);
    run('HGETEX', 'h', 'PXAT', NOW + 1, 'FIELDS', '1', 'c');
    run('HGETEX', 'h', 'PERSIST', 'FIELDS', '2', 'a', 'none');
    expect(times()).toEqual([-1, NOW + 10, NOW + 1]);
    expect(run('HGETEX', 'h', 'PXAT', NOW, 'FIELDS', '2', 'a', 'b')).toEqual(['1', 'two']);
    expect(run('HKEYS', 'h')).toEqual(['c']);
    expect(run('HGETEX', 'none', 'EX', '10', 'FIELDS', '1', 'a')).toEqual([null]);
    server.verify();
  });

  test('are set together with their time by HSETEX', () => {
    const { run, server } = start();
    const times = () => run('HPEXPIRETIME', 'h', 'FIELDS', '2', 'a', 'b');
    expect(run('HSETEX', 'h', 'EX', '10', 'FIELDS', '2', 'a', '1', 'b', '2')).toBe(1);
    expect(times()).toEqual([NOW + 10_000, NOW + 10_000]);
    expect(run('HSETEX', 'h', 'KEEPTTL', 'FIELDS', '1', 'a', 'x')).toBe(1);
    expect(run('HSETEX', 'h', 'FIELDS', '1', 'b', 'y')).toBe(1);
    expect(times()).toEqual([NOW + 10_000, -1]);
    expect(run('HMGET', 'h', 'a', 'b')).toEqual(['x', 'y']);
    expect(run('HSETEX', 'h', 'FNX', 'PX', '5', 'FIELDS', '2', 'c', '1', 'a', '1')).toBe(0);
    expect(run('HSETEX', 'h', 'FXX', 'PX', '5', 'FIELDS', '2', 'c', '1', 'a', '1')).toBe(0);
    expect(run('HEXISTS', 'h', 'c')).toBe(0);
    expect(run('HSETEX', 'h', 'PXAT', NOW + 7, 'FXX', 'FIELDS', '2', 'a', '1', 'b', '2')).toBe(1);
    expect(times()).toEqual([NOW + 7, NOW + 7]);
    // A time that has come removes them.
    expect(run('HSETEX', 'h', 'EXAT', '1', 'FIELDS', '3', 'a', '1', 'b', '2', 'c', '3')).toBe(1);
    expect(run('EXISTS', 'h')).toBe(0);
    expect(run('HSETEX', 'none', 'FXX', 'FIELDS', '1', 'a', '1')).toBe(0);
    expect(run('HSETEX', 'none', 'PX', '0', 'FIELDS', '1', 'a', '1')).toBe(1);
    expect(run('EXISTS', 'none')).toBe(0);
    server.verify();
  });

  test('keep their times when the hash is copied, renamed, moved and grows', () => {
    const { run, server, clock } = start();
    run('HSET', 'h', 'a', '1', 'b', '2');
    run('HPEXPIRE', 'h', '100', 'FIELDS', '1', 'a');
    run('COPY', 'h', 'copy');
    for (const name of ['x', 'y', 'z', 'w']) {
      run('RENAME', 'copy', name);
      run('RENAME', name, 'copy');
    }
    run('MOVE', 'copy', '1');
    run('HSET', 'h', 'long', 'y'.repeat(100));
    expect(run('OBJECT', 'ENCODING', 'h')).toBe('hashtable');
    expect(run('HPTTL', 'h', 'FIELDS', '2', 'a', 'b')).toEqual([100, -1]);
    run('SELECT', '1');
    expect(run('HPTTL', 'copy', 'FIELDS', '2', 'a', 'b')).toEqual([100, -1]);
    clock.nowMs += 101;
    expect(run('HGETALL', 'copy')).toEqual(['b', '2']);
    server.verify();
  });

  test('hold any bytes, zero bytes too', () => {
    const { run, clock, server } = start();
    run('HSET', 'h', '\0', 'a\0b', 'a\0b', '\0', '\xff', Buffer.from([255, 0, 255]));
    run('HPEXPIRE', 'h', '100', 'FIELDS', '2', '\0', '\xff');
    expect(run('HGET', 'h', '\0')).toBe('a\0b');
    expect(run('HGET', 'h', '\xff')).toBe('\xff\0\xff');
    clock.nowMs += 101;
    expect(run('HGETALL', 'h')).toEqual(['a\0b', '\0']);
    server.verify();
  });

  test('are refused where another type is', () => {
    const { run } = start();
    run('SET', 's', 'x');
    for (const name of SETTERS) expect(run(name, 's', '1', 'FIELDS', '1', 'a')).toEqual(WRONG_TYPE);
    for (const name of [...GETTERS, 'HPERSIST', 'HGETDEL', 'HGETEX']) {
      expect(run(name, 's', 'FIELDS', '1', 'a')).toEqual(WRONG_TYPE);
    }
    expect(run('HSETEX', 's', 'FIELDS', '1', 'a', '1')).toEqual(WRONG_TYPE);
    // Redis: of these the type is looked at first, of HSETEX last.
    expect(run('HEXPIRE', 's', 'x', 'y', 'z', 'a')).toEqual(WRONG_TYPE);
    expect(run('HSETEX', 's', 'x', 'y', 'z', 'a')).toEqual({ error: 'ERR unknown argument: x' });
  });

  test('go by themselves, and with the last one the hash', async () => {
    const { run, clock, server } = start();
    const { keyspace } = server.engine;
    const duty = new ExpiryDuty(keyspace, keyspace.shards, 16);
    for (let i = 0; i < 50; i++) {
      run('HSET', `h${i}`, 'a', '1', 'b', '2', 'c', '3');
      run('HPEXPIRE', `h${i}`, '100', 'FIELDS', '2', 'a', 'b');
      if (i % 2 === 0) run('HPEXPIRE', `h${i}`, '200', 'FIELDS', '1', 'c');
    }
    clock.nowMs += 100;
    await work(duty);
    for (let i = 0; i < 50; i++) expect(run('HLEN', `h${i}`)).toBe(3);
    clock.nowMs += 1;
    await work(duty);
    for (let i = 0; i < 50; i++) expect(run('HLEN', `h${i}`)).toBe(1);
    server.verify();
    clock.nowMs += 100;
    await work(duty);
    expect(run('DBSIZE')).toBe(25);
    for (const shard of keyspace.shards) expect(shard.words[Header.FieldExpiryRecords]).toBe(0);
    expect(server.run('INFO', 'stats')).toContain('expired_subkeys:125\r\n');
    server.verify();
  });

  test('that go are told to whoever has an interest in the key', async () => {
    const { run, clock, server } = start();
    const { keyspace } = server.engine;
    run('HSET', 'h', 'a', '1', 'b', '2', 'c', '3');
    run('HPEXPIRE', 'h', '100', 'FIELDS', '2', 'a', 'b');
    run('HPEXPIRE', 'h', '200', 'FIELDS', '1', 'c');
    const names: string[] = [];
    for (const shard of keyspace.shards) shard.heads[shard.head + Head.Interests] = 1;
    keyspace.onTouched = (key) => {
      names.push(key.bytes.u8.toString('latin1', key.at, key.at + key.byteCount));
    };
    clock.nowMs += 101;
    run('HGET', 'h', 'a');
    expect(names).toEqual(['h']);
    await work(new ExpiryDuty(keyspace, keyspace.shards, 16));
    expect(names).toEqual(['h', 'h']);
    clock.nowMs += 100;
    await work(new ExpiryDuty(keyspace, keyspace.shards, 16));
    expect(names).toEqual(['h', 'h', 'h']);
    expect(run('EXISTS', 'h')).toBe(0);
  });
});

/** Some ticks of the duty, and all the turns that it asks for. */
async function work(duty: ExpiryDuty): Promise<void> {
  for (let tick = 0; tick < 8; tick++) {
    duty.tick();
    for (let turn = 0; turn < 20; turn++) await new Promise((resolve) => setImmediate(resolve));
  }
}

/** A reply of which the order does not matter. */
function normal(reply: unknown): unknown {
  return Array.isArray(reply) ? reply.map(normal).toSorted() : reply;
}

describe('the arguments of field expiry', () => {
  const { run } = clockedServer(NOW);
  run('HSET', 'h', 'a', '1');

  test.each(SETTERS)('of %s are checked as Redis checks them', (name) => {
    const wrongExpiry = { error: `ERR invalid expire time in '${name.toLowerCase()}' command` };
    const atLeastOne = { error: 'ERR Parameter `numFields` should be greater than 0' };
    expect(run(name, 'h', 'x', 'FIELDS', '1', 'a')).toEqual(NOT_AN_INTEGER);
    expect(run(name, 'h', '9223372036854775808', 'FIELDS', '1', 'a')).toEqual(NOT_AN_INTEGER);
    expect(run(name, 'h', '-1', 'FIELDS', '1', 'a')).toEqual({
      error: 'ERR invalid expire time, must be >= 0',
    });
    expect(run(name, 'h', '9223372036854775807', 'FIELDS', '1', 'a')).toEqual(wrongExpiry);
    // The time is judged before the rest.
    expect(run(name, 'h', '9223372036854775807', 'x', 'y', 'a')).toEqual(wrongExpiry);
    expect(run(name, 'h', '1', 'x', '1', 'a')).toEqual(FIELDS_MISSING);
    expect(run(name, 'h', '1', 'NX', 'XX', 'FIELDS', '1', 'a')).toEqual(FIELDS_MISSING);
    for (const count of ['0', '-1', 'x', '', '1.5']) {
      expect(run(name, 'h', '1', 'FIELDS', count, 'a')).toEqual(atLeastOne);
    }
    expect(run(name, 'h', '1', 'FIELDS', '2', 'a')).toEqual(MISMATCH);
    expect(run(name, 'h', '1', 'FIELDS', '1', 'a', 'b')).toEqual(MISMATCH);
    expect(run(name, 'h', '1', 'NX', 'FIELDS', '1')).toEqual(MISMATCH);
    expect(run(name, 'none', '1', 'FIELDS', '2', 'a', 'b')).toEqual([-2, -2]);
    expect(run(name, 'h', '1', 'FIELDS', '1')).toEqual({
      error: `ERR wrong number of arguments for '${name.toLowerCase()}' command`,
    });
    expect(run('HTTL', 'h', 'FIELDS', '1', 'a')).toEqual([-1]);
  });

  test('may stand in any order around FIELDS, as in the newest Redis', () => {
    run('HSET', 'order', 'a', '1', 'b', '2');
    expect(run('HEXPIRE', 'order', '10', 'FIELDS', '1', 'a', 'NX')).toEqual([1]);
    expect(run('HEXPIRE', 'order', '20', 'FIELDS', '1', 'a', 'NX')).toEqual([0]);
    expect(run('HEXPIRE', 'order', '20', 'NX', 'FIELDS', '1', 'a', 'XX')).toEqual(MISMATCH);
    expect(run('HGETEX', 'order', 'FIELDS', '1', 'b', 'EX', '10')).toEqual(['2']);
    expect(run('HSETEX', 'order', 'FIELDS', '1', 'b', 'x', 'KEEPTTL', 'FXX')).toBe(1);
    expect(run('HTTL', 'order', 'FIELDS', '2', 'a', 'b')).toEqual([10, 10]);
  });

  test.each([...GETTERS, 'HPERSIST', 'HGETDEL', 'HGETEX'])('of %s are checked', (name) => {
    expect(run(name, 'h', 'x', '1', 'a')).toEqual(FIELDS_MISSING);
    for (const count of ['0', '-1', 'x']) expect(run(name, 'h', 'FIELDS', count, 'a')).toEqual(NOT_POSITIVE);
    expect(run(name, 'h', 'FIELDS', '2', 'a')).toEqual(MISMATCH);
    expect(run(name, 'h', 'FIELDS', '1', 'a', 'b')).toEqual(MISMATCH);
    expect(run('HGET', 'h', 'a')).toBe('1');
  });

  test('of HGETEX are checked', () => {
    expect(run('HGETEX', 'h', 'EX', 'x', 'FIELDS', '1', 'a')).toEqual(NOT_AN_INTEGER);
    expect(run('HGETEX', 'h', 'EX', '-1', 'FIELDS', '1', 'a')).toEqual({
      error: 'ERR invalid expire time, must be >= 0',
    });
    expect(run('HGETEX', 'h', 'PXAT', '70368744177664', 'FIELDS', '1', 'a')).toEqual({
      error: "ERR invalid expire time in 'hgetex' command",
    });
    expect(run('HGETEX', 'h', 'EX', '1', 'PX', '1', 'FIELDS', '1', 'a')).toEqual(FIELDS_MISSING);
    expect(run('HGETEX', 'h', 'KEEPTTL', 'FIELDS', '1', 'a')).toEqual(FIELDS_MISSING);
    expect(run('HTTL', 'h', 'FIELDS', '1', 'a')).toEqual([-1]);
  });

  test('of HSETEX are checked', () => {
    const arity = { error: "ERR wrong number of arguments for 'hsetex' command" };
    const oneExpiry = { error: 'ERR Only one of EX, PX, EXAT, PXAT or KEEPTTL arguments can be specified' };
    const oneCondition = { error: 'ERR Only one of FXX or FNX arguments can be specified' };
    expect(run('HSETEX', 'h', 'FIELDS', '1', 'a')).toEqual(arity);
    expect(run('HSETEX', 'h', 'FIELDS', '2', 'a', '1')).toEqual(arity);
    expect(run('HSETEX', 'h', 'FIELDS', '1', 'a', '1', 'b')).toEqual(arity);
    expect(run('HSETEX', 'h', 'FIELDS', '1', 'a', '1', 'b', '2')).toEqual(arity);
    for (const count of ['0', '-1', 'x', '2147483648']) {
      expect(run('HSETEX', 'h', 'FIELDS', count, 'a', '1')).toEqual({
        error: 'ERR invalid number of fields',
      });
    }
    expect(run('HSETEX', 'h', 'EX', '1', 'PX', '1', 'FIELDS', '1', 'a', '1')).toEqual(oneExpiry);
    expect(run('HSETEX', 'h', 'EX', '1', 'KEEPTTL', 'FIELDS', '1', 'a', '1')).toEqual(oneExpiry);
    expect(run('HSETEX', 'h', 'FNX', 'FXX', 'FIELDS', '1', 'a', '1')).toEqual(oneCondition);
    expect(run('HSETEX', 'h', 'FXX', 'FXX', 'FIELDS', '1', 'a', '1')).toEqual(oneCondition);
    expect(run('HSETEX', 'h', 'FXX', 'KEEPTTL', 'x', 'EX')).toEqual({ error: 'ERR unknown argument: x' });
    expect(run('HSETEX', 'h', 'FIELDS', '1', 'a', '1', 'EX')).toEqual({ error: 'ERR missing expire time' });
    expect(run('HSETEX', 'h', 'EX', 'x', 'FIELDS', '1', 'a', '1')).toEqual(NOT_AN_INTEGER);
    expect(run('HSETEX', 'h', 'PERSIST', 'FIELDS', '1', 'a', '1')).toEqual({
      error: 'ERR unknown argument: PERSIST',
    });
    expect(run('HGET', 'h', 'a')).toBe('1');
  });

  test('take the latest time that Redis takes, and none after it', () => {
    run('HSET', 'late', 'a', '1');
    const latest = 2 ** 46 - 1;
    expect(run('HPEXPIREAT', 'late', latest, 'FIELDS', '1', 'a')).toEqual([1]);
    expect(run('HPEXPIRETIME', 'late', 'FIELDS', '1', 'a')).toEqual([latest]);
    expect(run('HPEXPIRE', 'late', latest - NOW, 'FIELDS', '1', 'a')).toEqual([1]);
    expect(run('HPEXPIRETIME', 'late', 'FIELDS', '1', 'a')).toEqual([latest]);
    for (const [name, time] of [
      ['HPEXPIREAT', latest + 1],
      ['HPEXPIRE', latest - NOW + 1],
      ['HEXPIREAT', Math.floor(latest / 1000) + 1],
    ] as const) {
      expect(run(name, 'late', time, 'FIELDS', '1', 'a')).toEqual({
        error: `ERR invalid expire time in '${name.toLowerCase()}' command`,
      });
    }
  });
});

describe('the encoding of a hash with expiry', () => {
  test('is listpackex, and stays so, until it grows', () => {
    const { run } = clockedServer(NOW, { settings: { 'hash-max-listpack-entries': '3' } });
    run('HSET', 'h', 'a', '1', 'b', '2');
    run('HEXPIRE', 'h', '10', 'FIELDS', '1', 'a');
    expect(run('OBJECT', 'ENCODING', 'h')).toBe('listpackex');
    run('HPERSIST', 'h', 'FIELDS', '1', 'a');
    expect(run('OBJECT', 'ENCODING', 'h')).toBe('listpackex');
    run('HSET', 'h', 'c', '3', 'd', '4');
    expect(run('OBJECT', 'ENCODING', 'h')).toBe('hashtable');
    run('HSETEX', 'new', 'EX', '10', 'FIELDS', '1', 'a', '1');
    expect(run('OBJECT', 'ENCODING', 'new')).toBe('listpackex');
  });
});

describe('a table of very many fields with expiry', () => {
  test('is swept in slices, while reads are exact all the time', async () => {
    const { run, clock, server } = clockedServer(NOW, { shardCount: 1 });
    const { keyspace } = server.engine;
    const COUNT = 20_000;
    for (let i = 0; i < COUNT; i += 100) {
      const fields = Array.from({ length: 100 }, (_, k) => `f${i + k}`);
      run('HSETEX', 'h', 'PX', 1000 + (i % 1000), 'FIELDS', '100', ...fields.flatMap((name) => [name, 'v']));
    }
    run('HSET', 'h', 'stays', 'v');
    run('SET', 'other', 'x', 'PX', '1');
    clock.nowMs += 1501;
    const duty = new ExpiryDuty(keyspace, keyspace.shards, 16);
    expect(run('HGET', 'h', 'f0')).toBe(null);
    expect(run('HGET', 'h', 'f19999')).toBe('v');
    expect(run('HKEYS', 'h')).toBeArrayOfSize((COUNT * 4) / 10 + 1);
    expect(run('HRANDFIELD', 'h', '100000')).toBeArrayOfSize((COUNT * 4) / 10 + 1);
    for (let ticks = 0; run('HLEN', 'h') !== (COUNT * 4) / 10 + 1 && ticks < 100; ticks++) await work(duty);
    expect(run('HLEN', 'h')).toBe((COUNT * 4) / 10 + 1);
    expect(run('DBSIZE')).toBe(1);
    server.verify();
    clock.nowMs += 1000;
    for (let ticks = 0; run('HLEN', 'h') !== 1 && ticks < 100; ticks++) await work(duty);
    expect(run('HGETALL', 'h')).toEqual(['stays', 'v']);
    expect(keyspace.shards[0]!.words[Header.FieldExpiryRecords]).toBe(0);
    server.verify();
  });
});
