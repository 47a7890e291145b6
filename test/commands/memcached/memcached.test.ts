import { afterEach, describe, expect, setSystemTime, test } from 'bun:test';
import { setRecordKind, ValueType } from '../../../src/store/record.ts';
import { Key } from '../../../src/store/key.ts';
import { Bytes } from '../../../src/base/bytes.ts';
import { TestMemcachedClient, TestServer, type TestServerOptions } from '../../support/test-server.ts';

const bulk = (text: string): string => `$${text.length}\r\n${text}\r\n`;

function start(options: TestServerOptions = {}): { server: TestServer; client: TestMemcachedClient } {
  const server = new TestServer(options);
  return { server, client: server.connectMemcached() };
}

/** Sends each line on the left and expects what stands beside it; line ends are added. */
function converse(client: TestMemcachedClient, lines: readonly (readonly [string, string])[]): void {
  for (const [request, reply] of lines) {
    const expected = reply === '' ? '' : `${reply}\r\n`;
    expect([request, client.send(`${request}\r\n`)]).toEqual([request, expected]);
  }
}

afterEach(() => setSystemTime());

describe('one keyspace for both protocols', () => {
  test('Redis reads what memcached sets, and memcached what Redis sets', () => {
    const { server, client } = start();
    converse(client, [['set a 7 0 3\r\nabc', 'STORED']]);
    expect(server.run('GET', 'a')).toBe(bulk('abc'));
    server.run('SET', 'b', '\0\xff');
    expect(client.send('get a b\r\n')).toBe(
      `VALUE a 7 3\r\nabc\r\nVALUE b 0 3\r\n${Buffer.from('\0\xff').toString('latin1')}\r\nEND\r\n`,
    );
    server.verify();
  });

  test('client flags survive what changes a value in place, and SET drops them', () => {
    const { server, client } = start();
    converse(client, [
      ['set a 7 0 2\r\n10', 'STORED'],
      ['append a 0 0 1\r\n0', 'STORED'],
      ['incr a 5', '105'],
      ['touch a 100', 'TOUCHED'],
      ['mg a f v', 'VA 3 f7\r\n105'],
    ]);
    server.run('SET', 'a', '1');
    converse(client, [['get a', 'VALUE a 0 1\r\n1\r\nEND']]);
  });

  test('a key that Redis wrote gets a cas number, and every change through either protocol makes it another', () => {
    const { server, client } = start();
    const casNow = (): string => client.send('gets a\r\n').split(' ')[4]!.split('\r')[0]!;
    server.run('SET', 'a', '1');
    const first = casNow();
    expect(casNow()).toBe(first);
    server.run('SET', 'a', '1');
    const second = casNow();
    expect(second).not.toBe(first);
    converse(client, [[`cas a 0 0 1 ${first}\r\nx`, 'EXISTS']]);
    converse(client, [[`cas a 0 0 1 ${second}\r\nx`, 'STORED']]);
    const third = casNow();
    client.send('incr a 1\r\nappend a 0 0 1\r\ny\r\n');
    expect(casNow()).not.toBe(third);
    server.run('FLUSHALL');
    client.send('set a 0 0 1\r\nx\r\n');
    expect([first, second, third]).not.toContain(casNow());
  });

  test('touch leaves the cas number as it is', () => {
    const { client } = start();
    client.send('set a 0 0 1\r\nx\r\n');
    const before = client.send('gets a\r\n');
    converse(client, [['touch a 100', 'TOUCHED']]);
    expect(client.send('gets a\r\n')).toBe(before);
    expect(client.send('gats 0 a\r\n')).toBe(before);
  });

  test('a key of another type is a miss for reads, and an error for what needs its value', () => {
    const { server, client } = start();
    const { keyspace } = server.engine;
    server.run('SET', 'list', 'x');
    const name = Bytes.fromText('list');
    const key = new Key(keyspace.shards[0]!);
    keyspace.locate(key, name, 0, 4, 0);
    setRecordKind(key.shard, keyspace.find(key), ValueType.List, 0);
    converse(client, [
      ['get list', 'END'],
      ['gat 0 list', 'END'],
      ['mg list v N30', 'EN'],
      ['touch list 1', 'NOT_FOUND'],
      ['append list 0 0 1\r\nx', 'SERVER_ERROR key holds another type'],
      ['cas list 0 0 1 1\r\nx', 'SERVER_ERROR key holds another type'],
      ['incr list 1', 'SERVER_ERROR key holds another type'],
      ['ma list', 'SERVER_ERROR key holds another type'],
      ['md list I', 'SERVER_ERROR key holds another type'],
      ['me list', 'EN'],
      ['add list 0 0 1\r\nx', 'NOT_STORED'],
      ['delete list', 'DELETED'],
    ]);
  });

  test('memcached serves what is logical database 0 now', () => {
    const { server, client } = start();
    client.send('set a 0 0 1\r\nx\r\n');
    server.engine.keyspace.swapDatabases(0, 1);
    converse(client, [['get a', 'END']]);
    server.engine.keyspace.swapDatabases(0, 1);
    converse(client, [['get a', 'VALUE a 0 1\r\nx\r\nEND']]);
  });
});

