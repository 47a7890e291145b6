/** MULTI, EXEC, DISCARD, WATCH and UNWATCH on one worker. */
import { describe, expect, test } from 'bun:test';
import { NO_JOURNAL } from '../../src/server/journal/journal.ts';
import { TestServer } from '../support/test-server.ts';

const QUEUED = '+QUEUED\r\n';
const OK = '+OK\r\n';
const ABORTED = '-EXECABORT Transaction discarded because of previous errors.\r\n';

describe('a transaction', () => {
  test('runs what was queued, in order, and replies to all of it', () => {
    const server = new TestServer();
    expect(server.run('MULTI')).toBe(OK);
    for (const command of [
      ['SET', 'a', '1'],
      ['INCR', 'a'],
      ['LPUSH', 'l', 'x'],
      ['GET', 'a'],
      ['MGET', 'a', 'b'],
    ]) {
      expect(server.run(...command)).toBe(QUEUED);
    }
    expect(server.connect().run('EXISTS', 'a', 'l')).toBe(':0\r\n');
    expect(server.run('EXEC')).toBe('*5\r\n+OK\r\n:2\r\n:1\r\n$1\r\n2\r\n*2\r\n$1\r\n2\r\n$-1\r\n');
    expect(server.run('EXEC')).toBe('-ERR EXEC without MULTI\r\n');
    server.verify();
  });

  test('without commands replies with an empty array', () => {
    const server = new TestServer();
    server.run('MULTI');
    expect(server.run('EXEC')).toBe('*0\r\n');
  });

  test('goes on after an error of a command that runs, and is given up for one that cannot be queued', () => {
    const server = new TestServer();
    server.run('MULTI');
    server.run('SET', 'a', 'x');
    server.run('LPUSH', 'a', '1');
    server.run('SET', 'b', 'y');
    expect(server.run('EXEC')).toBe(
      '*3\r\n+OK\r\n-WRONGTYPE Operation against a key holding the wrong kind of value\r\n+OK\r\n',
    );
    for (const bad of [['GET'], ['NOSUCH', 'x'], ['CONFIG', 'NOSUCH']]) {
      server.run('MULTI');
      expect(server.run('SET', 'c', 'z')).toBe(QUEUED);
      expect(server.run(...bad)).toStartWith('-ERR ');
      expect(server.run('EXEC')).toBe(ABORTED);
      expect(server.run('EXISTS', 'c')).toBe(':0\r\n');
    }
  });

  test('is not nested, and does not watch; neither ends it', () => {
    const server = new TestServer();
    server.run('MULTI');
    expect(server.run('MULTI')).toBe('-ERR MULTI calls can not be nested\r\n');
    expect(server.run('WATCH', 'a')).toBe('-ERR WATCH inside MULTI is not allowed\r\n');
    server.run('SET', 'a', '1');
    expect(server.run('EXEC')).toBe('*1\r\n+OK\r\n');
    expect(server.run('DISCARD')).toBe('-ERR DISCARD without MULTI\r\n');
    server.run('MULTI');
    server.run('SET', 'a', '2');
    expect(server.run('DISCARD')).toBe(OK);
    expect(server.run('GET', 'a')).toBe('$1\r\n1\r\n');
  });

  test('chooses databases, swaps and flushes them, and walks keys', () => {
    const server = new TestServer();
    server.run('MULTI');
    for (const command of [
      ['SET', 'a', '0'],
      ['SELECT', '1'],
      ['SET', 'a', '1'],
      ['SWAPDB', '0', '1'],
      ['GET', 'a'],
      ['KEYS', '*'],
      ['DBSIZE'],
      ['FLUSHDB'],
      ['RANDOMKEY'],
      ['SELECT', '0'],
      ['GET', 'a'],
    ]) {
      expect(server.run(...command)).toBe(QUEUED);
    }
    expect(server.run('EXEC')).toBe(
      '*11\r\n+OK\r\n+OK\r\n+OK\r\n+OK\r\n$1\r\n0\r\n*1\r\n$1\r\na\r\n:1\r\n+OK\r\n$-1\r\n+OK\r\n$1\r\n1\r\n',
    );
    server.verify();
  });

  test('does not wait for data', () => {
    const server = new TestServer();
    server.run('MULTI');
    server.run('BLPOP', 'nothing', '0');
    server.run('SET', 'a', '1');
    expect(server.run('EXEC')).toBe('*2\r\n*-1\r\n+OK\r\n');
  });

  test('gives to those who wait once it is over', async () => {
    const server = new TestServer();
    const waiting = server.connect();
    expect(waiting.run('BLPOP', 'l', 0)).toBe('');
    server.run('MULTI');
    server.run('RPUSH', 'l', 'x');
    server.run('LPOP', 'l');
    server.run('RPUSH', 'l', 'y', 'z');
    server.run('LLEN', 'l');
    expect(server.run('EXEC')).toBe('*4\r\n:1\r\n$1\r\nx\r\n:2\r\n:2\r\n');
    await Bun.sleep(0);
    expect(waiting.socket.output).toBe('*2\r\n$1\r\nl\r\n$1\r\ny\r\n');
    expect(server.run('LLEN', 'l')).toBe(':1\r\n');
    server.verify();
  });

  test('replies in order also where a command needs other threads', async () => {
    const server = new TestServer();
    server.run('MULTI');
    server.run('SET', 'a', '1');
    server.run('CLIENT', 'LIST');
    server.run('GET', 'a');
    server.run('CLIENT', 'LIST');
    server.run('EXEC');
    await Bun.sleep(5);
    expect(server.client.socket.output).toMatch(
      /^\*4\r\n\+OK\r\n\$\d+\r\nid=.*\r\n\$1\r\n1\r\n\$\d+\r\nid=.*\r\n$/s,
    );
    expect(server.run('PING')).toBe('+PONG\r\n');
  });

  test('is one group of the journal', () => {
    const server = new TestServer();
    const told: string[] = [];
    server.engine.dispatcher.journal = {
      ...NO_JOURNAL,
      append: (call) => told.push(call.row.name),
      beginGroup: () => told.push('('),
      endGroup: () => told.push(')'),
    };
    server.run('MULTI');
    server.run('SET', 'a', '1');
    server.run('GET', 'a');
    server.run('INCR', 'a');
    server.run('EXEC');
    expect(told.join(' ')).toBe('( SET INCR )');
  });

  test('that grows beyond the limit of input ends its client', async () => {
    const server = new TestServer({ settings: { 'client-query-buffer-limit': '2mb' } });
    server.run('MULTI');
    for (let i = 0; i < 40; i++) server.run('SET', 'a', 'x'.repeat(100_000));
    await Bun.sleep(1);
    expect(server.client.connection.closed).toBe(true);
  });
});