describe('numbers', () => {
  test('a number that has become shorter is padded with spaces', () => {
    const { client } = start();
    converse(client, [
      ['set n 0 0 2\r\n10', 'STORED'],
      ['decr n 1', '9'],
      ['get n', 'VALUE n 0 2\r\n9 \r\nEND'],
      ['incr n 18446744073709551615', '8'],
      ['decr n 100', '0'],
      ['incr n 18446744073709551615', '18446744073709551615'],
      ['incr n 2', '1'],
      ['get n', `VALUE n 0 20\r\n1${' '.repeat(19)}\r\nEND`],
    ]);
  });

  test('what is no number, or no amount, is refused', () => {
    const { client } = start();
    converse(client, [
      ['set n 0 0 1\r\nx', 'STORED'],
      ['incr n 1', 'CLIENT_ERROR cannot increment or decrement non-numeric value'],
      ['incr n x', 'CLIENT_ERROR invalid numeric delta argument'],
      ['incr n 18446744073709551616', 'CLIENT_ERROR invalid numeric delta argument'],
      ['decr missing 1', 'NOT_FOUND'],
    ]);
  });
});

describe('expiry', () => {
  test('an exptime of up to 30 days is relative, a larger one a Unix time, a negative one long ago', () => {
    setSystemTime(new Date(1_900_000_000_000));
    const { client } = start();
    converse(client, [
      ['set a 0 2592000 1\r\nx', 'STORED'],
      ['mg a t', 'HD t2592000'],
      ['set a 0 2592001 1\r\nx', 'STORED'],
      ['mg a t', 'EN'],
      ['set a 0 1900000050 1\r\nx', 'STORED'],
      ['mg a t', 'HD t50'],
      ['touch a -1', 'TOUCHED'],
      ['get a', 'END'],
    ]);
    client.send('set a 0 10 1\r\nx\r\n');
    setSystemTime(new Date(1_900_000_010_001));
    converse(client, [['get a', 'END']]);
  });

  test('of two delayed flushes only the last happens, and a flush at once cancels both', () => {
    setSystemTime(new Date(1_900_000_000_000));
    const { server, client } = start();
    const waiting: (() => void)[] = [];
    const cancelled: unknown[] = [];
    server.engine.memcached.schedule = (run) => waiting.push(run);
    server.engine.memcached.cancel = (timer) => cancelled.push(timer);
    converse(client, [
      ['set a 0 0 1\r\nx', 'STORED'],
      ['flush_all 10', 'OK'],
      ['flush_all 20 noreply', ''],
    ]);
    setSystemTime(new Date(1_900_000_010_000));
    waiting[0]!();
    converse(client, [['get a', 'VALUE a 0 1\r\nx\r\nEND']]);
    setSystemTime(new Date(1_900_000_020_000));
    waiting[1]!();
    converse(client, [
      ['get a', 'END'],
      ['flush_all 10', 'OK'],
      ['flush_all', 'OK'],
      ['set a 0 0 1\r\nx', 'STORED'],
    ]);
    setSystemTime(new Date(1_900_000_040_000));
    waiting[2]!();
    converse(client, [['get a', 'VALUE a 0 1\r\nx\r\nEND']]);
    expect(cancelled).toEqual([undefined, 1, 2, 3]);
    server.verify();
  });

  test('a get beyond client-output-buffer-limit ends its client before the reply is made', () => {
    const { server, client } = start();
    client.send(`set a 0 0 1000000\r\n${'x'.repeat(1_000_000)}\r\n`);
    server.engine.dispatcher.reply.bytesMax = 5_000_000;
    server.engine.outputLimit = { hardBytes: 1, softBytes: 0, softSeconds: 0 };
    expect(client.send(`get${' a'.repeat(10)}\r\n`)).toBe('');
    expect(client.socket.ended).toBe(true);
    server.verify();
  });

  test('flush_all leaves the other databases alone', () => {
    const { server, client } = start();
    server.client.connection.database = 1;
    server.run('SET', 'b', '1');
    client.send('set a 0 0 1\r\nx\r\nflush_all\r\n');
    expect(server.run('GET', 'b')).toBe(bulk('1'));
    converse(client, [['get a', 'END']]);
  });
});

describe('meta commands', () => {
  test('the first who meets a missing, expiring or stale item wins the right to recache it', () => {
    const { client } = start();
    converse(client, [
      ['mg a N30 v t', 'VA 0 t30 W\r\n'],
      ['mg a N30 v t', 'VA 0 t30 Z\r\n'],
      ['ms a 1 T10\r\nx', 'HD'],
      ['mg a R30 v', 'VA 1 W\r\nx'],
      ['mg a R30 v', 'VA 1 Z\r\nx'],
      ['md a I T60', 'HD'],
      ['mg a v t', 'VA 1 t60 X W\r\nx'],
      ['mg a v', 'VA 1 Z X\r\nx'],
      ['ms a 1\r\ny', 'HD'],
      ['mg a v', 'VA 1\r\ny'],
    ]);
  });

  test('a cas number that is too old stores a stale value with flag I, and nothing without it', () => {
    const { client } = start();
    const old = /c(\d+)/.exec(client.send('ms a 1 c\r\nx\r\n'))![1]!;
    converse(client, [
      ['ms a 1 T100\r\ny', 'HD'],
      [`ms a 1 C${old}\r\nz`, 'EX'],
      [`ms a 1 C${old} I\r\nz`, 'HD'],
      ['mg a v t', 'VA 1 t100 X W\r\nz'],
      ['ms b 1 C1\r\nz', 'NF'],
    ]);
  });

  test('flag E chooses the next cas number', () => {
    const { client } = start();
    converse(client, [
      ['ms a 1 E1000 c\r\nx', 'HD c1000'],
      ['ma n N0 E2000 c', 'HD c2000'],
      ['md a I E3000', 'HD'],
      ['mg a c', 'HD c3000 X W'],
      ['ms a 1 E9007199254740993\r\nx', 'CLIENT_ERROR bad token in command line format'],
    ]);
  });

  test('a base64 key is the bytes it stands for, spaces and zero bytes among them', () => {
    const { server, client } = start();
    const sent = Buffer.from('a \0\r\nb').toString('base64');
    converse(client, [
      [`ms ${sent} 1 b k\r\nx`, `HD k${sent} b`],
      [`mg ${sent} b k v`, `VA 1 k${sent} b\r\nx`],
      ['mg !!! b', 'CLIENT_ERROR error decoding key'],
    ]);
    expect(server.run('GET', 'a \0\r\nb')).toBe(bulk('x'));
  });

  test('an opaque token that is too long is refused', () => {
    const { client } = start();
    const error = 'CLIENT_ERROR opaque token too long';
    converse(client, [
      [`mg a O${'1'.repeat(32)}`, error],
      [`ms a 1 O${'1'.repeat(32)}\r\nx`, error],
      [`md a O${'1'.repeat(32)}`, error],
      [`ma a O${'1'.repeat(32)}`, error],
      [`mg a O${'1'.repeat(31)}`, `EN O${'1'.repeat(31)}`],
    ]);
  });
});