describe('a watched key', () => {
  const changes: [name: string, change: (server: TestServer) => void][] = [
    ['set', (server) => server.connect().run('SET', 'k', '2')],
    ['set by the same client', (server) => server.run('SET', 'k', '2')],
    ['deleted', (server) => server.connect().run('DEL', 'k')],
    ['renamed', (server) => server.connect().run('RENAME', 'k', 'other')],
    ['given an expiry', (server) => server.connect().run('EXPIRE', 'k', '100')],
    ['flushed', (server) => server.connect().run('FLUSHALL')],
    ['flushed with its database', (server) => server.connect().run('FLUSHDB')],
    ['swapped away', (server) => server.connect().run('SWAPDB', '0', '1')],
    ['written by memcached', (server) => server.connectMemcached().send('set k 0 0 1\r\nx\r\n')],
  ];

  test.each(changes)('that is %s makes EXEC do nothing', (_name, change) => {
    const server = new TestServer();
    server.run('SET', 'k', '1');
    expect(server.run('WATCH', 'k', 'k', 'missing')).toBe(OK);
    change(server);
    server.run('MULTI');
    server.run('SET', 'done', '1');
    expect(server.run('EXEC')).toBe('*-1\r\n');
    expect(server.run('EXISTS', 'done')).toBe(':0\r\n');
    // It is watched no more.
    server.run('MULTI');
    server.run('SET', 'done', '1');
    expect(server.run('EXEC')).toBe('*1\r\n+OK\r\n');
    server.verify();
  });

  test('that is missing and not touched by a flush or a swap does not hold EXEC up', () => {
    const server = new TestServer();
    for (const harmless of [['FLUSHALL'], ['FLUSHDB'], ['SWAPDB', '0', '1'], ['GET', 'k'], ['DEL', 'k']]) {
      server.run('WATCH', 'k');
      server.connect().run(...harmless);
      server.run('MULTI');
      server.run('PING');
      expect(server.run('EXEC')).toBe('*1\r\n+PONG\r\n');
    }
    server.verify();
  });

  test('that is set with a time already past makes EXEC do nothing, though there is nothing before or after', () => {
    const server = new TestServer();
    server.run('WATCH', 'k');
    server.connect().run('SET', 'k', 'v', 'PXAT', '1');
    server.run('MULTI');
    expect(server.run('EXEC')).toBe('*-1\r\n');
  });

  test('is watched in its logical database, whatever that is called', () => {
    const server = new TestServer();
    server.run('WATCH', 'k');
    server.connect().run('SWAPDB', '0', '1');
    const other = server.connect();
    other.run('SELECT', '1');
    other.run('SET', 'k', 'elsewhere');
    server.run('MULTI');
    expect(server.run('EXEC')).toBe('*0\r\n');
    server.run('WATCH', 'k');
    server.connect().run('SET', 'k', 'here');
    server.run('MULTI');
    expect(server.run('EXEC')).toBe('*-1\r\n');
    server.verify();
  });

  test('may change after UNWATCH, DISCARD, and when its client is gone', () => {
    const server = new TestServer();
    for (const end of ['UNWATCH', 'DISCARD']) {
      server.run('WATCH', 'k');
      if (end === 'DISCARD') server.run('MULTI');
      server.run(end);
      server.run('SET', 'k', '1');
      server.run('MULTI');
      expect(server.run('EXEC')).toBe('*0\r\n');
    }
    const leaving = server.connect();
    leaving.run('WATCH', 'k', 'j');
    leaving.connection.close();
    server.verify();
    expect(server.engine.transactions.verify()).toBe(0);
  });

  test('that expires between WATCH and EXEC makes EXEC do nothing; one that had expired does not', async () => {
    const server = new TestServer();
    server.run('SET', 'k', '1', 'PX', '20');
    server.run('WATCH', 'k');
    await Bun.sleep(30);
    server.run('MULTI');
    expect(server.run('EXEC')).toBe('*-1\r\n');
    server.run('SET', 'k', '1', 'PX', '5');
    await Bun.sleep(10);
    server.run('WATCH', 'k');
    server.run('MULTI');
    expect(server.run('EXEC')).toBe('*0\r\n');
  });

  test('RESP3: what was given up is null', () => {
    const server = new TestServer();
    server.run('HELLO', '3');
    server.run('WATCH', 'k');
    server.connect().run('SET', 'k', '1');
    server.run('MULTI');
    expect(server.run('EXEC')).toBe('_\r\n');
  });
});