describe('limits', () => {
  const tooLarge = 'SERVER_ERROR object too large for cache';

  test('an item is refused where memcached refuses it, and the old one goes with set and ms', () => {
    const { server, client } = start();
    const largest = 1048576 - 48 - 8 - 2 - 1 - 2;
    const put = (head: string, byteCount: number): string =>
      client.send(`${head} ${byteCount}\r\n${'y'.repeat(byteCount)}\r\n`);
    expect(put('set aa 0 0', largest)).toBe('STORED\r\n');
    expect(put('add aa 0 0', largest + 1)).toBe(`${tooLarge}\r\n`);
    converse(client, [['mg aa s', `HD s${largest}`]]);
    expect(put('set aa 0 0', largest + 1)).toBe(`${tooLarge}\r\n`);
    converse(client, [['mg aa s', 'EN']]);
    client.send('set aa 0 0 1\r\nx\r\n');
    expect(put('set aa 1 0', largest)).toBe(`${tooLarge}\r\n`);
    expect(put('ms aa', largest + 1)).toBe(`${tooLarge}\r\n`);
    expect(client.send(`set aa 0 0 ${largest}\r\n${'y'.repeat(largest)}\r\nappend aa 0 0 1\r\nx\r\n`)).toBe(
      'STORED\r\nNOT_STORED\r\n',
    );
    server.verify();
  });

  test('memcached-item-size-max changes the limit', () => {
    const { client } = start({ settings: { 'memcached-item-size-max': '1024' } });
    converse(client, [
      [`set a 0 0 1000\r\n${'y'.repeat(1000)}`, tooLarge],
      [`set a 0 0 900\r\n${'y'.repeat(900)}`, 'STORED'],
    ]);
  });

  test('when memory is full, what would take more is refused and the rest served', () => {
    const { server, client } = start();
    client.send('set a 0 0 1\r\n1\r\n');
    server.engine.keyspace.usedBytes = () => 1e12;
    server.engine.config.assign({ maxmemory: '1000000' });
    server.engine.dispatcher.guard.isFull = true;
    server.engine.beginRead = () => server.engine.dispatcher.beginRead();
    converse(client, [
      ['get a', 'VALUE a 0 1\r\n1\r\nEND'],
      ['incr a 1', '2'],
      ['mg b N30', 'SERVER_ERROR out of memory'],
      ['add b 0 0 1\r\nx', 'SERVER_ERROR out of memory storing object'],
      ['set a 0 0 1\r\nx', 'SERVER_ERROR out of memory storing object'],
      ['get a', 'END'],
    ]);
  });

  test('a line that does not end is cut off, unless it is a get', () => {
    const { client } = start();
    client.send('m'.repeat(3000));
    expect(client.connection.pendingBytes).toBe(0);
    const { client: reader } = start();
    let line = `get ${'a '.repeat(200_000)}\r\n`;
    for (; line.length > 60_000; line = line.slice(60_000))
      expect(reader.send(line.slice(0, 60_000))).toBe('');
    expect(reader.send(line)).toBe('END\r\n');
  });

  test('a get whose values are too much for one reply is refused', () => {
    const { client } = start();
    client.send(`set a 0 0 1000000\r\n${'y'.repeat(1_000_000)}\r\n`);
    expect(client.send(`get${' a'.repeat(300)}\r\n`)).toBe(
      'SERVER_ERROR out of memory writing get response\r\n',
    );
  });

  test('an announced value takes no memory until it comes', () => {
    const { server, client } = start({ settings: { 'memcached-item-size-max': '1gb' } });
    expect(client.send('set a 0 0 500000000\r\nabc')).toBe('');
    expect(client.connection.pendingBytes).toBeLessThan(100);
    server.verify();
  });
});

describe('the connection', () => {
  test('with a password set nothing is answered until a set brings it', () => {
    const { client } = start({ settings: { requirepass: 'secret' } });
    converse(client, [
      ['get a', 'CLIENT_ERROR unauthenticated'],
      ['set a 0 0 13\r\ndefault wrong', 'CLIENT_ERROR authentication failure'],
      ['set a 0 0 7\r\nnothing', 'CLIENT_ERROR bad authentication token format'],
    ]);
    expect(client.send('set a 0 0 14\r\ndefault ')).toBe('');
    expect(client.send('secret\r\nget a\r\n')).toBe('STORED\r\nEND\r\n');
  });

  test('quit closes it and what stands behind is not run', async () => {
    const { server, client } = start();
    expect(client.send('version\r\nquit\r\nset a 0 0 1\r\nx\r\n')).toBe('VERSION 1.6.18\r\n');
    await Promise.resolve();
    expect(client.socket.ended).toBe(true);
    expect(server.run('GET', 'a')).toBe('$-1\r\n');
  });

  test('stats count, and stats reset sets them to zero while later input waits', async () => {
    const { client } = start();
    const stat = (name: string): string =>
      new RegExp(`STAT ${name} (\\S+)\r`).exec(client.send('stats\r\n'))?.[1] ?? 'none';
    client.send('set a 0 0 1\r\nx\r\nget a b\r\nincr a 1\r\ntouch a 0\r\n');
    expect([stat('cmd_get'), stat('get_hits'), stat('get_misses'), stat('cmd_set')]).toEqual([
      '2',
      '1',
      '1',
      '1',
    ]);
    expect([stat('curr_items'), stat('touch_hits'), stat('threads')]).toEqual(['1', '1', '1']);
    expect(client.send('stats reset\r\nversion\r\n')).toBe('');
    await Bun.sleep(0);
    expect(client.socket.output).toBe('RESET\r\nVERSION 1.6.18\r\n');
    expect([stat('cmd_get'), stat('curr_items')]).toEqual(['0', '1']);
  });

  test.each(['settings', 'items', 'slabs', 'sizes', 'conns'])('stats %s ends with END', (topic) => {
    const { client } = start();
    client.send('set a 0 0 1\r\nx\r\n');
    expect(client.send(`stats ${topic}\r\n`)).toMatch(/^(STAT \S+ .*\r\n)*END\r\n$/);
  });

  test('CLIENT PAUSE holds it back', () => {
    const { server, client } = start();
    server.engine.clientPause.extend(Date.now() + 60_000, false);
    expect(client.send('get a\r\nset a 0 0 1\r\nx\r\n')).toBe('END\r\n');
    server.engine.clientPause.end();
    expect(client.socket.output).toBe('END\r\nSTORED\r\n');
  });
});
